"""Access log: looks at callers are recorded for good, and the caller is deleted from them when he is
erased."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from commands import typed
from examples import OTHER, PLAYED
from informativa.config import load
from informativa.ledgers import access_log as access_log_file
from informativa.ledgers.access_log import (
    AccessChain,
    AccessFilter,
    AccessLog,
    LoggedAccess,
    _head,
    kept_since,
    writing,
)
from informativa.ledgers.erasure import erase
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Action, Controller, Period
from informativa.model.errors import LedgerError
from informativa.operations import access_log, callers, retention
from informativa.operations.typed_caller import by_number
from informativa.process import maintenance, storage
from informativa.views.documents import document
from traces import HE, HE_BEFORE, traces

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
LOOK = LoggedAccess(NOW, "anna", Action.OPEN_CALLER, HE)


@pytest.fixture
def log(tmp_path: Path) -> AccessLog:
    """One beside a ledger that is not there."""
    return AccessLog(tmp_path / "ledger/acme.sqlite3")


@pytest.fixture
def acme(folder: Path) -> Controller:
    """A configured company."""
    return load(folder / "informativa.yaml").controllers["acme"]


def tampered(log: AccessLog, *statements: str) -> None:
    """Run SQL on the file, as somebody does who may write it."""
    with closing(sqlite3.connect(log.file)) as connection, connection:
        for name in ("access_is_added", "access_is_kept", "access_is_purged", "state_goes_on"):
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert connection.execute(statement).rowcount > 0


def test_what_was_noted_is_read_back_the_newest_first(log: AccessLog) -> None:
    """All that was said, to the microsecond, page by page."""
    assert (log.page(None, 10), log.file.exists()) == ((), False)
    at = NOW + timedelta(microseconds=1)
    entries = [
        LOOK,
        LoggedAccess(at, "anna", Action.OPEN_RECORD, HE, 7, "calls"),
        LoggedAccess(at, "berta", Action.LOGIN),
    ]
    assert [log.add(entry) for entry in entries] == [1, 2, 3]
    recorded = [replace(entry, number=number) for number, entry in enumerate(entries, start=1)]
    assert log.page(None, 10) == tuple(reversed(recorded))
    assert log.page(None, 2) == (recorded[2], recorded[1])
    assert log.page(2, 2) == (recorded[0],)


def test_what_is_wanted_is_found(log: AccessLog) -> None:
    """Entries are found by account, by action, by caller, and by time: from one on, and before another."""
    hour = timedelta(hours=1)
    for number in range(4):
        action = Action.SEARCH if number % 2 else Action.OPEN_CALLER
        pseudonym = (HE, OTHER, None, HE_BEFORE)[number]
        log.add(LoggedAccess(NOW + number * hour, "anna" if number < 2 else "berta", action, pseudonym))

    def numbers(**choice: object) -> list[int]:
        return [entry.number for entry in log.page(None, 9, AccessFilter(**choice))]  # type: ignore[arg-type]

    assert numbers(account="berta") == [4, 3]
    assert numbers(action=Action.SEARCH) == [4, 2]
    assert numbers(account="anna", action=Action.SEARCH) == [2]
    assert numbers(since=NOW + hour, until=NOW + 3 * hour) == [3, 2]
    assert numbers(pseudonyms=[HE, HE_BEFORE]) == [4, 1]
    assert numbers(account="anna", pseudonyms=[HE, HE_BEFORE]) == [1]
    log.add(LoggedAccess(NOW + 4 * hour, "carla", Action.OPEN_RECORD, record=17))
    assert numbers(records=[17, 99]) == [5]
    assert numbers(records=[99]) == []
    assert numbers(pseudonyms=[HE], records=[17]) == [5, 1]
    assert numbers(account="anna", pseudonyms=[HE], records=[17]) == [1]


def test_looks_are_kept_by_the_companys_calendar() -> None:
    """The Garante's measure of 27 November 2008: for the retention, or six months where that is shorter; the
    last of November in UTC is December in Rome."""
    now, rome = datetime(2026, 11, 30, 23, 30, tzinfo=UTC), ZoneInfo("Europe/Rome")
    assert kept_since(Period(1), now, rome) == datetime(2026, 5, 31, 22, 30, tzinfo=UTC)
    assert kept_since(Period(8), now, rome) == datetime(2026, 3, 31, 22, 30, tzinfo=UTC)


def test_log_that_is_not_there_tells_of_nothing(log: AccessLog) -> None:
    """And nobody who reads it makes it."""
    assert (log.page(None, 9), log.verify()) == ((), AccessChain(0, 0, bytes(32), None))
    assert (log.erase([HE]), log.purge(NOW)) == (0, 0)
    assert (log.newest(), log.looks(NOW), log.may_have_grown(NOW)) == (None, [], False)
    assert not log.file.parent.exists()


def test_chain_is_of_what_others_can_compute(log: AccessLog) -> None:
    """Each hash is that of the one before and of the row's canonical JSON; what is absent is not in it."""
    facts = '"account":"anna","action":"login","at":1795683600000000,"number":1'
    first = sha256(b"informativa/access/v1\n" + bytes(32) + b"{%s}" % facts.encode()).digest()
    assert log.add(LoggedAccess(NOW, "anna", Action.LOGIN)) == 1
    assert log.verify() == AccessChain(1, 1, first, None)
    log.add(replace(LOOK, record=7, detail="calls"))
    with log._open() as connection:
        salt, person_hash = connection.execute("SELECT salt, who FROM access WHERE number = 2").fetchone()
    assert (len(salt), person_hash) == (16, sha256(b"informativa/access-who/v1\n" + salt + HE).digest())
    facts = (
        '"account":"anna","action":"open-caller","at":1795683600000000,"detail":"calls","number":2,"record":7'
    )
    facts += f',"who":"{person_hash.hex()}"'
    second = sha256(b"informativa/access/v1\n" + first + b"{%s}" % facts.encode()).digest()
    assert log.verify() == AccessChain(2, 2, second, None)


