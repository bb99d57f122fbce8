"""Accounts and invitations of the console, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...model import Role
from ...model.text import Text
from ...operations.accounts.management import Account, AccountRemoved, Accounts, Grant, Invited
from ...operations.accounts.user_account import Way
from ..messages import Language
from ..times import local_day, local_time

ROLES = {
    Role.READER: Text("reader"),
    Role.COMPLIANCE: Text("compliance"),
    Role.ADMIN: Text("admin"),
}
"""The name of each role."""
WAYS = {
    Way.PASSWORD: Text("password"),
    Way.APP: Text("password and the code of an app"),
    Way.PASSKEY: Text("password and a passkey"),
    Way.RECOVERY: Text("password and a recovery code"),
    Way.PROVIDER: Text("as the identity provider says"),
}
"""The name of each way to log in."""


def invited(invitation: Invited, say: Language) -> Iterator[str]:
    """Yield the link by which a password is chosen, and the roles that it gives. Times are the reader's."""
    end = local_time(invitation.until)
    yield say(
        "{name} chooses a password here, once, until {until}: {link}",
        name=invitation.name,
        until=end,
        link=invitation.link,
    )
    yield say("Then {name} may: {grants}", name=invitation.name, grants=grants(invitation.grants, say))
    yield say("Whoever has this link becomes {name}: send it to nobody else.", name=invitation.name)


def accounts(result: Accounts, say: Language) -> Iterator[str]:
    """Yield a line for each account, and for each invitation."""
    for account in result.accounts:
        parts = (grants(account.grants, say), _way_in(account, say), _last_login(account, say))
        yield f"{account.name}: {'; '.join(filter(None, parts))}"
    for invitation in result.invitations:
        end = local_time(invitation.until)
        validity = say("invited until {until}", until=end)
        yield f"{invitation.name}: {grants(invitation.grants, say)}; {validity}"
    if not result.accounts and not result.invitations:
        yield say(
            "Nobody may use the console yet. Type:"
            " informativa web invite NAME --role admin --controller COMPANY"
        )


def granted(account: Account, say: Language) -> Iterator[str]:
    """Yield the roles that an account has now."""
    yield say("{name} may now: {grants}", name=account.name, grants=grants(account.grants, say))


def logged_out(account: Account, say: Language) -> Iterator[str]:
    """Yield the message that all sessions of an account are over."""
    yield say("All sessions of {name} are over.", name=account.name)


def removed(result: AccountRemoved, say: Language) -> Iterator[str]:
    """Yield the message that an account was removed."""
    yield say("{name} may not use the console any more.", name=result.name)


def grants(roles: Sequence[Grant], say: Language) -> str:
    """Return roles with their controllers: `admin (acme, beta), reader (gamma)`."""
    by_role = {
        role: sorted(grant.controller for grant in roles if grant.role is role)
        for role in reversed(list(Role))
    }
    parts = [f"{say(ROLES[role])} ({', '.join(names)})" for role, names in by_role.items() if names]
    return ", ".join(parts) or say("nothing")


def _way_in(account: Account, say: Language) -> str:
    day = local_day(account.changed)
    if account.app and account.passkeys:
        return say("password, and the code of an app or a passkey, since {day}", day=day)
    if account.passkeys:
        return say("password and a passkey, since {day}", day=day)
    if account.app:
        return say("password and the code of an app, since {day}", day=day)
    return say("password, since {day}", day=day)


def _last_login(account: Account, say: Language) -> str:
    """Return the time of the last log-in, and the attempts that failed since; '' where nothing is known."""
    login = account.last_login and say("last log-in {time}", time=local_time(account.last_login))
    failures = account.failures and say(
        Text.counted(
            "{count} attempt failed since",
            "{count} attempts failed since",
            account.failures,
            count=account.failures,
        )
    )
    return ", ".join(filter(None, (login or "", failures or "")))
