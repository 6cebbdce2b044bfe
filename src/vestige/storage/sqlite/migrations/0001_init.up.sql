-- The tables of a store. Differs from postgres: ids and times are text (times in UTC, of fixed
-- width, so that they sort as time), lists and objects are JSON text, vectors are little-endian
-- float32, and knowledge_nodes has an integer key that the indexes refer to.

PRAGMA application_id = 1448301639; -- "VSTG" in the file's header

CREATE TABLE embedding_model (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL,
    dimension INTEGER NOT NULL CHECK (dimension > 0),
    hash TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z')
) STRICT;

CREATE TABLE domains (
    id TEXT PRIMARY KEY NOT NULL,
    label TEXT NOT NULL,
    centroid BLOB,
    top_terms TEXT NOT NULL DEFAULT '[]'
        CHECK (json_valid(top_terms) AND json_type(top_terms) = 'array'),
    memory_count INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    metadata TEXT NOT NULL DEFAULT '{}'
        CHECK (json_valid(metadata) AND json_type(metadata) = 'object')
) STRICT;

CREATE TABLE users (
    id TEXT PRIMARY KEY NOT NULL DEFAULT (
        lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
        || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))
    ),
    handle TEXT NOT NULL UNIQUE,
    display_name TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    metadata TEXT NOT NULL DEFAULT '{}'
        CHECK (json_valid(metadata) AND json_type(metadata) = 'object')
) STRICT;

INSERT INTO users (id, handle, display_name)
VALUES ('00000000-0000-0000-0000-000000000001', 'local', 'Local User');

CREATE TABLE groups (
    id TEXT PRIMARY KEY NOT NULL DEFAULT (
        lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
        || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))
    ),
    handle TEXT NOT NULL UNIQUE,
    display_name TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    metadata TEXT NOT NULL DEFAULT '{}'
        CHECK (json_valid(metadata) AND json_type(metadata) = 'object')
) STRICT;

CREATE TABLE group_memberships (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    role TEXT NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'admin')),
    joined_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    PRIMARY KEY (user_id, group_id)
) STRICT;
CREATE INDEX idx_group_memberships_group ON group_memberships (group_id);

-- The vector comes last: SQLite then reads the other columns without touching its pages.
CREATE TABLE knowledge_nodes (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE DEFAULT (
        lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
        || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))
    ),
    node_type TEXT NOT NULL DEFAULT 'general',
    tags TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(tags) AND json_type(tags) = 'array'),
    metadata TEXT NOT NULL DEFAULT '{}'
        CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    domains TEXT NOT NULL DEFAULT '[]'
        CHECK (json_valid(domains) AND json_type(domains) = 'array'),
    domain_scores TEXT NOT NULL DEFAULT '{}'
        CHECK (json_valid(domain_scores) AND json_type(domain_scores) = 'object'),
    codebase TEXT,
    owner_user_id TEXT NOT NULL DEFAULT '00000000-0000-0000-0000-000000000001'
        REFERENCES users (id),
    visibility TEXT NOT NULL DEFAULT 'private'
        CHECK (visibility IN ('private', 'group', 'public')),
    shared_with_groups TEXT NOT NULL DEFAULT '[]'
        CHECK (json_valid(shared_with_groups) AND json_type(shared_with_groups) = 'array'),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    valid_until TEXT,
    superseded_at TEXT,
    suppressed_at TEXT,
    content TEXT NOT NULL,
    -- What the tokenizer below cannot see in the content; see storage/text.py.
    search_terms TEXT NOT NULL DEFAULT '',
    embedding BLOB CHECK (length(embedding) % 4 = 0)
) STRICT;
CREATE INDEX idx_knowledge_nodes_node_type ON knowledge_nodes (node_type);
CREATE INDEX idx_knowledge_nodes_created ON knowledge_nodes (created_at, id);
CREATE INDEX idx_knowledge_nodes_updated ON knowledge_nodes (updated_at, id);
CREATE INDEX idx_knowledge_nodes_owner ON knowledge_nodes (owner_user_id);
CREATE INDEX idx_knowledge_nodes_codebase ON knowledge_nodes (codebase) WHERE codebase IS NOT NULL;

