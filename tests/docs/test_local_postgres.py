"""The page about a PostgreSQL of one's own: its commands, and the files that they use.

There is no container where the tests run: `podman exec` runs its command on a server beside it,
which is set up as the image sets up its own.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Final, cast

import pytest
import yaml

from operated_server import operated_server
from page_steps import steps_of
from pages import ROOT, read
from runbook_operator import Operator

if TYPE_CHECKING:
    from pathlib import Path

    from runbook_operator import State

PAGE: Final = ROOT / "docs" / "how-to" / "local-postgres.md"
RUNBOOK: Final = ROOT / "docs" / "runbook" / "postgres.md"
COMPOSE: Final = ROOT / "deploy" / "compose.yaml"
SETUP: Final = ROOT / "deploy" / "initdb" / "10-memory.sql"
STEPS: Final = steps_of(PAGE)
RUN_AT_LEAST: Final = 13
CONTAINER: Final = "memory-postgres"
# What the entrypoint of the image appends to pg_hba.conf.
ACCESS: Final = "host all all all scram-sha-256\n"
RUNTIME: Final = f"""#!/usr/bin/env bash
set -euo pipefail
[ "$1" = exec ]
while [ "$1" != {CONTAINER} ]; do shift; done
shift
exec "$@"
"""


def first_start(operator: Operator) -> None:
    """Do what the container does when its volume is empty."""
    programs = operator.home / "bin"
    programs.mkdir()
    (programs / "podman").write_text(RUNTIME, encoding="utf-8")
    (programs / "podman").chmod(0o755)
    with (operator.server.data / "pg_hba.conf").open("a", encoding="utf-8") as file:
        file.write(ACCESS)
    operator.administer("SELECT pg_reload_conf()")
    operator.administer(SETUP.read_text(encoding="utf-8"))


STATES: Final[dict[str, State]] = {"the first start of the container": first_start}


@pytest.mark.timeout(300)  # forty programs, each of which has its own time
def test_every_block_of_the_page_does_what_it_says(quick_programs: Path) -> None:
    with operated_server() as server:
        home = server.folder / "home"  # a server that root starts may run as another user
        home.mkdir(mode=0o755)
        operator = Operator(server=server, home=home, states=STATES, programs=quick_programs)
        printed = operator.follow(STEPS)
        passwords = [path.read_text().strip() for path in home.glob(".config/memory/*.password")]
    assert len(passwords) == 2
    assert len(printed) >= RUN_AT_LEAST
    assert not [text for text in printed for password in passwords if password in text]


def test_what_is_not_run_says_why() -> None:
    reasons = [step.marks.get("not run", "") for step in STEPS if not step.is_run]
    assert [reason for reason in reasons if len(reason.split()) < 4] == []


def the_service() -> dict[str, object]:
    composed = cast("dict[str, dict[str, dict[str, object]]]", yaml.safe_load(read(COMPOSE)))
    (service,) = composed["services"].values()
    return service


def run_command() -> list[str]:
    """Return the words of the page's `podman run`."""
    (found,) = re.findall(r"^podman run .*?(?<!\\)$", read(PAGE), re.MULTILINE | re.DOTALL)
    return shlex.split(found.replace("\\\n", ""))


def values_of(option: str) -> list[str]:
    words = run_command()
    return [value for word, value in pairwise(words) if word == option]


def test_the_file_for_compose_is_what_the_page_runs() -> None:
    service = the_service()
    assert service["image"] in run_command()
    assert service["ports"] == values_of("--publish")
    environment = cast("dict[str, str]", service["environment"])
    assert [f"{name}={value}" for name, value in environment.items()] == values_of("--env")
    command = cast("list[str]", service["command"])
    assert run_command()[-len(command) :] == command
    assert [service["shm_size"]] == [f"{size}b" for size in values_of("--shm-size")]
    assert [service["restart"]] == values_of("--restart")
    assert [service["container_name"]] == values_of("--name") == [CONTAINER]
    health = cast("dict[str, list[str]]", service["healthcheck"])["test"]
    assert health == ["CMD", *shlex.split(values_of("--health-cmd")[0])]


def test_the_file_for_compose_has_the_form_of_the_specification(tmp_path: Path) -> None:
    misspelt = tmp_path / "compose.yaml"
    misspelt.write_text(read(COMPOSE).replace("restart:", "restrat:"), encoding="utf-8")
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    for path, expected in ((COMPOSE, 0), (misspelt, 1)):
        ran = subprocess.run(
            [*check, str(path)], capture_output=True, check=False, text=True, timeout=60
        )
        assert ran.returncode == expected, ran.stdout + ran.stderr


def test_the_image_is_pinned_to_a_server_and_an_extension() -> None:
    assert re.fullmatch(
        r"docker\.io/pgvector/pgvector:0\.8\.\d+-pg18-\w+", str(the_service()["image"])
    )


def test_only_this_machine_can_reach_the_container() -> None:
    (port,) = cast("list[str]", the_service()["ports"])
    assert port.startswith("127.0.0.1:")


def test_the_data_outlives_the_container() -> None:
    composed = cast("dict[str, dict[str, object]]", yaml.safe_load(read(COMPOSE)))
    volumes = cast("list[str]", the_service()["volumes"])
    (target,) = [volume.partition(":")[2] for volume in volumes if volume.startswith("data:")]
    environment = cast("dict[str, str]", the_service()["environment"])
    assert environment["PGDATA"].startswith(f"{target}/18/")
    assert composed["volumes"] == {"data": {"name": "memory-data"}}


def test_no_password_stands_in_a_file_of_the_project() -> None:
    text = read(COMPOSE) + read(SETUP)
    assert "POSTGRES_PASSWORD:" not in text
    assert not re.search(r"PASSWORD\s+'", text)
    assert re.findall(r"file: (.+)$", text, re.MULTILINE) == [
        "${HOME}/.config/memory/superuser.password"
    ]


def test_shared_memory_is_enough_for_a_build_of_the_vector_index() -> None:
    command = " ".join(cast("list[str]", the_service()["command"]))
    (megabytes,) = re.findall(r"--maintenance_work_mem=(\d+)MB", command)
    (gigabytes,) = re.findall(r"^(\d+)gb$", str(the_service()["shm_size"]))
    assert int(gigabytes) * 1024 > int(megabytes)


def test_the_first_start_grants_what_the_runbook_grants() -> None:
    of_the_container = re.findall(r"^(?:REVOKE|GRANT) .*;$", read(SETUP), re.MULTILINE)
    assert len(of_the_container) == 3
    assert [line for line in of_the_container if line not in read(RUNBOOK)] == []
