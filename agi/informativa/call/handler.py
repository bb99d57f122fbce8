"""One call's reading and writing: the ledger, the systems that may know the caller, the playback, the spool.

Nothing is decided here: policy.py decides, and this carries out. After any error the notice is played rather
than skipped, and the outcome is put on record: in the ledger, or in the dialplan's fallback spool.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from ..model import (
    Answer,
    CallerHistory,
    CallResult,
    Decision,
    Ending,
    Event,
    Identified,
    Reason,
    RecordKind,
    Status,
    Unasked,
    known_by,
    merge_histories,
    plausibility,
)
from ..model.errors import LedgerError, LedgerSlowError
from ..model.frozen import dataclass
from ..model.ports import CallSession, Clock, Ledger, LedgerTransaction, LookupSource, Recordings
from ..model.redaction import without_numbers
from . import asking, policy, spool
from .conversation import Conversation
from .delivery import Player

if TYPE_CHECKING:  # a script needs them only where there are choices
    from ..model.choices import AnswerHistory
    from .choice_policy import ChoiceDecision
    from .choosing import Chooser

CHOICE_UNRECORDED = "choice-unrecorded"
"""The word by which the log names an answer that the ledger did not take."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class DecidedPlan:
    """A plan that was decided: the results of the notices that are left out at its beginning, which are on
    record; the decisions that are still to be carried out; the errors, which say why the ledger, or one of
    the controller's own systems, could not be used; and the decisions about the line's choices."""

    results: Sequence[CallResult]
    decisions: Sequence[Decision]
    errors: str
    choices: Sequence[ChoiceDecision] = ()

    def steps(self) -> Iterator[Decision | ChoiceDecision]:
        """Iterate over the decisions about notices and choices in the order of the plan."""
        choices = list(self.choices)
        for place, decision in enumerate(self.decisions, len(self.results)):
            while choices and choices[0].after <= place:
                yield choices.pop(0)
            yield decision
        yield from choices


