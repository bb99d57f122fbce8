"""The facts of ledgers that checks need. However many there are, a command opens each ledger once for them
(`single_openings`): to open one takes longer than most facts do.

What reads a whole ledger (damage, callers by version, times in the future) comes last, of few ledgers at a
time, and no check waits for it but its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Lock, Semaphore
from typing import Any, Generic, TypeVar

from ...evidence.note_standing import NoteStanding
from ...ledgers import following, outbox, sequencer
from ...ledgers.following import LedgerSummary
from ...ledgers.outbox import OutboxState
from ...ledgers.single_openings import single_openings
from ...model import Controller
from ...model.errors import EvidenceError, LedgerError
from ...process import log_storage, storage
from ...system.patience import complete, start_apart
from ..evidence.log_state import LogState, log_state
from ..request_register import OpenRequests, count_open

DAYS = 30  # of a ledger's summary
LAST = 1000  # records of a company that show in which form its callers' numbers arrive
AHEAD = timedelta(minutes=1)  # of the clock; no true record is later than that
WHOLE_AT_ONCE = 4  # ledgers that are read as a whole

Result = TypeVar("Result")

CallerCounts = dict[tuple[str, str, str | None], int]


@dataclass(frozen=True)
class LedgerFact(Generic[Result]):
    """One fact: `read` reads it of a company's ledger, which exists, at a time. It may raise LedgerError and
    EvidenceError. One that `reads_all` reads the whole file."""

    name: str
    read: Callable[[Controller, datetime], Result]
    reads_all: bool = False


def _summary(controller: Controller, now: datetime) -> LedgerSummary:
    today = midnight(now.astimezone(controller.zone))
    with storage.reading(controller) as ledger:
        return following.summary(ledger, now - timedelta(days=DAYS), today)


def _refusal(controller: Controller, _now: datetime) -> LedgerError | EvidenceError | None:
    try:
        with storage.reading(controller) as ledger:
            sequencer.examine(ledger)
    except (LedgerError, EvidenceError) as error:
        return error
    return None


def _waiting(controller: Controller, _now: datetime) -> tuple[NoteStanding, ...]:
    return log_storage.waiting_notes(controller)[0]


def _outbox(controller: Controller, _now: datetime) -> OutboxState:
    with storage.reading(controller) as ledger, ledger.connected() as connection:
        return outbox.state(connection)


def _requests(controller: Controller, now: datetime) -> OpenRequests | None:
    return count_open(controller, storage.requests(controller), now)


def _foreign_parts(controller: Controller, _now: datetime) -> list[str]:
    with storage.reading(controller) as ledger:
        return ledger.foreign_schema()


def _last_callers(controller: Controller, _now: datetime) -> CallerCounts:
    with storage.reading(controller) as ledger:
        return ledger.last_callers(LAST)


def _recordings(controller: Controller, _now: datetime) -> dict[tuple[str, ...], str]:
    with storage.reading(controller) as ledger:
        return ledger.recordings()


def _damage(controller: Controller, _now: datetime) -> str:
    with storage.reading(controller) as ledger:
        return ledger.damage()


def _callers_by_version(controller: Controller, _now: datetime) -> dict[tuple[str, str], int]:
    return storage.callers_of_removed(controller, ())


def _future_call(controller: Controller, now: datetime) -> datetime | None:
    with storage.reading(controller) as ledger:
        return ledger.calls_around(now + AHEAD)[1]


SUMMARY = LedgerFact("summary", _summary)
"""The summary for the last days, and for today."""
KEPT_SINCE = LedgerFact[datetime | None]("kept since", log_storage.purged_until)
"""The time from before which a purge deletes records now, `None` for never: a shorter retention that waits
does not count yet."""
LOG = LedgerFact[LogState]("log", lambda controller, _now: log_state(controller))
"""The state of its log."""
REFUSAL = LedgerFact("refusal", _refusal)
"""The reason why the next checkpoint may not be signed, `None` where it may."""
WAITING = LedgerFact("waiting notes", _waiting)
"""The notes that wait for the controller's approval."""
OUTBOX = LedgerFact("outbox", _outbox)
"""The state of what its hook is to be told."""
REQUESTS = LedgerFact("requests", _requests)
"""The open requests of persons; `None` where there are none."""
FOREIGN_PARTS = LedgerFact("foreign parts", _foreign_parts)
"""The parts of its schema that informativa did not make, as `trigger audit`."""
LAST_CALLERS = LedgerFact("last callers", _last_callers)
"""The number of records among the last of calls, by line, reason and who vouched for the number."""
RECORDINGS = LedgerFact("recordings", _recordings)
"""The SHA-256 of each sound file that was served, by its place."""
DAMAGE = LedgerFact("damage", _damage, reads_all=True)
"""The first damage that SQLite sees in the file, '' if none."""
CALLERS_BY_VERSION = LedgerFact("callers by version", _callers_by_version, reads_all=True)
"""The number of callers that were told a version, by notice and version."""
FUTURE_CALL = LedgerFact("future call", _future_call, reads_all=True)
"""The time of a call that is still to come, `None` if there is none."""

