"""I9: an erasure over many boxes where the controller approves each one, on each box."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace

import pytest

from evidence.noted import APPROVER
from examples import AT, ONE, PLAYED
from informativa.call.caller import pseudonyms_under
from informativa.evidence.approval import Approval, sign
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.note_values import ErasureRule, NoteSource
from informativa.evidence.notes import ApprovalNote, RuleNote
from informativa.ledgers import erasure, erasure_notes, note_leaves
from informativa.model import Identified
from informativa.sharing import administration, erasure_orders, sealed_caller
from informativa.sharing.connection import connect
from informativa.sharing.exchange import Exchange
from informativa.sharing.idle import IdleConnections
from informativa.sharing.question import Question
from sharing.conftest import ACME, Boxes
from sharing.erasing import begin, left, orders, quiet
from traces import traces

EACH = RuleNote(None, "Europe/Rome", ErasureRule.EACH, processor=False, approver=APPROVER.verifier)


def test_i9_each_box_erases_in_the_database_what_was_approved_to_it(boxes: Boxes) -> None:
    """By its own note, under the one instruction; what waits on a box stays in the database until then."""
    for name in ("pbx-1", "pbx-2"):
        with closing(boxes.store(name)) as store:
            store.keep_rule(EACH, AT, NoteSource.SERVICE)
    begin(boxes, "pbx-1", "pbx-2", informed=(ONE,))
    sealed = sealed_caller.seal(Identified("+390000000001"), [b"k" * 32], "OPS/2026-117")
    ledger = boxes.folder / "pbx-1/acme.sqlite3"
    result = erasure.erase(ledger, [ONE], AT, everywhere=True, sealed=sealed, instruction="OPS/2026-117")
    assert result.waiting
    assert result.request is not None
    with closing(boxes.store("pbx-1")) as store:
        erasure_orders.order(boxes.database("pbx-1"), "acme", result.request, store, waits=True)
    quiet(boxes)
    assert orders(boxes) == []
    notes = {}
    for name in ("pbx-1", "pbx-2"):
        with closing(boxes.store(name)) as store, store.connected() as connection:
            (noted,) = erasure_notes.noted(connection, LogFolder(store.file))
            notes[name] = noted.note
            assert (noted.instruction, erasure.pending(store)) == ("OPS/2026-117", [])
    known = "SELECT box, pseudonym IS NOT NULL FROM acme.record WHERE kind = 'phone' ORDER BY box"
    assert boxes.sql(known) == [("pbx-1", True), ("pbx-2", True)]
    for name, expected in (("pbx-2", [True, False]), ("pbx-1", [False, False])):
        with closing(boxes.store(name)) as store:
            approval = ApprovalNote(sign(Approval.of(1_795_523_400, [notes[name].leaf]), APPROVER))
            with store.transaction() as transaction, store.connected() as connection:
                note_leaves.append(transaction, connection, approval, AT, NoteSource.SERVICE)
            (pending,) = erasure.pending(store)
            if name == "pbx-1":  # carried out while nobody was connected
                boxes.opened.pop(0).close()
            assert erasure.carry_out(store, pending) == (1, ())
        if name == "pbx-1":
            boxes.exchange(name)
        quiet(boxes)
        assert [row for _box, row in boxes.sql(known)] == expected
    assert left(boxes, ONE) == []


def order_with_approval(boxes: Boxes, *names: str) -> None:
    """Boxes whose controller approves each erasure; the first one orders that ONE is erased, and all of them
    have noted it."""
    for name in names:
        with closing(boxes.store(name)) as store:
            store.keep_rule(EACH, AT, NoteSource.SERVICE)
    begin(boxes, *names, informed=(ONE,))
    ledger = boxes.folder / names[0] / "acme.sqlite3"
    request = erasure.erase(ledger, [ONE], AT, everywhere=True, instruction="OPS/2026-117").request
    assert request is not None
    with closing(boxes.store(names[0])) as store:
        erasure_orders.order(boxes.database(names[0]), "acme", request, store, waits=True)
    quiet(boxes)
    assert orders(boxes) == []


def approve(boxes: Boxes, name: str) -> None:
    """The controller approves what waits on a box, which carries it out."""
    with closing(boxes.store(name)) as store:
        with store.connected() as connection:
            (noted,) = erasure_notes.noted(connection, LogFolder(store.file))
        approval = ApprovalNote(sign(Approval.of(1_795_523_400, [noted.note.leaf]), APPROVER))
        with store.transaction() as transaction, store.connected() as connection:
            note_leaves.append(transaction, connection, approval, AT, NoteSource.SERVICE)
        (pending,) = erasure.pending(store)
        assert erasure.carry_out(store, pending) == (1, ())
    quiet(boxes)


def retire(boxes: Boxes, name: str) -> None:
    """A box leaves for good."""
    at = next(at for at, exchange in enumerate(boxes.opened) if exchange._box == name)
    boxes.opened.pop(at).close()
    administration.retire(boxes.database("pbx-1"), "acme", name)


HAVE_ONE = f"SELECT box FROM acme.record WHERE pseudonym = '\\x{ONE.hex()}' ORDER BY box"


@pytest.mark.sample(1)
@pytest.mark.parametrize("when", ["before the order", "while all wait", "after one approval"])
def test_i9_rows_of_a_retired_box_go_once_the_erasure_is_approved(boxes: Boxes, when: str) -> None:
    """Nobody can approve it on a box that left: its rows go with the first approval on a box that is there,
    whenever it left, and not before."""
    if when == "before the order":
        begin(boxes, "pbx-3", informed=(ONE,))
        retire(boxes, "pbx-3")
        order_with_approval(boxes, "pbx-1", "pbx-2")
    else:
        order_with_approval(boxes, "pbx-1", "pbx-2", "pbx-3")
    if when == "while all wait":
        retire(boxes, "pbx-3")
    quiet(boxes)
    assert boxes.sql(HAVE_ONE) == [("pbx-1",), ("pbx-2",), ("pbx-3",)]
    approve(boxes, "pbx-1")
    if when == "after one approval":
        assert boxes.sql(HAVE_ONE) == [("pbx-2",), ("pbx-3",)]
        retire(boxes, "pbx-3")
    assert boxes.sql(HAVE_ONE) == [("pbx-2",)]
    approve(boxes, "pbx-2")
    shutil.rmtree(boxes.folder / "pbx-3")  # as whoever retires a box does
    assert left(boxes, ONE) == []
    assert orders(boxes) == []


def test_i9_a_retirement_that_is_told_again_takes_the_approved_rows_with_it(boxes: Boxes) -> None:
    """A standby took over without the retirement, and another box tells it: the box's rows go just so."""
    order_with_approval(boxes, "pbx-1", "pbx-2", "pbx-3")
    approve(boxes, "pbx-1")
    boxes.sql("UPDATE acme.ledger SET retired = now() WHERE box = 'pbx-3'")
    boxes.opened[0].expect_all()
    boxes.sql("UPDATE acme.ledger SET retired = NULL")
    assert boxes.sql(HAVE_ONE) == [("pbx-2",), ("pbx-3",)]
    boxes.opened[0].expect_all()
    assert boxes.sql(HAVE_ONE) == [("pbx-2",)]


