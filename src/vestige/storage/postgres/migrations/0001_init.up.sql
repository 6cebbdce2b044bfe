-- The tables of a store. Differs from sqlite: ids, times, lists, objects and vectors have types of
-- their own, and GIN indexes take the place of tables for tags, domains and sharing.
-- What is sorted is sorted as sqlite does, by code point ("C").
-- {text_search} is the text search configuration, chosen when the store is made.

CREATE EXTENSION IF NOT EXISTS vector;

-- gen_random_uuid() is in the core; pgcrypto is made where the server offers it to this role.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pgcrypto') THEN
        CREATE EXTENSION IF NOT EXISTS pgcrypto;
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    NULL;
END
$$;

-- The record of the configuration that this store was made with.
CREATE FUNCTION vestige_text_search() RETURNS regconfig
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{text_search}'::regconfig;

-- What full-text search reads of a text: its first 200,000 characters (a tsvector holds no more
-- than 1 MB), letters and their accents as one character, with a space for all ASCII punctuation.
-- The server's parser takes a path, an address or a tag for one word; so a word is the same here as
-- on sqlite.
CREATE FUNCTION vestige_words(text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN translate(
    CASE WHEN octet_length($1) = char_length($1) THEN left($1, 200000)
        ELSE normalize(left($1, 200000), NFC) END,
    '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~',
    '                                '
);

-- array_to_string() is not immutable, because for other types than text it would not be.
CREATE FUNCTION vestige_joined(text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$ BEGIN RETURN pg_catalog.array_to_string($1, ' '); END $$;

CREATE TABLE embedding_model (
    id integer PRIMARY KEY CHECK (id = 1),
    name text NOT NULL,
    dimension integer NOT NULL CHECK (dimension > 0),
    hash text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE domains (
    id text COLLATE "C" PRIMARY KEY,
    label text NOT NULL,
    centroid vector,
    top_terms text[] NOT NULL DEFAULT '{}',
    memory_count integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    metadata jsonb NOT NULL DEFAULT '{}'
);

CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    handle text NOT NULL UNIQUE,
    display_name text,
    created_at timestamptz NOT NULL DEFAULT now(),
    metadata jsonb NOT NULL DEFAULT '{}'
);

INSERT INTO users (id, handle, display_name)
VALUES ('00000000-0000-0000-0000-000000000001', 'local', 'Local User');

CREATE TABLE groups (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    handle text NOT NULL UNIQUE,
    display_name text,
    created_at timestamptz NOT NULL DEFAULT now(),
    metadata jsonb NOT NULL DEFAULT '{}'
);

CREATE TABLE group_memberships (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    group_id uuid NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    role text NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'admin')),
    joined_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, group_id)
);
CREATE INDEX idx_group_memberships_group ON group_memberships (group_id);

