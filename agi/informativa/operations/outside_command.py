"""Commands of others that take something on their input: a finding of a monitor, a mail.

They are run without a shell, by whoever runs informativa; by root as the user who may write them into a
configuration. What they print as output is dropped; their errors stay where those of informativa go.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ..model.text import NOTHING, Foreign, Text

COMMAND_SECONDS = 60.0


def hand_over(data: bytes, command: Sequence[str], author: os.stat_result | None = None) -> Text:
    """Run the command with that input, and return what went wrong; empty if it ended with 0. It has a minute,
    and is killed then with all that it started. Root runs it as the `author`, the owner of the file that
    names it."""
    as_author: dict[str, Any] = {}
    if author is not None and os.geteuid() == 0 != author.st_uid:
        as_author = {"user": author.st_uid, "group": author.st_gid, "extra_groups": []}
    try:
        process = subprocess.Popen(  # noqa: S603  # no shell
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True, **as_author
        )
    except OSError as error:
        return Text(
            "{command} cannot be run: {why}",
            command=command[0],
            why=Foreign(error.strerror or type(error).__name__),
        )
    try:
        process.communicate(data, COMMAND_SECONDS)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return Text("{command} did not end within a minute", command=command[0])
    if process.returncode == 0:
        return NOTHING
    return Text("{command} ended with {status}", command=command[0], status=process.returncode)
