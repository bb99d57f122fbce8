"""The caller: signalling by a real SIPp, sound by a socket of our own.

SIPp does not talk to the PBX directly but through a relay in this process, so that the test sees every
message the moment it passes, and nothing is guessed from pauses or polled from logs. RTP goes to a socket
of this process, so that every packet is kept.
"""

from __future__ import annotations

import contextlib
import secrets
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from . import rtp, sipp
from .line import Line, Sent
from .pbx import Pbx, PbxError
from .process import Child

_PATIENCE = 30.0  # seconds that signalling may take; a fraction of one on an idle machine


class CallError(Exception):
    """A call did not go as the test needed; says what was seen of it."""


class Phone:
    """Rings a PBX; a context manager that hangs up what is still up at its end."""

    def __init__(self, pbx: Pbx) -> None:
        self._pbx = pbx
        self._calls: list[Call] = []

    def __enter__(self) -> Phone:
        return self

    def __exit__(self, *_: object) -> None:
        for call in self._calls:
            call.close()

    def dial(
        self,
        to: str,
        number: str | None = None,
        name: bytes | str | None = None,
        *,
        withheld: bool = False,
        from_user: bytes | None = None,
        raw_from: bytes | None = None,
        extra_headers: Sequence[bytes | str] = (),
        codec: str = "alaw",
    ) -> Call:
        """Ring ``to``; returns once the INVITE is on its way.

        ``number`` is the caller's, put into From, or none at all. ``withheld`` makes From anonymous and
        asks for privacy; a number then goes into P-Asserted-Identity, as the network does for the police
        and 112. ``name`` is the display name: quotes and backslashes in it are escaped, bytes are sent as
        they are. ``from_user`` is the user part of From in place of the number, ``raw_from`` the whole of
        From without its tag; neither is escaped. ``codec`` is "alaw" or "ulaw".
        """
        named = name.encode() if isinstance(name, str) else name
        user = number.encode() if from_user is None and number is not None else from_user
        headers = [line.encode() if isinstance(line, str) else line for line in extra_headers]
        sender = sipp.address(user, self._pbx.host, named)
        if withheld:
            sender = sipp.address(b"anonymous", "anonymous.invalid", b"Anonymous")
            headers.append(b"Privacy: id")
            if user is not None:
                headers.append(b"P-Asserted-Identity: " + sipp.address(user, self._pbx.host, named))
        call = Call(self._pbx, to, sipp.Caller(raw_from or sender, headers), codec)
        self._calls.append(call)
        return call