def test_i9_a_box_that_joins_while_an_erasure_waits_learns_nothing_of_the_caller(boxes: Boxes) -> None:
    """The order is noted everywhere, and so gone, but his rows are there until that is approved: nobody would
    tell the new box, and a call that asks gets no answer."""
    order_with_approval(boxes, "pbx-1", "pbx-2")
    boxes.exchange("pbx-9")
    quiet(boxes)
    assert traces(boxes.folder / "pbx-9", ONE) == []
    asked = replace(ACME, key=b"k" * 32)
    rows = Question(boxes.database("pbx-9"), IdleConnections(60.0))((asked, [ONE]))
    assert rows == []
    for name in ("pbx-1", "pbx-2"):
        approve(boxes, name)
    assert left(boxes, ONE) == []


OLD_KEY, NEW_KEY = b"k" * 32, b"n" * 32
CALLER = Identified("+393331234567")
HIS_OLD, HIS_NEW = (pseudonyms_under(CALLER, [key])[0] for key in (OLD_KEY, NEW_KEY))
HAVE_HIM = "SELECT box FROM acme.record WHERE pseudonym IS NOT NULL ORDER BY box"


def with_both_keys(boxes: Boxes, name: str, *informed: bytes) -> None:
    """A box with the new key and the old one, which told the caller under these; the controller approves each
    erasure there."""
    with closing(boxes.store(name)) as store:
        store.keep_rule(EACH, AT, NoteSource.SERVICE)
    boxes.record(name, *[replace(PLAYED, pseudonym=his, call=his.hex()[:4]) for his in informed])
    database = boxes.database(name)
    keys = (NEW_KEY, OLD_KEY)
    boxes.opened.append(Exchange(boxes.store(name), connect(database, "acme"), database, "acme", keys=keys))
    quiet(boxes)


