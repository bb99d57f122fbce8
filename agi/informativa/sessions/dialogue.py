"""The conversation with Asterisk about one call, over any transport that carries command lines.

Both ways in differ only in how lines get to Asterisk and back; what is said, and how the answers
are understood, is here.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from .. import agi
from ..errors import ProtocolError, SessionError
from ..model import IncomingCall, Playback, Prompt

PATIENCE = 5.0  # seconds that Asterisk may take for a command, beside what it has to play

Exchange = Callable[[Sequence[bytes], float], Awaitable[list[agi.Reply]]]
"""Sends command lines at once and returns one reply to each, in order.

The float is how many seconds all of it may take. Raises SessionError.
"""


class Dialogue:
    """A `CallSession` over one transport."""

    def __init__(self, call: IncomingCall, replies: agi.ReplyReader, exchange: Exchange) -> None:
        self.call = call
        self._replies = replies
        self._exchange = exchange

    async def play(self, prompt: Prompt, keys: str) -> Playback:
        """Answer and play in one round trip: ANSWER on an answered channel is a no-op."""
        started = time.monotonic()
        try:
            _, streamed = await self._exchange(
                [agi.command("ANSWER"), agi.command("STREAM FILE", prompt.path, keys, "0")],
                prompt.seconds + PATIENCE,
            )
            seconds = time.monotonic() - started
            alive = streamed.result >= 0 or await self._is_up()
        except SessionError:
            return Playback(-1, 0, time.monotonic() - started, alive=False, lost=True)
        return Playback(streamed.result, streamed.endpos, seconds, alive)

    async def set_variables(self, variables: Mapping[str, str]) -> None:
        """Pipelined: Asterisk takes command after command and answers in order."""
        replies = await self._exchange(
            [agi.command("SET VARIABLE", name, value) for name, value in variables.items()], PATIENCE
        )
        if not all(reply.ok for reply in replies):
            raise ProtocolError("Asterisk refused to set the result variables.")

    async def put_database(self, family: str, key: str, value: str) -> bool:
        try:
            (reply,) = await self._exchange([agi.command("DATABASE PUT", family, key, value)], PATIENCE)
        except SessionError:
            return False
        return reply.ok and reply.result == 1

    async def tell(self, text: str) -> None:
        """A line on Asterisk's console and in its log, where a script's standard error does not go."""
        with contextlib.suppress(SessionError):
            await self._exchange([agi.command("VERBOSE", " ".join(text.split()), "1")], PATIENCE)

    async def _is_up(self) -> bool:
        """Tells a hang-up from a file that cannot be played: both are -1, what follows differs."""
        (status,) = await self._exchange([agi.command("CHANNEL STATUS")], PATIENCE)
        return status.ok and status.result == agi.CHANNEL_UP and not self._replies.hung_up
