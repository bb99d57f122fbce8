"""A backup put in a ledger's place: what was erased stays erased, and the log goes on."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from commands import typed
from examples import AT, NOTDUE, ONE, PLAYED, UNIDENTIFIED
from informativa.config import load
from informativa.evidence.log_folder import LogFolder
from informativa.ledgers import erasure, expiry, restoring
from informativa.ledgers.audit_log import AuditedLog, audit_ledger
from informativa.ledgers.restoring import restore
from informativa.ledgers.sequencer import begin_epoch, sequence
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Reason, RecordKind
from informativa.model.errors import LedgerError

HE, OTHER = b"h" * 32, b"o" * 32
NOW = AT + timedelta(days=2)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """With three records, signed."""
    file = tmp_path / "acme.sqlite3"
    append(file, replace(PLAYED, pseudonym=HE), PLAYED, replace(PLAYED, pseudonym=OTHER))
    sequence(file)
    return file


def append(file: Path, *events: object) -> None:
    """Record more."""
    with closing(SqliteStore(str(file))) as store:
        store.append(list(events))  # type: ignore[arg-type]


def backed_up(ledger: Path) -> Path:
    """A copy as an admin makes it."""
    copy = ledger.with_name("monday.backup")
    with closing(sqlite3.connect(ledger)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy


def audited(ledger: Path) -> AuditedLog:
    """The whole ledger against its log."""
    log = LogFolder(ledger)
    keys = [log.published(epoch).key() for epoch in log.epochs()]
    return audit_ledger(ledger, [key for key in keys if key])


@pytest.mark.parametrize("survivor", [True, False], ids=["the ledger is there", "the ledger is lost"])
def test_erased_caller_does_not_come_back(ledger: Path, survivor: bool) -> None:
    """A caller who was erased after the backup is erased in it, with or without a readable ledger."""
    copy = backed_up(ledger)
    erasure.erase(ledger, [HE], AT + timedelta(days=1))
    sequence(ledger)
    if not survivor:
        ledger.unlink()
    restored = restore(ledger, copy, NOW)
    assert (restored.records, restored.gone_again, restored.lost, restored.epoch) == (5, 1, 1, 1)
    assert (restored.before is not None) == survivor
    with closing(SqliteStore(str(ledger))) as store:
        first = next(iter(store.records())).event
        assert (first.erased, first.pseudonym, first.call) == (True, None, "")
        assert store.history(HE) == {}
        assert set(store.history(ONE)) == {"privacy"}
        leaf = store.leaf(1)
        assert leaf is not None
        assert leaf.salt_who is None
    assert HE not in ledger.read_bytes()
    sequence(ledger)
    audit_result = audited(ledger)
    assert audit_result.is_sound
    assert (audit_result.counted.whole, audit_result.counted.erased, audit_result.counted.lost) == (4, 1, 1)


def test_earlier_pseudonym_and_what_rests_on_a_record_do_not_come_back(tmp_path: Path) -> None:
    """An erased caller's pseudonym by an earlier key goes; of another caller's record that named one of his,
    that alone."""
    ledger = tmp_path / "acme.sqlite3"
    his = replace(PLAYED, pseudonym=HE, earlier=b"e" * 32)
    append(ledger, his, replace(PLAYED, pseudonym=OTHER, reason=Reason.SAME_CALL, basis=1))
    sequence(ledger)
    copy = backed_up(ledger)
    erasure.erase(ledger, [HE], NOW)
    ledger.unlink()
    restore(ledger, copy, NOW)
    with closing(SqliteStore(str(ledger))) as store:
        first, second = [record.event for record in store.records()][:2]
        assert (first.pseudonym, first.earlier, first.erased) == (None, None, True)
        assert (second.pseudonym, second.basis, second.erased) == (OTHER, None, False)
        assert set(store.history(OTHER)) == {"privacy"}
    sequence(ledger)
    assert audited(ledger).is_sound
    assert b"e" * 32 not in ledger.read_bytes()


def test_purged_records_do_not_come_back(ledger: Path) -> None:
    """Records that were purged after the backup are purged in it, with the old note."""
    copy = backed_up(ledger)
    with closing(SqliteStore(str(ledger))) as store:
        assert expiry.purge(store, AT + timedelta(days=1), AT + timedelta(days=1)) == 3
    sequence(ledger)
    ledger.unlink()
    assert restore(ledger, copy, NOW).gone_again == 3
    with closing(SqliteStore(str(ledger))) as store:
        assert [record.event.kind for record in store.records()] == [RecordKind.PURGE, RecordKind.LOST]
        assert store.history(HE) == {}
    sequence(ledger)
    audit_result = audited(ledger)
    assert audit_result.is_sound
    assert (audit_result.counted.purged, audit_result.counted.lost) == (3, 1)


def test_records_that_were_published_since_are_lost_and_told(ledger: Path) -> None:
    """The log goes on: nothing signed is taken back, the numbers of lost records are not given again."""
    copy = backed_up(ledger)
    append(ledger, UNIDENTIFIED, UNIDENTIFIED)
    signed = sequence(ledger).checkpoint
    assert restore(ledger, copy, NOW).lost == 2
    append(ledger, UNIDENTIFIED)
    with closing(SqliteStore(str(ledger))) as store:
        kinds = {record.number: record.event.kind for record in store.records()}
        (lost,) = [event for _leaf, event in store.notes() if event.kind is RecordKind.LOST]
    assert (lost.reference, lost.reason, lost.at) == ("2 records; leaves 3-4", Reason.RESTORED, NOW)
    assert kinds == {
        1: RecordKind.PHONE,
        2: RecordKind.PHONE,
        3: RecordKind.PHONE,
        6: RecordKind.LOST,
        7: RecordKind.PHONE,
    }
    now = sequence(ledger)
    assert (now.checkpoint.origin, now.checkpoint.size, now.epoch) == (signed.origin, 7, 1)
    found_again = audited(ledger)
    assert found_again.is_sound
    assert (found_again.counted.whole, found_again.counted.lost) == (5, 2)


@pytest.mark.parametrize("kind", [RecordKind.ERASURE, RecordKind.PURGE])
def test_what_was_never_published_lends_no_leaf_to_a_note(ledger: Path, kind: RecordKind) -> None:
    """A record that came after the backup and was not published leaves its leaf to another: the note that it
    was erased or purged, entered again, does not name that leaf, and the audit finds nothing wrong."""
    copy = backed_up(ledger)
    append(ledger, replace(PLAYED, pseudonym=b"n" * 32))
    if kind is RecordKind.ERASURE:
        erasure.erase(ledger, [HE, b"n" * 32], AT + timedelta(days=1))
    else:
        with closing(SqliteStore(str(ledger))) as store:
            assert expiry.purge(store, AT + timedelta(days=1), AT + timedelta(days=1)) == 4
    assert restore(ledger, copy, NOW).gone_again == (1 if kind is RecordKind.ERASURE else 3)
    append(ledger, replace(PLAYED, pseudonym=OTHER))
    sequence(ledger)
    with closing(SqliteStore(str(ledger))) as store:
        (note,) = (event.reference for _leaf, event in store.notes() if event.kind is kind)
    assert note.endswith("; leaves 0" if kind is RecordKind.ERASURE else "; leaves 0-2")
    assert audited(ledger).flaws == ()


def test_another_log_where_what_was_published_is_gone(ledger: Path) -> None:
    """Without the entries that were published the log cannot go on; another begins, and says so first."""
    copy = backed_up(ledger)
    append(ledger, UNIDENTIFIED)
    sequence(ledger)
    shutil.rmtree(LogFolder(ledger).folder / "1/tile/entries")
    restored = restore(ledger, copy, NOW)
    assert (restored.lost, restored.epoch) == (1, 2)
    with closing(SqliteStore(str(ledger))) as store:
        *_earlier, last = store.records()
        assert last.event.kind is RecordKind.NEW_LOG
        assert [log.epoch for log in store.logs()] == [1, 2]
    assert sequence(ledger).checkpoint.size == 1
    erasure.erase(ledger, [HE], NOW)  # whose record lies in the log before
    append(ledger, UNIDENTIFIED)
    assert sequence(ledger).checkpoint.size == 3
    audit_result = audited(ledger)
    assert audit_result.flaws == ()
    assert (audit_result.counted.whole, audit_result.counted.erased, audit_result.counted.lost) == (5, 1, 1)


@pytest.mark.sample(3)
@pytest.mark.parametrize("entries", ["both", "not the first", "not the second", "neither"])
@pytest.mark.parametrize("survivor", [True, False], ids=["the ledger is there", "the ledger is lost"])
def test_backup_from_before_the_key_was_changed(ledger: Path, entries: str, survivor: bool) -> None:
    """The log goes on in the epoch of the key that signs, or in another where entries are not to be had; who
    was erased in any of them does not come back, and each that is lost is counted as that."""
    copy = backed_up(ledger)
    append(ledger, UNIDENTIFIED)
    begin_epoch(ledger, AT)
    erasure.erase(ledger, [HE], AT + timedelta(days=1))
    append(ledger, UNIDENTIFIED)
    assert sequence(ledger).checkpoint.size == 3
    for epoch, cases in ((1, ("not the first", "neither")), (2, ("not the second", "neither"))):
        if entries in cases:
            shutil.rmtree(LogFolder(ledger).folder / f"{epoch}/tile/entries")
    if not survivor:
        ledger.unlink()
    restored = restore(ledger, copy, NOW)
    assert (restored.gone_again, restored.lost, restored.epoch) == (1, 4, 2 if entries == "both" else 3)
    append(ledger, UNIDENTIFIED)
    assert sequence(ledger).epoch == restored.epoch
    audit_result = audited(ledger)
    assert audit_result.flaws == ()
    missing = {problem.partition("tile/entries/")[2] for problem in map(str, audit_result.problems)}
    assert missing == (set() if entries == "both" else {"000 is not there."})
    assert (audit_result.counted.erased, audit_result.counted.lost) == (1, 4)
    with closing(SqliteStore(str(ledger))) as store:
        assert store.history(HE) == {}


def test_ledger_in_use_is_not_replaced(ledger: Path) -> None:
    """A process that has the ledger open would go on with the old one."""
    import subprocess
    import sys

    copy = backed_up(ledger)
    holds = (
        "import sys; from informativa.ledgers.sqlite import SqliteStore\n"
        "store = SqliteStore(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holds, str(ledger)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        content = ledger.read_bytes()
        with pytest.raises(LedgerError) as refused:
            restore(ledger, copy, NOW)
        assert str(refused.value.message) == f"The ledger {ledger} is open (process {other.pid})."
        remedy = "Stop the service: systemctl stop informativa, and try again."
        assert str(refused.value.remedy) == remedy
        assert ledger.read_bytes() == content
        other.communicate()


def test_backup_of_another_ledger_is_refused(ledger: Path, tmp_path: Path) -> None:
    """Neither one of another controller, nor one whose records are others than the published ones."""
    stranger = tmp_path / "other" / "acme.sqlite3"
    append(stranger, PLAYED, PLAYED)
    with pytest.raises(LedgerError) as refused:
        restore(ledger, stranger, NOW)
    others = f"The backup is not of the ledger {ledger}: what was published is other records."
    assert str(refused.value.message) == others
    assert str(refused.value.remedy) == "Look for one of this ledger. Nothing was changed."
    another = tmp_path / "borealis.sqlite3"
    append(another, PLAYED)
    with pytest.raises(LedgerError, match=re.escape(f"beside {ledger} lies another's")):
        restore(ledger, another, NOW)
    text = tmp_path / "text"
    text.write_text("no database\n" * 100)
    for none in (ledger, tmp_path, tmp_path / "nothing", text):
        with pytest.raises(LedgerError) as refused:
            restore(ledger, none, NOW)
        assert str(refused.value.message) == f"{none} is no backup of the ledger {ledger}."
    assert sequence(ledger).added == 0


def test_erased_caller_whose_record_rested_on_an_erased_one_does_not_come_back(tmp_path: Path) -> None:
    """The first erasure took from his record what it rested on, the second one the rest; so they do again."""
    ledger = tmp_path / "acme.sqlite3"
    rests = replace(NOTDUE, pseudonym=OTHER, basis=1, reason=Reason.SAME_CALL)
    append(ledger, replace(PLAYED, pseudonym=HE), rests)
    sequence(ledger)
    copy = backed_up(ledger)
    for caller in (HE, OTHER):
        assert erasure.erase(ledger, [caller], AT + timedelta(days=1)).records == 1
    sequence(ledger)
    assert restore(ledger, copy, NOW).gone_again == 2
    with closing(SqliteStore(str(ledger))) as store:
        again = [
            (record.event.erased, record.event.pseudonym, record.event.call) for record in store.records()
        ]
    assert again[:2] == [(True, None, "")] * 2
    sequence(ledger)
    assert audited(ledger).is_sound


def test_restored_ledger_is_purged_and_restored_as_any_other(ledger: Path) -> None:
    """Also where somebody was erased in it again, after which its file is written anew: numbers go on."""
    copy = backed_up(ledger)
    erasure.erase(ledger, [HE], AT + timedelta(days=1))
    assert restore(ledger, copy, NOW).gone_again == 1
    copy = backed_up(ledger)
    with closing(SqliteStore(str(ledger))) as store:
        assert expiry.purge(store, AT + timedelta(days=1), NOW) == 3
        assert [record.number for record in store.records()] == [4, 5]
    sequence(ledger)
    assert restore(ledger, copy, NOW).gone_again == 3
    with closing(SqliteStore(str(ledger))) as store:
        assert store.append([PLAYED]) == [8]
    sequence(ledger)
    assert audited(ledger).is_sound


def notes(ledger: Path, kind: RecordKind) -> list[str]:
    """Return the references of all records of a kind, in order."""
    with closing(SqliteStore(str(ledger))) as store:
        return [record.event.reference for record in store.records() if record.event.kind is kind]


def test_what_each_log_noted_is_taken_out(ledger: Path) -> None:
    """A caller who was erased in an earlier log than the last one does not come back either."""
    copy = backed_up(ledger)
    erasure.erase(ledger, [HE], AT + timedelta(days=1))
    begin_epoch(ledger, AT)
    erasure.erase(ledger, [OTHER], AT + timedelta(days=1))
    sequence(ledger)
    ledger.unlink()
    assert restore(ledger, copy, NOW).gone_again == 2
    assert notes(ledger, RecordKind.ERASURE) == ["1 record; leaves 0", "1 record; leaves 2"]


def test_what_was_noted_beside_an_old_copy_is_taken_out(ledger: Path) -> None:
    """Somebody put the backup in the ledger's place by hand: it can be read, and says less than its log."""
    copy = backed_up(ledger)
    erasure.erase(ledger, [HE], AT + timedelta(days=1))
    sequence(ledger)
    shutil.copy(copy, ledger)
    assert restore(ledger, copy, NOW).gone_again == 1


