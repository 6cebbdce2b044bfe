"""The public names are those of `__all__`: all of them work, and there are no others."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

import vestige

SOURCE: Final = Path(__file__).resolve().parent.parent / "src"


def order(name: str) -> tuple[bool, bool, str]:
    """Constants, then classes, then functions, as ruff sorts `__all__`."""
    return not name.isupper(), not name[0].isupper(), name


def test_the_public_names_are_sorted_and_told_once() -> None:
    assert vestige.__all__
    assert list(vestige.__all__) == sorted(set(vestige.__all__), key=order)


def test_every_public_name_can_be_imported() -> None:
    missing = [name for name in vestige.__all__ if getattr(vestige, name, None) is None]
    assert not missing


def test_nothing_else_is_public() -> None:
    submodules = {module.name for module in pkgutil.iter_modules(vestige.__path__)}
    public = {name for name in dir(vestige) if not name.startswith("_")}
    told = {name for name in vestige.__all__ if not name.startswith("_")}
    assert public - submodules == told - submodules


def test_an_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        getattr(vestige, "no_such_name")  # noqa: B009  # the type checker knows the name is wrong


def test_a_fresh_interpreter_can_import_all_names_at_once() -> None:
    # In this process other tests have imported the submodules already.
    code = "from vestige import *; import vestige; assert set(vestige.__all__) <= set(globals())"
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=False,
        env={"PYTHONPATH": str(SOURCE)},
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
