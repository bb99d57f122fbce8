"""The operation `status` without a terminal, and what is shown of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from doubles import ScriptedManager
from examples import NOTDUE, PLAYED
from informativa.asterisk import ami
from informativa.config import load
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Record, Status
from informativa.model.text import NOTHING, Text
from informativa.operations import record_document
from informativa.operations.status import (
    ControllerStatus,
    LedgerCounts,
    Service,
    StatusReport,
    Tally,
    look,
    look_at_service,
    with_metrics,
    with_systemd,
)
from informativa.process import storage
from informativa.views.documents import document
from informativa.views.messages import ENGLISH, Language, language
from informativa.views.text import status as view
from lab.office import Office
from lab.ports import free_port

NOW = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
STOPPED = Service("127.0.0.1:4588")
RUNS = Service("127.0.0.1:4588", True, True, "0.9", NOW, 2, "active (running)")
TALLY = Tally(3, {Status.PLAYED: 1, Status.NOTDUE: 2}, 19.04)
COUNTS = LedgerCounts(
    TALLY, Tally(0, {}, 0.0), 1, 2_500_000, record_document.Record.of(Record(7, PLAYED), "acme")
)
ACME = ControllerStatus(
    id="acme",
    name="Acme",
    live=True,
    why_not=NOTHING,
    as_before=NOTHING,
    lines=("+390212345678",),
    ledger="/var/acme.sqlite3",
    usable=True,
    kept_since=date(2021, 11, 25),
    counts=COUNTS,
    log=None,
    last_hour=None,
)
UNUSABLE = replace(ACME, lines=(), usable=False, kept_since=None, counts=None)
REPORT = StatusReport(
    RUNS,
    NOW,
    (ACME,),
    0,
    (Text("It is late."),),
    True,
)


def shown(report: StatusReport, say: Language = ENGLISH) -> str:
    """The screen, on a terminal that is wide enough."""
    console = Console(width=120)
    with console.capture() as captured:
        for part in view.screen(report, say):
            console.print(part)
    return captured.get()


def test_a_pipe_gets_one_line_a_company_of_80_columns() -> None:
    """Each company is a line: its state, calls, failures, the last record in its own time; a company with the
    longest name fits, and a word says the worst that is so."""
    failed = replace(COUNTS, today=Tally(12_345, {Status.FAILED: 2, Status.FALLBACK: 1}, 0))
    long = replace(ACME, id="a" * 32, counts=failed, zone=ZoneInfo("Europe/Rome"))
    states = (
        *(replace(UNUSABLE, id="b"), replace(ACME, id="c", live=False)),
        replace(ACME, id="d", as_before=Text("It is wrong.")),
    )
    first, *lines = view.lines(replace(REPORT, controllers=(long, *states)), ENGLISH)
    assert first == "company" + " " * 26 + "state    today 30 days errors last record (local time)"
    assert lines == [
        "a" * 32 + " live     12345       0      3 2026-11-24 13:30",
        "b" + " " * 32 + "unusable     -       -      - -",
        "c" + " " * 32 + "not-live     3       0      0 2026-11-24 12:30",
        "d" + " " * 32 + "before       3       0      0 2026-11-24 12:30",
    ]
    assert len(lines[0]) == 79
    down = list(view.lines(replace(REPORT, service=STOPPED), ENGLISH))
    assert down == [
        "company state    today 30 days errors last record (UTC)",
        "acme    down         3       0      0 2026-11-24 12:30",
    ]


def test_look_counts_what_the_ledgers_have(folder: Path) -> None:
    """Nothing serves and one ledger is not there: both are warnings, and what is there is counted."""
    file, now = folder / "informativa.yaml", datetime.now(UTC)
    file.write_text(file.read_text().replace("127.0.0.1:4588", f"127.0.0.1:{free_port()}", 1))
    store = SqliteStore(str(folder / "ledger/acme.sqlite3"))
    here = {"line": "+390212345678", "version": "2026-11"}
    store.append([replace(PLAYED, at=now, **here), replace(NOTDUE, at=now - timedelta(days=2), **here)])
    store.close()
    report = look(file, now)
    assert (report.in_order, report.service.answers, report.spool_rows) == (False, False, None)
    assert report.today_since == now.replace(hour=0, minute=0, second=0, microsecond=0)
    acme, borealis = report.controllers
    assert acme.counts
    assert (acme.counts.today.calls, acme.counts.today.notices) == (1, {Status.PLAYED: 1})
    assert acme.counts.last_30_days.notices == {Status.PLAYED: 1, Status.NOTDUE: 1}
    assert (acme.counts.today.seconds_spared, acme.counts.last_30_days.seconds_spared) == (0, 1.0)
    assert (acme.lines, borealis.counts) == (("+390212345678",), None)
    assert [str(warning)[:29] for warning in report.warnings[:1]] == ["The service does not answer a"]
    assert any("borealis.sqlite3" in str(warning) for warning in report.warnings)


def test_company_with_mistakes_is_shown_as_not_live(folder: Path) -> None:
    """With a mistake in its part, of shape or of a file, a company is not live, and the mistake says why."""
    file = folder / "informativa.yaml"
    (folder / "prompts/it/short.wav").unlink()
    file.write_text(file.read_text().replace("name: Borealis", "nome: Borealis"))
    acme, borealis = look(file, NOW).controllers
    assert "there is no sound file" in str(acme.why_not)
    assert "controllers.borealis.name: is missing" in str(borealis.why_not)
    assert borealis.name == "borealis"


def test_health_check_asks_the_service_alone(tmp_path: Path) -> None:
    """I10: a ledger of one company that cannot be used makes no container unhealthy for all others."""
    office = Office(tmp_path / "office")
    report = look_at_service(office.config, NOW)
    assert (report.in_order, report.controllers) == (False, ())
    assert "does not answer" in str(report.warnings[0])
    (office.config.parent / "ledger/acme.sqlite3").write_text("no database")
    try:
        office.start()
        report = look_at_service(office.config, NOW)
        assert not look(office.config, NOW).in_order
    finally:
        office.kill()
    assert (report.in_order, report.controllers, report.warnings) == (True, (), ())


def test_company_that_is_served_as_before_its_mistakes_is_shown_so(folder: Path) -> None:
    """A service that loaded the mistake serves the company as before, and says so."""
    office = Office(folder.parent / "office")
    try:
        office.start()
        office.edit("    region: DE", "    region: germany")
        assert office.reload()
        acme, borealis = look(office.config, NOW).controllers
    finally:
        office.kill()
    assert (str(acme.as_before), str(acme.why_not)) == ("", "")
    assert "region" in str(borealis.as_before)
    assert borealis.live
    text = shown(StatusReport(RUNS, NOW, (acme, borealis), None, (), False))
    assert "SERVED AS BEFORE: " in text
    assert "NOT LIVE" not in text


@pytest.mark.usefixtures("own_port")
def test_rows_of_the_spool_are_counted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many wait in Asterisk's database, if there is an account that may look; else why not."""
    file = folder / "informativa.yaml"
    (folder / "keys/manager.secret").touch(0o600)
    manager = f"manager:\n  address: 127.0.0.1:{free_port()}\n  user: x\n  secret: keys/manager.secret\n"
    file.write_text(file.read_text().replace("operator: Acme", manager + "operator: Acme", 1))
    refused = look(file, NOW)
    assert (refused.spool_rows, "does not answer" in str(refused.warnings[-1])) == (None, True)
    monkeypatch.setattr(ami, "session", ScriptedManager(rows={"1": "x"}).session)
    waiting = look(file, NOW)
    assert (waiting.spool_rows, str(waiting.warnings[-1])[:9]) == (1, "1 row wai")
    monkeypatch.setattr(ami, "session", ScriptedManager().session)
    assert look(file, NOW).spool_rows == 0


