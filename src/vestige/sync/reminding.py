"""What people keep for later: intentions, and whether their moment has come.

Written by `python tools/sync_engine.py --write` from `src/vestige/engine/reminding.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestige.models import Priority
from vestige.sync.parts import SyncBase

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from vestige.engine.intentions import IntentionCheck, IntentionResult
    from vestige.models import Intention, IntentionFilter, JsonObject, MemoryCursor


class Reminding(SyncBase):
    """The part of the engine that remembers what is to be done."""

    def set_intention(
        self,
        content: str,
        *,
        at: datetime | None = None,
        event: str | None = None,
        file_pattern: str | None = None,
        topic: str | None = None,
        codebase: str | None = None,
        deadline: datetime | None = None,
        priority: Priority = Priority.NORMAL,
        memory_ids: Sequence[UUID] = (),
        tags: Sequence[str] = (),
        metadata: JsonObject | None = None,
    ) -> IntentionResult:
        """Keep something that is to be done later; `check_intentions` brings it up.

        One kind of trigger is to be given: a time, an event, or a context of a codebase, a file
        pattern and a topic, which have to be there together. A deadline alone is a time.

        Args:
            content: what is to be done; 1 to 10,000 bytes of UTF-8.
            at: when it comes up, aware.
            event: with which event it comes up (free text, up to 256 characters).
            file_pattern: a glob of the files it is about; without a `/`, of their names.
            topic: words that all have to be among the topics of the moment.
            codebase: the project it belongs to.
            deadline: when it should be done, aware; it comes up then in any case.
            priority: 1 to 4: low, normal, high, critical.
            memory_ids: up to 64 memories that it is about.
            tags: up to 64 of up to 128 characters.
            metadata: a JSON object to keep with it.

        Raises:
            InvalidInputError: nothing brings it up, more than one kind of trigger does, or a limit.
        """
        return self.run(
            lambda engine: engine.set_intention(
                content,
                at=at,
                event=event,
                file_pattern=file_pattern,
                topic=topic,
                codebase=codebase,
                deadline=deadline,
                priority=priority,
                memory_ids=memory_ids,
                tags=tags,
                metadata=metadata,
            )
        )

    def check_intentions(
        self,
        *,
        codebase: str | None = None,
        files: Sequence[str] = (),
        topics: Sequence[str] = (),
        event: str | None = None,
        limit: int = 0,
    ) -> IntentionCheck:
        """Return the intentions whose moment has come, the most pressing first; writes nothing.

        Args:
            codebase: the project that is worked on.
            files: paths that are worked on.
            topics: what it is about: topics, a question, or any text.
            event: what has just happened.
            limit: at most 1000; 0 means 10.
        """
        return self.run(
            lambda engine: engine.check_intentions(
                codebase=codebase, files=files, topics=topics, event=event, limit=limit
            )
        )

    def list_intentions(
        self,
        intention_filter: IntentionFilter | None = None,
        *,
        after: MemoryCursor | None = None,
        limit: int = 0,
    ) -> list[Intention]:
        """Return one page of intentions; see `IntentionStore.list_intentions`."""
        return self.run(
            lambda engine: engine.list_intentions(intention_filter, after=after, limit=limit)
        )

    def get_intention(self, intention_id: UUID) -> Intention:
        """Return an intention.

        Raises:
            IntentionNotFoundError: the id is unknown.
        """
        return self.run(lambda engine: engine.get_intention(intention_id))

    def snooze_intention(self, intention_id: UUID, until: datetime) -> IntentionResult:
        """Keep an intention from coming up until a time.

        Raises:
            IntentionNotFoundError: the id is unknown.
            InvalidInputError: it is closed, or the time has passed.
        """
        return self.run(lambda engine: engine.snooze_intention(intention_id, until))

    def complete_intention(self, intention_id: UUID) -> IntentionResult:
        """Say that an intention was done.

        Raises:
            IntentionNotFoundError: the id is unknown.
            InvalidInputError: it is closed already.
        """
        return self.run(lambda engine: engine.complete_intention(intention_id))

    def cancel_intention(self, intention_id: UUID) -> IntentionResult:
        """Say that an intention is not to be done any more.

        Raises:
            IntentionNotFoundError: the id is unknown.
            InvalidInputError: it is closed already.
        """
        return self.run(lambda engine: engine.cancel_intention(intention_id))
