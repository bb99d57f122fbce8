"""The contract of every ledger, and what is particular to SQLite's."""

import asyncio
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doubles import Hold, MemoryLedger
from examples import AT, NOTDUE, ONE, OTHER, PARTIAL, PLAYED, UNIDENTIFIED
from informativa.ledgers import expiry, groupcommit
from informativa.ledgers.erasure import erase
from informativa.ledgers.groupcommit import GroupCommitLedger
from informativa.ledgers.sqlite import SqliteLedger, SqliteStore
from informativa.model import Event, Record, RecordKind, Status, merge_histories
from informativa.model.errors import EventRefusedError, LedgerError, LedgerSlowError
from informativa.model.ports import Ledger, LedgerTransaction
from lab.chance import by_day

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
        assert await ledger.history(ONE) == {}
        await ledger.append(PLAYED)
        delivery = (await ledger.history(ONE))["privacy"]
        assert (delivery.versions, delivery.purposes, delivery.record, delivery.at) == (
            {"1"},
            PLAYED.purposes,
            5,
            AT,
        )

    asyncio.run(story())


def test_standing_gathers_purposes(open_ledger: Open) -> None:
    """A later delivery adds its purposes to what the caller knew, and is the newer proof."""
    ledger = open_ledger()
    later = replace(PLAYED, version="2", purposes=frozenset({"marketing"}), at=AT + timedelta(days=1))

    async def story() -> None:
        await ledger.append(PLAYED)
        await ledger.append(later)
        delivery = (await ledger.history(ONE))["privacy"]
        assert delivery.purposes == {"service", "billing", "marketing"}
        assert (delivery.versions, delivery.record) == ({"1", "2"}, 2)

    asyncio.run(story())


def test_older_paper_does_not_hide_when_a_supplement_was_heard(open_ledger: Open) -> None:
    """The latest record is of an earlier day; when he last called is what the supplement's says."""
    ledger, may, july = open_ledger(), AT + timedelta(days=160), AT + timedelta(days=220)
    supplement = replace(PLAYED, version="2", at=may, supplement=True)
    paper = replace(
        PLAYED, kind=RecordKind.CONTRACT, status=Status.INFORMED, prompt="", heard=None, recorded=july
    )

    async def story() -> None:
        for event in (PLAYED, supplement, replace(paper, at=AT - timedelta(days=100))):
            await ledger.append(event)
        delivery = (await ledger.history(ONE))["privacy"]
        assert (delivery.record, delivery.at) == (3, AT - timedelta(days=100))
        assert (delivery.last_complete, delivery.last_call) == (AT, may)

    asyncio.run(story())


def test_rekeyed_caller_is_known_under_the_new_pseudonym_alone(open_ledger: Open) -> None:
    """After a key rotation what was known moves with the caller, once; records stay as they are."""
    ledger = open_ledger()

    async def story() -> None:
        await ledger.append(PLAYED)
        await ledger.append(replace(PLAYED, pseudonym=OTHER, version="2"))
        await ledger.append(replace(NOTDUE, pseudonym=OTHER, earlier=ONE))
        assert await ledger.history(ONE) == {}
        assert (await ledger.history(OTHER))["privacy"].versions == {"1", "2"}

    asyncio.run(story())
    assert [record.event.pseudonym for record in ledger.records()] == [ONE, OTHER, OTHER]


@pytest.mark.parametrize("first", [ONE, OTHER])
def test_rekeyed_caller_keeps_what_one_version_told_under_both_keys(open_ledger: Open, first: bytes) -> None:
    """If a version was told under both keys, he knows the purposes of both deliveries, in any order, by the
    later record; the later times stay."""
    ledger, then = open_ledger(), AT + timedelta(days=1)
    second = OTHER if first == ONE else ONE
    both = replace(PLAYED, pseudonym=first, purposes=frozenset({"service", "marketing"}))
    less = replace(PLAYED, pseudonym=second, purposes=frozenset({"service"}), at=then)

    async def story() -> None:
        await ledger.append(both)
        await ledger.append(less)
        expected = merge_histories(await ledger.history(ONE), await ledger.history(OTHER))
        await ledger.append(replace(NOTDUE, pseudonym=OTHER, earlier=ONE))
        delivery = (await ledger.history(OTHER))["privacy"]
        assert {"privacy": delivery} == expected
        assert (delivery.versions, delivery.purposes) == ({"1"}, {"service", "marketing"})
        assert (delivery.record, delivery.at, delivery.last_complete) == (2, then, then)

    asyncio.run(story())


