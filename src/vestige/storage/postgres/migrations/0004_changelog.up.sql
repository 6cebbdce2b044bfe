-- The account of every write: what a change made of each memory that it touched.

-- The order of the changes in this store; a copy numbers them anew, in the same order.
CREATE TABLE changelog (
    sequence bigserial NOT NULL UNIQUE,
    change_id uuid NOT NULL,
    memory_id uuid NOT NULL, -- of a memory that may be gone
    action text COLLATE "C" NOT NULL,
    timestamp timestamptz NOT NULL,
    before jsonb,
    after jsonb,
    reason text,
    client_id text,
    session_id text,
    undoes uuid,
    PRIMARY KEY (change_id, memory_id)
);
CREATE INDEX idx_changelog_memory ON changelog (memory_id, sequence);
CREATE INDEX idx_changelog_timestamp ON changelog (timestamp);
CREATE INDEX idx_changelog_undoes ON changelog (undoes) WHERE undoes IS NOT NULL;

-- What is left of a purged memory.
CREATE TABLE tombstones (
    memory_id uuid PRIMARY KEY,
    purged_at timestamptz NOT NULL
);

-- The server would keep copies of texts for its planner, which no search reads.
ALTER TABLE knowledge_nodes ALTER COLUMN content SET STATISTICS 0;
ALTER TABLE knowledge_nodes ALTER COLUMN search_terms SET STATISTICS 0;
ALTER TABLE changelog ALTER COLUMN before SET STATISTICS 0;
ALTER TABLE changelog ALTER COLUMN after SET STATISTICS 0;
