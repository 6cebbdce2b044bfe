"""`vestige consolidate`: what is out of date in the store, and bringing it up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vestige.cli.inputs import ask, need_terminal
from vestige.cli.options import ConfigOption, DataDirOption, JsonOption, YesOption, example
from vestige.cli.output import UsageProblem, note, print_json, print_line, print_pairs
from vestige.cli.progress import advancing
from vestige.cli.session import configured, need_store, with_engine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vestige.config import Config
    from vestige.engine.upkeep_results import Consolidation

commands = typer.Typer()


@commands.command(epilog=example("vestige consolidate", "vestige consolidate --apply --yes"))
def consolidate(
    *,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the plan and write nothing; so it is by default."),
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Carry the plan out; it is shown and asked for first.")
    ] = False,
    yes: YesOption = False,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring up to date what follows from the memories; no text is touched, none deleted.

    Stored retrievability, missing vectors, the numbers of domains, and the links that are drawn
    without being asked for. Duplicates and contradictions are counted, and left to you.
    """
    if dry_run and apply:
        raise UsageProblem("--dry-run and --apply exclude each other", "Give one of them.")
    config = configured(config_file, data_dir)
    need_store(config)
    if apply and not yes:
        need_terminal("consolidating the store")
        _confirm(_run(config, is_applied=False))
    result = _run(config, is_applied=apply)
    if as_json:
        from vestige.engine.upkeep_views import consolidation_view

        print_json(consolidation_view(result))
    else:
        _print(result)
    for message in result.notes:
        note(message)
    for failure in result.vector_failures:
        note(f"{failure.id} got no vector: {failure.reason}")
    if result.vector_failures:
        raise typer.Exit(1)


def _run(config: Config, *, is_applied: bool) -> Consolidation:
    with advancing("consolidating memories" if is_applied else "planning") as advance:
        return with_engine(
            config,
            lambda engine: (
                engine.consolidate(advance=advance)
                if is_applied
                else engine.consolidation_plan(advance=advance)
            ),
        )


def _confirm(plan: Consolidation) -> None:
    for name, value in _pairs(plan):
        note(f"{name}: {value}")
    if plan.changes and not ask("Carry this out?"):
        note("nothing was changed")
        raise typer.Exit(1)


def _print(result: Consolidation) -> None:
    if result.is_applied:
        print_line(("consolidated", "green"))
    else:
        print_line(("plan", "bold"), ": nothing was written")
    print_pairs(_pairs(result))
    for verb, edges in (("link", result.link_examples), ("prune", result.pruned_examples)):
        for edge in edges:
            ends = f"{edge.source_id} -> {edge.target_id}"
            print_line(
                f"  {verb}  ", (ends, "dim"), f"  {edge.edge_type}, weight {edge.weight:.2f}"
            )
    if result.changes and not result.is_applied:
        print_line("`vestige consolidate --apply` carries it out")


def _pairs(result: Consolidation) -> list[tuple[str, str]]:
    done = ("refreshed", "made", "recounted", "added", "removed")
    planned = tuple(f"to {verb}" for verb in ("refresh", "make", "recount", "add", "remove"))
    refresh, make, recount, add, remove = done if result.is_applied else planned
    pairs = [
        ("memories", f"{result.memories:,}"),
        ("retrievability", f"{result.retrievability:,} {refresh}"),
        ("vectors", f"{result.vectors:,} {make}"),
        ("domains", f"{len(result.domains):,} {recount}"),
        ("links", f"{_counts(result.links)} {add}"),
        ("weak links", f"{_counts(result.pruned)} {remove}"),
    ]
    for name, count in (
        ("duplicates", result.duplicates.cluster_count),
        ("contradictions", result.contradictions.count),
    ):
        pairs.append((name, f"{count:,}: see `vestige find {name}`" if count else "0"))
    return pairs


def _counts(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    kinds = ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))
    return f"{total:,} ({kinds})" if kinds else "0"
