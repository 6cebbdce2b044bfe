from __future__ import annotations

import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from vestige.embedding import minilm
from vestige.embedding.minilm import MODEL_FOLDER, MiniLMEmbedder
from vestige.embedding.onnx_session import open_session
from vestige.errors import EmbeddingError

if TYPE_CHECKING:
    from pathlib import Path

# Every store that holds vectors of this model has this hash registered.
SIGNATURE_HASH = "92dd9c9aa306ddfae9d72706ae8a4f40221688ca26e31aeee52c14236927bca2"
CAT = "The cat sat on the mat."
KITTEN = "A kitten rested on the rug."
REVENUE = "Quarterly revenue grew by nine percent."
CAT_COMPONENTS = [0.12916, -0.01683, -0.03637, 0.05809, -0.06005, 0.03286]
REVENUE_COMPONENTS = [0.05171, -0.02887, -0.00381, -0.03474, 0.03825, 0.02598]

HOSTILE_TEXTS = {
    "empty": "",
    "white space": " \t\n\u3000",
    "NUL": "a\x00b",
    "only NUL": "\x00",
    "control characters": "".join(map(chr, range(32))),
    "lone high surrogate": "before \ud800 after",
    "lone low surrogate": "\udfff",
    "right to left": "\u202e\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "zero width": "\u200d" * 1000,
    "combining": "e" + "\u0301" * 10_000,
    "emoji": "\U0001f600" * 10_000,
    "special tokens": "[CLS] [SEP] [PAD] [MASK] [UNK] [SEP",
    "one huge word": "a" * 200_000,
    "chinese": "\u4e2d\u6587" * 20_000,
    "punctuation": "!]" * 20_000,
    "last code point": "\U0010ffff",
}


@pytest.fixture(scope="module")
def embedder() -> MiniLMEmbedder:
    return MiniLMEmbedder()


@pytest.fixture
def copied_model(tmp_path: Path) -> Path:
    return shutil.copytree(MODEL_FOLDER, tmp_path / "model")


def test_the_signature_stays_what_stores_have_registered() -> None:
    signature = MiniLMEmbedder().signature
    assert signature.name == "all-MiniLM-L6-v2"
    assert signature.dimension == 384
    assert signature.hash == SIGNATURE_HASH


def test_vectors_are_those_that_stores_hold(embedder: MiniLMEmbedder) -> None:
    cat, revenue = embedder.embed_documents([CAT, REVENUE])
    assert cat[:6] == pytest.approx(CAT_COMPONENTS, abs=1e-4)
    assert revenue[:6] == pytest.approx(REVENUE_COMPONENTS, abs=1e-4)


def test_texts_that_mean_the_same_are_close(embedder: MiniLMEmbedder) -> None:
    cat, kitten, revenue = embedder.embed_documents([CAT, KITTEN, REVENUE])
    assert cat @ kitten == pytest.approx(0.614, abs=1e-3)
    assert cat @ revenue == pytest.approx(-0.022, abs=1e-3)


def test_a_query_is_embedded_like_a_document(embedder: MiniLMEmbedder) -> None:
    query = embedder.embed_query(CAT)
    assert query.shape == (1, 384)
    assert query.tobytes() == embedder.embed_documents([CAT]).tobytes()


def test_no_texts_give_an_empty_matrix(embedder: MiniLMEmbedder) -> None:
    vectors = embedder.embed_documents([])
    assert vectors.shape == (0, 384)
    assert vectors.dtype == np.float32


def test_a_vector_does_not_depend_on_what_is_embedded_with_it(embedder: MiniLMEmbedder) -> None:
    others = [f"{CAT} " * length for length in range(1, 30)]
    alone = embedder.embed_documents([REVENUE])
    for texts in ([REVENUE, *others], [*others, REVENUE]):
        together = embedder.embed_documents(texts)
        assert together[texts.index(REVENUE)].tobytes() == alone.tobytes()


