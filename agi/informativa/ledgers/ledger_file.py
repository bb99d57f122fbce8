"""The SQLite file of a ledger while it is open, in WAL mode with full synchronisation.

Several processes may have the same file open (the service and scripts); WAL mode allows that. `wal_files`
describes what is done if its log is deleted.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ..model.errors import EventRefusedError, LedgerDamagedError, LedgerError
from ..model.text import Foreign, Text
from . import migrating, wal_files, write_lock
from .transaction import SqliteTransaction
from .write_lock import BUSY_SECONDS, LOOK_SECONDS

RESTORE = Text(
    "Stop the service, and put a backup in its place: informativa ledger restore COPY --controller NAME"
)
"""The remedy for a damaged ledger; the command keeps the damaged file aside."""

_TURN_SECONDS = 0.1
_CLOSE_SECONDS = 5 * BUSY_SECONDS  # to wait for the lock, where records may be in a deleted log alone

_REMEDIES = {
    # An index that leads into a log which is another one by now.
    "SQLITE_IOERR_SHORT_READ": Text(
        "What lies beside it (-wal, -shm) was replaced while in use. What has it open saves what it wrote at"
        " its next turn, or when it is stopped."
    ),
    "SQLITE_BUSY": Text("Another process holds it: end whatever has it open beside informativa."),
    "SQLITE_NOTADB": RESTORE,
    "SQLITE_CORRUPT": RESTORE,
    "SQLITE_FULL": Text("The disk is full: make room."),
}


class LedgerFile:
    """The file of one controller's ledger, of any schema. Its methods block; use it from one thread at a
    time. With `read_only` nothing is created or written; without `create` a missing or empty file is an
    error.

    Every method raises LedgerError if the file cannot be opened, read or written.
    """

    def __init__(self, file: str, *, read_only: bool = False, create: bool = True) -> None:
        self.file = Path(file)
        self.saved = 0
        """Counts how often the log was deleted while in use, and its contents were saved into the file."""
        self._files = wal_files.LedgerFiles(self.file)
        self._identities: wal_files.FileIdentities | None = None  # the files that we have open
        self._forked: LedgerError | None = None
        self._closed = False
        self._size_and_schema = (0, 0)  # the file's bytes and its schema_version at the last commit
        self._reading: sqlite3.Connection | None = None  # set if nothing is written, and so nothing migrated
        with self._translated():
            if create and not read_only:
                self._create()
            if read_only:
                with self._files.open_complete(BUSY_SECONDS):
                    self._open_to_read()
            else:
                self._open_shared(create)

    def _open_to_read(self) -> None:
        """Open the file for reading."""
        # If no log lies beside it, SQLite would create one and leave it there, unless it is told that the
        # file does not change. (If a service opens it now, it changes only after a while.)
        option = "" if self._log().exists() else "&immutable=1"
        uri = f"{self.file.absolute().as_uri()}?mode=ro{option}"
        self._connection = self._reading = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)
        self._transaction = SqliteTransaction(self._connection)
        with self._closed_if_it_fails():
            # Only now does SQLite open the log.
            migrating.require_ours(self._connection, self.file, create=False)

    def _open_shared(self, create: bool) -> None:
        """Open a file that others may have open. When the last of them closes it, its log is deleted; then
        try again."""
        deadline = time.monotonic() + BUSY_SECONDS
        while self._identities is None:
            with self._files.open_complete(BUSY_SECONDS) as before:
                self._connect(before, create)
            if self._identities is None and time.monotonic() > deadline:
                raise self._replaced_error()

    def _connect(self, before: wal_files.FileIdentities, create: bool) -> None:
        """Open the file. `_identities` stays `None` if its log or index was deleted meanwhile."""
        # SQLite must not create it: it would have a wrong mode and owner.
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
            self._connection.execute("PRAGMA secure_delete = ON")  # deleted bytes are overwritten
            self._connection.execute("PRAGMA schema_version")  # opens the log, if it is not open yet
            write_lock.wait_for_others(self._connection, LOOK_SECONDS)
            identities = self._files.identities()
            if self._files.is_open(before, identities):
                self._identities = identities
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
        """Close the file. Closing twice is harmless."""
        with self._translated():
            if self._closed or self._forked is not None:
                return
            identities = self._files.identities()
            if self._identities is not None and identities.ledger == self._identities.ledger:
                try:
                    # SQLite saves the log only if no other process has the file open.
                    self._require_files(_CLOSE_SECONDS)
                except LedgerError:
                    self._forked = self._forked or self._fork()
                    raise
                # Whoever goes on may still have an earlier log open; then nobody would save this one if it
                # was deleted. As where SQLite does it, an error is no harm: the log stays.
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            self._closed = True
            self._connection.close()

    def _create(self) -> None:
        """Create an empty file that only its user can read. If root creates it, it belongs to the folder's
        owner, who runs the service."""
        if self.file.exists():
            return
        from ..system.files import create  # not loaded by a script, for which the file usually exists

        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            create(self.file, like=self.file.parent.stat())

    def _log(self) -> Path:
        return self.file.with_name(f"{self.file.name}-wal")

    def empty_log(self, seconds: float) -> None:
        """Empty the log, which still holds what was overwritten in the file. Done in short turns, because
        calls wait for each. Raises LedgerError if somebody goes on reading it for `seconds`."""
        with self.connected() as connection:
            write_lock.wait_for_others(self._connection, _TURN_SECONDS)
            try:
                if not write_lock.empty_log(connection, seconds, _TURN_SECONDS):
                    raise self._readers_error()
            finally:
                write_lock.wait_for_others(self._connection, LOOK_SECONDS)

    def _readers_error(self) -> LedgerError:
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
        """Return the bytes of the file and of its log, each in chunks. No file is opened for it: SQLite's
        locks on a file end when any descriptor of it in the process is closed."""
        assert self._identities is not None  # it is open
        return self._files.contents(self._identities)

    @contextlib.contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection, for work that calls do not need. Raises LedgerError and no error of
        SQLite."""
        with self._translated():
            if self._reading is None:  # or the file would be opened to be written, beside others who read it
                self._require_files()
            yield self._connection

    def checkpoint_wal(self) -> bool:
        """Copy the log into the file, so that a deletion of the log loses nothing, and notice if it was
        deleted. For times without calls. Return whether all was copied: not what others still read."""
        with self._translated():
            self._require_files()
            _busy, pages, copied = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            return bool(pages == copied)

    def has_its_files(self) -> bool:
        """Return whether the files that this process has open are those that others open. Raises OSError."""
        return self._files.unchanged(self._identities)

    def release_memory(self) -> None:
        """Free the pages that SQLite holds in memory, up to 2 MB of a large ledger. For times without calls:
        the next one reads those that it needs again, from the system's cache."""
        with self._translated():
            self._connection.execute("PRAGMA shrink_memory")

    def _require_files(self, seconds: float = BUSY_SECONDS) -> None:
        """Check that what is written goes where others read it. If the log was deleted, its contents are
        saved first, under the lock, for which it waits so many seconds. Raises LedgerError if the ledger
        itself was deleted: what is written to it would be lost."""
        if self._files.unchanged(self._identities):
            return
        if self._identities is not None:
            with self._files.lock(seconds):
                self._replace_deleted_log(self._identities)
                if self._identities is not None:
                    return
        self._open_shared(create=False)

    def _replace_deleted_log(self, open_files: wal_files.FileIdentities) -> None:
        if self._files.identities().ledger != open_files.ledger:
            raise LedgerError(
                Text("The ledger {file} was deleted or replaced while in use.", file=self.file),
                Text("Put the file back, or restart the service to begin a new one."),
            )
        if self._forked is not None:
            raise self._forked
        already_saved = self._files.is_retired(open_files)
        if not already_saved and not self._files.can_be_saved(open_files):
            self._forked = self._fork()
            raise self._forked
        if not already_saved:
            self._save(open_files)
        self._identities = None
        self._files.close(self._connection, open_files)
        if not already_saved:
            self.saved += 1
            self._connect(
                self._files.identities(), create=False
            )  # others that have it open have our contents

    def _save(self, open_files: wal_files.FileIdentities) -> None:
        """Move the contents of our log into the file."""
        write_lock.take(self._connection)  # processes with our index write no more after this
        self._connection.execute("ROLLBACK")
        self._files.distrust_index(open_files)
        write_lock.wait_for_others(self._connection, BUSY_SECONDS)  # time for readers to end
        self._checkpoint()
        self._files.retire(open_files)

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
        """Copy our contents to another file, because another program has begun another log. Nothing is
        overwritten."""
        wal_files.keep_open(self._connection)
        from . import backup  # not loaded by a script, unless its log was deleted

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
        """Take the write lock, then check the files: a process that saves a deleted log takes the lock
        too."""
        for _attempt in range(2):
            try:
                write_lock.take(self._connection)
                if self._files.unchanged(self._identities):
                    return
                self._connection.execute("ROLLBACK")
            except sqlite3.Error:
                if self._closed or self._files.unchanged(self._identities):
                    raise
            self._require_files()
        raise self._replaced_error()

    def _confirm(self) -> None:
        """Check that the commit went into a log that exists and into which no other process wrote by another
        index. Raises LedgerError."""
        if not self._files.unchanged(self._identities):
            identities = self._files.identities()
            replaced = self._identities is not None and identities.index not in (None, self._identities.index)
            self._require_files()
            if replaced:
                raise self._replaced_error()

    def _replaced_error(self) -> LedgerError:
        return LedgerError(
            Text(
                "What lies beside the ledger {file} (-wal, -shm) was replaced while in use.", file=self.file
            ),
            Text("It is tried again."),
        )

    @contextlib.contextmanager
    def transaction(self) -> Iterator[SqliteTransaction]:
        """Yield a transaction: it is durable at the end of the context, or has no effect. Raises
        LedgerError."""
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
            self._require_full_size()

    def _require_full_size(self) -> None:
        """Check that nobody has truncated the file. SQLite itself shortens it only by a VACUUM, which changes
        the version of the schema (https://www.sqlite.org/fileformat2.html#schemacookie). Raises
        LedgerError."""
        size, (size_before, schema_before) = os.stat(self.file).st_size, self._size_and_schema  # noqa: PTH116  # as in wal_files
        if size == size_before:
            return
        (schema,) = self._connection.execute("PRAGMA schema_version").fetchone()
        if size < size_before and schema == schema_before:
            raise LedgerError(
                Text(
                    "The ledger {file} was cut off while in use: it had {before} bytes, and has {size}.",
                    file=self.file,
                    before=size_before,
                    size=size,
                ),
                RESTORE,
            )
        self._size_and_schema = size, schema

    def _translated(self) -> contextlib.AbstractContextManager[None]:
        return translated(self.file, self._reading)


