"""`vestige suppress`, `forget` and `purge`: three ways to be rid of a memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from vestige.cli.inputs import ask, need_terminal
from vestige.cli.options import (
    EXAMPLE_ID,
    ConfigOption,
    DataDirOption,
    IdArgument,
    IdsArgument,
    JsonOption,
    YesOption,
    example,
)
from vestige.cli.output import UsageProblem, note, print_json, print_line, shortened
from vestige.cli.rendering import print_memory
from vestige.cli.session import configured, with_engine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from vestige.config import Config
    from vestige.engine.engine import Engine
    from vestige.engine.results import EditResult, PurgeResult
    from vestige.models import MemoryRecord

ASKED_CHARACTERS: Final = 60  # of a content, in the question whether to delete it
# What a purge says of the bytes of what it deleted, by whether they were erased.
BYTES_LEFT: Final = {
    True: "no byte of it is left in the files of the store; backups and exports are not touched",
    False: "bytes of it may be left in the log of the server until the server removes that:"
    " your role may not end the log",
    None: "bytes of it may be left in the files of the store, and in the log of a server, until it"
    " is purged again without --no-erase",
}

commands = typer.Typer()


@commands.command(epilog=example(f'vestige suppress {EXAMPLE_ID} --reason "outdated"'))
def suppress(
    memory_id: IdArgument,
    *,
    reason: Annotated[
        str | None,
        typer.Option("--reason", metavar="TEXT", help="Why, for the changelog."),
    ] = None,
    restore: Annotated[
        bool,
        typer.Option(
            "--restore", help="Show it again, also when it was superseded or past its time."
        ),
    ] = False,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hide a memory from recall, lists and reviews, until it is restored."""
    if restore and reason is not None:
        raise UsageProblem("--reason says why a memory is hidden", "Leave it out with --restore.")

    async def change(engine: Engine) -> EditResult:
        if restore:
            return await engine.restore(memory_id)
        return await engine.suppress(memory_id, reason=reason)

    result = with_engine(configured(config_file, data_dir), change)
    if as_json:
        from vestige.engine.change_views import edit_view

        print_json(edit_view(result))
    else:
        # Of a memory that is hidden now, its marks say so.
        print_memory(result.after, *([("restored  ", "green")] if restore else []))


@commands.command(epilog=example(f"vestige forget {EXAMPLE_ID} --yes"))
def forget(
    memory_ids: IdsArgument,
    *,
    yes: YesOption = False,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete memories with their vectors, reviews and links; `vestige undo` brings them back."""
    config = configured(config_file, data_dir)
    wanted = tuple(dict.fromkeys(memory_ids))
    if not yes and not _is_forgetting_confirmed(config, wanted):
        note("nothing was deleted")
        raise typer.Exit(1)
    deleted: list[MemoryRecord] = []
    try:
        with_engine(config, lambda engine: _forget_all(engine, wanted, deleted))
    except BaseException:
        # What is gone is gone, and has to be said also when the rest failed.
        _print_forgotten(deleted, as_json=as_json and bool(deleted))
        raise
    _print_forgotten(deleted, as_json=as_json)


@commands.command(epilog=example(f"vestige purge {EXAMPLE_ID} --yes"))
def purge(
    memory_ids: IdsArgument,
    *,
    no_erase: Annotated[
        bool,
        typer.Option(
            "--no-erase",
            help="Do not rewrite the files of the store, which takes long when it is large.",
        ),
    ] = False,
    yes: YesOption = False,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete memories or intentions, and what the changelog holds of them; cannot be undone."""
    config = configured(config_file, data_dir)
    wanted = tuple(dict.fromkeys(memory_ids))
    if not yes and not _is_purging_confirmed(config, wanted):
        note("nothing was purged")
        raise typer.Exit(1)
    result = with_engine(config, lambda engine: engine.purge(wanted, erase=not no_erase))
    _print_purged(result, as_json=as_json)


async def _forget_all(
    engine: Engine, memory_ids: Sequence[UUID], deleted: list[MemoryRecord]
) -> None:
    # All are looked up first, so that a wrong id leaves the right ones beside it alone.
    await _get_all(engine, memory_ids)
    for memory_id in memory_ids:
        deleted.append(await engine.forget(memory_id))  # noqa: PERF401  # kept if the next one fails


async def _get_all(engine: Engine, memory_ids: Sequence[UUID]) -> list[MemoryRecord]:
    return [(await engine.get(memory_id))[0] for memory_id in memory_ids]


def _is_forgetting_confirmed(config: Config, memory_ids: Sequence[UUID]) -> bool:
    count = _count(memory_ids)
    need_terminal(f"deleting {count}")
    # The store is closed again while a person thinks.
    for record in with_engine(config, lambda engine: _get_all(engine, memory_ids)):
        note(f"{record.id}  {shortened(record.content, ASKED_CHARACTERS)}")
    return ask(f"Delete {count}?")


def _is_purging_confirmed(config: Config, memory_ids: Sequence[UUID]) -> bool:
    count = _count(memory_ids)
    need_terminal(f"purging {count}, which cannot be undone,")
    texts = with_engine(config, lambda engine: _texts(engine, memory_ids))
    for memory_id in memory_ids:
        note(f"{memory_id}  {texts.get(memory_id, '(not there; what the changelog holds of it)')}")
    return ask(f"Purge {count}? This cannot be undone.")


async def _texts(engine: Engine, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return how the memories and intentions begin that are there."""
    intentions = [await engine.store.get_intention(one) for one in ids]
    found = [*await engine.store.get_many(ids), *(one for one in intentions if one is not None)]
    return {one.id: shortened(one.content, ASKED_CHARACTERS) for one in found}


def _count(memory_ids: Sequence[UUID]) -> str:
    return "1 memory" if len(memory_ids) == 1 else f"{len(memory_ids)} memories"


def _print_forgotten(records: Sequence[MemoryRecord], *, as_json: bool) -> None:
    from vestige.engine.views import memory_view

    if as_json:
        print_json({"forgotten": [memory_view(record) for record in records]})
        return
    for record in records:
        print_memory(record, ("forgotten  ", "red"))
    if len(records) == 1:
        note("`vestige undo` brings it back")
    elif records:
        note("`vestige undo` brings them back one by one, the last one first")


def _print_purged(result: PurgeResult, *, as_json: bool) -> None:
    from vestige.engine.change_views import purge_view

    if as_json:
        print_json(purge_view(result))
        return
    for memory_id in result.ids:
        print_line(("purged", "red"), f" {memory_id}")
    note(BYTES_LEFT[result.is_erased])
