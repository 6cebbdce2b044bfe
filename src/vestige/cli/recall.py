"""`vestige recall`: find memories by meaning, by words and by what is linked to them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from vestige.cli.options import (
    CodebaseFilterOption,
    ConfigOption,
    DataDirOption,
    JsonOption,
    LimitOption,
    SinceOption,
    TagsFilterOption,
    TypesFilterOption,
    UntilOption,
    example,
    parse_share,
    split_list,
)
from vestige.cli.output import UsageProblem, note, print_json
from vestige.cli.rendering import CONTENT_CHARACTERS, print_explanation, print_hits
from vestige.cli.session import configured, with_engine
from vestige.cli.times import AGO_HELP, parse_time_or_ago

if TYPE_CHECKING:
    from vestige.engine.engine import Engine
    from vestige.engine.results import RecallResult

commands = typer.Typer()


def parse_tokens(text: str) -> int:
    """Return a number of tokens."""
    try:
        tokens = int(text)
    except ValueError:
        tokens = 0
    if tokens < 1:
        raise UsageProblem(
            f"must be a whole number of 1 or more, not {text!r}", "Write it as 2000."
        )
    return tokens


MinRetrievabilityOption = Annotated[
    float | None,
    typer.Option(
        "--min-retrievability",
        metavar="SHARE",
        parser=parse_share,
        help="Only what is still recalled with this probability, 0 to 1.",
    ),
]
AsOfOption = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        metavar="TIME",
        parser=parse_time_or_ago,
        help=f"What was known at this time and held then: {AGO_HELP}.",
    ),
]
SupersededOption = Annotated[
    bool,
    typer.Option(
        "--include-superseded",
        help="Also what was replaced or holds no longer, below what holds.",
    ),
]
SuppressedOption = Annotated[
    bool, typer.Option("--include-suppressed", help="Also what was hidden.")
]
TokensOption = Annotated[
    int | None,
    typer.Option(
        "--token-budget",
        metavar="NUMBER",
        parser=parse_tokens,
        help="At most so many tokens of a language model, estimated; the last result is cut.",
    ),
]
ReinforceOption = Annotated[
    bool,
    typer.Option(
        "--reinforce", help="Count a review rated good for each result; else nothing is written."
    ),
]
ExplainOption = Annotated[bool, typer.Option("--explain", help="Show what each score is made of.")]


@commands.command(
    epilog=example(
        'vestige recall "how often do we retry?" --tags api --since 30d',
        'vestige recall "which port does the API use?" --as-of 2026-01-31 --explain',
        'vestige recall "how do we release?" --token-budget 2000 --json',
    )
)
def recall(
    query: Annotated[
        str,
        typer.Argument(
            metavar="QUERY", help='A question or words; "a phrase" and -word are exact.'
        ),
    ],
    *,
    limit: LimitOption = None,
    tags: TagsFilterOption = None,
    node_types: TypesFilterOption = None,
    codebase: CodebaseFilterOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    min_retrievability: MinRetrievabilityOption = None,
    as_of: AsOfOption = None,
    include_superseded: SupersededOption = False,
    include_suppressed: SuppressedOption = False,
    token_budget: TokensOption = None,
    reinforce: ReinforceOption = False,
    explain: ExplainOption = False,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find memories by meaning and by words, best first."""
    from vestige.engine.recall_options import RecallFilter, RecallOptions

    config = configured(config_file, data_dir)
    narrowed = RecallFilter(
        tags=split_list(tags),
        node_types=split_list(node_types),
        codebase=codebase,
        since=since,
        until=until,
        min_retrievability=min_retrievability,
    )
    options = RecallOptions(
        as_of=as_of,
        include_superseded=include_superseded,
        include_suppressed=include_suppressed,
        token_budget=token_budget,
        shown_characters=None if as_json else CONTENT_CHARACTERS,
        reinforce=reinforce,
    )
    wanted = limit or config.defaults.limit

    async def search(engine: Engine) -> tuple[RecallResult, str | None]:
        result = await engine.recall(query, narrowed=narrowed, options=options, limit=wanted)
        return result, await engine.note(result)

    result, warning = with_engine(config, search)
    _print(result, warning, explain=explain, as_json=as_json)


def _print(result: RecallResult, warning: str | None, *, explain: bool, as_json: bool) -> None:
    from vestige.engine.views import recall_view

    if result.left_out:
        note(f"{result.left_out} more found, which do not fit into the budget of tokens")
    elif not result:
        note("nothing was found")
    if warning is not None:
        note(warning)
    if as_json:
        view = recall_view(result, explain=explain)
        print_json(view if warning is None else {**view, "note": warning})
        return
    print_hits(result)
    if explain and result:
        print_explanation(result)
