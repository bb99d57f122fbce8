"""All records of one call."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Controller, Event, Record
from ..process.storage import existing_ledger
from .evidence.played_sound import PlayedSound, played_sound, words_of

NEIGHBOURS = 5_000  # records before and after one among which the others of its call are searched


@dataclass(frozen=True)
class PromptContent:
    """The words and the sound that a caller heard."""

    text: str
    """The words; '' where they are not known."""
    sound: PlayedSound | None
    """The sound; `None` where no file is there."""


@dataclass(frozen=True)
class CallRecords:
    """A record, together with all records of its call and conversation."""

    record: Record
    records: tuple[Record, ...]
    """All of them in their order, `record` among them."""


def call_records(controller: Controller, number: int) -> CallRecords | None:
    """Return the story of a record; `None` where there is no such record. Raises InformativaError if the
    ledger cannot be read."""
    with existing_ledger(controller) as ledger:
        record = ledger.record(number) if ledger else None
        if ledger is None or record is None:
            return None
        records = ledger.of_call(record.event, number - NEIGHBOURS, number + NEIGHBOURS + 1)
    return CallRecords(record, tuple(records) or (record,))


def played_recording(event: Event) -> PromptContent:
    """Return the words and the sound of a record's prompt, from the files that are there now."""
    sound = played_sound(event.prompt, event.recording)
    text = words_of(event.prompt, sound.files) if sound else ""
    return PromptContent(text, sound)
