"""One call: all that is on record of it."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Controller, Event, Record
from .evidence import receipt_page
from .evidence.receipt_page import PlayedSound
from .records import opened

NEIGHBOURS = 5_000  # records before and after one among which those of its call are


@dataclass(frozen=True)
class Told:
    """What was said to somebody: its words, '' where nobody knows them, and its sound, where it is there."""

    text: str
    sound: PlayedSound | None


@dataclass(frozen=True)
class Story:
    """A record, and all of its call and conversation, itself included, in their order."""

    record: Record
    records: tuple[Record, ...]


def story(controller: Controller, number: int) -> Story | None:
    """That of a record; `None` where there is no such one. Raises InformativaError if the ledger cannot be
    read."""
    with opened(controller, read_only=True) as ledger:
        record = ledger.record(number) if ledger else None
        if ledger is None or record is None:
            return None
        near = ledger.of_call(record.event, number - NEIGHBOURS, number + NEIGHBOURS + 1)
    return Story(record, tuple(near) or (record,))


def told(event: Event) -> Told:
    """What was played, as it lies there now."""
    sound = receipt_page.played_sound(event.prompt, event.recording)
    text = receipt_page.words_of(event.prompt, sound.files) if sound else ""
    return Told(text, sound)
