"""What a server can do wrong, and that the key is never in what is said about it."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from embedding_server import KEY, Answer, as_answer, embedding_server, vectors_of
from vestige.embedding.openai import OpenAIEmbedder, remote_signature
from vestige.embedding.openai_endpoint import MAX_ATTEMPTS
from vestige.errors import EmbeddingError

if TYPE_CHECKING:
    from collections.abc import Generator

    from embedding_server import EmbeddingServer

TEXTS = ["one", "two"]
MODEL = "test-embed"


@pytest.fixture
def server() -> Generator[EmbeddingServer]:
    with embedding_server() as running:
        yield running


@pytest.fixture
def waits() -> list[float]:
    """How long the embedder would have slept, one entry per wait."""
    return []


@pytest.fixture
def embedder(server: EmbeddingServer, waits: list[float]) -> OpenAIEmbedder:
    return OpenAIEmbedder(model=MODEL, base_url=server.base_url, api_key=KEY, sleep=waits.append)


@contextmanager
def refused() -> Generator[pytest.ExceptionInfo[EmbeddingError]]:
    """Expect an error that says what to do and does not hold the key."""
    with pytest.raises(EmbeddingError) as caught:
        yield caught
    error = caught.value
    assert error.hint
    assert KEY not in f"{error} {error.hint} {error!r}"


def message_of(embedder: OpenAIEmbedder) -> str:
    """Embed two texts, and return the message of the error that this must bring."""
    with refused() as caught:
        embedder.embed_documents(TEXTS)
    return str(caught.value)


def vectors_answer(vectors: object) -> Answer:
    return Answer(body={"data": [{"index": 0, "embedding": vectors}, {"embedding": [1.0, 0.0]}]})


def test_a_refused_connection_is_reported_at_once_with_the_address(waits: list[float]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening: refused for certain
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        embedder = OpenAIEmbedder(model=MODEL, base_url=url, api_key=KEY, sleep=waits.append)
        with refused() as caught:
            embedder.embed_query("one")
    assert url in str(caught.value)
    assert "cannot be reached" in str(caught.value)
    assert "Start the server" in caught.value.hint
    assert not waits


def test_a_silent_server_is_a_timeout_after_all_attempts(
    server: EmbeddingServer, waits: list[float]
) -> None:
    server.answers += [Answer(is_silent=True)] * MAX_ATTEMPTS
    embedder = OpenAIEmbedder(
        model=MODEL, base_url=server.base_url, answer_seconds=0.02, sleep=waits.append
    )
    assert "did not answer in time (5 attempts)" in message_of(embedder)
    assert len(waits) == MAX_ATTEMPTS - 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_said_without_quoting_the_answer(
    server: EmbeddingServer, embedder: OpenAIEmbedder, waits: list[float], status: int
) -> None:
    body = {"error": {"message": "Incorrect API key provided: sk-se****7890"}}
    server.answers.append(Answer(status=status, body=body))
    with refused() as caught:
        embedder.embed_query("one")
    assert f"{status}" in str(caught.value)
    assert "refuses the key" in str(caught.value)
    assert "7890" not in str(caught.value)
    assert "VESTIGE_EMBEDDINGS_API_KEY" in caught.value.hint
    assert not waits


def test_a_missing_key_is_said_to_be_missing(server: EmbeddingServer) -> None:
    server.answers.append(Answer(status=401))
    embedder = OpenAIEmbedder(model=MODEL, base_url=server.base_url)
    assert "wants a key" in message_of(embedder)


def test_an_unknown_model_is_reported_in_the_words_of_the_server(
    server: EmbeddingServer, embedder: OpenAIEmbedder, waits: list[float]
) -> None:
    server.answers.append(Answer(status=404, body={"error": {"message": "no model test-embed"}}))
    with refused() as caught:
        embedder.embed_query("one")
    assert "404 Not Found: no model test-embed" in str(caught.value)
    assert "`model`" in caught.value.hint
    assert not waits


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again(
    server: EmbeddingServer, embedder: OpenAIEmbedder, waits: list[float], status: int
) -> None:
    server.answers += [Answer(status=status)] * 2
    assert embedder.embed_documents(TEXTS).shape == (2, 8)
    assert len(waits) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_after_all_attempts_the_last_answer_is_reported(
    server: EmbeddingServer, embedder: OpenAIEmbedder, status: int
) -> None:
    server.answers += [Answer(status=status, body={"error": "slow down"})] * MAX_ATTEMPTS
    message = message_of(embedder)
    assert f"{status}" in message
    assert "slow down (5 attempts)" in message
    assert len(server.requests) == MAX_ATTEMPTS


def test_waits_double_and_vary(
    server: EmbeddingServer, embedder: OpenAIEmbedder, waits: list[float]
) -> None:
    server.answers += [Answer(status=500)] * MAX_ATTEMPTS
    message_of(embedder)
    assert len(waits) == MAX_ATTEMPTS - 1
    for wait, least in zip(waits, [0.5, 1, 2, 4], strict=True):
        assert least <= wait <= least + 0.5


@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_that_a_server_asks_for_is_kept(
    server: EmbeddingServer, embedder: OpenAIEmbedder, waits: list[float], status: int
) -> None:
    server.answers.append(Answer(status=status, headers={"Retry-After": "17"}))
    embedder.embed_query("one")
    assert 17 <= waits[0] <= 17.5


def test_a_wait_until_a_date_is_measured_by_the_clock_of_the_server(
    server: EmbeddingServer, embedder: OpenAIEmbedder, waits: list[float]
) -> None:
    dates = {
        "Date": "Fri, 17 May 2024 09:30:00 GMT",
        "Retry-After": "Fri, 17 May 2024 09:30:12 GMT",
    }
    server.answers.append(Answer(status=503, headers=dates))
    embedder.embed_query("one")
    assert 12 <= waits[0] <= 12.5


@pytest.mark.parametrize("value", ["soon", "-3", "1.5", "", "Fri, 99 May 2024"])
def test_a_wait_that_cannot_be_read_is_left_to_the_backoff(
    server: EmbeddingServer, embedder: OpenAIEmbedder, waits: list[float], value: str
) -> None:
    server.answers.append(Answer(status=429, headers={"Retry-After": value}))
    embedder.embed_query("one")
    assert 0.5 <= waits[0] <= 1


def test_a_server_that_asks_for_an_hour_is_not_waited_for(
    server: EmbeddingServer, embedder: OpenAIEmbedder, waits: list[float]
) -> None:
    server.answers.append(Answer(status=429, headers={"Retry-After": "3600"}))
    assert "asks to wait 3600 s" in message_of(embedder)
    assert not waits


def test_another_refusal_is_quoted_shortened_and_without_the_key(
    server: EmbeddingServer, embedder: OpenAIEmbedder
) -> None:
    body = {"detail": f"bad\ninput from {KEY}\x1b[31m " + "x" * 1000}
    server.answers.append(Answer(status=400, body=body))
    message = message_of(embedder)
    assert "400 Bad Request: bad input from *** [31m xxx" in message
    assert len(message) < 350


@pytest.mark.parametrize("body", ["", "[" * 100_000, {"error": {"code": 7}}, [1], {"error": " "}])
def test_a_refusal_without_words_is_reported_by_its_status(
    server: EmbeddingServer, embedder: OpenAIEmbedder, body: object
) -> None:
    server.answers.append(Answer(status=400, body=body))
    assert message_of(embedder).endswith("answered 400 Bad Request")


def test_a_redirect_is_not_followed(server: EmbeddingServer, embedder: OpenAIEmbedder) -> None:
    headers = {"Location": f"{server.base_url}/elsewhere"}
    server.answers.append(Answer(status=307, headers=headers))
    with refused() as caught:
        embedder.embed_query("one")
    assert "307" in str(caught.value)
    assert "`base_url`" in caught.value.hint
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", ["<html>Welcome</html>", "", "[" * 100_000, "\x00"])
def test_html_instead_of_json_is_named(
    server: EmbeddingServer, embedder: OpenAIEmbedder, body: str
) -> None:
    server.answers.append(Answer(body=body))
    with refused() as caught:
        embedder.embed_query("one")
    assert "answered with text/html, which is not JSON" in str(caught.value)
    assert "/v1" in caught.value.hint


@pytest.mark.parametrize("body", [{}, [], 7, None, {"data": None}, {"data": {"0": [1.0]}}])
def test_json_without_data_is_named(
    server: EmbeddingServer, embedder: OpenAIEmbedder, body: object
) -> None:
    server.answers.append(Answer(body=body))
    assert "answered without `data`" in message_of(embedder)


def test_an_error_in_an_answer_that_claims_success_is_quoted(
    server: EmbeddingServer, embedder: OpenAIEmbedder
) -> None:
    server.answers.append(Answer(body={"error": {"message": "model is loading"}}))
    assert "without `data`: model is loading" in message_of(embedder)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_another_number_of_vectors_than_of_texts_is_named(
    server: EmbeddingServer, embedder: OpenAIEmbedder, count: int
) -> None:
    server.answers.append(Answer(body=as_answer([[1.0, 2.0]] * count)))
    assert f"{count} vectors for 2 texts" in message_of(embedder)


@pytest.mark.parametrize("second", [0, 2, -1, "1", [1], None, 1.5])
def test_an_index_that_is_twice_or_out_of_range_is_named(
    server: EmbeddingServer, embedder: OpenAIEmbedder, second: object
) -> None:
    data = [{"index": 0, "embedding": [1.0]}, {"index": second, "embedding": [1.0]}]
    server.answers.append(Answer(body={"data": data}))
    assert "`index` is not 0 to 1" in message_of(embedder)


@pytest.mark.parametrize(
    "vector", [[1.0], "text", [[1.0], [2.0]], ["a", "b"], [{}, {}], None, [10**400, 1], []]
)
def test_a_vector_that_is_no_list_of_numbers_of_that_length_is_named(
    server: EmbeddingServer, embedder: OpenAIEmbedder, vector: object
) -> None:
    server.answers.append(vectors_answer(vector))
    assert "not lists of numbers of one length" in message_of(embedder)


def test_empty_vectors_are_named(server: EmbeddingServer, embedder: OpenAIEmbedder) -> None:
    server.answers.append(Answer(body=as_answer([[], []])))
    assert "answered without vectors" in message_of(embedder)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), None, 1e300], ids=str)
def test_a_vector_that_has_no_finite_length_is_named(
    server: EmbeddingServer, embedder: OpenAIEmbedder, value: object
) -> None:
    server.answers.append(vectors_answer([value, 1.0]))
    assert "NaN or infinity in vector 1 of 2" in message_of(embedder)


def test_a_zero_vector_is_named(server: EmbeddingServer, embedder: OpenAIEmbedder) -> None:
    server.answers.append(vectors_answer([0.0, -0.0]))
    assert "only zeros in vector 1 of 2" in message_of(embedder)


def test_very_long_and_very_short_vectors_are_scaled_like_others(
    server: EmbeddingServer, embedder: OpenAIEmbedder
) -> None:
    server.answers.append(Answer(body=as_answer([[3e100, 4e100], [3e-100, -4e-100]])))
    vectors = embedder.embed_documents(TEXTS)
    assert vectors.ravel() == pytest.approx(np.array([0.6, 0.8, 0.6, -0.8]), abs=1e-6)


def test_a_server_that_does_not_follow_the_dimension_is_named(server: EmbeddingServer) -> None:
    server.answers.append(Answer(body=as_answer(vectors_of(TEXTS, 8))))
    embedder = OpenAIEmbedder(model=MODEL, base_url=server.base_url, dimension=4)
    with refused() as caught:
        embedder.embed_documents(TEXTS)
    assert "8 dimensions for the model 'test-embed', not 4" in str(caught.value)
    assert "`dimension`" in caught.value.hint


def test_another_length_than_that_of_the_store_is_named(server: EmbeddingServer) -> None:
    registered = remote_signature(MODEL, 16)
    embedder = OpenAIEmbedder(model=MODEL, base_url=server.base_url, registered=registered)
    with refused() as caught:
        embedder.embed_documents(TEXTS)
    assert "8 dimensions for the model 'test-embed', not 16" in str(caught.value)
    assert "`base_url`" in caught.value.hint


def test_a_model_whose_length_changes_while_the_process_runs_is_named(
    server: EmbeddingServer, embedder: OpenAIEmbedder
) -> None:
    assert embedder.signature.dimension == 8
    server.dimension = 9
    assert "9 dimensions" in message_of(embedder)


def test_an_embedder_works_again_after_a_failure(
    server: EmbeddingServer, embedder: OpenAIEmbedder
) -> None:
    server.answers.append(Answer(status=400))
    message_of(embedder)
    assert embedder.embed_documents(TEXTS).shape == (2, 8)
