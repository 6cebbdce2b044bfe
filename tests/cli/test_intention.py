from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import pytest

from command_line import is_two_lines

if TYPE_CHECKING:
    from command_line import CommandLine

UNKNOWN_ID: Final = "6f1c3b52-8f0e-4d6f-9a3e-2b7c5d1e0f4a"
PAST: Final = "2020-01-31"
FUTURE: Final = "9000-01-31"


def kept(vestige: CommandLine, *arguments: str) -> str:
    ran = vestige("intention", "set", *arguments, "--json")
    assert ran.code == 0, ran.err
    return str(cast("dict[str, object]", ran.json["intention"])["id"])


def contents(vestige: CommandLine, *arguments: str) -> list[object]:
    ran = vestige("intention", *arguments, "--json")
    assert ran.code == 0, ran.err
    name = "triggered" if arguments[0] == "check" else "intentions"
    return [item["content"] for item in ran.items(name)]


def test_what_is_set_comes_up_at_its_time_with_the_reason(vestige: CommandLine) -> None:
    ran = vestige("intention", "set", "Renew the certificate", "--at", PAST, "--priority", "high")
    assert ran.code == 0
    verb, intention_id = ran.out.split()
    assert verb == "set"
    kept(vestige, "Later", "--at", FUTURE)
    ran = vestige("intention", "check")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "high  active  its time has come: 2020-01-31T00:00Z",
        "   Renew the certificate",
        f"   {intention_id}",
    ]


def test_a_context_is_its_codebase_file_and_topic_together(vestige: CommandLine) -> None:
    kept(vestige, "Measure it", "--codebase", "shop", "--file", "src/*.py", "--topic", "search")
    context = ("--codebase", "shop", "--file", "src/a.py")
    assert contents(vestige, "check", *context) == []
    assert contents(vestige, "check", *context, "--topic", "slow search") == ["Measure it"]


def test_an_event_brings_it_up(vestige: CommandLine) -> None:
    kept(vestige, "Look at the logs", "--event", "deploy")
    ran = vestige("intention", "check")
    assert (ran.out, ran.err) == ("", "there is nothing to be done now\n")
    assert contents(vestige, "check", "--event", "deploy") == ["Look at the logs"]


def test_the_list_shows_what_is_open_or_all(vestige: CommandLine) -> None:
    done = kept(vestige, "Done", "--at", PAST)
    kept(vestige, "Open", "--at", FUTURE, "--codebase", "shop")
    ran = vestige("intention", "complete", done)
    assert (ran.code, ran.out) == (0, f"completed {done}\n")
    assert contents(vestige, "list") == ["Open"]
    assert contents(vestige, "list", "--all") == ["Open", "Done"]
    assert contents(vestige, "list", "--status", "completed") == ["Done"]
    assert contents(vestige, "list", "--codebase", "garden") == []
    shown = vestige("intention", "list").out.splitlines()[0]
    assert shown == "normal  active  at 9000-01-31T00:00:00.000000Z, codebase shop"


def test_what_is_snoozed_or_cancelled_does_not_come_up(vestige: CommandLine) -> None:
    one, two = kept(vestige, "One", "--at", PAST), kept(vestige, "Two", "--at", PAST)
    ran = vestige("intention", "snooze", one, "--until", FUTURE)
    assert ran.out == f"snoozed {one} until 9000-01-31T00:00:00.000000Z\n"
    assert vestige("intention", "cancel", two).out == f"cancelled {two}\n"
    assert contents(vestige, "check") == []


def test_a_snooze_is_half_an_hour_by_default(vestige: CommandLine) -> None:
    one = kept(vestige, "One", "--at", PAST)
    assert vestige("intention", "snooze", one).code == 0
    assert contents(vestige, "check") == []


def test_an_intention_is_shown_whole(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("the certificate is at example.org")
    one = kept(vestige, "Renew", "--at", PAST, "--memory", memory_id, "--tags", "a,b")
    ran = vestige("intention", "show", one)
    assert f"memory ids     {memory_id}\n" in ran.out
    assert "tags           a, b\n" in ran.out
    assert vestige("intention", "show", one, "--json").json["content"] == "Renew"


def test_a_change_of_an_intention_is_told_and_taken_back(vestige: CommandLine) -> None:
    one = kept(vestige, "Renew", "--at", PAST)
    vestige("intention", "complete", one)
    told = vestige("changelog").out
    assert f"completed  {one}" in told
    assert "changed: status, closed_at" in told
    assert vestige("undo", "--yes").code == 0
    assert contents(vestige, "check") == ["Renew"]


def test_an_unknown_intention_is_named_with_the_next_step(vestige: CommandLine) -> None:
    for command in ("show", "complete", "cancel", "snooze"):
        ran = vestige("intention", command, UNKNOWN_ID)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err == (
            f"error: no intention has the id {UNKNOWN_ID}\n"
            "hint: Look the id up with `vestige intention list --all`.\n"
        )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("set", "a"), "nothing brings it up"),
        (("set", "", "--event", "x"), "content"),
        (("set", "a", "--at", PAST, "--event", "x"), "is not used by a time trigger"),
        (("snooze", UNKNOWN_ID, "--until", PAST), "has passed"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_the_reason(
    vestige: CommandLine, arguments: tuple[str, ...], named: str
) -> None:
    ran = vestige("intention", *arguments)
    assert (ran.code, ran.out) == (1, "")
    assert is_two_lines(ran.err)
    assert named in ran.err
    assert contents(vestige, "list", "--all") == []


def test_an_export_brings_intentions_along(vestige: CommandLine) -> None:
    one = kept(vestige, "Renew", "--at", PAST)
    dump = vestige("export").out.encode()
    assert vestige("purge", one, "--yes").code == 0
    assert contents(vestige, "check") == []
    vestige.store.unlink()
    assert vestige("import", "-", stdin=dump).code == 0
    assert contents(vestige, "check") == ["Renew"]
