"""Records of a ledger."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Self

from ... import model
from .shapes import SCHEMA, Document, Seconds, Shape, Time


class Heard(Shape):
    """How much of a prompt reached the caller."""

    seconds: Seconds
    """How much of it was heard."""
    length: Seconds
    """How long the prompt is, in seconds."""
    ending: model.Ending
    """How it ended."""
    key: str | None
    """The key that the caller pressed."""

    @classmethod
    def of(cls, heard: model.Heard) -> Heard:
        """As the ledger has it."""
        return cls(seconds=heard.seconds, length=heard.length, ending=heard.ending, key=heard.key or None)


class Record(Shape):
    """One record of a ledger: what was decided and delivered of one notice to one caller."""

    controller: str
    """The company's name in the configuration."""
    box: str | None
    """The box on which it was recorded; null for this one."""
    number: int
    """Its number in that company's ledger."""
    at: Time
    """When it happened."""
    recorded: Time
    """When it was put on record."""
    call: str | None
    """Asterisk's id of the call (linkedid)."""
    line: str | None
    """The called number."""
    caller: str | None
    """The caller's pseudonym, in hexadecimal digits."""
    vouched: model.Vouched | None
    """Who says that the number shown is the caller's."""
    erased: bool
    """Whether the caller was erased at his request."""
    notice: str | None
    """Which notice."""
    version: str | None
    """Which of its versions."""
    language: str | None
    """In which language it was given."""
    purposes: list[str]
    """Of which purposes it told."""
    kind: model.RecordKind
    """By which means."""
    status: model.Status
    """How it went."""
    reason: model.Reason
    """Why it was decided so."""
    rests_on: int | str | None
    """Which record shows that the caller knew it already: its number, BOX:NUMBER on another box."""
    heard: Heard | None
    """What of a prompt was heard."""
    recording: str | None
    """The SHA-256 over those of the prompt's files in all formats."""
    supplement: bool
    """Whether only what is new since an earlier version was told."""
    informs: bool
    """Whether this caller counts as informed by it."""
    reference: str | None
    """Where the evidence of a delivery by other means is."""

    @classmethod
    def of(cls, record: model.Record, controller: str, box: str = "") -> Self:
        """As that company's ledger has it."""
        event = record.event
        return cls(
            controller=controller,
            box=box or None,
            number=record.number,
            at=event.at,
            recorded=event.recorded or event.at,
            call=event.call or None,
            line=event.line or None,
            caller=event.pseudonym.hex() if event.pseudonym else None,
            vouched=event.vouched,
            erased=event.erased,
            notice=event.notice or None,
            version=event.version or None,
            language=event.language or None,
            purposes=sorted(event.purposes),
            kind=event.kind,
            status=event.status,
            reason=event.reason,
            rests_on=event.basis or None,
            heard=Heard.of(event.heard) if event.heard else None,
            recording=event.recording or None,
            supplement=event.supplement,
            informs=event.informs,
            reference=event.reference or None,
        )


class RecordLine(Record, Document):
    """A record on a line of its own."""


class Records(Document):
    """Records, those of one company after those of the other, each company's in their order."""

    records: list[Record]

    @staticmethod
    def streamed(records: Iterable[Record], *, ascii_only: bool = False) -> Iterator[str]:
        """The document in parts, a record on each line, as they are read; nothing of it before the first."""
        opening = before = f'{{"schema": {SCHEMA}, "records": ['
        for record in records:
            facts = json.dumps(record.model_dump(mode="json"), ensure_ascii=ascii_only)
            yield f"{before}\n{facts}"
            before = ","
        yield f"{opening}]}}\n" if before == opening else "\n]}\n"
