"""Spans, as a program that has its own tracer provider gets them."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Final

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

import vestige
from factories import HASHING
from vestige.config import load_config
from vestige.errors import MemoryNotFoundError
from vestige.telemetry import Tracing, add_observer, remove_observer
from vestige.telemetry.logs import JsonFormatter
from vestige.telemetry.tracing import TraceIds

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan

    from vestige.engine.engine import Engine

QUOTED: Final = "swordfish"


@pytest.fixture
def provider() -> TracerProvider:
    return TracerProvider()


@pytest.fixture
def exporter(provider: TracerProvider) -> Generator[InMemorySpanExporter]:
    """What keeps the spans that ended meanwhile."""
    kept = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracing = Tracing(provider)
    add_observer(tracing)
    yield kept
    remove_observer(tracing)


def named(exporter: InMemorySpanExporter, name: str) -> ReadableSpan:
    (span,) = (span for span in exporter.get_finished_spans() if span.name == name)
    return span


def parent_of(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


def id_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return span.context.span_id


async def test_a_call_is_a_span_with_its_work_as_children(
    engine: Engine, exporter: InMemorySpanExporter, backend: str
) -> None:
    await engine.remember("The API retries 5 times.")
    exporter.clear()
    await engine.recall("how many retries?")
    recall = named(exporter, "recall")
    attributes = dict(recall.attributes or {})
    assert attributes["vestige.backend"] == backend
    assert (attributes["vestige.outcome"], attributes["vestige.results"]) == ("ok", 1)
    assert parent_of(recall) is None
    for name in ("store search.search", "embedding query"):
        assert parent_of(named(exporter, name)) == id_of(recall)


async def test_the_span_of_a_failed_call_has_the_code_of_its_error(
    engine: Engine, exporter: InMemorySpanExporter
) -> None:
    made = await engine.remember("The API retries 5 times.")
    await engine.forget(made.id)
    with pytest.raises(MemoryNotFoundError):
        await engine.get(made.id)
    span = named(exporter, "get")
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "memory_not_found"
    assert not span.events


async def test_spans_hold_no_text(engine: Engine, exporter: InMemorySpanExporter) -> None:
    await engine.remember(f"The vault opens with {QUOTED}.", tags=[QUOTED])
    await engine.recall(f"what opens with {QUOTED}?")
    assert exporter.get_finished_spans()
    assert QUOTED not in "".join(span.to_json() for span in exporter.get_finished_spans())


async def test_a_span_of_the_caller_is_the_parent(
    engine: Engine, exporter: InMemorySpanExporter, provider: TracerProvider
) -> None:
    with provider.get_tracer("a program").start_as_current_span("a request"):
        await engine.stats()
    assert parent_of(named(exporter, "stats")) == id_of(named(exporter, "a request"))


def test_a_span_of_the_caller_is_the_parent_on_the_thread_of_the_sync_engine_too(
    exporter: InMemorySpanExporter, provider: TracerProvider, tmp_path: Path
) -> None:
    tracer = provider.get_tracer("a program")
    with (
        vestige.open(load_config(None, tmp_path, HASHING)) as memory,
        tracer.start_as_current_span("a request"),
    ):
        memory.stats()
    assert parent_of(named(exporter, "stats")) == id_of(named(exporter, "a request"))


def test_a_line_of_the_log_names_the_span_it_was_written_in(provider: TracerProvider) -> None:
    record = logging.LogRecord("vestige", logging.INFO, "", 0, "within", (), None)
    with provider.get_tracer("a program").start_as_current_span("a request") as span:
        assert TraceIds().filter(record)
    entry = json.loads(JsonFormatter().format(record))
    context = span.get_span_context()
    assert entry["trace_id"] == f"{context.trace_id:032x}"
    assert entry["span_id"] == f"{context.span_id:016x}"


def test_a_line_of_the_log_outside_of_spans_names_none() -> None:
    record = logging.LogRecord("vestige", logging.INFO, "", 0, "without", (), None)
    assert TraceIds().filter(record)
    assert "trace_id" not in vars(record)
