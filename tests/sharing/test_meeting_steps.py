"""The steps of the thread that exchanges for all companies of a box, each by itself, with a clock that stands
still and a server that answers by a list."""

from __future__ import annotations

import gc
import math
import os
import select
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest

from informativa.model import SharedDatabase
from informativa.model.errors import DefectError, InformativaError, LedgerError, SharedDatabaseError
from informativa.sharing import box_statements, meeting_place
from informativa.sharing.company_exchange import CompanyExchange
from informativa.sharing.connection import Connection
from informativa.sharing.meeting_place import MeetingPlace
from informativa.sharing.membership import About
from informativa.sharing.question_desk import QuestionDesk
from informativa.sharing.receiving import PageRequest
from sharing.conftest import ACME, soon

DATABASE = SharedDatabase(("127.0.0.1:1",), "of_{controller}", "pbx-1")
IDLE, IN_ERROR = psycopg.pq.TransactionStatus.IDLE, psycopg.pq.TransactionStatus.INERROR
PID = "SELECT pg_backend_pid()"
AWAY, FULL = SharedDatabaseError("It is away."), LedgerError("It is full.")


class Server:
    """A connection whose server answers each statement by a list of rows; `journal` has what was asked."""

    def __init__(self, journal: list[object]) -> None:
        self.journal, self.closed = journal, False
        self.rows: dict[str, list[tuple[object, ...]]] = {PID: [(7,)]}
        self.info = SimpleNamespace(transaction_status=IDLE, backend_pid=7)
        self.pgconn = self
        self.calls: list[object] = []
        self.readable, self._writer = os.pipe()
        self.error: Exception | None = None

    def execute(self, query: str, values: object = None) -> SimpleNamespace:
        """Answer a statement."""
        self.journal.append((query, values) if values is not None else query)
        if self.error is not None:
            raise self.error
        rows = self.rows.get(query, [])
        return SimpleNamespace(fetchall=lambda: rows, fetchone=lambda: rows[0] if rows else None)

    @contextmanager
    def pipeline(self) -> Iterator[None]:
        """Do what follows at once."""
        yield

    def close(self) -> None:
        """Close it."""
        self.closed = True
        self.journal.append("closed")

    def fileno(self) -> int:
        """Return what can be read when the server calls."""
        return self.readable

    def call(self) -> None:
        """Have the server say something by itself."""
        self.calls.append("informativa")
        os.write(self._writer, b"x")

    def consume_input(self) -> None:
        """Read what it said."""
        if self.error is not None:
            raise self.error

    def notifies(self) -> object:
        """Return the next call of another box."""
        return self.calls.pop(0) if self.calls else None


class Company:
    """The exchange of a company that does what a test says, and notes what it was asked to."""

    def __init__(self, number: int, journal: list[object], name: str = "") -> None:
        self.controller = replace(ACME, id=name or f"c{number}")
        self.database, self.about, self.company = DATABASE, About("1.0", f"key of {number}", "c"), number
        self.exchange: Any = f"exchange {number}"
        self.unsure = self.has_more = False
        self.left = threading.Event()
        self.journal = journal
        self.errors: list[tuple[Any, ...]] = []
        self.answers: dict[str, Any] = {"ready": True, "is_due": True, "requests": [], "prepare": []}

    def __getattr__(self, step: str) -> Callable[..., Any]:
        if step.startswith("_"):
            raise AttributeError(step)

        def taken(*values: object, **named: object) -> Any:
            self.journal.append((self.controller.id, step, *values, *named.values()))
            answer = self.answers.get(step)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return taken

    def fail(self, *values: object) -> None:
        """Note an error."""
        self.errors.append(values)

    def explain(self, error: Exception) -> SharedDatabaseError:
        """Return the reason of a connection that did not come about."""
        return SharedDatabaseError(str(error))


class StillPlace(MeetingPlace):
    """A meeting place whose thread does nothing."""

    def _run(self) -> None:
        """End at once."""