@pytest.mark.parametrize("epochs", [(1,), (1, 3)])
def test_note_names_no_leaf_behind_the_first_log_that_is_cut(ledger: Path, epochs: tuple[int, ...]) -> None:
    """Leaves after a log whose entries are missing have other numbers now, also if the next log's entries
    exist."""
    copy = backed_up(ledger)
    append(ledger, replace(PLAYED, pseudonym=b"n" * 32))
    begin_epoch(ledger, AT)
    erasure.erase(ledger, [HE, b"n" * 32], AT + timedelta(days=1))
    begin_epoch(ledger, AT)
    append(ledger, UNIDENTIFIED)
    sequence(ledger)
    for epoch in epochs:
        shutil.rmtree(LogFolder(ledger).folder / f"{epoch}/tile/entries")
    assert restore(ledger, copy, NOW).epoch == 4
    assert notes(ledger, RecordKind.ERASURE) == ["2 records; leaves 0"]
    sequence(ledger)
    assert audited(ledger).flaws == ()


def test_backup_whose_next_log_is_another_ledgers_is_refused(ledger: Path) -> None:
    """Not only the log that the backup knows is looked at; nothing is changed, and no file is left."""
    copy = backed_up(ledger)
    begin_epoch(ledger, AT)
    append(ledger, UNIDENTIFIED)
    sequence(ledger)
    published = LogFolder(ledger).folder / "2/checkpoint"
    published.write_bytes(b"another/2\n" + published.read_bytes().partition(b"\n")[2])
    content = ledger.read_bytes()
    with pytest.raises(LedgerError) as refused:
        restore(ledger, copy, NOW)
    with closing(SqliteStore(str(ledger))) as store:
        origin = store.log().origin
    assert str(refused.value) == f"The backup is of the log {origin}, and beside {ledger} lies another's."
    assert (ledger.read_bytes(), list(ledger.parent.glob(".*"))) == (content, [])


