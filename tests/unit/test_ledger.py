"""Which ledgers of schema steps a version can build on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from factories import START
from vestige.errors import MigrationError
from vestige.storage.migrations import AppliedMigration, Migration, check_ledger, next_step

if TYPE_CHECKING:
    from collections.abc import Sequence

KNOWN = [
    Migration(
        version=version,
        name=name,
        up_sql="",
        down_sql="",
        checksum=name,
        requires_model=name == "index",
    )
    for version, name in enumerate(("tables", "index", "more", "last"), start=1)
]


def ledger(*versions: int) -> list[AppliedMigration]:
    return [
        AppliedMigration(
            version=version,
            name=KNOWN[version - 1].name,
            checksum=KNOWN[version - 1].checksum,
            applied_at=START,
            duration_seconds=0.0,
        )
        for version in versions
    ]


@pytest.mark.parametrize("versions", [(), (1,), (1, 2), (1, 3), (1, 3, 4), (1, 2, 3, 4)])
def test_only_a_step_that_waits_for_a_model_may_be_left_out(versions: Sequence[int]) -> None:
    check_ledger(KNOWN, ledger(*versions))


@pytest.mark.parametrize(
    ("versions", "missing"), [((2,), "0001_tables"), ((1, 2, 4), "0003_more"), ((1, 4), "0003")]
)
def test_a_gap_in_the_ledger_is_named(versions: Sequence[int], missing: str) -> None:
    with pytest.raises(MigrationError, match=f"but not {missing}"):
        check_ledger(KNOWN, ledger(*versions))


def test_a_step_that_waited_is_applied_once_there_is_a_model() -> None:
    applied = ledger(1, 3, 4)
    assert next_step(KNOWN, applied, has_model=False) is None
    assert next_step(KNOWN, applied, has_model=True) == KNOWN[1]
