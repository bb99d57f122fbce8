"""I9: an erasure asked of all boxes is done by all, whatever becomes of the database meanwhile."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from evidence.ledger import signed
from evidence.noted import APPROVER
from examples import AT, ONE, OTHER, PLAYED
from informativa.call.caller import pseudonyms_under
from informativa.evidence.erased_leaves import LeafPlace
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.note_values import ErasureRule, NoteSource
from informativa.evidence.notes import RuleNote
from informativa.evidence.origin import log_name
from informativa.ledgers import erasure, erasure_notes, erasure_requests
from informativa.ledgers.restoring import restore
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Identified
from informativa.model.errors import LedgerError, SharedDatabaseError
from informativa.sharing import administration, erasure_orders, sealed_caller
from informativa.sharing.connection import connect
from informativa.sharing.exchange import Exchange
from sharing.conftest import Boxes, without
from sharing.erasing import begin, erase, erase_here, later, left, order, orders, quiet, stored_orders, turn
from traces import traces

Rounds = Callable[[int, int], int]
THIRD = b"3" * 32
EACH = RuleNote(None, "Europe/Rome", ErasureRule.EACH, processor=False, approver=APPROVER.verifier)
TABLES = ("ledger", "record", "erasure")


def replicate(boxes: Boxes) -> None:
    """Replicate to a standby what there is up to now."""
    for table in TABLES:
        boxes.sql(f"DROP TABLE IF EXISTS public.standby_{table}")
        boxes.sql(f"CREATE TABLE public.standby_{table} AS TABLE acme.{table}")


def fail_over(boxes: Boxes) -> None:
    """Promote that standby; what came since is lost. Boxes stay connected, as behind pgbouncer."""
    for table in TABLES:
        boxes.sql(f"DELETE FROM acme.{table}")
        boxes.sql(f"INSERT INTO acme.{table} SELECT * FROM public.standby_{table}")


def test_i9_an_order_that_a_failover_lost_is_given_again(boxes: Boxes) -> None:
    """The box that asked notices by the number, and nobody need type anything."""
    begin(boxes, "pbx-1", "pbx-2", "pbx-3")
    replicate(boxes)
    assert erase(boxes, "pbx-1", ONE) == 1
    fail_over(boxes)
    assert orders(boxes) == []
    quiet(boxes)
    assert left(boxes, ONE) == []
    assert stored_orders(boxes, "pbx-1") == []
    assert traces(boxes.folder / "pbx-2", OTHER) != []


@pytest.mark.sample(1)
@pytest.mark.parametrize("box", ["pbx-1", "pbx-2"])
def test_i9_a_lost_order_whose_number_another_got_is_given_again(boxes: Boxes, box: str) -> None:
    """Of another box, or of the same: also where that one is done, and its row gone, before anybody looks."""
    begin(boxes, "pbx-1", "pbx-2")
    replicate(boxes)
    assert erase(boxes, "pbx-1", ONE) == 1
    fail_over(boxes)
    assert erase(boxes, box, OTHER) == 1
    for name in (1, 0):  # the box that asked comes last
        boxes.opened[name].erase(later())
    quiet(boxes)
    assert left(boxes, ONE, OTHER) == []
    assert stored_orders(boxes, "pbx-1", "pbx-2") == []


def test_i9_a_lost_order_is_not_taken_for_done_where_it_cannot_be_given_again_at_once(boxes: Boxes) -> None:
    """Until then this box does not count as having done what has the number now, and its row stays."""
    begin(boxes, "pbx-1", "pbx-2")
    replicate(boxes)
    erase(boxes, "pbx-1", ONE)
    fail_over(boxes)
    assert erase(boxes, "pbx-2", OTHER) == 1
    with (
        mock.patch.object(erasure_orders, "_order", side_effect=SharedDatabaseError("away again")),
        pytest.raises(SharedDatabaseError, match="away again"),
    ):
        boxes.opened[0].erase(later())
    boxes.opened[1].erase(later())
    quiet(boxes)
    assert left(boxes, ONE, OTHER) == []


def test_i9_an_order_whose_row_is_gone_before_all_did_it_is_given_again(boxes: Boxes) -> None:
    """As somebody may delete it by hand: the counters say that not all have done it."""
    begin(boxes, "pbx-1", "pbx-2")
    erase(boxes, "pbx-1", ONE)
    boxes.sql("DELETE FROM acme.erasure")
    boxes.opened[0].erase(later())
    assert orders(boxes) == [2]
    quiet(boxes)
    assert left(boxes, ONE) == []


def test_an_order_is_kept_until_all_boxes_have_done_it(boxes: Boxes) -> None:
    """One that is away holds it, one that left for good does not; and nobody is asked twice meanwhile."""
    begin(boxes, "pbx-1", "pbx-2", "pbx-3")
    away, left_box = boxes.opened.pop(), boxes.opened.pop()
    erase(boxes, "pbx-1", ONE)
    quiet(boxes)
    assert stored_orders(boxes, "pbx-1") == orders(boxes) == [1]
    assert traces(boxes.folder / "pbx-1", ONE) == []
    assert traces(boxes.folder / "pbx-1", ONE.hex().encode()) != []  # what is kept, and nothing else
    administration.retire(boxes.database(), "acme", "pbx-2")
    left_box.close()
    quiet(boxes)
    assert stored_orders(boxes, "pbx-1") == [1]
    boxes.opened.append(away)
    quiet(boxes)
    assert stored_orders(boxes, "pbx-1") == orders(boxes) == []
    assert traces(boxes.folder / "pbx-1", ONE, ONE.hex().encode()) == []
    assert traces(boxes.folder / "pbx-3", ONE, ONE.hex().encode()) == []


def test_what_a_command_kept_and_could_not_ask_the_service_asks(boxes: Boxes) -> None:
    """Not while the command may still do it, or all would be done twice; and at once where it gave up."""
    begin(boxes, "pbx-1", "pbx-2")
    request = erase_here(boxes, "pbx-1", ONE)
    assert boxes.opened[0].erase() == 0
    assert orders(boxes) == []
    nowhere = boxes.database("pbx-1", hosts=("127.0.0.1:1",))
    with closing(boxes.store("pbx-1")) as store, pytest.raises(SharedDatabaseError):
        erasure_orders.order(nowhere, "acme", request, store)
    assert boxes.opened[0].erase() == 1
    assert stored_orders(boxes, "pbx-1") == orders(boxes) == [1]
    quiet(boxes)
    assert left(boxes, ONE) == []


def test_i9_the_service_erases_on_its_own_box_too_what_it_orders(boxes: Boxes) -> None:
    """Who rang since the command erased him is on no box afterwards."""
    begin(boxes, "pbx-1", "pbx-2")
    erase_here(boxes, "pbx-1", ONE)
    boxes.record("pbx-1", PLAYED)
    quiet(boxes)
    assert left(boxes, ONE) == []


def test_a_command_that_can_neither_order_nor_note_that_names_the_database(boxes: Boxes) -> None:
    """That its ledger takes nothing at that moment only makes the service wait."""
    boxes.record("pbx-1", PLAYED)
    request = erase_here(boxes, "pbx-1", ONE)
    nowhere = boxes.database("pbx-1", hosts=("127.0.0.1:1",))
    with (
        closing(boxes.store("pbx-1")) as store,
        mock.patch.object(erasure_requests, "mark_lost", side_effect=LedgerError("busy")),
        pytest.raises(SharedDatabaseError),
    ):
        erasure_orders.order(nowhere, "acme", request, store)


def test_a_database_that_refuses_an_order_is_named(boxes: Boxes) -> None:
    """Before it is given and while it is."""
    begin(boxes, "pbx-1")
    request = erase_here(boxes, "pbx-1", ONE)
    with without(boxes, "SELECT", "record"), closing(boxes.store("pbx-1")) as store:
        with pytest.raises(SharedDatabaseError, match="shared database postgres"):
            erasure_orders.would_order(boxes.database("pbx-1"), "acme", [ONE], store)
        with pytest.raises(SharedDatabaseError, match="shared database postgres"):
            erasure_orders.order(boxes.database("pbx-1"), "acme", request, store)


@pytest.mark.parametrize("right", ["SELECT", "EXECUTE"])
def test_a_database_that_refuses_what_an_order_needs_is_named(boxes: Boxes, right: str) -> None:
    """While orders are read, and where those that all have carried out are deleted."""
    begin(boxes, "pbx-1", "pbx-2")
    erase(boxes, "pbx-2", ONE)
    with (
        without(boxes, right, "erasure" if right == "SELECT" else "forget_erasures(integer)"),
        pytest.raises(SharedDatabaseError, match="shared database postgres"),
    ):
        boxes.opened[0].erase(later())


def test_a_preview_says_what_others_have(boxes: Boxes) -> None:
    """The records and the name of the box that asks are not among them."""
    begin(boxes, "pbx-1", "pbx-2")
    with closing(boxes.store("pbx-1")) as store:
        preview = erasure_orders.would_order(boxes.database("pbx-1"), "acme", [ONE], store)
    assert [box.name for box in preview.boxes] == ["pbx-2"]
    assert (preview.records, preview.pseudonyms, preview.refused) == (1, (ONE,), None)


def test_i9_a_box_that_learns_another_pseudonym_of_his_erases_him_again(boxes: Boxes) -> None:
    """Another box knows under which key he was known before: here nobody searched for that one yet."""
    begin(boxes, "pbx-1", "pbx-2", informed=(ONE, OTHER))
    boxes.record("pbx-2", replace(PLAYED, earlier=OTHER))
    quiet(boxes)
    erase(boxes, "pbx-1", ONE)
    applied = "SELECT applied FROM acme.ledger ORDER BY box"
    assert boxes.sql(applied) == [(0,), (0,)]
    assert traces(boxes.folder / "pbx-1", OTHER) != []
    quiet(boxes)
    assert left(boxes, ONE, OTHER) == []


KILLED = """
import os, signal, sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from informativa.ledgers import erasure, erasure_requests
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import SharedDatabase
from informativa.sharing import erasure_orders

