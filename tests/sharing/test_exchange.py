"""The exchange of boxes with a real PostgreSQL: what they send and take in."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from unittest import mock

import pytest

from examples import AT, NOTDUE, ONE, OTHER, PARTIAL, PLAYED, UNIDENTIFIED
from informativa.call.guard import suspend
from informativa.evidence.note_values import ErasureRule, NoteSource
from informativa.evidence.notes import RuleNote
from informativa.ledgers import caller_traces, expiry, purge_plan
from informativa.ledgers.erasure import erase
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Reason, RecordKind
from informativa.model.errors import BoxRefusedError, LedgerError, SharedDatabaseError
from informativa.model.plan import Period
from informativa.sharing import administration, exchange, reading
from informativa.sharing.connection import connect
from informativa.sharing.others import SharedBoxes
from sharing.conftest import ACME, SUPERUSER, Boxes
from sharing.erasing import order
from traces import traces

DAY = timedelta(days=1)


def known(boxes: Boxes, box: str, pseudonym: bytes = ONE) -> str | int | None:
    """Return by which record a caller is known to a box, if he is."""
    with closing(boxes.store(box)) as store:
        delivery = store.history(pseudonym).get("privacy")
        return delivery.basis if delivery else None


def test_what_one_box_told_is_known_to_the_others(boxes: Boxes, settle: Callable[[], None]) -> None:
    """And all its records are in the database, with what became of each."""
    boxes.record("pbx-1", PLAYED, UNIDENTIFIED, PARTIAL, replace(NOTDUE, at=AT + DAY))
    for box in ("pbx-1", "pbx-2", "pbx-3"):
        boxes.exchange(box)
    settle()
    assert [known(boxes, box) for box in ("pbx-1", "pbx-2", "pbx-3")] == [1, "pbx-1:1", "pbx-1:1"]
    with closing(boxes.store("pbx-2")) as store:
        assert store.count() == 0
        assert store.history(ONE)["privacy"].last_call == AT + DAY
    rows = boxes.sql("SELECT box, record, status, informs FROM acme.record ORDER BY record")
    statuses = ["PLAYED", "PLAYED", "PARTIAL", "NOTDUE"]
    assert rows == [("pbx-1", number, status, number == 1) for number, status in enumerate(statuses, 1)]


def test_a_box_goes_on_where_the_database_says(boxes: Boxes, settle: Callable[[], None]) -> None:
    """After a break nothing is sent twice and nothing is left out, more than a page as well."""
    boxes.record("pbx-1", *[replace(PLAYED, call=str(number)) for number in range(exchange.PAGE + 5)])
    first = boxes.exchange("pbx-1")
    assert [first.send(), first.send(), first.send()] == [exchange.PAGE, 5, 0]
    boxes.record("pbx-1", replace(PLAYED, pseudonym=OTHER))
    again = boxes.exchange("pbx-1")
    assert (again.sent, again.send(), again.send()) == (exchange.PAGE + 5, 1, 0)
    boxes.exchange("pbx-2")
    settle()
    assert known(boxes, "pbx-2", OTHER) == f"pbx-1:{exchange.PAGE + 6}"


def test_rows_that_a_failover_lost_are_sent_again(boxes: Boxes, settle: Callable[[], None]) -> None:
    """A standby that was promoted knows the beginning of each box's records, and how far it goes."""
    boxes.record("pbx-1", PLAYED, PARTIAL, replace(PLAYED, pseudonym=OTHER))
    boxes.exchange("pbx-1")
    boxes.exchange("pbx-2")
    settle()
    boxes.sql("DELETE FROM acme.record WHERE record > 1")
    boxes.sql("UPDATE acme.ledger SET record = 1 WHERE box = 'pbx-1'")
    again = boxes.exchange("pbx-1")
    assert (again.sent, again.send()) == (1, 2)
    settle()
    assert boxes.sql("SELECT record FROM acme.record ORDER BY 1") == [(1,), (2,), (3,)]
    assert known(boxes, "pbx-2", OTHER) == "pbx-1:3"


