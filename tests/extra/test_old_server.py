"""A server that is too old for a store."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING

import pytest

from extra_servers import as_a_user, environment, running
from vestige.errors import StoreUnavailableError
from vestige.storage.postgres.store import PostgresStore

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.extra


async def test_postgresql_15_is_refused_by_name(packages: Path, tmp_path: Path) -> None:
    programs = packages / "usr/lib/postgresql/15/bin"
    data = tmp_path / "data"
    initdb = as_a_user([f"{programs}/initdb", "-D", f"{data}", "--auth=trust", "-U", "ana", "-N"])
    await asyncio.to_thread(
        subprocess.run, initdb, env=environment(packages), check=True, capture_output=True
    )
    command = [
        f"{programs}/postgres",
        "-D",
        f"{data}",
        "-k",
        f"{tmp_path}",
        "-c",
        "listen_addresses=",
    ]
    with running(command, packages, tmp_path / ".s.PGSQL.5432"):
        with pytest.raises(StoreUnavailableError, match=r"PostgreSQL 15.* 16 or newer") as caught:
            await PostgresStore.connect(f"postgresql://ana@/postgres?host={tmp_path}")
        assert "pg_upgrade" in caught.value.hint