-- One vector per window of a text that is longer than the model reads at once.
CREATE TABLE memory_windows (
    key INTEGER PRIMARY KEY,
    memory_id TEXT NOT NULL REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    position INTEGER NOT NULL CHECK (position >= 0),
    embedding BLOB NOT NULL CHECK (length(embedding) % 4 = 0),
    UNIQUE (memory_id, position)
) STRICT;

CREATE TABLE scheduling (
    memory_id TEXT PRIMARY KEY NOT NULL REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    stability REAL NOT NULL DEFAULT 0.0,
    difficulty REAL NOT NULL DEFAULT 0.0,
    retrievability REAL NOT NULL DEFAULT 1.0,
    last_review TEXT,
    next_review TEXT,
    reps INTEGER NOT NULL DEFAULT 0,
    lapses INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX idx_scheduling_next_review ON scheduling (next_review, memory_id);
CREATE INDEX idx_scheduling_last_review ON scheduling (last_review);

CREATE TABLE edges (
    source_id TEXT NOT NULL REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    target_id TEXT NOT NULL REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    edge_type TEXT NOT NULL DEFAULT 'related',
    weight REAL NOT NULL DEFAULT 1.0,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    PRIMARY KEY (source_id, target_id, edge_type)
) STRICT;
CREATE INDEX idx_edges_source ON edges (source_id);
CREATE INDEX idx_edges_target ON edges (target_id);
CREATE INDEX idx_edges_type ON edges (edge_type);

-- AUTOINCREMENT: the log is append-only, so the id of a deleted event is never given again.
CREATE TABLE review_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    memory_id TEXT NOT NULL REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    timestamp TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    rating INTEGER NOT NULL,
    prior_state TEXT NOT NULL CHECK (json_valid(prior_state)),
    new_state TEXT NOT NULL CHECK (json_valid(new_state))
) STRICT;
CREATE INDEX idx_review_events_memory ON review_events (memory_id, id);
CREATE INDEX idx_review_events_ts ON review_events (timestamp);

