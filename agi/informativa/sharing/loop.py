"""The loop of sending and taking in, beside the calls: one thread for each ledger."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from ..ledgers.sqlite import SqliteStore
from ..model import Controller, SharedDatabase
from ..model.errors import BoxRefusedError, DefectError, InformativaError, LedgerError, SharedDatabaseError
from .connection import connect, explained
from .exchange import About, Exchange
from .idle import OLDEST_SECONDS

LOOK_SECONDS = 0.05  # between two looks at the ledger
RECEIVE_SECONDS = 0.1  # between two looks at the database …
RECEIVE_SECONDS_A_BOX = 0.001  # … and more with each box that looks there too
SAY_SECONDS = 10.0  # after which a box reports that it is alive
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # from a failure to the next try
REFUSED_PAUSE = 30.0  # where somebody has to decide something

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
    """The loop of one company's ledger. `about` may change while it runs."""

    def __init__(
        self,
        controller: Controller,
        database: SharedDatabase,
        about: About,
        open_store: Callable[[], SqliteStore],
    ) -> None:
        self.about = about
        self.state = ExchangeState()
        self.connected: Callable[[], None] = lambda: None
        """A callback for each time that the database is reached, in the loop's thread."""
        self._controller, self._database, self._open_store = controller, database, open_store
        self._stopped, self._woken = threading.Event(), threading.Event()
        self._waiting: dict[asyncio.Future[None], tuple[int, asyncio.AbstractEventLoop]] = {}
        self._lock = threading.Lock()
        self._pause = FIRST_PAUSE
        name = f"exchange {controller.id}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the loop; records that were not sent yet are sent by the next one. Stopping twice is
        harmless."""
        self._stopped.set()
        self._woken.set()
        self._thread.join()

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
        self._woken.set()
        try:
            await asyncio.wait_for(future, seconds)
        except TimeoutError:
            return False
        finally:
            with self._lock:  # not later: the database may be away for long
                self._waiting.pop(future, None)
        return True

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with contextlib.closing(self._start_exchange()) as exchange:
                    self.connected()
                    self._run_exchange(exchange)
                continue
            except (SharedDatabaseError, LedgerError) as error:
                self._report_failure(error)
            except Exception as error:
                self._report_failure(DefectError(error), error)
            self._woken.clear()
            self._stopped.wait(self._pause)

    def _report_failure(self, error: InformativaError, unforeseen: Exception | None = None) -> None:
        """Log an error, once for as long as it stays the same, and lengthen the pause before the next try."""
        if self._stopped.is_set():
            return
        previous = self.state.error
        self.state = replace(self.state, error=error)
        self._pause = min(2 * self._pause, LONGEST_PAUSE) if previous else FIRST_PAUSE
        if isinstance(error, BoxRefusedError):
            self._pause = REFUSED_PAUSE
        if str(previous) != str(error):
            event = "nothing goes to other boxes, or comes"
            log.error(event, controller=self._controller.id, error=str(error), exc_info=unforeseen)

    def _start_exchange(self) -> Exchange:
        store = self._open_store()
        try:
            self.state = replace(self.state, newest=store.newest())
            unwanted = self._stopped.is_set
            connection = connect(
                self._database, self._controller.id, unwanted=unwanted, explain=self._explain
            )
            try:
                owner = self._controller
                return Exchange(store, connection, self._database, owner.id, self.about, owner.keys)
            except BaseException:
                connection.close()
                raise
        except BaseException:
            store.close()
            raise

    def _explain(self, error: Exception) -> SharedDatabaseError:
        """Return the error with the servers' reason, for which they are asked once for as long as libpq's
        words stay the same."""
        previous = self.state.error
        if isinstance(previous, SharedDatabaseError) and str(previous.__cause__) == str(error):
            return previous
        return explained(self._database, self._controller.id, error)

    def _run_exchange(self, exchange: Exchange) -> None:
        """Exchange until the connection is too old."""
        deadline = time.monotonic() + OLDEST_SECONDS
        receive = say = 0.0
        seen = self._controller.recycled_after is not None
        while not self._stopped.is_set() and (now := time.monotonic()) < deadline:
            self._woken.clear()
            if now >= receive:
                exchange.erase()
                exchange.receive(seen=seen)
                receive = time.monotonic() + RECEIVE_SECONDS + RECEIVE_SECONDS_A_BOX * exchange.others
            if now >= say:
                exchange.report(self.about)
                say = now + SAY_SECONDS
            sent = exchange.send() or exchange.send_answers() or exchange.send_proofs()
            self._report_progress(exchange)
            if not sent:
                self._woken.wait(LOOK_SECONDS)

    def _report_progress(self, exchange: Exchange) -> None:
        """Publish the state, and wake those who wait for it."""
        if self.state.error:
            log.info("the shared database is there again", controller=self._controller.id)
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
