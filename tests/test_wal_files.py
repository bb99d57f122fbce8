"""Log and index of an open ledger (-wal, -shm) are deleted or replaced: nothing that was acknowledged is
lost."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from examples import PLAYED
from informativa.ledgers import deleted_logs, idle, open_descriptors, wal_files
from informativa.ledgers.groupcommit import GroupCommitLedger
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Controller
from informativa.model.errors import LedgerError
from informativa.operations.doctor import ledgers
from informativa.operations.doctor.system import System
from informativa.process import storage
from other_programs import ENDS, Ours, end, foreign, numbers, take

TAKEN = [("-wal",), ("-shm",), ENDS]

INSERT = (
    "INSERT INTO event (at, call, line, notice, version, language, purposes, status, reason, prompt)"
    " VALUES (1, 'foreign', '', '', '', '', '', 'NOTDUE', 'purged', '')"
)


@pytest.mark.parametrize("ends", TAKEN, ids="".join)
def test_i3_deleted_log_loses_nothing_and_no_number_is_used_again(
    tmp_path: Path, ends: tuple[str, ...]
) -> None:
    """I3: 80 records, then the log, its index or both are deleted, and the next record is the 81st, beside
    all the others, for everybody."""
    file = tmp_path / "acme.sqlite3"
    store = SqliteStore(str(file))
    for number in range(1, 81):
        assert store.append([PLAYED]) == [number]
    take(file, ends)
    assert store.append([PLAYED]) == [81]
    assert store.saved == 1
    assert store.append([PLAYED]) == [82]
    assert store.saved == 1
    script = SqliteStore(str(file))
    assert script.append([PLAYED]) == [83]
    script.close()
    assert numbers(file) == list(range(1, 84))
    store.close()
    assert numbers(file) == list(range(1, 84))


def test_i3_empty_log_in_place_of_one_in_use(tmp_path: Path) -> None:
    """I3: whoever opens the ledger then is told what happened, until it is repaired; nothing is lost."""
    file = tmp_path / "acme.sqlite3"
    store = SqliteStore(str(file))
    store.append([PLAYED])
    log = Path(f"{file}-wal")
    log.unlink()
    log.touch()
    command = [
        sys.executable,
        "-c",
        f"from informativa.ledgers.sqlite import SqliteStore; SqliteStore({str(file)!r})",
    ]
    opened = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "(-wal, -shm) was replaced while in use" in opened.stderr
    assert store.append([PLAYED]) == [2]
    other = Ours(file)
    assert other.does("store.append([PLAYED])") == "3"
    other.end()
    store.close()
    assert numbers(file) == [1, 2, 3]


def test_ledger_that_is_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    """Its log would be looked for beside the link, where SQLite has none; the file to name is told. A link to
    its folder is none."""
    (tmp_path / "real").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    (tmp_path / "acme.sqlite3").symlink_to(tmp_path / "real/acme.sqlite3")
    store = SqliteStore(str(tmp_path / "linked/acme.sqlite3"))
    assert store.append([PLAYED]) == [1]
    store.close()
    with pytest.raises(LedgerError, match="is a symbolic link") as caught:
        SqliteStore(str(tmp_path / "acme.sqlite3"))
    assert str(caught.value.remedy).endswith(f"configuration: {tmp_path}/real/acme.sqlite3")


@pytest.mark.parametrize("ends", TAKEN, ids="".join)
def test_i3_deletion_in_the_middle_of_a_transaction(tmp_path: Path, ends: tuple[str, ...]) -> None:
    """I3: what is acknowledged then stands in the file itself: another process finds it at once."""
    file = tmp_path / "acme.sqlite3"
    store = SqliteStore(str(file))
    store.append([PLAYED])

    def work(transaction):  # type: ignore[no-untyped-def]
        number = transaction.append(PLAYED)
        take(file, ends)
        return number

    assert store.transact([work]) == [2]
    assert numbers(file) == [1, 2]
    store.close()


@pytest.mark.parametrize("ends", TAKEN, ids="".join)
@pytest.mark.slow
def test_i3_deleted_log_is_saved_without_a_call(tmp_path: Path, ends: tuple[str, ...]) -> None:
    """I3: a service to which nobody rings notices it by itself, so that even `kill -9` loses nothing then."""
    file = tmp_path / "acme.sqlite3"
    ledger = GroupCommitLedger(str(file))
    assert asyncio.run(ledger.append(PLAYED)) == 1
    take(file, ends)
    until = time.monotonic() + 60
    while not ledger._store.saved and time.monotonic() < until:
        time.sleep(0.01)
    assert ledger._store.saved == 1
    assert numbers(file) == [1]
    assert asyncio.run(ledger.append(PLAYED)) == 2
    ledger.close()


@pytest.mark.slow
def test_i3_idle_ledger_needs_no_log(tmp_path: Path) -> None:
    """I3: after a second without a call all is in the file itself: deleted after `kill -9`, the log takes
    nothing with it."""
    file = tmp_path / "acme.sqlite3"
    ledger = GroupCommitLedger(str(file))
    assert asyncio.run(ledger.append(PLAYED)) == 1
    until = time.monotonic() + 60
    alone = f"{file.as_uri()}?mode=ro&immutable=1"
    count = 0
    while not count and time.monotonic() < until:
        connection = sqlite3.connect(alone, uri=True)
        try:
            (count,) = connection.execute("SELECT count(*) FROM event").fetchone()
        except sqlite3.DatabaseError:  # no tables yet, or half of their pages: "immutable" takes no lock
            time.sleep(0.01)
        connection.close()
    assert count == 1
    ledger.close()


@pytest.mark.parametrize("ends", TAKEN, ids="".join)
@pytest.mark.slow
def test_i3_who_opens_a_ledger_without_its_log_waits_until_it_is_saved(
    tmp_path: Path, ends: tuple[str, ...]
) -> None:
    """I3: a script or a command would begin another history beside the service's: it waits for the service,
    which saves what there is; and where nobody saves it, it is an error that says so."""
    file = tmp_path / "acme.sqlite3"
    holder = Ours(file)
    assert holder.does("store.append([PLAYED])") == "1"
    take(file, ends)
    for read_only in (False, True):
        with pytest.raises(LedgerError, match="was taken away"):
            SqliteStore(str(file), read_only=read_only)
    assert not [one for one in ends if Path(f"{file}{one}").exists()]
    numbers_got: list[list[int]] = []
    script = threading.Thread(target=lambda: numbers_got.append(SqliteStore(str(file)).append([PLAYED])))
    script.start()
    assert holder.does("store.checkpoint_wal()") == ""
    script.join()
    assert numbers_got == [[2]]
    assert holder.end() == 0
    assert numbers(file) == [1, 2]


def test_i3_reader_that_made_a_new_log_is_no_second_history(tmp_path: Path) -> None:
    """I3: somebody looked at the ledger with another program after the deletion: nothing is lost either."""
    file = tmp_path / "acme.sqlite3"
    store = SqliteStore(str(file))
    store.append([PLAYED])
    take(file, ENDS)
    end(foreign(file, "PRAGMA user_version"))
    assert store.append([PLAYED]) == [2]
    store.close()
    assert numbers(file) == [1, 2]


def test_i3_what_others_wrote_by_another_index_stays(tmp_path: Path) -> None:
    """I3: they went on in the same log, so both are one history, once they are done."""
    file = tmp_path / "acme.sqlite3"
    store = SqliteStore(str(file))
    store.append([PLAYED])
    take(file, ("-shm",))
    other = foreign(file, INSERT, INSERT)
    with pytest.raises(LedgerError, match=f"process {other.pid}"):
        store.append([PLAYED])
    end(other)
    assert store.append([PLAYED]) == [4]
    store.close()
    assert numbers(file) == [1, 2, 3, 4]


def test_i3_nothing_is_acknowledged_where_others_wrote_meanwhile(tmp_path: Path) -> None:
    """I3: by another index they may have written over what this transaction wrote, so it fails."""
    file = tmp_path / "acme.sqlite3"
    store = SqliteStore(str(file))
    store.append([PLAYED])

    def work(transaction):  # type: ignore[no-untyped-def]
        number = transaction.append(PLAYED)
        take(file, ("-shm",))
        end(foreign(file, INSERT, INSERT))
        return number

    with pytest.raises(LedgerError, match="was replaced while in use"):
        store.transact([work])
    last = store.append([PLAYED])[0]
    store.close()
    assert numbers(file) == list(range(1, last + 1))


def test_i3_while_others_are_at_work_with_a_new_log_nothing_is_written(tmp_path: Path) -> None:
    """I3: what they read would change under them. When they are gone, all is saved."""
    file = tmp_path / "acme.sqlite3"
    store = SqliteStore(str(file))
    store.append([PLAYED])
    take(file, ENDS)
    other = foreign(file, "PRAGMA user_version")
    with pytest.raises(LedgerError, match=f"process {other.pid}"):
        store.append([PLAYED])
    end(other)
    assert store.append([PLAYED]) == [2]
    store.close()
    assert numbers(file) == [1, 2]


def test_i3_two_histories_are_told_and_both_are_kept(tmp_path: Path) -> None:
    """I3: another program wrote after both were deleted. Nothing is written over: ours is copied, and no more
    is acknowledged."""
    file = tmp_path / "acme.sqlite3"
    service = Ours(file)
    assert service.does("store.append([PLAYED] * 5)") == "1 2 3 4 5"
    assert service.does("store.checkpoint_wal()") == ""
    assert service.does("store.append([PLAYED])") == "6"
    take(file, ENDS)
    end(foreign(file, INSERT, INSERT, INSERT))
    first = service.does("store.append([PLAYED])")
    assert first == service.does("store.append([PLAYED])")
    assert service.end() == 0
    assert "two histories" in first
    (copy,) = tmp_path.glob("acme.sqlite3.rescued-*")
    assert str(copy) in first
    assert copy.stat().st_mode & 0o777 == 0o600
    assert numbers(copy) == [1, 2, 3, 4, 5, 6]
    assert numbers(file) == [1, 2, 3, 4, 5, 6, 7, 8]
    connection = sqlite3.connect(file)
    assert connection.execute("SELECT count(*) FROM event WHERE call = 'foreign'").fetchone() == (3,)
    connection.close()


def test_i3_closing_saves_what_a_deleted_log_holds(tmp_path: Path) -> None:
    """I3: also while another program reads, which keeps SQLite from saving it by itself."""
    file = tmp_path / "acme.sqlite3"
    store = SqliteStore(str(file))
    store.append([PLAYED])
    other = foreign(file, "SELECT count(*) FROM event")
    take(file, ENDS)
    store.close()
    end(other)
    assert numbers(file) == [1]


def test_two_processes_with_one_deleted_log_both_go_on(tmp_path: Path) -> None:
    """Service and script had it open; the first that notices saves it for both."""
    file = tmp_path / "acme.sqlite3"
    store = SqliteStore(str(file))
    store.append([PLAYED])
    other = Ours(file)
    assert other.does("store.append([PLAYED])") == "2"
    for ends, number in zip(TAKEN, (3, 6, 9), strict=True):
        take(file, ends)
        assert store.append([PLAYED]) == [number]
        assert other.does("store.append([PLAYED])") == f"{number + 1}"
        assert store.append([PLAYED]) == [number + 2]
    assert other.end() == 0
    store.close()
    assert numbers(file) == list(range(1, 12))


def test_i3_closing_saves_what_only_the_closed_process_had(tmp_path: Path) -> None:
    """I3: the service still has an earlier log open when a script that began the next one ends; then that is
    deleted, too, and what the script recorded is in the ledger."""
    file = tmp_path / "acme.sqlite3"
    service = SqliteStore(str(file))
    assert service.append([PLAYED]) == [1]
    script = Ours(file)
    assert script.does("store.append([PLAYED])") == "2"
    take(file, ENDS)
    assert script.does("store.append([PLAYED])") == "3"
    assert script.does("store.append([PLAYED])") == "4"
    assert script.end() == 0
    take(file, ENDS)
    assert service.append([PLAYED]) == [5]
    service.close()
    assert numbers(file) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("ends", TAKEN, ids="".join)
def test_who_records_astray_can_be_seen(tmp_path: Path, ends: tuple[str, ...]) -> None:
    """For `doctor`: until it is put right, and of a reader who only has an old log open not at all."""
    file = tmp_path / "acme.sqlite3"
    store = Ours(file)
    assert store.does("store.append([PLAYED])") == "1"
    reader = foreign(file, "SELECT count(*) FROM event")
    assert deleted_logs.processes_with_deleted_wal([file]) == {}
    take(file, ends)
    other = tmp_path / "other.sqlite3"
    (processes,) = deleted_logs.processes_with_deleted_wal([other, file]).values()
    assert len(processes) == 2
    controller = Controller("acme", "Acme", b"", str(file))
    assert storage.processes_with_deleted_wal([controller]) == {"acme": processes}
    wrong = ledgers.opening_findings(System(file, None, ()), controller, processes)
    assert "was deleted under process" in str(next(wrong).finding)
    wrong.close()
    assert store.does("store.checkpoint_wal()") == ""
    assert deleted_logs.processes_with_deleted_wal([file]) == {}
    end(reader)
    assert store.end() == 0
    assert deleted_logs.processes_with_deleted_wal([file]) == {}


def test_place_costs_calls_three_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One at each file, of about a microsecond, and nothing else is asked of the system."""
    files, deleted = wal_files.LedgerFiles(tmp_path / "acme.sqlite3"), list[str]()

    def stat(name: str) -> os.stat_result:
        deleted.append(name)
        return os.stat(name)  # noqa: PTH116

    store = SqliteStore(str(tmp_path / "acme.sqlite3"))
    with monkeypatch.context() as patched:
        patched.setattr(wal_files, "os", SimpleNamespace(stat=stat))
        files.identities()
    assert deleted == [f"{tmp_path}/acme.sqlite3{end}" for end in ("", *ENDS)]
    store.close()


