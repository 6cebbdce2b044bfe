"""A store that is named by its path or URL, whatever else is configured."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from vestige.config import load_config
from vestige.errors import ConfigError

SERVER: Final = "postgresql://agent:secret@db/memories"
ON_A_SERVER: Final = {
    "VESTIGE_STORAGE_BACKEND": "postgres",
    "VESTIGE_STORAGE_POSTGRES_URL": SERVER,
}


def test_a_path_is_a_file_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config(None, tmp_path / "data", ON_A_SERVER, store="notes.db")
    assert config.storage.backend == "sqlite"
    assert config.storage.sqlite.path == tmp_path / "notes.db"
    assert config.sources["storage.sqlite.path"] == "argument"


def test_a_home_directory_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    config = load_config(None, tmp_path / "data", {}, store="~/notes.db")
    assert config.storage.sqlite.path == tmp_path / "notes.db"


@pytest.mark.parametrize("url", [SERVER, "embedded"])
def test_a_url_is_a_server_whatever_the_file_says(url: str, tmp_path: Path) -> None:
    (tmp_path / "vestige.toml").write_text('[storage]\nbackend = "sqlite"\n', encoding="utf-8")
    config = load_config(None, tmp_path, {}, store=url)
    assert config.storage.backend == "postgres"
    assert config.storage.postgres.url is not None
    assert config.storage.postgres.url.get_secret_value() == url
    assert config.sources["storage.backend"] == "argument"


def test_a_file_may_have_the_name_of_the_private_server(tmp_path: Path) -> None:
    config = load_config(None, tmp_path, {}, store=Path("embedded"))
    assert config.storage.backend == "sqlite"
    assert config.storage.sqlite.path == Path("embedded").absolute()


def test_the_other_settings_are_those_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "vestige.toml").write_text("[defaults]\nlimit = 3\n", encoding="utf-8")
    assert load_config(None, tmp_path, {}, store="notes.db").defaults.limit == 3


@pytest.mark.parametrize(
    ("store", "problem"),
    [
        ("", "must not be empty"),
        (":memory:", "a store in memory"),
        ("sqlite:///notes.db", "must be postgresql://"),
    ],
)
def test_what_is_no_store_is_refused_and_the_argument_named(
    store: str, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=f"argument: .*{problem}"):
        load_config(None, tmp_path, {}, store=store)


def test_a_password_is_in_no_message(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(None, tmp_path, {}, store="postgresql://agent:sec/ret@db/memories")
    assert "sec" not in str(caught.value)
