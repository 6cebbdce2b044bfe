"""The options and arguments that commands share, and how their values are read."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, TypeVar
from uuid import UUID

import typer

from vestige.cli.output import UsageProblem
from vestige.cli.times import AGO_HELP, TIME_HELP, parse_time, parse_time_or_ago

T = TypeVar("T")

EXAMPLE_ID: Final = "6f1c3b52-8f0e-4d6f-9a3e-2b7c5d1e0f4a"
OTHER_EXAMPLE_ID: Final = "c83e0d94-17b6-4a52-b8f1-6e9d2c7a4b05"
LIMIT_MAX: Final = 1000  # models.MAX_LIMIT, which a start should not import
DEPTH_MAX: Final = 16  # storage.limits.DEPTH_MAX, likewise
NODE_TYPES: Final = (
    "general",
    "fact",
    "concept",
    "event",
    "person",
    "place",
    "note",
    "pattern",
    "decision",
    "preference",
    "procedure",
    "code",
    "question",
    "insight",
)
RATINGS: Final = {"again": 1, "hard": 2, "good": 3, "easy": 4}
ORDERS: Final = ("created", "-created", "updated", "-updated")


def parse_id(text: str) -> UUID:
    """Return a memory's id."""
    try:
        return UUID(text.strip())
    except ValueError:
        raise UsageProblem(
            f"{text!r} is not the id of a memory",
            f"Copy a whole id from `vestige list` or `vestige recall`, such as {EXAMPLE_ID}.",
        ) from None


def parse_limit(text: str) -> int:
    """Return a number of results."""
    try:
        limit = int(text)
    except ValueError:
        limit = 0
    if not 1 <= limit <= LIMIT_MAX:
        raise UsageProblem(
            f"must be a whole number from 1 to {LIMIT_MAX}, not {text!r}",
            "Leave --limit out for the configured number, or give one from 1 to 1000.",
        )
    return limit


def parse_depth(text: str) -> int:
    """Return how many links a path may have."""
    try:
        depth = int(text)
    except ValueError:
        depth = 0
    if not 1 <= depth <= DEPTH_MAX:
        raise UsageProblem(
            f"must be a whole number from 1 to {DEPTH_MAX}, not {text!r}",
            "Leave --depth out for the memories that are linked directly.",
        )
    return depth


def parse_weight(text: str) -> float:
    """Return a number above 0."""
    try:
        weight = float(text)
    except ValueError:
        weight = 0
    if not (math.isfinite(weight) and weight > 0):
        raise UsageProblem(
            f"must be a number above 0, not {text!r}",
            "Write it as 0.8; --remove takes a link away.",
        )
    return weight


def parse_share(text: str) -> float:
    """Return a number from 0 to 1."""
    try:
        share = float(text)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        raise UsageProblem(f"must be a number from 0 to 1, not {text!r}", "Write it as 0.9.")
    return share


def parse_rating(text: str) -> int:
    """Return a rating, 1 to 4, from its number or its name."""
    name = text.strip().lower()
    rating = RATINGS.get(name)
    if rating is None and name in {"1", "2", "3", "4"}:
        rating = int(name)
    if rating is None:
        raise UsageProblem(
            f"{text!r} is no rating", "Rate with again, hard, good or easy, or with 1, 2, 3 or 4."
        )
    return rating


def parse_order(text: str) -> str:
    """Return an order of `list`."""
    if text not in ORDERS:
        raise UsageProblem(
            f"{text!r} is no order", f"Order by {', '.join(ORDERS)}; a minus is the newest first."
        )
    return text


