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
from collections.abc import Callable
from typing import BinaryIO

from asterisk.agi import AGI

from ..call import agi
from ..model.errors import SessionLostError
from .agi_session import THINKING_SECONDS, AgiSession

START_SECONDS = 5.0  # Asterisk has sent the whole environment before the process is up


class ScriptAgi(AGI):  # type: ignore[misc]  # pyst2 is untyped
    """pyst2's AGI over Asterisk's two pipes; `session` is the conversation.

    Must be made in the main thread (pyst2 installs a handler for SIGHUP, which is how Asterisk tells
    a script that the caller hung up). `watch` gets the seconds that may pass until the next command, 0 while
    Asterisk does one. Raises SessionError when standard input is no AGI environment.
    """

    def __init__(self, stdin: BinaryIO, stdout: BinaryIO, watch: Callable[[int], object]) -> None:
        self._watch = watch
        self.replies = agi.ReplyReader()
        self._input = _TimedInput(stdin.fileno())
        self._environment = b""
        super().__init__(stdin, stdout, stderr=_Nowhere())
        self._watch(THINKING_SECONDS)
        self.session = AgiSession(agi.parse_environment(self._environment), self.replies, self.exchange)

    async def exchange(self, command: bytes, seconds: float) -> agi.Reply:
        """Send one command and read its reply. Blocks: the process has nothing else to do.

        Raises SessionLostError at end of file or when the time is over, and ProtocolError for an
        answer that is not AGI. A hang-up is no error here: later commands still work.
        """
        self._watch(0)
        try:
            return self._exchange(command, time.monotonic() + seconds)
        finally:
            self._watch(THINKING_SECONDS)  # the result is still to be put on record

    def _exchange(self, command: bytes, deadline: float) -> agi.Reply:
        self.replies.unasked(self._input.waiting())
        try:
            self.stdout.write(command)
            self.stdout.flush()
        except OSError as error:
            raise SessionLostError("Asterisk closed the AGI script's output.") from error
        while (reply := self.replies.feed(self._input.read(deadline))) is None:
            pass
        return reply

    def _get_agi_env(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        raw = b""
        while (parts := agi.split_environment(raw)) is None:
            raw += self._input.read(deadline)
        self._environment, unread = parts
        self.replies.unasked(unread)

    def _handle_sighup(self, _signum: int, _frame: object) -> None:
        self.replies.hung_up = True


class _TimedInput:
    """A pipe that is read with a deadline. It reads the descriptor itself: `select` cannot see into a buffer.
    Both readers raise SessionLostError at end of file, and `read` when the time is over."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def waiting(self) -> bytes:
        """Return the data that have arrived, b"" if none."""
        return self._take() if self._ready(0) else b""

    def read(self, deadline: float) -> bytes:
        """Return the next data, at least a byte. The deadline is by the monotonic clock."""
        if not self._ready(max(0.0, deadline - time.monotonic())):
            raise SessionLostError("Asterisk did not answer an AGI command.")
        return self._take()

    def _ready(self, seconds: float) -> bool:
        return bool(select.select([self._descriptor], [], [], seconds)[0])

    def _take(self) -> bytes:
        chunk = os.read(self._descriptor, agi.MAX_ENVIRONMENT)
        if not chunk:
            raise SessionLostError("Asterisk closed the AGI script's input.")
        return chunk


class _Nowhere(io.TextIOBase):
    """A standard error for pyst2, which would write every caller's number there."""

    def write(self, text: str) -> int:
        return len(text)
