"""What a box's login can read, change, forge and lock in the shared database: what belongs to companies that
it serves, under its own name, and nothing else (I6)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from examples import PLAYED
from informativa.sharing.connection import Connection, connect
from informativa.sharing.erasure_statements import ErasureStatements
from informativa.sharing.exchange import Exchange
from informativa.sharing.proof_statements import ProofStatements
from informativa.sharing.rows import COLUMNS, Statements
from sharing.conftest import Boxes

NULLS = {"pseudonym", "ending", "heard", "length", "key", "basis", "recorded", "vouched", "rate", "earlier"}
NUMBERS = {"record", "at", "erased", "supplement", "counts"}
REQUIRED = [name for name in COLUMNS if name not in NULLS | {"elsewhere"}]
FORGED = ", ".join("7" if name in NUMBERS else "''" for name in REQUIRED)
INSERT = f"INSERT INTO informativa.record (company, box, informs, {', '.join(REQUIRED)}) VALUES"
DENIED, NOTHING = "42501", ()
OTHERS = "SELECT count(*) FROM informativa.{} WHERE company = 2"
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
    ("SELECT count(*) FROM pg_stats WHERE schemaname = 'informativa'", (0,)),
    ("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%globex%' AND usename <> session_user", (0,)),
    ("SELECT current_setting('is_superuser')", ("off",)),
    ("COPY informativa.record TO STDOUT", ()),
    ("COPY (SELECT 1) TO PROGRAM 'true'", DENIED),
    ("SELECT passwd FROM pg_shadow", DENIED),
    ("SET LOCAL row_security = off; SELECT count(*) FROM informativa.record", DENIED),
    ("TRUNCATE informativa.record", DENIED),
    # nothing is added to it, or moved, and no answer tells whether a row is there
    (f"{INSERT} (2, 'pbx-1', 1, {FORGED})", DENIED),
    ("UPDATE informativa.record SET company = 2", DENIED),
    ("UPDATE informativa.record SET informs = 0 WHERE company = 2 RETURNING 1", NOTHING),
    ("UPDATE informativa.ledger SET retired = now() WHERE company = 2 RETURNING 1", NOTHING),
    ("INSERT INTO informativa.erasure VALUES (2, 1, ARRAY['\\x01'::bytea])", DENIED),
    ("SELECT informativa.purge(2, 'pbx-2', 0, 99, 9223372036854775807)", (0,)),
    ("SELECT informativa.forget_erasures(2)", (0,)),
    # nothing under another box's name, and of another box nothing that proves
    (f"{INSERT} (1, 'pbx-2', 1, {FORGED})", DENIED),
    ("INSERT INTO informativa.ledger (company, box, identity) VALUES (1, 'pbx-9', '\\x01')", DENIED),
    ("INSERT INTO informativa.log VALUES (1, 'pbx-2', 9, 'o', 0, 'k')", DENIED),
    ("UPDATE informativa.checkpoint SET note = 'forged' WHERE box = 'pbx-2' RETURNING 1", NOTHING),
    ("UPDATE informativa.ledger SET identity = '\\x01'", DENIED),
    ("INSERT INTO informativa.box (box) VALUES ('pbx-9')", DENIED),
    ("UPDATE informativa.box SET seen = now() WHERE box = 'pbx-2' RETURNING 1", NOTHING),
    ("SELECT informativa.purge(1, 'pbx-2', 0, 99, 9223372036854775807)", (0,)),
    # nothing is deleted or locked for all, made, or taken as a right
    ("DELETE FROM informativa.record", DENIED),
    ("DELETE FROM informativa.erasure", DENIED),
    ("DELETE FROM informativa.ledger", DENIED),
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


@pytest.fixture
def attacker(boxes: Boxes) -> Iterator[Connection]:
    """A box's login: that box serves the first company, another both, and a third the second alone."""
    boxes.record("pbx-1", PLAYED)
    boxes.exchange("pbx-1").send()
    boxes.record("pbx-2", replace(PLAYED, call="secret"))
    boxes.exchange("pbx-2").send()
    for box in ("pbx-2", "pbx-3"):
        boxes.let_in(box, "globex")
        database = boxes.database(box)
        of_globex = Exchange(boxes.store(f"{box}-globex"), connect(database, "globex"), database, "globex")
        boxes.opened.append(of_globex)
        boxes.record(f"{box}-globex", replace(PLAYED, call="secret"))
        of_globex.send()
    boxes.sql("INSERT INTO acme.checkpoint VALUES (1, 'pbx-2', 0, 1, 'note'), (2, 'pbx-3', 0, 1, 'note')")
    with connect(boxes.database("pbx-1"), "acme") as connection:
        yield connection


def outcome(connection: Connection, attempt: str) -> object:
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
    assert len(ATTEMPTS) == 61


@pytest.mark.parametrize("kind", [Statements, ErasureStatements, ProofStatements])
def test_i6_each_statement_names_the_company(kind: type) -> None:
    """I6: none of ours relies on row security alone, which a role that passes over it would not have."""
    statements = vars(kind(73)).items()
    assert [
        name for name, sql in statements if not re.search(r"company = 73|\b73, %s", sql) and "(73" not in sql
    ] == []
    assert len(statements) > 15


def test_rights_are_looked_up_by_the_key_of_serves(boxes: Boxes) -> None:
    """A statement does not read what all of 50 boxes with 300 companies serve, but its own row of that."""
    database = boxes.database()
    boxes.sql("INSERT INTO acme.serves SELECT 'box-' || n / 300, n % 300 FROM generate_series(300, 15000) n")
    boxes.sql("ANALYZE acme.serves")
    with connect(database, "acme") as connection:
        values = {"pseudonyms": [bytes(32)], "box": "pbx-1", "since": 0}
        rows = connection.execute(f"EXPLAIN {Statements(connection.company).known}", values).fetchall()
    plan = "\n".join(row[0] for row in rows)
    assert "Scan using serves_pkey on serves" in plan
    assert "Seq Scan on serves" not in plan
