"""How many tokens of a language model a text costs, and which texts fit into a budget.

Every model cuts texts in its own way, and none of them is asked here. The rule is made to say
rather too many than too few.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

LETTERS_PER_TOKEN: Final = 5
DIGITS_PER_TOKEN: Final = 2
BLANKS_PER_TOKEN: Final = 4
BYTES_PER_TOKEN: Final = 2  # outside of ASCII: 1.5 tokens for a Chinese character, 2 for an emoji
CUT_TOKENS_MIN: Final = 8  # less of a text says nothing

_PIECE: Final = re.compile(
    r"(?P<letters>[A-Z]?[a-z]+|[A-Z]+)|(?P<digits>[0-9]+)|(?P<foreign>[^\x00-\x7f]+)"
    r"|(?P<blanks>[ \t]{2,}|[\r\n]+)|(?P<mark>[^\sA-Za-z0-9])"
)
_JOINER: Final = "\u200d"
_VARIATION_SELECTOR: Final = re.compile("[\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]")


@dataclass(frozen=True, kw_only=True, slots=True)
class CutText:
    """The beginning of a text that does not fit as a whole.

    Attributes:
        text: as much of it as fits.
        characters_left_out: how many characters of it are missing.
    """

    text: str
    characters_left_out: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetFit:
    """What fits into a budget of tokens.

    Attributes:
        kept: the first texts, whole.
        cut: the beginning of the one behind them; None when nothing of it fits, or all fit.
        left_out: how many texts behind those are missing entirely.
        tokens: estimated cost of what is kept and cut, never more than the budget.
    """

    kept: tuple[str, ...]
    cut: CutText | None
    left_out: int
    tokens: int


def estimated_tokens(text: str) -> int:
    """Return how many tokens a text costs at most, by a rule of thumb.

    A word costs one token for each 5 letters or part of them, camelCase words one by one; a number
    one for 2 digits; a mark, a run of line ends and each 4 of several blanks one; a single blank
    nothing. Runs of other characters cost one token for each 2 bytes of UTF-8.
    """
    return sum(map(_cost, _PIECE.finditer(text)))


def fit(
    texts: Sequence[str], budget: int, *, tokens_per_text: int | Sequence[int] = 0
) -> BudgetFit:
    """Keep the first texts that fit into a budget, and cut the next one.

    The order is kept: a short text does not overtake a longer one that was ranked above it.

    Args:
        texts: best first.
        budget: tokens, 0 or more.
        tokens_per_text: what is printed around each text costs as much, or as much as the number
            in its place; 0 or more.

    Raises:
        ValueError: a negative budget or cost, or not as many costs as texts.
    """
    if budget < 0:
        raise ValueError(f"need a budget of 0 or more: {budget}")
    costs = _costs(len(texts), tokens_per_text)
    left = budget
    for number, (text, cost) in enumerate(zip(texts, costs, strict=True)):
        tokens = estimated_tokens(text) + cost
        if tokens > left:
            return _with_cut(texts, number, budget, left, cost)
        left -= tokens
    return BudgetFit(kept=tuple(texts), cut=None, left_out=0, tokens=budget - left)


def beginning(text: str, tokens: int) -> str:
    """Return the longest beginning of a text that costs at most so many tokens.

    It is cut between words; "" where not even the first one fits.
    """
    return text if estimated_tokens(text) <= tokens else _beginning(text, tokens)


def _costs(count: int, tokens_per_text: int | Sequence[int]) -> list[int]:
    """Return what is printed around each of some texts costs."""
    given = [tokens_per_text] if isinstance(tokens_per_text, int) else list(tokens_per_text)
    costs = given * count if isinstance(tokens_per_text, int) else given
    if len(costs) != count or min(given, default=0) < 0:
        raise ValueError(f"need a cost of 0 or more for each of {count} texts: {tokens_per_text}")
    return costs


def _with_cut(
    texts: Sequence[str], number: int, budget: int, left: int, tokens_around: int
) -> BudgetFit:
    kept, text = tuple(texts[:number]), texts[number]
    room = left - tokens_around
    shown = _beginning(text, room) if room >= CUT_TOKENS_MIN else ""
    if not shown:
        return BudgetFit(kept=kept, cut=None, left_out=len(texts) - number, tokens=budget - left)
    return BudgetFit(
        kept=kept,
        cut=CutText(text=shown, characters_left_out=len(text) - len(shown)),
        left_out=len(texts) - number - 1,
        tokens=budget - left + tokens_around + estimated_tokens(shown),
    )


def _beginning(text: str, room: int) -> str:
    """Return the longest beginning that costs at most so many tokens, cut between words."""
    end = 0
    for piece in _PIECE.finditer(text):
        cost = _cost(piece)
        if cost > room:
            if piece.lastgroup == "foreign":  # scripts without blanks would lose a whole paragraph
                end = _end_inside(text, piece.start(), piece.end(), room)
            break
        room -= cost
        end = piece.end()
    return text[:end].rstrip()


def _end_inside(text: str, start: int, stop: int, room: int) -> int:
    """Return where to cut a run without blanks, not inside of what is shown as one character."""
    end, used = start, 0
    for character in text[start:stop]:
        used += _byte_count(character)
        if used > room * BYTES_PER_TOKEN:
            break
        end += 1
    while end > start and _continues(text, end):
        end -= 1
    return end


def _continues(text: str, at: int) -> bool:
    before, behind = text[at - 1], text[at]
    return (
        _JOINER in {before, behind}
        or unicodedata.combining(behind) != 0
        or _VARIATION_SELECTOR.match(behind) is not None
        or ("\ud800" <= before <= "\udbff" and "\udc00" <= behind <= "\udfff")
    )


def _cost(piece: re.Match[str]) -> int:
    length = piece.end() - piece.start()
    if piece.lastgroup == "letters":
        return -(-length // LETTERS_PER_TOKEN)
    if piece.lastgroup == "digits":
        return -(-length // DIGITS_PER_TOKEN)
    if piece.lastgroup == "foreign":
        return -(-_byte_count(piece[0]) // BYTES_PER_TOKEN)
    if piece.lastgroup == "blanks" and piece[0][0] in " \t":
        return -(-length // BLANKS_PER_TOKEN)
    return 1


def _byte_count(run: str) -> int:
    return len(run.encode("utf-8", "surrogatepass"))  # a lone surrogate must not fail here
