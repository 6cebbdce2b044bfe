DROP TABLE reembedding;
