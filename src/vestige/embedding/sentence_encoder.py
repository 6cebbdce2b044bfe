"""A loaded sentence encoder: a WordPiece tokenizer and a network that pools and normalises.

Importing this module imports onnxruntime, tokenizers and numpy, so it is itself imported late.
"""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import numpy as np
from tokenizers import Tokenizer

from vestige.embedding.onnx_session import open_session
from vestige.embedding.windows import Words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from tokenizers import Encoding

MAX_WORKERS: Final = 8

_OUTPUT: Final = "sentence_embedding"

# A long text is tokenized in pieces: a third faster than in one go, and 1 MB of words takes
# 10 MB of memory instead of 140. A piece ends where the tokenizer starts a new word in any case:
# before white space, the commonest punctuation (a `]` may end a special token like `[SEP]`) or a
# Chinese character.
_PIECE_CHARACTERS: Final = 8192
_PIECE_BORDER: Final = re.compile(
    r"[ \t\r\n!-/:-@\[\\^-`{-~\u2010-\u2027\u3001-\u3003\u3008-\u3011\u3400-\u4dbf\u4e00-\u9fff]"
    r"|(?<![A-Z])\]"
)

# The tokenizer takes only text that UTF-8 can hold. U+FFFD is as long, so offsets stay true, and
# is then dropped with the control characters.
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class SentenceEncoder:
    """Turns texts into unit vectors; safe to use from several threads.

    Args:
        network: an ONNX model from `input_ids`, `attention_mask` and `token_type_ids` to
            `sentence_embedding`.
        tokenizer: the `tokenizer.json` that belongs to it.
        max_tokens: how many tokens of a text it reads, the two that frame it not counted.
        dimension: length of its vectors.
    """

    def __init__(self, *, network: Path, tokenizer: Path, max_tokens: int, dimension: int) -> None:
        with ThreadPoolExecutor(1, thread_name_prefix="vestige-network") as pool:
            session = pool.submit(open_session, network)
            self._tokenizer = Tokenizer.from_file(str(tokenizer))
            self._session = session.result()
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        # Framing an empty text gives exactly the frame.
        self._frame_start, self._frame_end = self._tokenizer.encode("").ids
        self._max_tokens = max_tokens
        self._dimension = dimension

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts, as much of each as the network reads.

        One text a call, so that a vector never depends on what else is embedded with it; the
        calls are spread over threads, which end with this method.

        Returns:
            float32 unit vectors of shape (len(texts), dimension).
        """
        vectors = np.empty((len(texts), self._dimension), dtype=np.float32)
        workers = min(_usable_cores(), MAX_WORKERS, len(texts))
        if workers <= 1:
            for row, text in enumerate(texts):
                vectors[row] = self._encode_one(text)
            return vectors
        with ThreadPoolExecutor(workers, thread_name_prefix="vestige-embed") as pool:
            for row, vector in enumerate(pool.map(self._encode_one, texts)):
                vectors[row] = vector
        return vectors

    def find_words(self, text: str) -> Words:
        """Find where each word of a text starts, in characters and in tokens."""
        starts: list[int] = []
        first_tokens: list[int] = []
        token_count = 0
        for offset, encoding in self._encode_pieces(text):
            previous = None
            tokens = zip(encoding.word_ids, encoding.offsets, strict=True)
            for token, (word, (start, _)) in enumerate(tokens, start=token_count):
                if word != previous:
                    starts.append(offset + start)
                    first_tokens.append(token)
                    previous = word
            token_count += len(encoding)
        return Words(starts=starts, first_tokens=first_tokens, token_count=token_count)

    def _encode_one(self, text: str) -> NDArray[np.float32]:
        ids: list[int] = []
        for _, encoding in self._encode_pieces(text):
            ids += encoding.ids
            if len(ids) >= self._max_tokens:
                break
        row = np.array(
            [[self._frame_start, *ids[: self._max_tokens], self._frame_end]], dtype=np.int64
        )
        inputs = {
            "input_ids": row,
            "attention_mask": np.ones_like(row),
            "token_type_ids": np.zeros_like(row),
        }
        return self._session.run([_OUTPUT], inputs)[0][0]

    def _encode_pieces(self, text: str) -> Iterator[tuple[int, Encoding]]:
        """Tokenize a text piece by piece; each comes with the index of its first character."""
        if not text.isascii():
            text = _LONE_SURROGATE.sub("\ufffd", text)
        start = 0
        while start < len(text):
            border = _PIECE_BORDER.search(text, start + _PIECE_CHARACTERS)
            end = border.start() if border else len(text)
            yield start, self._tokenizer.encode(text[start:end], add_special_tokens=False)
            start = end


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # absent on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