def test_only_the_ledger_of_before_is_left_beside(ledger: Path) -> None:
    """Under a name with the time, with what SQLite had laid beside it; nothing of what a restore made."""
    copy = backed_up(ledger)
    for end in ("-wal", "-shm"):
        Path(f"{ledger}{end}").touch()
    content = ledger.read_bytes()
    restored = restore(ledger, copy, NOW)
    assert restored.before == ledger.with_name("acme.sqlite3.rescued-2026-11-26T12-30-15")
    assert restored.before.read_bytes() == content
    names = {file.name for file in ledger.parent.iterdir() if not file.name.startswith("monday")}
    rescued = {f"{restored.before.name}{end}" for end in ("", "-wal", "-shm")}
    assert names == {"acme.log", "acme.sqlite3"} | rescued


def test_damaged_backup_is_refused_by_name(ledger: Path) -> None:
    """The error names the ledger's path; the ledger is not changed, and no file is left beside it."""
    content, files = ledger.read_bytes(), sorted(ledger.parent.iterdir())
    copy = ledger.with_name("monday.backup")
    copy.write_bytes(b"no ledger " * 1000)
    with pytest.raises(LedgerError, match=str(ledger)):
        restore(ledger, copy, NOW)
    assert (ledger.read_bytes(), sorted(ledger.parent.iterdir())) == (content, [*files, copy])


