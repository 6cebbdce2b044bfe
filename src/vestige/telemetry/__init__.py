"""What Vestige does, for logs, metrics and traces; silent until somebody asks."""

from vestige.telemetry.metrics import PrometheusMetrics
from vestige.telemetry.observing import (
    Observation,
    Observer,
    add_observer,
    remove_observer,
)
from vestige.telemetry.slow import log_slow
from vestige.telemetry.tracing import Tracing

__all__ = [
    "Observation",
    "Observer",
    "PrometheusMetrics",
    "Tracing",
    "add_observer",
    "log_slow",
    "remove_observer",
]
