"""Log of accesses to callers' data in the console: adding entries, and reading them."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ..ledgers.access_chain import AccessChain
from ..ledgers.access_entries import ALL, BEGUN, AccessFilter, LoggedAccess
from ..model import Action, Controller, Line
from ..model.errors import InformativaError, LedgerError
from ..model.looks import SHELL, UnusualLooks, unusual_looks
from ..model.text import Text
from ..process import storage
from .doctor import users
from .document import Time

if TYPE_CHECKING:
    from ..ledgers.access_check import RememberedCheck
    from ..ledgers.open_access_log import OpenAccessLog

__all__ = [
    "ALL",
    "BEGUN",
    "BY_OPTION",
    "IN_FORM",
    "SHELL",
    "AccessChain",
    "AccessEntries",
    "AccessEntry",
    "AccessFilter",
    "OpenAccessLogs",
    "note",
    "note_in_shell",
    "page",
    "problems",
    "require_reason",
    "shell_account",
    "unusual",
    "verify",
]
BY_OPTION = Text("Add the number of the request, or the occasion, as --reason.")
IN_FORM = Text("Type the number of the request, or the occasion.")
"""Remedies where a reason is missing."""
LONGEST_REASON = 100  # characters


@dataclass(frozen=True)
class AccessEntry:
    """One look, or act, of somebody in the console."""

    controller: str
    """The company's name in the configuration."""
    number: int
    """Its number in that company's access log."""
    at: Time
    account: str
    """The account that did it."""
    action: Action | str
    """The action; a word that is none of these is of another informativa."""
    caller: str | None
    """The pseudonym of the caller whom it was about, in hexadecimal digits."""
    erased: bool
    """True if that caller was erased at his request."""
    record: int | None
    """The number of the record that it was about."""
    detail: str | None
    """Further facts, without numbers."""


@dataclass(frozen=True)
class AccessEntries:
    """Entries of a company's access log, the newest first."""

    entries: tuple[AccessEntry, ...]
    before: int | None
    """The number to ask for the entries before them with; null where there are none."""


class OpenAccessLogs:
    """The access logs of a process in which people look at page after page, by ledger: each stays open for a
    while, and what was checked of it is remembered."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._logs: dict[str, tuple[OpenAccessLog, RememberedCheck]] = {}

    def of(self, controller: Controller) -> OpenAccessLog:
        """Return the log of a company; the file need not exist yet."""
        return self._of(controller)[0]

    def problems(self, controller: Controller, now: datetime) -> tuple[Text, ...]:
        """Return what is wrong in the access log, by its own hashes and by the records of the ledger; none
        where there is no ledger. Raises LedgerError."""
        log, check = self._of(controller)
        with storage.existing_ledger(controller) as ledger:
            if ledger is None:
                return ()
            with ledger.connected() as connection:
                return check.problems(connection, log, now)

    def close(self) -> None:
        """Close all logs."""
        with self._lock:
            for log, _check in self._logs.values():
                log.close()

    def _of(self, controller: Controller) -> tuple[OpenAccessLog, RememberedCheck]:
        from ..ledgers.access_check import RememberedCheck
        from ..ledgers.open_access_log import OpenAccessLog

        with self._lock:
            if controller.ledger not in self._logs:
                self._logs[controller.ledger] = OpenAccessLog(Path(controller.ledger)), RememberedCheck()
            return self._logs[controller.ledger]


def require_reason(controllers: Iterable[Controller], reason: str, remedy: Text = BY_OPTION) -> str:
    """Return the reason for a look at a person as an entry holds it. Raises InformativaError where it is
    missing and one of the companies asks for one."""
    reason = " ".join(reason.split())[:LONGEST_REASON]
    for controller in controllers:
        if controller.reason_for_looking and not reason:
            message = Text("{company} asks for a reason for each look at a person.", company=controller.name)
            raise InformativaError(message, remedy, code="no-reason")
    return reason


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
    reason: str = "",
    logs: OpenAccessLogs | None = None,
) -> int:
    """Log an access or an action before its result is shown; return the number of the entry.

    `pseudonym` is of a caller who is on record: a search must not bring back an erased one. `detail` is in
    the page's own words, never what was typed to find a caller, and `reason` what somebody typed for it.
    Digits of both that may be a number are removed; those of `line`, which the configuration names, and of
    `facts`, the program's own words, stay. The log is one of `logs`, or else opened for this alone.

    Raises LedgerError, and then nothing may be shown.
    """
    detail = " ".join(filter(None, [detail, f"({reason})" if reason else ""]))
    entry = LoggedAccess(now, account, action, pseudonym, record, detail)
    line_facts = [f"line={line.number}"] if line else []
    access_log = logs.of(controller) if logs else storage.access_log(controller)
    return access_log.add(entry, " ".join([*line_facts, *filter(None, [facts])]))


def note_in_shell(
    controller: Controller,
    action: Action,
    now: datetime,
    *,
    known: bytes | None,
    record: int | None = None,
    detail: str = "",
    facts: str = "",
    reason: str = "",
) -> None:
    """Log what somebody sees or does by a command, under his login name on this machine; do nothing where the
    company has no ledger yet. `known` is the pseudonym of the caller, if he is on record; `detail`, `facts`
    and `reason` as of `note`. Raises LedgerError, and then nothing may be shown (the Garante's measure of
    27 November 2008)."""
    if not Path(controller.ledger).exists():
        return
    note(
        controller, shell_account(), action, now,
        pseudonym=known, record=record, detail=detail, facts=facts, reason=reason,
    )  # fmt: skip


def shell_account() -> str:
    """Return the account of whoever types commands: the login name on this machine."""
    return f"{SHELL}{os.environ.get('SUDO_USER') or users.name(os.getuid())}"


def page(
    controller: Controller, before: int | None = None, count: int = 50, access_filter: AccessFilter = ALL
) -> AccessEntries:
    """Return up to `count` entries with numbers below `before`, the newest first. Raises LedgerError."""
    entries = storage.access_log(controller).page(before, count + 1, access_filter)
    more = len(entries) > count
    return AccessEntries(
        tuple(_entry(entry, controller.id) for entry in entries[:count]),
        entries[count - 1].number if more else None,
    )


def _entry(entry: LoggedAccess, controller: str) -> AccessEntry:
    return AccessEntry(
        controller=controller,
        number=entry.number,
        at=entry.at,
        account=entry.account,
        action=entry.action,
        caller=None if entry.pseudonym is None else entry.pseudonym.hex(),
        erased=entry.erased,
        record=entry.record,
        detail=entry.detail or None,
    )


def unusual(controller: Controller, now: datetime, period: timedelta) -> tuple[UnusualLooks, ...]:
    """Return what was unusual among the looks at persons' data of the last `period`. Raises LedgerError."""
    return unusual_looks(storage.access_log(controller).looks(now - period), controller.zone)


def verify(controller: Controller) -> AccessChain:
    """Check the chain of all entries: a change or a gap shows in the result. Raises LedgerError."""
    return storage.access_log(controller).verify()


def problems(controller: Controller, now: datetime, logs: OpenAccessLogs) -> tuple[Text, ...]:
    """Check all entries, also against the newest that the ledger has on record; of what `logs` remembers to
    be right, only what came since. Return what is wrong, or why that cannot be told."""
    try:
        return logs.problems(controller, now)
    except LedgerError as error:
        return (error.text,)
