-- Destroys all intentions; the changelog keeps what it holds of them.
DROP TABLE intentions;
