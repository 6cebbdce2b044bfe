"""What the page about backups promises."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from pages import ROOT, blocks_of
from vestige import SqliteStore, load_config, open_engine

if TYPE_CHECKING:
    from pathlib import Path

PAGE: Final = ROOT / "docs" / "how-to" / "back-up-a-sqlite-store.md"
SETTINGS: Final = {"VESTIGE_EMBEDDINGS_PROVIDER": "hashing"}
BACKUP: Final = re.compile(r'^\$ python3 -c "(.*)"$', re.MULTILINE)
CONTENT: Final = "the newest memory, which is in the log only"


def backup_program(home: Path) -> str:
    """Return the program of the page, for a home directory."""
    found = [match[1] for block in blocks_of(PAGE) if (match := BACKUP.search(block.text))]
    assert len(found) == 1
    return found[0].replace("$HOME", str(home))


def run_python(program: str) -> None:
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


async def test_a_backup_of_a_store_in_use_holds_its_newest_memory(tmp_path: Path) -> None:
    source, copy = tmp_path / ".vestige", tmp_path / "backup"
    copy.mkdir()
    async with open_engine(load_config(None, source, SETTINGS)) as memory:
        stored = await memory.remember(CONTENT, tags=["kept"])
        assert (source / "vestige.db-wal").stat().st_size
        await asyncio.to_thread(run_python, backup_program(tmp_path))
    async with open_engine(load_config(None, copy, SETTINGS)) as memory:
        assert (await memory.health()).status == "healthy"
        hits = await memory.recall("newest memory")
        assert [hit.record.id for hit in hits] == [stored.id]
        assert hits[0].vector_rank == 1
        assert hits[0].fts_rank == 1


async def test_after_the_last_program_has_ended_the_file_alone_is_the_store(
    tmp_path: Path,
) -> None:
    async with open_engine(load_config(None, tmp_path, SETTINGS)) as memory:
        stored = await memory.remember(CONTENT)
    assert [path.name for path in tmp_path.iterdir()] == ["vestige.db"]
    copy = tmp_path / "copy.db"
    copy.write_bytes((tmp_path / "vestige.db").read_bytes())
    store = await SqliteStore.open(copy)
    assert await store.get(stored.id) is not None
    await store.close()


@pytest.mark.parametrize("with_log", [True, False])
async def test_the_log_of_a_killed_program_belongs_to_its_file(
    tmp_path: Path, *, with_log: bool
) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    copy.mkdir()
    async with open_engine(load_config(None, source, SETTINGS)) as memory:
        stored = await memory.remember(CONTENT)
        for name in ["vestige.db", "vestige.db-wal"][: 1 + with_log]:
            # Nobody writes meanwhile, so this is what a killed process leaves behind.
            (copy / name).write_bytes((source / name).read_bytes())
    store = await SqliteStore.open(copy / "vestige.db")
    found = await store.get(stored.id)
    await store.close()
    assert (found is not None) == with_log
