"""One caller on one line: the decisions about his notices, their playback and their records.

After any error the notice is played rather than skipped, and the outcome is put on record: in the ledger, or
in the dialplan's fallback spool.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import takewhile

from ..evidence import commitment
from ..model import (
    ALWAYS,
    Binding,
    CallerHistory,
    CallResult,
    ChangedRecording,
    Decision,
    Ending,
    Event,
    Heard,
    Identified,
    Line,
    Notice,
    PriorDelivery,
    Prompt,
    Reason,
    Record,
    RecordKind,
    Status,
    Unidentified,
    Version,
    known_by,
    merged,
    plausibility,
    spoken,
    told_by_others,
    told_elsewhere,
)
from ..model.errors import LedgerError, LedgerSlowError
from ..model.ports import CallSession, Clock, Ledger, LedgerTransaction, LookupSource, OtherBoxes, Recordings
from ..model.redaction import without_numbers
from . import asking, playback, policy, spool
from . import caller as callers

CLAIMS = 30  # of notices heard earlier in a call that are looked up
REPEATS = 4  # how often keys may start another prompt, so that a call is not held for ever

_CLAIM = re.compile(r"(?<!\S)[a-z][a-z0-9_-]{0,31}:\d{1,18}(?!\S)")

STATUS = {
    Ending.WHOLE: Status.PLAYED,
    Ending.KEY: Status.PARTIAL,
    Ending.HUNG_UP: Status.PARTIAL,
    Ending.CUT_SHORT: Status.PARTIAL,
    Ending.CONNECTION_LOST: Status.PARTIAL,
    Ending.SERVICE_STOPPED: Status.PARTIAL,
    Ending.NOT_PLAYABLE: Status.FAILED,
    Ending.CHANGED: Status.FAILED,
}


class CallHandler:
    """One caller on one line: the decisions about his notices, their playback and their records."""

    def __init__(
        self,
        session: CallSession,
        line: Line,
        ledger: Ledger,
        lookups: Mapping[str, Sequence[LookupSource]],
        clock: Clock,
        recordings: Recordings,
        others: OtherBoxes | None = None,
    ) -> None:
        self._session, self._line, self._clock = session, line, clock
        self._recordings, self._recording, self._changed = recordings, "", ""
        self._ledger, self._sources, self._others = ledger, lookups, others
        self._records_of_others: Sequence[tuple[str, Record]] = ()  # of this caller, each with its box
        self._last_record = 0
        self._caller = caller = callers.recognise(session.call, line)
        self._ledger_too_slow: LedgerSlowError | None = None
        self._vouched, self._pseudonyms = None, list[bytes]()
        if isinstance(caller, Identified):
            self._vouched = caller.vouched
            self._pseudonyms = callers.pseudonyms_under(caller, line.controller.keys)
        self._pseudonym = next(iter(self._pseudonyms), None)
        self._requested_language = session.call.options.get("language", "")
        self._wanted_language = policy.wanted_language(line, caller, self._requested_language)
        self.heard = _CLAIM.findall(session.call.options.get("heard", ""))[-CLAIMS:]
        """`notice:record` for each notice heard to its end in this call, for use after a transfer."""

    @property
    def doubt(self) -> str:
        """Return the words about the caller's number that nobody understood."""
        return self._caller.doubt if isinstance(self._caller, Unidentified) else ""

    async def decide(self) -> tuple[list[CallResult], Sequence[Decision], str]:
        """Decide. Return the results of the notices that are left out at the beginning of the plan, which are
        on record then; the decisions that are still to be carried out; and the errors. With a ledger that
        cannot be used all is played. The errors say why it, or one of the controller's own systems, could not
        be used.

        Other boxes and systems are asked only where something is due according to this ledger.
        """
        now, errors = self._clock.now(), ""
        ask = isinstance(self._caller, Identified) and bool(self._sources or self._others)
        try:
            outcome = await self._ledger.transact(lambda transaction: self._decide(transaction, now, ask=ask))
            if outcome is None:
                grounds, errors = await self._ask(now)
                outcome = await self._ledger.transact(
                    lambda transaction: self._decide(transaction, now, grounds)
                )
        except LedgerError as error:
            self._remember_slow(error)
            return [], policy.play_all(self._line, now, Reason.LEDGER_UNAVAILABLE), str(error)
        assert outcome is not None  # nobody is asked a second time
        return *outcome, errors

    async def _ask(self, now: datetime) -> tuple[list[Event], str]:
        """Ask other boxes, and then the company's own systems, about this caller. Return the deliveries that
        the latter report, as events to record, and their errors. Raises LedgerError."""
        caller = self._caller
        assert isinstance(caller, Identified)  # nobody else is asked for
        if self._others is not None:
            self._records_of_others = await self._others.ask(self._pseudonyms)
        if not self._sources:
            return [], ""
        history, same_call = await self._ledger.transact(self._histories)
        grounds, errors = await asking.look_up(
            caller,
            self._sources,
            history,
            lambda known_history: policy.decide(
                self._line, known_history, caller, now, same_call, self._requested_language
            ),
        )
        events = (
            self._told_elsewhere(decision.notice, answer.version, answer.kind, answer.at, answer.reference)
            for decision, answer in grounds
        )
        return [replace(event, recorded=now) for event in events], errors

    def _decide(
        self,
        transaction: LedgerTransaction,
        now: datetime,
        grounds: Sequence[Event] = (),
        *,
        ask: bool = False,
    ) -> tuple[list[CallResult], Sequence[Decision]] | None:
        """Decide within a transaction. Return `None`, and write nothing, where somebody is to be asked
        first."""
        for event in grounds:
            transaction.append(event)
        history, same_call = self._histories(transaction)
        decisions = policy.decide(self._line, history, self._caller, now, same_call, self._requested_language)
        if ask and any(map(asking.is_open, decisions)):
            return None
        skips = takewhile(lambda decision: not decision.play, decisions)
        left_out = [self._event(decision) for decision in skips]
        results = [_result(event, self._append(transaction, event)) for event in left_out]
        return results, decisions[len(results) :]

    def _append(self, transaction: LedgerTransaction, event: Event) -> int:
        """Record the event together with the caller's pseudonym by an earlier key; where a setting asks for
        it, also note that the caller's number is still in use."""
        for earlier in self._pseudonyms[1:]:
            if transaction.history(earlier):
                event = replace(event, earlier=earlier)
                break
        number = self._last_record = transaction.append(event)
        if event.reason is Reason.ALREADY_INFORMED and self._line.controller.recycled_after:
            assert event.pseudonym is not None  # who is not recognised is never taken as informed
            transaction.see(event.pseudonym, event.notice, event.at)
        return number

    def _histories(self, transaction: LedgerTransaction) -> tuple[CallerHistory, CallerHistory]:
        """Return what the caller got so far, under any of the controller's keys and on any box that answered,
        and separately what he got in this call."""
        history = merged(*map(transaction.history, self._pseudonyms))
        return told_by_others(history, self._records_of_others), self._same_call(transaction)

    def _same_call(self, transaction: LedgerTransaction) -> CallerHistory:
        """Return the deliveries earlier in this call. The channel only says where to look: the proof is the
        record, which must be of this conversation."""
        deliveries: dict[str, PriorDelivery] = {}
        for claim in self.heard:
            notice, _, number = claim.partition(":")
            record = transaction.record(int(number))
            if record is None:
                continue
            event = record.event
            if event.informs and event.notice == notice and event.linked == self._session.call.linked != "":
                deliveries[notice] = known_by(event, record.number)
        return deliveries

    async def carry_out(self, decision: Decision) -> CallResult:
        """Play a notice that is due and put it on record, before the result is returned.

        A skip that cannot be put on record is not made. A call that is cancelled in the middle of its prompt,
        because the service must stop, is put on record with the part that was heard.
        """
        self._recording = self._changed = ""
        event = await self._play_due(decision) if decision.play else self._event(decision)
        result = await self._record(event)
        if result.error and not decision.play:
            return await self.carry_out(replace(decision, play=True, reason=Reason.LEDGER_UNAVAILABLE))
        if event.informs and not result.error:
            self.heard.append(f"{event.notice}:{result.record}")
        return replace(result, error=result.error or self._changed) if self._changed else result

    async def wait(self) -> None:
        """Wait until this call's records are available to other boxes, if the configuration asks for that."""
        if self._others is not None and self._last_record:
            await self._others.wait(self._last_record)

    async def read(self) -> CallResult:
        """Put on record that an operator read the notices that are not for every call. Raises LedgerError."""
        now, call, controller = self._clock.now(), self._session.call, self._line.controller
        operator = without_numbers(plausibility.evidence(call.options.get("operator", "")), call.number)
        events = [
            self._told_elsewhere(
                step.notice, version, RecordKind.OPERATOR, now, operator or f"call {call.id}"
            )
            for step in self._line.plan
            if step.repeat_after != ALWAYS
            and isinstance(
                version := plausibility.version_told(
                    step.notice, "", now, now, controller.retention, controller.zone
                ),
                Version,
            )
        ]
        if not events:
            return CallResult(Status.NOTDUE, Reason.NOTHING_TO_TELL, heard=" ".join(self.heard))
        numbers = await self._ledger.transact(
            lambda transaction: [self._append(transaction, event) for event in events]
        )
        self.heard += [f"{event.notice}:{number}" for event, number in zip(events, numbers, strict=True)]
        return CallResult(
            Status.INFORMED, Reason.TOLD_ELSEWHERE, str(numbers[-1]), heard=" ".join(self.heard)
        )

    def _told_elsewhere(
        self, notice: Notice, version: Version, kind: RecordKind, at: datetime, reference: str
    ) -> Event:
        event = told_elsewhere(
            notice,
            version,
            kind,
            at,
            self._pseudonym,
            reference,
            self._clock.now(),
            call=self._session.call.id,
            line=self._line.number,
            language=self._wanted_language,
            linked=self._session.call.linked,
        )
        return replace(event, vouched=self._vouched, binding=self._binding())

    def _binding(self) -> Binding | None:
        """Return a new binding of one record to the caller's number."""
        if isinstance(self._caller, Identified):
            return commitment.bind(self._caller, self._line.controller.key)
        return None

    def _event(self, decision: Decision) -> Event:
        """Return the event of a notice that is left out; one that is played adds to it."""
        return Event(
            at=self._clock.now(),
            call=self._session.call.id,
            line=self._line.number,
            pseudonym=self._pseudonym,
            notice=decision.notice.id,
            version=decision.version.id,
            language=policy.language(self._wanted_language, self._line, decision),
            purposes=decision.purposes,
            status=decision.status_of_skip,
            reason=decision.reason,
            basis=decision.basis.basis if decision.basis else None,
            linked=self._session.call.linked,
            vouched=self._vouched,
            binding=self._binding(),
        )

    async def _play_due(self, decision: Decision) -> Event:
        """Play in the first language that has a playable prompt; a delivery's time is its end. The event is
        made only then: thousands may play at once."""
        for language in policy.languages(self._wanted_language, self._line, decision):
            prompt = decision.prompts[language]
            try:
                prompt, heard = await self._play(decision, language)
            except BaseException:  # cancelled, that is; to name it would cost a script asyncio's import
                interrupted = playback.nothing(Ending.SERVICE_STOPPED, prompt)
                event = replace(
                    self._event(decision),
                    status=Status.PARTIAL,
                    prompt=prompt.path,
                    heard=interrupted,
                    recording=self._recording,
                )
                await self._record(event)
                raise
            if heard.ending not in (Ending.NOT_PLAYABLE, Ending.CHANGED):
                break
        complete = not (decision.supplement and prompt is decision.prompts[language])
        return replace(
            self._event(decision),
            language=language,
            wanted="" if spoken(self._wanted_language, (language,)) else self._wanted_language,
            purposes=decision.version.purposes if complete else decision.purposes,
            status=self._status(heard),
            prompt=prompt.path,
            heard=heard,
            supplement=not complete,
            counts=policy.informs(language, self._wanted_language, self._line),
            recording=self._recording,
        )

    async def _record(self, event: Event) -> CallResult:
        """Commit, and return the result for the dialplan. A delivery that the ledger does not take is
        spooled; a ledger that was too slow in this call is not waited for again."""
        try:
            if self._ledger_too_slow is not None:
                raise self._ledger_too_slow
            return _result(
                event, await self._ledger.transact(lambda transaction: self._append(transaction, event))
            )
        except LedgerError as error:
            self._remember_slow(error)
            if event.heard is None:
                return CallResult(event.status, Reason.LEDGER_UNAVAILABLE, error=str(error))
            return replace(await spool_delivery(event, self._session), error=str(error))

    def _remember_slow(self, error: LedgerError) -> None:
        if isinstance(error, LedgerSlowError):
            self._ledger_too_slow = error

    def _status(self, heard: Heard) -> Status:
        skipped = heard.ending is Ending.KEY and heard.key == self._line.keys.skip
        return Status.SKIPPED if skipped and self._line.keys.skip_informs else STATUS[heard.ending]

    async def _play(self, decision: Decision, language: str) -> tuple[Prompt, Heard]:
        """Play the notice, obey the caller's keys, and return the last prompt with the part of it that was
        heard.

        A caller who hears the full text to its end has heard all that the short one says, so it counts alike.
        """
        keys, short = self._line.keys, decision.prompts[language]
        full = decision.version.full.get(spoken(language, decision.version.full))
        stops = (keys.full if full else "") + keys.repeat + keys.skip
        prompt = short
        for _ in range(1 + REPEATS):
            heard = await self._play_prompt(prompt, stops)
            if heard.ending is not Ending.KEY or heard.key not in (keys.full, keys.repeat):
                break
            if heard.key == keys.full and full is not None and prompt is short:
                prompt = full
            elif heard.key == keys.repeat:
                prompt = short
            else:  # the key of the full text again: enough of it
                break
        return prompt, heard

    async def _play_prompt(self, prompt: Prompt, stops: str) -> Heard:
        """Play one prompt. Only one that was the right recording before and after may inform."""
        name, heard = self._line.controller.id, None
        current = await self._recordings.current(name, prompt)
        if isinstance(current, Prompt):
            self._recording = current.recording
            heard = playback.judge(
                await self._session.play(current, stops, answer=self._line.answer), current
            )
            if heard.ending is Ending.NOT_PLAYABLE:
                self._recording = ""
            if heard.ending not in (Ending.WHOLE, Ending.KEY):
                return heard
            current = await self._recordings.current(name, prompt)
        if isinstance(current, ChangedRecording):
            self._recording, self._changed = "", str(current.why)
            return replace(heard or playback.nothing(Ending.CHANGED, prompt), ending=Ending.CHANGED)
        assert heard is not None  # the first look had found it right
        return heard


def _result(event: Event, number: int) -> CallResult:
    return CallResult(event.status, _reason_word(event), str(number), events=(event,))


async def spool_delivery(event: Event, session: CallSession) -> CallResult:
    """Store the delivery in AstDB, through the call itself: the last place that can still take it."""
    key = spool.key(event)
    stored = await session.put_database(spool.FAMILY, key, spool.format_row(event))
    status = Status.FALLBACK if event.status in (Status.PLAYED, Status.PARTIAL) else event.status
    reason = event.reason if event.reason is Reason.NO_LINE else Reason.LEDGER_UNAVAILABLE
    return CallResult(status, reason, f"spool:{key}" if stored else "", events=(event,))


def _reason_word(event: Event) -> str:
    """Return the word beside the status: the reason of the decision or, where the playback went wrong, its
    ending."""
    if event.heard is None or event.heard.ending is Ending.WHOLE:
        return event.reason
    return event.heard.ending
