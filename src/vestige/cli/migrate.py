"""`vestige migrate`: the schema of a store, its copy, and the change of its model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import typer
from typer.core import TyperGroup

from vestige.cli.copy import copy
from vestige.cli.inputs import ask, need_terminal
from vestige.cli.options import ConfigOption, DataDirOption, JsonOption, YesOption, example
from vestige.cli.output import note, print_json, print_line, print_table
from vestige.cli.reembed import reembed
from vestige.cli.rendering import NOTHING, moment
from vestige.cli.session import configured, need_store, with_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typer._click.core import Context

    from vestige.models import JsonObject
    from vestige.storage.migrations import MigrationStatus
    from vestige.storage.protocol import MemoryStore

# What the data of a step's tables is worth to people, by the step's name.
LOSSES: Final = {
    "init": "everything in it is lost: {memories} with their vectors, reviews, links and domains",
    "hnsw": "the vector index is lost, of the {memories} nothing is: it is built again from them",
    "fsrs_weights": (
        "the weights that were fitted to the reviews are lost, of the {memories} nothing is"
    ),
    "changelog": "the account of all changes is lost, of the {memories} nothing is",
    "intentions": "all intentions are lost, of the {memories} nothing is",
    "reembedding": (
        "of the {memories} nothing is lost, only whether a change of the model goes on, and the old"
        " vectors that one keeps"
    ),
}
UNKNOWN_LOSS: Final = "what is kept in the tables of this step is lost"


class MigrateGroup(TyperGroup):
    """`vestige migrate --from ...` is `copy`, and `vestige migrate --reembed ...` is `reembed`."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Put the name of the command in front of options that only it has."""
        is_copy = any(word == "--from" or word.startswith("--from=") for word in args)
        if not self.commands.keys() & set(args):
            if is_copy:
                args = ["copy", *args]
            elif "--reembed" in args:
                args = ["reembed", *(word for word in args if word != "--reembed")]
        return super().parse_args(ctx, args)


commands = typer.Typer(
    cls=MigrateGroup,
    help="Show and steer the schema, move whole stores, and change their model.",
)


@commands.callback()
def migrate_group(*, config_file: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Show and steer the schema of the store, move whole stores, and change their model."""
    # The options that stand here are taken up by the command: see options.py.
    del config_file, data_dir


commands.command(
    epilog=example("vestige migrate copy --from sqlite --to postgres --postgres-url embedded")
)(copy)
commands.command(
    epilog=example(
        "vestige migrate reembed --model all-MiniLM-L6-v2 --dry-run",
        "vestige migrate reembed --model all-MiniLM-L6-v2 --yes --write-config",
        "vestige migrate reembed --model all-MiniLM-L6-v2 --online --workers 2 --yes",
    )
)(reembed)


@commands.command(epilog=example("vestige migrate info"))
def info(
    *,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print every step of the schema and whether it is applied; change nothing."""
    config = configured(config_file, data_dir)
    need_store(config)
    steps = with_store(config, lambda store: store.migration_status(), migrate=False)
    if as_json:
        print_json({"steps": [_view(step) for step in steps]})
        return
    rows = [(str(step), step.state, moment(step.applied_at), _duration(step)) for step in steps]
    print_table(("step", "state", "applied at", "seconds"), rows)
    _note_waiting(steps)


@commands.command(epilog=example("vestige migrate up"))
def up(
    *,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring the schema up to date, as every other command does by itself."""
    before, after = with_store(configured(config_file, data_dir), _up, migrate=False)
    done = {step.version for step in before if step.state == "applied"}
    applied = [step for step in after if step.state == "applied" and step.version not in done]
    if as_json:
        print_json(
            {
                "applied": [_view(step) for step in applied],
                "steps": [_view(step) for step in after],
            }
        )
        return
    for step in applied:
        print_line(("applied", "green"), f" {step}")
    if not applied:
        print_line("there was nothing to apply")
    _note_waiting(after)


@commands.command(epilog=example("vestige migrate revert --yes"))
def revert(
    *,
    yes: YesOption = False,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Undo the last step of the schema, with the data it holds."""
    config = configured(config_file, data_dir)
    need_store(config)
    step, memory_count = with_store(config, _last_step, migrate=False)
    if step is None:
        note("there is no step to undo")
        if as_json:
            print_json({"reverted": None})
        return
    memories = "1 memory" if memory_count == 1 else f"{memory_count} memories"
    loss = LOSSES.get(step.name, UNKNOWN_LOSS).format(memories=memories)
    note(f"undoing {step}: {loss}")
    if not yes:
        need_terminal(f"undoing {step}")
        if not ask(f"Undo {step}?"):
            note("nothing was undone")
            raise typer.Exit(1)
    reverted = with_store(config, lambda store: store.revert_migration(), migrate=False)
    if as_json:
        print_json({"reverted": None if reverted is None else _view(reverted)})
    else:
        print_line(("undone", "red"), f" {reverted}")
    note("the next command that uses the store applies it again")


async def _up(store: MemoryStore) -> tuple[list[MigrationStatus], list[MigrationStatus]]:
    before = await store.migration_status()
    await store.init()
    return before, await store.migration_status()


async def _last_step(store: MemoryStore) -> tuple[MigrationStatus | None, int]:
    applied = [step for step in await store.migration_status() if step.state == "applied"]
    return (applied[-1], await store.count()) if applied else (None, 0)


def _note_waiting(steps: Sequence[MigrationStatus]) -> None:
    for step in steps:
        if step.state == "waiting":
            note(f"{step} waits for an embedding model: the first memory applies it")


def _duration(step: MigrationStatus) -> str:
    return NOTHING if step.duration_seconds is None else f"{step.duration_seconds:.3f}"


def _view(step: MigrationStatus) -> JsonObject:
    from vestige.engine.views import time_view

    return {
        "version": step.version,
        "name": step.name,
        "state": step.state,
        "applied_at": None if step.applied_at is None else time_view(step.applied_at),
        "duration_seconds": step.duration_seconds,
    }
