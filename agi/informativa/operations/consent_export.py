"""Standing answers of all callers to a company's consents, in any number: one row for each, no numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from ..call import choice_policy, policy
from ..ledgers import answers
from ..ledgers.answers import CallersAnswer
from ..model import Answer, Choice, Controller, Reason, RecordKind
from ..process import storage
from .consents import end
from .document import Time

PAGE = 2000  # answers that are read with the ledger open


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


def rows(
    controller: Controller,
    choices: Mapping[str, Choice],
    now: datetime,
    *,
    choice: str = "",
    answer: Answer | None = None,
) -> Iterator[ConsentRow]:
    """Yield the last act of each caller, by pseudonym, while they are read; of one `choice` unless it is '',
    and of one `answer`. `GRANTED` selects only grants that still count: whoever asks for those relies on
    them. Raises LedgerError.

    The ledger is read in short turns, so that a slow reader keeps none open: a caller who answers meanwhile
    is in it as he was before or after. A customer's consent ends with `recycled_after` as a number's does,
    for a pseudonym does not tell which it is.
    """
    after = (b"", "")
    while True:
        with storage.existing_ledger(controller) as ledger:
            if ledger is None:
                return
            with ledger.connected() as connection:
                page = answers.page(connection, after, choice, PAGE)
        for entry in page:
            row = _row(entry, choices.get(entry.choice), controller, now)
            if answer is None or (row.answer is answer and (row.counts or answer is not Answer.GRANTED)):
                yield row
        if len(page) < PAGE:
            return
        after = (page[-1].pseudonym, page[-1].choice)


def origin(controller: Controller) -> str:
    """Return the origin of the controller's newest log, below which its terms have their names; the name of
    the log where nothing is recorded yet. Raises LedgerError."""
    with storage.existing_ledger(controller) as ledger:
        return controller.log if ledger is None else ledger.log().origin


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
