"""The resources: what a client can show or attach without calling a tool, as JSON.

Like the answers of tools, each names the store and the scope, and says that contents are data.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from mcp.server.mcpserver.exceptions import ResourceError

from vestige.clock import SystemClock
from vestige.errors import VestigeError
from vestige.mcp.context import ALL_CODEBASES, scope_of
from vestige.mcp.intention import row_of
from vestige.mcp.session import memory_row, status_fields, timeline_fields
from vestige.mcp.text import NOTICE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp.server import MCPServer

    from vestige.engine.engine import Engine
    from vestige.mcp.memory_handle import MemoryHandle
    from vestige.models import JsonObject

SHOWN: Final = 20  # memories or intentions of a resource
JSON: Final = "application/json"
KINDS: Final = {"patterns": ("pattern",), "decisions": ("decision",)}


def add_resources(server: MCPServer[MemoryHandle], handle: MemoryHandle) -> None:
    """Offer the resources of a memory; it is opened when one of them is read."""

    async def read(
        fields: Callable[[Engine], Awaitable[JsonObject]], codebase: str | None = None
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

    @server.resource(
        "memory://stats",
        title="State of the memory",
        description="Store, model, health and counts.",
        mime_type=JSON,
    )
    async def stats() -> str:
        return await read(status_fields)

    @server.resource(
        "memory://recent",
        title="What was stored last",
        description="The newest memories, with how many each day has.",
        mime_type=JSON,
    )
    async def recent() -> str:
        return await read(lambda engine: timeline_fields(engine, limit=SHOWN))

    @server.resource(
        "memory://due",
        title="What is due for review",
        description="Memories that fade and should be rated, the longest due first.",
        mime_type=JSON,
    )
    async def due() -> str:
        return await read(_due)

    @server.resource(
        "memory://intentions",
        title="What is to be done now",
        description="Intentions whose time has come.",
        mime_type=JSON,
    )
    async def intentions() -> str:
        return await read(_intentions)

    @server.resource(
        "codebase://{codebase}/{kind}",
        title="Patterns and decisions of a project",
        description="kind: patterns or decisions; those that hold now, newest first.",
        mime_type=JSON,
    )
    async def memories_of_codebase(codebase: str, kind: str) -> str:
        if kind not in KINDS:
            raise ResourceError(f"there is no {kind!r} of a codebase: patterns or decisions")
        return await read(lambda engine: _of_codebase(engine, codebase, kind), codebase)


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
