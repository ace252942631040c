ALTER TABLE review_rows DROP COLUMN given_by;
ALTER TABLE review_rows DROP COLUMN role_id;
