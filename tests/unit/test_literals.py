"""What is meant letter by letter in a question, and where it is found."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestige.cognition.literals import (
    LITERALS_MAX,
    Literal,
    LiteralKind,
    literals,
    matches,
)

parts = st.sampled_from(
    ["ERR_4", "ERR_42", '"a b"', "'x'", "`y`", "src/a.py", "1.2.3", "v1.2", " ", "-", ".", "/", "a"]
)
queries = st.one_of(st.text(), st.lists(parts, max_size=8).map("".join))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("what does ERR_CONN_42 mean?", [("identifier", "ERR_CONN_42")]),
        ("where is userId set", [("identifier", "userId")]),
        ("the memory_id column", [("identifier", "memory_id")]),
        ("who calls open_store()?", [("identifier", "open_store")]),
        ("use of os.path.join here", [("identifier", "os.path.join")]),
        (
            "MAX_RETRIES and HTTPServer",
            [("identifier", "MAX_RETRIES"), ("identifier", "HTTPServer")],
        ),
        ("std::vector or gpt-4o", [("identifier", "std::vector"), ("identifier", "gpt-4o")]),
        ("the flag --no-cache", [("identifier", "--no-cache")]),
        ("status of ABC-123 and #77", [("ticket", "ABC-123"), ("ticket", "#77")]),
        ("see src/vestige/cli/app.py:42.", [("path", "src/vestige/cli/app.py")]),
        ("edit ~/.ssh/config now", [("path", "~/.ssh/config")]),
        ("C:\\temp\\a.txt is open", [("path", "C:\\temp\\a.txt")]),
        ("GET /v1/users/{id} fails", [("path", "/v1/users/{id}")]),
        ("docs at https://a.example/b?c=d#e.", [("url", "https://a.example/b?c=d#e")]),
        ("mail to ada@example.com", [("email", "ada@example.com")]),
        ("bug of v1.2.3-beta.1", [("version", "1.2.3-beta.1")]),
        ("commit 3f2a91c broke it", [("hash", "3f2a91c")]),
        ("the host 10.0.0.12:80", [("address", "10.0.0.12:80")]),
        (
            "of 0d5C6a3e-1111-4222-8333-123456789abc",
            [("uuid", "0d5C6a3e-1111-4222-8333-123456789abc")],
        ),
        ('who said "to be or not"?', [("quoted", "to be or not")]),
        ("who said 'never again'?", [("quoted", "never again")]),
        ("was heißt „Guten Tag“?", [("quoted", "Guten Tag")]),
        ("run `make test` first", [("quoted", "make test")]),
        ("端口ERR_4是什么", [("identifier", "ERR_4")]),
        ('"a b" and ERR_4 and "a b"', [("quoted", "a b"), ("identifier", "ERR_4")]),
        ("don't use the users' data and the dogs' food", []),
        ("and/or client/server, e.g. in the U.S., 24/7", []),
        ("How do I configure PostgreSQL on macOS with GitHub?", []),
        ("5 retries within 30 seconds on 2024-03-05 at 14:30", []),
        ('a 5" disk and "" and "..."', []),
        ("", []),
    ],
)
def test_what_is_meant_literally(query: str, expected: list[tuple[str, str]]) -> None:
    assert [tuple(literal) for literal in literals(query)] == expected


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        (Literal(LiteralKind.IDENTIFIER, "ERR_4"), "it says ERR_4."),
        (Literal(LiteralKind.IDENTIFIER, "ERR_4"), "错误ERR_4发生了"),
        (Literal(LiteralKind.IDENTIFIER, "open_store"), "store = open_store(config)"),
        (Literal(LiteralKind.IDENTIFIER, "path.join"), "os.path.join(a, b)"),
        (Literal(LiteralKind.IDENTIFIER, "--no-cache"), "pip install --no-cache"),
        (Literal(LiteralKind.VERSION, "1.2.3"), "since v1.2.3, it works"),
        (Literal(LiteralKind.VERSION, "1.2.3"), "Use 1.2.3."),
        (Literal(LiteralKind.TICKET, "ABC-123"), "(ABC-123)"),
        (Literal(LiteralKind.TICKET, "#77"), "fixes #77"),
        (Literal(LiteralKind.PATH, "src/a.py"), "in /home/ada/src/a.py:42"),
        (Literal(LiteralKind.PATH, "src/a"), "below src/a/b.py"),
        (Literal(LiteralKind.QUOTED, "never again"), "Never\n  again!"),
        (Literal(LiteralKind.QUOTED, "?!"), "what?!"),
        (Literal(LiteralKind.UUID, "0d5c6a3e-1111"), "0D5C6A3E-1111"),
        (Literal(LiteralKind.QUOTED, "端口"), "数据库端口是5432"),
    ],
)
def test_a_literal_is_found_where_it_stands_whole(literal: Literal, text: str) -> None:
    assert matches(literal, text)


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        (Literal(LiteralKind.IDENTIFIER, "ERR_4"), "ERR_42"),
        (Literal(LiteralKind.IDENTIFIER, "ERR_4"), "MY_ERR_4"),
        (Literal(LiteralKind.IDENTIFIER, "userId"), "userid"),
        (Literal(LiteralKind.IDENTIFIER, "gpt-4"), "gpt-4o"),
        (Literal(LiteralKind.VERSION, "1.2.3"), "1.2.3.4"),
        (Literal(LiteralKind.VERSION, "1.2.3"), "11.2.3 or 1.2.34 or 0.1.2.3"),
        (Literal(LiteralKind.VERSION, "1.2.3"), "1.2.3-beta"),
        (Literal(LiteralKind.TICKET, "ABC-12"), "ABC-123"),
        (Literal(LiteralKind.TICKET, "ABC-12"), "XABC-12"),
        (Literal(LiteralKind.TICKET, "#7"), "#77"),
        (Literal(LiteralKind.ADDRESS, "10.0.0.1"), "10.0.0.12 and 110.0.0.1"),
        (Literal(LiteralKind.PATH, "src/a.py"), "src/a.pyi and mysrc/a.py"),
        (Literal(LiteralKind.PATH, "src/a"), "src/a-b and src/a.py"),
        (Literal(LiteralKind.QUOTED, "art"), "party, start"),
        (Literal(LiteralKind.QUOTED, "a.b"), "a-b"),
    ],
)
def test_a_literal_is_not_found_inside_of_another_one(literal: Literal, text: str) -> None:
    assert not matches(literal, text)


@given(query=queries)
def test_a_literal_of_a_question_is_in_the_question(query: str) -> None:
    found = literals(query)
    assert len(set(found)) == len(found) <= LITERALS_MAX
    for literal in found:
        assert "".join(literal.value.split()) in "".join(query.split())


@given(number=st.integers(0, 10**6), other=st.integers(0, 10**6))
def test_an_identifier_matches_itself_only(number: int, other: int) -> None:
    (literal,) = literals(f"what is ERR_{number}")
    assert matches(literal, f"seen: ERR_{other}, twice") == (number == other)


@given(query=queries, text=queries)
def test_any_literal_can_be_looked_for_in_any_text(query: str, text: str) -> None:
    for literal in literals(query):
        assert matches(literal, f"{text} {literal.value} {text}")
        if matches(literal, text):
            assert "".join(literal.value.lower().split()) in "".join(text.lower().split())


@pytest.mark.parametrize("piece", ["ERR_", "a", "'", '"', "1.", "/", "\ud800", "a_"])
def test_a_hostile_text_of_a_megabyte_costs_little(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    start = time.process_time()
    for literal in (*literals(text), Literal(LiteralKind.QUOTED, piece * 100)):
        matches(literal, text[:-1] + "\n")
    assert time.process_time() - start < 5  # quadratic work would take minutes
