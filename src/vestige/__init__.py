"""Long-term memory for AI agents.

Names are imported when they are first used, so that `import vestige` costs nothing and a command
line starts without loading a database driver or a model.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING

if _TYPE_CHECKING:
    from vestige.config import Config, load_config
    from vestige.engine.engine import Engine
    from vestige.engine.opening import open_engine
    from vestige.engine.recall_options import RecallFilter, RecallOptions
    from vestige.engine.results import (
        Candidate,
        DueMemory,
        EditResult,
        ImportedText,
        ImportText,
        IngestContext,
        LinkResult,
        NeighborMemory,
        PutItem,
        PutResult,
        RecallHit,
        RecallResult,
        RememberResult,
        ReviewResult,
        VacuumResult,
    )
    from vestige.errors import VestigeError
    from vestige.models import (
        MemoryCursor,
        MemoryEdge,
        MemoryFilter,
        MemoryOrder,
        MemoryRecord,
        Rating,
        SchedulingState,
        SearchQuery,
        SearchResult,
    )
    from vestige.storage.opening import open_store
    from vestige.storage.protocol import MemoryStore
    from vestige.storage.sqlite.store import SqliteStore
    from vestige.sync.engine import SyncEngine
    from vestige.sync.opening import open  # noqa: A004  # read as `vestige.open`, like `gzip.open`

_MODULES = {
    "Candidate": "vestige.engine.results",
    "Config": "vestige.config",
    "DueMemory": "vestige.engine.results",
    "EditResult": "vestige.engine.results",
    "Engine": "vestige.engine.engine",
    "ImportText": "vestige.engine.results",
    "ImportedText": "vestige.engine.results",
    "IngestContext": "vestige.engine.results",
    "LinkResult": "vestige.engine.results",
    "MemoryCursor": "vestige.models",
    "MemoryEdge": "vestige.models",
    "MemoryFilter": "vestige.models",
    "MemoryOrder": "vestige.models",
    "MemoryRecord": "vestige.models",
    "MemoryStore": "vestige.storage.protocol",
    "NeighborMemory": "vestige.engine.results",
    "PutItem": "vestige.engine.results",
    "PutResult": "vestige.engine.results",
    "Rating": "vestige.models",
    "RecallFilter": "vestige.engine.recall_options",
    "RecallHit": "vestige.engine.results",
    "RecallOptions": "vestige.engine.recall_options",
    "RecallResult": "vestige.engine.results",
    "RememberResult": "vestige.engine.results",
    "ReviewResult": "vestige.engine.results",
    "SchedulingState": "vestige.models",
    "SearchQuery": "vestige.models",
    "SearchResult": "vestige.models",
    "SqliteStore": "vestige.storage.sqlite.store",
    "SyncEngine": "vestige.sync.engine",
    "VacuumResult": "vestige.engine.results",
    "VestigeError": "vestige.errors",
    "load_config": "vestige.config",
    "open": "vestige.sync.opening",
    "open_engine": "vestige.engine.opening",
    "open_store": "vestige.storage.opening",
}

__all__ = [
    "Candidate",
    "Config",
    "DueMemory",
    "EditResult",
    "Engine",
    "ImportText",
    "ImportedText",
    "IngestContext",
    "LinkResult",
    "MemoryCursor",
    "MemoryEdge",
    "MemoryFilter",
    "MemoryOrder",
    "MemoryRecord",
    "MemoryStore",
    "NeighborMemory",
    "PutItem",
    "PutResult",
    "Rating",
    "RecallFilter",
    "RecallHit",
    "RecallOptions",
    "RecallResult",
    "RememberResult",
    "ReviewResult",
    "SchedulingState",
    "SearchQuery",
    "SearchResult",
    "SqliteStore",
    "SyncEngine",
    "VacuumResult",
    "VestigeError",
    "load_config",
    "open",
    "open_engine",
    "open_store",
]


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_import_module(module), name)


def __dir__() -> list[str]:
    return __all__
