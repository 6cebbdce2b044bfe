"""The command line as a process: its streams, its signals, its terminal, its start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from command_line import (
    INTERRUPTIBLE,
    PROGRAM,
    Ran,
    process_environment,
    run_on_terminal,
    run_process,
)

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine

BUILT_IN_MODEL: Final = {
    "VESTIGE_EMBEDDINGS_PROVIDER": "builtin",
    "VESTIGE_EMBEDDINGS_MODEL": "all-MiniLM-L6-v2",
}


def run_shell(variables: dict[str, str], script: str) -> Ran:
    """Run a shell script in which `$VESTIGE` is the command."""
    ran = subprocess.run(
        ["/bin/sh", "-c", script.replace("$VESTIGE", f"{sys.executable} -c '{PROGRAM}'")],
        capture_output=True,
        check=False,
        env=process_environment(variables),
        timeout=60,
    )
    return Ran(code=ran.returncode, out=ran.stdout.decode(), err=ran.stderr.decode())


def test_a_memory_is_found_by_its_meaning_with_the_built_in_model(vestige: CommandLine) -> None:
    variables = {**vestige.environ, **BUILT_IN_MODEL}
    texts = ("The cat sleeps on the sofa", "Invoices are due within thirty days")
    assert run_process(variables, "remember", *texts).code == 0
    ran = run_process(variables, "recall", "when must customers pay?", "--json", "--limit", "1")
    assert (ran.code, ran.err) == (0, "")
    assert ran.items("results")[0]["content"] == texts[1]


def test_the_store_decides_about_the_model_when_none_is_configured(vestige: CommandLine) -> None:
    plain = {
        name: value
        for name, value in vestige.environ.items()
        if not name.startswith("VESTIGE_EMBEDDINGS")
    }
    assert run_process(plain, "remember", "a text").code == 0
    assert "all-MiniLM-L6-v2" in run_process(plain, "stats").out


def test_bytes_of_standard_input_arrive_unchanged(vestige: CommandLine) -> None:
    text = "zwölf 日本 🙂\r\n\tline two"
    ran = run_process(vestige.environ, "remember", "-", "--json", stdin=f"{text}\n".encode())
    assert (ran.code, ran.err) == (0, "")
    assert vestige("show", str(ran.json["id"]), "--json").json["content"] == text


def test_broken_utf8_on_standard_input_is_an_error_on_standard_error_only(
    vestige: CommandLine,
) -> None:
    ran = run_process(vestige.environ, "remember", stdin=b"sch\xf6n")
    assert (ran.code, ran.out) == (1, "")
    assert "standard input: content: is not UTF-8: byte 0xf6 at position 3" in ran.err


def test_an_argument_that_is_not_utf8_is_refused(vestige: CommandLine) -> None:
    ran = run_process(vestige.environ, "remember", os.fsdecode(b"sch\xf6n"))
    assert (ran.code, ran.out) == (1, "")
    assert "not valid Unicode" in ran.err


def test_an_endless_input_is_not_read_to_its_end(vestige: CommandLine) -> None:
    ran = run_process(vestige.environ, "remember", "--file", "/dev/zero")
    assert ran.code == 1
    assert "/dev/zero: content: has more than 1000000 bytes" in ran.err


def test_a_reader_that_goes_away_ends_the_command_quietly(vestige: CommandLine) -> None:
    vestige.remembered("word " * 60_000)  # more than a pipe holds
    memory_id = vestige("list", "--json").items("memories")[0]["id"]
    ran = run_shell(vestige.environ, f"$VESTIGE show {memory_id} | head -c 10")
    assert (ran.out, ran.err) == (f"id{' ' * 8}", "")


def test_output_that_cannot_be_written_is_one_message(vestige: CommandLine) -> None:
    vestige.remembered("a text")
    ran = run_shell(vestige.environ, "$VESTIGE list > /dev/full")
    assert ran.code == 1
    assert ran.err.startswith("error: No space left on device\nhint: ")
    assert len(ran.err.splitlines()) == 2


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_closed_streams_are_no_reason_to_fail(vestige: CommandLine, closed: str) -> None:
    assert run_shell(vestige.environ, f"$VESTIGE remember text {closed}").code == 0
    assert len(vestige("list", "--json").items("memories")) == 1


def test_without_any_input_the_missing_text_is_named(vestige: CommandLine) -> None:
    ran = run_shell(vestige.environ, "$VESTIGE remember <&-")
    assert ran.code == 2
    assert ran.err.startswith("error: there is no text\n")


def test_an_interrupt_ends_the_command_with_one_line(vestige: CommandLine) -> None:
    pipe = vestige.folder / "pipe"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, "remember", "--file", str(pipe)],
        env=process_environment(vestige.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    # Opening it waits until the command has opened it, too: then it is reading.
    with process, pipe.open("wb"):
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, b"", b"interrupted\n")
    assert not vestige.store.exists()


def test_forget_asks_on_a_terminal_and_no_is_an_answer(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("a precious text")
    ran = run_on_terminal(vestige.environ, "forget", memory_id, typed=b"n\n")
    assert ran.code == 1
    assert "a precious text" in ran.out
    assert "Delete 1 memory? [y/N]" in ran.out
    assert "nothing was deleted" in ran.out
    assert len(vestige("list", "--json").items("memories")) == 1


def test_forget_deletes_after_yes_on_a_terminal(vestige: CommandLine) -> None:
    ids = [vestige.remembered("one"), vestige.remembered("two")]
    ran = run_on_terminal(vestige.environ, "forget", *ids, typed=b"y\n")
    assert ran.code == 0
    assert "Delete 2 memories?" in ran.out
    assert vestige("list", "--json").items("memories") == []


def test_ctrl_c_at_the_question_deletes_nothing(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("one")
    ran = run_on_terminal(vestige.environ, "forget", memory_id, typed=b"\x04")
    assert ran.code == 130
    assert "interrupted" in ran.out
    assert len(vestige("list", "--json").items("memories")) == 1


def test_several_texts_show_a_progress_bar_on_a_terminal_only(vestige: CommandLine) -> None:
    assert "100%" in run_on_terminal(vestige.environ, "remember", "one", "two").out
    assert "%" not in run_on_terminal(vestige.environ, "remember", "three").out
    assert vestige("remember", "four", "five").err == ""


def test_remember_without_a_text_does_not_wait_for_a_terminal(vestige: CommandLine) -> None:
    ran = run_on_terminal(vestige.environ, "remember")
    assert ran.code == 2
    assert "there is no text" in ran.out


def test_two_processes_can_write_at_the_same_time(vestige: CommandLine) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "remember", *(f"{name} {n}" for n in range(20))],
            env=process_environment(vestige.environ),
            stdout=subprocess.DEVNULL,
        )
        for name in ("left", "right")
    ]
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    assert len(vestige("list", "--limit", "1000", "--json").items("memories")) == 40


def test_the_version_is_printed(vestige: CommandLine, tmp_path: Path) -> None:
    ran = run_process(vestige.environ, "--version")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("vestige 0.")
    assert not list(tmp_path.iterdir())
