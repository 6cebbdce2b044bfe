from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from vestige.config import EmbeddingsSettings
from vestige.embedding import KNOWN_MODELS, choose_embedder, embedder_for, open_embedder
from vestige.embedding.fastembed import FastEmbedEmbedder
from vestige.embedding.hashing import HashingEmbedder
from vestige.embedding.minilm import MODEL_FOLDER, MiniLMEmbedder
from vestige.embedding.openai import OpenAIEmbedder, remote_signature
from vestige.errors import ConfigError

if TYPE_CHECKING:
    from vestige.models import ModelSignature

SIGNATURE = open_embedder().signature
URL = "http://127.0.0.1:9/v1"
REMOTE = remote_signature("text-embedding-3-small", 1536)


def test_the_default_is_the_built_in_model() -> None:
    assert isinstance(open_embedder(), MiniLMEmbedder)
    assert isinstance(open_embedder("builtin", "all-MiniLM-L6-v2"), MiniLMEmbedder)


def test_the_hashing_embedder_is_used_where_it_is_named() -> None:
    assert open_embedder("hashing").signature == HashingEmbedder().signature
    assert open_embedder("hashing", "hashing-384").signature.dimension == 384


def test_every_known_model_can_be_opened_by_its_name() -> None:
    for known in KNOWN_MODELS:
        assert open_embedder(known.provider, known.model).signature.name == known.model


def test_models_for_tests_say_so_in_their_description() -> None:
    for known in KNOWN_MODELS:
        assert known.for_tests == ("for tests" in known.description)


def test_an_unknown_provider_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'magic'; known: builtin, hashing, fastembed, openai$"):
        open_embedder("magic")


def test_an_unknown_model_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'bert-huge'; known: all-MiniLM-L6-v2"):
        open_embedder("builtin", "bert-huge")


def test_a_registered_signature_finds_its_embedder() -> None:
    embedder = embedder_for(SIGNATURE)
    assert embedder is not None
    assert embedder.signature == SIGNATURE


@pytest.mark.parametrize(
    "signature",
    [
        replace(SIGNATURE, hash="0" * 64),
        replace(SIGNATURE, name="another"),
        HashingEmbedder().signature,
    ],
    ids=["other hash", "other name", "for tests"],
)
def test_a_signature_of_no_model_to_be_chosen_unasked_finds_none(signature: ModelSignature) -> None:
    assert embedder_for(signature) is None


def test_a_server_is_used_where_model_and_address_are_given() -> None:
    embedder = open_embedder("openai", "text-embedding-3-small", base_url=URL, registered=REMOTE)
    assert isinstance(embedder, OpenAIEmbedder)
    assert embedder.signature == REMOTE


@pytest.mark.parametrize(
    ("model", "base_url", "missing"),
    [(None, URL, "model"), ("text-embedding-3-small", None, "base_url"), (None, None, "model")],
)
def test_a_server_without_model_or_address_says_what_is_missing(
    model: str | None, base_url: str | None, missing: str
) -> None:
    with pytest.raises(ConfigError, match=f"'openai' needs a {missing}$") as caught:
        open_embedder("openai", model, base_url=base_url)
    assert "base_url = " in caught.value.hint


def test_fastembed_needs_a_model() -> None:
    with pytest.raises(ConfigError, match="'fastembed' needs a model"):
        open_embedder("fastembed")


@pytest.mark.parametrize("provider", ["builtin", "hashing", "fastembed"])
def test_an_address_for_a_provider_without_a_server_is_refused(provider: str) -> None:
    with pytest.raises(ConfigError, match=rf"embeddings\.base_url is given.*'{provider}'"):
        open_embedder(provider, base_url=URL)


def test_a_dimension_for_a_provider_that_cannot_follow_it_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"embeddings\.dimension is given"):
        open_embedder("builtin", dimension=256)


def test_settings_choose_the_server_with_all_they_say() -> None:
    settings = EmbeddingsSettings.model_validate(
        {
            "provider": "openai",
            "model": "text-embedding-3-small",
            "base_url": URL,
            "dimension": 256,
            "api_key": "sk-1",
        }
    )
    embedder = choose_embedder(settings)
    assert embedder.signature == remote_signature("text-embedding-3-small", 256)


def test_settings_choose_a_folder() -> None:
    settings = EmbeddingsSettings(provider="fastembed", model=str(MODEL_FOLDER))
    assert isinstance(choose_embedder(settings, SIGNATURE), FastEmbedEmbedder)


def test_without_settings_a_new_store_gets_the_built_in_model() -> None:
    assert choose_embedder(EmbeddingsSettings()).signature == SIGNATURE


def test_without_settings_the_model_of_the_store_decides() -> None:
    assert choose_embedder(EmbeddingsSettings(), SIGNATURE).signature == SIGNATURE


def test_an_address_without_a_provider_is_refused_whatever_the_store_holds() -> None:
    for registered in (None, SIGNATURE, REMOTE):
        with pytest.raises(ConfigError, match=r"embeddings\.base_url is given"):
            choose_embedder(EmbeddingsSettings(base_url=URL), registered)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (REMOTE.name, ['"openai"', '"text-embedding-3-small"', "base_url"]),
        ("fastembed:BAAI/bge-small-en-v1.5", ['"fastembed"', '"BAAI/bge-small-en-v1.5"']),
        ("openai:qwen3-embedding:8b", ['"openai"', '"qwen3-embedding:8b"']),
    ],
)
def test_without_settings_a_store_of_another_provider_says_what_to_write(
    name: str, lines: list[str]
) -> None:
    with pytest.raises(ConfigError, match=name) as caught:
        choose_embedder(EmbeddingsSettings(), replace(REMOTE, name=name))
    for line in lines:
        assert line in caught.value.hint
