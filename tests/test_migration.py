"""A ledger of an earlier informativa: copied, then migrated, all or nothing, and by one process alone."""

from __future__ import annotations

import asyncio
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import namedtuple
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from commands import run
from examples import AT, ONE, OTHER, PLAYED
from informativa.config import load
from informativa.ledgers import backup, expiry, migrating
from informativa.ledgers.ledger_file import LedgerFile
from informativa.ledgers.rows import THERE, moment
from informativa.ledgers.sqlite import SqliteLedger, SqliteStore
from informativa.model.errors import LedgerError, LedgerOutdatedError
from informativa.operations.doctor import probe
from informativa.process import maintenance, storage
from lab.copied_ledgers import copied_ledgers
from lab.office import Office, without_privileges
from old_ledgers import INSERT, NEWEST, form, old, rows

pytestmark = pytest.mark.migrated_ledgers


def copies(ledger: Path) -> list[Path]:
    """The copies beside a ledger; nothing else of a copy may lie there."""
    files = [copy.file for copy in backup.backups(ledger)]
    known_names = {
        ledger.name,
        *(f"{ledger.name}{end}" for end in ("-wal", "-shm")),
        *(file.name for file in files),
    }
    assert {file.name for file in ledger.parent.iterdir()} - known_names == set()
    return files


@pytest.mark.parametrize("schema", range(1, NEWEST))
def test_ledger_of_every_earlier_form_is_copied_and_migrated(tmp_path: Path, schema: int) -> None:
    """Its records are kept and its callers stay known; the copy is private, sound, and equals what it was."""
    ledger = old(tmp_path / "ledger/acme.sqlite3", schema)
    rows_before = rows(ledger)
    days = [datetime.now(UTC)]
    store = SqliteStore(str(ledger))
    days.append(datetime.now(UTC))
    assert store.history(ONE)["privacy"].record == 3
    assert len(list(store.records())) == 3
    store.close()
    assert form(ledger) == NEWEST
    assert rows(ledger) == rows_before
    (copy,) = copies(ledger)
    assert copy.name in [f"acme.sqlite3.schema-{schema}.{day:%Y-%m-%d}" for day in days]
    assert (form(copy), rows(copy)) == (schema, rows_before)
    assert rows(copy, "PRAGMA integrity_check") == [("ok",)]
    assert copy.stat().st_mode & 0o777 == 0o600
    SqliteStore(str(ledger)).close()
    assert copies(ledger) == [copy]


def test_ledger_that_begins_as_a_copy_is_like_one_that_was_migrated(tmp_path: Path) -> None:
    """New ledgers of other tests differ in nothing from those that went through all migrations."""
    ways: dict[str, AbstractContextManager[None]] = {"migrated": nullcontext(), "copied": copied_ledgers()}
    states = []
    for way, begins in ways.items():
        file = tmp_path / way / "acme.sqlite3"
        with begins, closing(SqliteStore(str(file))):
            (mode, names) = file.stat().st_mode, sorted(path.name for path in file.parent.iterdir())
        with closing(sqlite3.connect(file)) as connection:
            facts = [*connection.iterdump()]
            for name in ("user_version", "application_id", "schema_version", "page_size", "page_count"):
                facts += connection.execute(f"PRAGMA {name}").fetchone()
            facts += connection.execute("PRAGMA journal_mode").fetchone()
        states.append((mode, names, facts))
    assert states[0] == states[1]


def test_what_rests_on_a_record_under_another_key_does_so_after_migration(tmp_path: Path) -> None:
    """If that record exists its caller stays known; if it was deleted he does not."""
    for deleted in (0, 3):
        ledger = old(tmp_path / f"{deleted}/acme.sqlite3", NEWEST - 1)
        with sqlite3.connect(ledger) as connection:
            connection.execute("UPDATE standing SET pseudonym = ?", (OTHER,))
        connection.close()
        store = SqliteStore(str(ledger))
        assert store.history(OTHER)["privacy"].record == 3
        with sqlite3.connect(ledger) as connection:
            connection.execute("DELETE FROM event WHERE record = ?", (deleted,))
        assert bool(store.history(OTHER)) is not bool(deleted)
        store.close()


