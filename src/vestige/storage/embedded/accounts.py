"""As which user the server runs: PostgreSQL refuses to be root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vestige.errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Users that may run a server for root, the most private one first.
UNPRIVILEGED_USERS: Final = ("vestige", "postgres", "nobody")
RUN_SECONDS: Final = 120.0
# A server lives longer than who started it, and has no use for the keys in its environment.
KEPT_VARIABLES: Final = ("HOME", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ")
HINT_FOR_ROOT: Final = (
    "Run Vestige as another user, allow user namespaces (sysctl user.max_user_namespaces), "
    "or keep the data dir and the Python environment where the user `postgres` may read them."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """How a program of PostgreSQL is run so that it is not root.

    Attributes:
        prefix: what stands before the command.
        user, group: whom it becomes, None for nobody else.
    """

    prefix: tuple[str, ...] = ()
    user: int | None = None
    group: int | None = None

    @property
    def owner(self) -> int:
        """The user to whom the files belong, as seen from this process."""
        return os.geteuid() if self.user is None else self.user

    def own(self, path: Path) -> None:
        """Let the account own a file or folder that this process made."""
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group, follow_symlinks=False)

    def run(
        self, command: Sequence[str | Path], *, inherited: Sequence[int] = (), text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end.

        Args:
            command: the program and its arguments.
            inherited: descriptors that the program and its children keep open.
            text: what the program reads from its standard input.

        Raises:
            StoreUnavailableError: the program cannot be started or does not end.
        """
        try:
            return subprocess.run(  # noqa: S603  # the commands are made by this package
                [*self.prefix, *map(str, command)],
                capture_output=True,
                check=False,
                cwd="/",
                encoding="utf-8",
                env=environment(),
                errors="replace",
                extra_groups=None if self.user is None else [],
                group=self.group,
                pass_fds=inherited,
                start_new_session=True,
                input=text,
                timeout=RUN_SECONDS,
                user=self.user,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StoreUnavailableError(f"{command[0]} cannot be run: {error}") from error

    def append(self, path: Path, text: str) -> None:
        """Write to the end of a file of the account, made when it is missing.

        Raises:
            StoreUnavailableError: it cannot be written.
        """
        # Through the account: root does not follow links that somebody else may have made.
        result = self.run(["/bin/sh", "-c", 'umask 077; cat >>"$1"', "sh", path], text=text)
        if result.returncode != 0:
            raise StoreUnavailableError(f"{path} cannot be written: {result.stderr.strip()}")

    def can_use(self, program: Path, folder: Path) -> bool:
        """Say whether the account may run a program and get into a folder."""
        test = 'test -x "$2" && "$1" --version'
        return self.run(["/bin/sh", "-c", test, "sh", program, folder]).returncode == 0


def environment() -> dict[str, str]:
    """Return the little that PostgreSQL's programs need, with messages in English."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return kept | {"LC_ALL": "C"}


def account_of(cluster: Path, program: Path) -> Account:
    """Return the account to which a cluster belongs.

    Raises:
        StoreUnavailableError: this process may not act for its owner.
    """
    owner = cluster.stat().st_uid
    if os.geteuid() != 0:
        if owner != os.geteuid():
            raise StoreUnavailableError(
                f"the cluster {cluster} belongs to user {owner}, this process is {os.geteuid()}",
                "Use another data dir, or run the command as the user who made this one.",
            )
        return Account()
    account = masked_root() if owner == 0 else _user_account(owner)
    if account is None or not account.can_use(program, cluster.parent):
        raise StoreUnavailableError(
            f"PostgreSQL cannot run as the owner of {cluster} (user {owner})", HINT_FOR_ROOT
        )
    return account


def account_for_new(folder: Path, program: Path) -> Account | None:
    """Return the account for a new cluster in a folder, None if none can get into it."""
    if os.geteuid() != 0:
        return Account()
    for account in (masked_root(), unprivileged(program)):
        if account is not None and account.can_use(program, folder):
            return account
    return None


def masked_root() -> Account | None:
    """Return root under another user's number in a user namespace, None where that is refused.

    Files stay root's, no user is made and no permission changes: the kernel only shows the server
    another number.
    """
    unshare = shutil.which("unshare")
    # initdb looks the number up, so it must be one of a user that exists.
    shown = next((entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0), None)
    if unshare is None or shown is None:
        return None
    account = Account(
        prefix=(unshare, "--user", f"--map-user={shown}", f"--map-group={shown}", "--")
    )
    return account if account.run(["/bin/sh", "-c", ":"]).returncode == 0 else None


def unprivileged(program: Path) -> Account | None:
    """Return the first user without privileges who may run a program."""
    for name in UNPRIVILEGED_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        account = Account(user=entry.pw_uid, group=entry.pw_gid)
        if account.can_use(program, program.parent):
            return account
    return None


def _user_account(number: int) -> Account | None:
    try:
        return Account(user=number, group=pwd.getpwuid(number).pw_gid)
    except KeyError:
        return None
