"""Who looked at whom in the console, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ...operations.access_log import AccessPage
from ..html.console import acted, detailed, short
from ..messages import Language
from ..terminal import one_line


def entries(found: AccessPage, say: Language) -> Iterator[str]:
    """A line each, the newest first; and what to type for those before them."""
    for each in found.entries:
        at = each.at.astimezone(found.controller.zone)
        about = [say("erased") if each.erased else short(each.pseudonym)]
        about += [say("record {record}", record=each.record)] if each.record is not None else []
        said = ", ".join(filter(None, [say(acted(each.action)), *about, detailed(each.detail, say)]))
        yield one_line(f"{at:%Y-%m-%d %H:%M:%S}  {each.account}: {said}")
    if not found.entries:
        yield say("Nothing of that kind is on record.")
    if found.before:
        yield say("For earlier ones: --before {number}", number=found.before)