@pytest.mark.parametrize("schema", range(1, NEWEST))
def test_records_from_before_two_times_say_when_they_happened_alone(tmp_path: Path, schema: int) -> None:
    """Nor is known who vouched, nor which sound it was; and all counts as told as a whole."""
    store = SqliteStore(str(old(tmp_path / "ledger/acme.sqlite3", schema)))
    records = list(store.records())
    assert [record.event.at for record in records] == [moment(1), moment(2), moment(3)]
    for record in records:
        event = record.event
        assert (event.recorded, event.vouched, event.recording) == (None, None, "")
        assert (event.supplement, event.counts, event.informs) == (False, True, True)
    delivery = store.history(ONE)["privacy"]
    assert (delivery.at, delivery.last_complete, delivery.last_call) == (moment(3), moment(3), None)
    tables = {name for (name,) in rows(store.file, "SELECT name FROM sqlite_master WHERE type = 'table'")}
    others = {
        "elsewhere",
        "number_use",
        "box",
        "identity",
        "erasure_request",
        "owner",
        "signed",
        "newest",
        "outbox",
        "hook",
        "request",
        "request_step",
        "retired_box",
        "lost_tail",
        "erased_record",
    }
    assert tables - others == {
        "answer",
        "event",
        "standing",
        "recording",
        "log",
        "leaf",
        "tally",
        "known",
        "sqlite_sequence",
    }
    store.append([replace(PLAYED, supplement=True, version="2", at=moment(9), recorded=moment(10))])
    delivery = store.history(ONE)["privacy"]
    assert (delivery.at, delivery.last_complete, delivery.versions) == (moment(9), moment(3), {"1", "2"})
    store.close()


@pytest.mark.parametrize("schema", range(1, NEWEST))
def test_ledger_counts_its_records_by_itself(tmp_path: Path, schema: int) -> None:
    """Without SQLite's counter, whose page every call paid for; the file is sound, and numbers go on."""
    store = SqliteStore(str(old(tmp_path / "ledger/acme.sqlite3", schema)))
    ((sql,),) = rows(store.file, "SELECT sql FROM sqlite_master WHERE name = 'event'")
    assert "AUTOINCREMENT" not in sql
    assert rows(store.file, "SELECT * FROM sqlite_sequence") == []
    assert rows(store.file, "PRAGMA integrity_check") == [("ok",)]
    assert store.append([PLAYED, PLAYED]) == [4, 5]
    store.close()


def test_ledger_whose_last_records_are_gone_keeps_its_counter(tmp_path: Path) -> None:
    """Its purge was of a time without records of purges: no later record gets a purged number."""
    ledger = old(tmp_path / "ledger/acme.sqlite3", 7)
    with closing(sqlite3.connect(ledger)) as connection, connection:
        connection.execute("DELETE FROM event WHERE record > 1")
    with closing(SqliteStore(str(ledger))) as store:
        assert expiry.purge(store, moment(9), AT) == 1
        assert [record.number for record in store.records()] == [4]
        assert store.append([PLAYED]) == [5]


def test_what_was_imported_is_found_by_an_index(tmp_path: Path) -> None:
    """Or an import of 10,000 rows would read the ledger 10,000 times."""
    store = SqliteStore(str(old(tmp_path / "ledger/acme.sqlite3", 5)))
    plan = store._connection.execute(
        f"EXPLAIN QUERY PLAN {THERE}", (1, ONE, "a", "b", "c", "d", None)
    ).fetchall()
    assert [step[3] for step in plan] == ["SEARCH event USING INDEX event_reference (at=? AND pseudonym=?)"]
    plan = store._connection.execute(
        f"EXPLAIN QUERY PLAN {THERE}", (1, None, "a", "b", "c", "d", None)
    ).fetchall()
    assert [step[3] for step in plan] == ["SEARCH event USING INDEX event_reference (at=? AND pseudonym=?)"]
    store.close()


