"""The sections of `vestige.toml`: every key, its type, its limits and its default."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias, cast, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
)

from vestige.config.urls import split_url
from vestige.models import DEFAULT_LIMIT, MAX_LIMIT, SecretsPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_STORE_NAME: Final = "vestige.db"
MAX_PORT: Final = 65535
EMBEDDED: Final = "embedded"  # the url that asks for a private server
POSTGRES_URL_FORM: Final = (
    f'must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE or "{EMBEDDED}"; '
    "inside a password write @ as %40, : as %3A, / as %2F, ? as %3F and # as %23"
)


def _checked_text(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    if "\0" in text:
        raise ValueError("must not hold a NUL character")
    return text


def _checked_secret(secret: SecretStr) -> SecretStr:
    _checked_text(secret.get_secret_value())
    return secret


def _checked_base_url(url: str) -> str:
    parts = split_url(url)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be a URL such as http://localhost:11434/v1")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user or password; the key belongs in api_key")
    return url


def _checked_address(address: str) -> str:
    host, _, port = address.rpartition(":")
    is_host = bool(host) and (":" not in host or (host.startswith("[") and host.endswith("]")))
    if not is_host or not port.isdecimal() or int(port) > MAX_PORT:
        raise ValueError("must be HOST:PORT, such as 127.0.0.1:9464 or [::1]:9464")
    return address


def _checked_postgres_url(secret: SecretStr) -> SecretStr:
    url = _checked_secret(secret).get_secret_value()
    parts = split_url(url)
    is_postgres = parts is not None and parts.scheme in {"postgresql", "postgres"}
    if url != EMBEDDED and not is_postgres:
        raise ValueError(POSTGRES_URL_FORM)
    return secret


def _resolved_store_path(value: object, info: ValidationInfo) -> Path:
    if isinstance(value, str):
        _checked_text(value)
        if "://" in value or value.startswith(":"):
            raise ValueError("must be the path of a file, not a URL or a store in memory")
        value = Path(value)
    if not isinstance(value, Path):
        raise ValueError("must be text, the path of a file")  # noqa: TRY004  # pydantic reports it
    try:
        value = value.expanduser()
    except RuntimeError:
        raise ValueError("starts with a ~ whose home directory is unknown") from None
    context = cast("dict[str, Path] | None", info.context)
    return value if context is None else context["data_dir"] / value


Text: TypeAlias = Annotated[str, AfterValidator(_checked_text)]
Count: TypeAlias = Annotated[int, Field(ge=1)]
Seconds: TypeAlias = Annotated[float, Field(ge=0)]
PositiveSeconds: TypeAlias = Annotated[float, Field(gt=0)]
MillisecondsOrOff: TypeAlias = Annotated[int, Field(ge=-1)]


class Section(BaseModel):
    """A table of `vestige.toml`: nothing is converted and nothing unknown is accepted."""

    model_config = ConfigDict(
        allow_inf_nan=False,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,  # otherwise pydantic prints the value even of a SecretStr
        revalidate_instances="always",  # so that a defaulted section learns the data dir, too
        strict=True,
        validate_default=True,
    )


class EmbeddingsSettings(Section):
    """Which model embeds; with neither provider nor model, the store's registered one decides.

    Attributes:
        provider: the kind of embedder, None when not configured.
        model: the model's name, None when not configured.
        dimension: length of its vectors, where the provider lets one choose.
        base_url: where an OpenAI-compatible server answers, http or https.
        api_key: the key for that server.
    """

    provider: Text | None = None
    model: Text | None = None
    dimension: Count | None = None
    base_url: Annotated[str, AfterValidator(_checked_base_url)] | None = None
    api_key: Annotated[SecretStr, AfterValidator(_checked_secret)] | None = None

    @property
    def is_given(self) -> bool:
        """Whether the configuration chooses the model, so that the store has to agree with it."""
        return self.provider is not None or self.model is not None


class SqliteSettings(Section):
    """Where the file of the SQLite store is; a relative path is relative to the data dir."""

    path: Annotated[Path, BeforeValidator(_resolved_store_path)] = Path(DEFAULT_STORE_NAME)


class PostgresSettings(Section):
    """How to reach and use PostgreSQL.

    Attributes:
        url: `postgresql://...`, or `embedded` for a private server under the data dir.
        max_connections: the most connections that the pool opens.
        acquire_timeout_seconds: how long to wait for a free connection.
        idle_seconds: a connection unused for this long is closed; 0 means never.
        lifetime_seconds: a connection is replaced after this long; 0 means never.
        application_name: what the server shows in its list of connections.
        text_search: the text search configuration, fixed when the store is made; None is that of
            the store, and english for a new one.
        ef_search: candidates the vector index looks at, 1 to 1000; None leaves it to the store.
        exact_below_rows: a filter that keeps fewer rows than this is searched without the index;
            None leaves it to the store.
        statement_timeout_seconds: the server ends a statement after this long; None leaves the
            server's own setting.
    """

    url: Annotated[SecretStr, AfterValidator(_checked_postgres_url)] | None = None
    max_connections: Count = 10
    acquire_timeout_seconds: PositiveSeconds = 30
    idle_seconds: Seconds = 600
    lifetime_seconds: Seconds = 1800
    application_name: Annotated[Text, Field(max_length=63)] = "vestige"  # the server cuts at 63
    text_search: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")] | None = None
    ef_search: Annotated[int, Field(ge=1, le=1000)] | None = None
    exact_below_rows: Annotated[int, Field(ge=0)] | None = None
    statement_timeout_seconds: PositiveSeconds | None = None


class StorageSettings(Section):
    """Which backend holds the memories, and the settings of each."""

    backend: Literal["sqlite", "postgres"] = "sqlite"
    sqlite: SqliteSettings = Field(default_factory=SqliteSettings)
    postgres: PostgresSettings = Field(default_factory=PostgresSettings)


class DefaultsSettings(Section):
    """What a request gets that does not ask for something else."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    detail_level: Literal["brief", "summary", "full"] = "summary"
    profile: Literal["lean", "default", "audit", "research"] = "default"


