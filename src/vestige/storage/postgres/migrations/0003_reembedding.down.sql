-- Forgets a change that is unfinished, and the vectors that one has kept.
DROP TRIGGER IF EXISTS reembedding_insert ON knowledge_nodes;
DROP TRIGGER IF EXISTS reembedding_update ON knowledge_nodes;
DROP FUNCTION vestige_queue_written;
DROP FUNCTION vestige_queue_changed;
DROP FUNCTION vestige_queue_again;
DROP FUNCTION vestige_queue_added;
DROP TABLE spare_windows;
ALTER TABLE domains DROP COLUMN spare_centroid;
ALTER TABLE knowledge_nodes DROP COLUMN spare_embedding;
DROP TABLE reembedding_queue;
DROP TABLE reembedding;
