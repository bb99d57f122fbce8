"""A forecast of what another configuration would change for callers, for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from rich.progress import TaskID, TextColumn

from ...call.forecast import Change
from ...model.text import Text
from ...operations.forecast_document import (
    Beginning,
    CompanyForecast,
    Forecast,
    ForecastConsents,
    ForecastHearing,
    ForecastLine,
    Presence,
    RemovedVersion,
)
from ..messages import Language
from ..record_words import REASONS
from ..terminal import progress

_CHANGES = {
    (Change.HEARS, False): Text("{title} {version} would be played ({seconds:.1f} s)"),
    (Change.OTHER, False): Text("{title} {version} would be played otherwise ({seconds:.1f} s)"),
    (Change.NO_MORE, False): Text("{title} {version} would be left out ({seconds:.1f} s)"),
    (Change.HEARS, True): Text("{title} {version} would be asked ({seconds:.1f} s)"),
    (Change.OTHER, True): Text("{title} {version} would be asked otherwise ({seconds:.1f} s)"),
    (Change.NO_MORE, True): Text("{title} {version} would not be asked ({seconds:.1f} s)"),
}
_COMPANIES = {
    Presence.BOTH: Text("{company}:"),
    Presence.NEW: Text("{company} comes: none of its callers is on record yet."),
    Presence.GONE: Text("{company} goes, and its records stay."),
}
_LINES = {
    Presence.NEW: Text("line {line} comes"),
    Presence.GONE: Text("line {line} goes: its callers hear fallback_prompt"),
    Presence.MOVED: Text("line {line} is of {owner} then"),
}
_BEGINNINGS = {
    Presence.BOTH: Text("{day}: {title} {version}, as now"),
    Presence.NEW: Text("{day}: {title} {version}"),
    Presence.GONE: Text("{day}: {title} {version} begins no more"),
}


@contextmanager
def bar(say: Language) -> Iterator[Callable[[str, int, int], None]]:
    """Show how many callers of each company are counted, on stderr if that is a terminal."""
    with progress(TextColumn("{task.percentage:>3.0f} %")) as bars:
        tasks: dict[str, TaskID] = {}

        def show(company: str, done: int, size: int) -> None:
            if company not in tasks:
                tasks[company] = bars.add_task(say("counting callers of {company}", company=company))
            bars.update(tasks[company], completed=done, total=size)

        yield show


def reload_preview(file: Path, result: Forecast | None, say: Language) -> Iterator[str]:
    """Yield what a changed file would change for callers of a running service."""
    if result is None:
        yield say(
            "The service has loaded this text of {file} already: keys and recordings are read anew.",
            file=file,
        )
        return
    yield say("{file} as it is now, in the place of what the service has loaded:", file=file)
    yield from _changes(result, say)


def _changes(result: Forecast, say: Language) -> Iterator[str]:
    for company in result.companies:
        yield from _company(company, say)
    yield ""
    if result.same:
        yield say("Nothing would change for callers.")
    yield say(
        "Callers are counted by what is on record, in each line's own language. Whom one of the company's"
        " own systems knows hears less."
    )


def _company(company: CompanyForecast, say: Language) -> Iterator[str]:
    yield ""
    yield presence_text(company, say)
    lines = ["  " + line for line in count_lines(company, say)] + [*_hearings(company, say)]
    lines += ["  " + consents_text(consents, say) for consents in company.consents if consents.ended]
    lines += ["  " + removed_text(version, say) for version in company.removed]
    lines += ["  " + line_text(line, say) for line in company.lines]
    if company.beginnings:
        lines.append("  " + say("begins on"))
        for beginning in company.beginnings:
            lines.append("    " + beginning_text(beginning, say))
    if not lines and company.presence is Presence.BOTH:
        lines = ["  " + say("nothing changes")]
    yield from lines


def presence_text(company: CompanyForecast, say: Language) -> str:
    """Return the name of the company, and that it comes or goes."""
    return say(_COMPANIES[company.presence].format(company=company.company))


def count_lines(company: CompanyForecast, say: Language) -> Iterator[str]:
    """Yield how many were counted, if anybody was."""
    if company.callers or company.calls:
        yield say(
            "{callers} on record, {calls} in {days}",
            callers=say.counted("{count} caller", "{count} callers", company.callers),
            calls=say.counted("{count} call", "{count} calls", company.calls),
            days=say.counted("{count} day", "{count} days", round(company.days)),
        )
        yield say("in all {seconds:+.1f} seconds a day", seconds=company.seconds_a_day)
    elif company.hearings:
        yield say("nobody is on record yet: what follows is for new callers")


def _hearings(company: CompanyForecast, say: Language) -> Iterator[str]:
    for number, hearings in groupby(company.hearings, key=lambda hearing: hearing.line):
        yield "  " + say("line {line}:", line=number)
        for hearing in hearings:
            yield "    " + hearing_text(hearing, say)
            yield "      " + say(REASONS[hearing.reason])
            yield "      " + _times(hearing, say)


def hearing_text(hearing: ForecastHearing, say: Language) -> str:
    """Return what callers would hear otherwise."""
    text = say(
        _CHANGES[hearing.change, hearing.choice].format(
            title=hearing.title, version=hearing.version, seconds=hearing.seconds
        )
    )
    if hearing.supplement:
        text = say("{notice}, only what is new", notice=text)
    if hearing.countries:
        text = say("for {countries} {step}", countries="/".join(hearing.countries), step=text)
    return text


def _times(hearing: ForecastHearing, say: Language) -> str:
    return say(
        "{callers} on record, {times} by those calls, {seconds:+.1f} seconds a day",
        callers=say.counted("{count} caller", "{count} callers", hearing.callers),
        times=say.counted("{count} time", "{count} times", hearing.calls),
        seconds=hearing.seconds_a_day,
    )


def consents_text(consents: ForecastConsents, say: Language) -> str:
    """Return how many consents to a choice would end."""
    text = say.counted(
        "{title}: {ended} of {count} consent ends",
        "{title}: {ended} of {count} consents end",
        consents.granted,
        title=consents.title,
        ended=consents.ended,
    )
    return f"{text} ({say(REASONS[consents.reason])})" if consents.reason else text


def removed_text(version: RemovedVersion, say: Language) -> str:
    """Return who rests on a version that is taken out."""
    return say.counted(
        "{title} {version} is taken out: {count} caller was told it, {alone} know no version that stays,"
        " {hear} would hear the notice anew",
        "{title} {version} is taken out: {count} callers were told it, {alone} know no version that stays,"
        " {hear} would hear the notice anew",
        version.callers,
        title=version.title,
        version=version.version,
        alone=version.alone,
        hear=version.hear_again,
    )


def beginning_text(beginning: Beginning, say: Language) -> str:
    """Return the day on which a version begins."""
    facts = {"day": beginning.day, "title": beginning.title, "version": beginning.version}
    return say(_BEGINNINGS[beginning.presence].format(**facts))


def line_text(line: ForecastLine, say: Language) -> str:
    """Return what becomes of a line."""
    text = say(_LINES[line.presence].format(line=line.line, owner=line.owner))
    if line.calls:
        calls = say.counted("{count} call", "{count} calls", line.calls)
        text = say("{line} ({calls} in the period)", line=text, calls=calls)
    return text
