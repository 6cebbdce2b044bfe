"""`vestige undo` and `vestige changelog`: what was changed, and taking it back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import typer

from vestige.cli.inputs import ask, need_terminal
from vestige.cli.options import (
    EXAMPLE_ID,
    ConfigOption,
    DataDirOption,
    JsonOption,
    LimitOption,
    YesOption,
    example,
    parse_id,
)
from vestige.cli.output import UsageProblem, note, print_json, print_line, shortened
from vestige.cli.rendering import CONTENT_CHARACTERS, GAP, moment
from vestige.cli.session import configured, with_engine
from vestige.cli.times import AGO_HELP, parse_time_or_ago

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vestige.config import Config
    from vestige.engine.engine import Engine
    from vestige.engine.results import UndoResult
    from vestige.models import ChangelogEntry, ChangelogFilter

ASKED_CHARACTERS: Final = 60  # of a content, in the question whether to take a change back
INDENT: Final = "   "

commands = typer.Typer()


def parse_change(text: str) -> UUID:
    """Return the id of a change."""
    try:
        return UUID(text.strip())
    except ValueError:
        raise UsageProblem(
            f"{text!r} is not the id of a change",
            "Copy a whole id from `vestige changelog`, where it stands behind `change`.",
        ) from None


@commands.command(epilog=example("vestige undo --yes"))
def undo(
    change_id: Annotated[
        UUID | None,
        typer.Argument(
            metavar="CHANGE",
            parser=parse_change,
            show_default=False,
            help="The whole id of a change; by default the newest that was not taken back.",
        ),
    ] = None,
    *,
    yes: YesOption = False,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a change back: what it touched becomes what it was before."""
    config = configured(config_file, data_dir)
    wanted = change_id
    if wanted is None and not yes:
        wanted = _confirmed_change(config)
        if wanted is None:
            note("nothing was undone")
            raise typer.Exit(1)
    result = with_engine(config, lambda engine: engine.undo(wanted))
    if as_json:
        from vestige.engine.change_views import undo_view

        print_json(undo_view(result))
    else:
        _print_undone(result)


@commands.command(epilog=example(f"vestige changelog --memory {EXAMPLE_ID} --since 7d"))
def changelog(
    *,
    memory_id: Annotated[
        UUID | None,
        typer.Option("--memory", metavar="ID", parser=parse_id, help="Changes of this memory."),
    ] = None,
    change_id: Annotated[
        UUID | None,
        typer.Option(
            "--change", metavar="ID", parser=parse_change, help="All that this change touched."
        ),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since",
            metavar="TIME",
            parser=parse_time_or_ago,
            help=f"Changed at or after this time: {AGO_HELP}.",
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--until",
            metavar="TIME",
            parser=parse_time_or_ago,
            help=f"Changed before this time: {AGO_HELP}.",
        ),
    ] = None,
    limit: LimitOption = None,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what was changed, by whom and from what to what, newest first."""
    from vestige.models import ChangelogFilter

    config = configured(config_file, data_dir)
    narrowed = ChangelogFilter(memory_id=memory_id, change_id=change_id, since=since, until=until)
    wanted = limit or config.defaults.limit
    entries, texts = with_engine(config, lambda engine: _page(engine, narrowed, wanted))
    if not entries:
        note("there are no such changes")
    if as_json:
        from vestige.engine.change_views import entry_view

        print_json({"changes": [entry_view(entry) for entry in entries]})
        return
    for entry in entries:
        _print_entry(entry, texts)


async def _page(
    engine: Engine, narrowed: ChangelogFilter, limit: int
) -> tuple[list[ChangelogEntry], dict[UUID, str]]:
    entries = await engine.changelog(narrowed, limit=limit)
    return entries, await _texts(engine, entries)


async def _texts(engine: Engine, entries: Sequence[ChangelogEntry]) -> dict[UUID, str]:
    """Return what the memories say of whose text the entries say nothing, as far as they exist."""
    from vestige.engine.change_views import texts_of

    silent = [entry.memory_id for entry in entries if not any(texts_of(entry))]
    records = await engine.store.get_many(list(dict.fromkeys(silent)))
    return {record.id: record.content for record in records}


def _confirmed_change(config: Config) -> UUID | None:
    """Show the newest change and ask; return its id, so that no later one is taken back."""
    need_terminal("undoing the newest change")

    async def look_up(engine: Engine) -> tuple[list[ChangelogEntry], dict[UUID, str]]:
        entries = await engine.last_change()
        return entries, await _texts(engine, entries)

    # The store is closed again while a person thinks.
    entries, texts = with_engine(config, look_up)
    for entry in entries:
        note(_headline(entry))
        for line in _text_lines(entry, texts):
            note(INDENT + shortened(line, ASKED_CHARACTERS))
    return entries[0].change_id if ask("Undo this change?") else None


def _print_entry(entry: ChangelogEntry, texts: Mapping[UUID, str]) -> None:
    print_line(_headline(entry))
    for line in _text_lines(entry, texts):
        print_line(INDENT, shortened(line, CONTENT_CHARACTERS), fit=True)
    for line in _row_lines(entry):
        print_line(INDENT, line)
    reason = "" if entry.reason is None else f": {entry.reason}"
    undoes = "" if entry.undoes is None else f", takes back {entry.undoes}"
    print_line(INDENT, (f"change {entry.change_id}", "dim"), undoes, reason)


def _print_undone(result: UndoResult) -> None:
    outcomes = {entry.memory_id: entry for entry in result.entries}
    for entry in result.undone:
        print_line(("undone", "green"), f" {entry.action} {entry.memory_id}")
        # What taking it back has made of the memory; nothing where it was so already.
        for line in _text_lines(outcomes.get(entry.memory_id, entry), {}):
            print_line(INDENT, shortened(line, CONTENT_CHARACTERS), fit=True)
    if result.entries:
        note(f"`vestige undo {result.entries[0].change_id}` does it again")


def _headline(entry: ChangelogEntry) -> str:
    client = "" if entry.client_id is None else f"{GAP}by {entry.client_id}"
    return f"{moment(entry.timestamp)}{GAP}{entry.action}{GAP}{entry.memory_id}{client}"


def _text_lines(entry: ChangelogEntry, texts: Mapping[UUID, str]) -> list[str]:
    """Return the beginning of what the memory says, before and after where that differs."""
    from vestige.engine.change_views import texts_of

    if entry.after is None:
        return ["(purged)"]
    old, new = texts_of(entry)
    if old is not None and new is not None and old != new:
        return [f"- {_first_line(old)}", f"+ {_first_line(new)}"]
    text = new or old or texts.get(entry.memory_id)
    return [] if text is None else [_first_line(text)]


def _row_lines(entry: ChangelogEntry) -> list[str]:
    """Return what else of the memory is different: its fields, links and reviews."""
    from vestige.engine.change_views import changed_fields

    fields = [name for name in changed_fields(entry) if name != "content"]
    lines = [f"changed: {', '.join(fields)}"] if fields else []
    for name, value in (entry.after or {}).items():
        kind, _, key = name.partition(" ")
        if kind == "edge":
            source, target, edge_type = key.split(" ", 2)
            verb = "unlinked" if value is None else "linked"
            lines.append(f"{verb}: {source} -> {target}, {edge_type}")
    return lines


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]
