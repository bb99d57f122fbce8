"""Consents of one caller: acts elsewhere than by key that are put on record, and all that is known of his."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime

from ..call import choice_policy, policy
from ..call.caller import hook_subject, mask, pseudonym
from ..config import Configuration
from ..evidence.commitment import bind
from ..ledgers import answers
from ..ledgers.sqlite import SqliteStore
from ..model import (
    Answer,
    Asked,
    Choice,
    Controller,
    Event,
    Identified,
    Reason,
    Record,
    RecordKind,
    Status,
    Version,
    plausibility,
)
from ..model.choices import KINDS, NO_ANSWERS, AnswerHistory, StandingAnswer, merge_answers, reported
from ..model.errors import InformativaError
from ..model.ports import LedgerTransaction
from ..model.text import Text
from ..process import storage
from .callers import NO_SUCH_DAY, WHY_IMPLAUSIBLE, checked_reference, pseudonyms
from .controllers import name_remedy
from .document import Seconds, Time
from .typed_caller import Typed

OPERATOR_GRANTS = "operator-grants"
COUNTS = Reason.ALREADY_INFORMED  # the reason why nobody is asked again


@dataclass(frozen=True)
class ConsentAct:
    """A record of what a caller answered to a consent."""

    record: int
    """Its number in that company's ledger."""
    choice: str
    """The name of the consent in the configuration."""
    answer: Answer
    """The answer, or the reason why there is none."""
    at: Time
    """The time at which the caller answered."""
    recorded: Time
    """The time at which it was put on record."""
    kind: RecordKind
    """The means by which he answered."""
    status: Status
    """The outcome."""
    version: str
    """The version of the wording."""
    purposes: tuple[str, ...]
    """The purposes of that version."""
    language: str | None
    """The language in which he was asked."""
    key: str | None
    """The key that he pressed."""
    reference: str | None
    """The place of the evidence of an answer by other means than a key."""

    @classmethod
    def of(cls, record: Record, asked: Asked) -> ConsentAct:
        """Build it from a record of the company's ledger, and what it says of the choice."""
        event = record.event
        return cls(
            record=record.number,
            choice=asked.choice,
            answer=asked.answer,
            at=event.at,
            recorded=event.recorded or event.at,
            kind=event.kind,
            status=event.status,
            version=event.version,
            purposes=tuple(sorted(event.purposes)),
            language=event.language or None,
            key=(event.heard and event.heard.key) or None,
            reference=event.reference or None,
        )


@dataclass(frozen=True)
class StandingConsent:
    """The last act of a caller about one consent, and what it counts for now."""

    choice: str
    """The name of the consent in the configuration."""
    purpose: str | None
    """The purpose that it is asked for; null for one that the configuration has no more."""
    answer: Answer | None
    """The caller's last act: granted, refused or withdrawn; left out where none is on record."""
    counts: bool
    """True while it counts: a grant may be relied on, and after a refusal or withdrawal nobody asks."""
    ended: Reason | None
    """The reason why it counts no more."""
    since: Time | None
    """The time of that act."""
    until: Time | None
    """The time until which it counts, if nothing ends it before."""
    record: int | None
    """The record that proves it."""
    version: str | None
    """The version of the wording that he was told."""
    purposes: tuple[str, ...]
    """The purposes of that version."""
    key: str | None
    """The key that he pressed."""
    waited: Seconds | None
    """The time after the question at which he pressed it, in seconds."""
    withdraw_at: str | None
    """The number to call to withdraw it."""


@dataclass(frozen=True)
class CallerConsents:
    """The consents of a caller at one company."""

    controller: str
    """The company's name in the configuration."""
    name: str
    """The company's full name."""
    standing: tuple[StandingConsent, ...]
    """His last act about each consent of the configuration, and about others that he answered."""
    acts: tuple[ConsentAct, ...]
    """All records of his answers, in their order."""


