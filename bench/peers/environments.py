"""Make an environment for each of the other memory systems, so that none is a part of this project.

python bench/peers/environments.py PLACE [NAME ...]    from requirements/NAME.txt; all by default
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Final

REQUIREMENTS: Final = Path(__file__).resolve().parent / "requirements"
# Its SQLite has to load extensions, which is left out of many builds of Python.
NEEDS_EXTENSIONS: Final = "mcp_memory_service"
CAN_LOAD: Final = "import sqlite3; sqlite3.connect(':memory:').enable_load_extension(True)"
PYTHONS: Final = (sys.executable, "/usr/bin/python3")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("place", type=Path, help="the folder for the environments")
    parser.add_argument("names", nargs="*", help="of systems")
    arguments = parser.parse_args()
    known = sorted(path.stem for path in REQUIREMENTS.glob("*.txt"))
    for name in arguments.names or known:
        if name not in known:
            parser.error(f"{name!r} is none of {', '.join(known)}")
        make(arguments.place / name, name)


def make(folder: Path, name: str) -> None:
    """Make an environment with what a file of requirements names."""
    print(f"{name}: {folder}", flush=True)
    python = python_that_loads_extensions() if name == NEEDS_EXTENSIONS else sys.executable
    subprocess.run([python, "-m", "venv", str(folder)], check=True)  # noqa: S603  # a Python
    subprocess.run(  # noqa: S603  # the Python of that environment
        [
            str(folder / "bin" / "python"),
            *("-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--requirement", str(REQUIREMENTS / f"{name}.txt")),
        ],
        check=True,
    )


def python_that_loads_extensions() -> str:
    """Return the first Python that can.

    Raises:
        SystemExit: none can.
    """
    for python in PYTHONS:
        if not Path(python).exists():
            continue
        tried = subprocess.run(  # noqa: S603  # a Python
            [python, "-c", CAN_LOAD], check=False, capture_output=True
        )
        if tried.returncode == 0:
            return python
    raise SystemExit(f"no Python here loads extensions into SQLite: {', '.join(PYTHONS)}")


if __name__ == "__main__":
    main()
