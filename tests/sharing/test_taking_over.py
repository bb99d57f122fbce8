"""Schemas of single companies, as earlier versions made them, that go into the tables of all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from examples import PLAYED
from informativa.sharing import administration
from informativa.sharing.administration import Migrated
from lab.postgres import SUPERUSER
from sharing import earlier
from sharing.conftest import ROLE, Boxes, received
from sharing.erasing import begin, left, quiet

ONE, OTHER = b"1" * 32, b"2" * 32
SCHEMA = "informativa_acme"
COUNTERS = "record, newest, erasures, applied, proven, answered"
COPIED = (
    "box, informs, record, at, call, line, pseudonym, notice, version, language, purposes, status, reason,"
)
COPIED += (
    " prompt, ending, heard, length, key, basis, linked, wanted, kind, reference, erased, recorded, vouched,"
)
COPIED += " recording, supplement, counts, rate, earlier, elsewhere"


@pytest.fixture
def installed(boxes: Boxes) -> Iterator[Boxes]:
    """Two boxes that told two callers, of which the database has a schema of the company's own as it was
    after the last migration of that kind."""
    begin(boxes, "pbx-1", "pbx-2")
    earlier.schema_of(boxes.server, "acme")  # type: ignore[arg-type]
    moved_back(boxes)
    yield boxes
    boxes.sql(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    boxes.sql(f"DROP ROLE IF EXISTS {SCHEMA}")


def moved_back(boxes: Boxes) -> None:
    """Put all that the database has of the company into its own schema."""
    boxes.sql(
        f"INSERT INTO {SCHEMA}.box (name, identity, {COUNTERS}, seen)"
        f" SELECT box, identity, {COUNTERS}, '2026-11-27 10:00Z' FROM informativa.ledger"
    )
    copied = f"SELECT 202611, {COPIED} FROM informativa.record"
    boxes.sql(f"INSERT INTO {SCHEMA}.record (month, {COPIED}) {copied}")
    boxes.sql("; ".join(f"DELETE FROM acme.{table}" for table in ("record", "ledger", "serves", "box")))


def tables_of_old(boxes: Boxes) -> list[tuple[object, ...]]:
    """Return the names of the tables that the company's own schema has."""
    return boxes.sql(f"SELECT tablename FROM pg_tables WHERE schemaname = '{SCHEMA}'")


def migrate(boxes: Boxes, box: str = "pbx-1") -> Migrated:
    """Migrate the company on a box."""
    (result,) = administration.migrate(boxes.database(box), ["acme"], SUPERUSER)
    return result


def test_what_a_company_had_is_taken_over_and_goes_on(installed: Boxes) -> None:
    """Records, boxes and how far each was; the next records follow, and nothing is sent twice. The old
    schema has no row of a caller any more, and tells an earlier informativa to upgrade; it goes once all
    boxes serve the company in the tables of all."""
    assert migrate(installed) == Migrated("acme", 5, 6, 4, ROLE, False, True)
    assert installed.sql(f"SELECT max(number), max(needed) FROM {SCHEMA}.migration") == [(6, 6)]
    assert tables_of_old(installed) == [("migration",)]
    state = "SELECT box, record, to_char(seen, 'MM-DD') FROM acme.ledger JOIN acme.box USING (box) ORDER BY 1"
    assert installed.sql(state) == [("pbx-1", 2, "11-27"), ("pbx-2", 2, "11-27")]
    assert migrate(installed) == Migrated("acme", 6, 6, 0, ROLE, False, False)
    assert tables_of_old(installed) == [("migration",)]  # the second box has no login there yet
    assert migrate(installed, "pbx-2") == Migrated("acme", 6, 6, 0, "informativa-box-pbx-2", False, True)
    assert installed.sql(f"SELECT 1 FROM pg_namespace WHERE nspname = '{SCHEMA}'") == []
    assert installed.sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{SCHEMA}'") == []
    installed.record("pbx-1", PLAYED)
    first, second = installed.exchange("pbx-1"), installed.exchange("pbx-2")
    assert (first.sent, first.send(), second.receive()) == (2, 1, 1)
    with closing(installed.store("pbx-2")) as store:
        assert received(store) == {"pbx-1": (3, 3)}
    assert installed.sql("SELECT count(*) FROM acme.record") == [(5,)]


