"""The boxes of an installation, and the database where they meet, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from ...model.text import Text
from ...operations import joining
from ...operations.box_replacement import ReplacedBox
from ...operations.box_retirement import RetiredBox
from ...operations.boxes import (
    Box,
    Difference,
    FailedCompany,
    Meeting,
    MigratedSchema,
)
from ...operations.grants import DatabaseRights
from ...operations.joining import JoinedController
from ..messages import Language
from ..terminal import one_line, progress
from ..times import local_day, local_time

_LINE = "  {:<16} {:>12} {:>8} {:>9}  {:<22} {}"
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
        "{name} ({id}): the database answered in {milliseconds:.0f} ms, migration {migration}, its clock"
        " {behind:+.1f} s from this box's",
        name=status.name,
        id=status.controller,
        milliseconds=status.milliseconds,
        migration=status.migration,
        behind=round(-status.clock_ahead, 1) + 0.0,  # never "-0.0"
    )
    headings = (say("box"), say("records"), say("behind"), say("clock"), say("last heard of"), "")
    yield _LINE.format(*headings).rstrip()
    for box in status.boxes:
        yield one_line(_LINE.format(*cells(box, say)).rstrip())


def failed(company: FailedCompany, say: Language) -> str:
    """Return the sentence about a company of whose boxes nothing is known, or for which nothing was done."""
    return one_line(f"{company.name} ({company.controller}): {say(company.message)} {say(company.remedy)}")


def cells(box: Box, say: Language) -> tuple[str, ...]:
    """Return a box's name, its records, how many were not sent yet, how far its clock is ahead of the
    database's, when it was last heard of, and remarks."""
    left = local_day(box.retired) if box.retired else ""
    if left:
        last_heard = say("left on {day}", day=left)
    else:
        last_heard = ago(box.seconds_ago, say) if box.joined else say("never took part")
    remarks = [say("this box")] if box.this else []
    if box.successor:
        remarks.append(say("{box} took its place", box=box.successor))
    remarks += [say(DIFFERENCES[difference]) for difference in box.different]
    if box.to_erase and not box.retired:
        remarks.append(
            say.counted("{count} caller still to erase", "{count} callers still to erase", box.to_erase)
        )
    ahead = box.clock_ahead
    clock = "-" if ahead is None or box.retired else f"{say.number(round(ahead, 1) + 0.0, '+.1f')} s"
    records, behind = (say.number(count, ",") for count in (box.records, box.behind))
    return box.name, records, behind, clock, last_heard, ", ".join(remarks)


def ago(seconds: float, say: Language) -> str:
    """Return how long ago something was, in a suitable unit."""
    if seconds < 90:
        return say("{count} s ago", count=max(0, round(seconds)))
    if seconds < 5400:
        return say("{count} min ago", count=round(seconds / 60))
    if seconds < 48 * 3600:
        return say("{count} h ago", count=round(seconds / 3600))
    return say("{count} days ago", count=round(seconds / 86400))


def retired(box: RetiredBox, name: str, done: bool, say: Language) -> Iterator[str]:
    """Yield the message that a box of the company of that name left, and what that means for evidence and
    erasures; that it would leave, if not `done`."""
    facts = {"name": name, "id": box.controller, "box": box.box}
    yield from _warnings(box.recently, facts, done, say)
    if box.before:
        yield say("{name} ({id}): {box} left for good before", **facts)
    elif done:
        yield say("{name} ({id}): {box} left for good", **facts)
    else:
        yield say("{name} ({id}): {box} would leave for good", **facts)
    for line in (
        *_still_to_erase(box.to_erase, facts, say),
        *_waiting_erasures(box.waiting, facts, say),
        _retirement_note(box, facts, done, say),
    ):
        yield f"  {line}"


