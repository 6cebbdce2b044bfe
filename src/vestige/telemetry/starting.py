"""What the section [telemetry] asks of a program, from its start to its end."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from vestige.telemetry.observing import add_observer, remove_observer

if TYPE_CHECKING:
    from collections.abc import Generator

    from vestige.config import TelemetrySettings
    from vestige.telemetry.observing import Observer


@contextmanager
def telemetry(settings: TelemetrySettings, *, is_server: bool) -> Generator[None]:
    """Measure what the program does in the block, as far as that is asked for.

    Args:
        settings: the section [telemetry].
        is_server: whether it runs for long enough to be asked for numbers.

    Raises:
        ConfigError: the extra `vestige[telemetry]` is not installed.
    """
    with ExitStack() as ending:
        if settings.traces:
            from vestige.telemetry.tracing import Tracing, export_traces  # noqa: PLC0415  # rare

            ending.callback(export_traces())
            _observe(Tracing(), ending)
        if settings.metrics_address is not None and is_server:
            from vestige.telemetry.metrics import PrometheusMetrics  # noqa: PLC0415  # rare
            from vestige.telemetry.serving import serve_metrics  # noqa: PLC0415  # rare

            _observe(PrometheusMetrics(), ending)
            from prometheus_client import (  # noqa: PLC0415  # an extra
                REGISTRY,
                disable_created_metrics,
            )

            disable_created_metrics()
            serve_metrics(settings.metrics_address, REGISTRY)
        yield


def _observe(observer: Observer, ending: ExitStack) -> None:
    add_observer(observer)
    ending.callback(remove_observer, observer)
