"""Evidence as the console shows it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from console.served import ServedConsole
from informativa.evidence.log_folder import LogFolder
from informativa.ledgers.sequencer import sequence
from informativa.model import Verdict
from informativa.model.text import Text
from informativa.operations.evidence import auditing
from lab.process import until


def test_an_audit_tells_what_is_wrong_as_other_findings_are(
    office: ServedConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Problems are marked and other findings are not; no mark is the terminal's."""
    real_audit = auditing.audit

    def audit(*arguments: Any, **named: Any) -> auditing.AuditedLedger:
        ledger = real_audit(*arguments, **named)
        return replace(ledger, verdict=Verdict.CHANGED, problems=(Text("A file <is> gone."),))

    monkeypatch.setattr(auditing, "audit", audit)
    officer = office.browser("compliance@acme")
    officer.get("/acme/evidence")
    page = str(officer.send("/acme/evidence/audit").url)
    until(lambda: "<progress" not in officer.get(page).text, 60, lambda: "The audit does not end.")
    text = officer.get(page).text
    assert '<li><span class="status failed">wrong</span> <bdi>A file &lt;is&gt; gone.</bdi></li>' in text
    assert '<p class="notice bad" role="status">CHANGED: something is not as it was' in text
    assert "<li><bdi>6 records (6 whole" in text
    assert "\u2718" not in text


def test_an_audit_of_what_is_not_signed_is_not_shown_as_proven(
    office: ServedConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page of the audit and that of the log are not green, and say why."""
    real_audit = auditing.audit

    def audit(*arguments: Any, **named: Any) -> auditing.AuditedLedger:
        ledger = real_audit(*arguments, **named)
        return replace(ledger, as_of=replace(ledger.as_of, size=0))

    monkeypatch.setattr(auditing, "audit", audit)
    officer = office.browser("compliance@acme")
    officer.get("/acme/evidence")
    page = str(officer.send("/acme/evidence/audit").url)
    until(lambda: "<progress" not in officer.get(page).text, 60, lambda: "The audit does not end.")
    reason = "no checkpoint of its newest log is here, so that it proves nothing."
    sentence = f"Complete, by the company&#39;s own word: {reason}"
    assert f'<p class="notice open" role="status">{sentence}</p>' in officer.get(page).text
    assert f'<span class="status sentence partial">{sentence}</span>' in officer.get("/acme/evidence").text


@pytest.mark.parametrize("page", ["/acme/today", "/acme/evidence"])
def test_a_deleted_folder_is_no_new_log(office: ServedConsole, page: str) -> None:
    """A log that was signed and is gone is a problem, with what to do, and not one that begins."""
    ledger = Path(office.controller().ledger)
    sequence(ledger)
    shutil.rmtree(LogFolder(ledger).folder)
    text = office.browser("compliance@acme").get(page).text
    assert f"is gone from {LogFolder(ledger).folder}" in text
    assert "informativa evidence key --new --controller NAME" in text
    assert "No checkpoint was signed yet" not in text
