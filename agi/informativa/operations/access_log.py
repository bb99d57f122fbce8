"""Who looked at whom in the console: put on record, and shown."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .. import storage
from ..ledgers.access_log import ALL, AccessChain, AccessEntry, AccessFilter
from ..model import Action, Controller, Line
from .doctor import users

__all__ = [
    "ALL",
    "SHELL",
    "AccessChain",
    "AccessEntry",
    "AccessFilter",
    "AccessPage",
    "note",
    "note_in_shell",
    "page",
    "verify",
]
SHELL = "shell:"
"""How the account of somebody begins who used a command on the machine."""


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
    facts: str = "",
) -> int:
    """Put on record what somebody looks at or does, before he sees it; its number. `pseudonym` is of a caller
    who is on record: who was erased must not come back by being looked for. `detail` is of the page's own
    words, never what was typed to find a caller; no digits of it stay that may be a number, but those of a
    `line`, which is the company's own as the configuration has it, and of `facts`, the program's own words.

    Raises LedgerError, and then he must not see it.
    """
    entry = AccessEntry(now, account, action, pseudonym, record, detail)
    own = [f"line={line.number}"] if line else []
    return storage.access_log(controller).add(entry, " ".join([*own, *filter(None, [facts])]))


def note_in_shell(
    controller: Controller, action: Action, now: datetime, *, known: bytes | None, record: int | None = None
) -> None:
    """Put on record what somebody sees or does by a command, under his login name on this machine; nothing
    where the company has no ledger yet. Raises LedgerError, and then he must not see it (L24)."""
    if not Path(controller.ledger).exists():
        return
    account = f"{SHELL}{os.environ.get('SUDO_USER') or users.name(os.getuid())}"
    note(controller, account, action, now, pseudonym=known, record=record)


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