class Setup:
    """A place of three companies, with its clock and its server; `journal` has all that they did."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.journal, self.database = 1000.0, list[object](), DATABASE
        monkeypatch.setattr(meeting_place, "time", SimpleNamespace(monotonic=lambda: self.now))
        for name in ("translated", "connect_box", "company_numbers", "say_alive", "receive", "send_together"):
            monkeypatch.setattr(meeting_place, name, getattr(self, f"_{name}"))
        self.server = Server(self.journal)
        self.companies = [Company(number, self.journal) for number in (1, 2, 3)]
        self.place = StillPlace(DATABASE)
        self.place._exchanges = tuple(self.exchanges)
        self.place._quiet_from = math.inf
        self.pages: list[Any] = []
        self.sent: Callable[[list[Any]], Any] = lambda named: [exchange for exchange, _page in named]
        self.connects: Exception | None = None

    @property
    def exchanges(self) -> list[CompanyExchange]:
        """The companies, as the place knows them."""
        return cast("list[CompanyExchange]", self.companies)

    @property
    def connection(self) -> Connection:
        """The server, as the place knows it."""
        return cast("Connection", self.server)

    @contextmanager
    def _translated(self, database: SharedDatabase) -> Iterator[None]:
        assert database == self.database
        yield

    def _connect_box(self, *values: object, **named: object) -> Server:
        self.journal.append(("connect", *values, *named.items()))
        if self.connects is not None:
            raise self.connects
        return self.server

    def _company_numbers(self, *values: object) -> None:
        self.journal.append(("numbers", *values))

    def _say_alive(self, *values: object) -> None:
        self.journal.append(("alive", *values))

    def _receive(self, *values: object) -> list[Any]:
        self.journal.append(("receive", *values))
        return self.pages

    def _send_together(self, connection: object, database: object, named: list[Any]) -> Any:
        assert (connection, database) == (self.server, self.database)
        self.journal.append(("send", *named))
        sent = self.sent(named)
        if isinstance(sent, Exception):
            raise sent
        return sent

    def steps(self, name: str) -> list[tuple[object, ...]]:
        """Return the steps of that name, each with its company and its values."""
        return [entry for entry in self.journal if isinstance(entry, tuple) and entry[1:2] == (name,)]

    def asked(self, name: str) -> list[tuple[object, ...]]:
        """Return the calls of a function of the database, each with its values."""
        return [entry for entry in self.journal if isinstance(entry, tuple) and entry[0] == name]


@pytest.fixture
def setup(monkeypatch: pytest.MonkeyPatch) -> Setup:
    """A place of three companies."""
    return Setup(monkeypatch)


def test_connection_is_made_for_all_companies(setup: Setup) -> None:
    """It is the first one's, is checked, hears other boxes, lasts ten minutes; all is said and looked at
    anew, the pause begins anew, and calls get one ahead."""
    place, ahead = setup.place, list[object]()
    place._desk = cast("QuestionDesk", SimpleNamespace(connect_ahead=ahead.append))
    place._batches, place._pause, place._look_at, place._say_at = {"pbx-2": (1, 1)}, 5.0, 9e9, 9e9
    assert place._connect(setup.exchanges[0], 1000.0) is setup.connection
    first = setup.companies[0]
    assert setup.journal == [
        ("connect", DATABASE, "c1", ("unwanted", place._is_held_up), ("explain", first.explain)),
        ("numbers", setup.server, DATABASE, ["c1"]),
        "LISTEN informativa",
        PID,
    ]
    assert (place._connection, place._batches, place._pause) == (setup.server, {}, 0.2)
    assert (place._expires, place._look_at, place._say_at) == (1600.0, 0.0, 0.0)
    assert place._idle_seconds == 2.0
    assert ahead == [first.controller]


@pytest.mark.parametrize("rows", [[(8,)], []])
def test_behind_a_pooler_it_is_looked_more_often(setup: Setup, rows: list[tuple[object, ...]]) -> None:
    """Where another process answers than was connected to, nobody hears the calls of other boxes."""
    setup.server.rows[PID] = rows
    setup.server.info.backend_pid = 1
    setup.place._connect(setup.exchanges[0], 1000.0)
    assert setup.place._idle_seconds == 0.5


def test_exchange_does_all_that_is_due_in_one_turn(setup: Setup) -> None:
    """It says that it is alive each ten seconds, looks, asks the ledgers by their own time, which is longer
    with each company, and connects anew after ten minutes."""
    place = setup.place
    place._has_more = True
    place._exchange(setup.exchanges)
    assert setup.asked("alive") == [("alive", setup.server, DATABASE, setup.companies[0].about)]
    assert (place._say_at, place._ledgers_at, place._has_more) == (1010.0, 1000.053, False)
    assert setup.steps("is_due") == [(f"c{number}", "is_due", True) for number in (1, 2, 3)]
    assert len(setup.asked("connect")) == 1
    setup.journal.clear()
    setup.now = 1000.05
    place._exchange(setup.exchanges)
    assert setup.steps("is_due") == [(f"c{number}", "is_due", False) for number in (1, 2, 3)]
    assert setup.asked("alive") == setup.asked("connect") == []
    setup.journal.clear()
    setup.now = 1000.053
    place._look_at = 1000.053
    place._exchange(setup.exchanges)
    assert setup.steps("is_due") == [(f"c{number}", "is_due", True) for number in (1, 2, 3)]
    assert (box_statements.HINTS, ("pbx-1",)) in setup.journal
    for now, connects in ((1600.0, 0), (1600.001, 1)):
        setup.journal.clear()
        setup.now, place._say_at = now, now
        place._exchange(setup.exchanges)
        assert (len(setup.asked("connect")), len(setup.asked("alive"))) == (connects, 1)


def test_records_gather_after_some_were_sent(setup: Setup) -> None:
    """Each transaction costs the database and all other boxes: what calls record within 50 ms goes together;
    but for a company that has a whole page more, or where calls wait for the database."""
    place, now = setup.place, setup.now
    for company in setup.companies:
        company.answers["prepare"] = [("row",)]
    for passed, has_more, sends in ((0.0, False, 1), (0.049, False, 0), (0.05, False, 1), (0.06, True, 1)):
        setup.journal.clear()
        setup.now, setup.companies[1].has_more = now + passed, has_more
        place._exchange(setup.exchanges)
        assert len(setup.asked("send")) == sends
    place._database = setup.database = replace(DATABASE, wait=True)
    place._send_at = 0.0
    for _ in range(2):
        setup.journal.clear()
        place._exchange(setup.exchanges)
        assert [step[0] for step in setup.steps("take_sent")] == ["c1", "c3", "c2"]  # who has much is last


def test_calls_wake_nobody_while_records_gather(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread wakes by itself when that is over; whoever leaves or comes still wakes it."""
    place = setup.place
    place._connection, place._look_at, place._send_at = setup.connection, 1002.0, 1000.01
    woken = list[bool]()

    def poll(descriptors: Sequence[int], seconds: float) -> set[int]:
        assert (descriptors, seconds) == ([place._woken, setup.server.readable], pytest.approx(0.01))
        for wakes in (place.wake, place._interrupt):
            wakes()
            woken.append(bool(select.select([place._woken], [], [], 0)[0]))
        return set()

    monkeypatch.setattr(place, "_poll", poll)
    place._wait()
    assert woken == [False, True]
    os.eventfd_read(place._woken)
    place.wake()
    assert os.eventfd_read(place._woken) == 1


