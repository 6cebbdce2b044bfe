"""From a path, a URL or a configuration to an open engine that needs no event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestige.engine.opening import open_engine
from vestige.sync.background import Background
from vestige.sync.engine import SyncEngine

if TYPE_CHECKING:
    from pathlib import Path

    from vestige.clock import Clock
    from vestige.config import Config
    from vestige.engine.parts import Actor


def open(  # noqa: A001  # read as `vestige.open`, like `gzip.open`
    where: Config | Path | str | None = None,
    *,
    clock: Clock | None = None,
    actor: Actor | None = None,
) -> SyncEngine:
    """Open a store and its embedder for code that is not async; close it, or use it in `with`.

    The engine lives on a thread of its own, so it works where an event loop runs already, too, as
    in a notebook, and from several threads at once.

    Args:
        where: a configuration, or which store, while `vestige.toml` and the environment say the
            rest: the path of a file, `postgresql://...` or `embedded`. By default the store that
            is configured, as for the command line.
        clock: where the time comes from; the machine's by default.
        actor: who the changelog says made the changes.

    Raises:
        ConfigError: the configuration cannot be used.
        EmbeddingError: the configured model is needed to compare it with the store's, and
            cannot be had.
        ModelMismatchError: the configured model is not the one that the store's vectors are of.
        StoreUnavailableError, MigrationError: the store cannot be used.
    """
    return SyncEngine(Background(open_engine(where, clock=clock, actor=actor)))
