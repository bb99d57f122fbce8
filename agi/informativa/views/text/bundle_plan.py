"""The plan of a line in words, and how a text of a bundle is laid out."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from ...model import ALWAYS, Controller, Line, Step
from ...model.text import Text
from ..messages import Language
from ..record_words import name_in_language

_WIDTH = 100


def line_plan(line: Line, say: Language) -> Iterator[str]:
    """Yield what callers of a line must hear, and the settings that change it."""
    yield say("Line {number}, language {language}:", number=line.number, language=line.language)
    yield from points([_step(step, line.controller, say) for step in line.plan])
    yield from points(_settings(line, say))


def sentences(line: Line, say: Language) -> list[str]:
    """Return the plan of a line in sentences, without the line itself."""
    return [*(_step(step, line.controller, say) for step in line.plan), *_settings(line, say)]


def _settings(line: Line, say: Language) -> list[str]:
    """Return the settings of a line that change what its callers hear, in sentences."""
    settings = (
        (
            Text("Only data needed for the service are used: what is not due on every call is left out."),
            line.service_data_only,
        ),
        (Text("Callers who restrict their number are recognised all the same."), line.trust_restricted),
        (Text("Landlines are taken as shared by several people."), line.landlines_shared),
        (
            Text("Only a number that the network has signed recognises its caller."),
            line.requires_signature,
        ),
        (Text("After a transfer notices are played again."), line.again_after_transfer),
        (
            Text("A notice in another language than the wanted one does not inform."),
            not line.fallback_informs,
        ),
        (Text("Whoever skips a notice by a key counts as informed."), line.keys.skip_informs),
        (
            Text("Calls of the company's own telephones hear nothing, and are on record as internal."),
            line.internal is not None,
        ),
    )
    return [say(text) for text, applies in settings if applies]


def _step(step: Step, owner: Controller, say: Language) -> str:
    after = step.repeat_after
    if after is None:
        often = say(Text("once"))
    elif after == ALWAYS:
        often = say(Text("on every call"))
    else:
        again = Text("again after a time (months: {months}, days: {days})")
        often = say(again.format(months=after.months, days=after.days))
    newest = step.notice.versions[-1]
    if step.countries:
        countries = ", ".join(sorted(step.countries))
        often = say(
            "{often}, for operators in these countries: {countries}", often=often, countries=countries
        )
    return say(
        "{notice}: {often}. Newest version {version}, with the purposes: {purposes}.",
        notice=name_in_language(step.notice.id, owner.names, say),
        often=often,
        version=newest.id,
        purposes=", ".join(name_in_language(purpose, owner.names, say) for purpose in sorted(newest.purposes))
        or "-",
    )


def text_of(lines: Iterable[str]) -> str:
    """Return lines as the text of a file."""
    return "".join(f"{line}\n" for line in lines)


def wrapped(paragraph: str, indent: str = "", first: str | None = None) -> list[str]:
    """Return a paragraph in lines."""
    return textwrap.wrap(
        paragraph,
        _WIDTH,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def points(sentences: Iterable[str]) -> Iterator[str]:
    """Yield sentences as a list with dashes."""
    for sentence in sentences:
        yield from wrapped(sentence, "  ", "- ")
