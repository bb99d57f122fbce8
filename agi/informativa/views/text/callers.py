"""Records of one caller, and erasures and entries of them, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ...model import Controller, Record
from ...operations.callers import Access, Erased, Recorded
from ...operations.completeness import Missing
from ...text import Text
from ..messages import Language
from ..record_words import KINDS, REASONS, named
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
    "reference": Text("reference"),
    "rests on record": Text("rests on record"),
}


def access(result: Access, say: Language) -> Iterator[str]:
    """Yield the number of records of each controller, and each record in the words of an access request."""
    for answer in result.held:
        yield say.counted(
            "{name} ({id}): {count} record of {caller}",
            "{name} ({id}): {count} records of {caller}",
            answer.count,
            name=answer.controller.name,
            id=answer.controller.id,
            count=answer.count,
            caller=result.caller,
        )
        for box, record in (*(("", record) for record in answer.records), *answer.elsewhere):
            facts = (
                f"{say(_FACTS[label])}: {fact}"
                for label, fact in {"box": box, **_facts(record, answer.controller, say)}.items()
                if fact != ""
            )
            yield one_line("    " + ", ".join(facts))
        yield from not_complete(answer.missing, say)


def erased(result: Erased, say: Language) -> Iterator[str]:
    """Yield how many records and which copies of one controller were erased, or would be."""
    owner, count = result.controller, result.records
    facts = {"name": owner.name, "id": owner.id, "count": count}
    if result.done:
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
    for file in result.copies:
        yield copy_gone(file, result.done, say)
    if result.boxes:
        boxes = ", ".join(result.boxes)
        if result.done:
            yield say("{boxes}: each erases the caller too, as soon as it reaches the database", boxes=boxes)
        else:
            yield say(
                "{boxes}: each would erase the caller too, as soon as it reaches the database", boxes=boxes
            )
    yield from not_complete(result.missing, say)


def not_complete(missing: Sequence[Missing], say: Language) -> Iterator[str]:
    """Yield why an answer is not complete, each reason with its remedy."""
    for gap in missing:
        yield say("not complete: {why} {remedy}", why=gap.text.statement, remedy=gap.text.advice)


def copy_gone(file: Path, done: bool, say: Language) -> str:
    """Return the message that a copy of a ledger was deleted, or would be."""
    if done:
        return say("{file}, a copy from before an upgrade, was deleted", file=file)
    return say("{file}, a copy from before an upgrade, would be deleted", file=file)


def recorded(result: Recorded, say: Language) -> str:
    """Return the message of a delivery that was put on record."""
    event = result.record.event
    return say(
        "Record {record}: {caller} got {notice}, version {version}, {kind} on {on:%Y-%m-%d}.",
        record=result.record.number,
        caller=result.caller,
        notice=named(event.notice, result.controller.names, say),
        version=event.version,
        kind=KINDS[event.kind],
        on=event.at.astimezone(result.controller.zone),
    )


def _facts(record: Record, owner: Controller, say: Language) -> dict[str, object]:
    """Return one record in the words of an access request."""
    event = record.event
    heard = (
        say("{seconds:.1f} of {length:.1f} s", seconds=event.heard.seconds, length=event.heard.length)
        if event.heard
        else ""
    )
    return {
        "record": record.number,
        "when": event.at.isoformat(timespec="seconds"),
        "recorded": (event.recorded or event.at).isoformat(timespec="seconds"),
        "how": say(KINDS[event.kind]),
        "line": event.line,
        "text": f"{named(event.notice, owner.names, say)} {event.version} {event.language}".strip(),
        "purposes": ", ".join(named(purpose, owner.names, say) for purpose in sorted(event.purposes)),
        "status": event.status,
        "ground": say(REASONS[event.reason]) if event.reason in REASONS else event.reason,
        "heard": heard,
        "reference": event.reference,
        "rests on record": event.basis or "",
    }
