"""The command line as a tool among others: reference, exit codes, terminals."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from shlex import quote

import pytest

from commands import IN_SHELL, run, started, typed
from informativa.cli.main import app, main
from informativa.cli.reference import keys, page
from informativa.cli.tree import EXITS, tree
from informativa.config.described import SETTINGS

ROOT = Path(__file__).resolve().parent.parent
UNSET = {"LC_ALL": "", "LC_CTYPE": "", "LANG": ""}


def test_reference_page_is_up_to_date() -> None:
    """The page is what `make docs` makes of the program now."""
    assert (ROOT / "docs/reference.md").read_text(encoding="utf-8") == page(tree(app())), "type: make docs"


def test_every_setting_is_described() -> None:
    """Each setting has its meaning, and there is none besides."""
    assert [key for key, _ in keys()] != []
    assert set(SETTINGS) == {key for key, _ in keys()}


def test_bash_completes() -> None:
    """bash is offered the commands that begin with what was typed."""
    ran = run(_INFORMATIVA_COMPLETE="complete_bash", COMP_WORDS="informativa ledger sh", COMP_CWORD="2")
    assert (ran.returncode, ran.stdout.split(), ran.stderr) == (0, ["show"], "")


@pytest.mark.parametrize("arguments", [("chek",), ("check", "--jsn"), ("serve", "--log", "xml"), ()])
def test_usage_is_2(arguments: tuple[str, ...]) -> None:
    """What cannot be understood ends with 2."""
    assert run(*arguments).returncode == 2


@pytest.mark.parametrize("arguments", [("chek",), ("check", "--jsn"), ("serve", "--log"), ("check", "more")])
def test_usage_is_one_line_that_says_what_to_type(arguments: tuple[str, ...]) -> None:
    """Sentences end where the remedy begins, and what may be chosen is no list over several lines."""
    (line,) = run(*arguments).stderr.splitlines()
    assert re.search(r"[.?!] Type: informativa.* --help$", line)


@pytest.mark.parametrize(
    "command",
    [
        ("ledger", "show", "--controller", "acme"),
        ("purge", "--controller", "acme"),
        ("tail", "--controller", "acme"),
        ("caller", "show", "+393331234567", "--controller", "acme"),
        ("test-call", "+390212345678"),
        ("explain", "--from", "withheld", "--to", "1"),
    ],
)
def test_errors_are_json_where_it_was_asked_for(folder: Path, command: tuple[str, ...]) -> None:
    """A program reads what is wrong, with its place in the configuration; a person reads it beside that."""
    file = folder / "informativa.yaml"
    file.write_text(file.read_text().replace("retention:", "retntion:", 1))
    ran = run(*command, "--json", "-c", file)
    (problem,) = json.loads(ran.stdout)["problems"]
    assert (ran.returncode, problem["key"]) == (1, "controllers.acme.retntion")
    assert (
        ran.stderr
        == f"{file}:{problem['line']}: {problem['key']}: {problem['message']}; {problem['remedy']}\n"
    )
    none = run(*command, "--json", "-c", folder)
    assert json.loads(none.stdout)["ok"] is False


def test_error_of_no_configuration_is_json_too(folder: Path) -> None:
    """Any other error is the one problem, without a place."""
    ran = run("test-call", "+390212345678", "--json", "-c", folder / "informativa.yaml")
    (problem,) = json.loads(ran.stdout)["problems"]
    assert (ran.returncode, ran.stderr) == (1, f"informativa: {problem['message']} {problem['remedy']}\n")
    full = f"{IN_SHELL} test-call 1 --json -c {quote(str(folder / 'informativa.yaml'))} > /dev/full"
    shell = subprocess.run(["bash", "-c", full], capture_output=True, text=True, timeout=60, check=False)
    assert (shell.returncode, len(shell.stderr.splitlines())) == (1, 1)


def test_full_disk_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was printed and could not be written is an error, which stderr names; exit code 1."""
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main(["--version"]) == 1
        monkeypatch.undo()
    assert capsys.readouterr().err == (
        "informativa: What was to be printed could not be written (No space left on device).\n"
    )


def test_reader_that_left_is_no_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipe that nobody reads any more ends with exit code 0 and says nothing."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as left:
        monkeypatch.setattr(sys, "stdout", left)
        assert main(["--version"]) == 0
        monkeypatch.undo()
    assert capsys.readouterr().err == ""