SWAPPED = """
import os, sys
from pathlib import Path
from informativa.ledgers import backup
from informativa.ledgers.sqlite import SqliteStore
ledger, victim = map(Path, sys.argv[1:])
own = backup.create
def swapped(file, *rest, **more):
    made = own(file, *rest, **more)
    file.unlink()
    file.symlink_to(victim)
    return made
backup.create = swapped
SqliteStore(str(ledger))
"""


@pytest.mark.parametrize("victim", ["there", "not there"])
def test_link_in_the_place_of_a_copy_is_not_followed(tmp_path: Path, victim: str) -> None:
    """The owner of the folder could make root overwrite another file, so the file that SQLite opened is
    checked."""
    ledger = old(tmp_path / "ledger/acme.sqlite3", 3)
    target = tmp_path / "victim"
    if victim == "there":
        target.touch()
    ran = subprocess.run(
        [sys.executable, "-c", SWAPPED, ledger, target], capture_output=True, text=True, check=False
    )
    assert "LedgerError" in ran.stderr
    assert target.exists() == (victim == "there")
    assert not target.exists() or target.read_bytes() == b""
    assert (form(ledger), copies(ledger)) == (3, [])


def test_copy_goes_back_in_the_place_of_the_ledger(tmp_path: Path) -> None:
    """It can be migrated again, for it is a ledger."""
    ledger = old(tmp_path / "ledger/acme.sqlite3", 1)
    SqliteStore(str(ledger)).close()
    (copy,) = copies(ledger)
    for file in ledger.parent.glob("acme.sqlite3*"):
        if file != copy:
            file.unlink()
    copy.rename(ledger)
    SqliteStore(str(ledger)).close()
    assert (form(ledger), len(rows(ledger))) == (NEWEST, 3)


def test_ledger_without_records_is_migrated_without_a_copy(tmp_path: Path) -> None:
    """There is nothing to lose, so nobody waits: a call's script may do it too."""
    ledger = old(tmp_path / "ledger/acme.sqlite3", 2, records=0)
    SqliteStore(str(ledger), migrate=False).close()
    assert (form(ledger), copies(ledger)) == (NEWEST, [])


def test_i4_no_call_waits_for_a_migration(tmp_path: Path) -> None:
    """I4: what handles a call finds the ledger outdated at once, and touches nothing."""
    ledger = old(tmp_path / "ledger/acme.sqlite3", 2)
    with pytest.raises(LedgerOutdatedError, match="informativa check"):
        SqliteLedger(str(ledger))._store()
    assert (form(ledger), copies(ledger)) == (2, [])


CRASH = """
import os, sqlite3, sys
from pathlib import Path
from informativa.ledgers import backup, migrating
where, ledger = sys.argv[1:]
def crash(*_):
    os._exit(9)
if where == "copying":
    own = sqlite3.connect
    class Half(sqlite3.Connection):
        def backup(self, target):
            cut = lambda status, left, all: crash() if left < all - 3 else 0
            super().backup(target, pages=1, progress=cut)
    backup.sqlite3.connect = lambda *a, **k: own(*a, **{"factory": Half, **k})
elif where == "synchronising":
    backup._sync = crash
elif where == "copied":
    Path.replace = lambda self, to: (os.rename(self, to), crash())
elif where == "migrating":
    statements = migrating.statements
    migrating.statements = lambda sql: (s if "recording" not in s else crash() for s in statements(sql))
elif where == "migrated":
    statements = migrating.statements
    migrating.statements = lambda sql: (crash() if "imported" in s else s for s in statements(sql))
from informativa.ledgers.sqlite import SqliteStore
SqliteStore(ledger)
"""


