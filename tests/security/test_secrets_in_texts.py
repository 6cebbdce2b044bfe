"""No key, token or password becomes a memory: whichever way it is given, on either backend."""

from __future__ import annotations

import inspect
import logging
import pickle
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories import HASHING
from secret_samples import FRAMED, SECRETS
from stored_bytes import everything_stored
from vestige.config import load_config
from vestige.engine.engine import Engine
from vestige.engine.opening import open_engine
from vestige.engine.parts import Actor
from vestige.engine.results import (
    ImportText,
    IngestContext,
    PutItem,
    RememberItem,
    RememberResult,
)
from vestige.errors import SecretFoundError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from vestige.config import Config
    from vestige.models import SecretsPolicy

TOKEN: Final = SECRETS["GitHub token"][0]
TEXT: Final = f"the deploy\nuses {TOKEN} to publish"
LATER: Final = datetime(2027, 1, 1, tzinfo=UTC)

# Every way in which a text reaches the store, and the field that holds it.
WAYS: Final[dict[str, Callable[[Engine, str], Awaitable[object]]]] = {
    "remember content": lambda engine, text: engine.remember(text),
    "remember node_type": lambda engine, text: engine.remember("a", node_type=text),
    "remember tags": lambda engine, text: engine.remember("a", tags=["b", text]),
    "remember metadata": lambda engine, text: engine.remember("a", metadata={"b": [{"c": text}]}),
    "remember metadata key": lambda engine, text: engine.remember("a", metadata={"b": {text: 1}}),
    "remember codebase": lambda engine, text: engine.remember(
        "a", context=IngestContext(codebase=text)
    ),
    "remember file": lambda engine, text: engine.remember("a", context=IngestContext(file=text)),
    "remember source": lambda engine, text: engine.remember(
        "a", context=IngestContext(source=text)
    ),
    "remember topics": lambda engine, text: engine.remember(
        "a", context=IngestContext(topics=(text,))
    ),
    "remember client": lambda engine, text: engine.remember(
        "a", context=IngestContext(mcp_client_id=text)
    ),
    "remember session": lambda engine, text: engine.remember(
        "a", context=IngestContext(session_id=text)
    ),
    "remember_item": lambda engine, text: engine.remember_item(RememberItem(content=text)),
    "remember_pattern": lambda engine, text: engine.remember_pattern("a", text, codebase="b"),
    "remember_pattern name": lambda engine, text: engine.remember_pattern(text, "a", codebase="b"),
    "remember_pattern files": lambda engine, text: engine.remember_pattern(
        "a", "b", codebase="c", files=[text]
    ),
    "remember_decision": lambda engine, text: engine.remember_decision(text, codebase="b"),
    "remember_decision rationale": lambda engine, text: engine.remember_decision(
        "a", codebase="b", rationale=text
    ),
    "remember_decision alternatives": lambda engine, text: engine.remember_decision(
        "a", codebase="b", alternatives=[text]
    ),
    "import_text": lambda engine, text: engine.import_text(
        ImportText(place="a file", content=text, context=IngestContext())
    ),
    "import_text dry": lambda engine, text: engine.import_text(
        ImportText(place="a file", content=text, context=IngestContext()), is_dry_run=True
    ),
    "put": lambda engine, text: engine.put([PutItem(id=uuid4(), content=text)]),
    "put metadata": lambda engine, text: engine.put(
        [PutItem(id=uuid4(), content="a", metadata={"value": text})]
    ),
    "edit content": lambda engine, text: _edited(engine, content=text),
    "edit tags": lambda engine, text: _edited(engine, tags=[text]),
    "edit codebase": lambda engine, text: _edited(engine, codebase=text),
    "edit node_type": lambda engine, text: _edited(engine, node_type=text),
    "suppress reason": lambda engine, text: _suppressed(engine, text),  # noqa: PLW0108  # is below
    "link": lambda engine, text: _linked(engine, text),  # noqa: PLW0108  # as above
    "actor": lambda engine, text: engine.acting_as(Actor(client_id=text)).remember("a"),
    "set_intention": lambda engine, text: engine.set_intention(text, at=LATER),
    "set_intention event": lambda engine, text: engine.set_intention("a", event=text),
    "set_intention topic": lambda engine, text: engine.set_intention("a", topic=text),
    "set_intention codebase": lambda engine, text: engine.set_intention("a", codebase=text),
    "set_intention file": lambda engine, text: engine.set_intention("a", file_pattern=text),
    "set_intention tags": lambda engine, text: engine.set_intention("a", at=LATER, tags=[text]),
    "set_intention metadata": lambda engine, text: engine.set_intention(
        "a", at=LATER, metadata={"a": text}
    ),
}
# Engine methods that take text and store none of it.
READING: Final = frozenset(
    {
        "acting_as",
        "check_intentions",
        "codebase_context",
        "domain",
        "find_contradictions",
        "find_duplicates",
        "find_secrets",
        "list_intentions",
        "recall",
        "session_start",
        "timeline",
        "unlink",
    }
)
# They are about ids, times, ratings, or what another method has made.
TEXTLESS: Final = frozenset({"remember_many"})