def test_clock_that_was_wrong_hides_no_other_version(open_ledger: Open) -> None:
    """A delivery whose time is still to come has not told the whole; that of another version has."""
    ledger = open_ledger()
    ahead = replace(PLAYED, version="2", at=AT + timedelta(days=1))

    async def story() -> None:
        for event in (PLAYED, ahead, replace(PLAYED, supplement=True)):
            await ledger.append(event)
        delivery = (await ledger.history(ONE))["privacy"]
        assert (delivery.versions, delivery.last_complete) == ({"1", "2"}, AT)

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
        assert (await script.history(ONE))["privacy"].record == 1
        assert await script.append(PLAYED) == 2
        assert len(list(service.records())) == 2

    asyncio.run(story())
    service.close()
    script.close()


@pytest.mark.slow
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


def test_record_that_is_no_text_is_told_as_a_damaged_file(tmp_path: Path) -> None:
    """Bytes that are no UTF-8, which SQLite takes for text all the same: a backup is what helps."""
    with closing(filled(tmp_path / "acme.sqlite3", PLAYED)) as store:
        with sqlite3.connect(store.file) as connection:
            connection.execute("UPDATE event SET line = CAST(x'ff' AS TEXT)")
        with pytest.raises(LedgerError, match=r"decode.*put a backup in its place"):
            list(store.records())
    with pytest.raises(LedgerError, match="Look at the owner"):  # closed: nothing is wrong with the file
        list(store.records())


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


@pytest.mark.parametrize("deletion", ["DELETE FROM event", "DELETE FROM event WHERE record = 1"])
@pytest.mark.parametrize("later", [[], [replace(NOTDUE, pseudonym=OTHER, earlier=ONE)]])
def test_i1_standing_without_its_record_proves_nothing(
    tmp_path: Path, later: list[Event], deletion: str
) -> None:
    """I1: when the record is gone that shows a delivery, the caller counts as not informed, under a key of
    later too."""
    store = filled(tmp_path / "acme.sqlite3", PLAYED, *later)
    assert merge_histories(store.history(ONE), store.history(OTHER))
    with sqlite3.connect(store.file) as connection:
        connection.execute(deletion)
    assert store.history(ONE) == store.history(OTHER) == {}
    store.close()


def test_record_that_goes_takes_nothing_with_it_that_a_later_one_proves(tmp_path: Path) -> None:
    """Nor what another notice, version or caller has."""
    store = filled(
        tmp_path / "acme.sqlite3",
        PLAYED,
        PLAYED,
        replace(PLAYED, version="2"),
        replace(PLAYED, notice="recording"),
        replace(PLAYED, pseudonym=OTHER),
    )
    with sqlite3.connect(store.file) as other:
        other.execute("DELETE FROM event WHERE record = 1")
        other.execute("DELETE FROM event WHERE record = 3")
        assert other.execute("SELECT record FROM standing ORDER BY 1").fetchall() == [(2,), (4,), (5,)]
        assert other.execute("SELECT callers FROM known").fetchall() == [(2,)]
    assert store.history(ONE)["privacy"].versions == {"1"}
    store.close()


@pytest.mark.parametrize("before", [[], [replace(PLAYED, pseudonym=OTHER)]])
def test_i1_history_of_a_process_that_knows_no_mark_is_held_against_its_records(
    tmp_path: Path, before: list[Event]
) -> None:
    """I1: an informativa of before may have the ledger open still, and move what a caller knew to another
    key: to a row that is not there, or to one that rested on a record of that key's own."""
    store = filled(tmp_path / "acme.sqlite3", *before, PLAYED)
    record = len(before) + 1
    with sqlite3.connect(store.file) as other:
        other.execute(
            "INSERT INTO standing (pseudonym, notice, version, purposes, record, at, whole, seen)"
            " SELECT ?, notice, version, purposes, record, at, whole, seen FROM standing WHERE record = ?"
            " ON CONFLICT (pseudonym, notice, version) DO UPDATE SET record = excluded.record",
            (OTHER, record),
        )
    assert store.history(OTHER)["privacy"].record == record
    with sqlite3.connect(store.file) as other:
        other.execute("DELETE FROM event WHERE record = ?", (record,))
    assert store.history(OTHER) == {}
    store.close()


