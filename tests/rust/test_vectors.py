"""Which vectors of a file go with their memories, and which stay behind."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Final

import numpy as np
import pytest

from factories import a_vector
from rust.files import (
    CREATED,
    DIMENSION,
    MINILM,
    NOMIC,
    Cell,
    a_file,
    add,
    add_node,
    add_vector,
    changes,
    execute,
    memories,
    node_id,
    opened,
    read_all,
)
from vestige.embedding.minilm import MiniLMEmbedder
from vestige.models import Domain, TransferTable
from vestige.storage.vectors import vector_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from vestige.models import ModelSignature

LEGACY: Final = "nomic-v1.5-legacy-raw-256"


async def test_the_vectors_go_bit_for_bit_with_the_name_of_their_model(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db", "first")
    add_vector(path, add_node(path))
    async with opened(path) as source:
        (memory,) = await memories(source)
        model = await source.registered_model()
    assert model is not None
    assert (model.name, model.dimension) == (NOMIC, DIMENSION)
    vector = memory.record.embedding
    assert vector is not None
    assert vector_bytes(vector) == vector_bytes(a_vector(7, dimension=DIMENSION))
    assert vector.dtype == np.float32


async def test_the_hash_of_the_file_is_not_taken_over(tmp_path: Path) -> None:
    # It names the release of the Rust program, so two files of one model would not fit together.
    models: list[ModelSignature | None] = []
    for release in ("a", "b"):
        path = a_file(tmp_path / f"{release}.db")
        add_vector(path, add_node(path))
        add(
            path,
            "embedding_model",
            id=1,
            name=NOMIC,
            dimension=DIMENSION,
            hash=hashlib.sha256(release.encode()).hexdigest(),
            created_at=CREATED,
        )
        async with opened(path) as source:
            models.append(await source.registered_model())
    assert models[0] is not None
    assert models[0] == models[1]


async def test_the_model_of_most_vectors_wins_and_the_others_stay_behind(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db", "main 13")
    for number in (1, 2, 3):
        add_vector(path, add_node(path, number))
    add_vector(path, add_node(path, 4), dimension=768)  # before the model's vectors were cut
    add_vector(path, add_node(path, 5), model="all-MiniLM-L6-v2", dimension=384)
    add_vector(path, add_node(path, 6), model="all-MiniLM-L6-v2")
    add_node(path, 7)
    async with opened(path) as source:
        found = [memory.record.embedding is not None for memory in await memories(source)]
        model = await source.registered_model()
        report = source.report()
    assert found == [True, True, True, False, False, False, False]
    assert model is not None
    assert (model.name, model.dimension) == (NOMIC, DIMENSION)
    assert changes(report) == {"vector: of another model or length than most, left out": 3}
    assert report.adjusted[0].before == f"{NOMIC}, 3072 bytes as blob"
    assert report.adjusted[0].key == node_id(4)


async def test_a_tie_goes_to_the_model_that_the_file_registered(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_vector(path, add_node(path, 1), model="a", dimension=4)
    add_vector(path, add_node(path, 2), model="b", dimension=4)
    add(path, "embedding_model", id=1, name="b", dimension=4, hash="f" * 64, created_at=CREATED)
    async with opened(path) as source:
        model = await source.registered_model()
    assert model is not None
    assert model.name == "b"


async def test_a_registered_model_counts_when_no_vector_is_left(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    add(path, "embedding_model", id=1, name=NOMIC, dimension=256, hash="", created_at=CREATED)
    async with opened(path) as source:
        model = await source.registered_model()
    assert model is not None
    assert (model.name, model.dimension) == (NOMIC, 256)


async def test_vectors_of_our_own_models_name_are_not_taken_for_ours(tmp_path: Path) -> None:
    # The other program ran the model on another file, so its vectors are close, and not equal.
    ours = MiniLMEmbedder().signature
    path = a_file(tmp_path / "vestige.db")
    add_vector(path, add_node(path), model=ours.name, dimension=ours.dimension)
    async with opened(path) as source:
        theirs = await source.registered_model()
    assert theirs is not None
    assert (theirs.name, theirs.dimension) == (ours.name, ours.dimension)
    assert theirs.hash != ours.hash


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\0" * 1024, "vector: is all zeros and has no direction, left out"),
        (struct.pack("<256f", float("nan"), *[1.0] * 255), "not finite"),
        (struct.pack("<256f", float("inf"), *[1.0] * 255), "not finite"),
        (b"\1" * 1023, "vector: not of float32 numbers, left out"),
        (b"", "of another model or length"),
        ("[0.1, 0.2]", "vector: not of float32 numbers, left out"),
        (7, "vector: not of float32 numbers, left out"),
    ],
)
async def test_a_vector_that_nobody_can_use_stays_behind_and_its_memory_goes(
    data: Cell, what: str, tmp_path: Path
) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_vector(path, add_node(path, 1))
    add_vector(path, add_node(path, 2))
    add_vector(path, add_node(path, 3), data=data)
    async with opened(path) as source:
        *_, last = await memories(source)
        (change,) = changes(source.report())
    assert last.record.embedding is None
    assert what in change


async def test_a_vector_older_than_its_text_stays_behind(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_vector(path, add_node(path, 1))
    add_vector(path, add_node(path, 2))
    execute(path, "UPDATE knowledge_nodes SET has_embedding = 0 WHERE id = ?", (node_id(2),))
    async with opened(path) as source:
        found = [memory.record.embedding is not None for memory in await memories(source)]
        assert changes(source.report()) == {"vector: older than its text, left out": 1}
    assert found == [True, False]


async def test_vectors_without_a_memory_are_counted(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_vector(path, add_node(path))
    add_vector(path, node_id(9))
    async with opened(path) as source:
        report = source.report()
    copied = {table.name: table.rows for table in report.copied}
    skipped = {table.name: table.rows for table in report.skipped}
    assert (copied["node_embeddings"], skipped["node_embeddings"]) == (1, 1)


@pytest.mark.parametrize(
    ("registered", "dimension"),
    [(NOMIC, 384), ("another-model", DIMENSION)],
    ids=["other length", "other model"],
)
async def test_a_centroid_of_another_model_stays_behind(
    registered: str, dimension: int, tmp_path: Path
) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_vector(path, add_node(path))
    add(
        path,
        "embedding_model",
        id=1,
        name=registered,
        dimension=DIMENSION,
        hash="f" * 64,
        created_at=CREATED,
    )
    centroid = vector_bytes(a_vector(3, dimension=dimension))
    add(path, "domains", id="work", label="Work", centroid=centroid, created_at=CREATED)
    async with opened(path) as source:
        (domain,) = await read_all(source, TransferTable.DOMAINS)
        (change,) = changes(source.report())
    assert isinstance(domain, Domain)
    assert domain.centroid is None
    assert change.startswith("centroid: of another model or length")


async def test_the_old_table_fills_the_gaps_of_the_old_profile_only(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db", "profiles 28")
    for number in (1, 2):
        add_vector(path, add_node(path, number))
    add_profile_vector(path, LEGACY, node_id(1), dimension=DIMENSION, model=NOMIC)
    activate(path, LEGACY)
    async with opened(path) as source:
        first, second = await memories(source)
        report = source.report()
    assert first.record.embedding is not None
    assert second.record.embedding is not None
    # Where both tables have a vector, that of the profile is the newer one.
    assert first.record.embedding.tolist() == a_vector(9, dimension=DIMENSION).tolist()
    assert second.record.embedding.tolist() == a_vector(7, dimension=DIMENSION).tolist()
    assert {table.name: table.rows for table in report.skipped}["node_embeddings"] == 1


async def test_profiles_of_which_none_is_active_are_named(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db", "profiles 28")
    add_vector(path, add_node(path))
    add_profile_vector(path, LEGACY, node_id(1), dimension=DIMENSION, model=NOMIC)
    async with opened(path) as source:
        (memory,) = await memories(source)
        report = source.report()
    assert memory.record.embedding is not None
    assert memory.record.embedding.tolist() == a_vector(7, dimension=DIMENSION).tolist()
    assert {table.name: table.rows for table in report.skipped}["embedding_profile_vectors"] == 1


async def test_vectors_of_the_active_profile_go_and_the_others_are_named(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db", "profiles 28")
    memory_id = add_node(path)
    add_vector(path, memory_id)
    add_profile_vector(path, "minilm-l6-384", memory_id, dimension=384, model=MINILM)
    add_profile_vector(path, LEGACY, memory_id, dimension=DIMENSION, model=NOMIC)
    activate(path, "minilm-l6-384")
    async with opened(path) as source:
        (memory,) = await memories(source)
        model = await source.registered_model()
        report = source.report()
    assert model is not None
    assert (model.name, model.dimension) == (MINILM, 384)
    assert memory.record.embedding is not None
    assert memory.record.embedding.tolist() == a_vector(9, dimension=384).tolist()
    skipped = {table.name: table.rows for table in report.skipped}
    assert (skipped["embedding_profile_vectors"], skipped["node_embeddings"]) == (1, 1)


def add_profile_vector(
    path: Path, profile: str, memory_id: str, *, dimension: int, model: str
) -> None:
    add(
        path,
        "embedding_profile_vectors",
        profile_id=profile,
        node_id=memory_id,
        embedding=vector_bytes(a_vector(9, dimension=dimension)),
        dimensions=dimension,
        model=model,
        created_at=CREATED,
    )


def activate(path: Path, profile: str) -> None:
    add(
        path,
        "embedding_profile_state",
        singleton=1,
        active_profile_id=profile,
        activated_at=CREATED,
        updated_at=CREATED,
    )