def test_quiet_ledgers_are_looked_at_less_often(setup: Setup) -> None:
    """Where nobody was due for five seconds, a third as often."""
    place = setup.place
    place._exchange(setup.exchanges)
    assert place._quiet_from == 1005.0
    for company in setup.companies:
        company.answers["is_due"] = False
    for now, next_look in ((1004.0, 1004.053), (1005.0, 1005.159)):
        setup.now = now
        place._exchange(setup.exchanges)
        assert place._ledgers_at == pytest.approx(next_look, abs=1e-9)
    setup.companies[1].answers["is_due"] = True
    place._exchange(setup.exchanges)
    assert place._quiet_from == 1010.0


def test_a_company_that_is_not_due_is_not_asked_for_records(setup: Setup) -> None:
    """The others are, and whoever sent something has the other boxes called."""
    setup.companies[1].answers |= {"is_due": False, "requests": FULL}
    setup.companies[2].answers["prepare"] = [("row",)]
    setup.place._exchange(setup.exchanges)
    assert [company.errors for company in setup.companies] == [[], [(FULL, 1000.0)], []]
    assert setup.steps("prepare") == [("c1", "prepare", setup.server), ("c3", "prepare", setup.server)]
    assert setup.steps("send_rest") == [("c1", "send_rest")]
    assert setup.steps("take_sent") == [("c3", "take_sent", True)]
    assert setup.journal[-1] == "NOTIFY informativa"
    assert setup.place._sent_at == 1000.0


