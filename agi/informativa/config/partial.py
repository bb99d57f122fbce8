"""What of a configuration with mistakes can be used: a mistake in one company's part is no other's."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, Problem
from .document import Document, KeyPath
from .findings import in_order
from .messages import in_words, key_path

if TYPE_CHECKING:
    from .schema import Settings

_NOT_OF_CALLS = ("manager", "service", "fallback_prompt")  # nothing in them says what a line's caller hears


@dataclass(frozen=True)
class Shaped:
    """The sections of a file that have the right shape, what is wrong with the others, and which controllers
    are among those."""

    settings: Settings
    problems: tuple[Problem, ...] = ()
    left_out: tuple[str, ...] = ()


def shaped(document: Document) -> Shaped:
    """By pydantic. Raises ConfigError with all that is wrong where no part of the file can be used."""
    from pydantic import ValidationError

    from .schema import PartialSettings, Settings

    try:
        return Shaped(Settings.model_validate(document.data))
    except ValidationError as error:
        details = error.errors()
    problems = tuple(document.problem(key_path(detail), in_words(detail)) for detail in details)
    paths = [key_path(detail) for detail in details]
    left_out = tuple(dict.fromkeys(str(path[1]) for path in paths if path[0] == "controllers" and path[1:]))
    try:
        settings = PartialSettings.model_validate(_without(document.data, paths, left_out))
    except ValidationError:
        raise ConfigError(in_order(problems)) from None
    return Shaped(settings, problems, left_out)


def concerning(problems: Iterable[Problem], *places: str) -> list[Problem]:
    """Those at one of these places (`controllers.acme`), or below it."""
    return [
        problem
        for problem in problems
        if any(problem.key == place or problem.key.startswith((f"{place}.", f"{place}[")) for place in places)
    ]


def of_callers(problems: Iterable[Problem], controller: str) -> list[Problem]:
    """Those for which this company's callers cannot be found, or not surely its own alone."""
    place = f"controllers.{controller}"
    return [
        problem
        for problem in problems
        if problem.key == place or concerning([problem], f"{place}.key", f"{place}.ledger")
    ]


def of_calls(problems: Iterable[Problem], controller: str, line: str) -> list[Problem]:
    """Those for which a call on this line cannot be answered rightly."""
    elsewhere = ("controllers", "lines", *_NOT_OF_CALLS)
    return [
        problem
        for problem in problems
        if concerning([problem], f"controllers.{controller}", f"lines.{line}")
        or not concerning([problem], *elsewhere)
    ]


def _without(data: Any, paths: Iterable[KeyPath], left_out: Collection[str]) -> Any:
    """The data without every section that one of these paths leads into: a controller with its lines, a line,
    or whatever stands at the top."""
    kept = {name: dict(part) if isinstance(part, dict) else part for name, part in data.items()}
    for section, *names in paths:
        if section in ("controllers", "lines") and names:
            kept[section].pop(names[0], None)
        else:
            kept.pop(section, None)
    lines: Any = kept.get("lines", {})
    kept["lines"] = {
        number: line
        for number, line in lines.items()
        if not (isinstance(line, dict) and line.get("controller") in left_out)
    }
    return kept
