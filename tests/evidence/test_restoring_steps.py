"""The newest log of a restored ledger, how it begins and goes on: what each step takes from the logs before
it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from examples import AT, PLAYED
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.note_values import ErasureRule, NoteSource
from informativa.evidence.notes import LogNote, LostNote, RuleNote
from informativa.ledgers import leaves, note_leaves, restoring
from informativa.ledgers.instructions import UNSTATED
from informativa.ledgers.leaves import LedgerLog
from informativa.ledgers.restored_notes import LogEnding
from informativa.ledgers.restoring import _Continuation, restore
from informativa.ledgers.sequencer import begin_epoch, sequence
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import RecordKind
from informativa.model.errors import LedgerError

STANDING = RuleNote(None, "Europe/Rome", ErasureRule.STANDING, processor=False)
NOTHING = _Continuation((), 0, (), 0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """A ledger with three records, signed."""
    file = tmp_path / "acme.sqlite3"
    with closing(SqliteStore(str(file))) as opened:
        opened.append([PLAYED] * 3)
        sequence(file)
        yield opened


def folder(store: SqliteStore) -> LogFolder:
    """The files of its log."""
    return LogFolder(store.file)


def tree(origin: str, size: int = 1) -> Checkpoint:
    """A tree with which a log ended."""
    return Checkpoint(origin, size, bytes(32))


def test_log_ends_with_what_was_published_of_it(store: SqliteStore) -> None:
    """With more where the ledger has more, and with all that it has where nothing was published."""
    published = folder(store).published(1)
    signed = Checkpoint.unverified(published.checkpoint() or b"")
    (log,) = store.logs()
    assert restoring._end(store, log, published) == signed
    store.append([PLAYED])
    (log,) = store.logs()
    longer = restoring._end(store, log, published)
    assert (longer.origin, longer.size) == (log.origin, 4)
    assert sequence(store.file).checkpoint.root == longer.root
    shutil.rmtree(folder(store).folder / "1")
    assert restoring._end(store, log, published) == longer


def test_published_end_is_taken_as_it_was_signed(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not computed anew where it has all."""

    def none(*_values: object) -> Checkpoint:
        raise AssertionError

    monkeypatch.setattr(restoring, "unsigned_end", none)
    (log,) = store.logs()
    assert restoring._end(store, log, folder(store).published(1)).size == 3


def emptied(store: SqliteStore) -> list[LedgerLog]:
    """Begin another log whose first leaf is not there yet, as in a backup that is being continued, and return
    both logs. The last leaf of the first names the key of the second."""
    with store.connected() as connection, store.transaction() as transaction:
        note_leaves.append(transaction, connection, STANDING, AT, NoteSource.COMMAND)
    begin_epoch(store.file, AT)
    sequence(store.file)
    first = store.logs()[1].first
    with store.connected() as connection, store.transaction():
        connection.execute(
            "DELETE FROM event WHERE record IN (SELECT record FROM leaf WHERE leaf >= ?)", (first,)
        )
        connection.execute("DELETE FROM leaf WHERE leaf >= ?", (first,))
    return store.logs()


def test_first_leaf_of_a_log_says_what_it_follows(store: SqliteStore) -> None:
    """The tree before it, and whether that one's last leaf names its key: also where only the public key is
    left, and not where there is none."""
    assert restoring._ending(store, folder(store), NOTHING) is None
    before, _newest = emptied(store)
    for is_chained, lost in ((True, ""), (True, "2.key"), (False, "2/key")):
        for file in store.file.parent.rglob(lost) if lost else ():
            file.unlink()
        ending = restoring._ending(store, folder(store), NOTHING)
        assert ending is not None
        assert [(end.origin, end.size) for end in ending.trees] == [(before.origin, before.size)]
        assert ending.is_chained is is_chained, lost


def test_log_after_one_that_could_not_be_read_is_not_chained(store: SqliteStore) -> None:
    """It follows the tree that was published of that, whatever the ledger has of it."""
    before, _newest = emptied(store)
    ended = (tree(f"{before.origin}0"), tree(before.origin, 99))
    ending = restoring._ending(store, folder(store), replace(NOTHING, ended=ended))
    assert ending == LogEnding((ended[1], ended[0]), is_chained=False)


def test_log_whose_folder_is_gone_is_followed_as_the_ledger_has_it(store: SqliteStore) -> None:
    """The tree is that of all its leaves."""
    before, _newest = emptied(store)
    published = Checkpoint.unverified(folder(store).published(1).checkpoint() or b"")
    shutil.rmtree(folder(store).folder / "1")
    ending = restoring._ending(store, folder(store), NOTHING)
    assert ending is not None
    (end,) = ending.trees
    assert (end.origin, end.size, end.root) == (before.origin, published.size, published.root)