def test_other_boxes_are_called_once_a_second(setup: Setup) -> None:
    """Since they look often anyway after a call."""
    for now, notified in ((1000.0, True), (1001.0, False), (1001.5, False), (1002.501, True)):
        setup.journal.clear()
        setup.place._tell(setup.connection, now)
        assert setup.journal == (["NOTIFY informativa"] if notified else [])
        assert setup.place._sent_at == now


@pytest.mark.parametrize("error", [AWAY, FULL, ValueError("odd")])
def test_i10_a_step_that_fails_is_one_companys(setup: Setup, error: Exception) -> None:
    """I10: as long as the connection works; an error that nobody foresaw is a defect, and comes along."""

    def fails() -> None:
        raise error

    company = setup.companies[0]
    assert setup.place._alone(setup.connection, setup.exchanges[0], lambda: 5) == 5
    assert setup.place._alone(setup.connection, setup.exchanges[0], fails) is None
    ((reason, *rest),) = company.errors
    if isinstance(error, InformativaError):
        assert (reason, rest) == (error, [1000.0])
    else:
        assert (type(reason), reason.kind, rest) == (DefectError, "ValueError", [1000.0, error])
    for broken in ("closed", "failed transaction"):
        setup.server.closed = broken == "closed"
        setup.server.info.transaction_status = IDLE if broken == "closed" else IN_ERROR
        with pytest.raises(type(error)):
            setup.place._alone(setup.connection, setup.exchanges[0], fails)


@pytest.mark.parametrize("error", [FULL, ValueError("odd")])
def test_i10_a_ledger_that_cannot_be_opened_is_left_out(setup: Setup, error: Exception) -> None:
    """I10: it says why, and the others exchange; one that pauses says nothing."""
    setup.companies[0].answers["ready"] = error
    setup.companies[1].answers["ready"] = False
    assert setup.place._ready(5.0) == [setup.companies[2]]
    assert setup.steps("ready") == [(f"c{number}", "ready", 5.0) for number in (1, 2, 3)]
    ((reason, *rest),) = setup.companies[0].errors
    if error is FULL:
        assert (reason, rest) == (FULL, [5.0])
    else:
        assert (type(reason), reason.kind, rest) == (DefectError, "ValueError", [5.0, error])
    assert setup.companies[1].errors == []


def request(company: int, records: int) -> PageRequest:
    """Return a request for so many records."""
    return PageRequest(company, "pbx-2", b"2", 0, records, None)


def test_about_a_page_of_all_companies_is_taken_in(setup: Setup) -> None:
    """Each page goes to its company; what does not fit comes after the next look at our ledgers."""
    requests = [request(1, 400), request(2, 600), request(3, 1)]
    for company, page_request in zip(setup.companies, requests, strict=True):
        company.answers["requests"] = [page_request]
    setup.pages = [["a"], ["b"]]
    setup.place._batches = {"pbx-2": (1, 1)}
    setup.place._receive(setup.connection, setup.exchanges)
    assert ("receive", setup.server, DATABASE, requests[:2], 1000) in setup.journal
    assert setup.steps("take_in") == [
        ("c1", "take_in", [(requests[0], ["a"])]),
        ("c2", "take_in", [(requests[1], ["b"])]),
    ]
    assert (setup.place._has_more, setup.place._batches) == (True, {"pbx-2": (1, 1)})
    assert setup.steps("requests") == [("c1", "requests"), ("c2", "requests")]


def test_a_server_without_what_it_reported_is_looked_at_anew(setup: Setup) -> None:
    """All batches of other boxes: it is another server."""
    setup.companies[0].answers["requests"] = [request(1, 5)]
    setup.pages, setup.place._batches = [None], {"pbx-2": (1, 1)}
    setup.place._receive(setup.connection, setup.exchanges)
    assert setup.steps("take_in") == [("c1", "take_in", [(request(1, 5), None)])]
    assert setup.place._batches == {}


