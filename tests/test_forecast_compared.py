"""A forecast for configurations as files: what is compared, what is refused, and what calls notice of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from configurations import with_choices
from examples import PLAYED
from forecasts import forecast
from informativa.call.forecast import Change
from informativa.config import load
from informativa.ledgers import caller_states
from informativa.ledgers.caller_states import CallerStates, PeriodMarks
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Period, Reason
from informativa.model.errors import ConfigError, InformativaError, LedgerError
from informativa.operations.forecast_document import Presence
from informativa.process.storage import store
from informativa.views.documents import document
from informativa.views.messages import ENGLISH
from informativa.views.text import forecast as view

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def current(folder: Path) -> Path:
    """The example configuration, with twelve callers of acme on record, each of whom called yesterday."""
    file = folder / "informativa.yaml"
    acme = load(file).controllers["acme"]
    line = next(own for own in load(file).lines if own.controller == acme)
    played = replace(
        PLAYED,
        at=NOW - DAY,
        line=line.number,
        notice="privacy",
        version="2026-11",
        purposes=line.plan[-1].notice.versions[-1].purposes,
    )
    with closing(store(acme)) as ledger:
        for caller in range(12):
            ledger.append([replace(played, call=f"1.{caller}", pseudonym=bytes([caller]) * 32)])
    return file


def edited(current: Path, *changes: tuple[str, str], name: str = "elsewhere/next.yaml") -> Path:
    """Write the configuration with these changes in another folder; return the file."""
    text = current.read_text()
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after, 1)
    file = current.parent / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file


def test_further_purpose_is_heard_by_all_on_record(current: Path) -> None:
    """Each of twelve callers hears the notice again, once; the version that goes is told, and who knows no
    other one. The file may lie anywhere: its paths begin at the folder of the present one."""
    new = edited(current, ('version: "2026-11"', 'version: "2026-12"'), ("[service]", "[service, profiling]"))
    result = forecast(new, current, NOW)
    acme = result.companies[0]
    assert (result.same, acme.controller, acme.callers, acme.calls) == (False, "acme", 12, 12)
    heard = [(one.change, one.reason, one.version, one.callers) for one in acme.hearings if one.callers]
    assert heard == [(Change.HEARS, Reason.NEW_PURPOSE, "2026-12", 12)]
    (removed,) = acme.removed
    assert (removed.version, removed.callers, removed.alone, removed.hear_again) == ("2026-11", 12, 12, 12)
    assert json.loads(document(result))["companies"][0]["hearings"][0]["line"] == acme.hearings[0].line


def test_same_file_changes_nothing(current: Path) -> None:
    """The present configuration against itself: nobody is counted, and nothing changes."""
    result = forecast(current, current, NOW)
    assert result.same
    assert [(company.callers, company.hearings) for company in result.companies] == [(0, ()), (0, ())]


def test_version_to_come_is_told_by_its_day(current: Path) -> None:
    """Today nothing changes but what begins; at the end of its day all on record hear it."""
    version = """
          - version: "2027"
            purposes: [service]
            material: true
            starts: 2027-01-01
            short: {it: prompts/it/full, en: prompts/en/short}

  borealis:
