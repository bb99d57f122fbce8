"""`shared drop`: a company that leaves the database where boxes meet, with all that is there of it."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from functools import partial

import psycopg
import pytest

from commands import typed
from examples import PLAYED
from informativa.model.errors import BoxRefusedError, SharedDatabaseError
from informativa.process import storage
from informativa.sharing import dropping
from informativa.sharing.connection import connect
from informativa.sharing.exchange import Exchange
from informativa.sharing.loop import ExchangeLoop
from informativa.sharing.membership import About
from lab.postgres import SUPERUSER, Postgres
from sharing.conftest import ACME, Boxes, soon
from sharing.installation import Installation, of

TABLES = ("ledger", "record", "erasure", "log", "checkpoint", "tile", "serves")
LEFT = " UNION ALL ".join(f"SELECT count(*) FROM informativa.{table} WHERE company = 1" for table in TABLES)


@pytest.fixture
def filled(boxes: Boxes) -> Boxes:
    """Two boxes that told callers of acme, one of which told a caller of globex too, and 7 records a page."""
    for box in ("pbx-1", "pbx-2"):
        boxes.record(box, *(replace(PLAYED, call=f"{box} {number}") for number in range(20)))
        exchange = boxes.exchange(box)
        while exchange.send() or exchange.send_proofs():
            pass
    boxes.let_in("pbx-2", "globex")
    database = boxes.database("pbx-2")
    of_globex = Exchange(boxes.store("pbx-2-globex"), connect(database, "globex"), database, "globex")
    boxes.opened.append(of_globex)
    boxes.record("pbx-2-globex", PLAYED)
    of_globex.send()
    boxes.sql("INSERT INTO acme.checkpoint VALUES (1, 'pbx-2', 0, 1, 'note')")
    boxes.sql("INSERT INTO acme.erasure VALUES (1, 1, ARRAY['\\x01'::bytea])")
    return boxes


def rows_left(boxes: Boxes) -> list[int]:
    """Return the number of rows that each table has of acme."""
    return [int(str(count)) for (count,) in boxes.sql(LEFT)]


def drop(boxes: Boxes, user: str = SUPERUSER) -> int:
    """Drop acme."""
    return dropping.drop(boxes._database("pbx-1"), "acme", user, lambda _box, _at, _of: None)


def test_nothing_of_the_company_is_left_and_the_others_stay(
    filled: Boxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In pages; its number is never given to another company, and its box is refused until it is migrated
    again, under another number, and then sends all its records once more."""
    monkeypatch.setattr(dropping, "PAGE", 7)
    assert drop(filled) == 40
    assert rows_left(filled) == [0] * len(TABLES)
    assert filled.sql("SELECT company, controller FROM acme.company ORDER BY 1") == [(1, None), (2, "globex")]
    assert filled.sql("SELECT count(*) FROM acme.record") == [(1,)]
    first = filled.opened[0]
    filled.record("pbx-1", PLAYED)
    assert (first.page() != [], first.send()) == (True, 0)
    with pytest.raises(BoxRefusedError, match="does not serve acme"):
        connect(filled.database(), "acme")
    filled.served.clear()
    assert connect(filled.database(), "acme").company == 3
    again = filled.exchange("pbx-1")
    assert again.send() == 21
    assert filled.sql("SELECT count(*) FROM acme.record WHERE company = 3") == [(21,)]


@pytest.mark.sample(2)
@pytest.mark.parametrize("cut_at", [1, 2, 3, 5, 8, 12])
def test_cut_off_it_goes_on(filled: Boxes, monkeypatch: pytest.MonkeyPatch, cut_at: int) -> None:
    """Whatever the transaction at which it was cut off; from the first one on nobody serves the company."""
    monkeypatch.setattr(dropping, "PAGE", 7)
    serving, count = dropping._serving, iter(range(1, 1000))

    def cut(connection: psycopg.Connection, company: int) -> object:
        if next(count) == cut_at:
            raise psycopg.OperationalError("cut off")
        return serving(connection, company)

    with monkeypatch.context() as cutting:
        cutting.setattr(dropping, "_serving", cut)
        with pytest.raises(SharedDatabaseError, match="cut off"):
            drop(filled)
    serves = filled.sql("SELECT count(*) FROM acme.serves WHERE company = 1")
    assert serves == [(2 if cut_at == 1 else 0,)]
    assert filled.sql("SELECT controller FROM acme.company WHERE company = 1") == [("acme",)]
    drop(filled)
    assert rows_left(filled) == [0] * len(TABLES)


def test_whoever_is_sending_is_waited_for(filled: Boxes) -> None:
    """A transaction that has the company's ledger holds up the drop, not the other company; and what it sends
    is deleted too."""
    login = filled.server.conninfo()  # type: ignore[union-attr]
    with psycopg.connect(login) as sender:
        sender.execute("UPDATE informativa.ledger SET newest = 99 WHERE company = 1 AND box = 'pbx-1'")
        filled.sql(f"ALTER ROLE {SUPERUSER} SET lock_timeout = '200ms'")
        try:
            with pytest.raises(SharedDatabaseError, match="lock timeout"):
                drop(filled)
        finally:
            filled.sql(f"ALTER ROLE {SUPERUSER} RESET lock_timeout")
        filled.record("pbx-2-globex", PLAYED)
        assert filled.opened[-1].send() == 1
    assert drop(filled) == 40


