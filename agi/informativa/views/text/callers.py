"""Records of one caller, and erasures and entries of them, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time, tzinfo
from pathlib import Path

from ...model import Controller, Reason, RecordKind
from ...model.text import Text
from ...operations.caller_summary import CallerSummary, InformedNotice
from ...operations.callers import Access, Erased, Recorded
from ...operations.record_document import Record
from .. import choice_words
from ..messages import Language
from ..record_words import KINDS, REASONS, STATUSES, name_in_language
from ..terminal import one_line
from ..times import local_day, local_time, zone_name
from .consents import end_of

_DETAILS = {
    "ground": Text("ground"),
    "purposes": Text("purposes"),
    "options": Text("options"),
    "reference": Text("reference"),
    "rests on record": Text("rests on record"),
    "recorded": Text("recorded"),
}


def access(
    result: Access, summaries: Sequence[CallerSummary], controllers: Mapping[str, Controller], say: Language
) -> Iterator[str]:
    """Yield of each controller what counts for the caller, and his records with their times."""
    for held, summary in zip(result.controllers, summaries, strict=True):
        company = controllers[held.controller]
        yield say.counted(
            "{name} ({id}): {count} record of {caller}",
            "{name} ({id}): {count} records of {caller}",
            len(held.records),
            name=held.name,
            id=held.controller,
            caller=result.caller,
        )
        if held.records:
            yield from (f"  {one_line(sentence)}" for sentence in _summary(summary, company, say))
            yield "  " + say("On record; times are those of {zone}:", zone=zone_name(company.zone))
        for record in held.records:
            yield from (one_line(line) for line in _lines(record, company, say))


def _summary(summary: CallerSummary, company: Controller, say: Language) -> Iterator[str]:
    """Yield what counts for a caller now, in sentences."""
    if not summary.notices:
        yield say("Not informed: no notice was given to this caller to its end.")
    for informed in summary.notices:
        facts = {
            "notice": name_in_language(informed.notice, company.names, say),
            "version": informed.version,
            "time": _when(informed.at, informed.kind, company.zone),
            "how": say(KINDS[informed.kind]) if informed.kind else say("by a record that is gone"),
        }
        sentences = [
            say("Informed on {time} {how}: {notice}, version {version}.", **facts),
            *([] if informed.is_due_everywhere else [_until(informed, company, say)]),
            *(_due(line, reason, say) for line, reason in informed.due),
        ]
        yield " ".join(sentences)
    for act in summary.consents:
        assert act.answer is not None
        assert act.since is not None
        yield say(
            "Consent {choice}: {answer} on {time}; {end}.",
            choice=name_in_language(act.purpose, company.names, say) if act.purpose else act.choice,
            answer=say(choice_words.ANSWERS[act.answer]),
            time=local_time(act.since, company.zone, named=False),
            end=end_of(act, company.zone, say) or say("without an end"),
        )


def _when(at: datetime, kind: RecordKind | None, zone: tzinfo) -> str:
    """Return the time of a delivery; of one elsewhere the day alone, if no more is known."""
    if kind is not RecordKind.PHONE and at.astimezone(zone).time() == time():
        return local_day(at, zone)
    return local_time(at, zone, named=False)


def _until(informed: InformedNotice, company: Controller, say: Language) -> str:
    if informed.until is None:
        return say("It counts as long as it is on record.")
    day = local_day(informed.until, company.zone)
    if informed.is_purged:
        return say("It counts until {day}, when its record is deleted.", day=day)
    return say("It counts until {day}, when a plan asks for it again.", day=day)


def _due(line: str, reason: Reason, say: Language) -> str:
    return say("On {line} it is due again: {reason}.", line=line, reason=REASONS[reason])


def erased(result: Erased, done: bool, say: Language) -> Iterator[str]:
    """Yield how many records and which copies of one controller were erased, or would be."""
    count = result.records
    facts = {"name": result.name, "id": result.controller, "count": count}
    if done and result.waiting:
        yield say.counted(
            "{name} ({id}): the erasure of {count} record is noted, and waits for the controller's approval",
            "{name} ({id}): the erasure of {count} records is noted, and waits for the controller's approval",
            count,
            **facts,
        )
        for file in result.waiting:
            yield say("Give the list {file} to the approver. Nothing is erased before.", file=file)
    elif done:
        yield say.counted(
            "{name} ({id}): {count} record erased", "{name} ({id}): {count} records erased", count, **facts
        )
    else:
        yield say.counted(
            "{name} ({id}): {count} record would be erased",
            "{name} ({id}): {count} records would be erased",
            count,
            **facts,
        )
    if result.undelivered:
        yield say(result.untold)
    for file in result.copies:
        yield copy_gone(file, done, say)


def copy_gone(file: Path, done: bool, say: Language) -> str:
    """Return the message that a copy of a ledger was deleted, or would be."""
    if done:
        return say("{file}, a copy from before an upgrade, was deleted", file=file)
    return say("{file}, a copy from before an upgrade, would be deleted", file=file)


def recorded(result: Recorded, controller: Controller, say: Language) -> str:
    """Return the message of a delivery that was put on record."""
    record = result.record
    return say(
        "Record {record}: {caller} got {notice}, version {version}, {kind} on {on:%Y-%m-%d}.",
        record=record.number,
        caller=result.caller,
        notice=name_in_language(record.notice or "", controller.names, say),
        version=record.version,
        kind=KINDS[record.kind],
        on=record.at.astimezone(controller.zone),
    )


def _lines(record: Record, company: Controller, say: Language) -> Iterator[str]:
    """Yield a record: its time and what happened, and below it in which words and for which reason."""
    moment = _when(record.at, record.kind, company.zone)
    yield f"    {moment:<16}  {_event(record, company, say)} ({say('record {record}', record=record.number)})"
    details = _details(record, company, say).items()
    yield " " * 22 + "; ".join(f"{say(_DETAILS[name])}: {value}" for name, value in details if value)


def _event(record: Record, company: Controller, say: Language) -> str:
    """Return what happened, in a line."""
    asked, heard = record.asked, record.heard
    about = asked.choice if asked else record.notice or ""
    text = " ".join(
        filter(None, (name_in_language(about, company.names, say), record.version, record.language))
    )
    outcome = say(choice_words.KINDS[asked.kind]) if asked else say(STATUSES[record.status])
    parts = [f"{text}: {outcome}" if text else outcome]
    if asked:
        parts.append(choice_words.answer(asked, (heard and heard.key) or "", say))
    elif heard:
        parts.append(say("{seconds:.1f} of {length:.1f} s", seconds=heard.seconds, length=heard.length))
    parts.append(say(KINDS[record.kind]))
    if record.line:
        parts.append(record.line)
    return ", ".join(parts)


def _details(record: Record, company: Controller, say: Language) -> Mapping[str, object]:
    """Return the rest of what an access request asks for, by the names of `_DETAILS`."""
    options = record.asked.options.items() if record.asked else ()
    is_later = record.recorded != record.at
    return {
        "ground": say(REASONS[record.reason]) if record.reason in REASONS else record.reason,
        "purposes": ", ".join(name_in_language(purpose, company.names, say) for purpose in record.purposes),
        "options": " ".join(f"{key}={say(choice_words.ANSWERS[word])}" for key, word in options),
        "reference": record.reference,
        "rests on record": record.rests_on,
        "recorded": local_time(record.recorded, company.zone, named=False) if is_later else "",
    }
