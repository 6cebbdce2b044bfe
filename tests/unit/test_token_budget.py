"""What a text costs, and what fits into a budget."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vestige.cognition.token_budget import (
    BudgetFit,
    CutText,
    beginning,
    estimated_tokens,
    fit,
)

texts = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(
            [
                "word",
                "getUserById",
                " ",
                "\n\n",
                "    ",
                "12345",
                "中文",
                "é",
                "👩\u200d💻",
                "e\u0301",
                "!",
            ]
        ),
        max_size=30,
    ).map("".join),
)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        (" ", 0),
        ("word", 1),
        ("the port is 5432", 5),
        ("getUserById(user_id)", 9),
        ("internationalisation", 4),
        ("def f():\n        return 1", 11),
        ("数据库端口", 8),
        ("Привет", 6),
        ("👍", 2),
        ("\ud800", 2),
    ],
)
def test_what_a_text_costs(text: str, tokens: int) -> None:
    assert estimated_tokens(text) == tokens


@pytest.mark.parametrize(
    ("text", "known"),
    [
        # Counts of cl100k_base, the encoding of GPT-4, as its authors publish them.
        ("tiktoken is great!", 6),
        ("antidisestablishmentarianism", 6),
        ("2 + 2 = 4", 7),
        ("お誕生日おめでとう", 9),
    ],
)
def test_the_estimate_is_near_a_known_count(text: str, known: int) -> None:
    assert 0.7 * known <= estimated_tokens(text) <= 2 * known


@given(a=texts, b=texts)
def test_more_text_never_costs_less_and_two_parts_never_less_than_the_whole(a: str, b: str) -> None:
    together = estimated_tokens(a + "\n" + b)
    assert max(estimated_tokens(a), estimated_tokens(b)) <= together
    assert together <= estimated_tokens(a) + estimated_tokens(b) + 1


@given(listed=st.lists(texts, max_size=8), budget=st.integers(0, 80), around=st.integers(0, 5))
@example(listed=["👩\u200d💻" * 20], budget=9, around=0)
@example(listed=["\ud800\udc00" * 20], budget=9, around=0)
def test_what_fits_stays_within_the_budget(listed: list[str], budget: int, around: int) -> None:
    result = fit(listed, budget, tokens_per_text=around)
    printed = [*result.kept, *([result.cut.text] if result.cut else [])]
    assert result.tokens == sum(estimated_tokens(text) + around for text in printed) <= budget
    assert list(result.kept) == listed[: len(result.kept)]
    assert len(printed) + result.left_out == len(listed)
    if len(result.kept) < len(listed):
        next_text = listed[len(result.kept)]
        kept_cost = sum(estimated_tokens(text) + around for text in result.kept)
        assert kept_cost + estimated_tokens(next_text) + around > budget
        if result.cut is not None:
            assert next_text.startswith(result.cut.text)
            assert result.cut.text
            assert len(result.cut.text) + result.cut.characters_left_out == len(next_text)


@given(listed=st.lists(texts, max_size=8))
def test_a_budget_that_is_large_enough_keeps_everything(listed: list[str]) -> None:
    cost = sum(map(estimated_tokens, listed))
    assert fit(listed, cost) == BudgetFit(kept=tuple(listed), cut=None, left_out=0, tokens=cost)


@given(listed=st.lists(st.tuples(texts, st.integers(0, 20)), max_size=8), budget=st.integers(0, 80))
def test_what_is_printed_around_each_text_may_cost_another_number(
    listed: list[tuple[str, int]], budget: int
) -> None:
    result = fit([text for text, _ in listed], budget, tokens_per_text=[cost for _, cost in listed])
    printed = [*result.kept, *([result.cut.text] if result.cut else [])]
    costs = [cost for _, cost in listed][: len(printed)]
    assert result.tokens == sum(map(estimated_tokens, printed)) + sum(costs) <= budget
    assert len(printed) + result.left_out == len(listed)


@given(text=texts, tokens=st.integers(0, 40))
def test_a_beginning_is_whole_or_within_its_tokens(text: str, tokens: int) -> None:
    begun = beginning(text, tokens)
    assert text.startswith(begun)
    assert estimated_tokens(begun) <= tokens
    if estimated_tokens(text) <= tokens:
        assert begun == text


def test_a_text_is_cut_between_words() -> None:
    text = " ".join(["word"] * 50)
    assert fit(["first", text, "last"], 11) == BudgetFit(
        kept=("first",),
        cut=CutText(text=" ".join(["word"] * 10), characters_left_out=200),
        left_out=1,
        tokens=11,
    )


def test_too_little_room_cuts_nothing() -> None:
    assert fit(["one two three four five six seven eight nine"], 7) == BudgetFit(
        kept=(), cut=None, left_out=1, tokens=0
    )


@pytest.mark.parametrize(
    "character",
    ["e\u0301\u0302", "👩\u200d👩\u200d👧", "❤\ufe0f", "👍🏽", "\ud83d\udc4d", "中"],
)
@pytest.mark.parametrize("budget", range(8, 30))
def test_what_is_shown_as_one_character_is_not_split(character: str, budget: int) -> None:
    run = character if character.isascii() or character[0] != "e" else f"\u00e9{character[1:]}"
    cut = fit([run * 100], budget).cut
    assert cut is None or cut.text == run * (len(cut.text) // len(run))


def test_a_megabyte_is_cut_in_one_go() -> None:
    for text in ("a" * 1_000_000, "word " * 200_000, "中" * 1_000_000, "\u0301" * 1_000_000):
        result = fit([text], 100)
        assert result.tokens <= 100
        assert result.left_out == (result.cut is None)


@pytest.mark.parametrize(("budget", "around"), [(-1, 0), (1, -1), (1, [-1]), (1, [1])])
def test_a_negative_budget_or_cost_is_refused(budget: int, around: int | list[int]) -> None:
    with pytest.raises(ValueError, match="0 or more"):
        fit([], budget, tokens_per_text=around)
