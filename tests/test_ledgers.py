"""The contract of every ledger, and what is particular to SQLite's."""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from informativa.errors import EventRefusedError, LedgerError
from informativa.ledgers import groupcommit
from informativa.ledgers.groupcommit import GroupCommitLedger
from informativa.ledgers.memory import MemoryLedger
from informativa.ledgers.sqlite import SqliteLedger, SqliteStore
from informativa.model import Ending, Event, Heard, Reason, Record, Status
from informativa.ports import Ledger

AT = datetime(2026, 11, 24, 12, 30, 15, 123456, tzinfo=UTC)
ONE, OTHER = b"1" * 32, b"2" * 32
PLAYED = Event(
    at=AT,
    call="1700000000.1",
    line="+390212345678",
    pseudonym=ONE,
    notice="privacy",
    version="1",
    language="it",
    purposes=frozenset({"service", "billing"}),
    status=Status.PLAYED,
    reason=Reason.NOT_INFORMED,
    prompt="/p/it/short",
    heard=Heard(Ending.WHOLE, 9.5, 9.5),
)
PARTIAL = replace(PLAYED, status=Status.PARTIAL, heard=Heard(Ending.KEY, 2.25, 9.5, "#"))
NOTDUE = replace(PLAYED, status=Status.NOTDUE, reason=Reason.ALREADY_INFORMED, prompt="", heard=None, basis=1)
UNIDENTIFIED = replace(PLAYED, pseudonym=None, reason=Reason.WITHHELD)

Open = Callable[[], Ledger]


@pytest.fixture(params=["memory", "sqlite", "groupcommit"])
def open_ledger(request, tmp_path: Path):
    """Opens a ledger of each kind; what was opened is closed at the end."""
    file = str(tmp_path / "ledger" / "acme.sqlite3")
    kinds = {
        "memory": MemoryLedger,
        "sqlite": lambda: SqliteLedger(file),
        "groupcommit": lambda: GroupCommitLedger(file),
    }
    opened: list[Ledger] = []

    def open_one() -> Ledger:
        opened.append(kinds[request.param]())
        return opened[-1]

    yield open_one
    for ledger in opened:
        ledger.close()


def test_events_come_back_as_they_were(open_ledger: Open) -> None:
    """Every field of every kind of event survives, under numbers that count up from one."""
    ledger, events = open_ledger(), [PLAYED, PARTIAL, NOTDUE, UNIDENTIFIED]

    async def append() -> list[int]:
        return [await ledger.append(event) for event in events]

    assert asyncio.run(append()) == [1, 2, 3, 4]
    assert list(ledger.records()) == [Record(number, event) for number, event in enumerate(events, 1)]
    assert list(ledger.records(4)) == [Record(4, UNIDENTIFIED)]


def test_only_a_complete_delivery_to_this_caller_informs(open_ledger: Open) -> None:
    """I1: a partial one, a skip, one to nobody and one to someone else leave a caller uninformed."""
    ledger = open_ledger()

    async def story() -> None:
        for event in (PARTIAL, NOTDUE, UNIDENTIFIED, replace(PLAYED, pseudonym=OTHER)):
            await ledger.append(event if event is not NOTDUE else replace(NOTDUE, basis=None))
        assert await ledger.standing(ONE) == {}
        await ledger.append(PLAYED)
        known = (await ledger.standing(ONE))["privacy"]
        assert (known.versions, known.purposes, known.record, known.at) == ({"1"}, PLAYED.purposes, 5, AT)

    asyncio.run(story())


def test_standing_gathers_purposes(open_ledger: Open) -> None:
    """A later delivery adds its purposes to what the caller knew, and is the newer proof."""
    ledger = open_ledger()
    later = replace(PLAYED, version="2", purposes=frozenset({"marketing"}), at=AT + timedelta(days=1))

    async def story() -> None:
        await ledger.append(PLAYED)
        await ledger.append(later)
        known = (await ledger.standing(ONE))["privacy"]
        assert known.purposes == {"service", "billing", "marketing"}
        assert (known.versions, known.record) == ({"1", "2"}, 2)

    asyncio.run(story())


def test_closing_twice_is_harmless(open_ledger: Open) -> None:
    """A ledger may be closed again."""
    ledger = open_ledger()
    ledger.close()
    ledger.close()


def test_i3_record_is_durable_when_append_returns(tmp_path: Path) -> None:
    """I3: another connection sees the record as soon as its number is known, with full synchronisation."""
    file = tmp_path / "acme.sqlite3"
    ledger = GroupCommitLedger(str(file))

    async def story() -> None:
        number = await ledger.append(PLAYED)
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as other:
            assert other.execute("SELECT count(*) FROM event WHERE record = ?", (number,)).fetchone() == (1,)

    asyncio.run(story())
    ledger.close()
    store = SqliteStore(str(file))
    assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close()


