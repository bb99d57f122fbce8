"""Calls on the console: found, opened, taken away."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from choosing import answering
from console.served import CALLER, STRANGER, ServedConsole
from evidence.receipts import Company
from informativa.call.caller import pseudonym
from informativa.console.context import RequestContext
from informativa.ledgers.rows import BACKWARDS, filter_parameters, note
from informativa.model import Action, Answer, Reason, RecordFilter, RecordKind, Status
from informativa.operations import records
from informativa.operations.evidence import logs

NOW = datetime(2026, 11, 30, 8, 30, tzinfo=UTC)
COUNTED_AND_ERASED = (RecordKind.TOTALS, RecordKind.ACCESS, RecordKind.ERASURE)
DIGITS = CALLER.number[1:]


def rows(text: str) -> list[str]:
    """The records that a list shows, by their number, as it shows them."""
    return re.findall(r'<td><a href="/acme/calls/(\d+)">', text)


def test_a_reader_sees_his_company_alone(office: ServedConsole) -> None:
    """I6: of another company's calls he learns as little as of one that does not exist."""
    reader = office.browser("reader@acme")
    assert rows(reader.get("/acme/calls").text) == ["6", "5", "4", "3", "2", "1"]
    for path in ("/calls", "/calls/1", "/live", "/calls/1/sound"):
        assert {reader.get(f"/{company}{path}").status_code for company in ("borealis", "nowhere")} == {404}


def test_without_calls_the_page_says_what_to_wait_for(empty_office: ServedConsole) -> None:
    """An empty list is no empty page."""
    assert "Nothing is on record yet." in empty_office.browser("reader@acme").get("/acme/calls").text


def test_choices_have_a_place_of_their_own(office: ServedConsole) -> None:
    """What callers answer is counted beside the calls and the notices; a record of it says what was asked,
    and opens on every page and in every file."""
    reader = office.browser("reader@acme")
    assert "Answers to choices" not in reader.get("/acme/today").text
    company = Company(office.folder)
    now = datetime.now(UTC)
    played = replace(company.played, at=now, recorded=now, call="77.1", linked="77.1")
    _first, number = office.record(played, answering(Answer.GRANTED, played))
    today = reader.get("/acme/today").text
    assert "Answers to choices" in today
    assert '<td class="number" data-label="granted">1</td>' in today
    assert '<div class="figure">1</div>calls' in today
    assert '<span class="status asked">granted</span>' in reader.get("/acme/calls").text
    page = reader.get(f"/acme/calls/{number}").text
    assert "asked marketing: granted (key 4), after 1.2 s" in page
    logs.checkpoint(office.controller())
    officer = office.browser("compliance@acme")
    for path in (f"{number}/receipt", "file/json"):
        assert officer.get(f"/acme/calls/{path}").status_code == 200
    table = csv.DictReader(io.StringIO(officer.get("/acme/calls/file/csv").text))
    row = next(row for row in table if row["number"] == str(number))
    assert (row["asked_choice"], row["asked_answer"], row["notice"]) == ("marketing", "granted", "")
    officer.get("/acme/caller")
    assert officer.send(number=CALLER.number).status_code == 200


def test_numbers_stand_beside_those_of_a_week_before(office: ServedConsole) -> None:
    """Of the same weekday, up to the present hour; the questions of the day are answered before."""
    office.console.now = lambda: NOW  # type: ignore[method-assign]
    hours = {7: (6, 7, 8, 8, 9), 0: (7,)}  # of UTC; it is half past eight, and half past nine in Rome
    played = Company(office.folder).played
    for days, times in hours.items():
        for number, hour in enumerate(times):
            at = NOW.replace(hour=hour) - timedelta(days=days)
            call = f"19{days:04}{number:04}.1"
            office.record(replace(played, at=at, recorded=at, call=call, linked=call))
    page = office.browser("reader@acme").get("/acme/today").text
    figures = re.findall(r'figure">([^<]+)</div>([^<]+)<div class="faint">([^<]+)<', page)
    assert figures[:2] == [("1", "calls", "4 a week before"), ("1", "played to the end", "4 a week before")]
    assert "those of Monday 23 November 2026, up to the same hour" in page
    questions = re.findall(r'<section class="notice (\w+)"><h2>([^<]+)</h2>', page)
    assert questions == [
        ("good", "Was everybody told?"), ("good", "Is anything broken?"), ("good", "Is anything due?"),
    ]  # fmt: skip
    assert page.index("Was everybody told?") < page.index('class="cards"') < page.index('id="plot"')
    assert "a week before" not in office.browser("reader@acme").get("/acme/today", over="month").text


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({"status": "PARTIAL"}, ["3"]),
        ({"reason": "withheld"}, ["4"]),
        ({"line": "+390212345678", "status": "NOTDUE"}, ["5"]),
        ({"since": "2026-11-26T09:33"}, []),
        ({"since": "26/11/2026 9:32", "until": "11/2026"}, ["6", "5", "4", "3", "2", "1"]),
        ({"until": "2025"}, []),
        ({"since": "2026-11-26T09:32", "until": "2026-11-26T09:33"}, ["6", "5", "4", "3", "2", "1"]),
    ],
)
def test_filters_take_what_they_say(office: ServedConsole, asked: dict[str, str], numbers: list[str]) -> None:
    """The form filters by outcome, reason, line, and times of the company's day."""
    reader = office.browser("reader@acme")
    reader.get("/acme/calls")
    assert rows(reader.send("/acme/calls", **asked).text) == numbers


