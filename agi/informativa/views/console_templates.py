"""Jinja environment, filters and functions of the console's templates: words, times, and texts of others."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, time, tzinfo
from functools import cache
from importlib import resources
from urllib.parse import parse_qsl

import jinja2
from markupsafe import Markup

from ..model import (
    Action,
    Answer,
    Asked,
    Controller,
    Event,
    Heard,
    Line,
    Period,
    Record,
    RecordKind,
    name_with_basis,
)
from ..model.invisible import visible
from ..model.text import Text
from ..operations.evidence.auditing import AuditedLedger
from ..operations.record_document import AskedChoice
from . import call_words, choice_words
from . import record_words as words
from .choice_sentences import options
from .messages import Language
from .text import audits
from .text.access_log import action_text, detail_text, short, unusual_text
from .text.bundle_plan import sentences
from .text.choices import explained_key, outlook
from .text.consents import end_of
from .times import day_text, duration, month_text

PLACE = "views/templates/console"
PAUSE = Markup("<!-- -->")
"""A place at which a page that is sent in pieces may rest."""


def templates_in(place: str, filters: Mapping[str, Callable[..., object]]) -> jinja2.Environment:
    """Templates of a folder in which whatever is no markup of ours is escaped, and what is missing is an
    error."""
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("informativa", place),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"foreign": foreign, "visible": visible, **filters}
    return templates


def foreign(text: object) -> Markup:
    """Somebody else's text, with a direction of its own and nothing invisible in it."""
    return Markup(f"<bdi>{html.escape(visible(str(text)))}</bdi>")  # noqa: S704  # escaped here


def qr_code(text: str) -> Markup:
    """Return a QR code as an SVG element that stands in a page, dark on white in every colour scheme. It has
    no style of its own, which the console's policy would refuse."""
    import segno  # of the extra `web`

    code = segno.make(text, error="m", micro=False)
    return Markup(code.svg_inline(border=4, light="#fff", omitsize=True))  # noqa: S704  # segno's own


@cache  # to compile all of them takes most of a second
def environment() -> jinja2.Environment:
    """Templates in which whatever is no markup of ours is escaped, and what is missing is an error; one
    environment for all pages and letters of a process."""
    templates = templates_in(
        PLACE,
        {
            "acted": action_text,
            "with_days": with_days,
            "detailed": detail_text,
            "means": means,
            "by_day": call_words.by_day,
            "badge": call_words.badge,
            "outcome": call_words.outcome,
            "outcome_class": call_words.outcome_class,
            "short_reason": call_words.short_reason,
            "note_text": words.note_text,
            "short": short,
            "unusual": unusual_text,
            "looked_for": looked_for,
            "options": options,
            "ended": end_of,
            "outlook": outlook,
            "export_file": ExportFile.of,
            "unasked": choice_words.unasked,
            "left_out": choice_words.left_out,
            "tenths": words.tenths,
            "explained_key": explained_key,
            "answer_word": answer_word,
            "worded": in_words,
            "plans": plans,
            "copied": record_json,
            "period": period,
            "audited": audited,
            "verdict": verdict,
        },
    )
    templates.globals |= {
        "moment": moment,
        "clock": call_words.clock,
        "weekday": call_words.weekday_text,
        "when": when,
        "day": day,
        "written": day_text,
        "counted": counted,
        "month": month,
        "duration": duration,
        "how_much": how_much,
        "answered": answered,
        "named": name_in_language,
        "with_bases": names_with_bases,
    }
    return templates


def with_days(text: Text, say: Language) -> str:
    """Return a sentence with its days as a reader of a page writes them."""
    days = {name: day_text(day, say) for name, day in text.arguments.items() if type(day) is date}
    return say(text.format(**{**text.arguments, **days}) if days else text)


def means(code: object, kind: str) -> Text | str:
    """Return the meaning of a code of a record, by the name of its fact: a text, or the code itself with
    invisible characters shown."""
    return words.CODES[kind].get(str(code)) or visible(str(code))


@dataclass(frozen=True)
class ExportFile:
    """A file that somebody asked for, by its address: whether of calls, consents or evidence, its format, and
    the choices."""

    kind: str
    format: str
    parameters: Mapping[str, str]

    @classmethod
    def of(cls, address: str) -> ExportFile:
        """Return the file of an address below the company's."""
        path, _mark, query = address.partition("?")
        kind, *_folder, form = path.split("/")
        return cls(kind, form.upper(), dict(parse_qsl(query)))


def name_in_language(ids: str | Iterable[str], owner: Controller, say: Language) -> str:
    """Notices or purposes of a company, by their names."""
    ids = [ids] if isinstance(ids, str) else sorted(ids)
    return ", ".join(words.name_in_language(notice_id, owner.names, say) for notice_id in ids)


def names_with_bases(purposes: Iterable[str], owner: Controller, say: Language) -> str:
    """Purposes of a company, by their names, with the legal basis of those that have our name."""
    return "; ".join(say(name_with_basis(purpose, owner.names)) for purpose in sorted(purposes))


