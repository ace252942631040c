DROP INDEX people_name;
DROP TABLE request_drafts;
DROP TABLE stops;
DROP INDEX assignments_warn;
ALTER TABLE assignments DROP COLUMN warn_at;
ALTER TABLE assignments DROP COLUMN attributes;
DROP INDEX stage_approvers_group;
DROP INDEX stage_approvers_voted;
ALTER TABLE stage_approvers DROP COLUMN note;
ALTER TABLE stage_approvers DROP COLUMN voted_at;
ALTER TABLE stage_approvers DROP COLUMN vote;
ALTER TABLE stage_approvers DROP COLUMN group_id;
DROP INDEX request_stages_remind;
DROP INDEX request_stages_alternates;
ALTER TABLE request_stages DROP COLUMN remind_at;
ALTER TABLE request_stages DROP COLUMN alternates_at;
ALTER TABLE request_stages DROP COLUMN needed;
ALTER TABLE request_stages DROP COLUMN rule;
DROP INDEX assignments_policy;
DROP INDEX requests_decided;
DROP INDEX requests_basket;
DROP INDEX requests_policy;
ALTER TABLE requests DROP COLUMN reminded_at;
ALTER TABLE requests DROP COLUMN held_at;
ALTER TABLE requests DROP COLUMN basket_id;
ALTER TABLE requests DROP COLUMN assignment_id;
ALTER TABLE requests DROP COLUMN answers;
ALTER TABLE requests DROP COLUMN kind;
ALTER TABLE requests ADD COLUMN kind TEXT NOT NULL DEFAULT 'add' CHECK (kind IN ('add'));
DROP TABLE policy_scopes;
CREATE TABLE policy_scopes (
  id TEXT PRIMARY KEY,
  policy_id TEXT NOT NULL REFERENCES policies (id),
  package_id TEXT NOT NULL REFERENCES packages (id),
  kind TEXT NOT NULL CHECK (kind IN ('all_members', 'person', 'group')),
  person_id TEXT REFERENCES people (id),
  group_id TEXT REFERENCES groups (id)
);
CREATE INDEX policy_scopes_package ON policy_scopes (package_id);
CREATE INDEX policy_scopes_policy ON policy_scopes (policy_id);
ALTER TABLE policies DROP COLUMN deleted_at;
ALTER TABLE policies DROP COLUMN asks_manager;
ALTER TABLE policies DROP COLUMN asks_own;
ALTER TABLE resources DROP COLUMN attributes;
ALTER TABLE catalogs DROP COLUMN for_guests;
