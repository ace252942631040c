-- What the installation remembers about itself: the demo's mark, the clock's offset.
CREATE TABLE settings (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE people (
  id TEXT PRIMARY KEY,
  source TEXT NOT NULL,
  external_id TEXT NOT NULL,
  name TEXT NOT NULL,
  mail TEXT,
  title TEXT,
  department TEXT,
  kind TEXT NOT NULL CHECK (kind IN ('member', 'guest')),
  manager_id TEXT REFERENCES people (id),
  manager_written TEXT,
  attributes TEXT NOT NULL,
  administrator BOOLEAN NOT NULL,
  auditor BOOLEAN NOT NULL,
  enabled BOOLEAN NOT NULL,
  left_at TEXT,
  issuer TEXT,
  subject TEXT,
  search TEXT NOT NULL,
  rev BIGINT NOT NULL,
  created_at TEXT NOT NULL
);
CREATE UNIQUE INDEX people_source ON people (source, external_id);
CREATE INDEX people_external_id ON people (external_id);
CREATE UNIQUE INDEX people_pinned ON people (issuer, subject) WHERE issuer IS NOT NULL;
CREATE INDEX people_mail ON people (mail);
CREATE INDEX people_manager ON people (manager_id);
CREATE INDEX people_administrator ON people (id) WHERE administrator;

CREATE TABLE groups (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  rev BIGINT NOT NULL,
  created_at TEXT NOT NULL
);
CREATE UNIQUE INDEX groups_name ON groups (name_key);

CREATE TABLE group_members (
  group_id TEXT NOT NULL REFERENCES groups (id),
  person_id TEXT NOT NULL REFERENCES people (id),
  PRIMARY KEY (group_id, person_id)
);
CREATE INDEX group_members_person ON group_members (person_id);

CREATE TABLE catalogs (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  description TEXT NOT NULL,
  enabled BOOLEAN NOT NULL,
  listed_for_everyone BOOLEAN NOT NULL,
  rev BIGINT NOT NULL,
  created_at TEXT NOT NULL
);
CREATE UNIQUE INDEX catalogs_name ON catalogs (name_key);

-- Delegated roles in a catalog, held by a person or by a group.
CREATE TABLE role_grants (
  id TEXT PRIMARY KEY,
  catalog_id TEXT NOT NULL REFERENCES catalogs (id),
  role TEXT NOT NULL CHECK (role IN ('owner')),
  person_id TEXT REFERENCES people (id),
  group_id TEXT REFERENCES groups (id),
  created_at TEXT NOT NULL,
  CHECK ((person_id IS NULL) <> (group_id IS NULL))
);
CREATE UNIQUE INDEX role_grants_person ON role_grants (person_id, catalog_id, role) WHERE person_id IS NOT NULL;
CREATE UNIQUE INDEX role_grants_group ON role_grants (group_id, catalog_id, role) WHERE group_id IS NOT NULL;
CREATE INDEX role_grants_catalog ON role_grants (catalog_id);

CREATE TABLE resources (
  id TEXT PRIMARY KEY,
  catalog_id TEXT NOT NULL REFERENCES catalogs (id),
  target TEXT NOT NULL,
  address TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  managed_here BOOLEAN NOT NULL,
  rev BIGINT NOT NULL,
  created_at TEXT NOT NULL
);
CREATE UNIQUE INDEX resources_address ON resources (target, address);
CREATE INDEX resources_catalog ON resources (catalog_id);

CREATE TABLE resource_roles (
  id TEXT PRIMARY KEY,
  resource_id TEXT NOT NULL REFERENCES resources (id),
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  risk TEXT NOT NULL CHECK (risk IN ('ordinary', 'high')),
  created_at TEXT NOT NULL
);
CREATE UNIQUE INDEX resource_roles_value ON resource_roles (resource_id, value);

CREATE TABLE packages (
  id TEXT PRIMARY KEY,
  catalog_id TEXT NOT NULL REFERENCES catalogs (id),
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  description TEXT NOT NULL,
  hidden BOOLEAN NOT NULL,
  contents_version BIGINT NOT NULL,
  search TEXT NOT NULL,
  rev BIGINT NOT NULL,
  created_at TEXT NOT NULL
);
CREATE UNIQUE INDEX packages_name ON packages (catalog_id, name_key);
CREATE INDEX packages_order ON packages (name_key, id);

CREATE TABLE package_roles (
  package_id TEXT NOT NULL REFERENCES packages (id),
  role_id TEXT NOT NULL REFERENCES resource_roles (id),
  PRIMARY KEY (package_id, role_id)
);
CREATE INDEX package_roles_role ON package_roles (role_id);

CREATE TABLE policies (
  id TEXT PRIMARY KEY,
  package_id TEXT NOT NULL REFERENCES packages (id),
  name TEXT NOT NULL,
  version BIGINT NOT NULL,
  enabled BOOLEAN NOT NULL,
  terms TEXT NOT NULL,
  rev BIGINT NOT NULL,
  created_at TEXT NOT NULL
);
CREATE INDEX policies_package ON policies (package_id);

-- Every version that a policy ever had; the current one included.
CREATE TABLE policy_versions (
  policy_id TEXT NOT NULL REFERENCES policies (id),
  version BIGINT NOT NULL,
  name TEXT NOT NULL,
  terms TEXT NOT NULL,
  made_at TEXT NOT NULL,
  made_by TEXT NOT NULL,
  PRIMARY KEY (policy_id, version)
);

-- Who may request, as rows, so that lists can be asked of the database.
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

CREATE TABLE requests (
  id TEXT PRIMARY KEY,
  reference TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('add')),
  package_id TEXT NOT NULL REFERENCES packages (id),
  policy_id TEXT NOT NULL REFERENCES policies (id),
  policy_version BIGINT NOT NULL,
  terms TEXT NOT NULL,
  contents_version BIGINT NOT NULL,
  requestor_id TEXT NOT NULL REFERENCES people (id),
  target_id TEXT NOT NULL REFERENCES people (id),
  reason TEXT NOT NULL,
  starts_at TEXT,
  ends_at TEXT,
  state TEXT NOT NULL,
  stage BIGINT NOT NULL,
  due_at TEXT,
  previous_id TEXT REFERENCES requests (id),
  created_at TEXT NOT NULL,
  decided_at TEXT,
  ended_at TEXT,
  rev BIGINT NOT NULL
);
CREATE UNIQUE INDEX requests_reference ON requests (reference);
CREATE UNIQUE INDEX requests_open ON requests (target_id, package_id) WHERE ended_at IS NULL;
CREATE INDEX requests_target ON requests (target_id, created_at, id);
CREATE INDEX requests_requestor ON requests (requestor_id, created_at, id);
CREATE INDEX requests_package ON requests (package_id, created_at, id);
CREATE INDEX requests_due ON requests (due_at, id) WHERE due_at IS NOT NULL;

