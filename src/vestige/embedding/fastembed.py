"""The ONNX models of fastembed, an extra: `pip install 'vestige[fastembed]'`."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vestige.embedding.model_files import find_checksums, verify
from vestige.embedding.windows import cut_windows
from vestige.errors import ConfigError, EmbeddingError
from vestige.models import ModelSignature

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from fastembed import TextEmbedding
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from vestige.embedding.fastembed_models import CatalogueModel

PROVIDER: Final = "fastembed"

# Models that read more exist, but a fact is found better by the vector of a small window.
MAX_WINDOW_TOKENS: Final = 512
# Some tokenizers put a token or two in front of a text that does not begin with white space.
SPARE_TOKENS: Final = 2
OVERLAP_TOKENS: Final = 32  # about two sentences, so that one cut in two is whole on one side

_TOKENIZER: Final = "tokenizer.json"
_LIMITS: Final = "tokenizer_config.json"
_SPECIAL_TOKENS: Final = "special_tokens_map.json"

_EXTRA_HINT: Final = "Install it: `pip install 'vestige[fastembed]'`."
_FILES_HINT: Final = (
    "Get the model's folder again, or remove it from fastembed's cache so that it is fetched anew."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """A model whose files are there: where, their checksums, and the signature they give."""

    folder: Path
    checksums: dict[str, str]
    signature: ModelSignature


@dataclass(frozen=True, kw_only=True, slots=True)
class _Loaded:
    """A model that is ready, and the tokenizer that cuts for it."""

    network: TextEmbedding
    tokenizer: Tokenizer
    window_tokens: int


class FastEmbedEmbedder:
    """A model of fastembed, with its prefixes for queries and documents.

    Making one imports fastembed. Asking for the signature needs the model's files, which
    fastembed downloads once unless a folder is given, and reads them all unless the folder has a
    SHA256SUMS. The model is loaded when a text first needs it. It may be used from several
    threads.

    Args:
        model: a name of fastembed, or the path of a folder that is called like one.

    Raises:
        ConfigError: fastembed is not installed, or has no such model.
    """

    def __init__(self, model: str) -> None:
        try:
            from vestige.embedding.fastembed_models import (  # noqa: PLC0415  # an extra, costs .5 s
                catalogue_model,
            )
        except ImportError as error:
            raise ConfigError(
                f"the embedding provider 'fastembed' cannot be used: {error}", _EXTRA_HINT
            ) from error
        self._model = catalogue_model(model)
        self._lock = threading.Lock()
        self._found: _Found | None = None
        self._loaded: _Loaded | None = None

    @property
    def signature(self) -> ModelSignature:
        with self._lock:
            return self._find().signature

    def split(self, text: str) -> list[str]:
        from vestige.embedding.tokenizer_words import find_words  # noqa: PLC0415  # imports tokenizers

        loaded = self._ready()
        return cut_windows(
            text,
            find_words(loaded.tokenizer, text),
            window_tokens=loaded.window_tokens,
            overlap_tokens=min(OVERLAP_TOKENS, loaded.window_tokens // 8),
        )

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._embed(texts, self._model.prefixes.document, is_query=False)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return self._embed([text], self._model.prefixes.query, is_query=True)

    def _embed(self, texts: Sequence[str], prefix: str, *, is_query: bool) -> NDArray[np.float32]:
        import numpy as np  # noqa: PLC0415  # costs .1 s, and this module is imported with the registry

        from vestige.embedding.onnx_session import LOAD_ERRORS  # noqa: PLC0415  # costs .2 s
        from vestige.embedding.unit_rows import unit_rows  # noqa: PLC0415  # imports numpy

        network = self._ready().network
        embed = network.query_embed if is_query else network.passage_embed
        prefixed = [
            prefix + text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            for text in texts
        ]
        vectors = np.empty((len(texts), self._model.dimension), dtype=np.float64)
        try:
            # One text a call: the vectors of many of these models change with what else is in
            # the batch, and padding costs as much as batching brings.
            for row, vector in enumerate(embed(prefixed, batch_size=1)):
                vectors[row] = vector
        except (*LOAD_ERRORS, ValueError) as error:
            raise EmbeddingError(
                f"fastembed cannot embed with {self._model.name}: {_one_line(error)}", _FILES_HINT
            ) from error
        return unit_rows(vectors, origin=self._model.name, fallback=True)

    def _ready(self) -> _Loaded:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load(self._find())
            return self._loaded

    def _find(self) -> _Found:
        if self._found is None:
            from vestige.embedding.fastembed_models import find_folder  # noqa: PLC0415  # an extra

            folder = find_folder(self._model)
            checksums = find_checksums(
                folder,
                required=(*self._model.weights, _TOKENIZER),
                optional=(_LIMITS, _SPECIAL_TOKENS),
                hint=_FILES_HINT,
            )
            self._found = _Found(
                folder=folder,
                checksums=checksums,
                signature=_signature_of(self._model, checksums),
            )
        return self._found

    def _load(self, found: _Found) -> _Loaded:
        from fastembed import TextEmbedding  # noqa: PLC0415  # an extra, costs .5 s

        from vestige.embedding.onnx_session import LOAD_ERRORS  # noqa: PLC0415  # costs .2 s
        from vestige.embedding.tokenizer_words import (  # noqa: PLC0415  # imports tokenizers
            load_tokenizer,
            read_max_tokens,
        )

        for name, checksum in found.checksums.items():
            verify(found.folder / name, checksum, hint=_FILES_HINT)
        tokenizer = load_tokenizer(found.folder / _TOKENIZER, _FILES_HINT)
        try:
            network = TextEmbedding(self._model.name, specific_model_path=str(found.folder))
        except (*LOAD_ERRORS, OSError, ValueError) as error:
            raise EmbeddingError(
                f"fastembed cannot load {self._model.name} from {found.folder}: "
                + _one_line(error),
                _FILES_HINT,
            ) from error
        limit = read_max_tokens(found.folder / _LIMITS, MAX_WINDOW_TOKENS)
        prefix = tokenizer.encode(self._model.prefixes.document, add_special_tokens=False)
        frame = tokenizer.num_special_tokens_to_add(is_pair=False) + len(prefix) + SPARE_TOKENS
        window_tokens = max(min(limit, MAX_WINDOW_TOKENS) - frame, 1)
        return _Loaded(network=network, tokenizer=tokenizer, window_tokens=window_tokens)


def _signature_of(model: CatalogueModel, checksums: dict[str, str]) -> ModelSignature:
    """Hash what decides a vector: fastembed pools and normalises by the model's name."""
    decides = {
        "document_prefix": model.prefixes.document,
        "files": checksums,
        "model": model.name,
        "provider": PROVIDER,
        "query_prefix": model.prefixes.query,
    }
    canonical = json.dumps(decides, sort_keys=True, separators=(",", ":"))
    return ModelSignature(
        name=f"{PROVIDER}:{model.name}",
        dimension=model.dimension,
        hash=hashlib.sha256(canonical.encode()).hexdigest(),
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
