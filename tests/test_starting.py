"""The installed program, really started: what calling its commands in this process cannot show."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from commands import WIDTH, started
from informativa.cli.main import MODULES
from lab.chance import by_day, stream

EACH = """
import os, sys
from informativa.cli.main import MODULES, main
for words in [MODULES[name] for name in sys.argv[2:]]:
    if not os.fork():
        output = os.open(f"{sys.argv[1]}/{words[-1]}", os.O_WRONLY | os.O_CREAT)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.argv = ["informativa", words[-1], "--help"]
        sys.exit(main())
    _process, status = os.wait()
    assert status == 0, words
"""
"""A process for each module of commands, in which nothing is loaded but what finds them."""


@pytest.mark.slow
def test_each_command_starts(tmp_path: Path) -> None:
    """The program finds the module of each command, which brings all that it imports, and tells its use."""
    modules = stream("commands").sample(sorted(MODULES), by_day(5, at_night=len(MODULES)))
    command = [sys.executable, "-c", EACH, tmp_path, *modules]
    subprocess.run(command, env=os.environ | WIDTH, timeout=300, check=True)
    for words in map(MODULES.__getitem__, modules):
        output = (tmp_path / words[-1]).read_text()
        assert output.strip().startswith(f"Usage: informativa {words[-1]} "), output


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("arguments", "code", "output", "errors"),
    [
        (("--version",), 0, "informativa ", ""),
        (("check", "-c", "/none.yaml"), 1, "", "/none.yaml: there is no such file"),
        (("chek",), 2, "", "Did you mean 'check'?"),
    ],
)
@pytest.mark.slow
def test_exit_codes_and_streams_of_a_process(
    arguments: tuple[str, ...], code: int, output: str, errors: str
) -> None:
    """Results go to the standard output, messages to the standard error, and the exit code tells which."""
    ran = started(*arguments)
    assert (ran.returncode, output in ran.stdout, errors in ran.stderr) == (code, True, True), ran
    assert bool(ran.stdout) != bool(ran.stderr)


@pytest.mark.slow
def test_service_loads_nothing_of_commands() -> None:
    """Neither the program's own start nor that of `serve` loads what only some commands need: it took longer
    than all else until calls are taken."""
    code = (
        "import sys, informativa.cli.main, informativa.cli.commands.service, informativa.process.service;"
        "print(*(name for name in sys.modules if name.startswith('informativa.operations.')))"
    )
    environment = os.environ | WIDTH
    output = subprocess.run(
        [sys.executable, "-c", code], env=environment, timeout=300, check=True, capture_output=True, text=True
    ).stdout
    assert sorted(output.split()) == [
        "informativa.operations.document",
        "informativa.operations.generated",
        "informativa.operations.problems",
        "informativa.operations.record_document",
    ]


LOADED = (
    "import sys; from informativa.cli.main import app; app(sys.argv[1]); print('phonenumbers' in sys.modules)"
)


@pytest.mark.sample(1)
@pytest.mark.parametrize("word", ["status", "doctor", "check"])
def test_commands_about_all_companies_do_not_load_the_numbering_plans_of_the_world(word: str) -> None:
    """Nobody types a number there, and to load them takes a tenth of the time in which the program starts."""
    loaded = subprocess.run(
        [sys.executable, "-c", LOADED, word], capture_output=True, text=True, timeout=300, check=True
    )
    assert loaded.stdout == "False\n"


@pytest.mark.sample(1)
@pytest.mark.slow
@pytest.mark.parametrize("module", ["check", "doctor", "watching"])
def test_command_that_looks_loads_nothing_of_those_that_act(module: str) -> None:
    """What looks at all companies loads no service's log, no parser of YAML, no client of HTTP and no
    archive: they took a tenth of a second, of two or three in all."""
    code = (
        f"import sys, informativa.cli.commands.{module};"
        "print(*(name for name in sys.argv[1:] if name in sys.modules))"
    )
    libraries = ("structlog", "yaml", "http.client", "tarfile")
    command = [sys.executable, "-c", code, *libraries]
    output = subprocess.run(command, env=os.environ | WIDTH, timeout=300, check=True, capture_output=True)
    assert output.stdout.split() == []
