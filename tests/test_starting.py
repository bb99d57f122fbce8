"""The installed program, really started: what calling its commands in this process cannot show."""

from __future__ import annotations

import pytest

from commands import started
from informativa.cli.main import MODULES


@pytest.mark.parametrize("words", MODULES.values(), ids=" ".join)
@pytest.mark.slow
def test_each_command_starts(words: tuple[str, ...]) -> None:
    """The program finds the module of each command, which brings all that it imports, and tells its use."""
    ran = started(words[-1], "--help")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert f"Usage: informativa {words[-1]} " in ran.stdout


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
