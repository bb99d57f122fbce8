"""How far a log is, for `status` and `doctor`: by what lies beside the ledger."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from informativa import bootstrap
from informativa.config import load
from informativa.errors import InformativaError
from informativa.ledgers.sequencer import sequence
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Controller
from informativa.operations.controllers import of_their_logs
from informativa.operations.doctor import evidence
from informativa.operations.doctor.findings import Finding, State
from informativa.operations.doctor.system import System
from informativa.operations.evidence.log_state import log_state
from informativa.operations.status import look
from informativa.views.json import StatusReport
from informativa.views.messages import ENGLISH
from informativa.views.text.status import _log
from test_ledgers import PLAYED


@pytest.fixture
def acme(folder: Path) -> Controller:
    """A controller with two records."""
    controller = load(folder / "informativa.yaml").controllers["acme"]
    record(controller, 2)
    return controller


def record(controller: Controller, count: int, ago: timedelta = timedelta()) -> None:
    """Record more."""
    with closing(bootstrap.store(controller)) as store:
        store.append([replace(PLAYED, recorded=datetime.now(UTC) - ago)] * count)


def findings(folder: Path) -> list[Finding]:
    """What the doctor says of the logs."""
    file = folder / "informativa.yaml"
    system = System(file, load(file), ())

    async def found() -> list[Finding]:
        return [one async for one in evidence.evidence(system)]

    return asyncio.run(found())


def test_records_wait_until_they_are_signed(acme: Controller) -> None:
    """Before the first checkpoint all wait; after it none, until more come."""
    before = log_state(acme)
    assert (before.size, before.signed, before.signed_at, before.waiting) == (2, 0, None, 2)
    assert _log(before, ENGLISH) == "nothing yet; 2 waiting"
    sequence(Path(acme.ledger))
    after = log_state(acme)
    assert (after.size, after.signed, after.waiting) == (2, 2, 0)
    assert after.signed_at is not None
    record(acme, 3)
    more = log_state(acme)
    assert (more.size, more.signed, more.waiting) == (5, 2, 3)
    assert _log(more, ENGLISH).startswith("2 of 5 records, checkpoint of ")


def test_status_tells_how_far_the_log_is(folder: Path, acme: Controller) -> None:
    """For people and programs, of each controller whose ledger is there."""
    sequence(Path(acme.ledger))
    report = look(folder / "informativa.yaml", datetime.now(UTC).astimezone())
    (found, other) = StatusReport.of(report).controllers
    assert found.log is not None
    assert (found.log.signed, found.log.waiting, found.log.published) == (2, 0, [])
    assert other.log is None


def test_doctor_finds_a_log_in_order(folder: Path, acme: Controller) -> None:
    """One that is signed is told as such, and nothing is made or signed by looking."""
    sequence(Path(acme.ledger))
    there = sorted(Path(acme.ledger).parent.rglob("*"))
    (finding,) = findings(folder)
    assert (finding.state, str(finding.text)) == (State.OK, "1 log is signed")
    assert [file for file in sorted(Path(acme.ledger).parent.rglob("*")) if file not in there] == []


def test_doctor_finds_what_was_put_back(folder: Path, acme: Controller) -> None:
    """A ledger that was put back to an older state is wrong, with what to do."""
    ledger = Path(acme.ledger)
    with closing(bootstrap.store(acme)) as store:
        store.tend()
    shutil.copy(ledger, ledger.with_name("monday"))
    record(acme, 1)
    sequence(ledger)
    for name in (f"{ledger}-wal", f"{ledger}-shm"):
        Path(name).unlink(missing_ok=True)
    shutil.copy(ledger.with_name("monday"), ledger)
    wrong = [finding for finding in findings(folder) if finding.state is State.WRONG]
    assert len(wrong) == 1
    assert "put back to an older state: of 3 signed records it has 2" in str(wrong[0].text)
    assert "informativa ledger restore" in str(wrong[0].fix)


def test_doctor_warns_of_records_that_nobody_signs(folder: Path, acme: Controller) -> None:
    """A record of this moment is no sign of anything; one of a quarter of an hour ago is late."""
    sequence(Path(acme.ledger))
    record(acme, 1, timedelta(minutes=14))
    assert [finding.state for finding in findings(folder)] == [State.OK]
    sequence(Path(acme.ledger))
    record(acme, 1, timedelta(minutes=16))
    (finding,) = findings(folder)
    assert (finding.state, str(finding.text)) == (State.WARNING, "1 record of acme waits to be signed")
    assert "informativa evidence checkpoint --controller acme" in str(finding.fix)


def test_check_says_what_a_name_and_a_copy_elsewhere_would_add(folder: Path) -> None:
    """As notes: nothing is wrong without them."""
    file = folder / "informativa.yaml"

    async def found() -> list[Finding]:
        return [one async for one in evidence.outside(System(file, load(file), ()))]

    notes = asyncio.run(found())
    assert [(note.state, note.note) for note in notes] == [(State.OK, True)] * 2
    assert "evidence.domain" in str(notes[0].text)
    assert "evidence.witness" in str(notes[1].text)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_signs_is_the_services_to_go_on_with(tmp_path: Path) -> None:
    """An admin who types a command as root leaves nothing that the service's user cannot write."""
    ledger = tmp_path / "ledger/acme.sqlite3"
    ledger.parent.mkdir(mode=0o700)
    os.chown(ledger.parent, 65534, 65534)
    with closing(SqliteStore(str(ledger))) as store:
        store.append([PLAYED] * 300)
    assert sequence(ledger).added == 300
    made = [ledger.with_name("acme.log"), *ledger.with_name("acme.log").rglob("*")]
    assert len(made) > 12
    assert {file.stat().st_uid for file in made} == {65534}
    secret = ledger.with_name("acme.log") / "signing/1.key"
    assert secret.stat().st_mode & 0o777 == 0o600


def test_logs_need_no_name_and_no_ledger_is_made(folder: Path) -> None:
    """A log says nothing of callers, so that all are meant where none is named; what was never recorded is
    told, and not begun."""
    file = folder / "informativa.yaml"
    with pytest.raises(InformativaError, match=r"no ledger .*acme\.sqlite3: nothing was recorded yet"):
        of_their_logs(file, ())
    with pytest.raises(InformativaError, match=r"no ledger .*borealis\.sqlite3.*ledger restore BACKUP"):
        of_their_logs(file, ("borealis",))
    record(load(file).controllers["acme"], 1)
    assert [each.id for each in of_their_logs(file, ()).named] == ["acme"]
    assert [each.id for each in of_their_logs(file, (), begun=False).named] == ["acme", "borealis"]
    assert not Path(load(file).controllers["borealis"].ledger).exists()
