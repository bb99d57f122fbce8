"""The `informativa` command as somebody types it: called in this process, or really started.

What a command prints and its exit code are the same either way, and a call takes a hundredth of the time of a
start. test_starting.py starts each command once.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from shlex import quote

import typer

from informativa.cli.main import main
from lab.office import BIN

PROGRAM = BIN / "informativa"
IN_SHELL = quote(str(PROGRAM))
WIDTH = {"COLUMNS": "100"}
_LOCALE = {"LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"}
_LASTING = {"serve", "tail"}  # set up the process that they run in: its log, its signals
_OF_ACCOUNTS = {"accounts", "grant", "invite", "log", "remove"}


def started(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Start the installed command in this environment, and wait for its end."""
    return subprocess.run(
        [PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=300,  # 0.7 on an idle machine; at a load of 17 one took longer than 60
        check=False,
        env=_environment(environment),
    )


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Call the command in this process, its output in UTF-8; what it comes to, as if it had been started."""
    words = [str(argument) for argument in arguments]
    console = words[:1] == ["web"] and not _OF_ACCOUNTS.intersection(words[1:2])
    if console or _LASTING.intersection(words[:2]):
        return started(*arguments, **environment)
    output, errors = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with _typed(words, {"PYTHONUTF8": "1"} | environment), redirect_stdout(output), redirect_stderr(errors):
        code = main()
    printed = []
    for stream in (output, errors):
        stream.flush()
        printed.append(stream.buffer.getvalue().decode())
    return subprocess.CompletedProcess(words, code, *printed)


_OF_THE_EXAMPLE = ("shipped with informativa", "unless somebody approves it", "127.0.0.1:4588 is taken")


def beside_the_example(stderr: str) -> str:
    """Complaints of a command without the warnings that the example's two companies get anyway,
    and without that of the usual port, which another service of the machine may have."""
    lines = stderr.splitlines(keepends=True)
    return "".join(line for line in lines if not any(words in line for words in _OF_THE_EXAMPLE))


def typed(*arguments: object) -> tuple[int, str, str]:
    """Return what a command comes to: its exit code, and what it prints on either stream."""
    ran = run(*map(str, arguments))
    return ran.returncode, ran.stdout, ran.stderr


def refused(*arguments: str | Path, code: int = 1) -> str:
    """The one message of a command that must fail with no traceback: 2 if it cannot be understood, else with
    this code."""
    ran = run(*arguments)
    assert ran.returncode == (2 if " --help" in ran.stderr else code), ran
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr
    return ran.stderr.strip()


def explained(folder: Path, number: str, *more: str) -> dict:
    """Return what `explain` says of a call to the first line, as JSON."""
    file = folder / "informativa.yaml"
    ran = run("explain", "--from", number, "--to", "0212345678", "-c", file, "--json", *more)
    assert (ran.returncode, ran.stderr) == (0, ""), ran
    return json.loads(ran.stdout)


def _environment(changes: Mapping[str, str]) -> dict[str, str]:
    """This process's, so changed; who says something of the locale says all of it."""
    dropped = _LOCALE if _LOCALE.intersection(changes) else set()
    return {name: value for name, value in os.environ.items() if name not in dropped} | WIDTH | changes


def forget_titles() -> None:
    """Have the titles of help read anew: typer takes them when it is imported, in the language of then."""
    if sys.modules.pop("typer.rich_utils", None):
        del typer.rich_utils


@contextmanager
def _typed(words: Sequence[str], changes: Mapping[str, str]) -> Iterator[None]:
    """Make what Python knows of how it was started as if the command had been."""
    environment, arguments = dict(os.environ), sys.argv
    environment_then = _environment(changes)
    try:
        os.environ.clear()
        os.environ.update(environment_then)
        sys.argv = [str(PROGRAM), *words]
        forget_titles()
        yield
    finally:
        sys.argv = arguments
        os.environ.clear()
        os.environ.update(environment)