@pytest.mark.parametrize("where", ["copying", "synchronising", "copied", "migrating", "migrated"])
def test_i3_crash_at_any_point_loses_nothing(tmp_path: Path, where: str) -> None:
    """I3: no half copy looks whole, the ledger is as it was, and the next start does it all."""
    ledger = old(tmp_path / "ledger/acme.sqlite3", 3, records=500)
    rows_before = rows(ledger)
    ran = subprocess.run([sys.executable, "-c", CRASH, where, ledger], capture_output=True, check=False)
    assert ran.returncode == 9, ran.stderr
    assert (form(ledger), rows(ledger)) == (3, rows_before)
    complete = [copy.file for copy in backup.backups(ledger)]
    assert len(complete) == (0 if where in ("copying", "synchronising") else 1)
    for file in complete:
        assert rows(file) == rows_before
    SqliteStore(str(ledger)).close()
    assert (form(ledger), rows(ledger)) == (NEWEST, rows_before)
    (copy,) = copies(ledger)
    assert rows(copy) == rows_before


def test_no_room_on_the_disk_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said beforehand how much is needed, and what to type; afterwards it goes on."""
    ledger = old(tmp_path / "ledger/acme.sqlite3", 3)
    usage = namedtuple("usage", "total used free")
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 5_000_000))
        with pytest.raises(LedgerError, match=r"17 MB are needed, 5 MB are free.*df -h .*informativa check"):
            SqliteStore(str(ledger))
    assert (form(ledger), copies(ledger)) == (3, [])
    SqliteStore(str(ledger)).close()
    assert form(ledger) == NEWEST


def test_disk_that_fills_up_meanwhile_changes_nothing(tmp_path: Path) -> None:
    """A copy that does not fit is taken away again, and the message says why."""
    ledger = old(tmp_path / "ledger/acme.sqlite3", 3, records=2000)
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 17, 1 << 17));"
        "from informativa.ledgers.sqlite import SqliteStore; SqliteStore(sys.argv[1])"
    )
    ran = subprocess.run([sys.executable, "-c", limited, ledger], capture_output=True, text=True, check=False)
    assert "LedgerError" in ran.stderr
    assert (form(ledger), copies(ledger)) == (3, [])


def test_folder_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    """The message names the folder."""
    ledger = old(tmp_path / "ledger/acme.sqlite3", 3)
    ledger.parent.chmod(0o500)
    opened = "import sys; from informativa.ledgers.sqlite import SqliteStore; SqliteStore(sys.argv[1])"
    command = [*without_privileges(), sys.executable, "-c", opened, ledger]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    ledger.parent.chmod(0o700)
    assert f"free space of {ledger.parent}" in ran.stderr
    assert (form(ledger), copies(ledger)) == (3, [])


def test_many_processes_at_once_make_one_copy(tmp_path: Path) -> None:
    """The first does it under the ledger's own lock; the others find it done."""
    ledger = old(tmp_path / "ledger/acme.sqlite3", 3, records=2000)
    opened = """
import sys
from datetime import datetime
from informativa.ledgers import backup
from informativa.ledgers.sqlite import SqliteStore
own = backup.make
backup.make = lambda *given: (print("made"), own(*given))
sys.stdin.read()
SqliteStore(sys.argv[1]).close()
"""
    command = [sys.executable, "-c", opened, ledger]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    for process in processes:
        assert process.stdin
        process.stdin.close()
    outputs = []
    for process in processes:
        assert process.stdout
        outputs.append(process.stdout.read())
        assert process.wait(60) == 0
    assert sorted(outputs) == ["", "", "", "made\n"]
    assert len(copies(ledger)) == 1


@pytest.mark.slow
def test_ledger_that_is_migrated_while_it_is_opened_is_known_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All values that tell it from another program's database are read in one state."""
    ledger = old(tmp_path / "ledger/acme.sqlite3", 3)
    other = LedgerFile(str(ledger))
    pragma, begun = migrating._pragma, list[str]()

    def looked(connection: sqlite3.Connection, name: str) -> int:
        value = pragma(connection, name)
        begun.append(name)
        if len(begun) == 1:
            with other.connected() as connected:
                migrating.bring_up_to_date(connected, ledger, "acme", migrate=True)
        return value

    monkeypatch.setattr(migrating, "_pragma", looked)
    store = SqliteStore(str(ledger))
    assert (begun[0], form(ledger)) == ("application_id", NEWEST)
    assert store.count() == 3
    store.close()
    other.close()