def test_purge_takes_what_rests_on_its_records_under_a_later_key(tmp_path: Path) -> None:
    """The history under an earlier key is deleted with the record that told him, or with the one, of an
    earlier day, that says that he is the same: else no record could prove it."""
    day, long = timedelta(days=1), timedelta(days=9)
    for number, told_at, changed in ((1, AT - long, AT), (2, AT, AT - long)):
        store = filled(
            tmp_path / f"{number}.sqlite3",
            replace(PLAYED, at=told_at),
            replace(NOTDUE, pseudonym=OTHER, earlier=ONE, at=changed),
        )
        assert store.history(OTHER)["privacy"].record == 1
        assert expiry.purge(store, AT - day, AT) == 1
        assert store.history(OTHER) == store.history(ONE) == {}
        with sqlite3.connect(store.file) as other:
            assert other.execute("SELECT count(*) FROM standing").fetchone() == (0,)
            assert other.execute("SELECT callers FROM known").fetchall() == [(0,)]
        store.close()


def test_purge_of_a_changed_key_takes_nothing_that_was_told_since(tmp_path: Path) -> None:
    """Not even where another caller's older record stays, as one of a clock that was wrong does for years."""
    changed = replace(NOTDUE, pseudonym=OTHER, earlier=b"3" * 32, basis=None, at=AT - timedelta(days=9))
    delivery = replace(PLAYED, pseudonym=OTHER)
    store = filled(tmp_path / "acme.sqlite3", replace(PLAYED, at=AT + timedelta(days=9)), changed, delivery)
    history = store.history(OTHER)
    assert history["privacy"].record == 3
    assert expiry.purge(store, AT - timedelta(days=1), AT) == 1
    assert store.history(OTHER) == history
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
    closed_loop = asyncio.new_event_loop()
    future = closed_loop.create_future()
    closed_loop.close()
    ledger._jobs.append(groupcommit._Job(lambda transaction: transaction.append(PLAYED), future))
    assert asyncio.run(ledger.append(PLAYED)) == 2
    ledger.close()


def test_calls_that_come_together_are_committed_together(tmp_path: Path) -> None:
    """The work of 64 calls in one turn of the event loop costs one commit; later work costs another."""
    ledger = GroupCommitLedger(str(tmp_path / "acme.sqlite3"))
    transact, together = ledger._store.transact, list[int]()

    def counted(works: Sequence[Callable[[LedgerTransaction], object]]) -> list[object]:
        together.append(len(works) - 1)  # the last one is the group's own
        return transact(works)

    async def story() -> None:
        await asyncio.gather(*[ledger.append(PLAYED) for _ in range(64)])
        await ledger.append(PLAYED)

    ledger._store.transact = counted  # type: ignore[method-assign]
    asyncio.run(story())
    ledger.close()
    assert together == [64, 1]


def test_loop_goes_on_while_a_group_takes_long(tmp_path: Path) -> None:
    """A ledger that stands still, on a cold disk say, holds nothing up but what waits for it."""
    ledger, hold = GroupCommitLedger(str(tmp_path / "acme.sqlite3")), Hold()

    async def story() -> None:
        slow = asyncio.create_task(ledger.transact(hold.record))
        await asyncio.to_thread(hold.begun.wait, 300)
        behind = [asyncio.create_task(ledger.append(PLAYED)) for _ in range(3)]
        await asyncio.sleep(0)
        assert ledger.waiting == 4
        hold.go.set()  # by the loop, which a work that needs it would otherwise wait for in vain
        assert await slow == 1
        assert await asyncio.gather(*behind) == [2, 3, 4]
        assert ledger.waiting == 0

    asyncio.run(story())
    ledger.close()


def test_call_is_recorded_while_the_writer_is_busy_for_a_loop_that_ended(tmp_path: Path) -> None:
    """The next event loop's calls do not wait for one that nobody can wake any more."""
    ledger, hold = GroupCommitLedger(str(tmp_path / "acme.sqlite3")), Hold()

    async def leave() -> None:
        asyncio.get_running_loop().create_task(ledger.transact(hold.record))
        await asyncio.to_thread(hold.begun.wait, 300)

    async def come() -> int:
        mine = asyncio.create_task(ledger.append(PLAYED))
        while ledger._gathering or not ledger._jobs:  # until it has seen that the writer is busy
            await asyncio.sleep(0)
        hold.go.set()
        return await mine

    asyncio.run(leave())
    assert asyncio.run(come()) == 2
    ledger.close()


