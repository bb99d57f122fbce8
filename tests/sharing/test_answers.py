"""Callers' answers to choices, in a real PostgreSQL: they travel, refusals first, and are asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta

import psycopg
import pytest

from choosing import answering
from examples import AT, ONE, OTHER, PLAYED
from informativa.call.guard import suspend
from informativa.ledgers import answers, audit_answers
from informativa.model import Answer
from informativa.model.errors import SharedDatabaseError
from informativa.sharing import answer_audit, exchange, reading
from informativa.sharing.box_statements import KNOWN
from informativa.sharing.idle import OLDEST_SECONDS, IdleConnections
from informativa.sharing.others import SharedBoxes
from informativa.sharing.question import Question
from sharing.conftest import ACME, Boxes
from sharing.erasing import order, quiet

DAY = timedelta(days=1)
OF_CALLERS = ("record_informs", "record_answers", "record_earlier")
_QUESTION = KNOWN % {"pseudonyms": "$1", "company": "$2", "box": "$3", "since": "$4"}
PLANNED_FOR_ALL = f"""
PREPARE question (bytea[], integer, text, bigint) AS {_QUESTION}; SET plan_cache_mode = force_generic_plan;
EXPLAIN EXECUTE question (ARRAY[sha256('7')], 1, 'pbx-1', 0)
"""
"""The same question as a connection has it planned, once for all companies and callers."""
GRANTED, REFUSED, WITHDRAWN = Answer.GRANTED, Answer.REFUSED, Answer.WITHDRAWN


def last(boxes: Boxes, box: str, pseudonym: bytes = ONE) -> tuple[Answer, str, int] | None:
    """Return a caller's last act as a box knows it, with the box that has the record."""
    with closing(boxes.store(box)) as store, store.connected() as connection:
        act = answers.of_caller(connection, pseudonym).acts.get("marketing")
        return None if act is None else (act.word, act.box, act.record)


def asked(boxes: Boxes, box: str, *pseudonyms: bytes) -> list[tuple[str, int]]:
    """Return the records that the database has of these pseudonyms, as a call of that box asks."""
    others = SharedBoxes(ACME, boxes.database(box), suspend)
    try:
        return [(name, record.number) for name, record in asyncio.run(others.ask(pseudonyms))]  # type: ignore[arg-type]
    finally:
        others.close()


def test_answers_are_known_to_all_boxes(boxes: Boxes, settle: Callable[[], None]) -> None:
    """A grant on one and a withdrawal on another, whose clock is of 2020: all know the withdrawal, and the
    database answers with it."""
    for box in ("pbx-1", "pbx-2", "pbx-3"):
        boxes.exchange(box)
    boxes.record("pbx-1", answering(GRANTED))
    settle()
    assert last(boxes, "pbx-2") == (GRANTED, "pbx-1", 1)
    boxes.record("pbx-2", answering(WITHDRAWN, at=AT - 2000 * DAY))
    settle()
    assert [last(boxes, box) for box in ("pbx-1", "pbx-2", "pbx-3")] == [
        (WITHDRAWN, "pbx-2", 1),
        (WITHDRAWN, "", 1),
        (WITHDRAWN, "pbx-2", 1),
    ]
    assert sorted(asked(boxes, "pbx-3", ONE)) == [("pbx-1", 1), ("pbx-2", 1)]
    records = reading.of_caller(boxes.database("pbx-3"), "acme", [ONE], None)
    assert [record.event.asked and record.event.asked.answer for _box, record in records.records] == [
        WITHDRAWN,
        GRANTED,
    ]


