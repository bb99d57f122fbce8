"""I9, GDPR art. 12 and 15: what is told of a caller over all boxes is complete, or says with which box it is
not."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands import typed
from doubles import CALLER
from examples import AT, ONE, OTHER, PLAYED
from informativa.call.caller import pseudonym
from informativa.ledgers import boxes as ledger_boxes
from informativa.model import Identified, Period
from informativa.model.errors import SharedDatabaseError
from informativa.process import maintenance, storage
from informativa.sharing import administration, sealed_caller
from informativa.sharing.connection import connect
from informativa.sharing.exchange import Exchange
from lab.postgres import Postgres
from sharing.conftest import ACME, Boxes
from sharing.erasing import begin, erase, later, left, order, orders, quiet
from sharing.installation import HE, Installation, of
from traces import traces

DAY = timedelta(days=1)
OLD, NEW, THEIRS = b"o" * 32, b"n" * 32, b"t" * 32
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def missing(out: str) -> list[tuple[str, str]]:
    """With which boxes something is missing at the first company, and why, as JSON says it."""
    return [(entry["box"], entry["code"]) for entry in json.loads(out)["controllers"][0]["missing"]]


def impostor(real: Installation, folder: Path) -> Installation:
    """Another machine that was given the name of a box: the same configuration, and a ledger of its own."""
    shutil.copytree(real.file.parent, folder)
    for file in (folder / "ledger").iterdir():
        file.unlink()
    return Installation(folder / "informativa.yaml", real.box)


@pytest.mark.sample(1)
@pytest.mark.parametrize("clone", [False, True])
def test_i9_a_refused_box_marks_no_other_as_done(
    meeting: tuple[Installation, Installation], server: Postgres, tmp_path: Path, clone: bool
) -> None:
    """Neither one that has another's name nor a copy that went on by itself: it says that it is refused and
    what to do, ends with 3, and the box that it was taken for erases the caller itself."""
    one, other = meeting
    one.record()
    for box in (one, other):
        box.exchange()
    if clone:
        shutil.copytree(one.file.parent, tmp_path / "etc-3")
        false = Installation(tmp_path / "etc-3/informativa.yaml", "pbx-1")
        one.record(replace(PLAYED, at=AT.replace(day=26)))
        one.exchange()
        false.record(replace(PLAYED, at=AT.replace(day=25)))
    else:
        false = impostor(one, tmp_path / "etc-3")
        false.record()
    code, out, _error = typed("caller", "show", CALLER, "--json", *of(false))
    records = [record["box"] for record in json.loads(out)["controllers"][0]["records"]]
    assert (code, missing(out)) == (3, [("pbx-1", "box-refused")])
    assert records == ([None, None, "pbx-1", "pbx-1"] if clone else [None, "pbx-1"])
    code, out, _error = typed("caller", "erase", CALLER, "--yes", *of(false))
    assert code == 3
    assert "pbx-1, pbx-2: each erases the caller too" in out
    assert "not complete: The shared database postgres takes nothing from this box: " in out
    assert "(shared.box)" in out
    applied = "SELECT box, erasures - applied FROM informativa.ledger ORDER BY box"
    assert server.sql(applied) == [("pbx-1", 1), ("pbx-2", 1)]
    for box in (one, other, one):
        box.exchange()
    his = pseudonym(HE, one.configuration.controllers["acme"].key)
    for box in (one, other):
        assert traces(box.file.parent, his, his.hex().encode()) == []
    assert server.sql(applied) == [("pbx-1", 0), ("pbx-2", 0)]


def test_i9_a_key_that_is_not_copied_yet_is_told_and_erased_under(
    meeting: tuple[Installation, Installation], server: Postgres
) -> None:
    """The box that has not got the new key names the one that has, ends with 3, and that one erases the
    caller under the new key by itself; copied, the answer is complete."""
    one, other = meeting
    for box in meeting:
        box.exchange()
    assert typed("keys", "rotate", "acme", "--yes", "-c", one.file)[0] == 0
    one.record()
    one.exchange()
    new = pseudonym(HE, one.configuration.controllers["acme"].key)
    code, out, _error = typed("caller", "show", CALLER, *of(other))
    assert code == 3
    assert "Acme S.p.A. (acme): 0 records" in out
    assert "not complete: pbx-1 has a key of acme that this box has not" in out
    assert "Copy the keys of acme from pbx-1 to this box (keys/acme.key*)" in out
    assert typed("caller", "erase", CALLER, *of(other))[0] == 3
    code, out, _error = typed("caller", "erase", CALLER, "--yes", "--json", *of(other))
    assert (code, missing(out)) == (3, [("pbx-1", "other-keys")])
    for box in (one, other, one):
        box.exchange()
    assert server.sql("SELECT 1 FROM informativa.erasure") == []
    assert traces(one.file.parent, new, new.hex().encode()) == []
    assert server.sql("SELECT record FROM informativa.record WHERE pseudonym IS NOT NULL") == []
    for file in one.file.parent.glob("keys/acme.key*"):
        shutil.copy(file, other.file.parent / "keys")
    other.exchange()
    for box in meeting:
        assert typed("caller", "show", CALLER, *of(box))[0] == 0


def test_i9_an_order_waits_for_the_box_that_cannot_open_it(boxes: Boxes) -> None:
    """It does what it can once, does those that come after it, and counts as done when it has a key."""
    caller, key_of = Identified("+393331234567"), {"pbx-1": (OLD,), "pbx-2": (THEIRS,)}
    for box, keys in key_of.items():
        boxes.record(box, replace(PLAYED, pseudonym=pseudonym(caller, keys[0])), PLAYED)
    opened = {box: keyed(boxes, box, keys) for box, keys in key_of.items()}
    quiet(boxes)
    sealed = sealed_caller.seal(caller, key_of["pbx-1"])
    order(boxes, "pbx-1", pseudonym(caller, OLD), sealed=sealed)
    order(boxes, "pbx-1", ONE, sealed=sealed_caller.seal(Identified("+3906"), [THEIRS]))
    assert [opened["pbx-2"].erase(later()) for _ in range(3)] == [2, 0, 0]
    quiet(boxes)
    state = "SELECT box, applied FROM acme.ledger ORDER BY box"
    assert (orders(boxes), boxes.sql(state)) == ([1, 2], [("pbx-1", 1), ("pbx-2", 0)])
    assert traces(boxes.folder / "pbx-2", ONE) == []
    his = pseudonym(caller, THEIRS)
    assert traces(boxes.folder / "pbx-2", his) != []
    for box, keys in {"pbx-1": (OLD, THEIRS), "pbx-2": (THEIRS, OLD)}.items():
        boxes.opened.remove(opened[box])
        opened[box].close()
        keyed(boxes, box, keys)
    quiet(boxes)
    assert orders(boxes) == []
    assert traces(boxes.folder / "pbx-2", his) == []


def test_i9_an_order_without_a_sealed_caller_waits_for_no_key(boxes: Boxes) -> None:
    """A box of an earlier informativa gives it so: under its pseudonyms alone."""
    boxes.exchange("pbx-1")
    boxes.record("pbx-2", PLAYED)
    keyed(boxes, "pbx-2", (THEIRS,))
    order(boxes, "pbx-1", ONE)
    quiet(boxes)
    assert left(boxes, ONE) == []


def keyed(boxes: Boxes, box: str, keys: tuple[bytes, ...]) -> Exchange:
    """Return what a box with these keys sends and takes in."""
    database = boxes.database(box)
    made = Exchange(boxes.store(box), connect(database, "acme"), database, "acme", keys=keys)
    boxes.opened.append(made)
    return made


@pytest.mark.parametrize("caller", [Identified("+393331234567"), Identified("K" * 64, customer=True)])
def test_a_sealed_caller_is_opened_with_any_key_of_the_box_that_asked(caller: Identified) -> None:
    """With no other, not where a byte was changed, and its length does not tell who it is."""
    sealed = sealed_caller.seal(caller, [NEW, OLD])
    for keys in ([OLD], [NEW], [THEIRS, OLD]):
        assert sealed_caller.unseal(sealed, keys) == caller
    assert sealed_caller.unseal(sealed, [THEIRS]) is None
    changed = [seal[:30] + bytes([seal[30] ^ 1]) + seal[31:] for seal in sealed]
    assert sealed_caller.unseal(changed, [NEW, OLD]) is None
    assert [sealed_caller.covers(sealed, keys) for keys in ([OLD], [NEW, OLD], [OLD, THEIRS])] == [
        True,
        True,
        False,
    ]
    assert {len(seal) for seal in sealed} == {8 + 12 + 96 + 16}
    assert not any(caller.number.encode() in seal for seal in sealed)


def test_i9_a_backup_under_a_new_name_brings_nobody_back(boxes: Boxes) -> None:
    """Neither whom its own records lead to nor whom it knows by others alone, also when every box has done
    the erasure long ago; everybody else is known again."""
    third, fourth = bytes(range(100, 132)), bytes(range(132, 164))
    begin(boxes, "pbx-1", "pbx-2")
    boxes.record(
        "pbx-2", *[replace(PLAYED, pseudonym=known, call=known.hex()[:4]) for known in (third, fourth)]
    )
    quiet(boxes)
    ledger, backup = boxes.folder / "pbx-1/acme.sqlite3", boxes.folder / "acme.backup"
    with closing(boxes.store("pbx-1")) as store, store.connected() as connection:
        connection.execute("VACUUM INTO ?", (str(backup),))
    for known in (ONE, third):
        erase(boxes, "pbx-2", known)
        quiet(boxes)
    assert (orders(boxes), left(boxes, ONE, third)) == ([], ["acme.backup"])
    boxes.opened.pop(0).close()
    for file in ledger.parent.iterdir():
        if file.is_file():
            file.unlink()
    backup.rename(ledger)
    database = boxes.database("pbx-9")
    boxes.opened.append(Exchange(boxes.store("pbx-1"), connect(database, "acme"), database, "acme"))
    quiet(boxes)
    assert left(boxes, ONE, third) == []
    with closing(boxes.store("pbx-1")) as store:
        assert [bool(store.history(known)) for known in (ONE, OTHER, third, fourth)] == [
            False,
            True,
            False,
            True,
        ]


def test_i9_a_box_that_is_away_makes_the_answer_incomplete(
    meeting: tuple[Installation, Installation], server: Postgres
) -> None:
    """It may have what it has not sent: the answer says since when, and what to do."""
    one = meeting[0]
    for box in meeting:
        box.exchange()
    assert typed("caller", "show", CALLER, *of(one))[0] == 0
    server.sql("UPDATE informativa.box SET seen = '2026-11-01 10:30Z' WHERE box = 'pbx-2'")
    code, out, _error = typed("caller", "show", CALLER, *of(one))
    assert code == 3
    assert (
        "not complete: pbx-2 was last heard of at 2026-11-01 10:30 UTC: what it has not sent is on its disk"
        " alone. Start its service, or, if it is gone for good: informativa boxes retire -c "
    ) in out
    assert typed("boxes", "retire", "pbx-2", "--yes", "--force", *of(one))[0] == 0
    assert typed("caller", "show", CALLER, *of(one))[0] == 0


def test_a_box_whose_clock_is_ahead_deletes_nothing_of_others(
    meeting: tuple[Installation, Installation], server: Postgres
) -> None:
    """Not at its first start and not later: what a retired box left goes by a command alone."""
    one, other = meeting
    other.record()
    for box in meeting:
        box.exchange()
    assert typed("boxes", "retire", "pbx-2", "--yes", "--force", *of(one))[0] == 0
    acme = replace(one.configuration.controllers["acme"], retention=Period(1))
    maintenance.purge(acme, datetime.now(UTC) + 400 * DAY)
    assert server.sql("SELECT box FROM informativa.record") == [("pbx-2",)]


def test_what_a_retired_box_left_goes_by_the_clock_of_the_database(
    meeting: tuple[Installation, Installation], server: Postgres
) -> None:
    """The command says first how many, deletes with --yes, and refuses where nobody called for a month."""
    one, other = meeting
    other.record(replace(PLAYED, at=datetime.now(UTC) - 6 * 366 * DAY))
    other.record(replace(PLAYED, at=datetime.now(UTC)))
    for box in meeting:
        box.exchange()
    assert "pbx-2" not in typed("purge", *of(one))[1]
    assert typed("boxes", "retire", "pbx-2", "--yes", "--force", *of(one))[0] == 0
    would = "    1 record of pbx-2, which left for good, would be deleted in the shared database"
    assert would in typed("purge", *of(one))[1].splitlines()
    document = json.loads(typed("purge", "--yes", "--json", *of(one))[1])
    assert document["controllers"][0]["retired"] == [{"box": "pbx-2", "records": 1}]
    assert server.sql("SELECT record FROM informativa.record") == [(2,)]
    server.sql("UPDATE informativa.record SET at = at - 32 * 86400 * 1000000::bigint")
    code, _out, error = typed("purge", *of(one))
    assert code == 1
    assert "nothing of a retired box was purged: its clock says" in error
    assert "Set the clock of its server right" in error


def test_the_time_that_counts_is_the_databases(boxes: Boxes) -> None:
    """What is from before is told by box, and stays until it is to go."""
    for name in ("pbx-1", "pbx-2"):
        boxes.record(name, replace(PLAYED, at=AT - 400 * DAY), replace(PLAYED, at=datetime.now(UTC)))
        boxes.exchange(name).send()
    administration.retire(boxes.database(), "acme", "pbx-2")
    heard: list[datetime] = []

    def before(now: datetime) -> datetime:
        heard.append(now)
        return now - 365 * DAY

    for really, left_over in ((False, 4), (True, 3)):
        purged = administration.purge_retired(boxes.database(), "acme", before, really=really)
        assert purged == [administration.OldRecords("pbx-2", 1)]
        assert boxes.sql("SELECT count(*) FROM acme.record") == [(left_over,)]
    assert all(abs(now - datetime.now(UTC)) < timedelta(hours=1) for now in heard)
    assert administration.purge_retired(boxes.database(), "acme", before, really=True) == []


def test_a_schema_without_records_has_nothing_to_purge(boxes: Boxes) -> None:
    """And one in which nobody called for a month is left alone."""
    database = boxes.database()
    assert administration.purge_retired(database, "acme", lambda now: now, really=True) == []
    boxes.record("pbx-1", replace(PLAYED, at=datetime.now(UTC) - 32 * DAY))
    boxes.exchange("pbx-1").send()
    with pytest.raises(SharedDatabaseError, match="its clock says"):
        administration.purge_retired(database, "acme", lambda now: now, really=True)


def test_of_whom_a_ledger_knows_by_others_alone(boxes: Boxes) -> None:
    """Not those of whom it has records itself, nor those whose record the database has lost."""
    begin(boxes, "pbx-1", "pbx-2", informed=(OTHER,))
    boxes.record("pbx-2", PLAYED)
    quiet(boxes)
    with closing(boxes.store("pbx-1")) as store:
        ledgers = ledger_boxes.received(store).by_ledger
        assert ledger_boxes.existing_records(store, ledgers) == {"pbx-2": 2}
        ((name, identity),) = ledgers
        assert ledger_boxes.existing_records(store, {(name, identity): (1, 1)}) == {"pbx-2": 1}
        assert ledger_boxes.existing_records(store, {(name, b"of another ledger"): (9, 9)}) == {}
        assert list(ledger_boxes.learnt_of(store, {"pbx-2": 2})) == [[ONE]]
        assert list(ledger_boxes.learnt_of(store, {"pbx-2": 1})) == []
        assert list(ledger_boxes.learnt_of(store, {})) == []
        assert ledger_boxes.pseudonyms_of(store, [(1, None), (2, None), (7, None)]) == {OTHER}
        assert ledger_boxes.pseudonyms_of(store, [(1, b"of another record")]) == set()


@pytest.mark.parametrize(
    ("months", "since"),
    [(1, datetime(2026, 5, 28, 12, tzinfo=UTC)), (24, datetime(2024, 11, 28, 12, tzinfo=UTC))],
)
def test_who_looked_is_kept_for_six_months(months: int, since: datetime) -> None:
    """The Garante's measure of 27 November 2008: however short the retention of records is; and a longer one
    holds for it as well."""
    assert storage.access_log_kept_since(replace(ACME, retention=Period(months)), NOW) == since
