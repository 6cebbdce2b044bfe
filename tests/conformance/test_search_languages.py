"""Texts in many scripts, and the words that programs are made of, are found by their parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from factories import a_memory

if TYPE_CHECKING:
    from vestige.storage.protocol import MemoryStore

# They share no word and, in scripts without spaces, no character with any text below.
BYSTANDERS = (
    "gardening without haste",
    "红色苹果很甜",
    "さむい",
    "ปู",
    "개구리",
    "большая река",
    "🌧️ umbrella",
)
TEXTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "chinese": (
        "我们决定把数据库迁移到新的服务器",
        ("数据库", "服务器", "迁移", "库", "我们决定把数据库迁移到新的服务器", "数据库在哪里?"),
    ),
    "japanese": (
        "東京タワーの近くで会議があった",
        ("東京", "タワー", "会議", "東京タワー", "東京タワーの近くで会議があった"),
    ),
    "thai": ("ฉันชอบกินข้าวผัดมาก", ("ข้าวผัด", "ชอบ", "ฉันชอบกินข้าวผัดมาก")),
    "korean": ("서울에서 회의를 했습니다", ("서울", "서울에서", "회의", "회의를 했습니다")),
    "chinese beside english": ("使用docker部署", ("docker", "部署", "使用docker部署")),
    "emoji": ("the launch went well 🚀", ("🚀", "launch 🚀", "🚀🚀")),
    "emoji of several characters": ("with 👨‍👩‍👧 at home", ("👨‍👩‍👧", "👩")),
    "emoji with a skin colour": ("agreed 👍🏽", ("👍🏽", "👍")),
    "a flag": ("office 🇩🇪", ("🇩🇪",)),
    "cyrillic": ("Встреча в Москве", ("москве", "ВСТРЕЧА", "Встреча в Москве")),
    "greek": ("Καλημέρα κόσμε", ("καλημερα", "ΚΌΣΜΕ", "Καλημέρα")),
    "greek with a final sigma": ("ένας λόγος", ("λόγος", "λογοσ", "ΛΌΓΟΣ")),
    "german sharp s": ("die Straße", ("straße", "STRASSE", "Strasse")),
    "a dotted capital": ("in İstanbul", ("istanbul", "İstanbul")),
    "a ligature": ("the of\ufb01ce", ("office", "of\ufb01ce")),
    "letters of full width": ("\uff36\uff25\uff33\uff34 is here", ("vest",)),
    "arabic": ("اجتماع في القاهرة", ("القاهرة", "اجتماع")),
    "hebrew": ("פגישה בירושלים", ("פגישה", "בירושלים")),
    "hindi": ("नमस्ते दुनिया", ("दुनिया", "नमस्ते")),
    "an error code": (
        "raised ERR_CONN_42 again",
        ("ERR_CONN_42", "err_conn_42", "conn", "ERR", "42", "what is ERR_CONN_42?"),
    ),
    "a path": ("look at src/a/b.py first", ("src/a/b.py", "b.py", "src", "src/a", "./src/a/b.py")),
    "a windows path": ("in C:\\Users\\ana\\notes.txt", ("C:\\Users\\ana", "notes.txt", "users")),
    "camel case": (
        "call parseConfigFile twice",
        ("parseConfigFile", "parseconfigfile", "config", "parse config", "parseConfig"),
    ),
    "camel case with capitals": (
        "an HTTPServerError came",
        ("HTTPServerError", "httpservererror", "server", "HTTP"),
    ),
    "snake case": ("run load_user_data now", ("load_user_data", "user", "load user")),
    "kebab case": ("the dry-run-only flag", ("dry-run-only", "dry-run", "run", "--dry-run-only")),
    "a version": ("released v2.3.1 today", ("v2.3.1", "v2", "released v2.3.1")),
    "c plus plus": ("written in C++ then", ("C++", "c++", "is it C++?")),
    "c sharp": ("written in C# then", ("C#", "c#")),
    "an address": ("mail ana@example.com soon", ("ana@example.com", "example.com", "ana")),
    "a url": ("see https://example.com/a?b=c", ("https://example.com/a?b=c", "example.com")),
    "a call": ("use store.get_many(ids) here", ("store.get_many", "get_many(ids)", "get_many")),
    "a uuid": (
        "id 6f1c7d3a-0b1e-4f6a-9c2d-3e4f5a6b7c8d",
        ("6f1c7d3a-0b1e-4f6a-9c2d-3e4f5a6b7c8d", "6f1c7d3a"),
    ),
    "an accent in the text": ("the café is closed", ("cafe", "café", "CAFÉ", "cafe\u0301")),
    "an accent in the query": ("the cafe is closed", ("café", "CAFE", "cafe\u0301")),
    "a combining accent": ("the cafe\u0301 is closed", ("cafe", "café")),
    "umlauts": ("die Übergröße", ("ubergröße", "Übergröße", "übergrösse")),
    "two accents on a letter": ("Việt Nam", ("viet", "việt", "VIET NAM")),
}


@pytest.mark.parametrize(
    ("content", "query"),
    [
        pytest.param(content, query, id=f"{name}: {number}")
        for name, (content, queries) in TEXTS.items()
        for number, query in enumerate(queries)
    ],
)
async def test_a_text_is_found_by_its_parts_and_as_a_whole(
    store: MemoryStore, content: str, query: str
) -> None:
    record = a_memory(content)
    await store.insert_many([*map(a_memory, BYSTANDERS), record])
    hits = await store.fts_search(query)
    assert [hit.record.content for hit in hits] == [content]


@pytest.mark.parametrize("query", [f'"{content}"' for content, _ in TEXTS.values()], ids=TEXTS)
async def test_a_text_is_found_by_itself_in_quotes(store: MemoryStore, query: str) -> None:
    content = query.strip('"')
    await store.insert_many([*map(a_memory, BYSTANDERS), a_memory(content)])
    hits = await store.fts_search(query)
    assert [hit.record.content for hit in hits] == [content]


@pytest.mark.parametrize(
    ("whole", "scattered", "query"),
    [
        ("新的数据库很快", "数字很快,根据新的仓库", "数据库"),
        ("東京は大きい", "京都は大きい、東も", "東京"),
        ("fix parseConfigFile soon", "parse a config, then a file", "parseConfigFile"),
        ("see ERR_CONN_42 there", "err, conn: 42 times", "ERR_CONN_42"),
    ],
)
async def test_a_word_in_one_piece_comes_before_its_scattered_parts(
    store: MemoryStore, whole: str, scattered: str, query: str
) -> None:
    await store.insert_many([a_memory(scattered), a_memory(whole)])
    hits = await store.fts_search(query)
    assert hits[0].record.content == whole


@pytest.mark.parametrize(
    ("kept", "dropped", "query"),
    [
        ("天气很好", "天气不好", "天气 -不好"),
        ("launch 🎉", "launch 🚀", "launch -🚀"),
        ("call parse_file", "call parse_config", "call -parse_config"),
        ("the bistro is closed", "the café is closed", "closed -café"),
        ("written in C", "written in C++", "written -C++"),
    ],
)
async def test_an_exclusion_works_in_every_script(
    store: MemoryStore, kept: str, dropped: str, query: str
) -> None:
    await store.insert_many([a_memory(kept), a_memory(dropped)])
    assert [hit.record.content for hit in await store.fts_search(query)] == [kept]


@pytest.mark.parametrize(
    ("tag", "query"),
    [
        ("数据库", "数据库"),
        ("데이터베이스", "데이터"),
        ("🚀", "🚀"),
        ("café", "cafe"),
        ("C++", "C++"),
        ("parseConfigFile", "config"),
        ("two\nlines", "lines"),
        ('in "quotes"', "quotes"),
        ("src\\notes", "notes"),
    ],
)
async def test_a_tag_is_found_in_every_script(store: MemoryStore, tag: str, query: str) -> None:
    await store.insert_many([*map(a_memory, BYSTANDERS), a_memory("target", tags=("x", tag))])
    assert [hit.record.content for hit in await store.fts_search(query)] == ["target"]
