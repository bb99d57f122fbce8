"""A box's login in the shared database: what it can read, change, forge and lock is what belongs to companies
that it serves, under its own name, and nothing else (I6); and each rule and each missing right is needed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from examples import PLAYED
from informativa.sharing.box_statements import KNOWN
from informativa.sharing.connection import Connection, connect
from informativa.sharing.erasure_statements import ErasureStatements
from informativa.sharing.exchange import Exchange
from informativa.sharing.proof_statements import ProofStatements
from informativa.sharing.rows import COLUMNS, Statements
from sharing.conftest import ROLE, Boxes

NULLS = {"pseudonym", "ending", "heard", "length", "key", "basis", "recorded", "vouched", "rate", "earlier"}
NUMBERS = {"record", "at", "erased", "supplement", "counts"}
REQUIRED = [name for name in COLUMNS if name not in NULLS | {"elsewhere"}]
FORGED = ", ".join("7" if name in NUMBERS else "''" for name in REQUIRED)
INSERT = f"INSERT INTO informativa.record (company, box, informs, {', '.join(REQUIRED)}) VALUES"
DENIED, NOTHING = "42501", ()
OTHERS = "SELECT count(*) FROM informativa.{} WHERE company = 2"
TABLES = ("migration", "company", "serves", "box", "ledger", "record", "erasure", "log", "checkpoint", "tile")
UNTOUCHED_BY_OWNER = ("company", "serves", "box", "ledger", "log", "checkpoint", "tile")
UNCHANGEABLE = {
    "migration": "number needed",
    "company": "company controller",
    "serves": "login company",
    "box": "box",
    "ledger": "company box identity",
    "record": "company box record line notice version language purposes status reason prompt ending heard"
    " length wanted kind vouched recording supplement counts rate",
    "erasure": "company erasure pseudonyms sealed",
    "log": "company box epoch origin first key",
    "checkpoint": "company box epoch size",
    "tile": "company box epoch level number",
}
"""The columns that a row keeps as they were added."""
TRIGGER = (
    "CREATE TRIGGER t BEFORE UPDATE ON informativa.{} EXECUTE FUNCTION suppress_redundant_updates_trigger()"
)
ATTEMPTS: tuple[tuple[str, object], ...] = (
    # what belongs to the other company is not there, whoever asks and by whatever way
    *((OTHERS.format(table), (0,)) for table in ("record", "ledger", "erasure", "log", "checkpoint", "tile")),
    ("SELECT count(*) FROM informativa.record WHERE 1 / (company - 2) > 5", (0,)),
    ("SELECT count(DISTINCT company) FROM informativa.record WHERE substring(call FROM 1) <> ''", (1,)),
    (
        'SELECT max(company) FROM informativa.record WHERE ctid = ANY (\'{"(0,2)","(0,3)","(0,4)"}\'::tid[])',
        (1,),
    ),
    ("SELECT count(*) FROM (SELECT FROM informativa.record WHERE company = 2 FOR UPDATE) AS r", (0,)),
    ("SELECT count(*) FROM informativa.company WHERE controller = 'globex'", (0,)),
    ("SELECT count(*) FROM informativa.serves WHERE company = 2 OR login <> session_user", (0,)),
    ("SELECT count(*) FROM informativa.box WHERE box = 'pbx-3'", (0,)),  # which serves no company of ours
    # Statistics hold values of rows; `migration` alone has no rows of anybody.
    (
        "SELECT string_agg(DISTINCT tablename, ' ') FROM pg_stats WHERE schemaname = 'informativa'",
        ("migration",),
    ),
    ("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%globex%' AND usename <> session_user", (0,)),
    ("SELECT current_setting('is_superuser')", ("off",)),
    ("COPY informativa.record TO STDOUT", ()),
    ("COPY (SELECT 1) TO PROGRAM 'true'", DENIED),
    ("SELECT passwd FROM pg_shadow", DENIED),
    ("SET LOCAL row_security = off; SELECT count(*) FROM informativa.record", DENIED),
    # nothing is added to it, or moved, and no answer tells whether a row is there
    (f"{INSERT} (2, 'pbx-1', 1, {FORGED})", DENIED),
    ("UPDATE informativa.record SET company = 2", DENIED),
    ("UPDATE informativa.record SET informs = 0 WHERE company = 2 RETURNING 1", NOTHING),
    ("UPDATE informativa.ledger SET retired = now() WHERE company = 2 RETURNING 1", NOTHING),
    ("INSERT INTO informativa.erasure VALUES (2, 9, ARRAY['\\x01'::bytea])", DENIED),
    ("INSERT INTO informativa.ledger (company, box, identity) VALUES (2, 'pbx-1', '\\x01')", DENIED),
    ("INSERT INTO informativa.log VALUES (2, 'pbx-1', 9, 'o', 0, 'k')", DENIED),
    ("INSERT INTO informativa.checkpoint VALUES (2, 'pbx-1', 9, 1, 'note')", DENIED),
    ("INSERT INTO informativa.tile VALUES (2, 'pbx-1', 9, 0, 0, '\\x01')", DENIED),
    ("SELECT informativa.purge(2, 'pbx-1', 0, 99, 9223372036854775807)", (0,)),  # it served the company once
    ("SELECT informativa.purge(2, ARRAY[1])", (0,)),
    ("SELECT informativa.purge(2, 'pbx-2', 0, 99, 9223372036854775807)", (0,)),
    ("SELECT informativa.forget_erasures(2)", (0,)),
    # nothing under another box's name, and of another box nothing that proves
    (f"{INSERT} (1, 'pbx-2', 1, {FORGED})", DENIED),
    ("INSERT INTO informativa.ledger (company, box, identity) VALUES (1, 'pbx-9', '\\x01')", DENIED),
    ("INSERT INTO informativa.log VALUES (1, 'pbx-2', 9, 'o', 0, 'k')", DENIED),
    ("INSERT INTO informativa.checkpoint VALUES (1, 'pbx-2', 9, 1, 'note')", DENIED),
    ("INSERT INTO informativa.tile VALUES (1, 'pbx-2', 9, 0, 0, '\\x01')", DENIED),
    ("UPDATE informativa.tile SET hashes = '\\x01' WHERE box = 'pbx-2' RETURNING 1", NOTHING),
    ("UPDATE informativa.checkpoint SET note = 'forged' WHERE box = 'pbx-2' RETURNING 1", NOTHING),
    ("INSERT INTO informativa.box (box) VALUES ('pbx-9')", DENIED),
    ("UPDATE informativa.box SET seen = now() WHERE box = 'pbx-2' RETURNING 1", NOTHING),
    ("SELECT informativa.purge(1, 'pbx-2', 0, 99, 9223372036854775807)", (0,)),
    ("SELECT informativa.forget_erasures(1)", (0,)),  # which a box has not applied yet
    # nothing is deleted or locked for all, made, or taken as a right
    *((f"DELETE FROM informativa.{table}", DENIED) for table in TABLES),
    *((f"TRUNCATE informativa.{table}", DENIED) for table in TABLES),
    *((TRIGGER.format(table), DENIED) for table in TABLES),
    *(
        (f"UPDATE informativa.{table} SET {column} = {column}", DENIED)
        for table, columns in UNCHANGEABLE.items()
        for column in columns.split()
    ),
    *(
        (f"LOCK TABLE informativa.{table} IN ACCESS EXCLUSIVE MODE NOWAIT", DENIED)
        for table in ("record", "ledger", "box", "erasure", "checkpoint", "tile", "migration")
    ),
    ("INSERT INTO informativa.serves VALUES (session_user, 2)", DENIED),
    ("INSERT INTO informativa.migration VALUES (99, 99)", DENIED),
    ("CREATE TABLE informativa.x (a int)", DENIED),
    ("CREATE FUNCTION informativa.now() RETURNS int LANGUAGE sql AS 'SELECT 1'", DENIED),
    ("CREATE TABLE public.x (a int)", DENIED),
    ("ALTER TABLE informativa.record DISABLE ROW LEVEL SECURITY", DENIED),
    ("CREATE POLICY mine ON informativa.serves USING (true)", DENIED),
    ("SET ROLE informativa_owner", DENIED),
    ("SET ROLE lab", DENIED),
    ('SET ROLE "informativa-box-pbx-2"', DENIED),
    ('SET SESSION AUTHORIZATION "informativa-box-pbx-2"', DENIED),
    ("GRANT informativa_owner TO session_user", DENIED),
    ('GRANT informativa_boxes TO "informativa-box-pbx-3"', DENIED),
    ("ALTER ROLE \"informativa-box-pbx-2\" PASSWORD 'guessed'", DENIED),
    (
        "CREATE TEMP TABLE serves (login text, company int); INSERT INTO serves VALUES (session_user, 2);"
        "SET LOCAL search_path = pg_temp, informativa; SELECT count(DISTINCT company) FROM record",
        (1,),
    ),
)


WEAKER = """
SELECT relname, format('ALTER TABLE informativa.%I %s ROW LEVEL SECURITY', relname, change)
FROM pg_class, unnest(ARRAY['DISABLE', 'NO FORCE']) AS change
WHERE relnamespace = 'informativa'::regnamespace AND relrowsecurity
UNION ALL
SELECT tablename, CASE permissive
    WHEN 'RESTRICTIVE' THEN format('DROP POLICY %I ON informativa.%I', policyname, tablename)
    ELSE format('ALTER POLICY %I ON informativa.%I %s (true)', policyname, tablename,
        CASE cmd WHEN 'INSERT' THEN 'WITH CHECK' ELSE 'USING' END) END
