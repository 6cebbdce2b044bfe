"""Every long operation, killed with -9 in the middle of a statement of it.

What dies is the program, the PostgreSQL server, or both. In the short form each operation dies
once, in the long form many times and in every way.
"""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from command_line import PROGRAM, CommandLine, Ran, is_two_lines
from killed_programs import ANY, UNKILLED, VICTIMS, Place, a_killed_server, run_until
from long_operations import OPERATIONS, everything, fill, ids, texts
from small_disks import IS_LONG
from vestige.storage.postgres.store import PostgresStore
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from killed_programs import KilledServer

# By which share of its statements an operation dies, of all or of those of its longest part.
LONGEST_PART: Final = [(False, 0.5)]
ANYWHERE: Final = [(True, share) for share in (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0)]
MOMENTS: Final = LONGEST_PART + ANYWHERE if IS_LONG else LONGEST_PART


@pytest.fixture(scope="module")
def server() -> Generator[KilledServer]:
    with a_killed_server() as server:
        yield server


@pytest.fixture(scope="module")
def templates(
    server: KilledServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path | str]:
    """A filled store of each backend, to be copied."""
    path = tmp_path_factory.mktemp("template") / "vestige.db"
    database = server.database("template0")
    url = server.url(database)

    async def make() -> None:
        for store in (
            await SqliteStore.open(path),
            await PostgresStore.connect(url, 2),
        ):
            await fill(store)
            await store.close()

    asyncio.run(make())
    return {"sqlite": path, "postgres": database}


@pytest.fixture
def vestige_in(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[Path], CommandLine]:
    """Makes the command line of a folder."""
    return lambda folder: CommandLine(folder, monkeypatch, capsys)


@pytest.fixture
def a_place(
    backend: str,
    server: KilledServer,
    templates: dict[str, Path | str],
    tmp_path: Path,
    vestige_in: Callable[[Path], CommandLine],
) -> Callable[[str], Place]:
    """Makes copies of the filled store."""

    def make(name: str) -> Place:
        folder, template = tmp_path / name, templates[backend]
        (folder / "source").mkdir(parents=True)
        shutil.copy(templates["sqlite"], folder / "source" / "vestige.db")
        place = Place(folder=folder, backend=backend, vestige=vestige_in(folder))
        if isinstance(template, Path):
            shutil.copy(template, folder)
            return place
        return replace(place, server=server, database=server.database(template))

    return make


_statements: dict[tuple[str, str, str], int] = {}


def moment_of(name: str, a_place: Callable[[str], Place], statement: str, share: float) -> int:
    """Return the number of the statement by which a share of an operation is done."""
    place = a_place("unharmed")
    key = name, place.backend, statement
    if key not in _statements:
        before = everything(place)
        OPERATIONS[name].prepare(place)
        ran, count = run(name, place, UNKILLED, "writer", statement)
        assert ran.code == 0, ran.err
        assert count
        assert OPERATIONS[name].is_done(place, before)
        _statements[key] = count
    return max(1, round(share * _statements[key]))


def run(
    name: str, place: Place, moment: int, victim: str, statement: str
) -> tuple[Ran, int | None]:
    operation = OPERATIONS[name]
    return run_until(
        place,
        moment,
        victim,
        *operation.arguments(place),
        program=operation.program,
        statement=statement,
    )


def victims(name: str, backend: str) -> tuple[str, ...]:
    """Return who is killed, one after the other."""
    all_of_them = VICTIMS[backend]
    if IS_LONG or len(all_of_them) == 1:
        return all_of_them
    return (OPERATIONS[name].victim,)


def doctor(place: Place) -> None:
    """Check that the store opens, and that what is wrong with it is named and can be repaired."""
    looked = place.run("doctor", "--json")
    assert looked.code in {0, 1}, looked.err
    if looked.code == 1:
        assert all(problem["repair"] for problem in looked.items("problems"))
        repaired = place.run("doctor", "--repair", "--yes")
        assert repaired.code == 0, repaired


@pytest.mark.parametrize(("is_anywhere", "share"), MOMENTS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_that_is_killed_loses_nothing_and_ends_well_the_next_time(
    a_place: Callable[[str], Place], backend: str, name: str, share: float, *, is_anywhere: bool
) -> None:
    operation = OPERATIONS[name]
    statement = ANY if is_anywhere else operation.statement
    moment = moment_of(name, a_place, statement, share)
    for victim in victims(name, backend):
        place = a_place(victim)
        before = everything(place)
        operation.prepare(place)
        died, _ = run(name, place, moment, victim, statement)
        if victim == "server" and died.code != 0:
            said = "".join(died.err.splitlines(keepends=True)[-2:])  # after what it had to tell
            assert is_two_lines(said) or operation.program != PROGRAM, died.err
        if name != "restore":
            doctor(place)
            held = everything(place)
            assert set(texts(before)) - operation.removed <= set(texts(held))
            if operation.acknowledges:
                assert set(died.out.split()) <= ids(held)
        again = operation.run_again(place)
        assert again.code == 0, again.err
        assert operation.is_done(place, before)
        assert place.run("doctor").out == "nothing is wrong\n"
