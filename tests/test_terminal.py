"""Text for a terminal: nothing that it takes for a command, whatever a record or a log line holds; and what
may come from it in answer to a question."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from commands import PROGRAM
from doubles import notice, version
from examples import PLAYED
from informativa.cli import log
from informativa.cli.main import main
from informativa.cli.questions import ask_yes
from informativa.cli.words import _ as reader
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Event, RecordKind, told_elsewhere
from informativa.views import terminal

# Clears the screen, hides what follows, sets the window's title, turns the writing, begins a line.
HOSTILE = "a\x1b[2Jb\x1b[8mc\x9b2Jd\x9d0;x\x9ce\u202ef\u2066g\u2028h\x7fi\rj\x08k\x00l\U000e0041m"
CLEAN = "a�[2Jb�[8mc�2Jd�0;x�e�f�g�h�i�j�k�l�m"
LETTERS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


def commands(text: str) -> set[str]:
    """The characters in what was printed that are not for a person to read."""
    bad = {"Cc", "Zl", "Zp"}
    turning = {"R", "AL", "RLE", "LRE", "RLO", "LRO", "PDF", "RLI", "LRI", "FSI", "PDI"} - {"R", "AL"}
    return {
        letter
        for letter in text
        if letter not in "\n\t"
        and (unicodedata.category(letter) in bad or unicodedata.bidirectional(letter) in turning)
    } | (set(text) & set("\u061c\u200e\u200f"))


@contextlib.contextmanager
def printing() -> Iterator[io.BytesIO]:
    """Both streams, as this process's commands have them; what was printed in UTF-8."""
    printed, before = io.BytesIO(), (sys.stdout, sys.stderr)
    sys.stdout = sys.stderr = io.TextIOWrapper(printed, encoding="utf-8", write_through=True)
    try:
        yield printed
    finally:
        sys.stdout, sys.stderr = before


@pytest.fixture
def ledger(folder: Path) -> Iterator[SqliteStore]:
    """The first company's."""
    store = SqliteStore(str(folder / "ledger/acme.sqlite3"))
    yield store
    store.close()


def output_of(*arguments: object, code: int = 0) -> str:
    """Return what a command prints, which ends with this exit code."""
    with printing() as printed:
        assert main([str(argument) for argument in arguments]) == code
        return printed.getvalue().decode()


def hostile(text: str) -> Event:
    """A record all of whose words are this one, as of an earlier release or another's program."""
    fields = {"call": text, "line": text, "language": text, "reference": text, "linked": text, "wanted": text}
    return replace(PLAYED, notice=text, version=text, purposes=frozenset({text}), prompt=text, **fields)


def informed(reference: str) -> Event:
    """Return what an operator told, and who he says he is."""
    one = version()
    return told_elsewhere(notice(one), one, RecordKind.OPERATOR, PLAYED.at, None, reference, call="1.1")


def test_operator_sends_no_command_to_the_terminal(folder: Path, ledger: SqliteStore) -> None:
    """Escape sequences in an operator's name are shown for what they are."""
    ledger.append([informed(HOSTILE)])
    shown = output_of("ledger", "show", "--controller", "acme", "-c", folder / "informativa.yaml")
    assert CLEAN in shown
    assert commands(shown) == set()


def test_record_passes_for_no_other_one(folder: Path, ledger: SqliteStore) -> None:
    """A line break in a reference begins no line that looks like a record."""
    ledger.append([informed("paper\n   2 2026-11-24 12:00:00 +390212345678 PLAYED")])
    before = output_of("ledger", "show", "--controller", "borealis", "-c", folder / "informativa.yaml")
    shown = output_of("ledger", "show", "--controller", "acme", "-c", folder / "informativa.yaml")
    assert "paper    2 2026-11-24" in shown
    assert len(shown.splitlines()) == 4
    assert before


@given(LETTERS)
def test_no_text_sends_commands(text: str) -> None:
    """Whatever it is, no more than text is shown of it, and a program loses no letter of it."""
    assert commands(terminal.clean(text)) == set()
    assert commands(terminal.one_line(text) + "\n") == set()
    assert len(terminal.one_line(text).split("\n")) == 1
    written = terminal.escaped(json.dumps([text], ensure_ascii=False))
    assert commands(written) == set()
    assert json.loads(written) == [text]


def test_no_field_of_a_record_sends_commands(folder: Path, ledger: SqliteStore) -> None:
    """Whatever stands in a record, each command that shows it shows no more than text, and a program that
    reads it loses no letter."""
    ledger.append([hostile(HOSTILE)])
    config = folder / "informativa.yaml"
    assert commands(output_of("ledger", "show", "--controller", "acme", "-c", config)) == set()
    assert commands(output_of("status", "-c", config, code=1)) == set()  # nothing serves here
    shown = json.loads(output_of("ledger", "show", "--controller", "acme", "--json", "-c", config))
    (fact,) = shown["records"]
    assert fact["reference"] == HOSTILE


