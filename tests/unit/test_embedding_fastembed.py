from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fastembed import TextEmbedding
from tokenizers import Tokenizer

from vestige.embedding import fastembed_models
from vestige.embedding.fastembed import FastEmbedEmbedder
from vestige.embedding.fastembed_models import ONE_SIDED, PREFIXES, Prefixes, catalogue_model
from vestige.embedding.minilm import MODEL_FOLDER, MiniLMEmbedder
from vestige.errors import ConfigError, EmbeddingError

if TYPE_CHECKING:
    from pathlib import Path

NAME = "sentence-transformers/all-MiniLM-L6-v2"
CAT = "The cat sat on the mat."
KITTEN = "A kitten rested on the rug."
REVENUE = "Quarterly revenue grew by nine percent."
# Every store that holds vectors of this folder has this hash registered.
FOLDER_HASH = "7ba828b4c036fe62458b4020f626fc1ba1924948122efb3aaee438d0a155bd42"


@pytest.fixture(scope="module")
def embedder() -> FastEmbedEmbedder:
    return FastEmbedEmbedder(str(MODEL_FOLDER))


@pytest.fixture
def copied_model(tmp_path: Path) -> Path:
    return shutil.copytree(MODEL_FOLDER, tmp_path / MODEL_FOLDER.name)


def test_a_local_folder_gives_the_vectors_of_its_model(embedder: FastEmbedEmbedder) -> None:
    texts = [CAT, KITTEN, REVENUE]
    vectors = embedder.embed_documents(texts)
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, 384)
    cosines = (vectors * MiniLMEmbedder().embed_documents(texts)).sum(axis=1)
    assert cosines == pytest.approx(np.ones(3), abs=1e-5)


def test_a_query_is_one_row(embedder: FastEmbedEmbedder) -> None:
    query = embedder.embed_query(CAT)
    assert query.shape == (1, 384)
    assert query[0] == pytest.approx(embedder.embed_documents([CAT])[0], abs=1e-6)


def test_no_texts_give_an_empty_matrix(embedder: FastEmbedEmbedder) -> None:
    assert embedder.embed_documents([]).shape == (0, 384)


def test_a_vector_does_not_depend_on_what_is_embedded_with_it(embedder: FastEmbedEmbedder) -> None:
    alone = embedder.embed_documents([REVENUE])[0]
    together = embedder.embed_documents([CAT * 20, REVENUE])[1]
    assert together.tobytes() == alone.tobytes()


@pytest.mark.parametrize("text", ["", " \n", "\ud800", "[SEP]", "\U0001f600" * 500, "a" * 5000])
def test_a_hostile_text_has_windows_and_a_unit_vector(
    embedder: FastEmbedEmbedder, text: str
) -> None:
    vectors = embedder.embed_documents(embedder.split(text))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(vectors)), abs=1e-5)


def test_a_text_that_the_model_gives_no_direction_gets_the_first_axis(
    embedder: FastEmbedEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def zeros(_self: TextEmbedding, texts: list[str], **_options: int) -> list[object]:
        return [np.zeros(384, dtype=np.float32) for _ in texts]

    monkeypatch.setattr(TextEmbedding, "passage_embed", zeros)
    vector = embedder.embed_documents(["unknown"])[0]
    assert vector.tolist() == [1.0, *[0.0] * 383]


def test_windows_fit_the_model_and_cover_the_text(embedder: FastEmbedEmbedder) -> None:
    tokenizer = Tokenizer.from_file(str(MODEL_FOLDER / "tokenizer.json"))
    tokenizer.no_truncation()
    text = " ".join(f"Loaf {number} needs time to rise." for number in range(500))
    windows = embedder.split(text)
    start = covered = 0
    for window in windows:
        assert len(tokenizer.encode(window)) <= 256
        start = text.rindex(window, start, covered + len(window))
        covered = start + len(window)
    assert covered == len(text)
    assert len(windows) > 10


def test_a_text_that_fits_is_returned_as_it_is(embedder: FastEmbedEmbedder) -> None:
    assert embedder.split(CAT) == [CAT]


def test_the_signature_stays_what_stores_have_registered() -> None:
    signature = FastEmbedEmbedder(str(MODEL_FOLDER)).signature
    assert signature.name == f"fastembed:{NAME}"
    assert signature.dimension == 384
    assert signature.hash == FOLDER_HASH


def test_the_signature_is_that_of_the_files_wherever_they_are(copied_model: Path) -> None:
    (copied_model / "SHA256SUMS").unlink()
    embedder = FastEmbedEmbedder(str(copied_model))
    assert embedder.signature.hash == FOLDER_HASH
    assert embedder.embed_query(CAT).shape == (1, 384)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "tokenizer_config.json"])
