"""Reading of a ledger that others write: its new records, and its summary.

A reader of a file in WAL mode takes no lock that a writer waits for. It could only keep the log from starting
anew, so no transaction stays open between two reads.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ..model import Record, RecordKind, Status
from ..model.errors import LedgerError
from ..model.text import Foreign, Text
from . import month_counts, recorded_calls, rows, schema, tally
from .month_counts import MonthCounts
from .owner import LedgerOwner, require
from .single_openings import open_once
from .sqlite import SqliteStore
from .tally import AnswerCount, HourCount

_UNREADY = ("no such table", "no such column")  # while a ledger is being created

_COUNTS = f"""
SELECT line, notice, version, language, status, sum(count),
    sum(CASE WHEN hour >= :today THEN count ELSE 0 END)
FROM tally WHERE hour >= :since AND status <> '' AND {tally.OF_NOTICES} GROUP BY 1, 2, 3, 4, 5
"""  # noqa: S608  # our own names
_CALLS = """
SELECT coalesce(sum(count), 0), coalesce(sum(CASE WHEN hour >= :today THEN count END), 0)
FROM tally WHERE hour >= :since AND status = ''
"""
_HAS_ANSWERS = f"""
SELECT EXISTS (SELECT 1 FROM tally WHERE {tally.OF_ANSWERS}) OR EXISTS (SELECT 1 FROM answer)
"""  # noqa: S608  # our own names
_KNOWN = "SELECT callers FROM known"
_LAST = f"SELECT {rows.COLUMNS} FROM event ORDER BY record DESC LIMIT 1"  # noqa: S608  # our own names
_EARLIEST = """
SELECT coalesce(min(record), 1) FROM (
    SELECT record FROM event WHERE call <> '' AND (:line = '' OR line = :line)
    ORDER BY record DESC LIMIT :count
)
"""


@dataclass(frozen=True)
class NoticeCount:
    """The number of records of one notice on one line with one status: in the whole period, and today."""

    line: str
    notice: str
    version: str
    language: str
    status: Status
    in_period: int
    today: int


@dataclass(frozen=True)
class LedgerSummary:
    """The summary of a ledger. `calls` are the numbers of calls in the whole period and today; `answers` are
    those to choices, by the hour; `size` is in bytes, with the log; `known_callers` is the number of callers
    of whom it is known that they were told something."""

    counts: tuple[NoticeCount, ...]
    answers: tuple[AnswerCount, ...]
    calls: tuple[int, int]
    known_callers: int
    last: Record | None
    size: int


def summary(ledger: SqliteStore, since: datetime, today: datetime) -> LedgerSummary:
    """Summarise an open ledger for the hours that began since a time, and for today. Read from its counters,
    which a purge leaves unchanged. Raises LedgerError if it cannot be read."""
    hours = {"since": tally.first_hour(since), "today": tally.first_hour(today)}
    with ledger.connected() as connection:
        connection.execute("BEGIN")  # all queries see the same state
        try:
            return _summary(connection, ledger.file, hours, since)
        finally:
            connection.execute("ROLLBACK")


def _summary(
    connection: sqlite3.Connection, file: Path, hours: Mapping[str, int], since: datetime
) -> LedgerSummary:
    counts = tuple(
        NoticeCount(line, notice, version, language, Status(status), in_period, count_today)
        for line, notice, version, language, status, in_period, count_today in connection.execute(
            _COUNTS, hours
        )
    )
    calls = connection.execute(_CALLS, hours).fetchone()
    callers = connection.execute(_KNOWN).fetchone()[0]
    last = connection.execute(_LAST).fetchone()
    files = (file, file.with_name(f"{file.name}-wal"))
    size = sum(part.stat().st_size for part in files if part.exists())
    answers = tally.answers(connection, since, datetime.max.replace(tzinfo=UTC))
    return LedgerSummary(counts, answers, calls, callers, rows.record(last) if last else None, size)


def missing(file: Path) -> LedgerError:
    """Return the error for a ledger that does not exist."""
    return LedgerError(
        Text("There is no ledger {file}.", file=file),
        Text("The service makes it when it starts; if there was one, it was taken away."),
    )


def answers(
    file: str, since: datetime, until: datetime, owner: LedgerOwner | None = None
) -> tuple[AnswerCount, ...]:
    """Return the counters of answers to choices of the same hours as `hours`. Raises as that does."""
    with _read(file, owner) as connection:
        return tally.answers(connection, since, until)


def has_answers(file: str, owner: LedgerOwner | None = None) -> bool:
    """Return whether a caller ever answered a choice, as far as the ledger still says so. Raises LedgerError
    if it cannot be read."""
    with _read(file, owner) as connection:
        return bool(connection.execute(_HAS_ANSWERS).fetchone()[0])


def hours(
    file: str, since: datetime, until: datetime, owner: LedgerOwner | None = None
) -> tuple[HourCount, ...]:
    """Return the counters of the hours that began at `since` or later and before `until`. Raises LedgerError
    if they cannot be read."""
    with _read(file, owner) as connection:
        return tally.hours(connection, since, until)


def informed_later(
    file: str, since: datetime, until: datetime, owner: LedgerOwner | None = None
) -> dict[Status, int]:
    """Count notices whose callers heard them later, as `recorded_calls.informed_later` does. Raises
    LedgerError if they cannot be read."""
    with _read(file, owner) as connection:
        return recorded_calls.informed_later(connection, since, until)


def month(file: str, since: datetime, until: datetime, owner: LedgerOwner | None = None) -> MonthCounts:
    """Return the counts of a period, all of one state of the ledger. Reads all of it. Raises LedgerError if
    it cannot be read."""
    with _read(file, owner) as connection:
        return month_counts.of_period(connection, since, until)


@contextmanager
def _read(file: str, owner: LedgerOwner | None) -> Iterator[sqlite3.Connection]:
    try:
        with _open(Path(file), owner) as connection:
            yield connection
    except FileNotFoundError as error:
        raise missing(Path(file)) from error
    except (sqlite3.Error, OSError, ValueError) as error:
        raise LedgerError(
            Text("The ledger {file} cannot be read ({error}).", file=file, error=Foreign(str(error))),
            Text("Look at its owner and mode: ls -l {file}", file=file),
        ) from error


class Follower:
    """Reads the new records of one ledger since the last read. It notices if the file appears, disappears or
    is replaced.

    Every method raises LedgerError if the ledger cannot be read now; it can be asked again later.
    """

    def __init__(self, file: str, owner: LedgerOwner | None = None) -> None:
        self._file, self._owner = Path(file), owner
        self._connection: sqlite3.Connection | None = None
        self._opened: os.stat_result | None = None  # the file that was opened last
        self._version = -1  # data_version at the last read; SQLite changes it when anybody commits
        self._next = 1

    def start(self, count: int, line: str = "") -> None:
        """Begin after all present records except the last `count` records of calls, on one line if given."""
        with self._translated():
            if not self._open():
                return
            assert self._connection is not None
            newest = self._connection.execute("SELECT coalesce(max(record), 0) FROM event").fetchone()[0]
            self._next = newest + 1
            if count:
                parameters = {"line": line, "count": count}
                self._next = self._connection.execute(_EARLIEST, parameters).fetchone()[0]

    def new_records(self) -> list[Record]:
        """Return the records of calls since the last read."""
        records: list[Record] = []
        with self._translated():
            if not self._open():
                return records
            assert self._connection is not None
            version = self._connection.execute("PRAGMA data_version").fetchone()[0]
            if version == self._version:
                return records
            for row in self._connection.execute(rows.RECORDS, (self._next,)).fetchall():
                record = rows.record(row)
                self._next = record.number + 1
                if record.event.call and record.event.kind in (RecordKind.PHONE, RecordKind.OPERATOR):
                    records.append(record)
            self._version = version
        return records

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection, self._version = None, -1

    def _open(self) -> bool:
        """Open the present file, and return whether there is one. A new file is read from its beginning."""
        try:
            present = self._file.stat()
        except FileNotFoundError:
            present = None
        if present is None or (self._opened and not os.path.samestat(present, self._opened)):
            self.close()
            self._opened, self._next = None, 1
        if present is None or not present.st_size:  # there is none, or it is being created
            return False
        if self._connection is None:
            self._connection = _connect(self._file)
            self._opened = present
            self._require_own()
        return True

    def _require_own(self) -> None:
        """Raise LedgerError if the ledger is another company's, or of another version."""
        assert self._connection is not None
        try:
            _require_own(self._connection, self._file, self._owner)
        except LedgerError:
            self.close()
            raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, ValueError) as error:
            self.close()
            if not (isinstance(error, sqlite3.OperationalError) and str(error).startswith(_UNREADY)):
                raise LedgerError(
                    Text(
                        "The ledger {file} cannot be read ({error}).",
                        file=self._file,
                        error=Foreign(str(error)),
                    ),
                    Text("It is tried again until it can."),
                ) from error


@contextmanager
def _open(file: Path, owner: LedgerOwner | None) -> Iterator[sqlite3.Connection]:
    os.stat(file)  # noqa: PTH116  # raises FileNotFoundError, which SQLite does not
    with open_once(("following", file), partial(_connect, file)) as connection:
        connection.execute("BEGIN")  # all queries see the same state
        _require_own(connection, file, owner)
        yield connection
        connection.execute("ROLLBACK")


def _require_own(connection: sqlite3.Connection, file: Path, owner: LedgerOwner | None) -> None:
    """Raise LedgerError if a ledger is another's or of another version, unless it is being created."""
    if schema.of(connection):
        schema.require_version(connection, file)
        if owner is not None:
            require(connection, file, owner)


def _connect(file: Path) -> sqlite3.Connection:
    """Open the file without waiting for writers; a file that is locked exclusively is tried again later."""
    uri = f"{file.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)
    try:
        connection.execute("PRAGMA schema_version")  # only now does SQLite open the log
    except BaseException:
        connection.close()
        raise
    return connection
