DROP INDEX review_reviewers_instance;
DROP INDEX review_items_answered;
DROP INDEX review_items_instance;
DROP INDEX review_items_tally;
DROP INDEX review_items_pool;
CREATE INDEX review_items_pool ON review_items (pool_id, answer, id);