def test_text_that_postgresql_does_not_take_loses_no_record(boxes: Boxes) -> None:
    """A NUL and half of a surrogate pair are marked as what nobody can read."""
    boxes.record("pbx-1", replace(PLAYED, reference="a\0b"), PLAYED)
    box = boxes.exchange("pbx-1")
    assert box.send() == 2
    assert boxes.sql("SELECT reference FROM acme.record ORDER BY record") == [("a\ufffdb",), ("",)]


def test_two_boxes_of_one_name_are_refused(boxes: Boxes) -> None:
    """Loudly, with what to do; the first one goes on."""
    boxes.record("pbx-1", PLAYED)
    first = boxes.exchange("pbx-1")
    with closing(SqliteStore(str(boxes.folder / "elsewhere/acme.sqlite3"))) as store:
        store.append([PLAYED])
    database = boxes.database("pbx-1")
    with (
        connect(database, "acme") as connection,
        closing(SqliteStore(str(boxes.folder / "elsewhere/acme.sqlite3"))) as store,
        pytest.raises(BoxRefusedError, match=r"has the name pbx-1 there.*shared\.box"),
    ):
        exchange.Exchange(store, connection, database, "acme")
    assert first.send() == 1


def test_a_copy_of_a_ledger_that_goes_on_elsewhere_is_refused(boxes: Boxes) -> None:
    """It has the identity and the first records, and what comes after them is another's."""
    boxes.record("pbx-1", PLAYED)
    boxes.exchange("pbx-1")
    with closing(boxes.store("pbx-1")) as store, store.connected() as connection:
        (boxes.folder / "copy").mkdir()
        connection.execute("VACUUM INTO ?", (str(boxes.folder / "copy/acme.sqlite3"),))
    boxes.record("pbx-1", replace(PLAYED, at=AT + DAY))
    boxes.record("copy", replace(PLAYED, at=AT + 2 * DAY))
    database = boxes.database("pbx-1")
    copy = exchange.Exchange(boxes.store("copy"), connect(database, "acme"), database, "acme")
    boxes.opened.append(copy)
    assert boxes.opened[0].send() == 2
    assert copy.send() == 0
    with pytest.raises(BoxRefusedError, match="a backup was put back, or two machines have one ledger"):
        copy.erase()
    with pytest.raises(BoxRefusedError, match="a backup was put back, or two machines have one ledger"):
        exchange.Exchange(boxes.store("copy"), connect(database, "acme"), database, "acme")
    assert boxes.sql("SELECT record FROM acme.ledger") == [(2,)]


def test_a_ledger_put_back_from_a_backup_is_refused(boxes: Boxes) -> None:
    """The numbers that it gives again would be taken for what is there."""
    boxes.record("pbx-1", PLAYED, PARTIAL, PLAYED)
    box = boxes.exchange("pbx-1")
    box.send()
    with closing(boxes.store("pbx-1")) as store, store.connected() as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("DELETE FROM event WHERE record > 1")
    with pytest.raises(
        BoxRefusedError, match="takes the place of the old one: informativa boxes replace pbx-1 NEW"
    ):
        boxes.exchange("pbx-1")


def test_a_retired_box_is_refused(boxes: Boxes) -> None:
    """Also one that is connected at that moment."""
    boxes.record("pbx-1", PLAYED)
    box = boxes.exchange("pbx-1")
    assert administration.retire(boxes.database(), "acme", "pbx-1")
    assert not administration.retire(boxes.database(), "acme", "pbx-1")
    assert box.send() == 0
    with pytest.raises(BoxRefusedError, match="pbx-1 was retired there"):
        box.erase()
    with pytest.raises(BoxRefusedError, match="pbx-1 was retired there"):
        boxes.exchange("pbx-1")


def test_an_erasure_here_reaches_what_was_sent(boxes: Boxes, settle: Callable[[], None]) -> None:
    """As it comes in the order of the records, no row with the caller in it is left, whenever it was sent."""
    boxes.record("pbx-1", PLAYED, replace(PLAYED, pseudonym=OTHER, call="2", linked="2"))
    box = boxes.exchange("pbx-1")
    box.send()
    boxes.record("pbx-1", replace(NOTDUE, call="3", basis=1))
    erase(boxes.folder / "pbx-1/acme.sqlite3", [ONE], AT)
    settle()
    rows = boxes.sql(
        "SELECT record, erased, informs, pseudonym, call, basis FROM acme.record ORDER BY record"
    )
    assert rows == [
        (1, 1, 0, None, "", None),
        (2, 0, 1, OTHER, "2", None),
        (3, 1, 0, None, "", None),
        (4, 0, 0, None, "", None),
    ]
    assert boxes.sql("SELECT kind FROM acme.record WHERE record = 4") == [("erasure",)]


