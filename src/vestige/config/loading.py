"""Putting file, variables and defaults together, and saying what came from where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, cast

from pydantic import SecretStr, ValidationError

from vestige.config.settings import (
    KEYS,
    DefaultsSettings,
    EmbeddingsSettings,
    LoggingSettings,
    SecretsSettings,
    Section,
    Settings,
    StorageSettings,
    TelemetrySettings,
)
from vestige.config.sources import (
    CONFIG_FILE_NAME,
    Table,
    apply_store,
    apply_variables,
    find_config_file,
    find_data_dir,
    has_key,
    read_file,
    suggestion,
)
from vestige.config.urls import MASK, mask_url
from vestige.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic_core import ErrorDetails

TYPE_NAMES: Final = {dict: "a section", list: "a list", bool: "true or false"}

SettingValue: TypeAlias = str | int | float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """The effective configuration.

    Attributes:
        data_dir: the absolute folder of everything that has no other place.
        config_file: the file that was read, None when there was none.
        embeddings: which model embeds.
        storage: where the memories are.
        defaults: what a request gets that does not ask for something else.
        secrets: what happens to texts that hold keys or tokens.
        logging: what is logged.
        telemetry: what programs tell of themselves.
        sources: for `data_dir`, `config_file` and each dotted key: `default`, `argument`,
            `file PATH` or `environment VARIABLE`.
    """

    data_dir: Path
    config_file: Path | None
    embeddings: EmbeddingsSettings
    storage: StorageSettings
    defaults: DefaultsSettings
    secrets: SecretsSettings
    logging: LoggingSettings
    telemetry: TelemetrySettings
    sources: Mapping[str, str]

    @property
    def store_name(self) -> str:
        """The backend and the place of its data, without a password."""
        if self.storage.backend == "sqlite":
            return f"sqlite:{self.storage.sqlite.path}"
        url = self.storage.postgres.url
        return "postgres" if url is None else f"postgres:{mask_url(url.get_secret_value())}"


class EffectiveSetting(NamedTuple):
    """One line of `vestige config show`: secrets are masked, None means not set."""

    key: str
    value: SettingValue
    source: str


def load_config(
    config_path: Path | None,
    data_dir: Path | None,
    environ: Mapping[str, str],
    *,
    store: Path | str | None = None,
) -> Config:
    """Find, read and check the configuration.

    Args:
        config_path: the file that was named (`--config`), which then must exist; by default
            `VESTIGE_CONFIG`, then `vestige.toml` in the data dir, where it may be absent.
        data_dir: the folder that was named (`--data-dir`); by default `VESTIGE_DATA_DIR`, then
            `~/.vestige`.
        environ: the environment variables; `VESTIGE_` with section and key overrides that key.
        store: the store that was named, whatever else is configured: a file, relative to the
            working directory, or as text also `postgresql://...` or `embedded`.

    Raises:
        ConfigError: anything about it is wrong; nothing is skipped or guessed.
    """
    folder = find_data_dir(data_dir, environ)
    file = find_config_file(config_path, folder.path, environ)
    table = {} if file is None else read_file(file, environ)
    file_path = folder.path / CONFIG_FILE_NAME if file is None else file.path
    sources = {
        "data_dir": folder.source,
        "config_file": "default" if file is None else file.source,
        **{key: f"file {file_path}" if has_key(table, key) else "default" for key in KEYS},
    }
    sources |= apply_variables(table, environ)
    if store is not None:
        sources |= apply_store(table, store)
    settings = _validated(table, sources, folder.path, file_path)
    _check_backend(settings.storage, sources, file_path)
    return Config(
        data_dir=folder.path,
        config_file=None if file is None else file.path,
        embeddings=settings.embeddings,
        storage=settings.storage,
        defaults=settings.defaults,
        secrets=settings.secrets,
        logging=settings.logging,
        telemetry=settings.telemetry,
        sources=sources,
    )


def effective_settings(config: Config) -> list[EffectiveSetting]:
    """Return every setting with its source, in the order of the file, without its secrets."""
    return [
        EffectiveSetting(key, _shown(config, key), source) for key, source in config.sources.items()
    ]


def _validated(
    table: Table, sources: Mapping[str, str], data_dir: Path, file_path: Path
) -> Settings:
    try:
        return Settings.model_validate(table, context={"data_dir": data_dir})
    except ValidationError as error:
        problems = [_problem(details, sources, file_path) for details in error.errors()]
    # Outside of the except block, because pydantic's error holds the values, secrets included.
    raise ConfigError("; ".join(problems))


def _problem(details: ErrorDetails, sources: Mapping[str, str], file_path: Path) -> str:
    key = ".".join(str(part) for part in details["loc"])
    origin = sources.get(key, f"file {file_path}")
    if details["type"] == "extra_forbidden":
        return f"{origin}: {_unknown_key(key)}"
    if details["type"] == "model_type":
        return f"{origin}: {key} must be a section, not {_described(details['input'])}"
    message = details["msg"]
    if details["type"] == "value_error":  # a sentence of settings.py
        return f"{origin}: {key} {message.removeprefix('Value error, ')}"
    problem = message.replace("Input should", "must").replace("String should", "must")
    found = "" if SecretStr in KEYS[key] else f", not {_described(details['input'])}"
    return f"{origin}: {key} {problem}{found}"


def _unknown_key(key: str) -> str:
    # Its value is never shown: it may be a password under a misspelt name.
    *sections, name = key.split(".")
    section = _section(sections)
    allowed = dict.fromkeys(section.model_fields)
    elsewhere = [known for known in KEYS if known.endswith(f".{name}")]
    meant = suggestion(name, allowed) or (f" (did you mean {elsewhere[0]}?)" if elsewhere else "")
    place = f"[{'.'.join(sections)}]" if sections else "the file"
    return f"{key} is unknown{meant}; {place} may hold {', '.join(allowed)}"


def _section(names: list[str]) -> type[Section]:
    section: type[Section] = Settings
    for name in names:
        section = cast("type[Section]", section.model_fields[name].annotation)
    return section


def _described(value: object) -> str:
    for kind, name in TYPE_NAMES.items():
        if isinstance(value, kind):
            return name
    return f'"{mask_url(value)}"' if isinstance(value, str) else str(value)


def _check_backend(storage: StorageSettings, sources: Mapping[str, str], file_path: Path) -> None:
    is_url_given = storage.postgres.url is not None
    if storage.backend == "postgres" and not is_url_given:
        raise ConfigError(
            f'{sources["storage.backend"]}: storage.backend is "postgres", but there is no '
            "storage.postgres.url",
            f'Write url = "postgresql://..." under [storage.postgres] in {file_path}, '
            "or set VESTIGE_STORAGE_POSTGRES_URL.",
        )
    # Going on with SQLite would put memories where their owner does not look for them.
    if is_url_given and sources["storage.backend"] == "default":
        raise ConfigError(
            f"{sources['storage.postgres.url']}: storage.postgres.url is given, but "
            "storage.backend is not",
            f'Write backend = "postgres" (or "sqlite") under [storage] in {file_path}, '
            "or set VESTIGE_STORAGE_BACKEND.",
        )


def _shown(config: Config, key: str) -> SettingValue:
    value: object = config
    for part in key.split("."):
        value = getattr(value, part)
    if isinstance(value, SecretStr):
        return mask_url(value.get_secret_value()) if key.endswith(".url") else MASK
    if value is None or isinstance(value, int | float):
        return value
    return mask_url(str(value))
