"""Removal of telephone numbers, pseudonyms and secrets from texts for a helper."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...model.redaction import without_numbers

SHORTEST_SECRET = 4  # characters; a shorter text occurs in many words
GONE = "(removed)"
# This matches other digests and keys, too. Digits alone may be a telephone number, which `redaction` removes.
_PSEUDONYM = re.compile(r"(?<![0-9A-Za-z])(?=[0-9]*[A-Fa-f])[0-9A-Fa-f]{12,}(?![0-9A-Za-z])")


@dataclass(frozen=True)
class Cleaner:
    """A cleaner of texts.

    It removes `secrets`, and replaces the numbers of `lines` (by spelling) by names, so that a reader can
    still tell one line from another. `addresses` are IP addresses of our own, which stay.
    """

    secrets: frozenset[str] = frozenset()
    lines: Mapping[str, str] = field(default_factory=dict)
    addresses: frozenset[str] = frozenset()

    def text(self, text: str) -> str:
        """Return a text without them."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, GONE)
        if self.lines:
            text = _any_of(self.lines).sub(lambda match: self.lines[match[0]], text)
        text = _PSEUDONYM.sub(GONE, text)
        if not self.addresses:
            return without_numbers(text)
        pattern = _any_of(self.addresses)
        parts = map(without_numbers, pattern.split(text))
        addresses = [*pattern.findall(text), ""]
        return "".join(f"{part}{address}" for part, address in zip(parts, addresses, strict=True))

    def data(self, data: Any) -> Any:
        """Return JSON data with all texts cleaned, the names of members too."""
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, list):
            return [self.data(member) for member in data]
        if isinstance(data, dict):
            return {self.text(name): self.data(member) for name, member in data.items()}
        return data


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern of any of these words, not as a part of a longer word or number."""
    ordered = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<![\w+])(?:{'|'.join(map(re.escape, ordered))})(?!\.?\w)")
