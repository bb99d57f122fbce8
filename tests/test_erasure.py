"""I9: erased is erased. The raw bytes of every file are searched for what the keys make of the caller."""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from examples import AT, NOTDUE, OTHER, PARTIAL, PLAYED, UNIDENTIFIED
from informativa.call.caller import pseudonym
from informativa.config import load
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.note_values import NoteSource
from informativa.ledgers import (
    caller_traces,
    erasure,
    expiry,
    gathered_caller,
)
from informativa.ledgers.access_log import AccessLog, LoggedAccess
from informativa.ledgers.erasure import ErasureResult, erase
from informativa.ledgers.instructions import UNSTATED
from informativa.ledgers.sqlite import SqliteStore
from informativa.ledgers.transaction import SqliteTransaction
from informativa.model import Action, Event, Identified, Reason, RecordKind
from informativa.model.errors import LedgerError
from informativa.model.hooks import ErasureUnfinishedError
from informativa.process import storage
from lab.office import BIN
from lab.process import until
from other_programs import end, foreign
from traces import HE, HE_BEFORE, HE_LONG_AGO, KEY, NUMBER, put_in_outbox, traces

CUSTOMER = pseudonym(Identified("4711", customer=True), KEY)

NUMBER_IN_USE = "INSERT INTO number_use (pseudonym, notice, recycled) VALUES (?, 'privacy', 1795523415123456)"


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger in which he is known under his present key."""
    file = tmp_path / "ledger/acme.sqlite3"
    store = SqliteStore(str(file))
    store.append([PLAYED, replace(PLAYED, pseudonym=OTHER, call="2", linked="2")])
    store.close()
    return file


def filled(file: Path, *events: object) -> None:
    """Record more."""
    store = SqliteStore(str(file))
    store.append(list(events))  # type: ignore[arg-type]
    store.close()


def test_i9_nothing_in_any_file_leads_to_an_erased_caller(tmp_path: Path) -> None:
    """Not his records, under any of his keys; not what others say of them; and others are as they were."""
    file = tmp_path / "acme.sqlite3"
    his = replace(PLAYED, pseudonym=HE, reference="contract 7", linked="1700000000.0")
    theirs = replace(PLAYED, pseudonym=OTHER, call="1700000000.77", linked="1700000000.77")
    store = SqliteStore(str(file))
    store.append([his, theirs, replace(PARTIAL, pseudonym=HE_BEFORE), replace(NOTDUE, pseudonym=HE, basis=1)])
    store.append([replace(UNIDENTIFIED, call="1700000000.9", linked="1700000000.0")])  # after a transfer
    store.append([replace(theirs, pseudonym=CUSTOMER, reason=Reason.SAME_CALL, basis=1)])
    assert traces(tmp_path, HE, HE_BEFORE) != []
    assert erasure.would_erase(store, [HE, HE_BEFORE]) == 4
    assert erase(file, [HE, HE_BEFORE], AT) == ErasureResult(4, ())
    assert traces(tmp_path, HE, HE_BEFORE) == []
    records = {record.number: record.event for record in store.records()}
    assert [event.erased for event in records.values()] == [True, False, True, True, True, False, False]
    for number in (1, 3, 4, 5):
        event = records[number]
        assert (event.pseudonym, event.call, event.linked, event.reference) == (None, "", "", "")
        assert (event.basis, event.status) != (1, None)
        assert event.basis is None
    assert records[2] == theirs
    assert records[6].basis is None
    assert (records[6].pseudonym, records[6].call) == (CUSTOMER, "1700000000.77")
    assert (records[7].kind, records[7].reference) == (
        RecordKind.ERASURE,
        "4 records; leaves 0 2-4, and resting on them 5",
    )
    store.close()


def test_i9_records_under_a_key_that_is_gone_are_found_by_what_rests_on_them(tmp_path: Path) -> None:
    """After two rotations, and the first key dropped, the ledger itself still says whose they were."""
    file = tmp_path / "acme.sqlite3"
    store = SqliteStore(str(file))
    store.append([replace(PLAYED, pseudonym=HE_LONG_AGO), replace(PARTIAL, pseudonym=HE_LONG_AGO)])
    for earlier, later in ((HE_LONG_AGO, HE_BEFORE), (HE_BEFORE, HE)):
        store.append([replace(NOTDUE, pseudonym=later, earlier=earlier, basis=1)])
    store.append([replace(PLAYED, pseudonym=OTHER)])
    assert erasure.would_erase(store, [HE]) == 4
    store.close()
    assert erase(file, [HE], AT).records == 4
    assert traces(tmp_path, HE, HE_BEFORE, HE_LONG_AGO) == []
    store = SqliteStore(str(file))
    assert store.history(OTHER)["privacy"].record == 5
    store.close()


def test_i9_many_deliveries_of_many_versions_leave_no_trace(tmp_path: Path) -> None:
    """Rows that were updated, moved and split again and again, also by an SQLite that overwrites nothing."""
    file = tmp_path / "acme.sqlite3"
    store = SqliteStore(str(file))
    store._connection.execute("PRAGMA secure_delete = OFF")
    for turn in range(60):
        purposes = frozenset(f"purpose-{number}" for number in range(turn % 7))
        his = replace(PLAYED, pseudonym=HE, version=str(turn % 9), purposes=purposes, call=f"17.{turn}")
        others = [replace(his, pseudonym=bytes([turn, number]) * 16, call="") for number in range(9)]
        store.append([his, *others, replace(NOTDUE, pseudonym=HE, basis=None)])
        if turn % 10 == 5:
            store.append([replace(NOTDUE, pseudonym=HE_BEFORE, earlier=HE, basis=None)])
            store.append([replace(NOTDUE, pseudonym=HE, earlier=HE_BEFORE, basis=None)])
    store.close()
    assert erase(file, [HE, HE_BEFORE], AT).records == 132
    assert traces(tmp_path, HE, HE_BEFORE) == []
    connection = sqlite3.connect(file)
    assert connection.execute("SELECT count(*) FROM event").fetchone() == (673,)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_i9_what_an_earlier_deletion_left_is_found_too(ledger: Path) -> None:
    """A row that was deleted without being overwritten, as by an earlier informativa: no record says it any
    more, and its bytes go all the same."""
    filled(ledger, *[replace(PLAYED, pseudonym=HE, call=str(number)) for number in range(50)])
    with sqlite3.connect(ledger) as other:
        other.execute("PRAGMA secure_delete = OFF")
        other.execute("DELETE FROM standing WHERE pseudonym = ?", (HE,))
        other.execute("DELETE FROM event WHERE pseudonym = ?", (HE,))
    other.close()
    assert traces(ledger.parent, HE) == ["acme.sqlite3"]
    assert erase(ledger, [HE], AT) == ErasureResult(0, ())
    assert traces(ledger.parent, HE) == []


def test_i9_reader_that_stays_makes_it_fail_with_words_and_a_repetition_succeed(
    ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While somebody reads, the log keeps him: that is no success. What reads is named, and what to do."""
    monkeypatch.setattr(caller_traces, "PATIENCE_SECONDS", 0.3)
    service = SqliteStore(str(ledger))
    service.append([replace(PLAYED, pseudonym=HE)])
    other = foreign(ledger, "BEGIN", "SELECT count(*) FROM event")
    with pytest.raises(LedgerError, match=rf"process {other.pid}.*same again"):
        erase(ledger, [HE], AT)
    assert traces(ledger.parent, HE) != []
    end(other)
    assert erase(ledger, [HE], AT) == ErasureResult(0, ())
    assert traces(ledger.parent, HE) == []
    assert service.append([PLAYED]) == [6]
    service.close()