class CallHandler:
    """The handling of one call: what is decided is read from the ledger, carried out, and put on record."""

    _chooser: Chooser | None = None
    _consents_before = 0
    """The number of consents that were asked in this conversation before this call came here."""

    def __init__(
        self,
        session: CallSession,
        conversation: Conversation,
        ledger: Ledger,
        lookups: Mapping[str, Sequence[LookupSource]],
        clock: Clock,
        recordings: Recordings,
    ) -> None:
        self._session, self._conversation, self._clock = session, conversation, clock
        self._ledger, self._sources = _LedgerOfCall(ledger), lookups
        self._recordings = recordings

    async def decide(self) -> DecidedPlan:
        """Decide, by what the ledger knows. Where a notice is due by that alone, the company's systems are
        asked, and it is decided again by what they say. With a ledger that cannot be used all is played."""
        now, conversation = self._clock.now(), self._conversation
        ask = isinstance(conversation.caller, Identified) and bool(self._sources)
        try:
            plan = await self._ledger.transact(
                lambda transaction: self._decide(transaction, now, asking.NO_ANSWERS, ask=ask)
            )
            if isinstance(plan, asking.OpenQuestion):
                answers = await asking.ask(conversation, plan, self._sources, now)
                plan = await self._ledger.transact(
                    lambda transaction: self._decide(transaction, now, answers)
                )
        except LedgerError as error:
            return DecidedPlan((), conversation.play_all(now), str(error), conversation.ask_all(now))
        assert isinstance(plan, DecidedPlan)  # nobody is asked a second time
        return plan

    def _decide(
        self, transaction: LedgerTransaction, now: datetime, answers: asking.Answers, *, ask: bool = False
    ) -> DecidedPlan | asking.OpenQuestion:
        """Decide within a transaction, and record what is left out at the beginning of the plan. Where others
        are to be asked first, return the question, and write nothing."""
        conversation = self._conversation
        for event in answers.reports:
            transaction.append(event)
        history = merge_histories(*map(transaction.history, conversation.pseudonyms))
        same_call = self._same_call(transaction)
        decisions = conversation.decide(history, same_call, now)
        choices = self._decide_choices(transaction, history, now) if conversation.line.choices else ()
        if ask and any(decision.is_open for decision in decisions):
            return asking.OpenQuestion(decisions, history, same_call)
        results: list[CallResult] = []
        for decision in decisions:
            if decision.play:
                break
            event = conversation.event(decision, self._clock.now())
            number = self._append(transaction, event)
            results.append(CallResult(event.status, event.reason, str(number), (event,)))
        return DecidedPlan(results, decisions[len(results) :], answers.errors, choices)

    def _decide_choices(
        self, transaction: LedgerTransaction, history: CallerHistory, now: datetime
    ) -> Sequence[ChoiceDecision]:
        from ..model.choices import merge_answers  # only where there are choices
        from .choice_policy import asks_for_consent, is_unused_withdrawal

        conversation = self._conversation
        answers = merge_answers(*map(transaction.answers, conversation.pseudonyms))
        claimed = [event for event, _number in self._claimed(transaction) if event.asked is not None]
        self._consents_before = sum(map(asks_for_consent, claimed))
        in_call = {
            event.asked.choice: event.asked.answer
            for event in claimed
            if event.asked is not None and not is_unused_withdrawal(event.asked)
        }
        return conversation.decide_choices(answers, in_call, history, now)

    def _append(self, transaction: LedgerTransaction, event: Event) -> int:
        """Record the event together with the caller's pseudonym by an earlier key; where a setting asks for
        it, also note that the caller's number is still in use."""
        for earlier in self._conversation.pseudonyms[1:]:
            if transaction.history(earlier) or (
                self._conversation.line.revocable and transaction.answers(earlier).is_known
            ):
                event = replace(event, earlier=earlier)
                break
        number = transaction.append(event)
        if event.reason is Reason.ALREADY_INFORMED and self._conversation.line.controller.recycled_after:
            assert event.pseudonym is not None  # who is not recognised is never taken as informed
            transaction.note_call(event.pseudonym, event.notice, event.at)
        return number

    def _same_call(self, transaction: LedgerTransaction) -> CallerHistory:
        """Return the deliveries earlier in this call. The channel only says where to look: the proof is the
        record, which must be of this conversation."""
        if not self._conversation.claims:
            return {}
        return {
            event.notice: known_by(event, number)
            for event, number in self._claimed(transaction)
            if event.informs
        }

    def _claimed(self, transaction: LedgerTransaction) -> Iterator[tuple[Event, int]]:
        """Iterate over the events that the channel claims to be of this conversation, and that are."""
        for claim in self._conversation.claims:
            name, _, number = claim.partition(":")
            record = transaction.record(int(number))
            if record is None:
                continue
            event = record.event
            about = event.asked.choice if event.asked else event.notice
            if about == name and event.linked == self._conversation.call.linked != "":
                yield event, record.number

    async def carry_out(self, decision: Decision) -> CallResult:
        """Play a notice that is due and put it on record, before the result is returned.

        A skip that cannot be put on record is not made. A call that is cancelled in the middle of its prompt,
        because the service must stop, is put on record with the part that was heard.
        """
        player = Player(self._session, self._recordings, self._conversation.line)
        delivery = await player.play(decision) if decision.play else None
        result = await self._record(self._conversation.event(decision, self._clock.now(), delivery))
        if delivery is None:
            return await self.carry_out(policy.play_after_all(decision)) if result.error else result
        if delivery.cut_off is not None:
            raise delivery.cut_off
        return replace(result, error=result.error or delivery.changed) if delivery.changed else result

    async def _record(self, event: Event) -> CallResult:
        """Commit, and return the result for the dialplan. A delivery that the ledger does not take is
        spooled."""
        try:
            number = await self._ledger.transact(lambda transaction: self._append(transaction, event))
        except LedgerError as error:
            if event.heard is None:
                return CallResult(event.status, Reason.LEDGER_UNAVAILABLE, error=str(error))
            return replace(await spool_delivery(event, self._session), error=str(error))
        return _result(event, number)

    async def ask(self, decision: ChoiceDecision, results: Sequence[CallResult]) -> CallResult:
        """Ask a choice, if it is to be asked after these results, and put the answer on record."""
        from . import choice_policy, choosing  # only where there are choices

        if decision.unasked is not None:
            return await self.leave_out(decision, results, decision.unasked)
        if decision.word is not None:
            return _answer_known(decision, decision.word)
        basis = None
        if decision.kind.personal and not decision.withdrawal:
            basis = choice_policy.basis(decision, results)
            asked = self._consents_before + choice_policy.consents_asked(results)
            if basis is None or asked >= self._conversation.line.consents:
                reason = Unasked.NOT_TOLD if basis is None else Unasked.ENOUGH_ASKED
                return await self.leave_out(decision, results, reason)
        if self._chooser is None:
            self._chooser = choosing.Chooser(self._session, self._recordings, self._conversation.line)
        self._chooser.note_keys(results)
        outcome = await self._chooser.ask(decision)
        event = self._conversation.choice_event(decision, outcome, basis, self._clock.now())
        result = await self._record_choice(decision, event)
        if outcome.delivery.cut_off is not None:
            raise outcome.delivery.cut_off
        changed = outcome.delivery.changed
        return replace(result, error=result.error or changed) if changed else result

    async def leave_out(
        self, decision: ChoiceDecision, results: Sequence[CallResult], reason: Unasked
    ) -> CallResult:
        """Count a choice that is not asked, unless its answer is known. No call waits for this in vain: where
        the ledger did not take the notices it takes that no more."""
        choice, reason = decision.choice.id, decision.unasked or reason
        if decision.word is not None and decision.unasked is None:
            return _answer_known(decision, Answer.NOT_ASKED)
        result = replace(_answer_known(decision, Answer.NOT_ASKED), unasked=f"{choice}:{reason}")
        if not all(result.record.isdecimal() for result in results if not result.choices):
            return replace(result, unasked=f"{choice}:{Unasked.NOT_ON_RECORD}")
        line, now = self._conversation.line.number, self._clock.now()
        try:
            await self._ledger.transact(
                lambda transaction: transaction.count_unasked(line, choice, reason, now)
            )
        except LedgerError as error:
            return replace(result, error=str(error))
        return result

    async def withdraw(self) -> list[CallResult]:
        """Tell the caller how to withdraw each consent that he granted, and put on record what he says.
        Raises LedgerError if it cannot be looked up, or a withdrawal does not come on record."""
        from ..model.choices import merge_answers  # only where there are choices
        from . import choice_policy

        conversation = self._conversation

        def work(transaction: LedgerTransaction) -> AnswerHistory:
            return merge_answers(*map(transaction.answers, conversation.pseudonyms))

        answers = await self._ledger.transact(work)
        line, language = conversation.line, conversation.language
        results = list[CallResult]()
        for decision in choice_policy.withdrawals(line, answers, self._clock.now(), language):
            results.append(await self.ask(decision, results))
            if results[-1].reason == Ending.HUNG_UP:
                break
        return results

    async def _record_choice(self, decision: ChoiceDecision, event: Event) -> CallResult:
        """Commit an answer. One that the ledger does not take is obeyed where the law gives it to the caller,
        and void where it would grant what nobody could prove. Raises LedgerError for a withdrawal that
        the ledger does not take: at the next call the consent would hold again, so nobody is told of it."""
        assert event.asked is not None
        answer = event.asked.answer
        try:
            number = await self._ledger.transact(lambda transaction: self._append(transaction, event))
        except LedgerError as error:
            if decision.withdrawal:
                raise
            result = _answer_known(decision, decision.kind.unrecorded(answer))
            result = replace(result, error=f"{CHOICE_UNRECORDED}: {error}")
        else:
            result = _answer_known(decision, answer)
            result = replace(result, record=str(number), heard_records=f"{decision.choice.id}:{number}")
        reason = Ending.HUNG_UP if answer is Answer.HUNG_UP else result.reason
        return replace(result, reason=reason, events=(event,))

    async def read(self) -> CallResult:
        """Put on record that an operator read the notices that are not for every call. Raises LedgerError."""
        now, call, conversation = self._clock.now(), self._session.call, self._conversation
        operator = without_numbers(plausibility.evidence(call.options.get("operator", "")), call.number)
        reference = operator or f"call {call.id}"
        events = [
            conversation.told_elsewhere(
                notice, version, RecordKind.OPERATOR, now, reference, self._clock.now()
            )
            for notice, version in policy.read_by_operator(conversation.line, now)
        ]
        if not events:
            return CallResult(Status.NOTDUE, Reason.NOTHING_TO_TELL)
        results = await self._ledger.transact(
            lambda transaction: [_result(event, self._append(transaction, event)) for event in events]
        )
        heard = " ".join([result.heard_records for result in results])
        return CallResult(Status.INFORMED, Reason.TOLD_ELSEWHERE, results[-1].record, heard_records=heard)