FROM pg_policies WHERE schemaname = 'informativa' AND 'informativa_boxes' = ANY (roles)
UNION ALL
SELECT tablename, format('ALTER POLICY %I ON informativa.%I TO PUBLIC', policyname, tablename)
FROM pg_policies WHERE schemaname = 'informativa' AND NOT 'informativa_boxes' = ANY (roles)
UNION ALL
SELECT relname, format('GRANT %s ON informativa.%I TO informativa_boxes', privilege, relname)
FROM pg_class, unnest(ARRAY['DELETE', 'TRUNCATE', 'TRIGGER']) AS privilege
WHERE relnamespace = 'informativa'::regnamespace AND relkind = 'r'
UNION ALL
SELECT relname, format('GRANT UPDATE (%I) ON informativa.%I TO informativa_boxes', attname, relname)
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = 'informativa'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
    AND NOT has_column_privilege('informativa_boxes', attrelid, attnum, 'UPDATE')
UNION VALUES ('informativa', 'GRANT CREATE ON SCHEMA informativa TO informativa_boxes'),
    ('owner', 'GRANT informativa_owner TO informativa_boxes')
"""
"""Statements that make the schema weaker, each in one way. A right to REFERENCES is of no use to whoever may
make no table, and one to INSERT into the other tables is refused by row security as well."""
SECOND_DEFENCES = {
    *(f"ALTER TABLE informativa.{table} NO FORCE ROW LEVEL SECURITY" for table in UNTOUCHED_BY_OWNER),
    "DROP POLICY unchanged ON informativa.log",
}
"""Rules that no attempt shows: the owner's functions change nothing in these tables, and no box has the right
to change a log."""


@pytest.fixture
def attacker(boxes: Boxes) -> Iterator[Connection]:
    """A box's login: that box serves the first company, and once served the second; another serves both, and
    a third the second alone."""
    boxes.record("pbx-1", PLAYED)
    boxes.exchange("pbx-1").send()
    boxes.record("pbx-2", replace(PLAYED, call="secret"))
    boxes.exchange("pbx-2").send()
    for box in ("pbx-1", "pbx-2", "pbx-3"):
        boxes.let_in(box, "globex")
        database = boxes.database(box)
        of_globex = Exchange(boxes.store(f"{box}-globex"), connect(database, "globex"), database, "globex")
        boxes.opened.append(of_globex)
        boxes.record(f"{box}-globex", replace(PLAYED, call="secret"))
        of_globex.send()
    boxes.sql("""
        DELETE FROM acme.serves WHERE login = 'informativa-box-pbx-1' AND company = 2;
        INSERT INTO acme.log VALUES (1, 'pbx-2', 8, 'o', 0, 'k'), (2, 'pbx-3', 8, 'o', 0, 'k');
        INSERT INTO acme.checkpoint VALUES (1, 'pbx-2', 8, 1, 'note'), (2, 'pbx-3', 8, 1, 'note');
        INSERT INTO acme.tile VALUES (1, 'pbx-2', 8, 0, 0, '\\x00'), (2, 'pbx-3', 8, 0, 0, '\\x00');
        INSERT INTO acme.erasure VALUES (1, 1, ARRAY['\\x01'::bytea]), (2, 1, ARRAY['\\x01'::bytea]);
        UPDATE acme.ledger SET applied = 1 WHERE company = 2 OR box = 'pbx-1'
    """)
    boxes.sql("ANALYZE")  # as the server does by itself after a while
    with connect(boxes.database("pbx-1"), "acme") as connection:
        yield connection


@pytest.fixture
def administrator(attacker: Connection, boxes: Boxes) -> Iterator[psycopg.Connection]:
    """The superuser, who may become the attacker's login for a while."""
    assert attacker.info.user == ROLE
    with psycopg.connect(boxes.server.conninfo(), autocommit=True) as connection:
        yield connection


