"""The verdict of the last audit: remembered beside the log, and what doctor, status and metrics say of it."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands import run
from evidence.ledger import forged, of
from examples import AT, PLAYED
from informativa.config import load
from informativa.evidence import last_audit
from informativa.evidence.last_audit import LastAudit
from informativa.ledgers.erasure import erase
from informativa.ledgers.sequencer import sequence
from informativa.model import Controller, Verdict
from informativa.operations.doctor import evidence
from informativa.operations.doctor.findings import State
from informativa.operations.doctor.system import System
from informativa.operations.evidence import auditing
from informativa.operations.evidence.log_state import log_state
from informativa.operations.evidence.verdict import remembered
from informativa.process import storage
from informativa.views.messages import ENGLISH, language
from informativa.views.text.audits import last_audit as audit_line
from informativa.views.text.audits import verdict

GAPS = LastAudit(Verdict.GAPS, AT, size=700, holes=5, unaccounted=2, independent=True)


@pytest.fixture
def acme(folder: Path) -> Controller:
    """A company whose log is signed, with two records after its rule."""
    controller = load(folder / "informativa.yaml").controllers["acme"]
    with closing(storage.store(controller)) as store:
        store.append([replace(PLAYED, recorded=datetime.now(UTC))] * 2)
    sequence(Path(controller.ledger))
    return controller


def findings(folder: Path, now: datetime = AT) -> Iterator[tuple[State, str, str]]:
    """Yield what the doctor says of audits, with what to type."""
    configuration = load(folder / "informativa.yaml")
    for finding in evidence.audits(System(configuration.file, configuration, (), now=now)):
        yield finding.state, str(finding.finding), str(finding.fix)


def test_an_audit_is_remembered_for_its_user_alone(acme: Controller) -> None:
    """Its verdict, its time and its numbers are those of the audit; the file is one of the log's folder."""
    ledger = Path(acme.ledger)
    assert log_state(acme).audit is None
    auditing.audit(acme, at=AT)
    assert last_audit.read(ledger) == LastAudit(Verdict.COMPLETE, AT, 3, 0, 0, independent=False)
    assert log_state(acme).audit == last_audit.read(ledger)
    assert stat.S_IMODE((ledger.with_suffix(".log") / "last-audit.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("erasure", "word", "italian"),
    [(False, "Complete", "Completo"), (True, "Accounted for", "Giustificato")],
)
def test_a_verdict_on_an_unsigned_log_proves_nothing(
    folder: Path, erasure: bool, word: str, italian: str
) -> None:
    """Command, JSON, doctor and metrics say that it is the company's own word; once something is signed, they
    do not."""
    controller = load(folder / "informativa.yaml").controllers["acme"]
    ledger, command = Path(controller.ledger), ("evidence", "audit", "-c", folder / "informativa.yaml")
    with closing(storage.store(controller)) as store:
        store.append([of(number, recorded=datetime.now(UTC)) for number in (3, 4)])
    if erasure:
        assert erase(ledger, [of(3).pseudonym], datetime.now(UTC)).records  # type: ignore[list-item]
    printed = run(*command, "--controller", "acme")
    assert printed.returncode == 0
    first, *_, note, _elsewhere = printed.stdout.splitlines()
    sentence = (
        "by the company's own word: no checkpoint of its newest log is here, so that it proves nothing."
    )
    assert first == f"acme: {word}, {sentence}"
    assert "by hand type: informativa evidence checkpoint -c " in note
    (document,) = json.loads(run(*command, "--controller", "acme", "--json").stdout)["ledgers"]
    assert (document["as_of"]["size"], document["signed"], len(document["remarks"])) == (0, 0, 1)
    unsigned = auditing.audit(controller, at=AT)
    assert verdict(unsigned, language("it")).startswith(
        f"{italian}, sulla sola parola dell'azienda: qui non c'è"
    )
    if erasure:  # without any folder of the log nothing is remembered
        ((state, sentence, _fix),) = findings(folder)
        assert state is State.OK
        assert sentence.endswith("; by the company's own word, for nothing was signed yet)")
        audit = last_audit.read(ledger)
        assert audit is not None
        assert (audit.verdict, audit.has_weight) == (unsigned.verdict, False)
    sequence(ledger)
    signed = auditing.audit(controller, at=AT)
    audit = last_audit.read(ledger)
    assert audit is not None
    assert (signed.verdict, signed.remarks, audit.has_weight) == (unsigned.verdict, (), True)
    assert verdict(signed, ENGLISH).startswith(f"{word}: ")


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone gives files away")
def test_what_root_audits_the_service_may_replace(acme: Controller) -> None:
    """The file belongs to the folder's owner, and others may not read it, whatever was so before."""
    folder = Path(acme.ledger).with_suffix(".log")
    os.chown(folder, 54321, 54321)
    for _time in range(2):
        last_audit.write(Path(acme.ledger), GAPS)
        status = (folder / "last-audit.json").stat()
        assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (54321, 0o600)
        (folder / "last-audit.json").chmod(0o777)


def test_holes_are_counted_as_the_audit_has_them(acme: Controller) -> None:
    """A record that is deleted without a note is one hole, for which nothing accounts."""
    forged(Path(acme.ledger), "DELETE FROM event WHERE record = 2")
    audited = auditing.audit(acme, at=AT)
    audit = last_audit.read(Path(acme.ledger))
    assert audit is not None
    assert (audit.verdict, audit.holes, audit.unaccounted) == (audited.verdict, 1, 1)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"verdict":"fine"}', b"[" * 5000])
