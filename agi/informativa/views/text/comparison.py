"""A list of calls beside the ledgers, for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from rich.progress import TextColumn

from ...model.text import Text
from ...operations.evidence.comparison_document import CallComparison
from ..messages import Language
from ..terminal import one_line, progress

_COUNTS = (
    (0, "calls", Text("calls in the list")),
    (1, "elsewhere", Text("to other numbers, left out")),
    (1, "on_lines", Text("to lines of informativa")),
    (2, "by_id", Text("with a record, by call id")),
    (2, "by_time", Text("with a record, by line and time")),
    (2, "by_minute", Text("with the record of a caller who was erased since, by line and minute")),
    (2, "unanswered", Text("without a record, not answered or over within a second")),
    (2, "purged", Text("without a record, from days whose records were deleted because of their age")),
    (2, "without_record", Text("WITHOUT A RECORD")),
    (0, "recorded", Text("calls on record for these lines")),
    (1, "without_call", Text("NOT IN THE LIST")),
    (0, "unreadable", Text("rows of the list that cannot be understood")),
)
_ALWAYS = {"calls", "on_lines", "by_id", "without_record", "recorded", "without_call"}


@contextmanager
def bar(file: Path, say: Language) -> Iterator[Callable[[int, int], None]]:
    """Show how far the list is read, on stderr if that is a terminal."""
    with progress(TextColumn(say("{task.completed:,.0f} of {task.total:,.0f} bytes"))) as bars:
        task = bars.add_task(say("reading the list"), total=file.stat().st_size if file.is_file() else None)
        yield lambda completed, size: bars.update(task, completed=completed, total=size)


def compared(result: CallComparison, say: Language) -> Iterator[str]:
    """Yield the numbers of calls and records, those that lack the other, and what to do."""
    yield say(
        "Calls from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} ({zone}), of {companies}:",
        since=result.since,
        until=result.until,
        zone=f"{result.since:%Z}",
        companies=", ".join(result.controllers),
    )
    for depth, name, label in _COUNTS:
        if (number := getattr(result, name)) or name in _ALWAYS:
            yield f"{number:>9}  {'  ' * depth}{say(label)}"
    for heading, lines, number in (
        (Text("Calls without a record:"), _calls(result, say), result.without_record),
        (Text("Records without a call:"), _records(result, say), result.without_call),
        (Text("Rows that cannot be understood:"), _rows(result, say), result.unreadable),
        (
            Text("Days on which the numbers of calls differ:"),
            _days(result, say),
            len(result.days) + result.days_more,
        ),
    ):
        yield from _section(heading, list(lines), number, say)
    yield ""
    if result.agrees:
        yield say("The list and the ledger agree.")
    yield from _notes(result, say)


def _section(heading: Text, lines: Sequence[str], number: int, say: Language) -> Iterator[str]:
    """Yield these lines under their heading, and how many of this number they leave out."""
    if lines:
        yield ""
        yield say(heading)
        yield from lines
    if more := number - len(lines):
        yield "  " + say("… and {number} more", number=more)


def _calls(result: CallComparison, say: Language) -> Iterator[str]:
    for call in result.calls_without_record:
        yield _entry(call.at, call.line, call.call, say("line {row} of the list", row=call.row))


def _entry(at: datetime, line: str, call: str | None, name: str) -> str:
    return f"  {at:%Y-%m-%d %H:%M:%S %z}  {line:<14}  {one_line(call or '-'):<16}  {name}"


def _records(result: CallComparison, say: Language) -> Iterator[str]:
    for record in result.records_without_call:
        name = say("record {number} of {company}", number=record.record, company=record.controller)
        yield _entry(record.at, record.line, record.call, name)


def _rows(result: CallComparison, say: Language) -> Iterator[str]:
    for row in result.rows_unreadable:
        yield "  " + say("line {row} of the list: {why}", row=row.row, why=row.reason)


def _days(result: CallComparison, say: Language) -> Iterator[str]:
    for day in result.days:
        sentence = say("{calls} in the list, {recorded} on record", calls=day.calls, recorded=day.recorded)
        yield f"  {day.day}  {day.line:<14}  {sentence}"


def _notes(result: CallComparison, say: Language) -> Iterator[str]:
    """Yield what limits the comparison, and what to do about it."""
    if result.without_id and result.master:
        yield say.counted(
            "{number} call has no id: it could be compared by line and time alone. Have Asterisk write it:"
            " loguniqueid=yes in the section [csv] of cdr.conf, then"
            " asterisk -rx 'module reload cdr_csv.so'",
            "{number} calls have no id: they could be compared by line and time alone. Have Asterisk write"
            " it: loguniqueid=yes in the section [csv] of cdr.conf, then"
            " asterisk -rx 'module reload cdr_csv.so'",
            result.without_id,
            number=result.without_id,
        )
    if not (result.by_id or result.by_time or result.by_minute):
        yield say("No call has a record. If the list has its times in another zone, name it: --zone UTC")
    if result.other_lines:
        yield say.counted(
            "{number} call on record is of a line that the list does not have: it says nothing of it.",
            "{number} calls on record are of lines that the list does not have: it says nothing of them.",
            result.other_lines,
            number=result.other_lines,
        )
    if result.purged:
        yield say(
            "Calls of days whose records were deleted because of their age are compared by their number"
            " alone."
        )
    if result.without_call:
        yield say("A call that was going on when the list was made is not in it.")
