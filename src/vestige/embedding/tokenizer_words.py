"""The words of a text by a model's own tokenizer, whatever kind that is.

Importing this module imports tokenizers, so it is itself imported late.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, cast

from tokenizers import Tokenizer

from vestige.embedding.windows import Words
from vestige.errors import EmbeddingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A word of more tokens is taken for several: some tokenizers see one word in a Chinese page.
MAX_WORD_TOKENS: Final = 32

# In pieces, a megabyte takes a tenth of the memory. White space ends a word for every tokenizer;
# a text without any is cut, where one word more or less changes nothing.
_PIECE_CHARACTERS: Final = 8192
_PIECE: Final = re.compile(rf"(?s).{{1,{_PIECE_CHARACTERS}}}(?:\S{{0,{_PIECE_CHARACTERS}}})")


def load_tokenizer(path: Path, hint: str) -> Tokenizer:
    """Load a `tokenizer.json` that neither cuts nor pads.

    Raises:
        EmbeddingError: the file cannot be read or is not JSON.
    """
    try:
        text = path.read_text("utf-8")
        json.loads(text)  # what is no JSON, the library reports as a bare Exception
    except (OSError, ValueError) as error:
        raise EmbeddingError(f"cannot read {path}: {error}", hint) from error
    tokenizer = Tokenizer.from_str(text)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def read_max_tokens(path: Path, default: int) -> int:
    """Read from a `tokenizer_config.json` how many tokens the model reads, the frame included."""
    try:
        config: object = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return default
    if not isinstance(config, dict):
        return default
    values = cast("dict[str, object]", config)
    limits = [values.get("model_max_length"), values.get("max_length")]
    # 1e30 is how some files say that they do not know.
    return min((limit for limit in limits if isinstance(limit, int) and limit > 0), default=default)


def find_words(tokenizer: Tokenizer, text: str) -> Words:
    """Find where each word of a text starts, in characters and in tokens."""
    starts: list[int] = []
    first_tokens: list[int] = []
    token_count = 0
    for offset, piece in _pieces(text):
        encoding = tokenizer.encode(piece, add_special_tokens=False)
        previous = None
        tokens = zip(encoding.word_ids, encoding.offsets, strict=True)
        for token, (word, (start, _)) in enumerate(tokens, start=token_count):
            is_long = bool(first_tokens) and token - first_tokens[-1] >= MAX_WORD_TOKENS
            is_further = not starts or offset + start > starts[-1]
            if is_further and (word != previous or is_long or not starts):
                starts.append(offset + start)
                first_tokens.append(token)
            previous = word
        token_count += len(encoding)
    return Words(starts=starts, first_tokens=first_tokens, token_count=token_count)


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield the pieces of a text, each with the index of its first character."""
    # The tokenizer takes no lone surrogate; U+FFFD is as long, so offsets stay true.
    clean = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
    for match in _PIECE.finditer(clean):
        yield match.start(), match[0]
