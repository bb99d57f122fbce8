"""Which days somebody asks about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from ...errors import InformativaError
from ...text import Text

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """Days of a controller's time zone, from the first to the last one. Raises InformativaError where that is
    before the first."""

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
        """When it begins."""
        return datetime.combine(self.first, time(), self.zone)

    @property
    def until(self) -> datetime:
        """When it is over."""
        return datetime.combine(min(self.last, date.max - _DAY) + _DAY, time(), self.zone)

    @property
    def name(self) -> str:
        """As a part of the name of a file."""
        return f"{self.first}-{self.last}"
