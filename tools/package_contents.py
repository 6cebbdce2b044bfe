"""Say what is wrong with the contents of a wheel and of a source distribution."""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
import tomllib
import zipfile
from email.parser import BytesParser
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MODEL: Final = "vestige/embedding/models/all-MiniLM-L6-v2"
ABOUT_THE_WHEEL: Final = frozenset(
    {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
        "licenses/NOTICE",
    }
)
# Measurements and what runs the tests elsewhere: of no use to who builds from the archive.
NOT_IN_SDIST: Final = (".ci/", "bench/")
ADDED_TO_SDIST: Final = frozenset({"PKG-INFO"})


def problems_of_wheel(wheel: Path, root: Path) -> list[str]:
    """Compare a wheel with the package and the project that it was built from.

    Args:
        wheel: the file.
        root: the folder of the project.

    Returns:
        One line for each problem; none when it holds the package, its licences and nothing else.
    """
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        about = next(name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(about)
        expected = files_of_the_package(root) | {
            f"{about.removesuffix('METADATA')}{name}" for name in ABOUT_THE_WHEEL
        }
        sums = archive.read(f"{MODEL}/SHA256SUMS").decode() if expected <= names else ""
        changed = [
            f"{name} of the model is another file"
            for digest, name in (line.split() for line in sums.splitlines())
            if hashlib.sha256(archive.read(f"{MODEL}/{name}")).hexdigest() != digest
        ]
    return [*differences(names, expected), *changed, *problems_of_metadata(metadata, root)]


def problems_of_sdist(sdist: Path, root: Path) -> list[str]:
    """Compare a source distribution with what git knows of the project.

    Args:
        sdist: the file.
        root: the folder of the project, a checkout.

    Returns:
        One line for each problem.
    """
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True)  # noqa: S603  # fixed words
    known = {name for name in listed.stdout.decode().split("\0") if name}
    expected = {name for name in known if not name.startswith(NOT_IN_SDIST)} | ADDED_TO_SDIST
    return differences(names, expected)


def problems_of_metadata(metadata: bytes, root: Path) -> list[str]:
    """Compare what an index would show of a wheel with `pyproject.toml`."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    shown = BytesParser().parsebytes(metadata)
    compared = {
        "Name": project["name"],
        "Version": project["version"],
        "Requires-Python": project["requires-python"],
        "License-Expression": project["license"],
        "Description-Content-Type": "text/markdown",
    }
    extras = sorted(project["optional-dependencies"])
    problems = [
        f"{name} is {shown[name]}, not {value}"
        for name, value in compared.items()
        if shown[name] != value
    ]
    if sorted(shown.get_all("Provides-Extra", [])) != extras:
        problems.append(f"the extras are not {extras}")
    return problems


def files_of_the_package(root: Path) -> set[str]:
    """Return the files that `import vestige` may need, as a wheel names them."""
    source = root / "src"
    return {
        path.relative_to(source).as_posix()
        for path in (source / "vestige").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def differences(names: Iterable[str], expected: Iterable[str]) -> list[str]:
    """Name what is missing and what does not belong there."""
    found, wanted = set(names), set(expected)
    missing = [f"{name} is missing" for name in sorted(wanted - found)]
    return missing + [f"{name} does not belong there" for name in sorted(found - wanted)]