def test_i10_companies_whose_ledgers_fail_while_others_take_in(setup: Setup) -> None:
    """I10: one fails to say what it wants, one to take it in; the third takes in."""
    first, second, third = setup.companies
    first.answers["requests"] = FULL
    second.answers |= {"requests": [request(2, 5)], "take_in": FULL}
    third.answers["requests"] = [request(3, 5)]
    setup.pages = [["b"], ["c"]]
    setup.place._receive(setup.connection, setup.exchanges)
    assert [company.errors for company in setup.companies] == [[(FULL, 1000.0)], [(FULL, 1000.0)], []]
    assert setup.steps("take_in")[-1] == ("c3", "take_in", [(request(3, 5), ["c"])])


def test_where_nothing_is_wanted_nothing_is_received(setup: Setup) -> None:
    """No statement, and no hurry."""
    setup.place._receive(setup.connection, setup.exchanges)
    assert setup.journal == [(f"c{number}", "requests") for number in (1, 2, 3)]
    assert not setup.place._has_more


def test_whoever_has_much_to_send_waits_for_others(setup: Setup) -> None:
    """About a page of records goes in a turn; then there is more, and who was not asked is asked next."""
    first, second, third = setup.companies
    first.has_more = True
    first.answers["prepare"], second.answers["prepare"] = [1], [2] * 600
    third.answers["prepare"] = [3] * 400
    assert setup.place._send(setup.connection, setup.exchanges)
    assert [step[0] for step in setup.steps("prepare")] == ["c2", "c3"]
    assert ("send", ("exchange 2", [2] * 600), ("exchange 3", [3] * 400)) in setup.journal
    assert setup.place._has_more
    setup.journal.clear()
    setup.place._has_more = False
    third.answers["prepare"] = [3] * 399
    assert setup.place._send(setup.connection, setup.exchanges)
    assert [step[0] for step in setup.steps("prepare")] == ["c2", "c3", "c1"]
    assert not setup.place._has_more


def test_after_all_records_goes_the_rest(setup: Setup) -> None:
    """Of whoever has no more records; not of one that failed, and whose failure is its own."""
    setup.companies[0].answers["prepare"] = FULL
    setup.companies[1].answers["send_rest"] = AWAY
    assert setup.place._send(setup.connection, setup.exchanges) is False
    assert [step[0] for step in setup.steps("send_rest")] == ["c2", "c3"]
    assert [company.errors for company in setup.companies] == [[(FULL, 1000.0)], [(AWAY, 1000.0)], []]
    assert setup.asked("send") == []


def test_pages_that_are_refused_together_go_each_alone(setup: Setup) -> None:
    """The one that is at fault says so, the others are sent; where the connection broke, nobody is asked
    again."""
    setup.companies[2].exchange = None  # it failed in this turn
    pages: Sequence[tuple[Any, Any]] = [(company, [company.company]) for company in setup.companies]
    setup.sent = lambda named: AWAY if ("exchange 1", [1]) in named else [exchange for exchange, _ in named]
    assert setup.place._send_pages(setup.connection, pages) is True
    assert setup.asked("send") == [
        ("send", ("exchange 1", [1]), ("exchange 2", [2])),
        ("send", ("exchange 1", [1])),
        ("send", ("exchange 2", [2])),
        ("send",),
    ]
    assert setup.steps("take_sent") == [("c2", "take_sent", True), ("c3", "take_sent", False)]
    assert [company.errors for company in setup.companies] == [[(AWAY, 1000.0)], [], []]
    setup.server.closed = True
    with pytest.raises(SharedDatabaseError):
        setup.place._send_pages(setup.connection, pages)


def test_page_that_another_locks_was_not_sent(setup: Setup) -> None:
    """The next turn looks why; where nothing was sent, nobody is called."""
    pages: Sequence[tuple[Any, Any]] = [(company, [company.company]) for company in setup.companies]
    setup.sent = lambda _named: ["exchange 2"]
    assert setup.place._send_together(setup.connection, pages) is True
    assert [step[2] for step in setup.steps("take_sent")] == [False, True, False]
    setup.sent = lambda _named: []
    assert setup.place._send_together(setup.connection, pages) is False


def test_box_says_that_it_is_alive_and_compares(setup: Setup) -> None:
    """By one statement for all companies; what the database has of others is passed over, and a company that
    cannot report fails alone."""
    setup.server.rows[box_statements.STANDING] = [(1, 7, False), (9, 1, False), (2, 5, True)]
    setup.companies[0].answers["report"] = FULL
    setup.place._say(setup.connection, setup.exchanges)
    assert setup.journal == [
        ("alive", setup.server, DATABASE, setup.companies[0].about),
        (box_statements.STANDING, ("pbx-1",)),
        ("c1", "compare", 7, False),
        ("c2", "compare", 5, True),
        *((f"c{number}", "report") for number in (1, 2, 3)),
    ]
    assert [company.errors for company in setup.companies] == [[(FULL, 1000.0)], [], []]


