"""A list of calls, row by row: Asterisk's Master.csv as it is, or a CSV file with a header.

Of a row only the call's id, its line and its time are taken: no caller's number gets any further. A row of
Master.csv that cannot be understood is noted by its line, and the others count; in another file it is a
reason to refuse the whole where a cell may have swallowed rows.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import blake2b
from itertools import count, islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ...model import Line
from ...model.errors import InformativaError
from ...model.redaction import plain_id, without_numbers
from ...model.text import Foreign, Text
from ..cell_times import call_time, require_day_first
from ..csv_table import LONGEST, Table, require_seekable
from ..table_columns import TableForm
from ..typed_caller import SEPARATORS

_SAMPLE = 20  # lines by which Master.csv is recognised
_ONE_MOMENT = timedelta(hours=15)  # no zone's time differs more from UTC; and a second row's from the first
_ASTERISK_ID = re.compile(r"(?:.*-)?([12]\d{9})\.\d{1,8}")
_DURATION = re.compile(r"[0-9]{1,5}")  # seconds; no call lasts longer than a day or so
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_TO_THE_MINUTE = re.compile(r".*[ T]\d{1,2}:\d\d(?: ?(?:Z|[+-]\d\d:?\d\d))?")
_DISPOSITIONS = {"ANSWERED", "NO ANSWER", "BUSY", "FAILED", "CONGESTION", "UNKNOWN"}
_UNANSWERED = {"no answer", "busy", "failed", "congestion"}
# The columns of cdr_csv that count, by place (cdr/cdr_csv.c). With newcdrcolumns three more follow the user
# field: peeraccount, linkedid, sequence.
CDR_CSV = {
    name: place
    for place, name in enumerate(
        ("accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata",
         "start", "answer", "end", "duration", "billsec", "disposition", "amaflags", "uniqueid", "userfield")
    )
}  # fmt: skip
_FEWEST, _MOST, _WITH_LINKED = 16, 21, 19


def _require(places: Mapping[str, int]) -> None:
    missing = [name for name in ("line", "start") if name not in places]
    if missing:
        raise InformativaError(
            Text(
                "This is not Asterisk's Master.csv, and no header names the column of: {names}.",
                names=", ".join(missing),
            ),
            Text("Name the columns by their headers or places: --columns id=HEADER,line=HEADER,start=HEADER"),
        )


LIST = TableForm(
    headers={
        "id": {"id", "uniqueid", "call id", "callid"},
        "line": {"line", "linea", "dst", "did", "called number", "numero chiamato"},
        "start": {"start", "calldate", "inizio"},
        "linked": {"linkedid"},
        "disposition": {"disposition"},
        "seconds": {"billsec"},
    },
    needed={"line", "start"},
    option="--columns",
    example="id=uniqueid,line=dst,start=calldate",
    require=_require,
)
"""Lists of calls with a header."""


class ListedCall(NamedTuple):
    """A row of the list. `id` and `linked` are in the form that records have, '' where there is none; `line`
    is '' for a number that is no line. `start` and `end` are seconds since 1970; in the hour that a clock
    goes through twice, or where the list has the minute alone, the call may have begun `late` seconds after
    `start`."""

    row: int
    id: str
    linked: str
    line: str
    start: int
    end: int
    late: int
    by_id: bool
    """True if a record of the call would have this id."""
    reached: bool
    """False if the call was not answered, or over within a second."""


@dataclass(frozen=True)
class UnreadableRow:
    """A row that could not be understood."""

    row: int
    reason: Text


@dataclass(frozen=True)
class ListTimes:
    """The time zone of a list's times that name none: `zone`, or, where that is `None`, the one of the line's
    company. An id that Asterisk made has the time in it, which then counts."""

    zone: tzinfo | None
    default: tzinfo

    def moment(self, text: str, call_id: str, line: Line | None) -> tuple[int, int]:
        """Return the seconds since 1970, and how many later it may be. Raises ValueError."""
        written = call_time(text)
        late = 59 if _TO_THE_MINUTE.fullmatch(text) else 0
        if written.tzinfo is not None:
            return _seconds(written), late
        made = _ASTERISK_ID.fullmatch(call_id) if self.zone is None else None
        if made and abs(written.replace(tzinfo=UTC) - _at(int(made[1]))) < _ONE_MOMENT:
            return int(made[1]), 0
        aware = written.replace(tzinfo=self.zone or (line.controller.zone if line else self.default))
        start = _seconds(aware)
        return start, late + max(0, _seconds(aware.replace(fold=1)) - start)


class CallList:
    """The rows of an open list. Raises InformativaError for a file that cannot be understood."""

    def __init__(
        self, opened: BinaryIO, chosen: Mapping[str, str], lines: Mapping[str, Line], times: ListTimes
    ) -> None:
        self._opened, self._lines, self._times = opened, lines, times
        self.is_master = _is_master(opened)
        if self.is_master:
            self._columns = _master_columns(chosen)
        else:
            self._table = Table(opened, chosen, LIST)
            self._columns = self._table.columns
        self.rows = 0
        """The number of rows so far."""

    def calls(self) -> Iterator[ListedCall | UnreadableRow]:
        """Return the rows, while they are read."""
        rows = _master_rows(self._opened) if self.is_master else self._table.rows()
        for number, cells in rows:
            self.rows += 1
            if isinstance(cells, Text):
                yield UnreadableRow(number, cells)
                continue
            try:
                yield self._call(number, cells)
            except (ValueError, OverflowError):
                yield UnreadableRow(number, Text("its time is not such as 2026-01-31 09:30:00"))

    def _call(self, number: int, cells: Sequence[str]) -> ListedCall:
        columns = self._columns

        def cell(name: str) -> str:
            place = columns.get(name)
            return cells[place].strip() if place is not None and place < len(cells) else ""

        start_text, call_id, linked = cell("start"), cell("id"), cell("linked")
        if not self.is_master:
            require_day_first(number, start_text)
        else:
            call_id = call_id if _ASTERISK_ID.fullmatch(call_id) else ""  # the user field, without an id
            linked = cells[-2] if len(cells) >= _WITH_LINKED and _ASTERISK_ID.fullmatch(cells[-2]) else ""
        line = self._line(cell("line"))
        start, late = self._times.moment(start_text, call_id, line)
        seconds = cell("seconds")
        duration = cell("duration") or seconds
        return ListedCall(
            number,
            _safe(call_id),
            _safe(linked),
            line.number if line else "",
            start,
            start + (int(duration) if _DURATION.fullmatch(duration) else 0),
            late,
            bool(_ASTERISK_ID.fullmatch(call_id)),
            cell("disposition").lower() not in _UNANSWERED and (not seconds.isdecimal() or int(seconds) > 0),
        )

    def _line(self, text: str) -> Line | None:
        return self._lines.get(text) or self._lines.get(text.translate(SEPARATORS))


def _safe(call_id: str) -> str:
    """Return the id as a record would have it. One in which a number may be becomes a digest, which no record
    has."""
    plain = plain_id(call_id) if call_id else ""
    return f"#{blake2b(call_id.encode(), digest_size=12).hexdigest()}" if "#" in plain else plain


def shown_id(call_id: str) -> str | None:
    """Return the id for a person; `None` where there is none, or a number may be in it."""
    return None if not call_id or call_id.startswith("#") else call_id


def _master_columns(chosen: Mapping[str, str]) -> dict[str, int]:
    """Return the places of the columns in Master.csv, with those that somebody chose by the names of cdr_csv
    or by place."""
    places = {
        "id": CDR_CSV["uniqueid"],
        "line": CDR_CSV["dst"],
        "start": CDR_CSV["start"],
        "duration": CDR_CSV["duration"],
        "seconds": CDR_CSV["billsec"],
        "disposition": CDR_CSV["disposition"],
    }
    for name, choice in chosen.items():
        place = CDR_CSV.get(choice.lower(), int(choice) - 1 if choice.isdecimal() else -1)
        if name not in LIST.headers or not 0 <= place < _MOST:
            raise InformativaError(
                Text(
                    "Master.csv has no header, and no column {name}.",
                    name=without_numbers(f"{name}={choice}"),
                ),
                Text(
                    "Name {names} by a column of it: {columns}.",
                    names=", ".join(LIST.headers),
                    columns=", ".join(CDR_CSV),
                ),
            )
        places[name] = place
    return places


def _is_master(opened: BinaryIO) -> bool:
    """Return whether the file is Asterisk's, by its first lines, and go back to its beginning."""
    lines = list(islice(_master_rows(opened), _SAMPLE))
    opened.seek(0)
    return any(not isinstance(cells, Text) for _number, cells in lines)


