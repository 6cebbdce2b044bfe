"""The texts of patterns and decisions: one form, so that they are read and found alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def pattern_text(name: str, description: str, files: Sequence[str]) -> str:
    """Return the content of a pattern.

    Args:
        name: what it is called.
        description: what to do and why.
        files: paths that it is about, or that show it.
    """
    return "\n".join([f"Pattern: {name}", description, *_files(files)])


def decision_text(
    decision: str, rationale: str | None, alternatives: Sequence[str], files: Sequence[str]
) -> str:
    """Return the content of a decision.

    Args:
        decision: what was decided.
        rationale: why, or None.
        alternatives: what else was possible.
        files: paths that it is about.
    """
    lines = [f"Decision: {decision}"]
    if rationale is not None:
        lines.append(f"Rationale: {rationale}")
    if len(alternatives) == 1:
        lines.append(f"Alternative: {alternatives[0]}")
    elif alternatives:
        lines += ["Alternatives:", *(f"- {alternative}" for alternative in alternatives)]
    return "\n".join([*lines, *_files(files)])


def _files(files: Sequence[str]) -> list[str]:
    return [f"Files: {', '.join(files)}"] if files else []
