from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from vestige.embedding import KNOWN_MODELS, embedder_for, open_embedder
from vestige.embedding.hashing import HashingEmbedder
from vestige.embedding.minilm import MiniLMEmbedder
from vestige.errors import ConfigError

if TYPE_CHECKING:
    from vestige.models import ModelSignature

SIGNATURE = open_embedder().signature


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
    with pytest.raises(ConfigError, match="'magic'; known: builtin, hashing"):
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
