"""The report of a month: its numbers, what it says of months that are not whole, its page, and its mail."""

from __future__ import annotations

import csv
import io
import os
import re
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from commands import run
from consenting import act, answered_by_key, ask_for_consents
from examples import NOTDUE, PLAYED
from informativa.config import load
from informativa.ledgers import expiry
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import (
    Action,
    Answer,
    Controller,
    Ending,
    Event,
    Heard,
    Period,
    Reason,
    RecordKind,
    ReportMail,
    Status,
)
from informativa.model.errors import InformativaError
from informativa.operations import access_log, monthly_report
from informativa.operations.report_document import FailureFigures, MonthlyReport, Requests
from informativa.operations.report_sending import mail
from informativa.process.storage import store
from informativa.views.messages import ENGLISH
from informativa.views.report_files import table
from informativa.views.text import report as view

ROME = ZoneInfo("Europe/Rome")
LATER = datetime(2026, 11, 20, 12, tzinfo=UTC)
OCTOBER, SEPTEMBER = date(2026, 10, 1), date(2026, 9, 1)
FAILED = replace(PLAYED, status=Status.FAILED, heard=Heard.in_seconds(Ending.NOT_PLAYABLE, 0, 9.5))
FELL_BACK = replace(
    PLAYED, status=Status.FALLBACK, reason=Reason.SERVICE_UNAVAILABLE, heard=None, pseudonym=None
)


@pytest.fixture
def acme(tmp_path: Path) -> Controller:
    """A company in Rome, whose ledger does not exist yet."""
    return Controller("acme", "Acme S.p.A.", b"", str(tmp_path / "acme.sqlite3"), zone=ROME)


def at(event: Event, moment: str) -> Event:
    """The event of a call of its own at that time in Rome."""
    when = datetime.fromisoformat(moment).replace(tzinfo=ROME).astimezone(UTC)
    return replace(event, at=when, call=f"{when.timestamp():.0f}.1")


def fill(acme: Controller, *events: Event) -> None:
    """Put events on record."""
    with closing(SqliteStore(acme.ledger)) as opened:
        opened.append(events)


def report(acme: Controller, month: date | None = OCTOBER, now: datetime = LATER) -> MonthlyReport:
    """Return the report of a month, made on 20 November unless at another time."""
    return monthly_report.report(acme, (), (), month, now)


def remarks(result: MonthlyReport) -> list[str]:
    """Return what the report says of its numbers."""
    return [str(remark) for remark in result.remarks]


def test_a_month_begins_and_ends_at_midnight_of_the_company(acme: Controller) -> None:
    """A call in the first hour of October in Rome, when it is September in UTC, is October's, and one in the
    last hour too, though the clocks were put back meanwhile."""
    fill(acme, at(PLAYED, "2026-09-30T23:30"), at(PLAYED, "2026-10-01T00:30"), at(NOTDUE, "2026-10-25T02:30"))
    fill(acme, at(PLAYED, "2026-10-31T23:30"), at(PLAYED, "2026-11-01T00:30"))
    result = report(acme)
    assert (result.first_day, result.last_day) == (OCTOBER, date(2026, 10, 31))
    assert (result.figures.calls, result.figures.notices) == (3, {Status.PLAYED: 2, Status.NOTDUE: 1})
    assert result.before is not None
    assert (result.before.month, result.before.calls) == (SEPTEMBER, 1)


def test_without_a_month_it_is_the_last_full_one_where_the_company_is(acme: Controller) -> None:
    """In the last hour of October in UTC it is November in Rome, and the report that of October."""
    fill(acme, at(PLAYED, "2026-09-02T10:00"))
    assert report(acme, None, datetime(2026, 10, 31, 23, 30, tzinfo=UTC)).first_day == OCTOBER
    assert report(acme, None, datetime(2026, 10, 31, 22, 30, tzinfo=UTC)).first_day == SEPTEMBER


