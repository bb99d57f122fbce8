"""Records of what other boxes told a caller, in a ledger of this box: each counts, is kept once, and goes as
it came."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from evidence.ledger import audited, signed
from examples import AT, NOTDUE, ONE, OTHER, PLAYED
from informativa.ledgers import expiry
from informativa.ledgers.erasure import erase
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import CallerHistory, Event, PriorDelivery, Reason, Record
from traces import traces

DAY = timedelta(days=1)
WHOLE = PriorDelivery(frozenset({"1"}), frozenset({"service", "billing"}), 7, AT, AT, box="pbx-2")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """A ledger of this box."""
    with closing(SqliteStore(str(tmp_path / "acme.sqlite3"))) as opened:
        yield opened


def learn(store: SqliteStore, *events: Event, box: str = "pbx-2", first: int = 7) -> None:
    """Take in these records of another box."""
    with store.transaction() as transaction:
        for number, event in enumerate(events, first):
            transaction.learn(box, Record(number, event))


def known(store: SqliteStore, pseudonym: bytes = ONE) -> CallerHistory:
    """Return what this caller already got."""
    return store.history(pseudonym)


def test_what_another_box_told_is_known_here(store: SqliteStore) -> None:
    """With the box and the number of the record that shows it, and nobody else knows it."""
    learn(store, PLAYED)
    assert known(store) == {"privacy": WHOLE}
    assert known(store)["privacy"].basis == "pbx-2:7"
    assert known(store, OTHER) == {}


def test_own_records_are_the_proof_where_there_are_any(store: SqliteStore) -> None:
    """What both told is put together; the number that a skip names is that of this ledger."""
    store.append([replace(PLAYED, at=AT - DAY)])
    learn(store, replace(PLAYED, version="2", purposes=frozenset({"marketing"})))
    delivery = known(store)["privacy"]
    assert delivery.versions == {"1", "2"}
    assert delivery.purposes == {"service", "billing", "marketing"}
    assert (delivery.basis, delivery.at, delivery.last_complete) == (1, AT - DAY, AT)


def test_the_order_in_which_records_come_does_not_matter(tmp_path: Path) -> None:
    """Of two boxes that told the same, the later one is named, whichever came first."""
    deliveries = [("pbx-2", AT), ("pbx-3", AT + DAY), ("pbx-2", AT - DAY)]
    standings = []
    for order in (deliveries, deliveries[::-1]):
        file = tmp_path / f"{len(standings)}.sqlite3"
        with closing(SqliteStore(str(file))) as store:
            for box, at in order:
                learn(store, replace(PLAYED, at=at), box=box)
            standings.append(known(store))
        with closing(sqlite3.connect(file)) as opened:
            assert opened.execute("SELECT count(*) FROM elsewhere").fetchone() == (1,)
    assert (
        standings[0]
        == standings[1]
        == {"privacy": replace(WHOLE, box="pbx-3", at=AT + DAY, last_complete=AT + DAY)}
    )


def test_a_supplement_of_another_box_does_not_begin_the_period_anew(store: SqliteStore) -> None:
    """It tells what is new, and that he called then."""
    learn(store, replace(PLAYED, supplement=True, purposes=frozenset({"marketing"})))
    delivery = known(store)["privacy"]
    assert (delivery.purposes, delivery.last_complete, delivery.last_call) == ({"marketing"}, None, AT)


def test_i1_who_has_the_number_now_knows_nothing_of_what_was_told_before(store: SqliteStore) -> None:
    """Another box found that the number had changed hands: neither what this box told before counts any more,
    nor what a third one did, whose record comes late."""
    store.append([replace(PLAYED, at=AT - 900 * DAY, version="0", purposes=frozenset({"marketing"}))])
    learn(store, replace(PLAYED, reason=Reason.RECYCLED))
    learn(store, replace(PLAYED, at=AT - 800 * DAY, purposes=frozenset({"profiling"})), box="pbx-3")
    assert known(store) == {"privacy": WHOLE}


def test_i1_what_others_told_before_a_number_changed_hands_here_counts_no_more(store: SqliteStore) -> None:
    """Neither what came before it was noticed here, nor what comes afterwards."""
    learn(store, replace(PLAYED, at=AT - 900 * DAY, purposes=frozenset({"marketing"})))
    store.append([replace(PLAYED, reason=Reason.RECYCLED)])
    learn(store, replace(PLAYED, at=AT - 800 * DAY, purposes=frozenset({"profiling"})), box="pbx-3")
    delivery = known(store)["privacy"]
    assert (delivery.purposes, delivery.basis) == ({"service", "billing"}, 1)


@pytest.mark.parametrize("here", [True, False])
def test_a_call_to_another_box_shows_that_the_number_is_in_use(store: SqliteStore, here: bool) -> None:
    """Whoever told him, this box or another."""
    if here:
        store.append([PLAYED])
    else:
        learn(store, PLAYED)
    learn(store, replace(NOTDUE, at=AT + 9 * DAY), first=8)
    assert known(store)["privacy"].last_call == AT + 9 * DAY
    learn(store, replace(NOTDUE, at=AT + 5 * DAY), box="pbx-3")
    assert known(store)["privacy"].last_call == AT + 9 * DAY


def test_a_call_here_of_whom_another_box_told(store: SqliteStore) -> None:
    """That he called is kept too, and his record names the one that it rests on."""
    learn(store, PLAYED)
    with store.transaction() as transaction:
        number = transaction.append(replace(NOTDUE, at=AT + DAY, basis=known(store)["privacy"].basis))
        transaction.note_call(ONE, "privacy", AT + DAY)
    record = store.record(number)
    assert record is not None
    assert record.event.basis == "pbx-2:7"
    assert known(store)["privacy"].last_call == AT + DAY


def test_what_others_told_is_known_under_a_new_key(store: SqliteStore) -> None:
    """As what this box told: it moves with the first record that names the earlier pseudonym."""
    learn(store, PLAYED)
    store.append([replace(NOTDUE, pseudonym=OTHER, basis="pbx-2:7", earlier=ONE)])
    assert known(store, OTHER) == {"privacy": WHOLE}
    assert known(store) == {}


def test_i9_erasure_takes_what_others_told_too(store: SqliteStore) -> None:
    """No byte of the caller's pseudonym is left in any file."""
    learn(store, PLAYED, replace(NOTDUE, at=AT + DAY))
    store.append([replace(NOTDUE, basis="pbx-2:7")])
    learn(store, replace(PLAYED, pseudonym=OTHER))
    assert erase(store.file, [ONE], AT).records == 1
    assert traces(store.file.parent, ONE) == []
    assert b"pbx-2:7" not in store.file.read_bytes()
    assert known(store, OTHER) == {"privacy": WHOLE}


