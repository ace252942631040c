-- The approver's and requestor's day: questions back and forth, undo, stand-ins, separation of duties, profiles.

-- Since when a request waits for information, and who asked for it; its clocks stand still.
ALTER TABLE requests ADD COLUMN asked_at TIMESTAMPTZ;
ALTER TABLE requests ADD COLUMN asked_by UUID REFERENCES people (id);
-- Until when the last decision can be taken back; delivery waits for it.
ALTER TABLE requests ADD COLUMN undo_until TIMESTAMPTZ;
-- True where it asks for an exception from separation of duties.
ALTER TABLE requests ADD COLUMN exception BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX requests_asked ON requests (asked_at, id) WHERE asked_at IS NOT NULL;

-- Whose stand-in cast the vote, and who passed the decision on to this person.
ALTER TABLE stage_approvers ADD COLUMN voted_by UUID REFERENCES people (id);
ALTER TABLE stage_approvers ADD COLUMN passed_by UUID REFERENCES people (id);

-- Who decides in somebody's place, for a time.
CREATE TABLE stand_ins (
  id UUID PRIMARY KEY,
  person_id UUID NOT NULL REFERENCES people (id),
  stand_in_id UUID NOT NULL REFERENCES people (id),
  starts_at TIMESTAMPTZ NOT NULL,
  ends_at TIMESTAMPTZ NOT NULL,
  ended_at TIMESTAMPTZ,
  all_packages BOOLEAN NOT NULL,
  rev BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX stand_ins_person ON stand_ins (person_id, ends_at) WHERE ended_at IS NULL;
CREATE INDEX stand_ins_stand_in ON stand_ins (stand_in_id, ends_at) WHERE ended_at IS NULL;
CREATE INDEX stand_ins_ends ON stand_ins (ends_at, id) WHERE ended_at IS NULL;

-- For which packages, where it is not for all.
CREATE TABLE stand_in_packages (
  period_id UUID NOT NULL REFERENCES stand_ins (id),
  package_id UUID NOT NULL REFERENCES packages (id),
  PRIMARY KEY (period_id, package_id)
);

-- Separation of duties: who has the one may not have the other, which is a package or the membership of a group.
CREATE TABLE incompatibilities (
  id UUID PRIMARY KEY,
  package_id UUID NOT NULL REFERENCES packages (id),
  other_package_id UUID REFERENCES packages (id),
  group_id UUID REFERENCES groups (id),
  mutual BOOLEAN NOT NULL,
  reason TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  CHECK ((other_package_id IS NULL) <> (group_id IS NULL))
);
CREATE UNIQUE INDEX incompatibilities_package ON incompatibilities (package_id, other_package_id) WHERE other_package_id IS NOT NULL;
CREATE UNIQUE INDEX incompatibilities_group ON incompatibilities (package_id, group_id) WHERE group_id IS NOT NULL;
CREATE INDEX incompatibilities_other ON incompatibilities (other_package_id) WHERE other_package_id IS NOT NULL;

-- What a person has set for themselves.
CREATE TABLE profiles (
  person_id UUID PRIMARY KEY REFERENCES people (id),
  time_zone TEXT,
  mail TEXT NOT NULL CHECK (mail IN ('all', 'needed')),
  shortcuts BOOLEAN NOT NULL
);
ALTER TABLE sessions ADD COLUMN agent TEXT;
CREATE INDEX people_title ON people (title, id) WHERE title IS NOT NULL;
CREATE INDEX people_department ON people (department, id) WHERE department IS NOT NULL;
