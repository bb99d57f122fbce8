"""The recogniser that hears whether a recording says its text: Whisper, with a model of a megabyte, for
English alone, which hears the same words in every sound."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from consenting import ask_for_consents
from informativa.model.errors import PromptError
from informativa.operations.prompts import taking
from informativa.operations.prompts.making import PromptTarget
from informativa.operations.prompts.taking import Take
from informativa.prompts.audio import NARROW, from_pcm
from informativa.prompts.whisper import Recogniser, log_mel, pieces, text_of
from lab import audio

recogniser = pytest.mark.skipif(not importlib.util.find_spec("ctranslate2"), reason="no extra `recogniser`")
STATES, BANDS = 64, 80
_SPECIAL = ("<|endoftext|>", "<|startoftranscript|>", "<|nocaptions|>", "<|notimestamps|>")
_CONFIG: dict[str, list[int]] = {
    "suppress_ids": [],
    "suppress_ids_begin": [],
    "lang_ids": [],
    "alignment_heads": [],
}


def write_model(folder: Path, words: list[str]) -> None:
    """Write a model that hears these tokens, whatever it is given: each position of the decoder leads to the
    next of them, and all else weighs nothing."""
    specs: Any = importlib.import_module("ctranslate2.specs")
    spec = specs.WhisperSpec(1, 1, 1, 1)
    tokens = [*words, *_SPECIAL]
    prompt = 2  # tokens before the first word
    ids = [*(tokens.index(word) for word in words), tokens.index("<|endoftext|>")]
    positions = np.zeros((448, STATES), np.float32)
    embeddings = np.zeros((len(tokens), STATES), np.float32)
    for at, token in enumerate(ids):
        positions[prompt - 1 + at, at] = 1.0
        embeddings[token, at] = 1.0
    _fill(spec.encoder, encoder=True)
    _fill(spec.decoder, encoder=False)
    spec.encoder.position_encodings.encodings = np.zeros((1500, STATES), np.float32)
    spec.decoder.position_encodings.encodings = positions
    spec.decoder.embeddings.weight = np.zeros_like(embeddings)
    spec.decoder.projection.weight = embeddings
    spec.register_vocabulary(tokens)
    for name, value in _CONFIG.items():
        setattr(spec.config, name, value)
    spec.validate()
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))


def _fill(part: Any, *, encoder: bool) -> None:
    """Give every layer weights of its shape: norms that change nothing, and sums of nothing."""
    if encoder:
        for conv, width in ((part.conv1, BANDS), (part.conv2, STATES)):
            conv.weight, conv.bias = np.zeros((STATES, width, 3), np.float32), np.zeros(STATES, np.float32)
    norms, linears = [part.layer_norm], []
    (layer,) = part.layer
    attentions = [layer.self_attention] + ([] if encoder else [layer.attention])
    for index, attention in enumerate(attentions):
        norms.append(attention.layer_norm)
        shapes = [3 * STATES, STATES] if index == 0 else [STATES, 2 * STATES, STATES]
        linears += [(linear, rows, STATES) for linear, rows in zip(attention.linear, shapes, strict=True)]
    norms.append(layer.ffn.layer_norm)
    linears += [(layer.ffn.linear_0, STATES, STATES), (layer.ffn.linear_1, STATES, STATES)]
    for linear, rows, columns in linears:
        linear.weight, linear.bias = np.zeros((rows, columns), np.float32), np.zeros(rows, np.float32)
    for norm in norms:
        norm.gamma, norm.beta = np.ones(STATES, np.float32), np.zeros(STATES, np.float32)


def test_tokens_are_bytes_written_as_letters() -> None:
    """As GPT-2 writes UTF-8: a blank is Ġ, and è is two letters."""
    assert text_of(["<|it|>", "C", "aff", "Ã¨", "Ġ5", "<|endoftext|>"]) == "Caffè 5"


def test_spectrum_of_a_tone_is_in_its_band() -> None:
    """1 kHz is mel 15 of 45.2, so in band 26 of 80; where nothing sounds the level is 2 below (8 decades)."""
    tone = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)
    spectrum = log_mel(tone, 80)
    assert (spectrum.shape, spectrum.dtype) == ((80, 3000), np.dtype("float32"))
    assert int(spectrum[:, 50].argmax()) in (25, 26)
    assert spectrum.max() - spectrum[:, 2000].max() == pytest.approx(2.0)


def test_long_recording_is_cut_in_a_pause() -> None:
    """Of 50 seconds with a pause at 20 to 21 the first piece ends in it."""
    samples = np.random.default_rng(1).normal(size=50 * 16_000)
    samples[20 * 16_000 : 21 * 16_000] = 0.0
    first, second = pieces(samples)
    assert 20 * 16_000 <= len(first) <= 21 * 16_000
    assert len(first) + len(second) == 50 * 16_000


@recogniser
def test_recogniser_names_what_it_does_not_hear(folder: Path, tmp_path: Path) -> None:
    """A real model, which hears the same in every sound: other keys, name and words, and no number."""
    file = ask_for_consents(folder)
    file.write_text(file.read_text().replace('withdraw_at: "+390212345678"', 'withdraw_at: "+390212345670"'))
    audio.write_wav(tmp_path / "studio.wav", audio.synthetic(9.0, 5))
    heard = "Arctica may call you with offers. For yes press 4, for no press 6. The end."
    write_model(tmp_path / "model", [f"Ġ{word}" for word in heard.split()])
    text = tmp_path / "read.txt"
    text.write_text(
        "Acme may call you with offers.\nFor yes press four, for no press five.\n"
        "To withdraw a yes, call 02 1234 5670."
    )
    take = Take(tmp_path / "studio.wav", "en", text=text, recogniser=tmp_path / "model")
    result = taking.add(file, PromptTarget("acme", "marketing", "3"), take)
    assert [str(warning).partition("studio.wav: ")[2] for warning in result.warnings][-5:] == [
        "the recording does not name the key 5",
        "the recording names the key 6, and should name 4, 5",
        "the recording does not say the name Acme S.p.A.",
        "the recording does not say the number +390212345670, at which a consent is withdrawn",
        "16 of the 29 words of the text (--text) are not heard, or are others: acme → arctica; five to"
        " withdraw a yes call zero two one two three four five → –; seven zero → the end",  # noqa: RUF001
    ]


@recogniser
def test_recogniser_knows_its_languages(tmp_path: Path) -> None:
    """A language that the model does not know is refused, for it would hear nonsense."""
    write_model(tmp_path, ["Ġyes"])
    model, sound = Recogniser(tmp_path), from_pcm(audio.synthetic(1.0, 5).tobytes(), NARROW)
    assert model.words(sound, "en_GB") == "yes"
    with pytest.raises(PromptError, match=r"does not know 'de'\. Leave out --recogniser"):
        model.words(sound, "de_DE")


def test_recogniser_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No model in the folder, no package, a file that is no model: each says what to type."""
    with pytest.raises(PromptError, match=r"there is no model\.bin in it\. .*ct2-transformers-converter"):
        Recogniser(tmp_path)
    (tmp_path / "model.bin").write_bytes(b"no model" * 20)
    if importlib.util.find_spec("ctranslate2"):
        with pytest.raises(PromptError, match="has no Whisper model: Unsupported"):
            Recogniser(tmp_path)
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    with pytest.raises(PromptError, match=r"pip install 'informativa\[recogniser\]'"):
        Recogniser(tmp_path)
