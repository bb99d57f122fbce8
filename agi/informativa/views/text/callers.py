"""Records of one caller, and erasures and entries of them, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ...model import Controller
from ...model.text import Text
from ...operations.callers import Access, Erased, Recorded
from ...operations.completeness import Missing
from ...operations.record_document import AskedChoice, Record
from .. import choice_words
from ..messages import Language
from ..record_words import KINDS, REASONS, name_in_language
from ..terminal import one_line

_FACTS = {
    "box": Text("box"),
    "record": Text("record"),
    "when": Text("when"),
    "recorded": Text("recorded"),
    "how": Text("how"),
    "line": Text("line"),
    "text": Text("text"),
    "purposes": Text("purposes"),
    "status": Text("status"),
    "ground": Text("ground"),
    "heard": Text("heard"),
    "answer": Text("answer"),
    "choice of": Text("choice of"),
    "options": Text("options"),
    "reference": Text("reference"),
    "rests on record": Text("rests on record"),
}


def access(result: Access, controllers: Mapping[str, Controller], say: Language) -> Iterator[str]:
    """Yield the number of records of each controller, and each record in the words of an access request."""
    for held in result.controllers:
        yield say.counted(
            "{name} ({id}): {count} record of {caller}",
            "{name} ({id}): {count} records of {caller}",
            len(held.records),
            name=held.name,
            id=held.controller,
            caller=result.caller,
        )
        names = controllers[held.controller].names
        for record in held.records:
            facts = (
                f"{say(_FACTS[label])}: {fact}"
                for label, fact in _facts(record, names, say).items()
                if fact not in (None, "")
            )
            yield one_line("    " + ", ".join(facts))
        yield from not_complete(held.missing, say)


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
    for act in result.undelivered:
        yield say(act.message)
    for file in result.copies:
        yield copy_gone(file, done, say)
    if result.boxes:
        boxes = ", ".join(result.boxes)
        if done:
            yield say("{boxes}: each erases the caller too, as soon as it reaches the database", boxes=boxes)
        else:
            yield say(
                "{boxes}: each would erase the caller too, as soon as it reaches the database", boxes=boxes
            )
    yield from not_complete(result.missing, say)


def not_complete(missing: Sequence[Missing], say: Language) -> Iterator[str]:
    """Yield why an answer is not complete, each reason with its remedy."""
    for gap in missing:
        yield say("not complete: {why} {remedy}", why=gap.message, remedy=gap.remedy)


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


def _facts(record: Record, names: Mapping[str, Mapping[str, str]], say: Language) -> dict[str, object]:
    """Return one record in the words of an access request."""
    heard = (
        say("{seconds:.1f} of {length:.1f} s", seconds=record.heard.seconds, length=record.heard.length)
        if record.heard
        else ""
    )
    asked = record.asked
    about = asked.choice if asked else record.notice or ""
    text = (name_in_language(about, names, say), record.version or "", record.language or "")
    return {
        "box": record.box,
        "record": record.number,
        "when": record.at.isoformat(timespec="seconds"),
        "recorded": record.recorded.isoformat(timespec="seconds"),
        "how": say(KINDS[record.kind]),
        "line": record.line,
        "text": " ".join(text).strip(),
        "purposes": ", ".join(name_in_language(purpose, names, say) for purpose in record.purposes),
        "status": record.status,
        "ground": say(REASONS[record.reason]) if record.reason in REASONS else record.reason,
        "heard": heard,
        **(_choice(asked, record.heard.key if record.heard else None, say) if asked else {}),
        "reference": record.reference,
        "rests on record": record.rests_on,
    }


def _choice(asked: AskedChoice, key: str | None, say: Language) -> dict[str, object]:
    """Return what he was asked, and his answer, in the same words."""
    return {
        "choice of": say(choice_words.KINDS[asked.kind]),
        "options": " ".join(
            f"{option}={say(choice_words.ANSWERS[word])}" for option, word in asked.options.items()
        ),
        "answer": choice_words.answer(asked, key or "", say),
    }
