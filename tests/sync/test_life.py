"""The thread behind an engine that is not async: opened, closed, forgotten, interrupted, forked."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Final, NoReturn

import pytest

import vestige
from factories import HASHING
from pages import ROOT
from vestige.errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from vestige import Config, Engine, SyncEngine

SECONDS: Final = 60  # until something is taken for hanging
FORGETS: Final = """
import sys, vestige
memory = vestige.open(sys.argv[1])
print(memory.remember("not closed").action)
"""
FORKS: Final = """
import os, vestige
with vestige.open("memory.db") as memory:
    memory.remember("of the parent")
    child = os.fork()
    if not child:
        try:
            memory.stats()
        except vestige.VestigeError as error:
            memory.close()
            print(error.code, error, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    print(memory.stats().memory_count)
"""


def run(program: str, folder: Path, *arguments: str) -> list[str]:
    environ = {name: text for name, text in os.environ.items() if not name.startswith("VESTIGE_")}
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        check=False,
        cwd=folder,
        env=environ | HASHING | {"HOME": str(folder), "PYTHONPATH": str(ROOT / "src")},
        text=True,
        timeout=SECONDS,
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout.splitlines()


@pytest.fixture
def threads_before() -> set[threading.Thread]:
    return set(threading.enumerate())


@pytest.fixture
def interrupts() -> Generator[None]:
    """Let an interrupt raise KeyboardInterrupt, even if whoever started the tests ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def ask_until_refused(memory: SyncEngine) -> NoReturn:
    while True:
        memory.health()


def forget(memories: list[SyncEngine]) -> None:
    memories.clear()
    gc.collect()


def new_threads(before: set[threading.Thread]) -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread not in before]


def test_closing_ends_the_thread_and_a_second_time_does_nothing(
    threads_before: set[threading.Thread], config: Config
) -> None:
    memory = vestige.open(config)
    memory.remember("one")
    assert new_threads(threads_before)
    memory.close()
    memory.close()
    assert "vestige" not in new_threads(threads_before)


def test_use_after_closing_is_an_error_that_says_so(config: Config) -> None:
    with vestige.open(config) as memory:
        pass
    with pytest.raises(StoreUnavailableError, match="closed") as caught:
        memory.stats()
    assert caught.value.hint == "Open it again."


def test_a_store_that_cannot_be_opened_leaves_no_thread(
    threads_before: set[threading.Thread], tmp_path: Path
) -> None:
    (tmp_path / "memory.db").write_bytes(b"this is no database, but long enough to be seen as none")
    with pytest.raises(StoreUnavailableError):
        vestige.open(vestige.load_config(None, tmp_path, HASHING, store=tmp_path / "memory.db"))
    assert "vestige" not in new_threads(threads_before)


def test_closing_waits_for_the_calls_of_other_threads(memory: SyncEngine) -> None:
    has_begun, may_end = threading.Event(), threading.Event()

    async def work(engine: Engine) -> str:
        has_begun.set()
        await asyncio.to_thread(may_end.wait)
        return (await engine.remember("before the end")).action

    future = memory.submit(work)
    assert has_begun.wait(SECONDS)
    closing = threading.Thread(target=memory.close)
    closing.start()
    try:
        with pytest.raises(StoreUnavailableError, match="closed"):
            ask_until_refused(memory)
        assert closing.is_alive()
    finally:
        may_end.set()
    closing.join(SECONDS)
    assert future.result(SECONDS) == "created"


def test_a_function_that_the_engine_calls_must_not_wait_for_the_engine(memory: SyncEngine) -> None:
    memory.remember("something to look through")

    def advance(_count: int, _total: int) -> None:
        memory.stats()

    with pytest.raises(RuntimeError, match="wait for itself"):
        memory.consolidate(advance=advance)
    assert memory.stats().memory_count == 1


@pytest.mark.usefixtures("interrupts")
def test_an_interrupt_ends_the_call_and_closes_the_store(config: Config) -> None:
    ended: list[str] = []

    async def work(_: Engine) -> None:
        try:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    with pytest.raises(KeyboardInterrupt), vestige.open(config) as memory:
        memory.run(work)
    assert ended == ["cancelled"]
    with pytest.raises(StoreUnavailableError):
        memory.stats()
    with vestige.open(config) as memory:
        assert memory.stats().memory_count == 0


def test_a_cancelled_future_cancels_its_work(memory: SyncEngine) -> None:
    has_begun, has_ended = threading.Event(), threading.Event()

    async def work(_: Engine) -> None:
        try:
            has_begun.set()
            await asyncio.Event().wait()
        finally:
            has_ended.set()

    future = memory.submit(work)
    assert has_begun.wait(SECONDS)
    assert future.cancel()
    assert has_ended.wait(SECONDS)
    assert memory.stats().memory_count == 0


def test_a_program_that_forgets_to_close_ends_and_loses_nothing(
    config: Config, tmp_path: Path
) -> None:
    url = config.storage.postgres.url
    where = str(config.storage.sqlite.path) if url is None else url.get_secret_value()
    assert run(FORGETS, tmp_path, where) == ["created"]
    with vestige.open(config) as memory:
        assert [record.content for record in memory.list_memories()] == ["not closed"]


def test_what_was_forgotten_is_closed_with_a_warning(
    threads_before: set[threading.Thread], config: Config
) -> None:
    memories = [vestige.open(config)]
    (thread,) = [
        found
        for found in threading.enumerate()
        if found not in threads_before and found.name == "vestige"
    ]
    with pytest.warns(ResourceWarning, match="never closed"):
        forget(memories)
    thread.join(SECONDS)
    assert not thread.is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_a_process_that_was_forked_is_told_to_open_its_own(tmp_path: Path) -> None:
    told, count = run(FORKS, tmp_path)
    assert told == "store_unavailable the memory was opened in another process"
    assert count == "1"
