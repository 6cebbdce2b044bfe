"""Files as the versions of the Rust Vestige made them, and the rows that people have in them."""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Final, TypeAlias

from factories import ManualClock, a_vector
from sqlite.databases import fingerprint
from vestige.models import ScheduledMemory, TransferTable
from vestige.storage.rust.source import RustSource
from vestige.storage.vectors import vector_bytes

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from vestige.models import TransferRow
    from vestige.storage.rust.findings import SourceReport

Cell: TypeAlias = int | float | str | bytes | None

NOMIC: Final = "nomic-ai/nomic-embed-text-v1.5"
MINILM: Final = "sentence-transformers/all-MiniLM-L6-v2"
DIMENSION: Final = 256
CREATED: Final = "2026-03-14T15:07:59.857129123+00:00"
UPDATED: Final = "2026-03-15T15:07:59.857129123+00:00"
ACCESSED: Final = "2026-03-16T15:07:59.857129123+00:00"
DUE: Final = "2026-03-20T15:07:59.857129123+00:00"

FIRST_TABLES: Final = """
CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL);
CREATE TABLE knowledge_nodes (
    id TEXT PRIMARY KEY, content TEXT NOT NULL, node_type TEXT NOT NULL DEFAULT 'fact',
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, last_accessed TEXT NOT NULL,
    stability REAL DEFAULT 1.0, difficulty REAL DEFAULT 5.0,
    reps INTEGER DEFAULT 0, lapses INTEGER DEFAULT 0, learning_state TEXT DEFAULT 'new',
    storage_strength REAL DEFAULT 1.0, retrieval_strength REAL DEFAULT 1.0,
    retention_strength REAL DEFAULT 1.0, sentiment_score REAL DEFAULT 0.0,
    sentiment_magnitude REAL DEFAULT 0.0, next_review TEXT, scheduled_days INTEGER DEFAULT 0,
    source TEXT, tags TEXT DEFAULT '[]', has_embedding INTEGER DEFAULT 0, embedding_model TEXT);
CREATE TABLE node_embeddings (
    node_id TEXT PRIMARY KEY REFERENCES knowledge_nodes(id) ON DELETE CASCADE,
    embedding BLOB NOT NULL, dimensions INTEGER NOT NULL DEFAULT 768,
    model TEXT NOT NULL DEFAULT 'BAAI/bge-base-en-v1.5', created_at TEXT NOT NULL);
CREATE VIRTUAL TABLE knowledge_fts USING fts5(
    id, content, tags, content='knowledge_nodes', content_rowid='rowid', tokenize='porter ascii');
CREATE TRIGGER knowledge_ai AFTER INSERT ON knowledge_nodes BEGIN
    INSERT INTO knowledge_fts (rowid, id, content, tags)
    VALUES (new.rowid, new.id, new.content, new.tags);
END;
"""
LATER_TABLES: Final = """
ALTER TABLE knowledge_nodes ADD COLUMN valid_from TEXT;
ALTER TABLE knowledge_nodes ADD COLUMN valid_until TEXT;
ALTER TABLE knowledge_nodes ADD COLUMN scope TEXT DEFAULT 'user';
ALTER TABLE knowledge_nodes ADD COLUMN memory_system TEXT DEFAULT 'semantic';
ALTER TABLE knowledge_nodes ADD COLUMN activation REAL;
ALTER TABLE knowledge_nodes ADD COLUMN waking_tag BOOLEAN DEFAULT FALSE;
ALTER TABLE knowledge_nodes ADD COLUMN summary_parent_id TEXT;
ALTER TABLE knowledge_nodes ADD COLUMN suppression_count INTEGER DEFAULT 0;
ALTER TABLE knowledge_nodes ADD COLUMN suppressed_at TEXT;
ALTER TABLE node_embeddings ADD COLUMN version INTEGER DEFAULT 1;
CREATE TABLE memory_connections (
    source_id TEXT NOT NULL, target_id TEXT NOT NULL, strength REAL NOT NULL,
    link_type TEXT NOT NULL, created_at TEXT NOT NULL, last_activated TEXT NOT NULL,
    activation_count INTEGER DEFAULT 0, PRIMARY KEY (source_id, target_id));
CREATE TABLE memory_access_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT, node_id TEXT NOT NULL,
    access_type TEXT NOT NULL, accessed_at TEXT NOT NULL);
CREATE TABLE fsrs_cards (
    memory_id TEXT PRIMARY KEY, difficulty REAL NOT NULL DEFAULT 5.0,
    stability REAL NOT NULL DEFAULT 1.0, state TEXT NOT NULL DEFAULT 'new',
    reps INTEGER DEFAULT 0, lapses INTEGER DEFAULT 0, last_review TEXT, due_date TEXT);
CREATE TABLE fsrs_config (key TEXT PRIMARY KEY, value REAL NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE intentions (
    id TEXT PRIMARY KEY, content TEXT NOT NULL, trigger_type TEXT NOT NULL,
    trigger_data TEXT NOT NULL, priority INTEGER NOT NULL DEFAULT 2,
    status TEXT NOT NULL DEFAULT 'active', created_at TEXT NOT NULL, deadline TEXT,
    fulfilled_at TEXT, reminder_count INTEGER DEFAULT 0, last_reminded_at TEXT, notes TEXT,
    tags TEXT DEFAULT '[]', related_memories TEXT DEFAULT '[]', snoozed_until TEXT,
    source_type TEXT NOT NULL DEFAULT 'api', source_data TEXT);
CREATE TABLE insights (id TEXT PRIMARY KEY, insight TEXT NOT NULL, source_memories TEXT NOT NULL);
CREATE TABLE sync_tombstones (
    table_name TEXT NOT NULL, row_id TEXT NOT NULL, deleted_at TEXT NOT NULL,
    PRIMARY KEY (table_name, row_id));
"""
DOMAINS: Final = """
ALTER TABLE knowledge_nodes ADD COLUMN domains TEXT NOT NULL DEFAULT '[]';
ALTER TABLE knowledge_nodes ADD COLUMN domain_scores TEXT NOT NULL DEFAULT '{}';
CREATE TABLE embedding_model (
    id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL, dimension INTEGER NOT NULL,
    hash TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE domains (
    id TEXT PRIMARY KEY, label TEXT NOT NULL, centroid BLOB, top_terms TEXT NOT NULL DEFAULT '[]',
    memory_count INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL);
"""
PEOPLE: Final = """
ALTER TABLE knowledge_nodes ADD COLUMN owner_user_id TEXT NOT NULL
    DEFAULT '00000000-0000-0000-0000-000000000001';
ALTER TABLE knowledge_nodes ADD COLUMN visibility TEXT NOT NULL DEFAULT 'private';
ALTER TABLE knowledge_nodes ADD COLUMN shared_with_groups TEXT NOT NULL DEFAULT '[]';
ALTER TABLE knowledge_nodes ADD COLUMN codebase TEXT;
CREATE TABLE users (
    id TEXT PRIMARY KEY, handle TEXT NOT NULL UNIQUE, display_name TEXT,
    created_at TEXT NOT NULL, metadata TEXT NOT NULL DEFAULT '{}');
CREATE TABLE groups (
    id TEXT PRIMARY KEY, handle TEXT NOT NULL UNIQUE, display_name TEXT,
    created_at TEXT NOT NULL, metadata TEXT NOT NULL DEFAULT '{}');
CREATE TABLE group_memberships (
    user_id TEXT NOT NULL, group_id TEXT NOT NULL, role TEXT NOT NULL DEFAULT 'member',
    joined_at TEXT NOT NULL, PRIMARY KEY (user_id, group_id));
"""
MERGING: Final = """
ALTER TABLE knowledge_nodes ADD COLUMN protected INTEGER NOT NULL DEFAULT 0;
ALTER TABLE knowledge_nodes ADD COLUMN superseded_by TEXT;
CREATE TABLE merge_operations (
    id TEXT PRIMARY KEY, op_type TEXT NOT NULL, created_at TEXT NOT NULL);
"""
CONNECTORS: Final = """
ALTER TABLE knowledge_nodes ADD COLUMN source_system TEXT;
ALTER TABLE knowledge_nodes ADD COLUMN source_id TEXT;
ALTER TABLE knowledge_nodes ADD COLUMN source_url TEXT;
CREATE TABLE agent_traces (id TEXT PRIMARY KEY, payload TEXT NOT NULL, at INTEGER NOT NULL);
"""
PROFILES: Final = """
CREATE TABLE embedding_profiles (profile_id TEXT PRIMARY KEY, model_id TEXT NOT NULL);
CREATE TABLE embedding_profile_state (
    singleton INTEGER PRIMARY KEY CHECK (singleton = 1), active_profile_id TEXT NOT NULL,
    previous_profile_id TEXT, activated_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE embedding_profile_vectors (
    profile_id TEXT NOT NULL, node_id TEXT NOT NULL, embedding BLOB NOT NULL,
    dimensions INTEGER NOT NULL CHECK (dimensions > 0), model TEXT NOT NULL,
    created_at TEXT NOT NULL, PRIMARY KEY (profile_id, node_id));
ALTER TABLE memory_connections ADD COLUMN edge_meta TEXT;
"""

