"""An account of the console, an unused invitation, and all of them: values, as the file has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ...model import Role
from ...model.errors import AccountError
from ...model.text import Text

_NAME = re.compile(r"[a-z0-9._@-]{1,64}")

Grants = Mapping[str, Role]
"""The roles of an account, by the id of the controller; no rights for any other controller."""


class Way(StrEnum):
    """The way in which somebody logged in: by the password alone, with a second factor of this kind, or as an
    identity provider said."""

    PASSWORD = "password"  # noqa: S105  # a word
    APP = "app"
    PASSKEY = "passkey"
    RECOVERY = "recovery"
    PROVIDER = "oidc"


@dataclass(frozen=True)
class LogIn:
    """A log-in: its time, the client's address, the way, and the browser (`Firefox, Windows`), '' for one
    that nobody knows."""

    at: datetime
    address: str
    way: Way
    browser: str


@dataclass(frozen=True)
class LoginHistory:
    """The last log-in of an account, and the attempts that failed since: their number, and the time and the
    address of the last one."""

    last: LogIn | None = None
    failures: int = 0
    failed_at: datetime | None = None
    failed_from: str = ""


NO_HISTORY = LoginHistory()


@dataclass(frozen=True)
class Passkey:
    """A passkey: its id and its public key (COSE) in base 64, the counter of its last answer, the name of the
    console that it belongs to, its owner's label for it, and when it was made and used last."""

    id: str
    public_key: str = field(repr=False)
    counter: int
    site: str
    label: str
    made: datetime
    used: datetime | None = None


@dataclass(frozen=True)
class UserAccount:
    """An account of the console. `totp_secret` is in base 32, '' without an app; `last_step` is that of the
    last code used; `recovery_codes` are the SHA-256 of those that are unused. Sessions that began before
    `changed` are void: then the way in or the grants changed, or somebody ended all sessions. `made` is when
    somebody got the name, which another one may have had before; `None` where that is not known."""

    name: str
    grants: Grants
    password_hash: str = field(repr=False)
    totp_secret: str = field(repr=False)
    changed: datetime
    last_step: int = 0
    recovery_codes: tuple[str, ...] = field(default=(), repr=False)
    history: LoginHistory = NO_HISTORY
    passkeys: tuple[Passkey, ...] = ()
    made: datetime | None = None

    def may(self, controller: str, needed: Role) -> bool:
        """Return whether the account has, for this controller, the rights of `needed`."""
        role = self.grants.get(controller)
        return role is not None and role.may(needed)


@dataclass(frozen=True)
class ProviderLogin:
    """A log-in at the identity provider: the account as it describes it, whose roles count for this session;
    there it is of `subject`, in the session `session_id` (or ''). It counts for so many `seconds`."""

    account: UserAccount
    subject: str
    session_id: str
    id_token: str = field(repr=False)
    seconds: float


@dataclass(frozen=True)
class OpenInvitation:
    """An unused invitation: the name and the grants of the future account, and the time when it expires."""

    name: str
    grants: Grants
    expires: datetime


@dataclass(frozen=True)
class AccountTable:
    """All accounts by their names, and invitations by the SHA-256 of their tokens, in hexadecimal."""

    accounts: Mapping[str, UserAccount]
    invitations: Mapping[str, OpenInvitation]


NO_ACCOUNTS = AccountTable({}, {})


def plain_name(text: str) -> str:
    """Return the name of an account in its stored form, in small letters. Raises AccountError."""
    name = text.strip(" \t").lower()
    if not text.isascii() or not _NAME.fullmatch(name):  # ß and the sign of Kelvin would be another's letters
        raise AccountError(
            Text("No account can have such a name."),
            Text("Use 1 to 64 characters: a-z, 0-9, . _ @ -, such as anna.rossi@example.com."),
            code="account-name",
        )
    return name