def test_i9_reader_that_ends_is_waited_for(ledger: Path) -> None:
    """Some seconds long; the calls go on meanwhile."""
    service = SqliteStore(str(ledger))
    service.append([replace(PLAYED, pseudonym=HE)])
    other = foreign(ledger, "BEGIN", "SELECT count(*) FROM event")
    results: list[ErasureResult] = []
    erasing = threading.Thread(target=lambda: results.append(erase(ledger, [HE], AT)))
    erasing.start()
    until(
        lambda: any(record.event.kind == RecordKind.ERASURE for record in service.records()),
        60,
        lambda: "No erasure is on record.",
    )
    assert service.append([PLAYED]) == [5]
    end(other)
    erasing.join()
    assert results == [ErasureResult(1, ())]
    assert traces(ledger.parent, HE) == []
    service.close()


@pytest.mark.slow
def test_i4_calls_wait_for_no_search_of_an_erasure(ledger: Path) -> None:
    """I4: only what came while it was searched is searched for under the lock, and not the whole ledger."""
    store = SqliteStore(str(ledger))
    store.append([replace(PLAYED, pseudonym=bytes([n % 251]) * 32, call=str(n)) for n in range(30_000)])
    steps: list[int] = []
    own = store.transaction

    @contextlib.contextmanager
    def counted() -> Iterator[object]:
        with own() as transaction:
            store._connection.set_progress_handler(lambda: steps.append(1), 1000)
            yield transaction
            store._connection.set_progress_handler(None, 0)

    store.transaction = counted  # type: ignore[method-assign,assignment]
    assert erasure._erase(store, [b"\x07" * 32], AT, UNSTATED, NoteSource.COMMAND).records == 120
    assert (
        len(steps) < 40
    )  # thousands of SQLite's instructions, those of counters among them; a search of all
    # takes hundreds
    store.close()


