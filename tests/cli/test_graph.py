from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import pytest

from command_line import files_of, is_two_lines

if TYPE_CHECKING:
    from command_line import CommandLine

UNKNOWN_ID: Final = "6f1c3b52-8f0e-4d6f-9a3e-2b7c5d1e0f4a"
HOSTILE: Final = "t\x1b[31m\n"


def remember(vestige: CommandLine, *texts: str) -> list[str]:
    return [vestige.remembered(text) for text in texts]


def links_of(vestige: CommandLine, memory_id: str) -> list[tuple[object, ...]]:
    """Return the links of a memory as `show --json` prints them, without their time."""
    ran = vestige("show", memory_id, "--json")
    assert ran.code == 0, ran.err
    return [
        (edge["source_id"], edge["target_id"], edge["edge_type"], edge["weight"])
        for edge in ran.items("links")
    ]


def test_link_adds_a_link_that_show_prints_from_both_ends(vestige: CommandLine) -> None:
    one, two = remember(vestige, "one", "two")
    ran = vestige("link", one, two, "--type", "because", "--weight", "0.8")
    assert (ran.code, ran.out) == (0, f"added {one} -> {two}: because, weight 0.8\n")
    assert links_of(vestige, one) == [(one, two, "because", 0.8)]
    assert links_of(vestige, two) == links_of(vestige, one)
    assert f"link         to {two}  because, weight 0.8\n" in vestige("show", one).out
    assert f"link         from {one}  because, weight 0.8\n" in vestige("show", two).out


def test_a_link_is_related_with_weight_1_by_default(vestige: CommandLine) -> None:
    one, two = remember(vestige, "one", "two")
    view = vestige("link", one, two, "--json").json
    assert str(view.pop("created_at")).endswith("Z")
    assert view == {
        "source_id": one,
        "target_id": two,
        "edge_type": "related",
        "weight": 1.0,
        "action": "added",
        "previous_weight": None,
    }


def test_link_again_changes_the_weight_and_tells_the_one_before(vestige: CommandLine) -> None:
    one, two = remember(vestige, "one", "two")
    first = vestige("link", one, two, "--weight", "0.25", "--json").json
    ran = vestige("link", one, two, "--weight", "0.5")
    assert ran.out == f"changed {one} -> {two}: related, weight 0.5, before 0.25\n"
    again = vestige("link", one, two, "--json").json
    assert (again["action"], again["weight"], again["previous_weight"]) == ("changed", 1.0, 0.5)
    assert again["created_at"] == first["created_at"]
    assert links_of(vestige, one) == [(one, two, "related", 1.0)]


def test_remove_with_a_type_takes_that_link_only(vestige: CommandLine) -> None:
    one, two = remember(vestige, "one", "two")
    for edge_type in ("because", "related"):
        vestige("link", one, two, "--type", edge_type)
    vestige("link", two, one, "--type", "because")
    ran = vestige("link", one, two, "--type", "because", "--remove")
    assert (ran.code, ran.out) == (0, f"removed {one} -> {two}: because, weight 1\n")
    left = {(one, two, "related", 1.0), (two, one, "because", 1.0)}
    assert set(links_of(vestige, one)) == left


def test_remove_without_a_type_takes_all_links_between_the_two(vestige: CommandLine) -> None:
    one, two, three = remember(vestige, "one", "two", "three")
    vestige("link", one, two)
    vestige("link", two, one, "--type", "because")
    vestige("link", one, three)
    removed = vestige("link", one, two, "--remove", "--json").items("removed")
    ends = {(edge["source_id"], edge["target_id"], edge["edge_type"]) for edge in removed}
    assert ends == {(one, two, "related"), (two, one, "because")}
    assert links_of(vestige, one) == [(one, three, "related", 1.0)]


def test_to_remove_a_link_that_is_not_there_is_no_error(vestige: CommandLine) -> None:
    one, two = remember(vestige, "one", "two")
    ran = vestige("link", one, two, "--remove")
    assert (ran.code, ran.out, ran.err) == (0, "", "there is no such link\n")
    assert vestige("link", one, two, "--remove", "--json").json == {"removed": []}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), "a memory cannot be linked to itself"),
        (("--type", ""), "must not be empty"),
        (("--type", "t" * 65), "has 65 characters, at most 64"),
        (("--type", "t\udcff"), "a lone surrogate at position 1"),
        (("--remove", "--type", ""), "must not be empty"),
        (("--remove", "--type", "t\udcff"), "a lone surrogate at position 1"),
    ],
)
def test_a_link_that_cannot_be_is_refused_and_nothing_changed(
    vestige: CommandLine, arguments: tuple[str, ...], named: str
) -> None:
    one, two = remember(vestige, "one", "two")
    before = files_of(vestige.folder)
    ran = vestige("link", one, *arguments, two if arguments else one)
    assert (ran.code, ran.out) == (1, "")
    assert is_two_lines(ran.err)
    assert named in ran.err
    assert files_of(vestige.folder) == before


