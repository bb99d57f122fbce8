"""The facts of ledgers that commands need: each ledger is opened once for them."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from examples import PLAYED
from informativa.config import load
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Controller
from informativa.model.errors import EvidenceError, LedgerError
from informativa.model.text import Text
from informativa.operations import check, status
from informativa.operations.doctor import examination
from informativa.operations.doctor.ledger_facts import LedgerFact, LedgerFacts
from informativa.process import storage

NOW = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
# Beside the facts `check` and `doctor` write a record, as the user who will, and undo it.
OPENINGS = {"status": 1, "check": 2, "doctor": 2}


@pytest.fixture
def acme(folder: Path) -> Controller:
    """A company with a ledger that a service has open, as on a machine that takes calls."""
    controller = load(folder / "informativa.yaml").controllers["acme"]
    with closing(storage.store(controller)) as store:
        store.append([PLAYED])
    return controller


def counted(controller: Controller, _now: datetime) -> int:
    """The number of records in a ledger."""
    with storage.reading(controller) as ledger:
        return ledger.count()


@pytest.mark.parametrize("command", OPENINGS)
def test_a_command_opens_each_ledger_once_for_all_facts(
    acme: Controller, folder: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """However many checks look into it: to open one takes longer than most of what they want to know."""
    file = folder / "informativa.yaml"
    commands: dict[str, Callable[[], Any]] = {
        "status": lambda: status.look(file, NOW),
        "check": lambda: check.check(file, NOW),
        "doctor": lambda: asyncio.run(examination.examine(file)),
    }
    connect, ledgers = sqlite3.connect, Counter[str]()

    def counted(database: str, *arguments: Any, **options: Any) -> sqlite3.Connection:
        ledgers[database.partition("?")[0]] += 1
        return connect(database, *arguments, **options)

    with closing(storage.store(acme)):
        monkeypatch.setattr(sqlite3, "connect", counted)
        commands[command]()
    assert ledgers[Path(acme.ledger).as_uri()] == OPENINGS[command]


def test_the_first_fact_has_all_read_that_are_needed(acme: Controller) -> None:
    """In one thread, over one connection; what is not needed is read when somebody asks for it."""
    stores, threads = list[SqliteStore](), set[int]()

    def read(controller: Controller, _now: datetime) -> int:
        with storage.reading(controller) as ledger:
            stores.append(ledger)
        threads.add(threading.get_ident())
        return len(stores)

    one, other, late = (LedgerFact(name, read) for name in ("one", "other", "late"))
    facts = LedgerFacts(NOW, [one])
    facts.need([other, one])
    assert [facts.of(acme, fact) for fact in (other, one, other)] == [1, 2, 1]
    assert len(set(map(id, stores))) == len(threads) == 1
    assert facts.of(acme, late) == 3


def test_a_fact_that_cannot_be_read_hides_no_other(acme: Controller) -> None:
    """Its error is raised where it is asked for, as often as it is."""

    def fail(_controller: Controller, _now: datetime) -> int:
        raise EvidenceError(Text("The log is gone."))

    broken, count = LedgerFact("broken", fail), LedgerFact("count", counted)
    facts = LedgerFacts(NOW, [broken, count])
    assert facts.of(acme, count) == 2  # the call, and the rule by which records are kept
    for _ in range(2):
        with pytest.raises(EvidenceError, match="The log is gone"):
            facts.of(acme, broken)


def test_ledger_that_cannot_be_opened_has_no_facts(acme: Controller, tmp_path: Path) -> None:
    """One that is missing, and one that is no ledger: each fact says why."""
    counts = [LedgerFact(name, counted) for name in ("one", "other")]
    facts = LedgerFacts(NOW, counts)
    missing, text = replace(acme, id="b", ledger=str(tmp_path / "b")), tmp_path / "c"
    text.write_text("no ledger")
    for fact in counts:
        with pytest.raises(LedgerError, match="There is no ledger"):
            facts.of(missing, fact)
        with pytest.raises(LedgerError, match="cannot be used"):
            facts.of(replace(acme, id="c", ledger=str(text)), fact)


def test_reading_of_whole_ledgers_holds_up_no_other_fact(acme: Controller, tmp_path: Path) -> None:
    """Of six large ledgers four are read at a time; what the others say otherwise is known meanwhile, and
    their turn comes."""
    go_on, reading = threading.Event(), threading.Semaphore(0)

    def read(_controller: Controller, _now: datetime) -> str:
        reading.release()
        assert go_on.wait(30)
        return "whole"

    long, count = LedgerFact("long", read, reads_all=True), LedgerFact("count", counted)
    facts, companies = LedgerFacts(NOW, [long, count]), list[Controller]()
    for number in range(6):
        companies.append(replace(acme, id=f"c{number}", ledger=str(tmp_path / f"{number}.sqlite3")))
        storage.store(companies[-1]).close()
    assert [facts.of(company, count) for company in companies] == [1] * 6
    for _ in range(4):
        assert reading.acquire(timeout=30)
    assert not reading.acquire(blocking=False)
    go_on.set()
    assert [facts.of(company, long) for company in companies] == ["whole"] * 6
