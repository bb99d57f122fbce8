"""Records: what is wanted of them, page by page and as they come, without a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from doubles import line
from examples import NOTDUE, PARTIAL, PLAYED, UNIDENTIFIED
from informativa.config import load
from informativa.ledgers.following import Follower
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Controller, Event, Reason, Record, RecordFilter, RecordKind, Status
from informativa.model.errors import InformativaError, LedgerError
from informativa.operations import record_document, records
from informativa.operations.records import (
    ALL,
    ControllerRecord,
    RecordFollower,
    line_number,
    of_zone,
    page,
    read,
    read_all,
)
from informativa.operations.records import ControllerRecord as Found
from informativa.process import storage
from informativa.views.documents import document, streamed
from informativa.views.messages import ENGLISH, language
from informativa.views.text import records as view

LATER = PLAYED.at + timedelta(days=1)
EVENTS = (
    PLAYED,
    replace(PARTIAL, at=LATER),
    replace(NOTDUE, basis=1),
    UNIDENTIFIED,
    replace(PLAYED, line="2"),
)


@pytest.fixture
def acme(tmp_path: Path) -> Controller:
    """A company whose ledger is to come."""
    return replace(line().controller, ledger=str(tmp_path / "acme.sqlite3"))


@pytest.fixture
def store(acme: Controller) -> Iterator[SqliteStore]:
    """Its ledger, with five records."""
    with closing(SqliteStore(acme.ledger)) as store:
        store.append(EVENTS)
        yield store


@pytest.mark.parametrize(
    ("record_filter", "numbers"),
    [
        (ALL, [1, 2, 3, 4, 5]),
        (RecordFilter(line="2"), [5]),
        (RecordFilter(line="%"), []),
        (RecordFilter(caller=b"1111"), [1, 2, 3, 5]),
        (RecordFilter(caller=b"1" * 32), [1, 2, 3, 5]),
        (RecordFilter(caller=b"12"), []),
        (RecordFilter(callers=(b"9" * 32, b"1" * 32)), [1, 2, 3, 5]),
        (RecordFilter(callers=(b"9" * 32,)), []),
        (RecordFilter(status=Status.NOTDUE), [3]),
        (RecordFilter(reason=Reason.NOT_INFORMED, status=Status.PARTIAL), [2]),
        (RecordFilter(since=LATER), [2]),
        (RecordFilter(since=PLAYED.at, until=LATER), [1, 3, 4, 5]),
        (RecordFilter(until=PLAYED.at), []),
    ],
)
def test_filter_means_the_same_to_the_ledger(
    store: SqliteStore, record_filter: RecordFilter, numbers: list[int]
) -> None:
    """What SQL finds is what the filter itself takes."""
    assert [record.number for record in read(store, record_filter)] == numbers
    assert [record.number for record in store.records() if record_filter.matches(record.event)] == numbers


def test_last_ones_are_streamed_in_order(store: SqliteStore, acme: Controller) -> None:
    """The last so many of those that are wanted; all, where there are fewer; none of a ledger to come."""
    his = RecordFilter(caller=b"1")
    assert [record.number for record in read(store, his, last=2)] == [3, 5]
    assert [record.number for record in read(store, his, last=9)] == [1, 2, 3, 5]
    assert [record.number for record in read(store, his, last=1 << 70)] == [1, 2, 3, 5]
    assert list(read(store, RecordFilter(line="%"), last=2)) == []
    other = replace(acme, ledger=acme.ledger + "-none")
    calls = list(read_all([other, acme], last=2))
    assert [(call.controller, call.record.number) for call in calls] == [(acme, 4), (acme, 5)]
    with storage.existing_ledger(other) as ledger:
        assert ledger is None


@pytest.mark.usefixtures("store")
def test_pages_go_back_in_time(acme: Controller) -> None:
    """Each says with what to ask for the next, and the last one that there is none."""
    first = page(acme, count=2)
    assert ([record.number for record in first.records], first.before) == ([5, 4], 4)
    second = page(acme, before=first.before, count=3)
    assert ([record.number for record in second.records], second.before) == ([3, 2, 1], None)
    assert page(replace(acme, ledger=acme.ledger + "-none")).records == ()


def test_a_page_that_looked_back_far_enough_says_when(
    acme: Controller, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it ended before there were as many as were asked for it says when the last record was recorded
    that it looked at; the next page goes on there, and the last one is at the beginning."""
    monkeypatch.setattr(records, "REACH", 2)
    store.append([replace(PLAYED, recorded=LATER)] * 2)
    record_filter = RecordFilter(line="2")
    first = page(acme, record_filter)
    assert (first.records, first.before, first.looked) == ((), 6, LATER)
    second = page(acme, record_filter, first.before)
    assert ([record.number for record in second.records], second.before) == ([5], 4)
    assert second.looked == PLAYED.at
    third = page(acme, record_filter, second.before)
    assert (third.records, third.before) == ((), 2)
    assert page(acme, record_filter, third.before).before is None


