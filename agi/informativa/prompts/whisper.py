"""Words in a recording, by a Whisper model that CTranslate2 runs (extra `recogniser`).

The sound is given to the model as the logarithm of its power in bands of the mel scale, in pieces of 30
seconds. Radford and others, "Robust Speech Recognition via Large-Scale Weak Supervision" (2022), section 2.2.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..model.errors import PromptError
from ..model.text import Foreign, Text
from .audio import WIDE, Sound, resampled, trimmed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

PIECE = 30  # seconds that the model looks at
_WINDOW, _HOP = 400, 160  # samples: 25 ms of sound, every 10 ms
_EARLIEST = 15  # seconds of a piece, after which it may be cut at a pause
_PAUSE = 20  # hops that a pause lasts at least
_BEAM = 5
_HERTZ_PER_MEL, _LINEAR, _STEP = (
    200 / 3,
    1000.0,
    6.4,
)  # Slaney's scale: linear below 1 kHz, then by 27s of 6.4


class Recogniser:
    """A Whisper model in a folder, as CTranslate2 converts it. Raises PromptError if it cannot be used."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        if not (folder / "model.bin").is_file():
            raise PromptError(
                Text("{folder} has no Whisper model: there is no model.bin in it.", folder=folder),
                Text(
                    "Make one, in an environment with ctranslate2, transformers and torch:"
                    " ct2-transformers-converter --model openai/whisper-small --output_dir {folder}",
                    folder=folder,
                ),
            )
        try:
            self._engine: Any = importlib.import_module("ctranslate2")
        except ImportError:
            raise PromptError(
                Text("The recogniser is not there."),
                Text("Type: {prefix}/bin/pip install 'informativa[recogniser]'", prefix=Path(sys.prefix)),
            ) from None
        try:
            self._model = self._engine.models.Whisper(str(folder), device="cpu", compute_type="int8")
        except (RuntimeError, ValueError, TypeError) as error:
            raise PromptError(
                Text("{folder} has no Whisper model: {why}.", folder=folder, why=Foreign(str(error))),
                Text("Convert it anew with ct2-transformers-converter."),
            ) from None

    def words(self, sound: Sound, language: str) -> str:
        """Return the words of a recording in a language such as it or de_DE. Raises PromptError."""
        import numpy as np

        start = self._start(language.partition("_")[0])
        samples = np.asarray(resampled(trimmed(sound), WIDE).samples, dtype=np.float64)
        texts = (self._piece(piece, start) for piece in pieces(samples))
        return " ".join(text.strip() for text in texts)

    def _start(self, language: str) -> list[str]:
        """Return the tokens before the words. Raises PromptError for a language that the model does not know:
        it would hear nonsense."""
        token = f"<|{language}|>"
        vocabularies = (file.read_text(encoding="utf-8") for file in self._folder.glob("vocabulary.*"))
        several = self._model.is_multilingual
        if not (any(token in vocabulary for vocabulary in vocabularies) if several else language == "en"):
            raise PromptError(
                Text(
                    "The model in {folder} does not know {language!r}.",
                    folder=self._folder,
                    language=language,
                ),
                Text("Leave out --recogniser, or name a model that does."),
            )
        task = [token, "<|transcribe|>"] if several else []
        return ["<|startoftranscript|>", *task, "<|notimestamps|>"]

    def _piece(self, samples: Numbers, start: list[str]) -> str:
        bands = log_mel(samples, self._model.n_mels)
        features = self._engine.StorageView.from_array(bands[None])
        try:
            (result,) = self._model.generate(features, [start], beam_size=_BEAM)
        except (RuntimeError, ValueError) as error:
            raise PromptError(
                Text("{folder} has no Whisper model: {why}.", folder=self._folder, why=Foreign(str(error))),
                Text("Convert it anew with ct2-transformers-converter."),
            ) from None
        return text_of(result.sequences[0])


def pieces(samples: Numbers) -> Iterator[Numbers]:
    """Yield samples at 16 kHz in pieces that the model takes, each cut in the longest silence at hand."""
    import numpy as np

    while len(samples) > PIECE * WIDE:
        part = samples[_EARLIEST * WIDE : PIECE * WIDE]
        powers = (part.reshape(-1, _HOP) ** 2).mean(axis=1)
        quiet = np.convolve(powers, np.ones(_PAUSE), mode="valid").argmin() + _PAUSE // 2
        cut = _EARLIEST * WIDE + int(quiet) * _HOP
        yield samples[:cut]
        samples = samples[cut:]
    yield samples


def log_mel(samples: Numbers, bands: int) -> NDArray[np.float32]:
    """Return the spectrum of a piece: the logarithm of its power, by band and hop, as the model learnt it."""
    import numpy as np

    hops = PIECE * WIDE // _HOP
    padded = np.pad(np.pad(samples, (0, PIECE * WIDE - len(samples))), _WINDOW // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:hops]
    powers = np.abs(np.fft.rfft(windows * np.hanning(_WINDOW + 1)[:-1])) ** 2
    levels = np.log10(np.maximum(_mel_filters(bands) @ powers.T, 1e-10))
    spectrum: NDArray[np.float32] = ((np.maximum(levels, levels.max() - 8) + 4) / 4).astype(np.float32)
    return spectrum


def _mel_filters(bands: int) -> Numbers:
    """Return the weight of each frequency in each band: triangles of one area, evenly over the mel scale."""
    import numpy as np

    knee = _LINEAR / _HERTZ_PER_MEL
    top = knee + 27 * np.log(WIDE / 2 / _LINEAR) / np.log(_STEP)
    mels = np.linspace(0, top, bands + 2)
    above = _LINEAR * np.exp((mels - knee) * np.log(_STEP) / 27)
    edges = np.where(mels < knee, mels * _HERTZ_PER_MEL, above)
    left, middle, right = (edges[begin : begin + bands, None] for begin in range(3))
    hertz = np.fft.rfftfreq(_WINDOW, 1 / WIDE)
    triangles = np.minimum((hertz - left) / (middle - left), (right - hertz) / (right - middle))
    weights: Numbers = np.maximum(0, triangles) * 2 / (right - left)
    return weights


def text_of(tokens: list[str]) -> str:
    """Return the text of a model's tokens: UTF-8 whose bytes are written as letters, as GPT-2 does."""
    written = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in written]
    codes = {chr(byte): byte for byte in written} | {chr(256 + at): byte for at, byte in enumerate(others)}
    letters = (letter for token in tokens if not token.startswith("<|") for letter in token)
    return bytes(codes[letter] for letter in letters if letter in codes).decode(errors="replace")
