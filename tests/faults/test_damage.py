"""Files that are damaged under a store: what is said, what is left, and whether a repair works."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg
import pytest

from command_line import CommandLine, files_of, is_two_lines
from factories import ManualClock, a_memory
from killed_programs import a_killed_server
from small_disks import IS_LONG
from vestige.embedding.hashing import HashingEmbedder
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from vestige.models import MemoryRecord

PAGE_BYTES: Final = 4096
FILE_OF_TABLE: Final = (
    "SELECT current_setting('data_directory') || '/' || pg_relation_filepath('knowledge_nodes')"
)
EMBEDDER: Final = HashingEmbedder(64)
MEMORIES: Final = 20
# Where a log is cut or garbled, as a share of it.
PLACES: Final = [n / 40 for n in range(40)] if IS_LONG else [0.0, 0.35, 0.98]


@pytest.fixture
def vestige(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


def memories() -> list[MemoryRecord]:
    texts = [f"the lamp of house {number} is lit at dusk" for number in range(MEMORIES)]
    vectors = EMBEDDER.embed_documents(texts)
    return [a_memory(text, embedding=vector) for text, vector in zip(texts, vectors, strict=True)]


def garble(path: Path, first: int, count: int) -> None:
    data = bytearray(path.read_bytes())
    for place in range(first, min(first + count, len(data))):
        data[place] ^= 0xA5
    path.write_bytes(data)


async def crashed_copy(path: Path, folder: Path) -> Path:
    """Return a store as a loss of power leaves it: each memory is in the log, none in the file."""
    store = await SqliteStore.open(path, clock=ManualClock())
    await store.register_model(EMBEDDER.signature)
    await store.vacuum()  # empties the log
    for record in memories():
        await store.insert(record)
    folder.mkdir()
    for ending in ("", "-wal"):
        shutil.copy(f"{path}{ending}", folder)
    await store.close()
    return folder / path.name


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("is_cut", [True, False])
async def test_a_log_that_is_damaged_loses_what_came_after_the_damage_and_nothing_before_it(
    tmp_path: Path, place: float, *, is_cut: bool
) -> None:
    path = await crashed_copy(tmp_path / "vestige.db", tmp_path / "crashed")
    log = path.with_name(f"{path.name}-wal")
    at = int(place * log.stat().st_size)
    if is_cut:
        log.write_bytes(log.read_bytes()[:at])
    else:
        garble(log, at, 64)
    store = await SqliteStore.open(path, clock=ManualClock())
    count = await store.count()
    assert place * MEMORIES - 2 <= count <= place * MEMORIES + 1
    assert await store.get_many([record.id for record in memories()]) == memories()[:count]
    assert await store.find_problems() == []
    for record in memories()[:count]:
        assert record.embedding is not None
        (hit,) = await store.vector_search(record.embedding, 1)
        assert hit.record == record
    await store.register_model(EMBEDDER.signature)
    for record in memories()[count:]:
        await store.insert(record)
    assert await store.count() == MEMORIES
    await store.close()


def filled(vestige: CommandLine) -> str:
    """Fill the store; return its backup."""
    texts = [f"{number} " + "x" * 3000 for number in range(30)]
    assert vestige("remember", *texts).code == 0
    backup = vestige("backup", "--json").json
    return str(backup["path"])


def damage_pages(vestige: CommandLine) -> None:
    pages = vestige.store.stat().st_size // PAGE_BYTES
    for page in range(pages // 4, pages):
        garble(vestige.store, page * PAGE_BYTES, 64)


def test_a_file_with_damaged_pages_is_named_by_every_command_and_comes_back_from_a_backup(
    vestige: CommandLine,
) -> None:
    backup = filled(vestige)
    before = vestige("export").out
    damage_pages(vestige)
    damaged = vestige.store.read_bytes()
    for command in (["export"], ["recall", "x"], ["remember", "y"], ["backup"]):
        ran = vestige(*command)
        assert ran.code == 1
        assert is_two_lines(ran.err)
        assert "damaged" in ran.err
    said = vestige("doctor")
    assert said.code == 1
    assert "is damaged" in said.out + said.err
    assert "Restore a backup" in said.out + said.err
    assert vestige.store.read_bytes() == damaged
    for file in vestige.folder.glob("vestige.db*"):
        file.rename(f"{file}.damaged")
    assert vestige("restore", backup).code == 0
    assert vestige("export").out == before
    assert vestige("doctor").out == "nothing is wrong\n"


def test_a_damaged_file_is_not_replaced_by_a_restore_that_cannot_save_it_first(
    vestige: CommandLine,
) -> None:
    backup = filled(vestige)
    damage_pages(vestige)
    before = files_of(vestige.folder)  # beside which SQLite makes two of its own
    ran = vestige("restore", backup, "--replace", "--yes")
    assert ran.code == 1
    assert is_two_lines(ran.err)
    assert "damaged" in ran.err
    assert before.items() <= files_of(vestige.folder).items()


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_half_written_backup_is_no_backup_to_any_command(
    vestige: CommandLine, share: float
) -> None:
    whole = filled(vestige)
    half = vestige.folder / "half.jsonl.gz"
    data = (vestige.folder / "backups" / whole).read_bytes()
    half.write_bytes(data[: int(share * len(data))])
    before = vestige("export").out
    for command in (
        ["backup", "--verify", str(half)],
        ["drill", str(half)],
        ["restore", str(half), "--replace", "--yes"],
    ):
        ran = vestige(*command)
        assert ran.code == 1
        assert is_two_lines(ran.err)
    assert vestige("export").out == before
    assert len(list((vestige.folder / "backups").iterdir())) == 1


def test_a_damaged_page_on_postgresql_is_named_and_a_backup_comes_back_elsewhere(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VESTIGE_STORAGE_BACKEND", "postgres")
    with a_killed_server() as server:
        database, empty = server.database("template0"), server.database("template0")
        monkeypatch.setenv("VESTIGE_STORAGE_POSTGRES_URL", server.url(database))
        backup = filled(vestige)
        before = vestige("export").out
        table = Path(asyncio.run(value_of(server.url(database), FILE_OF_TABLE)))
        server.stop()
        garble(table, PAGE_BYTES, 64)
        monkeypatch.setenv("VESTIGE_STORAGE_POSTGRES_URL", server.url(database))
        for command in (["export"], ["doctor"], ["backup"]):
            ran = vestige(*command)
            assert ran.code == 1
            assert is_two_lines(ran.err)
            assert "is damaged (invalid page in block 0 of relation" in ran.err
            assert "Restore a backup" in ran.err
        monkeypatch.setenv("VESTIGE_STORAGE_POSTGRES_URL", server.url(empty))
        assert vestige("restore", backup).code == 0
        assert vestige("export").out == before
        assert vestige("doctor").out == "nothing is wrong\n"


async def value_of(url: str, sql: str) -> str:
    connection = await asyncpg.connect(url)
    value = str(await connection.fetchval(sql))
    await connection.close()
    return value
