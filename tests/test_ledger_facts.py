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
# Beside the facts: whole ledgers are read for damage and for callers of removed versions; recordings are held
# against those that were served; a record is written and undone; the doctor looks for records to come.
READS = {"status": 1, "check": 5, "doctor": 6}


@pytest.fixture
def acme(folder: Path) -> Controller:
    """A company with a ledger that a service has open, as on a machine that takes calls."""
    controller = load(folder / "informativa.yaml").controllers["acme"]
    with closing(storage.store(controller)) as store:
        store.append([PLAYED])
    return controller


@pytest.mark.parametrize("command", READS)
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
    assert ledgers[Path(acme.ledger).as_uri()] == READS[command]


def test_the_first_fact_has_all_read_that_are_needed(acme: Controller) -> None:
    """In one thread, over one connection; what is not needed is read when somebody asks for it."""
    stores, threads = list[SqliteStore](), set[int]()

    def read(_controller: Controller, ledger: SqliteStore, _now: datetime) -> int:
        stores.append(ledger)
        threads.add(threading.get_ident())
        return len(stores)

    one, other, late = (LedgerFact(name, read) for name in ("one", "other", "late"))
    facts = LedgerFacts(NOW, [one])
    facts.need([other, one])
    assert [facts.of(acme, fact) for fact in (other, one, other)] == [1, 2, 1]
    assert len(set(map(id, stores))) == len(threads) == 1
    assert facts.of(acme, late) == 3
    facts.forget(acme)
    assert facts.of(acme, other) == 4


def test_a_fact_that_cannot_be_read_hides_no_other(acme: Controller) -> None:
    """Its error is raised where it is asked for, as often as it is."""

    def fail(_controller: Controller, _ledger: SqliteStore, _now: datetime) -> int:
        raise EvidenceError(Text("The log is gone."))

    broken, schema = (
        LedgerFact("broken", fail),
        LedgerFact("schema", lambda _one, ledger, _now: ledger.count()),
    )
    facts = LedgerFacts(NOW, [broken, schema])
    assert facts.of(acme, schema) == 2  # the call, and the rule by which records are kept
    for _ in range(2):
        with pytest.raises(EvidenceError, match="The log is gone"):
            facts.of(acme, broken)


def test_ledger_that_cannot_be_opened_has_no_facts(acme: Controller, tmp_path: Path) -> None:
    """One that is missing, and one that is no ledger: each fact says why."""
    counts = [LedgerFact(name, lambda _one, ledger, _now: ledger.count()) for name in ("one", "other")]
    facts = LedgerFacts(NOW, counts)
    missing, text = replace(acme, id="b", ledger=str(tmp_path / "b")), tmp_path / "c"
    text.write_text("no ledger")
    for fact in counts:
        with pytest.raises(LedgerError, match="There is no ledger"):
            facts.of(missing, fact)
        with pytest.raises(LedgerError, match="cannot be used"):
            facts.of(replace(acme, id="c", ledger=str(text)), fact)
