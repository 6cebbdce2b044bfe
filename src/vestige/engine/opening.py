"""From a configuration to an open engine."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from vestige.clock import SystemClock
from vestige.config import Config, load_config
from vestige.embedding import choose_embedder, embedder_of
from vestige.embedding.texts import signature_of
from vestige.engine.engine import Engine
from vestige.engine.observing import name_of
from vestige.errors import ModelMismatchError
from vestige.storage.opening import open_store
from vestige.telemetry.watched import watched_store

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from vestige.clock import Clock
    from vestige.embedding import Embedder
    from vestige.engine.parts import Actor
    from vestige.models import StoreStats
    from vestige.storage.protocol import MemoryStore


@asynccontextmanager
async def open_engine(
    where: Config | Path | str | None = None,
    *,
    clock: Clock | None = None,
    actor: Actor | None = None,
) -> AsyncGenerator[Engine]:
    """Open a store and its embedder, and close the store at the end.

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
    is_whole = isinstance(where, Config)
    config = where if is_whole else load_config(None, None, os.environ, store=where)
    store = await open_store(config, clock=clock)
    try:
        embedder = await _bound_embedder(config, store)
        engine = Engine(
            store,
            embedder,
            clock,
            open_embedder=partial(embedder_of, config.embeddings),
            actor=actor,
            secrets=config.secrets.policy,
        )
        with watched_store(name_of(store), partial(_counts, store, clock or SystemClock())):
            yield engine
    finally:
        await store.close()


async def _counts(store: MemoryStore, clock: Clock) -> StoreStats:
    return await store.get_stats(clock.now())


async def _bound_embedder(config: Config, store: MemoryStore) -> Embedder:
    """Return the embedder of the store's model, to which the store is then bound."""
    registered = await store.registered_model()
    embedder = choose_embedder(config.embeddings, registered)
    if registered is not None:
        signature = await signature_of(embedder)
        if registered != signature:
            raise ModelMismatchError(registered, signature)
        await store.register_model(registered)
    return embedder
