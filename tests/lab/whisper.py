"""A Whisper model of a megabyte, for English alone, which hears the same words in every sound."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

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