def test_news_are_asked_for_where_another_box_sent_something(setup: Setup) -> None:
    """Since its last batch that was seen, or all of a box that is new, has another epoch or went back; none
    where no box sent anything. Companies of others are passed over."""
    place = setup.place
    place._batches = {"pbx-2": (1, 4), "pbx-3": (1, 4), "pbx-4": (1, 4), "pbx-5": (1, 4)}
    hints = [("pbx-2", 1, 6), ("pbx-3", 1, 4), ("pbx-4", 2, 9), ("pbx-5", 1, 3), ("pbx-6", 1, 1)]
    setup.server.rows |= {
        box_statements.HINTS: hints,
        box_statements.NEWS: [("pbx-2", b"2", 2, 30, 20), ("pbx-2", b"2", 9, 1, 1), ("pbx-6", b"6", 1, 8, 8)],
    }
    place._look(setup.connection, setup.exchanges)
    assert setup.journal == [
        (box_statements.HINTS, ("pbx-1",)),
        (box_statements.TO_ERASE, ("pbx-1",)),
        (box_statements.NEWS, (["pbx-2", "pbx-4", "pbx-5", "pbx-6"], [4, -1, -1, -1])),
        ("c2", "expect", "pbx-2", b"2", 30, 20),
        ("c1", "expect", "pbx-6", b"6", 8, 8),
    ]
    assert place._batches == {name: (epoch, batch) for name, epoch, batch in hints}
    setup.journal.clear()
    place._look(setup.connection, setup.exchanges)
    assert [entry[0] for entry in setup.journal] == [box_statements.HINTS, box_statements.TO_ERASE]  # type: ignore[index]


@pytest.mark.parametrize(
    ("rows", "busy"),
    [
        ({}, False),
        ({box_statements.TO_ERASE: [(2,), (9,)]}, True),
        ({box_statements.HINTS: [("pbx-2", 1, 1)], box_statements.NEWS: [("pbx-2", b"2", 1, 1, 1)]}, True),
        ({box_statements.HINTS: [("pbx-2", 1, 1)]}, False),
    ],
)
def test_after_news_it_is_looked_often_for_a_second(
    setup: Setup, rows: dict[str, list[tuple[object, ...]]], busy: bool
) -> None:
    """Somewhat less often with each other box; without news each two seconds. Who has callers to erase is
    told so."""
    setup.server.rows |= rows
    setup.place._look(setup.connection, setup.exchanges)
    boxes = len(rows.get(box_statements.HINTS, []))
    assert setup.place._look_at == (1000.0 + (0.05 + 0.001 * boxes) if busy else 1002.0)
    assert setup.place._busy_until == (1001.0 if busy else 0.0)
    assert [company.unsure for company in setup.companies] == [False, box_statements.TO_ERASE in rows, False]
    setup.server.rows |= {box_statements.TO_ERASE: []}
    setup.now = 1001.0
    setup.place._look(setup.connection, setup.exchanges)
    assert setup.place._look_at == 1003.0


@pytest.mark.parametrize("error", [AWAY, ValueError("odd")])
def test_lost_connection_is_told_to_all_and_tried_again(setup: Setup, error: Exception) -> None:
    """After a fifth of a second, then twice as long, five seconds at most."""
    setup.place._connection = setup.connection
    setup.place._lose(error, setup.exchanges[:2])
    assert setup.server.closed
    assert setup.place._connection is None
    assert setup.steps("disconnect") == [(f"c{number}", "disconnect") for number in (1, 2, 3)]
    for company in setup.companies[:2]:
        ((reason, now, unforeseen),) = company.errors
        assert now == 1000.0
        if error is AWAY:
            assert (reason, unforeseen) == (AWAY, None)
        else:
            assert (reason.kind, unforeseen) == ("ValueError", error)
    assert setup.companies[2].errors == []
    pauses = []
    for _ in range(7):
        pauses.append(round(setup.place._retry_at - setup.now, 6))
        setup.place._lose(error, [])
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_whoever_leaves_waits_a_second_for_a_silent_server(setup: Setup) -> None:
    """No longer, and while nobody leaves the server is waited for."""
    place = setup.place
    setup.now = 1005.0
    assert not place._is_held_up()
    place._leaving, place._left_at = setup.exchanges[:1], 1004.0
    assert not place._is_held_up()
    place._left_at = 1003.999
    assert place._is_held_up()


