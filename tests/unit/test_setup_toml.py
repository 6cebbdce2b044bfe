"""One table of any TOML file is set and taken out, and nothing else of it changes."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Final, cast

from hypothesis import given
from hypothesis import strategies as st

from vestige.cli.setup_toml import entry_of, with_entry, without_entry

if TYPE_CHECKING:
    from vestige.models import JsonObject

ENTRY: Final[JsonObject] = {
    "command": 'C:\\a "b"\\vestige-mcp.exe',
    "args": ["--data-dir", "# [ü]"],
    "env": {"VESTIGE_CONFIG": "a.toml"},
}
TOP: Final = st.sampled_from(
    ["", "# mine\n", 'model = "o5" # [mcp_servers.no]\n', "d.e = [\n 1,\n]\n"]
)
PARTS: Final = (
    "[a]\nwhen = 2026-01-01T00:00:00Z\n",
    "\n# of b\n[b.c]\n",
    '[[list]]\ntext = """\na [x]\n"""\n',
    "[mcp_servers]\n",
    '[mcp_servers."files"]  # other\ncommand = "files"\n\n\n',
    "[mcp_servers.vestiges]\nargs = []\n",
    " [ mcp_servers . issues . env ]\nA = 'b'\n# the end\n",
)
PRESENT: Final = (
    "",
    "[mcp_servers.vestige]\ncommand = 'old'\n",
    "[mcp_servers.'vestige']# old\ncommand = 'old'\n\n[mcp_servers.vestige.env]\nA = '1'\n",
)


@st.composite
def files(draw: st.DrawFn, present: st.SearchStrategy[str]) -> str:
    """Return the text of a file whose tables stand in any order."""
    chosen = draw(st.lists(st.sampled_from(PARTS), unique=True))
    tables = draw(st.permutations([*chosen, draw(present)]))
    text = draw(TOP) + "".join(tables)
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


@given(files(st.sampled_from(PRESENT)))
def test_the_table_is_set_and_all_else_is_equal(text: str) -> None:
    expected = tomllib.loads(text)
    expected.setdefault("mcp_servers", {})["vestige"] = ENTRY
    changed = with_entry(text, "mcp_servers", "vestige", ENTRY)
    assert tomllib.loads(changed) == expected
    assert entry_of(changed, "mcp_servers", "vestige") == ENTRY
    assert with_entry(changed, "mcp_servers", "vestige", ENTRY) == changed


@given(files(st.sampled_from(PRESENT)))
def test_the_table_is_taken_out_and_all_else_is_equal(text: str) -> None:
    expected = tomllib.loads(text)
    servers = cast("dict[str, object]", expected.get("mcp_servers", {}))
    servers.pop("vestige", None)
    left = tomllib.loads(without_entry(text, "mcp_servers", "vestige"))
    assert left.pop("mcp_servers", {}) == expected.pop("mcp_servers", {})
    assert left == expected


@given(files(st.just("")))
def test_a_table_that_was_added_goes_without_a_trace(text: str) -> None:
    added = with_entry(text, "mcp_servers", "vestige", ENTRY)
    assert added.startswith(text)
    assert without_entry(added, "mcp_servers", "vestige") == text
