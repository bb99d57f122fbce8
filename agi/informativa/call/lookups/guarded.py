"""A look-up that delays no call for longer than allowed (see guard.py), with the meaning of its answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, tzinfo
from functools import partial
from typing import Any

from ...model import Identified, Lookup, Notice, Period, ReportedDelivery
from ...model.errors import LookupSourceError
from ...model.ports import Clock
from ...model.text import NOTHING, Text, joined
from ..guard import PAUSE_SECONDS, Guard, Wait
from .answers import parse_answer

Answers = Sequence[Mapping[str, Any]]
Question = Callable[[Identified], Answers]


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