@dataclass(frozen=True)
class ConsentRecorded:
    """An act of a caller that was put on record."""

    caller: str
    """The number or customer number, masked."""
    act: ConsentAct
    """The new record."""
    stands: bool
    """True if it is his last act; else a later one is on record, and it changes nothing."""
    standing: StandingConsent
    """His last act, with the new record."""


def consents(configuration: Configuration, controller: str) -> dict[str, Choice]:
    """Return the choices of a controller that are consents, by name."""
    choices = configuration.choices.get(controller, ())
    return {choice.id: choice for choice in choices if KINDS[choice.asks].personal}


def consent_named(configuration: Configuration, controller: str, name: str) -> Choice:
    """Return the controller's consent of that name. Raises InformativaError with those that there are, also
    for a choice that is no consent."""
    known = consents(configuration, controller)
    if name in known:
        return known[name]
    if any(choice.id == name for choice in configuration.choices.get(controller, ())):
        message = Text("The choice {name} is no consent: what is answered holds for that call alone.")
    else:
        message = Text("Controller {controller} has no consent {name}.")
    raise InformativaError(message.format(controller=controller, name=name), name_remedy(name, known))


def record_act(
    controller: Controller,
    choice: Choice,
    typed: Typed,
    answer: Answer,
    kind: RecordKind,
    reference: str,
    on: datetime | None,
    now: datetime,
) -> ConsentRecorded:
    """Add a record that this caller answered a consent elsewhere than by key. `on` is the time, in the
    controller's zone if it names none; `None` is now. An operator may withdraw without a reference.

    An act older than the last one is recorded, and changes nothing. Raises InformativaError for what cannot
    have happened and for a grant by an operator, and LedgerError.
    """
    if kind is RecordKind.OPERATOR and answer is Answer.GRANTED:
        raise InformativaError(
            Text("Nothing was recorded: an operator may record a refusal or a withdrawal, but no grant."),
            Text("A caller grants by key, on a website or in a contract: --by website or --by contract"),
            code=OPERATOR_GRANTS,
        )
    zone, caller = controller.zone, typed.caller
    at = now if on is None else plausibility.moment(on.isoformat(), zone)
    needless = kind is RecordKind.OPERATOR and answer is Answer.WITHDRAWN
    evidence = "" if needless and not reference.strip() else checked_reference(reference, caller)
    version = plausibility.version_told(choice.wording, "", at, now, controller.retention, zone)
    if not isinstance(version, Version):
        raise InformativaError(
            Text("Nothing was recorded: {why}.", why=WHY_IMPLAUSIBLE[version]),
            Text("Give the day on which he answered; days are those of {zone}.", zone=zone),
            code=NO_SUCH_DAY,
        )
    subject = hook_subject(caller, controller.hook) if controller.hook else None
    asked = Asked(choice.id, choice.asks, answer, "", subject=subject)
    event = reported(
        choice.wording,
        version,
        asked,
        kind,
        at,
        pseudonym(caller, controller.key),
        evidence,
        None if on is None else now,
        binding=bind(caller, controller.key),
    )
    his_pseudonyms = pseudonyms(controller, caller)

    def work(transaction: LedgerTransaction) -> tuple[Record, AnswerHistory, Record | None]:
        complete = continued(transaction, event, his_pseudonyms[1:])
        record = Record(transaction.append(complete), complete)
        history = merge_answers(*map(transaction.answers, his_pseudonyms))
        act = history.acts.get(choice.id)
        return record, history, None if act is None else transaction.record(act.record)

    with closing(storage.store(controller)) as ledger:
        ((record, history, proof),) = ledger.transact([work])
    last = history.acts.get(choice.id)  # none, if the number was somebody else's then
    return ConsentRecorded(
        mask(caller.number),
        ConsentAct.of(record, asked),
        last is not None and last.record == record.number,
        _standing(choice.id, choice, last, proof, controller, now, recycled=False),
    )