def test_service_is_told_by_metrics_and_systemd() -> None:
    """Each says what it knows; since when the better one counts; a unit that is not loaded says nothing."""
    metrics = "informativa_calls_in_progress 3\ninformativa_start_time_seconds 1795600000\n"
    unit = "LoadState=loaded\nActiveState=active\nSubState=running\nActiveEnterTimestamp=@1795500000\n"
    service = with_systemd(with_metrics(STOPPED, metrics), unit)
    assert (service.calls_in_progress, service.unit) == (3, "active (running)")
    assert service.since == datetime.fromtimestamp(1795600000, UTC)
    assert with_systemd(STOPPED, unit).since == datetime.fromtimestamp(1795500000, UTC)
    dead = unit.replace("=active", "=failed").replace("running", "failed")
    assert with_systemd(STOPPED, dead) == replace(STOPPED, unit="failed (failed)")
    assert with_systemd(STOPPED, "LoadState=not-found\n") == STOPPED
    with pytest.raises(ValueError, match="a"):
        with_metrics(STOPPED, "informativa_calls_in_progress a\n")


def test_screen_says_how_all_is() -> None:
    """Service, spool, and of each company its ledger and its counts."""
    text = shown(REPORT)
    assert "answers at 127.0.0.1:4588, version 0.9, since " in text
    assert "2 calls in progress, systemd: active (running)" in " ".join(text.split())
    assert "2.5 MB, last record 7, 2026-11-24 " in text
    assert "1 known caller\n" in text
    assert "3 calls: PLAYED 1, NOTDUE 2; 19 s spared" in text
    assert "0 calls\n" in text
    assert "the daily purge takes what is from before 2021-11-25" in text
    assert view.warnings(REPORT, ENGLISH) == ["warning: It is late."]