# What a file of each kind holds; two lineages gave the number 14 to different tables.
GENERATIONS: Final = {
    "first": (1, FIRST_TABLES),
    "main 13": (13, FIRST_TABLES + LATER_TABLES),
    "domains 14": (14, FIRST_TABLES + LATER_TABLES + DOMAINS),
    "people 15": (15, FIRST_TABLES + LATER_TABLES + DOMAINS + PEOPLE),
    "merging 14": (14, FIRST_TABLES + LATER_TABLES + MERGING),
    "connectors 18": (18, FIRST_TABLES + LATER_TABLES + MERGING + DOMAINS + CONNECTORS),
    "profiles 28": (28, FIRST_TABLES + LATER_TABLES + MERGING + DOMAINS + CONNECTORS + PROFILES),
}


def node_id(number: int) -> str:
    """Return the id of a numbered memory, as the Rust program writes one."""
    return f"00000000-0000-4000-8000-{number:012x}"


def execute(path: Path, script: str, values: tuple[Cell, ...] = ()) -> None:
    """Run one statement on a file, and put it into the file itself."""
    execute_many(path, script, [values])


def execute_many(path: Path, script: str, rows: Sequence[tuple[Cell, ...]]) -> None:
    """Run one statement for many rows of values."""
    with closing(connect(path)) as db, db:
        for values in rows:
            db.execute(script, values)


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection that does not wait for the disk."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA synchronous = OFF")
    return db