class _LedgerOfCall:
    """The ledger, which is not waited for again once it was too slow in this call."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._too_slow: LedgerSlowError | None = None

    async def transact(self, work: Callable[[LedgerTransaction], Result]) -> Result:
        """Do `work` in one transaction. Raises LedgerError."""
        if self._too_slow is not None:
            raise self._too_slow
        try:
            return await self._ledger.transact(work)
        except LedgerSlowError as error:
            self._too_slow = error
            raise


async def spool_delivery(event: Event, session: CallSession) -> CallResult:
    """Store the delivery in AstDB, through the call itself: the last place that can still take it."""
    key = spool.key(event)
    stored = await session.put_database(spool.FAMILY, key, spool.format_row(event))
    status = Status.FALLBACK if event.status in (Status.PLAYED, Status.PARTIAL) else event.status
    reason = event.reason if event.reason is Reason.NO_LINE else Reason.LEDGER_UNAVAILABLE
    return CallResult(status, reason, f"spool:{key}" if stored else "", (event,))


def _answer_known(decision: ChoiceDecision, answer: Answer) -> CallResult:
    """Return the result of a choice with this answer."""
    from .choice_policy import word_for_dialplan

    status = Status.NOTASKED if answer is Answer.NOT_ASKED else Status.ASKED
    word = word_for_dialplan(decision.choice, answer)
    return CallResult(status, decision.decision.reason, choices=f"{decision.choice.id}:{word}")


def _result(event: Event, number: int) -> CallResult:
    """Return the result of a notice that is on record. The word beside the status is the reason of the
    decision or, where the playback went wrong, its ending."""
    ending = Ending.WHOLE if event.heard is None else event.heard.ending
    reason = event.reason if ending is Ending.WHOLE else ending
    heard = f"{event.notice}:{number}" if event.informs else ""
    return CallResult(event.status, reason, str(number), (event,), heard_records=heard)
