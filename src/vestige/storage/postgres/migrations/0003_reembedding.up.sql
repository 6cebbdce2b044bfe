-- A change of the embedding model: one row from its beginning to its end, or until the vectors of the
-- old model, which a change online keeps, are forgotten.

CREATE TABLE reembedding (
    id integer PRIMARY KEY CHECK (id = 1),
    way text NOT NULL CHECK (way IN ('offline', 'online')),
    phase text NOT NULL CHECK (phase IN ('encoding', 'switched')),
    old_name text NOT NULL,
    old_dimension integer NOT NULL CHECK (old_dimension > 0),
    old_hash text NOT NULL,
    new_name text NOT NULL,
    new_dimension integer NOT NULL CHECK (new_dimension > 0),
    new_hash text NOT NULL,
    started_at timestamptz NOT NULL
);

-- The memories that wait for a vector. A claim is a lease; it ends when the text changes, too.
CREATE TABLE reembedding_queue (
    memory_id uuid PRIMARY KEY REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    claimed_by uuid,
    claimed_until timestamptz,
    failure text
);
CREATE INDEX idx_reembedding_queue_claimed_by ON reembedding_queue (claimed_by)
WHERE claimed_by IS NOT NULL;

-- Where the vectors of a second model are made, and kept after the switch, which swaps the names.
ALTER TABLE knowledge_nodes ADD COLUMN spare_embedding vector;
ALTER TABLE domains ADD COLUMN spare_centroid vector;

CREATE TABLE spare_windows (
    memory_id uuid NOT NULL REFERENCES knowledge_nodes (id) ON DELETE CASCADE,
    position integer NOT NULL CHECK (position >= 0),
    embedding vector NOT NULL,
    PRIMARY KEY (memory_id, position)
);

-- What keeps the queue true while a change is open. The triggers that call these are made when one
-- begins, and dropped at its end. They name columns at run time, because a switch swaps names.
CREATE FUNCTION vestige_queue_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO reembedding_queue (memory_id)
    SELECT id FROM added WHERE TG_ARGV[0] = 'online' OR embedding IS NULL
    ON CONFLICT (memory_id) DO NOTHING;
    RETURN NULL;
END
$$;

CREATE FUNCTION vestige_queue_again(uuid) RETURNS void LANGUAGE sql AS $$
    INSERT INTO reembedding_queue (memory_id) VALUES ($1)
    ON CONFLICT (memory_id) DO UPDATE
    SET claimed_by = NULL, claimed_until = NULL, failure = NULL
$$;

-- Online, before a text changes: the spare vectors are those of the old text.
CREATE FUNCTION vestige_queue_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.spare_embedding := NULL;
    DELETE FROM spare_windows WHERE memory_id = NEW.id;
    PERFORM vestige_queue_again(NEW.id);
    RETURN NEW;
END
$$;

-- Offline, after a change: who writes a vector writes one of the new model.
CREATE FUNCTION vestige_queue_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.embedding IS NOT NULL AND NEW.embedding IS DISTINCT FROM OLD.embedding THEN
        DELETE FROM reembedding_queue WHERE memory_id = NEW.id;
    ELSIF NEW.content IS DISTINCT FROM OLD.content
        OR (NEW.embedding IS NULL AND OLD.embedding IS NOT NULL) THEN
        PERFORM vestige_queue_again(NEW.id);
    END IF;
    RETURN NULL;
END
$$;
