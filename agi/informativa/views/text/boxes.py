"""The boxes of an installation, and the database where they meet, for a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ...operations import boxes
from ...operations.boxes import BoxState, Difference, Joined, Meeting, Retired
from ...text import Text
from ..messages import Language
from ..terminal import console, one_line

if TYPE_CHECKING:
    from ...sharing.administration import Migrated

_LINE = "  {:<16} {:>12} {:>8}  {:<22} {}"
DIFFERENCES = {
    Difference.PROGRAM: Text("another version of informativa"),
    Difference.KEYS: Text("OTHER KEYS: its callers are strangers here"),
    Difference.OLDER_KEY: Text("AN EARLIER KEY: copy the new one there"),
    Difference.NEWER_KEY: Text("A NEWER KEY: copy it here"),
    Difference.EARLIER_KEYS: Text("other keys from before"),
    Difference.CONFIGURATION: Text("another configuration"),
}
"""What of another box is not as on this one."""


def meeting(found: Meeting, say: Language) -> Iterator[str]:
    """One company's boxes, a line each."""
    yield say(
        "{name} ({id}): the database answered in {milliseconds:.0f} ms, schema {migration}",
        name=found.controller.name,
        id=found.controller.id,
        milliseconds=found.milliseconds,
        migration=found.migration,
    )
    headings = (say("box"), say("records"), say("behind"), say("last heard of"), "")
    yield _LINE.format(*headings).rstrip()
    for each in found.boxes:
        yield one_line(_LINE.format(*cells(each, say)).rstrip())


def cells(found: BoxState, say: Language) -> tuple[str, ...]:
    """A box's name, how many records it sent, and how many not yet, when it was heard of, and the rest."""
    box = found.box
    seen = say("left on {day}", day=f"{box.retired:%Y-%m-%d}") if box.retired else ago(box.age, say)
    said = [say("this box")] if found.this else []
    said += [say(DIFFERENCES[each]) for each in found.different]
    if box.erasures and not box.retired:
        said.append(
            say.counted(
                "{count} caller still to erase",
                "{count} callers still to erase",
                box.erasures,
                count=box.erasures,
            )
        )
    return box.name, f"{box.record:,}", f"{box.behind:,}", seen, ", ".join(said)


def ago(seconds: float, say: Language) -> str:
    """How long ago something was, in the unit that suits it."""
    if seconds < 90:
        return say("{count} s ago", count=max(0, round(seconds)))
    if seconds < 5400:
        return say("{count} min ago", count=round(seconds / 60))
    if seconds < 48 * 3600:
        return say("{count} h ago", count=round(seconds / 3600))
    return say("{count} days ago", count=round(seconds / 86400))


def retired(found: Retired, say: Language) -> Iterator[str]:
    """That a box left, or would."""
    facts = {"name": found.controller.name, "id": found.controller.id, "box": found.box}
    if found.recently:
        yield say(
            "warning: {box} was heard of in the last minute. What it records from now on stays on it.",
            **facts,
        )
    if found.done:
        yield say("{name} ({id}): {box} left for good", **facts)
    else:
        yield say("{name} ({id}): {box} would leave for good", **facts)


def joined(found: Joined, say: Language) -> str:
    """What this box knows now."""
    boxes = say.counted("{count} other box", "{count} other boxes", found.boxes, count=found.boxes)
    return say.counted(
        "{name} ({id}): {count} record of {boxes} was taken in",
        "{name} ({id}): {count} records of {boxes} were taken in",
        found.records,
        name=found.controller.name,
        id=found.controller.id,
        count=found.records,
        boxes=boxes,
    )


def migrated(found: Migrated, say: Language) -> str:
    """What became of a schema."""
    facts = {"id": found.controller, "before": found.before, "now": found.now, "months": found.months}
    if not found.before:
        return say("{id}: role and schema are made (migration {now})", **facts)
    if found.before < found.now:
        return say("{id}: the schema was migrated from {before} to {now}", **facts)
    if found.months:
        return say.counted(
            "{id}: {months} month was added", "{id}: {months} months were added", found.months, **facts
        )
    return say("{id}: all is there (migration {now})", **facts)


@contextmanager
def bar(name: str, say: Language) -> Iterator[boxes.Progress]:
    """How far each box's records are, while that lasts, on stderr where that is a terminal."""
    columns = (
        TextColumn("{task.description}"),
        TextColumn(say("{task.completed:,.0f} of {task.total:,.0f} records")),
        BarColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console(stderr=True), disable=not sys.stderr.isatty(), transient=True
    ) as progress:
        tasks = {}

        def tell(box: str, at: int, of: int) -> None:
            if box not in tasks:
                tasks[box] = progress.add_task(f"{name} {box}", total=of)
            progress.update(tasks[box], completed=at, total=of)

        yield tell
