"""The exchange of one company's ledger with the other boxes, beside the calls."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from ..ledgers import boxes
from ..ledgers.sqlite import SqliteStore
from ..model import Controller, SharedDatabase
from ..model.errors import BoxRefusedError, InformativaError, LedgerError, SharedDatabaseError
from .connection import Connection, company_number, explained, translated
from .erasure_orders import Erasures
from .exchange import Exchange
from .meeting_place import MeetingPlace
from .membership import About
from .receiving import PAGE, PageRequest, Passed, Rows

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # from a failure to the next try
REFUSED_PAUSE = 30.0  # where somebody has to decide something
FRESH_NANOSECONDS = 50_000_000  # of a file's time: so new that the next change may have the same

log = structlog.get_logger("informativa")


@dataclass(frozen=True)
class ExchangeState:
    """The state of an exchange: our records are in the database up to `sent`, `newest` is our newest record,
    the database last answered at `contact` (seconds since 1970; 0 for never), there are `others` other boxes,
    and `error` is the present error."""

    sent: int = 0
    newest: int = 0
    contact: float = 0.0
    others: int = 0
    error: InformativaError | None = None

    @property
    def behind(self) -> int:
        """Return the number of our records that are not there yet."""
        return max(0, self.newest - self.sent)


class ExchangeLoop:
    """The exchange of one company's ledger for as long as the service runs, which the thread of a meeting
    place carries out, with those of the box's other companies. `about` may change while it runs."""

    def __init__(
        self,
        controller: Controller,
        database: SharedDatabase,
        about: About,
        open_store: Callable[[], SqliteStore],
    ) -> None:
        self.about, self.controller, self.database = about, controller, database.of(controller.id)
        self.state = ExchangeState()
        self.company = 0
        """The company's number in the database, once that was reached."""
        self.exchange: Exchange | None = None
        """The exchange over the present connection, `None` before its first turn there."""
        self.unsure = True
        """True if callers may have to be erased, or the ledger's row in the database may have changed."""
        self.has_more = False
        """True if the last turn sent something, and there may be more."""
        self.left = threading.Event()
        self._open_store = open_store
        self._store: SqliteStore | None = None
        self._log_of_changes = ""
        self._pause, self._retry_at = FIRST_PAUSE, 0.0
        self._passed: Passed = {}
        self._looked = False  # whom others have erased, since this box was refused
        self._changed = self._unreported = True  # since the last turn; since the last report
        self._signature: tuple[int, int] | None = None
        self._version = -1  # of the ledger, as other connections change it
        self._fresh = True  # the file may have been changed since the signature was taken, and look the same
        self._waiting: dict[asyncio.Future[None], tuple[int, asyncio.AbstractEventLoop]] = {}
        self._lock = threading.Lock()
        self.place = MeetingPlace.of(self)

    # -- for calls ---------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop the exchange; records that were not sent yet are sent by the next one. Stopping twice is
        harmless."""
        self.place.leave(self)

    def wake(self) -> None:
        """Wake the thread for this ledger: a call put something on record."""
        self._changed = True
        self.place.wake()

    async def sent_up_to(self, record: int, seconds: float) -> bool:
        """Wait until our records up to that one are in the database, for `seconds` at most. Return whether
        they are. There is no wait for a database that is known to be away."""
        if self.state.error is not None:
            return False
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            if self.state.sent >= record:
                return True
            self._waiting[future] = record, loop
        self.wake()
        try:
            await asyncio.wait_for(future, seconds)
        except TimeoutError:
            return False
        finally:
            with self._lock:  # not later: the database may be away for long
                self._waiting.pop(future, None)
        return True

    # -- for the thread of the meeting place -------------------------------------------------------------

    def ready(self, now: float) -> bool:
        """Open the ledger, unless it is open. Return whether it can be exchanged now. Raises LedgerError."""
        if now < self._retry_at:
            return False
        if self._store is None:
            self._store, self._version = self._open_store(), -1
            self._log_of_changes = f"{self._store.file}-wal"
            self.state = replace(self.state, newest=self._store.newest())
        return True

    def is_due(self, *, look: bool) -> bool:
        """Return whether there may be something to send or to erase. With `look` also what another process
        recorded counts, or a call that told nobody: it shows in the time and size of the ledger's log of
        changes."""
        if self._store is None:  # it failed in this turn
            return False
        if look:
            self._look()
        return self._changed or self.unsure or self.has_more or self.exchange is None

    def _look(self) -> None:
        """Look at the ledger's log of changes. There are 300 of them, several times a second, and mostly
        nothing is new: that takes one `stat`."""
        try:
            status = os.stat(self._log_of_changes)  # noqa: PTH116  # a third of the time of Path.stat
        except FileNotFoundError:
            signature = None
        else:
            signature = status.st_mtime_ns, status.st_size
        if self._fresh or signature != self._signature:
            self._signature = signature
            self._fresh = signature is not None and time.time_ns() - signature[0] < FRESH_NANOSECONDS
            self._changed |= self._is_changed_by_others()

    def _is_changed_by_others(self) -> bool:
        """Return whether it was not this exchange alone that changed the ledger, by taking in what came."""
        assert self._store is not None
        try:
            version = self._store.others_version()
        except LedgerError:
            return True  # the next step fails, too, and tells it
        if version == self._version:
            return False
        self._version = version
        return True

    def prepare(self, connection: Connection) -> Rows:
        """Do what comes before records are sent: take part, and erase callers. Return the next page of our
        records. Raises SharedDatabaseError and LedgerError."""
        exchange = self.exchange or self._start_exchange(connection)
        changed, unsure, self._changed, self.unsure = self._changed, self.unsure, False, False
        self._unreported |= changed
        if unsure or (changed and exchange.has_own_erasures()):
            exchange.erase()
        return exchange.page()

    def send_rest(self) -> None:
        """Send what goes after all records: answers that are not there yet, and proofs. Raises
        SharedDatabaseError and LedgerError."""
        assert self.exchange is not None
        self.has_more = (self.exchange.send_answers() or self.exchange.send_proofs()) > 0
        self.unsure |= self.exchange.newest > self.exchange.sent  # its row there is not as it was
        self.publish()

    def take_sent(self, *, sent: bool) -> None:
        """Take a page of ours as `sent`, or as refused: then the next turn looks why."""
        self.has_more = sent and self.exchange is not None and self.exchange.has_rest
        self._changed |= self.has_more  # an erasure that was sent may have left something to be ordered again
        self.unsure |= not sent
        self.publish()

    def take_in(self, answers: Sequence[tuple[PageRequest, Rows | None]]) -> None:
        """Take in the pages that answer requests to other boxes. Raises LedgerError."""
        if self.exchange is not None:
            self.exchange.receiver.take_in_all(answers, PAGE)
            self._changed |= self.exchange.has_requests  # what came may be the note that it was done there
            self.publish()

    def expect(self, box: str, identity: bytes, upto: int, answered: int) -> None:
        """Remember how far another box's records are in the database (see `Receiver.expect`)."""
        if self.exchange is not None:
            self.unsure |= self.exchange.expect(box, identity, upto, answered)

    @property
    def expects(self) -> bool:
        """True if another box sent something that is not here yet."""
        return self.exchange is not None and self.exchange.receiver.expects

    def requests(self) -> Sequence[PageRequest]:
        """Return the next requests to other boxes. Raises LedgerError."""
        if self.exchange is None:
            return []
        return self.exchange.receiver.requests(seen=self.controller.recycled_after is not None)

    def report(self) -> None:
        """Report how far this box is. Raises SharedDatabaseError and LedgerError."""
        if self.exchange is not None:
            self.has_more |= self.exchange.report(self.about, changed=self._unreported)
            self._unreported = False
            self.publish()

    def compare(self, record: int, *, retired: bool) -> None:
        """Compare the number of our last record that is there with ours. Where they differ, or the box was
        retired there, the next turn looks; and where others are to erase callers for this box, which tells it
        nothing."""
        if self.exchange is not None:
            self.unsure |= retired or record != self.exchange.sent or self.exchange.has_requests

    def disconnect(self) -> None:
        """Forget the connection. The ledger is opened anew for the next one, as another may be there by
        then."""
        self.unsure, self._changed, self.has_more = True, True, False
        self.close_store()

    def close_store(self) -> None:
        """Close the ledger, if it is open. A failure is logged and not raised: the thread that calls this
        carries out the exchanges of other companies, too."""
        store, self._store, self.exchange = self._store, None, None
        if store is None:
            return
        try:
            store.close()
        except Exception as error:
            unforeseen = None if isinstance(error, LedgerError) else error
            event = "a ledger that goes to other boxes could not be closed"
            log.error(event, controller=self.controller.id, error=str(error), exc_info=unforeseen)

    def fail(self, error: InformativaError, now: float, unforeseen: Exception | None = None) -> None:
        """Log an error, once for as long as it stays the same, and lengthen the pause before the next try."""
        self.disconnect()
        if self.left.is_set():
            return
        previous = self.state.error
        self.state = replace(self.state, error=error)
        self._pause = min(2 * self._pause, LONGEST_PAUSE) if previous else FIRST_PAUSE
        if isinstance(error, BoxRefusedError):
            self._pause = REFUSED_PAUSE
        self._retry_at = now + self._pause
        if str(previous) != str(error):
            event = "nothing goes to other boxes, or comes"
            log.error(event, controller=self.controller.id, error=str(error), exc_info=unforeseen)

    def explain(self, error: Exception) -> SharedDatabaseError:
        """Return the error of a connection that did not come about with the servers' reason, for which they
        are asked once for as long as libpq's words stay the same."""
        previous = self.state.error
        if isinstance(previous, SharedDatabaseError) and str(previous.__cause__) == str(error):
            return previous
        return explained(self.database, self.controller.id, error)

    def _start_exchange(self, connection: Connection) -> Exchange:
        assert self._store is not None
        owner = self.controller
        self.company = company_number(connection, self.database, owner.id)
        place = self._store, connection, self.database
        try:
            exchange = Exchange(*place, owner.id, self.about, owner.keys, self.company, self._passed)
        except BoxRefusedError:
            if not self._looked:  # once: it reads the whole ledger
                self._looked = True
                identity = boxes.identity(self._store)
                erasures = Erasures(*place, self.company, owner.id, identity, owner.keys)
                with translated(self.database):
                    erasures.erase_again(refused=True)
            raise
        exchange.expect_all()
        self.exchange = exchange
        return exchange

    def publish(self) -> None:
        """Publish the state, and wake those who wait for it."""
        exchange = self.exchange
        assert exchange is not None
        if self.state.error:
            log.info("the exchange with the shared database goes on", controller=self.controller.id)
        self._pause = FIRST_PAUSE
        self.state = ExchangeState(
            exchange.sent, max(exchange.sent, exchange.newest), time.time(), exchange.others, None
        )
        with self._lock:
            completed = [
                (future, loop) for future, (record, loop) in self._waiting.items() if record <= exchange.sent
            ]
        for future, loop in completed:
            with contextlib.suppress(RuntimeError):  # it is closed: nobody waits
                loop.call_soon_threadsafe(_complete, future)


def _complete(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
