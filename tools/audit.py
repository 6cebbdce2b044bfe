"""Looks up whether a locked package has a known vulnerability; run by `make audit`.

The list of vulnerabilities is on a server. Where that cannot be reached, this says so: nothing was
audited then, which is another outcome than that nothing was found.

    python tools/audit.py [--strict] [--service osv] [LOCK]

With --strict, not audited is a failure, too; with --service, only this one is asked.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import TypedDict, cast

LOCK = Path(__file__).resolve().parent.parent / "requirements" / "dev.txt"
SERVICES = ("pypi", "osv")
SECONDS = 600


class Vulnerability(TypedDict):
    """What pip-audit says of one."""

    id: str
    fix_versions: list[str]


class Package(TypedDict, total=False):
    """What pip-audit says of a package: its vulnerabilities, or why it was not looked up."""

    name: str
    version: str
    vulns: list[Vulnerability]
    skip_reason: str


def main(arguments: list[str]) -> int:
    """Audit a lock; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lock", type=Path, nargs="?", default=LOCK)
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--service", choices=SERVICES)
    options = parser.parse_args(arguments)
    problems: list[str] = []
    for service in [options.service] if options.service else SERVICES:
        packages, problem = _asked(options.lock, service)
        if packages is not None:
            return _report(packages, options.lock, service, is_strict=options.strict)
        problems.append(f"{service}: {problem}")
    print(f"not audited: {'; '.join(problems)}")
    return 1 if options.strict else 0


def _asked(lock: Path, service: str) -> tuple[list[Package] | None, str]:
    """Return what a service knows of the packages, or why it could not be asked."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--no-deps"]
    command += ["--disable-pip", "--vulnerability-service", service, "--format", "json"]
    command += ["--progress-spinner", "off", "--timeout", "15"]
    try:
        ran = subprocess.run(  # noqa: S603  # the command is made here
            command, capture_output=True, check=False, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return None, f"no answer after {SECONDS} seconds"
    try:
        found = cast("dict[str, list[Package]]", json.loads(ran.stdout))
    except ValueError:
        lines = ran.stderr.strip().splitlines() or ["pip-audit said nothing"]
        return None, lines[-1]
    packages = found["dependencies"]
    if all("skip_reason" in one for one in packages):
        return None, f"it knows none of the {len(packages)} packages of {lock.name}"
    return packages, ""


def _report(packages: list[Package], lock: Path, service: str, *, is_strict: bool) -> int:
    skipped = [one for one in packages if "skip_reason" in one]
    vulnerable = [one for one in packages if one.get("vulns")]
    for one in vulnerable:
        for each in one.get("vulns", []):
            fixed = ", ".join(each["fix_versions"]) or "no version yet"
            print(f"{one.get('name')} {one.get('version')}: {each['id']}, fixed in {fixed}")
    for one in skipped:
        print(f"not audited: {one.get('name')}: {one.get('skip_reason')}")
    asked = len(packages) - len(skipped)
    print(f"audited: {asked} packages of {lock.name} with {service}, {len(vulnerable)} vulnerable")
    return 1 if vulnerable or (skipped and is_strict) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