@contextlib.contextmanager
def translated(file: Path, reading: sqlite3.Connection | None = None) -> Iterator[None]:
    """Turn each `sqlite3.Error` and `OSError` into a LedgerError. If a ledger of an earlier informativa is
    only read, a query that it cannot answer is a LedgerOutdatedError."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.InterfaceError, ValueError, OverflowError) as error:
        raise EventRefusedError(
            Text("The ledger {file} refused a record ({error}).", file=file, error=Foreign(str(error)))
        ) from error
    except (sqlite3.Error, OSError) as error:
        if reading is not None and getattr(error, "sqlite_errorname", "") == "SQLITE_ERROR":
            migrating.require_newest(reading, file)
        remedy = _remedy(error, file)
        kind = LedgerDamagedError if remedy is RESTORE else LedgerError
        message = Text("The ledger {file} cannot be used ({why}).", file=file, why=_reason(error))
        raise kind(message, remedy) from error


def _reason(error: sqlite3.Error | OSError) -> Foreign:
    return Foreign(getattr(error, "strerror", None) or str(error))


def _remedy(error: Exception, file: Path) -> Text:
    name = getattr(error, "sqlite_errorname", "")
    if isinstance(error, sqlite3.OperationalError) and not name:  # raised by Python: invalid text
        name = "SQLITE_CORRUPT"
    for prefix, remedy in _REMEDIES.items():
        if name.startswith(prefix):
            return remedy
    return Text("Look at the owner, mode and free space of {folder}.", folder=file.parent)