def test_file_says_what_it_is(log: AccessLog) -> None:
    """To whoever finds it; it is written as the ledger is, and what is deleted in it is overwritten, also by
    an SQLite that does neither by itself."""
    log.add(LOOK)
    with closing(sqlite3.connect(log.file)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA secure_delete = OFF")
        log._prepare(connection)
        names = ("application_id", "user_version", "journal_mode", "synchronous", "secure_delete")
        values = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]
    assert values == [0x696E6661, 1, "wal", 2, 1]


def test_line_stands_behind_the_detail(log: AccessLog) -> None:
    """It stays as it is, for it is no caller's number, and complete, however long the detail."""
    log.add(LOOK, "line=+390212345678")
    log.add(replace(LOOK, detail="x" * 500), "line=+390212345678")
    second, first = log.page(None, 2)
    assert (first.detail, second.detail) == ("line=+390212345678", "x" * 181 + " line=+390212345678")


def test_what_cannot_be_noted_leaves_nothing(log: AccessLog) -> None:
    """Neither a row nor a lock; it says where and why."""
    log.add(LOOK)
    with pytest.raises(LedgerError) as error:
        log.add(replace(LOOK, record=1 << 70))
    assert str(error.value) == (
        f"The record of who looked at whom, {log.file}, cannot be used (Python int too large to convert to"
        f" SQLite INTEGER). Look at the owner, mode and free space of {log.file.parent}."
    )
    assert log.add(LOOK) == 2


def test_change_that_fails_is_taken_back(log: AccessLog) -> None:
    """Whatever stops it; and where SQLite took it back already, it is still told what stopped it."""

    def stopped_after(statement: str) -> None:
        with writing(connection):
            connection.execute(statement)
            raise KeyboardInterrupt

    log.add(LOOK)
    with log._open() as connection:
        for statement in ("UPDATE state SET unclean = 1", "ROLLBACK"):
            with pytest.raises(KeyboardInterrupt):
                stopped_after(statement)
            assert not connection.in_transaction
        assert connection.execute("SELECT unclean FROM state").fetchone() == (0,)


