"""The wire between a caller's SIPp and the PBX: relays signalling, takes and sends RTP, notes all of it."""

from __future__ import annotations

import random
import re
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from enum import Enum

import numpy as np

from . import rtp
from .ports import free_port
from .process import Child

Address = tuple[str, int]

_TICK = rtp.FRAME / rtp.RATE  # seconds between the packets that are sent
_AUDIBLE = 100  # RMS of 16-bit samples, -50 dBFS: above the noise of coded silence, below any speech


class Sent(Enum):
    """The ways in which a telephone sends a key."""

    EVENT = "RFC 4733"
    TONE = "in-band"
    BOTH = "doubled"


class Line:
    """The wire of one call, and what passed on it. A thread of its own writes it; hold ``news`` to read
    exactly."""

    def __init__(self, pbx: Address, codec: str) -> None:
        self.early = self.answered = self.hanging_up = False
        self.ended_by: str | None = None
        self.sip_status: int | None = None
        self.invited = 0.0  # when the INVITE passed, in seconds of time.monotonic()
        self.packets: list[rtp.Packet] = []
        self.messages: list[str] = []
        self.media_to: Address | None = None
        self.news = threading.Condition()
        self.finished = threading.Event()
        self._axis, self._audible_from, self._audible_to = rtp.ByNumber(), -1, 0
        self._keys: deque[tuple[rtp.Key, Sent, threading.Event]] = deque()
        self._order: bytes | None = None
        self._held: deque[bytes] = deque()
        self._responded = False
        self._awaited: tuple[bytes, ...] = ()  # how messages begin of which SIPp must send one now
        self._closing = threading.Event()
        self._due = time.monotonic()  # when the next packet is to be sent
        self._codec, self._kind = codec, rtp.CODECS[codec]
        self._sequence, self._clock = random.randrange(2**15), random.randrange(2**31)
        self._source = random.randrange(2**32)
        self._pbx = pbx
        self._signal, self._media = (_socket(pbx[0]) for _ in range(2))
        self.tap_port, self.media_port = (s.getsockname()[1] for s in (self._signal, self._media))
        self.sipp: Address = (pbx[0], free_port(socket.SOCK_DGRAM))

    def attend(self, child: Child) -> None:
        """Relay until SIPp ends."""
        threading.Thread(target=self._run, args=(child,), daemon=True, name="line of a call").start()

    def close(self) -> None:
        """Stop relaying now."""
        self._closing.set()
        self.finished.wait(2)

    @property
    def heard(self) -> float:
        """Seconds that were played from the first audible packet to the end of the last one."""
        if self._audible_from < 0:
            return 0.0
        return (self._audible_to - self._audible_from) / rtp.RATE

    def order(self, message: bytes) -> None:
        """Give SIPp an order, as a message that seems to come from the PBX; ``messages`` does not show it.

        SIPp loses count when a message reaches it before it has sent what the one before calls for. So the
        order waits for that, and the PBX's messages wait for what the order brings about.
        """
        with self.news:
            if not self.finished.is_set():
                self._order = message
                self._deliver()

    def press(self, key: str, seconds: float, sent: Sent) -> threading.Event:
        """Send a key once those before it are through; the event tells when it is."""
        done = threading.Event()
        self._keys.append((rtp.Key(key, seconds), sent, done))
        return done

    def _run(self, child: Child) -> None:
        with self._signal, self._media:
            try:
                self._relay(child)
            finally:
                with self.news:  # held, so that nobody is about to use the sockets when they close
                    self.finished.set()
                    self.news.notify_all()

    def _relay(self, child: Child) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._signal, selectors.EVENT_READ, self._take_signal)
            selector.register(self._media, selectors.EVENT_READ, self._take_media)
            while not self._closing.is_set():
                ending = (
                    child.status is not None
                )  # looked at first: what it sent before is in the buffers then
                ready = selector.select(0 if ending else max(0.0, self._due - time.monotonic()))
                for key, _ in ready:
                    take: Callable[[], None] = key.data
                    take()
                if ending and not ready:
                    return
                if time.monotonic() >= self._due:
                    self._due += _TICK
                    if self.media_to:
                        for packet in self._next_packets():
                            self._media.sendto(packet, self.media_to)
                        with self.news:  # a key may be through
                            self.news.notify_all()

    def _take_signal(self) -> None:
        data, source = self._signal.recvfrom(65535)
        from_pbx = source == self._pbx
        with self.news:
            self._note(data.decode("latin-1"), from_pbx)
            if from_pbx:
                self._held.append(data)
            else:
                self._signal.sendto(data, self._pbx)
                if self._awaited and data.startswith(self._awaited):
                    self._awaited = ()
            self._deliver()
            self.news.notify_all()

    def _deliver(self) -> None:
        """Hand on to SIPp what it is ready for."""
        while not self._awaited and (self._held or (self._order and self._responded)):
            if self._order and self._responded:
                data, self._order = self._order, None
                self._awaited = (b"CANCEL ", b"BYE ")
            else:
                data = self._held.popleft()
                if re.search(rb"\nCSeq: *\d+ +INVITE", data):
                    # Before the first response SIPp sends nothing but the INVITE (and RFC 3261 9.1 no
                    # CANCEL).
                    self._responded = True
                    if data.startswith(
                        (b"SIP/2.0 2", b"SIP/2.0 3", b"SIP/2.0 4", b"SIP/2.0 5", b"SIP/2.0 6")
                    ):
                        self._awaited = (b"ACK ",)
                elif data.startswith(b"BYE "):
                    self._awaited = (b"SIP/2.0 ",)
            self._signal.sendto(data, self.sipp)

    def _note(self, message: str, from_pbx: bool) -> None:
        self.invited = self.invited or time.monotonic()
        self.messages.append(("< " if from_pbx else "> ") + message)
        side = "pbx" if from_pbx else "caller"
        if message.startswith(("BYE ", "CANCEL ")):
            self.ended_by = self.ended_by or side
        status = re.match(r"SIP/2\.0 (\d{3})", message)
        if not (status and from_pbx and re.search(r"^CSeq: *\d+ +INVITE", message, re.M | re.I)):
            return
        code = int(status[1])
        where = re.search(r"^c=IN IP4 (\S+)", message, re.M), re.search(r"^m=audio (\d+)", message, re.M)
        if where[0] and where[1]:
            if self.media_to is None:
                self._due = time.monotonic()  # a telephone speaks as soon as it knows to whom
            self.media_to = where[0][1], int(where[1][1])
            self.early = self.early or code < 200
        if code >= 200:
            self.sip_status = code
            self.answered = self.answered or code < 300
        if code >= 300:
            self.ended_by = self.ended_by or side

    def _take_media(self) -> None:
        packet = rtp.parse(self._media.recv(4096), time.monotonic())
        if packet is None:
            return
        with self.news:
            self.packets.append(packet)
            sound = rtp.decode(packet)
            if len(sound):
                at = self._axis.place(packet)
                if (
                    self._audible_from < 0
                    and np.sqrt(np.mean(np.square(sound, dtype=np.float64))) >= _AUDIBLE
                ):
                    self._audible_from = at
                self._audible_to = max(self._audible_to, at + len(sound))
            self.news.notify_all()

    def _next_packets(self) -> list[bytes]:
        """Silence, or the next piece of a key."""
        sound, packets = bytes([rtp.SILENCE[self._kind]]) * rtp.FRAME, list[bytes]()
        if self._keys:
            key, sent, done = self._keys[0]
            marker = key.frame == 0
            # All packets of a key bear the time of its start.
            event = rtp.EVENTS, marker, self._clock - key.frame * rtp.FRAME, key.next_payload()
            if sent is not Sent.TONE:
                packets.append(self._packet(*event))
            if sent is not Sent.EVENT:
                packets.append(self._packet(self._kind, False, self._clock, key.tone(self._codec)))
            if key.frame == key.frames:
                self._keys.popleft()
                done.set()
        else:
            packets.append(self._packet(self._kind, False, self._clock, sound))
        self._clock += rtp.FRAME
        return packets

    def _packet(self, kind: int, marker: bool, at: int, payload: bytes) -> bytes:
        self._sequence += 1
        return rtp.build(
            rtp.Packet(0.0, kind, marker, self._sequence % 2**16, at % 2**32, self._source, payload)
        )


def _socket(host: str) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(
        socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20
    )  # a busy machine must not look like packet loss
    made.bind((host, 0))
    return made
