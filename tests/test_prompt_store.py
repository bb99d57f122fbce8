"""The command line as a tool among others: completion, manual, reference, exit codes, terminals."""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from shlex import quote

import pytest

from commands import IN_SHELL, run, started, typed
from informativa.cli.completion import Shell, script
from informativa.cli.main import app, main
from informativa.cli.manual import page as manual
from informativa.cli.names import names
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


def test_manual_has_every_command_and_option() -> None:
    """Nothing that can be typed is missing from the manual page, and no text in it is a roff request."""
    text = manual(tree(app()))
    for command in tree(app()).leaves():
        assert " ".join(command.path).replace("-", r"\-") in text
        for one in command.parameters:
            assert all(name.replace("-", r"\-") in text for name in one.names)
    requests = {line.split()[0] for line in text.splitlines() if line[:1] == "."}
    assert requests == {".TH", ".SH", ".SS", ".TP", ".B", ".I", ".BR"}
    assert text.isascii()


def completed(folder: Path, tmp_path: Path, *words: str) -> list[str]:
    """Return what bash offers for the last of these words."""
    file = tmp_path / "completion.bash"
    file.write_text(run("completion", "bash").stdout)
    typed = " ".join(map(shlex.quote, words))
    code = f"source {file}; COMP_WORDS=({typed}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _informativa; "
    ran = subprocess.run(
        ["bash", "--norc", "-c", code + 'printf "%s\\n" "${COMPREPLY[@]}"'],
        capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | {"INFORMATIVA_CONFIG": str(folder / "informativa.yaml")},
    )  # fmt: skip
    assert ran.stderr == ""
    return ran.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["le"], ["ledger"]),
        (["ledger", "s"], ["show"]),
        (["ledger", "show", "--controller", ""], ["acme", "borealis"]),
        (["ledger", "show", "--controller", "=", "b"], ["borealis"]),
        (["keys", "rotate", "a"], ["acme"]),
        (["explain", "--to", "+39"], ["+390212345678"]),
        (["explain", "-c", "/none", "--to", ""], []),
        (["serve", "--log", ""], ["console", "json"]),
        (["check", "--j"], ["--json"]),
        (["evidence", "verify", "{folder}/inf"], ["{folder}/informativa.yaml"]),
        (["ledger", "restore", "{folder}/inf"], ["{folder}/informativa.yaml"]),
        (["evidence", "audit", "--log", "{folder}/ke"], ["{folder}/keys"]),
    ],
)
def test_bash_completes(folder: Path, tmp_path: Path, words: list[str], offered: list[str]) -> None:
    """bash offers commands, options, names out of the configuration, files; nothing where there is none."""
    words, offered = ([word.replace("{folder}", str(folder)) for word in all_] for all_ in (words, offered))
    assert completed(folder, tmp_path, "informativa", *words) == offered


FISH = r"""
-f
-n '__informativa_before ' -a serve -d 'Answer Asterisk\'s calls (FastAGI) until SIGTERM.'
-n '__informativa_before ledger' -a show -d 'Show the records of a controller, the oldest first.'
-n '__informativa_at test-call' -a '(__informativa_names lines)' -d 'The called number.'
-n '__informativa_at test-call' -s c -l config -r -F -d 'The configuration.'
-n '__informativa_at test-call' -l json -d 'Print it as JSON.'
-n '__informativa_at test-call' -l from -x -d 'Who rings, or `withheld`.'
-n '__informativa_at serve' -l log -x -a 'console json' -d 'How to write the log.'
-n '__informativa_at prompts add' -F -d 'A recording: WAV, FLAC, MP3 or Ogg.'
-n '__informativa_at prompts texts' -a '(__fish_complete_directories)' -d 'A new folder.'
-n '__informativa_at completion' -a 'bash zsh fish' -d 'bash, zsh or fish.'
"""


def test_fish_is_told_what_completes_each_value() -> None:
    """A line each for commands, switches, words to choose from, names, files and folders; none for a value
    that may be anything."""
    lines = script(Shell.FISH, tree(app())).splitlines()
    parts = "-x -a 'short short-nokey full supplement withdraw' -d 'Which text it is.'"
    expected = [f"complete -c informativa {completion}" for completion in FISH.strip().splitlines()]
    expected.append(f"complete -c informativa -n '__informativa_at prompts add' -l part {parts}")
    assert [line for line in expected if line not in lines] == []
    assert [line for line in lines if "'__informativa_at record' -d" in line] == []


def test_zsh_runs_the_script_of_bash() -> None:
    """It is the same script after a head that makes zsh understand it, and completes once it is loaded."""
    bash, zsh = (script(shell, tree(app())) for shell in (Shell.BASH, Shell.ZSH))
    assert zsh.splitlines()[0] == "#compdef informativa"
    assert zsh.splitlines()[3] == "autoload -Uz bashcompinit && bashcompinit"
    assert bash.partition("/informativa\n")[2] in zsh
    assert zsh.endswith(
        "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _bash_complete -F _informativa; fi\n"
    )


@pytest.mark.parametrize("arguments", [("chek",), ("check", "--jsn"), ("serve", "--log", "xml"), ()])
def test_usage_is_2(arguments: tuple[str, ...]) -> None:
    """What cannot be understood ends with 2."""
    assert run(*arguments).returncode == 2


@pytest.mark.parametrize("arguments", [("chek",), ("check", "--jsn"), ("completion",), ("check", "more")])
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


def test_manual_is_written_where_that_is_asked_for(tmp_path: Path) -> None:
    """With -o it goes into a file of that folder, and it is said how to read it; else it is printed."""
    code, out, err = typed("man", "-o", tmp_path)
    assert (code, err) == (0, "")
    assert out == f"Wrote {tmp_path / 'informativa.1'}. Next: man informativa\n"
    printed = typed("man")
    assert printed == (0, (tmp_path / "informativa.1").read_text(), "")
    assert printed[1].startswith(".TH INFORMATIVA 1")


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
    typed = f"set -o pipefail; {IN_SHELL} man | true; echo $?; {IN_SHELL} man > /dev/full; echo $?"
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


def test_names_say_nothing_where_there_is_no_configuration() -> None:
    """The look-up behind completion is silent about whatever is wrong."""
    for kind, file in (("controllers", "/none"), ("nonsense", "/etc/passwd")):
        ran = subprocess.run(
            [sys.executable, "-m", "informativa.cli.names", kind, file],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_names_are_those_of_the_configuration(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One a line and each once, in the order in which they stand there; of a name of nothing, nothing."""
    languages = {}
    for kind in ("controllers", "lines", "notices", "versions", "languages", "nonsense"):
        monkeypatch.setattr(sys, "argv", ["names", kind, str(folder / "informativa.yaml")])
        monkeypatch.delitem(sys.modules, "informativa.cli.names")
        runpy.run_module("informativa.cli.names", run_name="__main__")
        monkeypatch.undo()
        output = capsys.readouterr()
        assert output.err == ""
        languages[kind] = output.out.split()
    assert languages == {
        "controllers": ["acme", "borealis"],
        "lines": ["+390212345678", "+493012345678"],
        "notices": ["privacy"],
        "versions": ["2026-11"],
        "languages": ["it", "en", "de"],
        "nonsense": [],
    }
    assert list(names("lines", {"controllers": {}, "lines": {"2": {}, "1": {}}})) == ["2", "1"]