def test_two_who_write_wait_for_each_other_from_the_start(log: AccessLog) -> None:
    """No other process writes between the reading of the newest row and the adding of the next."""
    log.add(LOOK)
    with (
        log._open() as connection,
        writing(connection),
        closing(sqlite3.connect(log.file, timeout=0.0)) as other,
    ):
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        assert _head(connection)[0] == 1


def test_folders_above_are_made_for_its_user_alone(tmp_path: Path) -> None:
    """They are made as for a ledger; folders that exist stay as they are."""
    log = AccessLog(tmp_path / "one/two/acme.sqlite3")
    log.add(LOOK)
    assert log.file.parent.stat().st_mode & 0o777 == 0o700
    log.file.parent.chmod(0o750)
    log.add(LOOK)
    assert log.file.parent.stat().st_mode & 0o777 == 0o750


def test_action_of_another_program_is_shown_as_it_is(log: AccessLog) -> None:
    """A word that this program does not know hides no entry: it is read and counted as it stands."""
    log.add(LOOK)
    log.add(replace(LOOK, action=Action.AUDIT))
    tampered(log, "UPDATE access SET action = 'dance' WHERE number = 2")
    assert [entry.action for entry in log.page(None, 9)] == ["dance", LOOK.action]
    assert log.count() == {LOOK.action: 1, "dance": 1}


def test_no_number_gets_into_a_detail(log: AccessLog) -> None:
    """Typed text may hold a number, and the log outlives the caller's erasure."""
    log.add(replace(LOOK, detail="reference of +39 333 1234567" + "x" * 500))
    (entry,) = log.page(None, 1)
    assert (entry.detail[:29], len(entry.detail)) == ("reference of +## ### #######x", 200)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access SET account = 'somebody'",
        "UPDATE access SET record = 9",
        "UPDATE access SET pseudonym = zeroblob(32), salt = NULL",
        "UPDATE access SET who = NULL",
        "DELETE FROM access",
        "DELETE FROM access WHERE number = 2",
        "DELETE FROM state",
        "INSERT OR REPLACE INTO access VALUES (2, 0, 'x', 'login', NULL, NULL, NULL, NULL, '', zeroblob(32))",
        "INSERT INTO access VALUES (9, 0, 'x', 'login', NULL, NULL, NULL, NULL, '', zeroblob(32))",
    ],
)
def test_rows_are_only_added(log: AccessLog, statement: str) -> None:
    """SQL by mistake changes, deletes and replaces none."""
    log.add(LOOK)
    log.add(LOOK)
    with (
        closing(sqlite3.connect(log.file)) as connection,
        pytest.raises(sqlite3.IntegrityError, match=r"only|never|stays"),
    ):
        connection.execute(statement)
    assert log.verify().first_wrong is None


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ("UPDATE access SET account = 'somebody' WHERE number = 3", 3),
        ("UPDATE access SET at = at + 1 WHERE number = 3", 3),
        ("UPDATE access SET action = 'login' WHERE number = 3", 3),
        ("UPDATE access SET detail = 'x' WHERE number = 3", 3),
        ("UPDATE access SET record = 9 WHERE number = 3", 3),
        ("UPDATE access SET pseudonym = zeroblob(32) WHERE number = 3", 3),
        ("UPDATE access SET pseudonym = NULL WHERE number = 3", 3),
        ("UPDATE access SET who = NULL, pseudonym = NULL, salt = NULL WHERE number = 3", 3),
        ("UPDATE access SET hash = zeroblob(32) WHERE number = 3", 3),
        ("DELETE FROM access WHERE number = 3", 3),
        ("DELETE FROM access WHERE number = 1", 1),
        ("UPDATE state SET number = 1", 2),
    ],
)
def test_changed_and_missing_rows_are_found(log: AccessLog, statement: str, wrong: int) -> None:
    """The first that is not what it was, whichever of its facts was changed."""
    for _time in range(5):
        log.add(LOOK)
    assert (log.verify().rows, log.verify().first_wrong) == (5, None)
    tampered(log, statement)
    assert log.verify().first_wrong == wrong


