"""The sound of a notice as Asterisk has it: prompts by part and language, their lengths, their digest."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import TypeVar

from .frozen import dataclass
from .text import Text

T = TypeVar("T")


@dataclass(frozen=True)
class Length:
    """The length of one installed sound file: samples at a rate in hertz."""

    samples: int
    rate: int

    @property
    def seconds(self) -> float:
        return self.samples / self.rate


@dataclass(frozen=True)
class Prompt:
    """One recording as Asterisk knows it: a path without extension, and each installed file's length.

    Asterisk picks the file that suits the channel's codec and reports positions in *its* samples, so
    every installed format's length is kept; all last equally long, within a rounding. `recording` identifies
    its sound (`recording_digest`), once the files were read.
    """

    path: str
    lengths: tuple[Length, ...]
    recording: str = ""

    @property
    def seconds(self) -> float:
        return max((length.seconds for length in self.lengths), default=0.0)


def matching_language(language: str, available: Container[str]) -> str:
    """Return the one of the `available` languages that stands for `language`: itself, or de for de_DE; '' if
    none does."""
    if language in available:
        return language
    base = language.partition("_")[0]
    return base if base in available else ""


def prompts_by_part(
    short: Mapping[str, T],
    short_nokey: Mapping[str, T],
    full: Mapping[str, T],
    supplements: Mapping[str, Mapping[str, T]],
    withdraw: Mapping[str, T],
) -> Iterator[tuple[str, str, T]]:
    """Iterate over all prompts of a version, each with its part (short, short-nokey, full, withdraw,
    supplement:VERSION) and its language."""
    by_part: dict[str, Mapping[str, T]] = {
        "short": short,
        "short-nokey": short_nokey,
        "full": full,
        "withdraw": withdraw,
    }
    by_part |= {f"supplement:{earlier}": prompts for earlier, prompts in supplements.items()}
    for part, prompts in by_part.items():
        for language, prompt in prompts.items():
            yield part, language, prompt


@dataclass(frozen=True)
class ChangedRecording:
    """A prompt whose recording is not the one any more that was checked. `why` is the message for the admin:
    the mistake, and the remedy."""

    why: Text


def recording_digest(files: Mapping[str, str]) -> str:
    """Return the digest by which a record names the sound that was played: the SHA-256 of the canonical JSON
    (RFC 8785) of each installed format with the SHA-256 of its whole file, all in hexadecimal; '' for no
    file."""
    if not files:
        return ""
    import hashlib
    import json

    canonical = json.dumps(dict(files), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
