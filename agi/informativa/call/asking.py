"""The answers of a company's own systems about a caller to whom something is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ..model import (
    CallerHistory,
    Decision,
    Event,
    Identified,
    Notice,
    PriorDelivery,
    ReportedDelivery,
)
from ..model.errors import LookupSourceError
from ..model.frozen import dataclass
from ..model.ports import LookupSource
from .conversation import Conversation


@dataclass(frozen=True)
class OpenQuestion:
    """A question to a company's systems: the decisions by what the ledger knows, of which an answer may
    change some, and the histories on which they rest."""

    decisions: Sequence[Decision]
    history: CallerHistory
    same_call: CallerHistory


@dataclass(frozen=True)
class Answers:
    """All that they said of a caller: the deliveries that they report, as events to record, and the errors of
    those that gave no answer."""

    reports: Sequence[Event] = ()
    errors: str = ""


NO_ANSWERS = Answers()


async def ask(
    conversation: Conversation,
    question: OpenQuestion,
    sources: Mapping[str, Sequence[LookupSource]],
    now: datetime,
) -> Answers:
    """Ask the company's own systems about this caller, as far as something is due to him."""
    reports, errors = await _look_up(conversation, question, sources, now)
    told_elsewhere = conversation.told_elsewhere
    events = [
        told_elsewhere(notice, report.version, report.kind, report.at, report.reference, now)
        for notice, report in reports
    ]
    return Answers(events, errors)


async def _look_up(
    conversation: Conversation,
    question: OpenQuestion,
    sources: Mapping[str, Sequence[LookupSource]],
    now: datetime,
) -> tuple[list[tuple[Notice, ReportedDelivery]], str]:
    """Return the answers about the notices that are due, each with its notice, and the errors of the sources
    that gave none.

    Only an answer that changes the decision counts. After any other result, no answer or a doubtful one, the
    notice is still due.
    """
    caller = conversation.caller
    assert isinstance(caller, Identified)  # nobody else is asked for
    history, decisions = question.history, question.decisions
    reports: list[tuple[Notice, ReportedDelivery]] = []
    errors: list[str] = []
    for index, decision in enumerate(decisions):
        if not decision.is_open:
            continue
        notice, prior = decision.notice, history.get(decision.notice.id)
        for source in sources.get(notice.id, ()):
            try:
                answer = await source.ask(caller)
            except LookupSourceError as error:
                errors.append(str(error))
                continue
            if answer is None:
                continue
            reported = _as_prior_delivery(answer, prior)
            history_then = {**history, notice.id: reported.merge(prior or reported)}
            changed = conversation.decide(history_then, question.same_call, now)[index]
            if (changed.play, changed.purposes) != (decision.play, decision.purposes):
                reports.append((notice, answer))
                break
    return reports, " ".join(errors)


def _as_prior_delivery(answer: ReportedDelivery, prior: PriorDelivery | None) -> PriorDelivery:
    """Return the answer in the form of a record that comes after the caller's last one."""
    versions = frozenset({answer.version.id})
    number = prior.record + 1 if prior else 1
    deliveries = frozenset({(answer.at, answer.version.id, answer.version.purposes, True)})
    return PriorDelivery(
        versions, answer.version.purposes, number, answer.at, answer.at, deliveries=deliveries
    )
