"""The files of a witness: its key, the last checkpoint of each log that it signed, and approvals.

    witness.key        the private key, for its owner alone
    witness.sqlite3    the checkpoints; the approvals that it serves, in the order in which they came

Without the second file the witness would forget what it signed, and sign another log under the same name. So
it is made together with the key, once, and a witness without it does not start.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from ..model.errors import EvidenceError
from ..model.text import Foreign, Text
from ..system import files
from .checkpoint import Checkpoint
from .cosignature import WitnessSigner
from .log_folder import failing
from .witness import Logs, Response, decide, open_request

_SEED_SIZE = 32  # bytes
_TABLE = """
CREATE TABLE last (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note BLOB NOT NULL,
    signed_at INTEGER NOT NULL) STRICT
"""
_LAST = "SELECT size, root FROM last WHERE origin = ?"
_KEEP = """
INSERT INTO last (origin, size, root, note, signed_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE
SET size = excluded.size, root = excluded.root, note = excluded.note, signed_at = excluded.signed_at
"""
_ALL = "SELECT origin, size, root, signed_at FROM last ORDER BY origin"
_ALL_NOTES = "SELECT origin, size, root, signed_at, note FROM last"
_APPROVALS_TABLE = """
CREATE TABLE IF NOT EXISTS approval (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
    note BLOB NOT NULL) STRICT
"""
_ADD_APPROVAL = "INSERT OR IGNORE INTO approval (name, note) VALUES (?, ?)"
_ALL_APPROVALS = "SELECT name, note FROM approval ORDER BY number"
_WAIT_SECONDS = 10


class WitnessFolder:
    """The folder of one witness. Every method raises EvidenceError if its files cannot be used."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key_file, self.state_file = folder / "witness.key", folder / "witness.sqlite3"

    def make(self, name: str) -> WitnessSigner:
        """Make a new key under that name, with nothing signed. Raises EvidenceError if there is one."""
        witness = WitnessSigner(name, os.urandom(_SEED_SIZE))
        with failing(self.folder):
            files.make_folder(self.folder, mode=0o700)
            if self.key_file.exists() or self.state_file.exists():
                raise EvidenceError(
                    Text(
                        "There is a witness in {folder} already",
                        "a second one needs a folder of its own",
                        folder=self.folder,
                    )
                )
            files.create(self.state_file, like=self.folder.stat())
        with _translated(self.state_file), closing(_connected(self.state_file)) as connection:
            connection.execute(_TABLE)
        with failing(self.key_file):
            files.create(self.key_file, f"{witness.secret}\n".encode(), like=self.folder.stat())
        return witness

    def witness(self) -> WitnessSigner:
        """Return the witness's key. Raises EvidenceError if others may read it, too."""
        with failing(self.key_file):
            if self.key_file.stat().st_mode & 0o077:
                raise EvidenceError(
                    Text("Others can read {file}", "type: chmod 600 {file}", file=self.key_file)
                )
            return WitnessSigner.parse(self.key_file.read_text(encoding="ascii", errors="replace").strip())


def last_signed(folder: WitnessFolder) -> dict[str, tuple[Checkpoint, int, bytes]]:
    """Return by origin the last checkpoint that the witness signed, when, in POSIX seconds, and the log's
    note. Nothing is written, and no key is read. Raises EvidenceError if the file cannot be read."""
    file = folder.state_file
    with _translated(file), closing(_connected(file, "ro")) as connection:
        return {
            origin: (Checkpoint(origin, size, root), at, note)
            for origin, size, root, at, note in connection.execute(_ALL_NOTES)
        }


class WitnessStore:
    """The last signed checkpoints, and the approvals that are served. For one thread at a time; other
    processes may use the same file. Raises EvidenceError if it cannot be used; nothing is signed then."""

    def __init__(self, folder: WitnessFolder) -> None:
        self._file = folder.state_file
        if not self._file.is_file():
            raise EvidenceError(
                Text(
                    "{file} is not there, so the witness does not know what it signed",
                    "put it back; or make another witness, with another key",
                    file=self._file,
                )
            )
        with _translated(self._file):
            self._connection = _connected(self._file)
            self._connection.execute(_ALL).fetchall()

    def answer(self, body: bytes, logs: Logs, witness: WitnessSigner, now: int) -> Response:
        """Return the answer to a request. A signed checkpoint is on the disk by then, written in the
        transaction in which it was compared with the last one."""
        request_or_answer = open_request(body, logs)
        if isinstance(request_or_answer, Response):
            return request_or_answer
        request, checkpoint = request_or_answer
        with self._transaction() as connection:
            row = connection.execute(_LAST, (checkpoint.origin,)).fetchone()
            last = Checkpoint(checkpoint.origin, *row) if row else None
            answer = decide(request, checkpoint, last, witness, now)
            if answer.signed:
                values = (checkpoint.origin, checkpoint.size, checkpoint.root, request.note, now)
                connection.execute(_KEEP, values)
        return answer

    def last(self) -> list[tuple[Checkpoint, int]]:
        """Return the last checkpoint of each log, and the time when it was signed, in POSIX seconds."""
        with _translated(self._file):
            rows = self._connection.execute(_ALL).fetchall()
            return [(Checkpoint(origin, size, root), at) for origin, size, root, at in rows]

    def approvals(self) -> list[tuple[str, bytes]]:
        """Return the approvals by the names of their files, in the order in which they came."""
        with self._transaction() as connection:
            connection.execute(_APPROVALS_TABLE)  # a witness from before has none
            return connection.execute(_ALL_APPROVALS).fetchall()

    def add_approvals(self, approvals: Sequence[tuple[str, bytes]]) -> None:
        """Add approvals behind those that are there; one whose name is there stays as it is."""
        with self._transaction() as connection:
            connection.executemany(_ADD_APPROVAL, approvals)

    def close(self) -> None:
        """Close the database, once."""
        self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with _translated(self._file):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise


def _connected(file: Path, mode: str = "rw") -> sqlite3.Connection:
    uri = f"{file.absolute().as_uri()}?mode={mode}"  # one that is not there is not made
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, timeout=_WAIT_SECONDS, check_same_thread=False
    )
    connection.execute("PRAGMA synchronous = EXTRA")  # the journal's deletion, too: it is the commit
    return connection


@contextmanager
def _translated(file: Path) -> Iterator[None]:
    """Raise EvidenceError for any sqlite3.Error."""
    try:
        yield
    except sqlite3.Error as error:
        raise EvidenceError(
            Text("{file} cannot be used: {why}", file=file, why=Foreign(str(error)))
        ) from error