def test_what_is_purged_here_goes_there(boxes: Boxes) -> None:
    """What a purge took of this ledger, and nothing else; the note of it stays."""
    boxes.record("pbx-1", replace(PLAYED, at=AT - 400 * DAY), PLAYED, replace(PLAYED, at=AT - 400 * DAY))
    boxes.record("pbx-2", replace(PLAYED, at=AT - 400 * DAY))
    for name in ("pbx-1", "pbx-2"):
        boxes.exchange(name).send()
    with closing(boxes.store("pbx-1")) as store:
        assert expiry.purge(store, AT - 365 * DAY, AT) == 2
    boxes.opened[0].send()
    rows = boxes.sql("SELECT box, record, kind FROM acme.record ORDER BY 1, 2")
    assert rows == [("pbx-1", 2, "phone"), ("pbx-1", 4, "purge"), ("pbx-2", 1, "phone")]


def test_i1_a_number_that_changed_hands_is_carried_over(boxes: Boxes, settle: Callable[[], None]) -> None:
    """Who told the person before counts on no box any more."""
    boxes.record("pbx-1", replace(PLAYED, at=AT - 900 * DAY, purposes=frozenset({"marketing"})))
    boxes.record("pbx-2", replace(PLAYED, reason=Reason.RECYCLED))
    for box in ("pbx-1", "pbx-2", "pbx-3"):
        boxes.exchange(box)
    settle()
    for box in ("pbx-1", "pbx-2", "pbx-3"):
        with closing(boxes.store(box)) as store:
            assert store.history(ONE)["privacy"].purposes == {"service", "billing"}, box


def test_a_box_that_knows_of_an_erasure_late_sends_nothing_before(boxes: Boxes) -> None:
    """Whoever asks for one waits for what is under way, and nothing comes after it unseen."""
    boxes.record("pbx-1", PLAYED)
    box = boxes.exchange("pbx-1")
    boxes.sql("INSERT INTO acme.erasure VALUES (1, 1, ARRAY[decode(repeat('31', 32), 'hex')])")
    boxes.sql("UPDATE acme.ledger SET erasures = 1")
    assert box.send() == 0
    assert box.erase() == 1
    assert boxes.sql("SELECT count(*) FROM acme.erasure") == [(0,)]
    assert box.send() == 2
    assert boxes.sql("SELECT count(*) FROM acme.record WHERE pseudonym IS NOT NULL") == [(0,)]