@pytest.mark.parametrize("remove", [(), ("--remove",)])
def test_a_link_with_one_unknown_end_names_it(
    vestige: CommandLine, remove: tuple[str, ...]
) -> None:
    one = vestige.remembered("one")
    for ends in ((one, UNKNOWN_ID), (UNKNOWN_ID, one)):
        ran = vestige("link", *ends, *remove)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith(f"error: no memory has the id {UNKNOWN_ID}\n")
    assert links_of(vestige, one) == []


def test_neighbors_are_listed_best_first_with_their_distance(vestige: CommandLine) -> None:
    start, near, far, strong = remember(vestige, "start", "near", "far", "strong")
    vestige("link", start, near, "--weight", "0.5")
    vestige("link", far, near, "--weight", "0.5")
    vestige("link", strong, start, "--weight", "0.9")
    found = vestige("neighbors", start, "--depth", "2", "--json").items("neighbors")
    shown = [(memory["id"], memory["content"], memory["hops"]) for memory in found]
    assert shown == [(strong, "strong", 1), (near, "near", 1), (far, "far", 2)]
    assert [memory["weight"] for memory in found] == [0.9, 0.5, 0.25]
    lines = vestige("neighbors", start, "--depth", "2").out.splitlines()
    assert lines[0].startswith("1. 0.9  1 link  fact  ")
    assert lines[1:3] == ["   strong", f"   {strong}"]
    assert lines[6].startswith("3. 0.25  2 links  fact  ")


def test_neighbors_go_one_link_far_by_default(vestige: CommandLine) -> None:
    start, near, far = remember(vestige, "start", "near", "far")
    vestige("link", start, near)
    vestige("link", near, far)
    found = vestige("neighbors", start, "--json").items("neighbors")
    assert [memory["id"] for memory in found] == [near]
    deep = vestige("neighbors", start, "--depth", "16", "--json").items("neighbors")
    assert {memory["id"] for memory in deep} == {near, far}


def test_a_memory_without_links_has_no_neighbors(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("alone")
    ran = vestige("neighbors", memory_id)
    assert (ran.code, ran.out, ran.err) == (0, "", "no links lead to other memories\n")
    assert vestige("neighbors", memory_id, "--json").json == {"neighbors": []}
    assert "link" not in vestige("show", memory_id).out


def test_neighbors_are_shortened_but_never_their_id(vestige: CommandLine) -> None:
    one, two = remember(vestige, "one", "word " * 1000)
    vestige("link", one, two)
    _, content, last = vestige("neighbors", one).out.splitlines()
    assert len(content) <= 80
    assert content.endswith("…")
    assert last.strip() == two


def test_a_forgotten_memory_takes_its_links_with_it(vestige: CommandLine) -> None:
    one, two = remember(vestige, "one", "two")
    vestige("link", one, two)
    vestige("forget", two, "--yes")
    assert links_of(vestige, one) == []
    assert vestige("neighbors", one).out == ""


def test_show_prints_the_strongest_of_many_links_and_how_many_there_are(
    vestige: CommandLine,
) -> None:
    one, two = remember(vestige, "one", "two")
    for number in range(1, 23):
        vestige("link", one, two, "--type", f"kind {number}", "--weight", str(number))
    shown = vestige("show", one).out
    assert shown.count("link  ") == 20
    assert "kind 22, weight 22\n" in shown
    assert "kind 2, weight" not in shown
    assert "links        22, the strongest 20 above\n" in shown
    assert len(cast("list[object]", vestige("show", one, "--json").json["links"])) == 22


def test_control_characters_in_the_type_of_a_link_are_shown_and_not_sent(
    vestige: CommandLine,
) -> None:
    one, two = remember(vestige, "one", "two")
    for ran in (
        vestige("link", one, two, "--type", HOSTILE),
        vestige("show", one),
        vestige("link", one, two, "--remove"),
    ):
        assert ran.code == 0
        assert "\x1b" not in ran.out
        assert "t\\x1b[31m\\n, weight 1\n" in ran.out
