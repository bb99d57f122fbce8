"""The command line as a tool among others: completion, manual, reference, exit codes, terminals."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from informativa.cli.main import app
from informativa.cli.manual import page as manual
from informativa.cli.reference import keys, page
from informativa.cli.tree import EXITS, tree
from informativa.config.described import SETTINGS
from test_cli import PROGRAM, run

ROOT = Path(__file__).resolve().parent.parent
UNSET = {"LC_ALL": "", "LC_CTYPE": "", "LANG": ""}


def test_reference_page_is_up_to_date() -> None:
    """The page is what `make docs` makes of the program now."""
    assert (ROOT / ".github/reference.md").read_text(encoding="utf-8") == page(tree(app)), "type: make docs"


def test_every_setting_is_described() -> None:
    """Each setting has its meaning, and there is none besides."""
    assert [key for key, _ in keys()] != []
    assert set(SETTINGS) == {key for key, _ in keys()}


def test_manual_has_every_command_and_option() -> None:
    """Nothing that can be typed is missing from the manual page, and no text in it is a roff request."""
    text = manual(tree(app))
    for command in tree(app).leaves():
        assert " ".join(command.path).replace("-", r"\-") in text
        for one in command.parameters:
            assert all(name.replace("-", r"\-") in text for name in one.names)
    requests = {line.split()[0] for line in text.splitlines() if line[:1] == "."}
    assert requests == {".TH", ".SH", ".SS", ".TP", ".B", ".I", ".BR"}
    assert text.isascii()


def completed(folder: Path, tmp_path: Path, *words: str) -> list[str]:
    """What bash offers for the last of these words."""
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
    ],
)
def test_bash_completes(folder: Path, tmp_path: Path, words: list[str], offered: list[str]) -> None:
    """bash offers commands, options, and names out of the configuration; nothing where there is none."""
    assert completed(folder, tmp_path, "informativa", *words) == offered


@pytest.mark.parametrize("arguments", [("chek",), ("check", "--jsn"), ("serve", "--log", "xml"), ()])
def test_usage_is_2(arguments: tuple[str, ...]) -> None:
    """What cannot be understood ends with 2."""
    assert run(*arguments).returncode == 2


@pytest.mark.parametrize("arguments", [("chek",), ("check", "--jsn"), ("completion",), ("check", "more")])
def test_usage_is_one_line_that_says_what_to_type(arguments: tuple[str, ...]) -> None:
    """Sentences end where the remedy begins, and what may be chosen is no list over several lines."""
    (said,) = run(*arguments).stderr.splitlines()
    assert re.search(r"[.?!] Type: informativa.* --help$", said)


@pytest.mark.parametrize(
    "command",
    [
        ("controllers",),
        ("ledger", "show", "--controller", "acme"),
        ("dialplan", "install"),
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
    full = f"{PROGRAM} test-call 1 --json -c {folder / 'informativa.yaml'} > /dev/full"
    told = subprocess.run(["bash", "-c", full], capture_output=True, text=True, timeout=60, check=False)
    assert (told.returncode, len(told.stderr.splitlines())) == (1, 1)


def test_exit_codes_are_told() -> None:
    """Help ends with what each exit code means."""
    said = " ".join(run("--help").stdout.split())
    assert all(f"{code} {meaning}" in said for code, meaning in EXITS.items())


def test_interrupt_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends with 130."""
    from informativa.cli import main
    from informativa.operations import check

    def interrupted(_file: Path, _now: datetime) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "check", interrupted)
    assert main.main(["check"]) == 130


def test_reader_that_left_and_disk_that_is_full() -> None:
    """A pipe that nobody reads is no error and says nothing; a full disk is one, without a traceback."""
    ran = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {PROGRAM} man | true; echo $?; {PROGRAM} man > /dev/full; echo $?"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.stdout.split() == ["0", "1"]
    assert ran.stderr == (
        "informativa: What was to be printed could not be written (No space left on device).\n"
    )


def test_plain_terminals_get_ascii(folder: Path) -> None:
    """In the C locale nothing but ASCII is printed, and JSON still says the same."""
    file = folder / "informativa.yaml"
    file.write_text(file.read_text().replace("Acme S.p.A.", "Società Acque"))
    explain = ("explain", "--from", "withheld", "--to", "0212345678", "-c", file)
    assert "Societa Acque" in run(*explain, **UNSET).stdout
    assert "`- notices" in run(*explain, **UNSET).stdout
    assert run("--help", **UNSET).stdout.isascii()
    ways = (UNSET, UNSET | {"LC_CTYPE": "C.UTF-8"})
    facts = [json.loads(run(*explain, "--json", **way).stdout) for way in ways]
    assert facts[0]["line"] == facts[1]["line"]
    assert facts[0]["line"]["name"] == "Società Acque"


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
    for what, file in (("controllers", "/none"), ("nonsense", "/etc/passwd")):
        ran = subprocess.run(
            [sys.executable, "-m", "informativa.cli.names", what, file],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