def _warnings(recently: bool, facts: Mapping[str, object], done: bool, say: Language) -> Iterator[str]:
    if recently and done:
        yield say(
            "warning: {box} was heard of in the last minute. What it records from now on stays on it.",
            **facts,
        )
    elif recently:
        yield say(
            "warning: {box} was heard of in the last minute. While it works, --yes needs --force too.",
            **facts,
        )


def _retirement_note(box: RetiredBox, facts: Mapping[str, object], done: bool, say: Language) -> str:
    if box.by is None:
        return say(
            "No log says so: type the same on another box, which notes it. Until then a monitor waits for the"
            " log of {box}.",
            **facts,
        )
    if box.noted is not None:
        return say(
            "The log of {by} says so in record {number}: a monitor expects nothing more of that of {box}.",
            by=box.by,
            number=box.noted,
            **facts,
        )
    if done:
        return say(
            "The log of {by} will say so once it connects, within ten minutes: a monitor then expects nothing"
            " more of that of {box}.",
            by=box.by,
            **facts,
        )
    return say(
        "The log of {by} would say so: a monitor then expects nothing more of that of {box}.",
        by=box.by,
        **facts,
    )


def replaced(box: ReplacedBox, name: str, done: bool, say: Language) -> Iterator[str]:
    """Yield the message that a box took another's place, and what that means for records, evidence and
    erasures; that it would, if not `done`."""
    facts = {"name": name, "id": box.controller, "box": box.box, "successor": box.successor}
    yield from _warnings(box.recently, facts, done, say)
    if box.before:
        yield say("{name} ({id}): {successor} took the place of {box} before", **facts)
    elif done:
        yield say("{name} ({id}): {successor} took the place of {box}, which left for good", **facts)
    else:
        yield say(
            "{name} ({id}): {successor} would take the place of {box}, which would leave for good", **facts
        )
    for line in (*_records_of(box, facts, say), *_erasures_of(box, facts, say)):
        yield f"  {line}"
    yield f"  {_note_of(box, facts, done, say)}"


def _records_of(box: ReplacedBox, facts: Mapping[str, object], say: Language) -> Iterator[str]:
    yield say(
        "What {box} sent stays under its name, up to record {record}.",
        record=say.number(box.record, ","),
        **facts,
    )
    if box.unsent:
        yield say.counted(
            "{count} record after that one was on its disk alone, as far as it said.",
            "{count} records after that one were on its disk alone, as far as it said.",
            box.unsent,
        )
    else:
        yield say(
            "It had sent all, as far as it said; what it recorded after {time} is on its disk alone.",
            time=local_time(box.seen),
        )
    if box.is_copy:
        yield say(
            "{successor} has a copy of the ledger of {box}: what that has of them it sends under its own"
            " name. Records that are under both names ({count} so far) count once, as those of {box}.",
            count=say.number(box.copies, ","),
            **facts,
        )
    else:
        yield say(
            "{successor} has another ledger: what was on the disk alone is lost, unless the disk can be"
            " read.",
            **facts,
        )


def _erasures_of(box: ReplacedBox, facts: Mapping[str, object], say: Language) -> Iterator[str]:
    yield from _still_to_erase(box.to_erase, facts, say)
    if box.successor_to_erase:
        yield say.counted(
            "{successor} has {count} caller still to erase, and does so when it connects.",
            "{successor} has {count} callers still to erase, and does so when it connects.",
            box.successor_to_erase,
            **facts,
        )
    yield from _waiting_erasures(box.waiting, facts, say)


def _still_to_erase(count: int, facts: Mapping[str, object], say: Language) -> Iterator[str]:
    if count:
        yield say.counted(
            "{count} caller whom {box} had still to erase stays on its disk: wipe or destroy it.",
            "{count} callers whom {box} had still to erase stay on its disk: wipe or destroy it.",
            count,
            **facts,
        )


