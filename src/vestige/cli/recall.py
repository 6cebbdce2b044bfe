"""`vestige recall`: find memories by meaning and by words."""

from __future__ import annotations

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
from vestige.cli.output import note, print_json
from vestige.cli.rendering import print_explanation, print_hits
from vestige.cli.session import configured, with_engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vestige.engine.engine import Engine
    from vestige.engine.results import RecallHit
    from vestige.models import JsonObject

commands = typer.Typer()


@commands.command(epilog=example('vestige recall "how often do we retry?" --tags api --since 30d'))
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
    min_retrievability: Annotated[
        float | None,
        typer.Option(
            "--min-retrievability",
            metavar="SHARE",
            parser=parse_share,
            help="Only what is still recalled with this probability, 0 to 1.",
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show what each score is made of.")
    ] = False,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find memories by meaning and by words, best first."""
    from vestige.engine.recall import RecallFilter

    config = configured(config_file, data_dir)
    narrowed = RecallFilter(
        tags=split_list(tags),
        node_types=split_list(node_types),
        codebase=codebase,
        since=since,
        until=until,
        min_retrievability=min_retrievability,
    )
    wanted = limit or config.defaults.limit

    async def search(engine: Engine) -> tuple[list[RecallHit], str | None]:
        hits = await engine.recall(query, narrowed=narrowed, limit=wanted)
        return hits, await engine.note(hits)

    hits, warning = with_engine(config, search)
    _print(hits, warning, explain=explain, as_json=as_json)


def _print(hits: Sequence[RecallHit], warning: str | None, *, explain: bool, as_json: bool) -> None:
    from vestige.engine.views import hit_view

    if not hits:
        note("nothing was found")
    if warning is not None:
        note(warning)
    if as_json:
        view: JsonObject = {"results": [hit_view(hit, explain=explain) for hit in hits]}
        print_json(view if warning is None else {**view, "note": warning})
        return
    print_hits(hits)
    if explain and hits:
        print_explanation(hits)
