"""Commitments of a record: two salted hashes, one of its facts and one of the data that lead to the caller.
Pure.

`facts` stay when a caller is erased, `person` goes with its salt. A leaf of the log holds nothing but the two
hashes, so it tells nothing to a reader who has no salt, and a receipt opens one record and no other.

Both are canonical JSON (RFC 8785) of strings and whole numbers. Absent values are left out. `FACTS` and
`PERSON` are all the names that there are; another name is another version.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from ..model import Binding, Event, Identified, RecordKind, hashing
from ..model.frozen import dataclass
from ..model.hashing import sha256

SALT_SIZE = 16  # bytes


WHAT_TAG = b"informativa/what/v2\n"
WHO_TAG = b"informativa/who/v2\n"
RECORD_TAG = b"informativa/record/v2\n"
NOTE_TAG = b"informativa/note/v2\n"
_OPENING_TAG = b"informativa/opening/v2\n"

FACTS = {
    "answer": "of a choice: the word for what the caller answered by key",
    "asks": "of a choice: which kind it is",
    "choice": "of a choice: which one",
    "counts": "0 where it informs nobody by a setting, although it was heard",
    "ending": "how the playback ended",
    "from": "of totals: the first leaf that they count, by its index",
    "happened": "when it happened, UTC, in whole minutes",
    "head": "of an access record: the hash of the newest entry of the list of who looked at records",
    "heard": "how many samples of the prompt were heard",
    "indices": "of a record about records: how many, which leaves (through a ledger's logs), from when",
    "kind": "how the caller got the notice",
    "language": "the language that was played",
    "length": "how many samples the prompt has",
    "line": "the called number",
    "log": "the origin of the log",
    "notice": "which notice",
    "number": "the number of the record in its ledger",
    "options": "of a choice: KEY=ANSWER for each option, as the prompt told them, one space between",
    "prompt": "the path of the recording in Asterisk, without extension",
    "purposes": "which purposes it told of, sorted, with one space between",
    "rate": "the samples of a second, of `heard` and `length`",
    "reason": "why it was played or left out",
    "record": "the index of the leaf, from 0",
    "recorded": "when it was put on record, UTC, in whole minutes",
    "recording": "SHA-256 of the canonical JSON of the prompt's formats, each with its file's SHA-256",
    "rows": "of an access record: how many entries that list ever had",
    "status": "what became of it",
    "supplement": "1 where only what is new was told, to somebody who knew the rest",
    "to": "of totals: the leaf before which they end, which is their own",
    "totals": "LINE/NOTICE/STATUS/REASON=NUMBER of calls and deliveries, sorted, one space between",
    "tries": "of a choice: how often it was asked",
    "version": "which version of the notice",
    "vouched": "who said that the number is the caller's",
    "waited": "of a choice: how many milliseconds of the last wait the answer took",
    "wanted": "the language that should have been played, where another was",
}
PERSON = {
    "basis": "the number of the record that shows what the caller had already",
    "binding": "to the caller's number, for whoever has the record's opening key",
    "call": "Asterisk's id of the call",
    "earlier": "the pseudonym by an earlier key, under which the caller was known until this record",
    "happened": "when it happened, in microseconds since 1970, UTC",
    "key": "the key that the caller pressed",
    "linked": "the id that all channels of the conversation share",
    "opening": "where there is `binding`: identifies the record's opening key",
    "pseudonym": "what stands for the caller in this ledger: an HMAC of his number, in hexadecimal",
    "recorded": "when it was put on record, in microseconds since 1970, UTC",
    "reference": "what shows it where that is not this ledger: a contract, an operator",
}
ABOUT_RECORDS = frozenset(
    {
        RecordKind.PURGE,
        RecordKind.ERASURE,
        RecordKind.LOST,
        RecordKind.NEW_LOG,
        RecordKind.NEXT,
        RecordKind.RULE,
        RecordKind.APPROVAL,
    }
)
"""Kinds whose reference is about other records and leads to nobody."""
KEPT = ABOUT_RECORDS | {RecordKind.TOTALS, RecordKind.ACCESS}
"""Kinds that no purge deletes."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Commitments:
    """The two hashes of one record, 32 bytes each."""

    what: bytes
    who: bytes

    @property
    def entry(self) -> bytes:
        """The entry of the log, 86 bytes; its hash is the leaf."""
        return RECORD_TAG + self.what + self.who


def salt() -> bytes:
    """Return a new random salt of 16 bytes."""
    return os.urandom(SALT_SIZE)


def what(facts: Mapping[str, str | int], salt: bytes) -> bytes:
    """Return the commitment to the facts of a record."""
    return sha256(WHAT_TAG + salt + canonical(facts)).digest()


def who(person: Mapping[str, str | int], salt: bytes) -> bytes:
    """Return the commitment to the data that lead to the caller."""
    return sha256(WHO_TAG + salt + canonical(person)).digest()


def hashes(facts: bytes, person: bytes, salt_what: bytes, salt_who: bytes) -> tuple[bytes, bytes]:
    """Return the commitments to facts and person, both given as canonical JSON, of a new record."""
    facts_hash, person_hash = sha256(WHAT_TAG + salt_what + facts), sha256(WHO_TAG + salt_who + person)
    return facts_hash.digest(), person_hash.digest()


