"""The schema of a ledger: check that a database is a ledger, read its version, and migrate it to the
newest."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from ..evidence.origin import log_folder, origin
from ..model.errors import LedgerEmptyError, LedgerError, LedgerOutdatedError
from ..model.frozen import dataclass
from ..model.text import Text
from . import leaves, write_lock

APPLICATION = 0x696E666F  # PRAGMA application_id: “info”
UNMARKED = 6  # the last schema that has no application_id


# Measured with 200,000 records of each earlier schema on one core of a small server: 0.4 to 2.8 microseconds.
_SECONDS_A_RECORD = 5e-6
_BYTES_A_SECOND = 100e6  # written to a slow disk: the copy, and the migrated tables


@dataclass(frozen=True)
class MigrationEstimate:
    """An estimate of a migration: the present version of the schema and the newest, the number of records,
    and the bytes that must be free on its disk and that are free. `seconds` is only a guess."""

    schema: int
    newest: int
    records: int
    needed: int
    free: int

    @property
    def seconds(self) -> float:
        """The approximate duration in seconds."""
        return self.records * _SECONDS_A_RECORD + self.needed / _BYTES_A_SECOND


def migration_estimate(connection: sqlite3.Connection, file: Path) -> MigrationEstimate:
    """Estimate the migration without changing anything. Counts all records if there is something to
    migrate."""
    import shutil  # not for a script, as below

    from . import backup

    version, newest_version, records, needed = of(connection), newest(), 0, 0
    if version < newest_version and _has_records(connection):
        (records,) = connection.execute("SELECT count(*) FROM event").fetchone()
        needed = backup.needed_room(connection)
    return MigrationEstimate(version, newest_version, records, needed, shutil.disk_usage(file.parent).free)


def require_ours(connection: sqlite3.Connection, file: Path, *, create: bool) -> None:
    """Check, before anything is written, that a database is a ledger. Raises LedgerError if it is of another
    program, and LedgerEmptyError if it is empty and `create` is false."""
    connection.execute("BEGIN")  # read one state: another process may migrate it meanwhile
    try:
        _require_ours(connection, file, create=create)
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _require_ours(connection: sqlite3.Connection, file: Path, *, create: bool) -> None:
    application = _pragma(connection, "application_id")
    if application == APPLICATION:
        return
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    version = of(connection)
    if not tables and not application and not version:
        if create:
            return
        raise LedgerEmptyError(
            Text(
                "The ledger {file} is empty: nothing was recorded yet, or what was recorded is gone.",
                file=file,
            ),
            Text("If there was one, put it back: the service begins a new one in it when it starts."),
        )
    columns = {row[1] for row in connection.execute("PRAGMA table_info(event)")}
    is_ledger = {"event", "standing"} <= tables and {"record", "pseudonym", "notice", "heard"} <= columns
    if application or not is_ledger or not 0 < version <= UNMARKED:
        raise LedgerError(
            Text("{file} is a database of another program, not a ledger. Nothing was changed.", file=file),
            Text("Give the controller's setting `ledger:` a file of its own."),
        )


def bring_up_to_date(connection: sqlite3.Connection, file: Path, log: str, *, migrate: bool) -> None:
    """Apply the numbered migrations that are missing, all of them or none.

    Records are copied before, under the lock of the same transaction. So the copy is of the state that is
    migrated, no second process migrates too, and the lock ends with its holder. A ledger that has no log yet
    begins its first, named `log`.
    """
    version, newest_version = of(connection), newest()
    if version > newest_version:
        raise LedgerError(
            Text("The ledger {file} was written by a newer informativa.", file=file),
            Text("Upgrade this one."),
        )
    if version == newest_version:
        return
    if not migrate and _has_records(connection):
        require_newest(connection, file)
    from . import backup  # not for a script, whose ledger is of today

    write_lock.take(connection)
    try:
        if _has_records(connection) and of(connection) < newest_version:
            backup.make(file, of(connection), datetime.now(UTC))
        for number, sql in [migration for migration in migrations() if migration[0] > of(connection)]:
            for statement in statements(sql):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        if not connection.execute("SELECT 1 FROM log").fetchone():
            epoch = _next_epoch(file)
            (old,) = connection.execute("SELECT coalesce(max(record), 0) FROM event").fetchone()
            connection.execute(leaves.BEGIN, (epoch, origin(log, epoch), 0, old, 0, 0))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def require_newest(connection: sqlite3.Connection, file: Path) -> None:
    """Raise LedgerOutdatedError if a ledger is of an earlier informativa."""
    if of(connection) < newest():
        raise LedgerOutdatedError(
            Text("The ledger {file} is of an earlier informativa and not migrated yet.", file=file),
            Text("The service does it beside the calls; without a service type: informativa check"),
        )


def _next_epoch(file: Path) -> int:
    """Return the first epoch, or the one after the logs that an earlier ledger left here: what it signed must
    not be taken back."""
    epochs = [int(folder.name) for folder in log_folder(file).glob("[1-9]*") if folder.name.isdecimal()]
    return max(epochs, default=0) + 1


def of(connection: sqlite3.Connection) -> int:
    """Return the number of the last migration that was applied."""
    return _pragma(connection, "user_version")


def migrations() -> list[tuple[int, str]]:
    """Return all migrations with their numbers, in order."""
    return [(number, file.read_text(encoding="utf-8")) for number, file in _files()]


def newest() -> int:
    """Return the number of the last migration."""
    return _files()[-1][0]


@cache
def empty() -> bytes:
    """Return the image of a database in which all migrations were applied, and nothing else done: for
    `sqlite3.Connection.deserialize`, which takes a twentieth of their time."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for _number, sql in migrations():
            for statement in statements(sql):
                connection.execute(statement)
        return connection.serialize()


@cache
def _files() -> list[tuple[int, Path]]:
    # Not by importlib.resources: a script would load a reader of ZIP files for it, at every call.
    folder = Path(__file__).with_name("migrations")
    return sorted((int(file.name[:4]), file) for file in folder.iterdir() if file.suffix == ".sql")


def statements(sql: str) -> Iterator[str]:
    """Split a script, of lines that end statements, because `executescript` would end the transaction that
    they belong to."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _has_records(connection: sqlite3.Connection) -> bool:
    """Return whether it has records, which must not be lost."""
    return of(connection) > 0 and bool(connection.execute("SELECT 1 FROM event LIMIT 1").fetchone())


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    number: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return number
