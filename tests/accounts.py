"""What a store holds, as rows and as its changelog accounts for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vestige.models import (
    ChangelogEntry,
    ChangelogFilter,
    MemoryEdge,
    ReviewEvent,
    ScheduledMemory,
    TransferTable,
)
from vestige.storage.row_objects import row_object
from vestige.transfer.pages import pages_of

if TYPE_CHECKING:
    from vestige.engine.engine import Engine
    from vestige.models import JsonObject, JsonValue


async def rows_of_store(engine: Engine) -> list[Any]:
    """Return all memories, links and reviews of a store."""
    tables = (TransferTable.KNOWLEDGE_NODES, TransferTable.EDGES, TransferTable.REVIEW_EVENTS)
    return [
        row
        for table in tables
        async for page in pages_of(engine.store, table, 1000)
        for row in page.rows
    ]


async def replayed(engine: Engine) -> dict[str, JsonValue]:
    """Return the rows that the changelog alone accounts for, by name."""
    entries: list[ChangelogEntry] = []
    after = None
    while page := await engine.changelog(ChangelogFilter(), after=after, limit=1000):
        entries += page
        after = (page[-1].change_id, page[-1].memory_id)
    rows: dict[str, JsonValue] = {}
    for entry in reversed(entries):
        if entry.after is None:  # purged, with all that belonged to it
            rows = {name: row for name, row in rows.items() if str(entry.memory_id) not in name}
            continue
        for name, row in entry.after.items():
            whole = name if name.startswith("edge ") else f"{name} of {entry.memory_id}"
            rows[whole] = _lasting(row)
    return {name: row for name, row in rows.items() if row is not None}


async def accounted(engine: Engine) -> dict[str, JsonValue]:
    """Return the rows of a store as the changelog would have them, by name."""
    rows: dict[str, JsonValue] = {}
    for row in await rows_of_store(engine):
        value = without_vectors(row)
        match row:
            case ScheduledMemory(record=record):
                rows[f"scheduling of {record.id}"] = _lasting(value.pop("scheduling"))
                rows[f"memory of {record.id}"] = value
            case MemoryEdge():
                rows[edge_name(row)] = value
            case _:
                rows[f"review {row.id} of {row.memory_id}"] = value
    return rows


def without_vectors(row: Any) -> JsonObject:
    """Return a row as JSON, without its table and vectors."""
    table = {
        ScheduledMemory: TransferTable.KNOWLEDGE_NODES,
        MemoryEdge: TransferTable.EDGES,
        ReviewEvent: TransferTable.REVIEW_EVENTS,
    }[type(row)]
    value = row_object(table, row)
    del value["table"]
    if table == TransferTable.KNOWLEDGE_NODES:
        value |= {"embedding": None, "windows": []}
    return value


def _lasting(row: JsonValue) -> JsonValue:
    """Return a row without what is refreshed without an account, because it only follows."""
    if not isinstance(row, dict):
        return row
    return {name: value for name, value in row.items() if name != "retrievability"}


def edge_name(edge: MemoryEdge) -> str:
    """Return the name of a link in the changelog."""
    return f"edge {edge.source_id} {edge.target_id} {edge.edge_type}"