def test_another_file_gives_another_signature(copied_model: Path, name: str) -> None:
    (copied_model / "SHA256SUMS").unlink()
    with (copied_model / name).open("ab") as file:
        file.write(b"\n")
    assert FastEmbedEmbedder(str(copied_model)).signature.hash != FOLDER_HASH


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "tokenizer_config.json"])
def test_a_file_that_differs_from_its_checksum_is_named(copied_model: Path, name: str) -> None:
    with (copied_model / name).open("ab") as file:
        file.write(b"\n")
    with pytest.raises(EmbeddingError, match=rf"{name} was changed") as caught:
        FastEmbedEmbedder(str(copied_model)).embed_query(CAT)
    assert "folder" in caught.value.hint


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "tokenizer_config.json"])
def test_a_recorded_file_that_is_missing_is_named(copied_model: Path, name: str) -> None:
    (copied_model / name).unlink()
    with pytest.raises(EmbeddingError, match=rf"cannot read .*{name}"):
        FastEmbedEmbedder(str(copied_model)).embed_query(CAT)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_missing_file_is_named_without_a_list_of_checksums(copied_model: Path, name: str) -> None:
    (copied_model / "SHA256SUMS").unlink()
    (copied_model / name).unlink()
    with pytest.raises(EmbeddingError, match=rf"cannot read .*{name}"):
        _ = FastEmbedEmbedder(str(copied_model)).signature


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_broken_file_is_an_embedding_error(copied_model: Path, name: str) -> None:
    (copied_model / "SHA256SUMS").unlink()
    (copied_model / name).write_bytes(b"{ broken")
    with pytest.raises(EmbeddingError, match=NAME if name == "model.onnx" else name):
        FastEmbedEmbedder(str(copied_model)).embed_query(CAT)


def test_a_folder_without_limits_cannot_be_loaded(copied_model: Path) -> None:
    (copied_model / "SHA256SUMS").unlink()
    (copied_model / "tokenizer_config.json").unlink()
    with pytest.raises(EmbeddingError, match=r"tokenizer_config\.json"):
        FastEmbedEmbedder(str(copied_model)).embed_query(CAT)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"all-MiniLM-L6-v2 is not a folder"):
        FastEmbedEmbedder(str(tmp_path / "all-MiniLM-L6-v2"))


def test_a_folder_that_is_not_called_like_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"not called like a model.*bge-small-en-v1\.5") as caught:
        FastEmbedEmbedder(str(tmp_path))
    assert "Rename" in caught.value.hint


def test_an_unknown_model_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"no model 'bert-huge'; known: .*bge-small-en-v1\.5"):
        FastEmbedEmbedder("bert-huge")


@pytest.mark.parametrize("name", sorted(ONE_SIDED))
def test_a_model_for_queries_or_documents_alone_is_not_offered(name: str) -> None:
    with pytest.raises(ConfigError, match="has no model"):
        FastEmbedEmbedder(name)


def test_the_name_of_a_model_may_be_written_in_any_case() -> None:
    assert catalogue_model("baai/BGE-small-en-v1.5").name == "BAAI/bge-small-en-v1.5"


