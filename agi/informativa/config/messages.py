"""Problems of a configuration in an admin's words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from types import UnionType
from typing import TYPE_CHECKING, Any

from ..model.text import NOTHING, Foreign, Text, joined
from .document import KeyPath

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def key_path(detail: ErrorDetails) -> KeyPath:
    """Return the key path of one of pydantic's errors."""
    return tuple(part for part in detail["loc"] if part != "[key]")


def in_words(detail: ErrorDetails) -> Text:
    """Return one of pydantic's errors in an admin's words."""
    match detail["type"]:
        case "missing":
            return Text("is missing", "`informativa init DIR` writes an example of it")
        case "extra_forbidden":
            *parents, key = key_path(detail)
            return unknown(NOTHING, str(key), _settings_at(tuple(parents)), named=False)
        case "literal_error" | "enum":
            value, expected = str(detail["input"]), detail["ctx"]["expected"]
            close = closest(value, re.findall(r"'([^']*)'", expected))
            known = joined(Text(" or "), *expected.split(" or "))  # the last two; commas are before them
            suggestion = "did you mean {name}?" if close else ""
            return Text("{value!r} is not one of {known}", suggestion, value=value, known=known, name=close)
        case "form":
            form_message: Text = detail["ctx"]["message"]
            return form_message
        case "dict_type" | "model_type":
            return Text("must hold settings of its own, each on a line below it, further to the right")
        case "list_type":
            return Text("must be a list: [one, two], or lines below it that start with `- `")
        case "too_short":
            return Text("is empty", "at least one is needed")
        case _:
            value = detail["input"]
            shown = Text(" (here: {given!r})", given=value) if isinstance(value, str) else NOTHING
            message = detail["msg"]
            return joined("", Foreign(message[:1].lower() + message[1:]), shown)


def unknown(what: Text, name: str, known: Any, *, named: bool = True) -> Text:
    """Return the message that a name does not exist, with the name that was probably meant or all that
    exist."""
    close = closest(name, known)
    hint = (
        Text("did you mean {name}?", name=close)
        if close
        else Text("there are: {known}", known=", ".join(sorted(known)))
    )
    return (
        Text("there is no {what} {name}", "{hint}", what=what, name=name, hint=hint)
        if named
        else Text("is not a setting here", "{hint}", hint=hint)
    )


def closest(name: str, known: Iterable[str]) -> str:
    """Return the name that was probably meant, in any case; '' if none is close."""
    import difflib  # not for the scripts, whose configuration has no mistakes as a rule

    by_folded = {candidate.casefold(): candidate for candidate in known}
    folded = name.casefold()
    close = (
        difflib.get_close_matches(folded, by_folded, n=1)
        or [
            candidate
            for candidate in by_folded
            if len(folded) > 1 and (candidate.startswith(folded) or folded.startswith(candidate))
        ][:1]
    )
    return by_folded[close[0]] if close else ""


def _settings_at(path: KeyPath) -> list[str]:
    """Return the names of the settings that may stand in the mapping at `path`."""
    from .schema import Settings

    kind: Any = Settings
    for part in path:
        fields = getattr(kind, "model_fields", None)
        kind = fields[part].annotation if fields else kind.__args__[-1]
        if isinstance(kind, UnionType):  # it need not be there
            kind = kind.__args__[0]
    return list(kind.model_fields)
