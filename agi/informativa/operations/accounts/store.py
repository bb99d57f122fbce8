"""The accounts of the console, and invitations to get one, in a file.

The file is for its owner alone, and is replaced as a whole under a lock, so that two processes (the console
and a command) do not lose each other's change. Of an invitation it holds no more than the SHA-256 of its
token: nobody who reads a copy of the file can use it to log in. An account is made by its owner alone, so
none exists without a password that its owner chose.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...model import Role
from ...model.errors import AccountError
from ...model.text import Foreign, Text
from ...system.files import create, make_folder, open_for_replacement, read_foreign
from . import totp
from .passwords import Passwords, checked

if TYPE_CHECKING:
    from argon2 import PasswordHasher

VERSION = 1
_NAME = re.compile(r"[a-z0-9._@-]{1,64}")
_TOKEN_SIZE = 32  # bytes
_LARGEST_FILE = 8 << 20  # bytes: tens of thousands of accounts
_OTHERS = 0o077

Grants = Mapping[str, Role]
"""The roles of an account, by the id of the controller; no rights for any other controller."""


@dataclass(frozen=True)
class UserAccount:
    """An account of the console. `totp_secret` is in base 32, '' without an app; `last_step` is that of the
    last code used. Sessions that began before `changed` are void: then the password or the grants changed."""

    name: str
    grants: Grants
    password_hash: str = field(repr=False)
    totp_secret: str = field(repr=False)
    changed: datetime
    last_step: int = 0

    def may(self, controller: str, needed: Role) -> bool:
        """Return whether the account has, for this controller, the rights of `needed`."""
        role = self.grants.get(controller)
        return role is not None and role.may(needed)


@dataclass(frozen=True)
class OpenInvitation:
    """An unused invitation: the name and the grants of the future account, and the time when it expires."""

    name: str
    grants: Grants
    expires: datetime


@dataclass(frozen=True)
class _State:
    """All that the file holds; invitations by the SHA-256 of their token, in hexadecimal."""

    accounts: Mapping[str, UserAccount]
    invitations: Mapping[str, OpenInvitation]


_NOTHING = _State({}, {})


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


class AccountFile:
    """The accounts in FOLDER/accounts.json, for any number of threads and processes. Blocking: a password
    takes some 50 ms of the processor, a change two syncs of the disk.

    Every method raises AccountError when the file cannot be read or written, or when others can read it.
    """

    def __init__(self, folder: Path, hasher: PasswordHasher | None = None) -> None:
        self.file = folder / "accounts.json"
        self._passwords = Passwords(hasher)
        self._cached: tuple[tuple[int, ...], _State] | None = None

    def get(self, name: str) -> UserAccount | None:
        """Return the account of that name, in any case."""
        with suppress(AccountError):
            name = plain_name(name)
        return self._state().accounts.get(name)

    def all(self) -> list[UserAccount]:
        """Return all accounts, by name."""
        return [account for _name, account in sorted(self._state().accounts.items())]

    def invitations(self) -> list[OpenInvitation]:
        """Return all unused invitations, by name; also expired ones."""
        return sorted(self._state().invitations.values(), key=lambda invitation: invitation.name)

    def invite(self, name: str, grants: Grants, until: datetime) -> str:
        """Create an invitation and return its token (43 characters, for a link), which is stored nowhere.

        An existing account of that name keeps its password and its grants until the invitation is used. An
        earlier invitation of that name becomes void.
        """
        name, token = plain_name(name), secrets.token_urlsafe(_TOKEN_SIZE)
        with self._changing() as change:
            invitations = {
                key: invitation
                for key, invitation in change.state.invitations.items()
                if invitation.name != name
            }
            invitations[_digest(token)] = OpenInvitation(name, dict(grants), until)
            change.state = replace(change.state, invitations=invitations)
        return token

    def invitation(self, token: str, now: datetime) -> OpenInvitation | None:
        """Return the invitation of a token; `None` for one that was used, has expired, or never existed."""
        return _valid_invitation(self._state(), token, now)

    def accept(
        self, token: str, password: str, totp_secret: str, now: datetime, used_step: int = 0
    ) -> UserAccount:
        """Create or replace the account that the token is for. The invitation is used up then, and so is the
        code of the app of `used_step`, by which the owner showed that its secret works. Raises AccountError
        for a token without a valid invitation, and for a password that is not acceptable."""
        invitation = self._require_valid(_valid_invitation(self._state(), token, now))
        hashed = self._passwords.hashed(checked(password, invitation.name))
        with self._changing() as change:
            current = self._require_valid(_valid_invitation(change.state, token, now))
            account = UserAccount(current.name, current.grants, hashed, totp_secret, now, used_step)
            accounts = {**change.state.accounts, current.name: account}
            invitations = {
                key: other
                for key, other in change.state.invitations.items()
                if other.name != current.name and other.expires > now
            }
            change.state = _State(accounts, invitations)
        return account

    def verify(self, name: str, password: str, code: str, now: datetime) -> UserAccount | None:
        """Return the account if the password is right, and so is the code of its app, where it has one; that
        code is used up then. It takes as long for a name that does not exist."""
        account = self.get(name)
        hashed = account.password_hash if account else self._passwords.nobodys()
        if not self._passwords.matches(password, hashed) or account is None:
            return None
        step = account.last_step
        if account.totp_secret:
            matching = totp.matching_step(account.totp_secret, code, now, step)
            if matching is None:
                return None
            step = matching
        new_hash = self._passwords.renewed(password, hashed)
        if step == account.last_step and new_hash == hashed:
            return account
        return self._record_login(account, step, new_hash)

    def change(
        self, name: str, roles: Mapping[str, Role | None], now: datetime, *, make: bool = False
    ) -> UserAccount:
        """Set these roles of an account for these controllers, or take them away (`None`); others stay as
        they are. With `make` a missing account is created, one without a log-in by password. Raises
        AccountError for a missing one otherwise."""
        name = plain_name(name)
        with self._changing() as change:
            account = change.state.accounts.get(name)
            if account is None and make:
                account = UserAccount(name, {}, "", "", now)
            if account is None:
                raise _no_account(name)
            grants = {key: role for key, role in {**account.grants, **roles}.items() if role is not None}
            account = replace(account, grants=grants, changed=now)
            change.state = replace(change.state, accounts={**change.state.accounts, name: account})
        return account

    def remove(self, name: str) -> None:
        """Remove an account, and the invitation of that name. Raises AccountError where there is neither."""
        name = plain_name(name)
        with self._changing() as change:
            accounts = {key: entry for key, entry in change.state.accounts.items() if key != name}
            invitations = {
                key: entry for key, entry in change.state.invitations.items() if entry.name != name
            }
            if (len(accounts), len(invitations)) == (
                len(change.state.accounts),
                len(change.state.invitations),
            ):
                raise _no_account(name)
            change.state = _State(accounts, invitations)

    def _record_login(self, verified: UserAccount, step: int, new_hash: str) -> UserAccount | None:
        """Store the step and the hash of a log-in. Return `None` if another log-in has used this code or a
        later one meanwhile, or the account was changed."""
        with self._changing() as change:
            account = change.state.accounts.get(verified.name)
            same = account is not None and account.password_hash in (verified.password_hash, new_hash)
            if account is None or not same or account.totp_secret != verified.totp_secret:
                return None
            if account.totp_secret and account.last_step >= step:
                return None
            account = replace(account, last_step=step, password_hash=new_hash)
            change.state = replace(change.state, accounts={**change.state.accounts, account.name: account})
        return account

    @staticmethod
    def _require_valid(invitation: OpenInvitation | None) -> OpenInvitation:
        if invitation is None:
            raise AccountError(
                Text("This invitation has been used, has expired, or never existed."),
                Text("Ask for a new one: informativa web invite NAME"),
                code="invitation",
            )
        return invitation

    def _state(self) -> _State:
        with self._translated():
            try:
                status = self.file.stat(follow_symlinks=False)
            except FileNotFoundError:
                return _NOTHING
            identity = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_mode)
            if self._cached is None or self._cached[0] != identity:
                self._cached = identity, self._read_state(status)
            return self._cached[1]

    def _read_state(self, status: os.stat_result) -> _State:
        if stat.S_ISREG(status.st_mode) and status.st_mode & _OTHERS:
            raise AccountError(
                Text(
                    "Others than its owner can read {file}, which holds the console's passwords.",
                    file=self.file,
                ),
                Text("Type: chmod 600 {file}", file=self.file),
            )
        data = read_foreign(self.file, _LARGEST_FILE)
        try:
            facts = json.loads(data or b"")
            version = facts["version"]
            if version == VERSION:
                return _state_of(facts)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise AccountError(
                Text("{file} does not hold the console's accounts.", file=self.file),
                Text("Put a backup in its place, or move it away and invite everybody anew."),
            ) from error
        raise AccountError(
            Text(
                "{file} is of another informativa (version {version}).", file=self.file, version=str(version)
            ),
            Text("Use the informativa that wrote it, or a newer one."),
        )

    @contextmanager
    def _changing(self) -> Iterator[_Change]:
        """Yield the newest state, which nobody else changes meanwhile; write it to the disk at the end."""
        with self._translated(), self._locked():
            change = _Change(self._state())
            yield change
            data = json.dumps(_facts(change.state), indent=1).encode()
            if len(data) > _LARGEST_FILE:
                raise AccountError(Text("There are too many accounts for {file}.", file=self.file))
            with open_for_replacement(self.file, most=0o600, for_folders_owner=True, durable=True) as out:
                out.write(data)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock, a separate file because the other one is replaced. The system releases it if the
        process dies."""
        folder = self.file.parent
        make_folder(folder, mode=0o700)
        lock = self.file.with_suffix(".lock")
        with suppress(FileExistsError):
            create(lock, like=folder.stat())
        descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise AccountError(
                Text(
                    "The console's accounts in {file} cannot be used ({why}).",
                    file=self.file,
                    why=Foreign(error.strerror or ""),
                ),
                Text("Run this as the user who owns {folder}.", folder=self.file.parent),
            ) from error