@pytest.mark.parametrize(
    ("entry", "statement"),
    [
        (LOOK, "UPDATE access SET salt = NULL"),
        (LOOK, "UPDATE access SET salt = zeroblob(16)"),
        (replace(LOOK, pseudonym=None), "UPDATE access SET pseudonym = zeroblob(32)"),
        (replace(LOOK, pseudonym=None), "UPDATE access SET pseudonym = zeroblob(32), salt = zeroblob(16)"),
    ],
)
def test_whom_a_row_is_about_is_what_its_hash_says(
    log: AccessLog, entry: LoggedAccess, statement: str
) -> None:
    """Nobody is put into a row, nor in part out of it; the rows before and behind it are whole."""
    for look in (replace(entry, pseudonym=None), entry, replace(entry, pseudonym=None)):
        log.add(look)
    tampered(log, f"{statement} WHERE number = 2")
    assert (log.verify().rows, log.verify().number, log.verify().first_wrong) == (3, 3, 2)


def test_missing_end_is_found_by_who_knows_the_head(log: AccessLog) -> None:
    """The chain alone does not show it; number and hash of a head from before do."""
    for _time in range(3):
        log.add(LOOK)
    chain = log.verify()
    tampered(log, "DELETE FROM access WHERE number = 3")
    after = log.verify()
    assert (after.first_wrong, chain.number, after.number, chain.head == after.head) == (None, 3, 2, False)


def test_newest_row_is_of_a_log_that_has_had_one(log: AccessLog) -> None:
    """Also after all were purged; of an empty file there is none."""
    with pytest.raises(LedgerError):
        log.add(replace(LOOK, at=datetime(1, 1, 1, tzinfo=UTC), record=1 << 63))
    assert (log.file.exists(), log.newest()) == (True, None)
    log.add(LOOK)
    newest = log.newest()
    assert newest is not None
    assert newest[0] == 1
    assert log.purge(NOW + timedelta(days=1)) == 1
    assert log.newest() == newest


