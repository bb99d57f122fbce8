"""A controller's own systems: what their answers mean, and how little a broken one matters to calls."""

from __future__ import annotations

import asyncio
import contextlib
import json
import select
import socket
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from doubles import CALLER, SteppingClock, notice, version
from informativa.call.guard import ABANDONED, FAILURES, PAUSE_SECONDS, THREADS, WAITING, block, suspend
from informativa.call.lookup_http import HttpLookup
from informativa.call.lookup_sql import SqlLookup, statement
from informativa.call.lookups import GuardedLookup, parse_answer
from informativa.model import Identified, Lookup, Period, RecordKind, ReportedDelivery
from informativa.model.errors import LookupSourceError

ROME = ZoneInfo("Europe/Rome")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PRIVACY = notice(version("1"), version("2", starts=datetime(2026, 6, 1, tzinfo=UTC)))
CRM = Lookup("crm", "privacy", RecordKind.CONTRACT, "http://127.0.0.1/{number}", seconds=5.0)
WHO = Identified(CALLER, "IT")


@dataclass
class Crm:
    """A web server of the controller's: what it was asked, and what it answers to each path."""

    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    connections: set[tuple[str, int]] = field(default_factory=set)
    url: str = ""


@pytest.fixture
def crm() -> Iterator[Crm]:
    """One that really listens."""
    server_state = Crm()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            server_state.asked.append((self.path, self.headers["Authorization"]))
            server_state.connections.add(self.client_address)
            status, body = server_state.answers.get(self.path, (404, b""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    server_state.url = f"http://127.0.0.1:{server.server_port}/callers/{{number}}"
    yield server_state
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.fixture
def customers(tmp_path: Path) -> Lookup:
    """A customer database of the controller's, and how it is asked."""
    file = tmp_path / "customers.sqlite3"
    with sqlite3.connect(file) as opened:
        opened.execute("CREATE TABLE told (phone TEXT, on_day TEXT, paper TEXT)")
        opened.executemany(
            "INSERT INTO told VALUES (?, ?, ?)",
            [(CALLER, "2026-03-01", "contract 4711"), ("+391", "2026-03-01", ""), ("+391", "2026-04-01", "")],
        )
    opened.close()
    query = "SELECT on_day AS date, paper AS Reference FROM told WHERE phone = {number}"
    return replace(CRM, question=query, driver="sqlite3", arguments={"database": str(file)})


UNDERSTOOD = [
    ({"version": "2"}, "2", NOW),
    ({"version": "1", "date": "2026-05-31"}, "1", datetime(2026, 5, 31, tzinfo=UTC)),
    ({"version": "2", "date": "2026-06-01"}, "2", datetime(2026, 6, 1, tzinfo=UTC)),
    ({"date": "1997-05-08"}, "1", datetime(1997, 5, 8, tzinfo=UTC)),
    ({"date": "2026-05-31"}, "1", datetime(2026, 5, 31, tzinfo=UTC)),
    ({"date": date(2026, 6, 1)}, "2", datetime(2026, 6, 1, tzinfo=UTC)),
    ({"date": "2026-06-01T12:00:00+02:00"}, "2", datetime(2026, 6, 1, 10, tzinfo=UTC)),
    ({"date": datetime(2026, 6, 1, 9)}, "2", datetime(2026, 6, 1, 9, tzinfo=UTC)),  # as drivers give it
]


@pytest.mark.parametrize(("answer", "version_id", "at"), UNDERSTOOD)
def test_answer(answer: dict[str, Any], version_id: str, at: datetime) -> None:
    """A version, a date or both say what a caller was told: without a version, the one in force then."""
    delivery = parse_answer([answer], WHO, CRM, PRIVACY, NOW)
    assert delivery is not None
    assert (delivery.version.id, delivery.at, delivery.kind) == (version_id, at, RecordKind.CONTRACT)


WHY_IMPLAUSIBLE = [
    {},
    {"version": ""},
    {"version": "1"},
    {"version": "1", "date": "2026-07-01"},
    {"version": "1", "date": "2026-06-01"},
    {"date": "1997-05-07"},
    {"version": "3"},
    {"version": "2", "date": "tomorrow"},
    {"date": "2026-11-25"},
    {"date": 20260101},
    {"date": "0001-01-01"},
    {"date": "1900-01-01"},
    {"date": "1970-01-01T00:00:00"},
    {"version": "2", "date": "2026-05-31"},
    {"date": True},
    {"date": ["2026-01-01"]},
]


@pytest.mark.parametrize("answer", WHY_IMPLAUSIBLE)
def test_doubtful_answer(answer: dict[str, Any]) -> None:
    """An answer that is unknown, malformed or impossible is an error, and reports no delivery."""
    with pytest.raises(LookupSourceError, match="look-up crm gave"):
        parse_answer([answer], WHO, CRM, PRIVACY, NOW)


def test_day_is_one_of_the_controllers() -> None:
    """Today is not to come between midnight and 2 in Rome, and what is past the retention tells nothing."""
    night = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    delivery = parse_answer([{"date": "2026-11-25"}], WHO, CRM, PRIVACY, night, Period(6), ROME)
    assert delivery is not None
    assert delivery.at == datetime(2026, 11, 24, 23, tzinfo=UTC)
    with pytest.raises(LookupSourceError, match="past the retention"):
        parse_answer([{"date": "2026-05-24"}], WHO, CRM, PRIVACY, night, Period(6), ROME)


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        ("contract 4711", "crm: contract 4711"),
        (None, "crm"),
        ("a\r\nb\0c", "crm: a b c"),
        (f"signed by {CALLER}", "crm"),
        ("signed by 333 123-4567", "crm"),
        ("signed for 347.000.0001", "crm: signed for ###.###.####"),
        ("contract 2026/17", "crm: contract 2026/17"),
        ("x" * 1000, "crm: " + "x" * 200),
    ],
)
def test_reference(answered: object, expected: str) -> None:
    """The paper that an answer names is kept, in print and bounded, and never with the caller's number."""
    delivery = parse_answer([{"version": "2", "reference": answered}], WHO, CRM, PRIVACY, NOW)
    assert delivery is not None
    assert delivery.reference == expected


