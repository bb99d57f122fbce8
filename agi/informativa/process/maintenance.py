"""The work that the service does beside the calls: it deletes old records and collects the fallback spool."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import structlog

from ..config import Configuration
from ..evidence.log_folder import LogFolder
from ..evidence.settings import EvidenceConfig
from ..ledgers import expiry
from ..model import Controller, Notice
from ..model.errors import (
    SIGNED_ELSEWHERE,
    DefectError,
    EvidenceError,
    InformativaError,
    LedgerError,
    SigningError,
)
from ..model.hooks import ErasureUnfinishedError, HookMessage
from ..model.text import command
from ..system.patience import in_thread
from ..system.turns import OnceLogged
from . import erasing, log_storage, storage

QUIET = timedelta(days=31)  # without a single call
SETTLED_SECONDS = 60 * 60.0  # after which a log is looked at, although nothing has changed
PATIENCE_SECONDS = 10.0  # for readers of a ledger, which keep its log from being emptied

log = structlog.get_logger("informativa")


def tell_removed_versions(previous: Configuration, now: Configuration, company: str) -> None:
    """Log the versions of a company that were taken out of the configuration although callers were told them,
    with the number of callers. From now on only the records of those callers count. An error of the ledger is
    logged elsewhere."""
    notices, controller = now.notices[company], now.controllers[company]
    removed = _versions(previous.notices.get(company, ())) - _versions(notices)
    if not removed or controller.refused or not Path(controller.ledger).exists():
        return
    with suppress(LedgerError):
        callers = storage.callers_of_removed(controller, notices)
        for notice, version in sorted(removed & callers.keys()):
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
    """Delete records that are older than the controller's retention, as the rules in the log say, and
    access-log entries of that time. The outcome is logged.

    Nothing is deleted where a month without a call lies between the records before and after the limit: then
    the clock may have jumped, and evidence that is deleted does not come back.
    """
    if controller.retention is None or controller.refused or not Path(controller.ledger).exists():
        return
    from ..evidence.note_values import NoteSource  # and with it cryptography, which calls do not wait for

    try:
        log_storage.keep_rule(controller, now, NoteSource.SERVICE)
        log_storage.keep_totals(controller, now)  # before what it counts is gone
        store = storage.store(controller, create=False)
        try:
            plan = log_storage.purge_plan(controller, store, now)
            cutoff = controller.retention.before(now, controller.zone)
            if plan is not None and plan.cutoff is not None:
                cutoff = plan.cutoff
            newest_old, oldest_kept = store.calls_around(cutoff)
            if newest_old is not None and (oldest_kept is None or oldest_kept - newest_old > QUIET):
                purge_command = command("informativa", "purge", "--controller", controller.id, "--yes")
                log.warning(
                    "not purged: nobody called for a month, or the clock is wrong",
                    controller=controller.id,
                    before=newest_old.isoformat(timespec="seconds"),
                    since=oldest_kept and oldest_kept.isoformat(timespec="seconds"),
                    clock=now.isoformat(timespec="seconds"),
                    remedy=f"if the clock is right: {purge_command}",
                )
                return
            purged = (
                expiry.purge(store, cutoff, now)
                if plan is None
                else expiry.purge_by_rules(store, plan, now, NoteSource.SERVICE)
            )
            store.empty_log(PATIENCE_SECONDS)  # where what was deleted still stands
        finally:
            store.close()
        storage.access_log(controller).purge(storage.access_log_kept_since(controller, now))
    except (LedgerError, EvidenceError) as error:
        log.error("purge failed", controller=controller.id, error=str(error))
    else:
        reasons = {"why_less": plan.why_less, "doubt": plan.doubt} if plan else {}
        stated = {name: str(reason) for name, reason in reasons.items() if reason}
        log.info("purged", controller=controller.id, records=purged, **stated)


class PendingErasures:
    """The work of erasing what was noted and could not be done at once, such as what waited for the
    controller's approval. An error of a ledger is logged once for as long as it lasts."""

    def __init__(self) -> None:
        self._errors = OnceLogged("an erasure was not carried out")
        self._looked: dict[str, tuple[int, int]] = {}  # the newest note, by ledger: only notes change it

    def carry_out(self, controller: Controller) -> None:
        """Carry out the erasures of a ledger for which no approval is missing any more, and log it. Raises
        LedgerError and EvidenceError, which are logged."""
        if controller.refused or not Path(controller.ledger).exists():
            return
        try:
            newest = log_storage.newest_note(controller)
            if self._looked.get(controller.ledger) == newest:
                return
            erasing.carry_out_erasures(controller, partial(_log_erasure, controller))
        except (LedgerError, EvidenceError) as error:
            if isinstance(error, ErasureUnfinishedError):
                _log_undelivered(controller, error.undelivered)
            self._errors.tell(controller.id, controller=controller.id, error=str(error))
            raise
        self._looked[controller.ledger] = newest
        self._errors.over(controller.id)


def _log_erasure(controller: Controller, note: int, records: int, messages: Sequence[HookMessage]) -> None:
    log.info("erasure carried out", controller=controller.id, note=note, records=records)
    _log_undelivered(controller, messages, note=note)


def _log_undelivered(controller: Controller, messages: Sequence[HookMessage], **facts: object) -> None:
    if messages:
        acts = [message.summary for message in messages]
        log.warning("not delivered to the hook", controller=controller.id, acts=acts, **facts)


@dataclass(frozen=True)
class Signed:
    """The result of a signing: `size` records are in the newest checkpoint, `at` is the time when it covered
    all records, in seconds since 1970, and `unpublished` are the errors of its publication."""

    size: int
    at: float
    unpublished: tuple[str, ...] = ()