def order_under_the_old_key(boxes: Boxes) -> None:
    """A box that has the old key alone, and nothing of the caller, orders that he is erased; all carry it
    out."""
    with closing(boxes.store("pbx-1")) as store:
        store.keep_rule(EACH, AT, NoteSource.SERVICE)
    begin(boxes, "pbx-1", informed=())
    sealed = sealed_caller.seal(CALLER, (OLD_KEY,), "OPS/2026-117")
    ledger = boxes.folder / "pbx-1/acme.sqlite3"
    request = erasure.erase(
        ledger, [HIS_OLD], AT, everywhere=True, sealed=sealed, instruction="OPS/2026-117"
    ).request
    assert request is not None
    with closing(boxes.store("pbx-1")) as store:
        erasure_orders.order(boxes.database("pbx-1"), "acme", request, store, waits=True)
    quiet(boxes)
    assert orders(boxes) == []


def test_i9_rows_under_a_key_that_the_ordering_box_has_not_wait_for_the_approval_too(boxes: Boxes) -> None:
    """Of a box that left before it proved its records: another with that key erases them once its own erasure
    is approved."""
    for name in ("pbx-2", "pbx-3"):
        with_both_keys(boxes, name, HIS_NEW)
    retire(boxes, "pbx-3")
    order_under_the_old_key(boxes)
    assert boxes.sql(HAVE_HIM) == [("pbx-2",), ("pbx-3",)]
    approve(boxes, "pbx-2")
    assert boxes.sql(HAVE_HIM) == []
    assert traces(boxes.folder / "pbx-2", HIS_NEW, HIS_OLD) == []


def test_i9_each_box_with_such_a_key_waits_for_its_own_approval(boxes: Boxes) -> None:
    """Two of them are there: what the one has of the caller stays when the other's erasure is approved."""
    for name in ("pbx-2", "pbx-3"):
        with_both_keys(boxes, name, HIS_NEW)
    order_under_the_old_key(boxes)
    for name, expected in (("pbx-2", [("pbx-3",)]), ("pbx-3", [])):
        approve(boxes, name)
        assert boxes.sql(HAVE_HIM) == expected


@pytest.mark.sample(1)
@pytest.mark.parametrize("marked", [False, True])
def test_i9_an_old_copy_of_the_database_brings_nobody_back_who_was_erased_with_approval(
    boxes: Boxes, marked: bool
) -> None:
    """A copy from before the order, or from before the approvals, where the caller's rows are marked: a
    box that joins it first knows the caller for a while in the one case, and never in the other."""
    order_with_approval(boxes, "pbx-1", "pbx-2")
    for table in ("ledger", "record", "erasure"):
        boxes.sql(f"CREATE TABLE public.old_{table} AS TABLE acme.{table}")
    for name in ("pbx-1", "pbx-2"):
        approve(boxes, name)
    assert left(boxes, ONE) == []
    boxes.close()
    boxes.opened.clear()
    for table in ("ledger", "record", "erasure"):
        boxes.sql(f"DELETE FROM acme.{table}; INSERT INTO acme.{table} TABLE public.old_{table}")
        boxes.sql(f"DROP TABLE public.old_{table}")
    if not marked:
        boxes.sql("UPDATE acme.record SET due = 0")
    boxes.exchange("pbx-9")
    quiet(boxes)
    assert bool(traces(boxes.folder / "pbx-9", ONE)) is not marked
    for name in ("pbx-2", "pbx-1"):
        boxes.exchange(name)
    quiet(boxes)
    assert left(boxes, ONE) == []