def a_file(path: Path, generation: str = "domains 14") -> Path:
    """Write an empty file of a generation, in WAL mode as all of them are."""
    version, script = GENERATIONS[generation]
    with closing(connect(path)) as db, db:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(script)
        db.execute("INSERT INTO schema_version VALUES (?, ?)", (version, CREATED))
    return path


def add(path: Path, table: str, **cells: Cell) -> None:
    """Insert a row."""
    names = ", ".join(cells)
    marks = ", ".join("?" for _ in cells)
    sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608  # names out of tests
    execute(path, sql, tuple(cells.values()))


def add_node(path: Path, number: int = 1, **cells: Cell) -> str:
    """Insert a memory as the Rust program would; return its id."""
    row: dict[str, Cell] = {
        "id": node_id(number),
        "content": f"memory {number}",
        "created_at": CREATED,
        "updated_at": UPDATED,
        "last_accessed": ACCESSED,
        "next_review": DUE,
        "stability": 2.5,
        "difficulty": 5.5,
        "retention_strength": 0.75,
        "reps": 3,
        "lapses": 1,
        **cells,
    }
    add(path, "knowledge_nodes", **row)
    return str(row["id"])


def add_vector(
    path: Path, memory_id: str, *, model: str = NOMIC, data: Cell = None, dimension: int = DIMENSION
) -> None:
    """Insert the vector of a memory, and say so in the memory's row."""
    blob = vector_bytes(a_vector(7, dimension=dimension)) if data is None else data
    add(
        path,
        "node_embeddings",
        node_id=memory_id,
        embedding=blob,
        dimensions=dimension,
        model=model,
        created_at=CREATED,
    )
    execute(path, "UPDATE knowledge_nodes SET has_embedding = 1 WHERE id = ?", (memory_id,))


def add_link(path: Path, source: str | None, target: str | None, **cells: Cell) -> None:
    """Insert a connection."""
    row: dict[str, Cell] = {
        "source_id": source,
        "target_id": target,
        "strength": 0.5,
        "link_type": "semantic",
        "created_at": CREATED,
        "last_activated": ACCESSED,
        **cells,
    }
    add(path, "memory_connections", **row)


def add_access(path: Path, memory_id: str, kind: Cell, at: Cell) -> None:
    """Insert a row of the log of accesses."""
    add(path, "memory_access_log", node_id=memory_id, access_type=kind, accessed_at=at)


@asynccontextmanager
async def opened(path: Path) -> AsyncGenerator[RustSource]:
    """Open a file as a source; its folder must be afterwards what it was before."""
    before = fingerprint(path.parent)
    source = await RustSource.open(path, clock=ManualClock())
    try:
        yield source
    finally:
        await source.close()
    assert fingerprint(path.parent) == before


async def read_all(
    source: RustSource, table: TransferTable = TransferTable.KNOWLEDGE_NODES, *, limit: int = 500
) -> list[TransferRow]:
    """Return all rows of a table that can go."""
    rows: list[TransferRow] = []
    after: str | None = None
    is_last = False
    while not is_last:
        page = await source.export_page(table, after=after, limit=limit)
        rows += page.rows
        after = page.next_after
        is_last = after is None
    return rows


async def memories(source: RustSource) -> list[ScheduledMemory]:
    """Return all memories that can go."""
    return [row for row in await read_all(source) if isinstance(row, ScheduledMemory)]


async def everything(source: RustSource) -> dict[TransferTable, list[TransferRow]]:
    """Return the rows of all tables."""
    return {table: await read_all(source, table, limit=3) for table in TransferTable}


async def the_memory(path: Path) -> tuple[ScheduledMemory, SourceReport]:
    """Return the only memory of a file, and what was found."""
    async with opened(path) as source:
        (memory,) = await memories(source)
        return memory, source.report()


async def the_failure(path: Path) -> str:
    """Return why the only memory of a file cannot go."""
    async with opened(path) as source:
        assert not await memories(source)
        (failure,) = source.report().failures
        assert failure.table == TransferTable.KNOWLEDGE_NODES
        return failure.reason


def changes(report: SourceReport) -> dict[str, int]:
    """Return what was changed, and how often."""
    return {count.what: count.count for count in report.adjusted_counts}