def unfinished(error: LedgerError, ledger: Path) -> tuple[str, str]:
    """Return the reason of an unfinished erasure, and its first remedy."""
    prefix = f"The caller's records in {ledger} are erased, but traces of him are left. "
    suffix = "Then do the same again: it goes on where it stopped."
    assert str(error.message).startswith(prefix)
    assert str(error.remedy).endswith(suffix)
    return str(error.message).removeprefix(prefix), str(error.remedy).removesuffix(suffix)


class Ringing(SqliteStore):
    """A ledger in which he is recorded anew: before an erasure takes the lock, or has emptied the log."""

    before_lock: ClassVar[list[list[Event]]]
    before_search: ClassVar[list[list[Event]]]

    def transaction(self) -> contextlib.AbstractContextManager[SqliteTransaction]:
        """First by the service, and then ours."""
        self._ring(self.before_lock)
        return super().transaction()

    def empty_log(self, seconds: float) -> None:
        """First by the service; then there is something to empty."""
        self._ring(self.before_search)
        super().empty_log(seconds)

    def _ring(self, rings: list[list[Event]]) -> None:
        if rings:
            filled(self.file, *rings.pop(0))


@pytest.fixture
def ringing(monkeypatch: pytest.MonkeyPatch) -> type[Ringing]:
    """Erasures have such a ledger."""
    Ringing.before_lock, Ringing.before_search = [], []
    monkeypatch.setattr(erasure, "SqliteStore", Ringing)
    return Ringing


def test_i9_record_that_comes_before_the_lock_is_erased_with_the_others(
    ledger: Path, ringing: type[Ringing]
) -> None:
    """The first one after those that were searched, too: at once, and not only when its bytes are found."""
    filled(ledger, replace(PLAYED, pseudonym=HE))
    ringing.before_lock.append([replace(PLAYED, pseudonym=HE)])
    erased = erase(ledger, [HE], AT)
    assert (erased, erased.traces) == (ErasureResult(2, ()), (5,))
    assert traces(ledger.parent, HE) == []


