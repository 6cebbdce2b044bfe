"""Embedders behind an OpenAI-compatible server: hosted, or on a machine of one's own."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
import weakref
from typing import TYPE_CHECKING, Final

from vestige.embedding.windows import Words, cut_windows
from vestige.errors import ConfigError, EmbeddingError
from vestige.models import ModelSignature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from vestige.embedding.openai_endpoint import EmbeddingsEndpoint

PROVIDER: Final = "openai"

# The tokenizer of a remote model is not known here, so tokens are estimated: a run of letters is a
# token for every three bytes of UTF-8, a digit or sign is one. Against the built-in model's
# tokenizer that is 1.6 times too many for English, 1.4 for source code, 1.0 for Chinese, and too
# few for Russian (0.8) and base64 (0.74). At 350 estimated tokens the worst of these stays below
# 512, which is all that many models read; many servers cut off the rest without a word, others
# refuse the text. Models with more room lose nothing: a fact is found better by a small window.
BYTES_PER_TOKEN: Final = 3
WINDOW_TOKENS: Final = 350
OVERLAP_TOKENS: Final = 40
# A longer run without white space (base64, Chinese) is cut, so that it cannot exceed the window.
_PIECE: Final = re.compile(r"\s{0,63}\S{1,64}|\s{1,64}")
_LETTERS_OR_SIGN: Final = re.compile(r"[^\W\d_]+|\S")

# The smallest limits that servers in use have by default: 32 texts a request (Hugging Face's),
# and 300,000 tokens (OpenAI's), of which 200,000 characters stay short in any script.
BATCH_TEXTS: Final = 32
BATCH_CHARACTERS: Final = 200_000

PROBE_TEXT: Final = "dimension"

# How long the vectors of a server's model are, as its first answer in this process showed:
# (base_url, model) to dimension.
_probed: dict[tuple[str, str], int] = {}


class OpenAIEmbedder:
    """A model of an OpenAI-compatible server, with retries and in batches.

    Making one sends nothing. Where neither `dimension` nor the store tells how long the vectors
    are, asking for the signature sends one text to find out, once in a process. It may be used
    from several threads.

    Args:
        model: the model's name on the server.
        base_url: the address in front of `/embeddings`.
        api_key: None for a server without keys.
        dimension: asked of the server, for models that can shorten their vectors.
        registered: the model of the store. When it is this one, its dimension is expected
            without asking, so that a store can be opened while the server is away.
        answer_seconds: how long the server may be silent; None for the usual time.
        sleep: waits between two attempts.

    Raises:
        ConfigError: the key cannot stand in a header.
    """

    def __init__(
        self,
        *,
        model: str,
        base_url: str,
        api_key: str | None = None,
        dimension: int | None = None,
        registered: ModelSignature | None = None,
        answer_seconds: float | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        # What a client reports about a bad header quotes it, so it must not see one.
        if api_key is not None and not (api_key.isascii() and api_key.isprintable()):
            raise ConfigError(
                "embeddings.api_key holds a character that no key has, such as a line end"
            )
        self._model = model
        self._base_url = base_url
        self._api_key = api_key
        self._asked_dimension = dimension
        self._known_dimension = dimension
        if dimension is None and registered is not None:
            is_ours = remote_signature(model, registered.dimension) == registered
            self._known_dimension = registered.dimension if is_ours else None
        self._answer_seconds = answer_seconds
        self._sleep = sleep
        self._lock = threading.Lock()
        self._endpoint: EmbeddingsEndpoint | None = None

    @property
    def signature(self) -> ModelSignature:
        return remote_signature(self._model, self._dimension())

    def split(self, text: str) -> list[str]:
        starts: list[int] = []
        first_tokens: list[int] = []
        token_count = 0
        for piece in _PIECE.finditer(text):
            starts.append(piece.start())
            first_tokens.append(token_count)
            token_count += _estimated_tokens(piece[0])
        words = Words(starts=starts, first_tokens=first_tokens, token_count=token_count)
        return cut_windows(text, words, window_tokens=WINDOW_TOKENS, overlap_tokens=OVERLAP_TOKENS)

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np  # noqa: PLC0415  # costs .1 s, and this module is imported with the registry

        if not texts:
            return np.empty((0, self._dimension()), dtype=np.float32)
        return np.concatenate([self._embed(batch) for batch in _batches(texts)])

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return self._embed([text])

    def _dimension(self) -> int:
        expected = self._expected_dimension()
        return self._embed([PROBE_TEXT]).shape[1] if expected is None else expected

    def _expected_dimension(self) -> int | None:
        if self._known_dimension is None:
            self._known_dimension = _probed.get((self._base_url, self._model))
        return self._known_dimension

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        from vestige.embedding.unit_rows import unit_rows  # noqa: PLC0415  # imports numpy

        endpoint = self._connected()
        # JSON cannot hold a lone surrogate.
        sendable = [
            text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in texts
        ]
        vectors = endpoint.embed(self._model, sendable, self._asked_dimension)
        found = vectors.shape[1]
        expected = self._expected_dimension()
        if expected is None:
            expected = _probed.setdefault((self._base_url, self._model), found)
        if found != expected:
            raise EmbeddingError(
                f"{endpoint.shown_url} answered with vectors of {found} dimensions for the model "
                f"{self._model!r}, not {expected}",
                self._dimension_hint(),
            )
        return unit_rows(vectors, origin=f"{endpoint.shown_url} (model {self._model!r})")

    def _dimension_hint(self) -> str:
        if self._asked_dimension is None:
            return "The store needs its own model: check `model` and `base_url` in [embeddings]."
        return "Correct or remove `dimension` in [embeddings]: the server does not follow it."

    def _connected(self) -> EmbeddingsEndpoint:
        with self._lock:
            if self._endpoint is None:
                self._endpoint = self._connect()
                # An embedder has no end of its own; its connections end with it.
                weakref.finalize(self, self._endpoint.close)
            return self._endpoint

    def _connect(self) -> EmbeddingsEndpoint:
        from vestige.embedding.openai_endpoint import (  # noqa: PLC0415  # costs .2 s
            ANSWER_SECONDS,
            EmbeddingsEndpoint,
        )

        return EmbeddingsEndpoint(
            base_url=self._base_url,
            api_key=self._api_key,
            answer_seconds=self._answer_seconds or ANSWER_SECONDS,
            sleep=self._sleep,
        )


def remote_signature(model: str, dimension: int) -> ModelSignature:
    """Return the signature of a remote model: its files cannot be seen, so its name decides."""
    decides = {"dimension": dimension, "model": model, "provider": PROVIDER}
    canonical = json.dumps(decides, sort_keys=True, separators=(",", ":"))
    return ModelSignature(
        name=f"{PROVIDER}:{model}",
        dimension=dimension,
        hash=hashlib.sha256(canonical.encode()).hexdigest(),
    )


def _estimated_tokens(piece: str) -> int:
    """Return 1 or more, white space included."""
    sizes = (len(run.encode("utf-8", "surrogatepass")) for run in _LETTERS_OR_SIGN.findall(piece))
    return max(sum(-(-size // BYTES_PER_TOKEN) for size in sizes), 1)


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield the texts in order, as many at a time as one request may hold, at least one."""
    batch: list[str] = []
    characters = 0
    for text in texts:
        is_full = len(batch) == BATCH_TEXTS or characters + len(text) > BATCH_CHARACTERS
        if batch and is_full:
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text)
    if batch:
        yield batch
