"""Each turn of an exchange, with a database that answers by a list: what it asks, by what, and what it then
counts as sent. (tests/sharing/test_exchange_steps.py has the same on a real one.)"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest

from examples import PLAYED
from informativa.ledgers import boxes
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import RecordKind, SharedDatabase
from informativa.model.errors import SharedDatabaseError
from informativa.sharing import box_statements, exchange
from informativa.sharing.connection import Connection
from informativa.sharing.exchange import Exchange, say_alive, send_together
from informativa.sharing.membership import About
from informativa.sharing.retirements import OtherLedger
from informativa.sharing.rows import COLUMNS, Statements
from sharing.answering import Answer, Answering

MEETING = replace(SharedDatabase(("127.0.0.1:1",), "of_{controller}", "pbx-1"), name="of_acme")
SQL = Statements(9)
THIRD = b"3" * 16


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """This box's ledger, with five records."""
    with closing(SqliteStore(str(tmp_path / "acme.sqlite3"))) as opened:
        opened.append([PLAYED] * 5)
        yield opened


class Meeting(Answering):
    """The database, which has `sent` records of this ledger, and their answers up to `answered`."""

    def __init__(self, store: SqliteStore, sent: int, answered: int) -> None:
        self.row = [boxes.identity(store), sent, 11, 11, False, sent, answered]
        super().__init__({SQL.ledger: [tuple(self.row)], box_statements.SEEN: [(0,)]})
        self.batch, self.clock_ahead = 40, None

    def asked_for(self, *queries: str) -> list[tuple[str, object]]:
        """Return these statements with their values, and forget all that was asked."""
        entries = [entry for entry in self.asked if isinstance(entry, tuple) and entry[0] in queries]
        self.asked.clear()
        return cast("list[tuple[str, object]]", entries)


def of(store: SqliteStore, sent: int = 0, answered: int = 0) -> tuple[Exchange, Meeting]:
    """Return the exchange of the ledger, over the connection of another company, and its database."""
    database = Meeting(store, sent, answered)
    own = Exchange(store, cast("Connection", database), MEETING, "acme", About("1", "k", "c"), company=9)
    database.asked.clear()
    return own, database


def rows_of(*records: int, kind: str = "", reference: str = "") -> list[tuple[Any, ...]]:
    """Return rows of a page, of which only number, kind and reference matter."""
    width = len(COLUMNS) + 20
    shown = []
    for number in records:
        row: list[Any] = [None] * width
        row[0], row[COLUMNS.index("kind")], row[COLUMNS.index("reference")] = number, kind, reference
        shown.append(tuple(row))
    return shown


class Noting:
    """Notes by which values it is called, and answers the next of the results."""

    def __init__(self, *results: object) -> None:
        self.results, self.called = list(results), list[tuple[Any, ...]]()

    def __call__(self, *values: object, **named: object) -> Any:
        self.called.append((*values, *named.values()))
        return self.results.pop(0) if self.results else None


def test_exchange_that_begins_is_of_its_own_company(store: SqliteStore) -> None:
    """Though the connection was opened for another; nothing is left to send yet."""
    own, _database = of(store, 5, 5)
    assert (own.company, own.has_rest, own.newest, own.sent, own.others) == (9, False, 5, 5, 0)


class Part:
    """A part of an exchange; it notes by what it was made and asked for."""

    def __init__(self, **results: list[object]) -> None:
        self.results, self.made, self.asked = results, list[tuple[Any, ...]](), list[tuple[Any, ...]]()

    def __call__(self, *values: object) -> Part:
        self.made.append(values)
        return self

    def __getattr__(self, name: str) -> Any:
        def method(*values: object, **_named: object) -> object:
            self.asked.append((name, *values))
            return self.results[name].pop(0) if self.results.get(name) else None

        return method


class Joining(Meeting):
    """The database, which does not know this box until it takes part."""

    def execute(self, query: str, values: object = None, *, binary: bool = False) -> Answer:
        """Answer a statement."""
        if query == SQL.take_part:
            self.rows[SQL.ledger] = [tuple(self.row)]
        return super().execute(query, values, binary=binary)


