"""The sentences of a receipt's page, made of its proof and of the words that it has for its script. Pure.

The script (views/templates/receipt/words.js) makes them in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, TypeAdapter, ValidationError

from ...evidence.receipt import Person, Receipt
from ...model.errors import EvidenceFormatError
from ...model.text import Text

Source = tuple[str, str]
"""The way to make a value, and its fact (or the value itself): see `SentenceMaker`."""

_PLACE = re.compile(r"\{(\w+)\}", re.ASCII)
_SHOWN = 8  # characters of a pseudonym: enough to tell two records of one caller in one ledger


@dataclass(frozen=True)
class ClaimedSentence:
    """A sentence of a page: its name there, its template in the reader's language, and the sources of its
    values."""

    name: str
    template: str
    sources: Mapping[str, Source]

    @property
    def is_in_local_time(self) -> bool:
        return any(way == "local" for way, _ in self.sources.values())


@dataclass(frozen=True)
class PageWords:
    """The words of a page: its sentences, the meanings of codes by their facts, the names of notices and
    purposes, the time zone, the months, and the templates of times and of seconds; the files of the recording
    by format, with their SHA-256, the format of the sound in the page, and whether the record names these
    files; and the key in the page."""

    claims: tuple[ClaimedSentence, ...]
    codes: Mapping[str, Mapping[str, str]]
    names: Mapping[str, str]
    zone: str
    months: Annotated[tuple[str, ...], Field(min_length=12, max_length=12)]
    moment: str
    tenths: str
    files: Mapping[str, str]
    form: str
    same: bool
    key: str

    @classmethod
    def parse(cls, data: str) -> PageWords:
        """Parse the JSON in a page. Raises EvidenceFormatError if it is not as this program writes it."""
        try:
            return _WORDS.validate_json(data, strict=True)
        except ValidationError:
            raise EvidenceFormatError(Text("The words of the page are not those of a receipt.")) from None


_WORDS = TypeAdapter(PageWords)


class SentenceMaker:
    """Makes the sentences that a proof bears out, in the words of a page."""

    def __init__(self, words: PageWords, receipt: Receipt) -> None:
        self._words, self._facts = words, receipt.facts
        self._person = receipt.who.values if isinstance(receipt.who, Person) else {}
        self._ways: Mapping[str, Callable[[str], str]] = {
            "given": lambda text: text,
            "fact": lambda name: str(self._facts[name]),
            "person": lambda name: str(self._person[name]),
            "short": lambda name: str(self._person[name])[:_SHOWN],
            "code": self._code,
            "names": self._names,
            "seconds": self._seconds,
            "local": lambda name: self._moment(name, self.zone or UTC),
            "utc": lambda name: self._moment(name, UTC),
        }

    @cached_property
    def zone(self) -> tzinfo | None:
        """The time zone of the page; `None` if this machine does not know it."""
        try:
            return ZoneInfo(self._words.zone)
        except (LookupError, ValueError, OSError):
            return None

    def parts(self, claim: ClaimedSentence) -> list[tuple[str, str | None]] | None:
        """Return pieces of text, each with the value after it; the last has none. Return `None` if the proof
        bears out no sentence of this kind."""
        *parts, end = _PLACE.split(claim.template)
        try:
            values = {place: self._ways[way](name) for place, (way, name) in claim.sources.items()}
        except LookupError:
            return None
        pairs = zip(parts[::2], parts[1::2], strict=True)
        return [*((text, values.get(place, f"{{{place}}}")) for text, place in pairs), (end, None)]

    def _code(self, name: str) -> str:
        value = str(self._facts[name])
        return self._words.codes[name].get(value, value)

    def _names(self, name: str) -> str:
        names = self._words.names
        return ", ".join(names.get(notice_id, notice_id) for notice_id in str(self._facts[name]).split(" "))

    def _seconds(self, name: str) -> str:
        """To the nearest tenth, a half up: in whole numbers, so that the script has the same."""
        samples, rate = int(self._facts[name]), int(self._facts["rate"])
        tenths = (20 * samples + rate) // (2 * rate) if rate > 0 else 0
        return _fill(self._words.tenths, whole=tenths // 10, tenth=tenths % 10)

    def _moment(self, name: str, zone: tzinfo) -> str:
        text = str(self._facts[name])
        try:
            at = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(zone)
        except (OverflowError, ValueError):  # the 31st of February, which the proof may say
            return text
        month = self._words.months[at.month - 1]
        return _fill(self._words.moment, day=at.day, month=month, year=at.year, time=f"{at:%H:%M}")


def _fill(template: str, **values: object) -> str:
    return _PLACE.sub(lambda match: str(values.get(match[1], match[0])), template)