def test_copy_that_cannot_be_read_names_the_ledger(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose folder is to be looked at: it is there that the copy is laid."""
    copy, error = tmp_path / "monday.backup", sqlite3.OperationalError("disk I/O error")
    copy.touch()
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR

    def fail(*_values: object) -> None:
        raise error

    monkeypatch.setattr(restoring.ledger_copies, "copy_to", fail)
    store.close()
    with pytest.raises(LedgerError, match=f"The ledger {store.file} cannot be used"):
        restore(store.file, copy, AT)


def test_empty_log_before_it_is_not_followed(store: SqliteStore) -> None:
    """Of a log without leaves there is no tree."""
    emptied(store)
    with store.connected() as connection, store.transaction():
        connection.execute("DELETE FROM leaf")
        connection.execute("UPDATE log SET first = 0")
    ending = restoring._ending(store, folder(store), NOTHING)
    assert ending == LogEnding((), is_chained=False)


@pytest.mark.parametrize(
    ("ended", "ending", "kinds"),
    [
        ((), None, []),
        ((tree("a"),), None, [RecordKind.NEW_LOG]),
        ((), LogEnding((tree("a"),), is_chained=False), [RecordKind.NEW_LOG]),
        ((tree("a"),), LogEnding((tree("a"),), is_chained=False), [RecordKind.NEW_LOG]),
    ],
)
def test_log_without_a_rule_begins_with_what_it_follows(
    ended: tuple[Checkpoint, ...], ending: LogEnding | None, kinds: list[RecordKind]
) -> None:
    """As version 1 writes it; and then what is purged again."""
    purge = (RecordKind.PURGE, "text")
    about = list(restoring._records_about([purge], replace(NOTHING, ended=ended), ending))
    assert [kind for kind, _text in about] == [*kinds, RecordKind.PURGE]
    assert all(text.startswith("after 1 records of a, root") for _kind, text in about[:-1])


def test_record_about_records_is_numbered_after_all_that_were_lost(store: SqliteStore) -> None:
    """Their leaves have numbers that no record of the ledger ever had."""
    with store.connected() as connection, store.transaction() as transaction:
        row = (3, 99, bytes(32), bytes(32), None, None, None, None)
        connection.execute(leaves.APPEND, row)
        transaction.forget_log()
        restoring._note_by_records(transaction, [(RecordKind.LOST, "1 record; leaves 3")], AT)
    assert [record.number for record in store.records()] == [1, 2, 3, 100]


def test_all_ranges_of_a_purge_are_purged_again(store: SqliteStore) -> None:
    """And counted together."""
    with store.transaction() as transaction, store.connected() as connection:
        assert restoring._purge_again(connection, transaction, "2 records; leaves 0 2") == 2
    assert [record.number for record in store.records()] == [2]


def test_ledger_with_a_rule_is_restored_by_notes(store: SqliteStore, tmp_path: Path) -> None:
    """Also without a configuration: the rule stands in its log. What is lost is so without an instruction,
    where none is given."""
    with store.connected() as connection, store.transaction() as transaction:
        note_leaves.append(transaction, connection, STANDING, AT, NoteSource.COMMAND)
    copy = tmp_path / "monday.backup"
    with closing(sqlite3.connect(store.file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    store.append([PLAYED])
    sequence(store.file)
    store.close()
    assert restore(store.file, copy, AT + timedelta(days=1)).lost == 1
    with closing(SqliteStore(str(store.file))) as restored:
        newest = list(restored.records())[-1].event
        assert newest.kind is RecordKind.LOST
        note = LogNote.of_text(newest.reference)
        assert isinstance(note, LogNote)
        assert isinstance(note.content, LostNote)
        assert note.content.instruction == UNSTATED


def test_log_that_was_begun_and_not_published_says_what_it_follows(
    store: SqliteStore, tmp_path: Path
) -> None:
    """Also without a rule, in a record about records, as an earlier informativa would."""
    copy = tmp_path / "monday.backup"
    with closing(sqlite3.connect(store.file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    begin_epoch(store.file, AT)
    (folder(store).folder / "2").mkdir()  # its first checkpoint never came
    store.close()
    assert restore(store.file, copy, AT + timedelta(days=1)).epoch == 2
    with closing(SqliteStore(str(store.file))) as restored:
        newest = list(restored.records())[-1].event
        (first, _second) = restored.logs()
    assert newest.kind is RecordKind.NEW_LOG
    assert newest.reference.startswith(f"after 3 records of {first.origin}, root ")
