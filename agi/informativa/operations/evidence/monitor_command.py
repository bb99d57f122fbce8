"""The command that a monitor tells its findings to."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress

from ...model.text import NOTHING, Foreign, Text

COMMAND_SECONDS = 60.0


def run_command(command: Sequence[str], line: str) -> Text:
    """Run the command with a line as its input, and return what went wrong; '' if it ended with 0. It has a
    minute, and is killed then with all that it started."""
    try:
        process = subprocess.Popen(  # noqa: S603  # no shell, and by whoever started the monitor
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
        )
    except OSError as error:
        return Text(
            "{command} cannot be run: {why}",
            command=command[0],
            why=Foreign(error.strerror or type(error).__name__),
        )
    try:
        process.communicate(f"{line}\n".encode(), COMMAND_SECONDS)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return Text("{command} did not end within a minute; it is told again", command=command[0])
    if process.returncode == 0:
        return NOTHING
    return Text(
        "{command} ended with {status}; it is told again", command=command[0], status=process.returncode
    )
