"""Random changes of a store through the engine, beside a model of them in plain Python.

The model knows rows by name: `memory ID`, `state ID`, `edge ...` and `review ...`. A row is what a
person would see of it and marks of the changes that wrote it last: a text that was changed and
changed back has another time of change, and one that was hidden and shown again has not.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

from accounts import edge_name, rows_of_store, without_vectors
from factories import DAY
from vestige.errors import StoreError
from vestige.models import (
    MemoryEdge,
    Rating,
    ReviewEvent,
    ScheduledMemory,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from factories import ManualClock
    from vestige.engine.engine import Engine

WORDS: Final = ("tide", "ember", "quartz", "maple", "orbit", "violin", "harbor", "saddle", "prism")
TAGS: Final = ("red", "green", "blue")
KEPT_MAX: Final = 40  # memories; more would meet each other too rarely

Rows: TypeAlias = "dict[str, Any]"  # name -> (what is seen of the row, mark of its last change)


class RandomChanges:
    """An engine and the model of what it was asked to do."""

    def __init__(self, engine: Engine, clock: ManualClock, seed: int) -> None:
        self.engine = engine
        self.clock = clock
        self.refused = 0
        self.done: dict[str, int] = {}
        self._random = random.Random(seed)  # noqa: S311  # the same changes each time
        self._rows: Rows = {}
        self._before: Rows = {}  # the rows after the last change
        self._diffs: dict[UUID, dict[str, tuple[Any, Any]]] = {}  # change -> row -> before, after
        self._undone: dict[UUID, UUID] = {}  # change -> the change that took it back
        self._purged: set[UUID] = set()
        self._order: list[UUID] = []  # memories in the order of their making: a name for each
        self._marks = 0

    async def run(self, count: int) -> None:
        """Do so many random things, and compare the store with the model after each."""
        for _ in range(count):
            self.clock.advance(DAY / 7)
            name, act = self._choose()
            before = dict(self._rows)
            if await act():
                self.done[name] = self.done.get(name, 0) + 1
            else:
                self.refused += 1
                self._rows = before
            assert await self.seen() == {key: row[0] for key, row in self._rows.items()}, name

    async def seen(self) -> dict[str, Any]:
        """Return what a person would see of every row of the store."""
        seen: dict[str, Any] = {}
        for row in await rows_of_store(self.engine):
            match row:
                case ScheduledMemory(record=record, scheduling=state):
                    hidden = (record.superseded_at is not None, record.suppressed_at is not None)
                    seen[f"memory {record.id}"] = (record.content, record.tags, *hidden)
                    seen[f"state {record.id}"] = (state.reps, state.lapses)
                case MemoryEdge():
                    seen[edge_name(row)] = row.weight
                case ReviewEvent():
                    seen[f"review {row.memory_id} {row.id}"] = int(row.rating)
                case _:
                    pass
        return seen

    async def rows(self) -> list[str]:
        """Return the rows of the store as text, to compare stores whose changes were the same."""
        # Similarities, which are the weights of links, are equal but for the last digits.
        rows = [
            replace(row, weight=round(row.weight, 3)) if isinstance(row, MemoryEdge) else row
            for row in await rows_of_store(self.engine)
        ]
        return sorted(repr(sorted(without_vectors(row).items())) for row in rows)

    def _choose(self) -> tuple[str, Callable[[], Awaitable[bool]]]:
        acts: dict[str, tuple[Callable[[], Awaitable[bool]], int]] = {
            "remember": (self._remember, 6 if len(self._ids()) < KEPT_MAX else 1),
            "repeat": (self._repeat, 2),
            "edit": (self._edit, 3),
            "supersede": (self._supersede, 3),
            "suppress": (self._suppress, 2),
            "restore": (self._restore, 2),
            "review": (self._review, 2),
            "link": (self._link, 2),
            "unlink": (self._unlink, 1),
            "forget": (self._forget, 2),
            "purge": (self._purge, 1),
            "consolidate": (self._consolidate, 1),
            "undo": (self._undo_newest, 4),
            "undo one": (self._undo_any, 4),
        }
        weights = [weight for _, weight in acts.values()]
        name = self._random.choices(list(acts), weights)[0]
        return name, acts[name][0]

    # Each of these asks the engine, and tells the model what a reader of the manual would expect.
    # It returns False where the engine refused, and then nothing may have changed.

    async def _remember(self) -> bool:
        result = await self.engine.remember(self._text(), tags=self._tags())
        if result.action == "created":
            self._order.append(result.id)
            record, _ = await self.engine.get(result.id)
            self._put_memory(f"memory {result.id}", (record.content, record.tags, False, False))
            self._put(f"state {result.id}", (0, 0))
            for edge in result.links:
                self._put(edge_name(edge), edge.weight)
        else:
            self._reviewed(result.id, lapsed=False)
            await self._note_review(result.id)
            content, tags, *hidden = self._rows[f"memory {result.id}"][0]
            if result.added_tags:
                self._put_memory(
                    f"memory {result.id}", (content, tags + result.added_tags, *hidden)
                )
        return self._account(result.change_id)

    async def _repeat(self) -> bool:
        current = [key for key in self._ids() if not any(self._rows[f"memory {key}"][0][2:])]
        if not current:
            return False
        content = self._rows[f"memory {self._random.choice(current)}"][0][0]
        result = await self.engine.remember(content, tags=self._tags())
        assert result.action == "reinforced"
        _, tags, *hidden = self._rows[f"memory {result.id}"][0]
        if result.added_tags:
            self._put_memory(f"memory {result.id}", (content, tags + result.added_tags, *hidden))
        self._reviewed(result.id, lapsed=False)
        await self._note_review(result.id)
        return self._account(result.change_id)

    async def _edit(self) -> bool:
        key = self._any_id()
        content = self._text()
        if key is None or self._rows[f"memory {key}"][0][0] == content:
            return False
        result = await self.engine.edit(UUID(key), content=content)
        _, *others = self._rows[f"memory {key}"][0]
        self._put_memory(f"memory {key}", (content, *others))
        return self._account(result.change_id)

    async def _supersede(self) -> bool:
        key = self._any_id()
        if key is None:
            return False
        old = self._rows[f"memory {key}"][0]
        text = self._text()
        try:
            result = await self.engine.remember(text, supersedes=UUID(key))
        except StoreError:
            assert old[2] or old[0] == text
            return False
        self._order.append(result.id)
        self._put_memory(f"memory {key}", (old[0], old[1], True, old[3]))
        self._put_memory(f"memory {result.id}", (text, old[1], False, False))
        self._put(f"state {result.id}", (0, 0))
        self._put(f"edge {result.id} {key} supersedes", 1.0)
        for edge in result.links:
            self._put(edge_name(edge), edge.weight)
        return self._account(result.change_id)

    async def _suppress(self) -> bool:
        key = self._any_id()
        if key is None:
            return False
        content, tags, superseded, suppressed = self._rows[f"memory {key}"][0]
        try:
            result = await self.engine.suppress(UUID(key))
        except StoreError:
            assert suppressed
            return False
        assert not suppressed
        self._put_memory(f"memory {key}", (content, tags, superseded, True))
        return self._account(result.change_id)

    async def _restore(self) -> bool:
        key = self._any_id()
        if key is None:
            return False
        content, tags, *hidden = self._rows[f"memory {key}"][0]
        try:
            result = await self.engine.restore(UUID(key))
        except StoreError:
            assert not any(hidden)
            return False
        assert any(hidden)
        self._put_memory(f"memory {key}", (content, tags, False, False))
        return self._account(result.change_id)

    async def _review(self) -> bool:
        key = self._any_id()
        if key is None:
            return False
        rating = self._random.choice(list(Rating))
        result = await self.engine.review(UUID(key), rating)
        self._reviewed(UUID(key), lapsed=rating == Rating.AGAIN)
        await self._note_review(UUID(key))
        return self._account(result.change_id)

    async def _link(self) -> bool:
        one, other = self._any_id(), self._any_id()
        if one is None or other is None or one == other:
            return False
        weight = self._random.choice([0.25, 0.5, 1.0])
        name = f"edge {one} {other} related"
        if name in self._rows and self._rows[name][0] == weight:
            return False
        await self.engine.link(UUID(one), UUID(other), weight=weight)
        # A link that is there gets another weight and stays as old as it is.
        _, mark = self._rows.get(name, (None, self._marks + 1))
        self._put(name, weight)
        self._rows[name] = (weight, mark)
        return self._account(await self._newest_change())

    async def _unlink(self) -> bool:
        names = sorted(name for name in self._rows if name.startswith("edge "))
        if not names:
            return False
        _, source, target, edge_type = self._random.choice(names).split(" ")
        removed = await self.engine.unlink(UUID(source), UUID(target), edge_type=edge_type)
        for edge in removed:
            self._rows.pop(edge_name(edge))
        return self._account(await self._newest_change())

    async def _forget(self) -> bool:
        key = self._any_id()
        if key is None:
            return False
        await self.engine.forget(UUID(key))
        self._gone(key)
        return self._account(await self._newest_change())

    async def _purge(self) -> bool:
        key = self._any_id()
        if key is None:
            return False
        result = await self.engine.purge([UUID(key)], erase=False)
        self._gone(key)
        self._purged.add(UUID(key))
        self._account(result.change_id)
        del self._diffs[result.change_id]  # cannot be taken back
        return True

    async def _consolidate(self) -> bool:
        if not self._order:
            return False
        last = await self._newest_change()
        await self.engine.consolidate()
        seen = await self.seen()
        assert seen.keys() >= self._rows.keys()
        for name in seen.keys() - self._rows.keys():
            assert name.endswith(" similar")
            self._put(name, seen[name])
        newest = await self._newest_change()
        return newest == last or self._account(newest)

    async def _undo_newest(self) -> bool:
        return await self._undo(None)

    async def _undo_any(self) -> bool:
        if not self._diffs:
            return False
        return await self._undo(self._random.choice(list(self._diffs)))

    async def _undo(self, change_id: UUID | None) -> bool:
        try:
            result = await self.engine.undo(change_id)
        except StoreError:
            assert change_id is None or not self._can_be_undone(change_id)
            return False
        taken = result.undone[0].change_id
        assert change_id in {None, taken}
        assert self._can_be_undone(taken)
        self._back(taken)
        undo_id = await self._newest_change() if not result.entries else result.entries[0].change_id
        self._undone[taken] = undo_id
        return self._account(undo_id)

    def _can_be_undone(self, change_id: UUID) -> bool:
        diff = self._diffs[change_id]
        if self._is_undone(change_id) or any(
            str(key) in name for key in self._purged for name in diff
        ):
            return False
        if any(self._rows.get(name) != after for name, (_, after) in diff.items()):
            return False
        back = {**self._rows, **{name: before for name, (before, _) in diff.items()}}
        kept = {name.split(" ")[1] for name, row in back.items() if row and name[:7] == "memory "}
        return all(
            {*name.split(" ")[1:3]} <= kept
            for name, (before, _) in diff.items()
            if name.startswith("edge ") and before
        )

    def _is_undone(self, change_id: UUID) -> bool:
        taker = self._undone.get(change_id)
        return taker is not None and not self._is_undone(taker)

    def _back(self, change_id: UUID) -> None:
        for name, (before, _) in self._diffs[change_id].items():
            if before is None:
                self._rows.pop(name, None)
                if name.startswith("memory "):
                    self._gone(name.split(" ")[1], uncovers=False)
            else:
                self._rows[name] = before

    def _gone(self, key: str, *, uncovers: bool = True) -> None:
        """Take a memory and all that belongs to it out of the model."""
        names = [name for name in self._rows if key in name]
        covered = [
            name.split(" ")[2]
            for name in names
            if name.startswith(f"edge {key} ") and name.endswith(" supersedes")
        ]
        for name in names:
            del self._rows[name]
        for old in covered if uncovers else ():
            content, tags, superseded, suppressed = self._rows[f"memory {old}"][0]
            others = [name for name in self._rows if name.endswith(f" {old} supersedes")]
            if superseded and not others:
                self._put_memory(f"memory {old}", (content, tags, False, suppressed))

    def _account(self, change_id: UUID) -> bool:
        """Keep what a change made of the rows."""
        before = self._before
        names = {*before, *self._rows}
        self._diffs[change_id] = {
            name: (before.get(name), self._rows.get(name))
            for name in names
            if before.get(name) != self._rows.get(name)
        }
        self._before = dict(self._rows)
        return True

    def _put(self, name: str, seen: object) -> None:
        self._marks += 1
        self._rows[name] = (seen, self._marks)

    def _put_memory(self, name: str, seen: tuple[str, tuple[str, ...], bool, bool]) -> None:
        """Put a memory: what it says has a mark, and each way in which it is hidden."""
        self._marks += 1
        old, marks = self._rows.get(name, ((None, None, False, False), (None, None, None)))
        self._rows[name] = (
            seen,
            (
                marks[0] if old[:2] == seen[:2] else self._marks,
                *(
                    (mark if was else self._marks) if is_so else None
                    for was, is_so, mark in zip(old[2:], seen[2:], marks[1:], strict=True)
                ),
            ),
        )

    def _reviewed(self, memory_id: UUID, *, lapsed: bool) -> None:
        reps, lapses = self._rows[f"state {memory_id}"][0]
        self._put(f"state {memory_id}", (reps + 1, lapses + lapsed))

    async def _note_review(self, memory_id: UUID) -> None:
        events = await self.engine.store.list_review_events(memory_id, limit=1000)
        name = f"review {memory_id} {events[-1].id}"
        assert name not in self._rows
        self._put(name, int(events[-1].rating))

    async def _newest_change(self) -> UUID:
        (entry,) = await self.engine.changelog(limit=1)
        return entry.change_id

    def _ids(self) -> list[str]:
        kept = {name.split(" ")[1] for name in self._rows if name.startswith("memory ")}
        return [str(memory_id) for memory_id in self._order if str(memory_id) in kept]

    def _any_id(self) -> str | None:
        ids = self._ids()
        return self._random.choice(ids) if ids else None

    def _text(self) -> str:
        return " ".join(self._random.choices(WORDS, k=self._random.randint(1, 4)))

    def _tags(self) -> list[str]:
        return self._random.sample(TAGS, self._random.randint(0, 2))
