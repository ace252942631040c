-- Policies at full depth: more scopes, who may ask, votes, alternates, reminders, questions, extensions, stops.
ALTER TABLE catalogs ADD COLUMN for_guests BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE resources ADD COLUMN attributes TEXT NOT NULL DEFAULT '[]';

ALTER TABLE policies ADD COLUMN asks_own BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE policies ADD COLUMN asks_manager BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE policies ADD COLUMN deleted_at TIMESTAMPTZ;

CREATE TABLE scopes_before (
  id UUID NOT NULL,
  policy_id UUID NOT NULL,
  package_id UUID NOT NULL,
  kind TEXT NOT NULL,
  person_id UUID,
  group_id UUID
);
INSERT INTO scopes_before SELECT id, policy_id, package_id, kind, person_id, group_id FROM policy_scopes;
DROP TABLE policy_scopes;
CREATE TABLE policy_scopes (
  id UUID PRIMARY KEY,
  policy_id UUID NOT NULL REFERENCES policies (id),
  package_id UUID NOT NULL REFERENCES packages (id),
  kind TEXT NOT NULL CHECK (kind IN ('all_members', 'all_users', 'all_organizations', 'person', 'group', 'organization')),
  person_id UUID REFERENCES people (id),
  group_id UUID REFERENCES groups (id),
  organization_id UUID REFERENCES connected_organizations (id)
);
CREATE INDEX policy_scopes_package ON policy_scopes (package_id);
CREATE INDEX policy_scopes_policy ON policy_scopes (policy_id);
INSERT INTO policy_scopes (id, policy_id, package_id, kind, person_id, group_id)
  SELECT id, policy_id, package_id, kind, person_id, group_id FROM scopes_before;
DROP TABLE scopes_before;

-- Adding, assigning directly, extending, giving back and taking again are requests.
ALTER TABLE requests DROP COLUMN kind;
ALTER TABLE requests ADD COLUMN kind TEXT NOT NULL DEFAULT 'add' CHECK (kind IN ('add', 'assign', 'extend', 'give_back', 'take_again'));
ALTER TABLE requests ADD COLUMN answers TEXT NOT NULL DEFAULT '[]';
-- What is extended, given back or taken again.
ALTER TABLE requests ADD COLUMN assignment_id UUID REFERENCES assignments (id);
-- Requests that were sent together.
ALTER TABLE requests ADD COLUMN basket_id UUID;
-- Since when it waits because something was stopped; its clocks stand still.
ALTER TABLE requests ADD COLUMN held_at TIMESTAMPTZ;
ALTER TABLE requests ADD COLUMN reminded_at TIMESTAMPTZ;
CREATE INDEX requests_policy ON requests (policy_id) WHERE ended_at IS NULL;
CREATE INDEX requests_basket ON requests (basket_id) WHERE basket_id IS NOT NULL;
CREATE INDEX requests_decided ON requests (package_id, decided_at) WHERE decided_at IS NOT NULL;
CREATE INDEX assignments_policy ON assignments (policy_id) WHERE ended_at IS NULL;

ALTER TABLE request_stages ADD COLUMN rule TEXT NOT NULL DEFAULT 'any' CHECK (rule IN ('any', 'some', 'everyone'));
ALTER TABLE request_stages ADD COLUMN needed BIGINT NOT NULL DEFAULT 1;
ALTER TABLE request_stages ADD COLUMN alternates_at TIMESTAMPTZ;
ALTER TABLE request_stages ADD COLUMN remind_at TIMESTAMPTZ;
CREATE INDEX request_stages_alternates ON request_stages (alternates_at, id) WHERE alternates_at IS NOT NULL;
CREATE INDEX request_stages_remind ON request_stages (remind_at, id) WHERE remind_at IS NOT NULL;

-- A vote is one person's on one stage; group_id says through which group they are asked.
ALTER TABLE stage_approvers ADD COLUMN group_id UUID REFERENCES groups (id);
ALTER TABLE stage_approvers ADD COLUMN vote TEXT CHECK (vote IN ('approve', 'deny'));
ALTER TABLE stage_approvers ADD COLUMN voted_at TIMESTAMPTZ;
ALTER TABLE stage_approvers ADD COLUMN note TEXT;
CREATE INDEX stage_approvers_voted ON stage_approvers (person_id, voted_at, stage_id) WHERE vote IS NOT NULL;
CREATE INDEX stage_approvers_group ON stage_approvers (group_id) WHERE waiting;
UPDATE stage_approvers SET vote = (SELECT CASE s.state WHEN 'approved' THEN 'approve' ELSE 'deny' END FROM request_stages s WHERE s.id = stage_approvers.stage_id),
  voted_at = (SELECT s.decided_at FROM request_stages s WHERE s.id = stage_approvers.stage_id),
  note = (SELECT s.note FROM request_stages s WHERE s.id = stage_approvers.stage_id)
  WHERE EXISTS (SELECT 1 FROM request_stages s WHERE s.id = stage_approvers.stage_id AND s.decided_by = stage_approvers.person_id AND s.state IN ('approved', 'denied'));

-- The answers that resources ask for are kept with the access; warn_at is when its end is announced next.
ALTER TABLE assignments ADD COLUMN attributes TEXT NOT NULL DEFAULT '[]';
ALTER TABLE assignments ADD COLUMN warn_at TIMESTAMPTZ;
CREATE INDEX assignments_warn ON assignments (warn_at, id) WHERE warn_at IS NOT NULL;
UPDATE assignments SET warn_at = created_at WHERE ended_at IS NULL AND started_at IS NOT NULL AND ends_at IS NOT NULL;

-- What was stopped at once, and why; a row goes when it is let on.
CREATE TABLE stops (
  id UUID PRIMARY KEY,
  catalog_id UUID REFERENCES catalogs (id),
  package_id UUID REFERENCES packages (id),
  policy_id UUID REFERENCES policies (id),
  reason TEXT NOT NULL,
  stopped_by TEXT NOT NULL,
  stopped_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX stops_catalog ON stops (catalog_id) WHERE catalog_id IS NOT NULL;
CREATE UNIQUE INDEX stops_package ON stops (package_id) WHERE package_id IS NOT NULL;
CREATE UNIQUE INDEX stops_policy ON stops (policy_id) WHERE policy_id IS NOT NULL;

-- What somebody has filled in and not sent yet; those in the basket are sent together.
CREATE TABLE request_drafts (
  person_id UUID NOT NULL REFERENCES people (id),
  target_id UUID NOT NULL REFERENCES people (id),
  package_id UUID NOT NULL REFERENCES packages (id),
  form TEXT NOT NULL,
  in_basket BOOLEAN NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (person_id, target_id, package_id)
);
CREATE INDEX people_name ON people (name, id);
