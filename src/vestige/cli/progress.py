"""Progress on standard error, for work that takes a while."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


@contextmanager
def counting(what: str, *, is_shown: bool = True) -> Generator[Callable[[int], None]]:
    """Count on a terminal how much is done of a work whose size is not known.

    Args:
        what: what is being done.
        is_shown: false keeps quiet also on a terminal.

    Yields:
        Is told how many more are done.
    """
    if not (is_shown and sys.stderr is not None and sys.stderr.isatty()):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed}"))
    console = Console(stderr=True)
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda count: progress.advance(task, count)


@contextmanager
def advancing(what: str, *, is_shown: bool = True) -> Generator[Callable[[int, int], None]]:
    """Show on a terminal how far a work is, how fast it goes and how long it still takes.

    Args:
        what: what is being done.
        is_shown: false keeps quiet also on a terminal.

    Yields:
        Is told how many more are done, and how many there are to do in all.
    """
    if not (is_shown and sys.stderr is not None and sys.stderr.isatty()):
        yield lambda _count, _total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    rate = TextColumn("{task.fields[rate]}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), rate)
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task(what, total=None, rate="")

        def advance(count: int, total: int) -> None:
            speed = progress.tasks[0].speed
            rate = "" if speed is None else f"{speed:.0f} per second"
            progress.update(task, advance=count, total=total, rate=rate)

        yield advance
