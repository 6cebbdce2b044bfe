-- The account of every write: what a change made of each memory that it touched.
-- Differs from postgres: ids and times are text, the rows before and after are JSON text.

-- The order of the changes in this store; a copy numbers them anew, in the same order.
CREATE TABLE changelog (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    change_id TEXT NOT NULL,
    memory_id TEXT NOT NULL, -- of a memory that may be gone
    action TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    before TEXT CHECK (json_valid(before)),
    after TEXT CHECK (json_valid(after)),
    reason TEXT,
    client_id TEXT,
    session_id TEXT,
    undoes TEXT,
    UNIQUE (change_id, memory_id)
) STRICT;
CREATE INDEX idx_changelog_memory ON changelog (memory_id, sequence);
CREATE INDEX idx_changelog_timestamp ON changelog (timestamp);
CREATE INDEX idx_changelog_undoes ON changelog (undoes) WHERE undoes IS NOT NULL;

-- What is left of a purged memory.
CREATE TABLE tombstones (
    memory_id TEXT PRIMARY KEY NOT NULL,
    purged_at TEXT NOT NULL
) STRICT;
