"""Checks that deliveries count on all boxes: the shared database, and the differences of the other boxes."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.errors import SharedDatabaseError
from ...model.text import Text, clause
from ..boxes import Box, Difference, Meeting, connectable, of_companies
from .findings import Finding, ok, warning, wrong
from .system import System

BEHIND = 1000  # records of a box that are not in the database yet, where the box is not silent
PROOFS = 4  # the migration since which boxes can prove each other's records
MONTHS = 3  # for which the database should have partitions in advance

_DIFFERENT = {
    Difference.KEYS: Text("{box} has other keys for {id}: its callers are strangers here"),
    Difference.OLDER_KEY: Text("{box} still works with an earlier key of {id}"),
    Difference.NEWER_KEY: Text("{box} works with a newer key of {id} than this box"),
    Difference.EARLIER_KEYS: Text(
        "{box} has other keys of {id} from before: who is known by one may hear it again"
    ),
    Difference.CONFIGURATION: Text("{box} treats callers of {id} by another configuration"),
    Difference.PROGRAM: Text("{box} runs informativa {version}"),
}
_MEND = {
    Difference.KEYS: Text("Copy the key of {id}, and those before it, from one box to all: keys/{id}.key*"),
    Difference.OLDER_KEY: Text(
        "Copy keys/{id}.key, and those before it, to {box}, and reload it. Until then delete no key here."
    ),
    Difference.NEWER_KEY: Text(
        "Copy keys/{id}.key, and those before it, from {box}, and reload. Until then delete no key there."
    ),
    Difference.EARLIER_KEYS: Text(
        "Have the same keys/{id}.key.retired-* on all boxes, and delete one everywhere."
    ),
    Difference.CONFIGURATION: Text("Compare the sections of {id}, and its lines, on both boxes."),
    Difference.PROGRAM: Text("Two versions go well together for as long as an upgrade takes."),
}


def shared(system: System) -> Iterator[Finding]:
    """Check that the database accepts each company's role, and that no box is silent, far behind or
    different."""
    faultless, others, failures = 0, set[str](), set[str]()
    for controller in system.recording():
        try:
            meeting = system.meeting(controller)
        except SharedDatabaseError as error:
            if str(error) not in failures:  # of many companies mostly the same
                yield wrong(clause(error.message), error.remedy)
            failures.add(str(error))
            continue
        if meeting is None:
            continue
        findings = list(_of_meeting(meeting))
        yield from findings
        faultless += not findings
        others |= {box.name for box in meeting.boxes if not box.this and not box.retired}
    if faultless:
        text = Text.counted(
            "{number} company shares what callers were told with {others}",
            "{number} companies share what callers were told with {others}",
            faultless,
        )
        count = Text.counted("{count} other box", "{count} other boxes", len(others))
        yield ok(text.format(number=faultless, others=count))


def reachable(system: System) -> Iterator[Finding]:
    """Check that the database accepts each company's role, by the TLS that is configured, and has a schema
    that fits this program. A fault is only a warning, because calls go on without the database."""
    configuration, failures, connections = system.configured, set[str](), 0
    if configuration.shared is None:
        return
    companies = [controller for controller in configuration.in_shape() if not controller.refused]
    for outcome in of_companies(configuration, companies, connectable).values():
        if not isinstance(outcome, SharedDatabaseError):
            connections += 1
        elif str(outcome) not in failures:
            failures.add(str(outcome))
            yield warning(clause(outcome.message), outcome.remedy)
    if connections:
        text = Text.counted(
            "the shared database {database} can be used for {number} company",
            "the shared database {database} can be used for {number} companies",
            connections,
        )
        yield ok(text.format(database=configuration.shared.name, number=connections), note=True)


def _of_meeting(meeting: Meeting) -> Iterator[Finding]:
    if not any(box.this for box in meeting.boxes):
        text = Text("this box has not sent anything of {id} yet", id=meeting.controller)
        yield warning(text, Text("The service does it when it starts with `shared:` in its configuration."))
    fix = Text("Whoever administers the database types: informativa shared migrate")
    if meeting.outdated:
        text = Text("the schema of {id} is of an earlier informativa: other boxes cannot prove its records")
        if meeting.migration >= PROOFS:
            text = Text(
                "the schema of {id} is of an earlier informativa: boxes do not tell each other what callers"
                " answer by key"
            )
        yield warning(text.format(id=meeting.controller), fix)
    if meeting.months_left is not None and meeting.months_left < MONTHS:
        text = Text("the schema of {id} is divided in advance for {months} months only")
        yield warning(text.format(id=meeting.controller, months=meeting.months_left), fix)
    for box in meeting.boxes:
        if box.retired is None:
            yield from _of_box(box, meeting.controller)


def _of_box(box: Box, controller: str) -> Iterator[Finding]:
    facts = {"box": box.name, "id": controller, "version": box.version}
    if box.quiet:
        text = Text("{box} was last heard of {minutes} min ago, for {id}")
        fix = Text("Start its service; if it left for good, type: informativa boxes retire {box}")
        minutes = round(box.seconds_ago / 60)
        yield warning(text.format(**facts, minutes=minutes), fix.format(**facts))
    elif box.behind > BEHIND:
        text = Text("{count} records of {box} for {id} are not in the database yet")
        fix = Text("It sends them as fast as the database takes them; look again: informativa boxes")
        yield warning(text.format(**facts, count=box.behind), fix)
    for difference in box.different:
        yield warning(_DIFFERENT[difference].format(**facts), _MEND[difference].format(**facts))
