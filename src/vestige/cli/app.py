"""The command line `vestige`: its groups, and what becomes of errors."""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated, Final

import typer

from vestige.cli import (
    access,
    backup,
    codebase,
    config,
    consolidate,
    doctor,
    domains,
    drill,
    find,
    forgetting,
    fsrs,
    graph,
    health,
    history,
    intention,
    memories,
    metrics,
    migrate,
    recall,
    remember,
    restore,
    reviews,
    session_start,
    setup,
    state,
    timeline,
    transfer,
)
from vestige.cli.options import ConfigOption, DataDirOption, example
from vestige.cli.output import note, report
from vestige.errors import ConfigError, VestigeError

USAGE: Final = 2  # also the exit code of a wrong configuration
INTERRUPTED: Final = 130  # 128 and the number of SIGINT, as shells have it

# Without markup: help starts in half the time, and [brackets] in it are what they are.
app = typer.Typer(
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog=example(
        'vestige remember "The API retries 5 times"', 'vestige recall "how many retries?"'
    ),
)
for group in (
    *(remember, recall, memories, timeline, forgetting, history, reviews, graph),
    *(state, health, metrics, doctor, consolidate, setup),
    *(transfer, backup, restore, drill),
):
    app.add_typer(group.commands)
app.add_typer(codebase.commands, name="codebase", epilog=example("vestige codebase list"))
app.add_typer(
    session_start.commands, name="session", epilog=example("vestige session start --codebase shop")
)
app.add_typer(find.commands, name="find", epilog=example("vestige find duplicates"))
app.add_typer(
    intention.commands, name="intention", epilog=example("vestige intention check --codebase shop")
)
app.add_typer(fsrs.commands, name="fsrs", epilog=example("vestige fsrs show"))
app.add_typer(domains.commands, name="domains", epilog=example("vestige domains list"))
app.add_typer(access.users, name="users", epilog=example("vestige users list"))
app.add_typer(access.groups, name="groups", epilog=example("vestige groups list"))
app.add_typer(config.commands, name="config", epilog=example("vestige config show"))
app.add_typer(migrate.commands, name="migrate", epilog=example("vestige migrate info"))


def main() -> None:
    """Run the command that was given, and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What an old terminal cannot show is no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    sys.exit(_run())


@app.callback(invoke_without_command=True)
def vestige(
    ctx: typer.Context,
    *,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Long-term memory for AI agents: remember texts, recall them by meaning and by words."""
    # The options that stand here are taken up by the command: see options.py.
    del config_file, data_dir
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"vestige {version_of('vestige')}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def _run() -> int:
    try:
        code = app(prog_name="vestige", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except typer.TyperException as error:
        _report_usage(error)
        return USAGE
    except VestigeError as error:
        report(str(error), error.hint)
        return USAGE if isinstance(error, ConfigError) else 1
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has seen enough.
        _drop_output()
        return 1
    except OSError as error:
        _drop_output()
        report(_described(error), "Check that the file, folder or output can be used.")
        return 1
    if code == INTERRUPTED:
        note("interrupted")
    return code if isinstance(code, int) else 0


def _report_usage(error: typer.TyperException) -> None:
    context = getattr(error, "ctx", None)
    command = "vestige" if context is None else context.command_path
    hint = getattr(error, "hint", f"Run `{command} --help` to see what it expects.")
    report(" ".join(error.format_message().split()), hint)


def _described(error: OSError) -> str:
    place = "" if error.filename is None else f"{error.filename}: "
    return f"{place}{error.strerror or error}"


def _drop_output() -> None:
    # Otherwise Python tries to write the rest once more when it ends, and complains.
    if sys.stdout is not None and sys.stdout is sys.__stdout__:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
