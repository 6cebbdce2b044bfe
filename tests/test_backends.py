"""The backends have the same shape, so that a reader can lay their files side by side."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

import conftest
from vestige.storage.protocol import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable

STORAGE: Final = Path(__file__).resolve().parent.parent / "src" / "vestige" / "storage"

# Backend -> its store class.
STORE_CLASSES: Final = {"sqlite": "SqliteStore", "postgres": "PostgresStore"}
BACKENDS: Final = list(STORE_CLASSES)

# What a store hands its work to, and what that is built on; the latter differs by necessity.
FEATURES: Final = (
    "access",
    "changelog",
    "changes",
    "domains",
    "filters",
    "fsrs_weights",
    "graph",
    "intentions",
    "maintenance",
    "memories",
    "model_change",
    "reembedding",
    "registry",
    "scheduling",
    "schema",
    "search",
    "transfer",
)
STORE_MODULES: Final = ("administration", "store")
MACHINERY: Final = (*STORE_MODULES, "connection", "driver", "errors", "problems", "rows", "vectors")

CONTRACT: Final[dict[str, Callable[..., object]]] = {
    name: method
    for name, method in inspect.getmembers(MemoryStore, inspect.isfunction)
    if not name.startswith("_")
}


def modules_of(backend: str) -> set[str]:
    return {path.stem for path in (STORAGE / backend).glob("*.py")} - {"__init__"}


def delegates(backend: str) -> set[tuple[str, str]]:
    """Return the functions of feature modules that a store hands its work to."""
    files = [STORAGE / backend / f"{name}.py" for name in STORE_MODULES]
    return {
        (node.value.id, node.attr)
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in FEATURES
    }


def store_class(backend: str) -> object:
    module = importlib.import_module(f"vestige.storage.{backend}.store")
    return getattr(module, STORE_CLASSES[backend])


def parameters(method: Callable[..., object]) -> list[tuple[str, object, object]]:
    signature = inspect.signature(method)
    return [(item.name, item.kind, item.default) for item in signature.parameters.values()]


def test_the_contract_is_read_as_it_is_written() -> None:
    assert len(CONTRACT) > 40
    assert {"init", "insert", "search", "import_rows"} <= set(CONTRACT)


def test_the_conformance_tests_run_on_every_backend() -> None:
    assert set(conftest.BACKENDS) == set(BACKENDS)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_backend_has_the_modules_of_every_backend(backend: str) -> None:
    assert {*FEATURES, *MACHINERY} <= modules_of(backend)


def test_the_stores_hand_their_work_to_functions_of_the_same_names() -> None:
    # What a store asks of its schema differs: a server has versions and settings, a file has not.
    shared = {name: {item for item in delegates(name) if item[0] != "schema"} for name in BACKENDS}
    assert shared["postgres"] == shared["sqlite"]
    assert {module for module, _ in shared["sqlite"]} == set(FEATURES) - {"filters", "schema"}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", CONTRACT)
def test_a_store_has_the_method_with_the_signature_of_the_contract(backend: str, name: str) -> None:
    method = getattr(store_class(backend), name)
    assert parameters(method) == parameters(CONTRACT[name])
    assert inspect.iscoroutinefunction(method) == inspect.iscoroutinefunction(CONTRACT[name])
