"""A forecast: what another configuration would change for callers, before the service loads it.

All callers on record are counted, and the calls of the last 30 days as if they came again: who was new then
is new, who is on record hears once what is due once, on each line that he rang, and the rest with every call.
Callers are decided by state and not one by one (`ledgers/caller_states.py`), nobody is looked up, and nothing
is written. The company's own systems are not asked: where these know a caller, he hears less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

from ..call.forecast import CompanySide, removed_versions
from ..config import Configuration, load_usable
from ..config.build import inspect_text
from ..model import Controller, Notice, name_and_id
from ..model.errors import ConfigError, InformativaError, LedgerError
from ..model.text import Text
from ..process import storage
from . import forecast_counting
from .controller_state import left_out
from .controllers import controller_named
from .day_range import DayRange
from .forecast_counting import PERIOD, HearingSum, Key, Sums
from .forecast_document import (
    Beginning,
    CompanyForecast,
    Forecast,
    ForecastConsents,
    ForecastHearing,
    ForecastLine,
    Presence,
    RemovedVersion,
)

DAY = timedelta(days=1)
Progress = Callable[[str, int, int], None]
"""Called with a company's name, the part that is done, and the whole."""


def compare(
    before_text: str,
    after_text: str,
    current: Path,
    now: datetime,
    *,
    on: date | None = None,
    names: Sequence[str] = (),
    progress: Progress = lambda _company, _done, _size: None,
) -> Forecast:
    """Forecast what a text would change in the place of another, which `current` has, now or at the end of
    the day `on`, for the companies of these names or all. Mistakes in a company's part leave it out, with a
    warning.

    Raises ConfigError for other mistakes, and those of a company that is named, InformativaError, and
    LedgerError.
    """
    before, mistakes = inspect_text(current, before_text)
    pair = ConfigurationPair(before, load_usable(current, after_text))
    forecasts, errors = list[CompanyForecast](), dict[str, LedgerError]()
    for name in pair.companies(names):
        try:
            forecasts.append(pair.company(name, now, on, partial(progress, name)))
        except LedgerError as error:  # of one company, and no other's (I10)
            errors[name] = error
    if errors and (names or not forecasts):
        raise next(iter(errors.values()))
    unread = [Text("{id} is left out: {error}", id=name, error=error.text) for name, error in errors.items()]
    return Forecast(
        current=current,
        on=on,
        same=not errors and all(map(_is_same, forecasts)),
        warnings=(*(problem.text for problem in mistakes), *left_out(pair.after), *unread),
        companies=tuple(forecasts),
    )


def _is_same(company: CompanyForecast) -> bool:
    """Return whether nothing changes for callers."""
    changed_beginnings = [item for item in company.beginnings if item.presence is not Presence.BOTH]
    ended = any(consents.ended for consents in company.consents)
    differs = company.hearings or company.removed or company.lines or changed_beginnings or ended
    return company.presence is Presence.BOTH and not differs


class ConfigurationPair:
    """Two configurations, company by company."""

    def __init__(self, before: Configuration, after: Configuration) -> None:
        self._before, self.after = before, after

    def companies(self, names: Sequence[str]) -> list[str]:
        """Return the companies of either, or these. Raises InformativaError for a name that neither has."""
        for name in names:
            if name not in self._before.controllers:
                controller_named(self.after, name)
            if problems := self.after.mistaken.get(name):
                raise ConfigError(problems)
        invalid = {*self._before.invalid_controllers, *self.after.mistaken}
        either = dict.fromkeys((*self._before.controllers, *self.after.controllers))
        return [name for name in names or either if name not in invalid]

    def company(
        self, name: str, now: datetime, on: date | None, progress: Callable[[int, int], None]
    ) -> CompanyForecast:
        """Return the forecast of one company. Raises InformativaError and LedgerError."""
        before, after = _side(self._before, name), _side(self.after, name)
        one = after or before
        assert one is not None  # one of them has it
        sums, presence = Sums(), Presence.BOTH
        if before is None or after is None:
            presence = Presence.GONE if after is None else Presence.NEW
        elif before != after:
            _require_same_ledger(before.controller, after.controller)
            sums = forecast_counting.sums(before, after, now, _moment(on, now, one.controller), progress)
        days = PERIOD / DAY if sums.since is None else max((now - sums.since) / DAY, 1.0)
        hearings = tuple(_hearings(sums.hearings, days, one.controller))
        return CompanyForecast(
            controller=name,
            company=one.controller.name,
            presence=presence,
            callers=sums.callers,
            calls=sum(sums.calls.values()),
            days=round(days, 1),
            seconds_a_day=sum(hearing.seconds_a_day for hearing in hearings),
            hearings=hearings,
            consents=tuple(_consents(sums, one.controller)),
            removed=tuple(_removed(sums, before, after)),
            beginnings=tuple(_beginnings(before, after, now)),
            lines=tuple(self._lines(name, sums)),
        )

    def _lines(self, name: str, sums: Sums) -> Iterator[ForecastLine]:
        """Yield the lines of a company that come or go."""
        before, after = _owners(self._before), _owners(self.after)
        for number in dict.fromkeys((*before, *after)):
            earlier, later = before.get(number), after.get(number)
            if earlier != later and name in (earlier, later):
                presence = Presence.GONE if later is None else Presence.NEW
                if earlier is not None and later is not None:
                    presence = Presence.MOVED
                yield ForecastLine(number, presence, sums.calls[number], later)


