"""The result of a forecast: what another configuration would change for callers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ..call.forecast import Change
from ..model import Reason
from .document import AbsolutePath, Seconds, Sentence


class Presence(StrEnum):
    """The one of two configurations that has a company or a line, or both."""

    BOTH = "both"
    """Both have it."""
    NEW = "new"
    """It comes."""
    GONE = "gone"
    """It goes."""
    MOVED = "moved"
    """A line is another company's."""


@dataclass(frozen=True)
class ForecastHearing:
    """A notice or a question of one line that callers would hear otherwise than now."""

    line: str
    """The called number."""
    notice: str
    """The name of the notice or choice in the configuration."""
    title: Annotated[Sentence, Field(exclude=True)]
    """The name that people give it, with the one in the configuration."""
    choice: bool
    """True for a question."""
    change: Change
    """The difference."""
    reason: Reason
    """The reason why it would be played; where it is not, the reason why it is played now."""
    version: str
    """The version that they would hear; where it is not played, the one that they hear now."""
    supplement: bool
    """True if only what is new to them would be told."""
    each_call: bool
    """True if it is on every call of theirs, and not once."""
    seconds: Seconds
    """The seconds that it lasts, with the time for an answer."""
    callers: int
    """The number of callers on record to whom it would happen if they rang this line."""
    calls: int
    """The number of times that it would happen, by the calls of the period."""
    seconds_a_day: Seconds
    """The seconds a day by which the callers of this line hear more, by the same calls; less if negative."""
    countries: tuple[str, ...] | None = None
    """The countries of the operators for whose callers alone it is; only where it is for some."""


@dataclass(frozen=True)
class ForecastConsents:
    """The consents to one choice that callers granted, and that count now."""

    choice: str
    """The name of the choice in the configuration."""
    title: Annotated[Sentence, Field(exclude=True)]
    """The name that people give it, with the one in the configuration."""
    granted: int
    """The number of callers."""
    ended: int
    """The number of those whose consent would count no more."""
    reason: Reason | None
    """The reason of most of those; `configured` where the choice is taken out."""


@dataclass(frozen=True)
class RemovedVersion:
    """A version of a notice that the other configuration has not."""

    notice: str
    """The name of the notice in the configuration."""
    title: Annotated[Sentence, Field(exclude=True)]
    """The name that people give it, with the one in the configuration."""
    version: str
    """The version."""
    callers: int
    """The number of callers on record who were told it."""
    alone: int
    """The number of those who know no version of the notice that stays."""
    hear_again: int
    """The number of the callers who were told it, and would hear the notice anew."""


@dataclass(frozen=True)
class Beginning:
    """A version that is not in force yet."""

    day: date
    """The day on which it comes into force, of the company's time zone."""
    notice: str
    """The name of the notice or choice in the configuration."""
    title: Annotated[Sentence, Field(exclude=True)]
    """The name that people give it, with the one in the configuration."""
    version: str
    """The version."""
    presence: Presence
    """`new` or `gone` where only one of the configurations has it begin then."""


@dataclass(frozen=True)
class ForecastLine:
    """A line that comes or goes."""

    line: str
    """The called number."""
    presence: Presence
    """`new`, `gone`, or `moved` to another company."""
    calls: int
    """The number of its calls in the period; 0 where the calls of the company were not counted."""
    owner: str | None
    """The company that has it then; null for none, whose callers hear `fallback_prompt`."""


@dataclass(frozen=True)
class CompanyForecast:
    """The differences for the callers of one company."""

    controller: str
    """The controller's name in the configuration."""
    company: Annotated[str, Field(exclude=True)]
    """The name that people give the controller."""
    presence: Presence
    """`new`, `gone`, or `both` where it stays."""
    callers: int
    """The number of callers on record, each counted once by each key that he is known by; 0 where nothing
    changes for them, for then nobody is counted."""
    calls: int
    """The number of calls in the period."""
    days: float
    """The length of the period in days: 30, or since its first call."""
    seconds_a_day: Seconds
    """The seconds a day by which its callers hear more, by the calls of the period; less if negative."""
    hearings: tuple[ForecastHearing, ...]
    """The notices and questions that callers would hear otherwise, by line."""
    consents: tuple[ForecastConsents, ...]
    """The consents that some callers granted, by choice."""
    removed: tuple[RemovedVersion, ...]
    """The versions that are taken out."""
    beginnings: tuple[Beginning, ...]
    """The versions that are not in force yet, by day."""
    lines: tuple[ForecastLine, ...]
    """The lines that come or go."""


@dataclass(frozen=True)
class Forecast:
    """The changes for callers if one configuration took the place of another."""

    current: AbsolutePath
    """The configuration."""
    on: date | None
    """The day at whose end both are decided; null for now."""
    same: bool
    """True if the two mean the same to callers."""
    warnings: tuple[Sentence, ...]
    """The mistakes in either; a company that has some is left out."""
    companies: tuple[CompanyForecast, ...]
    """The companies of either."""
