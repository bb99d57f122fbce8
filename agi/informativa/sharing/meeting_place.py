"""The thread that exchanges with one database where boxes meet, for all companies of a box, over one
connection.

It knows without asking for each company when something is to be done: calls wake it, the files of
ledgers tell what other processes recorded, and one statement tells which boxes sent something, and of
which companies. These are only hints, which may be missed: what counts are the records' numbers, which
are compared at each new connection.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import psycopg

from ..model import SharedDatabase
from ..model.errors import DefectError, InformativaError, LedgerError, SharedDatabaseError
from . import box_statements
from .company_exchange import CompanyExchange
from .connection import Connection, company_numbers, connect_box, is_usable, translated
from .exchange import say_alive, send_together
from .idle import OLDEST_SECONDS
from .receiving import PAGE, Rows, at_once, receive

if TYPE_CHECKING:
    from .question_desk import QuestionDesk

LOOK_SECONDS = 0.05  # between two looks at the ledgers …
LOOK_SECONDS_A_COMPANY = 0.001  # … and more with each company …
QUIET_SECONDS, QUIET_TIMES = 5.0, 3  # … and so many times as much where there was nothing to do for a while
GATHER_SECONDS = 0.05  # after records were sent, in which the next ones gather
BUSY_SECONDS = 1.0  # after the last news, for which the database is looked at every …
RECEIVE_SECONDS = 0.05
RECEIVE_SECONDS_A_BOX = 0.001  # … and more with each box that looks there too
IDLE_SECONDS = 2.0  # between two looks at the database when there is no news: boxes call each other
DEAF_SECONDS = 0.5  # the same behind pgbouncer, where nobody hears that call
SAY_SECONDS = 10.0  # after which a box reports that it is alive
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # from a lost connection to the next try
HELD_SECONDS = 1.0  # for which an exchange that leaves waits for a server that says nothing

Result = TypeVar("Result")


class MeetingPlace:
    """The exchanges of a box's companies in one database, which one thread carries out. It begins with the
    first exchange, and ends with the last."""

    _places: ClassVar[dict[SharedDatabase, MeetingPlace]] = {}
    _registry = threading.Lock()

    @classmethod
    def of(cls, exchange: CompanyExchange) -> MeetingPlace:
        """Return the place of an exchange, which takes part in it from now on."""
        database = exchange.database
        key = database.of(exchange.controller.id)
        with cls._registry:
            place = cls._places.get(key)
            if place is None:
                place = cls._places[key] = cls(key)
            place._exchanges = (*place._exchanges, exchange)
        place._interrupt()
        return place

    def __init__(self, database: SharedDatabase) -> None:
        self._database = database
        self._exchanges: tuple[CompanyExchange, ...] = ()
        self._leaving: list[CompanyExchange] = []
        self._left_at = 0.0
        self._desk: QuestionDesk | None = None
        self._woken = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        weakref.finalize(self, os.close, self._woken)  # not sooner: who leaves late may still wake it
        self._connection: Connection | None = None
        self._retry_at, self._pause, self._expires = 0.0, FIRST_PAUSE, 0.0
        self._look_at = self._say_at = self._busy_until = self._sent_at = self._ledgers_at = 0.0
        self._quiet_from = self._send_at = 0.0
        self._has_more = self._gathers = False
        self._idle_seconds = IDLE_SECONDS
        self._batches: dict[str, tuple[int, int]] = {}  # of each other box: the epoch, and the last batch
        self._thread = threading.Thread(target=self._run, name=f"exchange {database.name}", daemon=True)
        self._thread.start()

    def leave(self, exchange: CompanyExchange) -> None:
        """Let an exchange go, and wait until it is over, and with the last one the thread. Leaving twice is
        harmless."""
        if not exchange.left.is_set():
            self._left_at = time.monotonic()
            with self._registry:
                self._leaving = [*self._leaving, exchange]
            self._interrupt()
            exchange.left.wait()
        if not self._exchanges:
            self._thread.join()

    def desk(self, opened: Callable[[], QuestionDesk]) -> QuestionDesk:
        """Return the desk at which calls of all companies ask, made by the first of them."""
        with self._registry:
            self._desk = self._desk or opened()
            return self._desk

    def wake(self) -> None:
        """Wake the thread: it looks at once whether there is something to do. While records gather it wakes
        by itself."""
        if not self._gathers:
            self._interrupt()

    def _interrupt(self) -> None:
        os.eventfd_write(self._woken, 1)

    def _run(self) -> None:
        while self._let_go():
            now = time.monotonic()
            exchanges = self._ready(now)
            try:
                if exchanges and now >= self._retry_at:
                    self._exchange(exchanges)
                self._wait()
            except Exception as error:
                self._lose(error, exchanges)
        self._disconnect()
        if self._desk is not None:
            self._desk.close()

    def _let_go(self) -> bool:
        """Close the exchanges that leave. Return whether there are others."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._woken)
        with self._registry:
            leaving, self._leaving = self._leaving, []
            if leaving:
                self._exchanges = tuple(exchange for exchange in self._exchanges if exchange not in leaving)
            if not self._exchanges and MeetingPlace._places.get(self._database) is self:
                del MeetingPlace._places[self._database]
        for exchange in leaving:
            exchange.close_store()
            exchange.left.set()
        return bool(self._exchanges)

    def _ready(self, now: float) -> list[CompanyExchange]:
        """Return the exchanges whose ledgers can be used and that do not pause after a failure."""
        ready = []
        for exchange in self._exchanges:
            try:
                if exchange.ready(now):
                    ready.append(exchange)
            except LedgerError as error:
                exchange.fail(error, now)
            except Exception as error:
                exchange.fail(DefectError(error), now, error)
        return ready

    def _exchange(self, exchanges: Sequence[CompanyExchange]) -> None:
        """Do what is to be done for all. Raises SharedDatabaseError where the connection is of no use any
        more."""
        now = time.monotonic()
        if self._connection is not None and now > self._expires:
            self._disconnect()
        connection = self._connection or self._connect(exchanges[0], now)
        self._has_more = False
        if now >= self._say_at:
            self._say(connection, exchanges)
            self._say_at = now + SAY_SECONDS
        if now >= self._look_at:
            self._look(connection, exchanges)
        self._receive(connection, exchanges)
        looks = now >= self._ledgers_at
        if looks:
            self._ledgers_at = now + self._look_seconds(now)
        due = [exchange for exchange in exchanges if exchange.is_due(look=looks)]
        if not due:
            return
        self._quiet_from = now + QUIET_SECONDS
        if now < self._send_at and not any(exchange.has_more for exchange in due):
            return
        if self._send(connection, due):
            self._tell(connection, now)
            if not self._database.wait:  # else calls wait for it
                self._send_at = now + GATHER_SECONDS

    def _alone(
        self, connection: Connection, exchange: CompanyExchange, step: Callable[[], Result]
    ) -> Result | None:
        """Return the result of a step of one exchange, `None` if it failed. Its troubles are its own as long
        as the connection works."""
        try:
            return step()
        except Exception as error:
            if not is_usable(connection):
                raise
            now = time.monotonic()
            if isinstance(error, (SharedDatabaseError, LedgerError)):
                exchange.fail(error, now)
            else:
                exchange.fail(DefectError(error), now, error)
            return None

    def _receive(self, connection: Connection, exchanges: Sequence[CompanyExchange]) -> None:
        """Take in about a page of what other boxes sent; the rest after the next look at our ledgers."""
        of_company = {exchange.company: exchange for exchange in exchanges if exchange.expects}
        requests = at_once(
            (
                request
                for exchange in of_company.values()
                for request in self._alone(connection, exchange, exchange.requests) or ()
            ),
            PAGE,
        )
        if not requests:
            return
        pages = receive(connection, self._database, requests, PAGE)
        answers = zip(requests, pages, strict=True)
        for company, of_one in groupby(answers, lambda answer: answer[0].company):
            exchange = of_company[company]
            self._alone(connection, exchange, partial(exchange.take_in, list(of_one)))
        if None in pages:
            self._batches = {}  # it is another server than the one that was looked at: look at all of it
        self._has_more = any(exchange.expects for exchange in of_company.values())

    def _send(self, connection: Connection, due: Sequence[CompanyExchange]) -> bool:
        """Send the next records of each, about a page in all, and then what goes after records. Return
        whether records were sent."""
        pages, complete, count = list[tuple[CompanyExchange, Rows]](), list[CompanyExchange](), 0
        for exchange in sorted(due, key=attrgetter("has_more")):  # whoever has much to send waits for others
            if count >= PAGE:
                self._has_more = True
                break
            page = self._alone(connection, exchange, partial(exchange.prepare, connection))
            if page:
                pages.append((exchange, page))
                count += len(page)
            elif page is not None:
                complete.append(exchange)
        sent = bool(pages) and self._send_pages(connection, pages)
        for exchange in complete:
            self._alone(connection, exchange, exchange.send_rest)
        return sent

    def _send_pages(self, connection: Connection, pages: Sequence[tuple[CompanyExchange, Rows]]) -> bool:
        """Send pages together, or where that fails each alone. Return whether one was sent."""
        try:
            return self._send_together(connection, pages)
        except Exception:
            if not is_usable(connection):
                raise
            steps = [(page[0], partial(self._send_together, connection, [page])) for page in pages]
            sent = [self._alone(connection, exchange, step) for exchange, step in steps]
            return any(sent)

    def _send_together(self, connection: Connection, pages: Sequence[tuple[CompanyExchange, Rows]]) -> bool:
        named = [(exchange.exchange, page) for exchange, page in pages if exchange.exchange is not None]
        sent = send_together(connection, self._database, named)
        for exchange, _page in pages:
            exchange.take_sent(sent=exchange.exchange in sent)
        return bool(sent)

    def _connect(self, first: CompanyExchange, now: float) -> Connection:
        company = first.controller.id
        connection = connect_box(self._database, company, unwanted=self._is_held_up, explain=first.explain)
        self._connection = connection
        company_numbers(connection, self._database, [company])  # for the check of the tables
        with translated(self._database):
            connection.execute(box_statements.LISTEN)
            (pid,) = connection.execute("SELECT pg_backend_pid()").fetchone() or (0,)
        self._idle_seconds = IDLE_SECONDS if pid == connection.info.backend_pid else DEAF_SECONDS
        self._batches = {}
        self._expires, self._pause, self._look_at, self._say_at = now + OLDEST_SECONDS, FIRST_PAUSE, 0.0, 0.0
        if self._desk is not None:
            self._desk.connect_ahead(first.controller)
        return connection

    def _say(self, connection: Connection, exchanges: Sequence[CompanyExchange]) -> None:
        """Report that this box is alive, and compare how far the database says that it is."""
        box, about = self._database.box, exchanges[0].about
        say_alive(connection, self._database, about)
        with translated(self._database):
            standing = connection.execute(box_statements.STANDING, (box,)).fetchall()
        of_company = {exchange.company: exchange for exchange in exchanges}
        for company, record, retired in standing:
            if company in of_company:
                of_company[company].compare(record, retired=retired)
        registered = {company for company, _record, _retired in standing}
        for exchange in exchanges:
            exchange.unsure |= exchange.company not in registered  # a server took over without its row
        for exchange in exchanges:
            self._alone(connection, exchange, exchange.report)

    def _look(self, connection: Connection, exchanges: Sequence[CompanyExchange]) -> None:
        """Look which boxes sent something, and of which companies; and where callers are to be erased."""
        box, news = self._database.box, list[tuple[Any, ...]]()
        with translated(self._database):
            with connection.pipeline():
                hints = connection.execute(box_statements.HINTS, (box,))
                to_erase = connection.execute(box_statements.TO_ERASE, (box,))
            batches = {name: (epoch, batch) for name, epoch, batch in hints.fetchall()}
            since = {
                name: self._since(name, *last)
                for name, last in batches.items()
                if last != self._batches.get(name)
            }
            if since:
                news = connection.execute(box_statements.NEWS, (list(since), list(since.values()))).fetchall()
        of_company = {exchange.company: exchange for exchange in exchanges}
        for name, identity, company, record, answered in news:
            if company in of_company:
                of_company[company].expect(name, identity, record, answered)
        for (company,) in (erasing := to_erase.fetchall()):
            if company in of_company:
                of_company[company].unsure = True
        self._batches = batches
        now = time.monotonic()
        if news or erasing:
            self._busy_until = now + BUSY_SECONDS
        pause = RECEIVE_SECONDS + RECEIVE_SECONDS_A_BOX * len(batches)
        self._look_at = now + (pause if now < self._busy_until else self._idle_seconds)

    def _since(self, box: str, epoch: int, batch: int) -> int:
        """Return the batch of another box after which there is news; -1 for all, where it cannot be told."""
        known_epoch, known_batch = self._batches.get(box, (None, 0))
        return known_batch if epoch == known_epoch and batch > known_batch else -1

    def _tell(self, connection: Connection, now: float) -> None:
        """Call the other boxes, unless they look often anyway since the last call."""
        if now - self._sent_at > BUSY_SECONDS:
            with translated(self._database):
                connection.execute(box_statements.NOTIFY)
        self._sent_at = now

    def _lose(self, error: Exception, exchanges: Sequence[CompanyExchange]) -> None:
        """Give up the connection, and tell each company why."""
        self._disconnect()
        now = time.monotonic()
        reason: InformativaError = error if isinstance(error, InformativaError) else DefectError(error)
        for exchange in exchanges:
            exchange.fail(reason, now, None if reason is error else error)
        self._retry_at, self._pause = now + self._pause, min(2 * self._pause, LONGEST_PAUSE)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        for exchange in self._exchanges:
            exchange.disconnect()

    def _is_held_up(self) -> bool:
        """Return whether somebody leaves and waits for a server that says nothing."""
        return bool(self._leaving) and time.monotonic() - self._left_at > HELD_SECONDS

    def _wait(self) -> None:
        """Wait until somebody wakes this thread, another box calls, or it is time to look."""
        seconds = self._look_seconds(time.monotonic())
        if self._connection is None or self._connection.closed:
            self._poll([self._woken], min(seconds, FIRST_PAUSE))
            return
        if self._has_more or any(exchange.has_more for exchange in self._exchanges):
            seconds = 0.0
        now = time.monotonic()
        seconds = min(seconds, max(0.0, self._look_at - now))
        self._gathers = now < self._send_at  # the exchanges' flags are read after that: none is missed
        if self._gathers:
            seconds = min(seconds, self._send_at - now)
        try:
            readable = self._poll([self._woken, self._connection.fileno()], seconds)
        finally:
            self._gathers = False
        if self._connection.fileno() in readable:
            self._hear(self._connection)

    def _look_seconds(self, now: float) -> float:
        """Return the seconds between two looks at the ledgers. What calls record does not wait for one."""
        seconds = LOOK_SECONDS + LOOK_SECONDS_A_COMPANY * len(self._exchanges)
        return seconds if now < self._quiet_from else QUIET_TIMES * seconds

    def _poll(self, descriptors: Sequence[int], seconds: float) -> set[int]:
        """Wait for one of these, for so long at most. Return those that can be read."""
        poll = select.poll()  # select takes no descriptor above 1023, and many calls have many
        for descriptor in descriptors:
            poll.register(descriptor, select.POLLIN)
        return {descriptor for descriptor, _event in poll.poll(seconds * 1000)}

    def _hear(self, connection: Connection) -> None:
        """Read what the server sent by itself: the calls of other boxes, or that it ends."""
        with contextlib.suppress(psycopg.Error):  # a broken connection shows at its next use
            connection.pgconn.consume_input()
            while connection.pgconn.notifies():
                self._look_at = 0.0