def test_a_running_service_is_refused_for_that_company_alone(boxes: Boxes) -> None:
    """I10: the box goes on for the other company, over the same connection."""
    boxes.let_in("pbx-1", "globex")
    companies = [ACME, replace(ACME, id="globex")]
    loops = [
        ExchangeLoop(company, boxes.database(), About(), partial(boxes.store, company.id))
        for company in companies
    ]
    try:
        for company, loop in zip(companies, loops, strict=True):
            boxes.record(company.id, PLAYED)
            loop.wake()
        soon(lambda: boxes.sql("SELECT count(*) FROM acme.record") == [(2,)])
        drop(boxes)
        for company, loop in zip(companies, loops, strict=True):
            boxes.record(company.id, PLAYED)
            loop.wake()
        soon(lambda: loops[0].state.error)
        assert isinstance(loops[0].state.error, BoxRefusedError)
        soon(lambda: boxes.sql("SELECT count(*) FROM acme.record") == [(2,)])
        assert loops[1].state.error is None
    finally:
        for loop in loops:
            loop.stop()


def test_an_administrator_who_is_no_superuser_drops(filled: Boxes) -> None:
    """A role with the rights of the tables' owner is enough; a box's login is told to name one."""
    filled.sql("CREATE ROLE dba LOGIN PASSWORD 'of the role'; GRANT informativa_owner TO dba")
    filled.sql("GRANT CONNECT ON DATABASE postgres TO dba")
    try:
        stored = dropping.stored_company(filled._database("pbx-1"), "acme", "dba")
        assert [(box.name, box.records) for box in stored.boxes] == [("pbx-1", 20), ("pbx-2", 20)]
        assert filled.sql("SELECT count(*) FROM acme.serves WHERE login = 'dba'") == [(0,)]
        assert drop(filled, "dba") == 40
        assert rows_left(filled) == [0] * len(TABLES)
    finally:
        filled.sql("DROP OWNED BY dba; DROP ROLE dba")
    with pytest.raises(SharedDatabaseError, match="does not administer the tables") as raised:
        drop(filled, "")
    assert "--as ROLE" in str(raised.value.remedy)


def test_as_it_is_typed(meeting: tuple[Installation, Installation], server: Postgres) -> None:
    """A dry run with boxes and logins; refused while a box exchanges the company's records or has callers to
    erase; with --force done. The ledgers of the boxes are as they were."""
    one, other = meeting
    for box in meeting:
        box.record()
        box.exchange()
    server.sql("UPDATE informativa.ledger SET newest = 3, erasures = applied + 2 WHERE box = 'pbx-2'")
    words = ("shared", "drop", "acme", "--as", SUPERUSER, "-c", one.file)
    code, out, _error = typed(*words)
    assert (code, out.splitlines()[0]) == (
        0,
        "acme would leave the database postgres: 2 records would be deleted there",
    )
    assert "  logins that serve it: informativa-box-pbx-1, informativa-box-pbx-2" in out.splitlines()
    assert "wait: pbx-2 has still to erase 2 callers, of whom it would not hear" in out.splitlines()
    assert "pbx-1 still exchanges records of acme, and was heard of" in out
    result = json.loads(typed(*words, "--json")[1])
    assert [(box["name"], box["records"], box["unsent"]) for box in result["boxes"]] == [
        ("pbx-1", 1, 0),
        ("pbx-2", 1, 2),
    ]
    code, _out, error = typed(*words, "--yes")
    assert (code, "Nothing was deleted" in error, "add --force" in error) == (1, True, True)
    assert server.sql("SELECT count(*) FROM informativa.record") == [(2,)]
    code, out, _error = typed(*words, "--yes", "--force")
    assert (code, out.splitlines()[0]) == (
        0,
        "acme has left the database postgres: 2 records were deleted there",
    )
    for box in meeting:
        with closing(storage.store(box.acme)) as store:
            assert store.newest() == 1
    code, _out, error = typed("boxes", *of(other))
    assert (code, "does not serve acme" in error) == (1, True)
    code, _out, error = typed(*words)
    assert (code, "has no company acme" in error) == (1, True)


def test_boxes_that_left_or_are_silent_are_not_waited_for(
    meeting: tuple[Installation, Installation], server: Postgres
) -> None:
    """A retired box, and one that was not heard of for five minutes."""
    one, other = meeting
    for box in meeting:
        box.record()
        box.exchange()
    assert typed("boxes", "retire", "pbx-2", "--yes", "--force", *of(one))[0] == 0
    server.sql("UPDATE informativa.box SET seen = now() - interval '6 minutes'")
    words = ("shared", "drop", "acme", "--as", SUPERUSER, "-c", other.file)
    assert "retired: its records may be nowhere else" in typed(*words)[1]
    assert typed(*words, "--yes")[0] == 0
