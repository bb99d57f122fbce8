"""Records as lines: those of a ledger, and calls as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from textwrap import wrap

from ...evidence.commitment import KEPT
from ...model import Controller, Ending, Event, RecordKind
from ...model.text import Text
from ...operations.evidence.note_words import headline
from ...operations.record_document import AskedChoice
from ...operations.records import ControllerRecord
from ...operations.restoring import RestoredLedger
from .. import choice_words
from ..messages import Language
from ..record_words import note_text
from ..terminal import one_line
from ..times import local_time, zone_name

# One record a line, in columns that fit what is usual; a longer cell moves the rest to the right. Where the
# terminal is too narrow for that, two or three.
_LINE = "{:>4} {:<19} {:<13} {:<12} {:<18} {:<8} {:<20} {}"
_LINES = ("{0:>4} {1:<19} {5:<8} {6}", "     {2:<13} {3:<12} {4}", "     {7}")
_COLUMNS = 107
_HEADINGS = (
    "#",
    Text("when ({zone})"),
    Text("line"),
    Text("caller"),
    Text("notice"),
    Text("status"),
    Text("why"),
    Text("heard"),
)
_PAGE = 1000  # records that are written at once

_CALL = "{time:<8} {line:<14.14} {controller:<10.10} {status:<8} {reason:<18.18} {heard:>6} {record:>8}"
_CALL_NARROW = "{time:<8} {line:<14.14} {status:<8} {reason:<18.18} {record:>8}"
_CALL_COLUMNS = 79


def ledger(
    controller: Controller, records: Iterable[ControllerRecord] | None, say: Language, width: int
) -> Iterator[str]:
    """Yield one company's records while they are read, in pieces of many lines; `records` is `None` if there
    is no ledger."""
    yield f"{controller.name} ({controller.id})"
    if records is None:
        yield say(
            "There is no ledger {ledger}: nothing was recorded yet, or it was taken away.\n",
            ledger=controller.ledger,
        )
        return
    lines = (_LINE,) if width >= _COLUMNS else _LINES
    zone = zone_name(controller.zone)
    headings = [say(heading, zone=zone) for heading in _HEADINGS]
    yield "\n".join(line.format(*headings) for line in lines)
    rows = iter(records)
    while page := list(islice(rows, _PAGE)):
        output = (line.format(*_cells(record, say)).rstrip() for record in page for line in lines)
        yield "\n".join(_folded(one_line(line), width) for line in output if line)
    yield ""


def _folded(line: str, width: int) -> str:
    """Return a line that is too long for a narrow terminal as several."""
    if width >= _COLUMNS or len(line) <= width:
        return line
    return "\n".join(wrap(line, width, subsequent_indent="     ", drop_whitespace=False))


def _cells(entry: ControllerRecord, say: Language) -> list[str]:
    event = entry.record.event
    return [
        str(entry.record.number),
        local_time(event.at, entry.controller.zone, seconds=True, named=False),
        event.line,
        _caller(event, say),
        f"{event.asked.choice if event.asked else event.notice} {event.version} {event.language}",
        event.status if event.kind is RecordKind.PHONE else event.kind,
        f"{event.reason} #{event.basis}" if event.basis else event.reason,
        _heard(event, say),
    ]


def _caller(event: Event, say: Language) -> str:
    if event.pseudonym:
        return event.pseudonym.hex()[:8]
    if event.kind in KEPT:
        return ""
    return say("erased") if event.erased else say("unidentified")


def _heard(event: Event, say: Language) -> str:
    if event.asked is not None:
        key = event.heard.key if event.heard else ""
        return choice_words.answer(AskedChoice.of(event.asked), key, say)
    if event.heard is None:
        note = note_text(event, headline)
        return event.reference if note is None else say(note)
    heard = event.heard
    return say(
        "{seconds:.1f} of {length:.1f} s, {ending} {key}",
        seconds=heard.seconds,
        length=heard.length,
        ending=choice_words.ENDINGS[heard.ending],
        key=heard.key,
    ).strip()


def call_headings(say: Language, width: int) -> str:
    """Return the headings of the lines of calls."""
    titles = {"time": say("time"), "line": say("line"), "controller": say("company")}
    titles |= {"status": say("status"), "reason": say("reason"), "heard": say("heard")}
    return _call(width).format(**titles, record=say("record"))


def call(entry: ControllerRecord, width: int) -> str:
    """Return one notice of a call as a line."""
    event = entry.record.event
    cause: str = event.reason
    if event.asked is not None:
        cause = f"{event.asked.choice}:{event.asked.answer}"
    elif event.heard and event.heard.ending is not Ending.WHOLE:
        cause = event.heard.ending
    row = _call(width).format(
        time=f"{event.at.astimezone(entry.controller.zone):%H:%M:%S}",
        line=event.line,
        controller=entry.controller.id,
        status=event.status,
        reason=cause,
        heard=f"{event.heard.seconds:.1f}s" if event.heard else "-",
        record=entry.record.number,
    )
    return one_line(row)


def _call(width: int) -> str:
    return _CALL if width >= _CALL_COLUMNS else _CALL_NARROW


def restored(controller: Controller, result: RestoredLedger, say: Language) -> Iterator[str]:
    """Yield the result of a restoration, and the next step."""
    yield say.counted(
        "{id}: {records} record is in {file}.",
        "{id}: {records} records are in {file}.",
        result.records,
        id=controller.id,
        records=result.records,
        file=controller.ledger,
    )
    yield from changed_since_backup(result.gone_again, result.lost, say)
    if result.epoch > 1:
        yield say("The log goes on as another: give auditors its key (informativa evidence key).")
    if result.before:
        yield say("What was there before is {file}.", file=str(result.before))
    yield say("Next: systemctl start informativa")


def changed_since_backup(gone_again: int, lost: int, say: Language) -> Iterator[str]:
    """Yield how many records are gone again, and how many are lost, after a backup was restored."""
    if gone_again:
        yield say.counted(
            "{count} record that was erased or purged since the backup is so again.",
            "{count} records that were erased or purged since the backup are so again.",
            gone_again,
        )
    if lost:
        yield say.counted(
            "{count} record that was published since is lost; its caller hears the notice again.",
            "{count} records that were published since are lost; their callers hear the notice again.",
            lost,
        )
