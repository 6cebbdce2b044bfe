"""What SQLite paths are accepted, and what the others are told."""

from __future__ import annotations

import stat
from contextlib import closing
from typing import TYPE_CHECKING

import apsw
import pytest

from factories import a_memory, a_signature, a_vector, an_id
from sqlite.databases import OTHER_PROGRAM, RUST_VESTIGE, execute, fingerprint, run_sql
from vestige.errors import MigrationError, StoreUnavailableError, VestigeError
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path


async def refusal(path: Path) -> VestigeError:
    with pytest.raises(VestigeError) as caught:
        await SqliteStore.open(path)
    return caught.value


async def test_a_new_store_is_private_to_its_user(tmp_path: Path) -> None:
    path = tmp_path / "memory" / "vestige.db"
    store = await SqliteStore.open(path)
    await store.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_the_mode_of_a_folder_that_was_there_stays(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    await (await SqliteStore.open(tmp_path / "vestige.db")).close()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


async def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "vestige.db"
    path.touch()
    store = await SqliteStore.open(path)
    assert await store.count() == 0
    await store.close()


async def test_a_current_store_is_not_written_to_when_opened_and_read(tmp_path: Path) -> None:
    path = tmp_path / "vestige.db"
    store = await SqliteStore.open(path)
    await store.insert(a_memory("kept"))
    await store.close()
    before = fingerprint(tmp_path)
    store = await SqliteStore.open(path)
    assert [hit.record.content for hit in await store.fts_search("kept")] == ["kept"]
    await store.close()
    assert fingerprint(tmp_path) == before


async def test_a_folder_is_refused(tmp_path: Path) -> None:
    error = await refusal(tmp_path)
    assert isinstance(error, StoreUnavailableError)
    assert "is a folder" in str(error)
    assert list(tmp_path.iterdir()) == []


async def test_a_path_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    assert isinstance(await refusal(tmp_path / "file" / "vestige.db"), StoreUnavailableError)


@pytest.mark.parametrize("content", [b"notes", b"SQLite format 3", b"\x00" * 8192])
async def test_a_file_that_is_no_database_is_refused_unchanged(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "vestige.db").write_bytes(content)
    error = await refusal(tmp_path / "vestige.db")
    assert isinstance(error, StoreUnavailableError)
    assert "not a SQLite database" in str(error)
    assert (tmp_path / "vestige.db").read_bytes() == content
    assert len(list(tmp_path.iterdir())) == 1


async def test_a_cut_off_database_is_refused_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "vestige.db"
    await (await SqliteStore.open(path)).close()
    path.write_bytes(path.read_bytes()[:5000])
    before = fingerprint(tmp_path)
    assert isinstance(await refusal(path), StoreUnavailableError)
    assert fingerprint(tmp_path)["vestige.db"] == before["vestige.db"]


@pytest.mark.parametrize(
    ("script", "named"),
    [(RUST_VESTIGE, "vestige migrate copy --from rust"), (OTHER_PROGRAM, "another path")],
)
async def test_a_database_of_another_program_is_refused_unchanged(
    tmp_path: Path, script: str, named: str
) -> None:
    run_sql(tmp_path / "vestige.db", script)
    before = fingerprint(tmp_path)
    error = await refusal(tmp_path / "vestige.db")
    assert isinstance(error, StoreUnavailableError)
    assert named in error.hint
    assert fingerprint(tmp_path) == before


async def test_a_database_in_the_log_of_another_program_is_refused_unchanged(
    tmp_path: Path,
) -> None:
    run_sql(tmp_path / "vestige.db", "PRAGMA journal_mode = WAL;" + RUST_VESTIGE)
    before = fingerprint(tmp_path)
    assert "Rust Vestige" in str(await refusal(tmp_path / "vestige.db"))
    assert fingerprint(tmp_path) == before


async def test_a_store_of_a_newer_version_is_refused_by_the_name_of_its_step(
    tmp_path: Path,
) -> None:
    path = tmp_path / "vestige.db"
    await (await SqliteStore.open(path)).close()
    run_sql(
        path,
        "INSERT INTO vestige_migrations VALUES"
        " (99, 'from_the_future', 'x', '2026-01-01T00:00:00.000000Z', 0.1)",
    )
    before = fingerprint(tmp_path)
    error = await refusal(path)
    assert isinstance(error, MigrationError)
    assert "0099_from_the_future" in str(error)
    assert "Upgrade" in error.hint
    assert fingerprint(tmp_path) == before


async def test_a_changed_step_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "vestige.db"
    await (await SqliteStore.open(path)).close()
    run_sql(path, "UPDATE vestige_migrations SET checksum = 'other'")
    assert "0001_init" in str(await refusal(path))


async def test_vectors_survive_closing_and_opening(tmp_path: Path) -> None:
    path = tmp_path / "vestige.db"
    store = await SqliteStore.open(path)
    await store.register_model(a_signature())
    await store.insert(a_memory("kept", embedding=a_vector(1)))
    await store.close()
    store = await SqliteStore.open(path)
    assert [hit.record.id for hit in await store.vector_search(a_vector(1))] == [an_id("kept")]
    await store.close()


async def test_tables_of_another_program_that_are_only_in_its_log_are_not_mixed_with_ours(
    tmp_path: Path,
) -> None:
    path = tmp_path / "vestige.db"
    run_sql(path, "PRAGMA journal_mode = WAL")
    with closing(apsw.Connection(str(path))) as db:
        execute(db, OTHER_PROGRAM)
        assert "another program" in str(await refusal(path))
    assert run_sql(path, "SELECT name FROM sqlite_master") == [("recipes",)]