def test_errors_send_no_commands(folder: Path) -> None:
    """A message that quotes what was typed or configured is clean too."""
    file = folder / "informativa.yaml"
    with printing() as printed:
        assert main(["ledger", "show", "--controller", HOSTILE.replace("\0", ""), "-c", str(file)]) == 1
        file.write_text(file.read_text().replace("name: Acme S.p.A.", 'nam\\e: "x\\u202e\\e[2J"', 1))
        assert main(["check", "-c", str(file)]) == 1
        text = printed.getvalue().decode()
    assert "a�[2Jb" in text
    assert commands(text) == set()


@pytest.mark.night
def test_colours_are_still_there(folder: Path) -> None:
    """On a terminal that shows colours our own are not taken for anybody's commands."""
    main_end, terminal_end = pty.openpty()
    command = [PROGRAM, "status", "-c", folder / "informativa.yaml"]
    environment = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PATH": os.environ["PATH"]}
    subprocess.run(command, stdout=terminal_end, stderr=terminal_end, env=environment, check=False)
    os.close(terminal_end)
    shown = b""
    with contextlib.suppress(OSError):  # Linux: the other end is closed
        while chunk := os.read(main_end, 10_000):
            shown += chunk
    os.close(main_end)
    assert b"\x1b[1m" in shown
    assert "�" not in shown.decode()


@pytest.mark.sample(1)
@pytest.mark.parametrize("words", [("status",), ("status", "--screen")])
def test_reader_that_leaves_changes_no_exit_code(folder: Path, words: tuple[str, ...]) -> None:
    """A reader that leaves before the first line (`| head -0`) gets no traceback, and the command ends as it
    would have; what it prints is written line by line here, so that each meets a pipe without a reader."""
    read, write = os.pipe()
    os.close(read)
    command = [PROGRAM, *words, "-c", folder / "informativa.yaml"]
    environment = {"PYTHONUNBUFFERED": "1", "LANG": "C.UTF-8", "PATH": os.environ["PATH"]}
    ran = subprocess.run(
        command, stdout=write, stderr=subprocess.PIPE, text=True, env=environment, check=False
    )
    os.close(write)
    assert ran.returncode == 1  # nothing serves here
    assert [word for word in ("Traceback", "defect", "Broken pipe") if word in ran.stderr] == []


def test_console_cleans_what_it_is_given() -> None:
    """rich's own output is clean as well, and keeps its colours."""
    with printing() as printed:
        terminal.prepare()
        from rich.text import Text

        console = terminal.console()
        console.print(Text(HOSTILE, "bold"), soft_wrap=True)
        console.print(HOSTILE, soft_wrap=True)
        text = printed.getvalue().decode()
    assert commands(text) == set()
    assert text.count("a�[2Jb�[8mc�2Jd�0;x�e�f�g�h") == 2


def test_log_on_a_terminal_is_clean(capfd: pytest.CaptureFixture[str]) -> None:
    """Neither does a fact of the log pass for a line of it, or for a command."""
    before = structlog.get_config()
    sink = log.configure(log.LogFormat.CONSOLE)
    try:
        structlog.get_logger().error("call\nanswered", line=HOSTILE, error="one\ntwo")
    finally:
        structlog.configure(**before)
        sink.close()
    output = capfd.readouterr().err
    assert CLEAN in output
    assert "one two" in output
    assert output.count("\n") == 1
    assert commands(output) == set()


def test_what_people_write_is_left_alone() -> None:
    """Letters of every script, accents, emoji and our own marks are no commands."""
    text = "Società «Così» Zürich Łódź Ελλάδα Москва שלום مرحبا 日本 é 👩‍👩‍👧 ✔ ✘ … €\t|\n"
    assert terminal.clean(text) == text
    assert terminal.clean(datetime(2026, 11, 24, tzinfo=UTC).isoformat()) == "2026-11-24T00:00:00+00:00"


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("sì", True), ("si", True), ("S", True), ("y", True), ("n", False), ("", False), ("boh\nsi", True)],
)
def test_yes_is_understood_in_italian_too(
    typed: str, answer: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With and without its accent, and in English; Enter is a no, and another word is asked about again."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
    reader.speak({"LANG": "it_IT.UTF-8"})
    try:
        assert ask_yes("Registrare?") is answer
    finally:
        reader.speak({"LANG": "C"})
    assert capsys.readouterr().out.count("Registrare? [no]: ") == 1 + ("\n" in typed)
