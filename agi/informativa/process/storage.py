"""Access to the stored data of a controller, for commands, the console and work beside the calls: its
ledger, its access log.

One function for each operation; each opens what it needs, and imports it only then. Calls have their ledgers
from `bootstrap.py`; the sequencer of a log, and who audits one, open what they need themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..model import Controller, Notice, Recording, Status
from ..model.errors import LedgerEmptyError, LedgerError
from ..model.text import Foreign, Text
from ..system.files import permission_denied

if TYPE_CHECKING:
    from ..ledgers.access_log import AccessLog
    from ..ledgers.caller_states import CallerStates, PeriodMarks
    from ..ledgers.following import Follower
    from ..ledgers.month_counts import MonthCounts
    from ..ledgers.owner import LedgerOwner
    from ..ledgers.restoring import RestoreResult
    from ..ledgers.sqlite import SqliteStore
    from ..ledgers.tally import AnswerCount, HourCount
    from ..model.choices import AnswerHistory
    from ..model.requests import PersonRequest


def store(controller: Controller, *, read_only: bool = False, create: bool = True) -> SqliteStore:
    """Open one controller's ledger, for commands. Raises LedgerError if it cannot be used, or is another's.

    Work beside the calls must not `create` it: a ledger that is missing then was deleted.
    """
    from ..ledgers.sqlite import SqliteStore

    return SqliteStore(
        controller.ledger,
        read_only=read_only,
        create=create,
        log=controller.log,
        owner=_owner(controller),
    )


@contextmanager
def existing_ledger(controller: Controller) -> Iterator[SqliteStore | None]:
    """Open one controller's ledger, to be read only, for the time of a `with` block; `None` where there is
    none. Raises LedgerError if it cannot be used, and InformativaError if it may not be looked for."""
    file = Path(controller.ledger)
    try:
        exists = file.exists()
    except PermissionError as error:
        raise permission_denied(file) from error
    if not exists:
        yield None
        return
    with reading(controller) as ledger:
        yield ledger


@contextmanager
def reading(controller: Controller) -> Iterator[SqliteStore]:
    """Open one controller's ledger, which must exist, to be read only, for the time of a `with` block. Raises
    LedgerError if it cannot be used, or is another's."""
    from ..ledgers.single_openings import open_once

    with open_once((controller.id, controller.ledger), partial(store, controller, read_only=True)) as ledger:
        yield ledger


def answers_of(controller: Controller, pseudonyms: Sequence[bytes]) -> AnswerHistory:
    """Return what a caller with these pseudonyms answered to choices. Raises LedgerError."""
    from ..ledgers import answers
    from ..model.choices import merge_answers

    with existing_ledger(controller) as ledger:
        if ledger is None:
            return merge_answers()
        with ledger.connected() as connection:
            return merge_answers(*(answers.of_caller(connection, pseudonym) for pseudonym in pseudonyms))


@contextmanager
def caller_states(controller: Controller, marks: PeriodMarks, at: datetime) -> Iterator[CallerStates | None]:
    """Open a reader of the states of all callers of one controller at a time, for the time of a `with` block;
    `None` where there is no ledger. Raises LedgerError."""
    from ..ledgers import caller_states

    with existing_ledger(controller) as ledger:
        if ledger is None:
            yield None
            return
        with (
            ledger.connected() as connection,
            caller_states.open_states(connection, marks, at) as states,
        ):
            yield states


def _owner(controller: Controller) -> LedgerOwner | None:
    from ..ledgers import owner

    return owner.of(controller)


def require_own(controller: Controller) -> None:
    """Refuse a ledger that is another company's, or of another key. Raises LedgerError."""
    with suppress(LedgerEmptyError):
        if Path(controller.ledger).exists():
            store(controller, read_only=True).close()


def follower(controller: Controller) -> Follower:
    """Return a follower of one controller's ledger that reports new records; the file need not exist yet."""
    from ..ledgers.following import Follower

    return Follower(controller.ledger, _owner(controller))