CREATE TABLE request_stages (
  id TEXT PRIMARY KEY,
  request_id TEXT NOT NULL REFERENCES requests (id),
  number BIGINT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'approved', 'denied', 'expired', 'closed')),
  opened_at TEXT NOT NULL,
  due_at TEXT NOT NULL,
  decided_by TEXT REFERENCES people (id),
  decided_at TEXT,
  note TEXT,
  rev BIGINT NOT NULL
);
CREATE UNIQUE INDEX request_stages_number ON request_stages (request_id, number);

-- Who may decide a stage. The queue of an approver is read from here.
CREATE TABLE stage_approvers (
  stage_id TEXT NOT NULL REFERENCES request_stages (id),
  person_id TEXT NOT NULL REFERENCES people (id),
  request_id TEXT NOT NULL REFERENCES requests (id),
  via TEXT NOT NULL,
  opened_at TEXT NOT NULL,
  waiting BOOLEAN NOT NULL,
  removed BOOLEAN NOT NULL,
  PRIMARY KEY (stage_id, person_id)
);
CREATE INDEX stage_approvers_queue ON stage_approvers (person_id, waiting, opened_at, stage_id);
CREATE INDEX stage_approvers_request ON stage_approvers (request_id);

CREATE TABLE assignments (
  id TEXT PRIMARY KEY,
  request_id TEXT REFERENCES requests (id),
  package_id TEXT NOT NULL REFERENCES packages (id),
  policy_id TEXT NOT NULL REFERENCES policies (id),
  target_id TEXT NOT NULL REFERENCES people (id),
  starts_at TEXT NOT NULL,
  started_at TEXT,
  ends_at TEXT,
  ended_at TEXT,
  end_reason TEXT,
  rev BIGINT NOT NULL,
  created_at TEXT NOT NULL
);
CREATE UNIQUE INDEX assignments_active ON assignments (target_id, package_id) WHERE ended_at IS NULL;
CREATE INDEX assignments_target ON assignments (target_id, created_at, id);
CREATE INDEX assignments_package ON assignments (package_id, created_at, id);
CREATE INDEX assignments_ends ON assignments (ends_at, id) WHERE ended_at IS NULL AND ends_at IS NOT NULL;
CREATE INDEX assignments_starts ON assignments (starts_at, id) WHERE started_at IS NULL AND ended_at IS NULL;
CREATE INDEX assignments_request ON assignments (request_id);

