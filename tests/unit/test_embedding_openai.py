from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from embedding_server import KEY, Answer, embedding_server, vectors_of
from vestige.embedding import openai
from vestige.embedding.minilm import MODEL_FOLDER
from vestige.embedding.openai import BATCH_TEXTS, WINDOW_TOKENS, OpenAIEmbedder, remote_signature
from vestige.embedding.openai_endpoint import EmbeddingsEndpoint
from vestige.embedding.windows import MAX_WINDOWS
from vestige.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Generator

    from embedding_server import EmbeddingServer

MODEL = "test-embed"
# Every store that holds vectors of such a model has this hash registered.
SMALL_HASH = "742fc1cb75c7f20673027e6c37698b8cb73f18809f8c21d73a7fe66537a44d87"


@pytest.fixture
def server() -> Generator[EmbeddingServer]:
    with embedding_server() as running:
        yield running


@pytest.fixture
def embedder(server: EmbeddingServer) -> OpenAIEmbedder:
    return OpenAIEmbedder(model=MODEL, base_url=server.base_url, api_key=KEY)


def expected(texts: list[str], dimension: int = 8) -> list[float]:
    """Return the unit vectors of the server's answer, one after the other."""
    return [value for row in vectors_of(texts, dimension, scale=1.0) for value in row]


def test_a_request_names_model_and_texts_and_carries_the_key(
    server: EmbeddingServer, embedder: OpenAIEmbedder
) -> None:
    embedder.embed_documents(["one", "two"])
    (request,) = server.requests
    assert request.path == "/v1/embeddings"
    assert request.authorization == f"Bearer {KEY}"
    assert (request.model, request.texts) == (MODEL, ["one", "two"])
    assert request.dimensions is None


def test_without_a_key_none_is_sent(server: EmbeddingServer) -> None:
    OpenAIEmbedder(model=MODEL, base_url=server.base_url).embed_query("one")
    assert server.requests[0].authorization is None


@pytest.mark.parametrize("suffix", ["/", "/?api-version=1"])
def test_the_query_of_the_address_is_kept_and_a_last_slash_is_not(
    server: EmbeddingServer, suffix: str
) -> None:
    OpenAIEmbedder(model=MODEL, base_url=server.base_url + suffix).embed_query("one")
    assert server.requests[0].path == f"/v1/embeddings{suffix[1:]}"


def test_vectors_are_float32_of_unit_length(embedder: OpenAIEmbedder) -> None:
    texts = ["one", "two three", "four"]
    vectors = embedder.embed_documents(texts)
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, 8)
    assert vectors.ravel() == pytest.approx(expected(texts), abs=1e-6)


def test_a_query_is_one_row(embedder: OpenAIEmbedder) -> None:
    query = embedder.embed_query("one")
    assert query.shape == (1, 8)
    assert query.ravel() == pytest.approx(expected(["one"]), abs=1e-6)


def test_vectors_are_put_in_the_order_of_their_index(
    server: EmbeddingServer, embedder: OpenAIEmbedder
) -> None:
    first, second = vectors_of(["one", "two"], 8)
    data = [{"index": 1, "embedding": second}, {"index": 0, "embedding": first}]
    server.answers.append(Answer(body={"data": data}))
    vectors = embedder.embed_documents(["one", "two"])
    assert vectors.ravel() == pytest.approx(expected(["one", "two"]), abs=1e-6)


def test_vectors_without_an_index_are_taken_in_their_order(
    server: EmbeddingServer, embedder: OpenAIEmbedder
) -> None:
    data = [{"embedding": vector} for vector in vectors_of(["one", "two"], 8)]
    server.answers.append(Answer(body={"data": data}))
    vectors = embedder.embed_documents(["one", "two"])
    assert vectors.ravel() == pytest.approx(expected(["one", "two"]), abs=1e-6)


def test_many_texts_go_in_batches_and_come_back_in_order(
    server: EmbeddingServer, embedder: OpenAIEmbedder
) -> None:
    texts = [f"text {number}" for number in range(2 * BATCH_TEXTS + 1)]
    vectors = embedder.embed_documents(texts)
    assert [len(request.texts) for request in server.requests] == [BATCH_TEXTS, BATCH_TEXTS, 1]
    assert vectors.ravel() == pytest.approx(expected(texts), abs=1e-6)


def test_long_texts_make_smaller_batches(
    server: EmbeddingServer, embedder: OpenAIEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai, "BATCH_CHARACTERS", 10)
    embedder.embed_documents(["four", "five5", "x", "longer than all of it", "y"])
    assert [request.texts for request in server.requests] == [
        ["four", "five5", "x"],
        ["longer than all of it"],
        ["y"],
    ]


def test_no_texts_give_an_empty_matrix(embedder: OpenAIEmbedder) -> None:
    assert embedder.embed_documents([]).shape == (0, 8)


def test_a_lone_surrogate_is_replaced(server: EmbeddingServer, embedder: OpenAIEmbedder) -> None:
    embedder.embed_query("before \ud800 after \U0001f600")
    assert server.requests[0].texts == ["before \ufffd after \U0001f600"]


def test_the_signature_asks_once_in_a_process(server: EmbeddingServer) -> None:
    embedders = [OpenAIEmbedder(model=MODEL, base_url=server.base_url) for _ in range(2)]
    assert {embedder.signature for embedder in embedders} == {remote_signature(MODEL, 8)}
    assert len(server.requests) == 1