def test_http(crm: Crm) -> None:
    """The number goes into the URL encoded, the token into a header; the connection is kept."""
    body = {"informed": True, "version": "2", "reference": "c1"}
    crm.answers["/callers/%2B393331234567"] = (200, json.dumps(body).encode())
    ask = HttpLookup(replace(CRM, question=crm.url, token="secret"))
    assert ask(WHO) == [body]
    assert ask(Identified("../admin?x=1#", customer=True)) == []
    assert crm.asked == [
        ("/callers/%2B393331234567", "Bearer secret"),
        ("/callers/..%2Fadmin%3Fx%3D1%23", "Bearer secret"),
    ]
    assert len(crm.connections) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"not json"),
        (200, b"[]"),
        (200, b'{"version": "2"}'),
        (200, b'{"informed": "yes", "version": "2"}'),
        (200, b'{"informed": false, "informed": true, "version": "2"}'),
        (200, b'{"informed": true, "version": "2", "version": "1"}'),
        (200, b'{"informed": true, "version": "2", "more": {"a": 1, "a": 2}}'),
        (200, b'{"informed": true, "version": "2"' + b" " * 70_000 + b"}"),
        (302, b""),
        (500, b'{"informed": true, "version": "2"}'),
    ],
)
def test_http_answer_that_is_none(crm: Crm, status: int, body: bytes) -> None:
    """Anything but a clear yes or no is a failure; a redirect is not followed."""
    crm.answers["/callers/%2B393331234567"] = (status, body)
    crm.answers["/elsewhere"] = (200, b'{"informed": true, "version": "2"}')
    register = guarded(replace(CRM, question=crm.url), HttpLookup)
    with pytest.raises(LookupSourceError, match="look-up crm"):
        asyncio.run(register.ask(WHO))
    assert len(crm.asked) == 1


def test_http_says_no(crm: Crm) -> None:
    """`informed` false means that the caller was not told."""
    crm.answers["/callers/%2B393331234567"] = (200, b'{"informed": false, "version": "2"}')
    assert asyncio.run(guarded(replace(CRM, question=crm.url), HttpLookup).ask(WHO)) is None


def guarded(lookup: Lookup, opened: Any, monotonic: Any = lambda: 0.0, wait: Any = suspend) -> GuardedLookup:
    """A register as the service has it."""
    return GuardedLookup(lookup, PRIVACY, opened, wait, SteppingClock(), monotonic)