def test_processes_are_listed() -> None:
    """All processes that have the ledger open are named."""
    assert restoring._list([12]) == "12"
    assert restoring._list([12, 345]) == "12, 345"


def test_command_says_what_came_back_and_what_did_not(folder: Path) -> None:
    """`ledger restore` tells how many records there are, who stays erased, what is lost, in which log it goes
    on, and what to do next; of what is not so it says nothing. Programs get the same as JSON."""
    file = folder / "informativa.yaml"
    ledger = Path(load(file).controllers["acme"].ledger)
    append(ledger, replace(PLAYED, pseudonym=HE), PLAYED, replace(PLAYED, pseudonym=OTHER))
    sequence(ledger)
    ask = ("ledger", "restore", backed_up(ledger), "--controller", "acme", "-c", file)
    erasure.erase(ledger, [HE], AT + timedelta(days=1))
    sequence(ledger)
    code, out, err = typed(*ask)
    (rescued,) = ledger.parent.glob("acme.sqlite3.rescued-*")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"acme: 6 records are in {ledger}.",
        "1 record that was erased or purged since the backup is so again.",
        "1 record that was published since is lost; its caller hears the notice again.",
        f"What was there before is {rescued}.",
        "Next: systemctl start informativa",
    ]
    backed_up(ledger)
    ledger.unlink()
    assert typed(*ask) == (
        0,
        f"acme: 6 records are in {ledger}.\nNext: systemctl start informativa\n",
        "",
    )
    append(ledger, PLAYED)
    sequence(ledger)
    shutil.rmtree(LogFolder(ledger).folder / "1/tile/entries")
    ledger.unlink()
    code, out, err = typed(*ask, "--json")
    facts = json.loads(out)
    assert (code, err) == (0, "")
    assert facts == {
        "schema": 1,
        "controller": "acme",
        "records": 8,
        "gone_again": 0,
        "lost": 1,
        "epoch": 2,
        "before": None,
    }
    ledger.unlink()
    assert typed(*ask)[1].splitlines()[-2:] == [
        f"The log goes on as another: give auditors its key (informativa evidence key -c {file}).",
        "Next: systemctl start informativa",
    ]