@pytest.mark.parametrize(("days", "left"), [(-1, {"privacy": WHOLE}), (1, {})])
def test_what_others_told_goes_after_the_retention(
    store: SqliteStore, days: int, left: CallerHistory
) -> None:
    """By its own age, whatever the box that told it does."""
    learn(store, PLAYED)
    expiry.purge(store, AT + days * DAY, AT + 2 * DAY)
    assert known(store) == left
    learn(store, replace(NOTDUE, at=AT), first=8)
    expiry.purge(store, AT + DAY, AT + 2 * DAY)
    with closing(sqlite3.connect(store.file)) as opened:
        for table in ("elsewhere", "number_use"):
            assert opened.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_i7_a_record_that_rests_on_another_box_is_proven_like_any(store: SqliteStore) -> None:
    """An audit finds it whole, and a changed basis altered."""
    learn(store, PLAYED)
    store.append([replace(NOTDUE, basis="pbx-2:7"), PLAYED])
    key = signed(store.file)
    assert audited(store.file, key).flaws == ()
    with closing(sqlite3.connect(store.file)) as opened, opened:
        opened.execute("UPDATE event SET elsewhere = 'pbx-3:7' WHERE record = 1")
    assert [(flaw.record, flaw.flaw) for flaw in audited(store.file, key).flaws] == [(1, "person-altered")]


MERGED = [
    PriorDelivery(frozenset({"1"}), frozenset({"service"}), record, AT + days * DAY, box=box)
    for record, days, box in ((1, 5, ""), (2, 0, ""), (9, 9, "pbx-2"), (9, 9, "pbx-3"), (1, 9, "pbx-3"))
]


@pytest.mark.parametrize("one", MERGED)
@pytest.mark.parametrize("other", MERGED)
@pytest.mark.parametrize("third", MERGED)
def test_merging_is_a_set_that_only_grows(
    one: PriorDelivery, other: PriorDelivery, third: PriorDelivery
) -> None:
    """Commutative, associative and idempotent, over all boxes."""
    assert one.merge(one) == one
    assert one.merge(other) == other.merge(one)
    assert one.merge(other).merge(third) == one.merge(other.merge(third))


def test_nothing_is_asked_of_a_clock_that_is_ahead(store: SqliteStore) -> None:
    """A delivery that is still to come by this box's clock counts for what it told, as its own would."""
    soon: datetime = AT + 365 * DAY
    learn(store, replace(PLAYED, at=soon))
    assert known(store) == {"privacy": replace(WHOLE, at=soon, last_complete=soon)}
