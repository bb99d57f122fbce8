"""Tells what a caller heard: finds a prompt in a recording, and how far it was played.

All audio is 16-bit linear at 8 kHz. What has been through A-law or u-law correlates with its original at
0.99 and more, other speech stays below 0.5, so there is much room between the two.
"""

from __future__ import annotations

import struct
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .rtp import RATE, Samples

__all__ = ["RATE", "Match", "Samples", "find", "loudness", "read_wav", "synthetic", "write_wav"]

_Floats = npt.NDArray[np.float64]

_ANCHOR = RATE // 2  # samples of a prompt's beginning by which it is found
_FOUND = 0.6  # correlation from which on it is
_WINDOW = RATE // 10  # samples compared at a time along the prompt
_ALIKE = 0.5  # correlation from which on a window is the same sound
_STEP = RATE // 50  # samples, one packet: how finely the end is told
_LOST = 3 * _WINDOW  # samples that may be missing within a prompt: lost packets
_QUIET = 60.0  # RMS below which a window is a pause (-55 dBFS)
_EDGE = 0.06  # seconds that may be missing at either end of what counts as whole: up to three packets


@dataclass(frozen=True)
class Match:
    """One playing of a prompt."""

    offset: float
    """Seconds into the recording at which the prompt begins; negative if its beginning is missing."""
    correlation: float
    """The likeness of the part that was heard to the original, normalised: 0..1."""
    covered: float
    """Seconds of the prompt that were heard, counted from its beginning."""
    length: float
    """Seconds of the whole prompt."""
    cut: float
    """Seconds of sound that are missing at its beginning: early media may lose its first packet."""

    @property
    def is_whole(self) -> bool:
        """Return whether the prompt was heard from its beginning to its end."""
        return self.cut <= _EDGE and self.covered >= self.length - _EDGE


def find(prompt: Samples, heard: Samples) -> list[Match]:
    """Every playing of ``prompt`` in ``heard``, in order.

    A playing is known by the prompt's first half second, of which half may be missing at the start of the
    recording. It knows no pause within: what came as RTP is put together by its numbers (`rtp.ByNumber`).
    """
    original, recording = prompt.astype(np.float64), heard.astype(np.float64)
    lead = _lead(original)
    anchor = original[lead : lead + _ANCHOR]
    if len(anchor) == 0:
        raise ValueError("The prompt is silent, so nothing can tell whether it was heard.")
    before = _ANCHOR // 2
    likeness = _correlate(anchor, np.pad(recording, (before, 0)))
    matches: list[Match] = []
    free_from = 0
    for at in np.flatnonzero(likeness >= _FOUND):
        if at < free_from:
            continue
        best = int(at + np.argmax(likeness[at : at + len(anchor)]))
        match = _follow(original, recording, best - before, lead)
        matches.append(match)
        free_from = best + max(len(anchor), int(match.covered * RATE) - lead - _WINDOW)
    return matches


def _lead(original: _Floats) -> int:
    """Samples of silence at the beginning."""
    for start in range(0, len(original), _STEP):
        if _rms(original[start : start + _STEP]) >= _QUIET:
            return start
    return len(original)


def _correlate(anchor: _Floats, recording: _Floats) -> _Floats:
    """The normalised correlation of ``anchor`` with ``recording`` at each place, by FFT."""
    if len(recording) < len(anchor):
        recording = np.pad(recording, (0, len(anchor) - len(recording)))
    size = 1 << (len(recording) + len(anchor) - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(recording, size) * np.conj(np.fft.rfft(anchor, size)), size)
    places = len(recording) - len(anchor) + 1
    energy = np.concatenate(([0.0], np.cumsum(np.square(recording))))
    local = energy[len(anchor) :][:places] - energy[:places]
    floor = len(anchor) * _QUIET**2 / 4  # in near silence, chance likeness means nothing
    return np.asarray(product[:places] / np.sqrt(np.sum(np.square(anchor)) * np.maximum(local, floor)))


