"""What goes to somebody who helps: without numbers, pseudonyms, secrets, and what nobody said it may show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...redaction import without_numbers

SHORTEST_SECRET = 4  # characters; what is shorter stands in half of all words
GONE = "(removed)"
# And every other digest and key. Digits alone are a number's.
_PSEUDONYM = re.compile(r"(?<![0-9A-Za-z])(?=[0-9]*[A-Fa-f])[0-9A-Fa-f]{12,}(?![0-9A-Za-z])")


@dataclass(frozen=True)
class Cleaner:
    """Takes out `secrets`, and calls `lines` (in any spelling) by the names that they have here, so that one
    can still see which is meant. `addresses` are of our own, and no telephone's number."""

    secrets: frozenset[str] = frozenset()
    lines: Mapping[str, str] = field(default_factory=dict)
    addresses: frozenset[str] = frozenset()

    def text(self, text: str) -> str:
        """One text, clean."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, GONE)
        if self.lines:
            text = _any_of(self.lines).sub(lambda found: self.lines[found[0]], text)
        text = _PSEUDONYM.sub(GONE, text)
        if not self.addresses:
            return without_numbers(text)
        kept = _any_of(self.addresses)
        parts = map(without_numbers, kept.split(text))
        return "".join(f"{part}{own}" for part, own in zip(parts, [*kept.findall(text), ""], strict=True))

    def data(self, data: Any) -> Any:
        """The same for all texts of what becomes JSON, names included."""
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, list):
            return [self.data(each) for each in data]
        if isinstance(data, dict):
            return {self.text(name): self.data(each) for name, each in data.items()}
        return data


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """One of them, and not as a part of a longer word or number."""
    ordered = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<![\w+])(?:{'|'.join(map(re.escape, ordered))})(?!\.?\w)")