def _master_rows(opened: BinaryIO) -> Iterator[tuple[int, list[str] | Text]]:
    """Return the rows of Master.csv, or what is wrong with one, with their lines. Asterisk writes no row over
    several lines, so none can swallow another."""
    for number in count(1):
        if not (raw := opened.readline(LONGEST)):
            return
        if raw.strip():
            yield number, _master_row(raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw)


def _master_row(raw: bytes) -> list[str] | Text:
    if b"\0" in raw:
        return Text("it holds a NUL: the disk lost what was there")
    try:
        cells = next(csv.reader((raw.decode(errors="replace"),), strict=True))
    except csv.Error:
        return Text("a quote in it is not closed")
    if (
        _FEWEST <= len(cells) <= _MOST
        and _TIME.fullmatch(cells[CDR_CSV["start"]])
        and cells[CDR_CSV["disposition"]] in _DISPOSITIONS
    ):
        return cells
    return Text("it has not the columns that Asterisk's cdr_csv writes")


@contextmanager
def opened_list(file: Path) -> Iterator[BinaryIO]:
    """Open a list for the time of a `with` block. Raises InformativaError."""
    try:
        with file.open("rb") as opened:
            require_seekable(opened, file)
            yield opened
    except OSError as error:
        raise InformativaError(
            Text("{file} cannot be read ({why}).", file=error.filename or file,
                 why=Foreign(error.strerror or "")),
            Text("Name a list of calls that you may read, such as /var/log/asterisk/cdr-csv/Master.csv."),
        ) from error  # fmt: skip


def _seconds(at: datetime) -> int:
    return int(at.timestamp() // 1)


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
