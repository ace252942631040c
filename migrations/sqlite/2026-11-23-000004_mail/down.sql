DROP TABLE mails;
DROP INDEX notices_unread;
ALTER TABLE notices DROP COLUMN read_at;
ALTER TABLE notices DROP COLUMN reader;
