DROP TABLE vector_chunks;
