"""Spans in the form of OpenTelemetry: one for each call of the engine, its parts as children."""

from __future__ import annotations

import logging
import os
from threading import Thread
from typing import TYPE_CHECKING, Final, cast

from vestige.telemetry.extras import EXPORTER, OPENTELEMETRY, need
from vestige.telemetry.observing import OK

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, TracerProvider

    from vestige.telemetry.observing import Observation

SERVICE_NAME: Final = "vestige"
FLUSH_SECONDS: Final = 0.5  # what an exporter may add to the end of a process


class Tracing:
    """An observer that makes spans; with names, counts and outcomes, never with texts.

    Args:
        provider: whose tracer makes them; by default the one that the program has set for all.

    Raises:
        ConfigError: OpenTelemetry is not installed.
    """

    def __init__(self, provider: TracerProvider | None = None) -> None:
        need("opentelemetry.trace", "Tracing")
        from importlib.metadata import version  # noqa: PLC0415  # as above

        from opentelemetry import context, trace  # noqa: PLC0415  # costs 50 ms

        self._context = context
        self._trace = trace
        self._tracer = trace.get_tracer(SERVICE_NAME, version("vestige"), provider)

    def begin(self, observation: Observation) -> tuple[Span, Token[Context]]:
        """Start a span, the parent of those that start before it ends."""
        is_operation = observation.kind == "operation"
        name = observation.name if is_operation else f"{observation.kind} {observation.name}"
        attributes = {"vestige.kind": observation.kind}
        if observation.store:
            attributes["vestige.store"] = observation.store
            attributes["vestige.backend"] = observation.store.partition(":")[0]
        span = self._tracer.start_span(name, attributes=attributes)
        return span, self._context.attach(self._trace.set_span_in_context(span))

    def end(self, observation: Observation, begun: object) -> None:
        """End the span, with how it went."""
        span, token = cast("tuple[Span, Token[Context]]", begun)
        for name, count in observation.counts.items():
            span.set_attribute(f"vestige.{name}", count)
        span.set_attribute("vestige.outcome", observation.outcome)
        if observation.outcome != OK:
            # The code alone: a message may quote what the caller gave.
            span.set_status(self._trace.StatusCode.ERROR, observation.outcome)
            span.set_attribute("error.type", observation.outcome)
        span.end()
        self._context.detach(token)

    def slow(self, operation: str, store: str) -> None:
        """Mark the span of the call that was slow, where it is known."""
        del operation, store
        self._trace.get_current_span().set_attribute("vestige.slow", value=True)


class TraceIds(logging.Filter):
    """Gives each line of the log the ids of the span that it was written in."""

    def filter(self, record: logging.LogRecord) -> bool:
        from opentelemetry.trace import get_current_span  # noqa: PLC0415  # loaded by then

        context = get_current_span().get_span_context()
        if context.is_valid:
            record.trace_id = f"{context.trace_id:032x}"
            record.span_id = f"{context.span_id:016x}"
        return True


def export_traces() -> Callable[[], None]:
    """Let this process send its spans where the variables `OTEL_...` say, by OTLP over HTTP.

    Returns:
        What ends it: waits for what is not sent yet, but half a second at most.

    Raises:
        ConfigError: the extra `vestige[telemetry]` is not installed.
    """
    need(OPENTELEMETRY, "telemetry.traces")
    need(EXPORTER, "telemetry.traces")
    from importlib.metadata import version  # noqa: PLC0415  # as above

    from opentelemetry import trace  # noqa: PLC0415  # an extra
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415  # as above
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415  # as above
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415  # as above
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415  # as above

    named = {"service.name": os.environ.get("OTEL_SERVICE_NAME") or SERVICE_NAME}
    provider = TracerProvider(
        resource=Resource.create(named | {"service.version": version("vestige")}),
        shutdown_on_exit=False,  # which would wait for a server that is away
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    # For all, so that the spans of the MCP SDK are the parents of ours.
    trace.set_tracer_provider(provider)
    for handler in logging.getLogger().handlers:
        handler.addFilter(TraceIds())

    def stop() -> None:
        flushing = Thread(target=provider.shutdown, name="vestige-traces", daemon=True)
        flushing.start()
        flushing.join(FLUSH_SECONDS)

    return stop
