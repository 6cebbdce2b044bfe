"""The configuration of Vestige: `vestige.toml`, environment variables and defaults."""

from vestige.config.loading import Config, EffectiveSetting, effective_settings, load_config
from vestige.config.settings import (
    VARIABLES,
    DefaultsSettings,
    EmbeddingsSettings,
    LoggingSettings,
    PostgresSettings,
    Settings,
    SqliteSettings,
    StorageSettings,
    TelemetrySettings,
)
from vestige.config.urls import mask_url

__all__ = [
    "VARIABLES",
    "Config",
    "DefaultsSettings",
    "EffectiveSetting",
    "EmbeddingsSettings",
    "LoggingSettings",
    "PostgresSettings",
    "Settings",
    "SqliteSettings",
    "StorageSettings",
    "TelemetrySettings",
    "effective_settings",
    "load_config",
    "mask_url",
]
