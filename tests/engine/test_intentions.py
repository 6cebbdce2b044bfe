"""What is to be done later: what brings it up, and what becomes of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TypedDict

import pytest

from factories import DAY, START, an_id
from vestige.engine.parts import Actor
from vestige.errors import IntentionNotFoundError, InvalidInputError
from vestige.models import IntentionFilter, IntentionStatus, Priority, TriggerType

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Unpack

    from factories import ManualClock
    from vestige.engine.engine import Engine

HOUR = timedelta(hours=1)


class Trigger(TypedDict, total=False):
    """What brings an intention up."""

    at: datetime
    event: str
    file_pattern: str
    topic: str
    codebase: str
    deadline: datetime
    priority: Priority


class Context(TypedDict, total=False):
    """What is known of a moment."""

    codebase: str
    files: Sequence[str]
    topics: Sequence[str]
    event: str


async def come_up(engine: Engine, **context: Unpack[Context]) -> list[str]:
    check = await engine.check_intentions(limit=100, **context)
    assert check.count == len(check.triggered)
    return [one.intention.content for one in check.triggered]


async def test_a_time_brings_it_up_from_then_on(any_engine: Engine, clock: ManualClock) -> None:
    result = await any_engine.set_intention("renew", at=START + HOUR)
    assert result.intention.trigger_type is TriggerType.TIME
    assert await come_up(any_engine) == []
    clock.advance(HOUR)
    (one,) = (await any_engine.check_intentions()).triggered
    assert one.intention == result.intention
    assert one.reason == "its time has come: 2024-05-17T10:30Z"
    clock.advance(100 * DAY)
    assert await come_up(any_engine) == ["renew"]


async def test_a_deadline_brings_up_whatever_else_would(
    any_engine: Engine, clock: ManualClock
) -> None:
    await any_engine.set_intention("with an event", event="deploy", deadline=START + HOUR)
    await any_engine.set_intention("alone", deadline=START + HOUR)
    await any_engine.set_intention("at a later time", at=START + DAY, deadline=START + HOUR)
    assert await come_up(any_engine) == []
    clock.advance(HOUR)
    assert set(await come_up(any_engine)) == {"with an event", "alone", "at a later time"}


@pytest.mark.parametrize(
    ("trigger", "context", "is_up"),
    [
        (Trigger(event="deploy"), Context(event=" Deploy"), True),
        (Trigger(event="deploy"), Context(event="deployed"), False),
        (Trigger(event="deploy"), Context(topics=["deploy"]), False),
        (Trigger(codebase="shop"), Context(codebase="Shop"), True),
        (Trigger(codebase="shop"), Context(codebase="shops"), False),
        (Trigger(codebase="shop"), Context(), False),
        (Trigger(file_pattern="*.py"), Context(files=["src/a/b.PY"]), True),
        (Trigger(file_pattern="src/*.py"), Context(files=["/home/x/src/a/b.py"]), True),
        (Trigger(file_pattern="src/*.py"), Context(files=["C:\\x\\src\\b.py"]), True),
        (Trigger(file_pattern="src/*.py"), Context(files=["src/a.pyc", "lib/a.py"]), False),
        (Trigger(file_pattern="[!a].py"), Context(files=["b.py"]), True),
        (Trigger(topic="slow search"), Context(topics=["Search is", "SLOW today"]), True),
        (Trigger(topic="slow search"), Context(topics=["searching slowly"]), False),
        (Trigger(topic="发布"), Context(topics=["发布"]), True),
        (Trigger(topic="..."), Context(topics=["anything ..."]), False),
        (Trigger(codebase="shop", topic="search"), Context(codebase="shop"), False),
        (
            Trigger(codebase="shop", topic="search", file_pattern="*.py"),
            Context(codebase="shop", topics=["search"], files=["a.md", "a.py"]),
            True,
        ),
    ],
)
async def test_what_brings_it_up(
    any_engine: Engine, trigger: Trigger, context: Context, *, is_up: bool
) -> None:
    await any_engine.set_intention("do it", **trigger)
    assert await come_up(any_engine, **context) == ["do it"] * is_up


async def test_the_most_pressing_comes_first_and_the_rest_is_counted(any_engine: Engine) -> None:
    await any_engine.set_intention("low", at=START, priority=Priority.LOW)
    await any_engine.set_intention("later", at=START)
    await any_engine.set_intention("earlier", at=START - DAY)
    await any_engine.set_intention("event", event="x")
    await any_engine.set_intention("critical", event="x", priority=Priority.CRITICAL)
    order = ["critical", "earlier", "later", "event", "low"]
    assert await come_up(any_engine, event="x") == order
    check = await any_engine.check_intentions(event="x", limit=2)
    assert [one.intention.content for one in check.triggered] == order[:2]
    assert check.count == 5


async def test_more_than_a_page_is_looked_through(
    any_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vestige.engine.intentions.MAX_LIMIT", 3)
    for number in range(8):
        await any_engine.set_intention(f"number {number}", event="even" if number % 2 else "odd")
    assert len(await come_up(any_engine, event="odd")) == 4


async def test_what_is_snoozed_comes_up_afterwards(any_engine: Engine, clock: ManualClock) -> None:
    intention = (await any_engine.set_intention("renew", at=START, deadline=START)).intention
    result = await any_engine.snooze_intention(intention.id, START + HOUR)
    assert result.previous == intention
    assert result.intention.snoozed_until == START + HOUR
    assert await come_up(any_engine) == []
    clock.advance(HOUR)
    assert await come_up(any_engine) == ["renew"]


@pytest.mark.parametrize("verb", ["complete", "cancel"])
async def test_what_is_closed_stays_and_never_comes_up(any_engine: Engine, verb: str) -> None:
    intention = (await any_engine.set_intention("renew", at=START)).intention
    close = {"complete": any_engine.complete_intention, "cancel": any_engine.cancel_intention}[verb]
    result = await close(intention.id)
    status = {"complete": IntentionStatus.COMPLETED, "cancel": IntentionStatus.CANCELLED}[verb]
    assert (result.intention.status, result.intention.closed_at) == (status, START)
    assert await come_up(any_engine) == []
    assert await any_engine.list_intentions(IntentionFilter(status=status)) == [result.intention]
    with pytest.raises(InvalidInputError, match=f"is {status} already"):
        await close(intention.id)
    with pytest.raises(InvalidInputError, match=f"is {status} already"):
        await any_engine.snooze_intention(intention.id, START + HOUR)


async def test_every_step_can_be_taken_back(any_engine: Engine, clock: ManualClock) -> None:
    intention = (await any_engine.set_intention("renew", at=START)).intention
    clock.advance(HOUR)
    snoozed = (await any_engine.snooze_intention(intention.id, START + DAY)).intention
    await any_engine.complete_intention(intention.id)
    await any_engine.undo()
    assert await any_engine.get_intention(intention.id) == snoozed
    await any_engine.undo()
    assert await any_engine.get_intention(intention.id) == intention
    undone = await any_engine.undo()
    with pytest.raises(IntentionNotFoundError):
        await any_engine.get_intention(intention.id)
    await any_engine.undo(undone.entries[0].change_id)
    assert await any_engine.get_intention(intention.id) == intention


async def test_the_changelog_tells_who_did_what(any_engine: Engine) -> None:
    client = any_engine.acting_as(Actor(client_id="client/1", session_id="s1"))
    intention = (await client.set_intention("renew", at=START)).intention
    await client.complete_intention(intention.id)
    entries = await any_engine.changelog()
    assert [(entry.action, entry.client_id) for entry in entries] == [
        ("completed", "client/1"),
        ("intended", "client/1"),
    ]


async def test_a_purge_takes_memories_and_intentions_together(any_engine: Engine) -> None:
    secret = (await any_engine.set_intention("the secret errand", at=START)).intention
    kept = (await any_engine.set_intention("kept", at=START)).intention
    memory = await any_engine.remember("the secret fact")
    await any_engine.purge([secret.id, memory.id])
    assert await any_engine.list_intentions() == [kept]
    assert "secret" not in repr(await any_engine.changelog(limit=100))


async def test_nothing_that_brings_it_up_is_refused_with_what_could(any_engine: Engine) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await any_engine.set_intention("do it")
    assert "a time, an event" in caught.value.hint
    with pytest.raises(InvalidInputError, match="is not used by a time trigger"):
        await any_engine.set_intention("do it", at=START, event="deploy")
    assert await any_engine.list_intentions() == []


async def test_unknown_ids_and_times_that_have_passed_are_refused(any_engine: Engine) -> None:
    intention = (await any_engine.set_intention("renew", at=START)).intention
    with pytest.raises(InvalidInputError, match="has passed"):
        await any_engine.snooze_intention(intention.id, START)
    for call in (
        any_engine.get_intention(an_id("x")),
        any_engine.complete_intention(an_id("x")),
        any_engine.snooze_intention(an_id("x"), START + DAY),
    ):
        with pytest.raises(IntentionNotFoundError, match=str(an_id("x"))):
            await call
