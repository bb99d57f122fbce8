"""Accounts of the console, as the console and the command line manage them.

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
    """An invitation for one person, who chooses a password by it."""

    name: str
    grants: Grants
    """The roles that the person has then, by controller."""
    token: str
    """The secret in the person's link: shown once, and stored nowhere."""
    until: datetime
    """The time at which the invitation expires."""


@dataclass(frozen=True)
class AccountsFound:
    """All accounts of the console, and the invitations that are still open, by name."""

    accounts: tuple[Account, ...]
    invitations: tuple[Invitation, ...]


def invite(
    folder: Path,
    all_controllers: Sequence[str],
    name: str,
    role: Role | None,
    controllers: Sequence[str],
    hours: int,
    now: datetime,
) -> Invited:
    """Create an invitation for a new person, or for one who forgot the password: without a `role` the grants
    stay as they are. `all_controllers` are the names of all controllers; where `controllers` is empty, the
    only one is meant.

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
        grants: Grants = dict.fromkeys(_chosen(all_controllers, controllers), role)
    elif account is not None:
        grants = account.grants
    else:
        raise InformativaError(
            Text("It is not said what {name} may do.", name=name),
            Text("Add --role reader, compliance or admin."),
        )
    expiry = now + timedelta(hours=hours)
    return Invited(name, grants, accounts.invite(name, grants, expiry), expiry)


def accounts(folder: Path, now: datetime) -> AccountsFound:
    """Return all accounts and open invitations. Raises AccountError."""
    store = Accounts(folder)
    return AccountsFound(
        tuple(store.all()), tuple(invitation for invitation in store.invitations() if now < invitation.until)
    )


def grant(
    folder: Path,
    all_controllers: Sequence[str],
    name: str,
    role: Role | None,
    controllers: Sequence[str],
    now: datetime,
    *,
    vouched: bool = False,
) -> Account:
    """Give somebody a role for these controllers, or with `None` take it away; roles for others stay. A
    session under the account ends. Where a web server says who somebody is (`vouched`), a person without an
    account gets one without an invitation. Raises InformativaError."""
    accounts, create = Accounts(folder), vouched and role is not None
    account = accounts.get(plain_name(name)) if create else _named(accounts, name)
    granted = account.grants if account and role is None else ()  # a controller that is gone
    roles = dict.fromkeys(_chosen((*all_controllers, *granted), controllers), role)
    return accounts.change(name, roles, now, make=create)


def remove(folder: Path, name: str) -> str:
    """Remove an account, and an invitation of that name; return the name. A session under the account ends.
    Raises AccountError."""
    accounts = Accounts(folder)
    if all(invitation.name != plain_name(name) for invitation in accounts.invitations()):
        _named(accounts, name)
    accounts.remove(name)
    return plain_name(name)


def _named(accounts: Accounts, name: str) -> Account:
    """Return the account of that name. Raises AccountError with the one that was probably meant."""
    account = accounts.get(plain_name(name))
    if account is None:
        names = [account.name for account in accounts.all()]
        raise AccountError(
            Text("There is no account {name}.", name=plain_name(name)),
            known(plain_name(name), names),
            code="account-unknown",
        )
    return account


def _chosen(all_controllers: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Return the controllers of these names, or the only one. Raises InformativaError."""
    all_controllers = tuple(dict.fromkeys(all_controllers))
    require_names(names, all_controllers)
    for name in names:
        if name not in all_controllers:
            raise InformativaError(
                Text("There is no controller {name}.", name=name), known(name, all_controllers)
            )
    return tuple(dict.fromkeys(names or all_controllers))
