"""`vestige intention`: what is to be done later."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import typer

from vestige.cli.options import (
    CodebaseFilterOption,
    CodebaseOption,
    ConfigOption,
    DataDirOption,
    JsonOption,
    LimitOption,
    TagsOption,
    example,
    parse_id,
    split_list,
)
from vestige.cli.output import UsageProblem, note, print_json, print_line, print_pairs, shortened
from vestige.cli.rendering import CONTENT_CHARACTERS, GAP, moment
from vestige.cli.session import configured, with_engine
from vestige.cli.times import AHEAD_HELP, parse_time_or_ahead

if TYPE_CHECKING:
    from vestige.engine.intentions import IntentionCheck, IntentionResult
    from vestige.models import Intention

EXAMPLE_INTENTION_ID: Final = "a4d7e1b0-5c92-4f38-8e6a-0b1f2c3d4e5f"
PRIORITIES: Final = {"low": 1, "normal": 2, "high": 3, "critical": 4}
STATUSES: Final = ("active", "completed", "cancelled")

commands = typer.Typer(help="Keep what is to be done later, and see whether its moment has come.")


def parse_intention_id(text: str) -> UUID:
    """Return an intention's id."""
    try:
        return UUID(text.strip())
    except ValueError:
        raise UsageProblem(
            f"{text!r} is not the id of an intention",
            f"Copy a whole id from `vestige intention list`, such as {EXAMPLE_INTENTION_ID}.",
        ) from None


def parse_priority(text: str) -> int:
    """Return a priority, 1 to 4, from its name."""
    priority = PRIORITIES.get(text.strip().lower())
    if priority is None:
        raise UsageProblem(f"{text!r} is no priority", "Give low, normal, high or critical.")
    return priority


def parse_status(text: str) -> str:
    """Return a status."""
    if text not in STATUSES:
        raise UsageProblem(f"{text!r} is no status", f"Give one of {', '.join(STATUSES)}.")
    return text


def _complete_priority(incomplete: str) -> list[str]:
    return [name for name in PRIORITIES if name.startswith(incomplete)]


def _complete_status(incomplete: str) -> list[str]:
    return [name for name in STATUSES if name.startswith(incomplete)]


IntentionArgument = Annotated[
    UUID,
    typer.Argument(metavar="ID", parser=parse_intention_id, help="The whole id of an intention."),
]

AtOption = Annotated[
    datetime | None,
    typer.Option("--at", metavar="TIME", parser=parse_time_or_ahead, help=f"When: {AHEAD_HELP}."),
]
EventOption = Annotated[
    str | None, typer.Option("--event", metavar="NAME", help="With which event, any name.")
]
FilePatternOption = Annotated[
    str | None,
    typer.Option("--file", metavar="GLOB", help="When such a file is worked on: src/*.py."),
]
TopicOption = Annotated[
    str | None,
    typer.Option("--topic", metavar="WORDS", help="When all of these words come up."),
]
DeadlineOption = Annotated[
    datetime | None,
    typer.Option(
        "--deadline",
        metavar="TIME",
        parser=parse_time_or_ahead,
        help="When it should be done; it comes up then in any case.",
    ),
]
PriorityOption = Annotated[
    int,
    typer.Option(
        "--priority",
        metavar="PRIORITY",
        parser=parse_priority,
        autocompletion=_complete_priority,
        help="low, normal, high or critical.",
    ),
]
AboutOption = Annotated[
    list[UUID] | None,
    typer.Option(
        "--memory", metavar="ID", parser=parse_id, help="A memory it is about; repeatable."
    ),
]
UntilOption = Annotated[
    datetime | None,
    typer.Option(
        "--until",
        metavar="TIME",
        parser=parse_time_or_ahead,
        show_default="30m",
        help=f"It does not come up before: {AHEAD_HELP}.",
    ),
]


