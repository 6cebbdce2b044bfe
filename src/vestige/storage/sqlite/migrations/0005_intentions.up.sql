-- What is to be done later, and what brings it up.
-- Differs from postgres: ids and times are text, lists and objects are JSON text.

CREATE TABLE intentions (
    id TEXT PRIMARY KEY NOT NULL,
    content TEXT NOT NULL,
    trigger_type TEXT NOT NULL CHECK (trigger_type IN ('time', 'context', 'event')),
    trigger_at TEXT,
    event TEXT,
    file_pattern TEXT,
    topic TEXT,
    codebase TEXT,
    deadline TEXT,
    priority INTEGER NOT NULL DEFAULT 2 CHECK (priority BETWEEN 1 AND 4),
    status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'completed', 'cancelled')),
    snoozed_until TEXT,
    closed_at TEXT,
    memory_ids TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(memory_ids)), -- may be gone
    tags TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(tags)),
    metadata TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata)),
    owner_user_id TEXT NOT NULL DEFAULT '00000000-0000-0000-0000-000000000001'
        REFERENCES users (id),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX idx_intentions_created ON intentions (created_at DESC, id);
CREATE INDEX idx_intentions_active ON intentions (created_at DESC, id) WHERE status = 'active';
CREATE INDEX idx_intentions_owner ON intentions (owner_user_id);