def _owners(configuration: Configuration) -> dict[str, str]:
    return {line.number: line.controller.id for line in configuration.lines}


def _side(configuration: Configuration, name: str) -> CompanySide | None:
    """Return a company as a configuration has it, `None` where it has not."""
    controller = configuration.controllers.get(name)
    if controller is None:
        return None
    return CompanySide(
        controller,
        {line.number: line for line in configuration.lines if line.controller.id == name},
        {notice.id: notice for notice in configuration.notices[name]},
        {choice.id: choice for choice in configuration.choices.get(name, ())},
    )


def _moment(on: date | None, now: datetime, controller: Controller) -> datetime:
    """Return the last second of a day: all is in force then that begins on it. Raises InformativaError for a
    day that is over."""
    if on is None:
        return now
    end = DayRange(on, on, controller.zone).until - timedelta(seconds=1)
    if end < now:
        raise InformativaError(
            Text("{day} is over.", day=on),
            Text("Name a day that is to come: --on {day}", day=now.date() + DAY),
        )
    return end


def _require_same_ledger(before: Controller, after: Controller) -> None:
    """Refuse a company whose callers would be strangers, because it would have another ledger or another key.
    Raises InformativaError and LedgerError."""
    if before.ledger != after.ledger:
        raise InformativaError(
            Text(
                "{id} would have another ledger: {after} instead of {before}. All of its callers would be"
                " strangers.",
                id=before.id,
                after=after.ledger,
                before=before.ledger,
            ),
            Text("Leave `ledger` of {id} as it is.", id=before.id),
        )
    storage.require_own(after)


def _hearings(
    sums: Mapping[Key, HearingSum], days: float, controller: Controller
) -> Iterator[ForecastHearing]:
    for key, total in sorted(sums.items(), key=lambda item: (*item[0][:2], sorted(item[0][2]), *item[0][3:])):
        line, notice, countries, choice, change, reason, version, supplement, each_call, seconds = key
        yield ForecastHearing(
            line=line,
            notice=notice,
            title=name_and_id(notice, controller.names),
            choice=choice,
            change=change,
            reason=reason,
            version=version,
            supplement=supplement,
            each_call=each_call,
            seconds=seconds,
            callers=total.callers,
            calls=total.calls,
            seconds_a_day=total.seconds / days,
            countries=tuple(sorted(countries)) or None,
        )


def _consents(sums: Sums, controller: Controller) -> Iterator[ForecastConsents]:
    for choice in sorted({choice for choice, _ends in sums.consents}):
        ends = {reason: count for (name, reason), count in sums.consents.items() if name == choice}
        granted, ended = sum(ends.values()), sum(ends.values()) - ends.get(None, 0)
        title = name_and_id(choice, controller.names)
        yield ForecastConsents(choice, title, granted, ended, forecast_counting.most_frequent(ends))


def _removed(sums: Sums, before: CompanySide | None, after: CompanySide | None) -> Iterator[RemovedVersion]:
    if before is None or after is None:
        return
    for notice, versions in removed_versions(before, after).items():
        title = name_and_id(notice, before.controller.names)
        for version in sorted(versions):
            yield RemovedVersion(notice, title, version, *sums.removed.get((notice, version), (0, 0, 0)))


def _beginnings(before: CompanySide | None, after: CompanySide | None, now: datetime) -> list[Beginning]:
    """Return the versions of either that are not in force yet, by day."""
    earlier, later = _starts(before, now), _starts(after, now)
    beginnings = []
    for place in earlier.keys() | later.keys():
        day, notice, version = place
        presence = Presence.GONE if place not in later else Presence.NEW
        if place in earlier and place in later:
            presence = Presence.BOTH
        title = name_and_id(notice, (later.get(place) or earlier[place]).names)
        beginnings.append(Beginning(day, notice, title, version, presence))
    return sorted(beginnings, key=lambda item: (item.day, item.notice, item.version, item.presence))


def _starts(side: CompanySide | None, now: datetime) -> dict[tuple[date, str, str], Controller]:
    if side is None:
        return {}
    wordings: list[Notice] = [*side.notices.values(), *(choice.wording for choice in side.choices.values())]
    return {
        (version.starts.astimezone(side.controller.zone).date(), notice.id, version.id): side.controller
        for notice in wordings
        for version in notice.versions
        if version.starts is not None and version.starts > now
    }
