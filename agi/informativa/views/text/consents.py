"""Consents of a caller, what was put on record of them, and all answers counted, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo

from ...model import Answer, Controller, Reason
from ...model.text import Text
from ...operations.consent_export import ConsentRow
from ...operations.consent_import import ConsentImport
from ...operations.consents import ConsentAct, ConsentRecorded, ConsentsShown, StandingConsent
from .. import choice_words
from ..messages import Language
from ..record_words import KINDS, name_in_language, tenths
from ..terminal import one_line
from ..times import local_day, local_time
from . import importing

_ENDS: Mapping[Reason, Text] = {
    Reason.PERIOD_OVER: Text("its time is over"),
    Reason.NEW_PURPOSE: Text("the wording in force is for other purposes"),
    Reason.MATERIAL_CHANGE: Text("a wording since then is a material change"),
    Reason.RECYCLED: Text("nobody called for so long that the number may be somebody else's"),
    Reason.CONFIGURED: Text("the configuration has it no more"),
}


def recorded(result: ConsentRecorded, controller: Controller, say: Language) -> Iterator[str]:
    """Yield what was put on record, and what it counts for."""
    act, standing, zone = result.act, result.standing, controller.zone
    yield say(
        "Record {record}: {caller}, {choice}, version {version}: {answer}, {kind} on {on:%Y-%m-%d}.",
        record=act.record,
        caller=result.caller,
        choice=act.choice,
        version=act.version,
        answer=say(choice_words.ANSWERS[act.answer]),
        kind=say(KINDS[act.kind]),
        on=act.at.astimezone(zone),
    )
    if standing.answer is None:
        yield say("It counts for nobody: the number was somebody else's then.")
    elif not result.stands:
        yield say(
            "It changes nothing, for record {record} of {at} says: {answer}.",
            record=standing.record,
            at=_moment(standing.since, zone),
            answer=say(choice_words.ANSWERS[standing.answer]),
        )
    elif end := end_of(standing, zone, say):
        yield f"{end[0].upper()}{end[1:]}."


def consents(result: ConsentsShown, controllers: Mapping[str, Controller], say: Language) -> Iterator[str]:
    """Yield the standing answers of a caller at each controller, and the records of his answers."""
    for company in result.controllers:
        zone, names = controllers[company.controller].zone, controllers[company.controller].names
        yield say(
            "{name} ({id}): consents of {caller}",
            name=company.name,
            id=company.controller,
            caller=result.caller,
        )
        for standing in company.standing:
            yield one_line("    " + _standing(standing, zone, names, say))
        if not company.standing:
            yield "    " + say("none is configured, and none on record")
        if company.acts:
            yield say("    on record:")
        for act in company.acts:
            yield one_line("        " + _act(act, zone, say))


def imported(result: ConsentImport, say: Language) -> Iterator[str]:
    """Yield the number of rows, what changes nothing, and the file with the reasons of rejections."""
    yield from importing.imported(result, say)
    if result.overruled:
        yield say.counted(
            "{count} of them changes nothing: a later answer of the caller is on record.",
            "{count} of them change nothing: later answers of their callers are on record.",
            result.overruled,
        )
    if not result.done:
        yield say("Nothing was recorded: that is what would be. To do it, leave out --dry-run.")


def _standing(
    standing: StandingConsent, zone: tzinfo, names: Mapping[str, Mapping[str, str]], say: Language
) -> str:
    if standing.answer is None:
        return say("{choice}: nothing on record", choice=standing.choice)
    facts = [
        say("since {at}", at=_moment(standing.since, zone)),
        say("record {record}", record=str(standing.record)),
        say("version {version}", version=standing.version),
    ]
    if standing.purposes:
        purposes = ", ".join(name_in_language(purpose, names, say) for purpose in standing.purposes)
        facts.append(say("purposes: {purposes}", purposes=purposes))
    if standing.key:
        facts.append(say("key {key}", key=standing.key))
    if standing.waited:
        facts.append(say("after {seconds} s", seconds=tenths(standing.waited, say)))
    if end := end_of(standing, zone, say):
        facts.append(end)
    if standing.withdraw_at:
        facts.append(say("to withdraw: {number}", number=standing.withdraw_at))
    return f"{standing.choice}: {say(choice_words.ANSWERS[standing.answer])}, {', '.join(facts)}"


def end_of(standing: StandingConsent | ConsentRow, zone: tzinfo, say: Language) -> str:
    """Return until when an act counts, or why it counts no more."""
    if standing.ended is not None:
        return say("counts no more: {why}", why=say(_ENDS[standing.ended]))
    if standing.until is None:
        return ""
    until = local_day(standing.until, zone)
    if standing.answer is Answer.GRANTED:
        return say("holds until {until}", until=until)
    return say("nobody asks again before {until}", until=until)


def _act(act: ConsentAct, zone: tzinfo, say: Language) -> str:
    parts = [
        say("record {record}", record=act.record),
        _moment(act.at, zone),
        act.choice,
        say(choice_words.ANSWERS[act.answer]),
        say(KINDS[act.kind]),
        say("version {version}", version=act.version),
        act.language or "",
        say("key {key}", key=act.key) if act.key else "",
        act.reference or "",
    ]
    return ", ".join(filter(None, parts))


def _moment(at: datetime | None, zone: tzinfo) -> str:
    return "" if at is None else local_time(at, zone)