def waits(setup: Setup, monkeypatch: pytest.MonkeyPatch, *ready: int) -> list[tuple[list[int], float]]:
    """Let it wait once; return what it waited for, and how long at most."""
    polls: list[tuple[list[int], float]] = []

    def poll(_place: MeetingPlace, descriptors: Sequence[int], seconds: float) -> set[int]:
        polls.append(([*descriptors], round(seconds, 6)))
        return {*ready}

    monkeypatch.setattr(MeetingPlace, "_poll", poll)
    setup.place._wait()
    return polls


def test_wait_is_until_the_next_look(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the ledgers, or at the database, whichever comes first; none where there is more to do; without a
    connection only somebody here can wake it."""
    place, server = setup.place, setup.server
    assert waits(setup, monkeypatch) == [([place._woken], 0.053)]
    setup.place._exchanges = tuple(setup.exchanges * 100)
    assert waits(setup, monkeypatch) == [([place._woken], 0.2)]
    place._exchanges = tuple(setup.exchanges)
    place._connection, place._look_at = setup.connection, 1002.0
    both = [place._woken, server.readable]
    assert waits(setup, monkeypatch) == [(both, 0.053)]
    place._look_at = 1000.02
    assert waits(setup, monkeypatch) == [(both, 0.02)]
    place._look_at = 999.0
    assert waits(setup, monkeypatch) == [(both, 0.0)]
    place._look_at, place._has_more = 1002.0, True
    assert waits(setup, monkeypatch) == [(both, 0.0)]
    place._has_more, setup.companies[2].has_more = False, True
    assert waits(setup, monkeypatch) == [(both, 0.0)]
    setup.companies[2].has_more = False
    server.calls.append("informativa")
    waits(setup, monkeypatch, place._woken)
    assert place._look_at == 1002.0
    waits(setup, monkeypatch, server.readable)
    assert place._look_at == 0.0
    server.closed = True
    assert waits(setup, monkeypatch) == [([place._woken], 0.053)]


def test_call_of_another_box_is_a_reason_to_look(setup: Setup) -> None:
    """Anything else that the server says is not, and a connection that broke shows at its next use."""
    place = setup.place
    place._look_at = 1002.0
    place._hear(setup.connection)
    assert place._look_at == 1002.0
    setup.server.error = psycopg.OperationalError()
    setup.server.calls.append("informativa")
    place._hear(setup.connection)
    assert place._look_at == 1002.0
    setup.server.error = None
    place._hear(setup.connection)
    assert place._look_at == 0.0


def test_poll_returns_what_can_be_read(setup: Setup) -> None:
    """At once where there is something, and else when the time is over."""
    place, server = setup.place, setup.server
    server.call()
    assert place._poll([place._woken, server.readable], 60.0) == {server.readable}
    place.wake()
    assert place._poll([place._woken], 60.0) == {place._woken}
    assert place._poll([server.readable, place._woken], 60.0) == {server.readable, place._woken}
    place._let_go()
    assert place._poll([place._woken], 0.0) == set()


class ImpatientPoll:
    """A poll that only notes how long it would wait."""

    def __init__(self, waited: list[float]) -> None:
        self.waited = waited

    def register(self, _descriptor: int, events: int) -> None:
        """Note what is waited for."""
        self.waited.append(events)

    def poll(self, milliseconds: float) -> list[tuple[int, int]]:
        """Note the time."""
        self.waited.append(milliseconds)
        return []


def test_poll_takes_milliseconds(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is for what can be read alone."""
    waited: list[float] = []
    place = SimpleNamespace(poll=partial(ImpatientPoll, waited), POLLIN=1)
    monkeypatch.setattr(meeting_place, "select", place)
    assert setup.place._poll([5], 1.5) == set()
    assert waited == [1, 1500.0]


def test_those_who_leave_are_let_go(setup: Setup) -> None:
    """Their ledgers are closed, and whoever waits goes on; with the last one the place is over, and the next
    exchange gets another one."""
    place, (first, second, third) = setup.place, setup.companies
    MeetingPlace._places[DATABASE] = place
    place._leaving = [setup.exchanges[1]]
    assert place._let_go()
    assert place._exchanges == (first, third)
    assert (second.left.is_set(), first.left.is_set(), place._leaving) == (True, False, [])
    assert setup.journal == [("c2", "close_store")]
    assert MeetingPlace._places[DATABASE] is place
    place._leaving = [setup.exchanges[0], setup.exchanges[2]]
    assert not place._let_go()
    assert DATABASE not in MeetingPlace._places
    other = StillPlace(DATABASE)
    MeetingPlace._places[DATABASE] = other
    assert not place._let_go()
    assert MeetingPlace._places.pop(DATABASE) is other


def test_exchanges_of_one_database_meet(setup: Setup) -> None:
    """By the database that a company has, whatever else the configuration says of others; each is woken
    for."""
    first, second, third = setup.exchanges
    setup.companies[2].database = replace(DATABASE, name="of_c1")
    try:
        place = StillPlace.of(first)
        assert place._database == DATABASE.of("c1")
        assert place._poll([place._woken], 0.0) == {place._woken}
        place._let_go()
        assert StillPlace.of(third) is place
        assert place._exchanges == (first, third)
        assert place._poll([place._woken], 0.0) == {place._woken}
        other = StillPlace.of(second)
        assert (other is place, other._exchanges) == (False, (second,))
        assert place._thread.name == "exchange of_c1"
        assert place._thread.daemon
    finally:
        MeetingPlace._places.clear()


def test_last_one_who_leaves_waits_for_the_thread(setup: Setup) -> None:
    """Which ends then; nobody else does."""
    joined = list[str]()
    setup.place._thread = cast("threading.Thread", SimpleNamespace(join=lambda: joined.append("joined")))
    setup.companies[0].left.set()
    setup.place.leave(setup.exchanges[0])
    assert joined == []
    setup.place._exchanges = ()
    setup.place.leave(setup.exchanges[0])
    assert joined == ["joined"]


def test_descriptor_lasts_as_long_as_the_place(setup: Setup) -> None:
    """Who leaves late may still wake it; then it is closed."""
    place = StillPlace(DATABASE)
    place._thread.join()
    woken = place._woken
    assert os.fstat(woken)
    setup.place = place
    del place
    setup.place = StillPlace(DATABASE)
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(woken)


def test_first_call_makes_the_desk_of_all(setup: Setup) -> None:
    """Only the first."""
    desks = [cast("QuestionDesk", object()), cast("QuestionDesk", object())]
    assert setup.place.desk(lambda: desks[0]) is desks[0]
    assert setup.place.desk(lambda: desks[1]) is desks[0]


def test_thread_goes_on_after_what_nobody_foresaw(setup: Setup) -> None:
    """It waits out the pause, tries again, and ends with the last exchange, which lets the desk go and the
    connection."""
    company = setup.companies[0]
    tries, ends = threading.Semaphore(0), list[str]()
    company.answers["is_due"] = False
    setup.connects, setup.database = AWAY, DATABASE.of("c1")
    place = MeetingPlace.of(cast("CompanyExchange", company))
    try:
        desk = SimpleNamespace(
            close=lambda: ends.append("desk"), connect_ahead=lambda _company: tries.release()
        )
        place.desk(lambda: cast("QuestionDesk", desk))
        soon(lambda: company.errors)
        assert company.errors[0][:2] == (AWAY, 1000.0)
        assert place._retry_at == 1000.2
        setup.journal.clear()
        place.wake()
        soon(lambda: setup.steps("ready"))
        assert setup.steps("ready")[0] == ("c1", "ready", 1000.0)
        assert setup.asked("connect") == []
        setup.connects = None
        setup.now = 1000.2
        place.wake()
        assert tries.acquire(timeout=60)
    finally:
        place.leave(cast("CompanyExchange", company))
    assert (ends, place._left_at) == (["desk"], 1000.2)
    assert setup.server.closed
    assert company.left.is_set()
    assert not place._thread.is_alive()
    place.leave(cast("CompanyExchange", company))
    assert DATABASE.of("c1") not in MeetingPlace._places
