"""Print the table of the house: how many modules there are and how long they and functions are.

python tools/house.py            prints the table
python tools/house.py --write    puts it into ARCHITECTURE.md
"""

from __future__ import annotations

import argparse
import ast
import re
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGE: Final = ROOT / "src" / "vestige"
PAGE: Final = ROOT / "ARCHITECTURE.md"
BEGIN: Final = "<!-- Written by tools/house.py --write -->"
END: Final = "<!-- End of what tools/house.py writes -->"
BETWEEN: Final = re.compile(f"{re.escape(BEGIN)}\n.*?{re.escape(END)}", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class House:
    """What is measured; lines of a function are counted without its docstring."""

    module_count: int
    longest_module: Path
    longest_module_lines: int
    median_function_lines: float
    longest_function_lines: int


def measure(package: Path) -> House:
    """Measure the modules of a package; those without a line are not counted."""
    lines = {
        path: count
        for path in sorted(package.rglob("*.py"))
        if (count := len(path.read_text(encoding="utf-8").splitlines()))
    }
    longest = max(lines, key=lambda path: lines[path])
    functions = [length for path in lines for length in _function_lengths(path)]
    return House(
        module_count=len(lines),
        longest_module=longest,
        longest_module_lines=lines[longest],
        median_function_lines=statistics.median(functions),
        longest_function_lines=max(functions),
    )


def table(house: House) -> str:
    """Return the measurements as a table in Markdown."""
    longest = house.longest_module.relative_to(ROOT).as_posix()
    return "\n".join(
        (
            "| | |",
            "|---|---|",
            f"| modules | {house.module_count} |",
            f"| longest module | {house.longest_module_lines} lines (`{longest}`) |",
            f"| median function | {house.median_function_lines:g} lines |",
            f"| longest function | {house.longest_function_lines} lines |",
        )
    )


def rewritten(page: str, new_table: str) -> str:
    """Return a page with the table between its two marks.

    Raises:
        SystemExit: the page has no such marks.
    """
    result, count = BETWEEN.subn(lambda _: f"{BEGIN}\n{new_table}\n{END}", page)
    if count != 1:
        raise SystemExit(f"{PAGE.name} needs the marks {BEGIN} and {END}, once")
    return result


def _function_lengths(path: Path) -> list[int]:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return [
        _span(node) - _docstring_span(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def _docstring_span(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return 0 if ast.get_docstring(node) is None else _span(node.body[0])


def _span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def main() -> None:
    """Print the table or write it into the page."""
    parser = argparse.ArgumentParser(description="Measure the modules of src/vestige.")
    parser.add_argument("--write", action="store_true", help="write the table into ARCHITECTURE.md")
    new_table = table(measure(PACKAGE))
    if parser.parse_args().write:
        PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8"), new_table), encoding="utf-8")
    else:
        print(new_table)


if __name__ == "__main__":
    main()
