"""The kinds of choices: the one table that says what each entails, and what an answer on record counts for.

Whoever handles, configures or shows a choice reads this table; nothing else depends on which kind it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from datetime import UTC, datetime, timedelta

from .calls import Asked, Binding, Event, Record, told_elsewhere
from .frozen import dataclass
from .plan import Notice, Version
from .words import Answer, Asks, RecordKind, Status, Vouched

AFTER_ALL = timedelta(minutes=10)
"""The time by which an act that does not grant wins over a later one: clocks differ."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""The time of a withdrawal that there is not."""
_LAST = datetime.max.replace(tzinfo=UTC)
_NEXT = timedelta(microseconds=1)
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
    when, and the record that proves it.

    `rank` is the time by which it is ordered, and `withdrawal` the rank of the last withdrawal that was known
    before it, or its own (`placed`)."""

    word: Answer
    version: str
    purposes: frozenset[str]
    at: datetime
    record: int
    rank: datetime = field(default=NEVER, compare=False)
    withdrawal: datetime = field(default=NEVER, compare=False)

    @property
    def order(self) -> tuple[datetime, datetime, bool, int]:
        """The place of this answer among others of the same caller: the greatest counts. A total order. No
        act outranks a withdrawal that was not known."""
        return self.withdrawal, self.rank, self.word is not Answer.GRANTED, self.record


def placed(answer: StandingAnswer, last: StandingAnswer | None, *, live: bool) -> StandingAnswer:
    """Return an answer with its place after the `last` one of this caller and choice.

    One that is put on record while it happens (`live`) comes after all that are known, whatever the clocks
    say: who was just told that he has withdrawn has. Another one, of an earlier day, is ordered by when it
    happened, with 10 minutes for what does not grant; but a withdrawal comes after all that were known,
    unless one of them is later."""
    rank = answer.at if answer.word is Answer.GRANTED else _later(answer.at, AFTER_ALL)
    withdrawal = NEVER if last is None else last.withdrawal
    if live and last is not None:
        rank = max(rank, _later(last.rank, _NEXT))
    if answer.word is Answer.WITHDRAWN and (last is None or rank >= last.rank):
        withdrawal = rank
    elif not live and withdrawal >= rank:
        withdrawal = NEVER
    return replace(answer, rank=rank, withdrawal=withdrawal)


def _later(moment: datetime, period: timedelta) -> datetime:
    """Return the moment that is a period later; the last of the calendar where a clock is so wrong."""
    return moment + period if moment <= _LAST - period else _LAST


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


def is_live(event: Event) -> bool:
    """Return whether an act was put on record while it happened."""
    return event.recorded is None


def answered(event: Event, record: int) -> StandingAnswer | None:
    """Return the standing answer that an event amounts to, under the number of its record, with the place
    that it has alone; `None` for one that is remembered of nobody."""
    asked = event.asked
    if asked is None or event.erased or event.pseudonym is None or not is_remembered(asked):
        return None
    answer = StandingAnswer(asked.answer, event.version, event.purposes, event.at, record)
    return placed(answer, None, live=is_live(event))


def answers_on_record(records: Iterable[Record]) -> AnswerHistory:
    """Return the standing answers of one caller by all his records."""
    last: dict[tuple[str, bool], StandingAnswer] = {}
    for record in sorted(records, key=lambda record: record.number):
        event, answer = record.event, answered(record.event, record.number)
        if answer is None or event.asked is None:
            continue
        place = event.asked.choice, answer.word in ACTS
        earlier = last.get(place)
        answer = placed(answer, earlier, live=is_live(event))
        last[place] = max(answer, earlier or answer, key=_order)
    return merge_answers(
        *(
            AnswerHistory({choice: answer}, {}) if is_act else AnswerHistory({}, {choice: answer})
            for (choice, is_act), answer in last.items()
        )
    )


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
            together[choice] = max(answer, together.get(choice, answer), key=_order)
    return together


def _order(answer: StandingAnswer) -> tuple[datetime, datetime, bool, int]:
    return answer.order
