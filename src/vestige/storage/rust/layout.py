"""What a file of the Rust Vestige holds, recognised by its tables and columns alone.

Its version numbers say nothing: two lineages gave the same ones to different tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from vestige.errors import StoreUnavailableError
from vestige.models import TransferTable
from vestige.storage.rust.files import OWN_STORE_HINT
from vestige.storage.rust.findings import CopiedTable, SkippedTable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from vestige.storage.rust.connection import Reader

MEMORIES: Final = "knowledge_nodes"
VECTORS: Final = "node_embeddings"
PROFILE_VECTORS: Final = "embedding_profile_vectors"
PROFILE_STATE: Final = "embedding_profile_state"
REGISTRY: Final = "embedding_model"
CONNECTIONS: Final = "memory_connections"
ACCESS_LOG: Final = "memory_access_log"
CARDS: Final = "fsrs_cards"

TABLE_NAMES: Final = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    " AND sql NOT LIKE 'CREATE VIRTUAL %' ORDER BY name"
)
# Also generated columns, as `SELECT *` returns them; not the hidden ones of virtual tables.
COLUMNS: Final = "SELECT name FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid"
SCHEMA_VERSION: Final = "SELECT max(version) FROM schema_version"
NOT_REVIEWS: Final = (
    "SELECT count(*) FROM memory_access_log WHERE access_type IN ('suppress', 'reverse_suppress')"
)

ORPHANED_CARDS: Final = (
    "SELECT count(*) FROM fsrs_cards AS c WHERE NOT EXISTS"
    " (SELECT 1 FROM knowledge_nodes WHERE id = c.memory_id)"
)

# Without these columns a table cannot be read; every version had them from the table's first day.
REQUIRED: Final[dict[str, frozenset[str]]] = {
    MEMORIES: frozenset({"id", "content"}),
    VECTORS: frozenset({"node_id", "embedding", "model"}),
    PROFILE_VECTORS: frozenset({"profile_id", "node_id", "embedding", "model"}),
    PROFILE_STATE: frozenset({"active_profile_id"}),
    REGISTRY: frozenset({"name", "dimension"}),
    CONNECTIONS: frozenset({"source_id", "target_id", "strength", "link_type"}),
    ACCESS_LOG: frozenset({"id", "node_id", "access_type", "accessed_at"}),
    CARDS: frozenset({"memory_id"}),
    "users": frozenset({"id", "handle"}),
    "groups": frozenset({"id", "handle"}),
    "group_memberships": frozenset({"user_id", "group_id"}),
    "domains": frozenset({"id", "label"}),
    "intentions": frozenset({"id", "content", "trigger_type", "trigger_data"}),
}
# Of the columns of the memories' table, those that no other program's would have as well.
MARKS: Final = frozenset({"last_accessed", "stability", "retention_strength", "learning_state"})

SOURCES: Final[dict[TransferTable, str]] = {
    TransferTable.USERS: "users",
    TransferTable.GROUPS: "groups",
    TransferTable.GROUP_MEMBERSHIPS: "group_memberships",
    TransferTable.KNOWLEDGE_NODES: MEMORIES,
    TransferTable.EDGES: CONNECTIONS,
    TransferTable.REVIEW_EVENTS: ACCESS_LOG,
    TransferTable.DOMAINS: "domains",
    TransferTable.INTENTIONS: "intentions",
}
BECOMES: Final[dict[str, str]] = {name: str(table) for table, name in SOURCES.items()} | {
    VECTORS: "the vectors of the memories",
    PROFILE_VECTORS: "the vectors of the memories",
    PROFILE_STATE: "which vectors are the valid ones",
    REGISTRY: "the name of the model",
    CARDS: "`fsrs_cards` in the metadata of the memories",
}

NO_PLACE: Final = "there is no place for it yet"
HISTORY: Final = "a record of what the Rust program did, of no use to another one"
DERIVED: Final = "derived from the memories, made anew where it is needed"
MODEL_DETAILS: Final = "describes embedding models of the Rust program"
REASONS: Final[dict[str, str]] = {
    "schema_version": "describes the file itself",
    "fsrs_config": "a setting of the Rust program; FSRS-6 is used with its default weights",
    "memory_states": DERIVED,
    "state_transitions": HISTORY,
    "insights": NO_PLACE,
    "consolidation_history": HISTORY,
    "dream_history": HISTORY,
    "retention_snapshots": HISTORY,
    "sessions": HISTORY,
    "sync_tombstones": "deleted rows of the Rust program's own synchronisation",
    "deletion_tombstones": "records of deleted memories, without their content",
    "merge_plans": HISTORY,
    "merge_operations": HISTORY,
    "composition_events": HISTORY,
    "composition_members": HISTORY,
    "composition_outcomes": HISTORY,
    "connector_cursors": "where the Rust program's connectors stood",
    "agent_traces": HISTORY,
    "agent_runs": HISTORY,
    "memory_receipts": HISTORY,
    "memory_prs": HISTORY,
    "embedding_profiles": MODEL_DETAILS,
    "embedding_profile_manifests": MODEL_DETAILS,
    "embedding_profile_migrations": MODEL_DETAILS,
    "embedding_profile_migration_checkpoints": MODEL_DETAILS,
    "knowledge_edges": "never used by the Rust program",
    "compressed_memories": "never used by the Rust program",
}
NO_REVIEW: Final = "suppressed or no longer suppressed: not a review"
OF_NO_MEMORY: Final = "of no memory in the file"
UNKNOWN: Final = "this version does not know the table"
# The full-text index and its own tables, which hold nothing that the memories do not.
FULL_TEXT_INDEX: Final = "knowledge_fts"


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """The tables of a file.

    Attributes:
        columns: the names of the columns of each table, in the order of `SELECT *`.
        rows: how many rows each table has; the full-text index is left out.
        schema_version: the number in the file, for people only.
        not_reviews: how many rows of the access log are about something else than a review.
        orphaned_cards: how many cards of the scheduler are of no memory.
    """

    columns: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, int]
    schema_version: int | None
    not_reviews: int = 0
    orphaned_cards: int = 0

    def has(self, table: str, column: str | None = None) -> bool:
        """Say whether a table is there with what is needed to read it, or has a column."""
        columns = self.columns.get(table, ())
        if column is not None:
            return column in columns
        return bool(columns) and REQUIRED[table] <= set(columns)

    def can_read(self, table: TransferTable) -> bool:
        """Say whether the file has rows for a table of the destination."""
        return table in SOURCES and self.has(SOURCES[table])

    def count(self, table: TransferTable) -> int:
        """Return how many rows will be read for a table: each is exported, or is a failure."""
        if not self.can_read(table):
            return 0
        rows = self.rows[SOURCES[table]]
        return rows - self.not_reviews if table == TransferTable.REVIEW_EVENTS else rows

    def copied(self, left_out: Mapping[str, int]) -> tuple[CopiedTable, ...]:
        """Return the non-empty tables whose rows go.

        Args:
            left_out: how many rows of a table stay behind, where not all of them go.
        """
        return tuple(
            CopiedTable(name=name, rows=going, becomes=BECOMES[name])
            for name, rows in self.rows.items()
            if name in BECOMES and self.has(name) and (going := rows - left_out.get(name, 0))
        )

    def skipped_parts(self) -> tuple[SkippedTable, ...]:
        """Return the rows that stay behind of tables whose other rows go."""
        parts = (
            SkippedTable(name=ACCESS_LOG, rows=self.not_reviews, reason=NO_REVIEW),
            SkippedTable(name=CARDS, rows=self.orphaned_cards, reason=OF_NO_MEMORY),
        )
        return tuple(part for part in parts if part.rows)

    def skipped(self) -> tuple[SkippedTable, ...]:
        """Return the non-empty tables none of whose rows go, with the reason."""
        return tuple(
            SkippedTable(name=name, rows=rows, reason=self._reason(name))
            for name, rows in self.rows.items()
            if rows and not (name in BECOMES and self.has(name))
        )

    def _reason(self, name: str) -> str:
        if name in BECOMES:
            missing = ", ".join(sorted(REQUIRED[name] - set(self.columns[name])))
            return f"cannot be read: it has no column {missing}"
        return REASONS.get(name, UNKNOWN)


def read_layout(reader: Reader, path: Path) -> Layout:
    """Return what a file holds.

    Raises:
        StoreUnavailableError: it is not a file of the Rust Vestige, or it is damaged.
    """
    names = [cast("str", name) for (name,) in reader.rows(TABLE_NAMES)]
    columns = {
        name: tuple(cast("str", column) for (column,) in reader.rows(COLUMNS, (name,)))
        for name in names
        if not name.startswith(FULL_TEXT_INDEX)
    }
    _check_owner(path, columns)
    layout = Layout(columns=columns, rows={}, schema_version=None)
    return Layout(
        columns=columns,
        rows={name: reader.count(name) for name in columns},
        schema_version=_schema_version(reader, layout),
        not_reviews=cast("int", reader.value(NOT_REVIEWS)) if layout.has(ACCESS_LOG) else 0,
        orphaned_cards=cast("int", reader.value(ORPHANED_CARDS)) if layout.has(CARDS) else 0,
    )


def _check_owner(path: Path, columns: Mapping[str, tuple[str, ...]]) -> None:
    if not columns:
        raise StoreUnavailableError(
            f"{path} is a database without a table", "Give the path of a vestige.db."
        )
    if "vestige_migrations" in columns:
        raise StoreUnavailableError(f"{path} is a store of this program already", OWN_STORE_HINT)
    found = frozenset(columns.get(MEMORIES, ()))
    is_ours = bool(MARKS & found) or "schema_version" in columns
    if MEMORIES not in columns or not is_ours:
        raise StoreUnavailableError(
            f"{path} is a database of another program: it has the table {min(columns)}",
            "Give the path of a vestige.db of the Rust Vestige; the file was not changed.",
        )
    if missing := REQUIRED[MEMORIES] - found:
        raise StoreUnavailableError(
            f"{path} cannot be read: its table {MEMORIES} has no column {min(missing)}",
            "Open it once with the Rust program, which brings its tables up to date.",
        )


def _schema_version(reader: Reader, layout: Layout) -> int | None:
    if not layout.has("schema_version", "version"):
        return None
    number = reader.value(SCHEMA_VERSION)
    return number if isinstance(number, int) else None