@pytest.mark.parametrize("wait", [suspend, block])
def test_sql(customers: Lookup, wait: Any) -> None:
    """One row tells of one caller, no row of none, and more than one row is a doubt."""
    register = guarded(customers, SqlLookup, wait=wait)

    async def ask(number: str) -> ReportedDelivery | None:
        return await register.ask(Identified(number))

    delivery = asyncio.run(ask(CALLER))
    assert delivery is not None
    assert (delivery.version.id, delivery.reference) == ("1", "crm: contract 4711")
    assert asyncio.run(ask("+39333'; DROP TABLE told; --")) is None
    with pytest.raises(LookupSourceError, match="more than one row"):
        asyncio.run(ask("+391"))


def test_sql_answer_that_contradicts_itself(customers: Lookup) -> None:
    """A column that comes twice is a doubt: nobody can say which of both holds."""
    twice = replace(
        customers,
        question=customers.question.replace("SELECT ", "SELECT '1' AS version, '9' AS VERSION, ", 1),
    )
    with pytest.raises(LookupSourceError, match="look-up crm answered with a name that comes twice"):
        asyncio.run(guarded(twice, SqlLookup).ask(WHO))


def test_sql_writes_nothing(customers: Lookup) -> None:
    """A query that would write is refused by the database itself, and nothing stays locked."""
    ask = SqlLookup(
        replace(customers, question="WITH x AS (SELECT 1) DELETE FROM told WHERE phone = {number}")
    )
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        ask(WHO)
    with sqlite3.connect(customers.arguments["database"], timeout=0) as other:
        assert other.execute("SELECT count(*) FROM told").fetchone() == (3,)
        other.execute("DELETE FROM told")
    other.close()


def test_sql_connection_that_was_closed_meanwhile_is_made_anew(customers: Lookup) -> None:
    """A database that dropped the kept connection is asked again on a new one."""
    ask = SqlLookup(customers)
    assert len(ask(WHO)) == 1
    ask._connection.close()
    assert len(ask(WHO)) == 1


@pytest.mark.parametrize(
    ("style", "query", "values"),
    [
        ("qmark", "SELECT 1 WHERE a LIKE '5%' AND b IN (?, ?)", ("+39", "+39")),
        ("format", "SELECT 1 WHERE a LIKE '5%%' AND b IN (%s, %s)", ("+39", "+39")),
        ("numeric", "SELECT 1 WHERE a LIKE '5%' AND b IN (:1, :1)", ("+39",)),
        ("named", "SELECT 1 WHERE a LIKE '5%' AND b IN (:number, :number)", {"number": "+39"}),
        ("pyformat", "SELECT 1 WHERE a LIKE '5%%' AND b IN (%(number)s, %(number)s)", {"number": "+39"}),
    ],
)
def test_placeholders_of_each_style(style: str, query: str, values: object) -> None:
    """The one spelling in the configuration becomes that of any driver (PEP 249 paramstyle)."""
    question = "SELECT 1 WHERE a LIKE '5%' AND b IN ({number}, {number})"
    assert statement(question, style, "+39") == (query, values)


class Hanging:
    """A system that answers when it is let go, and not before."""

    def __init__(self) -> None:
        self.asked = 0
        self.free = threading.Event()
        self._begun = threading.Semaphore(0)

    async def suspend(self, future: Future[Any], seconds: float) -> Any:
        """Wait as a call does, from when it was asked on: a busy machine may not start its thread in time."""
        assert await asyncio.to_thread(self._begun.acquire, timeout=30)
        return await suspend(future, seconds)

    def __call__(self, _lookup: Lookup) -> Any:
        def ask(caller: Identified) -> Any:
            self.asked += 1
            self._begun.release()
            self.free.wait(60)
            raise ValueError(f"{caller.number} quoted by a driver")

        return ask


def test_hanging_system_holds_nobody_longer_than_its_time_limit() -> None:
    """A call waits for the time limit; after some failures the system is left in peace, then tried once."""
    hanging, now = Hanging(), [0.0]
    register = guarded(replace(CRM, seconds=0.01), hanging, lambda: now[0], hanging.suspend)

    async def story() -> list[str]:
        messages = []
        for _ in range(FAILURES):
            with pytest.raises(LookupSourceError) as caught:
                await register.ask(WHO)
            messages.append(str(caught.value))
        assert await register.ask(WHO) is None
        assert hanging.asked == FAILURES
        now[0] = PAUSE_SECONDS
        hanging.free.set()
        with pytest.raises(LookupSourceError):
            await register.ask(WHO)
        assert await register.ask(WHO) is None  # one try, and the pause begins anew
        return messages

    messages = asyncio.run(story())
    assert all("did not answer within 10 ms" in message for message in messages)
    assert ["is not asked for 30 s" in message for message in messages] == [False] * (FAILURES - 1) + [True]


