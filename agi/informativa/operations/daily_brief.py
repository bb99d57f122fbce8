"""The three questions of a company's day: was everybody told, is anything broken, is anything due.

What is unknown is never answered with yes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from ..model import Controller, Status
from ..model.errors import EvidenceError, LedgerError
from ..model.text import Text
from .doctor.requests import SOON
from .evidence.log_state import log_state
from .request_register import OpenRequests
from .statistics import DayStatistics

UNHEARD = frozenset({Status.FAILED, Status.PARTIAL})
"""Outcomes after which a notice that was due stays due."""


class Light(StrEnum):
    """The urgency of an answer."""

    GOOD = "good"
    CALM = "calm"  # nothing to tell
    OPEN = "open"  # somebody should look
    BAD = "bad"


@dataclass(frozen=True)
class BriefAnswer:
    """One sentence, and the page of the console that says more; '' for none. `status` is the outcome to look
    for there."""

    light: Light
    text: Text
    page: str = ""
    status: Status | None = None


def informed_answer(total: DayStatistics | None, later: Mapping[Status, int]) -> BriefAnswer:
    """Return whether everybody to whom a notice was due heard it, by the counts of some days, `None` if they
    cannot be read, and how many of those that were not heard were so `later`."""
    if total is None:
        return BriefAnswer(Light.BAD, Text("Nobody knows: the records cannot be read."))
    if not total.calls:
        return BriefAnswer(Light.CALM, Text("Nobody has called yet."))
    failed, partial = (
        max(total.by_status.get(status, 0) - later.get(status, 0), 0)
        for status in (Status.FAILED, Status.PARTIAL)
    )
    if failed:
        text = Text.counted(
            "No: {count} notice could not be played. It stays due until it is heard.",
            "No: {count} notices could not be played. They stay due until they are heard.",
            failed,
        )
        return BriefAnswer(Light.BAD, text.format(count=failed), "calls", Status.FAILED)
    if partial:
        text = Text.counted(
            "Not yet: {count} notice was not heard in full. It stays due until it is heard.",
            "Not yet: {count} notices were not heard in full. They stay due until they are heard.",
            partial,
        )
        return BriefAnswer(Light.OPEN, text.format(count=partial), "calls", Status.PARTIAL)
    return BriefAnswer(Light.GOOD, Text("Yes: no notice that was due is missing."))


def fault_answers(problems: Sequence[BriefAnswer]) -> Sequence[BriefAnswer]:
    """Return all problems, the worst first; or that none is known."""
    none = BriefAnswer(Light.GOOD, Text("No fault is known."))
    return sorted(problems, key=lambda problem: problem.light is not Light.BAD) or [none]


def deadline_answer(requests: OpenRequests | None, today: date) -> BriefAnswer:
    """Return which persons' requests are to be answered next; `None` for none."""
    if requests is None:
        return BriefAnswer(Light.GOOD, Text("Nothing: no person's request is open."), "requests")
    if requests.overdue:
        text = Text.counted(
            "{count} person's request is overdue: it was due on {due}.",
            "{count} persons' requests are overdue, the first since {due}.",
            requests.overdue,
        )
        return BriefAnswer(Light.BAD, text.format(count=requests.overdue, due=requests.next_due), "requests")
    light = Light.OPEN if requests.next_due <= today + SOON else Light.GOOD
    text = Text.counted(
        "{count} person's request is open: it is due on {due}.",
        "{count} persons' requests are open, the first due on {due}.",
        requests.open,
    )
    return BriefAnswer(light, text.format(count=requests.open, due=requests.next_due), "requests")


def exports_answer(waiting: int) -> BriefAnswer:
    """Return that exports wait for a second person."""
    text = Text.counted(
        "{count} export waits for a second person.", "{count} exports wait for a second person.", waiting
    )
    return BriefAnswer(Light.OPEN, text.format(count=waiting), "exports")


def unusual_answer(accounts: int) -> BriefAnswer:
    """Return that accounts looked at persons' data in an unusual way."""
    text = Text.counted(
        "{count} account looked at persons' data in an unusual way within a day.",
        "{count} accounts looked at persons' data in an unusual way within a day.",
        accounts,
    )
    return BriefAnswer(Light.OPEN, text.format(count=accounts), "looked")


def problems(owner: Controller) -> Iterator[BriefAnswer]:
    """Yield what is wrong with a company and its log."""
    if owner.refused:
        yield BriefAnswer(Light.BAD, Text("This company is not live: {why}", why=owner.refused), "notices")
    if not Path(owner.ledger).exists():
        return
    try:
        state = log_state(owner)
    except (LedgerError, EvidenceError) as error:
        yield BriefAnswer(Light.BAD, error.text, "evidence")
        return
    for copy in (*state.published, *state.witnessed):
        if copy.problem:
            text = Text("The log is not at {place}: {why}", place=copy.place, why=copy.problem)
            yield BriefAnswer(Light.BAD, text, "evidence")
