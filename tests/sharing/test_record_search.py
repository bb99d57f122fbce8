"""Records of all boxes that somebody looks for: which ones he gets, and how many rows are read for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product

import psycopg
import pytest

from examples import AT, NOTDUE, ONE, OTHER, PARTIAL, PLAYED, UNIDENTIFIED
from informativa.model import Reason, RecordFilter, RecordKind, Status
from informativa.model.errors import SharedDatabaseError
from informativa.sharing import reading
from informativa.sharing.connection import Connection, connect
from informativa.sharing.record_search import search_statement
from sharing.conftest import Boxes

LIKE_ONE, HIGHEST = b"1" * 31 + b"2", b"\xff" * 32
EVENTS = (
    PLAYED,
    replace(PARTIAL, at=AT - timedelta(days=1), pseudonym=OTHER),
    replace(NOTDUE, at=AT + timedelta(seconds=9), line="+390687654321"),
    replace(UNIDENTIFIED, at=AT + timedelta(days=2)),
    replace(PLAYED, at=AT + timedelta(days=3), pseudonym=LIKE_ONE, kind=RecordKind.OPERATOR),
    replace(PARTIAL, at=AT + timedelta(days=3), pseudonym=HIGHEST),
)
FILTERS = [
    RecordFilter(line, caller, status, reason, since, until, callers, without)
    for line, caller, status, reason, since, until, callers, without in product(
        ("", "+390687654321"),
        (b"", b"1" * 31, ONE, b"\xff", b"\xff" * 32, b"\0"),
        (None, Status.PLAYED, Status.PARTIAL),
        (None, Reason.ALREADY_INFORMED),
        (None, AT),
        (None, AT + timedelta(days=3)),
        ((), (OTHER, HIGHEST)),
        ((), (RecordKind.OPERATOR, RecordKind.PURGE)),
    )
]
SELECTIVE = [
    RecordFilter(),
    RecordFilter(line="+39027"),
    RecordFilter(line="+39028"),
    RecordFilter(status=Status.PLAYED),
    RecordFilter(status=Status.FAILED),
    RecordFilter(status=Status.FALLBACK),
    RecordFilter(since=AT + timedelta(seconds=300), until=AT + timedelta(seconds=900)),
    RecordFilter(line="+39027", since=AT + timedelta(seconds=300), until=AT + timedelta(seconds=5000)),
    RecordFilter(status=Status.FAILED, until=AT + timedelta(days=1)),
    RecordFilter(caller=b"\x5f\xec"),
    RecordFilter(caller=b"\0\0\0\1"),
    RecordFilter(callers=(ONE, OTHER)),
    RecordFilter(without=(RecordKind.PURGE, RecordKind.ERASURE)),
]
ROWS = 20_000
LAST = 50


def test_a_filter_selects_in_the_database_what_it_selects_here(boxes: Boxes) -> None:
    """Combinations of its fields, and the last two records; whoever has no pseudonym begins with nothing."""
    for box in ("pbx-1", "pbx-2"):
        boxes.record(box, *EVENTS)
        boxes.exchange(box).send()
    recorded = sorted(
        ((event, box, number) for box in ("pbx-1", "pbx-2") for number, event in enumerate(EVENTS, 1)),
        key=lambda row: (row[0].at, *row[1:]),
    )
    database = boxes.database()
    with connect(database, "acme") as connection:
        for record_filter in FILTERS[::7]:
            expected = [row[1:] for row in recorded if record_filter.matches(row[0])]
            for last in (None, 2):
                statement, values = search_statement(connection.company, record_filter, last)
                rows = connection.execute(statement, values).fetchall()
                assert [row[:2] for row in rows] == expected[-(last or 0) :], record_filter
    assert [box for box, _record in reading.search(database, "acme", RecordFilter(), 3)] == [
        "pbx-1",
        "pbx-2",
        "pbx-2",
    ]


@pytest.mark.parametrize(
    ("change", "message", "remedy"),
    [
        ("status = 'NEWER'", "is of a newer informativa.", "Ask the newest box, or upgrade this one."),
        *(
            (
                change,
                "has a time that no calendar has.",
                "Somebody changed it in that box's ledger, or has its login in the database."
                " Type on that box: informativa evidence audit",
            )
            for change in ("at = 1::bigint << 62", "at = -(1::bigint << 62)", "recorded = 1::bigint << 62")
        ),
    ],
)
def test_record_that_cannot_be_shown_is_named(boxes: Boxes, change: str, message: str, remedy: str) -> None:
    """None is left out silently: a search ends there with the reason, and what to do."""
    boxes.record("pbx-1", PLAYED, PLAYED)
    boxes.exchange("pbx-1").send()
    boxes.sql(f"UPDATE acme.record SET {change} WHERE record = 2")
    with pytest.raises(SharedDatabaseError) as refused:
        list(reading.search(boxes.database(), "acme", RecordFilter()))
    assert str(refused.value.message) == f"Record 2 of pbx-1 {message}"
    assert str(refused.value.remedy) == remedy


@pytest.fixture
def many(boxes: Boxes) -> Iterator[Connection]:
    """A box's login, with its plans, where one company has many records, and another as many."""
    boxes.record("pbx-1", PLAYED)
    boxes.exchange("pbx-1").send()
    columns = [
        str(name)
        for (name,) in boxes.sql(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'acme.record'::regclass AND attnum > 0"
        )
    ]
    of_row = {
        "company": "1 + number % 2",
        "record": "number",
        "at": "at + number * 1000000::bigint",
        "line": f"CASE WHEN number < {ROWS // 4} AND number % 1000 < 2 THEN '+39027' ELSE line END",
        "pseudonym": "sha256((number / 8)::text::bytea)",
        "status": "CASE WHEN number < 60 THEN 'FAILED' WHEN number % 9 < 2 THEN 'PLAYED' ELSE 'NOTDUE' END",
    }
    values = ", ".join(of_row.get(name, name) for name in columns)
    boxes.sql(
        f"INSERT INTO acme.record ({', '.join(columns)}) SELECT {values} FROM acme.record,"
        f" generate_series(2, {2 * ROWS}) AS number"
    )
    boxes.sql("VACUUM ANALYZE acme.record")
    with connect(boxes.database(), "acme") as connection:
        assert connection.execute("SHOW plan_cache_mode").fetchone() == ("force_generic_plan",)
        yield connection


