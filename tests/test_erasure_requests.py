"""Erasures that a box asks the others for, as its ledger keeps them: no database, and no other box."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from examples import AT, ONE, OTHER, PLAYED
from informativa.evidence.erased_leaves import LeafPlace
from informativa.ledgers import caller_traces, erasure, erasure_requests
from informativa.ledgers.erasure_requests import HELD, ErasureRequest, Standing
from informativa.ledgers.sqlite import SqliteStore
from informativa.model.errors import LedgerError
from other_programs import end, foreign
from traces import traces

THIRD = b"3" * 32
HEX = [pseudonym.hex().encode() for pseudonym in (ONE, OTHER, THIRD)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """A new ledger."""
    with closing(SqliteStore(str(tmp_path / "acme.sqlite3"))) as opened:
        yield opened


def keep(store: SqliteStore, *requests: ErasureRequest) -> None:
    """Store a request, as an erasure does."""
    with store.transaction(), store.connected() as connection:
        for request in requests:
            erasure_requests.store_request(connection, request)


def test_leaves_of_other_boxes_stay_with_a_request_until_all_have_done_it(store: SqliteStore) -> None:
    """Those of an order that was lost too, since what is ordered again finds none of them."""
    places = [LeafPlace("acme.example/informativa/acme/pbx-2/1", index) for index in (3, 7)]
    request = erasure_requests.for_service([ONE])
    with store.transaction(), store.connected() as connection:
        erasure_requests.store_request(connection, request)
    for place in places:
        erasure_requests.store_order(store, request.id, 1, [ONE], [place])
    erasure_requests.store_order(store, request.id, 2, [ONE])
    (stored,) = erasure_requests.stored_requests(store)
    assert stored.places == tuple(places)
    erasure_requests.mark_done(store, [stored])
    (done,) = erasure_requests.stored_requests(store)
    assert (done.pseudonyms, done.places) == ((), ())


def test_an_overtaken_request_is_ordered_again_at_once(store: SqliteStore) -> None:
    """A server that lost the order gave its number to another. The command is over that ordered it first, and
    makes it no second time."""
    now = datetime.now(UTC)
    first, second = (
        replace(erasure_requests.new(now), pseudonyms=(pseudonym,)) for pseudonym in (ONE, OTHER)
    )
    keep(store, first, second)
    erasure_requests.store_order(store, first.id, 7, [ONE])
    erasure_requests.store_order(store, second.id, 7, [OTHER])
    by_id = {request.id: request for request in erasure_requests.stored_requests(store)}
    assert by_id[first.id].standing(now, 7, 6, None) is Standing.UNKNOWN
    assert by_id[second.id].standing(now, 7, 6, {OTHER}) is Standing.WAITING


def test_a_command_has_a_minute_to_ask_by_itself() -> None:
    """From when it began; what it asks has a number of its own, which is no number of the database, and names
    nobody yet."""
    first, second = erasure_requests.new(AT), erasure_requests.new(AT)
    assert (first.number, first.until, first.pseudonyms) == (None, AT + timedelta(seconds=60), ())
    assert first.id != second.id
    drawn = [erasure_requests.new(AT).id for _ in range(1000)]
    assert 1 << 62 < max(drawn) < 1 << 63
    assert min(drawn) >= 0
    moments = (-1, 0, 59, 60)
    assert [first.command_asks(AT + timedelta(seconds=seconds)) for seconds in moments] == [
        False,
        True,
        True,
        False,
    ]


def test_what_is_kept_is_read_back(store: SqliteStore) -> None:
    """To the microsecond; each pseudonym once. Kept once more, it has a new number and more pseudonyms, and
    is held no longer than it was."""
    keep(store, ErasureRequest(2, 7, AT, (OTHER, ONE, OTHER)), ErasureRequest(1, None, AT, ()))
    assert erasure_requests.stored_requests(store) == [
        ErasureRequest(1, None, AT, ()),
        ErasureRequest(2, 7, AT, (ONE, OTHER)),
    ]
    keep(store, ErasureRequest(1, 8, AT + timedelta(hours=1), (THIRD,)))
    assert erasure_requests.stored_requests(store)[0] == ErasureRequest(1, 8, AT, (THIRD,))


def test_a_sealed_caller_is_kept_with_the_request(store: SqliteStore) -> None:
    """For boxes with other keys: it is no pseudonym, and is read back as it was given."""
    request = erasure_requests.new(AT, [b"sealed for pbx-2", b"sealed for pbx-3"])
    assert (request.pseudonyms, request.sealed) == ((), (b"sealed for pbx-2", b"sealed for pbx-3"))
    keep(store, request)
    assert erasure_requests.stored_requests(store) == [request]


def test_a_number_that_is_given_again_is_no_more_the_one_of_before(store: SqliteStore) -> None:
    """Nor are those above it, for they were lost with it; those below it stay."""
    requests = [ErasureRequest(number, number, AT, (ONE,)) for number in (1, 2, 3)]
    keep(store, *requests, ErasureRequest(4, None, AT, (OTHER,)))
    erasure_requests.store_order(store, 4, 2, [THIRD, OTHER])
    stored = [
        (request.id, request.number, request.pseudonyms)
        for request in erasure_requests.stored_requests(store)
    ]
    assert stored == [(1, 1, (ONE,)), (2, None, (ONE,)), (3, None, (ONE,)), (4, 2, (OTHER, THIRD))]


def test_what_became_of_some_changes_no_other(store: SqliteStore) -> None:
    """A lost request is to be made at once; one that all have done names nobody; a forgotten one is deleted.
    An empty list changes nothing."""
    requests = [ErasureRequest(number, number, AT, (ONE, OTHER)) for number in (1, 2, 3, 4)]
    keep(store, *requests)
    for change in (erasure_requests.mark_lost, erasure_requests.mark_done, erasure_requests.forget):
        change(store, [])
    assert erasure_requests.stored_requests(store) == requests
    erasure_requests.mark_lost(store, requests[:1])
    erasure_requests.mark_done(store, requests[1:2])
    erasure_requests.forget(store, requests[2:3])
    assert erasure_requests.stored_requests(store) == [
        ErasureRequest(1, None, datetime(1970, 1, 1, tzinfo=UTC), (ONE, OTHER)),
        ErasureRequest(2, 2, AT, ()),
        ErasureRequest(4, 4, AT, (ONE, OTHER)),
    ]


def test_i9_an_erasure_of_all_boxes_is_kept_with_all_his_pseudonyms(store: SqliteStore) -> None:
    """Pseudonyms that only the ledger knows are among them; without `everywhere` no request is stored."""
    store.append([PLAYED])
    assert erasure.erase(store.file, [THIRD], AT).request is None
    assert erasure_requests.stored_requests(store) == []
    start = datetime.now(UTC)
    request = erasure.erase(store.file, [ONE, OTHER], AT, everywhere=True, sealed=[b"sealed"]).request
    after = datetime.now(UTC)
    assert request is not None
    assert erasure_requests.stored_requests(store) == [
        ErasureRequest(request.id, None, request.until, (ONE, OTHER), (b"sealed",))
    ]
    assert set(request.pseudonyms) == {ONE, OTHER}
    assert start <= request.until - timedelta(seconds=60) <= after


def test_an_erasure_of_all_boxes_needs_a_ledger(tmp_path: Path) -> None:
    """Nowhere else it could be kept; none is made for it, or for one of this box alone."""
    with pytest.raises(LedgerError):
        erasure.erase(tmp_path / "acme.sqlite3", [ONE], AT, everywhere=True)
    assert erasure.erase(tmp_path / "acme.sqlite3", [ONE], AT) == erasure.ErasureResult(0, ())
    assert list(tmp_path.iterdir()) == []


def test_i9_what_was_kept_is_forgotten_with_its_copies(store: SqliteStore) -> None:
    """No byte of it is left, in any spelling, and others stay."""
    requests = [ErasureRequest(1, 1, AT, (ONE, OTHER)), ErasureRequest(2, 2, AT, (THIRD,))]
    keep(store, *requests)
    copy = store.file.with_name("acme.sqlite3.rescued-2026-11-26T10-00-00")
    copy.write_bytes(HEX[0])
    erasure.forget(store, [])
    assert copy.exists()
    erasure.forget(store, requests[:1])
    assert not copy.exists()
    assert traces(store.file.parent, *HEX[:2]) == []
    assert erasure_requests.stored_requests(store) == requests[1:]


@pytest.mark.parametrize("known", [True, False])
def test_i9_what_a_deletion_left_of_whom_was_kept_is_overwritten(store: SqliteStore, known: bool) -> None:
    """In free bytes of the file, also where one that was cut off says no more whom to look for."""
    with store.connected() as connection:
        connection.execute("PRAGMA secure_delete = OFF")
    keep(store, *[ErasureRequest(number, number, AT, (ONE,) * 2) for number in range(1, 100)])
    erasure_requests.forget(store, [ErasureRequest(number, number, AT, ()) for number in range(2, 100)])
    store.empty_log(0)
    assert traces(store.file.parent, HEX[0]) == ["acme.sqlite3"]
    erasure.forget(store, [ErasureRequest(1, 1, AT, (ONE,) if known else ())])
    assert traces(store.file.parent, HEX[0]) == []
    assert erasure_requests.stored_requests(store) == []


def test_i9_who_reads_the_log_keeps_it_from_being_forgotten(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays, named by nobody, until the same again has overwritten it."""
    monkeypatch.setattr(caller_traces, "PATIENCE_SECONDS", 0.1)
    request = ErasureRequest(1, 1, AT, (ONE,))
    keep(store, request)
    reader = foreign(store.file, "BEGIN", "SELECT count(*) FROM event")
    with pytest.raises(LedgerError, match=rf"process {reader.pid}"):
        erasure.forget(store, [request])
    assert erasure_requests.stored_requests(store) == [ErasureRequest(1, 1, AT, ())]
    end(reader)
    erasure.forget(store, erasure_requests.stored_requests(store))
    assert traces(store.file.parent, HEX[0]) == []
    assert erasure_requests.stored_requests(store) == []