class SecretsSettings(Section):
    """What happens to a text that holds a key, a token or a password.

    Attributes:
        policy: `refuse` it, `mask` the secret and keep the rest, or `allow` it.
    """

    policy: SecretsPolicy = "refuse"


class LoggingSettings(Section):
    """What is written to the log, and in which form.

    Attributes:
        level: of the lines that are written, and of those above it.
        format: for people or for programs.
        slow_ms: work in the store that takes longer is logged; 0 logs all, -1 none.
    """

    level: Literal["debug", "info", "warning", "error"] = "warning"
    format: Literal["text", "json"] = "text"
    slow_ms: MillisecondsOrOff = 1000


class TelemetrySettings(Section):
    """What programs tell of themselves while they run; it needs the extra `telemetry`.

    Attributes:
        metrics_address: `HOST:PORT` at which the MCP server serves its numbers; None: nowhere.
        traces: send spans where the variables `OTEL_...` say.
    """

    metrics_address: Annotated[str, AfterValidator(_checked_address)] | None = None
    traces: bool = False


class Settings(Section):
    """All sections of `vestige.toml`."""

    embeddings: EmbeddingsSettings = Field(default_factory=EmbeddingsSettings)
    storage: StorageSettings = Field(default_factory=StorageSettings)
    defaults: DefaultsSettings = Field(default_factory=DefaultsSettings)
    logging: LoggingSettings = Field(default_factory=LoggingSettings)
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings)
    secrets: SecretsSettings = Field(default_factory=SecretsSettings)


def _leaves(section: type[Section], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, field in section.model_fields.items():
        annotation: object = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, Section):
            yield from _leaves(annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", annotation


def _atoms(annotation: object) -> Iterator[object]:
    yield annotation
    for part in get_args(annotation):
        yield from _atoms(part)


# Dotted key -> the types its value may have, in the order of the file.
KEYS: Final[dict[str, frozenset[object]]] = {
    key: frozenset(_atoms(annotation)) for key, annotation in _leaves(Settings)
}
VARIABLES: Final = {f"VESTIGE_{key.replace('.', '_').upper()}": key for key in KEYS}
