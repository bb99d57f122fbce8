"""Answers of callers who ring several boxes: one order, whatever their clocks say."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from choosing import answering
from evidence.ledger import audited, forged, signed
from examples import AT, ONE, OTHER
from informativa.ledgers import answers, audit_answers, boxes, expiry, schema
from informativa.ledgers import rows as ledger_rows
from informativa.ledgers.erasure import erase
from informativa.ledgers.loss_notes import LossNotes
from informativa.ledgers.sqlite import SqliteStore
from informativa.ledgers.transaction import SqliteTransaction
from informativa.model import Answer, Event, Period, Record
from informativa.model.choices import StandingAnswer
from informativa.sharing import rows

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
GRANTED, REFUSED, WITHDRAWN = Answer.GRANTED, Answer.REFUSED, Answer.WITHDRAWN
BOXES = ("pbx-1", "pbx-2", "pbx-3")


@dataclass
class BoxOfCaller:
    """A box whom one caller rings: its ledger, in memory; his acts, each with those that its box knew of; and
    those that this box knows of."""

    name: str
    connection: sqlite3.Connection
    known: set[tuple[str, int]] = field(default_factory=set)

    @property
    def transaction(self) -> SqliteTransaction:
        """The ledger within a transaction."""
        return SqliteTransaction(self.connection)

    @property
    def last(self) -> StandingAnswer | None:
        """His last act, as this box knows it."""
        return answers.of_caller(self.connection, ONE).acts.get("marketing")

    def append(self, event: Event) -> int:
        """Put an act on record, without a leaf."""
        number = self.connection.execute(*ledger_rows.append((None, *ledger_rows.row(event)))).lastrowid
        assert number is not None
        self.transaction.remember(event, number)
        return number

    def records(self) -> Iterator[Record]:
        """The records of this box as they go to others."""
        row_of = boxes._PAGE
        for row in self.connection.execute(row_of, (0, 1000)).fetchall():
            yield rows.record([*row[: rows.INFORMS], *row[-len(rows.ANSWER) :]])


@contextmanager
def three() -> Iterator[dict[str, BoxOfCaller]]:
    """Three boxes that know nobody yet."""
    opened = {name: BoxOfCaller(name, sqlite3.connect(":memory:", isolation_level=None)) for name in BOXES}
    try:
        for box in opened.values():
            box.connection.deserialize(schema.empty())
        yield opened
    finally:
        for box in opened.values():
            box.connection.close()


ACTS = st.tuples(
    st.sampled_from(BOXES),
    st.sampled_from([GRANTED, REFUSED, WITHDRAWN]),
    st.integers(-3000, 3000),  # minutes that its clock is off
    st.booleans(),  # put on record while it happens
)
PASSES = st.tuples(st.sampled_from(BOXES), st.sampled_from(BOXES))


@given(st.lists(st.one_of(ACTS, PASSES), max_size=12))
@settings(max_examples=60)
def test_boxes_with_wild_clocks_agree_and_believe_the_caller(steps: list[tuple[object, ...]]) -> None:
    """What is put on record while it happens is the last word on its box; who withdrew, so that it was the
    last word, is taken as granting by that box only after a grant whose box knew of a withdrawal; and all
    boxes agree in the end, and the audit of each bears it out."""
    knew: dict[tuple[str, int], set[tuple[str, int]]] = {}
    withdrawals: set[tuple[str, int]] = set()
    with three() as by_name:

        def give(source: BoxOfCaller, target: BoxOfCaller) -> None:
            if source is target:
                return
            for record in source.records():
                target.transaction.learn(source.name, record)
                target.known.add((source.name, record.number))

        def believe(box: BoxOfCaller) -> None:
            last = box.last
            if last is None or last.word is not GRANTED:
                return
            grant = last.box or box.name, last.record
            for withdrawal in withdrawals:
                if withdrawal[0] == box.name:
                    assert withdrawal in knew[grant] or knew[grant] & withdrawals

        for minute, step in enumerate(steps):
            box = by_name[str(step[0])]
            if len(step) == 2:
                give(box, by_name[str(step[1])])
                believe(by_name[str(step[1])])
                continue
            _box, word, off, live = step
            assert isinstance(word, Answer)
            assert isinstance(off, int)
            at = AT + (minute + off) * MINUTE
            event = answering(word, at=at, recorded=None if live else at + 9999 * MINUTE)
            number = box.append(event)
            knew[box.name, number] = set(box.known)
            box.known.add((box.name, number))
            is_last = box.last is not None and (box.last.box, box.last.record) == ("", number)
            assert is_last or not live
            if is_last and word is WITHDRAWN:
                withdrawals.add((box.name, number))
            believe(box)
        for source in (*by_name.values(), *by_name.values()):
            for target in by_name.values():
                give(source, target)
                believe(target)
        ends = {box.last.word is GRANTED for box in by_name.values() if box.last}
        assert len(ends) == (1 if knew else 0)
        for box in by_name.values():
            assert audit_answers.forged(box.connection, LossNotes((), (), (), ())) == []


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Return the path of a ledger that does not exist yet."""
    return tmp_path / "acme.sqlite3"


