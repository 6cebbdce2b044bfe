from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from pydantic import ValidationError

from vestige.config import VARIABLES, Config, effective_settings, load_config
from vestige.config.settings import KEYS
from vestige.errors import ConfigError

PASSWORD = "s3cret-pass"  # noqa: S105  # no real password
URL = f"postgresql://ada:{PASSWORD}@db.example:5432/memory"

EVERY_KEY = f"""
[embeddings]
provider = "openai"
model = "nomic-embed-text"
dimension = 256
base_url = "http://localhost:11434/v1"
api_key = "{PASSWORD}"
[storage]
backend = "postgres"
[storage.sqlite]
path = "other/store.db"
[storage.postgres]
url = "{URL}"
max_connections = 3
acquire_timeout_seconds = 1.5
idle_seconds = 0
lifetime_seconds = 60
application_name = "tests"
text_search = "german"
ef_search = 200
exact_below_rows = 5000
statement_timeout_seconds = 2
[defaults]
limit = 25
detail_level = "full"
profile = "lean"
[logging]
level = "debug"
format = "json"
slow_ms = 0
[telemetry]
metrics_address = "[::1]:9464"
traces = true
[secrets]
policy = "mask"
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path


def load(data_dir: Path, toml: str | None = None, **environ: str) -> Config:
    if toml is not None:
        (data_dir / "vestige.toml").write_text(toml, encoding="utf-8")
    return load_config(None, data_dir, environ)


def refusal(data_dir: Path, toml: str | None = None, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(data_dir, toml, **environ)
    assert caught.value.hint
    assert PASSWORD not in str(caught.value) + caught.value.hint
    return str(caught.value)


def test_without_a_file_everything_is_the_default(data_dir: Path) -> None:
    config = load(data_dir)
    assert config.config_file is None
    assert config.storage.backend == "sqlite"
    assert config.storage.sqlite.path == data_dir / "vestige.db"
    assert config.defaults.limit == 10
    assert config.storage.postgres.max_connections == 10
    assert {source for key, source in config.sources.items() if key in KEYS} == {"default"}


def test_every_key_can_be_set_in_the_file_and_knows_that_it_was(data_dir: Path) -> None:
    config = load(data_dir, EVERY_KEY)
    from_file = f"file {data_dir / 'vestige.toml'}"
    assert {config.sources[key] for key in KEYS} == {from_file}
    assert config.storage.sqlite.path == data_dir / "other" / "store.db"
    assert config.storage.postgres.acquire_timeout_seconds == 1.5
    assert config.storage.postgres.ef_search == 200
    assert config.logging.format == "json"


def test_a_store_path_that_is_absolute_or_in_the_home_stays_where_it_is(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(data_dir / "home"))
    absolute = load(data_dir, f"[storage.sqlite]\npath = '{data_dir / 'elsewhere.db'}'")
    assert absolute.storage.sqlite.path == data_dir / "elsewhere.db"
    at_home = load(data_dir, '[storage.sqlite]\npath = "~/mine.db"')
    assert at_home.storage.sqlite.path == data_dir / "home" / "mine.db"


def test_the_data_dir_is_the_argument_then_the_variable_then_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    environ = {"VESTIGE_DATA_DIR": str(tmp_path / "variable")}
    by_argument = load_config(None, tmp_path / "argument", environ)
    assert (by_argument.data_dir.name, by_argument.sources["data_dir"]) == ("argument", "argument")
    by_variable = load_config(None, None, environ)
    assert by_variable.data_dir == tmp_path / "variable"
    assert by_variable.sources["data_dir"] == "environment VESTIGE_DATA_DIR"
    by_default = load_config(None, None, {})
    assert by_default.data_dir == tmp_path / ".vestige"
    assert by_default.sources["data_dir"] == "default"


def test_a_relative_data_dir_becomes_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_config(None, Path("here"), {}).storage.sqlite.path == tmp_path / "here/vestige.db"


def test_a_data_dir_in_an_unknown_home_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="argument: the home directory"):
        load_config(None, Path("~no-such-user/x"), {})
    with pytest.raises(ConfigError, match="environment VESTIGE_CONFIG: the home directory"):
        load_config(None, tmp_path, {"VESTIGE_CONFIG": "~no-such-user/x"})


def test_the_file_is_the_argument_then_the_variable_then_the_one_in_the_data_dir(
    tmp_path: Path,
) -> None:
    for limit, name in enumerate(("argument.toml", "variable.toml", "vestige.toml"), start=1):
        (tmp_path / name).write_text(f"[defaults]\nlimit = {limit}\n", encoding="utf-8")
    environ = {"VESTIGE_CONFIG": str(tmp_path / "variable.toml")}
    by_argument = load_config(tmp_path / "argument.toml", tmp_path, environ)
    assert (by_argument.defaults.limit, by_argument.sources["config_file"]) == (1, "argument")
    by_variable = load_config(None, tmp_path, environ)
    assert by_variable.defaults.limit == 2
    assert by_variable.sources["config_file"] == "environment VESTIGE_CONFIG"
    assert load_config(None, tmp_path, {}).defaults.limit == 3


def test_a_file_that_was_named_and_is_missing_is_an_error(tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    with pytest.raises(ConfigError, match=r"no such file.*argument") as caught:
        load_config(missing, tmp_path, {})
    assert str(missing) in str(caught.value)
    with pytest.raises(ConfigError, match=r"no such file.*VESTIGE_CONFIG"):
        load_config(None, tmp_path, {"VESTIGE_CONFIG": str(missing)})


def test_a_link_that_leads_nowhere_is_an_error_and_not_the_default(data_dir: Path) -> None:
    (data_dir / "vestige.toml").symlink_to(data_dir / "moved.toml")
    assert "no such file" in refusal(data_dir)


def test_a_data_dir_that_cannot_be_looked_into_is_an_error(data_dir: Path) -> None:
    loop = data_dir / "loop"
    loop.symlink_to(loop)
    with pytest.raises(ConfigError, match="cannot be read: Too many levels"):
        load_config(None, loop, {})


def test_a_directory_in_place_of_the_file_is_an_error(data_dir: Path) -> None:
    (data_dir / "vestige.toml").mkdir()
    assert "cannot be read: Is a directory" in refusal(data_dir)


def test_a_file_in_another_encoding_is_an_error(data_dir: Path) -> None:
    (data_dir / "vestige.toml").write_bytes('[defaults]\nprofile = "lean"\n'.encode("utf-16"))
    assert "not UTF-8" in refusal(data_dir)


def test_a_byte_order_mark_in_front_of_utf_8_is_no_part_of_the_file(data_dir: Path) -> None:
    (data_dir / "vestige.toml").write_bytes(b"\xef\xbb\xbf[defaults]\nlimit = 7\n")
    assert load(data_dir).defaults.limit == 7


def test_what_is_not_toml_is_refused_with_its_line(data_dir: Path) -> None:
    message = refusal(data_dir, f'[embeddings]\napi_key = "{PASSWORD}\n')
    assert "not valid TOML" in message
    assert "line 2" in message


def test_a_number_beyond_what_python_reads_is_refused_as_toml(data_dir: Path) -> None:
    assert "not valid TOML" in refusal(data_dir, f"[defaults]\nlimit = {'9' * 5000}\n")


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ("[storage]\nbackned = 'sqlite'", "did you mean backend?"),
        ("[storages]\nbackend = 'sqlite'", "did you mean storage?"),
        ("backend = 'sqlite'", "did you mean storage.backend?"),
        ("[storage.postgres]\nuri = 'x'", "[storage.postgres] may hold url, max_connections"),
        ("[defaults.more]\nx = 1", "defaults.more is unknown"),
        ("zzz = 1", "the file may hold embeddings, storage, defaults, logging, telemetry, secrets"),
    ],
)
def test_an_unknown_key_is_refused_with_what_is_allowed(
    data_dir: Path, toml: str, expected: str
) -> None:
    message = refusal(data_dir, toml)
    assert str(data_dir / "vestige.toml") in message
    assert expected in message


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ("[storage]\nbackend = 'mysql'", "storage.backend must be 'sqlite' or 'postgres'"),
        ("[storage]\nbackend = 'mysql'", 'not "mysql"'),
        ("storage = 'sqlite'", 'storage must be a section, not "sqlite"'),
        ("[storage]\nsqlite = []", "storage.sqlite must be a section, not a list"),
        ("[defaults]\nlimit = '10'", 'defaults.limit must be a valid integer, not "10"'),
        ("[defaults]\nlimit = 1.0", "defaults.limit must be a valid integer, not 1.0"),
        ("[defaults]\nlimit = true", "must be a valid integer, not true or false"),
        ("[defaults]\nlimit = 0", "must be greater than or equal to 1, not 0"),
        ("[defaults]\nlimit = 1001", "must be less than or equal to 1000, not 1001"),
        ("[storage.postgres]\nidle_seconds = nan", "must be a finite number, not nan"),
        ("[storage.postgres]\nidle_seconds = -1", "must be greater than or equal to 0"),
        ("[storage.postgres]\nurl = ''", "storage.postgres.url must not be empty"),
        ("[storage.postgres]\ntext_search = 'a; b'", "storage.postgres.text_search must match"),
        ("[storage.sqlite]\npath = ''", "storage.sqlite.path must not be empty"),
        ("[storage.sqlite]\npath = 3", "storage.sqlite.path must be text"),
        ("[storage.sqlite]\npath = ':memory:'", "must be the path of a file"),
        (f"[storage.sqlite]\npath = '{URL}'", "must be the path of a file"),
        ('[storage.sqlite]\npath = "a\\u0000b"', "must not hold a NUL character"),
        ("[storage.sqlite]\npath = '~no-such-user/x'", "home directory is unknown"),
        ("[embeddings]\nmodel = ' '", "embeddings.model must not be empty"),
        (f"[embeddings]\nmodel = ['{PASSWORD}']", "must be a valid string, not a list"),
        ("[embeddings]\nbase_url = 'localhost'", "embeddings.base_url must be a URL"),
        (f"[embeddings]\nbase_url = 'http://u:{PASSWORD}@h/'", "belongs in api_key"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(
    data_dir: Path, toml: str, expected: str
) -> None:
    message = refusal(data_dir, toml)
    assert message.startswith(f"file {data_dir / 'vestige.toml'}: ")
    assert expected in message


@pytest.mark.parametrize("key", KEYS)
def test_a_value_of_the_wrong_type_is_refused_for_every_key(data_dir: Path, key: str) -> None:
    section, name = key.rsplit(".", 1)
    assert f"{key} must be" in refusal(data_dir, f"[{section}]\n{name} = ['{PASSWORD}']")


def test_all_wrong_values_are_told_at_once(data_dir: Path) -> None:
    message = refusal(data_dir, "[defaults]\nlimit = 0\n[logging]\nlevel = 'loud'\n")
    assert "defaults.limit" in message
    assert "logging.level" in message


def test_the_postgres_backend_without_a_url_is_refused(data_dir: Path) -> None:
    assert "no storage.postgres.url" in refusal(data_dir, "[storage]\nbackend = 'postgres'")


def test_a_postgres_url_without_a_choice_of_backend_is_refused(data_dir: Path) -> None:
    toml = f"[storage.postgres]\nurl = '{URL}'\n"
    assert "storage.backend is not" in refusal(data_dir, toml)
    chosen = load(data_dir, f"[storage]\nbackend = 'sqlite'\n{toml}")
    assert chosen.storage.backend == "sqlite"


def test_the_embedded_server_is_a_url_of_its_own(data_dir: Path) -> None:
    config = load(data_dir, "[storage]\nbackend='postgres'\npostgres={url='embedded'}\n")
    assert dict(effective_rows(config))["storage.postgres.url"] == "embedded"


@pytest.mark.parametrize(
    "url",
    [
        f"postgres+asyncpg://ada:{PASSWORD}@db/memory",
        f"host=db password={PASSWORD}",
        f"postgresql://ada:{PASSWORD}/x@db/memory",
        f"postgresql://ada:{PASSWORD}@db:port/memory",
        f"postgresql://ada:{PASSWORD}@db/memory ",
        f"postgresql://ada:[{PASSWORD}@db/memory",
    ],
)
def test_a_url_that_is_wrong_is_refused_without_its_password(data_dir: Path, url: str) -> None:
    toml = f"[storage]\nbackend = 'postgres'\n[storage.postgres]\nurl = '{url}'"
    assert "storage.postgres.url must be postgresql://" in refusal(data_dir, toml)


def test_a_url_under_a_misspelt_key_is_not_repeated(data_dir: Path) -> None:
    assert "did you mean url?" in refusal(data_dir, f"[storage.postgres]\nurll = '{URL}'")


def test_a_password_is_in_no_form_of_the_configuration_that_is_shown(data_dir: Path) -> None:
    config = load(data_dir, EVERY_KEY)
    assert config.storage.postgres.url is not None
    assert config.storage.postgres.url.get_secret_value() == URL
    assert PASSWORD not in repr(config)
    assert PASSWORD not in str(effective_settings(config))
    rows = dict(effective_rows(config))
    assert rows["storage.postgres.url"] == "postgresql://ada:***@db.example:5432/memory"
    assert rows["embeddings.api_key"] == "***"


def test_a_refused_value_hangs_on_no_exception_behind_the_error(data_dir: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(data_dir, f"[embeddings]\napi_key = ['{PASSWORD}']")
    assert caught.value.__context__ is None
    assert pickle.loads(pickle.dumps(caught.value)).message  # noqa: S301  # made one line above


def test_the_settings_cannot_be_changed(data_dir: Path) -> None:
    config = load(data_dir)
    with pytest.raises(ValidationError):
        config.storage.backend = "postgres"


def test_effective_settings_are_all_settings_in_the_order_of_the_file(data_dir: Path) -> None:
    rows = effective_settings(load(data_dir, "[defaults]\nlimit = 5", VESTIGE_LOGGING_LEVEL="info"))
    assert [row.key for row in rows] == ["data_dir", "config_file", *KEYS]
    assert ("defaults.limit", 5, f"file {data_dir / 'vestige.toml'}") in rows
    assert ("logging.level", "info", "environment VESTIGE_LOGGING_LEVEL") in rows
    assert ("storage.postgres.url", None, "default") in rows


def test_a_model_that_nobody_chose_can_be_told_from_a_chosen_one(data_dir: Path) -> None:
    assert not load(data_dir).embeddings.is_given
    assert not load(data_dir, VESTIGE_EMBEDDINGS_API_KEY="k").embeddings.is_given
    assert load(data_dir, VESTIGE_EMBEDDINGS_MODEL="m").embeddings.is_given
    assert load(data_dir, "[embeddings]\nprovider = 'p'").embeddings.is_given


def effective_rows(config: Config) -> list[tuple[str, object]]:
    return [(row.key, row.value) for row in effective_settings(config)]


def test_the_variables_follow_from_section_and_key() -> None:
    assert VARIABLES["VESTIGE_STORAGE_BACKEND"] == "storage.backend"
    assert VARIABLES["VESTIGE_STORAGE_SQLITE_PATH"] == "storage.sqlite.path"
    assert VARIABLES["VESTIGE_STORAGE_POSTGRES_URL"] == "storage.postgres.url"
    assert set(VARIABLES.values()) == set(KEYS)
    assert len(VARIABLES) == len(KEYS)
