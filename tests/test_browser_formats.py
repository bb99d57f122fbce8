"""Recordings as browsers play them."""

from __future__ import annotations

from pathlib import Path

import pytest

from informativa.prompts import formats

HEADER_8 = bytes.fromhex("401f0000 803e0000 0200 1000")
"""8,000 samples, 16,000 bytes a second; 2 bytes a sample, 16 bits."""
HEADER_16 = bytes.fromhex("803e0000 007d0000 0200 1000")
HEADER_48 = bytes.fromhex("80bb0000 00770100 0200 1000")


@pytest.mark.parametrize(
    ("form", "data", "header", "samples"),
    [
        ("sln", "0100 ffff", HEADER_8, "0100 ffff"),
        ("sln16", "0100", HEADER_16, "0100"),
        ("sln48", "0100", HEADER_48, "0100"),
        # ITU-T G.711: the quietest and the loudest of either sign, and one of the third segment
        ("alaw", "d5 55 aa 2a f5", HEADER_8, "0800 f8ff 007e 0082 1002"),
        ("ulaw", "ff 7f 80 00 cf", HEADER_8, "0000 0000 7c7d 8482 9c03"),
    ],
)
def test_headerless_formats(tmp_path: Path, form: str, data: str, header: bytes, samples: str) -> None:
    """A headerless format becomes a WAV file at its rate, with its samples."""
    file = tmp_path / f"short.{form}"
    file.write_bytes(bytes.fromhex(data))
    wav = formats.wav_of(file)
    assert wav
    assert wav[24:36] == header
    assert wav[44:] == bytes.fromhex(samples)


def test_others_are_not_made(tmp_path: Path) -> None:
    """G.722 is not decoded, and what is too long is not either."""
    for form in ("gsm", "g722", "alaw"):
        (tmp_path / f"short.{form}").write_bytes(bytes(5242881))  # 10 MB of PCM, and a sample
        assert formats.wav_of(tmp_path / f"short.{form}") is None
    assert formats.playable_file(tmp_path.glob("short.*")) is None
    (tmp_path / "short.ulaw").write_bytes(bytes(5242880))
    assert formats.playable_file(tmp_path.glob("short.*")) == tmp_path / "short.ulaw"
    assert len(formats.wav_of(tmp_path / "short.ulaw") or b"") == 44 + 10485760


def test_best_of_several_formats(tmp_path: Path) -> None:
    """A WAV file goes as it is; without one the format with most of the sound is taken."""
    for form in ("alaw", "sln", "sln16", "wav"):
        (tmp_path / f"short.{form}").write_bytes(b"\1\0")
    assert formats.playable_file(tmp_path.glob("short.*")) == tmp_path / "short.wav"
    (tmp_path / "short.wav").unlink()
    assert formats.playable_file(tmp_path.glob("short.*")) == tmp_path / "short.sln16"