def _follow(original: _Floats, recording: _Floats, start: int, lead: int) -> Match:
    """Go along the prompt, whose sound begins at ``start``, to where the recording ceases to be the same."""
    offset = start - lead
    end, at = 0, 0
    same: list[tuple[_Floats, _Floats]] = []
    while at < len(original) and at - end <= _LOST:
        piece = original[at : at + _WINDOW]
        segment = _cut(recording, at + offset, len(piece))
        if _same(piece, segment):
            end = at + len(piece)
            same.append((piece, segment))
        at += _WINDOW
    while end < len(original):  # the window in which it stops, packet by packet
        piece = original[end : end + _STEP]
        if not _same(piece, _cut(recording, end + offset, len(piece))):
            break
        end += len(piece)
    one = np.concatenate([original[:0], *(piece for piece, _ in same)])
    other = np.concatenate([recording[:0], *(segment for _, segment in same)])
    cut = max(0, -start) / RATE
    return Match(offset / RATE, _likeness(one, other), end / RATE, len(original) / RATE, cut)


def _cut(recording: _Floats, at: int, length: int) -> _Floats:
    """Return so many samples from a place; fewer where the recording does not reach."""
    return recording[max(0, at) : max(0, at + length)]


def _same(piece: _Floats, segment: _Floats) -> bool:
    """Return whether a window was heard. A pause counts as heard where the recording has one too."""
    if len(segment) < len(piece):
        return False
    if _rms(piece) < _QUIET:
        return _rms(segment) < 2 * _QUIET
    return _likeness(piece, segment) >= _ALIKE


def _likeness(one: _Floats, other: _Floats) -> float:
    scale = float(np.sqrt(np.sum(np.square(one)) * np.sum(np.square(other))))
    return float(np.sum(one * other)) / scale if scale else 0.0


def _rms(samples: _Floats) -> float:
    return float(np.sqrt(np.mean(np.square(samples)))) if len(samples) else 0.0


def loudness(samples: Samples) -> float:
    """The RMS level in dB below full scale (0 is a square wave at the limit); -inf for silence."""
    level = _rms(samples.astype(np.float64))
    return float(20 * np.log10(level / 32768)) if level else float("-inf")


def synthetic(seconds: float, seed: int) -> Samples:
    """Something like speech: a gliding voice and hiss within 300-3400 Hz, in syllables, never repeating.

    Audible from its first sample to its last, at about -20 dBFS, so that a test can be strict about both
    ends.
    """
    random = np.random.default_rng(seed)
    count = round(seconds * RATE)
    pitch = 150 + 60 * _wandering(random, count, 3.0)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    voice = sum((np.cos(k * phase + random.uniform(0, 6)) / k**0.7 for k in range(2, 20)), np.zeros(count))
    hiss = random.standard_normal(count)
    mix = voice / voice.std() + (0.5 + 0.4 * _wandering(random, count, 5.0)) * hiss
    spectrum = np.fft.rfft(mix)
    frequency = np.fft.rfftfreq(count, 1 / RATE)
    spectrum[(frequency < 300) | (frequency > 3400)] = 0
    shaped = np.fft.irfft(spectrum, count) * (0.6 + 0.45 * _wandering(random, count, 4.0))
    samples: Samples = np.clip(shaped * 3277 / shaped.std(), -32768, 32767).astype(np.int16)
    return samples


def _wandering(random: np.random.Generator, count: int, rate: float) -> _Floats:
    """A smooth random course between -1 and 1 that turns ``rate`` times a second."""
    knots = random.uniform(-1, 1, int(count / RATE * rate) + 3)
    return np.asarray(np.interp(np.arange(count) * rate / RATE, np.arange(len(knots)), knots))


def read_wav(path: Path) -> Samples:
    """The samples of a WAV file, which must be what the lab works with."""
    with wave.open(str(path), "rb") as file:
        parameters = file.getnchannels(), file.getsampwidth() * 8, file.getframerate()
        if parameters != (1, 16, RATE):
            raise ValueError(f"{path} has channels, bits, rate {parameters}; convert it to (1, 16, {RATE}).")
        body = file.readframes(file.getnframes())
    return np.frombuffer(body, np.dtype("<i2")).astype(np.int16)


def is_closed(path: Path) -> bool:
    """Return whether a WAV file of Asterisk's is there with something in it, and whole: its header says how
    long it is only once Asterisk has closed it."""
    if not path.exists():
        return False
    header, size = path.read_bytes()[:44], path.stat().st_size
    return size > 44 and int.from_bytes(header[40:], "little") == size - 44


def write_wav(path: Path, samples: Samples) -> None:
    """Write a WAV file with the canonical 44-byte header, which is what Asterisk's reader was made for."""
    body = samples.astype("<i2").tobytes()
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + len(body), b"WAVE", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16, b"data", len(body)),
    )
    path.write_bytes(header + body)
