"""The list of the leaves of an erasure, which its note commits to. Pure.

    list = SHA-256("informativa/list/v2\\n" ‖ salt ‖ lines)

Published it would tie one caller's calls together; so it is salted and private, for the approver, an auditor,
and a restore.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

from ..model.errors import EvidenceError, EvidenceFormatError
from ..model.text import Text
from .encoding import as_text, decimal, log_origin
from .jcs import LARGEST_INTEGER
from .notes import ErasureNote, LogNote

SALT_SIZE = 16  # bytes
LARGEST_LIST = 16_000_000  # bytes
_TAG = "informativa/list/v2\n"


@dataclass(frozen=True)
class LeafPlace:
    """The place of a leaf: the origin of its log, and its index from 0."""

    origin: str
    index: int

    @property
    def line(self) -> str:
        """The line of a list, with its newline."""
        return f"{self.origin} {self.index}\n"


@dataclass(frozen=True)
class ErasedLeaves:
    """The leaves of an erasure in the order of their lines: those of the caller's records, and those of the
    records that rested on them; and the salt, 16 bytes. Raises EvidenceFormatError for what is no such
    list."""

    salt: bytes = field(repr=False)
    erased: tuple[LeafPlace, ...]
    resting: tuple[LeafPlace, ...] = ()

    def __post_init__(self) -> None:
        if len(self.salt) != SALT_SIZE or not self.erased:
            raise _malformed()
        for place in self.places:
            log_origin(place.origin)
            if not 0 <= place.index <= LARGEST_INTEGER:
                raise _malformed()
        if any(list(part) != _in_order(part) for part in (self.erased, self.resting)):
            raise EvidenceFormatError(Text("The lines of the list are not sorted."))
        if len(set(self.places)) != len(self.places):
            raise EvidenceFormatError(Text("The list names one leaf twice."))

    @classmethod
    def of(cls, salt: bytes, erased: Iterable[LeafPlace], resting: Iterable[LeafPlace] = ()) -> ErasedLeaves:
        """Return the list of leaves in any order. Raises EvidenceFormatError."""
        return cls(salt, tuple(_in_order(erased)), tuple(_in_order(resting)))

    @classmethod
    def parse(cls, data: bytes) -> ErasedLeaves:
        """Parse the private file. Raises EvidenceFormatError."""
        text = as_text(data, LARGEST_LIST)
        salt, newline, lines = text.removeprefix(_TAG).partition("\n")
        erased, separator, resting = f"\n{lines}".partition("\n\n")
        if not (text.startswith(_TAG) and newline and separator):
            raise _malformed()
        try:
            places = cls(bytes.fromhex(salt), _places(f"{erased[1:]}\n"), _places(resting))
        except ValueError:
            raise _malformed() from None
        if places.data != data:
            raise _malformed()
        return places

    @property
    def places(self) -> tuple[LeafPlace, ...]:
        """All leaves of the list."""
        return self.erased + self.resting

    @property
    def lines(self) -> str:
        """The lines: of the erased, an empty one, of those that rested on them."""
        return "\n".join("".join(place.line for place in part) for part in (self.erased, self.resting))

    @property
    def data(self) -> bytes:
        """The private file: the tag, the salt in hexadecimal on a line of its own, and the lines."""
        return f"{_TAG}{self.salt.hex()}\n{self.lines}".encode()

    @property
    def digest(self) -> str:
        """The commitment, in hexadecimal: `list` of the note."""
        return sha256(_TAG.encode() + self.salt + self.lines.encode()).hexdigest()

    @property
    def most(self) -> int:
        """The least power of ten, from 10, that is not below the number of leaves: `most` of the note."""
        return int("1" + "0" * len(str(len(self.places) - 1)))

    def check(self, note: LogNote) -> None:
        """Check that this is the list of an erasure's note. Raises EvidenceError."""
        content = note.content
        if not isinstance(content, ErasureNote) or content.list_digest != self.digest:
            raise EvidenceError(Text("The list is not that of the note."))
        if content.most != self.most:
            raise EvidenceError(Text("The list has another number of leaves than the note says."))
        if any(place.origin == note.log and place.index >= note.index for place in self.places):
            raise EvidenceError(Text("The list names leaves that come after the note."))


class PrivateLists(Protocol):
    """The private lists of the erasures that the logs of one ledger note."""

    def private_list(self, epoch: int, index: int) -> bytes | None:
        """Return the list of the erasure that leaf `index` of an epoch notes; `None` if it is not there.
        Nothing is checked. Raises EvidenceError."""


def _in_order(places: Iterable[LeafPlace]) -> list[LeafPlace]:
    return sorted(places, key=lambda place: place.line)


def _places(lines: str) -> tuple[LeafPlace, ...]:
    """Raises ValueError for a line of other than two words."""
    pairs = (line.split(" ") for line in lines.removesuffix("\n").split("\n")) if lines else ()
    return tuple(LeafPlace(origin, decimal(index)) for origin, index in pairs)


def _malformed() -> EvidenceFormatError:
    return EvidenceFormatError(
        Text("It is no list of erased leaves: its version, the salt, and lines with origin and index.")
    )
