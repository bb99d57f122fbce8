"""The kinds of choices: the one table that says what each entails, and what an answer on record counts for.

Whoever handles, configures or shows a choice reads this table; nothing else depends on which kind it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from datetime import datetime, timedelta

from .calls import Asked, Binding, Event, told_elsewhere
from .frozen import dataclass
from .plan import Notice, Version
from .words import Answer, Asks, RecordKind, Status, Vouched

AFTER_ALL = timedelta(minutes=10)
"""The time by which an act that does not grant wins over a later one that grants: clocks of boxes differ."""
NO_ANSWER_FOR_MONTHS = 1
"""The number of months for which whoever gave no answer to a consent is not asked again."""


@dataclass(frozen=True)
class ChoiceKind:
    """The rules of one kind of choice.

    `options` are in the order in which a prompt tells them, the one that `grants` last: it counts only when
    the prompt was heard to its end. With `needs_all` each has a key, else at least one. A choice that is
    `personal` is asked of recognised callers alone, rests on the record that told its purpose, and its answer
    is remembered of the caller; any other one is asked of all, and is remembered for the conversation.
    `unless_asked` is the word that a dialplan should assume where nobody asked.
    """

    options: tuple[Answer, ...]
    unless_asked: Answer
    grants: Answer | None = None
    personal: bool = False
    needs_all: bool = True

    def unrecorded(self, answer: Answer) -> Answer:
        """Return the word for an answer that the ledger does not take: what grants is void, and so is all
        that is personal; any other is obeyed, because the law gives it to the caller."""
        return self.unless_asked if self.personal or answer is self.grants else answer


KINDS: Mapping[Asks, ChoiceKind] = {
    Asks.CONSENT: ChoiceKind(
        (Answer.REFUSED, Answer.GRANTED), Answer.NOT_ASKED, grants=Answer.GRANTED, personal=True
    ),
    Asks.OPERATOR: ChoiceKind((Answer.EU,), Answer.EU),
    Asks.HUMAN: ChoiceKind((Answer.HUMAN,), Answer.HUMAN),
    Asks.RECORDING: ChoiceKind(
        (Answer.NOT_RECORDED, Answer.RECORDED),
        Answer.NOT_RECORDED,
        grants=Answer.RECORDED,
        needs_all=False,
    ),
}
WITHDRAWAL = ChoiceKind((Answer.WITHDRAWN,), Answer.NOT_ASKED, personal=True)
"""The rules by which a consent is withdrawn: one key, which counts whenever it comes (GDPR 7(3))."""

ACTS = (Answer.GRANTED, Answer.REFUSED, Answer.WITHDRAWN)
"""The words for a caller's own act; after any other he has said nothing."""

VOUCHED_AT_LEAST: Mapping[Vouched, frozenset[Vouched]] = {
    Vouched.NOBODY: frozenset(Vouched),
    Vouched.NETWORK: frozenset({Vouched.NETWORK, Vouched.SIGNATURE, Vouched.DIALPLAN}),
    Vouched.SIGNATURE: frozenset({Vouched.SIGNATURE, Vouched.DIALPLAN}),
    Vouched.DIALPLAN: frozenset({Vouched.DIALPLAN}),
}
"""The parties that vouch for a number as well as this one does, or better."""


@dataclass(frozen=True)
class StandingAnswer:
    """The last answer of one caller to one choice: its word, the version and the purposes that he was told,
    when, and the record that proves it; `box` is the box that has the record, '' for this ledger."""

    word: Answer
    version: str
    purposes: frozenset[str]
    at: datetime
    record: int
    box: str = field(default="")

    @property
    def order(self) -> tuple[datetime, bool, str, int]:
        """The place of this answer among others of the same caller: the greatest counts. A total order, so
        that boxes may merge theirs as they come; a clock that is 10 minutes off makes no yes of a no."""
        grants = self.word is Answer.GRANTED
        return self.at + (timedelta(0) if grants else AFTER_ALL), not grants, self.box, self.record


@dataclass(frozen=True)
class AnswerHistory:
    """The standing answers of one caller, by choice: his last `acts`, and the last times when he gave
    `none`."""

    acts: Mapping[str, StandingAnswer] = field(default_factory=dict)
    none: Mapping[str, StandingAnswer] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        """True if anything is remembered of him."""
        return bool(self.acts or self.none)


NO_ANSWERS = AnswerHistory()


def reported(
    wording: Notice,
    version: Version,
    asked: Asked,
    kind: RecordKind,
    at: datetime,
    pseudonym: bytes | None,
    reference: str,
    recorded: datetime | None = None,
    **more: str | Binding,
) -> Event:
    """Return the event of a caller who answered a choice otherwise than by key; as `told_elsewhere`."""
    event = told_elsewhere(wording, version, kind, at, pseudonym, reference, recorded, **more)
    return replace(event, notice="", status=Status.REPORTED, asked=asked)


def answered(event: Event, record: int) -> StandingAnswer | None:
    """Return the standing answer that an event amounts to, under the number of its record; `None` for one
    that is remembered of nobody."""
    asked = event.asked
    if asked is None or event.erased or event.pseudonym is None or not is_remembered(asked):
        return None
    return StandingAnswer(asked.answer, event.version, event.purposes, event.at, record)


def is_remembered(asked: Asked) -> bool:
    """Return whether an answer is remembered of its caller, beyond the conversation."""
    return KINDS[asked.asks].personal and asked.answer is not Answer.NOT_ASKED


def merge_answers(*histories: AnswerHistory) -> AnswerHistory:
    """Return the answers of one caller from those under his several pseudonyms. Commutative, associative and
    idempotent."""
    return AnswerHistory(
        _latest(*(history.acts for history in histories)), _latest(*(history.none for history in histories))
    )


def _latest(*histories: Mapping[str, StandingAnswer]) -> Mapping[str, StandingAnswer]:
    together: dict[str, StandingAnswer] = {}
    for history in histories:
        for choice, answer in history.items():
            together[choice] = max(answer, together.get(choice, answer), key=lambda one: one.order)
    return together
