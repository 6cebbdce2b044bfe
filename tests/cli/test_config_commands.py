from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from command_line import files_of, is_two_lines

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine


def settings(vestige: CommandLine, *arguments: str) -> dict[object, tuple[object, object]]:
    ran = vestige("config", "show", "--json", *arguments)
    assert ran.code == 0, ran.err
    return {item["key"]: (item["value"], item["source"]) for item in ran.items("settings")}


def test_show_says_where_each_setting_comes_from(vestige: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "vestige.toml"
    file.write_text("[defaults]\nlimit = 7\n")
    shown = settings(vestige)
    assert shown["defaults.limit"] == (7, f"file {file}")
    assert shown["logging.level"] == ("warning", "default")
    assert shown["embeddings.model"] == ("hashing-64", "environment VESTIGE_EMBEDDINGS_MODEL")


def test_show_is_a_table_for_people(vestige: CommandLine) -> None:
    heading, first, *_ = vestige("config", "show").out.splitlines()
    assert heading.split() == ["setting", "value", "source"]
    assert first.split() == ["data_dir", str(vestige.folder), "environment", "VESTIGE_DATA_DIR"]


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_show_prints_no_password(
    vestige: CommandLine, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "vestige.toml").write_text(
        '[storage]\nbackend = "postgres"\n'
        '[storage.postgres]\nurl = "postgresql://me:hunter2@db/vestige"\n'
    )
    ran = vestige("config", "show", *arguments)
    assert "postgresql://me:***@db/vestige" in ran.out
    assert "hunter2" not in ran.out + ran.err


def test_check_passes_a_good_configuration_and_makes_no_store(
    vestige: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "vestige.toml").write_text("[defaults]\nlimit = 7\n")
    before = files_of(tmp_path)
    ran = vestige("config", "check")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"ok: the configuration can be used ({tmp_path / 'vestige.toml'})\n"
    assert files_of(tmp_path) == before


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[defaults]\nlimt = 7\n", "did you mean limit?"),
        ('[storage]\nbackend = "mysql"\n', "storage.backend"),
        ('[storage.sqlite]\npath = "${NO_SUCH_VARIABLE}"\n', "NO_SUCH_VARIABLE"),
        ("[storage\n", "not valid TOML"),
    ],
)
def test_check_names_what_is_wrong(
    vestige: CommandLine, tmp_path: Path, text: str, named: str
) -> None:
    (tmp_path / "vestige.toml").write_text(text)
    ran = vestige("config", "check")
    assert (ran.code, ran.out) == (2, "")
    assert is_two_lines(ran.err)
    assert named in ran.err


def test_check_names_the_known_models(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VESTIGE_EMBEDDINGS_MODEL", "hashing-65")
    ran = vestige("config", "check")
    assert ran.code == 2
    assert "hashing-64" in ran.err


@pytest.mark.parametrize(
    ("lines", "code", "named"),
    [
        ('provider = "openai"\nmodel = "m"\nbase_url = "http://127.0.0.1:9/v1"', 0, "ok"),
        ('provider = "openai"\nmodel = "m"', 2, "base_url"),
        ('base_url = "http://127.0.0.1:9/v1"', 2, 'provider = "openai"'),
        ('provider = "fastembed"\nmodel = "no-such-model"', 2, "BAAI/bge-small-en-v1.5"),
    ],
)
def test_check_looks_at_models_elsewhere_without_asking_for_them(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch, lines: str, code: int, named: str
) -> None:
    for name in ("PROVIDER", "MODEL"):
        monkeypatch.delenv(f"VESTIGE_EMBEDDINGS_{name}")
    (vestige.folder / "vestige.toml").write_text(f'[embeddings]\n{lines}\napi_key = "hunter2"\n')
    ran = vestige("config", "check")
    assert ran.code == code
    assert named in ran.out + ran.err
    assert "hunter2" not in ran.out + ran.err


@pytest.mark.parametrize(
    "arguments", [("--data-dir", "FOLDER", "list"), ("list", "--data-dir", "FOLDER")]
)
def test_data_dir_stands_before_or_after_the_command(
    vestige: CommandLine, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    other = str(tmp_path / "other")
    vestige.remembered("elsewhere", "--data-dir", other)
    ran = vestige(*(other if argument == "FOLDER" else argument for argument in arguments))
    assert "elsewhere" in ran.out
    assert not vestige.store.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--config", "FILE", "config", "show"),
        ("config", "--config", "FILE", "show"),
        ("config", "show", "--config", "FILE"),
        ("--config", "/no/such/file", "config", "show", "--config", "FILE"),
    ],
)
def test_config_stands_anywhere_and_the_last_one_wins(
    vestige: CommandLine, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[defaults]\nlimit = 7\n")
    placed = [str(file) if argument == "FILE" else argument for argument in arguments]
    ran = vestige(*placed, "--json")
    values = {item["key"]: item["value"] for item in ran.items("settings")}
    assert values["defaults.limit"] == 7
    assert values["config_file"] == str(file)
