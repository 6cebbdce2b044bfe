"""The resources: what a client can show or attach without calling a tool, as JSON.

Like the answers of tools, each names the store and the scope, and says that contents are data.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from mcp.server.mcpserver.exceptions import ResourceError

from vestige.clock import SystemClock
from vestige.cognition.quotation import NOTICE
from vestige.errors import VestigeError
from vestige.mcp.context import ALL_CODEBASES, scope_of
from vestige.mcp.intention import row_of
from vestige.mcp.session import memory_row, status_fields, timeline_fields

if TYPE_CHECKING:
    from mcp.server import MCPServer

    from vestige.engine.engine import Engine
    from vestige.mcp.memory_handle import MemoryHandle
    from vestige.models import JsonObject

SHOWN: Final = 20  # memories or intentions of a resource
JSON: Final = "application/json"
KINDS: Final = {"patterns": ("pattern",), "decisions": ("decision",)}


class Resource(NamedTuple):
    """A resource of the whole memory: its URI, what clients show of it, and what it holds."""

    uri: str
    title: str
    description: str
    fields: Callable[[Engine], Awaitable[JsonObject]]


def add_resources(server: MCPServer[MemoryHandle], handle: MemoryHandle) -> None:
    """Offer the resources of a memory; it is opened when one of them is read."""
    for uri, title, description, fields in RESOURCES:
        offer = server.resource(uri, name=uri, title=title, description=description, mime_type=JSON)
        offer(_reader(handle, fields))

    @server.resource(
        "codebase://{codebase}/{kind}",
        title="Patterns and decisions of a project",
        description="kind: patterns or decisions; those that hold now, newest first.",
        mime_type=JSON,
    )
    async def memories_of_codebase(codebase: str, kind: str) -> str:
        if kind not in KINDS:
            raise ResourceError(f"there is no {kind!r} of a codebase: patterns or decisions")
        return await _read(handle, lambda engine: _of_codebase(engine, codebase, kind), codebase)


def _reader(
    handle: MemoryHandle, fields: Callable[[Engine], Awaitable[JsonObject]]
) -> Callable[[], Awaitable[str]]:
    """Return a function without parameters, as the SDK wants one for a URI without any."""

    async def read() -> str:
        return await _read(handle, fields)

    return read


async def _read(
    handle: MemoryHandle,
    fields: Callable[[Engine], Awaitable[JsonObject]],
    codebase: str | None = None,
) -> str:
    try:
        found = await fields(await handle.engine())
    except VestigeError as error:
        raise ResourceError(f"{error.code}: {error} {error.hint}") from error
    about: JsonObject = {
        "store": handle.store_name,
        "scope": scope_of(codebase, ALL_CODEBASES),
        "notice": NOTICE,
    }
    return json.dumps({**about, **found}, ensure_ascii=False)


async def _recent(engine: Engine) -> JsonObject:
    return await timeline_fields(engine, limit=SHOWN)


async def _due(engine: Engine) -> JsonObject:
    return {"memories": [memory_row(one.record) for one in await engine.due(limit=SHOWN)]}


async def _intentions(engine: Engine) -> JsonObject:
    check = await engine.check_intentions(limit=SHOWN)
    return {
        "intentions": [{**row_of(one.intention), "reason": one.reason} for one in check.triggered],
        "total": check.count,
    }


async def _of_codebase(engine: Engine, codebase: str, kind: str) -> JsonObject:
    from vestige.models import MemoryFilter  # noqa: PLC0415  # imports numpy

    chosen = MemoryFilter(codebase=codebase, node_types=KINDS[kind], current_at=SystemClock().now())
    found = await engine.list_memories(chosen, limit=SHOWN)
    return {"memories": [memory_row(record) for record in found]}


RESOURCES: Final = (
    Resource(
        "memory://stats",
        "State of the memory",
        "Store, model, health and counts.",
        status_fields,
    ),
    Resource(
        "memory://recent",
        "What was stored last",
        "The newest memories, with how many each day has.",
        _recent,
    ),
    Resource(
        "memory://due",
        "What is due for review",
        "Memories that fade and should be rated, the longest due first.",
        _due,
    ),
    Resource(
        "memory://intentions",
        "What is to be done now",
        "Intentions whose time has come.",
        _intentions,
    ),
)