def test_notices_are_counted_by_version_and_line_and_failures_by_cause(acme: Controller) -> None:
    """Each version on each line has its statuses; failures say how the playback ended, or their reason."""
    other = replace(PLAYED, line="+390287654321", version="2")
    fill(acme, at(PLAYED, "2026-10-02T10:00"), at(other, "2026-10-03T10:00"), at(FAILED, "2026-10-04T10:00"))
    fill(acme, at(FAILED, "2026-10-05T10:00"), at(FELL_BACK, "2026-10-06T10:00"))
    result = report(acme)
    assert [(row.notice, row.version, row.line, row.by_status) for row in result.notices] == [
        (
            "privacy",
            "1",
            "+390212345678",
            {Status.PLAYED: 1, Status.FALLBACK: 1, Status.FAILED: 2},
        ),
        ("privacy", "2", "+390287654321", {Status.PLAYED: 1}),
    ]
    assert result.calls_by_line == {"+390212345678": 4, "+390287654321": 1}
    assert result.figures.failures == 3
    assert result.failures == (
        FailureFigures(Status.FAILED, "not-playable", 2),
        FailureFigures(Status.FALLBACK, "service-unavailable", 1),
    )


def elsewhere(kind: RecordKind, day: str, recorded: str) -> Event:
    """The event of a caller who was told elsewhere on a day, and whose paper was recorded on another."""
    at_day, on_record = (datetime.fromisoformat(text).replace(tzinfo=ROME) for text in (day, recorded))
    event = replace(PLAYED, at=at_day.astimezone(UTC), call="", line="", language="", heard=None, prompt="")
    values = {"status": Status.INFORMED, "reason": Reason.TOLD_ELSEWHERE, "kind": kind, "reference": "2026/1"}
    return replace(event, **values, recorded=on_record.astimezone(UTC))


def test_imports_count_in_the_month_in_which_they_were_put_on_record(acme: Controller) -> None:
    """Old papers are work of the month of their import; the ledger begins with them, though no call came."""
    fill(acme, elsewhere(RecordKind.CONTRACT, "2024-05-02T00:00", "2026-09-20T10:00"))
    fill(acme, *[elsewhere(RecordKind.WEBSITE, "2026-09-30T00:00", "2026-10-05T10:00")] * 3)
    fill(acme, elsewhere(RecordKind.OPERATOR, "2026-10-06T00:00", "2026-10-06T10:00"))
    fill(acme, at(PLAYED, "2026-10-31T10:00"))
    result = report(acme)
    assert (result.figures.calls, result.figures.notices) == (1, {Status.PLAYED: 1})
    assert result.figures.without_call == 4
    assert [(row.notice, row.version, row.kind, row.count) for row in result.elsewhere] == [
        ("privacy", "1", RecordKind.OPERATOR, 1),
        ("privacy", "1", RecordKind.WEBSITE, 3),
    ]
    assert result.before is not None
    assert (result.before.calls, result.before.without_call) == (0, 1)
    assert remarks(result) == ["The ledger begins on 2026-09-20: the month before is not whole."]
    text = "\n".join(view.lines(result, acme, ENGLISH))
    assert re.search(r"Told elsewhere, without a call +4 +1 +\+3\n", text)
    assert re.search(r"privacy notice +1 +on a website +3\n", text)
    assert "notices without a call,privacy,1,,website,3\r\n" in "".join(table(result))


def test_an_empty_ledger_says_so(acme: Controller) -> None:
    """Nothing came and nothing was imported."""
    fill(acme)
    assert remarks(report(acme)) == ["Nothing is on record yet."]


def test_a_purge_takes_the_causes_of_failures_and_no_number(acme: Controller) -> None:
    """After a purge the counters have all calls and failures, and the report says of what it lacks the
    records."""
    fill(acme, at(FAILED, "2026-10-04T10:00"), at(PLAYED, "2026-10-05T10:00"), at(PLAYED, "2026-11-05T10:00"))
    with closing(SqliteStore(acme.ledger)) as opened:
        expiry.purge(opened, datetime(2026, 11, 1, tzinfo=UTC), LATER)
    result = report(acme)
    assert (result.figures.calls, result.figures.failures) == (2, 1)
    assert result.failures == (FailureFigures(Status.FAILED, None, 1),)
    assert remarks(result)[-1].startswith("Records from before 2026-11-01 were deleted by their age.")


