"""Checks that deliveries count on all boxes: the shared database, and the differences of the other boxes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ...model.errors import SharedDatabaseError
from ...model.text import Text, clause, joined, plain
from ..boxes import Box, Difference, Meeting, connectable, of_companies
from .findings import Finding, ok, warning, wrong
from .system import System

BEHIND = 1000  # records of a box that are not in the database yet, where the box is not silent
CLOCK_SECONDS = 2.0  # between this machine's clock and the database's
NAMED = 5  # of the companies that have the same trouble

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
_OF_ALL = (Difference.CONFIGURATION, Difference.PROGRAM)
"""The differences whose remedy is the same for all companies; others name the files of one."""


def shared(system: System) -> Iterator[Finding]:
    """Check that the database accepts this box for each company, and that no box is silent, far behind or
    different."""
    meetings, others, clock_ahead = list[Meeting](), set[str](), 0.0
    failures: dict[str, SharedDatabaseError] = {}
    for controller in system.recording():
        try:
            meeting = system.meeting(controller)
        except SharedDatabaseError as error:
            failures[controller.id] = error
            continue
        if meeting is None:
            continue
        meetings.append(meeting)
        clock_ahead = max(clock_ahead, meeting.clock_ahead, key=abs)
        others |= {box.name for box in meeting.boxes if not (box.this or box.retired) and box.joined}
    yield from of_meetings(meetings)
    for failure in by_trouble(failures):
        yield wrong(*failure)
    if abs(clock_ahead) > CLOCK_SECONDS:
        text = Text("the clock of the shared database and this machine's are {seconds:.1f} s apart")
        fix = Text("Have both machines set their clocks by NTP, and look at each: timedatectl")
        yield warning(text.format(seconds=abs(clock_ahead)), fix)
    if faultless := sum(not any(_of_meeting(meeting)) for meeting in meetings):
        text = Text.counted(
            "{number} company shares what callers were told with {others}",
            "{number} companies share what callers were told with {others}",
            faultless,
        )
        count = Text.counted("{count} other box", "{count} other boxes", len(others))
        yield ok(text.format(number=faultless, others=count))


def reachable(system: System) -> Iterator[Finding]:
    """Check that the database accepts this box for each company, by the TLS that is configured, and has
    tables that fit this program. A fault is only a warning, because calls go on without the database."""
    configuration = system.configured
    if configuration.shared is None:
        return
    companies = [controller for controller in configuration.in_shape() if not controller.refused]
    outcomes = of_companies(configuration, companies, connectable, system.begun)
    failures = {
        company: error for company, error in outcomes.items() if isinstance(error, SharedDatabaseError)
    }
    for failure in by_trouble(failures):
        yield warning(*failure)
    if connections := len(outcomes) - len(failures):
        text = Text.counted(
            "the shared database {database} can be used for {number} company",
            "the shared database {database} can be used for {number} companies",
            connections,
        )
        yield ok(text.format(database=configuration.shared.name, number=connections), note=True)


def by_trouble(failures: Mapping[str, SharedDatabaseError]) -> Iterator[tuple[Text, Text]]:
    """Yield each trouble with the database once, with the companies that have it, and the remedy. Messages
    of one trouble may differ by the role that they name."""
    groups: dict[tuple[str, str], list[str]] = {}
    for controller, error in failures.items():
        key = (error.state or str(error.message), str(error.remedy))
        groups.setdefault(key, []).append(controller)
    for companies in groups.values():
        error = failures[companies[0]]
        yield joined(": ", _names(companies), clause(error.message)), error.remedy


def _names(companies: Sequence[str]) -> Text:
    names = plain(", ".join(companies[:NAMED]))
    if len(companies) > NAMED:
        return Text("{names} and {count} more", names=names, count=len(companies) - NAMED)
    return names


class BoxTrouble(NamedTuple):
    """A trouble of a box, and its remedy, without the companies that have it (`{id}`). One `of_all` is said
    once for all companies that have it: its remedy is the same for all."""

    box: str
    text: Text
    fix: Text
    of_all: bool = True


def of_meetings(meetings: Iterable[Meeting]) -> Iterator[Finding]:
    """Yield each trouble of boxes once, with the companies that have it: a box that is off is off for all of
    three hundred."""
    groups: dict[tuple[str, str, str], tuple[BoxTrouble, list[str]]] = {}
    for meeting in meetings:
        for trouble in _of_meeting(meeting):
            key = (trouble.box, trouble.text.template, "" if trouble.of_all else meeting.controller)
            groups.setdefault(key, (trouble, []))[1].append(meeting.controller)
    for trouble, companies in groups.values():
        facts = {**trouble.text.arguments, "box": trouble.box, "id": _names(companies)}
        yield warning(trouble.text.format(**facts), trouble.fix.format(**facts))


def _of_meeting(meeting: Meeting) -> Iterator[BoxTrouble]:
    if not any(box.this and box.joined for box in meeting.boxes):
        text = Text("this box has not sent anything of {id} yet")
        fix = Text("The service does it when it starts with `shared:` in its configuration.")
        yield BoxTrouble("", text, fix)
    for box in meeting.boxes:
        if box.retired is None and (box.joined or not box.this):
            yield from _of_box(box)


def _of_box(box: Box) -> Iterator[BoxTrouble]:
    if not box.joined:
        text = Text("{box} serves {id} and never took part, so that erasures wait for it")
        fix = Text("Type on it: informativa join. If it left for good: informativa boxes retire {box}")
        yield BoxTrouble(box.name, text, fix)
    elif box.quiet:
        text = Text(
            "{box} was last heard of {minutes} min ago, for {id}", minutes=round(box.seconds_ago / 60)
        )
        fix = Text("Start its service; if it left for good, type: informativa boxes retire {box}")
        yield BoxTrouble(box.name, text, fix)
    elif box.behind > BEHIND:
        text = Text("{count} records of {box} for {id} are not in the database yet", count=box.behind)
        fix = Text("It sends them as fast as the database takes them; look again: informativa boxes")
        yield BoxTrouble(box.name, text, fix, of_all=False)
    if not (box.this or box.quiet) and box.joined and abs(box.clock_ahead or 0.0) > CLOCK_SECONDS:
        text = Text(
            "the clock of {box} is {seconds:+.1f} s from the shared database's", seconds=box.clock_ahead
        )
        fix = Text("Have it set by NTP on {box}; look there: timedatectl")
        yield BoxTrouble(box.name, text, fix)
    for difference in box.different:
        text = _DIFFERENT[difference].format(version=box.version)
        yield BoxTrouble(box.name, text, _MEND[difference], of_all=difference in _OF_ALL)
