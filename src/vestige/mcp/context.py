"""What a tool knows about its call: the memory, the client, and what an answer is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from mcp.server.mcpserver import Context

from vestige.mcp.memory_handle import MemoryHandle
from vestige.mcp.text import one_line

if TYPE_CHECKING:
    from vestige.engine.engine import Engine

ToolContext: TypeAlias = Context[MemoryHandle, Any]

ALL_CODEBASES: Final = "all codebases"
NO_CODEBASE: Final = "no codebase"
CLIENT_CHARACTERS: Final = 256  # storage.limits.NAME_MAX_CHARACTERS, whose import costs .1 s


def memory_of(context: ToolContext) -> MemoryHandle:
    """Return the memory that the server works on."""
    return context.request_context.lifespan_context


async def engine_of(context: ToolContext) -> Engine:
    """Return the open engine, whose changes are those of the client and of this run.

    Raises:
        VestigeError: the store or the model cannot be used.
    """
    from vestige.engine.parts import Actor  # noqa: PLC0415  # imports numpy

    memory = memory_of(context)
    engine = await memory.engine()
    return engine.acting_as(Actor(client_id=client_id(context), session_id=memory.session_id))


def client_id(context: ToolContext) -> str | None:
    """Return the client's name and version, None when it has not said who it is."""
    params = context.request_context.session.client_params
    if params is None:
        return None
    client = params.client_info
    name = f"{client.name}/{client.version}" if client.version else client.name
    # A client with a strange name has to be able to write nevertheless.
    return one_line(name.replace("\0", " "))[:CLIENT_CHARACTERS] or None


def scope_of(codebase: str | None, otherwise: str) -> str:
    """Return which codebase an answer is about."""
    return f"codebase {one_line(codebase)}" if codebase else otherwise