def test_every_model_that_needs_prefixes_has_them() -> None:
    # Guards against a model that comes with a newer fastembed, which leaves them to its caller.
    described = {
        str(model["model"]): str(model["description"])
        for model in TextEmbedding.list_supported_models()
    }
    needing = {
        name
        for name, description in described.items()
        if "queries/documents: necessary" in description or "queries/documents: `" in description
    }
    assert len(needing) > 10
    assert needing - ONE_SIDED <= PREFIXES.keys() <= described.keys()


def test_prefixes_reach_the_model_and_the_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        fastembed_models.PREFIXES, NAME, Prefixes(query="query: ", document="passage: ")
    )
    prefixed = FastEmbedEmbedder(str(MODEL_FOLDER))
    plain = MiniLMEmbedder()
    assert prefixed.embed_query(CAT)[0] @ plain.embed_query(f"query: {CAT}")[0] > 0.9999
    passage = prefixed.embed_documents([CAT])[0]
    assert passage @ plain.embed_query(f"passage: {CAT}")[0] > 0.9999
    assert prefixed.signature.hash != FOLDER_HASH


def test_a_prefix_takes_its_place_in_every_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fastembed_models.PREFIXES, NAME, Prefixes(document="long prefix " * 50))
    tokenizer = Tokenizer.from_file(str(MODEL_FOLDER / "tokenizer.json"))
    for window in FastEmbedEmbedder(str(MODEL_FOLDER)).split("word " * 1000):
        assert len(tokenizer.encode(window, add_special_tokens=False)) <= 256 - 2 - 100


def a_cache_with_the_model(folder: Path) -> None:
    """Lay the model's files out as a download would."""
    repository = folder / "models--Qdrant--all-MiniLM-L6-v2-onnx"
    revision = "0" * 40
    shutil.copytree(MODEL_FOLDER, repository / "snapshots" / revision)
    (repository / "snapshots" / revision / "SHA256SUMS").unlink()
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(revision)


def test_a_model_in_the_cache_is_used_by_its_name_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_cache_with_the_model(tmp_path)
    monkeypatch.setenv(fastembed_models.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    embedder = FastEmbedEmbedder(NAME)
    assert embedder.signature.hash == FOLDER_HASH
    assert embedder.embed_query(CAT)[0] @ MiniLMEmbedder().embed_query(CAT)[0] > 0.9999


def test_a_model_that_cannot_be_had_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(fastembed_models.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(EmbeddingError, match=f"cannot get the model {NAME}") as caught:
        _ = FastEmbedEmbedder(NAME).signature
    assert "all-MiniLM-L6-v2" in caught.value.hint


def test_the_cache_is_in_the_home_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.delenv(fastembed_models.CACHE_VARIABLE, raising=False)
    a_cache_with_the_model(tmp_path / ".cache" / "fastembed")
    assert FastEmbedEmbedder(NAME).signature.hash == FOLDER_HASH


def test_a_missing_extra_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "vestige.embedding.fastembed_models")
    monkeypatch.setitem(sys.modules, "fastembed", None)
    with pytest.raises(ConfigError, match="'fastembed' cannot be used") as caught:
        FastEmbedEmbedder(NAME)
    assert "pip install 'vestige[fastembed]'" in caught.value.hint


def test_a_limit_that_a_folder_does_not_know_is_not_taken(copied_model: Path) -> None:
    # 1e30 is what such a file says then; the other key holds the real limit.
    (copied_model / "SHA256SUMS").unlink()
    config = {"model_max_length": 1e30, "max_length": 40, "pad_token": "[PAD]"}
    (copied_model / "tokenizer_config.json").write_text(json.dumps(config))
    tokenizer = Tokenizer.from_file(str(MODEL_FOLDER / "tokenizer.json"))
    windows = FastEmbedEmbedder(str(copied_model)).split("word " * 200)
    assert max(len(tokenizer.encode(window)) for window in windows) <= 40
