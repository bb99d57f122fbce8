"""The reading of a list of calls: the calls of a period or near it, and counts of all rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

from ...model.errors import InformativaError
from ...model.text import Text
from ..day_range import DayRange
from .call_list import CallList, ListedCall, UnreadableRow

MARGIN = timedelta(days=1)  # no call lasts longer
SHOWN = 100  # calls, records, rows and days that are named
_SECOND = timedelta(seconds=1)
_STEP = 10_000  # rows between two reports of progress


class ListReading:
    """The rows of an open list. A period that begins on the first day of the calendar, or ends on the last
    one, goes as far as the list there."""

    def __init__(self, listed: CallList, asked: DayRange) -> None:
        self._listed, self._asked = listed, asked
        self._starts: tuple[int, int] | None = None  # of the first call and the last
        self.outside = self.unreadable = 0
        self.unreadable_rows: list[UnreadableRow] = []

    def calls(self, report: Callable[[], None]) -> Iterator[ListedCall]:
        """Yield the calls of the period, and of a day before and after. `report` is called now and then.
        Raises InformativaError for a list that cannot be understood, or has none of them."""
        margin = MARGIN.total_seconds()
        least, most = self._asked.since.timestamp() - margin, self._asked.until.timestamp() + margin
        for call in self._listed.calls():
            if not self._listed.rows % _STEP:
                report()
            if isinstance(call, UnreadableRow):
                self.unreadable += 1
                if len(self.unreadable_rows) < SHOWN:
                    self.unreadable_rows.append(call)
            elif least <= (start := call.start) < most:
                first, last = self._starts or (start, start)
                self._starts = min(first, start), max(last, start)
                yield call
            else:
                self.outside += 1
        if self._starts is None:
            raise self._nothing()

    @property
    def period(self) -> tuple[datetime, datetime]:
        """The period that was asked for, or else from the first call to the last."""
        assert self._starts is not None
        asked, zone = self._asked, self._asked.zone
        first, last = (datetime.fromtimestamp(start, UTC).astimezone(zone) for start in self._starts)
        return (
            asked.since if asked.first > date.min else first,
            asked.until if asked.last < date.max else last + _SECOND,
        )

    def _nothing(self) -> InformativaError:
        if self.outside:
            return InformativaError(
                Text("The list has no call of those days."), Text("Give other days with --from and --to.")
            )
        if self.unreadable:
            first = self.unreadable_rows[0]
            return InformativaError(
                Text(
                    "No row of the list can be understood; of line {line}: {why}.",
                    line=first.row,
                    why=first.reason,
                ),
                Text("Name its columns: --columns id=HEADER,line=HEADER,start=HEADER"),
            )
        return InformativaError(Text("The list is empty."), Text("Name the one that has the calls."))