def outcome(connection: psycopg.Connection, attempt: str) -> object:
    """Return the first row of the last answer, or the SQLSTATE of a refusal; nothing of it stays."""
    row: tuple[object, ...] = ()
    with connection.transaction(force_rollback=True):
        try:
            if attempt.endswith("STDOUT"):
                with connection.cursor().copy(attempt.encode()) as copied:
                    return tuple(line for line in copied.rows() if line[0] == "2")
            with connection.transaction():
                for statement in attempt.split(";"):
                    cursor = connection.execute(statement.encode())
                    row = (cursor.fetchone() or ()) if cursor.description else ()
        except psycopg.Error as error:
            return "it tells" if "secret" in str(error) else error.sqlstate
    return row


def test_i6_a_login_reads_and_changes_what_its_box_serves_and_nothing_else(attacker: Connection) -> None:
    """I6: each attempt is refused by the server, or finds nothing."""
    outcomes = [(attempt, outcome(attacker, attempt)) for attempt, _expected in ATTEMPTS]
    assert [pair for pair in outcomes if pair not in ATTEMPTS] == []
    assert len(ATTEMPTS) == 146


def test_i6_each_rule_and_each_missing_right_is_needed(administrator: psycopg.Connection) -> None:
    """I6: where one rule of row security is taken away, or one right is given, an attempt ends otherwise."""
    changes = {change: table for table, change in administrator.execute(WEAKER).fetchall()}
    unnoticed = {change for change, table in changes.items() if not is_noticed(administrator, table, change)}
    assert unnoticed == SECOND_DEFENCES
    assert len(changes) > 100


