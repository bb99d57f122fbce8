"""Proofs that boxes send to a real PostgreSQL, so that each can prove the records of all."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest

from evidence.ledger import KEY, NUMBERS, busy, of, signed
from examples import AT, NOTDUE, UNIDENTIFIED
from informativa.call.caller import pseudonym
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.tiles import ENTRIES, Tile, fetch, tiles_of
from informativa.ledgers import boxes as ledger_boxes
from informativa.ledgers import expiry
from informativa.ledgers.erasure import erase
from informativa.model import Identified, Reason
from informativa.sharing import proof_sender
from informativa.sharing.exchange import Exchange
from informativa.sharing.membership import About
from sharing.conftest import Boxes
from sharing.erasing import order

DAY = timedelta(days=1)
HIS = pseudonym(Identified(NUMBERS[1]), KEY)
EVIDENCE = "leaf, who, salt_what, salt_who, binding, opening, leaf_version, migrated"


def sent(box: Exchange) -> None:
    """All that there is to send, of records and of what proves them."""
    while box.send() or box.send_proofs():
        pass
    box.report(About())
    while box.send_proofs():
        pass


def in_database(boxes: Boxes, box: str = "pbx-1") -> dict[object, tuple[object, ...]]:
    """Return what the database has of each record, for who proves it."""
    rows = boxes.sql(f"SELECT record, {EVIDENCE} FROM acme.record WHERE box = '{box}' ORDER BY record")
    return {number: tuple(rest) for number, *rest in rows}


def in_ledger(boxes: Boxes, box: str = "pbx-1") -> dict[object, tuple[object, ...]]:
    """The same of the box's own ledger."""
    with closing(boxes.store(box)) as store:
        rows = ledger_boxes.proofs(store, 0, 1 << 20)
    return {number: tuple(rest) for number, *rest in rows if number is not None}


def test_a_record_is_there_with_what_opens_its_leaf(boxes: Boxes) -> None:
    """As its own ledger has it; whoever called unknown has a leaf as well."""
    boxes.record("pbx-1", of(1), UNIDENTIFIED, of(2, NOTDUE, basis=1))
    box = boxes.exchange("pbx-1")
    assert box.send() == 3
    assert in_database(boxes) == in_ledger(boxes)
    assert all(row[2] and row[3] for row in in_database(boxes).values())
    assert boxes.sql("SELECT proven FROM acme.ledger") == [(3,)]
    assert box.send_proofs() == 0


def test_records_from_before_there_was_a_log(boxes: Boxes) -> None:
    """Of an old ledger, with erasures and purges: they get their leaves when the first checkpoint is signed,
    and the database then has what the ledger has."""
    ledger = busy(boxes.folder / "pbx-1").ledger
    ledger.rename(boxes.folder / "pbx-1/acme.sqlite3")
    box = boxes.exchange("pbx-1")
    sent(box)
    assert in_database(boxes) == in_ledger(boxes)


def test_i9_an_erasure_leaves_no_salt(boxes: Boxes) -> None:
    """On all boxes, also of who spoke of his records; the commitments stay, and tell nothing."""
    boxes.record("pbx-1", of(1), of(2), of(3, NOTDUE, basis=1, reason=Reason.SAME_CALL))
    boxes.record("pbx-2", of(1), of(2))
    pair = [boxes.exchange(name) for name in ("pbx-1", "pbx-2")]
    for exchange in pair:
        sent(exchange)
    before = {name: in_database(boxes, name) for name in ("pbx-1", "pbx-2")}
    erase(boxes.folder / "pbx-1/acme.sqlite3", [HIS], AT)
    order(boxes, "pbx-1", HIS)
    proofs = in_database(boxes, "pbx-2")
    assert proofs[1][3:6] == (None, None, None)  # at once, and nobody sent anything
    for exchange in pair:
        exchange.erase()
        sent(exchange)
    for name, erased in (("pbx-1", (1, 3)), ("pbx-2", (1,))):
        proofs = in_database(boxes, name)
        assert {number for number, row in proofs.items() if row[3] is None} == set(erased)
        assert {number for number, row in proofs.items() if number in before[name] and row[4] is None} == set(
            erased
        )
        assert all(proofs[number][:3] == row[:3] for number, row in before[name].items())
        assert in_database(boxes, name) == in_ledger(boxes, name)


def test_i9_what_an_earlier_informativa_left_open_is_closed_by_the_next_box(boxes: Boxes) -> None:
    """It knew of no salts; a box takes them away before it counts as having erased."""
    boxes.record("pbx-1", of(1))
    box = boxes.exchange("pbx-1")
    sent(box)
    boxes.exchange("pbx-2")
    order(boxes, "pbx-2", HIS)
    boxes.sql("UPDATE acme.record SET salt_who = '\\x01', binding = '\\x02', opening = '\\x03'")
    assert box.erase() == 1
    assert in_database(boxes)[1][3:6] == (None, None, None)


