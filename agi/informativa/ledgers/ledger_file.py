"""A ledger's SQLite file while it is open, in WAL mode with full synchronisation.

Several processes may have the same file open (the service and scripts); WAL takes that. `wal_files` says what
is done when its log is taken away.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ..errors import EventRefusedError, LedgerError
from ..text import Foreign, Text
from . import migrating, wal_files, write_lock
from .transaction import SqliteTransaction
from .write_lock import BUSY_SECONDS, LOOK_SECONDS

RESTORE = Text(
    "Stop the service, and put a backup in its place: informativa ledger restore COPY --controller NAME"
)
"""What to do about a ledger that is damaged: the command keeps the damaged one aside."""

_TURN_SECONDS = 0.1

_REMEDIES = {
    "SQLITE_BUSY": Text("Another process holds it: end whatever has it open beside informativa."),
    "SQLITE_NOTADB": RESTORE,
    "SQLITE_CORRUPT": RESTORE,
    "SQLITE_FULL": Text("The disk is full: make room."),
}


class LedgerFile:
    """One controller's file, of whatever form. Blocking; use it from one thread at a time. With `read_only`
    nothing is made or written; without `create` a file that is not there, or empty, is an error.

    Every method raises LedgerError when the file cannot be opened, read or written.
    """

    def __init__(self, file: str, *, read_only: bool = False, create: bool = True) -> None:
        self.file = Path(file)
        self.saved = 0
        """How often what lay beside the file was taken away, and what it held went into the file."""
        self._files = wal_files.LedgerFiles(self.file)
        self._identities: wal_files.FileIdentities | None = None  # what we have open
        self._forked: LedgerError | None = None
        self._closed = False
        self._seen = (0, 0)  # the file's size in bytes, and its schema's version, when it was last looked at
        self._reading: sqlite3.Connection | None = None  # where nothing is written, and so nothing migrated
        with self._translated():
            if create and not read_only:
                self._create()
            if read_only:
                with self._files.whole(BUSY_SECONDS):
                    self._look()
            else:
                self._join(create)

    def _look(self) -> None:
        """Open it to read."""
        # With nobody's log beside it SQLite would make one and leave it there, unless told that the
        # file does not change (and one that a service opens now changes only after a while).
        alone = "" if self._log().exists() else "&immutable=1"
        uri = f"{self.file.absolute().as_uri()}?mode=ro{alone}"
        self._connection = self._reading = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)
        self._transaction = SqliteTransaction(self._connection)
        with self._closed_if_it_fails():
            migrating.require_ours(
                self._connection, self.file, create=False
            )  # and only now SQLite looks for a log

    def _join(self, create: bool) -> None:
        """Open what others may have open. When the last of them closes it, its log goes too: so once more."""
        until = time.monotonic() + BUSY_SECONDS
        while self._identities is None:
            with self._files.whole(BUSY_SECONDS) as before:
                self._connect(before, create)
            if self._identities is None and time.monotonic() > until:
                raise self._unsettled()

    def _connect(self, before: wal_files.FileIdentities, create: bool) -> None:
        """Open it, unless what lies there is taken away meanwhile."""
        # Not to be made by SQLite, whose mode and owner it would not have.
        uri = f"{self.file.absolute().as_uri()}?mode=rw"
        self._connection = sqlite3.connect(
            uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._transaction = SqliteTransaction(self._connection)
        with self._closed_if_it_fails():
            migrating.require_ours(self._connection, self.file, create=create)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._connection.execute("PRAGMA secure_delete = ON")  # what goes is overwritten
            self._connection.execute("PRAGMA schema_version")  # now at the latest the log is open
            write_lock.wait_for_others(self._connection, LOOK_SECONDS)
            found = self._files.identities()
            if self._files.is_open(before, found):
                self._identities = found
            else:
                self._connection.close()

    @contextlib.contextmanager
    def _closed_if_it_fails(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Closing twice is harmless."""
        with self._translated():
            if self._closed or self._forked is not None:
                return
            now = self._files.identities()
            if self._identities is not None and now.ledger == self._identities.ledger:
                try:
                    self._require_files()  # closing saves nothing where others have it open
                except LedgerError:
                    self._forked = self._forked or self._fork()
                    raise
            self._closed = True
            self._connection.close()

    def _create(self) -> None:
        """An empty file for its user alone; made by root, it belongs to the folder's owner, who runs us."""
        if self.file.exists():
            return
        from ..files import create  # not for a script, which usually finds one

        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            create(self.file, like=self.file.parent.stat())

    def _log(self) -> Path:
        return self.file.with_name(f"{self.file.name}-wal")

    def empty_log(self, seconds: float) -> None:
        """Leave nothing in the log, where what was overwritten in the file still stands. In short turns, for
        calls wait for each. Raises LedgerError where somebody who reads it does not end."""
        until = time.monotonic() + seconds
        with self.connected() as connection:
            write_lock.wait_for_others(self._connection, _TURN_SECONDS)
            try:
                while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                    if time.monotonic() > until:
                        raise self._read_by_others()
                    time.sleep(_TURN_SECONDS)
            finally:
                write_lock.wait_for_others(self._connection, LOOK_SECONDS)

    def _read_by_others(self) -> LedgerError:
        assert self._identities is not None  # it is open
        readers = ", ".join(map(str, self._files.readers(self._identities)))
        return LedgerError(
            Text(
                "The log {file}-wal cannot be emptied while other programs read it (process {readers}).",
                file=self.file,
                readers=readers or "?",
            ),
            Text("End what reads it, or wait until it ends."),
        )

    def contents(self) -> list[Iterator[bytes]]:
        """The bytes of the file and of its log, each in chunks. Nothing is opened for it: SQLite's locks on a
        file end when anybody in the process closes it."""
        assert self._identities is not None  # it is open
        return self._files.contents(self._identities)

    @contextlib.contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        """The connection, for what is more than calls need. Raises LedgerError and nothing of SQLite's."""
        with self._translated():
            self._require_files()
            yield self._connection

    def tend(self) -> None:
        """For when there is nothing else to do: what is in the log goes into the file, so that the log can be
        lost, and a log that was lost is noticed."""
        with self._translated():
            self._require_files()
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _require_files(self) -> None:
        """That what is written goes where others read it. Where the log was taken away, what it holds is
        saved first; what is written to a ledger that was taken away itself would be lost."""
        if self._files.still(self._identities):
            return
        if self._identities is not None:
            with self._files.alone(BUSY_SECONDS):
                self._put_right(self._identities)
                if self._identities is not None:
                    return
        self._join(create=False)

    def _put_right(self, ours: wal_files.FileIdentities) -> None:
        if self._files.identities().ledger != ours.ledger:
            raise LedgerError(
                Text("The ledger {file} was deleted or replaced while in use.", file=self.file),
                Text("Put the file back, or restart the service to begin a new one."),
            )
        if self._forked is not None:
            raise self._forked
        retired = self._files.is_retired(ours)
        if not retired and not self._files.can_be_saved(ours):
            self._forked = self._fork()
            raise self._forked
        if not retired:
            self._save(ours)
        self._identities = None
        self._files.close(self._connection, ours)
        if not retired:
            self.saved += 1
            self._connect(self._files.identities(), create=False)  # whoever else has it open has what we had

    def _save(self, ours: wal_files.FileIdentities) -> None:
        """What the log that we have open holds goes into the file."""
        write_lock.take(self._connection)  # whoever has our index writes no more after this
        self._connection.execute("ROLLBACK")
        self._files.distrust_index(ours)
        write_lock.wait_for_others(self._connection, BUSY_SECONDS)  # for readers to end
        self._checkpoint()
        self._files.retire(ours)

    def _checkpoint(self) -> None:
        busy, *_sizes = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise LedgerError(
                Text(
                    "What lies beside the ledger {file} (-wal, -shm) was deleted while in use; what was"
                    " recorded before cannot be saved while another program reads it.",
                    file=self.file,
                ),
                Text("It is tried again."),
            )

    def _fork(self) -> LedgerError:
        """Another program has begun another log: what we have is copied, and nothing is written over."""
        wal_files.keep_open(self._connection)
        from . import backup  # not for a script, unless somebody deletes what it has open

        copy = backup.rescue(self._connection, self.file, datetime.now(UTC))
        return LedgerError(
            Text(
                "The log of the ledger {file} was deleted while in use, and another program has written to"
                " the ledger since: it has two histories. What this process recorded before is in {copy}.",
                file=self.file,
                copy=copy,
            ),
            Text("Stop the service, keep both files, put the right one in place, and start the service."),
        )

    def _begin(self) -> None:
        """Take the write lock, and then look: whoever saves a log that was taken away takes it too."""
        for _attempt in range(2):
            try:
                write_lock.take(self._connection)
                if self._files.still(self._identities):
                    return
                self._connection.execute("ROLLBACK")
            except sqlite3.Error:
                if self._closed or self._files.still(self._identities):
                    raise
            self._require_files()
        raise self._unsettled()

    def _confirm(self) -> None:
        """Nothing is acknowledged into a log that is gone, or where others have written meanwhile."""
        if not self._files.still(self._identities):
            now = self._files.identities()
            replaced = self._identities is not None and now.index not in (None, self._identities.index)
            self._require_files()
            if replaced:
                raise self._unsettled()

    def _unsettled(self) -> LedgerError:
        return LedgerError(
            Text(
                "What lies beside the ledger {file} (-wal, -shm) was replaced while in use.", file=self.file
            ),
            Text("It is tried again."),
        )

    @contextlib.contextmanager
    def transaction(self) -> Iterator[SqliteTransaction]:
        """What is done within is durable at its end, or was not done. Raises LedgerError."""
        with self._translated():
            self._begin()
            try:
                yield self._transaction
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self._confirm()
            self._require_whole()

    def _require_whole(self) -> None:
        """Nothing is acknowledged into a file that somebody cut off. SQLite makes it shorter at a VACUUM
        alone, which gives the schema another version (https://www.sqlite.org/fileformat2.html#schemacookie).
        """
        size, (before, version) = os.stat(self.file).st_size, self._seen  # noqa: PTH116  # as in wal_files
        if size == before:
            return
        (now,) = self._connection.execute("PRAGMA schema_version").fetchone()
        if size < before and now == version:
            raise LedgerError(
                Text(
                    "The ledger {file} was cut off while in use: it had {before} bytes, and has {size}.",
                    file=self.file,
                    before=before,
                    size=size,
                ),
                RESTORE,
            )
        self._seen = size, now

    def _translated(self) -> contextlib.AbstractContextManager[None]:
        return translated(self.file, self._reading)


