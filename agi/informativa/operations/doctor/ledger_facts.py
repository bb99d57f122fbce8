"""The facts of ledgers that checks need. However many there are, a command opens each ledger once for them:
to open one takes longer than most facts do.

What reads a whole ledger (damage, callers of removed versions, times in the future) is no such fact: no check
waits for it but its own, for which the ledger is opened once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Generic, TypeVar

from ...evidence.note_standing import NoteStanding
from ...ledgers import following, outbox, requests, sequencer
from ...ledgers.following import LedgerSummary
from ...ledgers.outbox import OutboxState
from ...ledgers.sqlite import SqliteStore
from ...model import Controller
from ...model.errors import EvidenceError, LedgerError
from ...process import log_storage, storage
from ...system.patience import complete, start_apart
from ..evidence.log_state import LogState, state_of_log
from ..request_register import OpenRequests, count_open

DAYS = 30  # of a ledger's summary
LAST = 1000  # records of a company that show in which form its callers' numbers arrive

Result = TypeVar("Result")

CallerCounts = dict[tuple[str, str, str | None], int]


@dataclass(frozen=True)
class LedgerFact(Generic[Result]):
    """One fact: `read` reads it of a company's open ledger at a time. It may raise LedgerError and
    EvidenceError."""

    name: str
    read: Callable[[Controller, SqliteStore, datetime], Result]


def _summary(controller: Controller, ledger: SqliteStore, now: datetime) -> LedgerSummary:
    today = midnight(now.astimezone(controller.zone))
    return following.summary(ledger, now - timedelta(days=DAYS), today)


def _refusal(
    _controller: Controller, ledger: SqliteStore, _now: datetime
) -> LedgerError | EvidenceError | None:
    try:
        sequencer.examine(ledger)
    except (LedgerError, EvidenceError) as error:
        return error
    return None


def _waiting(controller: Controller, ledger: SqliteStore, _now: datetime) -> tuple[NoteStanding, ...]:
    return log_storage.waiting_notes_in(controller, ledger)[0]


def _outbox(_controller: Controller, ledger: SqliteStore, _now: datetime) -> OutboxState:
    with ledger.connected() as connection:
        return outbox.state(connection)


def _requests(controller: Controller, ledger: SqliteStore, now: datetime) -> OpenRequests | None:
    with ledger.connected() as connection:
        return count_open(controller, requests.read(connection), now)


SUMMARY = LedgerFact("summary", _summary)
"""The summary for the last days, and for today."""
KEPT_SINCE = LedgerFact[datetime | None]("kept since", log_storage.purged_until)
"""The time from before which a purge deletes records now, `None` for never: a shorter retention that waits
does not count yet."""
LOG = LedgerFact[LogState]("log", lambda controller, ledger, _now: state_of_log(controller, ledger))
"""The state of its log."""
REFUSAL = LedgerFact("refusal", _refusal)
"""The reason why the next checkpoint may not be signed, `None` where it may."""
WAITING = LedgerFact("waiting notes", _waiting)
"""The notes that wait for the controller's approval."""
OUTBOX = LedgerFact("outbox", _outbox)
"""The state of what its hook is to be told."""
REQUESTS = LedgerFact("requests", _requests)
"""The open requests of persons; `None` where there are none."""
UP_TO_DATE = LedgerFact[bool](
    "up to date", lambda controller, ledger, _now: storage.is_up_to_date(controller, ledger)
)
"""True if there is nothing that `storage.migrate` would do."""
SCHEMA = LedgerFact[tuple[int, int]]("schema", lambda _controller, ledger, _now: ledger.schema())
"""The version of its schema, and the newest version."""
FOREIGN_PARTS = LedgerFact[list[str]](
    "foreign parts", lambda _controller, ledger, _now: ledger.foreign_schema()
)
"""The parts of its schema that informativa did not make, as `trigger audit`."""
LAST_CALLERS = LedgerFact[CallerCounts](
    "last callers", lambda _controller, ledger, _now: ledger.last_callers(LAST)
)
"""The number of records among the last of calls, by line, reason and who vouched for the number."""


class LedgerFacts:
    """The facts of all ledgers at one time. The first fact of a company that is asked for has its ledger
    opened, read for all facts that are `needed`, and closed."""

    def __init__(self, now: datetime, needed: Iterable[LedgerFact[Any]] = ()) -> None:
        self._now, self._needed = now, tuple(needed)
        self._outcomes: dict[str, dict[str, Future[Any]]] = {}
        self._lock = Lock()

    def need(self, facts: Iterable[LedgerFact[Any]]) -> None:
        """Read these facts, too, of ledgers that are not open yet."""
        self._needed = tuple(dict.fromkeys((*self._needed, *facts)))

    def forget(self, controller: Controller) -> None:
        """Read the facts of a ledger anew, for it is about to be changed."""
        with self._lock:
            self._outcomes.pop(controller.id, None)

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

    def _read(self, controller: Controller, work: dict[LedgerFact[Any], Future[Any]]) -> None:
        try:
            with storage.existing_ledger(controller) as ledger:
                if ledger is None:
                    raise following.missing(Path(controller.ledger))
                for fact, future in work.items():
                    complete(future, partial(fact.read, controller, ledger, self._now))
        except BaseException as error:  # for the threads that wait
            for future in work.values():
                if not future.done():
                    future.set_exception(error)


def midnight(now: datetime) -> datetime:
    """Return the time at which the day of `now` began, in its zone."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
