-- Organizations whose people work with us as guests. A closed one is not taken up for new requests.
CREATE TABLE connected_organizations (
  id UUID PRIMARY KEY,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  description TEXT NOT NULL,
  enabled BOOLEAN NOT NULL,
  rev BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX connected_organizations_name ON connected_organizations (name_key);

-- A mail domain, in lower case and ASCII, belongs to one organization; its subdomains do not come with it.
CREATE TABLE organization_domains (
  domain TEXT PRIMARY KEY,
  organization_id UUID NOT NULL REFERENCES connected_organizations (id)
);
CREATE INDEX organization_domains_organization ON organization_domains (organization_id);

-- Who answers for an organization's people: members of ours, or guests.
CREATE TABLE organization_sponsors (
  organization_id UUID NOT NULL REFERENCES connected_organizations (id),
  person_id UUID NOT NULL REFERENCES people (id),
  PRIMARY KEY (organization_id, person_id)
);
CREATE INDEX organization_sponsors_person ON organization_sponsors (person_id);

-- What stands behind the last @ of the mail address, as organization_domains writes it.
ALTER TABLE people ADD COLUMN mail_domain TEXT;
UPDATE people SET mail_domain = lower(substring(mail FROM '[^@]+$')) WHERE mail LIKE '%@_%';
CREATE INDEX people_mail_domain ON people (mail_domain);
