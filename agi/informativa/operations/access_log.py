"""Who looked at whom in the console: put on record, and shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .. import storage
from ..ledgers.access_log import ALL, AccessChain, AccessEntry, AccessFilter
from ..model import Action, Controller, Line

__all__ = ["ALL", "AccessChain", "AccessEntry", "AccessFilter", "AccessPage", "note", "page", "verify"]


@dataclass(frozen=True)
class AccessPage:
    """Some entries of one controller's, the newest first; `before` is what to ask for the next page with,
    `None` at the end."""

    controller: Controller
    entries: tuple[AccessEntry, ...]
    before: int | None


def note(
    controller: Controller,
    account: str,
    action: Action,
    now: datetime,
    *,
    pseudonym: bytes | None = None,
    record: int | None = None,
    detail: str = "",
    line: Line | None = None,
) -> int:
    """Put on record what somebody looks at or does, before he sees it; its number. `pseudonym` is of a caller
    who is on record: who was erased must not come back by being looked for. `detail` is of the page's own
    words, never what was typed to find a caller; no digits of it stay that may be a number, but those of a
    `line`, which is the company's own as the configuration has it.

    Raises LedgerError, and then he must not see it.
    """
    entry = AccessEntry(now, account, action, pseudonym, record, detail)
    return storage.access_log(controller).add(entry, line.number if line else "")


def page(
    controller: Controller, before: int | None = None, count: int = 50, wanted: AccessFilter = ALL
) -> AccessPage:
    """So many entries from before one. Raises LedgerError."""
    found = storage.access_log(controller).page(before, count + 1, wanted)
    more = len(found) > count
    return AccessPage(controller, found[:count], found[count - 1].number if more else None)


def verify(controller: Controller) -> AccessChain:
    """Whether all that was put on record is still as it was. Raises LedgerError."""
    return storage.access_log(controller).verify()
