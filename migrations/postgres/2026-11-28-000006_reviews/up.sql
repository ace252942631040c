-- Access reviews: who confirms which access, how often, and what became of it.

-- What is reviewed and by whom; each run of it is an instance. With a catalog its owners look after it, without one
-- administrators do.
CREATE TABLE reviews (
  id UUID PRIMARY KEY,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  catalog_id UUID REFERENCES catalogs (id),
  policy_id UUID REFERENCES policies (id),
  terms TEXT NOT NULL,
  number BIGINT NOT NULL,
  next_at TIMESTAMPTZ,
  ended_at TIMESTAMPTZ,
  rev BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  created_by UUID NOT NULL REFERENCES people (id)
);
CREATE UNIQUE INDEX reviews_name ON reviews (name_key) WHERE ended_at IS NULL;
CREATE INDEX reviews_next ON reviews (next_at, id) WHERE next_at IS NOT NULL;
CREATE INDEX reviews_catalog ON reviews (catalog_id, created_at, id);
CREATE INDEX reviews_created ON reviews (created_at, id);

-- One run of a review, under the terms of its start.
CREATE TABLE review_instances (
  id UUID PRIMARY KEY,
  review_id UUID NOT NULL REFERENCES reviews (id),
  number BIGINT NOT NULL,
  name TEXT NOT NULL,
  catalog_id UUID REFERENCES catalogs (id),
  terms TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('starting', 'refused', 'open', 'between', 'confirming', 'applying', 'completed', 'canceled')),
  -- The how many-th of its stages it has come to.
  stage BIGINT NOT NULL DEFAULT 1,
  -- The moment of the snapshot: what had started and not ended then.
  starts_at TIMESTAMPTZ NOT NULL,
  opened_at TIMESTAMPTZ,
  due_at TIMESTAMPTZ NOT NULL,
  source_count BIGINT,
  item_count BIGINT NOT NULL,
  trouble TEXT,
  -- How far the snapshot has come.
  reached UUID,
  remind_at TIMESTAMPTZ,
  looked_at TIMESTAMPTZ NOT NULL,
  closed_at TIMESTAMPTZ,
  -- What silence means, where an administrator decided it anew.
  silence TEXT,
  closed_by UUID REFERENCES people (id),
  -- The median of the seconds that an answer took: a figure of the process.
  pace BIGINT,
  completed_at TIMESTAMPTZ,
  rev BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  UNIQUE (review_id, number)
);
CREATE INDEX review_instances_state ON review_instances (state, due_at, id);
CREATE INDEX review_instances_created ON review_instances (created_at, id);

-- Those who answer for the same items for the same reason: a manager, the owners of a catalog, whom it was passed on to.
CREATE TABLE review_pools (
  id UUID PRIMARY KEY,
  instance_id UUID NOT NULL REFERENCES review_instances (id),
  -- In which stage of the instance.
  stage BIGINT NOT NULL,
  pool_key TEXT NOT NULL,
  via TEXT NOT NULL CHECK (via IN ('self', 'manager', 'named', 'owner', 'fallback', 'passed')),
  UNIQUE (instance_id, stage, pool_key)
);
CREATE TABLE review_reviewers (
  pool_id UUID NOT NULL REFERENCES review_pools (id),
  person_id UUID NOT NULL REFERENCES people (id),
  instance_id UUID NOT NULL REFERENCES review_instances (id),
  PRIMARY KEY (pool_id, person_id)
);
CREATE INDEX review_reviewers_person ON review_reviewers (person_id, instance_id);

-- The lines of a list that somebody put in for a review: what no assignment says. Without a person they are counted and
-- not reviewed.
CREATE TABLE review_rows (
  id UUID PRIMARY KEY,
  list_id UUID NOT NULL,
  review_id UUID NOT NULL REFERENCES reviews (id),
  person_id UUID REFERENCES people (id),
  -- As the list calls the person.
  holder TEXT NOT NULL,
  -- The same for everybody who holds the same.
  access_id UUID NOT NULL,
  access_name TEXT NOT NULL,
  about TEXT,
  since TIMESTAMPTZ,
  risk TEXT NOT NULL
);
CREATE INDEX review_rows_list ON review_rows (list_id, id);