def facts(event: Event, log: str, index: int, number: int) -> dict[str, str | int]:
    """Return the facts of an event, which an erasure leaves, as leaf `index` of `log` and record `number` of
    its ledger."""
    heard, stated, asked = event.heard, _stated(event), event.asked
    values: dict[str, str | int | None] = {
        "answer": None if asked is None else asked.answer,
        "asks": None if asked is None else asked.asks,
        "choice": None if asked is None else asked.choice,
        "counts": None if event.counts else 0,
        "ending": None if heard is None else heard.ending,
        "from": stated.get("from"),
        "happened": _minute(event.at),
        "head": stated.get("head"),
        "heard": None if heard is None else heard.samples,
        "indices": event.reference if event.kind in ABOUT_RECORDS else "",
        "kind": event.kind,
        "language": event.language,
        "length": None if heard is None else heard.total,
        "line": event.line,
        "log": log,
        "notice": event.notice,
        "number": number,
        "options": None if asked is None else asked.options,
        "prompt": event.prompt,
        "purposes": " ".join(sorted(event.purposes)),
        "rate": None if heard is None else heard.rate,
        "reason": event.reason,
        "record": index,
        "recorded": _minute(event.recorded or event.at),
        "recording": event.recording,
        "rows": stated.get("rows"),
        "status": event.status,
        "supplement": 1 if event.supplement else None,
        "to": stated.get("to"),
        "totals": stated.get("totals"),
        "tries": None if asked is None else asked.tries,
        "version": event.version,
        "vouched": event.vouched,
        "waited": None if asked is None else asked.waited,
        "wanted": event.wanted,
    }
    return {name: value for name, value in values.items() if value or value == 0}


def person(event: Event, binding: bytes | None, opening: bytes | None = None) -> dict[str, str | int]:
    """Return the data of an event that lead to the caller. `binding` is the one to the caller's number, if
    that is known; `opening` identifies the key that opens it."""
    values: dict[str, str | int | None] = {
        "basis": event.basis,
        "binding": None if binding is None else binding.hex(),
        "call": event.call,
        "earlier": None if event.earlier is None else event.earlier.hex(),
        "happened": (event.at - _EPOCH) // _MICROSECOND,
        "key": None if event.heard is None else event.heard.key,
        "linked": event.linked,
        "opening": None if opening is None else opening.hex(),
        "pseudonym": None if event.pseudonym is None else event.pseudonym.hex(),
        "recorded": ((event.recorded or event.at) - _EPOCH) // _MICROSECOND,
        "reference": "" if event.kind in ABOUT_RECORDS or _stated(event) else event.reference,
    }
    return {name: value for name, value in values.items() if value or value == 0}


def _stated(event: Event) -> dict[str, str | int]:
    """Return the facts that an event states by its reference."""
    if event.kind not in KEPT or event.kind in ABOUT_RECORDS:
        return {}
    from .stated_facts import stated  # no call has such a record

    return stated(event.kind, event.reference)


def canonical(values: Mapping[str, str | int]) -> bytes:
    """Return the same bytes as `jcs.canonical`, for names that are plain and in order. Raises ValueError for
    a lone surrogate, which no text of a ledger has.

    Plain values take a third of the time of `jcs`, and no `json`, which a script would load at each call.
    """
    if not is_plain("".join(map(str, values.values()))):  # one test of all is faster than one of each
        from . import jcs

        return jcs.canonical_of_sorted(values)
    parts = [
        f'"{name}":{value}' if type(value) is int else f'"{name}":"{value}"' for name, value in values.items()
    ]
    return f"{{{','.join(parts)}}}".encode()


def is_plain(text: str) -> bool:
    """Return whether JSON writes all its characters as they are. Other text could imitate further JSON
    members."""
    return text.isprintable() and '"' not in text and "\\" not in text


def opening_key(company_key: bytes, salt: bytes) -> bytes:
    """Return the key that opens the binding of one record. With it a company can show whose number the record
    is bound to, and keeps its own key secret. Anybody who has it can find the number by trying all
    numbers."""
    return hashing.hmac(company_key, b"binding" + salt)


def binding(opening_key: bytes, caller: Identified) -> bytes:
    """Return the HMAC that binds the record with that opening key to a caller."""
    prefix = "customer:" if caller.customer else ""
    return hashing.hmac_once(opening_key, (prefix + caller.number).encode("utf-8", "replace"))


def opening(opening_key: bytes) -> bytes:
    """Return the digest by which a record names its opening key: a wrong key is told from a wrong number. It
    opens nothing."""
    return sha256(_OPENING_TAG + opening_key).digest()


def bind(caller: Identified, company_key: bytes) -> Binding:
    """Draw a salt for a new record, and bind the record to its caller."""
    new_salt = salt()
    key = opening_key(company_key, new_salt)
    return Binding(new_salt, binding(key, caller), opening(key))


def minute(microseconds: int) -> str:
    """Return the minute of a time that is given in microseconds since 1970. Raises OverflowError."""
    return _minute(_EPOCH + timedelta(microseconds=microseconds))


def _minute(at: datetime) -> str:
    return f"{at.isoformat(timespec='minutes')[:16]}Z"