def hours(controller: Controller, since: datetime, until: datetime) -> tuple[HourCount, ...]:
    """Return the counters of one controller's ledger, for the hours that began from `since` on and before
    `until`. Raises LedgerError."""
    from ..ledgers.following import hours

    return hours(controller.ledger, since, until, _owner(controller))


def answers(controller: Controller, since: datetime, until: datetime) -> tuple[AnswerCount, ...]:
    """Return the counters of answers to choices of the same hours as `hours`. Raises LedgerError."""
    from ..ledgers.following import answers

    return answers(controller.ledger, since, until, _owner(controller))


def informed_later(controller: Controller, since: datetime, until: datetime) -> dict[Status, int]:
    """Count the notices of these times that were not heard in full, of callers who have heard them since.
    Raises LedgerError."""
    from ..ledgers.following import informed_later

    return informed_later(controller.ledger, since, until, _owner(controller))


def month(controller: Controller, since: datetime, until: datetime) -> MonthCounts:
    """Return the counts of one controller's ledger in a period. Reads all of it. Raises LedgerError."""
    from ..ledgers.following import month

    return month(controller.ledger, since, until, _owner(controller))


def has_answers(controller: Controller) -> bool:
    """Return whether callers of a controller answered choices; false without a ledger. Raises LedgerError."""
    from ..ledgers.following import has_answers

    return Path(controller.ledger).exists() and has_answers(controller.ledger, _owner(controller))


def restore(controller: Controller, copy: Path, at: datetime, instruction: str = "") -> RestoreResult:
    """Put a copy in the place of a ledger; notes about what is lost have the controller's `instruction`.
    Raises LedgerError, EvidenceError, and InformativaError if it is missing, and changes nothing then."""
    from ..ledgers.restoring import restore

    return restore(Path(controller.ledger), copy, at, _owner(controller), instruction)


@contextmanager
def readable_folder(folder: Path) -> Iterator[None]:
    """Read a folder for the time of a `with` block. Raises LedgerError where it cannot be read."""
    try:
        yield
    except OSError as error:
        raise LedgerError(
            Text("{file} cannot be read ({why}).", file=folder, why=Foreign(error.strerror or "")),
            Text("Run this as the user who owns it."),
        ) from error


def try_writing(controller: Controller) -> None:
    """Write to a ledger as a call would, as the user who runs this, and undo it. Nothing is created or
    changed, also where there is no ledger yet. Raises LedgerError if calls could not be recorded."""
    from ..ledgers.write_check import try_writing

    try_writing(Path(controller.ledger))


def callers_of_removed(controller: Controller, notices: Sequence[Notice]) -> dict[tuple[str, str], int]:
    """Return, by notice and version, the number of callers that were told a version that the ledger, which
    must exist, has and the configuration has not. Reads all callers. Raises LedgerError."""
    listed = {(notice.id, version.id) for notice in notices for version in notice.versions}
    with reading(controller) as ledger:
        return ledger.callers_of(listed)


def requests(controller: Controller) -> list[PersonRequest]:
    """Return all persons' requests of a company; none without a ledger. Raises LedgerError."""
    from ..ledgers import requests

    with existing_ledger(controller) as ledger:
        if ledger is None:
            return []
        with ledger.connected() as connection:
            return requests.read(connection)


def access_log(controller: Controller) -> AccessLog:
    """Return the access log of the console; the file need not exist yet."""
    from ..ledgers.access_log import AccessLog

    return AccessLog(Path(controller.ledger))


def access_log_kept_since(controller: Controller, now: datetime) -> datetime:
    """Return the time since which entries of the access log are kept, for a controller with a retention."""
    from ..ledgers.access_log import kept_since

    assert controller.retention is not None
    return kept_since(controller.retention, now, controller.zone)


def served_otherwise(ledger: Path, recordings: Sequence[Recording]) -> list[Recording]:
    """Return the recordings in whose place callers heard another sound file. Raises LedgerError."""
    from ..ledgers.sqlite import SqliteStore

    if not ledger.exists():
        return []
    with closing(SqliteStore(str(ledger), read_only=True)) as opened:
        return opened.changed_recordings(recordings)
