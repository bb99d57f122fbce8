"""Answer to an access request: each record of a caller, and the words that he heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from ..call.caller import mask
from ..config import Configuration
from ..model import Action, Controller, Record
from ..model.text import NOTHING, Text
from ..process import storage
from .access_log import SHELL, AccessFilter
from .callers import caller_records, pseudonyms
from .evidence.played_sound import played_sound, words_of
from .explain import told_by_controller
from .letter_consents import LetterConsent, letter_consents
from .typed_caller import Typed

if TYPE_CHECKING:
    from ..ledgers.remembered_callers import RememberedCallers

_ALL = 1 << 31  # looks at one caller: more than there can be


@dataclass(frozen=True)
class PlayedWords:
    """The words beside a recording."""

    text: str = ""
    """The words; '' where no file with them lies beside the recording."""
    same: bool = True
    """True if the recording is still the one that the record names."""


@dataclass(frozen=True)
class LetterEntry:
    """A record in the answer, with the words that the caller heard."""

    record: Record
    until: date | None
    """The day on which the retention of the record ends; `None` where no retention is set."""
    words: PlayedWords


@dataclass(frozen=True)
class DataAccess:
    """One access of the company's staff to the caller's data. The person is not named (CJEU C-579/21)."""

    at: datetime
    """The time, to the minute."""
    action: Action | str
    """The action that was logged; a word that is none of these is of another informativa."""
    by_command: bool
    """True if it was a command on the machine, false if it was the console."""


@dataclass(frozen=True)
class AccessHistory:
    """All accesses to a caller's data, the oldest first."""

    accesses: tuple[DataAccess, ...] = ()
    since: date | None = None
    """The day before which accesses are deleted; `None` where they never are."""

    def any_before(self, day: date, controller: Controller) -> bool:
        """Return whether somebody accessed the data before `day`, in the company's zone."""
        return any(access.at.astimezone(controller.zone).date() < day for access in self.accesses)


@dataclass(frozen=True)
class CallerEntries:
    """The records that one company has of a caller, in the order in which they happened, with the words that
    he heard."""

    entries: tuple[LetterEntry, ...]
    doubt: Text
    """The reason why this may not be the caller who was meant; empty for none."""


@dataclass(frozen=True)
class AccessLetter:
    """Everything that one company has on record of a caller, in the order in which it happened."""

    controller: Controller
    caller: str
    """The number or customer number, masked."""
    customer: bool
    """True if the caller is known by a customer number."""
    entries: tuple[LetterEntry, ...]
    purposes: tuple[str, ...]
    """The purposes that the notices told the caller."""
    doubt: Text
    """The reason why this may not be the caller who was meant; empty for none."""
    signed_elsewhere: bool
    """True if others get the checkpoints of the log."""
    history: AccessHistory = AccessHistory()
    """The accesses to the caller's data."""
    consents: tuple[LetterConsent, ...] = ()
    """The caller's last answers to requests for a consent."""


def access_letter(
    controller: Controller, typed: Typed, configuration: Configuration, now: datetime
) -> AccessLetter:
    """Collect the answer to one caller's access request. Raises LedgerError."""
    collected = caller_entries(controller, typed)
    records = [entry.record for entry in collected.entries]
    evidence_settings = configuration.evidence.for_controller(controller.id)
    purposes = {
        purpose for record in records if record.event.asked is None for purpose in record.event.purposes
    }
    return AccessLetter(
        controller,
        mask(typed.caller.number),
        typed.caller.customer,
        collected.entries,
        tuple(sorted(purposes)),
        collected.doubt,
        bool(evidence_settings.targets or evidence_settings.witnesses),
        _history(controller, typed, records, now),
        _consents(controller, typed, configuration, records, now),
    )


def caller_entries(
    controller: Controller, typed: Typed, remembered: RememberedCallers | None = None
) -> CallerEntries:
    """Collect the records of one caller; `remembered` as of `caller_records`. Raises as `access_letter`."""
    records = caller_records(controller, typed.caller, remembered)
    words: dict[tuple[str, str], PlayedWords] = {}
    for record in records:
        played = record.event.prompt, record.event.recording
        if played not in words:
            words[played] = _words(*played)
    entries = [
        LetterEntry(
            record, _kept_until(controller, record), words[record.event.prompt, record.event.recording]
        )
        for record in records
    ]
    entries.sort(key=lambda entry: (entry.record.event.at, entry.record.number))
    return CallerEntries(tuple(entries), NOTHING if records else typed.doubt)


def _consents(
    controller: Controller,
    typed: Typed,
    configuration: Configuration,
    records: Sequence[Record],
    now: datetime,
) -> tuple[LetterConsent, ...]:
    if not any(record.event.asked for record in records):
        return ()
    history = told_by_controller(typed.caller, controller)
    return letter_consents(configuration, controller, typed.caller, records, history, now)


def _history(controller: Controller, typed: Typed, records: Sequence[Record], now: datetime) -> AccessHistory:
    """Return the accesses to the caller's data, some of which are logged with a record alone."""
    access_filter = AccessFilter(
        pseudonyms=pseudonyms(controller, typed.caller), records=[record.number for record in records]
    )
    accesses = {
        DataAccess(
            entry.at.replace(second=0, microsecond=0), entry.action, entry.account.startswith(SHELL)
        ): None
        for entry in reversed(storage.access_log(controller).page(None, _ALL, access_filter))
    }
    since = None if controller.retention is None else storage.access_log_kept_since(controller, now)
    return AccessHistory(tuple(accesses), since and since.astimezone(controller.zone).date())


def _kept_until(controller: Controller, record: Record) -> date | None:
    """Return the day on which a record's retention ends, by the calendar in the company's zone."""
    if controller.retention is None:
        return None
    return controller.retention.after(record.event.at, controller.zone).date()


def _words(prompt: str, recording: str) -> PlayedWords:
    """Return the words that lie beside the recording."""
    sound = played_sound(prompt, recording)
    return PlayedWords() if sound is None else PlayedWords(words_of(prompt, sound.files), sound.same)