def test_system_that_works_again_is_asked_again() -> None:
    """After the pause one good answer is enough."""
    broken, now = [True], [0.0]

    def opened(_lookup: Lookup) -> Any:
        def ask(_caller: Identified) -> Any:
            if broken[0]:
                raise OSError("down")
            return [{"version": "2"}]

        return ask

    register = guarded(CRM, opened, lambda: now[0])

    async def story() -> None:
        for _ in range(FAILURES):
            with pytest.raises(LookupSourceError, match="failed"):
                await register.ask(WHO)
        broken[0], now[0] = False, PAUSE_SECONDS
        assert await register.ask(WHO)
        assert await register.ask(WHO)

    asyncio.run(story())


def test_error_of_a_driver_is_not_quoted() -> None:
    """A driver's message may hold the number that it was given, so only its kind is told."""
    hanging = Hanging()
    hanging.free.set()
    with pytest.raises(LookupSourceError) as caught:
        asyncio.run(guarded(CRM, hanging).ask(WHO))
    assert str(caught.value) == "The look-up crm failed (ValueError)."
    assert caught.value.__cause__ is None


def test_many_calls_at_once_do_not_queue_up() -> None:
    """A limited number of callers is asked about at a time, and a limited number waits; to the others the
    notice is played at once."""
    hanging = Hanging()
    register = guarded(replace(CRM, seconds=20.0), hanging)

    async def story() -> list[object]:
        calls = [asyncio.create_task(register.ask(WHO)) for _ in range(THREADS + WAITING + 5)]
        finished, waiting = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        assert len(finished) == 5
        assert len(waiting) == THREADS + WAITING
        hanging.free.set()
        await asyncio.gather(*waiting, return_exceptions=True)
        return [task.result() for task in finished]

    assert asyncio.run(story()) == [None] * 5


def test_customer_number_is_not_asked_where_telephone_numbers_are_known() -> None:
    """A look-up knows one kind of number, and is asked about no other."""
    hanging = Hanging()
    assert asyncio.run(guarded(CRM, hanging).ask(Identified("4711", customer=True))) is None
    assert hanging.asked == 0


def test_hanging_threads_are_left_behind_and_keep_no_number() -> None:
    """A driver that never returns is asked again after the pause, by new threads, and not without bound; what
    was not asked about is not kept."""
    hanging, now = Hanging(), [0.0]
    register = guarded(replace(CRM, seconds=0.01), hanging, lambda: now[0])

    async def break_it() -> None:
        for _ in range(FAILURES if now[0] == 0 else 1):
            with pytest.raises(LookupSourceError):
                await register.ask(WHO)
        now[0] += PAUSE_SECONDS

    async def story() -> None:
        for _ in range(2 * ABANDONED):
            await break_it()

    asyncio.run(story())
    assert FAILURES < hanging.asked <= ABANDONED
    waiting = []
    while not register._guard._jobs.empty():
        waiting.append(register._guard._jobs.get())
    assert not any(waiting)
    hanging.free.set()


ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{"informed": false}'


@dataclass
class Dripping:
    """A web server that sends `text` at once and then a byte every tenth of a second, for as long as it is
    listened to."""

    text: bytes
    begun: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)

    def serve(self, server: socket.socket) -> None:
        """One connection."""
        connection, _ = server.accept()
        self.begun.set()
        with connection:
            connection.recv(10_000)
            with contextlib.suppress(OSError):
                connection.sendall(self.text)
                while not select.select([connection], [], [], 0.1)[0]:  # until the other side closes
                    connection.sendall(b"x")
        self.left.set()


