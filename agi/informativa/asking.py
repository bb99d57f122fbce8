"""What a company's own systems say of a caller to whom something is due."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .errors import LookupSourceError
from .model import CallerHistory, Decision, Identified, PriorDelivery, Reason, ReportedDelivery
from .ports import LookupSource

Decide = Callable[[CallerHistory], Sequence[Decision]]


def is_open(decision: Decision) -> bool:
    """Whether somebody else's word could change it: it is due, and not on every call anyway."""
    return decision.play and decision.reason is not Reason.EVERY_CALL


async def look_up(
    caller: Identified,
    sources: Mapping[str, Sequence[LookupSource]],
    history: CallerHistory,
    decide: Decide,
) -> tuple[list[tuple[Decision, ReportedDelivery]], str]:
    """What they say of the notices that are due, each with the decision that it changes, and what kept them
    from saying it.

    Only an answer that changes the decision counts. Whatever else comes, no answer or a doubtful one, leaves
    the notice due.
    """
    grounds: list[tuple[Decision, ReportedDelivery]] = []
    doubts: list[str] = []
    for index, decision in enumerate(decide(history)):
        if not is_open(decision):
            continue
        notice, before = decision.notice, history.get(decision.notice.id)
        for source in sources.get(notice.id, ()):
            try:
                answer = await source.ask(caller)
            except LookupSourceError as error:
                doubts.append(str(error))
                continue
            if answer is None:
                continue
            known = _known_by(answer, before)
            then = decide({**history, notice.id: known.merged(before or known)})[index]
            if (then.play, then.purposes) != (decision.play, decision.purposes):
                grounds.append((decision, answer))
                break
    return grounds, " ".join(doubts)


def _known_by(answer: ReportedDelivery, before: PriorDelivery | None) -> PriorDelivery:
    """As of a record that comes after what is known."""
    one = frozenset({answer.version.id})
    number = before.record + 1 if before else 1
    told = frozenset({(answer.at, answer.version.id, answer.version.purposes, True)})
    return PriorDelivery(one, answer.version.purposes, number, answer.at, answer.at, told=told)
