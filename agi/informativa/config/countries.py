"""The countries that a plan names: which of them nobody would be told of, or asked about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..model import Answer, PlannedChoice, Step, numbering
from ..model.countries import EUROPEAN_UNION
from ..model.plan import OTHERS
from ..model.text import Text
from .document import KeyPath
from .findings import Findings

if TYPE_CHECKING:
    from .schema import LineSettings

COUNTRY = "country"
"""The beginning of the ids of notices that tell the operator's country."""


def uncovered(countries: Iterable[str], steps: Sequence[Step]) -> frozenset[str]:
    """Return those of these countries for which none of the steps is."""
    if any(not step.countries for step in steps):
        return frozenset()
    return frozenset(countries).difference(*(step.countries for step in steps))


def check_countries(
    section: LineSettings,
    steps: Sequence[Step],
    choices: Sequence[PlannedChoice],
    path: KeyPath,
    findings: Findings,
) -> None:
    """Note problems and warnings about the `countries` of a plan."""
    for index, entry in enumerate(section.plan):
        for country in entry.countries or ():
            if country != OTHERS and not numbering.is_region(country):
                findings.add_problem(
                    (*path, "plan", index, "countries"),
                    Text("{region} is not a country", "for the United Kingdom use GB", region=country),
                )
    of_notices = frozenset[str]().union(*(step.countries for step in steps))
    of_choices = frozenset[str]().union(*(planned.countries for planned in choices))
    if not of_notices | of_choices:
        return
    if OTHERS not in of_notices:
        message = Text(
            "no notice is for all other countries: a call whose country is mistyped or missing would be told"
            " of none",
            "add `others` to the `countries` of the most cautious notice",
        )
        findings.add_problem((*path, "plan"), message)
    if unknown := sorted(of_choices - of_notices):
        message = Text(
            "choices are for {countries}, which no notice of this plan names",
            "add it to the `countries` of a notice: a call to another country has the steps for all others",
            countries=", ".join(unknown),
        )
        findings.add_problem((*path, "plan"), message)
    _caution_unasked(steps, choices, path, findings)


def _caution_unasked(
    steps: Sequence[Step], choices: Sequence[PlannedChoice], path: KeyPath, findings: Findings
) -> None:
    """Note a warning for countries outside the Union whose callers are not asked (art. 24-bis(5) DL
    83/2012)."""
    abroad = frozenset[str]().union(*(step.countries for step in steps if step.notice.id.startswith(COUNTRY)))
    asking = [planned for planned in choices if Answer.EU in planned.choice.keys]
    if any(not planned.countries for planned in asking):
        return
    unasked = (abroad - EUROPEAN_UNION).difference(*(planned.countries for planned in asking))
    if unasked:
        message = Text(
            "{countries}: callers are told of operators outside the European Union, and not asked whether"
            " they want one within it (art. 24-bis(5) DL 83/2012)",
            "add a choice with `asks: operator` that is for the same `countries`",
            countries=", ".join(sorted(unasked)),
        )
        findings.add_warning((*path, "plan"), message)
