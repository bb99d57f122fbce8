"""Audits of ledgers and their logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, repeat
from pathlib import Path

from ...evidence.checkpoint import Checkpoint, open_checkpoint
from ...evidence.cosignature import WitnessVerifier
from ...evidence.elsewhere import LocalLog, require_ours
from ...evidence.log_folder import LogFolder
from ...evidence.note import Verifier
from ...evidence.origin import slug
from ...evidence.settings import EvidenceConfig
from ...ledgers import extension
from ...ledgers.audit_flaws import AuditedFlaw
from ...ledgers.audit_history import HistoryRow
from ...ledgers.audit_log import AuditedLog, audit_ledger
from ...ledgers.sqlite import SqliteStore
from ...ledgers.tally import CounterRow
from ...model import Controller, Verdict
from ...model.errors import EvidenceError, ForkError, InformativaError, LedgerError
from ...model.text import Text
from ...process import publication, storage
from ..document import Sentence, Time
from . import time_remarks
from . import verdict as verdicts
from .audited_notes import judged
from .logs import Progress
from .verdict import Hole, worst


@dataclass(frozen=True)
class ComparedLog:
    """The newest checkpoint that somebody else has of a log."""

    name: str
    """The name of the publishing target or the witness."""
    log: str
    """The origin of the log: of this epoch or an earlier one."""
    independent: bool
    """True if who administers the ledger cannot change it."""
    size: int
    """The number of records it has; 0 if there is none, or it could not be had."""
    contradicts: bool
    """True if it is of another log than the one that is here."""
    problem: Sentence | None
    """The reason why it could not be compared, or its contradiction."""


@dataclass(frozen=True)
class AsOf:
    """The state of a log that a verdict is about, and the others who vouch for it."""

    size: int
    """The number of records of the newest log that others have or, without any, that are signed."""
    time: Time
    """The time of the audit."""
    by: tuple[str, ...]
    """The witnesses and independent publishing targets that answered; without any it is the company's own
    word."""

    @property
    def is_signed(self) -> bool:
        """`True` if anything of the newest log is signed; otherwise nothing could contradict the ledger."""
        return self.size > 0


@dataclass(frozen=True)
class AuditedLedger:
    """The audit of one controller's ledger and logs."""

    controller: str
    """The controller's name in the configuration."""
    log: str
    """The origin of the newest log."""
    verdict: Verdict
    """The verdict."""
    as_of: AsOf
    """The state that it is about."""
    sound: bool
    """True if the verdict is `complete` or `accounted`."""
    size: int
    """The number of records that were ever made."""
    signed: int
    """The number of them in the newest checkpoints."""
    whole: int
    """The number of those that are there as they were written."""
    erased: int
    """The number of those that were erased at a caller's request."""
    purged: int
    """The number of those that were purged after the retention."""
    lost: int
    """The number of those that were lost with a ledger that a backup replaced."""
    waiting: int
    """The number of those that a note names, and that are still there."""
    holes: tuple[Hole, ...]
    """The records that nobody can open any more, each under the note that accounts for it, or under none."""
    flaws: tuple[AuditedFlaw, ...]
    """The flaws of records."""
    history: tuple[HistoryRow, ...]
    """The rows of the history that no record bears out."""
    counters: tuple[CounterRow, ...]
    """The counters that the records do not bear out."""
    problems: tuple[Sentence, ...]
    """The faults of the log itself."""
    remarks: tuple[Sentence, ...]
    """The remarks, which change no verdict."""
    elsewhere: tuple[ComparedLog, ...]
    """The checkpoints that others have of the log."""


@dataclass(frozen=True)
class Audits:
    """The result of an audit."""

    verdict: Verdict
    """The worst verdict on one of the ledgers."""
    ledgers: tuple[AuditedLedger, ...]
    """One a controller."""

    @classmethod
    def of(cls, ledgers: Iterable[AuditedLedger]) -> Audits:
        """Return the result for these ledgers."""
        ledgers = tuple(ledgers)
        return cls(worst(ledger.verdict for ledger in ledgers), ledgers)


