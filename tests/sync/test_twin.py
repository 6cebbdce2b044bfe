"""The engine that is not async has everything that the async one has, and says the same."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from pages import ROOT
from vestige import Engine, SyncEngine
from vestige.engine.opening import open_engine
from vestige.engine.parts import EngineBase
from vestige.sync.opening import open as open_memory
from vestige.sync.parts import SyncBase

if TYPE_CHECKING:
    from collections.abc import Callable


def public_names(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


# What has to do with the thread, which the async engine has not.
OWN: Final = {"actor", "close", "run", "submit"}
METHODS: Final = sorted(
    name for name in public_names(Engine) if inspect.isfunction(getattr(Engine, name))
)


def parameters_of(function: Callable[..., object]) -> list[tuple[str, object, object, object]]:
    return [
        (parameter.name, parameter.kind, parameter.default, parameter.annotation)
        for parameter in inspect.signature(function).parameters.values()
    ]


def test_both_engines_have_the_same_public_names() -> None:
    assert {"recall", "remember", "consolidate", "embedder"} <= public_names(Engine)
    assert public_names(SyncEngine) == public_names(Engine) | OWN


@pytest.mark.parametrize("name", METHODS)
def test_a_method_takes_returns_and_says_the_same_and_only_waits(name: str) -> None:
    method, twin = getattr(Engine, name), getattr(SyncEngine, name)
    assert parameters_of(twin) == parameters_of(method)
    assert inspect.signature(twin).return_annotation == inspect.signature(method).return_annotation
    assert twin.__doc__ == method.__doc__
    assert not inspect.iscoroutinefunction(twin)


@pytest.mark.parametrize("name", sorted(public_names(SyncEngine)))
def test_every_public_name_is_described(name: str) -> None:
    assert inspect.getdoc(getattr(SyncEngine, name))


def test_both_are_opened_with_the_same_arguments() -> None:
    assert parameters_of(open_memory) == parameters_of(open_engine)


def test_the_bases_share_what_is_not_written_by_the_tool() -> None:
    assert public_names(SyncBase) == public_names(EngineBase) | OWN


def test_what_the_tool_writes_is_up_to_date() -> None:
    tool = ROOT / "tools" / "sync_engine.py"
    result = subprocess.run(
        [sys.executable, str(tool)], capture_output=True, check=False, text=True, timeout=60
    )
    assert result.returncode == 0, f"{result.stdout}{result.stderr}run it with --write"
