-- What is to be done later, and what brings it up.

CREATE TABLE intentions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    content text NOT NULL,
    trigger_type text COLLATE "C" NOT NULL CHECK (trigger_type IN ('time', 'context', 'event')),
    trigger_at timestamptz,
    event text,
    file_pattern text,
    topic text,
    codebase text COLLATE "C",
    deadline timestamptz,
    priority smallint NOT NULL DEFAULT 2 CHECK (priority BETWEEN 1 AND 4),
    status text COLLATE "C" NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'completed', 'cancelled')),
    snoozed_until timestamptz,
    closed_at timestamptz,
    memory_ids uuid[] NOT NULL DEFAULT '{}', -- of memories that may be gone
    tags text[] NOT NULL DEFAULT '{}',
    metadata jsonb NOT NULL DEFAULT '{}',
    owner_user_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000001'
        REFERENCES users (id),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX idx_intentions_created ON intentions (created_at DESC, id);
CREATE INDEX idx_intentions_active ON intentions (created_at DESC, id) WHERE status = 'active';
CREATE INDEX idx_intentions_owner ON intentions (owner_user_id);

-- The server would keep copies of texts for its planner, which no search reads.
ALTER TABLE intentions ALTER COLUMN content SET STATISTICS 0;
