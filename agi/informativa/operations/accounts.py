"""Who may use the console, as the console and the command line have it arranged.

`folder` is where the accounts are: `web.folder` of the configuration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ..accounts import Account, Accounts, Grants, Invitation, plain_name
from ..errors import AccountError, InformativaError
from ..model import Role
from ..text import Text
from .controllers import known, require_names

LONGEST_HOURS = 7 * 24


@dataclass(frozen=True)
class Invited:
    """A way in for one person, who chooses a password there: what he may then, and until when it is good.
    `token` goes into his link, is shown once, and kept nowhere."""

    name: str
    grants: Grants
    token: str
    until: datetime


@dataclass(frozen=True)
class AccountsFound:
    """Everybody who may use the console, and who is invited and did not come yet, by name."""

    accounts: tuple[Account, ...]
    invitations: tuple[Invitation, ...]


def invite(
    folder: Path,
    there: Sequence[str],
    name: str,
    role: Role | None,
    controllers: Sequence[str],
    hours: int,
    now: datetime,
) -> Invited:
    """Make a link's token for somebody new, or for somebody who forgot his password: without a `role` he may
    then what he may now. `there` are all controllers; without any named, it is about the only one.

    Raises InformativaError.
    """
    if not 0 < hours <= LONGEST_HOURS:
        raise InformativaError(
            Text("An invitation is good for 1 to {most} hours.", most=LONGEST_HOURS),
            Text("Type it like --hours 24."),
        )
    accounts, name = Accounts(folder), plain_name(name)
    account = accounts.get(name)
    if role is not None:
        grants: Grants = dict.fromkeys(_chosen(there, controllers), role)
    elif account is not None:
        grants = account.grants
    else:
        raise InformativaError(
            Text("It is not said what {name} may do.", name=name),
            Text("Add --role reader, compliance or admin."),
        )
    until = now + timedelta(hours=hours)
    return Invited(name, grants, accounts.invite(name, grants, until), until)


def accounts(folder: Path, now: datetime) -> AccountsFound:
    """Raises AccountError."""
    found = Accounts(folder)
    return AccountsFound(tuple(found.all()), tuple(each for each in found.invitations() if now < each.until))


def grant(
    folder: Path,
    there: Sequence[str],
    name: str,
    role: Role | None,
    controllers: Sequence[str],
    now: datetime,
    *,
    vouched: bool = False,
) -> Account:
    """Give somebody a role for these controllers, or none any more; for others he keeps his. Whoever is
    logged in by it has to log in anew. Where a web server says who somebody is (`vouched`), one that has no
    account gets it without an invitation. Raises InformativaError."""
    accounts, make = Accounts(folder), vouched and role is not None
    account = accounts.get(plain_name(name)) if make else _named(accounts, name)
    also = account.grants if account and role is None else ()  # a controller that is gone
    roles = dict.fromkeys(_chosen((*there, *also), controllers), role)
    return accounts.change(name, roles, now, make=make)


def remove(folder: Path, name: str) -> str:
    """Remove an account, and an invitation of that name; the name. Whoever is logged in by it is not any
    more. Raises AccountError."""
    accounts = Accounts(folder)
    if all(each.name != plain_name(name) for each in accounts.invitations()):
        _named(accounts, name)
    accounts.remove(name)
    return plain_name(name)


def _named(accounts: Accounts, name: str) -> Account:
    """Raises AccountError with the one that was probably meant."""
    account = accounts.get(plain_name(name))
    if account is None:
        names = [each.name for each in accounts.all()]
        raise AccountError(
            Text("There is no account {name}.", name=plain_name(name)),
            known(plain_name(name), names),
            code="account-unknown",
        )
    return account


def _chosen(there: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Those named, or the only one. Raises InformativaError."""
    there = tuple(dict.fromkeys(there))
    require_names(names, there)
    for name in names:
        if name not in there:
            raise InformativaError(Text("There is no controller {name}.", name=name), known(name, there))
    return tuple(dict.fromkeys(names or there))