class Signing:
    """The work of signing checkpoints of the ledgers. An error is logged once for as long as it lasts.

    A company's turn takes 10 ms and more, which with 300 companies is a tenth of a core. So where a whole
    turn changed no file, the next ones only look whether the files are the same, for an hour at most.
    """

    def __init__(self) -> None:
        self._settled: dict[str, tuple[object, Signed, float]] = {}
        self._errors = OnceLogged("no checkpoint was signed")
        self._uncounted = OnceLogged("totals, or who looked at records, were not put on record")
        self._unpublished: dict[str, tuple[str, ...]] = {}

    async def sign(self, controller: Controller, settings: EvidenceConfig) -> Signed | None:
        """Sign the records since the last checkpoint, and publish it. Return `None` where nothing is ever
        recorded. Records from before there was a log are entered first, in turns beside the calls. Raises
        LedgerError, and EvidenceError where no checkpoint can, or may, be signed."""
        if controller.refused:
            return None
        try:
            result = await in_thread(self._sign_unless_settled, controller, settings)
        except (LedgerError, EvidenceError) as error:
            self._errors.tell(controller.id, controller=controller.id, error=str(error))
            raise
        self._errors.over(controller.id)
        if result is not None:
            self._log_unpublished(controller, result.unpublished)
        return result

    def _sign_unless_settled(self, controller: Controller, settings: EvidenceConfig) -> Signed | None:
        before, begun = _state(controller, settings), time.time()
        state, signed, until = self._settled.get(controller.id, (None, None, 0.0))
        if signed is not None and state == before and time.monotonic() < until:
            return replace(signed, at=time.time())
        self._settled.pop(controller.id, None)
        result = _sign(controller, settings, self._uncounted)
        publishes = settings.targets or settings.witnesses
        complete = result is not None and result.at >= begun and not publishes
        if result is not None and complete and before == _state(controller, settings):
            self._settled[controller.id] = before, result, time.monotonic() + SETTLED_SECONDS
        return result

    def _log_unpublished(self, controller: Controller, errors: Sequence[str]) -> None:
        """Log the targets and witnesses that did not take a checkpoint, once for as long as that lasts."""
        logged = self._unpublished.get(controller.id, ())
        self._unpublished[controller.id] = tuple(errors)
        for error in errors:
            if error not in logged:
                log.error("a checkpoint was not published", controller=controller.id, error=error)


def _state(controller: Controller, settings: EvidenceConfig) -> tuple[object, ...]:
    """Return all that a turn of signing depends on: the settings, the day, and the marks of the files."""
    ledger, log_folder = Path(controller.ledger), LogFolder(Path(controller.ledger))
    newest = [log_folder.folder / str(epoch) for epoch in log_folder.epochs()[-1:]]
    files = [ledger, *(Path(f"{ledger}{end}") for end in ("-wal", ".access", ".access-wal"))]
    files += [log_folder.folder, log_folder.folder / "signing", *newest]
    files += [folder / "checkpoint" for folder in newest]
    today = datetime.now(controller.zone).date()
    return controller, settings, today, *map(_mark, files)


def _mark(file: Path) -> tuple[int, int, int] | None:
    with suppress(FileNotFoundError):
        status = file.stat()
        return status.st_ino, status.st_size, status.st_mtime_ns
    return None


def _keep_counted(controller: Controller, errors: OnceLogged) -> None:
    """Put totals and the newest entry of the access log on record. An access log that cannot be read keeps
    nobody from signing: the error is logged."""
    try:
        log_storage.keep_totals(controller, datetime.now(UTC))
        log_storage.keep_access_head(controller, datetime.now(UTC))
    except LedgerError as error:
        errors.tell(controller.id, controller=controller.id, error=str(error))
    else:
        errors.over(controller.id)


def _sign(controller: Controller, settings: EvidenceConfig, uncounted: OnceLogged) -> Signed | None:
    if not Path(controller.ledger).exists():
        return None
    from ..evidence.note_values import NoteSource  # and with it cryptography, which calls do not wait for
    from ..ledgers.sequencer import sequence
    from . import publication

    ledger, now = Path(controller.ledger), time.time()
    log_storage.keep_rule(controller, datetime.now(UTC), NoteSource.SERVICE)
    _keep_counted(controller, uncounted)
    with closing(storage.store(controller, read_only=True)) as store:
        log = store.log()
    if not log.next:
        return Signed(0, now)
    try:
        size = sequence(ledger, None, publication.sources(settings)).checkpoint.size
    except SigningError as error:
        if error.code != SIGNED_ELSEWHERE:
            raise
        size, at = LogFolder(ledger).published(log.epoch).newest()
        return Signed(size, now if size >= log.size else at)
    if not (settings.targets or settings.witnesses):
        return Signed(size, now)
    try:
        publications = publication.publish(controller, settings, datetime.now(UTC))
    except SigningError as error:
        if error.code != SIGNED_ELSEWHERE:
            raise
        return Signed(size, now)  # another process has begun meanwhile, and publishes it
    return Signed(size, now, tuple(str(error) for published in publications for error in published.errors))


class UnusableLedgers:
    """The ledgers that cannot be used. An error of a ledger is logged once for as long as it lasts."""

    def __init__(self) -> None:
        self._logged: dict[str, str] = {}

    def report(self, failing: Mapping[str, InformativaError]) -> None:
        """Log why the ledgers of these controllers cannot be used."""
        self._logged = {name: error for name, error in self._logged.items() if name in failing}
        for name, error in failing.items():
            if self._logged.get(name) != str(error):
                self._logged[name] = str(error)
                unforeseen = error.__cause__ if error.code == DefectError.code else None
                log.error("ledger cannot be used", controller=name, error=str(error), exc_info=unforeseen)
