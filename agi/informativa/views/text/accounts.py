"""Accounts and invitations of the console, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...model import Role
from ...model.text import Text
from ...operations.accounts.management import Account, AccountRemoved, Accounts, Grant, Invited
from ..messages import Language
from ..times import local_day, local_time

ROLES = {
    Role.READER: Text("reader"),
    Role.COMPLIANCE: Text("compliance"),
    Role.ADMIN: Text("admin"),
}
"""The name of each role."""


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
        yield f"{account.name}: {grants(account.grants, say)}; {_way_in(account, say)}"
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
    if account.app:
        return say("password and the code of an app, since {day}", day=day)
    return say("password, since {day}", day=day)