def test_i9_leaves_that_come_late_bring_no_salts_of_the_erased(boxes: Boxes) -> None:
    """A page that was read before an erasure is not written after it, and what was erased there stays so."""
    boxes.record("pbx-1", of(1), of(2))
    boxes.exchange("pbx-1").send()
    boxes.sql("UPDATE acme.record SET leaf = NULL, who = NULL, salt_who = NULL, binding = NULL")
    boxes.sql("UPDATE acme.ledger SET proven = 0")
    box = boxes.exchange("pbx-1")
    boxes.exchange("pbx-2")
    order(boxes, "pbx-2", HIS)
    assert box.send_proofs() == 0
    assert in_database(boxes)[1][0] is None
    boxes.sql("UPDATE acme.ledger SET erasures = 0")
    assert box.send_proofs() == 2
    assert in_database(boxes)[1][3:6] == (None, None, None)
    assert in_database(boxes)[2] == in_ledger(boxes)[2]


def test_a_purge_takes_what_opened(boxes: Boxes) -> None:
    """With the record; the tree keeps its leaf."""
    boxes.record("pbx-1", of(1, at=AT - 400 * DAY), of(2))
    box = boxes.exchange("pbx-1")
    sent(box)
    with closing(boxes.store("pbx-1")) as store:
        expiry.purge(store, AT - 365 * DAY, AT)
    sent(box)
    assert sorted(in_database(boxes)) == [2, 3]


def test_the_tree_and_its_checkpoints_are_there(boxes: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every tile of the newest checkpoint as it was published, whatever was there of earlier ones; and the
    key."""
    monkeypatch.setattr(proof_sender, "TILES", 1)
    ledger = boxes.folder / "pbx-1/acme.sqlite3"
    boxes.record("pbx-1", *[of(1, call=str(number)) for number in range(300)])
    key = signed(ledger)
    box = boxes.exchange("pbx-1")
    sent(box)
    boxes.record("pbx-1", *[of(2, call=str(number)) for number in range(300)])
    signed(ledger)
    sent(box)
    published = LogFolder(ledger).published(1)
    size = Checkpoint.unverified(published.checkpoint() or b"").size
    assert size == 600
    stored = {
        Tile(level, number, len(hashes) // 32): hashes
        for level, number, hashes in boxes.sql("SELECT level, number, hashes FROM acme.tile")
    }
    assert stored == {
        tile: fetch(tile, published.tiles.read) for tile in tiles_of(size) if tile.level != ENTRIES
    }
    notes = boxes.sql("SELECT size, note FROM acme.checkpoint ORDER BY size")
    assert notes == [(size, (published.checkpoint_of(size) or b"").decode()) for size in (300, 600)]
    assert boxes.sql("SELECT box, epoch, first, key FROM acme.log") == [("pbx-1", 1, 0, str(key))]


def test_a_damaged_log_holds_no_record_up(boxes: Boxes) -> None:
    """It is told once; records go out as before, and the tree when it is whole again."""
    ledger = boxes.folder / "pbx-1/acme.sqlite3"
    boxes.record("pbx-1", of(1))
    signed(ledger)
    file = LogFolder(ledger).published(1).folder / "checkpoint"
    content = file.read_bytes()
    file.write_bytes(b"nothing of a checkpoint")
    box = boxes.exchange("pbx-1")
    sent(box)
    assert (len(in_database(boxes)), boxes.sql("SELECT count(*) FROM acme.checkpoint")) == (1, [(0,)])
    file.write_bytes(content)
    sent(box)
    assert boxes.sql("SELECT size FROM acme.checkpoint") == [(1,)]


def test_a_cosigned_checkpoint_is_sent_once_more(boxes: Boxes) -> None:
    """A witness signs after the log did."""
    ledger = boxes.folder / "pbx-1/acme.sqlite3"
    boxes.record("pbx-1", of(1))
    signed(ledger)
    box = boxes.exchange("pbx-1")
    sent(box)
    published = LogFolder(ledger).published(1)
    cosigned = (published.checkpoint() or b"") + "— witness AAAAAAAA\n".encode()
    published.put_checkpoint(1, cosigned)
    sent(box)
    assert boxes.sql("SELECT note FROM acme.checkpoint") == [(cosigned.decode(),)]


def test_a_failover_that_lost_the_tree_gets_it_again(boxes: Boxes) -> None:
    """A promoted standby has neither the last records nor what was sent after them."""
    ledger = boxes.folder / "pbx-1/acme.sqlite3"
    boxes.record("pbx-1", of(1), of(2))
    signed(ledger)
    box = boxes.exchange("pbx-1")
    sent(box)
    boxes.sql("DELETE FROM acme.record WHERE record = 2")
    boxes.sql("UPDATE acme.ledger SET record = 1, proven = 1")
    boxes.sql("DELETE FROM acme.checkpoint")
    boxes.sql("DELETE FROM acme.tile")
    box.erase()
    sent(box)
    assert in_database(boxes) == in_ledger(boxes)
    assert boxes.sql("SELECT size FROM acme.checkpoint") == [(1 + 1,)]
    assert boxes.sql("SELECT count(*) FROM acme.tile") == [(1,)]
