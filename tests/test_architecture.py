"""Rules of the code that no linter checks; why they hold is in CODE_STYLE.md."""

from __future__ import annotations

import ast
import json
import os
import re
import statistics
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGE: Final = ROOT / "src" / "vestige"
MODULES: Final = sorted(PACKAGE.rglob("*.py"))
TEST_MODULES: Final = sorted((ROOT / "tests").rglob("*.py"))

MAX_MODULE_LINES: Final = 400
MAX_FUNCTION_LINES: Final = 60  # without its docstring
MAX_MEDIAN_FUNCTION_LINES: Final = 12

HEAVY_MODULES: Final = frozenset(
    {
        "apsw",
        "asyncpg",
        "fastembed",
        "fsrs_rs_python",
        "httpx",
        "httpx2",
        "mcp",
        "numpy",
        "onnxruntime",
        "opentelemetry",
        "prometheus_client",
        "psycopg",
        "tenacity",
        "tokenizers",
    }
)

SQL: Final = re.compile(
    r"\s*(--.*\n\s*)*("
    r"SELECT\s.*\bFROM\b|SELECT\s+[\w*(]|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s"
    r"|DELETE\s+FROM\s|WITH\s+(RECURSIVE\s+)?\w+.*\bAS\s+((NOT\s+)?MATERIALIZED\s+)?\("
    r"|(CREATE|DROP|ALTER)\s+(UNIQUE\s+|VIRTUAL\s+|TEMP\s+)?(TABLE|INDEX|TRIGGER|VIEW|EXTENSION)\s"
    r"|PRAGMA\s+\w|BEGIN\s+(IMMEDIATE|EXCLUSIVE)|VACUUM\b|SAVEPOINT\s)",
    re.DOTALL,
)
BACKEND_FOLDERS: Final = tuple(
    PACKAGE / "storage" / name
    for name in (
        "sqlite",
        "postgres",
        "rust",  # reads the file of another program
    )
)

MAY_CATCH_EVERYTHING: Final = (PACKAGE / "cli" / "app.py",)  # and every main.py

CLOCK_CALLS: Final = frozenset(
    {
        "datetime.now",
        "datetime.today",
        "datetime.utcnow",
        "date.today",
        "time.time",
        "time.time_ns",
    }
)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def place(path: Path, node: ast.stmt | ast.expr | ast.ExceptHandler) -> str:
    return f"{path.relative_to(ROOT)}:{node.lineno}"


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def docstring_of(node: ast.AST) -> ast.Expr | None:
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return first if isinstance(first.value.value, str) else None
    return None


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    docstring = docstring_of(function)
    documented = 0 if docstring is None else last_line(docstring) - docstring.lineno + 1
    return last_line(function) - function.lineno + 1 - documented


def last_line(node: ast.stmt) -> int:
    return node.lineno if node.end_lineno is None else node.end_lineno


def dotted(node: ast.expr) -> str:
    """Return the last two names of `a.b.c`: `b.c`."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value).rsplit('.', 1)[-1]}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    too_long = {
        str(path.relative_to(ROOT)): count
        for path in [*MODULES, *TEST_MODULES]
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MAX_MODULE_LINES
    }
    assert not too_long


def test_no_function_is_longer_than_a_screen_and_most_are_short() -> None:
    lengths = {
        f"{place(path, function)} {function.name}": lines_of(function)
        for path in MODULES
        for function in functions_of(path)
    }
    too_long = {name: length for name, length in lengths.items() if length > MAX_FUNCTION_LINES}
    assert not too_long
    assert statistics.median(lengths.values()) <= MAX_MEDIAN_FUNCTION_LINES


def sql_strings(path: Path) -> list[str]:
    tree = tree_of(path)
    docstrings = {
        id(docstring.value)
        for node in ast.walk(tree)
        if (docstring := docstring_of(node)) is not None
    }
    return [
        place(path, node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
        and SQL.match(node.value)
    ]


def test_sql_stands_in_the_storage_backends_only() -> None:
    found = [
        where
        for path in MODULES
        if not any(path.is_relative_to(folder) for folder in BACKEND_FOLDERS)
        for where in sql_strings(path)
    ]
    assert not found


def test_the_search_for_sql_finds_that_of_the_sqlite_backend() -> None:
    # Without this, an expression that matches nothing would keep the test above green.
    modules = [path for path in MODULES if path.is_relative_to(BACKEND_FOLDERS[0])]
    assert {"memories.py", "graph.py", "search.py"} <= {
        path.name for path in modules if sql_strings(path)
    }


def catches_everything(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {dotted(kind).rsplit(".", 1)[-1] for kind in kinds}
    if "Exception" in names:
        return True
    last = handler.body[-1]
    raises_again = isinstance(last, ast.Raise) and last.exc is None
    # Undoing half-done work must also happen on cancellation, which only BaseException covers.
    return "BaseException" in names and not raises_again


def test_only_the_outermost_functions_catch_everything() -> None:
    found = [
        place(path, node)
        for path in MODULES
        if path.name != "main.py" and path not in MAY_CATCH_EVERYTHING
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ExceptHandler) and catches_everything(node)
    ]
    assert not found


def clock_uses(path: Path) -> list[str]:
    tree = tree_of(path)
    uses = [
        place(path, node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and dotted(node) in CLOCK_CALLS
    ]
    imports = [
        place(path, node)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and any(f"{node.module}.{alias.name}" in CLOCK_CALLS for alias in node.names)
    ]
    return uses + imports


def test_only_the_clock_reads_the_time() -> None:
    assert clock_uses(PACKAGE / "clock.py")
    assert not [
        where for path in MODULES if path != PACKAGE / "clock.py" for where in clock_uses(path)
    ]


def test_nobody_inherits_from_the_contract_of_a_store() -> None:
    # A method that is missing in a subclass of a Protocol silently returns None.
    found = [
        place(path, node)
        for path in [*MODULES, *TEST_MODULES]
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ClassDef)
        and any(dotted(base).rsplit(".", 1)[-1] == "MemoryStore" for base in node.bases)
    ]
    assert not found


def run_python(code: str, *, cwd: Path) -> subprocess.CompletedProcess[str]:
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("VESTIGE_", "COVERAGE_", "COV_"))
    }
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=False,
        cwd=cwd,
        env=environ | {"PYTHONPATH": str(ROOT / "src")},
        text=True,
        timeout=60,
    )


def test_no_layer_imports_one_above_it() -> None:
    code = "from importlinter.cli import lint_imports_command as run; run(['--no-cache'])"
    result = run_python(code, cwd=ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


REPORT_MODULES: Final = "import json, sys; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
SHOW_HELP: Final = """
import sys
from vestige.cli.app import main
sys.argv = ["vestige", "--help"]
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
"""


@pytest.mark.parametrize("code", ["import vestige", SHOW_HELP], ids=["import", "help"])
def test_start_up_imports_nothing_heavy(code: str, tmp_path: Path) -> None:
    result = run_python(f"{code}\n{REPORT_MODULES}", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    loaded: list[str] = json.loads(result.stderr.splitlines()[-1])
    assert "vestige" in loaded
    heavy = HEAVY_MODULES & {name.partition(".")[0] for name in loaded}
    assert not heavy
