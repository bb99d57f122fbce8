"""Answers to consents in files: imported from a website's list, and exported for other systems."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import tracemalloc
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from commands import run
from consenting import (
    CALLER,
    NOW,
    NUMBER,
    act,
    answered_by_key,
    ask_for_consents,
    company,
    printed,
)
from informativa.call.caller import pseudonym
from informativa.model import Answer, Identified, Period, Reason, RecordKind, Status
from informativa.operations import consent_export, consent_import, consents
from informativa.operations.consent_export import ConsentFilter
from informativa.operations.consent_import import ConsentImport, ConsentSource
from informativa.operations.importing import ImportCounts
from informativa.process import storage
from informativa.views import record_files
from informativa.views.record_files import ConsentFormat

HERE = ("--controller", "acme")
GRANTED, REFUSED, WITHDRAWN = Answer.GRANTED, Answer.REFUSED, Answer.WITHDRAWN
NUMBERS = [f"+39333{number:07}" for number in range(20, 60)]


@pytest.fixture
def file(folder: Path) -> Path:
    """Return the configuration of a company that asks for consents."""
    return ask_for_consents(folder)


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    """Return a file of forty grants, one of which nobody can have given, and of two rows that say nothing."""
    lines = [
        f"{number},granted,2026-10-0{index % 9 + 1} 10:00,F{index}" for index, number in enumerate(NUMBERS)
    ]
    lines[5] = f"{NUMBERS[5]},yes,2026-10-01,F5"
    lines[6] = f"{NUMBERS[6]},granted,2027-10-01,F6"
    lines[7] = "12,granted,2026-10-01,F7"
    file = tmp_path / "answers.csv"
    file.write_text("number,answer,at,reference\n" + "\n".join(lines) + "\n")
    return file


def imported(file: Path, rows: Path, *, trial: bool = False, now: datetime = NOW) -> ConsentImport:
    """Import a file of answers about marketing."""
    _configuration, owner, choice = company(file)
    source = ConsentSource(rows, owner, choice.wording, RecordKind.WEBSITE, "", "IT", {}, now, trial=trial)
    return consent_import.run(source, ImportCounts(), lambda _step, _bytes: None)


def states(file: Path) -> dict[str, str]:
    """Return the answers in the ledger, by pseudonym."""
    with closing(sqlite3.connect(company(file)[1].ledger)) as ledger:
        return {caller.hex(): word for caller, word in ledger.execute("SELECT pseudonym, word FROM answer")}


def test_rows_become_records_and_bad_ones_are_named(file: Path, answers: Path) -> None:
    """Each row is a record with its answer; what cannot be one is listed beside the file, by line, and the
    exit code says so; the same file again adds nothing."""
    result = imported(file, answers)
    assert (result.read, result.recorded, result.rejected, result.overruled, result.done) == (
        40,
        37,
        3,
        0,
        True,
    )
    rejects = answers.with_name("answers.csv.rejects.csv").read_text().splitlines()
    assert rejects[1:] == [
        '7,"the answer is not `granted`, `refused` or `withdrawn`"',
        "8,the date is still to come",
        "9,the number is not one",
    ]
    assert set(states(file).values()) == {"granted"}
    again = imported(file, answers)
    assert (again.recorded, again.known_before) == (0, 37)


def test_command_ends_with_four_where_rows_were_rejected(file: Path, answers: Path) -> None:
    """The command prints the counts, and ends as the import of notices does."""
    words = ("import", answers, "--choice", "marketing", "--by", "website", "--yes", *HERE)
    assert printed(file, *words, code=4).startswith("40 rows read: 37 recorded, 0 known before, 3 rejected.")
    document = json.loads(printed(file, *words, "--json", code=4))
    assert (document["read"], document["recorded"], document["done"]) == (40, 0, True)


def test_grant_older_than_a_withdrawal_is_recorded_and_changes_nothing(file: Path, tmp_path: Path) -> None:
    """A late list brings no withdrawn consent back, in whatever order its rows stand; a later grant does."""
    act(file, WITHDRAWN, datetime(2026, 10, 5))
    rows = tmp_path / "late.csv"
    rows.write_text(
        f"number;answer;at;reference\n{NUMBER};granted;2026-10-04;F1\n{NUMBERS[0]};granted;2026-10-04;F2\n"
        f"{NUMBERS[1]};withdrawn;2026-10-06;F3\n{NUMBERS[1]};granted;2026-10-05;F4\n"
    )
    result = imported(file, rows)
    assert (result.recorded, result.overruled) == (4, 2)
    assert sorted(states(file).values()) == ["granted", "withdrawn", "withdrawn"]
    rows.write_text(f"number;answer;at;reference\n{NUMBER};granted;2026-10-07;F5\n")
    assert imported(file, rows).overruled == 0
    assert sorted(states(file).values()) == ["granted", "granted", "withdrawn"]


def test_two_answers_of_one_moment_and_paper_are_two(file: Path, tmp_path: Path) -> None:
    """A row is known by its answer, too: the refusal of the same form and minute is not a doubled grant."""
    rows = tmp_path / "both.csv"
    rows.write_text(
        f"number,answer,at,reference\n{NUMBER},granted,2026-10-04,F1\n{NUMBER},refused,2026-10-04,F1\n"
    )
    assert imported(file, rows).recorded == 2
    assert list(states(file).values()) == ["refused"]


def test_trial_records_nothing(file: Path, answers: Path) -> None:
    """A trial says what would be recorded, known and rejected, before there is a ledger and after."""
    trial = imported(file, answers, trial=True)
    assert (trial.recorded, trial.rejected, trial.done) == (37, 3, False)
    assert not list(Path(company(file)[1].ledger).parent.glob("*.sqlite3"))
    act(file, WITHDRAWN, datetime(2026, 11, 1), typed=replace(CALLER, caller=Identified(NUMBERS[0])))
    part = answers.with_name("part.csv")
    part.write_text("\n".join(answers.read_text().splitlines()[:4]) + "\n")
    assert imported(file, part, trial=True).overruled == 1
    before = states(file)
    imported(file, part)
    assert (imported(file, answers, trial=True).known_before, len(states(file))) == (3, len(before) + 2)


def test_answers_under_an_earlier_key_continue(file: Path, tmp_path: Path) -> None:
    """A withdrawal that comes in a list ends the grant that the caller gave under an earlier key."""
    act(file, GRANTED, datetime(2026, 10, 1))
    _configuration, owner, choice = company(file)
    rotated = replace(owner, key=b"n" * 32, old_keys=(owner.key,))
    rows = tmp_path / "late.csv"
    rows.write_text(f"number,answer,at,reference\n{NUMBER},withdrawn,2026-10-04,F1\n")
    source = ConsentSource(rows, rotated, choice.wording, RecordKind.WEBSITE, "", "IT", {}, NOW)
    assert consent_import.run(source, ImportCounts(), lambda *_: None).recorded == 1
    assert list(states(file).values()) == ["withdrawn"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("number,at,reference\n+393331234567,2026-10-01,F\n", "`answer` and `at`"),
        ("number,answer,reference\n+393331234567,granted,F\n", "must name the columns"),
        ("number,answer,at\n+393331234567,granted,2026-10-01\n", "No row has a reference"),
        (
            "number,answer,at,reference\n+393331234567,granted,10/25/2026,F\n+393331234568,granted,25/10/2026,F\n",
            "the month first",
        ),
    ],
)
def test_file_that_cannot_be_understood_adds_nothing(
    file: Path, tmp_path: Path, text: str, sentence: str
) -> None:
    """A file without answers, times or references is refused as a whole."""
    rows = tmp_path / "rows.csv"
    rows.write_text(text)
    words = ("import", rows, "--choice", "marketing", "--by", "website", *HERE, "-c", file)
    ran = run("consent", *words)
    assert ran.returncode == 1
    assert sentence in ran.stderr
    assert not Path(company(file)[1].ledger).exists()


@pytest.fixture
def answered(file: Path) -> Path:
    """Return the configuration of a company of whose callers one granted, one refused, one withdrew, and one
    granted long ago; none of a caller who said nothing."""
    _configuration, owner, _choice = company(file)
    days = timedelta(days=1)
    with closing(storage.store(owner)) as ledger:
        ledger.append(
            [
                answered_by_key(owner, GRANTED, "4", NOW - days, NUMBERS[0]),
                answered_by_key(owner, REFUSED, "5", NOW - 2 * days, NUMBERS[1]),
                answered_by_key(owner, GRANTED, "4", NOW - 3 * days, NUMBERS[2]),
                answered_by_key(owner, WITHDRAWN, "5", NOW - days, NUMBERS[2]),
                answered_by_key(owner, GRANTED, "4", NOW - 800 * days, NUMBERS[3]),
                answered_by_key(owner, Answer.SILENCE, "", NOW - days, NUMBERS[4]),
            ]
        )
    return file


def exported(file: Path, form: ConsentFormat, answer: Answer | None = None, **more: object) -> str:
    """Return the file of standing answers at NOW."""
    configuration, owner, _choice = company(file)
    known = consents.consents(configuration, "acme")
    rows = consent_export.rows(replace(owner, **more), known, NOW, ConsentFilter(answer=answer))
    return "".join(record_files.consents(form, rows))


def test_table_has_a_row_for_each_caller_and_no_number(answered: Path) -> None:
    """Each caller's last act under his pseudonym, with version, purposes, times and record; nobody who said
    nothing, and no number anywhere."""
    text = exported(answered, ConsentFormat.CSV)
    rows = {row["caller"]: row for row in csv.DictReader(io.StringIO(text))}
    key = company(answered)[1].key
    his = [rows.get(pseudonym(Identified(number), key).hex()) for number in NUMBERS[:5]]
    assert [row and (row["answer"], row["counts"], row["ended"], row["record"]) for row in his] == [
        ("granted", "true", "", "2"),
        ("refused", "true", "", "3"),
        ("withdrawn", "true", "", "5"),
        ("granted", "false", "period-over", "6"),
        None,
    ]
    assert (his[0]["version"], his[0]["purposes"], his[0]["kind"]) == ("2", "marketing", "phone")
    assert (his[0]["at"], his[0]["until"]) == (
        "2026-11-24T12:00:00.000+00:00",
        "2028-11-24T13:00:00.000+01:00",
    )
    assert not any(number.lstrip("+") in text for number in NUMBERS)


def test_grants_that_are_asked_for_may_be_relied_on(answered: Path) -> None:
    """`--answer granted` leaves out grants that count no more, by time or because the number may be somebody
    else's; `withdrawn` has the withdrawals."""
    rows = [json.loads(line) for line in exported(answered, ConsentFormat.LINES, GRANTED).splitlines()]
    assert [(row["schema"], row["answer"], row["counts"]) for row in rows] == [(1, "granted", True)]
    assert len(exported(answered, ConsentFormat.LINES, WITHDRAWN).splitlines()) == 1
    event = replace(
        answered_by_key(company(answered)[1], GRANTED, "", NOW - timedelta(days=90), NUMBERS[0]), asked=None
    )
    with closing(storage.store(company(answered)[1])) as ledger:
        ledger.append([replace(event, status=Status.PLAYED)])
    assert exported(answered, ConsentFormat.LINES, GRANTED, recycled_after=Period(days=60)) == ""


