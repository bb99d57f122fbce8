"""Exports that one account asks for and a second one confirms, where the company wants four eyes.

The access log is the only list of them: an entry that asks, with the address of the file, and an entry that
confirms, with the number of the other. So who asked, who confirmed, what and when stands where looks do, and
nothing of it can be changed unseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..ledgers.access_entries import AccessFilter, LoggedAccess
from ..model import Action, Controller
from ..model.errors import InformativaError
from ..model.text import Text
from ..process import storage
from . import access_log

LIFETIME = timedelta(days=3)  # from asking on: what is asked for on a Friday can be taken on Monday
MOST = 20  # files that one account asks for and that have not expired
_READ = 500  # entries that are read at a time


@dataclass(frozen=True)
class AskedExport:
    """A file that somebody asked for. `number` is that of the entry in the access log, `file` its address
    below the company's; `confirmed_by` is '' while nobody has confirmed it."""

    number: int
    at: datetime
    account: str
    file: str
    confirmed_by: str = ""
    confirmed_at: datetime | None = None

    @property
    def expires(self) -> datetime:
        """The time from which on it can be neither confirmed nor taken."""
        return self.at + LIFETIME

    def waits_for(self, account: str) -> bool:
        """Return whether this account can confirm it."""
        return not self.confirmed_by and self.account != account

    def is_of(self, account: str, made: datetime | None) -> bool:
        """Return whether this account asked for it, and not somebody who had the name before it was `made`;
        `None` where that is not known."""
        return self.account == account and (made is None or self.at >= made)


def asked_exports(controller: Controller, now: datetime) -> tuple[AskedExport, ...]:
    """Return what was asked for and has not expired, the newest first. Raises LedgerError."""
    asked, confirmations = (
        _entries(controller, AccessFilter(action=action, since=now - LIFETIME))
        for action in (Action.EXPORT_ASKED, Action.EXPORT_CONFIRMED)
    )
    return tuple(exports_of(asked, confirmations, now))


def _entries(controller: Controller, access_filter: AccessFilter) -> Iterator[LoggedAccess]:
    """Yield all entries of a filter, the newest first."""
    log, before = storage.access_log(controller), None
    while entries := log.page(before, _READ, access_filter):
        yield from entries
        before = entries[-1].number


def exports_of(
    asked: Iterable[LoggedAccess], confirmations: Iterable[LoggedAccess], now: datetime
) -> Iterator[AskedExport]:
    """Yield what entries of the access log ask for, each with the first confirmation by another account
    before it expired."""
    in_order = sorted(confirmations, key=lambda confirmation: confirmation.number)
    for entry in asked:
        export = AskedExport(entry.number, entry.at, entry.account, entry.detail)
        valid = (
            replace(export, confirmed_by=confirmation.account, confirmed_at=confirmation.at)
            for confirmation in in_order
            if confirmation.detail == _confirmation(entry.number)
            and confirmation.account != entry.account
            and confirmation.number > entry.number
            and confirmation.at < export.expires
        )
        if now < export.expires:
            yield next(valid, export)


def ask(controller: Controller, account: str, file: str, now: datetime, made: datetime | None = None) -> None:
    """Ask for a file, unless this account, `made` then, has asked for it already. Raises InformativaError
    where it asks for too many."""
    files = [export.file for export in asked_exports(controller, now) if export.is_of(account, made)]
    if file in files:
        return
    if len(files) >= MOST:
        raise InformativaError(
            Text("You asked for {count} exports already.", count=MOST),
            Text("Each can be taken for three days; ask again once one of them has expired."),
            code="export-too-many",
        )
    access_log.note(controller, account, Action.EXPORT_ASKED, now, facts=file)


def confirm(controller: Controller, number: int, account: str, now: datetime) -> None:
    """Confirm what another account asked for. Raises InformativaError where none did, or this one."""
    export = next((export for export in asked_exports(controller, now) if export.number == number), None)
    if export is None:
        raise InformativaError(
            Text("Nobody asks for that export any more: it has expired."),
            Text("Whoever needs it asks for it anew."),
            code="export-unknown",
        )
    if export.account == account:
        raise InformativaError(
            Text("You asked for this export yourself (four eyes)."),
            Text("Let a colleague confirm it, under an account of their own."),
            code="export-same-account",
        )
    if not export.confirmed_by:
        facts = _confirmation(number)
        access_log.note(controller, account, Action.EXPORT_CONFIRMED, now, facts=facts)


def confirmation_facts(
    controller: Controller, account: str, file: str, now: datetime, made: datetime | None = None
) -> str:
    """Return the words by which the access log names the confirmation of an export for this account, `made`
    then; '' where the company wants none. Raises InformativaError where it wants one that is missing."""
    if not controller.export_four_eyes:
        return ""
    for export in asked_exports(controller, now):
        if export.is_of(account, made) and export.file == file and export.confirmed_by:
            return _confirmation(export.number)
    raise _unconfirmed(controller)


def require_no_four_eyes(controller: Controller) -> None:
    """Raise InformativaError for a company whose exports need a second person, whom a shell cannot know: who
    is root there can be anybody."""
    if controller.export_four_eyes:
        raise _unconfirmed(controller)


def _unconfirmed(controller: Controller) -> InformativaError:
    return InformativaError(
        Text("{id} wants four eyes: a second person must confirm this export first.", id=controller.id),
        Text("Ask for it in the console; once a colleague has confirmed it, it stands under Exports."),
        code="export-four-eyes",
    )


def _confirmation(number: int) -> str:
    return f"asked={number}"
