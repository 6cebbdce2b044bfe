"""`vestige timeline`: what was remembered when."""

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
    split_list,
)
from vestige.cli.output import note, print_json, print_line, shortened
from vestige.cli.rendering import CONTENT_CHARACTERS, GAP
from vestige.cli.session import configured, with_store

if TYPE_CHECKING:
    from vestige.cli.output import Part
    from vestige.engine.orientation_results import Timeline, TimelineDay, TimelineEntry

commands = typer.Typer()


@commands.command(epilog=example("vestige timeline --since 2w --time-zone Europe/Berlin"))
def timeline(
    *,
    since: SinceOption = None,
    until: UntilOption = None,
    codebase: CodebaseFilterOption = None,
    node_types: TypesFilterOption = None,
    tags: TagsFilterOption = None,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Also what is suppressed, superseded or past its time."),
    ] = False,
    time_zone: Annotated[
        str,
        typer.Option(
            "--time-zone", metavar="NAME", help="Whose days: UTC, or a name as Europe/Berlin."
        ),
    ] = "UTC",
    limit: LimitOption = None,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what was remembered when, by days, newest first."""
    from vestige.clock import SystemClock
    from vestige.engine import timeline as memories_by_day
    from vestige.engine.orientation_views import timeline_view
    from vestige.models import MemoryFilter

    config = configured(config_file, data_dir)
    now = SystemClock().now()
    narrowed = MemoryFilter(
        tags=split_list(tags),
        node_types=split_list(node_types),
        codebase=codebase,
        created_after=since,
        created_before=until,
        current_at=None if everything else now,
    )
    # Without an embedder: nothing is compared, whatever model is configured.
    found = with_store(
        config,
        lambda store: memories_by_day.timeline(
            store,
            narrowed,
            now=now,
            time_zone=time_zone,
            limit=limit or config.defaults.limit,
        ),
    )
    if not found.days:
        note("there are no such memories")
    if as_json:
        print_json(timeline_view(found))
    else:
        _print(found)


def _print(found: Timeline) -> None:
    for day in found.days:
        _print_day(day, found)
    if found.left_out:
        note(f"{found.left_out:,} older ones are left out: --limit shows more")


def _print_day(day: TimelineDay, found: Timeline) -> None:
    from vestige.cognition.days import in_zone
    from vestige.engine.timeline import zone_of

    count = "1 memory" if day.count == 1 else f"{day.count:,} memories"
    print_line((day.day.isoformat(), "bold"), GAP, count)
    zone = zone_of(found.time_zone)
    for entry in day.entries:
        _print_entry(entry, f"{in_zone(entry.record.created_at, zone):%H:%M}")


def _print_entry(entry: TimelineEntry, time: str) -> None:
    record = entry.record
    parts: list[Part] = ["  ", time, GAP, (record.node_type, "bold")]
    if record.codebase is not None:
        parts += [GAP, "codebase ", (record.codebase, "cyan")]
    if record.tags:
        parts += [GAP, "tags ", (", ".join(record.tags), "cyan")]
    for mark in entry.marks:
        parts += [GAP, (mark, "yellow")]
    print_line(*parts, GAP, (str(record.id), "dim"))
    print_line("         ", shortened(record.content, CONTENT_CHARACTERS), fit=True)