def test_what_is_no_audit_is_none(acme: Controller, content: bytes) -> None:
    """A file that was changed or cut off costs nothing but what it said."""
    auditing.audit(acme)
    (Path(acme.ledger).with_suffix(".log") / "last-audit.json").write_bytes(content)
    assert last_audit.read(Path(acme.ledger)) is None


def test_an_audit_that_is_too_long_or_of_no_time_zone_is_none(acme: Controller) -> None:
    """What stands beyond 4096 bytes is not read, and a time on some clock is none."""
    auditing.audit(acme, at=AT)
    file = Path(acme.ledger).with_suffix(".log") / "last-audit.json"
    content = file.read_bytes()
    for blanks, is_read in ((4096 - len(content), True), (4096, False)):
        file.write_bytes(b" " * blanks + content)
        assert (last_audit.read(Path(acme.ledger)) is not None) == is_read
    assert b'Z"' in content
    file.write_bytes(content.replace(b'Z"', b'"'))
    assert last_audit.read(Path(acme.ledger)) is None


def test_an_audit_that_cannot_be_remembered_says_its_verdict(acme: Controller) -> None:
    """Somebody who may only read the ledger has his answer all the same."""
    (Path(acme.ledger).with_suffix(".log") / "last-audit.json").mkdir()
    assert auditing.audit(acme).verdict is Verdict.COMPLETE
    assert last_audit.read(Path(acme.ledger)) is None


@pytest.mark.usefixtures("acme")
def test_a_ledger_that_was_never_audited_is_named(folder: Path) -> None:
    """With the command to type; a company without a ledger has nothing to audit."""
    assert list(findings(folder)) == [
        (
            State.OK,
            "acme was never audited here (informativa evidence audit --controller acme)",
            "",
        )
    ]
    assert audit_line(None, UTC, ENGLISH) == "never"


@pytest.mark.parametrize(
    ("verdict", "days", "state"),
    [
        (Verdict.COMPLETE, 35, State.OK),
        (Verdict.COMPLETE, 36, State.WARNING),
        (Verdict.ACCOUNTED, 1, State.OK),
        (Verdict.GAPS, 1, State.WARNING),
        (Verdict.CHANGED, 1, State.WRONG),
        (Verdict.CHANGED, 36, State.WRONG),
    ],
)
def test_doctor_grades_the_verdict_and_its_age(
    folder: Path, acme: Controller, verdict: Verdict, days: int, state: State
) -> None:
    """What was changed is wrong; gaps, and an audit of more than 35 days ago, are to be looked at."""
    last_audit.write(Path(acme.ledger), replace(GAPS, verdict=verdict))
    ((grade, sentence, fix),) = findings(folder, AT + timedelta(days=days))
    assert grade is state
    assert f"audited {days} day" in sentence
    assert (fix == "") == (state is State.OK)


def test_all_say_the_same_of_it(folder: Path, acme: Controller) -> None:
    """The word, the holes and who answered stand in one sentence, in both languages."""
    last_audit.write(Path(acme.ledger), GAPS)
    sentence = "GAPS (records: 700, gone: 5, of them unaccounted for: 2; known to others)"
    assert str(remembered(GAPS)) == sentence
    ((_state, text, _fix),) = findings(folder, AT + timedelta(days=1))
    assert text == f"acme was audited 1 day ago: {sentence}"
    assert audit_line(GAPS, UTC, ENGLISH) == f"{AT:%Y-%m-%d %H:%M} UTC: {sentence}"
    assert "LACUNE (registrazioni: 700, mancanti: 5" in audit_line(GAPS, UTC, language("it"))
