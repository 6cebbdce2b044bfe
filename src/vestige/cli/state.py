"""`vestige stats`, `health` and `vacuum`: how the store is, and tidying it up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import typer

from vestige.cli.options import ConfigOption, DataDirOption, JsonOption, example
from vestige.cli.output import note, print_json, print_line, print_pairs
from vestige.cli.rendering import NOTHING, moment
from vestige.cli.session import configured, missing_store, need_store, with_store

if TYPE_CHECKING:
    from vestige.config import Config
    from vestige.models import HealthStatus, StoreStats

SICK_HINT: Final = "Run `vestige migrate info`; restore a backup if the file is damaged."

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


@commands.command(epilog=example("vestige health"))
def health(
    *,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the store: exit code 0 when it can be used, 1 when not."""
    from vestige.engine.views import health_view

    found, hint = _health(configured(config_file, data_dir))
    if as_json:
        print_json(health_view(found))
    else:
        print_line((found.status, "bold"), "" if found.reason is None else f": {found.reason}")
    if hint is not None:
        note(f"hint: {hint}")
    if found.status == "unavailable":
        raise typer.Exit(1)


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


def _health(config: Config) -> tuple[HealthStatus, str | None]:
    """Return the state of the store, and what to do about it."""
    from vestige.errors import StoreError
    from vestige.models import HealthStatus

    missing = missing_store(config)
    if missing is not None:
        status = HealthStatus(status="unavailable", reason=f"there is no store at {missing} yet")
        return status, "Run `vestige migrate up`, or store a first memory: either makes it."
    try:
        found = with_store(config, lambda store: store.health_check(), migrate=False)
    except StoreError as error:
        return HealthStatus(status="unavailable", reason=str(error)), error.hint
    is_well = found.status == "healthy"
    return found, None if is_well else SICK_HINT


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


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or NOTHING