def test_erased_caller_is_in_no_export(answered: Path) -> None:
    """After a request for erasure nothing of the caller's consents is left to export or to show."""
    before = len(exported(answered, ConsentFormat.LINES).splitlines())
    assert run("caller", "erase", NUMBERS[0], "--yes", *HERE, "-c", answered).returncode == 0
    assert len(exported(answered, ConsentFormat.LINES).splitlines()) == before - 1
    erased = Identified(NUMBERS[0])
    assert consents.of_caller(company(answered)[1], {}, erased, NOW).acts == ()


def test_export_holds_few_callers_in_memory(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many callers are read page by page: twenty times as many take no more memory, and none is left out."""
    _configuration, owner, _choice = company(file)
    monkeypatch.setattr(consent_export, "PAGE", 50)
    peaks = []
    for first, last in ((0, 100), (100, 2000)):
        with closing(storage.store(owner)) as ledger:
            numbers = (f"+39333{number:07}" for number in range(first, last))
            ledger.append([answered_by_key(owner, GRANTED, "4", NOW, number) for number in numbers])
        configuration, _owner, _choice = company(file)
        known = consents.consents(configuration, "acme")
        tracemalloc.start()
        rows = consent_export.rows(owner, known, NOW)
        parts = record_files.consents(ConsentFormat.LINES, rows)
        assert sum(1 for _part in parts) == last
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]


def test_export_without_a_ledger_is_empty(file: Path) -> None:
    """Where nothing is recorded yet, the table has its header alone."""
    assert len(printed(file, "export", *HERE).splitlines()) == 1
    assert printed(file, "export", *HERE, "--json") == ""


def test_version_for_another_purpose_ends_a_grant(answered: Path) -> None:
    """What was granted for one purpose is none for another: the export says that it counts no more."""
    configuration, owner, choice = company(answered)
    newer = replace(choice.wording.versions[-1], id="3", purposes=frozenset({"profiling"}))
    changed = replace(choice, wording=replace(choice.wording, versions=(*choice.wording.versions, newer)))
    rows = list(consent_export.rows(owner, {"marketing": changed}, NOW + timedelta(days=1)))
    assert {row.ended for row in rows if row.answer is GRANTED} == {Reason.NEW_PURPOSE, Reason.PERIOD_OVER}
    assert configuration.choices["acme"][0] == choice
