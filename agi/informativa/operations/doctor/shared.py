"""Whether what is told here counts on the other boxes, and the other way round."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from ...config import Configuration
from ...errors import SharedDatabaseError
from ...model import SharedDatabase
from ...text import Text, clause
from .. import boxes
from ..boxes import BoxState, Difference, Meeting
from .findings import Finding, ok, warning, wrong
from .system import System, in_thread

BEHIND = 1000  # records that are not there yet, of a box that is heard of
REACHED_SECONDS = 3.0  # in which it is to answer `check`, for all companies
MONTHS = 3  # for which the database should be divided in advance

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


async def shared(system: System) -> AsyncIterator[Finding]:
    """The database answers as each company's role, and no box is silent, far behind or unlike this one."""
    configuration = system.configured
    if configuration.shared is None:
        return
    for finding in await in_thread(lambda: list(_looked(configuration))):
        yield finding


async def reachable(system: System) -> AsyncIterator[Finding]:
    """The database takes each company's role, by the TLS that is configured, and has a schema with which this
    program works. No more than a warning: calls go on without it."""
    configuration = system.configured
    database = configuration.shared
    if database is None:
        return
    try:
        async with asyncio.timeout(REACHED_SECONDS):
            found = await in_thread(lambda: list(dict.fromkeys(_reached(configuration, database))))
    except TimeoutError:
        text = Text("the shared database {database} on {hosts} did not answer in {seconds:.0f} s")
        facts = {"database": database.name, "hosts": ", ".join(database.hosts), "seconds": REACHED_SECONDS}
        fix = Text("See that it runs and can be reached from here, then type: informativa boxes")
        found = [warning(text.format(**facts), fix)]
    for finding in found:
        yield finding


def _reached(configuration: Configuration, database: SharedDatabase) -> Iterator[Finding]:
    from ...sharing.connection import connect  # its driver is an extra

    live = [each.id for each in configuration.in_shape() if not each.refused]
    well = 0
    for controller in live:
        try:
            connect(database, controller).close()
        except SharedDatabaseError as error:
            yield warning(clause(error.message), error.remedy)
        else:
            well += 1
    if well:
        text = Text.counted(
            "the shared database {database} can be used for {number} company",
            "the shared database {database} can be used for {number} companies",
            well,
        )
        yield ok(text.format(database=database.name, number=well), note=True)


def _looked(configuration: Configuration) -> Iterator[Finding]:
    well, others = 0, set[str]()
    for controller in configuration.controllers.values():
        if controller.refused or not Path(controller.ledger).exists():
            continue
        try:
            found = boxes.meeting(configuration, controller)
        except SharedDatabaseError as error:
            yield wrong(clause(error.message), error.remedy)
            continue
        findings = list(_of_meeting(found))
        yield from findings
        well += not findings
        others |= {each.box.name for each in found.boxes if not each.this and not each.box.retired}
    if well:
        text = Text.counted(
            "{number} company shares what callers were told with {others}",
            "{number} companies share what callers were told with {others}",
            well,
        )
        count = Text.counted("{count} other box", "{count} other boxes", len(others), count=len(others))
        yield ok(text.format(number=well, others=count))


def _of_meeting(found: Meeting) -> Iterator[Finding]:
    owner = found.controller
    if not any(each.this for each in found.boxes):
        text = Text("this box has not sent anything of {id} yet", id=owner.id)
        yield warning(text, Text("The service does it when it starts with `shared:` in its configuration."))
    fix = Text("Whoever administers the database types: informativa shared migrate")
    if found.outdated:
        text = Text("the schema of {id} is of an earlier informativa: other boxes cannot prove its records")
        yield warning(text.format(id=owner.id), fix)
    if found.months_left is not None and found.months_left < MONTHS:
        text = Text("the schema of {id} is divided in advance for {months} months only")
        yield warning(text.format(id=owner.id, months=found.months_left), fix)
    for each in found.boxes:
        if each.box.retired is None:
            yield from _of_box(each, owner.id)


def _of_box(found: BoxState, controller: str) -> Iterator[Finding]:
    box, facts = found.box, {"box": found.box.name, "id": controller, "version": found.box.program}
    if found.quiet:
        text = Text("{box} was last heard of {minutes} min ago, for {id}")
        fix = Text("Start its service; if it left for good, type: informativa boxes retire {box}")
        minutes = round(box.age / 60)
        yield warning(text.format(**facts, minutes=minutes), fix.format(**facts))
    elif box.behind > BEHIND:
        text = Text("{count} records of {box} for {id} are not in the database yet")
        fix = Text("It sends them as fast as the database takes them; look again: informativa boxes")
        yield warning(text.format(**facts, count=box.behind), fix)
    for each in found.different:
        yield warning(_DIFFERENT[each].format(**facts), _MEND[each].format(**facts))
