"""A forecast for a configuration that a browser sends: of one company, and without anything of the text that
may be a secret or another company's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path

from ..config import by_company
from ..config import document as documents
from ..config.build import inspect_text
from ..model import Controller
from ..model.errors import ConfigError, ConfigProblem, InformativaError
from ..model.text import Text
from .forecast import compare
from .forecast_document import CompanyForecast, ForecastLine, Presence


@dataclass(frozen=True)
class SentForecast:
    """The forecast of one company, or none for the mistakes in its own part; and, for whoever may see all
    companies, the mistakes in the rest, which is left out. `other_mistakes` are not shown."""

    company: CompanyForecast | None
    mistakes: tuple[ConfigProblem, ...] = ()
    other_mistakes: int = 0


def forecast_of_text(
    text: str,
    current: Path,
    controller: Controller,
    now: datetime,
    *,
    on: date | None,
    sees_all: bool,
    progress: Callable[[int, int], object],
) -> SentForecast:
    """Forecast what a configuration of this text would change for the callers of one company. Raises
    InformativaError."""

    def show(_company: str, done: int, size: int) -> None:
        progress(100 * done // max(size, 1), 100)

    try:
        documents.refuse_deep(text)
        result = compare(
            documents.read(current),
            text,
            current,
            now,
            on=on,
            names=[controller.id],
            progress=show,
        )
    except ConfigError as error:
        return _mistakes(error.problems, text, current, controller.id, sees_all=sees_all)
    if not result.companies:
        raise InformativaError(
            Text("The part of {id} in the present configuration has mistakes.", id=controller.id),
            Text("Its admin sees them by `informativa check`."),
        )
    (company,) = result.companies
    _configuration, problems = inspect_text(current, text)
    others = _mistakes(problems, text, current, controller.id, sees_all=sees_all)
    return replace(others, company=company if sees_all else _without_others(company))


def _mistakes(
    problems: Sequence[ConfigProblem], text: str, current: Path, name: str, *, sees_all: bool
) -> SentForecast:
    shown = problems if sees_all else _of_company(problems, text, current, name)
    masked = tuple(
        replace(problem, message=problem.message.masked(), remedy=problem.remedy.masked())
        for problem in shown
    )
    return SentForecast(None, masked, len(problems) - len(shown))


def _of_company(
    problems: Sequence[ConfigProblem], text: str, current: Path, name: str
) -> Sequence[ConfigProblem]:
    """Return the problems of a company's own section and lines, and of a text that is no configuration."""
    try:
        owners = inspect_text(current, text)[0].owners
    except ConfigError:
        return problems  # of its form alone
    return by_company(problems, [name], owners)[0].get(name, [])


def _without_others(company: CompanyForecast) -> CompanyForecast:
    """Return a forecast that does not say which lines other companies have now."""
    lines = map(partial(_as_new, name=company.controller), company.lines)
    return replace(company, lines=tuple(lines))


def _as_new(line: ForecastLine, name: str) -> ForecastLine:
    taken = line.presence is Presence.MOVED and line.owner == name
    return replace(line, presence=Presence.NEW) if taken else line