def _waiting_erasures(
    waiting: Sequence[str] | None, facts: Mapping[str, object], say: Language
) -> Iterator[str]:
    if waiting is None:
        yield say(
            "The notes of {box} in the database are not what it signed, so that nobody knows which erasures"
            " wait there. Type: informativa evidence bundle --all-boxes",
            **facts,
        )
    elif waiting:
        yield say(
            "{box} noted erasures that wait for the controller's approval, and carries out none of them:"
            " {instructions}. Once another box carries out the same one, the records of {box} go with those."
            " Of a caller whom no other box knows type: informativa caller erase",
            instructions=", ".join(waiting),
            **facts,
        )
        yield say(
            "Have these notes of {box} approved too, and type on a box that is there: informativa evidence"
            " approval FILE. Until then a bundle shows as a gap what was erased of them.",
            **facts,
        )


def _note_of(box: ReplacedBox, facts: Mapping[str, object], done: bool, say: Language) -> str:
    if box.noted is not None:
        return say(
            "The log of {successor} says so in record {number}: a bundle of both shows why that of {box}"
            " ends.",
            number=box.noted,
            **facts,
        )
    if done:
        return say(
            "The log of {successor} will say so once it connects, within ten minutes: a bundle of both then"
            " shows why that of {box} ends.",
            **facts,
        )
    return say(
        "The log of {successor} would say so: a bundle of both then shows why that of {box} ends.", **facts
    )


def join_message(result: JoinedController, name: str, say: Language) -> str:
    """Return the message of how many records of other boxes were taken in for the company of that name."""
    boxes = say.counted("{count} other box", "{count} other boxes", result.boxes)
    return say.counted(
        "{name} ({id}): {count} record of {boxes} was taken in",
        "{name} ({id}): {count} records of {boxes} were taken in",
        result.records,
        name=name,
        id=result.controller,
        boxes=boxes,
    )


def migrated(result: MigratedSchema, say: Language) -> Iterator[str]:
    """Yield what was made for a company, and the message of its schema's migration."""
    facts = {
        "id": result.controller,
        "before": result.before,
        "now": result.now,
    }
    if result.login_made:
        yield one_line(say("{id}: the login {login} was made", id=result.controller, login=result.login))
    if result.tables_made:
        yield say("{id}: the tables of all companies were made (migration {now})", **facts)
    if 0 < result.before < result.now:
        yield say.counted(
            "{id}: migrated from {before} to {now}, with {count} record",
            "{id}: migrated from {before} to {now}, with {count} records",
            result.records,
            **facts,
        )
    elif result.newly_served:
        yield say("{id}: this box serves it from now on (migration {now})", **facts)
    elif not result.tables_made:
        yield say("{id}: all is there (migration {now})", **facts)


def rights(examined: DatabaseRights, say: Language) -> Iterator[str]:
    """Yield a line for each login of a database, with the companies that it serves, and a line for each
    flaw."""
    for flaw in examined.flaws:
        yield one_line(f"{examined.database}: {say(flaw.message)}. {say(flaw.remedy)}")
    for login in examined.logins:
        for flaw in login.flaws:
            yield one_line(f"{examined.database}: {say(flaw.message)}. {say(flaw.remedy)}")
        if not login.flaws:
            facts = {"database": examined.database, "login": login.login}
            yield say("{database}: {login} has the rights that it needs, and no more", **facts)
        if login.controllers:
            yield one_line(say("  it serves {controllers}", controllers=", ".join(login.controllers)))


@contextmanager
def bar(name: str, say: Language) -> Iterator[joining.Progress]:
    """Show the progress of each box's records, on stderr if that is a terminal."""
    from rich.progress import TextColumn  # not for commands that only list boxes

    amount = TextColumn(say("{task.completed:,.0f} of {task.total:,.0f} records"))
    with progress(amount) as shown:
        tasks = {}

        def show(box: str, completed: int, total: int) -> None:
            if box not in tasks:
                tasks[box] = shown.add_task(f"{name} {box}", total=total)
            shown.update(tasks[box], completed=completed, total=total)

        yield show