async def _edited(engine: Engine, **changes: object) -> object:
    first = await engine.remember("something else")
    return await engine.edit(first.id, **changes)  # pyright: ignore[reportArgumentType]  # of a table


async def _suppressed(engine: Engine, reason: str) -> object:
    first = await engine.remember("something else")
    return await engine.suppress(first.id, reason=reason)


async def _linked(engine: Engine, edge_type: str) -> object:
    first, second = await engine.remember("something"), await engine.remember("another thing")
    return await engine.link(first.id, second.id, edge_type=edge_type)


def with_policy(config: Config, policy: SecretsPolicy) -> Config:
    url = config.storage.postgres.url
    return load_config(
        None,
        config.data_dir,
        {**HASHING, "VESTIGE_SECRETS_POLICY": policy},
        store=None if url is None else url.get_secret_value(),
    )


def test_every_method_of_the_engine_that_takes_text_is_looked_at_here() -> None:
    known = {way.split()[0] for way in WAYS} | READING | TEXTLESS | {"actor"}
    for name, method in inspect.getmembers(Engine, inspect.isfunction):
        parameters = [
            one for one in inspect.signature(method).parameters.values() if one.name != "self"
        ]
        takes_text = any("str" in str(one.annotation) for one in parameters)
        if takes_text and not name.startswith("_"):
            assert name in known, f"{name} is new: does it screen what it is given?"


