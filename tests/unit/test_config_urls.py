from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestige.config.urls import mask_url, split_url


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql://ada:pw@db/m", "postgresql://ada:***@db/m"),
        ("postgresql://:pw@db/m", "postgresql://:***@db/m"),
        ("postgresql://ada:@db/m", "postgresql://ada:***@db/m"),
        ("postgresql://ada@db:5432/m", "postgresql://ada@db:5432/m"),
        ("postgresql:///m", "postgresql:///m"),
        ("postgresql://a:pw@h1:1,h2:2/m", "postgresql://a:***@h1:1,h2:2/m"),
        ("postgresql://a:pw@[::1]:5432/m", "postgresql://a:***@[::1]:5432/m"),
        ("postgresql://a:p@w@db/m", "postgresql://a:***@db/m"),
        (
            "postgresql://db/m?user=a&password=pw&sslmode=require",
            "postgresql://db/m?user=a&password=***&sslmode=require",
        ),
        ("postgresql://db/m?p%61ssword=pw", "postgresql://db/m?p%61ssword=***"),
        ("postgresql://db/m?sslpassword=pw", "postgresql://db/m?sslpassword=***"),
        ("http://h/v1#part", "http://h/v1#part"),
        ("embedded", "embedded"),
        ("/home/ada/store.db", "/home/ada/store.db"),
    ],
)
def test_a_url_is_shown_with_all_but_its_password(url: str, masked: str) -> None:
    assert mask_url(url) == masked


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://a:p/w@db/m",
        "postgresql://a:p#w@db/m",
        "postgresql://a:p?w@db/m",
        "postgresql://a:p@w/x@db/m",
        "postgresql://a:1?w@db/m",
        "postgresql://a:[w@db/m",
        "postgresql://a:p w@db/m",
        "postgresql://a:pw@db:x/m",
    ],
)
def test_a_url_whose_parts_are_not_certain_is_shown_by_its_scheme_alone(url: str) -> None:
    assert split_url(url) is None
    assert mask_url(url) == "postgresql://***"


@given(st.text(min_size=1))
def test_no_escaped_password_survives_the_mask(password: str) -> None:
    url = f"postgresql://ada:{quote(password, safe='', errors='replace')}@db:5432/m"
    assert mask_url(url) == "postgresql://ada:***@db:5432/m"


@given(st.text(alphabet="/?#@:[]%&=,;\\ \n\tqz", max_size=20))
def test_no_raw_password_survives_the_mask(middle: str) -> None:
    password = f"Secret{middle}Hidden"
    masked = mask_url(f"postgresql://ada:{password}@db/m")
    assert "Secret" not in masked
    assert "Hidden" not in masked
