-- A change of the embedding model that is under way: one row from its beginning to its end.
-- The vectors of the old model are gone by then; those of the new one come back memory by memory.

CREATE TABLE reembedding (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    old_name TEXT NOT NULL,
    old_dimension INTEGER NOT NULL CHECK (old_dimension > 0),
    old_hash TEXT NOT NULL,
    new_name TEXT NOT NULL,
    new_dimension INTEGER NOT NULL CHECK (new_dimension > 0),
    new_hash TEXT NOT NULL,
    started_at TEXT NOT NULL
) STRICT;