def test_i9_an_erasure_that_left_traces_is_not_done(boxes: Boxes) -> None:
    """While somebody reads the ledger its log cannot be emptied: the box says so, and does it later."""
    boxes.record("pbx-1", PLAYED)
    box = boxes.exchange("pbx-1")
    box.send()
    order(boxes, "pbx-9", ONE)
    with closing(sqlite3.connect(boxes.folder / "pbx-1/acme.sqlite3", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM event").fetchone()
        with (
            mock.patch.object(caller_traces, "PATIENCE_SECONDS", 0.2),
            pytest.raises(LedgerError, match="traces of him"),
        ):
            box.erase()
        assert boxes.sql("SELECT erasures - applied FROM acme.ledger") == [(1,)]
    assert box.erase() == 1
    assert boxes.sql("SELECT erasures - applied FROM acme.ledger") == [(0,)]
    assert traces(boxes.folder / "pbx-1", ONE) == []


def test_i9_a_box_without_the_callers_records_gives_up_its_copies(boxes: Boxes) -> None:
    """He may stand in one of a rescue."""
    boxes.record("pbx-2", replace(PLAYED, pseudonym=OTHER))
    copy = boxes.folder / "pbx-2/acme.sqlite3.rescued-2026-11-24T10-00-00"
    copy.write_bytes(ONE)
    box = boxes.exchange("pbx-2")
    order(boxes, "pbx-9", ONE)
    assert box.erase() == 1
    assert not copy.exists()
    assert traces(boxes.folder / "pbx-2", ONE) == []


def test_i9_of_an_erasure_that_nobody_else_has_to_do_nothing_is_left(boxes: Boxes) -> None:
    """Where this box is the only one: neither its rows nor the order lead to the caller."""
    boxes.record("pbx-1", PLAYED)
    boxes.exchange("pbx-1").send()
    with closing(boxes.store("pbx-1")) as store:
        order(boxes, "pbx-1", ONE, store=store)
    assert boxes.sql("SELECT count(*) FROM acme.erasure") == [(0,)]
    assert boxes.sql("SELECT count(*) FROM acme.record WHERE pseudonym IS NOT NULL") == [(0,)]


def test_who_asks_for_an_erasure_has_done_it(boxes: Boxes) -> None:
    """Unless it has others still to do: then all of them, in their order."""
    for name in ("pbx-1", "pbx-2"):
        boxes.record(name, PLAYED)
        boxes.exchange(name)
    with closing(boxes.store("pbx-1")) as store:
        order(boxes, "pbx-1", ONE, store=store)
    assert boxes.sql("SELECT box, erasures - applied FROM acme.ledger ORDER BY 1") == [
        ("pbx-1", 0),
        ("pbx-2", 1),
    ]
    with closing(boxes.store("pbx-2")) as store:
        order(boxes, "pbx-2", OTHER, store=store)
    assert boxes.sql("SELECT box, erasures - applied FROM acme.ledger ORDER BY 1") == [
        ("pbx-1", 1),
        ("pbx-2", 2),
    ]


def test_words_of_a_newer_informativa_tell_an_older_one_nothing(
    boxes: Boxes, settle: Callable[[], None]
) -> None:
    """Boxes are upgraded one at a time: such a record is passed over, and what comes after it is taken in."""
    boxes.record("pbx-1", PLAYED, replace(PLAYED, pseudonym=OTHER))
    boxes.exchange("pbx-1").send()
    boxes.sql("UPDATE acme.record SET reason = 'of-tomorrow' WHERE record = 1")
    boxes.exchange("pbx-2")
    settle()
    assert [known(boxes, "pbx-2", pseudonym) for pseudonym in (ONE, OTHER)] == [None, "pbx-1:2"]
    with closing(SharedBoxes(ACME, boxes.database("pbx-3"), suspend)) as asked:
        assert asyncio.run(asked.ask([ONE])) == []
    with pytest.raises(SharedDatabaseError, match=r"Record 1 of pbx-1 is of a newer informativa"):
        reading.of_caller(boxes.database("pbx-2"), "acme", [ONE], None)


@pytest.mark.parametrize(
    ("change", "back"),
    [
        ("ALTER TABLE acme.migration RENAME TO other", "ALTER TABLE acme.other RENAME TO migration"),
        ("UPDATE acme.migration SET number = 5", "UPDATE acme.migration SET number = 6"),
        ("REVOKE USAGE ON SCHEMA informativa FROM informativa_boxes",
         "GRANT USAGE ON SCHEMA informativa TO informativa_boxes"),
    ],
)  # fmt: skip
def test_tables_that_are_not_there_say_what_to_type(boxes: Boxes, change: str, back: str) -> None:
    """Before they were made, where they are of an earlier program, and where rights are missing."""
    boxes.sql(change)
    try:
        with pytest.raises(SharedDatabaseError, match="informativa shared migrate"):
            connect(boxes.database(), "acme")
    finally:
        boxes.sql(back)


def test_a_company_that_a_box_does_not_serve_says_what_to_type(boxes: Boxes) -> None:
    """Nobody let this box serve it, whether the database has the company or not."""
    boxes.let_in("pbx-2", "globex")
    for controller in ("globex", "unheard-of"):
        with pytest.raises(BoxRefusedError, match=f"pbx-1, does not serve {controller}") as refused:
            connect(boxes.database("pbx-1"), controller)
        assert "informativa shared migrate" in str(refused.value.remedy)


def test_a_newer_schema_is_refused_only_if_it_says_so(boxes: Boxes) -> None:
    """Boxes are upgraded one at a time: what a later migration adds need not be known to all."""
    boxes.sql("INSERT INTO acme.migration VALUES (98, 1)")
    try:
        connect(boxes.database(), "acme").close()
        boxes.sql("INSERT INTO acme.migration VALUES (99, 99)")
        with pytest.raises(BoxRefusedError, match="are of a newer informativa"):
            connect(boxes.database(), "acme")
    finally:
        boxes.sql("DELETE FROM acme.migration WHERE number > 6")


def test_a_failover_that_a_connection_outlives_loses_nothing(boxes: Boxes) -> None:
    """pgbouncer's clients stay connected when the server behind it is another: a box goes on where that one
    says."""
    boxes.record("pbx-1", PLAYED, PARTIAL, replace(PLAYED, pseudonym=OTHER))
    box = boxes.exchange("pbx-1")
    assert box.send() == 3
    boxes.sql("DELETE FROM acme.record WHERE record > 1")
    boxes.sql("UPDATE acme.ledger SET record = 1 WHERE box = 'pbx-1'")
    boxes.record("pbx-1", PLAYED)
    assert box.send() == 0
    box.erase()
    assert (box.sent, box.send()) == (1, 3)
    assert boxes.sql("SELECT record FROM acme.record ORDER BY 1") == [(1,), (2,), (3,), (4,)]


def test_a_failover_between_two_questions_leaves_nothing_out(boxes: Boxes) -> None:
    """How far a box got was said by the old server, and the new one has not got all of it yet."""
    boxes.record("pbx-1", PLAYED, replace(PLAYED, pseudonym=OTHER))
    first, second = boxes.exchange("pbx-1"), boxes.exchange("pbx-2")
    assert first.send() == 2

    def fail_over(_box: str, _at: int, _of: int) -> None:
        boxes.sql("DELETE FROM acme.record WHERE box = 'pbx-1' AND record > 1")
        boxes.sql("UPDATE acme.ledger SET record = 1 WHERE box = 'pbx-1'")

    boxes.record("pbx-0", PLAYED)
    boxes.exchange("pbx-0").send()
    second.receive(progress=fail_over)  # after pbx-0, and before pbx-1
    first.erase()
    assert first.send() == 1
    second.receive()
    assert known(boxes, "pbx-2", OTHER) == "pbx-1:2"


def test_a_company_may_have_a_database_of_its_own(boxes: Boxes) -> None:
    """By its name in that of the database; its tables are made there, and this box serves it there."""
    boxes.server.sql("CREATE DATABASE of_globex")
    try:
        own = boxes.database("pbx-1", name="of_{controller}")
        list(administration.migrate(own, ["globex"], SUPERUSER))
        with connect(own, "globex") as connection:
            assert connection.info.dbname == "of_globex"
        assert boxes.sql("SELECT controller FROM acme.company") == [("acme",)]
    finally:
        boxes.server.sql("DROP DATABASE of_globex")


def test_what_a_purge_by_prefix_took_here_goes_there(boxes: Boxes) -> None:
    """The records of the leaves that the note names, and of no others; counters and notes stay."""
    start = AT - 400 * DAY
    rule = RuleNote(Period(days=60), "UTC", ErasureRule.STANDING, processor=False)
    with closing(boxes.store("pbx-1")) as store:
        store.keep_rule(rule, start, NoteSource.SERVICE)
    totals = replace(NOTDUE, kind=RecordKind.TOTALS, pseudonym=None, basis=None, at=start, call="")
    old = [replace(PLAYED, at=start + day * DAY) for day in range(3)]
    boxes.record("pbx-1", *old, totals, replace(PLAYED, at=AT - DAY), replace(PLAYED, at=start))
    boxes.record("pbx-2", replace(PLAYED, at=start))
    for name in ("pbx-1", "pbx-2"):
        boxes.exchange(name).send()
    for at, purged in ((start + 61 * DAY + timedelta(minutes=1), 2), (AT, 1), (AT + 90 * DAY, 2)):
        with closing(boxes.store("pbx-1")) as store:
            plan = purge_plan.read(store, at)
            assert plan is not None
            assert expiry.purge_by_rules(store, plan, at, NoteSource.SERVICE) == purged
            numbers = [record.number for record in store.records()]
        boxes.opened[0].send()
        rows = boxes.sql("SELECT box, record FROM acme.record ORDER BY 1, 2")
        assert rows == [*(("pbx-1", number) for number in numbers), ("pbx-2", 1)]