-- One piece of access as it was at the start (D27), the answer, and what became of it.
CREATE TABLE review_items (
  id UUID PRIMARY KEY,
  instance_id UUID NOT NULL REFERENCES review_instances (id),
  pool_id UUID NOT NULL REFERENCES review_pools (id),
  assignment_id UUID REFERENCES assignments (id),
  row_id UUID REFERENCES review_rows (id),
  person_id UUID NOT NULL REFERENCES people (id),
  person_name TEXT NOT NULL,
  department TEXT,
  -- What is shown together: the package of the assignment, or what a list calls the same.
  access_id UUID NOT NULL,
  access_name TEXT NOT NULL,
  catalog_id UUID REFERENCES catalogs (id),
  risk TEXT NOT NULL,
  since TIMESTAMPTZ NOT NULL,
  ends_at TIMESTAMPTZ,
  request_id UUID REFERENCES requests (id),
  context TEXT NOT NULL,
  recommendation TEXT,
  -- True where something about it changed since the last review, or since it was granted.
  changed BOOLEAN NOT NULL,
  answer TEXT CHECK (answer IN ('keep', 'remove', 'until', 'unknown')),
  until_at TIMESTAMPTZ,
  note TEXT,
  answered_by UUID REFERENCES people (id),
  answered_for UUID REFERENCES people (id),
  answered_at TIMESTAMPTZ,
  -- The first answer of a high-risk item, before the recommendation was shown.
  first_answer TEXT,
  batch_id UUID,
  reply TEXT,
  outcome TEXT CHECK (outcome IN ('kept', 'planned', 'removing', 'removed', 'shortened', 'undone', 'failed', 'gone', 'by-hand')),
  apply_at TIMESTAMPTZ,
  applied_at TIMESTAMPTZ,
  undone_by UUID REFERENCES people (id),
  rev BIGINT NOT NULL,
  UNIQUE (instance_id, assignment_id),
  UNIQUE (instance_id, row_id)
);
CREATE INDEX review_items_pool ON review_items (pool_id, answer, id);
CREATE INDEX review_items_person ON review_items (person_id, instance_id);
CREATE INDEX review_items_assignment ON review_items (assignment_id, answered_at);
CREATE INDEX review_items_open ON review_items (instance_id, id) WHERE outcome IS NULL;
CREATE INDEX review_items_outcome ON review_items (outcome, apply_at, id) WHERE outcome IS NOT NULL;

-- Every answer that was ever given: the last one counts until the instance closes (D28).
CREATE TABLE review_answers (
  id UUID PRIMARY KEY,
  item_id UUID NOT NULL REFERENCES review_items (id),
  instance_id UUID NOT NULL REFERENCES review_instances (id),
  at TIMESTAMPTZ NOT NULL,
  person_id UUID NOT NULL REFERENCES people (id),
  instead_of UUID REFERENCES people (id),
  answer TEXT NOT NULL CHECK (answer IN ('keep', 'remove', 'until', 'unknown', 'passed', 'cleared')),
  until_at TIMESTAMPTZ,
  note TEXT,
  passed_to UUID REFERENCES people (id),
  batch_id UUID,
  -- True where the recommendation could be read when it was given.
  advised BOOLEAN NOT NULL
);
CREATE INDEX review_answers_item ON review_answers (item_id, at, id);
CREATE INDEX review_answers_batch ON review_answers (batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX review_answers_instance ON review_answers (instance_id, at, id);

-- What somebody removed by hand, and how one can see it.
CREATE TABLE review_proofs (
  item_id UUID PRIMARY KEY REFERENCES review_items (id),
  instance_id UUID NOT NULL REFERENCES review_instances (id),
  at TIMESTAMPTZ NOT NULL,
  person_id UUID NOT NULL REFERENCES people (id),
  proof TEXT NOT NULL
);
CREATE INDEX review_proofs_instance ON review_proofs (instance_id, at, item_id);

-- A reviewer says that they are done, after seeing what they answered.
CREATE TABLE review_signoffs (
  instance_id UUID NOT NULL REFERENCES review_instances (id),
  person_id UUID NOT NULL REFERENCES people (id),
  at TIMESTAMPTZ NOT NULL,
  kept BIGINT NOT NULL,
  removed BIGINT NOT NULL,
  shortened BIGINT NOT NULL,
  unknown BIGINT NOT NULL,
  PRIMARY KEY (instance_id, person_id)
);

-- A package that a reviewer did not understand: its owners are to describe it better.
CREATE TABLE description_tasks (
  id UUID PRIMARY KEY,
  package_id UUID NOT NULL REFERENCES packages (id),
  instance_id UUID NOT NULL REFERENCES review_instances (id),
  asked_at TIMESTAMPTZ NOT NULL,
  done_at TIMESTAMPTZ
);
CREATE INDEX review_items_unknown ON review_items (access_id) WHERE answer = 'unknown';
CREATE UNIQUE INDEX description_tasks_open ON description_tasks (package_id) WHERE done_at IS NULL;

-- The instance that a fact is about.
ALTER TABLE facts ADD COLUMN review_id UUID;
CREATE INDEX facts_review ON facts (review_id, at, id) WHERE review_id IS NOT NULL;
CREATE INDEX assignments_ended ON assignments (ended_at, id) WHERE ended_at IS NOT NULL;