def last(ledger: Path, pseudonym: bytes = ONE) -> tuple[Answer, str, int] | None:
    """Return a caller's last act with its box and record."""
    with closing(SqliteStore(str(ledger))) as store, store.connected() as connection:
        act = answers.of_caller(connection, pseudonym).acts.get("marketing")
        return None if act is None else (act.word, act.box, act.record)


def learn(ledger: Path, *records: Record, box: str = "pbx-2") -> None:
    """Take in records of another box."""
    with closing(SqliteStore(str(ledger))) as store:
        boxes.take_in(store, [boxes.ReceivedPage(box, b"", records, 9, 9)])


def put(ledger: Path, *events: Event) -> None:
    """Put events on record."""
    with closing(SqliteStore(str(ledger))) as store:
        store.append(events)


def test_grant_of_a_clock_ahead_does_not_outlive_a_withdrawal(ledger: Path) -> None:
    """A box recorded a grant in 2027, and its clock was put right: the withdrawal after it counts."""
    put(ledger, answering(GRANTED, at=AT + 400 * DAY), answering(WITHDRAWN, at=AT))
    assert last(ledger) == (WITHDRAWN, "", 2)


def test_withdrawal_of_a_box_that_booted_in_2020_counts(ledger: Path) -> None:
    """It comes after the grant of another box that this one knew, on all boxes."""
    learn(ledger, Record(7, answering(GRANTED)))
    put(ledger, answering(WITHDRAWN, at=AT - 2000 * DAY))
    assert last(ledger) == (WITHDRAWN, "", 1)
    learn(ledger, Record(8, answering(GRANTED, at=AT + DAY)))
    assert last(ledger) == (WITHDRAWN, "", 1)


def test_import_of_an_earlier_day_changes_nothing(ledger: Path) -> None:
    """A refusal on paper of last year comes before the grant by key, and one of later days after it."""
    put(ledger, answering(GRANTED), answering(REFUSED, at=AT - 300 * DAY, recorded=AT + DAY))
    assert last(ledger) == (GRANTED, "", 1)
    put(ledger, answering(REFUSED, at=AT + DAY, recorded=AT + 2 * DAY))
    assert last(ledger) == (REFUSED, "", 3)


def test_withdrawal_on_paper_outranks_an_older_grant_of_a_box_that_did_not_know_it() -> None:
    """A caller withdrew and granted again on one box, and withdrew in writing an hour later: the other box,
    which knew of neither, put that on record, and it counts on both."""
    with three() as by_name:
        first, second = by_name["pbx-1"], by_name["pbx-2"]
        first.append(answering(WITHDRAWN))
        first.append(answering(GRANTED, at=AT + 60 * MINUTE))
        second.append(answering(WITHDRAWN, at=AT + 120 * MINUTE, recorded=AT + DAY))
        for source, target in ((first, second), (second, first)):
            for record in source.records():
                target.transaction.learn(source.name, record)
        assert [box.last.word for box in (first, second) if box.last] == [WITHDRAWN, WITHDRAWN]


