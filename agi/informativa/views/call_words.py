"""Records in a few words each, for lists that are read in a second: outcomes, reasons, days and badges of
callers. The sentences of the same codes are in `record_words`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, tzinfo
from itertools import groupby

from ..model import Event, Reason, Record, RecordKind, Status
from ..model.text import Text
from .choice_words import ANSWERS
from .messages import Language
from .record_words import KINDS
from .times import day_text

OUTCOMES: dict[Status, Text] = {
    Status.PLAYED: Text("heard in full"),
    Status.PARTIAL: Text("not heard in full"),
    Status.SKIPPED: Text("skipped"),
    Status.NOTDUE: Text("not needed"),
    Status.FALLBACK: Text("played by Asterisk"),
    Status.FAILED: Text("not played"),
    Status.INFORMED: Text("informed otherwise"),
    Status.ASKED: Text("was asked"),
    Status.NOTASKED: Text("could not be asked"),
    Status.REPORTED: Text("answered otherwise"),
}
"""The outcome for one caller in a word or two."""

NOTES: dict[RecordKind, Text] = {
    RecordKind.ERASURE: Text("erasure"),
    RecordKind.PURGE: Text("old records deleted"),
    RecordKind.LOST: Text("records lost"),
    RecordKind.NEW_LOG: Text("new log"),
    RecordKind.NEXT: Text("end of the log"),
    RecordKind.RULE: Text("retention rule"),
    RecordKind.APPROVAL: Text("approval"),
    RecordKind.TOTALS: Text("totals of a day"),
    RecordKind.ACCESS: Text("access log"),
}
"""Records about records in a word or two."""

REASONS: dict[Reason, Text] = {
    Reason.NOT_INFORMED: Text("first notice"),
    Reason.NEW_PURPOSE: Text("new purpose"),
    Reason.MATERIAL_CHANGE: Text("important change"),
    Reason.PERIOD_OVER: Text("due again"),
    Reason.EVERY_CALL: Text("due on every call"),
    Reason.OTHER_COUNTRY: Text("operator's country"),
    Reason.NOT_ANSWERED: Text("no valid answer"),
    Reason.ALREADY_INFORMED: Text("already informed"),
    Reason.SAME_CALL: Text("same call"),
    Reason.SERVICE_DATA_ONLY: Text("data for the service only"),
    Reason.INTERNAL: Text("internal call"),
    Reason.WITHHELD: Text("number withheld"),
    Reason.MALFORMED: Text("no number"),
    Reason.SHARED: Text("number of many"),
    Reason.AMBIGUOUS: Text("number may be two"),
    Reason.UNVERIFIED: Text("number found wrong"),
    Reason.RECYCLED: Text("number long unused"),
    Reason.TOLD_ELSEWHERE: Text("by other means"),
    Reason.REQUEST: Text("the person's request"),
    Reason.RESTORED: Text("backup restored"),
    Reason.NEW_KEY: Text("new signing key"),
    Reason.RETENTION: Text("retention over"),
    Reason.CONFIGURED: Text("configuration"),
    Reason.COUNTED: Text("counted"),
    Reason.APPROVED: Text("approved"),
    Reason.NOTHING_TO_TELL: Text("read by an operator"),
    Reason.LEDGER_UNAVAILABLE: Text("records unreadable"),
    Reason.SERVICE_UNAVAILABLE: Text("program unreachable"),
    Reason.SERVICE_BUSY: Text("program overloaded"),
    Reason.NO_LINE: Text("line not configured"),
}
"""Each reason in a word or two."""

WEEKDAYS = (
    Text("Monday"),
    Text("Tuesday"),
    Text("Wednesday"),
    Text("Thursday"),
    Text("Friday"),
    Text("Saturday"),
    Text("Sunday"),
)
HUES = 12
"""Colours of badges; the style sheet has a class for each."""


def outcome(event: Event) -> Text:
    """Return the outcome of a record in a word or two: of a choice the answer, of a note its kind."""
    if event.kind in NOTES:
        return NOTES[event.kind]
    if event.asked and event.status is not Status.NOTASKED:
        return ANSWERS[event.asked.answer]
    return OUTCOMES[event.status]


def outcome_class(event: Event) -> str:
    """Return the style class of an outcome, by which it gets its colour and its icon."""
    return "note" if event.kind in NOTES else event.status.lower()


def short_reason(event: Event) -> Text:
    """Return the reason of a record in a word or two: of a delivery elsewhere its kind."""
    elsewhere = event.kind is not RecordKind.PHONE and event.kind not in NOTES
    return KINDS[event.kind] if elsewhere else REASONS[event.reason]


def by_day(records: Iterable[Record], zone: tzinfo) -> Iterator[tuple[date, list[Record]]]:
    """Yield each day of the company on which records were put on record, with them, in their order."""
    for day, group in groupby(
        records, lambda record: _local(record.event.recorded or record.event.at, zone).date()
    ):
        yield day, list(group)


def clock(event: Event, day: date, zone: tzinfo, say: Language) -> str:
    """Return the time of a record under the heading of a day: the time alone, with its own day where that is
    another; of a delivery elsewhere the day alone, if no more is known."""
    local = _local(event.at, zone)
    timeless = event.kind is not RecordKind.PHONE and local.time() == time()
    parts = [day_text(local.date(), say)] if timeless or local.date() != day else []
    return ", ".join([*parts, *([] if timeless else [f"{local:%H:%M}"])])


def weekday_text(on: date, say: Language) -> str:
    """Return a day with its weekday."""
    return say("{weekday} {day}", weekday=WEEKDAYS[on.weekday()], day=day_text(on, say))


def badge(pseudonym: bytes) -> tuple[int, str]:
    """Return a colour, below HUES, and four digits: enough to see that two calls in a list are of one caller.
    They are no proof of it: among 400 callers two share both as likely as not."""
    return pseudonym[4] % HUES, f"{int.from_bytes(pseudonym[:4], 'big') % 10_000:04}"


def _local(at: datetime, zone: tzinfo) -> datetime:
    try:
        return at.astimezone(zone)
    except OverflowError:  # in the first and the last hours of the calendar
        return at
