"""What is wrong with a configuration, in an admin's words."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from .document import KeyPath

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def key_path(detail: ErrorDetails) -> KeyPath:
    """Where pydantic found it."""
    return tuple(part for part in detail["loc"] if part != "[key]")


def in_words(detail: ErrorDetails) -> str:
    """pydantic's finding in an admin's words."""
    match detail["type"]:
        case "missing":
            return "is missing; `informativa init DIR` writes an example of it"
        case "extra_forbidden":
            *parents, key = key_path(detail)
            return unknown("setting", str(key), _settings_at(tuple(parents)), named=False)
        case "literal_error" | "enum":
            return f"{detail['input']!r} is not one of {detail['ctx']['expected']}"
        case "form":
            return detail["msg"]
        case "dict_type" | "model_type":
            return "must hold settings of its own, each on a line below it, further to the right"
        case "list_type":
            return "must be a list: [one, two], or lines below it that start with `- `"
        case "too_short":
            return "is empty; at least one is needed"
        case _:
            given = detail["input"]
            shown = f" (here: {given!r})" if isinstance(given, str) else ""
            return detail["msg"][:1].lower() + detail["msg"][1:] + shown


def unknown(what: str, name: str, known: Any, *, named: bool = True) -> str:
    """That there is no such thing, and which was probably meant or which there are."""
    close = difflib.get_close_matches(name, list(known), n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(sorted(known))}"
    return f"there is no {what} {name}; {hint}" if named else f"is not a setting here; {hint}"


def _settings_at(path: KeyPath) -> list[str]:
    """The names of the settings that may stand in the mapping at `path`."""
    from .schema import Settings

    kind: Any = Settings
    for part in path:
        fields = getattr(kind, "model_fields", None)
        kind = fields[part].annotation if fields else kind.__args__[-1]
    return list(kind.model_fields)