def split_list(values: list[str] | None) -> tuple[str, ...]:
    """Return the items of an option that is repeatable and separated by commas."""
    parts = (part.strip() for value in values or () for part in value.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


def example(*lines: str) -> str:
    """Return the end of a command's help: an example that is not wrapped."""
    return "\n".join(("\b", "Example:", *(f"  {line}" for line in lines)))


def _complete_type(incomplete: str) -> list[str]:
    return [name for name in NODE_TYPES if name.startswith(incomplete)]


def _complete_order(incomplete: str) -> list[str]:
    return [name for name in ORDERS if name.startswith(incomplete)]


def _complete_rating(incomplete: str) -> list[str]:
    return [name for name in RATINGS if name.startswith(incomplete)]


def _or_given_before(ctx: typer.Context, param: typer.CallbackParam, value: T | None) -> T | None:
    """Let an option that stands before the command hold for the command."""
    if value is not None or ctx.parent is None:
        return value
    return ctx.parent.params.get(param.name)


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        callback=_or_given_before,
        help="The vestige.toml to use; by default VESTIGE_CONFIG, then that of the data dir.",
    ),
]
DataDirOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="FOLDER",
        callback=_or_given_before,
        help="The folder of the store; by default VESTIGE_DATA_DIR, then ~/.vestige.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
LimitOption = Annotated[
    int | None,
    typer.Option(
        "--limit",
        metavar="NUMBER",
        parser=parse_limit,
        help="At most so many, 1 to 1000; by default `limit` of [defaults], which is 10.",
    ),
]
TagsFilterOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tags", metavar="TAGS", help="With any of these tags; repeatable, or a,b,c at once."
    ),
]
TypesFilterOption = Annotated[
    list[str] | None,
    typer.Option(
        "--type",
        metavar="TYPE",
        autocompletion=_complete_type,
        help="Of any of these types; repeatable, or a,b,c at once.",
    ),
]
CodebaseFilterOption = Annotated[
    str | None, typer.Option("--codebase", metavar="NAME", help="Of this codebase only.")
]
SinceOption = Annotated[
    datetime | None,
    typer.Option(
        "--since",
        metavar="TIME",
        parser=parse_time_or_ago,
        help=f"Created at or after this time: {AGO_HELP}.",
    ),
]
UntilOption = Annotated[
    datetime | None,
    typer.Option(
        "--until",
        metavar="TIME",
        parser=parse_time_or_ago,
        help=f"Created before this time: {AGO_HELP}.",
    ),
]
TypeOption = Annotated[
    str | None,
    typer.Option(
        "--type",
        metavar="TYPE",
        autocompletion=_complete_type,
        help="What kind of memory it is: fact, decision, preference, code or any other word.",
    ),
]
TagsOption = Annotated[
    list[str] | None,
    typer.Option("--tags", metavar="TAGS", help="Its tags; repeatable, or a,b,c at once."),
]
CodebaseOption = Annotated[
    str | None, typer.Option("--codebase", metavar="NAME", help="The codebase it belongs to.")
]
CreatedAtOption = Annotated[
    datetime | None,
    typer.Option(
        "--created-at",
        metavar="TIME",
        parser=parse_time,
        help=f"When it was learned, now by default: {TIME_HELP}.",
    ),
]
ValidUntilOption = Annotated[
    datetime | None,
    typer.Option(
        "--valid-until",
        metavar="TIME",
        parser=parse_time,
        help=f"When what it says ends to hold: {TIME_HELP}.",
    ),
]
BeforeOption = Annotated[
    datetime | None,
    typer.Option(
        "--before",
        metavar="TIME",
        parser=parse_time,
        help=f"Due at or before this time, now by default: {TIME_HELP}.",
    ),
]
OrderOption = Annotated[
    str,
    typer.Option(
        "--order",
        metavar="ORDER",
        parser=parse_order,
        autocompletion=_complete_order,
        help="created or updated, oldest first; -created or -updated, newest first.",
    ),
]
IdArgument = Annotated[
    UUID, typer.Argument(metavar="ID", parser=parse_id, help="The whole id of a memory.")
]
IdsArgument = Annotated[
    list[UUID],
    typer.Argument(metavar="ID", parser=parse_id, help="The whole ids of memories."),
]
RatingArgument = Annotated[
    int,
    typer.Argument(
        metavar="RATING",
        parser=parse_rating,
        autocompletion=_complete_rating,
        help="again (1), hard (2), good (3) or easy (4).",
    ),
]
SourceArgument = Annotated[
    UUID,
    typer.Argument(metavar="SOURCE", parser=parse_id, help="The whole id where the link starts."),
]
TargetArgument = Annotated[
    UUID,
    typer.Argument(metavar="TARGET", parser=parse_id, help="The whole id where it leads."),
]
