"""The places of notices and choices in a line's plan: the steps that it lacks, and those due too rarely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...config.editing import Item
from ...config.schema import LineSettings, StepSettings
from ...model import ALWAYS
from ...model.text import Text
from ..prompts.parts import PartPlace
from .table import PLAN_ORDER, USUAL_PLACE


def _rank(step: str) -> int:
    return PLAN_ORDER.get(step, USUAL_PLACE)


def missing_steps(number: str, line: LineSettings, places: Sequence[PartPlace]) -> Iterator[Item]:
    """Yield the steps that a line's plan lacks, each for its place in a call."""
    plan = [_name(step) for step in line.plan]
    for place in places:
        if place.id in plan:
            continue
        index = next((at for at, other in enumerate(plan) if _rank(other) > _rank(place.id)), len(plan))
        plan.insert(index, place.id)
        step = {"choice": place.id} if place.asks else {"notice": place.id, "when": place.when or "once"}
        yield Item(("lines", number, "plan"), index, step)


def _name(step: StepSettings) -> str:
    return step.notice or step.choice or ""


def rarer_notices(number: str, line: LineSettings, places: Sequence[PartPlace]) -> Iterator[Text]:
    """Yield the notices that are in a plan already, and due less often than the law says."""
    always = {place.id for place in places if place.when == "always"}
    for step in line.plan:
        if step.notice in always and step.when != ALWAYS:
            yield Text(
                "line {number}: the notice {notice} is due on every call; write `when: always` there",
                number=number,
                notice=step.notice,
            )
