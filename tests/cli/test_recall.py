from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine

RETRIES = "the API retries five times"
COLOUR = "the logo of the shop is blue"


@pytest.fixture
def ids(vestige: CommandLine) -> dict[str, str]:
    return {
        RETRIES: vestige.remembered(
            RETRIES, "--tags", "api", "--type", "decision", "--created-at", "2026-01-10"
        ),
        COLOUR: vestige.remembered(
            COLOUR, "--tags", "brand", "--codebase", "shop", "--created-at", "2026-02-10"
        ),
    }


def found(vestige: CommandLine, *arguments: str) -> list[object]:
    ran = vestige("recall", *arguments, "--json")
    assert ran.code == 0, ran.err
    return [result["content"] for result in ran.items("results")]


def test_the_best_answer_is_printed_first_with_its_whole_id(
    vestige: CommandLine, ids: dict[str, str]
) -> None:
    ran = vestige("recall", "how often does the API retry?")
    first, content, memory_id, *_ = ran.out.splitlines()
    assert first.startswith("1. ")
    assert first.endswith("decision  2026-01-10  tags api")
    assert content == f"   {RETRIES}"
    assert memory_id.strip() == ids[RETRIES]


@pytest.mark.usefixtures("ids")
def test_json_has_the_fields_that_programs_rely_on(vestige: CommandLine) -> None:
    result = vestige("recall", "API retries", "--json").items("results")[0]
    assert {
        *("id", "content", "score", "fts_score", "vector_score", "node_type", "tags"),
        *("codebase", "created_at", "updated_at", "retrievability"),
    } == set(result)
    assert result["content"] == RETRIES


@pytest.mark.usefixtures("ids")
def test_explain_adds_the_parts_of_the_score_to_json(vestige: CommandLine) -> None:
    result = vestige("recall", "API retries", "--json", "--explain").items("results")[0]
    explanation = result["explanation"]
    assert isinstance(explanation, dict)
    assert explanation["vector_part"] + explanation["lexical_part"] == result["score"]


@pytest.mark.usefixtures("ids")
def test_explain_shows_a_table_with_a_row_for_each_hit(vestige: CommandLine) -> None:
    ran = vestige("recall", "API retries", "--explain")
    heading, *rows = ran.out.partition("\n\n")[2].splitlines()
    assert heading.split() == [
        *("hit", "score", "=", "cosine", "part", "+", "BM25", "part", "cosine", "rank", "BM25"),
        *("rank", "retrievability"),
    ]
    assert [row.split()[0] for row in rows] == ["1.", "2."]
    assert max(map(len, [heading, *rows])) <= 80


@pytest.mark.usefixtures("ids")
@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (("--tags", "api,other"), RETRIES),
        (("--type", "decision", "--type", "note"), RETRIES),
        (("--codebase", "shop"), COLOUR),
        (("--since", "2026-02-01"), COLOUR),
        (("--until", "2026-02-01T00:00:00Z"), RETRIES),
        (("--since", "2026-01-01", "--until", "2026-01-11"), RETRIES),
    ],
)
def test_a_filter_keeps_only_what_it_names(
    vestige: CommandLine, arguments: tuple[str, ...], kept: str
) -> None:
    assert found(vestige, "the", *arguments) == [kept]


@pytest.mark.usefixtures("ids")
def test_what_has_faded_can_be_left_out(vestige: CommandLine) -> None:
    vestige.remembered("the newest of all", "--created-at", "2199-01-01")
    assert found(vestige, "the", "--min-retrievability", "1") == ["the newest of all"]


@pytest.mark.usefixtures("ids")
def test_the_limit_of_the_command_line_wins_over_the_configured_one(
    vestige: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "vestige.toml").write_text("[defaults]\nlimit = 1\n")
    assert len(found(vestige, "the")) == 1
    assert len(found(vestige, "the", "--limit", "2")) == 2


def test_finding_nothing_is_said_on_standard_error_and_is_no_failure(vestige: CommandLine) -> None:
    ran = vestige("recall", "anything")
    assert (ran.code, ran.out, ran.err) == (0, "", "nothing was found\n")


def test_finding_nothing_is_an_empty_list_in_json(vestige: CommandLine) -> None:
    ran = vestige("recall", "anything", "--json")
    assert ran.code == 0
    assert ran.json == {"results": []}


@pytest.mark.usefixtures("ids")
@pytest.mark.parametrize("query", ['"API retries', "-", "AND OR NOT", "'; DROP TABLE x; --", "🙂"])
def test_a_query_of_any_characters_is_only_a_query(vestige: CommandLine, query: str) -> None:
    assert vestige("recall", query, "--json").code == 0
