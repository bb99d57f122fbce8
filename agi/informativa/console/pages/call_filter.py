"""The filter of a list of calls, as its address and its session say it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from ...model import Line, Reason, RecordFilter, RecordKind, Status
from ...model.errors import InformativaError
from ...model.text import Text
from ...operations import records
from ...operations.controller_state import lines_of
from ...operations.typed_period import TypedPeriod, typed_period
from ..context import RequestContext

COUNTS = (RecordKind.TOTALS, RecordKind.ACCESS)  # of which whoever looks at records causes many
FILTERS = ("kind", "line", "status", "reason", "since", "until")  # parameters of the address

Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True)
class CallerFilter:
    """A caller of one company whose records somebody wants to see: his pseudonyms there, and his masked
    number. `recorded` is the pseudonym of his newest record, or `None`: the pseudonym of a caller who was
    erased must not come back into the access log. `doubt` says why the number may be a mistake."""

    controller: str
    pseudonyms: tuple[bytes, ...]
    recorded: bytes | None
    caller: str
    doubt: Text


@dataclass(frozen=True)
class CallFilter:
    """A filter, its line, and the errors of fields that nobody understands."""

    records: RecordFilter
    line: Line | None
    errors: dict[str, InformativaError]


def call_filter(context: RequestContext, caller_filter: CallerFilter | None) -> CallFilter:
    """Return the filter of the address. Raises InformativaError for a value that is no choice of the page."""
    line, reason = _line(context), _word(context, Reason, "reason")
    errors: dict[str, InformativaError] = {}
    since, until = typed_times(context, errors)
    record_filter = RecordFilter(
        line.number if line else "",
        status=_word(context, Status, "status"),
        reason=reason,
        since=since,
        until=until,
        callers=caller_filter.pseudonyms if caller_filter else (),
        without=_without(context, reason),
    )
    if not errors:
        try:
            record_filter = records.of_zone(record_filter, context.company)
        except InformativaError:
            errors["until"] = InformativaError(Text("This is before the begin of the period."))
    return CallFilter(record_filter, line, errors)


def typed_times(
    context: RequestContext, errors: dict[str, InformativaError]
) -> tuple[datetime | None, datetime | None]:
    """Return the begin of the typed `since`, and the end of the typed `until`. What nobody understands gets
    its error."""
    periods: dict[str, TypedPeriod | None] = {}
    for name in ("since", "until"):
        try:
            periods[name] = typed_period(context.query(name))
        except InformativaError as error:
            errors[name] = error
    since, until = periods.get("since"), periods.get("until")
    return since.begin if since else None, until.end if until else None


def _without(context: RequestContext, reason: Reason | None) -> tuple[RecordKind, ...]:
    """Return the kinds of records that are not asked for."""
    group = context.query("kind")
    if group and group not in records.KIND_GROUPS:
        raise _no_choice()
    kinds = records.KIND_GROUPS[group] if group else tuple(RecordKind)
    counts = () if reason is Reason.COUNTED else COUNTS
    return tuple(kind for kind in RecordKind if kind not in kinds or kind in counts)


def _line(context: RequestContext) -> Line | None:
    """Return the line that the address names. Raises InformativaError if it is not this company's."""
    number = context.query("line")
    lines = {line.number: line for line in lines_of(context.company, context.configuration)}
    if number and number not in lines:
        raise InformativaError(Text("This company has no such line."), Text("Choose one of the list."))
    return lines.get(number)


def _word(context: RequestContext, kind: type[Word], name: str) -> Word | None:
    text = context.query(name)
    try:
        return kind(text) if text else None
    except ValueError:
        raise _no_choice() from None


def _no_choice() -> InformativaError:
    return InformativaError(Text("There is no such choice."), Text("Choose one of the list."))