@commands.callback()
def intention_group(*, config_file: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Keep what is to be done later, and see whether its moment has come."""
    # The options that stand here are taken up by the command: see options.py.
    del config_file, data_dir


@commands.command(
    "set",
    epilog=example(
        'vestige intention set "Renew the certificate" --at 2026-11-30T09:00:00Z',
        'vestige intention set "Run the benchmarks" --codebase shop --file "src/search/*.py"',
        'vestige intention set "Look at the error rate" --event deploy --priority high',
    ),
)
def set_intention(
    content: Annotated[str, typer.Argument(metavar="TEXT", help="What is to be done.")],
    *,
    at: AtOption = None,
    event: EventOption = None,
    codebase: CodebaseOption = None,
    file_pattern: FilePatternOption = None,
    topic: TopicOption = None,
    deadline: DeadlineOption = None,
    priority: PriorityOption = "normal",  # pyright: ignore[reportArgumentType]  # is parsed, too
    memory_ids: AboutOption = None,
    tags: TagsOption = None,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep something to be done at a time, with an event, or in a context.

    A context is a codebase, a file pattern and a topic, as far as they are given: all have to be
    there together.
    """
    from vestige.models import Priority

    result = with_engine(
        configured(config_file, data_dir),
        lambda engine: engine.set_intention(
            content,
            at=at,
            event=event,
            file_pattern=file_pattern,
            topic=topic,
            codebase=codebase,
            deadline=deadline,
            priority=Priority(priority),
            memory_ids=memory_ids or (),
            tags=split_list(tags),
        ),
    )
    _print_result("set", result, as_json=as_json)


@commands.command(
    epilog=example(
        "vestige intention check --codebase shop --file src/search/index.py",
        "vestige intention check --event deploy",
    )
)
def check(
    *,
    codebase: Annotated[
        str | None,
        typer.Option("--codebase", metavar="NAME", help="The codebase that is worked on."),
    ] = None,
    files: Annotated[
        list[str] | None,
        typer.Option("--file", metavar="PATH", help="A file that is worked on; repeatable."),
    ] = None,
    topics: Annotated[
        list[str] | None,
        typer.Option("--topic", metavar="WORDS", help="What it is about; repeatable."),
    ] = None,
    event: Annotated[
        str | None,
        typer.Option("--event", metavar="NAME", help="What has just happened."),
    ] = None,
    limit: LimitOption = None,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what is to be done now, the most pressing first; nothing is written.

    What has no time or event comes up where its codebase, files and topic are given here.
    """
    config = configured(config_file, data_dir)
    found = with_engine(
        config,
        lambda engine: engine.check_intentions(
            codebase=codebase,
            files=files or (),
            topics=topics or (),
            event=event,
            limit=limit or config.defaults.limit,
        ),
    )
    _print_check(found, as_json=as_json)


@commands.command("list", epilog=example("vestige intention list --codebase shop"))
def list_intentions(
    *,
    status: Annotated[
        str,
        typer.Option(
            "--status",
            metavar="STATUS",
            parser=parse_status,
            autocompletion=_complete_status,
            help="active, completed or cancelled.",
        ),
    ] = "active",
    every: Annotated[bool, typer.Option("--all", help="Those of every status.")] = False,
    codebase: CodebaseFilterOption = None,
    limit: LimitOption = None,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """List intentions, the newest first, whether their moment has come or not."""
    from vestige.engine.intention_views import intention_view
    from vestige.models import IntentionFilter, IntentionStatus

    config = configured(config_file, data_dir)
    chosen = IntentionFilter(status=None if every else IntentionStatus(status), codebase=codebase)
    found = with_engine(
        config,
        lambda engine: engine.list_intentions(chosen, limit=limit or config.defaults.limit),
    )
    if not found:
        note("there are no such intentions")
    if as_json:
        print_json({"intentions": [intention_view(intention) for intention in found]})
        return
    for intention in found:
        _print_intention(intention)


@commands.command(epilog=example(f"vestige intention show {EXAMPLE_INTENTION_ID}"))
def show(
    intention_id: IntentionArgument,
    *,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show an intention."""
    from vestige.engine.intention_views import intention_view

    config = configured(config_file, data_dir)
    intention = with_engine(config, lambda engine: engine.get_intention(intention_id))
    if as_json:
        print_json(intention_view(intention))
    else:
        _print_details(intention)


@commands.command(epilog=example(f"vestige intention snooze {EXAMPLE_INTENTION_ID} --until 2h"))
def snooze(
    intention_id: IntentionArgument,
    *,
    until: UntilOption = None,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep an intention from coming up for a while."""
    wanted = until or parse_time_or_ahead("30m")
    result = with_engine(
        configured(config_file, data_dir),
        lambda engine: engine.snooze_intention(intention_id, wanted),
    )
    _print_result("snoozed", result, as_json=as_json)


@commands.command(epilog=example(f"vestige intention complete {EXAMPLE_INTENTION_ID}"))
def complete(
    intention_id: IntentionArgument,
    *,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that an intention was done."""
    result = with_engine(
        configured(config_file, data_dir), lambda engine: engine.complete_intention(intention_id)
    )
    _print_result("completed", result, as_json=as_json)


@commands.command(epilog=example(f"vestige intention cancel {EXAMPLE_INTENTION_ID}"))
def cancel(
    intention_id: IntentionArgument,
    *,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that an intention is not to be done any more; it is kept, and `undo` takes it back."""
    result = with_engine(
        configured(config_file, data_dir), lambda engine: engine.cancel_intention(intention_id)
    )
    _print_result("cancelled", result, as_json=as_json)


def _print_result(verb: str, result: IntentionResult, *, as_json: bool) -> None:
    from vestige.engine.intention_views import intention_result_view
    from vestige.engine.views import removal_note

    if result.removed:
        note(removal_note(result.removed))
    if as_json:
        print_json(intention_result_view(result))
        return
    until = result.intention.snoozed_until
    snoozed = "" if until is None else f" until {moment(until)}"
    print_line((verb, "green"), f" {result.intention.id}{snoozed}")


def _print_check(found: IntentionCheck, *, as_json: bool) -> None:
    from vestige.engine.intention_views import check_view

    if not found.count:
        note("there is nothing to be done now")
    elif found.count > len(found.triggered):
        note(f"{found.count - len(found.triggered)} more; give a larger --limit to see them")
    if as_json:
        print_json(check_view(found))
        return
    for one in found.triggered:
        _print_intention(one.intention, one.reason)


def _print_intention(intention: Intention, reason: str | None = None) -> None:
    from vestige.engine.intention_views import trigger_text

    is_pressing = intention.priority.name in {"HIGH", "CRITICAL"}
    print_line(
        (intention.priority.name.lower(), "yellow" if is_pressing else "bold"),
        GAP,
        intention.status.value,
        GAP,
        reason or trigger_text(intention),
    )
    print_line("   ", shortened(intention.content, CONTENT_CHARACTERS), fit=True)
    print_line("   ", (str(intention.id), "dim"))


def _print_details(intention: Intention) -> None:
    from vestige.engine.intention_views import intention_view

    shown = intention_view(intention)
    pairs = [(name.replace("_", " "), value) for name, value in shown.items() if value]
    print_pairs(
        [
            (name, ", ".join(map(str, value)) if isinstance(value, list) else str(value))
            for name, value in pairs
        ]
    )
