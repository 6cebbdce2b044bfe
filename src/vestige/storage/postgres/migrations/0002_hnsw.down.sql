-- Drops the vector index; the vectors stay. Vectors of more than 4,000 dimensions have none.
DROP FUNCTION vestige_build_vector_index;
DROP INDEX IF EXISTS idx_memory_windows_embedding_hnsw;
DROP INDEX IF EXISTS idx_knowledge_nodes_embedding_hnsw;

ALTER TABLE domains ALTER COLUMN centroid TYPE vector;
ALTER TABLE memory_windows ALTER COLUMN embedding TYPE vector;
ALTER TABLE knowledge_nodes ALTER COLUMN embedding TYPE vector;
