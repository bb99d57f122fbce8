"""The SQLite file of a ledger while it is open, in WAL mode with full synchronisation.

Several processes may have the same file open (the service and scripts); WAL mode allows that.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

from ..model.errors import EventRefusedError, LedgerDamagedError, LedgerError
from ..model.text import Foreign, Text
from . import schema, write_lock
from .transaction import SqliteTransaction
from .write_lock import BUSY_SECONDS, LOOK_SECONDS

RESTORE = Text(
    "Stop the service, and put a backup in its place: informativa ledger restore COPY --controller NAME"
)
"""The remedy for a damaged ledger; the command keeps the damaged file aside."""

_TURN_SECONDS = 0.1

_REMEDIES = {
    "SQLITE_BUSY": Text("Another process holds it: end whatever has it open beside informativa."),
    "SQLITE_NOTADB": RESTORE,
    "SQLITE_CORRUPT": RESTORE,
    "SQLITE_FULL": Text("The disk is full: make room."),
}


class LedgerFile:
    """The file of one controller's ledger. Its methods block; use it from one thread at a
    time. With `read_only` nothing is created or written; without `create` a missing or empty file is an
    error.

    Every method raises LedgerError if the file cannot be opened, read or written.
    """

    def __init__(self, file: str, *, read_only: bool = False, create: bool = True) -> None:
        self.file = Path(file)
        self._size_and_cookie = (0, 0)  # the file's bytes and its schema_version at the last commit
        self._inode = 0  # of the file that we have open
        with self._translated():
            if create and not read_only:
                self._create()
            _require_file(self.file)
            if read_only:
                self._open_to_read()
            else:
                self._connect(create)

    def _open_to_read(self) -> None:
        """Open the file for reading."""
        # If no log lies beside it, SQLite would create one and leave it there, unless it is told that the
        # file does not change. (If a service opens it now, it changes only after a while.)
        option = "" if self._log().exists() else "&immutable=1"
        uri = f"{self.file.absolute().as_uri()}?mode=ro{option}"
        self._connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)
        self._transaction = SqliteTransaction(self._connection)
        with self._closed_if_it_fails():
            # Only now does SQLite open the log.
            schema.require_ours(self._connection, self.file, create=False)

    def _connect(self, create: bool) -> None:
        """Open a file that others may have open."""
        # SQLite must not create it: it would have a wrong mode and owner.
        uri = f"{self.file.absolute().as_uri()}?mode=rw"
        self._connection = sqlite3.connect(
            uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._transaction = SqliteTransaction(self._connection)
        with self._closed_if_it_fails():
            schema.require_ours(self._connection, self.file, create=create)
            write_lock.use_log(self._connection)
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._connection.execute("PRAGMA secure_delete = ON")  # deleted bytes are overwritten
            write_lock.wait_for_others(self._connection, LOOK_SECONDS)
            self._inode = self.file.stat().st_ino

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
        readers = ", ".join(map(str, write_lock.readers(self.file)))
        return LedgerError(
            Text(
                "The log {file}-wal cannot be emptied while other programs read it (process {readers}).",
                file=self.file,
                readers=readers or "?",
            ),
            Text("End what reads it, or wait until it ends."),
        )

    @contextlib.contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection, for work that calls do not need. Raises LedgerError and no error of
        SQLite."""
        with self._translated():
            yield self._connection

    @contextlib.contextmanager
    def transaction(self) -> Iterator[SqliteTransaction]:
        """Yield a transaction: it is durable at the end of the context, or has no effect. Raises
        LedgerError."""
        with self._translated():
            self._status()
            write_lock.take(self._connection)
            try:
                yield self._transaction
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self._require_full_size()

    def _status(self) -> os.stat_result:
        """Return the status of the file. Raises LedgerError if it is not the one that we have open: what is
        written there would be lost."""
        with contextlib.suppress(FileNotFoundError):
            status = os.stat(self.file)  # noqa: PTH116  # half the time of Path.stat
            if status.st_ino == self._inode:
                return status
        raise LedgerError(
            Text("The ledger {file} was deleted or replaced while in use.", file=self.file),
            Text("Put the file back, or restart the service to begin a new one."),
        )

    def _require_full_size(self) -> None:
        """Check that nobody has truncated the file. SQLite itself shortens it only by a VACUUM, which changes
        the version of the schema (https://www.sqlite.org/fileformat2.html#schemacookie). Raises
        LedgerError."""
        size, (size_before, cookie_before) = self._status().st_size, self._size_and_cookie
        if size == size_before:
            return
        (cookie,) = self._connection.execute("PRAGMA schema_version").fetchone()
        if size < size_before and cookie == cookie_before:
            raise LedgerError(
                Text(
                    "The ledger {file} was cut off while in use: it had {before} bytes, and has {size}.",
                    file=self.file,
                    before=size_before,
                    size=size,
                ),
                RESTORE,
            )
        self._size_and_cookie = size, cookie

    def _translated(self) -> contextlib.AbstractContextManager[None]:
        return translated(self.file)


@contextlib.contextmanager
def translated(file: Path) -> Iterator[None]:
    """Turn each `sqlite3.Error` and `OSError` into a LedgerError."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.InterfaceError, ValueError, OverflowError) as error:
        raise EventRefusedError(
            Text("The ledger {file} refused a record ({error}).", file=file, error=Foreign(str(error)))
        ) from error
    except (sqlite3.Error, OSError) as error:
        remedy = _remedy(error, file)
        kind = LedgerDamagedError if remedy is RESTORE else LedgerError
        message = Text("The ledger {file} cannot be used ({why}).", file=file, why=_reason(error))
        raise kind(message, remedy) from error


def _require_file(file: Path) -> None:
    """Check that a ledger can be opened. SQLite would only say that it cannot; and it deletes the log beside
    an empty file, with the records in it. Of a link, SQLite has the log beside the file it leads to. Raises
    LedgerError."""
    if not os.path.lexists(file):
        return
    status = file.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise LedgerError(
            Text("The ledger {file} is a symbolic link.", file=file),
            Text(
                "Name the file itself as `ledger` in the configuration: {target}",
                target=os.path.realpath(file),
            ),
        )
    if not stat.S_ISREG(status.st_mode):  # SQLite would wait for the writer of a pipe
        is_folder = stat.S_ISDIR(status.st_mode)
        raise LedgerError(
            Text("The ledger {file} is a folder.", file=file)
            if is_folder
            else Text("The ledger {file} is not a regular file.", file=file),
            Text("Type: mv {file} {file}.aside, or name a file as `ledger`.", file=file),
        )
    log = file.with_name(f"{file.name}-wal")
    if not status.st_size and log.exists() and log.stat().st_size:
        raise LedgerError(
            Text("The ledger {file} was emptied, and what lies beside it (-wal) was not.", file=file),
            Text("Keep both files elsewhere; then: informativa ledger restore COPY --controller NAME"),
        )


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
