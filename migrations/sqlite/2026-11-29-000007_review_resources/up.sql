-- Reviews of a group or application directly: what its target system says of it at the start of an instance.

-- What is held of the resource; none where a list says it.
ALTER TABLE review_rows ADD COLUMN role_id TEXT REFERENCES resource_roles (id);
-- The packages that give it here, as JSON; empty where it was given on the target system.
ALTER TABLE review_rows ADD COLUMN given_by TEXT;
