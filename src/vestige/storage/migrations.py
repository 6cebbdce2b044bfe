"""Find, check and order the schema steps `NNNN_name.up.sql` / `.down.sql` of a backend."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Literal

from vestige.errors import MigrationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

# A step whose first line says this waits until a model is registered: it needs the dimension.
MODEL_MARK: Final = "-- requires: a registered model"

_UP_FILE: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.up\.sql")
_CREATE_INDEX: Final = re.compile(
    r"^\s*(CREATE (?:UNIQUE )?INDEX (?:IF NOT EXISTS )?(\w+)\s[^;]*;)", re.MULTILINE
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    """One schema step as the package carries it."""

    version: int
    name: str
    up_sql: str
    down_sql: str
    checksum: str
    requires_model: bool

    def __str__(self) -> str:
        return f"{self.version:04}_{self.name}"

    @property
    def indexes(self) -> dict[str, str]:
        """The indexes that the step creates by name, each with its statement."""
        return {match[2]: match[1] for match in _CREATE_INDEX.finditer(self.up_sql)}


@dataclass(frozen=True, kw_only=True, slots=True)
class AppliedMigration:
    """One schema step as the ledger of a store records it."""

    version: int
    name: str
    checksum: str
    applied_at: datetime
    duration_seconds: float

    def __str__(self) -> str:
        return f"{self.version:04}_{self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class MigrationStatus:
    """Where a schema step stands: applied, pending, or waiting for a registered model."""

    version: int
    name: str
    state: Literal["applied", "pending", "waiting"]
    applied_at: datetime | None = None
    duration_seconds: float | None = None

    def __str__(self) -> str:
        return f"{self.version:04}_{self.name}"


def load_migrations(package: str) -> tuple[Migration, ...]:
    """Return the steps in the `migrations` folder of a backend's package, in order.

    Raises:
        MigrationError: numbers are missing or a step has no way down.
    """
    folder = files(package).joinpath("migrations")
    texts = {entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.is_file()}
    found = (_UP_FILE.fullmatch(name) for name in sorted(texts))
    migrations = tuple(_migration(match, texts) for match in found if match)
    for expected, migration in enumerate(migrations, start=1):
        if migration.version != expected:
            raise MigrationError(f"the package has no step {expected:04}, but has {migration}")
    return migrations


def check_ledger(known: Sequence[Migration], applied: Sequence[AppliedMigration]) -> None:
    """Refuse a ledger that this version cannot build on.

    Raises:
        MigrationError: a step is unknown (the store is newer), was changed, or is missing.
    """
    by_version = {migration.version: migration for migration in known}
    done = {step.version for step in applied}
    for step in applied:
        migration = by_version.get(step.version)
        if migration is None:
            raise MigrationError(
                f"the store has the step {step}, which this version does not know",
                "Upgrade vestige: a newer version has written to this store.",
            )
        if (migration.name, migration.checksum) != (step.name, step.checksum):
            raise MigrationError(
                f"the step {step} was applied with another text than this version's {migration}",
                "Use the version of vestige that made this store, or restore a backup.",
            )
    for migration in known:
        # A step that waits for a model does not hold up those after it.
        is_skipped = migration.version not in done and not migration.requires_model
        if applied and is_skipped and migration.version < applied[-1].version:
            raise MigrationError(
                f"the store has the step {applied[-1]} but not {migration}",
                "Restore a backup: the ledger vestige_migrations was changed by hand.",
            )


def statuses(
    known: Sequence[Migration], applied: Sequence[AppliedMigration], *, has_model: bool
) -> list[MigrationStatus]:
    """Return where every known step stands."""
    done = {step.version: step for step in applied}
    return [
        _status(migration, done.get(migration.version), has_model=has_model) for migration in known
    ]


def next_step(
    known: Sequence[Migration], applied: Sequence[AppliedMigration], *, has_model: bool
) -> Migration | None:
    """Return the step to apply next; None when nothing is pending or the next one waits."""
    done = {step.version for step in applied}
    for migration in known:
        if migration.version not in done and (has_model or not migration.requires_model):
            return migration
    return None


def _migration(match: re.Match[str], texts: dict[str, str]) -> Migration:
    up_name = match[0]
    down_sql = texts.get(up_name.replace(".up.sql", ".down.sql"))
    if down_sql is None:
        raise MigrationError(f"{up_name} has no .down.sql beside it")
    up_sql = texts[up_name]
    return Migration(
        version=int(match[1]),
        name=match[2],
        up_sql=up_sql,
        down_sql=down_sql,
        checksum=hashlib.sha256(up_sql.encode()).hexdigest(),
        requires_model=up_sql.startswith(MODEL_MARK),
    )


def _status(
    migration: Migration, step: AppliedMigration | None, *, has_model: bool
) -> MigrationStatus:
    if step is not None:
        return MigrationStatus(
            version=migration.version,
            name=migration.name,
            state="applied",
            applied_at=step.applied_at,
            duration_seconds=step.duration_seconds,
        )
    waits = migration.requires_model and not has_model
    return MigrationStatus(
        version=migration.version, name=migration.name, state="waiting" if waits else "pending"
    )