def continued(transaction: LedgerTransaction, event: Event, earlier: Iterable[bytes]) -> Event:
    """Return the event of a caller who may be known by an earlier key: what he answered and was told under
    that pseudonym continues under the event's, so that no old grant outlives a withdrawal."""
    answers = {old: transaction.answers(old) for old in earlier}
    known = [old for old, given in answers.items() if given.is_known or transaction.history(old)]
    granted = [old for old in known if any(act.word is Answer.GRANTED for act in answers[old].acts.values())]
    return replace(event, earlier=(granted or known)[0]) if known else event


def of_caller(
    controller: Controller,
    choices: Mapping[str, Choice],
    caller: Identified,
    now: datetime,
    known: Iterable[Record] | None = None,
) -> CallerConsents:
    """Return what is on record of a caller's consents at one controller, whose consents are `choices`. The
    ledger is read for his records unless they are `known`. Raises LedgerError."""
    his_pseudonyms = pseudonyms(controller, caller)
    acts: list[ConsentAct] = []
    records = {record.number: record for record in known or ()}
    history, recycled = NO_ANSWERS, False
    with storage.existing_ledger(controller) as ledger:
        if ledger is not None:
            if known is None:
                his_records = (record for own in his_pseudonyms for record in ledger.of_caller(own))
                records = {record.number: record for record in his_records}
            history = _answers(ledger, his_pseudonyms)
            recycled = _is_recycled(ledger, his_pseudonyms, caller, controller, now)
    for _number, record in sorted(records.items()):
        asked = record.event.asked
        if asked is not None and KINDS[asked.asks].personal:
            acts.append(ConsentAct.of(record, asked))
    standing = []
    for name in dict.fromkeys((*choices, *sorted(history.acts))):
        last = history.acts.get(name)
        proof = records.get(last.record) if last is not None else None
        standing.append(_standing(name, choices.get(name), last, proof, controller, now, recycled=recycled))
    return CallerConsents(controller.id, controller.name, tuple(standing), tuple(acts))


def _answers(ledger: SqliteStore, his_pseudonyms: Sequence[bytes]) -> AnswerHistory:
    with ledger.connected() as connection:
        return merge_answers(*(answers.of_caller(connection, own) for own in his_pseudonyms))


def _is_recycled(
    ledger: SqliteStore,
    his_pseudonyms: Sequence[bytes],
    caller: Identified,
    controller: Controller,
    now: datetime,
) -> bool:
    """Return whether the number may be somebody else's, by all that is known of him under any key."""
    histories = list(filter(None, map(ledger.history, his_pseudonyms)))
    return bool(histories) and all(
        policy.is_recycled(history, caller, now, controller) for history in histories
    )


def end(
    choice: Choice | None, last: StandingAnswer, controller: Controller, now: datetime, *, recycled: bool
) -> Reason | None:
    """Return why a last act counts no more; `None` while it does. One whose choice the configuration has no
    more does not."""
    if choice is None:
        return Reason.CONFIGURED
    if recycled:
        return Reason.RECYCLED
    reason = choice_policy.end_of_act(choice, last, now, controller)
    return None if reason is COUNTS else reason


def _standing(
    name: str,
    choice: Choice | None,
    last: StandingAnswer | None,
    proof: Record | None,
    controller: Controller,
    now: datetime,
    *,
    recycled: bool,
) -> StandingConsent:
    ended = None if last is None else end(choice, last, controller, now, recycled=recycled)
    heard, asked = (proof.event.heard, proof.event.asked) if proof else (None, None)
    return StandingConsent(
        choice=name,
        purpose=choice.purpose if choice else None,
        answer=last.word if last else None,
        counts=last is not None and ended is None,
        ended=ended,
        since=last.at if last else None,
        until=choice_policy.remembered_until(choice, last, controller) if choice and last else None,
        record=last.record if last else None,
        version=last.version if last else None,
        purposes=tuple(sorted(last.purposes)) if last else (),
        key=(heard and heard.key) or None,
        waited=asked.waited / 1000 if asked and asked.waited else None,
        withdraw_at=(choice.withdraw_at or None) if choice else None,
    )
