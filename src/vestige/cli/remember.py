"""`vestige remember`: store texts."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import typer

from vestige.cli.inputs import TextSource, read_text, text_sources
from vestige.cli.options import (
    CodebaseOption,
    ConfigOption,
    CreatedAtOption,
    DataDirOption,
    JsonOption,
    TagsOption,
    TypeOption,
    ValidUntilOption,
    example,
    parse_id,
    split_list,
)
from vestige.cli.output import UsageProblem, print_json, print_line, report
from vestige.cli.rendering import print_nearest
from vestige.cli.session import configured, with_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from vestige.config import Config
    from vestige.engine.engine import Engine
    from vestige.engine.results import IngestContext, RememberResult
    from vestige.errors import VestigeError

DEFAULT_TYPE: Final = "fact"

SourceOption = Annotated[
    str | None, typer.Option("--source", metavar="TEXT", help="Where you know it from.")
]
TopicsOption = Annotated[
    list[str] | None,
    typer.Option("--topics", metavar="TOPICS", help="What it is about; repeatable, or a,b,c."),
]
SupersedesOption = Annotated[
    UUID | None,
    typer.Option(
        "--supersedes",
        metavar="ID",
        parser=parse_id,
        help="The memory whose place it takes, which stays, marked and linked.",
    ),
]

commands = typer.Typer()


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """What a command says about all of its texts."""

    node_type: str | None
    tags: tuple[str, ...]
    codebase: str | None
    source: str | None
    topics: tuple[str, ...]
    created_at: datetime | None
    valid_until: datetime | None
    supersedes: UUID | None
    force_create: bool

    def context(self, source: TextSource) -> IngestContext:
        """Return where a text comes from, to be kept with it."""
        from vestige.engine.results import IngestContext

        return IngestContext(
            codebase=self.codebase,
            source=self.source,
            topics=self.topics,
            file=None if source.file is None else str(source.file),
        )


@dataclass(slots=True)
class Outcome:
    """What became of the texts, as far as the command has come."""

    results: list[tuple[str, RememberResult]] = field(default_factory=list)
    failures: list[tuple[str, VestigeError]] = field(default_factory=list)


@commands.command(
    epilog=example(
        'vestige remember "Retries stop after 5 attempts" --tags api,retry --type decision'
    )
)
def remember(
    *,
    text: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT",
            show_default=False,
            help="Each is one memory; - is standard input, as is nothing without a terminal.",
        ),
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option("--file", metavar="PATH", help="A UTF-8 file, one memory; repeatable."),
    ] = None,
    tags: TagsOption = None,
    node_type: TypeOption = None,
    codebase: CodebaseOption = None,
    source: SourceOption = None,
    topics: TopicsOption = None,
    created_at: CreatedAtOption = None,
    valid_until: ValidUntilOption = None,
    supersedes: SupersedesOption = None,
    force_create: Annotated[
        bool, typer.Option("--force-create", help="Store it even if it is known already.")
    ] = False,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Store texts; one that is known already is reinforced instead."""
    sources = text_sources(text or [], file or [])
    if supersedes is not None and len(sources) > 1:
        raise UsageProblem(
            "--supersedes: one memory takes the place of another, and there are several texts",
            "Give one text, or leave --supersedes out.",
        )
    about = About(
        node_type=node_type,
        tags=split_list(tags),
        codebase=codebase,
        source=source,
        topics=split_list(topics),
        created_at=created_at,
        valid_until=valid_until,
        supersedes=supersedes,
        force_create=force_create,
    )
    outcome = Outcome()
    is_only = len(sources) == 1
    try:
        _remember_all(configured(config_file, data_dir), sources, about, outcome)
    except BaseException:
        # What is stored is stored, and has to be said also when the rest failed.
        if outcome.results or outcome.failures:
            _print(outcome, is_only=is_only, as_json=as_json)
        raise
    _print(outcome, is_only=is_only, as_json=as_json)
    if outcome.failures:
        raise typer.Exit(1)


def _remember_all(
    config: Config, sources: list[TextSource], about: About, outcome: Outcome
) -> None:
    """Store the texts one by one; one that cannot be stored does not keep the others from it."""
    # Refused before a store is opened, which would make its file.
    usable = [(source, text) for source in sources if (text := _usable(source, about, outcome))]
    if not usable:
        return

    async def store(engine: Engine) -> None:
        with _progress(len(usable)) as advance:
            for source, text in usable:
                await _remember_one(engine, source, text, about, outcome)
                advance()

    with_engine(config, store)


def _usable(source: TextSource, about: About, outcome: Outcome) -> str | None:
    from vestige.clock import SystemClock
    from vestige.engine.ingest import new_record
    from vestige.errors import InvalidInputError

    try:
        text = read_text(source)
        new_record(
            text,
            node_type=about.node_type or DEFAULT_TYPE,
            tags=about.tags,
            context=about.context(source),
            metadata={},
            clock=SystemClock(),
        )
    except InvalidInputError as error:
        outcome.failures.append((source.label, error))
        return None
    return text


async def _remember_one(
    engine: Engine, source: TextSource, text: str, about: About, outcome: Outcome
) -> None:
    from vestige.errors import EmbeddingError, InvalidInputError

    try:
        result = await engine.remember(
            text,
            node_type=about.node_type,
            tags=about.tags,
            context=about.context(source),
            created_at=about.created_at,
            valid_until=about.valid_until,
            supersedes=about.supersedes,
            force_create=about.force_create,
        )
    except (EmbeddingError, InvalidInputError) as error:
        outcome.failures.append((source.label, error))
    else:
        outcome.results.append((source.label, result))


@contextmanager
def _progress(count: int) -> Generator[Callable[[], None]]:
    """Show a progress bar on standard error when there is a terminal and something to wait for."""
    if count == 1 or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("remembering", total=count)
        yield lambda: progress.advance(task)


def _print(outcome: Outcome, *, is_only: bool, as_json: bool) -> None:
    from vestige.engine.views import remember_view

    if not as_json:
        for label, result in outcome.results:
            about_text = () if is_only else (f" ({label})",)
            print_line((result.action, "green"), f" {result.id}: {result.reason}", *about_text)
            if is_only:
                print_nearest(result)
    elif not is_only:
        print_json({"results": [remember_view(result) for _, result in outcome.results]})
    elif outcome.results:
        print_json(remember_view(outcome.results[0][1]))
    for label, error in outcome.failures:
        report(f"{label}: {error}", error.hint)
