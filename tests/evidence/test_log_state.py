"""The state of a log for `status` and `doctor`, from the files beside the ledger."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from examples import PLAYED
from informativa.config import Configuration, load
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.settings import EvidenceConfig, PublishingTarget, WitnessAddress
from informativa.ledgers import sequencer
from informativa.ledgers.sequencer import sequence
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Controller
from informativa.model.errors import InformativaError, SigningError
from informativa.model.text import Text
from informativa.operations.controllers import select_for_logs
from informativa.operations.doctor import evidence
from informativa.operations.doctor.findings import Finding, State, ok, warning
from informativa.operations.doctor.system import System
from informativa.operations.evidence import logs
from informativa.operations.evidence.log_state import KeptElsewhere, log_state
from informativa.operations.status import look
from informativa.process import storage
from informativa.views.messages import ENGLISH, language
from informativa.views.text.status import _log

NO_NAME = "the logs are named after this machine; `evidence.domain` gives them a name of yours"
NO_COPY = (
    "no checkpoint is kept where who administers this machine cannot change it; `evidence.witness`, or"
    " `evidence.publish` with `independent: true`, has somebody else keep them"
)


@pytest.fixture
def acme(folder: Path) -> Controller:
    """A controller with two records after the rule of its log."""
    controller = load(folder / "informativa.yaml").controllers["acme"]
    record(controller, 2)
    return controller


def record(controller: Controller, count: int, ago: timedelta = timedelta()) -> None:
    """Record more."""
    with closing(storage.store(controller)) as store:
        store.append([replace(PLAYED, recorded=datetime.now(UTC) - ago)] * count)


def run_check(check: Callable[[System], Iterator[Finding]], configuration: Configuration) -> list[Finding]:
    """Return the findings of a check of the doctor."""
    return list(check(System(configuration.file, configuration, ())))


def findings(folder: Path) -> list[Finding]:
    """Return the doctor's findings about the logs."""
    return run_check(evidence.evidence, load(folder / "informativa.yaml"))


def outside(configuration: Configuration) -> list[Finding]:
    """Return the doctor's findings about a copy elsewhere."""
    return run_check(evidence.outside, configuration)


def test_records_wait_until_they_are_signed(acme: Controller) -> None:
    """Before the first checkpoint all wait; after it none, until more come."""
    unsigned = log_state(acme)
    assert (unsigned.size, unsigned.signed, unsigned.signed_at, unsigned.waiting) == (3, 0, None, 3)
    assert _log(unsigned, UTC, ENGLISH) == "nothing yet; 3 waiting"
    sequence(Path(acme.ledger))
    after = log_state(acme)
    assert (after.size, after.signed, after.waiting) == (3, 3, 0)
    assert after.signed_at is not None
    record(acme, 3)
    more = log_state(acme)
    assert (more.size, more.signed, more.waiting) == (6, 3, 3)
    assert _log(more, UTC, ENGLISH).startswith("3 of 6 records, checkpoint of ")


def test_where_else_the_log_is_and_how_far(acme: Controller) -> None:
    """Each place is shown with its number of records; in capitals if it is behind."""
    sequence(Path(acme.ledger))
    elsewhere = (
        KeptElsewhere("/mnt/proof", 2, None, None),
        KeptElsewhere("/mnt/old", 1, None, "it is behind"),
    )
    state = replace(log_state(acme), published=elsewhere)
    assert _log(state, UTC, ENGLISH).endswith(", /mnt/proof has 2, /mnt/old HAS ONLY 1")
    assert _log(state, UTC, language("it")).endswith(", /mnt/proof ne ha 2, /mnt/old NE HA SOLO 1")


def test_status_tells_how_far_the_log_is(folder: Path, acme: Controller) -> None:
    """For people and programs, of each controller whose ledger is there."""
    sequence(Path(acme.ledger))
    report = look(folder / "informativa.yaml", datetime.now(UTC).astimezone())
    (company, other) = report.controllers
    assert company.log is not None
    assert (company.log.signed, company.log.waiting, company.log.published) == (3, 0, ())
    assert other.log is None


def test_a_deleted_folder_is_no_new_log(folder: Path, acme: Controller) -> None:
    """Status and doctor say in the same words that the log is gone, and what to do; the ledger knows the key
    of the log that was."""
    sequence(Path(acme.ledger))
    (key,) = logs.keys(acme)
    shutil.rmtree(LogFolder(Path(acme.ledger)).folder)
    report = look(folder / "informativa.yaml", datetime.now(UTC).astimezone())
    assert (report.controllers[0].log, report.in_order) == (None, False)
    (warned,) = [str(sentence) for sentence in report.warnings if "is gone from" in str(sentence)]
    (finding,) = findings(folder)
    assert (finding.state, warned) == (State.WRONG, str(finding.sentence))
    assert "informativa evidence key --new" in warned
    assert logs.keys(acme) == [key]
    assert key.key