def rows_read(plan: dict[str, object]) -> float:
    """Return the number of records that the scans of a plan read, with those that a filter removed."""
    nested = sum(rows_read(part) for part in plan.get("Plans", ()))  # type: ignore[attr-defined]
    if plan.get("Relation Name") != "record":
        return nested
    read = float(str(plan["Actual Rows"])) + float(str(plan.get("Rows Removed by Filter", 0)))
    return nested + read * float(str(plan["Actual Loops"]))


def plans(connection: Connection, record_filter: RecordFilter) -> Iterator[dict[str, object]]:
    """Iterate over the plans of a search that were carried out: for these values, as a cursor has it, and for
    any, as a login has it otherwise."""
    statement, values = search_statement(connection.company, record_filter, LAST)
    explain = "EXPLAIN (ANALYZE, FORMAT JSON) "
    yield (connection.execute((explain + statement).encode(), values).fetchone() or ({},))[0][0]["Plan"]
    places = {name: f"${number}" for number, name in enumerate(values, 1)}
    prepared = re.sub(r"%\((\w+)\)s", lambda place: places[place[1]], statement)
    connection.execute(f"PREPARE search AS {prepared}".encode())
    execute = f"{explain} EXECUTE search ({', '.join(['%s'] * len(values))})"
    with psycopg.ClientCursor(connection) as cursor:
        yield (cursor.execute(execute.encode(), list(values.values())).fetchone() or ({},))[0][0]["Plan"]
    connection.execute("DEALLOCATE search")


def test_the_last_records_are_reached_by_an_index(many: Connection) -> None:
    """Of 20,000 of a company a few hundred at most are read for the last 50, whatever the filter."""
    for record_filter in SELECTIVE:
        for plan in plans(many, record_filter):
            assert rows_read(plan) < 400, (record_filter, json.dumps(plan, indent=1))