-- Tags, domains and sharing as indexes: what GIN indexes are on postgres. Kept by triggers.
CREATE TABLE node_tags (
    tag TEXT NOT NULL,
    node_key INTEGER NOT NULL,
    PRIMARY KEY (tag, node_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE node_domains (
    domain TEXT NOT NULL,
    node_key INTEGER NOT NULL,
    PRIMARY KEY (domain, node_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE node_groups (
    group_id TEXT NOT NULL,
    node_key INTEGER NOT NULL,
    PRIMARY KEY (group_id, node_key)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER knowledge_nodes_lists_insert AFTER INSERT ON knowledge_nodes BEGIN
    INSERT OR IGNORE INTO node_tags SELECT value, new.key FROM json_each(new.tags);
    INSERT OR IGNORE INTO node_domains SELECT value, new.key FROM json_each(new.domains);
    INSERT OR IGNORE INTO node_groups SELECT value, new.key FROM json_each(new.shared_with_groups);
END;

CREATE TRIGGER knowledge_nodes_lists_delete AFTER DELETE ON knowledge_nodes BEGIN
    DELETE FROM node_tags
    WHERE tag IN (SELECT value FROM json_each(old.tags)) AND node_key = old.key;
    DELETE FROM node_domains
    WHERE domain IN (SELECT value FROM json_each(old.domains)) AND node_key = old.key;
    DELETE FROM node_groups
    WHERE group_id IN (SELECT value FROM json_each(old.shared_with_groups)) AND node_key = old.key;
END;

CREATE TRIGGER knowledge_nodes_tags_update AFTER UPDATE OF tags ON knowledge_nodes
WHEN new.tags IS NOT old.tags BEGIN
    DELETE FROM node_tags
    WHERE tag IN (SELECT value FROM json_each(old.tags)) AND node_key = old.key;
    INSERT OR IGNORE INTO node_tags SELECT value, new.key FROM json_each(new.tags);
END;

CREATE TRIGGER knowledge_nodes_domains_update AFTER UPDATE OF domains ON knowledge_nodes
WHEN new.domains IS NOT old.domains BEGIN
    DELETE FROM node_domains
    WHERE domain IN (SELECT value FROM json_each(old.domains)) AND node_key = old.key;
    INSERT OR IGNORE INTO node_domains SELECT value, new.key FROM json_each(new.domains);
END;

CREATE TRIGGER knowledge_nodes_groups_update AFTER UPDATE OF shared_with_groups ON knowledge_nodes
WHEN new.shared_with_groups IS NOT old.shared_with_groups BEGIN
    DELETE FROM node_groups
    WHERE group_id IN (SELECT value FROM json_each(old.shared_with_groups)) AND node_key = old.key;
    INSERT OR IGNORE INTO node_groups SELECT value, new.key FROM json_each(new.shared_with_groups);
END;

-- What full-text search sees of a memory: the first 200,000 characters of its content (postgres
-- holds no more in a tsvector), the extra terms, the type and the tags, whose JSON the tokenizer
-- reads as words.
CREATE VIEW knowledge_nodes_text AS
SELECT
    key,
    substr(content, 1, 200000) AS content,
    search_terms,
    node_type,
    tags
FROM knowledge_nodes;

CREATE VIRTUAL TABLE knowledge_nodes_fts USING fts5 (
    content, search_terms, node_type, tags,
    content = 'knowledge_nodes_text', content_rowid = 'key',
    tokenize = 'porter unicode61 remove_diacritics 2'
);
-- How many memories hold a word: the rarity that weighs the words of a query.
CREATE VIRTUAL TABLE knowledge_nodes_vocabulary USING fts5vocab (knowledge_nodes_fts, row);

CREATE TRIGGER knowledge_nodes_fts_insert AFTER INSERT ON knowledge_nodes BEGIN
    INSERT INTO knowledge_nodes_fts (rowid, content, search_terms, node_type, tags)
    SELECT key, content, search_terms, node_type, tags
    FROM knowledge_nodes_text WHERE key = new.key;
END;

-- Before, because the index must be told the words that it is to forget.
CREATE TRIGGER knowledge_nodes_fts_delete BEFORE DELETE ON knowledge_nodes BEGIN
    INSERT INTO knowledge_nodes_fts
        (knowledge_nodes_fts, rowid, content, search_terms, node_type, tags)
    SELECT 'delete', key, content, search_terms, node_type, tags
    FROM knowledge_nodes_text WHERE key = old.key;
END;

CREATE TRIGGER knowledge_nodes_fts_before_update
BEFORE UPDATE OF content, search_terms, node_type, tags ON knowledge_nodes BEGIN
    INSERT INTO knowledge_nodes_fts
        (knowledge_nodes_fts, rowid, content, search_terms, node_type, tags)
    SELECT 'delete', key, content, search_terms, node_type, tags
    FROM knowledge_nodes_text WHERE key = old.key;
END;

CREATE TRIGGER knowledge_nodes_fts_after_update
AFTER UPDATE OF content, search_terms, node_type, tags ON knowledge_nodes BEGIN
    INSERT INTO knowledge_nodes_fts (rowid, content, search_terms, node_type, tags)
    SELECT key, content, search_terms, node_type, tags
    FROM knowledge_nodes_text WHERE key = new.key;
END;

-- For rows edited by hand. The store writes updated_at after the row, from its own clock.
CREATE TRIGGER knowledge_nodes_touch
AFTER UPDATE OF content, node_type, tags, metadata, codebase, visibility, shared_with_groups
ON knowledge_nodes
WHEN new.updated_at IS old.updated_at AND (
    new.content IS NOT old.content
    OR new.node_type IS NOT old.node_type
    OR new.tags IS NOT old.tags
    OR new.metadata IS NOT old.metadata
    OR new.codebase IS NOT old.codebase
    OR new.visibility IS NOT old.visibility
    OR new.shared_with_groups IS NOT old.shared_with_groups
) BEGIN
    UPDATE knowledge_nodes
    SET updated_at = strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'
    WHERE key = new.key;
END;