def test_withdrawal_on_paper_before_a_grant_that_its_box_knew_changes_nothing(ledger: Path) -> None:
    """A grant of another box stands after a withdrawal of the year before is imported, and the audit is
    content with it."""
    learn(ledger, Record(7, answering(GRANTED)))
    put(ledger, answering(WITHDRAWN, at=AT - 300 * DAY, recorded=AT + DAY))
    assert last(ledger) == (GRANTED, "pbx-2", 7)
    signed(ledger)
    assert audited(ledger).is_sound


@pytest.mark.parametrize("word", [GRANTED, WITHDRAWN])
def test_answer_of_the_last_moment_of_the_calendar_is_followed_by_others(ledger: Path, word: Answer) -> None:
    """A clock that stands at the end of the year 9999 keeps no caller from withdrawing, here or elsewhere."""
    end = datetime.max.replace(tzinfo=UTC)
    put(ledger, answering(word, at=end))
    put(ledger, answering(WITHDRAWN, at=AT))
    assert last(ledger) == (WITHDRAWN, "", 2)
    assert Period(24).after(end, UTC) == end


def test_answer_with_a_time_that_no_calendar_has_is_left_out() -> None:
    """A forged place in the database hides no other record of its box."""
    with three() as by_name:
        box = by_name["pbx-1"]
        box.append(answering(GRANTED))
        (row,) = box.connection.execute(boxes._PAGE, (0, 1000)).fetchall()
    good = [*row[: rows.INFORMS], *row[-len(rows.ANSWER) :]]
    records = list(rows.readable([[*good[:-2], 2**62, 0], good]))
    assert [record.number for record in records] == [1]


def test_answer_under_an_earlier_key_is_known_by_both(ledger: Path) -> None:
    """A box that has only the key before knows the withdrawal under the new one."""
    put(ledger, answering(GRANTED))
    learn(ledger, Record(7, answering(WITHDRAWN, pseudonym=OTHER, earlier=ONE, at=AT + DAY)))
    assert last(ledger) == (WITHDRAWN, "pbx-2", 7)
    assert last(ledger, OTHER) == (WITHDRAWN, "pbx-2", 7)


def test_other_boxes_answers_go_with_age_and_erasure(ledger: Path) -> None:
    """By the retention, and with the caller, of whom no byte is left; until then the audit is content."""
    put(ledger, answering(GRANTED, pseudonym=b"3" * 32))
    later = answering(REFUSED, at=AT + 3 * DAY, pseudonym=OTHER)
    learn(ledger, Record(7, answering(GRANTED)), Record(8, later))
    signed(ledger)
    assert audited(ledger).is_sound
    with closing(SqliteStore(str(ledger))) as store:
        expiry.purge(store, AT + DAY, AT + 9 * DAY)
    assert (last(ledger), last(ledger, OTHER)) == (None, (REFUSED, "pbx-2", 8))
    erase(ledger, [OTHER], AT + 9 * DAY)
    assert last(ledger, OTHER) is None
    assert OTHER[:8] not in ledger.read_bytes()


def test_i7_own_refusal_under_a_lesser_answer_of_another_box_is_named(ledger: Path) -> None:
    """I7: a row of another box that comes before what this ledger has on record is forged."""
    put(ledger, answering(REFUSED))
    learn(ledger, Record(7, answering(GRANTED, at=AT - DAY)))
    signed(ledger)
    forged(ledger, "UPDATE answer SET word = 'granted', box = 'pbx-2', record = 7, rank = 5")
    assert [row.record for row in audited(ledger).history] == [7]


def test_record_goes_out_with_the_place_of_its_answer(ledger: Path) -> None:
    """Its rank and that of the last withdrawal; a choice that is not remembered of its caller has none."""
    unrecognised = replace(answering(GRANTED), pseudonym=None)
    put(ledger, answering(WITHDRAWN), answering(GRANTED, at=AT - DAY), unrecognised)
    with closing(SqliteStore(str(ledger))) as store:
        places = [row[-2:] for row in boxes.page(store, 0, 9)]
        assert [row[1] for row in boxes.refusals(store, 0, 9)] == [boxes.page(store, 0, 1)[0][1]]
    withdrawal = ledger_rows.microseconds(AT + 10 * MINUTE)
    assert places == [(withdrawal, withdrawal), (withdrawal + 1, withdrawal), (None, None)]
