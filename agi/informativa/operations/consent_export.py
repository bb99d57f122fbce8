"""Standing answers of all callers to a company's consents, in any number: one row for each, no numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from ..call import choice_policy, policy
from ..ledgers import answers
from ..ledgers.answers import CallersAnswer
from ..model import Answer, Choice, Controller, Reason, RecordKind
from ..process import storage
from .consents import end
from .document import Time

PAGE = 2000  # answers that are read with the ledger open
REACH = 20_000  # answers among which a page looks for its rows

Place = tuple[bytes, str]
"""The pseudonym and the choice of an answer: answers are read in their order."""


@dataclass(frozen=True)
class ConsentRow:
    """A caller's last act about one consent."""

    controller: str
    """The company's name in the configuration."""
    choice: str
    """The name of the consent in the configuration."""
    caller: str
    """The caller's pseudonym, in hexadecimal digits."""
    answer: Answer
    """The act: granted, refused or withdrawn."""
    counts: bool
    """True while it counts: a grant may be relied on, and after a refusal or withdrawal nobody asks."""
    ended: Reason | None
    """The reason why it counts no more."""
    version: str
    """The version of the wording that he was told."""
    purposes: tuple[str, ...]
    """The purposes of that version."""
    kind: RecordKind | None
    """The means by which he answered."""
    at: Time
    """The time at which he answered."""
    until: Time | None
    """The time until which it counts, if nothing ends it before."""
    record: int
    """The number of the record that proves it."""


@dataclass(frozen=True)
class ConsentFilter:
    """The acts that somebody asks for: of one `choice` unless it is '', of one `answer`, from `since` on and
    before `until`. `GRANTED` are only grants that still count:
    whoever asks for those relies on them."""

    choice: str = ""
    answer: Answer | None = None
    since: datetime | None = None
    until: datetime | None = None

    def facts(self, zone: tzinfo) -> str:
        """Return what was asked for, as the access log has it, with days of that zone."""
        values = {
            "choice": self.choice,
            "answer": self.answer,
            "from": self.since and self.since.astimezone(zone).date(),
            "before": self.until and self.until.astimezone(zone).date(),
        }
        return " ".join(["consents", *(f"{name}={value}" for name, value in values.items() if value)])

    def has(self, row: ConsentRow) -> bool:
        """Return whether an act is one of those."""
        return (
            self.choice in ("", row.choice)
            and (self.answer is None or row.answer is self.answer)
            and (row.counts or self.answer is not Answer.GRANTED)
            and (self.since is None or row.at >= self.since)
            and (self.until is None or row.at < self.until)
        )


ALL = ConsentFilter()


@dataclass(frozen=True)
class ConsentPage:
    """Some of the acts that were asked for, and the `place` after which there are more, if there are.
    `stopped` is true if so many answers were read that there may be more."""

    rows: tuple[ConsentRow, ...]
    place: Place | None = None
    stopped: bool = False


def page(
    controller: Controller,
    choices: Mapping[str, Choice],
    now: datetime,
    selection: ConsentFilter,
    after: Place | None,
    count: int,
) -> ConsentPage:
    """Return up to `count` acts behind the place `after`, among the next `REACH` answers. Raises
    LedgerError."""
    shown: list[ConsentRow] = []
    last = before = after
    at_once = min(PAGE, 10 * count)
    for looked, entry in enumerate(_entries(controller, selection.choice, after, at_once)):
        if looked == REACH:
            return ConsentPage(tuple(shown), before, stopped=True)
        before = entry.pseudonym, entry.choice
        row = _row(entry, choices.get(entry.choice), controller, now)
        if not selection.has(row):
            continue
        if len(shown) == count:
            return ConsentPage(tuple(shown), last)
        shown.append(row)
        last = before
    return ConsentPage(tuple(shown))


def rows(
    controller: Controller,
    choices: Mapping[str, Choice],
    now: datetime,
    selection: ConsentFilter = ALL,
) -> Iterator[ConsentRow]:
    """Yield the last act of each caller, by pseudonym, while they are read. Raises LedgerError.

    The ledger is read in short turns, so that a slow reader keeps none open: a caller who answers meanwhile
    is in it as he was before or after. A customer's consent ends with `recycled_after` as a number's does,
    for a pseudonym does not tell which it is.
    """
    for entry in _entries(controller, selection.choice, None, PAGE):
        row = _row(entry, choices.get(entry.choice), controller, now)
        if selection.has(row):
            yield row


def _entries(
    controller: Controller, choice: str, after: Place | None, at_once: int
) -> Iterator[CallersAnswer]:
    place = after or (b"", "")
    while True:
        with storage.existing_ledger(controller) as ledger:
            if ledger is None:
                return
            with ledger.connected() as connection:
                entries = answers.page(connection, place, choice, at_once)
        yield from entries
        if len(entries) < at_once:
            return
        place = entries[-1].pseudonym, entries[-1].choice


def _row(entry: CallersAnswer, choice: Choice | None, controller: Controller, now: datetime) -> ConsentRow:
    last, recycled_after = entry.answer, controller.recycled_after
    recycled = (
        recycled_after is not None
        and entry.last_use is not None
        and policy.is_over(entry.last_use, recycled_after, now, controller)
    )
    ended = end(choice, last, controller, now, recycled=recycled)
    return ConsentRow(
        controller=controller.id,
        choice=entry.choice,
        caller=entry.pseudonym.hex(),
        answer=last.word,
        counts=ended is None,
        ended=ended,
        version=last.version,
        purposes=tuple(sorted(last.purposes)),
        kind=entry.kind,
        at=last.at,
        until=None if choice is None else choice_policy.remembered_until(choice, last, controller),
        record=last.record,
    )
