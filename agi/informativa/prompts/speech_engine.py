"""SVOX Pico (py-nanotts), sentence by sentence: it speaks all of a text, or raises an error."""

from __future__ import annotations

import importlib
import re
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..model.errors import PromptError
from ..model.text import Text
from .audio import WIDE, Sound, faded, from_pcm, join_sounds, levelled, trimmed
from .pronunciation import spell_out

VOICES = {"it": "it-IT", "en": "en-GB", "de": "de-DE", "fr": "fr-FR", "es": "es-ES"}
PACE = {"it": 1.1, "en": 1.0, "de": 1.15, "fr": 1.0, "es": 1.1}  # times the engine's own: some voices drag
SENTENCE, PARAGRAPH = 0.3, 0.55  # seconds of silence after a line, and at an empty line
_VOLUME = 0.4  # of the engine's own, at which all five voices clip
_LEAST = (
    0.7  # of the time that a sentence takes in two halves (0.81 to 1.09 seen): less, and a part is missing
)
_SAYABLE = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿŒœ0-9 ,;:.!?'()-]")  # others are left out, or named oddly


def speak(lines: list[str], language: str) -> Sound:
    """Return a text as sound at 16 kHz. Raises PromptError if the voice cannot say all of it, or is
    missing."""
    return join_sounds(_sentences(lines, language))


def _sentences(lines: list[str], language: str) -> Iterator[tuple[Sound, float]]:
    pause = 0.0
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield levelled(faded(_sentence(line.strip(), number, language))), pause
            pause = SENTENCE
        elif pause:
            pause = PARAGRAPH


def _sentence(line: str, number: int, language: str) -> Sound:
    """Speak one sentence. An engine may cut a text silently, so the length is compared with the sum of its
    halves."""
    text = spell_out(line, language)
    if unsayable := sorted(set(_SAYABLE.sub("", text))):
        raise PromptError(
            Text(
                "Line {number} holds {letters}, which the voice cannot say.",
                number=number,
                letters=" ".join(unsayable),
            ),
            Text("Write it as it is said."),
        )
    sound = _spoken(text, language)
    words = text.split()
    if len(words) > 3:
        half = len(words) // 2
        parts = [_spoken(" ".join(part), language) for part in (words[:half], words[half:])]
        if sound.seconds < _LEAST * sum(part.seconds for part in parts):
            raise PromptError(
                Text("The voice does not say all of line {number}.", number=number),
                Text("Make two sentences of it."),
            )
    return sound


def _spoken(text: str, language: str) -> Sound:
    try:
        engine: Any = importlib.import_module("py_nanotts")
    except ImportError:
        raise PromptError(
            Text("The voices are not there."),
            Text("Type: {prefix}/bin/pip install 'informativa[speech]'", prefix=Path(sys.prefix)),
        ) from None
    samples: bytes = engine.NanoTTS().speak(
        text, voice=VOICES[language], speed=PACE[language], volume=_VOLUME
    )
    sound = from_pcm(samples, WIDE)
    return trimmed(sound) if samples else Sound(array("f"), WIDE)
