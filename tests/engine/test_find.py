"""Finding duplicates and contradictions: what is reported, why, and what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from closeness import assert_close
from factories import DAY, START, a_memory, a_numbered_id
from upkept import a_near_memory, everything, far, keep, near
from vestige.cognition.facts import DifferenceKind
from vestige.embedding.hashing import HashingEmbedder
from vestige.engine import duplicates
from vestige.engine.engine import Engine
from vestige.errors import InvalidInputError, ModelMismatchError

if TYPE_CHECKING:
    from factories import ManualClock
    from vestige.engine.upkeep_results import Duplicates, Excerpt


def texts(excerpts: tuple[Excerpt, ...]) -> list[str]:
    return [excerpt.text for excerpt in excerpts]


def members(found: Duplicates) -> list[list[str]]:
    return [texts(cluster.members) for cluster in found.clusters]


async def keep_in_order(engine: Engine, *contents: str) -> None:
    """Store memories that are all near to each other, a day apart."""
    for number, content in enumerate(contents):
        await keep(engine, a_near_memory(content, created_at=START + number * DAY))


async def test_copies_and_other_words_make_one_cluster_and_each_pair_says_why(
    any_engine: Engine,
) -> None:
    await keep_in_order(any_engine, "the ship is slow", "the  ship is slow\n", "slow is the ship")
    await keep(any_engine, a_memory("the tree is tall", embedding=far(3)))
    before = await everything(any_engine)
    found = await any_engine.find_duplicates()
    assert await everything(any_engine) == before
    (cluster,) = found.clusters
    assert texts(cluster.members) == ["the ship is slow", "the  ship is slow\n", "slow is the ship"]
    assert (cluster.size, found.cluster_count, found.compared) == (3, 1, 4)
    exact, close = cluster.pairs
    assert (exact.kind, exact.reason) == ("exact", "the same text")
    assert (exact.older_id, exact.newer_id) == (cluster.members[0].id, cluster.members[1].id)
    assert (close.kind, close.newer_id) == ("near", cluster.members[2].id)
    assert "in other words" in close.reason
    assert_close([exact.similarity or 0, close.similarity or 0], [1.0, 1.0], tolerance=1e-6)


async def test_what_differs_in_a_value_is_named_only_when_it_is_asked_for(
    any_engine: Engine,
) -> None:
    await keep_in_order(
        any_engine, "the port is 5432", "the port is 5433", "the port is not 5432", "the port"
    )
    quiet = await any_engine.find_duplicates()
    assert (quiet.clusters, quiet.different) == ((), ())
    assert quiet.different_count == 6
    found = await any_engine.find_duplicates(with_different=True, limit=2)
    assert (len(found.different), found.different_count) == (2, 6)
    assert texts((found.different[0].older, found.different[0].newer)) == [
        "the port is 5432",
        "the port is 5433",
    ]
    assert "differs in a number" in found.different[0].reason


async def test_a_text_that_says_neither_does_not_bring_opposites_together(
    any_engine: Engine,
) -> None:
    await keep_in_order(any_engine, "retries: enabled", "retries", "retries: disabled")
    found = await any_engine.find_duplicates()
    assert members(found) == [["retries: enabled", "retries"], ["retries", "retries: disabled"]]


async def test_the_threshold_decides_what_is_near_and_copies_need_none(any_engine: Engine) -> None:
    await keep(
        any_engine,
        a_memory("a ship", embedding=near(1.0)),
        a_memory("a boat", embedding=near(0.7), created_at=START + DAY),
        a_memory("a  boat", embedding=far(7), created_at=START + 2 * DAY),
    )
    assert members(await any_engine.find_duplicates()) == [["a boat", "a  boat"]]
    assert members(await any_engine.find_duplicates(threshold=0.69)) == [
        ["a ship", "a boat", "a  boat"]
    ]


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
async def test_a_threshold_that_is_no_cosine_is_refused(
    any_engine: Engine, threshold: float
) -> None:
    with pytest.raises(InvalidInputError, match="threshold"):
        await any_engine.find_duplicates(threshold=threshold)


async def test_other_codebases_and_what_is_not_current_are_no_duplicates(
    any_engine: Engine, clock: ManualClock
) -> None:
    gone = clock.now()
    await keep(
        any_engine,
        a_near_memory("ship", id=a_numbered_id(1)),
        a_near_memory("ship", id=a_numbered_id(2), codebase="dock"),
        a_near_memory("ship", id=a_numbered_id(3), suppressed_at=gone),
        a_near_memory("ship", id=a_numbered_id(4), superseded_at=gone),
        a_near_memory("ship", id=a_numbered_id(5), valid_until=gone),
    )
    found = await any_engine.find_duplicates(threshold=0.0)
    assert (found.clusters, found.compared) == ((), 2)
    assert (await any_engine.find_duplicates(codebase="dock")).compared == 1
    assert (await any_engine.find_contradictions()).found == ()


async def test_without_any_vector_copies_are_found_and_the_rest_is_owned_up_to(
    any_engine: Engine,
) -> None:
    await any_engine.store.insert_many([a_memory("ship"), a_memory(" ship"), a_memory("boat")])
    found = await any_engine.find_duplicates()
    assert sorted(members(found)[0]) == [" ship", "ship"]
    assert found.clusters[0].pairs[0].similarity is None
    assert found.notes[0].startswith("nothing was compared by meaning")
    await any_engine.store.register_model(await any_engine.model())
    assert (await any_engine.find_duplicates()).notes[0].startswith("3 memories have no vector")
    assert (await any_engine.find_contradictions()).notes[0].startswith("3 memories have no vector")


async def test_an_empty_store_has_neither(any_engine: Engine) -> None:
    assert (await any_engine.find_duplicates()).clusters == ()
    assert (await any_engine.find_contradictions()).found == ()


async def test_a_store_of_another_model_is_refused(any_engine: Engine) -> None:
    await any_engine.store.register_model(HashingEmbedder(64).signature)
    with pytest.raises(ModelMismatchError):
        await any_engine.find_duplicates()
    with pytest.raises(ModelMismatchError):
        await any_engine.find_contradictions()


async def test_during_a_change_of_the_model_only_copies_are_found(
    any_engine: Engine, clock: ManualClock
) -> None:
    await keep_in_order(any_engine, "the port is 80", "the port is 81", "the port  is 80")
    await any_engine.store.begin_reembedding(HashingEmbedder(64).signature)
    changing = Engine(any_engine.store, HashingEmbedder(64), clock)
    found = await changing.find_duplicates()
    assert members(found) == [["the port is 80", "the port  is 80"]]
    assert "vestige migrate reembed" in found.notes[0]
    assert (await changing.find_contradictions()).notes == found.notes


async def test_three_thousand_equal_texts_are_one_cluster(any_engine: Engine) -> None:
    await any_engine.store.insert_many(
        [a_memory("the same", id=a_numbered_id(number)) for number in range(3000)]
    )
    found = await any_engine.find_duplicates()
    (cluster,) = found.clusters
    assert (cluster.size, len(cluster.members), len(cluster.pairs)) == (3000, 100, 99)


async def test_many_near_texts_are_cut_to_the_nearest_and_said_to_be(
    any_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicates, "PAIRS_MAX", 3)
    words = ["ship", "boat", "raft", "canoe", "ferry", "barge"]
    await keep_in_order(any_engine, *(f"a {word} sails" for word in words))
    found = await any_engine.find_duplicates()
    assert any("near pairs" in note for note in found.notes)
    assert found.cluster_count >= 1


async def test_a_cluster_of_other_words_does_not_grow_without_end(
    any_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicates, "TEXTS_MAX", 3)
    words = ["ship", "boat", "raft", "canoe", "ferry", "barge"]
    await keep_in_order(any_engine, *(f"a {word} sails" for word in words))
    found = await any_engine.find_duplicates(limit=1000)
    assert max(cluster.size for cluster in found.clusters) == 3
    assert {text for cluster in members(found) for text in cluster} == {
        f"a {word} sails" for word in words
    }


async def test_the_limit_cuts_clusters_copies_first(any_engine: Engine) -> None:
    for axis in range(4):
        for number, text in enumerate(("a ship {}", "ship {}, a")):
            name = text.format("abcd"[axis])
            created_at = START + number * DAY
            await keep(any_engine, a_memory(name, embedding=far(axis + 1), created_at=created_at))
    await any_engine.store.insert(a_memory("ship  b, a", created_at=START + 2 * DAY))
    found = await any_engine.find_duplicates(limit=2)
    assert (len(found.clusters), found.cluster_count) == (2, 4)
    assert members(found)[0] == ["a ship b", "ship b, a", "ship  b, a"]


async def test_a_contradiction_names_both_values_the_subject_and_the_ways_out(
    any_engine: Engine,
) -> None:
    await keep_in_order(
        any_engine, "The API timeout is 30 seconds", "The API timeout is 45 seconds"
    )
    result = await any_engine.find_contradictions()
    assert (result.count, result.compared, result.notes) == (1, 2, ())
    (found,) = result.found
    assert (found.kind, found.subject) == (DifferenceKind.NUMBER, ("API", "timeout"))
    assert (found.older_value, found.newer_value) == ("30 seconds", "45 seconds")
    assert (found.older.created_at, found.newer.created_at) == (START, START + DAY)
    assert found.confidence == 0.9
    assert_close([found.similarity], [1.0], tolerance=1e-6)
    assert [command.split()[1] for command in found.commands] == ["remember", "edit", "forget"]
    assert all(str(found.older.id) in command for command in found.commands)


async def test_a_negation_is_a_contradiction_and_another_codebase_is_none(
    any_engine: Engine,
) -> None:
    for number, (content, codebase) in enumerate(
        [
            ("The cache is enabled", "shop"),
            ("The cache is not enabled", "shop"),
            ("The cache  is not enabled", "dock"),
            ("The cache is enabled", "dock"),
        ]
    ):
        await keep(
            any_engine,
            a_near_memory(
                content,
                id=a_numbered_id(number),
                codebase=codebase,
                created_at=START + number * DAY,
            ),
        )
    every = await any_engine.find_contradictions()
    assert [found.kind for found in every.found] == [DifferenceKind.NEGATION] * 2
    assert {(found.older.codebase, found.newer.codebase) for found in every.found} == {
        ("shop", "shop"),
        ("dock", "dock"),
    }
    of_one = await any_engine.find_contradictions(codebase="dock")
    assert (of_one.count, of_one.compared) == (1, 2)
    assert of_one.found[0].older.codebase == "dock"


async def test_the_surest_contradictions_are_kept_and_all_are_counted(any_engine: Engine) -> None:
    await keep_in_order(
        any_engine,
        "The port is 80",
        "The port is 81",
        "The port is usually 82",
    )
    every = await any_engine.find_contradictions()
    assert every.count == len(every.found) == 3
    assert every.found[0].confidence > every.found[-1].confidence
    (surest,) = (await any_engine.find_contradictions(limit=1)).found
    assert surest == every.found[0]


async def test_what_was_superseded_contradicts_nothing(
    any_engine: Engine, clock: ManualClock
) -> None:
    await keep(
        any_engine,
        a_near_memory("The port is 80", superseded_at=clock.now()),
        a_near_memory("The port is 81", created_at=START + DAY),
    )
    assert (await any_engine.find_contradictions()).count == 0


async def test_a_long_text_is_shown_by_its_beginning(any_engine: Engine) -> None:
    await keep_in_order(any_engine, "ship " * 100, "ship " * 99 + "ship  ")
    (cluster,) = (await any_engine.find_duplicates()).clusters
    assert [len(text) for text in texts(cluster.members)] == [300, 300]
    assert cluster.members[0].text.endswith("…")


async def test_progress_counts_every_current_memory(any_engine: Engine) -> None:
    await keep_in_order(any_engine, "one", "two", "three")
    told: list[tuple[int, int]] = []
    await any_engine.find_contradictions(advance=lambda done, total: told.append((done, total)))
    assert told == [(3, 3)]