CREATE TABLE knowledge_nodes (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    content text NOT NULL,
    -- What the server's parser cannot see in the content; see storage/text.py.
    search_terms text NOT NULL DEFAULT '',
    node_type text COLLATE "C" NOT NULL DEFAULT 'general',
    tags text[] NOT NULL DEFAULT '{}',
    metadata jsonb NOT NULL DEFAULT '{}',
    domains text[] NOT NULL DEFAULT '{}',
    domain_scores jsonb NOT NULL DEFAULT '{}',
    embedding vector,
    codebase text COLLATE "C",
    owner_user_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000001'
        REFERENCES users (id),
    visibility text NOT NULL DEFAULT 'private'
        CHECK (visibility IN ('private', 'group', 'public')),
    shared_with_groups uuid[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    valid_until timestamptz,
    superseded_at timestamptz,
    suppressed_at timestamptz,
    search_vec tsvector NOT NULL GENERATED ALWAYS AS (
        setweight(to_tsvector(vestige_text_search(), vestige_words(content)), 'A')
        || setweight(to_tsvector(vestige_text_search(), search_terms), 'A')
        || setweight(to_tsvector(vestige_text_search(), vestige_words(node_type)), 'B')
        || setweight(to_tsvector(vestige_text_search(), vestige_words(vestige_joined(tags))), 'C')
    ) STORED
);
-- The most words whose frequency the server keeps: full-text search weighs words by it.
ALTER TABLE knowledge_nodes ALTER COLUMN search_vec SET STATISTICS 1000;
CREATE INDEX idx_knowledge_nodes_fts ON knowledge_nodes USING gin (search_vec);
CREATE INDEX idx_knowledge_nodes_domains ON knowledge_nodes USING gin (domains);
CREATE INDEX idx_knowledge_nodes_tags ON knowledge_nodes USING gin (tags);
CREATE INDEX idx_knowledge_nodes_shared_groups ON knowledge_nodes USING gin (shared_with_groups);
CREATE INDEX idx_knowledge_nodes_node_type ON knowledge_nodes (node_type);
CREATE INDEX idx_knowledge_nodes_created ON knowledge_nodes (created_at, id);
CREATE INDEX idx_knowledge_nodes_updated ON knowledge_nodes (updated_at, id);
CREATE INDEX idx_knowledge_nodes_owner ON knowledge_nodes (owner_user_id);
CREATE INDEX idx_knowledge_nodes_codebase ON knowledge_nodes (codebase) WHERE codebase IS NOT NULL;

-- One vector per window of a text that is longer than the model reads at once.
CREATE TABLE memory_windows (
    memory_id uuid NOT NULL REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    position integer NOT NULL CHECK (position >= 0),
    embedding vector NOT NULL,
    PRIMARY KEY (memory_id, position)
);

CREATE TABLE scheduling (
    memory_id uuid PRIMARY KEY REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    stability double precision NOT NULL DEFAULT 0.0,
    difficulty double precision NOT NULL DEFAULT 0.0,
    retrievability double precision NOT NULL DEFAULT 1.0,
    last_review timestamptz,
    next_review timestamptz,
    reps integer NOT NULL DEFAULT 0,
    lapses integer NOT NULL DEFAULT 0
);
CREATE INDEX idx_scheduling_next_review ON scheduling (next_review, memory_id);
CREATE INDEX idx_scheduling_last_review ON scheduling (last_review);

CREATE TABLE edges (
    source_id uuid NOT NULL REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    target_id uuid NOT NULL REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    edge_type text COLLATE "C" NOT NULL DEFAULT 'related',
    weight double precision NOT NULL DEFAULT 1.0,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source_id, target_id, edge_type)
);
CREATE INDEX idx_edges_source ON edges (source_id);
CREATE INDEX idx_edges_target ON edges (target_id);
CREATE INDEX idx_edges_type ON edges (edge_type);

CREATE TABLE review_events (
    id bigserial PRIMARY KEY,
    memory_id uuid NOT NULL REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    timestamp timestamptz NOT NULL DEFAULT now(),
    rating smallint NOT NULL,
    prior_state jsonb NOT NULL,
    new_state jsonb NOT NULL
);
CREATE INDEX idx_review_events_memory ON review_events (memory_id, id);
CREATE INDEX idx_review_events_ts ON review_events (timestamp);

-- For rows edited by hand. The store sets updated_at itself, from its own clock.
CREATE FUNCTION vestige_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;
CREATE TRIGGER knowledge_nodes_touch
BEFORE UPDATE OF content, node_type, tags, metadata, codebase, visibility, shared_with_groups
ON knowledge_nodes FOR EACH ROW
WHEN (
    NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at
    AND (
        NEW.content, NEW.node_type, NEW.tags, NEW.metadata, NEW.codebase, NEW.visibility,
        NEW.shared_with_groups
    ) IS DISTINCT FROM (
        OLD.content, OLD.node_type, OLD.tags, OLD.metadata, OLD.codebase, OLD.visibility,
        OLD.shared_with_groups
    )
)
EXECUTE FUNCTION vestige_touch();
