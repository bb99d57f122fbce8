"""What is on record of one caller, and what became of it, for a terminal."""

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


def access(found: Access, say: Language) -> Iterator[str]:
    """Of each controller how many records, and each of them in the words of an access request."""
    for each in found.held:
        yield say.counted(
            "{name} ({id}): {count} record of {caller}",
            "{name} ({id}): {count} records of {caller}",
            each.count,
            name=each.controller.name,
            id=each.controller.id,
            count=each.count,
            caller=found.caller,
        )
        for box, record in (*(("", record) for record in each.records), *each.elsewhere):
            facts = (
                f"{say(_FACTS[what])}: {fact}"
                for what, fact in {"box": box, **_facts(record, each.controller, say)}.items()
                if fact != ""
            )
            yield one_line("    " + ", ".join(facts))
        yield from not_complete(each.missing, say)


def erased(each: Erased, say: Language) -> Iterator[str]:
    """Of one controller how many records and which copies."""
    owner, count = each.controller, each.records
    facts = {"name": owner.name, "id": owner.id, "count": count}
    if each.done:
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
    for file in each.copies:
        yield copy_gone(file, each.done, say)
    if each.boxes:
        boxes = ", ".join(each.boxes)
        if each.done:
            yield say("{boxes}: each erases the caller too, as soon as it reaches the database", boxes=boxes)
        else:
            yield say(
                "{boxes}: each would erase the caller too, as soon as it reaches the database", boxes=boxes
            )
    yield from not_complete(each.missing, say)


def not_complete(missing: Sequence[Missing], say: Language) -> Iterator[str]:
    """List why an answer is not complete, each with what to do."""
    for gap in missing:
        yield say("not complete: {why} {remedy}", why=gap.text.statement, remedy=gap.text.advice)


def copy_gone(file: Path, done: bool, say: Language) -> str:
    """That a copy of a ledger was deleted, or would be."""
    if done:
        return say("{file}, a copy from before an upgrade, was deleted", file=file)
    return say("{file}, a copy from before an upgrade, would be deleted", file=file)


def recorded(made: Recorded, say: Language) -> str:
    """What was put on record."""
    event = made.record.event
    return say(
        "Record {record}: {caller} got {notice}, version {version}, {kind} on {on:%Y-%m-%d}.",
        record=made.record.number,
        caller=made.caller,
        notice=named(event.notice, made.controller.names, say),
        version=event.version,
        kind=KINDS[event.kind],
        on=event.at.astimezone(made.controller.zone),
    )


def _facts(record: Record, owner: Controller, say: Language) -> dict[str, object]:
    """One record in the words of an access request."""
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
        "purposes": ", ".join(named(one, owner.names, say) for one in sorted(event.purposes)),
        "status": event.status,
        "ground": say(REASONS[event.reason]) if event.reason in REASONS else event.reason,
        "heard": heard,
        "reference": event.reference,
        "rests on record": event.basis or "",
    }