def test_refusals_go_before_other_records(boxes: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long queue: they are asked for at once, and sent no second time in their turn."""
    monkeypatch.setattr(exchange, "PAGE", 2)
    calls = [replace(PLAYED, pseudonym=OTHER, call=str(number)) for number in range(5)]
    boxes.record("pbx-1", *calls, answering(WITHDRAWN), answering(GRANTED, pseudonym=OTHER))
    box = boxes.exchange("pbx-1")
    assert box.send() == 2
    assert boxes.sql("SELECT record FROM acme.record ORDER BY 1") == [(1,), (2,), (6,)]
    assert asked(boxes, "pbx-2", ONE) == [("pbx-1", 6)]
    assert [box.send() for _ in range(4)] == [2, 2, 1, 0]
    assert boxes.sql("SELECT record FROM acme.record ORDER BY 1") == [(number,) for number in range(1, 8)]
    assert boxes.sql("SELECT record, answered FROM acme.ledger") == [(7, 7)]


def test_earlier_key_leads_to_a_withdrawal_under_the_new_one(
    boxes: Boxes, settle: Callable[[], None]
) -> None:
    """The box that has not got the new key yet knows it, and is answered."""
    boxes.exchange("pbx-1")
    boxes.exchange("pbx-2")
    boxes.record("pbx-2", answering(GRANTED))
    settle()
    boxes.record("pbx-1", answering(WITHDRAWN, pseudonym=OTHER, earlier=ONE, at=AT + DAY))
    while boxes.opened[0].send():
        pass
    assert asked(boxes, "pbx-2", ONE) == [("pbx-1", 1)]
    assert asked(boxes, "pbx-2", ONE, OTHER) == [("pbx-1", 1)]  # by both of his pseudonyms, and once
    settle()
    assert last(boxes, "pbx-2") == (WITHDRAWN, "pbx-1", 1)


def test_question_of_a_call_is_answered_by_indexes(boxes: Boxes) -> None:
    """It looks at records by the indexes of callers alone, with statistics and without, as on a new
    server."""
    numbers = "informs, record, at, erased, supplement, counts"
    texts = "call, line, notice, version, language, purposes, status, reason, prompt, linked, wanted, kind"
    values = ", ".join(["''"] * 14)
    boxes.sql(
        f"INSERT INTO acme.record (company, box, {numbers}, {texts}, reference, recording, pseudonym)"
        f" SELECT 1, 'pbx-2', 1, number, number, 0, 0, 0, {values}, sha256(number::text::bytea)"
        " FROM generate_series(1, 5000) AS number"
    )
    question = KNOWN.replace("%(pseudonyms)s", "ARRAY[sha256('7')]").replace("%(company)s", "1")
    question = question.replace("%(box)s", "'pbx-1'").replace("%(since)s", "0")
    for before in (
        "ANALYZE acme.record",
        "DELETE FROM pg_statistic WHERE starelid = 'acme.record'::regclass",
    ):
        boxes.sql(before)
        for statements in (f"EXPLAIN {question}", PLANNED_FOR_ALL):
            plan = [str(line) for (line,) in boxes.server.sql(statements)]
            scans = [line for line in plan if " on record" in line]
            assert len(scans) == 3, plan
            assert all(any(f"using {name} " in line for name in OF_CALLERS) for line in scans), plan


def test_question_of_a_call_has_a_limit_of_its_own(boxes: Boxes) -> None:
    """The server gives it up when nobody waits any more, and the session, which behind pgbouncer is another's
    next, has no limit afterwards."""
    idle = IdleConnections(OLDEST_SECONDS)
    assert Question(boxes.database("pbx-1"), idle)((ACME, [ONE])) == []
    expiry, connection = idle.take(lambda: pytest.fail("it is not idle"))
    assert connection.execute("SHOW statement_timeout").fetchone() == ("0",)
    idle.give_back(expiry, connection)
    with psycopg.connect(boxes.server.conninfo()) as other:
        other.execute("LOCK TABLE informativa.record IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(SharedDatabaseError) as refused:
            Question(boxes.database("pbx-1", seconds=0.3), idle)((ACME, [ONE]))
        assert refused.value.state == "57014"  # canceled by the server, and not by us
    idle.close()


def test_i9_erased_caller_has_answered_nothing_anywhere(boxes: Boxes, settle: Callable[[], None]) -> None:
    """Neither in the database nor on a box that knew of it."""
    boxes.exchange("pbx-1")
    boxes.exchange("pbx-2")
    boxes.record("pbx-1", answering(GRANTED))
    settle()
    order(boxes, "pbx-2", ONE)
    quiet(boxes)
    assert (last(boxes, "pbx-1"), last(boxes, "pbx-2"), asked(boxes, "pbx-3", ONE)) == (None, None, [])
    assert boxes.sql("SELECT rank, withdrawal FROM acme.record WHERE erased = 1") == [(None, None)]


def test_i7_forged_answer_of_another_box_is_named(boxes: Boxes, settle: Callable[[], None]) -> None:
    """I7: an audit compares it with the record in the database; what that box purged since is no forgery."""
    boxes.exchange("pbx-1")
    boxes.exchange("pbx-2")
    boxes.record("pbx-2", answering(REFUSED), answering(GRANTED, pseudonym=OTHER))
    settle()
    assert contradicted(boxes) == []
    with closing(boxes.store("pbx-1")) as store, store.connected() as connection:
        connection.execute("UPDATE answer SET word = 'granted' WHERE pseudonym = ?", (ONE,))
        connection.execute("UPDATE answer SET record = 9 WHERE pseudonym = ?", (OTHER,))
    assert contradicted(boxes) == ["granted 1", "granted 9"]
    assert contradicted(boxes, AT + DAY) == ["granted 1"]


def contradicted(boxes: Boxes, purged_before: datetime | None = None) -> list[str]:
    """Return the answers, with their records, that the first box has from others and those have not."""
    with closing(boxes.store("pbx-1")) as store, store.connected() as connection:
        learnt = audit_answers.of_other_boxes(connection)
    rows = answer_audit.contradicted(learnt, boxes.database("pbx-1"), "acme", purged_before)
    return [f"{row.answer} {row.record}" for row in rows]