_Work = dict[LedgerFact[Any], Future[Any]]


class LedgerFacts:
    """The facts of all ledgers at one time. The first fact of a company that is asked for has all facts read
    that are `needed` of its ledger, by one opening."""

    def __init__(self, now: datetime, needed: Iterable[LedgerFact[Any]] = ()) -> None:
        self._now, self._needed = now, tuple(needed)
        self._outcomes: dict[str, dict[str, Future[Any]]] = {}
        self._lock = Lock()
        self._reading_all = Semaphore(WHOLE_AT_ONCE)
        self._waiting = deque[tuple[Controller, _Work]]()

    def need(self, facts: Iterable[LedgerFact[Any]]) -> None:
        """Read these facts, too, of ledgers that are not open yet."""
        self._needed = tuple(dict.fromkeys((*self._needed, *facts)))

    def of(self, controller: Controller, fact: LedgerFact[Result]) -> Result:
        """Return a fact of a ledger, for any thread. Raises LedgerError, also where there is none, and
        EvidenceError; InformativaError where the ledger may not be looked for."""
        with self._lock:
            outcomes = self._outcomes.setdefault(controller.id, {})
            if fact.name not in outcomes:
                facts = [one for one in (fact, *self._needed) if one.name not in outcomes]
                work = {one: outcomes.setdefault(one.name, Future()) for one in facts}
                start_apart(partial(self._read, controller, work))
        result: Result = outcomes[fact.name].result()
        return result

    def _read(self, controller: Controller, work: _Work) -> None:
        short = {fact: future for fact, future in work.items() if not fact.reads_all}
        long = {fact: future for fact, future in work.items() if fact.reads_all}
        self._visit(controller, short, long)
        # Whoever has read the whole of one ledger looks once more, so that none is left.
        while self._waiting and self._reading_all.acquire(blocking=False):
            try:
                with suppress(IndexError):  # another thread took the last one
                    controller, long = self._waiting.popleft()
                    self._visit(controller, long, {})
            finally:
                self._reading_all.release()

    def _visit(self, controller: Controller, work: _Work, long: _Work) -> None:
        """Open a ledger and do the work; and the `long` one too, unless so many are being read that it must
        wait."""
        try:
            with single_openings(), storage.existing_ledger(controller) as ledger:
                if ledger is None:
                    raise following.missing(Path(controller.ledger))
                self._complete(controller, work)
                if long and not self._reading_all.acquire(blocking=False):
                    self._waiting.append((controller, long))
                elif long:
                    try:
                        self._complete(controller, long)
                    finally:
                        self._reading_all.release()
        except BaseException as error:  # for the threads that wait
            for future in (*work.values(), *long.values()):
                if not future.done():
                    future.set_exception(error)

    def _complete(self, controller: Controller, work: _Work) -> None:
        for fact, future in work.items():
            complete(future, partial(fact.read, controller, self._now))


def midnight(now: datetime) -> datetime:
    """Return the time at which the day of `now` began, in its zone."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