-- One resource role held by one person: what is wanted, and what the target has confirmed.
CREATE TABLE rights (
  id TEXT PRIMARY KEY,
  person_id TEXT NOT NULL REFERENCES people (id),
  role_id TEXT NOT NULL REFERENCES resource_roles (id),
  wanted BOOLEAN NOT NULL,
  state TEXT NOT NULL,
  held_before BOOLEAN,
  generation BIGINT NOT NULL,
  asked_at TEXT NOT NULL,
  confirmed_at TEXT,
  attempts BIGINT NOT NULL,
  next_at TEXT,
  trouble TEXT,
  trouble_code TEXT,
  overdue_told BOOLEAN NOT NULL,
  lease_until TEXT,
  fence BIGINT NOT NULL
);
CREATE UNIQUE INDEX rights_person ON rights (person_id, role_id);
CREATE INDEX rights_due ON rights (next_at, id) WHERE next_at IS NOT NULL;
CREATE INDEX rights_role ON rights (role_id);

-- Which assignments give a right: it goes when the last of them has ended.
CREATE TABLE assignment_rights (
  assignment_id TEXT NOT NULL REFERENCES assignments (id),
  right_id TEXT NOT NULL REFERENCES rights (id),
  PRIMARY KEY (assignment_id, right_id)
);
CREATE INDEX assignment_rights_right ON assignment_rights (right_id);

-- What happened: the audit trail, every history, and the outbox at once.
-- Names and free text stand in columns of their own; seq is for sealing later.
CREATE TABLE facts (
  id TEXT PRIMARY KEY,
  seq BIGINT,
  at TEXT NOT NULL,
  due_at TEXT,
  kind TEXT NOT NULL,
  family TEXT NOT NULL,
  failed BOOLEAN NOT NULL,
  actor_id TEXT,
  actor_name TEXT NOT NULL,
  person_id TEXT,
  person_name TEXT,
  package_id TEXT,
  package_name TEXT,
  catalog_id TEXT,
  catalog_name TEXT,
  request_id TEXT,
  reference TEXT,
  assignment_id TEXT,
  resource_name TEXT,
  note TEXT,
  data TEXT NOT NULL,
  search TEXT NOT NULL,
  dispatched_at TEXT
);
CREATE INDEX facts_at ON facts (at, id);
CREATE INDEX facts_family ON facts (family, at, id);
CREATE INDEX facts_request ON facts (request_id, at, id) WHERE request_id IS NOT NULL;
CREATE INDEX facts_person ON facts (person_id, at, id) WHERE person_id IS NOT NULL;
CREATE INDEX facts_package ON facts (package_id, at, id) WHERE package_id IS NOT NULL;
CREATE INDEX facts_catalog ON facts (catalog_id, at, id) WHERE catalog_id IS NOT NULL;
CREATE INDEX facts_undispatched ON facts (id) WHERE dispatched_at IS NULL;

-- One fact told to one person over one channel.
CREATE TABLE notices (
  id TEXT PRIMARY KEY,
  fact_id TEXT NOT NULL REFERENCES facts (id),
  channel TEXT NOT NULL,
  person_id TEXT NOT NULL REFERENCES people (id),
  sentence TEXT NOT NULL,
  link TEXT NOT NULL,
  at TEXT NOT NULL
);
CREATE UNIQUE INDEX notices_once ON notices (fact_id, channel, person_id);
CREATE INDEX notices_person ON notices (person_id, at, id);
CREATE INDEX notices_at ON notices (at, id);

-- Only the SHA-256 of a session's key is kept. An ended session stays for an hour with at most one draft.
CREATE TABLE sessions (
  key_hash TEXT PRIMARY KEY,
  person_id TEXT REFERENCES people (id),
  state TEXT NOT NULL,
  csrf TEXT,
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  ended_at TEXT,
  draft_path TEXT,
  draft TEXT
);
CREATE INDEX sessions_person ON sessions (person_id);
CREATE INDEX sessions_expires ON sessions (expires_at);

-- Work that one replica does at a time.
CREATE TABLE leases (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  until TEXT NOT NULL,
  fence BIGINT NOT NULL
);
