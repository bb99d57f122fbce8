"""The one way to what is stored of a controller: its ledger, its access log, its part of a shared database.

A function each for what is read or done there; each opens what it needs, and imports it only then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import LedgerEmptyError, LedgerError
from .model import Controller, Identified, Notice, Record, RecordFilter, Recording, SharedDatabase
from .text import Foreign, Text

if TYPE_CHECKING:
    from .ledgers.access_log import AccessLog
    from .ledgers.backup import Backup
    from .ledgers.erasure import Erased
    from .ledgers.erasure_requests import Request
    from .ledgers.following import Follower, Summary
    from .ledgers.migrating import Outlook
    from .ledgers.owner import LedgerOwner
    from .ledgers.restoring import Restored
    from .ledgers.sqlite import SqliteStore
    from .ledgers.tally import HourCount
    from .sharing.administration import OldRecords
    from .sharing.callers import Asked, OnOtherBoxes
    from .sharing.proof_reader import ProofReader


def store(
    controller: Controller, *, read_only: bool = False, create: bool = True, migrate: bool = True
) -> SqliteStore:
    """One controller's ledger, for commands. Raises LedgerError if it cannot be used, or is another's.

    What runs beside the calls must not `create` it: one that is missing then was deleted; nor `migrate` it.
    """
    from .ledgers.sqlite import SqliteStore

    return SqliteStore(
        controller.ledger,
        read_only=read_only,
        create=create,
        migrate=migrate,
        log=controller.log,
        owner=_owner(controller),
    )


def _owner(controller: Controller) -> LedgerOwner | None:
    from .ledgers import owner

    return owner.of(controller)


def require_own(controller: Controller) -> None:
    """Refuse a ledger that is another company's, or of another key. Raises LedgerError."""
    with suppress(LedgerEmptyError):
        if Path(controller.ledger).exists():
            store(controller, read_only=True).close()


def adopt(controller: Controller) -> None:
    """Have its ledger, which must be there, be this company's and of its key, whatever it says. Raises
    LedgerError."""
    from .ledgers.sqlite import SqliteStore

    owner = _owner(controller)
    assert owner is not None
    with closing(SqliteStore(controller.ledger, create=False)) as opened:
        opened.adopt(owner)


def follower(controller: Controller) -> Follower:
    """What tells of one controller's ledger what is new; the file need not be there yet."""
    from .ledgers.following import Follower

    return Follower(controller.ledger, _owner(controller))


def summary(controller: Controller, since: datetime, today: datetime) -> Summary:
    """What one controller's ledger comes to since a time, and today. Raises LedgerError."""
    from .ledgers.following import summary

    return summary(controller.ledger, since, today, _owner(controller))


def hours(controller: Controller, since: datetime, until: datetime) -> tuple[HourCount, ...]:
    """The counters of one controller's ledger, of the hours that began from one time on and before another.
    Raises LedgerError."""
    from .ledgers.following import hours

    return hours(controller.ledger, since, until, _owner(controller))


def restore(controller: Controller, copy: Path, at: datetime) -> Restored:
    """Put a copy in the place of its ledger. Raises LedgerError, and changes nothing then."""
    from .ledgers.restoring import restore

    return restore(Path(controller.ledger), copy, at, _owner(controller))


def outlook(controller: Controller) -> Outlook:
    """What it would take to migrate its ledger, which must be there. Changes nothing. Raises LedgerError."""
    with closing(store(controller, read_only=True)) as opened:
        return opened.outlook()


def backups(controller: Controller) -> list[Backup]:
    """The copies of its ledger from before it was migrated. Raises LedgerError."""
    from .ledgers import backup

    ledger = Path(controller.ledger)
    with _reading(ledger.parent):
        return backup.backups(ledger) if ledger.parent.exists() else []