def test_i9_record_that_comes_before_the_search_is_erased_in_another_turn(
    ledger: Path, ringing: type[Ringing]
) -> None:
    """All that was erased is counted, and each turn leaves its record."""
    filled(ledger, replace(PLAYED, pseudonym=HE), replace(PLAYED, pseudonym=HE))
    ringing.before_search.append([replace(PLAYED, pseudonym=HE, earlier=HE_BEFORE)])
    erased = erase(ledger, [HE], AT)
    assert (erased.records, erased.traces) == (3, (5, 7))
    assert traces(ledger.parent, HE, HE_BEFORE) == []


def test_i9_record_that_comes_while_the_ledger_is_written_anew_is_erased_in_another_turn(
    ledger: Path, ringing: type[Ringing]
) -> None:
    """An earlier deletion left bytes of his, and he rings before the log is emptied after it."""
    filled(ledger, *[replace(PLAYED, pseudonym=HE, call=str(number)) for number in range(50)])
    with contextlib.closing(sqlite3.connect(ledger)) as other, other:
        other.execute("PRAGMA secure_delete = OFF")
        other.execute("DELETE FROM standing WHERE pseudonym = ?", (HE,))
        other.execute("DELETE FROM event WHERE pseudonym = ?", (HE,))
    ringing.before_search += [[], [replace(PLAYED, pseudonym=HE)]]
    erased = erase(ledger, [HE], AT)
    assert (erased.records, len(erased.traces)) == (1, 2)
    assert traces(ledger.parent, HE) == []