def test_a_time_is_found_without_looking_at_what_came_since(
    acme: Controller, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look for what was before some time begins a day after it, and ends a day before what is wanted; what
    was recorded later than that is passed over, and the page says how to look at it, too."""
    monkeypatch.setattr(records, "REACH", 3)
    days = [replace(PLAYED, at=PLAYED.at + timedelta(days=day)) for day in range(2, 40)]
    store.append([*days, replace(PLAYED, at=PLAYED.at, recorded=days[-1].at)])
    tenth = PLAYED.at + timedelta(days=10)
    record_filter = RecordFilter(since=tenth, until=tenth + timedelta(hours=1))
    records_page = page(acme, record_filter)
    assert [record.event.at for record in records_page.records] == [tenth]
    assert (records_page.begun, records_page.later, records_page.before) == (16, 45, 13)
    assert page(acme, record_filter, records_page.before).before is None
    long_ago = RecordFilter(until=PLAYED.at + timedelta(hours=1))
    assert [record.number for record in page(acme, long_ago, page(acme, long_ago).later).records] == [44]
    assert page(acme, RecordFilter(until=datetime.max)).later is None


def test_the_last_before_a_record_are_the_page_before(store: SqliteStore) -> None:
    """Neither that record nor a later one is among them, with a number of records or without."""
    his = RecordFilter(caller=b"1")
    assert [record.number for record in read(store, his, last=2, before=5)] == [2, 3]
    assert [record.number for record in read(store, his, last=2, before=2)] == [1]
    assert [record.number for record in read(store, before=4)] == [1, 2, 3]
    assert [record.number for record in read(store, last=1, before=1 << 70)] == [5]
    assert list(read(store, last=2, before=1)) == []


def test_times_without_offset_are_of_the_controllers_zone(store: SqliteStore, acme: Controller) -> None:
    """What happened at 9:00 in UTC was at 10:00 in Rome; each controller filters in its own zone."""
    rome = replace(acme, zone=ZoneInfo("Europe/Rome"))
    store.append([replace(PLAYED, at=datetime(2026, 1, 31, 9, tzinfo=UTC))])
    ten, one_past = datetime(2026, 1, 31, 10), datetime(2026, 1, 31, 10, 1)
    record_filter = RecordFilter(since=ten, until=one_past)
    assert [call.record.number for call in read_all([acme, rome], record_filter)] == [6]
    assert [record.number for record in page(rome, record_filter, before=7).records] == [6]
    offset = RecordFilter(until=datetime(2026, 1, 31, 9, tzinfo=UTC))
    assert of_zone(offset, rome) == offset
    assert of_zone(ALL, rome) == ALL
    assert of_zone(RecordFilter(since=datetime.min), rome).since == datetime.min.replace(tzinfo=UTC)


@pytest.mark.parametrize("until", ["2026-01-30", "2026-01-31T00:00", "2026-01-31T00:00+01:00"])
def test_nothing_is_between_times_the_wrong_way_round(acme: Controller, until: str) -> None:
    """Which is said, and not shown as a ledger without records."""
    record_filter = RecordFilter(
        since=datetime.fromisoformat("2026-01-31"), until=datetime.fromisoformat(until)
    )
    with pytest.raises(InformativaError, match="Nothing is from 2026-01-31"):
        list(read_all([acme], record_filter))


def test_ledger_that_may_not_be_looked_for(acme: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is closed to whoever asks is told, with what to do."""

    def closed(_file: Path) -> bool:
        raise PermissionError

    monkeypatch.setattr(Path, "exists", closed)
    with (
        pytest.raises(InformativaError, match=r"may not look at .*acme"),
        storage.existing_ledger(acme),
    ):
        pass


def test_following_begins_with_the_last(store: SqliteStore, acme: Controller) -> None:
    """Then what comes, of calls alone and as the filter has it, each once."""
    website = replace(PLAYED, call="", kind=RecordKind.WEBSITE)
    record_filter = RecordFilter(
        status=Status.PLAYED, reason=Reason.NOT_INFORMED
    )  # which the one before is not
    with closing(RecordFollower([acme], record_filter, 2, lambda _error: None)) as following:
        assert [call.record.number for call in following.news()] == [5]
        store.append([website, PARTIAL, PLAYED])
        assert [call.record.number for call in following.news()] == [8]
        assert following.news() == []


@pytest.mark.usefixtures("store")
def test_following_complains_once(acme: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger that cannot be read at first is asked again, and begins then with its last ones."""
    complaints: list[LedgerError] = []
    starts = Follower.start

    def broken(_follower: Follower, _count: int, _line: str = "") -> None:
        raise LedgerError("It is locked.")

    with closing(RecordFollower([acme], ALL, 1, complaints.append)) as following:
        monkeypatch.setattr(Follower, "start", broken)
        assert (following.news(), following.news()) == ([], [])
        assert [str(error) for error in complaints] == ["It is locked."]
        monkeypatch.setattr(Follower, "start", starts)
        assert [call.record.number for call in following.news()] == [5]


def test_line_is_known_by_any_spelling(folder: Path) -> None:
    """As records have it; all where none is given; one that is not there is told with those that are."""
    configuration = load(folder / "informativa.yaml")
    assert line_number(configuration, "0212345678") == "+390212345678"
    assert line_number(configuration, None) == ""
    with pytest.raises(InformativaError, match=r"There are: \+390212345678, \+493012345678\."):
        line_number(configuration, "1")


def rows(events: list[Event], acme: Controller, width: int) -> list[str]:
    """Return what is shown of them."""
    records = [ControllerRecord(acme, Record(number, event)) for number, event in enumerate(events, 1)]
    return "\n".join(view.ledger(acme, records, ENGLISH, width)).splitlines()


def test_ledger_as_lines(acme: Controller) -> None:
    """One line for each record, or some where the terminal is narrow; in the reader's language."""
    erased = replace(UNIDENTIFIED, erased=True)
    name, header, *lines = rows([PLAYED, replace(NOTDUE, basis=1), UNIDENTIFIED, erased], acme, 107)
    assert (name, header.split()[:3]) == ("Acme (acme)", ["#", "when", "(UTC)"])
    assert lines[0].endswith("PLAYED   not-informed         9.5 of 9.5 s, whole")
    assert lines[1].endswith("NOTDUE   already-informed #1")
    assert ("unidentified" in lines[2], "erased" in lines[3]) == (True, True)
    assert all(len(row) < 60 for row in rows([PLAYED], acme, 60)[1:])
    assert "ora (UTC)" in "".join(view.ledger(acme, [], language("it"), 107))
    (_name, missing) = view.ledger(acme, None, ENGLISH, 107)
    assert missing.startswith(f"There is no ledger {acme.ledger}: nothing was recorded yet")


def test_call_as_a_line(acme: Controller) -> None:
    """The reason, or how it ended where it was not heard whole; what was heard, where there is room."""
    heard, cut, silent = (view.call(Found(acme, Record(7, event)), 79) for event in (PLAYED, PARTIAL, NOTDUE))
    assert heard.split()[1:] == ["+390212345678", "acme", "PLAYED", "not-informed", "9.5s", "7"]
    assert cut.split()[4:] == ["key", "2.2s", "7"]
    assert silent.split()[4:] == ["already-informed", "-", "7"]
    assert "acme" not in view.call(Found(acme, Record(7, PLAYED)), 60)
    assert view.call_headings(language("it"), 79).split() != view.call_headings(ENGLISH, 79).split()


def test_records_are_one_document_line_by_line() -> None:
    """However many there are; nothing of it is printed before the first was read."""
    documents = tuple(record_document.Record.of(Record(number, PLAYED), "acme") for number in (1, 2))
    text = "".join(streamed("records", documents))
    assert json.loads(text) == json.loads(document(record_document.Records(documents)))
    opening, *lines, closing_line = text.splitlines()
    assert (opening, closing_line) == ('{"schema": 1, "records": [', "]}")
    assert [json.loads(line.rstrip(","))["number"] for line in lines] == [1, 2]
    assert json.loads("".join(streamed("records", []))) == {"schema": 1, "records": []}

    def broken() -> Iterator[record_document.Record]:
        raise LedgerError("It is locked.")
        yield

    with pytest.raises(LedgerError):
        next(streamed("records", broken()))