@dataclass
class _Change:
    state: _State


def _valid_invitation(state: _State, token: str, now: datetime) -> OpenInvitation | None:
    invitation = state.invitations.get(_digest(token))
    return invitation if invitation is not None and now < invitation.expires else None


def _digest(token: str) -> str:
    """Return the SHA-256 of a token. 256 random bits need no slower hash, and a look-up by it gives nothing
    away by its duration."""
    return sha256(token.encode("utf-8", "replace")).hexdigest()


def _no_account(name: str) -> AccountError:
    return AccountError(Text("There is no account {name}.", name=name), code="account-unknown")


def _state_of(facts: Mapping[str, Any]) -> _State:
    """Return the state of a parsed file. Raises ValueError, KeyError, TypeError and AttributeError for any
    other content."""
    accounts = {
        name: UserAccount(
            name,
            _grants(fields["grants"]),
            str(fields["password"]),
            str(fields["totp"]),
            _time(fields["changed"]),
            int(fields["step"]),
        )
        for name, fields in facts["accounts"].items()
    }
    invitations = {
        key: OpenInvitation(fields["name"], _grants(fields["grants"]), _time(fields["until"]))
        for key, fields in facts["invitations"].items()
    }
    return _State(accounts, invitations)


def _grants(facts: Mapping[str, str]) -> Grants:
    return {controller: Role(role) for controller, role in facts.items()}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _facts(state: _State) -> dict[str, object]:
    return {
        "version": VERSION,
        "accounts": {
            name: {
                "grants": dict(entry.grants),
                "password": entry.password_hash,
                "totp": entry.totp_secret,
                "step": entry.last_step,
                "changed": entry.changed.isoformat(),
            }
            for name, entry in sorted(state.accounts.items())
        },
        "invitations": {
            key: {"name": entry.name, "grants": dict(entry.grants), "until": entry.expires.isoformat()}
            for key, entry in sorted(state.invitations.items())
        },
    }
