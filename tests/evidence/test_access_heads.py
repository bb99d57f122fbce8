"""The newest entry of the access log as a record: what is changed there afterwards is named."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence import independent
from evidence.ledger import audited, of, signed
from informativa.config import load
from informativa.evidence.receipt import Receipt
from informativa.evidence.settings import EvidenceConfig
from informativa.ledgers import access_heads
from informativa.ledgers.access_log import AccessLog, LoggedAccess
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Action, Controller, RecordKind
from informativa.operations.evidence import receipts
from informativa.process import maintenance, storage
from informativa.system.turns import OnceLogged

NOW = datetime.now(UTC)
HE, SHE = b"\x01" * 32, b"\x02" * 32
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


class Looked:
    """A ledger and its access log."""

    def __init__(self, ledger: Path) -> None:
        self.ledger, self.log = ledger, AccessLog(ledger)
        with closing(SqliteStore(str(ledger))) as store:
            store.append([of(1)])

    def looks(self, at: datetime, count: int = 1) -> None:
        """Somebody looks at records."""
        for number in range(count):
            caller = (HE, SHE)[number % 2]
            self.log.add(LoggedAccess(at, "anna", Action.OPEN_CALLER, caller, detail="è\x00"))
            os.utime(self.log.file, (at.timestamp(), at.timestamp()))

    def written(self, at: datetime) -> bool:
        """Do what is done each minute; return whether a record was written."""
        with closing(SqliteStore(str(self.ledger))) as store:
            return access_heads.keep(store, self.log, at)

    def problems(self) -> list[str]:
        """The sentences of an audit."""
        signed(self.ledger)
        result = audited(self.ledger)
        assert result.is_sound == (not result.problems)
        assert not result.flaws
        return [str(problem).partition(".access ")[2] or str(problem) for problem in result.problems]

    def forged(self, *statements: str) -> None:
        """Do what somebody does who can write the file, and knows its schema."""
        with closing(sqlite3.connect(self.log.file)) as connection, connection:
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall():
                connection.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                connection.execute(statement)


@pytest.fixture
def looked(tmp_path: Path) -> Looked:
    """A ledger to which three looks are on record."""
    looked = Looked(tmp_path / "acme.sqlite3")
    looked.looks(NOW, 3)
    assert looked.written(NOW)
    return looked


def test_written_when_changed_and_at_most_once_a_minute(looked: Looked) -> None:
    """Nothing is written before somebody looks, and nothing if nobody did since."""
    assert not Looked(looked.ledger.with_name("other.sqlite3")).written(NOW)
    assert not looked.written(NOW + DAY)
    looked.looks(NOW + timedelta(seconds=5))
    assert not looked.written(NOW + timedelta(seconds=59))
    assert looked.written(NOW + MINUTE)
    looked.looks(NOW + MINUTE)
    assert not looked.written(NOW + MINUTE)
    assert looked.written(NOW - DAY)  # a clock that was set back holds nothing up


@settings(max_examples=20)
@given(looks=st.lists(st.integers(0, 200), max_size=10))
def test_no_two_within_a_minute(tmp_path_factory: pytest.TempPathFactory, looks: list[int]) -> None:
    """Whenever somebody looks, and whenever it is tried."""
    looked, at, last = Looked(tmp_path_factory.mktemp("looks") / "acme.sqlite3"), NOW, NOW - DAY
    for seconds in looks:
        at += timedelta(seconds=seconds)
        looked.looks(at)
        assert looked.written(at) == (at - last >= MINUTE)
        last = at if at - last >= MINUTE else last


def test_untouched_log_is_intact(looked: Looked) -> None:
    """Also with looks that are in no record yet."""
    assert looked.problems() == []
    looked.looks(NOW, 2)
    assert looked.problems() == []


def test_erasure_and_purge_keep_it_intact(looked: Looked) -> None:
    """What leads to a caller goes, and entries that are half a year old."""
    assert looked.log.erase([HE]) == 2
    assert looked.problems() == []
    old = Looked(looked.ledger.with_name("old.sqlite3"))
    old.looks(NOW - 200 * DAY, 3)
    assert old.written(NOW - 200 * DAY)
    old.looks(NOW - 100 * DAY)
    assert old.written(NOW - 100 * DAY)
    assert old.log.purge(NOW - 190 * DAY) == 3
    assert old.problems() == []


def test_entry_that_was_purged_too_early_is_named(looked: Looked) -> None:
    """It was made after the record of those before it, which is of yesterday."""
    looked.looks(NOW + DAY, 2)
    assert looked.written(NOW + DAY)
    assert looked.log.purge(NOW + 2 * DAY) == 5
    assert looked.problems() == ["lacks entry 5, which is not six months old."]


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        (["UPDATE access SET account = 'bert' WHERE number = 2"], "was changed at entry 2."),
        (["UPDATE access SET pseudonym = salt WHERE number = 2"], "was changed at entry 2."),
        (["UPDATE access SET at = 'x' || at WHERE number = 2"], ""),
        (["DELETE FROM access WHERE number = 2"], "was changed at entry 2."),
        (["DELETE FROM access WHERE number = 3"], "ends before entry 3, which the ledger has."),
        (["DELETE FROM access"], "ends before entry 3, which the ledger has."),
    ],
)
def test_tampered_log_is_named(looked: Looked, statements: list[str], problem: str) -> None:
    """A changed entry, one that is taken out, and the newest one that is cut off."""
    if not problem:
        with pytest.raises(sqlite3.IntegrityError):
            looked.forged(*statements)
        return
    looked.forged(*statements)
    assert looked.problems() == [problem]


def test_log_that_was_made_anew_is_named(looked: Looked) -> None:
    """Each of its hashes is right, and it is as long; so is one that is gone, and one that is no log."""
    looked.log.file.unlink()
    assert looked.problems() == ["ends before entry 3, which the ledger has."]
    looked.looks(NOW + MINUTE, 4)
    assert looked.problems() == ["has another entry 3 than the ledger says."]
    looked.log.file.write_bytes(b"no database, whatever it was" * 100)
    (problem,) = looked.problems()
    assert "cannot be used" in problem


@pytest.fixture
def acme(folder: Path) -> Controller:
    """A configured company, whose log states its rule."""
    return load(folder / "informativa.yaml").controllers["acme"]


def test_service_puts_it_on_record(acme: Controller) -> None:
    """Before it signs, so that the record is in the same checkpoint; its receipt holds for two verifiers. A
    company whose log states no rule has none."""
    with closing(storage.store(acme)) as store:
        store.append([of(1)])
    log = storage.access_log(acme)
    log.add(LoggedAccess(NOW, "anna", Action.ACCESS_LOG))
    assert maintenance._sign(replace(acme, rule=None), EvidenceConfig(), OnceLogged("")) is not None
    for _ in range(2):
        sign = maintenance._sign(acme, EvidenceConfig(), OnceLogged(""))
        assert sign is not None
        assert sign.size == 3
    receipt = receipts.of_record(acme, 3).receipt
    assert receipt.facts["kind"] == RecordKind.ACCESS
    assert (receipt.facts["rows"], receipt.facts["head"]) == (1, log.verify().head.hex())
    assert not {"reference", "pseudonym", "binding"} & set(receipt.who.values)  # type: ignore[union-attr]
    key = signed(Path(acme.ledger))
    assert Receipt.parse(receipt.proof.data).verify([key])
    assert independent.check(receipt.proof.data, str(key)) == receipt.facts


def test_unreadable_access_log_keeps_nobody_from_signing(acme: Controller) -> None:
    """It is logged once, and the checkpoint is signed."""
    with closing(storage.store(acme)) as store:
        store.append([of(1)])
    storage.access_log(acme).file.write_bytes(b"no database, whatever it was" * 100)
    assert maintenance._sign(acme, EvidenceConfig(), OnceLogged("x")) is not None


def test_log_that_nobody_adds_to_is_not_opened(looked: Looked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every minute it is looked whether it has grown, by the time of its file alone."""
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5)
    looked.looks(later - 3 * SECOND)
    assert looked.written(later)
    monkeypatch.setattr(AccessLog, "newest", lambda _log: pytest.fail("it was opened"))
    assert not looked.written(later + MINUTE)
    monkeypatch.undo()
    looked.looks(later + MINUTE)
    assert looked.written(later + MINUTE)