def test_i4_call_is_told_that_the_ledger_is_slow_and_leaves_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I4: a call waits for a bounded time, and what waited behind a slow group is not recorded afterwards."""
    monkeypatch.setattr(groupcommit, "ANSWER_SECONDS", 0.01)
    ledger, hold = GroupCommitLedger(str(tmp_path / "acme.sqlite3")), Hold()

    async def story() -> None:
        while not hold.begun.is_set():  # on a busy machine it may be withdrawn before it begins
            slow = asyncio.create_task(ledger.transact(hold.wait))
            while not (hold.begun.is_set() or slow.done()):
                await asyncio.sleep(0)
        for outcome in await asyncio.gather(slow, ledger.append(PLAYED), return_exceptions=True):
            assert isinstance(outcome, LedgerSlowError)
        hold.go.set()

    asyncio.run(story())
    ledger.close()
    assert list(ledger.records()) == []


def test_i3_delivery_of_a_call_that_is_cut_off_is_recorded(tmp_path: Path) -> None:
    """I3: a service that stops cancels its calls; what one had handed over by then is still recorded."""
    ledger = GroupCommitLedger(str(tmp_path / "acme.sqlite3"))
    other = sqlite3.connect(tmp_path / "acme.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def story() -> None:
        calls = [asyncio.create_task(ledger.append(PLAYED)) for _ in range(3)]
        await asyncio.sleep(0)
        for call in calls:
            call.cancel()
        assert all(
            isinstance(it, asyncio.CancelledError)
            for it in await asyncio.gather(*calls, return_exceptions=True)
        )
        other.execute("ROLLBACK")

    asyncio.run(story())
    ledger.close()
    assert len(list(ledger.records())) == 3
    other.close()


def test_who_stopped_waiting_is_not_recorded_after_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that was told that its append failed stays so, also when the batch is tried again one by one."""
    ledger = GroupCommitLedger(str(tmp_path / "acme.sqlite3"))

    async def story() -> None:
        loop = asyncio.get_running_loop()
        works = [
            partial(lambda event, transaction: transaction.append(event), event)
            for event in (PARTIAL, PLAYED)
        ]
        jobs = [groupcommit._Job(work, loop.create_future()) for work in works]
        transact = ledger._store.transact

        def impatient(works: Sequence[Callable[[LedgerTransaction], object]]) -> list[object]:
            if len(works) > 2:  # the last one is the group's own
                jobs[0].tell_slow()
                raise EventRefusedError("One of them is wrong.")
            return transact(works)

        monkeypatch.setattr(ledger._store, "transact", impatient)
        ledger._serve(groupcommit._Group(jobs))
        assert await jobs[1].future == 1
        with pytest.raises(LedgerSlowError):
            await jobs[0].future

    asyncio.run(story())
    assert [record.event for record in ledger.records()] == [PLAYED]
    ledger.close()


@pytest.mark.parametrize("together", [1, 3])
def test_who_stops_waiting_before_the_commit_is_not_recorded(tmp_path: Path, together: int) -> None:
    """A call that is told that its append failed while the transaction has it is taken out again, and those
    beside it are recorded."""
    ledger = GroupCommitLedger(str(tmp_path / "acme.sqlite3"))

    async def story() -> None:
        loop = asyncio.get_running_loop()

        def given_up(transaction: LedgerTransaction) -> int:
            jobs[0].tell_slow()
            return transaction.append(PLAYED)

        works = [given_up, *[lambda transaction: transaction.append(PARTIAL)] * (together - 1)]
        jobs = [groupcommit._Job(work, loop.create_future()) for work in works]
        ledger._serve(groupcommit._Group(jobs))
        assert [await job.future for job in jobs[1:]] == list(range(1, together))
        with pytest.raises(LedgerSlowError):
            await jobs[0].future

    asyncio.run(story())
    assert [record.event for record in ledger.records()] == [PARTIAL] * (together - 1)
    ledger.close()


def test_i4_writer_that_died_is_followed_by_another(tmp_path: Path) -> None:
    """I4: when something has ended the writer, the next call starts another and is recorded."""
    ledger = GroupCommitLedger(str(tmp_path / "acme.sqlite3"))
    ledger._groups.append("no group")  # type: ignore[arg-type]
    ledger._writing = True
    with pytest.raises(AttributeError):
        ledger._write()
    assert asyncio.run(ledger.append(PLAYED)) == 1
    ledger.close()
    with pytest.raises(LedgerError, match="closed"):
        asyncio.run(ledger.append(PLAYED))


