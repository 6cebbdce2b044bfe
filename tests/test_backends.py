"""The backends have the same shape, so that a reader can lay their files side by side."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from vestige.storage.protocol import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable

STORAGE: Final = Path(__file__).resolve().parent.parent / "src" / "vestige" / "storage"

# Backend -> its store class. A backend whose folder is not there yet is not asked for.
STORE_CLASSES: Final = {"sqlite": "SqliteStore", "postgres": "PostgresStore"}
BACKENDS: Final = [
    name for name in STORE_CLASSES if name == "sqlite" or (STORAGE / name / "__init__.py").exists()
]

MODULES: Final = (
    "access",
    "connection",
    "domains",
    "errors",
    "graph",
    "maintenance",
    "memories",
    "registry",
    "rows",
    "scheduling",
    "schema",
    "search",
    "store",
    "transfer",
    "vectors",
)

CONTRACT: Final[dict[str, Callable[..., object]]] = {
    name: method
    for name, method in vars(MemoryStore).items()
    if inspect.isfunction(method) and not name.startswith("_")
}


def modules_of(backend: str) -> set[str]:
    return {path.stem for path in (STORAGE / backend).glob("*.py")} - {"__init__"}


def public_functions(backend: str, module: str) -> set[str]:
    tree = ast.parse((STORAGE / backend / f"{module}.py").read_text(encoding="utf-8"))
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
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


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_backend_has_the_modules_of_every_backend(backend: str) -> None:
    assert set(MODULES) <= modules_of(backend)
    assert modules_of(backend) == modules_of("sqlite")


@pytest.mark.parametrize("module", sorted({*MODULES, *modules_of("sqlite")}))
def test_a_module_has_the_same_public_functions_in_every_backend(module: str) -> None:
    functions = {backend: public_functions(backend, module) for backend in BACKENDS}
    assert all(names == functions["sqlite"] for names in functions.values()), functions


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", CONTRACT)
def test_a_store_has_the_method_with_the_signature_of_the_contract(backend: str, name: str) -> None:
    method = getattr(store_class(backend), name)
    assert parameters(method) == parameters(CONTRACT[name])
    assert inspect.iscoroutinefunction(method) == inspect.iscoroutinefunction(CONTRACT[name])
