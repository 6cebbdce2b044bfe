-- requires: a registered model
-- The vectors get the dimension of the model, {dimension}, and an index. {index_type} is vector, or
-- halfvec above 2,000 dimensions, where the index of the former ends.

ALTER TABLE knowledge_nodes ALTER COLUMN embedding TYPE vector({dimension});
ALTER TABLE memory_windows ALTER COLUMN embedding TYPE vector({dimension});
ALTER TABLE domains ALTER COLUMN centroid TYPE vector({dimension});

CREATE INDEX idx_knowledge_nodes_embedding_hnsw ON knowledge_nodes
USING hnsw (embedding vector_cosine_ops) WITH (m = 24, ef_construction = 128);
CREATE INDEX idx_memory_windows_embedding_hnsw ON memory_windows
USING hnsw (embedding vector_cosine_ops) WITH (m = 24, ef_construction = 128);
