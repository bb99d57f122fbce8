"""What the answer to an access request tells: each record of a caller, and the words that he heard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ..config import Configuration
from ..model import Controller, Record
from ..text import Text
from .callers import Typed, access
from .completeness import Missing
from .evidence.receipt_page import played_sound, words_of


@dataclass(frozen=True)
class PlayedWords:
    """What lies beside a recording as its words, '' where nothing does; `same` is whether it is still the
    recording that the record names."""

    text: str = ""
    same: bool = True


@dataclass(frozen=True)
class LetterEntry:
    """A record, and of which box it is, '' for this one. It is kept up to the day `until`, `None` where no
    time is set."""

    record: Record
    box: str
    until: date | None
    words: PlayedWords


@dataclass(frozen=True)
class AccessLetter:
    """All that one company has on record of a caller, whose number is masked, in the order in which it
    happened. `purposes` are those that the notices told him; `doubt` is why he may not be who was meant;
    `signed_elsewhere` is whether others get the checkpoints of the log; `missing` is with which boxes there
    may be more."""

    controller: Controller
    caller: str
    customer: bool
    entries: tuple[LetterEntry, ...]
    purposes: tuple[str, ...]
    doubt: Text
    signed_elsewhere: bool
    missing: tuple[Missing, ...] = ()


def access_letter(controller: Controller, typed: Typed, configuration: Configuration) -> AccessLetter:
    """Raises LedgerError, and SharedDatabaseError: half an answer is none."""
    answer, own = access([controller], typed, configuration.shared), configuration.evidence.of(controller.id)
    (held,) = answer.held
    rows = [*(("", record) for record in held.records), *held.elsewhere]
    words: dict[tuple[str, str], PlayedWords] = {}
    for _box, record in rows:
        played = record.event.prompt, record.event.recording
        if played not in words:
            words[played] = _words(*played)
    entries = [
        LetterEntry(
            record, box, _until(controller, record), words[record.event.prompt, record.event.recording]
        )
        for box, record in rows
    ]
    entries.sort(key=lambda each: (each.record.event.at, each.box, each.record.number))
    purposes = {each for _box, record in rows for each in record.event.purposes}
    return AccessLetter(
        controller,
        answer.caller,
        typed.caller.customer,
        tuple(entries),
        tuple(sorted(purposes)),
        answer.doubt,
        bool(own.targets or own.witnesses or own.timestamp),
        held.missing,
    )


def _until(controller: Controller, record: Record) -> date | None:
    """By the calendar, in the company's zone."""
    if controller.retention is None:
        return None
    return controller.retention.after(record.event.at, controller.zone).date()


def _words(prompt: str, recording: str) -> PlayedWords:
    """As they are kept beside the recording."""
    sound = played_sound(prompt, recording)
    return PlayedWords() if sound is None else PlayedWords(words_of(prompt, sound.files), sound.same)
