"""`vestige due` and `vestige review`: feedback on memories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from vestige.cli.options import (
    EXAMPLE_ID,
    BeforeOption,
    ConfigOption,
    DataDirOption,
    IdArgument,
    JsonOption,
    LimitOption,
    RatingArgument,
    example,
)
from vestige.cli.output import note, print_json, print_pairs
from vestige.cli.rendering import moment, print_due
from vestige.cli.session import configured, with_engine

if TYPE_CHECKING:
    from vestige.engine.results import ReviewResult
    from vestige.models import Rating

commands = typer.Typer()


@commands.command(epilog=example("vestige due --limit 5"))
def due(
    *,
    before: BeforeOption = None,
    limit: LimitOption = None,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the memories that are due for review, longest due first."""
    from vestige.engine.views import due_view

    config = configured(config_file, data_dir)
    wanted = limit or config.defaults.limit
    found = with_engine(config, lambda engine: engine.due(before=before, limit=wanted))
    if not found:
        note("nothing is due")
    if as_json:
        print_json({"memories": [due_view(memory) for memory in found]})
        return
    for memory in found:
        print_due(memory)


@commands.command(epilog=example(f"vestige review {EXAMPLE_ID} good"))
def review(
    memory_id: IdArgument,
    rating: RatingArgument,
    *,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rate how well a memory held up; this decides when it is due again."""
    from vestige.engine.views import review_view
    from vestige.models import Rating

    config = configured(config_file, data_dir)
    grade = Rating(rating)
    result = with_engine(config, lambda engine: engine.review(memory_id, grade))
    if as_json:
        print_json(review_view(result))
    else:
        _print_review(result, grade)


def _print_review(result: ReviewResult, grade: Rating) -> None:
    before, after = result.before, result.after
    print_pairs(
        [
            ("id", str(result.memory_id)),
            ("rated", f"{grade.name.lower()} ({grade.value})"),
            ("due", f"{moment(after.next_review)}, before {moment(before.next_review)}"),
            ("stability", f"{after.stability:.2f} days, before {before.stability:.2f}"),
            ("difficulty", f"{after.difficulty:.2f} of 10, before {before.difficulty:.2f}"),
        ]
    )
