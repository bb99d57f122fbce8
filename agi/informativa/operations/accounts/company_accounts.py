"""Accounts of one company, as its own admins lead them: they give rights for that company alone.

Each rule is checked while nobody else changes the accounts, so that two admins at once cannot break it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ...model import Role
from ...model.errors import AccountError
from ...model.text import Text
from . import factors
from .store import AccountFile, plain_name
from .user_account import AccountTable, Grants, OpenInvitation, UserAccount

INVITATION_HOURS = 24


@dataclass(frozen=True)
class CompanyAccounts:
    """The accounts that have a role at a company, and its open invitations, by name."""

    accounts: tuple[UserAccount, ...]
    invitations: tuple[OpenInvitation, ...]


@dataclass(frozen=True)
class Admin:
    """An admin at work: his account, the company, and the account as an identity provider describes it, where
    he logged in there."""

    name: str
    controller: str
    of_provider: UserAccount | None = None


def of_company(file: AccountFile, controller: str, now: datetime) -> CompanyAccounts:
    """Return the accounts of a company. Raises AccountError."""
    return CompanyAccounts(
        tuple(account for account in file.all() if controller in account.grants),
        tuple(
            invitation
            for invitation in file.invitations()
            if controller in invitation.grants and now < invitation.expires
        ),
    )


def is_protected(account: UserAccount) -> bool:
    """Return whether the account asks for more than the password."""
    return factors.is_protected(account)


def invite(file: AccountFile, admin: Admin, name: str, role: Role, now: datetime) -> str:
    """Invite somebody to the company, and return the token of the link; somebody who has a role there keeps
    it, and gets another way in. Raises AccountError for a name that has rights at a company of which `admin`
    is no admin: whoever had the link would have that account."""
    name = plain_name(name)

    def grants_in(table: AccountTable) -> Grants:
        by, account = _require_admin(table, admin), table.accounts.get(name)
        grants = _invited_grants(table, name, now) | {admin.controller: role}
        grants |= account.grants if account else {}
        if not all(by.may(controller, Role.ADMIN) for controller in grants):
            raise AccountError(
                Text("The account {name} is of another company, too.", name=name),
                Text(
                    "Choose another name, or have whoever runs the machine type: informativa web grant {name}"
                    " --role {role} --controller {controller}",
                    name=name,
                    role=str(role),
                    controller=admin.controller,
                ),
            )
        return grants

    return file.invite(name, grants_in, now + timedelta(hours=INVITATION_HOURS))


def set_role(file: AccountFile, admin: Admin, name: str, role: Role | None, now: datetime) -> None:
    """Give somebody another role at the company, or none; his sessions end. Raises AccountError, also where
    he has none there yet, or nobody would be admin any more."""
    name = plain_name(name)

    def check(table: AccountTable) -> None:
        _require_admin(table, admin)
        _require_member(table, admin, name)
        _require_other_admin(table, admin, name, role)

    file.change(name, {admin.controller: role}, now, check=check)


def end_sessions(file: AccountFile, admin: Admin, name: str, now: datetime) -> None:
    """End all sessions of somebody who has a role at the company. Raises AccountError."""
    name = plain_name(name)

    def check(table: AccountTable) -> None:
        _require_admin(table, admin)
        _require_member(table, admin, name)

    file.change(name, {}, now, check=check)


def withdraw(file: AccountFile, admin: Admin, name: str) -> None:
    """Make an open invitation to the company void. Raises AccountError."""
    name = plain_name(name)

    def check(table: AccountTable) -> None:
        by = _require_admin(table, admin)
        invitations = (invitation for invitation in table.invitations.values() if invitation.name == name)
        if not all(by.may(controller, Role.ADMIN) for one in invitations for controller in one.grants):
            raise AccountError(Text("The invitation of {name} is of another company, too.", name=name))

    file.withdraw(name, check)


def _invited_grants(table: AccountTable, name: str, now: datetime) -> dict[str, Role]:
    """Return the grants that an open invitation of that name would give."""
    return {
        controller: role
        for invitation in table.invitations.values()
        if invitation.name == name and now < invitation.expires
        for controller, role in invitation.grants.items()
    }


def _require_admin(table: AccountTable, admin: Admin) -> UserAccount:
    by = table.accounts.get(admin.name)
    if admin.of_provider is not None:  # as long as nobody here has that name
        by = admin.of_provider if by is None else None
    if by is None or not by.may(admin.controller, Role.ADMIN):
        raise AccountError(Text("You are no admin of this company any more."))
    return by


def _require_member(table: AccountTable, admin: Admin, name: str) -> None:
    account = table.accounts.get(name)
    if account is None or admin.controller not in account.grants:
        raise AccountError(Text("{name} has no role at this company.", name=name), code="account-unknown")


def _require_other_admin(table: AccountTable, admin: Admin, name: str, role: Role | None) -> None:
    """Raise AccountError if the account is the last admin of the company, and would be none with `role`."""
    account = table.accounts.get(name)
    if role is Role.ADMIN or account is None or not account.may(admin.controller, Role.ADMIN):
        return
    others = (other for other in table.accounts.values() if other.name != name)
    if not any(other.may(admin.controller, Role.ADMIN) for other in others):
        raise AccountError(
            Text("{name} is the last admin of this company.", name=name),
            Text("Make somebody else an admin first."),
        )
