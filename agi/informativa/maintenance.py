"""What the service does beside the calls: old records go, old ledgers are migrated, and the fallback spool is
brought home."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import structlog

from . import spool, storage
from .asterisk import ami
from .config import Configuration
from .errors import (
    SIGNED_ELSEWHERE,
    DefectError,
    EventRefusedError,
    EvidenceError,
    InformativaError,
    LedgerError,
    LedgerOutdatedError,
    ManagerError,
    SigningError,
)
from .evidence.log_folder import LogFolder
from .evidence.settings import EvidenceSettings
from .model import Controller, Line, ManagerAccount, Notice
from .patience import in_thread
from .text import command
from .turns import OnceLogged, Turns

QUIET = timedelta(days=31)  # without a single call
PATIENCE_SECONDS = 10.0  # for whoever reads a ledger, and so keeps its log from being emptied

FIRST_PAUSE, LONGEST_PAUSE = 10.0, 30 * 60.0  # seconds from a migration that failed to the next try

log = structlog.get_logger("informativa")


class SpoolCollection:
    """Moves the fallback spool into the ledgers. What is wrong is told once for as long as it is so."""

    def __init__(self) -> None:
        self.logged: set[str] = set()
        """The keys of rows that stayed, and that the log has."""
        self._errors = OnceLogged("the fallback spool was not collected")
        self._turns = Turns("spool")

    async def collect(self, account: ManagerAccount, lines: Mapping[str, Line]) -> set[str]:
        """Move what there is, each row exactly once; the keys of those that stay there.

        A row is deleted after its events are durable, and a row that is read again adds nothing. One of a
        delivery that its ledger has after all, because it was slow, adds nothing either. Rows that cannot be
        collected stay. Raises ManagerError, which is logged.
        """
        try:
            async with ami.session(account) as manager:
                self.logged = await self._collect(manager, lines)
        except ManagerError as error:
            self._errors.tell("", error=str(error))
            raise
        self._errors.over("")
        return self.logged

    async def _collect(self, manager: ami.ManagerSession, lines: Mapping[str, Line]) -> set[str]:
        stay: set[str] = set()
        by_controller: dict[str, list[spool.Row]] = {}
        for key, text in (await manager.tree(spool.FAMILY)).items():
            try:
                row = spool.parse_row(key, text, lines)
            except spool.RowError as error:
                stay.add(key)
                if key not in self.logged:
                    plain = spool.plain(key)
                    log.warning("a row of the fallback spool cannot be collected", key=plain, why=str(error))
            else:
                by_controller.setdefault(row.controller, []).append(row)
        controllers = {line.controller.id: line.controller for line in lines.values()}
        for name, rows in by_controller.items():
            keys = {row.key for row in rows}
            gone = set() if controllers[name].refused else await self._move(controllers[name], rows, manager)
            stay |= keys - gone
        return stay

    async def _move(
        self, controller: Controller, rows: Sequence[spool.Row], manager: ami.ManagerSession
    ) -> set[str]:
        """Record, then delete; the keys of the rows that are gone."""
        moved = await self._turns.take(controller.id, partial(self._record, controller, rows))
        recorded, added = moved or (set[str](), 0)
        for key in recorded:
            await manager.delete(spool.FAMILY, key)
        if recorded:
            log.info("fallback spool collected", controller=controller.id, rows=len(recorded), records=added)
        return recorded

    async def _record(self, controller: Controller, rows: Sequence[spool.Row]) -> tuple[set[str], int]:
        """Record them, unless the ledger cannot be used now."""
        try:
            recorded = await in_thread(keep_spooled, controller, rows, self.logged)
        except LedgerError as error:
            self._errors.tell(controller.id, controller=controller.id, error=str(error))
            return set(), 0
        self._errors.over(controller.id)
        return recorded


def keep_spooled(
    controller: Controller, rows: Sequence[spool.Row], logged: Collection[str] = ()
) -> tuple[set[str], int]:
    """Record what the rows tell and the ledger does not have: the keys of the rows that are in it now, and
    how many events were added. One that the ledger refuses fails no other, and is told unless it is among
    those that are `logged`. Raises LedgerError."""
    now = datetime.now(UTC)
    store = storage.store(controller, create=False, migrate=False)
    try:
        late = store.recorded([row.delivery for row in rows])
        done: set[str] = set()
        added = 0
        for row in rows:
            try:
                new = () if row.delivery in late else row.events
                added += store.append_new((replace(event, recorded=now), ()) for event in new)
                done.add(row.key)
            except EventRefusedError as error:
                if row.key not in logged:
                    plain = spool.plain(row.key)
                    log.error("a row of the fallback spool was refused", key=plain, error=str(error))
        return done, added
    finally:
        store.close()


def tell_removed_versions(before: Configuration, now: Configuration, company: str) -> None:
    """Log the versions of a company that were taken out of the configuration and that callers were told, with
    how many: what those know counts by their records alone from now on. A ledger that cannot be read is told
    by others."""
    notices, controller = now.notices[company], now.controllers[company]
    gone = _versions(before.notices.get(company, ())) - _versions(notices)
    if not gone or controller.refused or not Path(controller.ledger).exists():
        return
    with suppress(LedgerError):
        callers = storage.callers_of_removed(controller, notices)
        for notice, version in sorted(gone & callers.keys()):
            log.warning(
                "a version was taken out of the configuration that callers were told",
                controller=company,
                notice=notice,
                version=version,
                callers=callers[notice, version],
                remedy="leave it there for as long as records of it are kept",
            )


def _versions(notices: Sequence[Notice]) -> set[tuple[str, str]]:
    return {(notice.id, version.id) for notice in notices for version in notice.versions}


def purge(controller: Controller, now: datetime) -> None:
    """Delete what is older than the controller's retention, and who looked at it; what was done, or why not,
    goes to the log. In the database where boxes meet nothing of another box goes by this one's clock.

    Nothing where a month without a call lies between what would go and what would stay: then the clock may
    have jumped, and evidence that is deleted does not come back.
    """
    if controller.retention is None or controller.refused or not Path(controller.ledger).exists():
        return
    cutoff = controller.retention.before(now, controller.zone)
    try:
        store = storage.store(controller, create=False, migrate=False)
        try:
            before, since = store.around(cutoff)
            if before is not None and (since is None or since - before > QUIET):
                purge = command("informativa", "purge", "--controller", controller.id, "--yes")
                log.warning(
                    "not purged: nobody called for a month, or the clock is wrong",
                    controller=controller.id,
                    before=before.isoformat(timespec="seconds"),
                    since=since and since.isoformat(timespec="seconds"),
                    clock=now.isoformat(timespec="seconds"),
                    remedy=f"if the clock is right: {purge}",
                )
                return
            purged = store.purge(cutoff, now)
            store.empty_log(PATIENCE_SECONDS)  # where what was deleted still stands
        finally:
            store.close()
        storage.access_log(controller).purge(storage.looks_kept_since(controller, now))
    except LedgerError as error:
        log.error("purge failed", controller=controller.id, error=str(error))
    else:
        log.info("purged", controller=controller.id, records=purged)


def tidy(controller: Controller, now: datetime) -> None:
    """Delete what is past its time."""
    purge(controller, now)
    drop_backups(controller, now)


def drop_backups(controller: Controller, now: datetime) -> None:
    """Delete the copies of its ledger whose time is over; it goes to the log."""
    try:
        for backup in storage.backups(controller):
            if backup.ends <= now.date():
                backup.file.unlink(missing_ok=True)
                log.info("backup deleted", controller=controller.id, file=str(backup.file))
    except (LedgerError, OSError) as error:
        log.error("a backup was not deleted", controller=controller.id, error=str(error))


@dataclass(frozen=True)
class Signed:
    """How many records are in the newest checkpoint, and when that was all that there were, in seconds since
    1970; and what went wrong with publishing it."""

    size: int
    at: float
    unpublished: tuple[str, ...] = ()


class Signing:
    """The checkpoints of the ledgers. Why none can be signed is told once for as long as it is so."""

    def __init__(self) -> None:
        self._errors = OnceLogged("no checkpoint was signed")
        self._unpublished: dict[str, tuple[str, ...]] = {}

    async def sign(self, controller: Controller, settings: EvidenceSettings) -> Signed | None:
        """Sign what was recorded since the last checkpoint, and publish it; `None` where nothing is ever
        recorded. Records from before there was a log are entered first, in turns beside the calls. Raises
        LedgerError, and EvidenceError where none can, or may, be signed."""
        if controller.refused:
            return None
        try:
            done = await in_thread(_sign, controller, settings)
        except (LedgerError, EvidenceError) as error:
            self._errors.tell(controller.id, controller=controller.id, error=str(error))
            raise
        self._errors.over(controller.id)
        if done is not None:
            self._tell_unpublished(controller, done.unpublished)
        return done

    def _tell_unpublished(self, controller: Controller, errors: Sequence[str]) -> None:
        """Who did not take it, or not sign with it, once for as long as it is so."""
        known = self._unpublished.get(controller.id, ())
        self._unpublished[controller.id] = tuple(errors)
        for error in errors:
            if error not in known:
                log.error("a checkpoint was not published", controller=controller.id, error=error)


def _sign(controller: Controller, settings: EvidenceSettings) -> Signed | None:
    if not Path(controller.ledger).exists():
        return None
    from . import publication  # and with it cryptography, which calls do not wait for
    from .ledgers.sequencer import sequence

    ledger, now = Path(controller.ledger), time.time()
    with closing(storage.store(controller, read_only=True)) as store:
        log = store.log()
    if not log.next and not log.old:
        return Signed(0, now)
    try:
        size = sequence(ledger, None, publication.sources(settings)).checkpoint.size
    except SigningError as error:
        if error.code != SIGNED_ELSEWHERE:
            raise
        size, at = LogFolder(ledger).published(log.epoch).newest()
        return Signed(size, now if size >= log.size else at)
    if not (settings.targets or settings.witnesses or settings.timestamp):
        return Signed(size, now)
    try:
        done = publication.publish(controller, settings, datetime.now(UTC))
    except SigningError as error:
        if error.code != SIGNED_ELSEWHERE:
            raise
        return Signed(size, now)  # another process has begun meanwhile, and publishes it
    return Signed(size, now, tuple(str(error) for each in done for error in each.errors))


class Outdated:
    """The ledgers of an earlier informativa. What is wrong with a ledger is told once for as long as it is
    so, and a migration that fails is tried again ever more seldom."""

    def __init__(self) -> None:
        self._logged: dict[str, str] = {}
        self._turns = Turns("migration")
        self._due: dict[str, tuple[float, float]] = {}  # the time of the next migration, and the pause then

    async def migrated(self, company: str) -> None:
        """Wait for the end of a company's migration, if one goes on."""
        await self._turns.over(company)

    def tell(self, failing: Mapping[str, InformativaError]) -> None:
        """Why the ledgers of these controllers cannot be used goes to the log."""
        self._logged = {name: why for name, why in self._logged.items() if name in failing}
        for name, error in failing.items():
            if not isinstance(error, LedgerOutdatedError):
                self._tell_error(name, error)
            elif name not in self._logged:
                self._logged[name] = ""
                log.warning("ledger is migrated; its callers hear the notice", controller=name)

    async def migrate(self, configuration: Configuration, failing: Mapping[str, LedgerError]) -> bool:
        """Migrate one that is due, if there is one; whether it is done."""
        for name, error in failing.items():
            if name not in configuration.controllers or not isinstance(error, LedgerOutdatedError):
                continue
            controller = configuration.controllers[name]
            due, pause = self._due.get(controller.ledger, (0.0, FIRST_PAUSE))
            if time.monotonic() < due:
                continue
            if await self._turns.take(name, partial(self._migrate, controller, pause)):
                return True
        return False

    async def _migrate(self, controller: Controller, pause: float) -> bool:
        """Migrate one; whether it is done. One that fails, in whatever way, is due after the pause again."""
        done = False
        try:
            await in_thread(storage.migrate, controller)
            done = True
        except LedgerError as failed:
            self._tell_error(controller.id, failed)
        finally:
            if not done:
                self._due[controller.ledger] = time.monotonic() + pause, min(2 * pause, LONGEST_PAUSE)
        return done

    def _tell_error(self, name: str, error: InformativaError) -> None:
        if self._logged.get(name) != str(error):
            self._logged[name] = str(error)
            unforeseen = error.__cause__ if error.code == DefectError.code else None
            log.error("ledger cannot be used", controller=name, error=str(error), exc_info=unforeseen)