def test_doctor_finds_a_log_in_order(folder: Path, acme: Controller) -> None:
    """One that is signed is told as such, one that is not as that; nothing is made or signed by looking."""
    (finding,) = findings(folder)
    assert (finding.note, str(finding.finding)) == (True, "nothing of the log of acme is signed yet")
    sequence(Path(acme.ledger))
    files = sorted(Path(acme.ledger).parent.rglob("*"))
    (finding,) = findings(folder)
    assert (finding.state, str(finding.finding)) == (State.OK, "1 log is signed")
    assert [file for file in sorted(Path(acme.ledger).parent.rglob("*")) if file not in files] == []


def test_doctor_finds_what_was_put_back(folder: Path, acme: Controller) -> None:
    """A ledger that was put back to an older state is wrong, with what to do."""
    ledger = Path(acme.ledger)
    with closing(storage.store(acme)) as store:
        store.empty_log(1)
    shutil.copy(ledger, ledger.with_name("monday"))
    record(acme, 1)
    sequence(ledger)
    for name in (f"{ledger}-wal", f"{ledger}-shm"):
        Path(name).unlink(missing_ok=True)
    shutil.copy(ledger.with_name("monday"), ledger)
    faults = [finding for finding in findings(folder) if finding.state is State.WRONG]
    assert len(faults) == 1
    assert "put back to an older state: of 4 signed records it has 3" in str(faults[0].finding)
    assert "informativa ledger restore" in str(faults[0].fix)


def test_doctor_warns_of_records_that_nobody_signs(folder: Path, acme: Controller) -> None:
    """A record of this moment is no sign of anything; one of a quarter of an hour ago is late."""
    sequence(Path(acme.ledger))
    record(acme, 1, timedelta(minutes=14))
    assert [finding.state for finding in findings(folder)] == [State.OK]
    sequence(Path(acme.ledger))
    record(acme, 1, timedelta(minutes=16))
    (finding,) = findings(folder)
    assert (finding.state, str(finding.finding)) == (State.WARNING, "1 record of acme waits to be signed")
    assert "informativa evidence checkpoint --controller acme" in str(finding.fix)


def test_check_says_what_a_name_and_a_copy_elsewhere_would_add(folder: Path) -> None:
    """These are notes: nothing is wrong without a name and a copy."""
    notes = outside(load(folder / "informativa.yaml"))
    assert [(note.state, note.note) for note in notes] == [(State.OK, True)] * 2
    assert "evidence.domain" in str(notes[0].finding)
    assert "evidence.witness" in str(notes[1].finding)


@pytest.mark.parametrize(
    ("settings", "texts"),
    [
        (EvidenceConfig(domain="acme.example"), [NO_COPY]),
        (EvidenceConfig(witnesses=(WitnessAddress("key", "https://home.example"),)), [NO_NAME]),
        (EvidenceConfig("acme.example", targets=(PublishingTarget("/mnt"),)), [NO_COPY]),
        (
            EvidenceConfig("acme.example", targets=(PublishingTarget("/mnt", True),)),
            [],
        ),
    ],
)
def test_what_is_there_is_not_missed(folder: Path, settings: EvidenceConfig, texts: list[str]) -> None:
    """A name of one's own is one thing; a witness, or a target that is independent, is the other."""
    configuration = replace(load(folder / "informativa.yaml"), evidence=settings)
    assert outside(configuration) == [ok(Text(note), note=True) for note in texts]


def test_where_nobody_is_live_no_copy_is_missed(folder: Path) -> None:
    """If no controller may go live nothing is recorded, so no copy is needed."""
    configuration = load(folder / "informativa.yaml")
    controllers = {
        name: replace(one, refused=Text("not yet")) for name, one in configuration.controllers.items()
    }
    assert outside(replace(configuration, controllers=controllers)) == []
    mixed = controllers | {"acme": configuration.controllers["acme"]}
    assert len(outside(replace(configuration, controllers=mixed))) == 2


