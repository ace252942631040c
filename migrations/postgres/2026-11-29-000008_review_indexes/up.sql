-- A review of a hundred thousand items is answered, counted and carried out by its indexes alone.

-- What is somebody's to answer, and how far they are.
DROP INDEX review_items_pool;
CREATE INDEX review_items_pool ON review_items (pool_id, outcome, answer, person_id, id);
-- The figures of an instance.
CREATE INDEX review_items_tally ON review_items (instance_id, outcome, answer, recommendation, batch_id);
-- Its items one after the other.
CREATE INDEX review_items_instance ON review_items (instance_id, id);
-- What somebody has answered, before they sign it off.
CREATE INDEX review_items_answered ON review_items (answered_by, instance_id) WHERE answered_by IS NOT NULL;
CREATE INDEX review_reviewers_instance ON review_reviewers (instance_id, person_id);
