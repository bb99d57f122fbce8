"""Records of choices as people and programs read them, and what is counted of them."""

from __future__ import annotations

import csv
import io
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from choosing import answering
from evidence.ledger import audited, signed
from examples import AT, NOTDUE, PLAYED
from informativa.ledgers import expiry, following
from informativa.model import (
    Answer,
    Controller,
    Ending,
    Heard,
    Record,
    Status,
    Unasked,
)
from informativa.operations import record_document, statistics
from informativa.operations.caller_summary import CallerSummary
from informativa.operations.callers import Access, Held
from informativa.operations.records import ControllerRecord
from informativa.operations.statistics import ChoiceStatistics
from informativa.process import storage
from informativa.views import choice_words, record_files
from informativa.views.documents import facts
from informativa.views.messages import ENGLISH, Language, language
from informativa.views.text import callers, records

LINE = PLAYED.line
GRANTED = answering(Answer.GRANTED, language="it")


@pytest.fixture
def acme(tmp_path: Path) -> Controller:
    """Return a company whose callers answered in two calls."""
    own = Controller("acme", "Acme", b"k" * 32, str(tmp_path / "acme.sqlite3"))
    later = {"at": AT + timedelta(days=1), "call": "2.1", "linked": "2.1"}
    with closing(storage.store(own)) as store:
        store.append([PLAYED, GRANTED])
        store.append([answering(Answer.SILENCE, choice="survey", **later)])
        store.append([answering(Answer.REFUSED, **later)])
    return own


def counted(own: Controller) -> tuple[ChoiceStatistics, ...]:
    """Return the answers of all days."""
    first, last = AT.date(), AT.date() + timedelta(days=3)
    return statistics.answers(own, (), first, last)


EXPECTED = (
    ChoiceStatistics("marketing", None, None, LINE, {Answer.GRANTED: 1, Answer.REFUSED: 1}, {}),
    ChoiceStatistics("survey", None, None, LINE, {Answer.SILENCE: 1}, {}),
)


def test_choice_is_counted_as_no_notice_and_no_call_of_its_own(acme: Controller) -> None:
    """The counters of notices and calls are those of the notices and calls; those of answers are beside
    them, and a purge leaves them."""
    days = statistics.by_day(acme, AT.date(), AT.date() + timedelta(days=3))
    assert [(day.calls, dict(day.by_status)) for day in days] == [(1, {Status.PLAYED: 1}), (1, {})]
    assert counted(acme) == EXPECTED
    with closing(storage.store(acme, read_only=True)) as store:
        summary = following.summary(store, AT - timedelta(days=9), AT)
    assert [(count.status, count.in_period) for count in summary.counts] == [(Status.PLAYED, 1)]
    assert summary.known_callers == 1
    with closing(storage.store(acme)) as store:
        assert expiry.purge(store, AT + timedelta(hours=1), AT + timedelta(days=2)) == 2
    assert counted(acme) == EXPECTED


def test_ledger_without_choices_has_no_answers(acme: Controller, tmp_path: Path) -> None:
    """Nothing is said of choices where there are none."""
    none = Controller("none", "None", b"k" * 32, str(tmp_path / "none.sqlite3"))
    assert not storage.has_answers(none)
    with closing(storage.store(none)) as store:
        store.append([PLAYED, NOTDUE])
    assert (counted(none), storage.has_answers(none), storage.has_answers(acme)) == ((), False, True)


def test_counts_without_records_outlive_a_purge_and_an_audit(acme: Controller) -> None:
    """Who was not to be asked is counted by the reason, beside the answers; an audit takes that for no
    forgery, and still finds one in a counter that records bear out."""

    def leave_out(reason: Unasked, choice: str, at: datetime) -> None:
        with closing(storage.store(acme)) as store:
            store.transact([lambda transaction: transaction.count_unasked(LINE, choice, reason, at)])

    leave_out(Unasked.NOT_VOUCHED, "marketing", AT)
    leave_out(Unasked.NOT_VOUCHED, "marketing", AT + timedelta(days=1))
    leave_out(Unasked.WITHHELD, "bonus", AT)
    bonus, marketing, survey = counted(acme)
    assert (bonus.answers, bonus.left_out) == ({}, {Unasked.WITHHELD: 1})
    assert marketing == replace(EXPECTED[0], left_out={Unasked.NOT_VOUCHED: 2})
    assert survey == EXPECTED[1]
    assert [*choice_words.counts(marketing, ENGLISH)][-1] == "left out 2 (nobody vouches for the number 2)"
    signed(Path(acme.ledger))
    assert audited(Path(acme.ledger)).counters == ()
    with sqlite3.connect(acme.ledger) as connection:
        connection.execute("UPDATE tally SET count = 9 WHERE status = 'refused'")
    assert {row.says for row in audited(Path(acme.ledger)).counters} == {9}