def signed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate a user who may not read the signing key; root may read every key."""

    def refuse(_ledger: Path) -> None:
        raise SigningError("The key belongs to another user, who signs.", code="signing-elsewhere")

    monkeypatch.setattr(sequencer, "examine", refuse)


def test_log_that_another_user_signs(folder: Path, acme: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user's signing is no fault, and the log counts as signed."""
    sequence(Path(acme.ledger))
    signed_by_another(monkeypatch)
    assert findings(folder) == [
        ok(Text("The key belongs to another user, who signs"), note=True),
        ok(Text("1 log is signed")),
    ]


def test_records_that_another_user_does_not_sign(
    folder: Path, acme: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other user, who signs, is told that records wait, and their number."""
    sequence(Path(acme.ledger))
    record(acme, 2, timedelta(minutes=16))
    signed_by_another(monkeypatch)
    assert findings(folder) == [
        ok(Text("The key belongs to another user, who signs"), note=True),
        warning(
            "2 records of acme wait to be signed",
            "As the user whose the key is, run: informativa evidence sequence",
        ),
    ]


def test_checkpoint_that_cannot_be_read(folder: Path, acme: Controller) -> None:
    """A file beside the key that is no checkpoint is a fault, and the log does not count as signed."""
    sequence(Path(acme.ledger))
    (LogFolder(Path(acme.ledger)).folder / "signing/1.signed").write_bytes(b"no checkpoint")
    (finding,) = findings(folder)
    assert finding.state is State.WRONG
    assert "1.signed" in str(finding.finding)


def test_target_that_lacks_records(folder: Path, acme: Controller) -> None:
    """A target or witness that lacks records is named with the reason; a complete one is not."""
    sequence(Path(acme.ledger))
    at = "2026-11-24T12:00:00+00:00"
    state = {
        "targets": {"/mnt/proof": [1, at, "No space left on device"], "/mnt/whole": [3, at, ""]},
        "witnesses": {"home.example": [0, None, "It does not answer."]},
    }
    (LogFolder(Path(acme.ledger)).folder / "elsewhere-1.json").write_text(json.dumps(state))
    command = f"informativa evidence publish --controller acme -c {folder / 'informativa.yaml'}"
    fix = f"Mend it, then type: {command}"
    assert [(finding.state, str(finding.finding), str(finding.fix)) for finding in findings(folder)] == [
        (State.WARNING, "/mnt/proof has 1 of 3 signed records of acme: No space left on device", fix),
        (State.WARNING, "home.example has 0 of 3 signed records of acme: It does not answer.", fix),
    ]


def test_controllers_that_are_not_looked_at(folder: Path, acme: Controller) -> None:
    """Other checks report a ledger that is damaged or missing, and a controller that is not live."""
    sequence(Path(acme.ledger))
    configuration = load(folder / "informativa.yaml")
    not_live = configuration.controllers | {"acme": replace(acme, refused=Text("not yet"))}
    assert run_check(evidence.evidence, replace(configuration, controllers=not_live)) == []
    Path(configuration.controllers["borealis"].ledger).write_bytes(b"no ledger at all " * 99)
    assert findings(folder) == [ok(Text("1 log is signed"))]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_signs_is_the_services_to_go_on_with(tmp_path: Path) -> None:
    """An admin who types a command as root leaves nothing that the service's user cannot write."""
    ledger = tmp_path / "ledger/acme.sqlite3"
    ledger.parent.mkdir(mode=0o700)
    os.chown(ledger.parent, 65534, 65534)
    with closing(SqliteStore(str(ledger))) as store:
        store.append([PLAYED] * 300)
    assert sequence(ledger).added == 300
    files = [ledger.with_name("acme.log"), *ledger.with_name("acme.log").rglob("*")]
    assert len(files) > 12
    assert {file.stat().st_uid for file in files} == {65534}
    secret = ledger.with_name("acme.log") / "signing/1.key"
    assert secret.stat().st_mode & 0o777 == 0o600


def test_logs_need_no_name_and_no_ledger_is_made(folder: Path) -> None:
    """A log says nothing of callers, so that all are meant where none is named; what was never recorded is
    told, and not begun."""
    file = folder / "informativa.yaml"
    with pytest.raises(InformativaError, match=r"no ledger .*acme\.sqlite3: nothing was recorded yet"):
        select_for_logs(file, ())
    with pytest.raises(InformativaError, match=r"no ledger .*borealis\.sqlite3.*ledger restore BACKUP"):
        select_for_logs(file, ("borealis",))
    record(load(file).controllers["acme"], 1)
    assert [controller.id for controller in select_for_logs(file, ()).named] == ["acme"]
    assert [controller.id for controller in select_for_logs(file, (), begun=False).named] == [
        "acme",
        "borealis",
    ]
    assert not Path(load(file).controllers["borealis"].ledger).exists()