@pytest.mark.parametrize("is_new", [True, False])
def test_box_joins_once_nobody_is_to_be_erased(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, is_new: bool
) -> None:
    """While nobody can order an erasure; what was erased since the last look is erased first. Each part of
    the exchange is of this company and box; only a box that is new there orders its erasures again."""
    database, identity, passed = Joining(store, 0, 0), boxes.identity(store), cast("Any", {})
    del database.rows[SQL.ledger]
    database.rows[SQL.take_part] = [()] if is_new else []
    parts = {name: Part() for name in ("Receiver", "ProofSender", "Retirements")}
    erasures = Part(unerased=[{b"he"}, set()])
    others = Noting("before", "after")
    for name, part in (*parts.items(), ("Erasures", erasures), ("other_ledgers", others)):
        monkeypatch.setattr(exchange, name, part)
    own = Exchange(
        store, cast("Connection", database), MEETING, "acme", About(), [b"key"], company=9, passed=passed
    )
    assert own.sent == 0
    looks = [entry for entry in database.asked if isinstance(entry, tuple) and entry[0] == SQL.ledger]
    assert len(looks) == 3  # who joined is not looked up to see whether he did, only to go on from his row
    assert [part.made[0] for part in parts.values()] == [
        (store, 9, passed),
        (store, database, 9, "acme", "pbx-1", identity),
        (store, database, MEETING, 9, "acme"),
    ]
    assert erasures.made == [(store, database, MEETING, 9, "acme", identity, [b"key"])]
    assert others.called == [(database, 9, "pbx-1")] * 2
    assert erasures.asked == [
        ("erase_again",),
        ("unerased", "before", "pbx-1"),
        ("erase_again",),
        ("unerased", "after", "pbx-1"),
        ("note_lost", "after"),
        *([("order_all_again",)] if is_new else []),
    ]


@pytest.mark.parametrize(
    ("answered", "page", "more", "taken", "upto"),
    [
        (0, [(2, "a"), (4, "b")], [], 2, 5),  # a page that is not full: all up to the last record
        (0, [(2, "a"), (4, "b"), (5, "c")], [], 3, 5),
        (1, [(2, "a"), (3, "b"), (4, "c")], [], 3, 4),  # a full one: up to its own last record
        (0, [], [], 0, 5),
    ],
)
def test_answers_of_before_are_sent_by_pages(
    store: SqliteStore,
    monkeypatch: pytest.MonkeyPatch,
    answered: int,
    page: list[tuple[int, str]],
    more: list[object],
    taken: int,
    upto: int,
) -> None:
    """In one transaction, whose batch is counted, guarded by all that this box knows of its row; where the
    row has changed nothing is sent, and it is tried once more."""
    own, database = of(store, 5, answered)
    monkeypatch.setattr(exchange, "PAGE", 3)
    looked = Noting(page, page, more)
    monkeypatch.setattr(exchange.boxes, "answers", looked)
    database.rows |= {box_statements.BATCH: [(41,)]}
    assert own.send_answers() == 0
    guard = (boxes.identity(store), 11, answered, 5)
    assert database.asked_for(SQL.answering, SQL.answer) == [(SQL.answering, (upto, "pbx-1", *guard))]
    database.rows |= {SQL.answering: [()], box_statements.BATCH: []}
    assert own.send_answers() == taken
    (counted, *_others) = [e for e in database.asked if isinstance(e, tuple) and e[0] == box_statements.BATCH]
    assert (counted[1]["known"], counted[1]["box"]) == (41, "pbx-1")
    assert (database.asked[0], database.asked[-1], cast("Any", database).batch) == ("begin", "commit", 0)
    columns = [list(column) for column in zip(*page, strict=True)]
    sent = [(SQL.answer, (*columns, "pbx-1"))] if page else []
    assert database.asked_for(SQL.answer) == sent
    assert looked.called == [(store, answered, 5, 3)] * 2
    if upto < 5:
        own.send_answers()
        assert looked.called[-1] == (store, upto, 5, 3)
    else:
        assert own.send_answers() == 0
        assert (database.asked, len(looked.called)) == ([], 2)