@pytest.mark.parametrize(
    ("first", "month", "expected"),
    [
        ("2026-10-14T10:00", OCTOBER, "The ledger begins on 2026-10-14: the days before are not in"),
        ("2026-10-14T10:00", SEPTEMBER, "Nothing was counted in this month: the ledger begins on 2026-10"),
        ("2026-09-14T10:00", OCTOBER, "The ledger begins on 2026-09-14: the month before is not whole."),
        ("2026-09-14T10:00", date(2026, 11, 1), "The month is not over: these are its numbers so far."),
        ("2026-08-14T10:00", OCTOBER, "No call came in this month."),
    ],
)  # fmt: skip
def test_a_month_that_is_not_whole_says_so(acme: Controller, first: str, month: date, expected: str) -> None:
    """A ledger of half a month, one that begins later, a month that goes on, and one without calls."""
    fill(acme, at(PLAYED, first))
    assert any(remark.startswith(expected) for remark in remarks(report(acme, month)))


def test_where_nothing_was_counted_before_nothing_is_compared(acme: Controller) -> None:
    """A ledger of the month's own has no month before."""
    fill(acme, at(PLAYED, "2026-10-01T10:00"))
    assert report(acme).before is None


def test_a_month_to_come_is_refused(acme: Controller) -> None:
    """The error names the last month that there can be a report of."""
    fill(acme, at(PLAYED, "2026-10-01T10:00"))
    with pytest.raises(InformativaError, match=r"2026-12.*--month 2026-11"):
        report(acme, date(2026, 12, 1))


def test_requests_are_those_of_the_access_log_as_long_as_it_has_the_month(acme: Controller) -> None:
    """Looks, letters and erasures of the month are counted, an erasure once although the console logs when it
    begins too; where entries of it may be deleted, none are."""
    fill(acme, at(PLAYED, "2026-10-01T10:00"))
    for day, action in enumerate((Action.OPEN_CALLER, Action.OPEN_CALLER, Action.LETTER, Action.ERASE), 2):
        access_log.note(acme, "anna", action, datetime(2026, 10, day, 12, tzinfo=UTC))
    for facts in ("", "request=7"):
        at_begin = datetime(2026, 10, 5, 11, tzinfo=UTC)
        access_log.note(acme, "anna", Action.ERASE, at_begin, detail="begun", facts=facts)
    access_log.note(acme, "anna", Action.ERASE, datetime(2026, 11, 2, 12, tzinfo=UTC))
    assert report(acme).figures.requests == Requests(looked_up=2, letters=1, erasures=1)
    result = report(replace(acme, retention=Period(months=1)), now=datetime(2027, 5, 1, tzinfo=UTC))
    assert result.figures.requests is None
    assert "The access log has no more all of this month, so requests are not counted." in remarks(result)


def test_consents_by_key_and_elsewhere_are_counted(folder: Path) -> None:
    """One who granted by key and withdrew on the website, and another who refused by key."""
    file = ask_for_consents(folder)
    owner = load(file).controllers["acme"]
    for answer, key, day in ((Answer.GRANTED, "4", 2), (Answer.REFUSED, "5", 3)):
        event = answered_by_key(owner, answer, key, datetime(2026, 10, day, 10, tzinfo=UTC))
        with closing(store(owner)) as ledger:
            ledger.append([replace(event, call=f"{day}.1")])
    act(file, Answer.WITHDRAWN, datetime(2026, 10, 4, 12, tzinfo=UTC), RecordKind.WEBSITE)
    configuration = load(file)
    result = monthly_report.report(owner, (), configuration.choices["acme"], OCTOBER, LATER)
    (consent,) = result.consents
    assert (consent.choice, consent.purpose) == ("marketing", "marketing")
    assert consent.by_key == {Answer.GRANTED: 1, Answer.REFUSED: 1, Answer.WITHDRAWN: 0}
    assert consent.elsewhere == {Answer.GRANTED: 0, Answer.REFUSED: 0, Answer.WITHDRAWN: 1}
    assert result.figures.consents == {Answer.GRANTED: 1, Answer.REFUSED: 1, Answer.WITHDRAWN: 1}


def mailed(folder: Path, company: str, run_by: str) -> Path:
    """Have the report of a company handed to this command; return the configuration."""
    file = folder / "informativa.yaml"
    section = f"    report: {{to: [dpo@acme.example], language: it, run: '{run_by}'}}\n"
    heading = f"  {company}:\n"
    assert file.read_text().count(heading) == 1
    file.write_text(file.read_text().replace(heading, heading + section))
    return file


