"""What `make package` says about the contents of the archives it has built."""

from __future__ import annotations

import importlib
import sys
import zipfile
from typing import TYPE_CHECKING, Final

import pytest

from pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

TOOLS: Final = ROOT / "tools"
EMPTY: Final = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # SHA-256 of no bytes
)
PROJECT: Final = """[project]
name = "small"
version = "1.2"
requires-python = ">=3.11"
license = "Apache-2.0"
optional-dependencies = { postgres = [] }
"""
METADATA: Final = """Metadata-Version: 2.4
Name: small
Version: 1.2
Requires-Python: >=3.11
License-Expression: Apache-2.0
Description-Content-Type: text/markdown
Provides-Extra: postgres

A description.
"""


@pytest.fixture
def contents(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.setattr(sys, "path", [str(TOOLS), *sys.path])
    yield importlib.import_module("package_contents")
    sys.modules.pop("package_contents", None)


@pytest.fixture
def project(tmp_path: Path, contents: ModuleType) -> Path:
    """A project whose package holds a module, and a model of one file."""
    (tmp_path / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    model = tmp_path / "src" / str(contents.MODEL)
    model.mkdir(parents=True)
    (model / "model.onnx").write_text("", encoding="utf-8")
    (model / "SHA256SUMS").write_text(f"{EMPTY}  model.onnx\n", encoding="utf-8")
    (tmp_path / "src" / "vestige" / "__init__.py").write_text("", encoding="utf-8")
    return tmp_path


def a_wheel(project: Path, contents: ModuleType, *, metadata: str = METADATA) -> Path:
    wheel = project / "small.whl"
    about = "small-1.2.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in contents.files_of_the_package(project):
            archive.write(project / "src" / name, name)
        for name in contents.ABOUT_THE_WHEEL:
            archive.writestr(f"{about}/{name}", metadata if name == "METADATA" else "")
    return wheel


def test_a_wheel_that_holds_the_package_and_its_licences_has_no_problems(
    project: Path, contents: ModuleType
) -> None:
    assert contents.problems_of_wheel(a_wheel(project, contents), project) == []


def test_what_is_missing_and_what_does_not_belong_there_is_named(
    project: Path, contents: ModuleType
) -> None:
    wheel = a_wheel(project, contents)
    (project / "src" / "vestige" / "py.typed").touch()
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("tests/test_one.py", "")
    assert contents.problems_of_wheel(wheel, project) == [
        "vestige/py.typed is missing",
        "tests/test_one.py does not belong there",
    ]


def test_a_model_of_other_bytes_is_named(project: Path, contents: ModuleType) -> None:
    (project / "src" / str(contents.MODEL) / "model.onnx").write_text("x", encoding="utf-8")
    wheel = a_wheel(project, contents)
    assert contents.problems_of_wheel(wheel, project) == ["model.onnx of the model is another file"]


def test_another_version_and_another_extra_are_named(project: Path, contents: ModuleType) -> None:
    metadata = METADATA.replace("1.2", "1.3").replace("Extra: postgres", "Extra: other")
    wheel = a_wheel(project, contents, metadata=metadata)
    assert contents.problems_of_wheel(wheel, project) == [
        "Version is 1.3, not 1.2",
        "the extras are not ['postgres']",
    ]
