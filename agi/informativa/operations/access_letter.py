"""What the answer to an access request tells: each record of a caller, and the words that he heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from .. import storage
from ..config import Configuration
from ..model import Action, Controller, Record
from ..text import Text
from .access_log import SHELL, AccessFilter
from .callers import Typed, access, pseudonyms
from .completeness import Missing
from .evidence.receipt_page import played_sound, words_of

_ALL = 1 << 31  # looks at one caller: more than there can be


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
class DataAccess:
    """One look of the company's staff at the caller's data: in which minute, what for, and if it was by a
    command on the machine. Who it was is not in it (CJEU C-579/21)."""

    at: datetime
    action: Action
    by_command: bool


@dataclass(frozen=True)
class AccessHistory:
    """All looks at a caller's data of which this box knows, the oldest first. Those from before `since` are
    deleted, `None` where none ever are; `elsewhere` is whether other boxes have looks of their own."""

    accesses: tuple[DataAccess, ...] = ()
    since: date | None = None
    elsewhere: bool = False

    def any_before(self, day: date, controller: Controller) -> bool:
        """Tell if somebody looked before a day of the company's."""
        return any(access.at.astimezone(controller.zone).date() < day for access in self.accesses)


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
    history: AccessHistory = AccessHistory()


def access_letter(
    controller: Controller, typed: Typed, configuration: Configuration, now: datetime
) -> AccessLetter:
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
        _history(controller, typed, held.records, now, elsewhere=configuration.shared is not None),
    )


def _history(
    controller: Controller, typed: Typed, records: Sequence[Record], now: datetime, *, elsewhere: bool
) -> AccessHistory:
    """Give the looks at the caller and at his records, some of which are logged with a record alone."""
    wanted = AccessFilter(
        pseudonyms=pseudonyms(controller, typed.caller), records=[record.number for record in records]
    )
    accesses = {
        DataAccess(
            entry.at.replace(second=0, microsecond=0), entry.action, entry.account.startswith(SHELL)
        ): None
        for entry in reversed(storage.access_log(controller).page(None, _ALL, wanted))
    }
    since = None if controller.retention is None else storage.looks_kept_since(controller, now)
    return AccessHistory(tuple(accesses), since and since.astimezone(controller.zone).date(), elsewhere)


def _until(controller: Controller, record: Record) -> date | None:
    """By the calendar, in the company's zone."""
    if controller.retention is None:
        return None
    return controller.retention.after(record.event.at, controller.zone).date()


def _words(prompt: str, recording: str) -> PlayedWords:
    """As they are kept beside the recording."""
    sound = played_sound(prompt, recording)
    return PlayedWords() if sound is None else PlayedWords(words_of(prompt, sound.files), sound.same)