def test_i9_an_order_of_before_is_carried_out_after(installed: Boxes) -> None:
    """An erasure that no box had applied when its company's schema was taken over."""
    installed.sql(
        f"INSERT INTO {SCHEMA}.erasure VALUES (1, ARRAY['\\x{ONE.hex()}'::bytea]);"
        f"UPDATE {SCHEMA}.box SET erasures = 1"
    )
    migrate(installed)
    migrate(installed, "pbx-2")
    installed.opened.clear()
    for box in ("pbx-1", "pbx-2"):
        installed.exchange(box)
    quiet(installed)
    assert left(installed, ONE) == []


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_each_earlier_schema_is_taken_over(boxes: Boxes, number: int) -> None:
    """Whatever its last migration was; what it had no column for is not known."""
    schema = earlier.schema_of(boxes.server, "globex", number)  # type: ignore[arg-type]
    try:
        earlier.box(boxes.server, schema, "pbx-7", b"7" * 16, 3)  # type: ignore[arg-type]
        (result,) = administration.migrate(boxes.database(), ["globex"], SUPERUSER)
        assert result == Migrated("globex", number, 6, 0, ROLE, False, True)
        facts = "SELECT box, record, proven, answered, keys, retired FROM acme.ledger"
        assert boxes.sql(facts) == [("pbx-7", 3, 0, 0, "", None)]
    finally:
        boxes.sql(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE; DROP OWNED BY "{schema}"; DROP ROLE "{schema}"')


def test_whoever_writes_meanwhile_waits_and_is_refused(installed: Boxes) -> None:
    """An earlier informativa that sends while its schema is taken over waits for the end, and then meets no
    table: it looks at the migration, which it does not know, and tells its admin to upgrade."""
    assert installed.sql(f"GRANT SELECT ON {SCHEMA}.migration TO {SCHEMA}") == []
    login = installed.server.conninfo(user=SCHEMA, password="earlier")  # type: ignore[union-attr]
    with psycopg.connect(login, autocommit=True) as old:
        with old.transaction():
            old.execute(f"UPDATE {SCHEMA}.box SET newest = 9 WHERE name = 'pbx-2'".encode())
            thread = threading.Thread(target=migrate, args=(installed,))
            thread.start()
            waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND mode = 'ExclusiveLock'"
            while not installed.sql(waiting):
                pass
        thread.join()
        with pytest.raises(psycopg.errors.UndefinedTable):
            old.execute(f"UPDATE {SCHEMA}.box SET newest = 10".encode())
        assert old.execute(f"SELECT max(needed) FROM {SCHEMA}.migration".encode()).fetchone() == (6,)
    assert installed.sql("SELECT newest FROM acme.ledger WHERE box = 'pbx-2'") == [(9,)]


def test_an_administrator_who_is_no_superuser_migrates(installed: Boxes) -> None:
    """A role that may make roles and owns the schemas and the database does it all, but reads no record in
    the tables of all afterwards."""
    installed.sql("DROP SCHEMA informativa CASCADE; DROP OWNED BY informativa_boxes, informativa_owner")
    installed.sql(f'DROP OWNED BY "{ROLE}"; DROP ROLE "{ROLE}"; DROP OWNED BY "informativa-box-pbx-2"')
    installed.sql('DROP ROLE "informativa-box-pbx-2"; DROP ROLE informativa_boxes, informativa_owner')
    installed.sql("CREATE ROLE dba LOGIN CREATEROLE PASSWORD 'of the role'")
    installed.sql("GRANT CREATE ON DATABASE postgres TO dba")
    installed.sql(f"ALTER SCHEMA {SCHEMA} OWNER TO dba")
    for (table,) in tables_of_old(installed):
        installed.sql(f"ALTER TABLE {SCHEMA}.{table} OWNER TO dba")
    try:
        (result,) = administration.migrate(installed._database("pbx-1"), ["acme"], "dba")
        assert result == Migrated("acme", 5, 6, 4, ROLE, True, True, tables_made=True)
        by_dba = installed.server.conninfo(user="dba", password="of the role")  # type: ignore[union-attr]
        with psycopg.connect(by_dba) as connection:
            assert connection.execute("SELECT count(*) FROM informativa.record").fetchone() == (0,)
        installed.served.clear()
        installed.opened.clear()
        assert installed.sql("SELECT count(*) FROM acme.record") == [(4,)]
        assert installed.exchange("pbx-1").sent == 2
    finally:
        installed.close()
        installed.opened.clear()
        installed.sql(f"DROP SCHEMA informativa CASCADE; DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        for role in (ROLE, "informativa-box-pbx-2", "informativa_boxes", "informativa_owner", "dba"):
            if installed.sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{role}'"):
                installed.sql(f'DROP OWNED BY "{role}" CASCADE; DROP ROLE "{role}"')