def audit(
    controller: Controller,
    trusted: tuple[Verifier, ...] = (),
    progress: Progress | None = None,
    *,
    settings: EvidenceConfig | None = None,
    copy: Path | None = None,
    approvers: Sequence[Verifier] = (),
    at: datetime | None = None,
) -> AuditedLedger:
    """Audit a controller's whole ledger and log.

    By the controller's `settings` the checkpoints of targets and witnesses are compared too. Without
    `trusted` keys the controller's own are used: those that sign,
    or that were published with the logs. With the path of a `copy` of the published log the ledger is
    compared with it. `approvers` are the keys that may approve what is gone; without them those that the
    ledger's rules name. `at` is the time of the audit, by default now. Raises LedgerError, EvidenceError, and
    InformativaError if there is no copy.
    """
    ledger = Path(controller.ledger)
    storage.require_own(controller)
    if not trusted:
        trusted = _own_keys(controller)
    folder = LogFolder(ledger, copy)
    if copy and not folder.epochs():
        raise InformativaError(
            Text("{folder} has no log that was published.", folder=copy),
            Text("Name the folder that has 1/ in it: …/informativa/{id}/BOX", id=slug(controller.id)),
        )
    witnesses = [WitnessVerifier.parse(one.key) for one in settings.witnesses] if settings else []
    audited = audit_ledger(ledger, trusted, progress, folder, witnesses)
    counts = audited.counted
    compared = tuple(_compared(ledger, folder, trusted, settings)) if settings else ()
    standings = judged(audited.logs, folder, approvers)
    holes = verdicts.holes(audited, standings)
    contradicted = any(log.contradicts for log in compared)
    verdict = verdicts.verdict(audited, holes, contradicted=contradicted)
    as_of = _as_of(audited, folder, compared, at or datetime.now(UTC))
    return AuditedLedger(
        controller=controller.id,
        log=audited.log.origin,
        verdict=verdict,
        as_of=as_of,
        sound=verdict.is_good,
        size=audited.log.next,
        signed=audited.signed,
        whole=counts.whole,
        erased=counts.erased,
        purged=counts.purged,
        lost=counts.lost,
        waiting=counts.waiting,
        holes=holes,
        flaws=audited.flaws,
        history=audited.history,
        counters=audited.counters,
        problems=(*audited.problems, *audited.cut_off),
        remarks=(
            *(() if copy or audited.cut_off else _unsigned(as_of, controller.id)),
            *_waiting(counts.waiting),
            *audited.remarks,
            *time_remarks.of_audit(audited, folder, approvers, witnesses),
        ),
        elsewhere=compared,
    )


def _unsigned(as_of: AsOf, controller: str) -> Iterator[Text]:
    if not as_of.is_signed:
        yield Text(
            "Nothing of the newest log is signed yet: until it is, whoever can write the ledger can change it"
            " unseen. The service signs once a minute; by hand type: informativa evidence checkpoint"
            " --controller {id}",
            id=controller,
        )


def _waiting(count: int) -> Iterator[Text]:
    if count:
        yield Text.counted(
            "A note names {count} record that still opens: it is closed next, or once approved.",
            "Notes name {count} records that still open: they are closed next, or once approved.",
            count,
        )


def _as_of(audited: AuditedLog, folder: LogFolder, compared: Sequence[ComparedLog], at: datetime) -> AsOf:
    """Return the state that an audit is about."""
    answers = [
        log
        for log in compared
        if log.log == audited.log.origin and log.independent and log.size and log.problem is None
    ]
    if answers:
        return AsOf(max(log.size for log in answers), at, tuple(log.name for log in answers))
    with suppress(EvidenceError):
        return AsOf(folder.published(audited.log.epoch).newest()[0], at, ())
    return AsOf(0, at, ())


def _compared(
    ledger: Path, folder: LogFolder, trusted: Sequence[Verifier], settings: EvidenceConfig
) -> Iterator[ComparedLog]:
    """Compare the checkpoints of every epoch: with an old key, too, somebody could rewrite that log."""
    declared = [target.independent for target in settings.targets]  # a witness always is
    sources = list(zip(publication.sources(settings), chain(declared, repeat(True)), strict=False))
    for epoch in folder.epochs() if sources else ():
        published = folder.published(epoch)
        key = published.key_among(trusted)
        if key is None:
            continue  # reported by the audit
        newest = published.checkpoint() or b""
        own_log = LocalLog(published, key, Checkpoint.unverified(newest).size, newest)
        if folder.is_copy:
            own_log = _grown(ledger, epoch, own_log)
        for source, independent in sources:
            size, contradicts, problem = 0, False, None
            try:
                foreign = source.newest(own_log)
                if foreign is not None:
                    require_ours(foreign, own_log, source.name)
                    size = foreign.size
            except EvidenceError as error:
                contradicts, problem = isinstance(error, ForkError), error.text
            yield ComparedLog(source.name, key.name, independent, size, contradicts, problem)


def _grown(ledger: Path, epoch: int, copy: LocalLog) -> LocalLog:
    """Return the log beside the ledger in place of a copy that was made, or published to, at some time
    before: if its checkpoint is of the leaves that the ledger has. Otherwise return the copy."""
    published = LogFolder(ledger).published(epoch)
    with suppress(EvidenceError, LedgerError), closing(SqliteStore(str(ledger), read_only=True)) as store:
        data = published.checkpoint()
        newest = open_checkpoint(data, [copy.key]).checkpoint if data else None
        log = next((log for log in store.logs() if log.epoch == epoch), None)
        if newest and log and newest.size > copy.size and extension.tree(store, log, newest.size) == newest:
            return LocalLog(published, copy.key, newest.size, data or b"")
    return copy


def _own_keys(controller: Controller) -> tuple[Verifier, ...]:
    """Return the key of each log: of its signer or, if we may not read that, the published one."""
    folder = LogFolder(Path(controller.ledger))
    with closing(storage.store(controller, read_only=True)) as store:
        logs = store.logs()
    verifiers = []
    for log in logs:
        try:
            verifiers.append(folder.signer(log.origin, log.epoch).verifier)
        except EvidenceError:
            verifiers += filter(None, [folder.published(log.epoch).key()])
    return tuple(verifiers)
