-- Drops the vector index; the vectors stay.
DROP INDEX idx_memory_windows_embedding_hnsw;
DROP INDEX idx_knowledge_nodes_embedding_hnsw;

ALTER TABLE domains ALTER COLUMN centroid TYPE vector;
ALTER TABLE memory_windows ALTER COLUMN embedding TYPE vector;
ALTER TABLE knowledge_nodes ALTER COLUMN embedding TYPE vector;
