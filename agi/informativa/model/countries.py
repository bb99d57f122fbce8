"""The countries of the operators who answer calls, as the dialplan names them, and the steps that are for
each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .plan import OTHERS, Line

EUROPEAN_UNION = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT",
    "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
})  # fmt: skip
"""The countries (ISO 3166) whose operators need no question about one within the Union."""


def matching_country(countries: frozenset[str], country: str) -> str:
    """Return the one of these countries that a word of the dialplan stands for: OTHERS where it is none."""
    return country.upper() if country.upper() in countries else OTHERS


def line_for(line: Line, country: str) -> Line:
    """Return the line with the steps of its plan that are for operators in this country. A country that the
    plan does not name, or '', gets the steps for `others`. Of its countries each step keeps the one by which
    it was chosen."""
    if not line.countries:
        return line
    name = matching_country(line.countries, country)
    chosen_steps = [not step.countries or name in step.countries for step in line.plan]
    plan = tuple(
        [
            replace(step, countries=frozenset({name})) if step.countries else step
            for step, is_chosen in zip(line.plan, chosen_steps, strict=True)
            if is_chosen
        ]
    )
    choices = tuple(
        [
            replace(planned, after=sum(chosen_steps[: planned.after]))
            for planned in line.choices
            if not planned.countries or name in planned.countries
        ]
    )
    return replace(line, plan=plan, choices=choices)


def variants(line: Line) -> Iterator[Line]:
    """Iterate over the line as it is for each country that its plan names; once if it is the same for all."""
    for country in sorted(line.countries) or [""]:
        yield line_for(line, country)