def test_many_calls_at_once_each_get_their_own_number(tmp_path: Path) -> None:
    """A thousand concurrent appends give a thousand different records, and none is lost."""
    ledger = GroupCommitLedger(str(tmp_path / "acme.sqlite3"))

    async def story() -> list[int]:
        calls = [ledger.append(replace(PLAYED, call=str(number))) for number in range(1000)]
        return await asyncio.gather(*calls)

    numbers = asyncio.run(story())
    by_number = {record.number: record.event.call for record in ledger.records()}
    assert [by_number[number] for number in numbers] == [str(number) for number in range(1000)]
    ledger.close()


def test_service_and_script_share_a_file(tmp_path: Path) -> None:
    """Two processes' ledgers on one file see each other's records."""
    file = str(tmp_path / "acme.sqlite3")
    service, script = GroupCommitLedger(file), SqliteLedger(file)

    async def story() -> None:
        assert await service.append(PLAYED) == 1
        assert (await script.standing(ONE))["privacy"].record == 1
        assert await script.append(PLAYED) == 2
        assert len(list(service.records())) == 2

    asyncio.run(story())
    service.close()
    script.close()


def test_i4_locked_ledger_is_an_error_within_a_bounded_time(tmp_path: Path) -> None:
    """I4: while another process holds the file, a call gets a LedgerError and not an endless wait."""
    file = str(tmp_path / "acme.sqlite3")
    ledger = GroupCommitLedger(file)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    async def story() -> None:
        with pytest.raises(LedgerError, match="locked"):
            await ledger.append(PLAYED)
        other.execute("ROLLBACK")
        assert await ledger.append(PLAYED) == 1

    asyncio.run(story())
    other.close()
    ledger.close()


def test_file_that_is_no_ledger_is_told_with_its_place(tmp_path: Path) -> None:
    """A file that SQLite cannot read is a LedgerError that names it."""
    file = tmp_path / "acme.sqlite3"
    file.write_text("this is not a database, and long enough to look like one " * 100)
    with pytest.raises(LedgerError, match=r"acme\.sqlite3"):
        SqliteStore(str(file))
    assert file.read_text().startswith("this is not")


def test_ledger_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    """A ledger that a later release wrote is refused rather than used by guess."""
    file = tmp_path / "acme.sqlite3"
    SqliteStore(str(file)).close()
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(LedgerError, match="newer"):
        SqliteStore(str(file))


def test_ledger_is_private_to_its_user(tmp_path: Path) -> None:
    """A new ledger's file and folder are readable by nobody else."""
    file = tmp_path / "ledger" / "acme.sqlite3"
    SqliteStore(str(file)).close()
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("kind", [SqliteLedger, GroupCommitLedger])
def test_i3_nothing_is_acknowledged_into_a_deleted_file(tmp_path: Path, kind) -> None:
    """I3: an append to a file that was deleted or replaced is an error that says so."""
    file = tmp_path / "acme.sqlite3"
    ledger = kind(str(file))

    async def story() -> None:
        assert await ledger.append(PLAYED) == 1
        file.rename(tmp_path / "away")
        with pytest.raises(LedgerError, match="deleted or replaced"):
            await ledger.append(PLAYED)
        (tmp_path / "away").rename(file)
        assert await ledger.append(PLAYED) == 2

    asyncio.run(story())
    ledger.close()


def test_i1_standing_without_its_record_proves_nothing(tmp_path: Path) -> None:
    """I1: when the record is gone that shows a delivery, the caller counts as not informed."""
    file = tmp_path / "acme.sqlite3"
    store = SqliteStore(str(file))
    store.append([PLAYED])
    assert store.standing(ONE)
    with sqlite3.connect(file) as other:
        other.execute("DELETE FROM event")
    assert store.standing(ONE) == {}
    store.close()


def test_wrong_event_fails_nobody_elses(tmp_path: Path) -> None:
    """An event that cannot be recorded is refused alone; those that were committed with it are kept."""
    ledger = GroupCommitLedger(str(tmp_path / "acme.sqlite3"))

    async def story() -> list[object]:
        wrong = replace(NOTDUE, basis=999)
        calls = [ledger.append(event) for event in [PLAYED] * 10 + [wrong] + [PLAYED] * 10]
        return await asyncio.gather(*calls, return_exceptions=True)

    results = asyncio.run(story())
    assert isinstance(results.pop(10), EventRefusedError)
    assert len({number for number in results if isinstance(number, int)}) == 20
    assert len(list(ledger.records())) == 20
    ledger.close()


def test_writer_outlives_a_loop_that_was_closed_under_it(tmp_path: Path) -> None:
    """A call whose event loop has ended does not take the writer with it."""
    ledger = GroupCommitLedger(str(tmp_path / "acme.sqlite3"))
    gone = asyncio.new_event_loop()
    future = gone.create_future()
    gone.close()
    ledger._jobs.put(groupcommit._Job(PLAYED, gone, future))
    assert asyncio.run(ledger.append(PLAYED)) == 2
    ledger.close()
