"""`vestige health`: whether the store can be used, and what is known of its server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import typer

from vestige.cli.options import ConfigOption, DataDirOption, JsonOption, example
from vestige.cli.output import note, print_json, print_line
from vestige.cli.session import configured, embedded_status, missing_store, with_store

if TYPE_CHECKING:
    from vestige.config import Config
    from vestige.models import HealthStatus, JsonObject
    from vestige.storage.embedded import ServerStatus
    from vestige.storage.protocol import MemoryStore

SICK_HINT: Final = "Run `vestige doctor` to see what is wrong and what repairs it."
MISSING_HINT: Final = "Run `vestige migrate up`, or store a first memory: either makes it."

commands = typer.Typer()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Checked:
    """What a check found.

    Attributes:
        health: whether the store can be used.
        hint: what to do about it, None when nothing is to be done.
        notes: what is worth knowing of a store that can be used.
    """

    health: HealthStatus
    hint: str | None = None
    notes: tuple[str, ...] = ()


@commands.command(epilog=example("vestige health"))
def health(
    *,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the store: exit code 0 when it can be used, 1 when not."""
    from vestige.engine.views import health_view

    config = configured(config_file, data_dir)
    # As it was found: the check itself is a client of the server, and starts one that is stopped.
    server = embedded_status(config)
    checked = _check(config)
    found = checked.health
    if as_json:
        view = health_view(found)
        view["notes"] = list(checked.notes)
        view["server"] = None if server is None else _server_view(server)
        print_json(view)
    else:
        print_line((found.status, "bold"), "" if found.reason is None else f": {found.reason}")
        if server is not None:
            print_line("embedded server: ", _described(server))
        for text in checked.notes:
            note(f"note: {text}")
    if checked.hint is not None:
        note(f"hint: {checked.hint}")
    if found.status == "unavailable":
        raise typer.Exit(1)


def _check(config: Config) -> _Checked:
    from vestige.errors import StoreError
    from vestige.models import HealthStatus

    missing = missing_store(config)
    if missing is not None:
        status = HealthStatus(status="unavailable", reason=f"there is no store at {missing} yet")
        return _Checked(health=status, hint=MISSING_HINT)
    try:
        return with_store(config, _look, migrate=False)
    except StoreError as error:
        status = HealthStatus(status="unavailable", reason=str(error))
        return _Checked(health=status, hint=error.hint)


async def _look(store: MemoryStore) -> _Checked:
    from vestige.clock import SystemClock
    from vestige.engine.maintenance import missing_vectors
    from vestige.storage.problems import REPAIR, without_vector

    found = await store.health_check()
    if found.status != "healthy":
        return _Checked(health=found, hint=SICK_HINT)
    missing = missing_vectors(await store.get_stats(SystemClock().now()))
    if not missing:
        return _Checked(health=found)
    return _Checked(health=found, notes=(f"{without_vector(missing).problem}; run `{REPAIR}`",))


def _described(server: ServerStatus) -> str:
    if not server.is_running:
        return "did not run before this check"
    version = "PostgreSQL" if server.version is None else f"PostgreSQL {server.version}"
    if server.is_orphaned:
        return (
            f"{version} ran for nobody, because what used it was killed;"
            " this check took it over, and so it stops"
        )
    clients = "1 client" if server.client_count == 1 else f"{server.client_count} clients"
    return f"{version} runs, with {clients} beside this check"


def _server_view(server: ServerStatus) -> JsonObject:
    return {
        "is_running": server.is_running,
        "is_orphaned": server.is_orphaned,
        "version": server.version,
        "client_count": server.client_count,
    }
