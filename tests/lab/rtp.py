"""RTP (RFC 3550), telephone events (RFC 4733) and G.711, as much as a caller needs. No I/O here."""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]
"""16-bit linear audio at RATE."""

RATE = 8000  # samples a second, of everything in the lab
FRAME = 160  # samples in one packet, which is 20 ms
CODECS = {"ulaw": 0, "alaw": 8}  # RTP payload types, RFC 3551
EVENTS = 101  # the payload type that the lab's callers give telephone events

_HEADER = struct.Struct("!BBHII")
_LONGEST_GAP = 20 * RATE  # samples; a larger step of the timestamp is a new count, not a loss


@dataclass(frozen=True)
class Packet:
    """One RTP packet, as it came."""

    arrival: float
    """Seconds of time.monotonic()."""
    kind: int
    """Payload type: 0 is u-law, 8 is A-law."""
    marker: bool
    sequence: int
    timestamp: int
    """In samples, modulo 2**32."""
    source: int
    """SSRC: another one has another count of timestamps."""
    payload: bytes


def parse(data: bytes, arrival: float) -> Packet | None:
    """The packet, or None for what is not RTP version 2 (such as RTCP's compound packets)."""
    if len(data) < _HEADER.size or data[0] >> 6 != 2 or 200 <= data[1] <= 207:
        return None
    first, second, sequence, timestamp, source = _HEADER.unpack_from(data)
    start = _HEADER.size + 4 * (first & 15)
    if first & 16 and len(data) >= start + 4:  # a header extension
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    end = len(data) - (data[-1] if first & 32 else 0)
    return Packet(arrival, second & 127, bool(second & 128), sequence, timestamp, source, data[start:end])


def build(packet: Packet) -> bytes:
    """The bytes of a packet to send."""
    second = packet.kind | (128 if packet.marker else 0)
    header = _HEADER.pack(128, second, packet.sequence, packet.timestamp, packet.source)
    return header + packet.payload


_TONES = {
    key: (row, column)
    for row, keys in {697: "123A", 770: "456B", 852: "789C", 941: "*0#D"}.items()
    for key, column in zip(keys, (1209, 1336, 1477, 1633), strict=True)
}
"""The two frequencies of a key in hertz (ITU-T Q.23)."""
_LOUD = 5000  # amplitude of each of the two, about -16 dBFS


class Key:
    """A key that is held: one payload each 20 ms, as an event of RFC 4733 and as a tone."""

    def __init__(self, key: str, seconds: float = 0.1) -> None:
        self._code, self._tones = "0123456789*#ABCD".index(key), _TONES[key]
        self.frame = 0
        self.frames = round(seconds * RATE / FRAME) + 3
        """The number of payloads, three of them the end, as one may be lost (RFC 4733 2.5.1.4)."""

    def next_payload(self) -> bytes:
        """The payload of this frame, and on to the next."""
        self.frame += 1
        end = self.frame > self.frames - 3
        length = min(self.frame, self.frames - 2) * FRAME
        return struct.pack("!BBH", self._code, (0x80 if end else 0) | 10, length)

    def tone(self, codec: str) -> bytes:
        """The sound of the frame of `next_payload`: silence in the last two, where it is let go."""
        if self.frame > self.frames - 2:
            return bytes([SILENCE[CODECS[codec]]]) * FRAME
        time = (np.arange(FRAME) + (self.frame - 1) * FRAME) / RATE
        sound = sum((np.sin(2 * np.pi * hertz * time) for hertz in self._tones), np.zeros(FRAME))
        return encode((_LOUD * sound).astype(np.int16), codec)


def _ulaw_table() -> Samples:
    code = ~np.arange(256) & 255
    size = (((code & 15) << 3) + 132 << (code >> 4 & 7)) - 132
    return np.where(code & 128, -size, size).astype(np.int16)


def _alaw_table() -> Samples:
    code = np.arange(256) ^ 0x55
    exponent, mantissa = code >> 4 & 7, (code & 15) << 4
    size = np.where(exponent == 0, mantissa + 8, mantissa + 264 << np.maximum(exponent - 1, 0))
    return np.where(code & 128, size, -size).astype(np.int16)


_TABLES = {0: _ulaw_table(), 8: _alaw_table()}
SILENCE = {0: 0xFF, 8: 0xD5}  # the code that is nearest to no sound


def decode(packet: Packet) -> Samples:
    """The sound of a G.711 packet; empty for any other payload type."""
    table = _TABLES.get(packet.kind)
    if table is None:
        return np.zeros(0, np.int16)
    return table[np.frombuffer(packet.payload, np.uint8)]


def encode(samples: Samples, codec: str) -> bytes:
    """G.711 of ``samples``, by the nearest value of the table."""
    table = _TABLES[CODECS[codec]]
    order = np.argsort(table, kind="stable")
    steps = table[order].astype(np.int32)
    middles = (steps[1:] + steps[:-1]) / 2
    return order[np.searchsorted(middles, samples)].astype(np.uint8).tobytes()


class _Axis(ABC):
    """The places of packets, in samples from the first one."""

    def __init__(self) -> None:
        self._last: tuple[Packet, int] | None = None

    def place(self, packet: Packet) -> int:
        """Return where the packet starts, in samples."""
        at = self._last[1] + self._step(self._last[0], packet) if self._last else 0
        if self._last is None or at >= self._last[1]:  # a late packet does not move the count back
            self._last = packet, at
        return at

    @abstractmethod
    def _step(self, before: Packet, packet: Packet) -> int:
        """Return how far the packet is from one before."""


class ByTime(_Axis):
    """Packets as they were heard: by their timestamps. Where the count starts anew (another source, or a step
    that no pause explains) the arrival times tell how far apart the two are.

    Where the count starts anew (another source, or a step that no pause explains) the arrival times tell
    how far apart the two are.
    """

    def _step(self, before: Packet, packet: Packet) -> int:
        step = (packet.timestamp - before.timestamp + 2**31) % 2**32 - 2**31
        if packet.source != before.source or abs(step) > _LONGEST_GAP:
            step = round((packet.arrival - before.arrival) * RATE / FRAME) * FRAME
        return step


class ByNumber(_Axis):
    """Packets as they were played: one after the other by their numbers. A sender that stands still goes on
    where it was, as Asterisk does, and only its timestamps tell that it is late.

    A sender that stands still goes on where it was, as Asterisk does, and only its timestamps tell that it is
    late.
    """

    def _step(self, before: Packet, packet: Packet) -> int:
        if packet.source != before.source:
            return FRAME
        return FRAME * ((packet.sequence - before.sequence + 2**15) % 2**16 - 2**15)


def assemble(packets: Iterable[Packet], axis: ByTime | ByNumber) -> Samples:
    """All the sound, from the first packet on, with silence where packets are missing."""
    pieces = [(axis.place(p), decode(p)) for p in packets if p.kind in _TABLES]
    heard = np.zeros(max((at + len(sound) for at, sound in pieces), default=0), np.int16)
    for at, sound in pieces:
        if at >= 0:
            heard[at : at + len(sound)] = sound
    return heard