@pytest.mark.slow
def test_service_takes_calls_and_migrates_beside_them(tmp_path: Path) -> None:
    """It is ready at once, logs what it does and where the copy is, and has the ledger afterwards."""
    office = Office(tmp_path / "etc")
    ledger = old(office.folder / "ledger/acme.sqlite3", 3)
    office.start()
    try:
        office.wait_logged("ledgers opened")
    finally:
        office.stop()
    assert "ledger is migrated; its callers hear the notice" in office.log_text
    (copy,) = copies_of(ledger)
    assert str(copy) in office.log_text
    assert (form(ledger), form(copy)) == (NEWEST, 3)


def copies_of(ledger: Path) -> list[Path]:
    """The copies beside one of several ledgers."""
    return [copy.file for copy in backup.backups(ledger)]


@pytest.mark.slow
def test_check_migrates_before_the_service_is_started(tmp_path: Path) -> None:
    """This is for machines with only the script, and for admins who want to watch it."""
    office = Office(tmp_path / "etc")
    ledger = old(office.folder / "ledger/acme.sqlite3", 4)
    office.command("check", "-c", office.config)
    assert form(ledger) == NEWEST
    assert len(copies_of(ledger)) == 1


@pytest.mark.parametrize(
    "command",
    [
        ["status"],
        ["evidence", "key"],
        ["evidence", "receipt", "1"],
        ["evidence", "audit"],
        ["evidence", "publish"],
    ],
)
@pytest.mark.parametrize("schema", [3, 6])
def test_what_only_reads_an_earlier_ledger_says_what_to_type(
    folder: Path, schema: int, command: list[str]
) -> None:
    """And not which column SQLite does not find; nothing is migrated by the way."""
    ledger = old(folder / "ledger/acme.sqlite3", schema)
    one = [] if command == ["status"] else ["--controller", "acme"]
    ran = run(*command, *one, "-c", folder / "informativa.yaml")
    assert ran.returncode == (2 if command[-1] == "audit" else 1)
    output = " ".join((ran.stdout + ran.stderr).split())
    assert "is of an earlier informativa and not migrated yet." in output
    assert "without a service type: informativa check" in output
    assert "no such" not in output
    assert form(ledger) == schema


def test_copies_are_deleted_in_time(folder: Path) -> None:
    """The service deletes them after a month, not before; purge says until when they hold older records."""
    controller = load(folder / "informativa.yaml").controllers["acme"]
    ledger = old(Path(controller.ledger), 3)
    ledger.with_name(f"{ledger.name}.schema-3.2026-02-30").touch()  # an admin's own: there is no such day
    storage.store(controller).close()
    (copy,) = backup.backups(ledger)
    purge = ("purge", "--controller=acme", "-c", folder / "informativa.yaml")
    assert f"{copy.file}, a copy from before an upgrade, holds older records until {copy.deleted_on}" in (
        run(*purge).stdout
    )
    now = datetime.now(UTC)
    maintenance.drop_backups(controller, now + timedelta(days=backup.DAYS - 1))
    assert copies_of(ledger) == [copy.file]
    maintenance.drop_backups(controller, now + timedelta(days=backup.DAYS))
    assert copies_of(ledger) == []


def test_erasing_a_caller_takes_the_copies_away(folder: Path) -> None:
    """They may hold him too; it is said before it is done."""
    controller = load(folder / "informativa.yaml").controllers["acme"]
    ledger = old(Path(controller.ledger), 3)
    storage.store(controller).close()
    (copy,) = copies_of(ledger)
    erase = ("caller", "erase", "+393331234567", "--controller=acme", "-c", folder / "informativa.yaml")
    assert f"{copy}, a copy from before an upgrade, would be deleted" in run(*erase).stdout
    assert copy.exists()
    assert "was deleted" in run(*erase, "--yes").stdout
    assert not copy.exists()
    assert ledger.exists()


