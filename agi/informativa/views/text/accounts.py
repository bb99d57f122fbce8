"""Accounts and invitations of the console, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ...accounts import Account, Grants
from ...model import Role
from ...operations.accounts import AccountsFound, Invited
from ...text import Text
from ..messages import Language

ROLES = {
    Role.READER: Text("reader"),
    Role.COMPLIANCE: Text("compliance"),
    Role.ADMIN: Text("admin"),
}
"""What a role is called."""
_DAY, _MINUTE = "%Y-%m-%d", "%Y-%m-%d %H:%M"


def invited(invitation: Invited, link: str, say: Language) -> Iterator[str]:
    """The `link` that has the token in it, and what it is good for. Times are the reader's."""
    end = invitation.until.astimezone().strftime(_MINUTE)
    yield say(
        "{name} chooses a password here, once, until {until}: {link}",
        name=invitation.name,
        until=end,
        link=link,
    )
    yield say("Then {name} may: {grants}", name=invitation.name, grants=grants(invitation.grants, say))
    yield say("Whoever has this link becomes {name}: send it to nobody else.", name=invitation.name)


def found(result: AccountsFound, say: Language) -> Iterator[str]:
    """Yield a line for each account, and for each invitation."""
    for account in result.accounts:
        yield f"{account.name}: {grants(account.grants, say)}; {_way_in(account, say)}"
    for invitation in result.invitations:
        end = invitation.until.astimezone().strftime(_MINUTE)
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


def removed(name: str, say: Language) -> Iterator[str]:
    """Yield the message that an account was removed."""
    yield say("{name} may not use the console any more.", name=name)


def grants(roles: Grants, say: Language) -> str:
    """Roles with their controllers: `admin (acme, beta), reader (gamma)`."""
    by_role = {
        role: sorted(name for name, held_role in roles.items() if held_role is role)
        for role in reversed(list(Role))
    }
    parts = [f"{say(ROLES[role])} ({', '.join(names)})" for role, names in by_role.items() if names]
    return ", ".join(parts) or say("nothing")


def _way_in(account: Account, say: Language) -> str:
    day = account.changed.astimezone().strftime(_DAY)
    if account.totp_secret:
        return say("password and the code of an app, since {day}", day=day)
    return say("password, since {day}", day=day)
