"""Whether what measuring needs is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from vestige.errors import ConfigError

if TYPE_CHECKING:
    from vestige.config import TelemetrySettings

PROMETHEUS: Final = "prometheus_client"
OPENTELEMETRY: Final = "opentelemetry.sdk"
EXPORTER: Final = "opentelemetry.exporter.otlp.proto.http"


def check_telemetry(settings: TelemetrySettings) -> None:
    """Refuse settings that need something that is not installed.

    Raises:
        ConfigError: names what to install.
    """
    if settings.metrics_address is not None:
        need(PROMETHEUS, "telemetry.metrics_address")
    if settings.traces:
        need(OPENTELEMETRY, "telemetry.traces")
        need(EXPORTER, "telemetry.traces")


def need(module: str, what: str) -> None:
    """Refuse to go on without a module of the extra.

    Args:
        module: its name.
        what: what needs it.

    Raises:
        ConfigError: it is not installed.
    """
    if not _is_installed(module):
        raise ConfigError(
            f"{what} needs {module}, which is not installed",
            'Run `pip install "vestige[telemetry]"`.',
        )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a package above it
        return False