def test_command_without_a_stdout_is_done_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever closed stdout (`>&-`) reads nothing, and the exit code is 0."""
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["--version"]) == 0
    monkeypatch.undo()
    assert capsys.readouterr() == ("", "")


def test_defect_is_shown_where_that_is_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With INFORMATIVA_TRACEBACK=1 the traceback follows the sentence; exit code 70."""
    from informativa.operations import check

    def defect(*_given: object) -> None:
        raise RuntimeError("what happened")

    monkeypatch.setattr(check, "check", defect)
    monkeypatch.setenv("INFORMATIVA_TRACEBACK", "1")
    code, out, err = typed("check", "-c", folder / "informativa.yaml")
    sentence, first, *_, last = err.splitlines()
    assert (code, out) == (70, "")
    assert sentence.startswith("informativa: a defect (RuntimeError in test_prompt_store.py:")
    assert (first, last) == ("Traceback (most recent call last):", "RuntimeError: what happened")


def test_exit_codes_are_told() -> None:
    """Help ends with what each exit code means."""
    output = " ".join(run("--help").stdout.split())
    assert all(f"{code} {meaning}" in output for code, meaning in EXITS.items())


def test_interrupt_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends with 130."""
    from informativa.cli import main
    from informativa.operations import check

    def interrupted(*_given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "check", interrupted)
    assert main.main(["check"]) == 130


@pytest.mark.night
@pytest.mark.slow
def test_reader_that_left_and_disk_that_is_full() -> None:
    """A pipe that nobody reads is no error and says nothing; a full disk is one, without a traceback."""
    typed = f"set -o pipefail; {IN_SHELL} --help | true; echo $?; {IN_SHELL} --help > /dev/full; echo $?"
    ran = subprocess.run(
        ["bash", "-c", typed],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.stdout.split() == ["0", "1"]
    assert ran.stderr == (
        "informativa: What was to be printed could not be written (No space left on device).\n"
    )


@pytest.mark.slow
def test_plain_terminals_get_ascii(folder: Path) -> None:
    """In the C locale nothing but ASCII is printed, and JSON still says the same."""
    file = folder / "informativa.yaml"
    file.write_text(file.read_text().replace("Acme S.p.A.", "Società Acque"))
    explain = ("explain", "--from", "withheld", "--to", "0212345678", "-c", file)
    output = started(*explain, **UNSET).stdout
    assert "Societa Acque" in output
    assert "`- notices" in output
    assert started("--help", **UNSET).stdout.isascii()
    ways = (UNSET, UNSET | {"LC_CTYPE": "C.UTF-8"})
    facts = [json.loads(started(*explain, "--json", **way).stdout) for way in ways]
    assert facts[0]["line"] == facts[1]["line"]
    assert facts[0]["line"]["name"] == "Società Acque"


@pytest.mark.usefixtures("own_port")
def test_check_as_json(folder: Path) -> None:
    """`check --json` says what is in order, and each problem with its line and an exit code of 1."""
    file = folder / "informativa.yaml"
    facts = json.loads(run("check", "-c", file, "--json").stdout)
    assert (facts["ok"], facts["controllers"]) == (True, ["acme", "borealis"])
    file.write_text(file.read_text().replace("controller: acme", "controller: acm"))
    ran = run("check", "-c", file, "--json")
    (problem,) = json.loads(ran.stdout)["problems"]
    assert (ran.returncode, ran.stderr) == (1, "")
    assert problem["remedy"] == "did you mean acme?"
    assert problem["line"] > 0


def test_check_finds_a_port_that_another_program_has(folder: Path) -> None:
    """A port that is taken is a problem, with the process that has it."""
    file = folder / "informativa.yaml"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        file.write_text(file.read_text().replace("127.0.0.1:4588", address))
        ran = run("check", "-c", file)
    assert ran.returncode == 1
    assert f"{address} is taken by process {os.getpid()}" in ran.stderr


def test_check_warns_of_a_full_text_that_is_missing(folder: Path) -> None:
    """A language in which the key for the full text does nothing is told."""
    file = folder / "informativa.yaml"
    text = file.read_text().replace("    # fallback: [en]", "    fallback: [en]")
    file.write_text(text.replace("              en: prompts/en/full\n", ""))
    assert "no full text in en: key 1 does nothing" in run("check", "-c", file).stderr
