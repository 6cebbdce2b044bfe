"""The page of the metrics and the dashboard say what a server says that runs."""

from __future__ import annotations

import json
import re
from typing import IO, TYPE_CHECKING, Final, cast
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mcp_clients import HASHING, SECONDS, raw_server
from pages import ROOT, read

if TYPE_CHECKING:
    from prometheus_client import Metric

PAGE: Final = ROOT / "docs" / "reference" / "metrics.md"
DASHBOARD: Final = ROOT / "deploy" / "grafana" / "vestige.json"
METRIC: Final = re.compile(r"\bvestige_\w+")
SUFFIXES: Final = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_count", "_sum"),
    "summary": ("_count", "_sum"),
}
ENVIRON: Final = HASHING | {
    "VESTIGE_LOGGING_FORMAT": "json",
    "VESTIGE_LOGGING_LEVEL": "info",
    "VESTIGE_LOGGING_SLOW_MS": "0",
    "VESTIGE_TELEMETRY_METRICS_ADDRESS": "127.0.0.1:0",
}


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Metric]:
    """What a server tells Prometheus after a few requests, by the names on the page."""
    with raw_server(tmp_path_factory.mktemp("served"), environ=ENVIRON) as server:
        entry = json.loads(cast("IO[bytes]", server.process.stderr).readline())
        server.initialize()
        for tool, arguments in (
            ("remember", {"content": "one"}),
            ("recall", {"query": "one"}),
            ("recall", {"query": ""}),
        ):
            server.request("tools/call", name=tool, arguments=arguments)
        url = entry["message"].rpartition(" ")[2]
        with urlopen(url, timeout=SECONDS) as answer:  # noqa: S310  # that of our own server
            text = cast("bytes", answer.read()).decode()
    families = text_string_to_metric_families(text)
    return {
        f"{family.name}_total" if family.type == "counter" else family.name: family
        for family in families
        if family.name.startswith("vestige_")
    }


def rows() -> dict[str, list[str]]:
    """Return type, labels and meaning of each metric on the page."""
    found = re.findall(r"^\| `(vestige_\w+)` \|(.*)\|$", read(PAGE), re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in found}


def names_of(scraped: dict[str, Metric]) -> set[str]:
    """Return what queries may ask for."""
    return {
        f"{family.name}{suffix}" for family in scraped.values() for suffix in SUFFIXES[family.type]
    }


def queries() -> dict[str, list[str]]:
    """Return the queries of each panel of the dashboard."""
    panels = json.loads(read(DASHBOARD))["panels"]
    return {
        f"{panel['id']} {panel['title']}": [target["expr"] for target in panel["targets"]]
        for panel in panels
        if panel["type"] != "row"
    }


def test_the_page_names_each_metric_with_its_type(scraped: dict[str, Metric]) -> None:
    told = {name: family.type for name, family in scraped.items()}
    assert {name: cells[0] for name, cells in rows().items()} == told


def test_the_page_names_the_labels_of_each_metric(scraped: dict[str, Metric]) -> None:
    seen = {
        name: set(sample.labels) - {"le"}
        for name, family in scraped.items()
        for sample in family.samples[:1]
    }
    assert len(seen) >= 12
    labels = {name: set(re.findall(r"`(\w+)`", cells[1])) for name, cells in rows().items()}
    assert {name: labels[name] for name in seen} == seen


@pytest.mark.parametrize("panel", queries())
def test_a_panel_asks_for_what_a_server_tells(panel: str, scraped: dict[str, Metric]) -> None:
    asked = {name for query in queries()[panel] for name in METRIC.findall(query)}
    assert asked
    assert asked <= names_of(scraped)


def test_the_dashboard_shows_every_metric(scraped: dict[str, Metric]) -> None:
    asked = {
        name for found in queries().values() for query in found for name in METRIC.findall(query)
    }
    families = {
        name
        for name, family in scraped.items()
        if asked & {f"{family.name}{suffix}" for suffix in SUFFIXES[family.type]}
    }
    assert families == set(scraped)


def test_the_dashboard_is_one_that_grafana_imports() -> None:
    board = json.loads(read(DASHBOARD))
    identifiers = [panel["id"] for panel in board["panels"]]
    assert len(identifiers) == len(set(identifiers))
    assert board["schemaVersion"] == 39
    assert {variable["name"] for variable in board["templating"]["list"]} == {
        "datasource",
        "job",
        "store",
    }
    for panel in board["panels"]:
        if panel["type"] == "row":
            continue
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24


def test_the_guide_names_only_metrics_that_there_are(scraped: dict[str, Metric]) -> None:
    guide = read(ROOT / "docs" / "how-to" / "watch-a-store.md")
    assert set(METRIC.findall(guide)) <= names_of(scraped) | {"vestige_store_memories"}
