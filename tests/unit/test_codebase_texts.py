"""The texts that patterns and decisions become."""

from __future__ import annotations

from vestige.cognition.codebase_texts import decision_text, pattern_text


def test_a_pattern_reads_as_its_name_what_to_do_and_its_files() -> None:
    assert pattern_text("Retries", "Wrap calls in `retrying`.", ["src/a.py", "src/b.py"]) == (
        "Pattern: Retries\nWrap calls in `retrying`.\nFiles: src/a.py, src/b.py"
    )


def test_a_decision_reads_as_what_why_what_else_and_its_files() -> None:
    text = decision_text("One queue", "One backup", ["Redis", "RabbitMQ"], ["src/queue.py"])
    assert text == (
        "Decision: One queue\nRationale: One backup\n"
        "Alternatives:\n- Redis\n- RabbitMQ\nFiles: src/queue.py"
    )


def test_parts_that_are_not_given_leave_no_line() -> None:
    assert pattern_text("Retries", "Three times.", []) == "Pattern: Retries\nThree times."
    assert decision_text("One queue", None, [], []) == "Decision: One queue"
    assert decision_text("One queue", None, ["Redis"], []) == (
        "Decision: One queue\nAlternative: Redis"
    )