@pytest.mark.parametrize("name", HOSTILE_TEXTS)
def test_a_hostile_text_has_windows_and_a_unit_vector(embedder: MiniLMEmbedder, name: str) -> None:
    text = HOSTILE_TEXTS[name]
    windows = embedder.split(text)
    assert windows[0] == text[: len(windows[0])]
    assert windows[-1] == text[len(text) - len(windows[-1]) :]
    vectors = embedder.embed_documents([text, windows[-1]])
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(2), abs=1e-5)


def test_a_lone_surrogate_changes_nothing(embedder: MiniLMEmbedder) -> None:
    with_surrogate = embedder.embed_query("The cat \ud800sat on the mat.")
    assert with_surrogate.tobytes() == embedder.embed_query(CAT).tobytes()


def test_what_lies_beyond_the_first_window_does_not_reach_the_vector(
    embedder: MiniLMEmbedder,
) -> None:
    text = "one two three four five " * 4_000
    window = "one two three four five " * 50 + "one two three four"
    assert embedder.embed_query(text).tobytes() == embedder.embed_query(window).tobytes()


def test_a_fact_at_the_end_of_5000_words_is_nearest_by_its_window(embedder: MiniLMEmbedder) -> None:
    filler = " ".join(
        f"On day {day} the team talked about lunch and the weather." for day in range(455)
    )
    windows = embedder.split(f"{filler} The staging database listens on port 6543.")
    assert len(f"{filler}".split()) >= 5_000
    similarities = embedder.embed_documents(windows) @ embedder.embed_query("database port")[0]
    assert similarities.argmax() == len(windows) - 1


def test_threads_that_start_together_load_the_model_once(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[Path] = []
    embedder = MiniLMEmbedder()
    together = threading.Barrier(4)

    def note(path: Path, _checksum: str) -> None:
        verified.append(path)

    def embed() -> bytes:
        together.wait()
        return embedder.embed_query(CAT).tobytes()

    monkeypatch.setattr(minilm, "verify", note)
    with ThreadPoolExecutor(4) as pool:
        answers = [future.result() for future in [pool.submit(embed) for _ in range(4)]]
    assert len(set(answers)) == 1
    assert sorted(path.name for path in verified) == ["model.onnx", "tokenizer.json"]


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_changed_file_is_refused_by_name(copied_model: Path, name: str) -> None:
    changed = bytearray((copied_model / name).read_bytes())
    changed[len(changed) // 2] ^= 1
    (copied_model / name).write_bytes(changed)
    with pytest.raises(EmbeddingError, match=name) as caught:
        MiniLMEmbedder(copied_model).embed_query(CAT)
    assert "was changed" in str(caught.value)
    assert "--force-reinstall" in caught.value.hint


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_missing_file_is_named(copied_model: Path, name: str) -> None:
    (copied_model / name).unlink()
    with pytest.raises(EmbeddingError, match=name) as caught:
        MiniLMEmbedder(copied_model).split(CAT)
    assert "--force-reinstall" in caught.value.hint


def test_a_missing_list_of_checksums_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmbeddingError, match="SHA256SUMS"):
        MiniLMEmbedder(tmp_path)


def test_a_list_of_checksums_without_the_network_says_so(tmp_path: Path) -> None:
    (tmp_path / "SHA256SUMS").write_bytes(b"\xff" + b"0" * 64 + b"  other.txt\n")
    with pytest.raises(EmbeddingError, match=r"no checksum of model\.onnx"):
        MiniLMEmbedder(tmp_path)


def test_another_file_gives_another_signature(copied_model: Path) -> None:
    sums = (copied_model / "SHA256SUMS").read_text("utf-8")
    (copied_model / "SHA256SUMS").write_text(sums.replace("29e79b94", "39e79b94"), "utf-8")
    assert MiniLMEmbedder(copied_model).signature.hash != SIGNATURE_HASH


def test_a_network_that_onnxruntime_cannot_load_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"not a network")
    with pytest.raises(EmbeddingError, match=r"broken\.onnx"):
        open_session(tmp_path / "broken.onnx")


def test_a_missing_runtime_is_an_embedding_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vestige.embedding.sentence_encoder", None)
    with pytest.raises(EmbeddingError, match="cannot run here") as caught:
        MiniLMEmbedder().embed_query(CAT)
    assert "onnxruntime" in caught.value.hint
