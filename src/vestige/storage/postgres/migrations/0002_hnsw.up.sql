-- requires: a registered model
-- The vectors get the dimension of the model, {dimension}, and an index: of the vectors themselves up
-- to 2,000 dimensions, of unit vectors at half precision up to 4,000; longer ones are compared
-- without an index. Why these parameters: docs/adr/0010-postgres-search.md.

ALTER TABLE knowledge_nodes ALTER COLUMN embedding TYPE vector({dimension});
ALTER TABLE memory_windows ALTER COLUMN embedding TYPE vector({dimension});
ALTER TABLE domains ALTER COLUMN centroid TYPE vector({dimension});

-- A function, because a store that is filled builds its index once, at the end. It asks for the
-- dimension, because the model may change.
CREATE FUNCTION vestige_build_vector_index() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    length integer := (SELECT dimension FROM embedding_model);
BEGIN
    IF length <= 2000 THEN
        CREATE INDEX IF NOT EXISTS idx_knowledge_nodes_embedding_hnsw ON knowledge_nodes
        USING hnsw (embedding vector_cosine_ops) WITH (m = 24, ef_construction = 128);
        CREATE INDEX IF NOT EXISTS idx_memory_windows_embedding_hnsw ON memory_windows
        USING hnsw (embedding vector_cosine_ops) WITH (m = 24, ef_construction = 128);
    ELSIF length <= 4000 THEN
        -- Scaled first: a value may be too large or too small for half precision.
        EXECUTE format('CREATE INDEX IF NOT EXISTS idx_knowledge_nodes_embedding_hnsw'
            ' ON knowledge_nodes USING hnsw ((l2_normalize(embedding)::halfvec(%s))'
            ' halfvec_cosine_ops) WITH (m = 24, ef_construction = 128)', length);
        EXECUTE format('CREATE INDEX IF NOT EXISTS idx_memory_windows_embedding_hnsw'
            ' ON memory_windows USING hnsw ((l2_normalize(embedding)::halfvec(%s))'
            ' halfvec_cosine_ops) WITH (m = 24, ef_construction = 128)', length);
    END IF;
END
$$;
SELECT vestige_build_vector_index();