def test_what_there_cannot_be_is_said(office: ServedConsole) -> None:
    """Another company's line is as unknown as one that is not there; so is a day that is none."""
    reader = office.browser("reader@acme")
    other = reader.get("/acme/calls", line="+493012345678")
    assert other.status_code == 409
    assert "This company has no such line." in other.text
    assert "There is no such day or time." in reader.get("/acme/calls", since="yesterday").text


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("kind", "numbers"),
    [("", ["9", "6", "5", "4", "3", "2", "1"]), ("calls", ["6", "5", "4", "3", "1"]), ("papers", ["2"]),
     ("erasures", ["9"]), ("notes", [])],
)  # fmt: skip
def test_kinds_of_records_are_a_tap_away(office: ServedConsole, kind: str, numbers: list[str]) -> None:
    """Calls, papers, erasures and other notes of the program; the choice stays when the form is sent."""
    office.record(*(note(about, Reason.REQUEST, NOW, "") for about in COUNTED_AND_ERASED))
    reader = office.browser("reader@acme")
    page = reader.get("/acme/calls", kind=kind)
    assert rows(page.text) == numbers
    assert page.text.count('aria-current="true"') == 1
    assert rows(reader.send("/acme/calls", since="2025").text) == numbers
    assert reader.get("/acme/calls", kind="people").status_code == 409


def test_a_wrong_time_is_told_at_its_field(office: ServedConsole) -> None:
    """What was typed stays there, with one sentence; no file is made of it."""
    officer = office.browser("compliance@acme")
    page = officer.get("/acme/calls", since="31/2/2026", until="2026")
    assert page.status_code == 400
    assert 'name="since" value="31/2/2026"' in page.text
    assert 'aria-describedby="time-hint since-wrong" aria-invalid="true"' in page.text
    assert page.text.count("There is no such day or time.") == 1
    assert rows(page.text) == []
    turned = officer.get("/acme/calls", since="2026", until="2025")
    assert "This is before the begin of the period." in turned.text
    assert officer.get("/acme/calls/file/csv", since="31/2/2026").status_code == 409


def test_calls_stand_below_their_day(office: ServedConsole) -> None:
    """A day is named once, also for a paper of long ago, whose own day stands in its row."""
    texts = re.findall(r"<th [^>]*>([^<]+)</th>", office.browser("reader@acme", "it").get("/acme/calls").text)
    assert texts[8:] == ["giovedì 26 novembre 2026"]
    played = Company(office.folder).played
    paper = replace(played, kind=RecordKind.CONTRACT, at=datetime(2025, 3, 1, 23, tzinfo=UTC), recorded=NOW)
    office.record(paper, replace(played, at=NOW, recorded=NOW))
    page = office.browser("reader@acme").get("/acme/calls").text
    assert re.findall(r'data-day="([-\d]+)"', page) == ["2026-11-30", "2026-11-26"]
    assert re.findall(r"<tr>\n<td>([^<]+)</td>", page)[:2] == ["09:30", "2 March 2025"]


