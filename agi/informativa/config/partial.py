"""The usable parts of a configuration with mistakes: a mistake in one company's part is no other's."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..model.errors import ConfigProblem
from ..model.text import Text
from ..system.files import permission_denied
from .configuration import Configuration
from .document import SourceDocument, dotted

HAS_MISTAKES = Text("its part of the configuration has mistakes: which they are, says: informativa check")
"""The reason why a company is not live."""
_NOT_OF_CALLS = (
    "manager",
    "service",
    "evidence",
    "fallback_prompt",
)  # a line's caller hears the same, whatever they contain
_HOOK = re.compile(r"controllers\.[^.]+\.hook(\.|\Z)")


def invalid_controllers(document: SourceDocument) -> tuple[str, ...]:
    """Return the controllers whose section is known by now to be out of shape."""
    sections = document.data.get("controllers") if isinstance(document.data, dict) else None
    names = sections if isinstance(sections, dict) else ()
    problems, _hooks = without_hooks(document.problems)
    return tuple(name for name in names if concerning(problems, "controllers", dotted(("controllers", name))))


def without_hooks(problems: Iterable[ConfigProblem]) -> tuple[list[ConfigProblem], list[ConfigProblem]]:
    """Return the problems by which a company's part is not as its admin meant it, and those of the hooks of
    companies: no caller needs a hook, and what it should be told of waits in the outbox."""
    remaining: list[ConfigProblem] = []
    of_hooks: list[ConfigProblem] = []
    for problem in problems:
        (of_hooks if _HOOK.match(problem.key) else remaining).append(problem)
    return remaining, of_hooks


def by_company(
    problems: Iterable[ConfigProblem], companies: Collection[str], owners: Mapping[str, str]
) -> tuple[dict[str, list[ConfigProblem]], list[ConfigProblem]]:
    """Return, by company, the problems of its own section and lines; and the problems that are not one
    company's alone. `owners` are the companies that the file names for its lines."""
    sections = {name: [dotted(("controllers", name))] for name in companies}
    for line, name in owners.items():
        if name in sections:
            sections[name].append(dotted(("lines", line)))
    of_companies: dict[str, list[ConfigProblem]] = {}
    shared: list[ConfigProblem] = []
    for problem in problems:
        owner = next((name for name, keys in sections.items() if concerning([problem], *keys)), None)
        (shared if owner is None else of_companies.setdefault(owner, [])).append(problem)
    return of_companies, shared


def stops_service(
    of_companies: Mapping[str, Sequence[ConfigProblem]],
    shared: Sequence[ConfigProblem],
    companies: Collection[str],
) -> bool:
    """Return whether nobody is served with these mistakes, as `by_company` returns them: one is in no
    company's part, nor in that of the prompt for numbers that nobody configured, or every company has one."""
    all_have_one = bool(of_companies or shared) and len(of_companies) == len(companies)
    return all_have_one or len(shared) > len(concerning(shared, "fallback_prompt"))


def require_reader(problems: Iterable[ConfigProblem]) -> None:
    """Raise InformativaError for a user who may not read the token by which the service is known: all else
    that is wrong may follow from that, and nothing can be told of the service."""
    for problem in concerning(problems, "service.token"):
        if problem.denied:
            raise permission_denied(Path(problem.denied))


def refusing(configuration: Configuration, mistaken: Mapping[str, Sequence[ConfigProblem]]) -> Configuration:
    """Return the configuration with these companies not live: the result of a part with mistakes is not what
    the admin meant."""
    controllers = {
        name: replace(controller, refused=HAS_MISTAKES) if name in mistaken else controller
        for name, controller in configuration.controllers.items()
    }
    mistakes = {name: tuple(problems) for name, problems in mistaken.items()}
    return replace(configuration, controllers=controllers, mistaken=mistakes)


def concerning(problems: Iterable[ConfigProblem], *keys: str) -> list[ConfigProblem]:
    """Return the problems at one of these key paths; and below it, if the path is a single company's or
    line's (`controllers.acme`)."""
    return [problem for problem in problems if any(_at(problem, key) for key in keys)]


def of_callers(problems: Iterable[ConfigProblem], controller: str) -> list[ConfigProblem]:
    """Return the problems because of which this company's callers cannot be found, or may not be its own
    alone."""
    key = f"controllers.{controller}"
    return [
        problem
        for problem in problems
        if problem.key in ("controllers", key) or concerning([problem], f"{key}.key", f"{key}.ledger")
    ]


def of_calls(problems: Iterable[ConfigProblem], controller: str, line: str) -> list[ConfigProblem]:
    """Return the problems because of which a call on this line cannot be answered correctly."""
    parts = (f"controllers.{controller}", f"lines.{line}")
    remaining, _hooks = without_hooks(problems)
    return [problem for problem in remaining if concerning([problem], *parts) or not _elsewhere(problem)]


def of_lines(problems: Iterable[ConfigProblem], invalid: Iterable[str]) -> list[ConfigProblem]:
    """Return the problems because of which a line may seem to be missing."""
    keys = ("lines", "controllers", *(f"controllers.{name}" for name in invalid))
    return [
        problem
        for problem in problems
        if not problem.key or problem.key.startswith("lines.") or concerning([problem], *keys)
    ]


def _elsewhere(problem: ConfigProblem) -> bool:
    """Return whether a problem is in one company's or line's part, or in a setting that no call depends
    on."""
    return problem.key.startswith(("controllers.", "lines.")) or bool(concerning([problem], *_NOT_OF_CALLS))


def _at(problem: ConfigProblem, key: str) -> bool:
    """Return whether a problem is at a key path. A whole kind of sections is one place: a problem of it is no
    single company's."""
    is_kind = key in ("controllers", "lines")
    return problem.key == key or (not is_kind and problem.key.startswith((f"{key}.", f"{key}[")))
