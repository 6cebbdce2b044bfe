-- A change of the embedding model that is under way: one row from its beginning to its end.
-- The vectors of the old model are gone by then; those of the new one come back memory by memory.

CREATE TABLE reembedding (
    id integer PRIMARY KEY CHECK (id = 1),
    old_name text NOT NULL,
    old_dimension integer NOT NULL CHECK (old_dimension > 0),
    old_hash text NOT NULL,
    new_name text NOT NULL,
    new_dimension integer NOT NULL CHECK (new_dimension > 0),
    new_hash text NOT NULL,
    started_at timestamptz NOT NULL
);
