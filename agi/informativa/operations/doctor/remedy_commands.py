"""Commands of safe remedies, run by `informativa doctor --fix`: what they change is pinned before."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from ...model.errors import InformativaError
from ...system.pinned_path import pin

_ON_FILES = {"chmod", "chown", "install", "rm"}


@dataclass(frozen=True)
class Execution:
    """The exit code of commands, and all that they printed."""

    code: int
    output: str


def execute(words: Sequence[str], environment: Mapping[str, str] | None = None) -> Execution:
    """Run one command, without a terminal. An interruption waits until it has ended; a second one ends it."""
    with ExitStack() as pins:
        try:
            arguments, names = pin_files(words, pins)
        except InformativaError as error:
            return Execution(1, str(error.message))
        except OSError as error:
            return Execution(1, f"{error.filename}: {error.strerror}")
        try:
            process = subprocess.Popen(  # noqa: S603  # words of a SafeRemedy, and no shell
                [*_program(words[0]), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env={**os.environ, **(environment or {})},
                start_new_session=True,  # the terminal's Ctrl-C is ours alone
                pass_fds=[int(Path(name).name) for name in names],
            )
        except OSError as error:
            return Execution(127, f"{words[0]}: {error.strerror}")
        execution = _wait(process)
    output = execution.output
    for name, file in names.items():
        output = output.replace(name, file)
    return replace(execution, output=output)


def _wait(process: subprocess.Popen[str]) -> Execution:
    """Wait for a process."""
    with process:
        try:
            output, _errors = process.communicate()
        except KeyboardInterrupt:
            try:
                process.wait()
            except KeyboardInterrupt:
                process.terminate()
            raise
    return Execution(process.returncode, output.strip())


def pin_files(words: Sequence[str], pins: ExitStack) -> tuple[list[str], dict[str, str]]:
    """Return the arguments of a command with the files that it changes pinned, and the paths of the pins.
    Of chmod, which follows links, it is the file itself; else the folder around. Raises InformativaError
    where another user's link leads there."""
    program, *arguments = words
    names: dict[str, str] = {}
    for place, word in enumerate(arguments):
        if program in _ON_FILES and word.startswith("/"):
            file = Path(word)
            known = file if program == "chmod" else next(folder for folder in file.parents if folder.exists())
            pinned = pins.enter_context(pin(known))
            names[str(pinned)] = str(known)
            arguments[place] = str(pinned / file.relative_to(known))
    return arguments, names


def _program(name: str) -> list[str]:
    """Return the program of a command: ours is the one that runs now."""
    beside = Path(sys.executable).with_name(name)
    return [str(beside)] if name == "informativa" and beside.exists() else [name]
