"""Erased callers who come back, step by step: who is asked for when, erased, and asked for once more, on a
ledger of its own and with a database that answers by a list."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from examples import ONE, OTHER, PLAYED
from informativa.ledgers import boxes, erasure_requests, lost_records
from informativa.ledgers.boxes import ReceivedPage
from informativa.ledgers.erasure import ErasureResult
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import SharedDatabase
from informativa.model.hooks import ErasureUnfinishedError
from informativa.sharing import returned_callers
from informativa.sharing.box_statements import KNOWN
from informativa.sharing.connection import Connection
from informativa.sharing.erasure_statements import ErasureStatements
from informativa.sharing.retired_leaves import RetiredLeaves
from informativa.sharing.returned_callers import ReturnedCallers
from informativa.sharing.rows import Statements
from sharing.answering import Answering
from traces import put_in_outbox

MEETING = replace(SharedDatabase(("127.0.0.1:1",), "of_{controller}", "pbx-1"), name="of_acme")
SQL = ErasureStatements(7)
LEDGERS = Statements(7).ledgers
THIRD = b"3" * 32
A, B = b"a" * 32, b"b" * 32
SENT_ONCE_MORE = "erased callers were in the shared database: all boxes are asked once more to erase them"


class Leaves:
    """The leaves of boxes that left: what is done with those of callers."""

    def __init__(self) -> None:
        self.done: list[tuple[str, list[bytes]]] = []

    def note(self, pseudonyms: Sequence[bytes]) -> bool:
        """Note that they are erased."""
        self.done.append(("note", [*pseudonyms]))
        return False

    def erase_of(self, pseudonyms: Sequence[bytes]) -> None:
        """Erase them."""
        self.done.append(("erase", [*pseudonyms]))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteStore]:
    """This box's ledger; errors are translated as those of the company's database."""

    def translated(database: SharedDatabase) -> AbstractContextManager[None]:
        assert database == MEETING
        return nullcontext()

    monkeypatch.setattr(returned_callers, "translated", translated)
    with closing(SqliteStore(str(tmp_path / "acme.sqlite3"))) as made:
        yield made


def returned_of(store: SqliteStore, database: Answering) -> ReturnedCallers:
    """Return the erased callers of a ledger who came back."""
    leaves = cast("RetiredLeaves", Leaves())
    return ReturnedCallers(store, cast("Connection", database), MEETING, 7, "acme", leaves)


def store_erased(store: SqliteStore, *records: tuple[str, int, bytes]) -> None:
    """Store records of others that are erased at the request of this box."""
    with store.transaction(), store.connected() as ledger:
        lost_records.store_erased(ledger, records)


def store_tails(store: SqliteStore, **tails: int) -> None:
    """Store up to which record callers are known from other boxes, by their numbers."""
    with store.transaction(), store.connected() as ledger:
        values = [(f"pbx-{name[1:]}", record) for name, record in tails.items()]
        ledger.executemany("INSERT INTO lost_tail VALUES (?, ?)", values)


def asked_of(database: Answering) -> list[tuple[str, object]]:
    """Return what was asked since the last time, and forget it; a transaction by its beginning and end."""
    asked = [
        ("returned" if entry[0] == SQL.returned else entry[0], entry[1])
        if isinstance(entry, tuple)
        else (str(entry), None)
        for entry in database.asked
    ]
    database.asked.clear()
    return asked


def looked_at(*columns: Sequence[object]) -> list[tuple[str, object]]:
    """Return what is asked about records: the names of the boxes, the numbers, the commitments."""
    return [("begin", None), ("returned", columns), ("commit", None)]


def test_records_are_looked_at_once_and_again_on_another_server(store: SqliteStore) -> None:
    """All of them at first, and once the database may be another: then each by box, number and commitment, in
    one transaction."""
    store_erased(store, ("pbx-2", 3, A), ("pbx-3", 9, B))
    database = Answering()
    returned = returned_of(store, database)
    all_statements = looked_at(["pbx-2", "pbx-3"], [3, 9], [A, B])
    for expected in (all_statements, [], []):
        returned.look()
        assert asked_of(database) == expected
    returned.forget()
    assert returned.expect("pbx-2", 3, left=False)
    returned.look()
    assert asked_of(database) == all_statements
    assert not returned.expect("pbx-2", 3, left=False)


def test_acts_that_the_hook_does_not_get_any_more_are_logged(store: SqliteStore) -> None:
    """Without the caller, and once: they went with his record."""
    store.append([replace(PLAYED, pseudonym=ONE)])
    put_in_outbox(store.file, 1)
    for expected in (["granted offers, record 1"], None):
        with capture_logs() as logged:
            returned_callers.erase_here(store, "acme", [ONE], datetime.now(UTC))
        assert [entry.get("acts") for entry in logged] == ([expected] if expected else [])


def test_acts_are_logged_though_the_erasure_is_not_finished(store: SqliteStore) -> None:
    """The error is raised all the same, and nothing is said of acts where there were none."""
    store.append([replace(PLAYED, pseudonym=ONE)])
    put_in_outbox(store.file, 1)
    store.file.with_name(f"{store.file.name}.rescued-2026-11-25T10-11-12").mkdir()
    for expected in (["granted offers, record 1"], None):
        with capture_logs() as logged, pytest.raises(ErasureUnfinishedError):
            returned_callers.erase_here(store, "acme", [ONE], datetime.now(UTC))
        assert [entry.get("acts") for entry in logged] == ([expected] if expected else [])


def test_ledger_that_erased_nobody_elsewhere_asks_nothing(store: SqliteStore) -> None:
    """No transaction is begun for it."""
    database = Answering()
    returned = returned_of(store, database)
    returned.look()
    assert asked_of(database) == []
    assert not returned.expect("pbx-2", 3, left=False)


def test_server_with_fewer_records_than_before_may_be_another(store: SqliteStore) -> None:
    """A box that was never heard of has 0; the same number, or a higher one, is nothing new."""
    store_erased(store, ("pbx-2", 3, A))
    database = Answering()
    returned = returned_of(store, database)
    returned.look()
    for record, expected in ((0, False), (3, False), (3, False), (9, False), (8, True), (9, True)):
        assert returned.expect("pbx-2", record, left=False) is expected, record
    asked_of(database)
    returned.look()
    assert asked_of(database) == looked_at(["pbx-2"], [3], [A])
    assert not returned.expect("pbx-2", 9, left=False)


def test_record_that_is_not_there_is_looked_for_when_its_box_sent_something(store: SqliteStore) -> None:
    """Or left for good, which is new once; its records alone are looked at. What boxes send from which
    nothing is missing changes nothing, nor what was heard of already."""
    store_erased(store, ("pbx-2", 3, A), ("pbx-3", 9, B))
    missing = {SQL.returned: [("pbx-3", None)]}
    database = Answering(missing)
    returned = returned_of(store, database)
    returned.look()
    of_third = looked_at(["pbx-3"], [9], [B])
    for box, record, left, looks in (
        ("pbx-2", 1, False, False),
        ("pbx-3", 0, False, False),
        ("pbx-3", 1, False, True),
        ("pbx-3", 1, False, False),
        ("pbx-3", 1, True, True),
        ("pbx-3", 1, True, False),
        ("pbx-2", 1, True, False),
        ("pbx-3", 2, True, True),
    ):
        asked_of(database)
        assert returned.expect(box, record, left=left) is looks, (box, record, left)
        assert not looks or returned.expect(box, record, left=left)
        returned.look()
        assert asked_of(database) == (of_third if looks else [])
    database.rows = {}
    assert returned.expect("pbx-3", 4, left=True)
    returned.look()
    assert asked_of(database) == of_third
    assert not returned.expect("pbx-3", 9, left=True)


def test_box_goes_on_being_waited_for_when_another_sent_something(store: SqliteStore) -> None:
    """Records of both were missing; each is looked for when its own box sends something."""
    store_erased(store, ("pbx-2", 3, A), ("pbx-3", 9, B))
    database = Answering({SQL.returned: [("pbx-2", None), ("pbx-3", None)]})
    returned = returned_of(store, database)
    returned.look()
    database.rows = {SQL.returned: [("pbx-3", None)]}
    for box, number, commitment in (("pbx-3", 9, B), ("pbx-2", 3, A)):
        asked_of(database)
        assert returned.expect(box, 1, left=False)
        returned.look()
        assert asked_of(database) == looked_at([box], [number], [commitment])


def test_caller_who_is_there_unerased_is_asked_for_once_more(store: SqliteStore) -> None:
    """Under all his pseudonyms, once; nobody takes him in until then, and the leaves of boxes that left are
    noted before they are erased. The service's log says it; of one whose erasure is under way nothing is
    asked."""
    store_erased(store, ("pbx-2", 3, A), ("pbx-3", 9, B))
    database = Answering({SQL.returned: [("pbx-2", ONE), ("pbx-3", None)], SQL.his: [(OTHER,), (ONE,)]})
    returned = returned_of(store, database)
    with capture_logs() as logged:
        returned.look()
    his = [OTHER, ONE]
    assert asked_of(database)[2:] == [(SQL.his, ([ONE],)), (SQL.await_approval, (his,)), ("commit", None)]
    leaves = cast("Leaves", returned.retired)
    assert leaves.done == [("note", his), ("erase", his)]
    (request,) = erasure_requests.stored_requests(store)
    assert (request.pseudonyms, request.number, request.sealed) == ((ONE, OTHER), None, ())
    assert not request.command_asks(datetime(2026, 12, 1, tzinfo=UTC))
    assert logged == [
        {
            "event": SENT_ONCE_MORE,
            "log_level": "warning",
            "controller": "acme",
            "callers": 2,
        }
    ]
    database.rows[SQL.his] = [(THIRD,), (ONE,)]
    with capture_logs() as logged:
        returned.erase([THIRD])
        returned.erase([ONE])
    requests = [request.pseudonyms for request in erasure_requests.stored_requests(store)]
    assert sorted(requests) == [(ONE, OTHER), (THIRD,)]
    assert [entry["callers"] for entry in logged] == [1]


def test_nobody_is_asked_for_where_nobody_is_known(store: SqliteStore) -> None:
    """No pseudonym is no question, and one that the database does not know is no request."""
    database = Answering()
    returned = returned_of(store, database)
    returned.erase([])
    assert returned.all_his(iter(())) == []
    assert asked_of(database) == []
    assert returned.all_his(iter([ONE])) == []
    assert asked_of(database) == [(SQL.his, ([ONE],))]
    returned.erase([ONE])
    assert asked_of(database) == [(SQL.his, ([ONE],))]
    assert cast("Leaves", returned.retired).done == []
    assert erasure_requests.stored_requests(store) == []


def test_record_whose_erasure_waits_for_an_approval_is_there_rightly(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked at again when its box sends something."""
    store_erased(store, ("pbx-2", 3, A), ("pbx-3", 9, B))
    waiting: list[object] = ["an erasure"]

    def waiting_erasures(ledger: object) -> list[object]:
        assert isinstance(ledger, sqlite3.Connection)
        return waiting

    monkeypatch.setattr(returned_callers.own_logs, "waiting_erasures", waiting_erasures)
    database = Answering({SQL.returned: [("pbx-2", ONE)], SQL.his: [(ONE,)]})
    returned = returned_of(store, database)
    returned.look()
    assert asked_of(database) == looked_at(["pbx-2", "pbx-3"], [3, 9], [A, B])
    assert not returned.expect("pbx-3", 9, left=False)
    assert returned.expect("pbx-2", 3, left=False)
    waiting.clear()
    returned.look()
    assert asked_of(database)[:3] == [*looked_at(["pbx-2"], [3], [A])[:2], (SQL.his, ([ONE],))]
    assert len(erasure_requests.stored_requests(store)) == 1


