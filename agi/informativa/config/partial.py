"""What of a configuration with mistakes can be used: a mistake in one company's part is no other's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from ..errors import Problem
from .document import Document, dotted

_NOT_OF_CALLS = (
    "manager",
    "service",
    "evidence",
    "shared",
    "fallback_prompt",
)  # nothing in them says what a line's caller hears


def misshapen(document: Document) -> tuple[str, ...]:
    """The controllers whose section is out of shape, as far as it was found by now."""
    sections = document.data.get("controllers") if isinstance(document.data, dict) else None
    names = sections if isinstance(sections, dict) else ()
    return tuple(
        name for name in names if concerning(document.problems, "controllers", dotted(("controllers", name)))
    )


def by_company(
    problems: Iterable[Problem], companies: Collection[str], owners: Mapping[str, str]
) -> tuple[dict[str, list[Problem]], list[Problem]]:
    """By company, what is wrong with its own section and lines; and what is not one company's alone. `owners`
    are the companies that the file names for its lines."""
    sections = {name: [dotted(("controllers", name))] for name in companies}
    for line, name in owners.items():
        if name in sections:
            sections[name].append(dotted(("lines", line)))
    own: dict[str, list[Problem]] = {}
    shared: list[Problem] = []
    for problem in problems:
        owner = next((name for name, keys in sections.items() if concerning([problem], *keys)), None)
        (shared if owner is None else own.setdefault(owner, [])).append(problem)
    return own, shared


def stops_service(
    own: Mapping[str, Sequence[Problem]], shared: Sequence[Problem], companies: Collection[str]
) -> bool:
    """Tell if nobody is served with these mistakes, as `by_company` has them: one is in no company's part,
    nor in that of the prompt for numbers that nobody configured, or every company has one."""
    all_of_them = bool(own or shared) and len(own) == len(companies)
    return all_of_them or len(shared) > len(concerning(shared, "fallback_prompt"))


def concerning(problems: Iterable[Problem], *keys: str) -> list[Problem]:
    """Those at one of these key paths; and below it, if it is a single one's (`controllers.acme`)."""
    return [problem for problem in problems if any(_at(problem, key) for key in keys)]


def of_callers(problems: Iterable[Problem], controller: str) -> list[Problem]:
    """Those for which this company's callers cannot be found, or not surely its own alone."""
    key = f"controllers.{controller}"
    return [
        problem
        for problem in problems
        if problem.key in ("controllers", key) or concerning([problem], f"{key}.key", f"{key}.ledger")
    ]


def of_calls(problems: Iterable[Problem], controller: str, line: str) -> list[Problem]:
    """Those for which a call on this line cannot be answered rightly."""
    own = (f"controllers.{controller}", f"lines.{line}")
    return [problem for problem in problems if concerning([problem], *own) or not _elsewhere(problem)]


def of_lines(problems: Iterable[Problem], misshapen: Iterable[str]) -> list[Problem]:
    """Those for which a line may seem not to be there."""
    keys = ("lines", "controllers", *(f"controllers.{name}" for name in misshapen))
    return [
        problem
        for problem in problems
        if not problem.key or problem.key.startswith("lines.") or concerning([problem], *keys)
    ]


def _elsewhere(problem: Problem) -> bool:
    """Whether it is in one company's or line's part, or in what no call depends on."""
    return problem.key.startswith(("controllers.", "lines.")) or bool(concerning([problem], *_NOT_OF_CALLS))


def _at(problem: Problem, key: str) -> bool:
    """All sections of a kind are one place: what is wrong with it as a whole is no single company's."""
    whole = key in ("controllers", "lines")
    return problem.key == key or (not whole and problem.key.startswith((f"{key}.", f"{key}[")))
