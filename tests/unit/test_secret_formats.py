"""What counts as a key or token, and how long it takes to see that."""

from __future__ import annotations

import gc
import importlib
import re
import time
from functools import cache
from typing import TYPE_CHECKING, Final, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secret_samples import FRAMED, HARMLESS, SECRETS
from vestige.cognition.secret_formats import secret_formats
from vestige.cognition.secret_search import find_secrets, without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

WHOLE: Final = [(kind, secret) for kind, secrets in SECRETS.items() for secret in secrets]
IN_FRAMES: Final = [(kind, *parts) for kind, cases in FRAMED.items() for parts in cases]
HOSTILE_CHARACTERS: Final = 500_000
# Of the detectors of the library those whose formats cannot be mistaken for anything else.
COMPARED: Final = {
    "detect_secrets.plugins.aws": "AWSKeyDetector",
    "detect_secrets.plugins.azure_storage_key": "AzureStorageKeyDetector",
    "detect_secrets.plugins.github_token": "GitHubTokenDetector",
    "detect_secrets.plugins.openai": "OpenAIDetector",
    "detect_secrets.plugins.pypi_token": "PypiTokenDetector",
    "detect_secrets.plugins.sendgrid": "SendGridDetector",
    "detect_secrets.plugins.stripe": "StripeDetector",
}


@pytest.mark.parametrize(("kind", "secret"), WHOLE, ids=[kind for kind, _ in WHOLE])
def test_a_secret_is_found_and_taken_out_whole(kind: str, secret: str) -> None:
    for text in (secret, f"the key is {secret}, keep it", f'k="{secret}"', f"k={secret}\nnext"):
        spans = find_secrets(text)
        assert [(span.kind, text[span.start : span.end]) for span in spans] == [(kind, secret)]
        assert without_secrets(text, spans) == text.replace(secret, f"[{kind} removed]")


@pytest.mark.parametrize(("kind", "before", "secret", "after"), IN_FRAMES)
def test_only_the_secret_part_of_a_frame_is_taken_out(
    kind: str, before: str, secret: str, after: str
) -> None:
    text = f"{before}{secret}{after}"
    assert without_secrets(text, find_secrets(text)) == f"{before}[{kind} removed]{after}"


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_a_secret_is_left_alone(text: str) -> None:
    assert find_secrets(text) == []


@pytest.mark.parametrize("kind", ["AWS access key", "GitHub token", "API key", "Twilio API key"])
def test_what_stands_inside_of_a_longer_word_is_no_secret(kind: str) -> None:
    assert find_secrets(f"Zz{SECRETS[kind][0]}") == []


def test_a_private_key_that_is_cut_off_is_taken_out_to_its_end() -> None:
    (pem,) = [secret for secret in SECRETS["private key"] if "RSA" in secret]
    cut = pem[: pem.index("-----END")]
    assert (
        without_secrets(f"see {cut}", find_secrets(f"see {cut}")) == "see [private key removed]\n"
    )


def test_many_secrets_come_in_their_order_and_apart() -> None:
    secrets = [secret for kind, secret in WHOLE if kind != "private key"]
    text = " ".join(secrets)
    assert [text[span.start : span.end] for span in find_secrets(text)] == secrets


@given(st.sampled_from([secret for _, secret in WHOLE]), st.text(max_size=20), st.text(max_size=20))
def test_a_secret_is_found_whatever_stands_around_it(secret: str, before: str, after: str) -> None:
    text = f"{before} {secret} {after}"
    assert secret not in without_secrets(text, find_secrets(text))


@cache
def detectors() -> list[tuple[str, re.Pattern[str]]]:
    found: list[tuple[str, re.Pattern[str]]] = []
    for module, name in COMPARED.items():
        detector = cast("object", getattr(importlib.import_module(module), name))
        patterns = cast("list[re.Pattern[str]]", vars(detector)["denylist"])
        # One of them asks for quotes, and for any word before.
        found += [(name, one) for one in patterns if "aws.{0,20}" not in one.pattern]
    return found


@given(st.data())
def test_what_the_detectors_of_detect_secrets_find_is_found(data: st.DataObject) -> None:
    """The library is the oracle; why it is not used itself is in ADR 18."""
    _, pattern = data.draw(st.sampled_from(detectors()))
    ascii_only = re.compile(pattern.pattern, (pattern.flags & ~re.UNICODE) | re.ASCII)
    secret = data.draw(st.from_regex(ascii_only, fullmatch=True))
    assert find_secrets(f"before {secret} after")


def hostile_texts() -> Iterator[str]:
    for beginning in {one.marker or "aws key=authorization: basic " for one in secret_formats()}:
        for unit in {beginning, f"{beginning}{'Aa0' * 10}"}:
            yield (unit * (HOSTILE_CHARACTERS // len(unit) + 1))[:HOSTILE_CHARACTERS]
    for unit in (
        "sk-aaaaaaaaaaaaaaaaaT3BlbkFJ",
        "://a:",
        "://a:b",
        "-----BEGIN PRIVATE KEY-----",
        "a",
    ):
        yield (unit * (HOSTILE_CHARACTERS // len(unit) + 1))[:HOSTILE_CHARACTERS]


def test_no_text_of_half_a_megabyte_takes_a_search_long() -> None:
    for text in hostile_texts():
        gc.collect()  # not in the middle of it, for all that other tests have left
        started = time.thread_time()
        find_secrets(text)
        assert time.thread_time() - started < 2, text[:60]  # what starts anew takes longer
