"""Who may use the console, and who was invited: never their passwords."""

from __future__ import annotations

from ... import accounts
from ...model import Role
from ...operations import accounts as operation
from .shapes import Document, Shape, Time


class Grant(Shape):
    """What somebody may do for one controller."""

    controller: str
    """The controller's name in the configuration."""
    role: Role


class Account(Document):
    """Somebody who may log in."""

    name: str
    grants: list[Grant]
    """What he may do, by controller; for others nothing."""
    app: bool
    """Whether he has to give the code of an app, too."""
    changed: Time
    """When his password or what he may was changed last."""

    @classmethod
    def of(cls, account: accounts.Account) -> Account:
        """As the file has it."""
        return cls(
            name=account.name,
            grants=_grants(account.grants),
            app=bool(account.totp_secret),
            changed=account.changed,
        )


class Invitation(Shape):
    """An invitation that nobody has used yet."""

    name: str
    grants: list[Grant]
    """What he may do once he uses it."""
    until: Time
    """When it ends."""

    @classmethod
    def of(cls, invitation: accounts.Invitation) -> Invitation:
        """As the file has it, without its token."""
        return cls(name=invitation.name, grants=_grants(invitation.grants), until=invitation.until)


class Accounts(Document):
    """Who may use the console."""

    accounts: list[Account]
    invitations: list[Invitation]
    """Who is invited and did not come yet."""

    @classmethod
    def of(cls, found: operation.AccountsFound) -> Accounts:
        """By name."""
        return cls(
            accounts=[Account.of(each) for each in found.accounts],
            invitations=[Invitation.of(each) for each in found.invitations],
        )


class Invited(Document):
    """An invitation that was made."""

    name: str
    grants: list[Grant]
    """What he may do once he uses it."""
    link: str
    """Where he chooses a password: whoever has it becomes him. It is kept nowhere."""
    until: Time
    """When it ends."""

    @classmethod
    def of(cls, made: operation.Invited, link: str) -> Invited:
        """As it was made; the `link` has its token in it."""
        return cls(name=made.name, grants=_grants(made.grants), link=link, until=made.until)


class AccountRemoved(Document):
    """An account, or an invitation, that is no more."""

    name: str


def _grants(grants: accounts.Grants) -> list[Grant]:
    return [Grant(controller=controller, role=role) for controller, role in sorted(grants.items())]
