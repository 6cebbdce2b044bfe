-- requires: a registered model
-- The vector index. Differs from postgres, where this step builds an HNSW index: here it is one bit
-- per dimension of every vector, in chunks of 256 that are read at once, written in the transaction
-- that writes the vectors. Slot i of chunk n belongs to the vector whose key is 256 * n + i.

CREATE TABLE vector_chunks (
    source TEXT NOT NULL CHECK (source IN ('memory', 'window')),
    chunk INTEGER NOT NULL CHECK (chunk >= 0),
    revision INTEGER NOT NULL,
    -- The key in knowledge_nodes of the memory in each slot, int64; 0 is an empty slot.
    owners BLOB NOT NULL CHECK (length(owners) = 2048),
    codes BLOB NOT NULL,
    PRIMARY KEY (source, chunk)
) STRICT;