PATIENT = """
import sys, time
from pathlib import Path
from informativa.process import storage
from informativa.cli.main import main
migrate, go = storage.migrate, Path(sys.argv.pop(1))
def patient(controller):
    while not go.exists():
        time.sleep(0.01)
    migrate(controller)
storage.migrate = patient
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_reload_waits_for_no_migration(tmp_path: Path) -> None:
    """SIGHUP takes effect at once, and what was migrated meanwhile is opened under the new configuration."""
    office = Office(tmp_path / "etc", program=(sys.executable, "-c", PATIENT, tmp_path / "go"))
    ledger = old(office.folder / "ledger/acme.sqlite3", 3)
    office.start()
    try:
        office.wait_logged("ledger is migrated; its callers hear the notice")
        office.edit("drain: 100", "drain: 90")
        assert office.reload()
        assert form(ledger) == 3
        loaded = load(office.config)
        status = asyncio.run(probe.status("127.0.0.1", office.port, loaded.tokens))
        assert status is not None
        assert status["configuration"] == loaded.digest
        (tmp_path / "go").touch()
        office.wait_logged("ledgers opened")
        assert form(ledger) == NEWEST
        assert asyncio.run(probe.status("127.0.0.1", office.port, loaded.tokens)) == status
    finally:
        office.stop()


COUNTED = """
import sys, time
from informativa.process import maintenance, regular_work, storage
from informativa.cli.main import main
maintenance.FIRST_PAUSE, regular_work.REOPEN_SECONDS = 0.05, 0.01
migrate = storage.migrate
def counted(controller):
    # One write, for print's parts may come among another thread's; the time first, so that it is there.
    sys.stderr.write(f'{time.monotonic()} "event": "tried"\\n')
    migrate(controller)
storage.migrate = counted
sys.exit(main(sys.argv[1:]))
"""


def broken(ledger: Path) -> Path:
    """A ledger that cannot be migrated: a column that is to be added is there."""
    old(ledger, 3)
    with sqlite3.connect(ledger) as connection:
        connection.execute("ALTER TABLE event ADD COLUMN counts")
    connection.close()
    return ledger


@pytest.mark.slow
def test_migration_that_fails_is_copied_once_told_once_and_tried_ever_more_seldom(tmp_path: Path) -> None:
    """The first copy stays as it is; the pause doubles each time."""
    office = Office(tmp_path / "etc", program=(sys.executable, "-c", COUNTED))
    ledger = broken(office.folder / "ledger/acme.sqlite3")
    office.start()
    try:
        office.wait_logged("tried", 1)
        office.wait_logged("ledger cannot be used")
        (copy,) = copies_of(ledger)
        first = copy.stat()
        office.wait_logged("tried", 5)
        tries = [float(at) for at in re.findall(r'([\d.]+) "event": "tried"', office.log_text)][:5]
        pauses = [after - before for before, after in pairwise(tries)]
        assert all(pause >= least for pause, least in zip(pauses, (0.05, 0.1, 0.2, 0.4), strict=True))
        assert copies_of(ledger) == [copy]
        assert (copy.stat().st_ino, copy.stat().st_mtime_ns) == (first.st_ino, first.st_mtime_ns)
    finally:
        office.stop()
    assert office.log_text.count("ledger cannot be used") == 1
    assert office.log_text.count("ledger is migrated; its callers hear the notice") == 1
    assert "duplicate column" in office.log_text
    assert form(ledger) == 3


def test_copy_of_other_records_is_made_anew(tmp_path: Path) -> None:
    """One of the same records is not; an earlier informativa may have gone on with the ledger meanwhile."""
    ledger = broken(tmp_path / "ledger/acme.sqlite3")
    descriptor = []
    for more in (0, 0, 1):
        with sqlite3.connect(ledger) as connection:
            connection.executemany(INSERT, [(9, ONE)] * more)
        connection.close()
        with pytest.raises(LedgerError, match="duplicate column"):
            SqliteStore(str(ledger))
        (copy,) = copies(ledger)
        descriptor.append((len(rows(copy)), copy.stat().st_mtime_ns))
    assert descriptor[0] == descriptor[1]
    assert [records for records, _ in descriptor] == [3, 3, 4]