def test_a_first_answer_is_enough_to_know_the_signature(
    server: EmbeddingServer, embedder: OpenAIEmbedder
) -> None:
    embedder.embed_query("one")
    assert embedder.signature.dimension == 8
    assert len(server.requests) == 1


def test_a_given_dimension_is_asked_for_and_known_without_asking(server: EmbeddingServer) -> None:
    embedder = OpenAIEmbedder(model=MODEL, base_url=server.base_url, dimension=4)
    assert embedder.signature.dimension == 4
    assert not server.requests
    assert embedder.embed_query("one").shape == (1, 4)
    assert server.requests[0].dimensions == 4


def test_the_model_of_the_store_is_recognised_without_asking(server: EmbeddingServer) -> None:
    registered = remote_signature(MODEL, 8)
    embedder = OpenAIEmbedder(model=MODEL, base_url=server.base_url, registered=registered)
    assert embedder.signature == registered
    assert not server.requests


def test_another_model_than_that_of_the_store_has_its_own_signature(
    server: EmbeddingServer,
) -> None:
    embedder = OpenAIEmbedder(
        model=MODEL, base_url=server.base_url, registered=remote_signature("another", 8)
    )
    assert embedder.signature == remote_signature(MODEL, 8)


def test_the_signature_stays_what_stores_have_registered() -> None:
    signature = remote_signature("text-embedding-3-small", 1536)
    assert signature.name == "openai:text-embedding-3-small"
    assert signature.hash == SMALL_HASH


def test_name_and_dimension_decide_the_signature() -> None:
    hashes = {remote_signature(name, size).hash for name in ("a", "b") for size in (8, 9)}
    assert len(hashes) == 4


@pytest.mark.parametrize("key", ["sk-\u00e9", "sk-1\n", "sk-1\r\nX-Other: 1"])
def test_a_key_that_no_header_holds_is_refused_unseen(key: str) -> None:
    with pytest.raises(ConfigError, match=r"embeddings\.api_key") as caught:
        OpenAIEmbedder(model=MODEL, base_url="http://127.0.0.1/v1", api_key=key)
    assert "sk-" not in str(caught.value)


def windows_of(text: str) -> list[str]:
    return OpenAIEmbedder(model=MODEL, base_url="http://127.0.0.1/v1").split(text)


@pytest.mark.parametrize("text", ["", " ", "short", " w" * WINDOW_TOKENS])
def test_a_text_that_fits_is_returned_as_it_is(text: str) -> None:
    assert windows_of(text) == [text]


@given(
    st.lists(
        st.sampled_from(
            ["word ", "\u4e2d\u6587", " " * 90, "x" * 200, "\U0001f600", "\ud800", "\n"]
        )
        | st.text(max_size=5),
        min_size=1,
        max_size=400,
    ).map("".join)
)
def test_windows_cover_the_text_in_order(text: str) -> None:
    covered = start = 0
    for window in windows_of(text):
        start = text.rindex(window, start, covered + len(window))
        covered = start + len(window)
    assert covered == len(text)


def test_words_are_not_cut() -> None:
    words = ["unbelievably", "straightforward", "antidisestablishmentarianism"] * 200
    windows = windows_of(" ".join(words))
    assert len(windows) > 5
    for window in windows:
        assert set(window.split()) <= set(words)


def test_the_windows_of_a_megabyte_are_bounded_in_number_and_size() -> None:
    windows = windows_of("x" * 1_000_000)
    assert len(windows) == MAX_WINDOWS
    assert max(map(len, windows)) <= 3 * WINDOW_TOKENS


DIGESTS = [hashlib.sha512(bytes([number])) for number in range(60)]
LONG_TEXTS = {
    "english": "The harbour was quiet when the train left at dawn. " * 200,
    "german": "Die Geschwindigkeitsbegrenzung wird regelm\u00e4\u00dfig \u00fcberpr\u00fcft. "
    * 200,
    "russian": "\u041c\u044b \u0445\u0440\u0430\u043d\u0438\u043c \u0434\u043e\u043c. " * 300,
    "chinese": "\u6211\u4eec\u628a\u94b1\u5b58\u5728\u94f6\u884c\u3002" * 400,
    "code": "assert vectors[row].shape == (len(texts), self._dimension), texts[0:3]\n" * 100,
    "json": json.dumps([{"id": "0f8fad5b-d9cb-469f-a165", "weight": 0.25, "reps": 3}] * 100),
    "hexadecimal": " ".join(digest.hexdigest() for digest in DIGESTS),
    "base64": " ".join(base64.b64encode(digest.digest()).decode() for digest in DIGESTS),
    "emoji": "\U0001f600\U0001f680 " * 1000,
}


@pytest.mark.parametrize("kind", LONG_TEXTS)
def test_a_window_fits_a_model_that_reads_512_tokens(kind: str) -> None:
    tokenizer = Tokenizer.from_file(str(MODEL_FOLDER / "tokenizer.json"))
    tokenizer.no_truncation()
    windows = windows_of(LONG_TEXTS[kind])
    assert len(windows) > 2
    assert max(len(tokenizer.encode(window)) for window in windows) <= 512


def test_connections_end_with_their_embedder(
    server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    close = EmbeddingsEndpoint.close

    def note(endpoint: EmbeddingsEndpoint) -> None:
        closed.append(endpoint.shown_url)
        close(endpoint)

    monkeypatch.setattr(EmbeddingsEndpoint, "close", note)
    embedder = OpenAIEmbedder(model=MODEL, base_url=server.base_url)
    embedder.embed_query("one")
    assert not closed
    del embedder
    assert closed == [f"{server.base_url}/embeddings"]
