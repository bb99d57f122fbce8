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
from collections.abc import Sequence
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

    async def exchange(self, commands: Sequence[bytes], seconds: float) -> list[agi.Reply]:
        """Send all commands and read their replies. Blocks: the process has nothing else to do.

        Raises SessionLostError at end of file or when the time is over, and ProtocolError for an
        answer that is not AGI. A hang-up is no error here: what follows it still works.
        """
        deadline = time.monotonic() + seconds
        try:
            self.stdout.write(b"".join(commands))
            self.stdout.flush()
        except OSError as error:
            raise SessionLostError("Asterisk closed the AGI script's output.") from error
        return [self._read_reply(deadline) for _ in commands]

    def _read_reply(self, deadline: float) -> agi.Reply:
        while (reply := self.replies.feed(self._lines.read(deadline))) is None:
            pass
        return reply

    def _get_agi_env(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while (line := self._lines.read(deadline)) != b"\n":
            self._environment += line
            if len(self._environment) > agi.MAX_ENVIRONMENT:
                raise ProtocolError("Standard input carries more than an AGI environment.")

    def _handle_sighup(self, _signum: int, _frame: object) -> None:
        self.replies.hung_up = True


class _TimedLines:
    """Lines of a pipe with a deadline. Reads the descriptor itself: `select` cannot see into a buffer."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._buffer = b""

    def read(self, deadline: float) -> bytes:
        """The next line with its end. Raises SessionLostError (end of file, time over) or ProtocolError."""
        while b"\n" not in self._buffer:
            if len(self._buffer) > agi.MAX_ENVIRONMENT:
                raise ProtocolError("Asterisk sent a line without an end.")
            ready, _, _ = select.select([self._descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise SessionLostError("Asterisk did not answer an AGI command.")
            chunk = os.read(self._descriptor, 4096)
            if not chunk:
                raise SessionLostError("Asterisk closed the AGI script's input.")
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line + b"\n"


class _Nowhere(io.TextIOBase):
    """A standard error for pyst2, which would write every caller's number there."""

    def write(self, text: str) -> int:
        return len(text)
