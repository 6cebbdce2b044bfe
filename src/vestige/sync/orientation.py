"""Where an agent stands: the patterns and decisions of a codebase, and what was remembered when.

Written by `python tools/sync_engine.py --write` from `src/vestige/engine/orientation.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestige.engine.codebase import CONTEXT_TOKENS
from vestige.engine.session_start import SESSION_TOKENS
from vestige.engine.timeline import UTC_NAME
from vestige.sync.reading import Reading
from vestige.sync.writing import Writing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from vestige.engine.orientation_results import CodebaseContext, CodebaseCount, Timeline
    from vestige.engine.results import IngestContext, RememberResult
    from vestige.engine.session_results import SessionStart


class Orientation(Reading, Writing):
    """The part of the engine that tells an agent where it is."""

    def remember_pattern(
        self,
        name: str,
        description: str,
        *,
        codebase: str,
        files: Sequence[str] = (),
        tags: Sequence[str] = (),
        context: IngestContext | None = None,
        supersedes: UUID | None = None,
    ) -> RememberResult:
        """Remember how something is done in a codebase: a memory of the type `pattern`.

        Args:
            name: what the pattern is called, one line of up to 256 characters.
            description: what to do, and why.
            codebase: the codebase that it belongs to.
            files: paths that it is about or that show it, up to 100.
            tags: as for `remember`.
            context: where it comes from; its codebase is not looked at.
            supersedes: the memory whose place it takes.

        Raises:
            MemoryNotFoundError, InvalidInputError, EmbeddingError: as for `remember`.
        """
        return self.run(
            lambda engine: engine.remember_pattern(
                name,
                description,
                codebase=codebase,
                files=files,
                tags=tags,
                context=context,
                supersedes=supersedes,
            )
        )

    def remember_decision(
        self,
        decision: str,
        *,
        codebase: str,
        rationale: str | None = None,
        alternatives: Sequence[str] = (),
        files: Sequence[str] = (),
        tags: Sequence[str] = (),
        context: IngestContext | None = None,
        supersedes: UUID | None = None,
    ) -> RememberResult:
        """Remember what was decided in a codebase: a memory of the type `decision`.

        Args:
            decision: what was decided.
            codebase: the codebase that it belongs to.
            rationale: why.
            alternatives: what else was possible, up to 64 of up to 4096 characters.
            files: paths that it is about, up to 100.
            tags: as for `remember`.
            context: where it comes from; its codebase is not looked at.
            supersedes: the decision whose place it takes, which is kept.

        Raises:
            MemoryNotFoundError, InvalidInputError, EmbeddingError: as for `remember`.
        """
        return self.run(
            lambda engine: engine.remember_decision(
                decision,
                codebase=codebase,
                rationale=rationale,
                alternatives=alternatives,
                files=files,
                tags=tags,
                context=context,
                supersedes=supersedes,
            )
        )

    def codebase_context(
        self,
        codebase: str,
        *,
        files: Sequence[str] = (),
        text: str = "",
        token_budget: int = CONTEXT_TOKENS,
        limit: int = 0,
    ) -> CodebaseContext:
        """Return the patterns and decisions of a codebase that matter now, within a budget.

        First those about the given files, then those about files of the same folders, then what
        answers the text, then the newest. Only what holds now is shown.

        Args:
            codebase: its name.
            files: paths that are worked on; they are compared with the newest 1,000.
            text: what the work is about, or "".
            token_budget: tokens of a language model that the contents may cost, estimated.
            limit: how many, at most 1000; 0 means 10.

        Raises:
            InvalidInputError: a limit.
            EmbeddingError: the text cannot be embedded.
        """
        return self.run(
            lambda engine: engine.codebase_context(
                codebase, files=files, text=text, token_budget=token_budget, limit=limit
            )
        )

    def codebases(self) -> list[CodebaseCount]:
        """Return the codebases that memories belong to, by how many they are, then by name."""
        return self.run(lambda engine: engine.codebases())

    def timeline(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        codebase: str | None = None,
        node_types: Sequence[str] = (),
        tags: Sequence[str] = (),
        everything: bool = False,
        time_zone: str = UTC_NAME,
        limit: int = 0,
    ) -> Timeline:
        """Return memories in the order of their creation, newest first, by days.

        The count of a day is of all its memories, whatever the limit leaves out.

        Args:
            since: created at or after this time, aware.
            until: created before this time, aware.
            codebase: of this codebase only.
            node_types: of any of these types.
            tags: with any of these tags.
            everything: also what is suppressed, superseded or past its time, marked so.
            time_zone: whose days, a name such as `Europe/Berlin`.
            limit: how many memories, at most 1000; 0 means 10.

        Raises:
            InvalidInputError: the time zone is unknown, or a limit.
        """
        return self.run(
            lambda engine: engine.timeline(
                since=since,
                until=until,
                codebase=codebase,
                node_types=node_types,
                tags=tags,
                everything=everything,
                time_zone=time_zone,
                limit=limit,
            )
        )

    def session_start(
        self,
        *,
        queries: Sequence[str] = (),
        codebase: str | None = None,
        files: Sequence[str] = (),
        topics: Sequence[str] = (),
        token_budget: int = SESSION_TOKENS,
    ) -> SessionStart:
        """Return what an agent should know before it works, within one budget of tokens.

        Reminders whose moment has come, then patterns and decisions of the codebase, then what
        answers the queries (each memory once, of the codebase or of none), then how much is due for
        review and how the store is. What is more important is fitted in first; no text takes more
        than a quarter of the budget. Nothing is written.

        Args:
            queries: what may be needed, up to 10 questions of up to 10,000 characters.
            codebase: the project that is worked on.
            files: paths that are worked on, up to 100.
            topics: what the work is about, up to 64.
            token_budget: tokens of a language model that `session_text` of
                `vestige.engine.session_texts` may cost, estimated, 1 or more.

        Raises:
            InvalidInputError: a limit.
            EmbeddingError: a query cannot be embedded.
        """
        return self.run(
            lambda engine: engine.session_start(
                queries=queries,
                codebase=codebase,
                files=files,
                topics=topics,
                token_budget=token_budget,
            )
        )