@pytest.mark.parametrize(
    ("number", "newest", "applied", "present", "expected"),
    [
        (None, 9, 9, None, Standing.UNKNOWN),
        (3, 2, 2, None, Standing.UNKNOWN),
        (3, 3, 2, None, Standing.UNKNOWN),
        (3, 3, 2, {ONE}, Standing.WAITING),
        (3, 3, 2, {ONE, OTHER}, Standing.WAITING),
        (3, 3, 2, {OTHER}, Standing.UNKNOWN),
        (3, 3, 3, {OTHER}, Standing.UNKNOWN),
        (3, 3, 3, {ONE}, Standing.COMPLETED),
        (3, 3, 3, None, Standing.COMPLETED),
        (3, 4, 4, None, Standing.COMPLETED),
    ],
)
def test_how_a_request_stands(
    number: int | None, newest: int, applied: int, present: set[bytes] | None, expected: Standing
) -> None:
    """By what the database says of its number."""
    request = ErasureRequest(1, number, AT, (ONE,))
    assert request.standing(AT, newest, applied, present) is expected
    assert replace(request, pseudonyms=()).standing(AT, newest, applied, present) is Standing.COMPLETED
    unsent = replace(request, number=None, until=AT + HELD / 2)
    assert unsent.standing(AT, newest, applied, present) is Standing.WAITING


def test_a_clock_that_went_back_holds_no_request() -> None:
    """A command has a minute, and not until a day that is long to come."""
    request = erasure_requests.new(AT)
    assert [
        request.command_asks(AT + later) for later in (timedelta(), HELD / 2, HELD, -timedelta(seconds=1))
    ] == [
        True,
        True,
        False,
        False,
    ]
