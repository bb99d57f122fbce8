"""The answers of a company's own systems about a caller to whom something is due."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..model import CallerHistory, Decision, Identified, PriorDelivery, Reason, ReportedDelivery
from ..model.errors import LookupSourceError
from ..model.ports import LookupSource

Decide = Callable[[CallerHistory], Sequence[Decision]]


def is_open(decision: Decision) -> bool:
    """Return whether an answer from elsewhere could change the decision: the notice is due, and not on every
    call anyway."""
    return decision.play and decision.reason is not Reason.EVERY_CALL


async def look_up(
    caller: Identified,
    sources: Mapping[str, Sequence[LookupSource]],
    history: CallerHistory,
    decide: Decide,
) -> tuple[list[tuple[Decision, ReportedDelivery]], str]:
    """Return the answers about the notices that are due, each with the decision that it changes, and the
    errors of the sources that gave none.

    Only an answer that changes the decision counts. After any other result, no answer or a doubtful one, the
    notice is still due.
    """
    grounds: list[tuple[Decision, ReportedDelivery]] = []
    errors: list[str] = []
    for index, decision in enumerate(decide(history)):
        if not is_open(decision):
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
            changed = decide({**history, notice.id: reported.merged(prior or reported)})[index]
            if (changed.play, changed.purposes) != (decision.play, decision.purposes):
                grounds.append((decision, answer))
                break
    return grounds, " ".join(errors)


def _as_prior_delivery(answer: ReportedDelivery, prior: PriorDelivery | None) -> PriorDelivery:
    """Return the answer in the form of a record that comes after the caller's last one."""
    versions = frozenset({answer.version.id})
    number = prior.record + 1 if prior else 1
    deliveries = frozenset({(answer.at, answer.version.id, answer.version.purposes, True)})
    return PriorDelivery(versions, answer.version.purposes, number, answer.at, answer.at, told=deliveries)
