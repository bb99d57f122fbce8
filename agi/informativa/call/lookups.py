"""Look-ups: the companies' own systems (a CRM, a customer database), asked live whether a caller was told.

None delays a call for longer than allowed (guard.py). An answer that is not perfectly clear counts as no
information.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from datetime import time as time_of_day
from functools import partial
from typing import Any

from ..model import Identified, Lookup, Notice, Period, ReportedDelivery, Version, plausibility
from ..model.errors import LookupSourceError
from ..model.plausibility import Implausible
from ..model.ports import Clock
from ..model.redaction import without_numbers
from ..model.text import NOTHING, Text, joined
from .guard import PAUSE_SECONDS, Guard, Wait

Answers = Sequence[Mapping[str, Any]]
Question = Callable[[Identified], Answers]
_WHY_IMPLAUSIBLE = {
    Implausible.TO_COME: Text("The look-up {id} gave a date that is still to come."),
    Implausible.TOO_EARLY: Text("The look-up {id} gave a date on which nobody can have been told."),
    Implausible.PAST_RETENTION: Text("The look-up {id} gave a date past the retention."),
    Implausible.NO_VERSION: Text("The look-up {id} gave a version that {notice} does not have."),
    Implausible.NOT_YET: Text("The look-up {id} gave a date on which the version was not yet in force."),
    Implausible.NO_MORE: Text(
        "The look-up {id} gave a version that was no more in force on that date, or today."
    ),
}


class GuardedLookup:
    """The `LookupSource` for one look-up. `opened` makes the question function that one thread calls."""

    def __init__(
        self,
        lookup: Lookup,
        notice: Notice,
        opened: Callable[[Lookup], Question],
        wait: Wait,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        retention: Period | None = None,
        zone: tzinfo = UTC,
    ) -> None:
        self._lookup, self._notice, self._clock = lookup, notice, clock
        self._retention, self._zone = retention, zone
        self._guard: Guard[Identified, Answers] = Guard(
            f"look-up {lookup.id}", partial(opened, lookup), lookup.seconds, wait, monotonic
        )

    async def ask(self, caller: Identified) -> ReportedDelivery | None:
        """Implement the port. The system is asked only about the kind of number that the look-up knows."""
        knows_customers = "{customer}" in self._lookup.question
        if caller.customer != knows_customers:
            return None
        try:
            answer = await self._guard.ask(caller)
        except LookupSourceError as error:
            raise LookupSourceError(joined("", error.text, self._pause())) from error
        except TimeoutError:
            message = Text(
                "The look-up {id} did not answer within {milliseconds:.0f} ms.",
                id=self._lookup.id,
                milliseconds=self._lookup.seconds * 1000,
            )
            raise LookupSourceError(joined("", message, self._pause())) from None
        except Exception as error:  # a driver's own; its text may quote the number, so only its type is named
            message = Text("The look-up {id} failed ({kind}).", id=self._lookup.id, kind=type(error).__name__)
            raise LookupSourceError(joined("", message, self._pause())) from None
        if answer is None:
            return None
        now = self._clock.now()
        return parse_answer(answer, caller, self._lookup, self._notice, now, self._retention, self._zone)

    def close(self) -> None:
        self._guard.close()

    def _pause(self) -> Text:
        """Return the text to add to a failure's message."""
        if not self._guard.paused:
            return NOTHING
        return Text(
            " It is not asked for {seconds:.0f} s; who would be recognised by it hears the notice.",
            seconds=PAUSE_SECONDS,
        )


def parse_answer(
    answers: Sequence[Mapping[str, Any]],
    caller: Identified,
    lookup: Lookup,
    notice: Notice,
    now: datetime,
    retention: Period | None = None,
    zone: tzinfo = UTC,
) -> ReportedDelivery | None:
    """Return the delivery that the answer about `caller` reports: `version`, `date` or both must be there,
    `reference` may be. `None` if there is no answer.

    Without a version it was the one in force on that date; without a date it counts as told now, so that only
    a version in force is possible. Raises LookupSourceError for an answer that is unknown, malformed or
    impossible, and for more than one answer, because any of them may be the caller's.
    """
    if not answers:
        return None
    if len(answers) > 1:
        raise LookupSourceError(
            Text("The look-up {id} found more than one row for one caller.", id=lookup.id)
        )
    answer = answers[0]
    version_name, at = answer.get("version"), now
    if answer.get("date") is not None:
        at = _moment(answer["date"], lookup, zone)
    elif version_name is None:
        raise LookupSourceError(Text("The look-up {id} gave neither `version` nor `date`.", id=lookup.id))
    version = plausibility.version_told(
        notice, "" if version_name is None else str(version_name) or " ", at, now, retention, zone
    )
    if not isinstance(version, Version):
        raise LookupSourceError(_WHY_IMPLAUSIBLE[version].format(id=lookup.id, notice=notice.id))
    return ReportedDelivery(version, lookup.kind, at, _reference(answer.get("reference"), caller, lookup))


def _moment(value: object, lookup: Lookup, zone: tzinfo) -> datetime:
    """Return a date from JSON or a database driver as a time; a date without time is the beginning of the day
    in `zone`."""
    try:
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time_of_day())
        return plausibility.moment(value.isoformat() if isinstance(value, datetime) else value, zone)  # type: ignore[arg-type]
    except (ValueError, TypeError, OverflowError):
        raise LookupSourceError(
            Text("The look-up {id} gave a date that is not such as 2026-01-31.", id=lookup.id)
        ) from None


def _reference(value: object, caller: Identified, lookup: Lookup) -> str:
    """Return the reference that the answer names, with the look-up's name before it. One that holds the
    caller's number is left out, and other numbers in it are masked: a ledger never holds any."""
    text = plausibility.evidence(str(value or ""))[: plausibility.LONGEST_REFERENCE].strip()
    digits = "".join(filter(str.isalnum, caller.number))
    if not text or digits[-7:] in "".join(filter(str.isalnum, text)):
        return lookup.id
    return f"{lookup.id}: {without_numbers(text)}"
