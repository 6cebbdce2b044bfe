"""What a tool knows about its call: the memory, the client, and what an answer is about."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from mcp.server.mcpserver import Context

from vestige.mcp.memory_handle import MemoryHandle
from vestige.mcp.text import one_line

ToolContext: TypeAlias = Context[MemoryHandle, Any]

ALL_CODEBASES: Final = "all codebases"
NO_CODEBASE: Final = "no codebase"


def memory_of(context: ToolContext) -> MemoryHandle:
    """Return the memory that the server works on."""
    return context.request_context.lifespan_context


def client_id(context: ToolContext) -> str | None:
    """Return the client's name and version, None when it has not said who it is."""
    params = context.request_context.session.client_params
    if params is None:
        return None
    client = params.client_info
    return f"{client.name}/{client.version}" if client.version else client.name


def scope_of(codebase: str | None, otherwise: str) -> str:
    """Return which codebase an answer is about."""
    return f"codebase {one_line(codebase)}" if codebase else otherwise