# -- callers of whom nothing is there ------------------------------------------------------------------------


class Learnt:
    """The callers whom a ledger knows from other boxes alone, in two pages, and the erasure of some."""

    def __init__(self, store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
        self.of, self.erased = list[Mapping[str, int]](), list[Sequence[bytes]]()
        self.received = list[Mapping[tuple[str, bytes], tuple[int, int]]]()  # when somebody is erased
        self._store, self._before = store, datetime.now(UTC)
        monkeypatch.setattr(returned_callers.boxes, "learnt_of", self.pages)
        monkeypatch.setattr(returned_callers.erasure, "erase", self.erase)

    def pages(self, store: SqliteStore, present: Mapping[str, int]) -> Iterator[list[bytes]]:
        """Return the pages."""
        assert store is self._store
        self.of.append(dict(present))
        yield from ([OTHER], [ONE])

    def erase(self, file: Path, pseudonyms: Sequence[bytes], at: datetime, **values: Any) -> ErasureResult:
        """Erase callers."""
        assert (file, values) == (self._store.file, {"instruction": "restored"})
        assert self._before <= at <= datetime.now(UTC)
        self.erased.append(pseudonyms)
        self.received.append(boxes.received(self._store).by_ledger)
        return ErasureResult(0, ())


def test_callers_of_whom_nothing_is_there_are_erased_once_their_boxes_sent(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to the record from which this ledger knows somebody: page by page it is asked who is known nowhere,
    and then what was waited for is forgotten. The other box is waited for."""
    store_tails(store, _2=5, _3=7)
    learnt, database = Learnt(store, monkeypatch), Answering({SQL.known_nowhere: [(OTHER,), (ONE,)]})
    returned = returned_of(store, database)
    returned.expect("pbx-2", 5, left=False)
    returned.expect("pbx-3", 6, left=False)
    returned.look()
    pages = [
        (LEDGERS, ("pbx-1",)), (SQL.known_nowhere, ([OTHER],)), (SQL.known_nowhere, ([ONE],)),
    ]  # fmt: skip
    assert asked_of(database) == [("begin", None), *pages, ("commit", None)]
    assert (learnt.of, learnt.erased) == ([{"pbx-2": 5}], [[ONE, OTHER]])
    assert lost_records.tails(store) == {"pbx-3": 7}
    database.rows = {}
    assert not returned.expect("pbx-2", 9, left=False)
    assert returned.expect("pbx-3", 7, left=False)
    returned.look()
    assert asked_of(database) == [("begin", None), *pages, ("commit", None)]
    assert (learnt.of[1:], learnt.erased[1:], lost_records.tails(store)) == ([{"pbx-3": 7}], [], {})
    assert not returned.expect("pbx-3", 8, left=False)


@pytest.mark.parametrize("is_unknown", [True, False])
def test_records_that_are_not_there_are_received_once_more_where_callers_are_erased(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, *, is_unknown: bool
) -> None:
    """Before that, so that nothing is missed if it is cut off: those of a ledger that is not there, and those
    above the number of one that is. Where nobody is erased all stays received."""
    first, second = b"1" * 16, b"2" * 16
    pages = [ReceivedPage("pbx-2", first, [], 5, 5), ReceivedPage("pbx-3", second, [], 9, 8)]
    boxes.take_in(store, pages)
    store_tails(store, _2=5)
    learnt, database = Learnt(store, monkeypatch), Answering()
    database.rows[LEDGERS] = [("pbx-3", 6, 7, second, False, None)]
    database.rows[SQL.known_nowhere] = [(ONE,)] if is_unknown else []
    returned = returned_of(store, database)
    returned.expect("pbx-2", 5, left=False)
    returned.look()
    lowered = {("pbx-2", first): (0, 0), ("pbx-3", second): (6, 7)}
    assert learnt.received == ([lowered] if is_unknown else [])
    before = {("pbx-2", first): (5, 5), ("pbx-3", second): (9, 8)}
    assert boxes.received(store).by_ledger == (lowered if is_unknown else before)


@pytest.mark.parametrize(("heard", "waits"), [(None, True), (0, True), (1, False)])
def test_box_is_waited_for_until_it_sent_or_left(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, heard: int | None, *, waits: bool
) -> None:
    """One that was not heard of sent nothing; one that left for good sends nothing any more."""
    store_tails(store, _2=1)
    learnt, database = Learnt(store, monkeypatch), Answering()
    returned = returned_of(store, database)
    if heard is not None:
        returned.expect("pbx-2", heard, left=False)
    returned.look()
    assert lost_records.tails(store) == ({"pbx-2": 1} if waits else {})
    if waits:
        assert returned.expect("pbx-2", 0, left=True)
        returned.look()
    assert (learnt.of, learnt.erased) == ([{"pbx-2": 1}], [])
    assert lost_records.tails(store) == {}


def test_answers_are_taken_in_again_after_an_order(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What callers were told elsewhere from the first record on, each with his pseudonym; nothing is asked
    about nobody."""
    learnt = list[object]()

    def learn(to: SqliteStore, records: object) -> None:
        assert to is store
        learnt.append(records)

    def readable(rows: Sequence[tuple[object, ...]]) -> list[tuple[object, ...]]:
        return [("readable", *row) for row in rows if row != ("of a newer program",)]

    monkeypatch.setattr(returned_callers.boxes, "learn", learn)
    monkeypatch.setattr(returned_callers, "readable", readable)
    rows = [(ONE, "a", 1), (OTHER, "of a newer program"), (OTHER, "b", 2)]
    database = Answering({KNOWN: rows})
    returned = returned_of(store, database)
    returned.learn_again(iter(()))
    assert (asked_of(database), learnt) == ([], [])
    returned.learn_again(iter([ONE, OTHER]))
    values = {"company": 7, "pseudonyms": [ONE, OTHER], "since": 0, "box": "pbx-1"}
    assert asked_of(database) == [(KNOWN, values)]
    assert learnt == [[(ONE, ("readable", "a", 1)), (OTHER, ("readable", "b", 2))]]
