"""The classic AGI script: one process a call, over pyst2's AGI on standard input and output.

pyst2 0.5.1 echoes every variable, the caller's number included, to standard error; quotes without
escaping; drops endpos; and takes `result=-1`, HANGUP and end of file for errors of one kind. So it
gets a standard error that goes nowhere, bytes instead of text, and our own command lines and replies.
"""

from __future__ import annotations

import io
import os
import select
import time
from typing import BinaryIO

from asterisk.agi import AGI

from .. import agi
from ..errors import ProtocolError, SessionLostError
from .dialogue import Dialogue

START_SECONDS = 5.0  # Asterisk has sent the whole environment before the process is up


class ScriptAgi(AGI):  # type: ignore[misc]  # pyst2 is untyped
    """pyst2's AGI over Asterisk's two pipes; `session` is the conversation.

    Must be made in the main thread (pyst2 installs a handler for SIGHUP, which is how Asterisk tells
    a script that the caller hung up). Raises SessionError when standard input is no AGI environment.
    """

    def __init__(self, stdin: BinaryIO, stdout: BinaryIO) -> None:
        self.replies = agi.ReplyReader()
        self._lines = _TimedLines(stdin.fileno())
        self._environment = b""
        super().__init__(stdin, stdout, stderr=_Nowhere())
        self.session = Dialogue(agi.parse_environment(self._environment), self.replies, self.exchange)

    async def exchange(self, command: bytes, seconds: float) -> agi.Reply:
        """Send one command and read its reply. Blocks: the process has nothing else to do.

        Raises SessionLostError at end of file or when the time is over, and ProtocolError for an
        answer that is not AGI. A hang-up is no error here: what follows it still works.
        """
        deadline = time.monotonic() + seconds
        self.replies.unasked(self._lines.waiting())
        try:
            self.stdout.write(command)
            self.stdout.flush()
        except OSError as error:
            raise SessionLostError("Asterisk closed the AGI script's output.") from error
        while (reply := self.replies.feed(self._lines.read(deadline))) is None:
            pass
        return reply

    def _get_agi_env(self) -> None:
        self._environment = self._lines.environment(time.monotonic() + START_SECONDS)

    def _handle_sighup(self, _signum: int, _frame: object) -> None:
        self.replies.hung_up = True


class _TimedLines:
    """What comes through a pipe, with a deadline. Reads the descriptor itself: `select` cannot see into
    a buffer. Both readers raise SessionLostError (end of file, time over) or ProtocolError."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._buffer = b""

    def environment(self, deadline: float) -> bytes:
        """All up to the first empty line."""
        while (parts := agi.split_environment(self._buffer)) is None:
            self._fill(deadline)
        environment, self._buffer = parts
        return environment

    def waiting(self) -> bytes:
        """What has come and was not read yet, if anything."""
        ready, _, _ = select.select([self._descriptor], [], [], 0)
        if ready:
            self._fill(0)
        waiting, self._buffer = self._buffer, b""
        return waiting

    def read(self, deadline: float) -> bytes:
        """The next line with its end."""
        while b"\n" not in self._buffer or time.monotonic() > deadline:
            if len(self._buffer) > agi.MAX_REPLY:
                raise ProtocolError("Asterisk sent a reply without an end.")
            self._fill(deadline)
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line + b"\n"

    def _fill(self, deadline: float) -> None:
        ready, _, _ = select.select([self._descriptor], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise SessionLostError("Asterisk did not answer an AGI command.")
        chunk = os.read(self._descriptor, agi.MAX_ENVIRONMENT)
        if not chunk:
            raise SessionLostError("Asterisk closed the AGI script's input.")
        self._buffer += chunk


class _Nowhere(io.TextIOBase):
    """A standard error for pyst2, which would write every caller's number there."""

    def write(self, text: str) -> int:
        return len(text)