def test_screen_says_what_is_not_in_order() -> None:
    """Of a company that is not live, a ledger that cannot be read and a service that is not ours."""
    refused = replace(UNUSABLE, live=False, why_not=Text("it has no papers"))
    service = replace(RUNS, as_configured=False)
    text = shown(StatusReport(service, NOW, (refused, UNUSABLE), None, (), False))
    assert "NOT AS CONFIGURED" in text
    assert "NOT LIVE: it has no papers" in text
    assert "CANNOT BE USED: /var/acme.sqlite3" in text
    assert "for ever" in text
    assert "spool" not in text
    assert "NON RISPONDE su" in shown(StatusReport(STOPPED, NOW, (), 0, (), False), language("it"))


def test_a_shorter_retention_that_waits_deletes_nothing_yet(folder: Path) -> None:
    """The day is that of the next purge: without an approval it counts a week later."""
    file = folder / "informativa.yaml"
    now = datetime.now(ZoneInfo("Europe/Rome"))
    before = look(file, now).controllers[0].kept_since
    storage.store(load(file).controllers["acme"]).close()
    file.write_text(file.read_text().replace("retention: 5 years", "retention: 60 days", 1))
    assert look(file, now).controllers[0].kept_since == before


def test_programs_read_the_same() -> None:
    """The record is the one of every command; nothing is null."""
    facts = json.loads(document(REPORT))
    (acme,) = facts["controllers"]
    assert facts["service"]["as_configured"] is True
    assert acme["counts"]["today"] == {
        "calls": 3,
        "notices": {"PLAYED": 1, "NOTDUE": 2},
        "seconds_spared": 19.04,
    }
    assert (acme["counts"]["last_record"]["number"], acme["counts"]["last_record"]["caller"]) == (
        7,
        "31" * 32,
    )
    assert (acme["kept_since"], facts["warnings"], facts["in_order"]) == ("2021-11-25", ["It is late."], True)
    assert json.loads(document(replace(REPORT, service=STOPPED)))["service"]["since"] is None