@pytest.mark.parametrize("way", WAYS)
async def test_a_secret_is_refused_and_nothing_of_it_is_left(
    config: Config, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with open_engine(config) as engine:
        with pytest.raises(SecretFoundError) as caught:
            await WAYS[way](engine, TOKEN)
        error = caught.value
        texts = [str(error), repr(error), error.hint, caplog.text, str(pickle.dumps(error))]
        assert all(TOKEN not in text for text in texts)
        assert "GitHub token" in str(error)
        assert TOKEN.encode() not in await everything_stored(config)
    assert TOKEN.encode() not in await everything_stored(config)


@pytest.mark.parametrize("way", [way for way in WAYS if way != "import_text dry"])
async def test_a_masked_secret_leaves_its_kind_and_nothing_else(
    config: Config, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with open_engine(with_policy(config, "mask")) as engine:
        result = await WAYS[way](engine, TOKEN)
        assert TOKEN not in repr(result)
    stored = await everything_stored(config)
    assert TOKEN.encode() not in stored
    assert b"GitHub token removed" in stored
    assert TOKEN not in caplog.text


async def test_the_answer_says_what_was_masked_and_where(config: Config) -> None:
    async with open_engine(with_policy(config, "mask")) as engine:
        result = await engine.remember(TEXT, tags=[TOKEN])
        assert [str(place) for place in result.removed] == [
            "GitHub token (content, line 2)",
            "GitHub token (tags, line 1)",
        ]
        assert "GitHub token (content, line 2)" in result.reason
        record, _ = await engine.get(result.id)
        assert record.content == "the deploy\nuses [GitHub token removed] to publish"
        edited = await engine.edit(result.id, content=f"it is {TOKEN}")
        (put,) = await engine.put([PutItem(id=uuid4(), content=TEXT)])
        intention = await engine.set_intention(TEXT, at=LATER)
        for one in (edited, put, intention):
            assert [place.kind for place in one.removed] == ["GitHub token"]


async def test_what_is_allowed_is_stored_as_it_is(config: Config) -> None:
    async with open_engine(with_policy(config, "allow")) as engine:
        result = await engine.remember(TEXT, tags=[TOKEN])
        record, _ = await engine.get(result.id)
        assert (record.content, record.tags, result.removed) == (TEXT, (TOKEN,), ())


async def test_one_secret_among_many_texts_stops_no_other(config: Config) -> None:
    async with open_engine(config) as engine:
        outcomes = await engine.remember_many(
            [RememberItem(content=text) for text in ("first", TEXT, "third")]
        )
        assert isinstance(outcomes[1], SecretFoundError)
        assert await engine.store.count() == 2


async def test_two_keys_that_would_be_the_same_without_their_secrets_are_refused(
    config: Config,
) -> None:
    metadata = dict.fromkeys(SECRETS["GitHub token"][:2], 1)
    async with open_engine(with_policy(config, "mask")) as engine:
        with pytest.raises(SecretFoundError):
            await engine.remember("a", metadata={**metadata})


async def test_an_edit_of_something_else_leaves_an_old_secret_where_it_is(config: Config) -> None:
    async with open_engine(with_policy(config, "allow")) as engine:
        old = await engine.remember(TEXT)
    async with open_engine(config) as engine:
        edited = await engine.edit(old.id, tags=["ci"])
        await engine.suppress(old.id)
        await engine.forget(old.id)
        await engine.undo()
        record, _ = await engine.get(old.id)
    assert (edited.after.content, record.content) == (TEXT, TEXT)


async def test_what_holds_secrets_already_is_found_by_id_and_gone_after_a_purge(
    config: Config,
) -> None:
    async with open_engine(with_policy(config, "allow")) as engine:
        held = await engine.remember(TEXT)
        corrected = await engine.remember(f"was {TOKEN}", force_create=True)
        await engine.edit(corrected.id, content="was something else")
        forgotten = await engine.remember(f"gone {TOKEN}", force_create=True)
        await engine.forget(forgotten.id)
        later = await engine.set_intention(TEXT, at=LATER)
        await engine.remember("nothing to see")
    async with open_engine(config) as engine:
        found = await engine.find_secrets(limit=100)
        by_place = {(one.id, one.where) for one in found.found}
        assert {(held.id, "memory"), (later.intention.id, "intention")} <= by_place
        assert {(corrected.id, "changelog"), (forgotten.id, "changelog")} <= by_place
        assert TOKEN not in repr(found)
        assert {place.kind for one in found.found for place in one.places} == {"GitHub token"}
        await engine.purge([*{memory_id for memory_id, _ in by_place}])
        assert (await engine.find_secrets()).count == 0
    assert TOKEN.encode() not in await everything_stored(config)


KINDS: Final = [(secret, secret) for secrets in SECRETS.values() for secret in secrets] + [
    (before + secret + after, secret)
    for cases in FRAMED.values()
    for before, secret, after in cases
]


@settings(max_examples=25)
@given(
    st.sampled_from(KINDS),
    st.sampled_from(["content", "tags", "metadata", "source"]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30),
    st.sampled_from(["refuse", "mask"]),
)
async def test_no_secret_of_any_kind_is_found_in_the_store(
    config: Config, kind: tuple[str, str], field: str, around: str, policy: SecretsPolicy
) -> None:
    whole, secret = kind
    text = f"{around} {whole} {around}"
    async with open_engine(with_policy(config, policy)) as engine:
        (outcome,) = await engine.remember_many(
            [
                RememberItem(
                    content=text if field == "content" else "a text",
                    tags=(text,) if field == "tags" and len(text) < 128 else (),
                    metadata={"a": text} if field in {"metadata", "tags"} else {},
                    context=IngestContext(source=text if field == "source" else None),
                    force_create=True,
                )
            ]
        )
    assert isinstance(outcome, SecretFoundError if policy == "refuse" else RememberResult)
    assert secret not in str(outcome)
    stored = await everything_stored(config)
    assert all(line.encode() not in stored for line in secret.splitlines() if "-----" not in line)


async def test_a_megabyte_of_text_is_screened_and_kept(tmp_path: Path) -> None:
    text = "the quick brown fox jumps over it. " * 28_000
    async with open_engine(load_config(None, tmp_path, HASHING)) as engine:
        result = await engine.remember(text)
        assert result.removed == ()
