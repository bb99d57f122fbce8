"""A range of days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from ..model.errors import InformativaError
from ..model.text import Text

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class DayRange:
    """The days from `first` to `last`, both included, in a time zone. Raises InformativaError if `last`
    is before `first`."""

    first: date
    last: date
    zone: tzinfo

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise InformativaError(
                Text("The period ends before it begins: {first}, {last}.", first=self.first, last=self.last),
                Text("Give the first day with --from, and the last one with --to."),
            )

    @property
    def since(self) -> datetime:
        """The first moment of the period."""
        return datetime.combine(self.first, time(), self.zone)

    @property
    def until(self) -> datetime:
        """The first moment after the period."""
        return datetime.combine(min(self.last, date.max - _DAY) + _DAY, time(), self.zone)

    @property
    def name(self) -> str:
        """The period as a part of a file name."""
        return f"{self.first}-{self.last}"
