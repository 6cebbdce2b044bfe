-- A change of the embedding model: one row from its beginning to its end, or until the vectors of the
-- old model, which a change online keeps, are forgotten.

CREATE TABLE reembedding (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    way TEXT NOT NULL CHECK (way IN ('offline', 'online')),
    phase TEXT NOT NULL CHECK (phase IN ('encoding', 'switched')),
    old_name TEXT NOT NULL,
    old_dimension INTEGER NOT NULL CHECK (old_dimension > 0),
    old_hash TEXT NOT NULL,
    new_name TEXT NOT NULL,
    new_dimension INTEGER NOT NULL CHECK (new_dimension > 0),
    new_hash TEXT NOT NULL,
    started_at TEXT NOT NULL
) STRICT;

-- The memories that wait for a vector. A claim is a lease; it ends when the text changes, too.
CREATE TABLE reembedding_queue (
    memory_id TEXT PRIMARY KEY NOT NULL REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    claimed_by TEXT,
    claimed_until TEXT,
    failure TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_reembedding_queue_claimed_by ON reembedding_queue (claimed_by)
WHERE claimed_by IS NOT NULL;

-- Where the vectors of a second model are made, and kept after the switch, which swaps the names.
ALTER TABLE knowledge_nodes
ADD COLUMN spare_embedding BLOB CHECK (length(spare_embedding) % 4 = 0);
ALTER TABLE domains ADD COLUMN spare_centroid BLOB;

CREATE TABLE spare_windows (
    key INTEGER PRIMARY KEY,
    memory_id TEXT NOT NULL REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    position INTEGER NOT NULL CHECK (position >= 0),
    embedding BLOB NOT NULL CHECK (length(embedding) % 4 = 0),
    UNIQUE (memory_id, position)
) STRICT;

CREATE TABLE spare_chunks (
    source TEXT NOT NULL CHECK (source IN ('memory', 'window')),
    chunk INTEGER NOT NULL CHECK (chunk >= 0),
    revision INTEGER NOT NULL,
    owners BLOB NOT NULL CHECK (length(owners) = 2048),
    codes BLOB NOT NULL,
    PRIMARY KEY (source, chunk)
) STRICT;
