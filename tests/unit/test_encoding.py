"""JSON text is the same whatever database it goes to."""

from __future__ import annotations

import pytest

from vestige.storage.encoding import json_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": -0.0}, '{"a":0.0}'),
        ({"a": [-0.0, {"b": -0.0}, -0.5, 0]}, '{"a":[0.0,{"b":0.0},-0.5,0]}'),
        ({"a": "-0.0", "-0.0": None}, '{"a":"-0.0","-0.0":null}'),
    ],
)
def test_a_negative_zero_is_written_as_zero_and_text_stays(value: object, text: str) -> None:
    assert json_text("metadata", value) == text
