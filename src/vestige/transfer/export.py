"""Writing a whole store as lines of JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from vestige.models import TransferTable
from vestige.storage.row_objects import row_object

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from vestige.models import JsonObject, ModelSignature
    from vestige.storage.protocol import MemoryStore

FORMAT: Final = "vestige_export"  # the field of the first line that holds the version
FORMAT_VERSION: Final = 1
PAGE_ROWS: Final = 100  # held in memory at once: a hundred texts of the largest size


async def export_lines(store: MemoryStore) -> AsyncGenerator[bytes]:
    """Yield the lines of an export: a header, then a line a row, table by table.

    They hold nothing but what the store holds, so the same store gives the same bytes.

    Yields:
        UTF-8 with the line break at its end.
    """
    yield _line({FORMAT: FORMAT_VERSION, "model": _model(await store.registered_model())})
    for table in TransferTable:
        after: str | None = None
        is_last = False
        while not is_last:
            page = await store.export_page(table, after=after, limit=PAGE_ROWS)
            for row in page.rows:
                yield _line(row_object(table, row))
            after = page.next_after
            is_last = after is None


def _line(value: JsonObject) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return f"{text}\n".encode()


def _model(model: ModelSignature | None) -> JsonObject | None:
    if model is None:
        return None
    return {"name": model.name, "dimension": model.dimension, "hash": model.hash}
