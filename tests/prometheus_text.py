"""Reading the text form of Prometheus in tests."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families


def sample(text: str, name: str, **labels: str) -> float | None:
    """Return the one value with a name and these labels, None when there is none."""
    values = [
        found.value
        for family in text_string_to_metric_families(text)
        for found in family.samples
        if found.name == name and labels.items() <= found.labels.items()
    ]
    assert len(values) <= 1, values
    return values[0] if values else None


def names(text: str) -> set[str]:
    """Return the names of all values."""
    return {
        found.name for family in text_string_to_metric_families(text) for found in family.samples
    }