@contextlib.contextmanager
def translated(file: Path, reading: sqlite3.Connection | None = None) -> Iterator[None]:
    """No `sqlite3.Error` or `OSError` leaves the ledger. Where one of an earlier informativa is only read,
    what cannot be asked of it is a LedgerOutdatedError."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.InterfaceError, ValueError, OverflowError) as error:
        raise EventRefusedError(
            Text("The ledger {file} refused a record ({error}).", file=file, error=Foreign(str(error)))
        ) from error
    except (sqlite3.Error, OSError) as error:
        if reading is not None and getattr(error, "sqlite_errorname", "") == "SQLITE_ERROR":
            migrating.require_newest(reading, file)
        raise LedgerError(
            Text("The ledger {file} cannot be used ({why}).", file=file, why=_reason(error)),
            _remedy(error, file),
        ) from error


def _reason(error: sqlite3.Error | OSError) -> Foreign:
    return Foreign(getattr(error, "strerror", None) or str(error))


def _remedy(error: Exception, file: Path) -> Text:
    name = getattr(error, "sqlite_errorname", "")
    if isinstance(error, sqlite3.OperationalError) and not name:  # of Python: bytes that are no text
        name = "SQLITE_CORRUPT"
    for sign, remedy in _REMEDIES.items():
        if name.startswith(sign):
            return remedy
    return Text("Look at the owner, mode and free space of {folder}.", folder=file.parent)
