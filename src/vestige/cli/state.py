"""`vestige stats` and `vacuum`: what the store holds, and tidying it up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from vestige.cli.options import ConfigOption, DataDirOption, JsonOption, example
from vestige.cli.output import print_json, print_pairs, print_text
from vestige.cli.rendering import NOTHING, moment
from vestige.cli.session import configured, need_store, with_store

if TYPE_CHECKING:
    from vestige.models import StoreStats

commands = typer.Typer()


@commands.command(epilog=example("vestige stats"))
def stats(
    *,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count what the store holds."""
    from vestige.clock import SystemClock
    from vestige.engine.views import stats_view

    config = configured(config_file, data_dir)
    # Without an embedder: a store can be counted whatever model is configured.
    counted = with_store(config, lambda store: store.get_stats(SystemClock().now()))
    if as_json:
        print_json(stats_view(counted))
    else:
        _print_stats(counted)


@commands.command(epilog=example("vestige vacuum"))
def vacuum(
    *,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give back the space of what was deleted, and keep searches fast."""
    from vestige.clock import SystemClock
    from vestige.engine.maintenance import vacuum as tidied_up
    from vestige.engine.views import vacuum_view

    config = configured(config_file, data_dir)
    need_store(config)
    result = with_store(config, lambda store: tidied_up(store, SystemClock()))
    if as_json:
        print_json(vacuum_view(result))
        return
    print_pairs(
        [
            ("size before", f"{result.before_bytes:,} bytes"),
            ("size after", f"{result.after_bytes:,} bytes"),
        ]
    )


def _print_stats(found: StoreStats) -> None:
    print_pairs(
        [
            ("store", f"{found.backend}, {found.location}"),
            ("size", f"{found.size_bytes:,} bytes"),
            ("schema version", str(found.schema_version)),
            ("model", "none registered yet" if found.model is None else str(found.model)),
            ("memories", f"{found.memory_count}, {found.embedded_count} with vectors"),
            ("windows", str(found.window_count)),
            ("links", str(found.edge_count)),
            ("reviews", str(found.review_event_count)),
            ("domains", str(found.domain_count)),
            ("due", str(found.due_count)),
            ("oldest", moment(found.oldest_created_at)),
            ("newest", moment(found.newest_created_at)),
            ("types", _counts(found.node_types)),
            ("codebases", _counts(found.codebases)),
        ]
    )
    if found.details:
        print_text()
        print_pairs(list(found.details.items()))


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or NOTHING