def answer_word(answer: Answer) -> Text:
    """Return an answer in a word or two."""
    return choice_words.ANSWERS[answer]


def looked_for(action: Action | str) -> Text | str:
    """Say to a caller for what somebody looked at the data."""
    return words.LOOKS.get(action, str(action))


def in_words(text: Text | str, say: Language) -> str:
    """A text in the reader's words; what is no text of ours as it stands."""
    return say(text) if isinstance(text, Text) else text


def plans(lines: Iterable[Line], say: Language) -> list[tuple[str, tuple[str, ...]]]:
    """Return what callers of each line must hear, and the settings that change it, in sentences; lines that
    are alike stand together."""
    numbers = dict[tuple[str, ...], list[str]]()
    for line in lines:
        numbers.setdefault(tuple(sentences(line, say)), []).append(line.number)
    return [(", ".join(alike), texts) for texts, alike in numbers.items()]


def record_json(record: Record) -> str:
    """All that a record has, with its fields' names, as JSON. What is empty is left out, and so is the path
    of the recording on this machine, for which its digest stands."""
    names = (column.name for column in fields(record.event) if column.name not in ("binding", "prompt"))
    values = {name: getattr(record.event, name) for name in names}
    facts = {name: _plain(value) for name, value in values.items() if value not in (None, "", False)}
    return json.dumps({"number": record.number, **facts}, ensure_ascii=False, indent=1)


def _plain(value: object) -> object:
    if isinstance(value, Heard | Asked):
        return {name: _plain(part) for name, part in asdict(value).items()}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else value


def period(length: Period, say: Language) -> str:
    """A length of time by the calendar."""
    years, months = divmod(length.months, 12)
    parts = (
        (years, Text.counted("{number} year", "{number} years", years, number=years)),
        (months, Text.counted("{number} month", "{number} months", months, number=months)),
        (length.days, Text.counted("{number} day", "{number} days", length.days, number=length.days)),
    )
    return ", ".join(say(text) for number, text in parts if number)


def audited(ledger: AuditedLedger, say: Language) -> list[tuple[bool, str]]:
    """Return the findings of an audit in sentences, each with whether it is wrong."""
    content = (audits.as_of(ledger, say), audits.audited(ledger, say))
    return [*((False, line) for line in content), *audits.findings(ledger, say)]


def verdict(ledger: AuditedLedger, say: Language) -> str:
    """Return the verdict of an audit in a sentence."""
    return audits.verdict(ledger, say)


def moment(at: datetime, zone: tzinfo, say: Language, *, seconds: bool = True) -> Markup:
    """A time of the company's day, as people write it."""
    try:
        local = at.astimezone(zone)
    except OverflowError:  # in the first and the last hours of the calendar
        local = at
    clock = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
    text = say("{date}, {time}", date=day_text(local.date(), say), time=clock)
    return Markup('<time datetime="{}">{}</time>').format(local.isoformat(timespec="seconds"), text)


def when(event: Event, zone: tzinfo, say: Language, *, seconds: bool = True) -> Markup:
    """Return the time of a record, as people write it; of a delivery elsewhere the day alone, if no more is
    known."""
    local = event.at.astimezone(zone)
    if event.kind is not RecordKind.PHONE and local.time() == time():
        return day(local.date(), say)
    return moment(event.at, zone, say, seconds=seconds)


def day(on: date, say: Language) -> Markup:
    """A day, as people write it."""
    return Markup('<time datetime="{}">{}</time>').format(on.isoformat(), day_text(on, say))


def counted(say: Language, one: str, many: str, number: int, **arguments: object) -> str:
    """A sentence that says a number. (In templates only what a bare name is called with is found for
    translation.)"""
    return say.counted(one, many, number, **arguments)


def month(on: date, say: Language) -> Markup:
    """A month, as people write it."""
    return Markup('<time datetime="{}">{}</time>').format(f"{on:%Y-%m}", month_text(on, say))


def how_much(heard: Heard, say: Language) -> str:
    """Return how many seconds of a recording were heard, and how it ended."""
    return say(
        "{seconds} of {length} seconds, {ending}",
        seconds=words.tenths(heard.seconds, say),
        length=words.tenths(heard.length, say),
        ending=words.ENDINGS[heard.ending],
    )


def answered(event: Event, say: Language) -> str:
    """Return what the caller was asked and answered; empty for a record of no choice."""
    key = event.heard.key if event.heard else ""
    return choice_words.answer(AskedChoice.of(event.asked), key, say) if event.asked else ""


def shipped_style(name: str) -> Markup:
    """A style sheet of ours, to stand in a page that needs no other file."""
    place = resources.files("informativa").joinpath(PLACE, "static", name)
    return Markup(place.read_text(encoding="utf-8"))  # noqa: S704  # our own