@pytest.mark.parametrize("statement", [NUMBER_IN_USE])
def test_i9_what_is_known_of_his_number_meanwhile_goes_in_another_turn(
    ledger: Path, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    """Since when a number is his is no record, and leads to him as much as records do."""

    class Learning(SqliteStore):
        learnt = False

        def empty_log(self, seconds: float) -> None:
            if not Learning.learnt:
                Learning.learnt = True
                with contextlib.closing(sqlite3.connect(self.file)) as other, other:
                    other.execute(statement, (HE,))
            super().empty_log(seconds)

    monkeypatch.setattr(erasure, "SqliteStore", Learning)
    erased = erase(ledger, [HE], AT)
    assert (erased, erased.traces) == (ErasureResult(0, ()), (3, 4))
    assert traces(ledger.parent, HE) == []


def test_i9_who_rings_in_every_turn_makes_it_fail_after_three(ledger: Path, ringing: type[Ringing]) -> None:
    """It does not go on for ever: it says why, and what is left is erased when it is done again."""
    ringing.before_search += [[replace(PLAYED, pseudonym=HE)]] * 3
    with pytest.raises(LedgerError) as error:
        erase(ledger, [HE], AT)
    assert unfinished(error.value, ledger) == ("He rings again and again meanwhile.", "")
    assert ringing.before_search == []
    erased = erase(ledger, [HE], AT)
    assert (erased, erased.traces) == (ErasureResult(1, ()), (9,))


def test_i9_every_column_that_leads_to_him_is_emptied(tmp_path: Path) -> None:
    """The key that he pressed too; of times the minute is left, and what was played stays."""
    file = tmp_path / "acme.sqlite3"
    more = {"linked": "17.2", "reference": "contract 7", "earlier": HE_BEFORE}
    filled(file, replace(PARTIAL, pseudonym=HE, recorded=AT + timedelta(minutes=2), **more))
    leading = ("pseudonym", "call", "linked", "reference", "key", "basis", "earlier")
    columns = ", ".join((*leading, "erased", "at", "recorded", "prompt", "heard"))
    with contextlib.closing(sqlite3.connect(file)) as connection:
        read = f"SELECT {columns} FROM event WHERE record = 1"
        values = (HE, "1700000000.1", "17.2", "contract 7", "#", None, HE_BEFORE)
        times = (0, 1_795_523_415_123_456, 1_795_523_535_123_456)
        assert connection.execute(read).fetchone() == (*values, *times, "/p/it/short", 18_000)
        connection.rollback()
        erase(file, [HE], AT)
        nothing = (None, "", "", "", None, None, None)
        times = (1, 1_795_523_400_000_000, 1_795_523_520_000_000)
        assert connection.execute(read).fetchone() == (*nothing, *times, "/p/it/short", 18_000)


def test_ledger_without_a_rule_has_a_trace_that_is_no_note(ledger: Path) -> None:
    """What the hook does not get any more is named."""
    put_in_outbox(ledger, 2)
    erased = erase(ledger, [OTHER], AT)
    assert erased.noted is False
    assert [message.record for message in erased.undelivered] == [2]


def test_acts_that_an_unfinished_erasure_deleted_are_named(
    ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else tells the hook of them: where a copy cannot be deleted, and where he rings in each of three
    turns, of all turns. Typed again, it has none to name."""
    put_in_outbox(ledger, 2)
    copy = ledger.with_name("acme.sqlite3.rescued-2026-11-25T10-11-12")
    copy.mkdir()
    for records in ([2], []):
        with pytest.raises(ErasureUnfinishedError) as caught:
            erase(ledger, [OTHER], AT)
        assert [message.record for message in caught.value.undelivered] == records
    copy.rmdir()
    new = list[int]()

    def clean(_store: SqliteStore, _his: object) -> bool:
        with contextlib.closing(SqliteStore(str(ledger))) as store:
            new.extend(store.append([replace(PLAYED, pseudonym=OTHER)]))
        put_in_outbox(ledger, new[-1])
        return False

    monkeypatch.setattr(caller_traces, "clean", clean)
    with pytest.raises(ErasureUnfinishedError) as caught:
        erase(ledger, [OTHER], AT)
    assert len(new) == 3
    assert [message.record for message in caught.value.undelivered] == new[:2]


@pytest.mark.parametrize("failing", ["_erase", "_note"])
def test_acts_of_a_turn_are_named_though_the_next_one_fails(
    ledger: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """He rings while his traces are searched, and the second turn cannot begin, or is not noted beside the
    ledger: the acts of the first are named, and those that the second deleted."""
    put_in_outbox(ledger, 2)
    new = list[int]()

    def fail(*_values: object) -> None:
        raise LedgerError("The disk is broken.", "Mend it.")

    def clean(_store: SqliteStore, _his: object) -> bool:
        with contextlib.closing(SqliteStore(str(ledger))) as store:
            new.extend(store.append([replace(PLAYED, pseudonym=OTHER)]))
        put_in_outbox(ledger, new[0])
        monkeypatch.setattr(erasure, failing, fail)
        return False

    monkeypatch.setattr(caller_traces, "clean", clean)
    with pytest.raises(ErasureUnfinishedError) as caught:
        erase(ledger, [OTHER], AT)
    assert unfinished(caught.value, ledger) == ("The disk is broken.", "Mend it. ")
    deleted = [2, *new] if failing == "_note" else [2]
    assert [message.record for message in caught.value.undelivered] == deleted


def test_i9_every_table_with_a_pseudonym_is_searched_for_him(ledger: Path) -> None:
    """A table that were added and not named would keep him, and nobody would look there again."""
    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        tables = connection.execute(
            "SELECT t.name FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c"
            " WHERE t.type = 'table' AND c.name = 'pseudonym'"
        ).fetchall()
    assert {name for (name,) in tables} == set(gathered_caller.WITH_PSEUDONYM)


@pytest.mark.parametrize("left", [HE[8:16], b"1700000000.47", b"1700000000.48"])
def test_i9_bytes_that_a_moved_row_left_in_a_page_go_with_the_caller(
    ledger: Path, tmp_path: Path, left: bytes
) -> None:
    """Of his pseudonym, or of the id of a call alone, which leads to him by the PBX's own list of calls."""
    filled(ledger, replace(PLAYED, pseudonym=HE, call="1700000000.47", linked="1700000000.48"))
    with contextlib.closing(sqlite3.connect(ledger, isolation_level=None)) as other:
        other.execute("PRAGMA secure_delete = OFF")
        other.execute("CREATE TABLE moved (bytes)")
        other.execute("INSERT INTO moved VALUES (?)", (left,))
        other.execute("DROP TABLE moved")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert left in ledger.read_bytes()
    filled(ledger, replace(PLAYED, pseudonym=OTHER, call="1700000000.99", linked="1700000000.99"))
    erase(ledger, [HE], AT)
    content = b"".join(file.read_bytes() for file in tmp_path.rglob("acme.sqlite3*"))
    assert traces(tmp_path, HE) == []
    assert content.count(left) == 0
    assert b"1700000000.99" in content


@pytest.mark.slow
def test_i9_erasures_from_a_ledger_of_many_callers_leave_nothing(tmp_path: Path) -> None:
    """Two thousand callers, whose rows were moved from page to page, and twenty of them are erased beside a
    service: neither a pseudonym nor the id of a call of theirs is in the file or in its log."""
    file, chance = tmp_path / "acme.sqlite3", random.Random(5)
    callers = [chance.randbytes(32) for _ in range(2000)]
    service, calls = SqliteStore(str(file)), dict[bytes, list[str]]()
    for group in range(120):
        events = []
        for number in range(40):
            caller, call = chance.choice(callers), f"17{chance.randrange(10**8):08d}.{40 * group + number}"
            calls.setdefault(caller, []).append(call)
            events.append(replace(PLAYED, pseudonym=caller, call=call, linked=call))
        service.append(events)
    content = subprocess.check_output(["cat", file])
    erased = sorted(calls, key=lambda caller: content.count(caller[:8]) / len(calls[caller]))[-20:]
    for caller in erased:
        assert erase(file, [caller], AT).records == len(calls[caller])
    assert service.append([PLAYED]) == [4821]
    assert traces(tmp_path, *erased) == []
    content = b"".join(subprocess.check_output(["cat", path]) for path in tmp_path.glob("acme.sqlite3*"))
    assert [call for caller in erased for call in calls[caller] if call.encode() in content] == []
    service.close()


@pytest.mark.parametrize("before", range(9))
@pytest.mark.parametrize("more", [b"", b"x", b"x" * 40])
def test_i9_piece_that_lies_across_chunks_of_a_file_is_found(before: int, more: bytes) -> None:
    """Wherever the border is, whether the chunks are long or of a byte each; and what is no piece is not."""
    piece, longer = b"eightone", b"of sixteen bytes"
    text = b"x" * 30 + piece + more
    border = 30 + before
    assert caller_traces.holds([text[:border], text[border:]], [longer, piece])
    assert caller_traces.holds([text[:border], text[border : border + 1], text[border + 1 :]], [piece])
    assert caller_traces.holds([bytes([byte]) for byte in text], [longer, piece])
    assert not caller_traces.holds([text[:30], text[31:]], [piece])
    assert not caller_traces.holds([text[:30], text[30:37], text[38:]], [longer, piece])
    assert not caller_traces.holds([text], [])


def test_i9_files_of_others_are_passed_over(ledger: Path, tmp_path: Path) -> None:
    """Not named after the ledger, a link, a folder; what is named after it is found among them."""
    elsewhere = tmp_path / "copy.db"
    for file in (ledger.with_name("a-note.db"), ledger.with_name("notes.db"), elsewhere):
        file.write_bytes(HE)
    ledger.with_name("acme-a-link.db").symlink_to(elsewhere)
    ledger.with_name("acme-a-folder.db").mkdir()
    assert erase(ledger, [HE], AT) == ErasureResult(0, ())
    other = ledger.with_name("acme-before.db")
    other.write_bytes(HE)
    with pytest.raises(LedgerError) as error:
        erase(ledger, [HE], AT)
    assert unfinished(error.value, ledger)[0] == f"{other} holds him."


def test_i9_erasure_is_noted_beside_the_ledger(ledger: Path) -> None:
    """The note has its leaf and its own words, which name leaves, for the restoring of an earlier backup. If
    it cannot be written, the erasure is done all the same."""
    filled(ledger, replace(PLAYED, pseudonym=HE))
    erase(ledger, [HE], AT)
    noted = LogFolder(ledger).published(1)
    assert noted.removals() == {3: "erasure 1 record; leaves 2"}
    (noted.folder / "gone").unlink()
    (noted.folder / "gone").mkdir()
    filled(ledger, replace(PLAYED, pseudonym=HE))
    assert erase(ledger, [HE], AT) == ErasureResult(1, ())


def test_i9_copy_that_cannot_be_deleted_is_named(ledger: Path) -> None:
    """With why, and what to do."""
    copy = ledger.with_name("acme.sqlite3.rescued-2026-11-25T10-11-12")
    copy.mkdir()
    with pytest.raises(LedgerError) as error:
        erase(ledger, [HE], AT)
    message = f"{copy} may hold this caller and cannot be deleted (Is a directory)."
    assert unfinished(error.value, ledger) == (message, f"Delete it: rm {copy} ")
    with pytest.raises(LedgerError) as error:
        erase(ledger / "acme.sqlite3", [HE], AT)
    message = f"{ledger} may hold this caller and cannot be deleted (Not a directory)."
    assert str(error.value.message) == message


def test_i9_file_that_cannot_be_read_is_named(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows what is in it: the erasure is not done."""

    class Failing(SqliteStore):
        def empty_log(self, seconds: float) -> None:
            raise OSError(5, "Input/output error", *names)

    monkeypatch.setattr(erasure, "SqliteStore", Failing)
    for names in ([f"{ledger}-wal"], []):  # errors of a descriptor have no name
        with pytest.raises(LedgerError) as error:
            erase(ledger, [HE], AT)
        file = names[0] if names else ledger
        assert unfinished(error.value, ledger) == (f"{file} cannot be read (Input/output error).", "")


@pytest.mark.parametrize("both_keys", [False, True])
def test_i9_who_looked_at_him_is_kept_and_at_whom_is_not(ledger: Path, both_keys: bool) -> None:
    """Under each pseudonym that the ledger itself leads to; also where the ledger is gone."""
    filled(ledger, replace(NOTDUE, pseudonym=HE, earlier=HE_BEFORE))
    log = AccessLog(ledger)
    for caller in (HE, HE_BEFORE, OTHER):
        log.add(LoggedAccess(AT, "anna", Action.OPEN_CALLER, caller))
    if both_keys:
        for file in ledger.parent.glob("acme.sqlite3*"):
            if not file.name.startswith(log.file.name):
                file.unlink()
    erase(ledger, [HE, HE_BEFORE] if both_keys else [HE], AT)
    assert [entry.pseudonym for entry in log.page(None, 9)] == [OTHER, None, None]
    assert traces(ledger.parent, HE, HE_BEFORE) == []


@pytest.mark.parametrize("at", [0, 8, 16, 24])
def test_i9_each_part_of_a_pseudonym_is_looked_for(ledger: Path, at: int) -> None:
    """Eight bytes of it are enough, the last ones too, and where they lie across a megabyte of a file."""
    other = ledger.with_name("acme-before.db")
    other.write_bytes(b"x" * ((1 << 20) - 7) + HE[at : at + 8] + b"x")
    with pytest.raises(LedgerError) as error:
        erase(ledger, [HE], AT)
    assert unfinished(error.value, ledger) == (f"{other} holds him.", f"Delete it: rm {other} ")
    other.write_bytes(b"x" * ((1 << 20) - 7) + HE[at : at + 7] + b"xx")
    assert erase(ledger, [HE], AT) == ErasureResult(0, ())


def test_i9_every_copy_of_ours_goes_and_others_are_named(tmp_path: Path) -> None:
    """Copies that were cut off, one of a rescue, and what SQLite left beside them.
    One that an admin made is his to delete: it is named, and it is not done until then."""
    ledger = tmp_path / "ledger/acme.sqlite3"
    SqliteStore(str(ledger)).close()
    made_by_us = [
        ".acme.sqlite3.part",
        ".acme.sqlite3.part-journal",
    ]
    made_by_us += [f"acme.sqlite3.rescued-2026-11-25T10-11-12{end}" for end in ("", "-wal")]
    for name in made_by_us:
        (ledger.parent / name).write_bytes(b"1" * 32)
    (ledger.parent / "acme-before.db").write_bytes(b"x" * (1 << 20) + b"1" * 40)
    with pytest.raises(LedgerError, match=r"acme-before\.db holds him.*rm .*acme-before\.db.*same again"):
        erase(ledger, [b"1" * 32], AT)
    names = [file.name for file in sorted(ledger.parent.iterdir())]
    assert names == ["acme-before.db", "acme.log", "acme.sqlite3"]
    (ledger.parent / "acme-before.db").unlink()
    assert erase(ledger, [b"1" * 32], AT) == ErasureResult(0, ())
    assert traces(ledger.parent, b"1" * 32) == []


def test_i9_copies_go_also_where_the_ledger_is_gone(tmp_path: Path) -> None:
    """There is nothing to erase, and something that holds him."""
    ledger = tmp_path / "ledger/acme.sqlite3"
    SqliteStore(str(ledger)).close()
    copy = ledger.rename(ledger.with_name("acme.sqlite3.rescued-2026-11-25T10-11-12"))
    assert erase(ledger, [b"1" * 32], AT) == ErasureResult(0, (copy,))
    assert erase(tmp_path / "nowhere/acme.sqlite3", [HE], AT) == ErasureResult(0, ())
    assert not (tmp_path / "nowhere").exists()


def test_same_file_may_be_imported_again_after_an_erasure_and_a_purge(tmp_path: Path) -> None:
    """Deleted records are new again; those on record, under an earlier key too, are not."""
    store = SqliteStore(str(tmp_path / "acme.sqlite3"))
    row = replace(PLAYED, pseudonym=HE_BEFORE, reference="form 7", kind=RecordKind.CONTRACT, call="")
    assert store.append_new([(row, ())]) == 1
    assert store.append_new([(row, ())]) == 0
    rotated = replace(row, pseudonym=HE)
    assert store.append_new([(rotated, [HE_BEFORE])]) == 0
    assert erase(store.file, [HE, HE_BEFORE], AT).records == 1
    assert store.append_new([(rotated, [HE_BEFORE])]) == 1
    assert expiry.purge(store, AT + timedelta(days=1), AT) == 2
    assert store.append_new([(rotated, [HE_BEFORE])]) == 1
    assert store.append_new([(rotated, [HE_BEFORE])]) == 0
    store.close()


@pytest.mark.slow
def test_i9_command_says_what_is_left_and_succeeds_when_repeated(folder: Path) -> None:
    """Its status tells programs; what it erased is counted once."""
    file = folder / "informativa.yaml"
    controller = load(file).controllers["acme"]
    his = pseudonym(Identified(NUMBER), controller.key)
    store = storage.store(controller)
    store.append([replace(PLAYED, pseudonym=his, at=datetime.now(UTC))])
    other = foreign(store.file, "BEGIN", "SELECT count(*) FROM event")
    command = [BIN / "informativa", "caller", "erase", NUMBER, "-c", file, "--yes", "--controller", "acme"]
    failed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert f"process {other.pid}" in failed.stderr
    end(other)
    again = json.loads(subprocess.check_output([*command, "--json"], text=True))
    (erased,) = again["controllers"]
    assert (again["done"], erased["controller"], erased["records"], erased["copies"]) == (True, "acme", 0, [])
    assert traces(store.file.parent, his) == []
    store.close()
