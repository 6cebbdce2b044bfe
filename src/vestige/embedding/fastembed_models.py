"""The models of fastembed: their names, their prefixes, and where their files are.

Importing this module imports fastembed, so it is itself imported late.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from fastembed import TextEmbedding
from fastembed.common.model_description import DenseModelDescription, ModelSource

from vestige.errors import ConfigError, EmbeddingError

# fastembed's own default is a folder of the system's temporary directory, which others can write
# to and which is emptied now and then.
CACHE_VARIABLE: Final = "FASTEMBED_CACHE_PATH"
CACHE_FOLDER: Final = "~/.cache/fastembed"

# Made to embed only queries or only documents, so they cannot do both for one store.
ONE_SIDED: Final = frozenset(
    {"Qdrant/constella-nano", "Qdrant/constella-zero", "Qdrant/stella-en-400M-v5-doc-onnx"}
)


class Prefixes(NamedTuple):
    """What a model wants in front of a query and of a document."""

    query: str = ""
    document: str = ""


_PASSAGES: Final = Prefixes(query="Represent this sentence for searching relevant passages: ")
_INSTRUCTED: Final = Prefixes(
    query="Instruct: Given a web search query, retrieve relevant passages that answer the query"
    "\nQuery:"
)
_NOMIC: Final = Prefixes(query="search_query: ", document="search_document: ")

# fastembed leaves the prefixes of these to its caller. Source: the model cards on Hugging Face.
PREFIXES: Final = {
    "BAAI/bge-base-en": _PASSAGES,
    "BAAI/bge-base-en-v1.5": _PASSAGES,
    "BAAI/bge-large-en-v1.5": _PASSAGES,
    "BAAI/bge-small-en": _PASSAGES,
    "BAAI/bge-small-en-v1.5": _PASSAGES,
    "BAAI/bge-small-zh-v1.5": Prefixes(
        query="\u4e3a\u8fd9\u4e2a\u53e5\u5b50\u751f\u6210\u8868\u793a\u4ee5\u7528\u4e8e"
        "\u68c0\u7d22\u76f8\u5173\u6587\u7ae0\uff1a"
    ),
    "Qwen/Qwen3-Embedding-0.6B": _INSTRUCTED,
    "Qwen/Qwen3-Embedding-0.6B-Q": _INSTRUCTED,
    "google/embeddinggemma-300m": Prefixes(
        query="task: search result | query: ", document="title: none | text: "
    ),
    "intfloat/multilingual-e5-large": Prefixes(query="query: ", document="passage: "),
    "mixedbread-ai/mxbai-embed-large-v1": _PASSAGES,
    "nomic-ai/nomic-embed-text-v1": _NOMIC,
    "nomic-ai/nomic-embed-text-v1.5": _NOMIC,
    "nomic-ai/nomic-embed-text-v1.5-Q": _NOMIC,
    "snowflake/snowflake-arctic-embed-l": _PASSAGES,
    "snowflake/snowflake-arctic-embed-m": _PASSAGES,
    "snowflake/snowflake-arctic-embed-m-long": _PASSAGES,
    "snowflake/snowflake-arctic-embed-s": _PASSAGES,
    "snowflake/snowflake-arctic-embed-xs": _PASSAGES,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogueModel:
    """A model of fastembed.

    Attributes:
        name: as fastembed spells it.
        dimension: length of its vectors.
        prefixes: what goes in front of a text.
        weights: the files of the network, relative to the model's folder.
        folder: where the files are; None when fastembed keeps them in its cache.
        description: fastembed's own.
    """

    name: str
    dimension: int
    prefixes: Prefixes
    weights: tuple[str, ...]
    folder: Path | None
    description: DenseModelDescription


def catalogue_model(model: str) -> CatalogueModel:
    """Find the model of a name, or of a folder that is called like a model.

    Args:
        model: a name such as `BAAI/bge-small-en-v1.5`, or the path of a folder: absolute, or
            beginning with `.` or `~`. The folder's name is that of a model, without what stands
            in front of its `/`; it decides pooling and prefixes.

    Raises:
        ConfigError: there is no such model or folder; the message lists the models.
    """
    is_path = model.startswith((".", "~")) or Path(model).is_absolute()
    folder = Path(model).expanduser().absolute() if is_path else None
    if folder is not None and not folder.is_dir():
        raise ConfigError(
            f"embeddings.model: {folder} is not a folder",
            "Name the folder that holds the model's files, or a model of fastembed.",
        )
    described = _descriptions()
    wanted = model.lower() if folder is None else folder.name.lower()
    for name, description in described.items():
        known_as = name.lower() if folder is None else name.lower().rpartition("/")[2]
        if known_as == wanted:
            return _model_of(description, folder)
    if folder is not None:
        raise ConfigError(
            f"the folder {folder} is not called like a model of fastembed; known: "
            + ", ".join(name.rpartition("/")[2] for name in described),
            "Rename the folder, or make a link to it that has the model's name.",
        )
    raise ConfigError(
        f"the embedding provider 'fastembed' has no model {model!r}; known: {', '.join(described)}",
        "Correct `model` in the [embeddings] section of vestige.toml, or write the path of a "
        "folder there.",
    )


def find_folder(model: CatalogueModel) -> Path:
    """Return the folder of a model's files; fastembed downloads them when they are not there.

    Raises:
        EmbeddingError: they are neither in the cache nor to be had.
    """
    if model.folder is not None:
        return model.folder
    cache = os.environ.get(CACHE_VARIABLE) or str(Path(CACHE_FOLDER).expanduser())
    try:
        return TextEmbedding.download_model(model.description, cache, retries=1)
    except (OSError, ValueError) as error:
        raise EmbeddingError(
            f"fastembed cannot get the model {model.name}: {' '.join(str(error).split())}",
            f"Connect to the internet once, or name a folder that is called "
            f"{model.name.rpartition('/')[2]} and holds its files as `model` in [embeddings].",
        ) from error


def _descriptions() -> dict[str, DenseModelDescription]:
    described: dict[str, DenseModelDescription] = {}
    for fields in TextEmbedding.list_supported_models():
        sources = ModelSource(**fields.pop("sources"))
        description = DenseModelDescription(**fields, sources=sources)
        if description.model not in ONE_SIDED:
            described[description.model] = description
    return described


def _model_of(description: DenseModelDescription, folder: Path | None) -> CatalogueModel:
    dimension = description.dim
    if dimension is None:
        raise ConfigError(f"fastembed does not tell the dimension of {description.model}")
    return CatalogueModel(
        name=description.model,
        dimension=dimension,
        prefixes=PREFIXES.get(description.model, Prefixes()),
        weights=(description.model_file, *description.additional_files),
        folder=folder,
        description=description,
    )
