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
"""Ways in which another box differs from this one."""


def meeting(status: Meeting, say: Language) -> Iterator[str]:
    """Yield the state of one company's boxes, a line for each."""
    yield say(
        "{name} ({id}): the database answered in {milliseconds:.0f} ms, schema {migration}",
        name=status.controller.name,
        id=status.controller.id,
        milliseconds=status.milliseconds,
        migration=status.migration,
    )
    headings = (say("box"), say("records"), say("behind"), say("last heard of"), "")
    yield _LINE.format(*headings).rstrip()
    for box in status.boxes:
        yield one_line(_LINE.format(*cells(box, say)).rstrip())


def cells(state: BoxState, say: Language) -> tuple[str, ...]:
    """Return a box's name, its records, how many were not sent yet, when it was last heard of, and
    remarks."""
    box = state.box
    last_heard = say("left on {day}", day=f"{box.retired:%Y-%m-%d}") if box.retired else ago(box.age, say)
    remarks = [say("this box")] if state.this else []
    remarks += [say(DIFFERENCES[difference]) for difference in state.different]
    if box.erasures and not box.retired:
        remarks.append(
            say.counted(
                "{count} caller still to erase",
                "{count} callers still to erase",
                box.erasures,
                count=box.erasures,
            )
        )
    return box.name, f"{box.record:,}", f"{box.behind:,}", last_heard, ", ".join(remarks)


def ago(seconds: float, say: Language) -> str:
    """Return how long ago something was, in a suitable unit."""
    if seconds < 90:
        return say("{count} s ago", count=max(0, round(seconds)))
    if seconds < 5400:
        return say("{count} min ago", count=round(seconds / 60))
    if seconds < 48 * 3600:
        return say("{count} h ago", count=round(seconds / 3600))
    return say("{count} days ago", count=round(seconds / 86400))


def retired(retirement: Retired, say: Language) -> Iterator[str]:
    """Yield the message that a box left, or would leave."""
    facts = {"name": retirement.controller.name, "id": retirement.controller.id, "box": retirement.box}
    if retirement.recently:
        yield say(
            "warning: {box} was heard of in the last minute. What it records from now on stays on it.",
            **facts,
        )
    if retirement.done:
        yield say("{name} ({id}): {box} left for good", **facts)
    else:
        yield say("{name} ({id}): {box} would leave for good", **facts)


def joined(result: Joined, say: Language) -> str:
    """Return the message of how many records of other boxes were taken in."""
    boxes = say.counted("{count} other box", "{count} other boxes", result.boxes, count=result.boxes)
    return say.counted(
        "{name} ({id}): {count} record of {boxes} was taken in",
        "{name} ({id}): {count} records of {boxes} were taken in",
        result.records,
        name=result.controller.name,
        id=result.controller.id,
        count=result.records,
        boxes=boxes,
    )


def migrated(result: Migrated, say: Language) -> str:
    """Return the message of a schema's migration."""
    facts = {
        "id": result.controller,
        "before": result.before,
        "now": result.now,
        "months": result.months,
    }
    if not result.before:
        return say("{id}: role and schema are made (migration {now})", **facts)
    if result.before < result.now:
        return say("{id}: the schema was migrated from {before} to {now}", **facts)
    if result.months:
        return say.counted(
            "{id}: {months} month was added", "{id}: {months} months were added", result.months, **facts
        )
    return say("{id}: all is there (migration {now})", **facts)


@contextmanager
def bar(name: str, say: Language) -> Iterator[boxes.Progress]:
    """Show the progress of each box's records, on stderr if that is a terminal."""
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

        def show(box: str, completed: int, total: int) -> None:
            if box not in tasks:
                tasks[box] = progress.add_task(f"{name} {box}", total=total)
            progress.update(tasks[box], completed=completed, total=total)

        yield show
