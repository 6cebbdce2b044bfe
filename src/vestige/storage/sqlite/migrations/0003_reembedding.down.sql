-- Forgets a change that is unfinished, and the vectors that one has kept.
DROP TRIGGER IF EXISTS reembedding_insert;
DROP TRIGGER IF EXISTS reembedding_update;
DROP TABLE spare_chunks;
DROP TABLE spare_windows;
ALTER TABLE domains DROP COLUMN spare_centroid;
ALTER TABLE knowledge_nodes DROP COLUMN spare_embedding;
DROP TABLE reembedding_queue;
DROP TABLE reembedding;