def filled(file: Path, *events: Event) -> SqliteStore:
    """A store that holds these events."""
    store = SqliteStore(str(file))
    store.append(list(events))
    return store


def test_erased_caller_is_unknown_and_leaves_no_trace_of_himself(tmp_path: Path) -> None:
    """After an erasure nothing in the files leads to the caller, and the others are as they were."""
    file = tmp_path / "acme.sqlite3"
    theirs = replace(PLAYED, pseudonym=OTHER)
    store = filled(file, PLAYED, theirs, PARTIAL, NOTDUE)
    assert erase(file, [ONE], AT).records == 3
    assert store.history(ONE) == {}
    assert store.of_caller(ONE) == []
    assert store.history(OTHER)["privacy"].record == 2
    records = list(store.records())
    assert [record.event.erased for record in records] == [True, False, True, True, False]
    assert records[1].event == theirs
    assert (records[4].event.kind, records[4].event.reference) == (
        RecordKind.ERASURE,
        "3 records; leaves 0 2-3",
    )
    store.close()
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or ONE not in path.read_bytes()


def test_purge_takes_what_is_old_and_what_it_proved(tmp_path: Path) -> None:
    """Records older than the retention go, their callers are unknown then, and the purge is on record."""
    old, new = replace(PLAYED, at=AT - timedelta(days=900)), replace(PLAYED, pseudonym=OTHER)
    skip = replace(NOTDUE, basis=1)
    store = filled(tmp_path / "acme.sqlite3", old, new, skip)
    cutoff = AT - timedelta(days=30)
    assert expiry.count_older(store, cutoff) == 1
    assert expiry.purge(store, cutoff, AT) == 1
    assert expiry.purge(store, cutoff, AT) == 0
    assert store.history(ONE) == {}
    assert store.history(OTHER)["privacy"].record == 2
    records = list(store.records())
    assert [record.number for record in records] == [2, 3, 4]
    assert (records[1].event.basis, records[2].event.kind) == (1, RecordKind.PURGE)
    assert records[2].event.reference == "1 record, 1 to 1, from before 2026-10-25 12:30 UTC; leaves 0"
    assert store.append([PLAYED]) == [5]
    store.close()


def test_record_is_as_old_as_its_entry(tmp_path: Path) -> None:
    """One that happened long ago and was entered since is not among the older ones, nor is one of that very
    time."""
    times = (AT - timedelta(days=2), None), (AT - timedelta(microseconds=1), None), (AT, None)
    entered = (AT - timedelta(days=9), AT), (AT - timedelta(days=9), AT - timedelta(days=8))
    with closing(SqliteStore(str(tmp_path / "acme.sqlite3"))) as store:
        store.append([replace(PLAYED, at=at, recorded=recorded) for at, recorded in (*times, *entered)])
        assert expiry.count_recorded_before(store, AT) == 3


def test_number_of_a_purged_record_is_never_used_again(tmp_path: Path) -> None:
    """Also where none is left: the record of the purge comes after all that it names, and others after it."""
    with closing(SqliteStore(str(tmp_path / "acme.sqlite3"))) as store:
        assert store.append([PLAYED, PLAYED, PLAYED]) == [1, 2, 3]
        assert expiry.purge(store, AT + timedelta(days=1), AT + timedelta(days=1)) == 3
        assert [record.number for record in store.records()] == [4]
        assert store.append([PLAYED]) == [5]


def test_purge_in_many_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, they go page by page, each with the note that says which they were."""
    monkeypatch.setattr(expiry, "PAGE", 20)
    store = filled(
        tmp_path / "acme.sqlite3", *[replace(PLAYED, pseudonym=bytes([n]) * 32) for n in range(50)]
    )
    assert expiry.purge(store, AT + timedelta(days=1), AT) == 50
    assert [record.event.reference for record in store.records()] == [
        "20 records, 1 to 20, from before 2026-11-25 12:30 UTC; leaves 0-19",
        "20 records, 21 to 40, from before 2026-11-25 12:30 UTC; leaves 20-39",
        "10 records, 41 to 50, from before 2026-11-25 12:30 UTC; leaves 40-49",
    ]
    with sqlite3.connect(tmp_path / "acme.sqlite3") as other:
        assert other.execute("SELECT count(*) FROM standing").fetchone() == (0,)
    store.close()


def test_notes_of_purges_and_erasures_are_never_purged(tmp_path: Path) -> None:
    """They hold nobody's data, and say why records are missing, however old they are."""
    store = filled(tmp_path / "acme.sqlite3", PLAYED, replace(PLAYED, pseudonym=OTHER))
    assert erase(store.file, [ONE], AT).records == 1
    assert expiry.purge(store, AT + timedelta(days=1), AT + timedelta(days=1)) == 2
    assert expiry.count_older(store, AT + timedelta(days=9000)) == 0
    assert expiry.purge(store, AT + timedelta(days=9000), AT + timedelta(days=9000)) == 0
    assert [record.event.kind for record in store.records()] == [RecordKind.ERASURE, RecordKind.PURGE]
    store.close()


