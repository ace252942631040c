-- As whom the person is told, and when they said that they have read it.
ALTER TABLE notices ADD COLUMN reader TEXT NOT NULL DEFAULT 'owner';
ALTER TABLE notices ADD COLUMN read_at TIMESTAMPTZ;
UPDATE notices SET read_at = at;
UPDATE notices SET reader = 'decider' WHERE link LIKE '/approvals/%';
UPDATE notices SET reader = 'asker' WHERE link LIKE '/requests/%';
UPDATE notices SET reader = 'person' WHERE link = '/access';
CREATE INDEX notices_unread ON notices (person_id) WHERE read_at IS NULL;

-- One notice's way out by mail, by wall time. While a try is under way, next_at is the end of its claim;
-- fence says whose claim it is.
CREATE TABLE mails (
  notice_id UUID PRIMARY KEY REFERENCES notices (id),
  state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'failed', 'dropped')),
  attempts BIGINT NOT NULL,
  since TIMESTAMPTZ NOT NULL,
  next_at TIMESTAMPTZ NOT NULL,
  fence BIGINT NOT NULL,
  trouble TEXT,
  sent_at TIMESTAMPTZ
);
CREATE INDEX mails_due ON mails (next_at) WHERE state = 'waiting';
CREATE INDEX mails_open ON mails (since, notice_id) WHERE state IN ('waiting', 'failed');
