"""The conversation with Asterisk about one call, over any transport that carries command lines.

Script and service differ only in the transport of lines to Asterisk and back; the commands, and the
understanding of the answers, are here.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping

from ..call import agi
from ..model import IncomingCall, KeyPress, Playback, Prompt
from ..model.errors import ProtocolError, SessionError, SessionLostError

PATIENCE = 5.0  # seconds that Asterisk may take for a command, beside what it has to play
THINKING_SECONDS = 30  # between two commands: more than ledger, look-ups and files may take together
LONGEST_LINE = 480  # characters of a line for the console; quoted and in UTF-8 they still fit into a command

Exchange = Callable[[bytes, float], Awaitable[agi.Reply]]
"""Sends one command line and returns its reply; the float is how many seconds that may take.

One at a time: Asterisk 16 and 22 read ahead into a buffer, wait for the *socket* to become readable
again, and leave a second command that came in the same packet lying there until a third arrives.
Raises SessionError.
"""


class AgiSession:
    """A `CallSession` over one transport."""

    def __init__(self, call: IncomingCall, replies: agi.ReplyReader, exchange: Exchange) -> None:
        self.call = call
        self._replies = replies
        self._exchange = exchange
        self._broken = False

    async def play(self, prompt: Prompt, keys: str, *, answer: bool = True) -> Playback:
        """Answer the channel, or open early media, and play the prompt. ANSWER on a channel that is up does
        nothing. On a channel that is not up STREAM FILE sends no sound at all and reports a whole playback,
        unless Progress has opened the way for early media."""
        opening = agi.command("ANSWER") if answer else agi.command("EXEC", "Progress", "")
        started = time.monotonic()
        try:
            await self._ask(opening, PATIENCE)
            started = time.monotonic()
            streamed = await self._ask(
                agi.command("STREAM FILE", prompt.path, keys, "0"), prompt.seconds + PATIENCE
            )
            seconds = time.monotonic() - started
            alive = streamed.result >= 0 or await self._is_up()
        except SessionError:
            return Playback(-1, 0, time.monotonic() - started, alive=False, lost=True)
        return Playback(streamed.result, streamed.endpos if streamed.ok else 0, seconds, alive)

    async def key(self, seconds: float) -> KeyPress:
        """Send WAIT FOR DIGIT. Unlike GET OPTION it tells a hang-up (-1) from silence (0) and from another
        key than those that were offered."""
        started = time.monotonic()
        try:
            reply = await self._ask(
                agi.command("WAIT FOR DIGIT", str(round(seconds * 1000))), seconds + PATIENCE
            )
        except SessionError:
            return KeyPress("", time.monotonic() - started, hung_up=True)
        waited = time.monotonic() - started
        if not reply.ok or reply.result < 0 or (reply.result == 0 and self._replies.hung_up):
            return KeyPress("", waited, hung_up=True)
        return KeyPress(chr(reply.result & 0x7F) if reply.result else "", waited)

    async def set_variables(self, variables: Mapping[str, str]) -> None:
        """Set all variables with one MSet. Its separator cannot be escaped, so a value with a comma or a
        quote raises ValueError."""
        pairs = ",".join([f"{name}={value}" for name, value in variables.items()])
        if '"' in pairs or pairs.count(",") >= max(1, len(variables)):
            raise ValueError("a result variable cannot hold a comma or a quote")
        reply = await self._ask(agi.command("EXEC", "MSet", pairs), PATIENCE)
        if not reply.ok or reply.result != 0:
            raise ProtocolError("Asterisk refused to set the result variables.")

    async def put_database(self, family: str, key: str, value: str) -> bool:
        try:
            reply = await self._ask(agi.command("DATABASE PUT", family, key, value), PATIENCE)
        except SessionError:
            return False
        return reply.ok and reply.result == 1

    async def tell(self, text: str) -> None:
        """Write a line on Asterisk's console and in its log, where a script's standard error does not go."""
        with contextlib.suppress(SessionError):
            printable_text = "".join(
                letter if letter.isprintable() else " " for letter in text[:LONGEST_LINE]
            )
            await self._ask(agi.command("VERBOSE", printable_text, "1"), PATIENCE)

    async def _ask(self, command: bytes, seconds: float) -> agi.Reply:
        """Send one command and return its reply. After a failed exchange there is no other one: a late reply
        would pass for the next. So no status is set on such a session, and the dialplan goes on to its next
        try."""
        if self._broken:
            raise SessionLostError("The AGI session failed before.")
        try:
            return await self._exchange(command, seconds)
        except BaseException:  # cancelled too: the reply may still come
            self._broken = True
            raise

    async def _is_up(self) -> bool:
        """Return whether the channel is up: this tells a hang-up from a file that cannot be played, both
        reported as -1."""
        status = await self._ask(agi.command("CHANNEL STATUS"), PATIENCE)
        return status.ok and status.result == agi.CHANNEL_UP and not self._replies.hung_up
