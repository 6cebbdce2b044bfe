"""`vestige link` and `vestige neighbors`: links between memories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vestige.cli.options import (
    EXAMPLE_ID,
    OTHER_EXAMPLE_ID,
    ConfigOption,
    DataDirOption,
    IdArgument,
    JsonOption,
    SourceArgument,
    TargetArgument,
    example,
    parse_depth,
    parse_weight,
)
from vestige.cli.output import UsageProblem, note, print_json, print_line
from vestige.cli.rendering import print_neighbors
from vestige.cli.session import configured, with_engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vestige.engine.results import LinkResult
    from vestige.models import MemoryEdge

commands = typer.Typer()


@commands.command(
    epilog=example(f"vestige link {EXAMPLE_ID} {OTHER_EXAMPLE_ID} --type because --weight 0.8")
)
def link(
    source_id: SourceArgument,
    target_id: TargetArgument,
    *,
    edge_type: Annotated[
        str | None,
        typer.Option(
            "--type",
            metavar="TYPE",
            help="What kind of link it is, any word; by default related, with --remove every type.",
        ),
    ] = None,
    weight: Annotated[
        float | None,
        typer.Option(
            "--weight",
            metavar="NUMBER",
            parser=parse_weight,
            help="How strong it is, above 0 and usually at most 1, which is the default.",
        ),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the link instead.")] = False,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Link two memories, or change the weight of their link."""
    if remove and weight is not None:
        raise UsageProblem("--weight says nothing about a link that is removed", "Leave it out.")
    config = configured(config_file, data_dir)
    if remove:
        removed = with_engine(
            config, lambda engine: engine.unlink(source_id, target_id, edge_type=edge_type)
        )
        _print_removed(removed, as_json=as_json)
    else:
        result = with_engine(
            config,
            lambda engine: engine.link(
                source_id,
                target_id,
                edge_type="related" if edge_type is None else edge_type,
                weight=1.0 if weight is None else weight,
            ),
        )
        _print_link(result, as_json=as_json)


@commands.command(epilog=example(f"vestige neighbors {EXAMPLE_ID} --depth 2"))
def neighbors(
    memory_id: IdArgument,
    *,
    depth: Annotated[
        int,
        typer.Option(
            "--depth",
            metavar="NUMBER",
            parser=parse_depth,
            help="How many links a path may have, 1 to 16.",
        ),
    ] = 1,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the memories that links lead to, in either direction, best first."""
    from vestige.engine.views import neighbor_view

    config = configured(config_file, data_dir)
    found = with_engine(config, lambda engine: engine.neighbors(memory_id, depth=depth))
    if not found:
        note("no links lead to other memories")
    if as_json:
        print_json({"neighbors": [neighbor_view(neighbor) for neighbor in found]})
    else:
        print_neighbors(found)


def _print_link(result: LinkResult, *, as_json: bool) -> None:
    from vestige.engine.views import link_view

    if as_json:
        print_json(link_view(result))
        return
    before = "" if result.previous_weight is None else f", before {result.previous_weight:g}"
    print_line((result.action, "green"), f" {_described(result.edge)}{before}")


def _print_removed(removed: Sequence[MemoryEdge], *, as_json: bool) -> None:
    from vestige.engine.views import edge_view

    if not removed:
        note("there is no such link")
    if as_json:
        print_json({"removed": [edge_view(edge) for edge in removed]})
        return
    for edge in removed:
        print_line(("removed", "red"), f" {_described(edge)}")


def _described(edge: MemoryEdge) -> str:
    return f"{edge.source_id} -> {edge.target_id}: {edge.edge_type}, weight {edge.weight:g}"
