"""Changing [embeddings] in a file that a person wrote."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Final

import pytest

from vestige.config.editing import edit_embeddings
from vestige.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

VALUES: Final[dict[str, str | int | None]] = {
    "provider": "openai",
    "model": 'a "b" \\ ü',
    "dimension": 256,
    "base_url": None,
}
GIVEN: Final = 'provider = "openai"\nmodel = "a \\"b\\" \\\\ ü"\ndimension = 256\n'
EDITED: Final = {
    "": f"[embeddings]\n{GIVEN}",
    "[defaults]\nlimit = 5\n": f"[defaults]\nlimit = 5\n\n[embeddings]\n{GIVEN}",
    "[defaults]\nlimit = 5": f"[defaults]\nlimit = 5\n\n[embeddings]\n{GIVEN}",
    "[embeddings]": f"[embeddings]\n{GIVEN}",
    '# top\n[ embeddings ] # why\n# note\n model="old"\nbase_url = "a"\napi_key = "k"\n[x]\n': (
        f'# top\n[ embeddings ] # why\n{GIVEN}# note\napi_key = "k"\n[x]\n'
    ),
}
UNEDITABLE: Final = (
    'embeddings = {model = "old"}\n',
    'embeddings.model = "old"\n',
    '[embeddings]\n"model" = "old"\n',
    '[defaults]\nnote = """\n[embeddings]\n"""\n',
)


@pytest.mark.parametrize("old", EDITED)
def test_the_values_are_there_and_the_rest_stays(tmp_path: Path, old: str) -> None:
    path = tmp_path / "vestige.toml"
    path.write_text(old)
    edit_embeddings(path, VALUES).write()
    assert path.read_text() == EDITED[old]
    given = tomllib.loads(path.read_text())["embeddings"]
    assert given["model"] == VALUES["model"]
    assert "base_url" not in given


def test_line_ends_of_windows_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "vestige.toml"
    path.write_bytes(b'[embeddings]\r\nmodel = "old"\r\n')
    edit_embeddings(path, {"model": "new"}).write()
    assert path.read_bytes() == b'[embeddings]\r\nmodel = "new"\r\n'


@pytest.mark.parametrize("old", UNEDITABLE)
def test_what_cannot_be_edited_is_refused_and_left(tmp_path: Path, old: str) -> None:
    path = tmp_path / "vestige.toml"
    path.write_text(old)
    with pytest.raises(ConfigError, match="cannot be edited line by line"):
        edit_embeddings(path, VALUES)
    assert path.read_text() == old


def test_a_backup_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "vestige.toml"
    assert edit_embeddings(path, {"model": "a"}).write() is None
    first = edit_embeddings(path, {"model": "b"}).write()
    second = edit_embeddings(path, {"model": "c"}).write()
    assert first is not None
    assert second is not None
    assert 'model = "a"' in first.read_text()
    assert 'model = "b"' in second.read_text()
    assert 'model = "c"' in path.read_text()