PURGE = """
import contextlib, sys
from datetime import timedelta
from informativa.ledgers import expiry
from informativa.ledgers.sqlite import SqliteStore
from examples import AT
expiry.PAGE = 10
store = SqliteStore(sys.argv[1])
own = store.turn
@contextlib.contextmanager
def turn():
    sys.stdin.buffer.read(1)  # for each page: so it never comes to its end before it is killed
    with own() as transaction:
        yield transaction
store.turn = turn
print("begun", flush=True)
expiry.purge(store, AT + timedelta(days=1), AT)
"""


@pytest.mark.slow
def test_i3_purge_that_is_killed_leaves_no_record_gone_without_a_note(tmp_path: Path) -> None:
    """I3: killed at any moment: the counts of the notes are those of the records that are gone."""
    for turn in range(0, 6, by_day(2, at_night=1)):
        file = tmp_path / f"{turn}.sqlite3"
        store = filled(file, *[PLAYED] * 2000)
        purging = subprocess.Popen(
            [sys.executable, "-c", PURGE, file],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": str(Path(__file__).parent)},
        )
        assert purging.stdin
        assert purging.stdout
        assert purging.stdout.readline() == b"begun\n"
        purging.stdin.write(b"." * (23 * turn + 10))  # of 10 records, of which nine are fewer: one is a note
        purging.stdin.flush()
        while store.count() > 2000 - turn * 200:
            pass
        purging.kill()
        purging.wait()
        purging.stdin.close(), purging.stdout.close()
        records = list(store.records())
        noted = sum(
            int(one.event.reference.split()[0]) for one in records if one.event.kind is RecordKind.PURGE
        )
        left = sum(one.event.kind is RecordKind.PHONE for one in records)
        assert noted + left == 2000
        assert left > 0
        store.close()


events = st.builds(
    lambda version, purposes, status, caller: replace(
        PLAYED, version=version, purposes=purposes, status=status, pseudonym=caller
    ),
    st.sampled_from(["1", "2"]),
    st.frozensets(st.sampled_from(["service", "marketing"])),
    st.sampled_from([Status.PLAYED, Status.PARTIAL, Status.INFORMED]),
    st.sampled_from([ONE, OTHER, None]),
)


@given(st.lists(events, max_size=12))
@settings(max_examples=by_day(25, at_night=50), deadline=None)
@pytest.mark.slow
def test_standing_is_what_the_events_say(history: list[Event]) -> None:
    """The derived standing equals what the deliveries add up to, however they came."""
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(f"{folder}/l.sqlite3")
        for event in history:
            store.append([event])
        for caller in (ONE, OTHER):
            informing = [(n, e) for n, e in enumerate(history, 1) if e.pseudonym == caller and e.informs]
            standing = store.history(caller)
            assert bool(standing) == bool(informing)
            if informing:
                delivery = standing["privacy"]
                assert delivery.versions == {event.version for _, event in informing}
                assert delivery.purposes == frozenset().union(*(event.purposes for _, event in informing))
                assert delivery.record == informing[-1][0]
        store.close()


def test_ledger_that_is_read_is_not_opened_to_be_written(tmp_path: Path) -> None:
    """Whatever is asked of it, no log comes to lie beside it: another process that opens it at that moment
    would take that log for one whose other file somebody deleted."""
    file = tmp_path / "acme.sqlite3"
    with closing(SqliteStore(str(file))) as store:
        store.append([PLAYED])
    with closing(SqliteStore(str(file), read_only=True)) as store, store.connected() as connection:
        assert connection.execute("SELECT count(*) FROM event").fetchone() == (1,)
        assert [path.name for path in tmp_path.iterdir()] == [file.name]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("DELETE FROM event")