@contextmanager
def _reading(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LedgerError(
            Text("{file} cannot be read ({why}).", file=folder, why=Foreign(error.strerror or "")),
            Text("Run this as the user who owns it."),
        ) from error


def try_writing(controller: Controller) -> None:
    """Write to its ledger as a call would, as the user who runs this, and undo it: nothing is made or
    changed, also where there is no ledger yet. Raises LedgerError if calls could not be recorded."""
    from .ledgers.write_check import try_writing

    try_writing(Path(controller.ledger))


def callers_of_removed(controller: Controller, notices: Sequence[Notice]) -> dict[tuple[str, str], int]:
    """By notice and version, how many callers were told a version that its ledger, which must be there, has
    and the configuration has not. Reads all callers. Raises LedgerError."""
    listed = {(notice.id, version.id) for notice in notices for version in notice.versions}
    with closing(store(controller, read_only=True)) as opened:
        return opened.callers_of(listed)


def last_reasons(controller: Controller, last: int) -> dict[tuple[str, str], int]:
    """By line and reason, how many of the `last` records of calls its ledger has, which must be there. Raises
    LedgerError."""
    with closing(store(controller, read_only=True)) as opened:
        return opened.last_reasons(last)


def damage(controller: Controller) -> str:
    """What SQLite finds wrong with its ledger, which must be there; '' if nothing. Reads all of it. Raises
    LedgerError."""
    with closing(store(controller, read_only=True)) as opened:
        return opened.damage()


def astray(controller: Controller) -> list[int]:
    """The processes that record where nobody reads, because what lay beside its ledger (-wal, -shm) was
    deleted under them. A service puts that right within a second. As root or the service's user."""
    from .ledgers import wal_files

    return wal_files.astray(Path(controller.ledger))


def migrate(controller: Controller) -> None:
    """Bring its ledger up to date, beside the calls. Raises LedgerError."""
    store(controller, create=False).close()


def copies(controller: Controller) -> list[Path]:
    """All that we copied of its ledger, for whatever reason: what `erase` deletes. Raises LedgerError."""
    from .ledgers import backup

    ledger = Path(controller.ledger)
    with _reading(ledger.parent):
        return backup.copies(ledger) if ledger.parent.exists() else []


def erase(
    controller: Controller,
    pseudonyms: Sequence[bytes],
    at: datetime,
    everywhere: Identified | None = None,
) -> Erased:
    """Erase a caller of one controller; with the caller as `everywhere` it is kept that other boxes are to be
    asked, until all have done it. Raises LedgerError if anything of him is left, with what to do."""
    from .ledgers.erasure import erase

    if everywhere is not None or Path(controller.ledger).exists():
        store(controller).close()  # made, where the request is kept; refused, where it is another's
    if everywhere is None:
        return erase(Path(controller.ledger), pseudonyms, at)
    from .sharing.sealed_caller import seal

    sealed = seal(everywhere, (controller.key, *controller.old_keys))
    return erase(Path(controller.ledger), pseudonyms, at, everywhere=True, sealed=sealed)


def access_log(controller: Controller) -> AccessLog:
    """The record of who looked at whom in the console; the file need not be there yet."""
    from .ledgers.access_log import AccessLog

    return AccessLog(Path(controller.ledger))


def erase_elsewhere(shared: SharedDatabase, controller: Controller, request: Request) -> Asked:
    """Have the other boxes erase the caller of a request that the ledger keeps. Raises SharedDatabaseError
    and LedgerError, and then the service asks them."""
    from .ledgers import erasure_requests
    from .sharing import callers

    with closing(store(controller)) as kept:
        try:
            note = partial(erasure_requests.ordered, kept, request.id)
            return callers.erase(
                shared, controller.id, request.pseudonyms, note, store=kept, sealed=request.sealed
            )
        except BaseException:
            with suppress(LedgerError):
                erasure_requests.lost(kept, [request])  # the service need not wait
            raise


def would_erase_elsewhere(
    shared: SharedDatabase, controller: Controller, pseudonyms: Sequence[bytes]
) -> Asked:
    """What that would come to. Raises SharedDatabaseError."""
    from .sharing import callers

    with _ledger_if_there(controller) as ledger:
        return callers.would_erase(shared, controller.id, pseudonyms, ledger)


def elsewhere(shared: SharedDatabase, controller: Controller, pseudonyms: Sequence[bytes]) -> OnOtherBoxes:
    """What other boxes have on record of a caller. Raises SharedDatabaseError and LedgerError."""
    from .sharing import callers

    with _ledger_if_there(controller) as ledger:
        return callers.on_record(shared, controller.id, pseudonyms, ledger)


@contextmanager
def _ledger_if_there(controller: Controller) -> Iterator[SqliteStore | None]:
    """To be read only; `None` where nothing was ever recorded. Raises LedgerError."""
    if not Path(controller.ledger).exists():
        yield None
        return
    with closing(store(controller, read_only=True)) as ledger:
        yield ledger


def looks_kept_since(controller: Controller, now: datetime) -> datetime:
    """Since when it is kept who looked at whom, of a controller with a retention."""
    from .ledgers.access_log import kept_since

    assert controller.retention is not None
    return kept_since(controller.retention, now, controller.zone)


def purge_retired(shared: SharedDatabase, controller: Controller, *, really: bool) -> list[OldRecords]:
    """Delete what boxes that left for good have in the database from before the controller's retention, by
    the database's clock; or tell what would go. Raises SharedDatabaseError."""
    from .sharing import administration

    assert controller.retention is not None
    before = partial(controller.retention.before, zone=controller.zone)
    return administration.purge_retired(shared, controller.id, before, really=really)


def on_all_boxes(
    shared: SharedDatabase, controller: Controller, wanted: RecordFilter, last: int | None
) -> Iterator[tuple[str, Record]]:
    """What all boxes have on record, as `reading.search`. Raises SharedDatabaseError."""
    from .sharing import reading

    return reading.search(shared, controller.id, wanted, last)


def provable(shared: SharedDatabase, controller: Controller) -> AbstractContextManager[ProofReader]:
    """What all boxes have there that proves their records. Raises SharedDatabaseError."""
    from .sharing import proof_reader

    return proof_reader.opened(shared, controller.id)


def served_otherwise(ledger: Path, found: Sequence[Recording]) -> list[Recording]:
    """Those of these recordings in whose place callers heard another sound file. Raises LedgerError."""
    from .ledgers.sqlite import SqliteStore

    if not ledger.exists():
        return []
    store = SqliteStore(str(ledger), read_only=True)
    try:
        return store.changed(found)
    finally:
        store.close()
