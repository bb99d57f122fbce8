"""A company that asks for consents: the example configuration, and acts of its callers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from commands import run
from examples import PLAYED
from informativa.call.caller import pseudonym
from informativa.config import Configuration, load
from informativa.model import (
    Answer,
    Asked,
    Asks,
    Choice,
    Controller,
    Ending,
    Event,
    Heard,
    Identified,
    RecordKind,
    Status,
)
from informativa.operations import consents
from informativa.operations.consents import ConsentRecorded
from informativa.operations.typed_caller import Typed, by_number

NUMBER = "+393331234567"
CALLER = by_number(NUMBER)
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
CHOICES = """\
    choices:
      marketing:
        asks: consent
        purpose: marketing
        holds: 24 months
        keys: {granted: "4", refused: "5"}
        withdraw_at: "+390212345678"
        versions:
          - version: "1"
            starts: 2026-03-01
            short: {it: prompts/it/short}
            withdraw: {it: prompts/it/short}
          - version: "2"
            starts: 2026-09-01
            short: {it: prompts/it/short}
            withdraw: {it: prompts/it/short}
      profiling:
        asks: consent
        purpose: profiling
        holds: 12 months
        keys: {granted: "8", refused: "9"}
        withdraw_at: "+390212345678"
        versions: [{version: "1", short: {it: prompts/it/short}, withdraw: {it: prompts/it/short}}]
      abroad:
        asks: operator
        keys: {eu: "2"}
        versions: [{version: "1", short: {it: prompts/it/short}}]
"""


def ask_for_consents(folder: Path) -> Path:
    """Give the first company of the example configuration two consents and another choice."""
    file = folder / "informativa.yaml"
    file.write_text(file.read_text().replace("    notices:\n", f"{CHOICES}    notices:\n", 1))
    return file


def company(file: Path) -> tuple[Configuration, Controller, Choice]:
    """Return the configuration, the company, and its consent to marketing."""
    configuration = load(file)
    return (
        configuration,
        configuration.controllers["acme"],
        consents.consent_named(configuration, "acme", "marketing"),
    )


def act(
    file: Path,
    answer: Answer,
    on: datetime | None = None,
    kind: RecordKind = RecordKind.WEBSITE,
    *,
    reference: str = "form 7",
    typed: Typed = CALLER,
    now: datetime = NOW,
) -> ConsentRecorded:
    """Put an act about marketing on record."""
    _configuration, owner, choice = company(file)
    return consents.record_act(owner, choice, typed, answer, kind, reference, on, now)


def answered_by_key(owner: Controller, answer: Answer, key: str, at: datetime, number: str = NUMBER) -> Event:
    """Build the event of an answer about marketing in a call."""
    asked = Asked("marketing", Asks.CONSENT, answer, "5=refused 4=granted", 1, 1250)
    return replace(
        PLAYED,
        at=at,
        notice="",
        version="2",
        purposes=frozenset({"marketing"}),
        status=Status.ASKED,
        pseudonym=pseudonym(Identified(number), owner.key),
        heard=Heard(Ending.WHOLE, 8000, 8000, key=key),
        asked=asked,
    )


def printed(file: Path, *words: str | Path, code: int = 0, **environment: str) -> str:
    """Run `informativa consent …` and return what it prints."""
    ran = run("consent", *words, "-c", file, **environment)
    assert (ran.returncode, ran.stderr) == (code, ""), ran
    return ran.stdout
