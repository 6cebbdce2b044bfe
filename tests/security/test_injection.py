"""Text that tries to be SQL, or the language of a full-text search, in every place that takes text.

VESTIGE_TEST_ATTACKS is how many attacks each test makes; by default few enough for every run.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories import a_domain, a_group, a_memory, a_numbered_id, a_user, a_vector, an_edge, an_id
from vestige.errors import (
    InvalidInputError,
    MemoryNotFoundError,
)
from vestige.models import (
    ChangelogFilter,
    IntentionFilter,
    MemoryFilter,
    SearchQuery,
    TransferTable,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from vestige.models import MemoryRecord, TransferRow
    from vestige.storage.protocol import MemoryStore

ATTACKS: Final = int(os.environ.get("VESTIGE_TEST_ATTACKS", "100"))

# ruff: noqa: RUF001  # quotation marks of all kinds are the attack
SQL: Final = [
    *(
        "'",
        "''",
        '"',
        '""',
        "`",
        ";",
        "--",
        "-- ",
        "/*",
        "*/",
        "#",
        "\\",
        "\\'",
        '\\"',
        "\\\\",
        "$",
    ),
    *(
        "$1",
        "$2",
        ":text",
        ":tags",
        "?",
        "?1",
        "@p",
        "%s",
        "%(x)s",
        "{0}",
        "$$",
        "$tag$",
        "E'",
        "U&'",
    ),
    *("‘", "’", "“", "”", "ʼ", "＇", "\u02b9", "\u2032", "\u00ad", "\u200b", "\u202e", "\ufeff"),
    *("\n", "\r", "\t", "\x1a", "\x7f", "\x85", "\u2028", "\0"),
    *(" OR 1=1", " UNION SELECT content FROM knowledge_nodes", "DROP TABLE knowledge_nodes"),
    *(
        "DELETE FROM knowledge_nodes",
        "UPDATE knowledge_nodes SET content = ''",
        "COMMIT",
        "ROLLBACK",
    ),
    *(
        "pg_sleep(60)",
        "load_extension('x')",
        "ATTACH DATABASE 'x' AS y",
        "PRAGMA writable_schema=1",
    ),
    *(
        "COPY knowledge_nodes TO PROGRAM 'id'",
        "vector",
        "::uuid",
        "::text[]",
        "]]'::jsonb",
        "}'",
        "{",
        "}",
    ),
    *("NULL", "TRUE", "0x27", "CHAR(39)", "chr(39)", "||", "()", ")", "(", ",", "[", "]"),
]
WORDS: Final = [
    *(
        "AND",
        "OR",
        "NOT",
        "NEAR",
        "NEAR(",
        "NEAR(a b, 5)",
        "and",
        "or",
        "not",
        "*",
        "^",
        "+",
        "-",
        "--",
    ),
    *(
        "&",
        "|",
        "!",
        "!!",
        "<->",
        "<2>",
        ":*",
        ":A",
        ":AB*",
        "&&",
        "||",
        "(",
        ")",
        '"',
        '"""',
        "'",
        "\\",
    ),
    *("content:", "content :", "{content tags}:", "- {content}:", "tags:", "node_type:", "rank:"),
    *(
        "rowid:",
        "amber",
        "basil",
        "amber*",
        '"amber',
        'amber"',
        '"amber basil"',
        '-"amber',
        "-amber",
    ),
    *(
        "'amber':*",
        "amber:*",
        "amber<->basil",
        "amber&!basil",
        "\0",
        "\u00a0",
        "\u3000",
        "％",
        "＊",
    ),
]
attacks: Final = st.lists(
    st.sampled_from(SQL + WORDS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    min_size=1,
    max_size=8,
).map("".join)
searches: Final = st.lists(
    st.sampled_from(WORDS + SQL) | st.sampled_from(["amber", "basil", "cedar"]),
    min_size=1,
    max_size=10,
).map(" ".join)


# Everything that reads, with the attack wherever a text is taken.
READINGS: Final[dict[str, Callable[[MemoryStore, str], Awaitable[object]]]] = {
    "fts_search": lambda store, text: store.fts_search(text, 10),
    "words": lambda store, text: store.search(SearchQuery(text=text)),
    "hybrid": lambda store, text: store.search(SearchQuery(text=text, embedding=a_vector(1))),
    "words in a tag": lambda store, text: store.search(SearchQuery(text="amber", tags=(text,))),
    "words of types": lambda store, text: store.search(
        SearchQuery(text="amber", node_types=("fact", text))
    ),
    "words of a codebase": lambda store, text: store.search(
        SearchQuery(text="amber", codebase=text)
    ),
    "words in domains": lambda store, text: store.search(
        SearchQuery(text="amber", domains=(text, text))
    ),
    "vectors with all filters": lambda store, text: store.search(
        SearchQuery(
            embedding=a_vector(1), tags=(text,), node_types=(text,), codebase=text, domains=(text,)
        )
    ),
    "list": lambda store, text: store.list_memories(
        MemoryFilter(codebase=text, tags=(text,), node_types=(text,))
    ),
    "count": lambda store, text: store.count(MemoryFilter(codebase=text)),
    "intentions": lambda store, text: store.list_intentions(IntentionFilter(codebase=text)),
    "domain": lambda store, text: store.get_domain(text),
    "edges": lambda store, text: store.get_edges(an_id("amber"), text),
    "changelog": lambda store, _: store.list_changelog(ChangelogFilter(memory_id=an_id("amber"))),
}


async def filled(store: MemoryStore) -> MemoryStore:
    for number, word in enumerate(("amber", "basil", "cedar", "dill")):
        record = a_memory(
            f"{word} grows in the garden",
            id=an_id(word),
            tags=(word, "garden"),
            codebase="shop" if number % 2 else "bank",
            node_type="fact",
            embedding=a_vector(number),
        )
        if await store.get(record.id) is None:
            await store.insert(record)
    return store


async def everything(store: MemoryStore) -> dict[TransferTable, list[TransferRow]]:
    """Return all rows of all tables; a table that is gone would be an error."""
    return {table: [*(await store.export_page(table)).rows] for table in TransferTable}


def carrying(text: str) -> MemoryRecord:
    """Return a memory with an attack in everything of it that is text."""
    return a_memory(
        text,
        id=an_id("the attack"),
        node_type=text[:64],
        tags=(text[:128], "other"),
        metadata={text: [text, {text: text}]},
        codebase=text[:256],
        domains=(text[:64],),
        embedding=a_vector(9),
    )


@settings(max_examples=ATTACKS)
@given(attack=attacks)
async def test_an_attack_reads_nothing_but_what_it_names_and_changes_nothing(
    store: MemoryStore, attack: str
) -> None:
    before = await everything(await filled(store))
    for reading in READINGS.values():
        with suppress(InvalidInputError):
            await reading(store, attack)
    assert await everything(store) == before


@settings(max_examples=ATTACKS)
@given(attack=attacks)
async def test_an_attack_that_is_stored_comes_back_as_the_text_it_is(
    store: MemoryStore, attack: str
) -> None:
    before = await everything(await filled(store))
    record = carrying(attack)
    try:
        await store.insert(record)
    except InvalidInputError:
        assert await store.get(record.id) is None
    else:
        known = await store.get(record.id)
        assert known is not None
        assert (known.content, known.tags, known.metadata) == (
            record.content,
            record.tags,
            record.metadata,
        )
        assert (known.codebase, known.node_type) == (record.codebase, record.node_type)
        found = await store.list_memories(MemoryFilter(codebase=record.codebase))
        assert [one.id for one in found] == [record.id]
        await store.update(replace(record, content=attack + attack, tags=()))
        await store.delete(record.id)
    assert await everything(store) == before


@settings(max_examples=ATTACKS)
@given(attack=attacks)
async def test_names_of_links_domains_users_and_groups_are_texts(
    store: MemoryStore, attack: str
) -> None:
    before = await everything(await filled(store))
    domain, user, group = a_domain(attack), a_user(attack), a_group(attack)
    edge = replace(an_edge(an_id("amber"), an_id("basil")), edge_type=attack)
    with suppress(InvalidInputError):
        await store.add_edge(edge)
        assert [one.edge_type for one in await store.get_edges(an_id("amber"), attack)] == [attack]
        await store.remove_edge(an_id("amber"), an_id("basil"), attack)
    with suppress(InvalidInputError):
        await store.upsert_domain(domain)
        assert await store.delete_domain(attack)
    with suppress(InvalidInputError):
        await store.upsert_user(user)
        await store.delete_user(user.id)
    with suppress(InvalidInputError):
        await store.upsert_group(group)
        await store.delete_group(group.id)
    assert await everything(store) == before


@settings(max_examples=ATTACKS)
@given(query=searches, codebase=st.sampled_from(["shop", "bank", "nowhere"]))
async def test_the_language_of_a_search_is_never_an_error_and_never_widens_a_filter(
    store: MemoryStore, query: str, codebase: str
) -> None:
    await filled(store)
    with suppress(InvalidInputError):  # a NUL character
        words = await store.search(SearchQuery(text=query, codebase=codebase))
        both = await store.search(
            SearchQuery(text=query, embedding=a_vector(2), codebase=codebase, tags=("garden",))
        )
        alone = await store.fts_search(query, 10)
        assert {hit.record.codebase for hit in (*words, *both)} <= {codebase}
        assert len(both) <= (0 if codebase == "nowhere" else 2)
        assert len(alone) <= 4


@pytest.mark.parametrize("wildcard", ["%", "_", "%%", "a%", "*", "?", ".*", "[a-z]*", "\\%"])
async def test_a_wildcard_is_the_character_it_is(store: MemoryStore, wildcard: str) -> None:
    await filled(store)
    assert await store.list_memories(MemoryFilter(codebase=wildcard)) == []
    assert await store.list_memories(MemoryFilter(tags=(wildcard,))) == []
    assert await store.list_memories(MemoryFilter(node_types=(wildcard,))) == []
    assert await store.count(MemoryFilter(codebase=wildcard)) == 0
    assert await store.get_edges(an_id("amber"), wildcard) == []
    assert await store.get_domain(wildcard) is None
    assert await store.search(SearchQuery(text="garden", codebase=wildcard)) == []


async def test_an_id_that_is_no_memory_is_none(store: MemoryStore) -> None:
    await filled(store)
    for number in range(10):
        assert await store.get(a_numbered_id(number)) is None
        with pytest.raises(MemoryNotFoundError):
            await store.delete(a_numbered_id(number))