def test_looks_at_persons_are_read_alone(log: AccessLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Since a time, the newest first, and no more than 20,000; who logged in looked at nobody."""
    for seconds, action in ((0, Action.OPEN_CALLER), (1, Action.LOGIN), (2, Action.OPEN_CALLER)):
        log.add(replace(LOOK, at=NOW + timedelta(seconds=seconds), action=action))
    times = [look.at for look in log.looks(NOW)]
    assert times == [NOW + timedelta(seconds=2), NOW]
    assert [look.at for look in log.looks(NOW + timedelta(seconds=1))] == times[:1]
    assert access_log_file.MOST_LOOKS == 20_000
    monkeypatch.setattr(access_log_file, "MOST_LOOKS", 1)
    assert [look.at for look in log.looks(NOW)] == times[:1]


def test_log_may_have_grown_where_a_file_of_it_is_of_that_time(log: AccessLog) -> None:
    """Times of files may be two seconds coarse."""
    log.add(LOOK)
    os.utime(log.file, (0, NOW.timestamp()))
    assert log.may_have_grown(NOW + timedelta(seconds=2))
    assert not log.may_have_grown(NOW + timedelta(seconds=2.1))


def test_rows_that_were_checked_are_not_read_again(log: AccessLog) -> None:
    """With an intact state only the rows since then are; without it a change of before is found."""
    log.add(LOOK)
    state = log.verify()
    tampered(log, "UPDATE access SET detail = 'x'")
    log.add(LOOK)
    assert (log.verify(after=state).rows, log.verify(after=state).first_wrong) == (2, None)
    assert log.verify().first_wrong == 1


def test_wrong_row_is_looked_at_again_while_somebody_writes(
    log: AccessLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once where the file stays as it is or nothing is wrong; three times at most where each look finds it
    changed."""
    log.add(LOOK)
    looks, changes, step = list[AccessChain](), [0], [0]
    real = access_log_file.verify

    def looking(connection: sqlite3.Connection, *selection: object) -> AccessChain:
        looks.append(real(connection, *selection))
        changes[0] += step[0]
        return looks[-1]

    monkeypatch.setattr(access_log_file, "verify", looking)
    monkeypatch.setattr(access_log_file.audit_reading, "version", lambda _file: changes[0])
    for step[0], is_wrong, expected in ((1, False, 1), (0, True, 1), (1, True, 3)):
        if is_wrong and not looks[-1].first_wrong:
            tampered(log, "UPDATE access SET detail = 'x'")
        looks.clear()
        assert (log.verify().first_wrong is not None) is is_wrong
        assert len(looks) == expected


@pytest.mark.slow
def test_i9_whom_it_was_about_is_in_no_byte_once_he_is_erased(log: AccessLog) -> None:
    """Neither in the file nor in what lies beside it, while the log is long and others are in it; who looked,
    when and at what stays, the chain is whole, and others are still known."""
    for number in range(300):
        whom = (HE, OTHER, HE_BEFORE)[number % 3]
        log.add(replace(LOOK, pseudonym=whom, record=number, detail="x" * number))
    with closing(sqlite3.connect(log.file)) as connection:  # so that the -wal stays
        connection.execute("SELECT count(*) FROM access").fetchall()
        assert traces(log.file.parent, HE, HE_BEFORE)
        salts = [salt for (salt,) in connection.execute("SELECT salt FROM access WHERE number % 3 <> 2")]
        assert log.erase([HE, HE_BEFORE]) == 200
        assert log.file.with_name(f"{log.file.name}-wal").exists()
        assert traces(log.file.parent, HE, HE_BEFORE, *salts) == []
    assert log.verify().first_wrong is None
    first, second, third = reversed(log.page(4, 3))
    assert (first.erased, second.erased, third.erased) == (True, False, True)
    assert (first.pseudonym, second.pseudonym) == (None, OTHER)
    assert first == replace(LOOK, pseudonym=None, record=0, number=1, erased=True)
    assert traces(log.file.parent, OTHER) == [log.file.name]
    assert log.erase([HE]) == 0


def test_erasure_that_a_reader_holds_up_is_finished_later(
    log: AccessLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so, and the same again does the rest."""
    monkeypatch.setattr("informativa.ledgers.access_log.PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr("informativa.ledgers.access_log.BUSY_SECONDS", 0.1)
    log.add(LOOK)
    with closing(sqlite3.connect(log.file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM access").fetchall()
        with pytest.raises(LedgerError) as error:
            log.erase([HE])
        assert str(error.value) == (
            f"{log.file}-wal still holds what was deleted while another program reads it."
            " End what reads it, or wait until it ends."
        )
        assert traces(log.file.parent, HE)
        reader.execute("ROLLBACK")
        assert log.erase([HE]) == 0
    assert traces(log.file.parent, HE) == []


@dataclass
class Waiting:
    """A clock that goes on while somebody waits, ten seconds at a time; a reader ends at the second."""

    reader: sqlite3.Connection
    at: float = 100.0
    pauses: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        """The time now."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Wait, longer than was asked for."""
        self.at += 10.0
        self.pauses.append(seconds)
        if len(self.pauses) == 2:
            self.reader.execute("ROLLBACK")


def test_erasure_waits_ten_seconds_for_readers(log: AccessLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the second; one who ends in time holds nothing up, and all of it is done."""
    monkeypatch.setattr("informativa.ledgers.access_log.BUSY_SECONDS", 0.0)
    log.add(LOOK)
    with closing(sqlite3.connect(log.file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM access").fetchall()
        waiting = Waiting(reader)
        monkeypatch.setattr("informativa.ledgers.write_lock.time", waiting)
        assert log.erase([HE]) == 1
        assert waiting.pauses == [0.05, 0.05]
        assert traces(log.file.parent, HE) == []
        assert reader.execute("SELECT unclean FROM state").fetchone() == (0,)


def test_every_erasure_reaches_it(tmp_path: Path) -> None:
    """An erasure reaches it: under all pseudonyms of the caller, also by lost keys,
    and without a ledger."""
    ledger = tmp_path / "ledger/acme.sqlite3"
    store = SqliteStore(str(ledger))
    store.append([replace(PLAYED, pseudonym=HE, earlier=HE_BEFORE)])
    store.close()
    log = AccessLog(ledger)
    for pseudonym in (HE, HE_BEFORE, OTHER):
        log.add(replace(LOOK, pseudonym=pseudonym))
    erase(ledger, [HE], NOW)
    assert traces(ledger.parent, HE, HE_BEFORE) == []
    assert [entry.pseudonym for entry in log.page(None, 9)] == [OTHER, None, None]
    ledger.unlink()
    erase(ledger, [OTHER], NOW)
    assert traces(ledger.parent, OTHER) == []


def test_operation_erases_it_and_its_trial_does_not(acme: Controller) -> None:
    """The operation erases it as the command and the page do; the page notes the erasure before, and that
    note loses its caller too."""
    typed = by_number("+393331234567")
    (his,) = callers.pseudonyms(acme, typed.caller)
    access_log.note(acme, "anna", Action.ERASE_TRIAL, NOW, pseudonym=his)
    callers.erase([acme], typed, NOW, really=False)
    assert access_log.page(acme).entries[0].caller == his.hex()
    access_log.note(acme, "anna", Action.ERASE, NOW, pseudonym=his)
    callers.erase([acme], typed, NOW, really=True)
    assert [(entry.action, entry.erased) for entry in access_log.page(acme).entries] == [
        (Action.ERASE, True),
        (Action.ERASE_TRIAL, True),
    ]
    assert access_log.verify(acme).first_wrong is None


def test_old_looks_go_and_the_chain_stays_whole(log: AccessLog) -> None:
    """From the oldest on, up to the first that stays, also all of them; what is added then goes on."""
    day = timedelta(days=1)
    for number in (0, 1, 5, 2, 6):  # a clock that was wrong for a while
        log.add(replace(LOOK, at=NOW + number * day))
    assert (log.purge(NOW), log.purge(NOW + 3 * day), log.purge(NOW + 3 * day)) == (0, 2, 0)
    assert [entry.number for entry in log.page(None, 9)] == [5, 4, 3]
    assert log.verify().first_wrong is None
    assert log.purge(NOW + 9 * day) == 3
    assert (log.verify().rows, log.verify().number, log.add(LOOK)) == (0, 5, 6)
    assert log.verify().first_wrong is None
    tampered(log, "DELETE FROM access WHERE number = 6", "UPDATE state SET number = 4")
    assert log.add(LOOK) == 5


def test_purges_reach_it(acme: Controller) -> None:
    """The service's every day, and the command's; not what only tells what would go."""
    acme = replace(acme, retention=Period(months=60))
    assert acme.retention is not None
    old = acme.retention.before(NOW, acme.zone) - timedelta(days=1)
    log = storage.access_log(acme)
    store = SqliteStore(acme.ledger)
    store.append([replace(PLAYED, at=old), replace(PLAYED, at=NOW, call="2", linked="2")])
    store.close()
    for work, left in (
        (lambda: retention.purge([acme], NOW, really=False), 1),
        (lambda: retention.purge([acme], NOW, really=True), 0),
        (lambda: maintenance.purge(acme, NOW), 0),
    ):
        log.add(replace(LOOK, at=old))
        work()
        assert len(log.page(None, 9)) == left


def test_many_processes_note_at_once(log: AccessLog) -> None:
    """Also the first ones, which make the file: no number twice, none missing, and the chain is whole."""
    program = (
        "import sys; from pathlib import Path; from datetime import datetime, UTC;"
        "from informativa.ledgers.access_log import *; from informativa.model import Action;"
        "log = AccessLog(Path(sys.argv[1]));"
        "[log.add(LoggedAccess(datetime.now(UTC), 'anna', Action.LISTEN)) for _ in range(5)]"
    )
    ledger = log.file.with_name("acme.sqlite3")
    started = [subprocess.Popen([sys.executable, "-c", program, str(ledger)]) for _process in range(6)]
    assert [process.wait() for process in started] == [0] * 6
    assert (log.verify().rows, log.verify().number, log.verify().first_wrong) == (30, 30, None)


def test_file_is_for_its_user_alone(log: AccessLog) -> None:
    """Its mode is that of the ledger."""
    log.add(LOOK)
    assert (log.file.name, log.file.stat().st_mode & 0o777) == ("acme.sqlite3.access", 0o600)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_file_that_root_makes_is_for_the_owner_of_its_folder(log: AccessLog) -> None:
    """Else his service could not write into it."""
    log.file.parent.mkdir()
    os.chown(log.file.parent, 1234, 4321)
    log.add(LOOK)
    assert (log.file.stat().st_uid, log.file.stat().st_gid) == (1234, 4321)


def test_file_of_another_program_is_left_alone(log: AccessLog) -> None:
    """And nobody sees anything of which there is no record."""
    log.file.parent.mkdir()
    with closing(sqlite3.connect(log.file)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(LedgerError) as error:
        log.add(LOOK)
    assert str(error.value) == (
        f"{log.file} is of a newer informativa, or of another program."
        " Upgrade this one, or move the file away."
    )
    with closing(sqlite3.connect(log.file)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    log.file.write_bytes(b"no database at all" * 100)
    for work in (lambda: log.add(LOOK), lambda: log.page(None, 1), lambda: log.erase([HE]), log.verify):
        with pytest.raises(LedgerError, match="cannot be used"):
            work()


def test_page_as_programs_read_it(acme: Controller) -> None:
    """One entry and its shape; and what to ask for the next page with."""
    for record in (1, 2):
        access_log.note(acme, "anna", Action.OPEN_RECORD, NOW, pseudonym=HE, record=record)
    page = access_log.page(acme, count=1)
    assert json.loads(document(page)) == {
        "schema": 1,
        "entries": [
            {
                "controller": "acme",
                "number": 2,
                "at": "2026-11-26T09:00:00.000+00:00",
                "account": "anna",
                "action": "open-record",
                "caller": HE.hex(),
                "erased": False,
                "record": 2,
                "detail": None,
            }
        ],
        "before": 2,
    }
    assert access_log.page(acme, page.before, 1).before is None


def test_the_list_in_a_shell(folder: Path) -> None:
    """It shows who did what, and when by the company's clock; from a number on; and as JSON for programs."""
    pytest.importorskip("argon2", reason="the extra `web` is not installed")
    acme = load(folder / "informativa.yaml").controllers["acme"]
    for record in (1, 2):
        access_log.note(acme, "anna", Action.OPEN_RECORD, NOW, pseudonym=HE, record=record)
    command = ("web", "log", "acme", "-c", folder / "informativa.yaml")
    code, out, _error = typed(*command, "--count", "1")
    line = f"2026-11-26 10:00:00 CET  anna: opened a record, {HE.hex()[:8]}, record 2"
    assert (code, out.splitlines()) == (0, [line, "For earlier ones: --before 2"])
    code, out, _error = typed(*command, "--before", "2", "--json")
    assert [entry["record"] for entry in json.loads(out)["entries"]] == [1]
    assert typed("web", "log", "nowhere", "-c", folder / "informativa.yaml")[0] == 1


def test_who_may_what_is_noted_where_it_is_changed_in_a_shell(folder: Path) -> None:
    """Each command that changes an account leaves an entry at the companies for which it has, or had, a
    role."""
    pytest.importorskip("argon2", reason="the extra `web` is not installed")
    file = folder / "informativa.yaml"
    acme = load(file).controllers["acme"]
    storage.store(acme).close()
    for command in (
        ("invite", "anna", "--role", "reader", "--controller", "acme"),
        ("grant", "nobody", "--role", "admin", "--controller", "acme"),
        ("remove", "anna"),
    ):
        typed("web", *command, "-c", file)
    entries = access_log.page(acme).entries
    assert [(entry.action, entry.detail) for entry in entries] == [
        (Action.ACCOUNTS, "remove anna"),
        (Action.ACCOUNTS, "invite anna reader"),
    ]
    assert all(entry.account.startswith("shell:") for entry in entries)
