"""`vestige find`: memories that say the same, that cannot both be true, or that hold secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from vestige.cli.options import (
    CodebaseFilterOption,
    ConfigOption,
    DataDirOption,
    JsonOption,
    LimitOption,
    example,
    parse_share,
)
from vestige.cli.output import note, print_json, print_line, shortened
from vestige.cli.progress import advancing
from vestige.cli.rendering import CONTENT_CHARACTERS, day
from vestige.cli.session import configured, need_store, with_engine

if TYPE_CHECKING:
    from vestige.cli.output import Part
    from vestige.engine.upkeep_results import (
        Contradictions,
        DuplicateCluster,
        Duplicates,
        Excerpt,
        FoundContradiction,
        FoundSecrets,
    )

PLACES_SHOWN: Final = 10  # of one memory

commands = typer.Typer(
    help="Find memories that say the same, that cannot both be true, or that hold secrets."
)


@commands.callback()
def find_group(*, config_file: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Find memories that say the same, that cannot both be true, or that hold secrets."""
    # The options that stand here are taken up by the command: see options.py.
    del config_file, data_dir


@commands.command(epilog=example("vestige find duplicates --threshold 0.9"))
def duplicates(
    *,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold",
            metavar="NUMBER",
            parser=parse_share,
            help="The cosine from which on two texts are near, 0 to 1; 0.8 by default.",
        ),
    ] = None,
    different: Annotated[
        bool,
        typer.Option(
            "--different",
            help="Print also what is similar, but differs in a value, a name or a negation.",
        ),
    ] = False,
    limit: LimitOption = None,
    codebase: CodebaseFilterOption = None,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find memories that say the same, exact copies first; nothing is changed."""
    from vestige.engine.duplicates import DUPLICATE_SIMILARITY
    from vestige.engine.upkeep_views import duplicates_view

    config = configured(config_file, data_dir)
    need_store(config)
    with advancing("comparing memories") as advance:
        found = with_engine(
            config,
            lambda engine: engine.find_duplicates(
                threshold=DUPLICATE_SIMILARITY if threshold is None else threshold,
                limit=limit or config.defaults.limit,
                codebase=codebase,
                with_different=different,
                advance=advance,
            ),
        )
    if as_json:
        print_json(duplicates_view(found))
    else:
        _print_duplicates(found)
    for message in found.notes:
        note(message)


@commands.command(epilog=example("vestige find contradictions --limit 5"))
def contradictions(
    *,
    limit: LimitOption = None,
    codebase: CodebaseFilterOption = None,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find memories that cannot both be true, the surest first; nothing is changed."""
    from vestige.engine.upkeep_views import contradictions_view

    config = configured(config_file, data_dir)
    need_store(config)
    with advancing("comparing memories") as advance:
        found = with_engine(
            config,
            lambda engine: engine.find_contradictions(
                limit=limit or config.defaults.limit, codebase=codebase, advance=advance
            ),
        )
    if as_json:
        print_json(contradictions_view(found))
    else:
        _print_contradictions(found)
    for message in found.notes:
        note(message)


@commands.command(epilog=example("vestige find secrets --limit 100"))
def secrets(
    *,
    limit: LimitOption = None,
    codebase: CodebaseFilterOption = None,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find what holds keys or tokens; they are not printed, and nothing is changed."""
    from vestige.engine.upkeep_views import secrets_view

    config = configured(config_file, data_dir)
    need_store(config)
    with advancing("looking for secrets") as advance:
        found = with_engine(
            config,
            lambda engine: engine.find_secrets(
                limit=limit or config.defaults.limit, codebase=codebase, advance=advance
            ),
        )
    if as_json:
        print_json(secrets_view(found))
    else:
        _print_secrets(found)


def _print_secrets(found: FoundSecrets) -> None:
    if not found.found:
        note("nothing holds a key or token of a known format")
    for one in found.found:
        print_line((one.where, "bold"), " ", (str(one.id), "dim"))
        shown = one.places[:PLACES_SHOWN]
        more = "" if len(one.places) == len(shown) else f", {len(one.places) - len(shown):,} more"
        print_line("   ", ", ".join(map(str, shown)), more)
    if found.found:
        note("`vestige purge ID` takes away all of a memory or intention; then change the secret")
    _note_rest("found", len(found.found), found.count)


def _print_duplicates(found: Duplicates) -> None:
    if not found.clusters:
        note("no memories say the same")
    for number, cluster in enumerate(found.clusters, start=1):
        _print_cluster(number, cluster)
    if found.different:
        print_line(("similar, but different", "bold"))
    for pair in found.different:
        _print_excerpt(pair.older)
        _print_excerpt(pair.newer)
        print_line("   ", pair.reason)
    _note_rest("clusters", len(found.clusters), found.cluster_count)


def _print_cluster(number: int, cluster: DuplicateCluster) -> None:
    print_line(f"{number}. ", (f"{cluster.size:,} memories", "bold"), " say the same")
    for member in cluster.members:
        why = next((pair.reason for pair in cluster.pairs if pair.newer_id == member.id), "oldest")
        _print_excerpt(member, f"  {why}")
    if cluster.size > len(cluster.members):
        print_line(f"   and {cluster.size - len(cluster.members):,} more")


def _print_contradictions(found: Contradictions) -> None:
    if not found.found:
        note("no contradictions were found")
    for number, one in enumerate(found.found, start=1):
        _print_contradiction(number, one)
    _note_rest("contradictions", len(found.found), found.count)


def _print_contradiction(number: int, found: FoundContradiction) -> None:
    print_line(
        f"{number}. ",
        (found.kind.value, "bold"),
        f", confidence {found.confidence:.2f}: {' '.join(found.subject)}",
    )
    _print_excerpt(found.older, "  says ", (found.older_value, "cyan"))
    _print_excerpt(found.newer, "  says ", (found.newer_value, "cyan"))
    print_line("   to settle it, if the newer one holds:")
    for command in found.commands:
        print_line("     ", command)


def _print_excerpt(excerpt: Excerpt, *more: Part) -> None:
    print_line("   ", (str(excerpt.id), "dim"), "  ", day(excerpt.created_at), *more)
    print_line("     ", shortened(excerpt.text, CONTENT_CHARACTERS), fit=True)


def _note_rest(what: str, shown: int, total: int) -> None:
    if total > shown:
        note(f"{total:,} {what} in all; --limit prints more")