def is_noticed(administrator: psycopg.Connection, table: str, change: str) -> bool:
    """Return whether an attempt by the attacker's login ends otherwise after a change, which does not stay.
    Attempts on the table come first."""
    likely = sorted(ATTEMPTS, key=lambda pair: f"informativa.{table}" not in pair[0])
    with administrator.transaction(force_rollback=True):
        administrator.execute(change.encode())
        administrator.execute('SET LOCAL SESSION AUTHORIZATION "informativa-box-pbx-1"')
        return any(
            outcome(administrator, attempt) != expected
            for attempt, expected in likely
            if not attempt.startswith("SET")  # whoever was a superuser becomes another user again
        )


@pytest.mark.parametrize("kind", [Statements, ErasureStatements, ProofStatements])
def test_i6_each_statement_names_the_company(kind: type) -> None:
    """I6: none of ours relies on row security alone, which a role that passes over it would not have."""
    statements = vars(kind(73)).items()
    assert [
        name
        for name, sql in statements
        if not re.search(r"company = 73|\b73, %s|ARRAY\[73\]", sql) and "(73" not in sql
    ] == []
    assert len(statements) > 15


def test_rights_are_looked_up_by_the_key_of_serves(boxes: Boxes) -> None:
    """A statement does not read what all of 50 boxes with 300 companies serve, but its own row of that."""
    database = boxes.database()
    boxes.sql("INSERT INTO acme.serves SELECT 'box-' || n / 300, n % 300 FROM generate_series(300, 15000) n")
    boxes.sql("ANALYZE acme.serves")
    with connect(database, "acme") as connection:
        values = {"company": connection.company, "pseudonyms": [bytes(32)], "box": "pbx-1", "since": 0}
        rows = connection.execute(f"EXPLAIN {KNOWN}", values).fetchall()
    plan = "\n".join(row[0] for row in rows)
    assert "Scan using serves_pkey on serves" in plan
    assert "Seq Scan on serves" not in plan