def assert_all_end(register: GuardedLookup) -> None:
    """Every thread of it is free, and ends when there is nothing more to ask."""
    threads = register._guard._alive
    assert threads
    register.close()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    "text",
    [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 100 Continue\r\n", ANSWER[:-1].replace(b"18", b"60000")],
    ids=["status", "header", "interim", "body"],
)
@pytest.mark.parametrize("wait", [suspend, block])
@pytest.mark.slow
def test_i4_answer_that_drips_holds_its_thread_no_longer_than_the_time_limit(text: bytes, wait: Any) -> None:
    """I4: the limit is for the whole answer; a server that sends a byte now and then is hung up on, and the
    thread is free for the next question."""
    dripping = Dripping(text)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/{{number}}"

        async def once_asked(future: Future[Any], seconds: float) -> Any:
            await asyncio.to_thread(dripping.begun.wait, 30)
            return await wait(future, seconds)

        register = guarded(replace(CRM, question=url, seconds=0.5), HttpLookup, wait=once_asked)
        for _ in range(2):
            serving = threading.Thread(target=dripping.serve, args=(server,))
            serving.start()
            with pytest.raises(LookupSourceError, match="did not answer within 500 ms"):
                asyncio.run(register.ask(WHO))
            assert dripping.left.wait(30)  # it would drip for ever
            dripping.begun.clear(), dripping.left.clear()
            serving.join()
    assert_all_end(register)


def test_i4_query_that_takes_too_long_is_interrupted(customers: Lookup) -> None:
    """I4: a query that computes for ever is ended when its time is over, and the next one is answered."""
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n WHERE i > "
    )
    register = guarded(replace(customers, question=endless + "{number}", seconds=0.2), SqlLookup)
    for _ in range(2):
        with pytest.raises(LookupSourceError, match="did not answer within 200 ms"):
            asyncio.run(register.ask(WHO))
    assert_all_end(register)


def test_i4_what_takes_all_the_time_to_open_is_not_asked() -> None:
    """I4: a driver whose import took longer than the call waits asks nothing afterwards for nobody."""
    hanging, opening = Hanging(), threading.Event()
    hanging.free.set()

    def opened(lookup: Lookup) -> Any:
        opening.wait(60)
        return hanging(lookup)

    register = guarded(replace(CRM, seconds=0.05), opened)
    with pytest.raises(LookupSourceError, match="did not answer"):
        asyncio.run(register.ask(WHO))
    opening.set()
    assert_all_end(register)
    assert hanging.asked == 0


def test_closing_ends_every_thread() -> None:
    """All four threads that ask at once end when there are no more questions."""
    together = threading.Barrier(4)

    def opened(_lookup: Lookup) -> Any:
        def ask(_caller: Identified) -> Any:
            together.wait(60)
            return []

        return ask

    async def story() -> list[ReportedDelivery | None]:
        return await asyncio.gather(*(register.ask(WHO) for _call in range(4)))

    register = guarded(replace(CRM, seconds=20.0), opened)
    assert asyncio.run(story()) == [None] * 4
    assert len(register._guard._alive) == 4
    assert_all_end(register)


class Dying(BaseException):
    """An exception of a driver that calls `sys.exit`, or of one in Rust that panics."""


def test_i4_driver_that_would_end_its_thread_ends_nothing() -> None:
    """I4: whatever a driver raises is one look-up's failure: neither the service nor the thread ends, and the
    next question is answered."""
    answers: list[Any] = [SystemExit(3), Dying(), [{"version": "2"}]]

    def opened(_lookup: Lookup) -> Any:
        def ask(_caller: Identified) -> Any:
            if isinstance(answer := answers.pop(0), BaseException):
                raise answer
            return answer

        return ask

    async def story(register: GuardedLookup) -> None:
        for _ in range(2):
            with pytest.raises(LookupSourceError, match=r"The look-up crm failed \(RuntimeError\)\."):
                await register.ask(WHO)
        assert await register.ask(WHO)

    register = guarded(CRM, opened)
    asyncio.run(story(register))
    assert_all_end(register)


def test_i4_thread_that_cannot_be_started_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """I4: where the system gives no thread the notice is played; when it gives one again, all is well."""

    def none(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    times, now = THREADS + WAITING + 1, [0.0]
    register = guarded(CRM, lambda _lookup: lambda _caller: [{"version": "2"}], lambda: now[0])

    async def story() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", none)
            for _ in range(times):
                with pytest.raises(LookupSourceError, match=r"failed \(RuntimeError\)"):
                    await register.ask(WHO)
                now[0] += PAUSE_SECONDS
        assert await register.ask(WHO)

    asyncio.run(story())
    assert_all_end(register)
