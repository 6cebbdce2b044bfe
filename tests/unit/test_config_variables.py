"""Variables inside of the file, and variables in place of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vestige.config import Config, load_config
from vestige.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def load(data_dir: Path, toml: str | None = None, **environ: str) -> Config:
    if toml is not None:
        (data_dir / "vestige.toml").write_text(toml, encoding="utf-8")
    return load_config(None, data_dir, environ)


def test_a_variable_in_the_file_is_replaced(tmp_path: Path) -> None:
    config = load(tmp_path, "[embeddings]\nmodel = 'a-${ONE}-${TWO}'", ONE="1", TWO="${ONE}")
    assert config.embeddings.model == "a-1-${ONE}"


def test_a_variable_that_is_not_set_is_named_with_key_and_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, "[embeddings]\napi_key = '${OPENAI_KEY}'")
    message = str(caught.value)
    assert "OPENAI_KEY" in message
    assert "embeddings.api_key" in message
    assert str(tmp_path / "vestige.toml") in message


def test_an_empty_variable_in_the_file_leaves_an_empty_value(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"embeddings\.api_key must not be empty"):
        load(tmp_path, "[embeddings]\napi_key = '${OPENAI_KEY}'", OPENAI_KEY="")


def test_a_doubled_dollar_keeps_the_brace(tmp_path: Path) -> None:
    config = load(tmp_path, "[embeddings]\nmodel = '$${ONE} $$ $1 {ONE} ${ONE}'", ONE="1")
    assert config.embeddings.model == "${ONE} $$ $1 {ONE} 1"


@pytest.mark.parametrize("text", ["a${", "${}", "${ ONE }", "${ONE:-two}", "${1}", "${ONE"])
def test_a_brace_that_is_no_variable_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"embeddings\.model holds a \$\{") as caught:
        load(tmp_path, f"[embeddings]\nmodel = '{text}'", ONE="1")
    assert "$${" in caught.value.hint


def test_a_variable_overrides_the_file(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "[defaults]\nlimit = 5\nprofile = 'lean'\n",
        VESTIGE_DEFAULTS_LIMIT="7",
        VESTIGE_STORAGE_SQLITE_PATH="by-variable.db",
    )
    assert config.defaults.limit == 7
    assert config.defaults.profile == "lean"
    assert config.storage.sqlite.path == tmp_path / "by-variable.db"
    assert config.sources["defaults.limit"] == "environment VESTIGE_DEFAULTS_LIMIT"
    assert config.sources["defaults.profile"] == f"file {tmp_path / 'vestige.toml'}"


def test_numbers_are_read_from_the_text_of_a_variable(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        VESTIGE_STORAGE_POSTGRES_EF_SEARCH="80",
        VESTIGE_STORAGE_POSTGRES_IDLE_SECONDS="1.5",
        VESTIGE_EMBEDDINGS_MODEL="123",
    )
    assert config.storage.postgres.ef_search == 80
    assert config.storage.postgres.idle_seconds == 1.5
    assert config.embeddings.model == "123"


@pytest.mark.parametrize(("text", "expected"), [("true", True), ("FALSE", False)])
def test_true_and_false_are_read_from_the_text_of_a_variable(
    tmp_path: Path, text: str, *, expected: bool
) -> None:
    assert load(tmp_path, VESTIGE_TELEMETRY_TRACES=text).telemetry.traces is expected


@pytest.mark.parametrize("address", ["127.0.0.1:9464", "[::1]:0", "metrics.example:65535"])
def test_an_address_is_a_host_and_a_port(tmp_path: Path, address: str) -> None:
    config = load(tmp_path, VESTIGE_TELEMETRY_METRICS_ADDRESS=address)
    assert config.telemetry.metrics_address == address


@pytest.mark.parametrize("address", ["9464", ":9464", "::1:9464", "localhost", "host:65536"])
def test_an_address_without_host_or_port_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigError, match=r"must be HOST:PORT"):
        load(tmp_path, VESTIGE_TELEMETRY_METRICS_ADDRESS=address)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("VESTIGE_TELEMETRY_TRACES", "yes", "must be a valid boolean"),
        ("VESTIGE_LOGGING_SLOW_MS", "-2", "must be greater than or equal to -1, not -2"),
        ("VESTIGE_DEFAULTS_LIMIT", "ten", 'must be a valid integer, not "ten"'),
        ("VESTIGE_DEFAULTS_LIMIT", "1.5", 'must be a valid integer, not "1.5"'),
        ("VESTIGE_DEFAULTS_LIMIT", "0", "must be greater than or equal to 1, not 0"),
        ("VESTIGE_STORAGE_POSTGRES_IDLE_SECONDS", "inf", "must be a finite number"),
        ("VESTIGE_STORAGE_BACKEND", "mysql", "must be 'sqlite' or 'postgres'"),
        ("VESTIGE_STORAGE_BACKEND", "postgres", "no storage.postgres.url"),
    ],
)
def test_a_wrong_value_of_a_variable_names_the_variable(
    tmp_path: Path, name: str, text: str, expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, **{name: text})
    assert str(caught.value).startswith(f"environment {name}: ")
    assert expected in str(caught.value)


def test_the_postgres_store_can_be_chosen_by_variables_alone(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        VESTIGE_STORAGE_BACKEND="postgres",
        VESTIGE_STORAGE_POSTGRES_URL="postgresql://ada@db/memory",
    )
    assert config.storage.backend == "postgres"


def test_an_unknown_variable_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean VESTIGE_STORAGE_BACKEND"):
        load(tmp_path, VESTIGE_STORAGE_BACKND="sqlite")


@pytest.mark.parametrize(
    "name", ["VESTIGE_CONFIG", "VESTIGE_DATA_DIR", "VESTIGE_STORAGE_POSTGRES_URL"]
)
def test_an_empty_variable_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=f"environment {name}: it is empty"):
        load_config(None, None if name == "VESTIGE_DATA_DIR" else tmp_path, {name: ""})


def test_variables_of_others_and_of_the_tests_are_left_alone(tmp_path: Path) -> None:
    config = load(tmp_path, VESTIGE_TEST_POSTGRES="1", VESTIGES="2", PATH="/bin")
    assert config.defaults.limit == 10


def test_a_variable_under_a_section_that_is_no_section_tells_the_mistake_of_the_file(
    tmp_path: Path,
) -> None:
    with pytest.raises(ConfigError, match="storage must be a section"):
        load(tmp_path, "storage = 'sqlite'", VESTIGE_STORAGE_BACKEND="sqlite")