class Call:
    """One call. Safe to use from several threads; what it tells is as of now."""

    def __init__(self, pbx: Pbx, to: str, caller: sipp.Caller, codec: str) -> None:
        self._pbx, self._to = pbx, to
        self._line = Line((pbx.host, pbx.ports.sip), codec)
        self._dialog = sipp.Dialog(
            call_id=f"lab-{secrets.token_hex(8)}",
            to=to,
            host=pbx.host,
            pbx_port=pbx.ports.sip,
            tap_port=self._line.tap_port,
            media_port=self._line.media_port,
            codec=codec,
        )
        self._temporary = tempfile.TemporaryDirectory(prefix="call-", dir=pbx.folder)
        self._folder = Path(self._temporary.name)
        self._child = self._start(caller)
        self._line.attend(self._child)
        try:
            self._wait(lambda: bool(self.messages), _PATIENCE, "SIPp sent no INVITE")
        except BaseException:
            self.close()
            raise

    def _start(self, caller: sipp.Caller) -> Child:
        (self._folder / "scenario.xml").write_bytes(sipp.scenario(self._dialog, caller))
        host, port = self._line.sipp
        options = (
            f"{host}:{self._dialog.tap_port} -sf scenario.xml -m 1 -l 1 -r 100 -i {host} -p {port} -nostdin"
            f" -cid_str {self._dialog.call_id} -trace_err -error_file errors.log"
        )
        command = [*self._pbx.build.sipp, *options.split()]
        try:
            return Child(command, cwd=self._folder, output=self._folder / "screen.log")
        except OSError as error:
            self._line.close()
            raise CallError(f"SIPp cannot be started: {error}. Is it still installed?") from error

    # -- what was seen and heard -----------------------------------------------------------------------

    @property
    def early(self) -> bool:
        """Return whether sound could flow before the answer (a 183 with a session description)."""
        return self._line.early

    @property
    def answered(self) -> bool:
        """Return whether the PBX answered (200)."""
        return self._line.answered

    @property
    def ended(self) -> bool:
        """Return whether the call is over, signalling included."""
        return self._line.finished.is_set()

    @property
    def ended_by(self) -> str | None:
        """Return who hung up, cancelled or refused: "caller" or "pbx"."""
        return self._line.ended_by

    @property
    def sip_status(self) -> int | None:
        """The final response to the INVITE, such as 200, 404, 487 (cancelled), 603."""
        return self._line.sip_status

    @property
    def messages(self) -> list[str]:
        """Every SIP message so far, after ">" if the caller sent it, "<" if the PBX did; bytes as Latin-1."""
        return list(self._line.messages)

    @property
    def packets(self) -> list[rtp.Packet]:
        """Every RTP packet that came so far, in the order of arrival."""
        with self._line.news:
            return list(self._line.packets)

    @property
    def until_sound(self) -> float | None:
        """Seconds from the INVITE to the first RTP packet; None while none has come."""
        packets = self.packets
        return packets[0].arrival - self._line.invited if packets else None

    @property
    def audio(self) -> rtp.Samples:
        """All that was heard so far, from the first packet on; silence where packets are missing."""
        return rtp.assemble(self.packets, rtp.ByTime())

    @property
    def played(self) -> rtp.Samples:
        """The same without the time in which nothing was sent, as by a machine that stands still."""
        return rtp.assemble(self.packets, rtp.ByNumber())

    @property
    def heard(self) -> float:
        """Seconds of `played` from the first audible packet to the end of the last one."""
        return self._line.heard

    # -- what a caller does ----------------------------------------------------------------------------

    def wait_answered(self, timeout: float = _PATIENCE) -> None:
        """Wait until the PBX answers."""
        self._wait(lambda: self.answered, timeout, "the call was not answered")

    def wait_sound(self, timeout: float = _PATIENCE) -> float:
        """Wait for the first RTP packet; `until_sound`."""
        self._wait(lambda: self.until_sound is not None, timeout, "no sound came")
        assert self.until_sound is not None
        return self.until_sound

    def wait_heard(self, seconds: float, timeout: float) -> None:
        """Wait until ``heard`` is so much. What is silent before the first sound does not count."""
        self._wait(lambda: self.heard >= seconds, timeout, f"less than {seconds} s were heard")

    def wait_ended(self, timeout: float = _PATIENCE) -> None:
        """Wait until the call is over, whoever ends it."""
        if not self._line.finished.wait(timeout):
            raise self._failure(f"the end did not come within {timeout} s")

    def press(self, key: str, seconds: float = 0.1, sent: Sent = Sent.EVENT) -> None:
        """Press a key (0-9 * # A-D) for so long, by default as RFC 4733 events.

        Returns when the PBX was told all of it, or when the call ends, which may be what the key does.
        """
        self._wait(lambda: self._line.media_to is not None, _PATIENCE, "no sound path was opened")
        done = self._line.press(key, seconds, sent)
        self._wait(lambda: done.is_set() or self.ended, _PATIENCE, f"key {key} could not be sent")

    def hang_up(self) -> None:
        """Put the phone down (before the answer: give up), and wait until both sides are done with it."""
        with self._line.news:
            order, self._line.hanging_up = not self._line.hanging_up, True
        if order and not self.ended:
            self._line.order(self._dialog.order_to_hang_up())
        self.wait_ended()

    def close(self) -> None:
        """Hang up if need be, and leave nothing behind."""
        if self._pbx.pid:  # otherwise nobody is there to say good-bye to
            with contextlib.suppress(CallError, OSError):
                self.hang_up()
        self._child.end(0.5)
        self._line.close()
        self._temporary.cleanup()

    def _wait(self, reached: Callable[[], bool], timeout: float, missing: str) -> None:
        until = time.monotonic() + timeout
        with self._line.news:
            while not reached():
                left = until - time.monotonic()
                if self.ended:
                    raise self._failure(f"{missing} before its end")
                if left <= 0:
                    raise self._failure(f"{missing} within {timeout} s")
                self._line.news.wait(left)

    def _failure(self, problem: str) -> CallError:
        log = ""
        for name in (
            "errors.log",
            "screen.log",
        ):  # the screen has only statistics, unless SIPp could not start
            with contextlib.suppress(OSError):
                if name == "errors.log" or self._child.status not in (None, 0):
                    log = log or (self._folder / name).read_text(errors="replace")[-1500:]
        last = [message.splitlines()[0] for message in self.messages[-8:]]
        return CallError(
            f"In a call to {self._to}, {problem}. SIP: {last}, status {self.sip_status};"
            f" {len(self.packets)} RTP packets, {self.heard:.2f} s heard. SIPp ({self._child.status}) says:\n"
            f"{log}\n{self._pbx_report()}"
        )

    def _pbx_report(self) -> str:
        try:
            return self._pbx.report()
        except (PbxError, OSError) as error:
            return f"Asterisk says nothing: {error}"
