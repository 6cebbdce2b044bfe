from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from command_line import is_two_lines

if TYPE_CHECKING:
    from command_line import CommandLine

RETRIES = "the API retries five times"
COLOUR = "the logo of the shop is blue"
LATE = "the shop closes at midnight"


@pytest.fixture
def ids(vestige: CommandLine) -> dict[str, str]:
    return {
        RETRIES: vestige.remembered(
            *(RETRIES, "--tags", "api", "--type", "decision"),
            *("--created-at", "2026-01-10T09:30:00Z"),
        ),
        COLOUR: vestige.remembered(
            COLOUR, "--codebase", "shop", "--created-at", "2026-02-10T08:00:00Z"
        ),
        LATE: vestige.remembered(
            LATE, "--codebase", "shop", "--created-at", "2026-02-10T23:30:00Z"
        ),
    }


def texts(vestige: CommandLine, *arguments: str) -> dict[object, list[object]]:
    ran = vestige("timeline", *arguments, "--json")
    assert ran.code == 0, ran.err
    return {
        day["day"]: [memory["text"] for memory in cast("list[dict[str, object]]", day["memories"])]
        for day in ran.items("days")
    }


def test_days_are_printed_newest_first_with_the_times_of_their_memories(
    vestige: CommandLine, ids: dict[str, str]
) -> None:
    ran = vestige("timeline")
    assert ran.out.splitlines() == [
        "2026-02-10  2 memories",
        f"  23:30  fact  codebase shop  {ids[LATE]}",
        f"         {LATE}",
        f"  08:00  fact  codebase shop  {ids[COLOUR]}",
        f"         {COLOUR}",
        "2026-01-10  1 memory",
        f"  09:30  decision  tags api  {ids[RETRIES]}",
        f"         {RETRIES}",
    ]
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.usefixtures("ids")
def test_days_and_times_are_those_of_the_zone(vestige: CommandLine) -> None:
    zone = ("--time-zone", "Europe/Berlin")
    assert list(texts(vestige, *zone)) == ["2026-02-11", "2026-02-10", "2026-01-10"]
    assert vestige("timeline", *zone).out.splitlines()[1].startswith("  00:30  fact")


@pytest.mark.usefixtures("ids")
def test_filters_keep_what_they_name(vestige: CommandLine) -> None:
    assert texts(vestige, "--codebase", "shop", "--until", "2026-02-10T12:00:00Z") == {
        "2026-02-10": [COLOUR]
    }
    assert texts(vestige, "--tags", "api") == {"2026-01-10": [RETRIES]}
    assert texts(vestige, "--type", "decision", "--since", "2026-02-01") == {}


def test_json_has_the_counts_of_whole_days_and_what_was_left_out(
    vestige: CommandLine, ids: dict[str, str]
) -> None:
    ran = vestige("timeline", "--limit", "1", "--json")
    (day,) = cast("list[object]", ran.json.pop("days"))
    assert day == {
        "day": "2026-02-10",
        "count": 2,
        "memories": [
            {
                "id": ids[LATE],
                "text": LATE,
                "node_type": "fact",
                "tags": [],
                "codebase": "shop",
                "created_at": "2026-02-10T23:30:00.000000Z",
                "marks": [],
            }
        ],
    }
    assert {key: ran.json[key] for key in ("count", "left_out", "time_zone")} == {
        "count": 3,
        "left_out": 2,
        "time_zone": "UTC",
    }
    people = vestige("timeline", "--limit", "1")
    assert people.err == "2 older ones are left out: --limit shows more\n"


def test_what_is_hidden_is_shown_with_all_and_marked(
    vestige: CommandLine, ids: dict[str, str]
) -> None:
    vestige("suppress", ids[LATE])
    assert texts(vestige, "--since", "2026-02-01") == {"2026-02-10": [COLOUR]}
    ran = vestige("timeline", "--all", "--since", "2026-02-01")
    assert ran.out.splitlines()[1] == f"  23:30  fact  codebase shop  suppressed  {ids[LATE]}"


def test_a_long_text_is_cut(vestige: CommandLine) -> None:
    vestige.remembered("word " * 200, "--created-at", "2026-01-10")
    ((text,),) = texts(vestige).values()
    assert len(str(text)) == 300


def test_memories_at_the_end_of_the_calendar_are_printed(vestige: CommandLine) -> None:
    vestige.remembered("far away", "--created-at", "9999-12-31T23:00:00Z")
    ran = vestige("timeline", "--time-zone", "Asia/Tokyo")
    assert (ran.code, ran.out.splitlines()[0]) == (0, "9999-12-31  1 memory")


def test_an_empty_store_says_that_there_is_nothing(vestige: CommandLine) -> None:
    ran = vestige("timeline", "--json")
    assert ran.json == {"days": [], "count": 0, "left_out": 0, "time_zone": "UTC"}
    assert ran.err == "there are no such memories\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--time-zone", "Mars/Olympus"), 1),
        (("--limit", "0"), 2),
        (("--since", "yesterday"), 2),
    ],
)
def test_what_cannot_be_used_is_refused(
    vestige: CommandLine, arguments: tuple[str, ...], code: int
) -> None:
    ran = vestige("timeline", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert is_two_lines(ran.err)