def test_counts_say_why_nobody_could_be_asked(acme: Controller) -> None:
    """Questions that could not be played are counted with the reason, which an audit bears out; a hang-up is
    an answer, and no reason."""
    missing, exchanged = (
        answering(
            Answer.NOT_ASKED,
            replace(PLAYED, heard=Heard(ending, 0, 8000, 8000), call=f"{number}.1", linked=f"{number}.1"),
        )
        for number, ending in enumerate((Ending.NOT_PLAYABLE, Ending.CHANGED), start=5)
    )
    erased = answering(
        Answer.HUNG_UP, replace(PLAYED, heard=Heard(Ending.HUNG_UP, 0, 8000, 8000), call="9.1", linked="9.1")
    )
    with closing(storage.store(acme)) as store:
        for event in (missing, exchanged, exchanged, erased):
            store.append([event])
    marketing, _survey = counted(acme)
    assert marketing.answers == {
        Answer.GRANTED: 1,
        Answer.REFUSED: 1,
        Answer.HUNG_UP: 1,
        Answer.NOT_ASKED: 3,
    }
    assert [*choice_words.counts(marketing, ENGLISH)][-1] == (
        "not asked 3 (not playable 1, recording changed 2)"
    )
    assert marketing.unasked == {Ending.NOT_PLAYABLE: 1, Ending.CHANGED: 2}
    signed(Path(acme.ledger))
    assert audited(Path(acme.ledger)).counters == ()
    with sqlite3.connect(acme.ledger) as connection:
        connection.execute("UPDATE tally SET version = 'key' WHERE version = 'recording-changed'")
    assert {row.says for row in audited(Path(acme.ledger)).counters} == {0, 2}


def test_document_has_a_choice_only_where_there_is_one() -> None:
    """Else the name is left out."""
    document = facts(record_document.Record.of(Record(2, GRANTED), "acme"))
    assert document["asked"] == {
        "choice": "marketing", "kind": "consent", "answer": "granted",
        "options": {"5": "refused", "4": "granted"}, "tries": 1, "waited": 1.25,
    }  # fmt: skip
    assert (document["notice"], document["heard"]["key"]) == (None, "4")
    assert "asked" not in facts(record_document.Record.of(Record(1, PLAYED), "acme"))


@pytest.mark.parametrize(
    ("say", "sentence"),
    [
        (ENGLISH, "asked marketing: granted (key 4), after 1.2 s"),
        (language("it"), "chiesto marketing: concesso (tasto 4), dopo 1,2 s"),
    ],
)
def test_choice_in_words(acme: Controller, say: Language, sentence: str) -> None:
    """In a ledger's records, and in what is said of a caller."""
    entry = ControllerRecord(acme, Record(2, GRANTED))
    text = "\n".join(records.ledger(acme, [entry], say, 200))
    assert sentence in text
    assert "marketing 1 it" in text
    holding = Held("acme", "Acme", (record_document.Record.of(Record(2, GRANTED), "acme"),))
    letter = "\n".join(
        callers.access(Access("+39…", (holding,)), [CallerSummary((), ())], {"acme": acme}, say)
    )
    assert sentence in letter
    assert "marketing:granted" in records.call(entry, 200)


def test_table_has_columns_of_choices_where_there_are_some(acme: Controller) -> None:
    """A table without them has the columns that it always had."""
    plain = list(csv.reader(io.StringIO("".join(record_files.table(acme, [Record(1, PLAYED)])))))
    assert not any(name.startswith("asked") for name in plain[0])
    both = record_files.table(acme, [Record(1, PLAYED), Record(2, GRANTED)], choices=True)
    notice, choice = csv.DictReader(io.StringIO("".join(both)))
    assert (notice["asked_answer"], notice["notice"]) == ("", "privacy")
    assert (choice["asked_choice"], choice["asked_answer"]) == ("marketing", "granted")
    assert choice["asked_options"] == "5=refused 4=granted"


def test_i7_forged_counter_of_answers_is_named(acme: Controller) -> None:
    """I7: the number of answers is held against the records, as that of notices is."""
    with closing(storage.store(acme)) as store, store.connected() as connection:
        connection.execute("UPDATE tally SET count = 7 WHERE status = 'granted'")
    signed(Path(acme.ledger))
    result = audited(Path(acme.ledger))
    assert [(row.notice, row.status, row.says, row.records) for row in result.counters] == [
        ("marketing", "granted", 7, 1)
    ]