"""
    new = edited(current, ("\n  borealis:\n", version))
    today, later = (forecast(new, current, NOW, on=on).companies[0] for on in (None, date(2027, 1, 1)))
    assert today.hearings == ()
    (beginning,) = today.beginnings
    assert (beginning.day, beginning.version, beginning.presence) == (date(2027, 1, 1), "2027", Presence.NEW)
    heard = [(one.version, one.reason, one.callers) for one in later.hearings if one.callers]
    assert heard == [("2027", Reason.MATERIAL_CHANGE, 12)]


def test_lines_and_companies_that_come_and_go(current: Path) -> None:
    """A line that goes is told with its calls, a company that goes is told as gone, and one that comes as
    new."""
    number = next(own.number for own in load(current).lines if own.controller.id == "acme")
    moved = "+390299999999"
    new = edited(current, (f'"{number}"', f'"{moved}"'))
    lines = {line.line: line for line in forecast(new, current, NOW).companies[0].lines}
    assert (lines[number].presence, lines[number].calls) == (Presence.GONE, 12)
    assert (lines[moved].presence, lines[moved].owner) == (Presence.NEW, "acme")
    renamed = edited(current, ("  borealis:", "  boreas:"), ("controller: borealis", "controller: boreas"))
    (current.parent / "keys/boreas.key").write_bytes((current.parent / "keys/borealis.key").read_bytes())
    (current.parent / "keys/boreas.key").chmod(0o600)
    presences = {one.controller: one.presence for one in forecast(renamed, current, NOW).companies}
    assert presences == {"acme": Presence.BOTH, "borealis": Presence.GONE, "boreas": Presence.NEW}


def test_questions_are_told_apart(current: Path) -> None:
    """A choice that comes is asked of all: a consent once, and of each call what is asked on each."""
    text = current.read_text()
    with_choices(current.parent)
    new = current.rename(current.with_name("next.yaml"))
    current.write_text(text)
    acme = forecast(new, current, NOW).companies[0]
    asked = {(one.notice, one.each_call) for one in acme.hearings if one.choice and one.callers == 12}
    assert asked == {("marketing", False), ("abroad", True), ("taping", True)}


def test_nobody_on_record(folder: Path) -> None:
    """Without a ledger what new callers hear is told, and nobody is counted; no ledger is made."""
    current = folder / "informativa.yaml"
    new = edited(current, ('version: "2026-11"', 'version: "2026-12"'))
    acme = forecast(new, current, NOW, names=["acme"]).companies[0]
    assert (acme.callers, acme.calls, len(acme.hearings) > 0) == (0, 0, True)
    assert not Path(load(current).controllers["acme"].ledger).exists()


def test_mistakes_are_told(current: Path) -> None:
    """Whether the new file is no YAML or names what is not there."""
    for change in (("controllers:", "controllers: ["), ("sessions: 2000", "sessions: two")):
        new = edited(current, change)
        with pytest.raises(ConfigError):
            forecast(new, current, NOW)


def test_mistakes_of_the_present_file_leave_a_company_out(current: Path) -> None:
    """The others are compared all the same, and the mistake is a warning."""
    new = edited(current, ('version: "2026-11"', 'version: "2026-12"'))
    current.write_text(current.read_text().replace("key: keys/borealis.key", "key: [1]", 1))
    result = forecast(new, current, NOW)
    assert "acme" in [company.controller for company in result.companies]
    assert "borealis" not in [company.controller for company in result.companies]
    assert any("borealis" in str(warning) for warning in result.warnings)


def test_i10_mistakes_of_one_company_leave_it_out(current: Path) -> None:
    """The service would go on with that company as it is: the others are compared, the mistake is a warning;
    the company by its own name is refused."""
    changes = (('version: "2026-11"', 'version: "2026-12"'), ("keys/borealis.key", "keys/none.key"))
    new = edited(current, *changes)
    result = forecast(new, current, NOW)
    assert ([company.controller for company in result.companies], result.same) == (["acme"], False)
    (warning,) = result.warnings
    assert str(warning).startswith("borealis is left out until this is mended; then type the same again: ")
    assert f"{current}:" in str(warning)
    with pytest.raises(ConfigError, match=r"none\.key"):
        forecast(new, current, NOW, names=["borealis"])


def test_another_ledger_is_refused(current: Path) -> None:
    """With another ledger all callers would be strangers: that is said, and not counted."""
    text = current.read_text()
    ledger = next(line.strip() for line in text.splitlines() if line.strip().startswith("ledger:"))
    new = edited(current, (ledger, "ledger: ledger/other.sqlite3"))
    with pytest.raises(InformativaError, match="strangers"):
        forecast(new, current, NOW)


def test_keys_of_another_company_are_refused(current: Path) -> None:
    """With another key the callers of the ledger would be strangers, as for the service itself."""
    key = current.parent / "keys/new.key"
    key.write_text("6e" * 32 + "\n")
    key.chmod(0o600)
    new = edited(current, ("key: keys/acme.key", "key: keys/new.key"))
    with pytest.raises(LedgerError, match="another key"):
        forecast(new, current, NOW, names=["acme"])


def test_ledger_that_cannot_be_read_is_told(current: Path) -> None:
    """A ledger of which a part is overwritten is named, and its company alone is left out; nothing is called
    the same then."""
    ledger = Path(load(current).controllers["acme"].ledger)
    ledger.write_bytes(b"no database" * 1000)
    new = edited(current, ('version: "2026-11"', 'version: "2026-12"'))
    with pytest.raises(LedgerError, match=ledger.name):
        forecast(new, current, NOW, names=["acme"])
    result = forecast(new, current, NOW)
    assert ([company.controller for company in result.companies], result.same) == (["borealis"], False)
    assert f"acme is left out: The ledger {ledger} cannot be" in str(result.warnings[0])


def test_day_that_is_over_is_refused(current: Path) -> None:
    """A forecast is of today or of a day to come."""
    new = edited(current, ('version: "2026-11"', 'version: "2026-12"'))
    with pytest.raises(InformativaError, match="2026-11-29 is over"):
        forecast(new, current, NOW, on=date(2026, 11, 29))
    assert forecast(new, current, NOW, on=date(2026, 11, 30)).on == date(2026, 11, 30)


def test_calls_go_on_between_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two pages no transaction is open: a call is recorded, and all of SQLite's log is copied into
    the file."""
    monkeypatch.setattr(caller_states, "PAGE_CALLERS", 4)
    file = tmp_path / "acme.sqlite3"
    with closing(SqliteStore(str(file))) as calls:
        callers = [bytes([number * 16]) * 32 for number in range(16)]
        calls.append(
            [replace(PLAYED, call=f"1.{number}", pseudonym=one) for number, one in enumerate(callers)]
        )
        marks = PeriodMarks(lambda _moment: "", [Period(3).before(NOW, UTC)], NOW)
        with (
            closing(SqliteStore(str(file), read_only=True)) as reader,
            reader.connected() as connection,
            caller_states.open_states(connection, marks, NOW) as states,
        ):
            pages = _pages(states, lambda: calls.append([replace(PLAYED, call="2.1", pseudonym=callers[0])]))
            assert pages == [4, 4, 4, 4]
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
        assert connection.execute("SELECT count(*) FROM event").fetchone() == (20,)


def _pages(states: CallerStates, call: Callable[[], object]) -> list[int]:
    """Read all pages, with a call after each; return how many callers each has."""
    sizes, file = [], states._connection.execute("PRAGMA database_list").fetchone()[2]

    def after(_done: int, _whole: int) -> None:
        call()
        with closing(sqlite3.connect(file)) as other:
            busy, log, copied = other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            assert (busy, log) == (0, copied)

    for page in states.pages(after):
        sizes.append(sum(count.callers for count in page if not count.line))
    return sizes


def test_days_of_a_new_ledger_are_counted_in_words(current: Path) -> None:
    """One whose first call was yesterday has the calls of one day, not of “1 days”."""
    new = edited(current, ('version: "2026-11"', 'version: "2026-12"'), ("[service]", "[service, profiling]"))
    result = forecast(new, current, NOW)
    assert "  12 callers on record, 12 calls in 1 day" in list(view.reload_preview(current, result, ENGLISH))