def test_opening_an_open_ledger_again_looks_at_all_descriptors_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 20 ledgers that a process has open, each is opened three times more: their indexes have old
    descriptors, and all descriptors are looked at once, not 60 times."""
    files = [str(tmp_path / f"{number}.sqlite3") for number in range(20)]
    stores = [SqliteStore(file) for file in files]
    looks, open_files = list[int](), open_descriptors._open_files

    def counted() -> dict[int, open_descriptors.Identity]:
        looks.append(1)
        return open_files()

    monkeypatch.setattr(open_descriptors, "_open_files", counted)
    for file in files * 3:
        SqliteStore(file).close()
    assert len(looks) <= 1
    for store in stores:
        store.close()
    assert not open_descriptors.is_open(wal_files.LedgerFiles(Path(files[0])).identities().ledger)


def test_log_is_told_of_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The service's log says loudly what was deleted, and that nothing was lost."""
    ledger = GroupCommitLedger(str(tmp_path / "acme.sqlite3"))

    async def story() -> None:
        await ledger.append(PLAYED)
        take(tmp_path / "acme.sqlite3", ENDS)
        for call in range(3):
            await ledger.append(replace(PLAYED, call=str(call)))

    asyncio.run(story())
    ledger.close()
    assert capsys.readouterr().out.count("was deleted while in use; nothing was lost") == 1
    assert idle.IDLE_SECONDS == 1.0