def end():
    os.kill(os.getpid(), signal.SIGKILL)

ledger, host, passwords, caller, where = sys.argv[1:]
database = SharedDatabase(hosts=(host,), name="postgres", box="pbx-1", passwords=passwords)
request = erasure.erase(Path(ledger), [bytes.fromhex(caller)], datetime.now(UTC), everywhere=True).request
if where == "kept":
    end()
store_order = erasure_requests.store_order
def store(*values):
    store_order(*values)
    if where == "numbered":
        end()
erasure_requests.store_order = store
with closing(SqliteStore(ledger)) as opened:
    erasure_orders.order(database, "acme", request, opened)
end()
"""


@pytest.mark.sample(1)
@pytest.mark.parametrize("where", ["kept", "numbered", "ordered"])
def test_i9_a_command_that_is_killed_loses_no_erasure(boxes: Boxes, where: str) -> None:
    """Before the database is asked, before that holds, and after it: each box does it all the same."""
    begin(boxes, "pbx-1", "pbx-2")
    database = boxes.database("pbx-1")
    ledger = boxes.folder / "pbx-1/acme.sqlite3"
    arguments = [str(ledger), *database.hosts, database.passwords, ONE.hex(), where]
    killed = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert stored_orders(boxes, "pbx-1") == [None if where == "kept" else 1]
    assert orders(boxes) == ([1] if where == "ordered" else [])
    quiet(boxes)
    assert left(boxes, ONE) == []
    assert stored_orders(boxes, "pbx-1") == []


@pytest.mark.sample(1)
@pytest.mark.parametrize("second", [ONE, OTHER])
def test_two_boxes_that_erase_at_once(boxes: Boxes, second: bytes, rounds: Rounds) -> None:
    """The same caller, or another: each order has a number of its own, and all do both."""
    begin(boxes, "pbx-1", "pbx-2", "pbx-3", informed=())
    for _ in range(rounds(2, 50)):
        for box in ("pbx-1", "pbx-2", "pbx-3"):
            boxes.record(box, PLAYED, replace(PLAYED, pseudonym=OTHER, call="2", linked="2"))
        quiet(boxes)
        numbers: list[int] = []
        together = threading.Barrier(2)

        def command(box: str, caller: bytes, together: threading.Barrier, numbers: list[int]) -> None:
            together.wait()
            numbers.append(erase(boxes, box, caller))

        given = (("pbx-1", ONE), ("pbx-2", second))
        threads = [threading.Thread(target=command, args=(*parts, together, numbers)) for parts in given]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert abs(numbers[0] - numbers[1]) == 1
        quiet(boxes)
        assert left(boxes, ONE, second) == []
        assert stored_orders(boxes, "pbx-1", "pbx-2") == []


def test_i9_what_is_kept_goes_without_a_trace(boxes: Boxes) -> None:
    """Copies that were made meanwhile go with it; and what was cut off in between is done too, where whom to
    look for is not known any more."""
    begin(boxes, "pbx-1")
    ledger = boxes.folder / "pbx-1/acme.sqlite3"
    erase(boxes, "pbx-1", ONE)
    copy = ledger.with_name("acme.sqlite3.rescued-2026-11-26T10-00-00")
    copy.write_bytes(ONE.hex().encode())
    with (
        mock.patch.object(erasure_requests, "forget", side_effect=LedgerError("cut off")),
        pytest.raises(LedgerError, match="cut off"),
    ):
        boxes.opened[0].erase(later())
    with closing(boxes.store("pbx-1")) as store:
        assert [request.pseudonyms for request in erasure_requests.stored_requests(store)] == [()]
    assert boxes.opened[0].erase(later()) == 0
    assert not copy.exists()
    assert stored_orders(boxes, "pbx-1") == left(boxes, ONE) == []


def test_a_ledger_put_back_knows_whom_others_have_still_to_erase(boxes: Boxes) -> None:
    """Whether the backup has it or not: what it has and is done is asked for once more, which is harmless."""
    begin(boxes, "pbx-1", "pbx-2")
    ledger = boxes.folder / "pbx-1/acme.sqlite3"
    without, done = erase_with_backups(boxes, ledger)
    boxes.opened.pop(0).close()
    restore(ledger, without, AT)
    assert sorted(stored_orders(boxes, "pbx-1")) == [1, 2]
    restore(ledger, done, AT)
    assert sorted(stored_orders(boxes, "pbx-1")) == [1, 2]
    administration.retire(boxes.database(), "acme", "pbx-1")  # as the page says
    database = boxes.database("pbx-9")
    boxes.opened.append(Exchange(SqliteStore(str(ledger)), connect(database, "acme"), database, "acme"))
    quiet(boxes)
    for backup in (without, done):
        backup.unlink()
    assert left(boxes, ONE, OTHER) == []
    assert stored_orders(boxes, "pbx-1") == []


def erase_with_backups(boxes: Boxes, ledger: Path) -> tuple[Path, Path]:
    """A backup from before two erasures, and one from between them."""
    before, between = (boxes.folder / name for name in ("before.backup", "between.backup"))
    for number, (copy, caller) in enumerate(((before, ONE), (between, OTHER)), 1):
        with closing(SqliteStore(str(ledger))) as store, store.connected() as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))
        assert erase(boxes, "pbx-1", caller) == number
    return before, between


def test_what_is_kept_is_no_record(boxes: Boxes) -> None:
    """Nobody is shown it as one, and his number of records is the same."""
    begin(boxes, "pbx-1")
    erase_here(boxes, "pbx-1", ONE)
    with closing(boxes.store("pbx-1")) as store:
        assert store.of_caller(ONE) == []
        assert "privacy" not in store.history(ONE)


def test_i9_whoever_asks_where_no_box_took_part_yet_loses_nothing(boxes: Boxes) -> None:
    """The first erasure may come before the first service: the numbers begin with it."""
    boxes.record("pbx-1", PLAYED)
    assert erase(boxes, "pbx-1", ONE) == 1
    assert erase(boxes, "pbx-1", ONE) == 2
    boxes.record("pbx-2", PLAYED)
    for name in ("pbx-2", "pbx-1"):
        boxes.exchange(name)
    quiet(boxes)
    assert left(boxes, ONE) == []
    assert stored_orders(boxes, "pbx-1") == []


def test_i9_whatever_happens_to_orders_all_is_erased_in_the_end(
    boxes: Boxes, chance: random.Random, rounds: Rounds
) -> None:
    """Failovers at any moment, commands that are cut off, boxes that look late: of those who were erased
    nothing is left on any box, and of what was asked for nothing anywhere."""
    names = ["pbx-1", "pbx-2", "pbx-3"]
    begin(boxes, *names, informed=())
    for _ in range(rounds(3, 200)):
        people = [bytes([chance.randrange(256)]) + os.urandom(31) for _ in range(3)]
        for name in names:
            boxes.record(
                name,
                *[replace(PLAYED, pseudonym=pseudonym, call=pseudonym.hex()[:9]) for pseudonym in people],
            )
        quiet(boxes)
        replicate(boxes)
        erased = chance.choices(people, k=chance.randrange(1, 5))
        for pseudonym in erased:
            trouble(boxes, chance, chance.choice(names), pseudonym)
        quiet(boxes)
        assert stored_orders(boxes, *names) == orders(boxes) == []
        assert left(boxes, *erased) == []


def trouble(boxes: Boxes, chance: random.Random, box: str, caller: bytes) -> None:
    """One erasure, and what may come between its steps; nobody has seen yet that it is through when the
    server is lost that knew of it."""
    request, number = erase_here(boxes, box, caller), 0
    how = chance.choice(["kept", "cut off", "lost", "done"])

    store_order = erasure_requests.store_order

    def store_and_end(store: SqliteStore, request: int, given: int, *values: Any) -> None:
        nonlocal number
        number = given
        store_order(store, request, given, *values)
        if how == "cut off":
            raise LedgerError("cut off")

    if how != "kept":
        with (
            closing(boxes.store(box)) as store,
            mock.patch.object(erasure_requests, "store_order", store_and_end),
            mock.patch.object(erasure_requests, "mark_lost"),  # whoever is cut off does nothing more
            pytest.raises(LedgerError, match="cut off") if how == "cut off" else nullcontext(),
        ):
            erasure_orders.order(boxes.database(box), "acme", request, store)
    for exchange in chance.sample(boxes.opened, chance.randrange(len(boxes.opened))):
        exchange.erase(later())
    if how == "lost" and number in stored_orders(boxes, box):
        fail_over(boxes)


def test_an_order_without_an_instruction_is_noted_by_its_number(boxes: Boxes) -> None:
    """A box of an earlier informativa sends none, and what no note can say is none."""
    for number, sealed in enumerate(((), (b"instruction:two words",)), 1):
        with closing(boxes.store("pbx-2")) as store:
            store.keep_rule(replace(EACH, erasures=ErasureRule.STANDING), AT, NoteSource.SERVICE)
        begin(boxes, "pbx-2", informed=(ONE,))
        order(boxes, "pbx-1", ONE, sealed=sealed)
        quiet(boxes)
        with closing(boxes.store("pbx-2")) as store, store.connected() as connection:
            noted = next(erasure_notes.noted(connection, LogFolder(store.file)))
        assert noted.instruction == f"order-{number}"


def test_a_copy_that_went_on_erases_nobody_whom_no_box_erased(boxes: Boxes) -> None:
    """Two machines go on with one ledger, each with callers of its own. The one that gets another name erases
    who was erased on the other, and not whom it put on record under the same numbers."""
    begin(boxes, "pbx-1", informed=(ONE,))
    boxes.close()
    boxes.opened = []
    shutil.copytree(boxes.folder / "pbx-1", boxes.folder / "pbx-9")
    boxes.record("pbx-1", replace(PLAYED, pseudonym=OTHER))
    boxes.record("pbx-9", replace(PLAYED, pseudonym=THIRD))
    boxes.exchange("pbx-1")
    quiet(boxes)
    for caller in (ONE, OTHER):
        erase(boxes, "pbx-1", caller)
    quiet(boxes)
    boxes.exchange("pbx-9")
    quiet(boxes)
    assert traces(boxes.folder / "pbx-9", THIRD) != []
    assert left(boxes, ONE, OTHER) == []
    assert boxes.sql("SELECT record FROM acme.record WHERE box = 'pbx-9' AND pseudonym IS NOT NULL") == [(2,)]


def test_i9_an_order_from_before_any_box_took_part_is_carried_out(boxes: Boxes) -> None:
    """Two boxes told a caller before they reached the database. One orders that he is erased and never comes
    back; the other hears of it when it takes part, and the order goes once the first one is retired."""
    for name in ("pbx-1", "pbx-2"):
        boxes.record(name, replace(PLAYED, pseudonym=ONE))
    assert erase(boxes, "pbx-1", ONE) == 1
    boxes.exchange("pbx-2")
    quiet(boxes)
    assert traces(boxes.folder / "pbx-2", ONE) == []
    assert orders(boxes) == [1]
    administration.retire(boxes.database("pbx-2"), "acme", "pbx-1")
    assert boxes.sql("SELECT 1 FROM acme.record WHERE pseudonym IS NOT NULL") == orders(boxes) == []


@pytest.mark.sample(1)
@pytest.mark.parametrize("retires", ["before the order", "after it"])
def test_i9_a_caller_under_a_key_that_the_ordering_box_has_not_is_erased_of_a_box_that_left(
    boxes: Boxes, retires: str
) -> None:
    """The box that left had the new key already, as another has that is there; the one that orders it has
    not. All boxes carry it out, and nothing of him is in the database."""
    old, new = b"k" * 32, b"n" * 32
    caller = Identified("+393331234567")
    his_old, his_new = (pseudonyms_under(caller, [key])[0] for key in (old, new))
    begin(boxes, "pbx-1", informed=(his_old,))
    file = boxes.folder / "pbx-3" / "acme.sqlite3"
    file.parent.mkdir()
    with closing(SqliteStore(str(file), log=log_name("acme", box="pbx-3"))) as store:
        store.append([replace(PLAYED, pseudonym=his_new)])
    signed(file)
    leaving = boxes.exchange("pbx-3")
    while leaving.send() or leaving.send_proofs():
        pass
    boxes.opened.pop().close()
    with closing(boxes.store("pbx-2")) as store:
        store.keep_rule(replace(EACH, erasures=ErasureRule.STANDING), AT, NoteSource.SERVICE)
    database = boxes.database("pbx-2")
    other = Exchange(boxes.store("pbx-2"), connect(database, "acme"), database, "acme", keys=(new, old))
    boxes.opened.append(other)
    if retires == "before the order":
        administration.retire(database, "acme", "pbx-3")
    order(boxes, "pbx-1", his_old, sealed=sealed_caller.seal(caller, (old,)))
    quiet(boxes)
    if retires == "after it":
        administration.retire(database, "acme", "pbx-3")
        quiet(boxes)
    assert boxes.sql("SELECT box FROM acme.record WHERE pseudonym IS NOT NULL") == []
    assert orders(boxes) == []
    assert traces(boxes.folder / "pbx-2", his_new, his_old) == []
    with closing(boxes.store("pbx-2")) as store, store.connected() as connection:
        noted = list(erasure_notes.noted(connection, LogFolder(store.file)))
    places = {place for note in noted for place in note.named.elsewhere}
    with closing(boxes.store("pbx-3")) as store:
        assert places == {LeafPlace(store.log().origin, 0)}


@pytest.mark.sample(1)
@pytest.mark.parametrize("knows", ["from this box", "from a box that the database has lost"])
def test_i9_boxes_that_learnt_a_caller_under_a_key_that_they_have_not_erase_him(
    boxes: Boxes, knows: str
) -> None:
    """He rang a box that has the new key. The box that orders the erasure has not, nor has a third one: both
    learnt him from his record. They hear of him under that key from whichever box has it."""
    old, new = b"k" * 32, b"n" * 32
    caller = Identified("+393331234567")
    his_old, his_new = (pseudonyms_under(caller, [key])[0] for key in (old, new))
    for box, keys in (("pbx-1", (old,)), ("pbx-2", (new, old)), ("pbx-3", (old,)), ("pbx-4", (new, old))):
        database = boxes.database(box)
        boxes.opened.append(
            Exchange(boxes.store(box), connect(database, "acme"), database, "acme", keys=keys)
        )
    boxes.record("pbx-2", replace(PLAYED, pseudonym=his_new))
    quiet(boxes)
    if knows == "from a box that the database has lost":
        boxes.sql("DELETE FROM acme.record WHERE box = 'pbx-2'")
        boxes.sql("UPDATE acme.ledger SET record = 0, answered = 0, proven = 0 WHERE box = 'pbx-2'")
    sealed = sealed_caller.seal(caller, (old,))
    file = boxes.folder / "pbx-1" / "acme.sqlite3"
    request = erasure.erase(file, [his_old], AT, everywhere=True, sealed=sealed).request
    assert request is not None
    with closing(boxes.store("pbx-1")) as store:
        erasure_orders.order(boxes.database("pbx-1"), "acme", request, store)
    quiet(boxes)
    assert orders(boxes) == stored_orders(boxes, "pbx-1", "pbx-2", "pbx-3", "pbx-4") == []
    assert left(boxes, his_old, his_new) == []


@pytest.mark.sample(1)
@pytest.mark.parametrize("moment", ["at the first look", "when it is sent"])
def test_i9_a_caller_whom_an_old_ledger_brings_back_after_a_failover_is_erased_again(
    boxes: Boxes, moment: str
) -> None:
    """All boxes erased him. Then somebody puts an old copy of the ledger of the one box that had a record of
    him into its place by hand, and a standby takes over that knows nothing since before he rang: that box
    sends him anew, and the box that had asked for the erasure finds him and asks once more."""
    begin(boxes, "pbx-1", informed=(OTHER,))
    begin(boxes, "pbx-2", informed=())
    boxes.record("pbx-2", PLAYED)
    quiet(boxes)
    boxes.opened.pop().close()
    shutil.copytree(boxes.folder / "pbx-2", boxes.folder.parent / "copy")
    boxes.exchange("pbx-2")
    erase(boxes, "pbx-1", ONE)
    quiet(boxes)
    assert orders(boxes) == left(boxes, ONE) == []
    boxes.opened.pop().close()
    shutil.rmtree(boxes.folder / "pbx-2")
    shutil.move(boxes.folder.parent / "copy", boxes.folder / "pbx-2")
    boxes.sql("DELETE FROM acme.record WHERE NOT (box = 'pbx-1' AND record = 1)")
    for box, record in (("pbx-1", 1), ("pbx-2", 0)):
        numbers = "erasures = 0, applied = 0, proven = 0"
        boxes.sql(
            f"UPDATE acme.ledger SET record = {record}, answered = {record}, {numbers} WHERE box = '{box}'"
        )
    if moment == "when it is sent":
        quiet(boxes)
    boxes.exchange("pbx-2")
    quiet(boxes)
    quiet(boxes)  # the other box looks at what came, and asks
    assert orders(boxes) == left(boxes, ONE) == []
    with closing(boxes.store("pbx-2")) as store:
        assert store.history(OTHER)


def test_i9_a_third_key_of_a_box_that_left_leads_to_nobody(boxes: Boxes) -> None:
    """Its record under that key names the caller's pseudonym under the second one, which a box that is there
    has: so both go, though nobody has the third key any more."""
    old, new, newest = b"k" * 32, b"n" * 32, b"w" * 32
    caller = Identified("+393331234567")
    his_old, his_new, his_newest = (pseudonyms_under(caller, [key])[0] for key in (old, new, newest))
    begin(boxes, "pbx-1", informed=(his_old,))
    boxes.record("pbx-3", replace(PLAYED, pseudonym=his_newest, earlier=his_new))
    boxes.exchange("pbx-3").send()
    boxes.opened.pop().close()
    database = boxes.database("pbx-2")
    other = Exchange(boxes.store("pbx-2"), connect(database, "acme"), database, "acme", keys=(new, old))
    boxes.opened.append(other)
    administration.retire(database, "acme", "pbx-3")
    order(boxes, "pbx-1", his_old, sealed=sealed_caller.seal(caller, (old,)))
    quiet(boxes)
    assert boxes.sql("SELECT box FROM acme.record WHERE pseudonym IS NOT NULL OR earlier IS NOT NULL") == []


def test_a_box_that_carries_out_an_order_once_more_knows_who_was_informed_since(boxes: Boxes) -> None:
    """A third box is away, so the order stays. The caller rings again elsewhere, and the box takes that in;
    then a standby takes over that does not know the box, which carries out the order as a new one does."""
    begin(boxes, "pbx-1", "pbx-2", "pbx-3")
    away = boxes.opened.pop()
    erase(boxes, "pbx-1", ONE)
    quiet(boxes)
    boxes.record("pbx-1", replace(PLAYED, call="1.9"))
    quiet(boxes)
    with closing(boxes.store("pbx-2")) as store:
        assert store.history(ONE)
    boxes.opened.pop().close()
    boxes.sql("DELETE FROM acme.record WHERE box = 'pbx-2'")
    boxes.sql("DELETE FROM acme.ledger WHERE box = 'pbx-2'")
    boxes.exchange("pbx-2")
    quiet(boxes)
    assert orders(boxes) == [1]
    with closing(boxes.store("pbx-2")) as store, closing(away):
        assert store.history(ONE)


def test_a_box_that_carries_out_an_order_once_more_takes_in_what_is_sent_once_more(boxes: Boxes) -> None:
    """As before, but the standby has not got the caller's new record either, which the box erases before the
    other one sends it again."""
    begin(boxes, "pbx-1", "pbx-2", "pbx-3")
    away = boxes.opened.pop()
    erase(boxes, "pbx-1", ONE)
    replicate(boxes)
    quiet(boxes)
    boxes.record("pbx-1", replace(PLAYED, call="1.9"))
    quiet(boxes)
    with closing(boxes.store("pbx-2")) as store:
        assert store.history(ONE)
    fail_over(boxes)
    boxes.opened.pop().close()
    turn(boxes.exchange("pbx-2"))
    with closing(boxes.store("pbx-2")) as store:
        assert not store.history(ONE)
    quiet(boxes)
    with closing(boxes.store("pbx-2")) as store, closing(away):
        assert store.history(ONE)