def test_a_page_says_how_far_it_looked(office: ServedConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes back over so many records and no more, and the link goes on from there until the beginning."""
    monkeypatch.setattr(records, "REACH", 4)
    reader = office.browser("reader@acme")
    first = reader.get("/acme/calls", status="PLAYED").text
    assert rows(first) == ["6", "4"]
    assert "Searched 4 records" in first
    assert "?status=PLAYED&amp;before=3" in first
    second = reader.get("/acme/calls", status="PLAYED", before="3").text
    assert rows(second) == ["1"]
    assert "Look on" not in second


@pytest.mark.sample(2)
@pytest.mark.parametrize("kind", ["", "calls", "papers", "erasures", "notes"])
def test_no_page_reads_the_whole_ledger(office: ServedConsole, kind: str) -> None:
    """Whatever is asked for, the records between two numbers are read, by the table's own key."""
    kinds = tuple(set(RecordKind) - set(records.KIND_GROUPS.get(kind, ())))
    parameters = filter_parameters(RecordFilter(without=kinds), first=900_001, before=1_000_001, count=51)
    with sqlite3.connect(office.controller().ledger) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {BACKWARDS}", parameters)]
    assert plan[0] == "SEARCH event USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"
    assert not [step for step in plan if step.startswith(("SCAN event", "USE TEMP B-TREE"))]


def test_a_typed_number_stands_nowhere(office: ServedConsole) -> None:
    """I5, I6: it is found, under an address that tells nothing, that is good for nobody else, and that back,
    reload and a second log-in do no harm to."""
    officer = office.browser("compliance@acme")
    officer.get("/acme/calls")
    answer = officer.send("/acme/calls/of", number=f"+{DIGITS[:2]} {DIGITS[2:5]} {DIGITS[5:]}")
    assert rows(answer.text) == ["5", "3", "2", "1"]
    assert DIGITS not in answer.text + str(answer.url)
    assert "/acme/calls/of/" in str(answer.url)
    assert rows(officer.get(str(answer.url)).text) == ["5", "3", "2", "1"]
    assert rows(officer.get(str(answer.url), status="PARTIAL").text) == ["3"]
    assert office.browser("compliance@acme").get(str(answer.url)).status_code == 404


def test_whom_one_company_found_another_does_not(office: ServedConsole) -> None:
    """I6: what somebody looked up for one company is not there under the other's address."""
    both = office.browser("operator")
    both.get("/acme/calls")
    answer = both.send("/acme/calls/of", number=STRANGER.number)
    assert rows(answer.text) == ["6"]
    assert both.get(str(answer.url).replace("/acme/", "/borealis/")).status_code == 404


def test_a_reader_neither_searches_nor_takes_away(office: ServedConsole) -> None:
    """He is not even shown how."""
    reader = office.browser("reader@acme")
    page = reader.get("/acme/calls").text
    assert "Find a caller" not in page
    assert "/file/csv" not in page
    for path in ("calls/file/csv", "calls/1/receipt"):
        assert reader.get(f"/acme/{path}").status_code == 404
    assert reader.post("/acme/calls/of", {"number": CALLER.number}).status_code in (403, 404)


def test_files_have_what_the_page_shows(office: ServedConsole) -> None:
    """The records come as a table and as JSON, as attachments whose names say which records were read; no
    cell that a spreadsheet would run."""
    office.record(replace(Company(office.folder).played, reference="=1+1", status=Status.INFORMED))
    officer = office.browser("compliance@acme")
    page = officer.get("/acme/calls/file/csv", status="INFORMED")
    assert page.headers["content-disposition"] == 'attachment; filename="acme-records-1-7.csv"'
    table = list(csv.DictReader(io.StringIO(page.text)))
    assert [row["number"] for row in table] == ["2", "7"]
    assert table[1]["reference"] == "'=1+1"
    facts = json.loads(officer.get("/acme/calls/file/json", before="3").text)
    assert [record["number"] for record in facts["records"]] == [1, 2]
    assert json.loads(officer.get("/acme/calls/file/json", reason="shared").text)["records"] == []
    assert officer.get("/acme/calls/file/exe").status_code == 404


def test_an_extract_holds_no_ledger_open(office: ServedConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes back over so many records, by pages, each read and let go of."""
    monkeypatch.setattr(records, "_AT_ONCE", 2)
    extract = records.extract(office.controller(), reach=5)
    assert (extract.first, extract.last) == (2, 6)
    assert [record.number for record in extract.records] == [2, 3, 4, 5, 6]
    assert [record.number for record in records.extract(office.controller(), before=3).records] == [1, 2]


def test_a_ledger_that_cannot_be_read_is_said(office: ServedConsole) -> None:
    """It is not shown as empty."""
    Path(office.controller().ledger).write_bytes(b"no ledger" * 1000)
    answer = office.browser("reader@acme").get("/acme/calls")
    assert answer.status_code == 409
    assert "Nothing is on record" not in answer.text


def test_what_was_done_is_noted_without_a_number(
    office: ServedConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every search, opening, hearing and file; of a caller who is not on record nothing that stands for him,
    so that who was erased does not come back by being looked for."""
    noted: list[tuple[object, ...]] = []

    def note(_context: RequestContext, action: str, **more: object) -> None:
        noted.append((action, *more.values()))

    monkeypatch.setattr(RequestContext, "note", note)
    officer = office.browser("compliance@acme")
    officer.get("/acme/calls")
    officer.send("/acme/calls/of", number="+393339999999")
    answer = officer.send("/acme/calls/of", number=CALLER.number)
    officer.get(f"{answer.url.path}/file/csv")
    for path in ("1", "1/sound", "1/receipt"):
        officer.get(f"/acme/calls/{path}")
    his = pseudonym(CALLER, office.controller().key)
    assert noted == [
        (Action.SEARCH, None, "number", ""),
        (Action.SEARCH, his, "number", ""),
        (Action.EXPORT, his, "", None, "records=1-6"),
        (Action.OPEN_RECORD, 1),
        (Action.LISTEN, 1),
        (Action.RECEIPT, 1),
    ]