def test_a_report_is_mailed_as_text_page_and_table(folder: Path, tmp_path: Path) -> None:
    """The command of the configuration gets one mail in the reader's language; the page in it needs nothing
    from elsewhere, and the table has the same number of calls."""
    file = mailed(folder, "acme", f"tee {tmp_path / 'mail'}")
    fill_company(file, "acme")
    result = run("report", "--send", "--month", "2026-10", "-c", file)
    assert (result.returncode, result.stdout) == (0, "acme: sent to dpo@acme.example.\n"), result
    message = message_from_bytes((tmp_path / "mail").read_bytes(), policy=default)
    assert message["To"] == "dpo@acme.example"
    assert "Informative sulla privacy per chi chiama, ottobre 2026" in message["Subject"]
    text, page, table = (part.get_content() for part in message.walk() if not part.is_multipart())
    assert re.search(r"Chiamate +1\b", text)
    assert not re.search(r"https?:|src=|href=|url\(|<script", page)
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["number"] for row in rows if (row["figure"], row["month"]) == ("calls", "2026-10")] == ["1"]


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone becomes another user")
def test_root_runs_the_command_as_whose_the_configuration_is(folder: Path, open_folder: Path) -> None:
    """Who may write the configuration must not have root run his commands."""
    open_folder.chmod(0o777)
    file = mailed(folder, "acme", f"sh -c ''id -u >{open_folder}/uid''")
    fill_company(file, "acme")
    os.chown(file, 54321, 54321)
    run("report", "--send", "--month", "2026-10", "-c", file)
    assert (open_folder / "uid").read_text() == "54321\n"


def fill_company(file: Path, name: str) -> None:
    """Give a company of a configuration a call in October."""
    with closing(store(load(file).controllers[name])) as ledger:
        ledger.append([at(PLAYED, "2026-10-10T10:00")])


def test_a_command_that_fails_is_told_and_stops_no_other_companys_report(
    folder: Path, tmp_path: Path
) -> None:
    """I10: of two companies one's command ends with 3; the other's report is sent, and the exit code is 1."""
    mailed(folder, "acme", "sh -c 'exit 3'".replace("'", "''"))
    file = mailed(folder, "borealis", f"tee {tmp_path / 'mail'}")
    for name in ("acme", "borealis"):
        fill_company(file, name)
    result = run("report", "--send", "--month", "2026-10", "-c", file)
    assert (result.returncode, result.stdout) == (1, "borealis: sent to dpo@acme.example.\n")
    assert "acme: The report of acme was not sent: sh ended with 3." in result.stderr
    assert (tmp_path / "mail").exists()


@pytest.mark.parametrize(
    "name",
    ["=?utf-8?q?Acme=0ABcc:a@mallory.example?=", "Acme\x85Bcc: a@mallory.example"],
)
def test_a_companys_name_makes_no_header(acme: Controller, name: str) -> None:
    """Python decodes encoded words in a header, line breaks and all, and refuses some line breaks."""
    company = replace(acme, name=name, report=ReportMail(("dpo@acme.example",), "", "en", ("cat",)))
    lines = mail(company, f"{name}: a month", "text", (), LATER).decode().splitlines()
    assert [line for line in lines if line.lower().startswith("bcc")] == []
    assert len([line for line in lines if line.startswith("Subject: ")]) == 1


def test_a_mail_address_is_one_address(folder: Path) -> None:
    """An encoded word in it would be decoded, too."""
    file = mailed(folder, "acme", "cat")
    address = "=?utf-8?q?a=0ABcc=3Ab?=@acme.example"
    file.write_text(file.read_text().replace("dpo@acme.example", f"'{address}'"))
    result = run("check", "-c", file)
    assert "a mail address such as `privacy@acme.example`" in result.stdout + result.stderr, result


def test_nobody_to_send_it_to_is_an_error_that_says_what_to_write(folder: Path) -> None:
    """--send without `report:` in the configuration sends nothing."""
    result = run("report", "--send", "-c", folder / "informativa.yaml")
    assert result.returncode == 1
    assert "report: {to: [privacy@acme.example]}" in result.stderr


@pytest.mark.parametrize("month", ["2026", "2026-13", "10/2026", "2026-10-01"])
def test_a_month_that_is_none_is_refused(folder: Path, month: str) -> None:
    """The message shows how a month is written."""
    result = run("report", "acme", "--month", month, "-c", folder / "informativa.yaml")
    assert result.returncode == 2
    assert "Write it like 2026-01." in result.stderr