def test_refusals_go_before_a_full_page(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page by page, out of turn, and each once; where one cannot be sent the page waits, too."""
    own, database = of(store)
    monkeypatch.setattr(exchange, "PAGE", 2)
    pages = [rows_of(3, 4), rows_of(5), []]
    looked, sent = Noting(*pages), Noting([own], [])
    monkeypatch.setattr(exchange.boxes, "refusals", looked)
    monkeypatch.setattr(exchange, "send_together", sent)
    assert own.page() == []
    assert [values[1:] for values in looked.called] == [(2, 2), (4, 2)]
    assert sent.called == [(database, MEETING, [(own, page)], False) for page in pages[:2]]
    looked.results, sent.results = [rows_of(5), []], [[own]]
    assert [row[0] for row in own.page()] == [1, 2]
    assert [values[1:] for values in looked.called[2:]] == [(4, 2), (5, 2)]
    looked.results, looked.called = [[]], []
    assert [row[0] for row in own.page()] == [1, 2]
    assert [values[1:] for values in looked.called] == [(5, 2)]
    assert all(values[0] is store for values in looked.called)


def test_values_by_which_a_page_is_sent(store: SqliteStore) -> None:
    """Out of turn the last record stays the one that was sent."""
    own, _database = of(store, 3, 3)
    assert own.standing([])[:6] == (9, 3, boxes.identity(store), 11, 3, 3)
    assert own.standing(rows_of(4, 5))[:2] == (9, 5)


@pytest.mark.parametrize(
    ("answered", "lags", "page", "expected"),
    [
        (3, False, rows_of(4, 5), False),
        (3, False, rows_of(4, 5, 6), True),  # a full page
        (2, False, rows_of(4), True),  # answers of before are to be sent
        (3, True, rows_of(4), True),  # proofs are
        (3, False, rows_of(4, kind=RecordKind.ERASURE), True),  # an order is
    ],
)
def test_page_that_was_sent_may_leave_something(
    store: SqliteStore,
    monkeypatch: pytest.MonkeyPatch,
    answered: int,
    lags: bool,
    page: list[tuple[Any, ...]],
    expected: bool,
) -> None:
    """And the box has said by it how far it is."""
    own, database = of(store, 3, answered)
    monkeypatch.setattr(exchange, "PAGE", 3)
    monkeypatch.setattr(own._proofs, "lags", Noting(lags))
    monkeypatch.setattr(own._proofs, "after", Noting(3))
    own.confirm(page)
    assert (own.sent, own.has_rest) == (page[-1][0], expected)
    own.newest = 0
    monkeypatch.setattr(own._proofs, "has_news", Noting(False))
    newest = max(5, own.sent)
    store.append([PLAYED] * (newest - store.newest()))
    own.report(About("1", "k", "c"))
    assert database.asked_for(SQL.say) == []
    own.report(About("1", "l", "c"))
    assert database.asked_for(SQL.say) == [
        (SQL.say, (newest, "l", "c", "pbx-1", boxes.identity(store), newest, "l", "c"))
    ]


def test_erasures_are_followed_by_number_and_text(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records of calls are not."""
    own, _database = of(store)
    followed = Noting()
    monkeypatch.setattr(own._erasures, "follow", followed)
    for row in (*rows_of(3), *rows_of(4, kind=RecordKind.ERASURE, reference="text")):
        own.follow(row)
    assert followed.called == [(4, "text")]


def test_what_is_there_of_others_is_told_to_all_who_wait(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To who receives, to who looks for erased callers that come back, and to who compares retirements."""
    own, database = of(store)
    received, returned, compared = Noting(), Noting(True, False, True), Noting()
    monkeypatch.setattr(own.receiver, "expect", received)
    monkeypatch.setattr(own._erasures.returned, "expect", returned)
    monkeypatch.setattr(own._retirements, "compare", compared)
    database.rows[SQL.ledgers] = [("pbx-2", 7, 6, THIRD, True, "pbx-3"), ("pbx-3", 8, 8, THIRD, False, None)]
    own.expect_all()
    assert received.called == [("pbx-2", THIRD, 7, 6), ("pbx-3", THIRD, 8, 8)]
    assert returned.called == [("pbx-2", 7, True), ("pbx-3", 8, False)]
    assert compared.called == [
        ([OtherLedger("pbx-2", 7, THIRD, True, "pbx-3"), OtherLedger("pbx-3", 8, THIRD, False, None)],)
    ]
    assert own.expect("pbx-2", THIRD, 9, 9)
    assert returned.called[-1] == ("pbx-2", 9, False)


@pytest.mark.parametrize(
    ("changed", "news", "looks"), [(True, False, True), (False, True, True), (False, False, False)]
)
def test_proofs_are_looked_for_where_there_may_be_some(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, changed: bool, news: bool, looks: bool
) -> None:
    """After a change of the ledger, or where the log has news."""
    own, _database = of(store)
    looked = Noting()
    monkeypatch.setattr(own._proofs, "has_news", Noting(news))
    monkeypatch.setattr(own._proofs, "look", looked)
    assert own.report(About("1", "k", "c"), changed=changed) is looks
    assert len(looked.called) == looks


def test_clock_is_compared_and_told_the_next_time(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the middle of the round trip; a server that says no time is taken to agree with the beginning."""
    _own, database = of(store)
    for rows, expected in (([(90.0,)], 12.0), ([], 2.0)):
        ticks = iter((100.0, 104.0))
        monkeypatch.setattr(exchange.time, "time", lambda ticks=ticks: next(ticks))
        database.rows[box_statements.SEEN] = cast("Any", rows)
        before = cast("Any", database).clock_ahead
        say_alive(cast("Connection", database), MEETING, About("1", "k", "c"))
        assert database.asked_for(box_statements.SEEN) == [(box_statements.SEEN, ("pbx-1", "1", before))]
        assert cast("Any", database).clock_ahead == expected


@pytest.mark.parametrize(
    "step",
    [
        lambda own: own.send_answers(),
        lambda own: own.report(About("1", "other keys", "c")),
        lambda own: own.expect_all(),
        lambda own: own._look(),
    ],
)
def test_step_that_fails_names_the_database(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, step: Callable[[Exchange], object]
) -> None:
    """And is made again the next time."""
    own, database = of(store, 5, 0)

    def failing(*_values: object, **_named: object) -> None:
        raise psycopg.OperationalError("gone")

    monkeypatch.setattr(database, "execute", failing)
    with pytest.raises(SharedDatabaseError, match="of_acme"):
        step(own)


@pytest.mark.parametrize(
    ("is_seen", "page", "expected"),
    [(True, ["a", "b"], [("pbx-2", 9, 9)]), (None, ["a"], []), (True, None, []), (None, None, [])],
)
def test_whoever_looks_on_hears_of_pages_of_callers(
    store: SqliteStore,
    monkeypatch: pytest.MonkeyPatch,
    is_seen: bool | None,
    page: list[str] | None,
    expected: list[tuple[object, ...]],
) -> None:
    """Not of what was only looked for, nor of a page that another server had."""
    own, _database = of(store)
    request = SimpleNamespace(box="pbx-2", upto=9, seen=is_seen)
    monkeypatch.setattr(own, "expect_all", Noting())
    monkeypatch.setattr(own.receiver, "requests", Noting([request], []))
    monkeypatch.setattr(own.receiver, "take_in", Noting(9))
    monkeypatch.setattr(exchange.receiving, "at_once", lambda requests, _count: requests)
    monkeypatch.setattr(exchange.receiving, "receive", Noting([page]))
    progress = Noting()
    assert own.receive(progress=progress) == len(page or ())
    assert progress.called == expected


class Refusing:
    """Sends, and refuses the first time."""

    def __init__(self) -> None:
        self.called: list[tuple[Any, ...]] = []

    def __call__(self, *values: object, in_turn: bool) -> Sequence[object]:
        """Send pages."""
        self.called.append((*values, in_turn))
        if len(self.called) == 1:
            raise psycopg.DataError
        return ["sent"]


@pytest.mark.parametrize("in_turn", [True, False])
def test_page_that_the_database_cannot_take_is_sent_without_nul(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, in_turn: bool
) -> None:
    """In its turn or out of it, as before."""
    own, database = of(store)
    sending = Refusing()
    monkeypatch.setattr(exchange, "_send_together", sending)
    monkeypatch.setattr(exchange.shared_rows, "plain", lambda page: ["plain", *page])
    assert send_together(cast("Connection", database), MEETING, [(own, ["row"])], in_turn=in_turn) == ["sent"]  # type: ignore[list-item]
    assert sending.called == [
        (database, "pbx-1", [(own, ["row"])], in_turn),
        (database, "pbx-1", [(own, ["plain", "row"])], in_turn),
    ]


@pytest.mark.parametrize(
    ("in_turn", "inserted", "compared"), [(True, 2, 0), (True, 1, 1), (False, 1, 0), (False, 2, 0)]
)
def test_pages_are_compared_where_something_was_there_already(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, in_turn: bool, inserted: int, compared: int
) -> None:
    """Of pages in turn alone, which count as sent then; the batch is counted for this box."""
    own, database = of(store, 3, 3)

    page = boxes.page(store, 3, 9)
    database.rows |= {
        box_statements.SENDING: [(9,)],
        box_statements.SEND: [()] * inserted,
        box_statements.BATCH: [(41,)],
    }
    same, confirmed = Noting(), Noting()
    monkeypatch.setattr(own, "require_same", same)
    monkeypatch.setattr(own, "confirm", confirmed)
    assert send_together(cast("Connection", database), MEETING, [(own, page)], in_turn=in_turn) == [own]
    assert (len(same.called), confirmed.called) == (compared, [(page,)] if in_turn else [])
    assert cast("Any", database).batch == 41
    (counted, sending) = database.asked_for(box_statements.BATCH, box_statements.SENDING)
    assert cast("Any", counted[1])["box"] == "pbx-1"
    assert cast("Any", counted[1])["random"] < 1 << 62
    assert cast("Any", sending[1])[1] == [5 if in_turn else 3]
    database.rows[box_statements.BATCH] = []
    send_together(cast("Connection", database), MEETING, [(own, page)], in_turn=False)
    assert cast("Any", database).batch == 0
