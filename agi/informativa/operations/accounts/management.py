"""Accounts of the console, as the console and the command line manage them.

`folder` is where the accounts are: `web.folder` of the configuration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from ...model import Role
from ...model.errors import AccountError, InformativaError
from ...model.text import Text
from ..controllers import name_remedy, require_names
from ..document import Time
from . import store as stored
from .store import plain_name

LONGEST_HOURS = 7 * 24


@dataclass(frozen=True)
class Grant:
    """A role that somebody has for one controller."""

    controller: str
    """The controller's name in the configuration."""
    role: Role


@dataclass(frozen=True)
class Account:
    """Somebody who may log in."""

    schema: Literal[1] = field(default=1, init=False)
    """The version of all documents."""
    name: str
    grants: tuple[Grant, ...]
    """His roles, by controller; for others he has none."""
    app: bool
    """True if he has to give the code of an app, too."""
    passkeys: int
    """The number of his passkeys, any of which stands for that code."""
    recovery_codes: int
    """The number of his unused recovery codes."""
    changed: Time
    """The time at which his way in or his roles were changed last, or all his sessions were ended."""
    last_login: Time | None
    """The time of his last log-in; null where none is known."""
    failures: int
    """The number of attempts to log in as him that failed since."""


@dataclass(frozen=True)
class Invitation:
    """An invitation that nobody has used yet."""

    name: str
    grants: tuple[Grant, ...]
    """His roles once he uses it."""
    until: Time
    """The time at which it ends."""


@dataclass(frozen=True)
class Accounts:
    """All accounts of the console, and open invitations, by name; never their passwords."""

    accounts: tuple[Account, ...]
    invitations: tuple[Invitation, ...]
    """Invitations of those who did not come yet."""


@dataclass(frozen=True)
class Invited:
    """An invitation that was made."""

    name: str
    grants: tuple[Grant, ...]
    """His roles once he uses it."""
    link: str
    """The address where he chooses a password: whoever has it becomes him. It is kept nowhere."""
    until: Time
    """The time at which it ends."""


@dataclass(frozen=True)
class AccountRemoved:
    """An account, or an invitation, that is no more."""

    name: str


def invite(
    folder: Path,
    all_controllers: Sequence[str],
    name: str,
    role: Role | None,
    controllers: Sequence[str],
    hours: int,
    now: datetime,
    *,
    address: str,
) -> Invited:
    """Create an invitation for a new person, or for one who forgot the password: without a `role` the grants
    stay as they are. `all_controllers` are the names of all controllers; where `controllers` is empty, the
    only one is meant. `address` is that of the console, where the link leads.

    Raises InformativaError.
    """
    if not 0 < hours <= LONGEST_HOURS:
        raise InformativaError(
            Text("An invitation is good for 1 to {most} hours.", most=LONGEST_HOURS),
            Text("Type it like --hours 24."),
        )
    store, name = stored.AccountFile(folder), plain_name(name)
    account = store.get(name)
    if role is not None:
        grants: stored.Grants = dict.fromkeys(_controllers_of(all_controllers, controllers), role)
    elif account is not None:
        grants = account.grants
    else:
        raise InformativaError(
            Text("It is not said what {name} may do.", name=name),
            Text("Add --role reader, compliance or admin."),
        )
    expiry = now + timedelta(hours=hours)
    token = store.invite(name, grants, expiry)
    return Invited(name, _grants(grants), f"{address}invitation/{token}", expiry)


def accounts(folder: Path, now: datetime) -> Accounts:
    """Return all accounts and open invitations. Raises AccountError."""
    store = stored.AccountFile(folder)
    invitations = (
        Invitation(invitation.name, _grants(invitation.grants), invitation.expires)
        for invitation in store.invitations()
        if now < invitation.expires
    )
    return Accounts(tuple(_account(account) for account in store.all()), tuple(invitations))


def grant(
    folder: Path,
    all_controllers: Sequence[str],
    name: str,
    role: Role | None,
    controllers: Sequence[str],
    now: datetime,
) -> Account:
    """Give somebody a role for these controllers, or with `None` take it away; roles for others stay. A
    session under the account ends. Raises InformativaError."""
    store = stored.AccountFile(folder)
    account = _account_of(store, name)
    granted = account.grants if role is None else ()  # a controller that is gone
    roles = dict.fromkeys(_controllers_of((*all_controllers, *granted), controllers), role)
    return _account(store.change(name, roles, now))


def log_out(folder: Path, name: str, now: datetime) -> Account:
    """End all sessions of an account. Raises AccountError."""
    store = stored.AccountFile(folder)
    return _account(store.change(_account_of(store, name).name, {}, now))


def remove(folder: Path, name: str) -> AccountRemoved:
    """Remove an account, and an invitation of that name. A session under the account ends. Raises
    AccountError."""
    store = stored.AccountFile(folder)
    if all(invitation.name != plain_name(name) for invitation in store.invitations()):
        _account_of(store, name)
    store.remove(name)
    return AccountRemoved(plain_name(name))


def grants_of(folder: Path, name: str) -> tuple[Grant, ...]:
    """Return the roles of an account and those of an open invitation of its name; none of a name that nobody
    has. Raises AccountError."""
    store, name = stored.AccountFile(folder), plain_name(name)
    account = store.get(name)
    invited = (invitation.grants for invitation in store.invitations() if invitation.name == name)
    grants = [*([account.grants] if account else []), *invited]
    return tuple(grant for roles in grants for grant in _grants(roles))


def _account(account: stored.UserAccount) -> Account:
    history = account.history
    return Account(
        account.name,
        _grants(account.grants),
        bool(account.totp_secret),
        len(account.passkeys),
        len(account.recovery_codes),
        account.changed,
        history.last.at if history.last else None,
        history.failures,
    )


def _grants(grants: stored.Grants) -> tuple[Grant, ...]:
    return tuple(Grant(controller, role) for controller, role in sorted(grants.items()))


def _account_of(store: stored.AccountFile, name: str) -> stored.UserAccount:
    """Return the account of that name. Raises AccountError with the one that was probably meant."""
    account = store.get(plain_name(name))
    if account is None:
        names = [account.name for account in store.all()]
        raise AccountError(
            Text("There is no account {name}.", name=plain_name(name)),
            name_remedy(plain_name(name), names),
            code="account-unknown",
        )
    return account


def _controllers_of(all_controllers: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Return the controllers of these names, or the only one. Raises InformativaError."""
    all_controllers = tuple(dict.fromkeys(all_controllers))
    require_names(names, all_controllers)
    for name in names:
        if name not in all_controllers:
            raise InformativaError(
                Text("There is no controller {name}.", name=name), name_remedy(name, all_controllers)
            )
    return tuple(dict.fromkeys(names or all_controllers))
