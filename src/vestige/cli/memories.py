"""`vestige list`, `show` and `edit`: look at memories and correct them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import typer

from vestige.cli.inputs import STDIN, read_text, text_sources
from vestige.cli.options import (
    EXAMPLE_ID,
    CodebaseFilterOption,
    CodebaseOption,
    ConfigOption,
    DataDirOption,
    IdArgument,
    JsonOption,
    LimitOption,
    OrderOption,
    SinceOption,
    TagsFilterOption,
    TagsOption,
    TypeOption,
    TypesFilterOption,
    UntilOption,
    ValidUntilOption,
    example,
    split_list,
)
from vestige.cli.output import UsageProblem, note, print_json, print_line
from vestige.cli.rendering import print_details, print_memory, superseding_ids
from vestige.cli.session import configured, with_engine
from vestige.cli.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vestige.engine.engine import Engine
    from vestige.models import (
        JsonValue,
        MemoryCursor,
        MemoryEdge,
        MemoryOrder,
        MemoryRecord,
        SchedulingState,
    )

NEWEST_FIRST: Final = "-created"

commands = typer.Typer()


@commands.command("list", epilog=example("vestige list --type decision --since 2026-01-01"))
def list_memories(
    *,
    tags: TagsFilterOption = None,
    node_types: TypesFilterOption = None,
    codebase: CodebaseFilterOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Also what is suppressed, superseded or past its time."),
    ] = False,
    order: OrderOption = NEWEST_FIRST,
    limit: LimitOption = None,
    after: Annotated[
        str | None,
        typer.Option(
            "--after",
            metavar="CURSOR",
            help="Go on after a page: the cursor it ended with (`next` with --json).",
        ),
    ] = None,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the memories that hold now, a page at a time."""
    from vestige.clock import SystemClock
    from vestige.models import MemoryFilter, MemoryOrder

    start = None if after is None else _parse_cursor(after)
    config = configured(config_file, data_dir)
    memory_filter = MemoryFilter(
        tags=split_list(tags),
        node_types=split_list(node_types),
        codebase=codebase,
        created_after=since,
        created_before=until,
        current_at=None if everything else SystemClock().now(),
    )
    chosen = MemoryOrder(order)
    size = limit or config.defaults.limit
    page = with_engine(
        config,
        lambda engine: engine.list_memories(memory_filter, order=chosen, after=start, limit=size),
    )
    _print_page(page, _cursor(page[-1], chosen) if len(page) == size else None, as_json=as_json)


@commands.command(epilog=example(f"vestige show {EXAMPLE_ID}"))
def show(
    memory_id: IdArgument,
    *,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a memory whole, with its scheduling and links."""
    from vestige.engine.views import edge_view, memory_view, scheduling_view

    async def look_up(
        engine: Engine,
    ) -> tuple[MemoryRecord, SchedulingState | None, list[MemoryEdge]]:
        return *await engine.get(memory_id), await engine.links(memory_id)

    record, scheduling, links = with_engine(configured(config_file, data_dir), look_up)
    if as_json:
        view = None if scheduling is None else scheduling_view(scheduling)
        edges: list[JsonValue] = [edge_view(edge) for edge in links]
        newer, older = superseding_ids(record, links)
        print_json(
            {
                **memory_view(record),
                "superseded_by": [*newer],
                "supersedes": [*older],
                "scheduling": view,
                "links": edges,
            }
        )
    else:
        print_details(record, scheduling, links)


@commands.command(epilog=example(f"vestige edit {EXAMPLE_ID} --tags api,retry --type decision"))
def edit(
    memory_id: IdArgument,
    *,
    stdin: Annotated[
        str | None,
        typer.Argument(
            metavar="-", show_default=False, help="Read new content from standard input."
        ),
    ] = None,
    content: Annotated[
        str | None, typer.Option("--content", metavar="TEXT", help="New content.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="PATH", help="New content, a UTF-8 file.")
    ] = None,
    node_type: TypeOption = None,
    tags: TagsOption = None,
    codebase: CodebaseOption = None,
    valid_until: ValidUntilOption = None,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Correct a memory; what is not given stays, and --tags "" removes all tags."""
    from vestige.engine.change_views import edit_view
    from vestige.engine.views import removal_note

    new_content = _new_content(stdin, content, file)
    new_tags = None if tags is None else split_list(tags)
    config = configured(config_file, data_dir)
    result = with_engine(
        config,
        lambda engine: engine.edit(
            memory_id,
            content=new_content,
            node_type=node_type,
            tags=new_tags,
            codebase=codebase,
            valid_until=valid_until,
        ),
    )
    if result.removed:
        note(removal_note(result.removed))
    if as_json:
        print_json(edit_view(result))
        return
    for label, record in (("before", result.before), ("after", result.after)):
        print_line((label, "bold"))
        print_memory(record)


def _new_content(stdin: str | None, content: str | None, file: Path | None) -> str | None:
    if stdin not in {None, STDIN}:
        raise UsageProblem(f"{stdin!r} is not expected here", "Give new content with --content.")
    given = [value for value in (stdin, content, file) if value is not None]
    if len(given) > 1:
        raise UsageProblem(
            "new content is given twice", "Give one of --content, --file and - (standard input)."
        )
    if not given or content is not None:
        return content
    return read_text(text_sources([], [file or Path(STDIN)])[0])


def _print_page(page: Sequence[MemoryRecord], cursor: str | None, *, as_json: bool) -> None:
    from vestige.engine.views import memory_view

    if not page:
        note("there are no such memories")
    if as_json:
        print_json({"memories": [memory_view(record) for record in page], "next": cursor})
        return
    for record in page:
        print_memory(record)
    if cursor is not None:
        note(f"there may be more: --after {cursor}")


def _cursor(record: MemoryRecord, order: MemoryOrder) -> str:
    from vestige.engine.views import time_view

    is_by_change = order.endswith("updated")
    return f"{time_view(record.updated_at if is_by_change else record.created_at)}/{record.id}"


def _parse_cursor(text: str) -> MemoryCursor:
    from vestige.models import MemoryCursor

    time, _, memory_id = text.partition("/")
    try:
        return MemoryCursor(at=parse_time(time), id=UUID(memory_id))
    except (UsageProblem, ValueError):
        raise UsageProblem(
            f"--after: {text!r} is no cursor", "Copy it whole from the page before, as `next`."
        ) from None
