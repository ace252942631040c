DROP TABLE organization_sponsors;
DROP TABLE organization_domains;
DROP TABLE connected_organizations;
DROP INDEX people_mail_domain;
ALTER TABLE people DROP COLUMN mail_domain;
