"""Who may use the console, in a file: accounts, and invitations to have one.

The file is for its owner alone, and is replaced as a whole under a lock, so that two processes (the console
and a command) do not lose each other's change. Of an invitation it holds no more than the SHA-256 of its
token: whoever reads a copy of the file gets in by none. Nobody else makes an account, so none exists without
a password that its owner chose.
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

from . import totp
from .errors import AccountError
from .files import create, make_folder, putting, read_foreign
from .model import Role
from .passwords import Passwords, checked
from .text import Foreign, Text

if TYPE_CHECKING:
    from argon2 import PasswordHasher

VERSION = 1
_NAME = re.compile(r"[a-z0-9._@-]{1,64}")
_TOKEN_SIZE = 32  # bytes
_LARGEST_FILE = 8 << 20  # bytes: tens of thousands of accounts
_OTHERS = 0o077

Grants = Mapping[str, Role]
"""By the id of a controller, what somebody may do for it; for others nothing."""


@dataclass(frozen=True)
class Account:
    """Somebody who may log in. `totp_secret` is in base 32, '' without an app; `last_step` is that of the
    last code used. Sessions from before `changed` are void: then the password or the grants changed."""

    name: str
    grants: Grants
    password_hash: str = field(repr=False)
    totp_secret: str = field(repr=False)
    changed: datetime
    last_step: int = 0

    def may(self, controller: str, needed: Role) -> bool:
        """Whether he may do for this controller what `needed` may."""
        role = self.grants.get(controller)
        return role is not None and role.may(needed)


@dataclass(frozen=True)
class Invitation:
    """A way in that nobody has used yet: for whom, what he may then, and until when it is good."""

    name: str
    grants: Grants
    until: datetime


@dataclass(frozen=True)
class _State:
    """All that the file holds; invitations by the SHA-256 of their token, in hexadecimal."""

    accounts: Mapping[str, Account]
    invitations: Mapping[str, Invitation]


_NOTHING = _State({}, {})


def plain_name(text: str) -> str:
    """The name of an account as it is kept: in small letters. Raises AccountError."""
    name = text.strip(" \t").lower()
    if not text.isascii() or not _NAME.fullmatch(name):  # ß and the sign of Kelvin would be another's letters
        raise AccountError(
            Text("No account can have such a name."),
            Text("Use 1 to 64 characters: a-z, 0-9, . _ @ -, such as anna.rossi@example.com."),
            code="account-name",
        )
    return name


class Accounts:
    """The accounts in FOLDER/accounts.json, for any number of threads and processes. Blocking: a password
    takes some 50 ms of the processor, a change two syncs of the disk.

    Every method raises AccountError when the file cannot be read or written, or when others can read it.
    """

    def __init__(self, folder: Path, hasher: PasswordHasher | None = None) -> None:
        self.file = folder / "accounts.json"
        self._passwords = Passwords(hasher)
        self._read: tuple[tuple[int, ...], _State] | None = None

    def get(self, name: str) -> Account | None:
        """The account of that name, in any case."""
        with suppress(AccountError):
            name = plain_name(name)
        return self._state().accounts.get(name)

    def all(self) -> list[Account]:
        """All accounts, by name."""
        return [account for _name, account in sorted(self._state().accounts.items())]

    def invitations(self) -> list[Invitation]:
        """All invitations that were not used, by name; those whose time is over among them."""
        return sorted(self._state().invitations.values(), key=lambda each: each.name)

    def invite(self, name: str, grants: Grants, until: datetime) -> str:
        """Make a way in, and give its token (43 characters, for a link), which is kept nowhere.

        Somebody who has an account keeps it, with its password and its grants, until he uses it. An earlier
        invitation of that name is good no more.
        """
        name, token = plain_name(name), secrets.token_urlsafe(_TOKEN_SIZE)
        with self._changing() as change:
            kept = {key: each for key, each in change.state.invitations.items() if each.name != name}
            kept[_digest(token)] = Invitation(name, dict(grants), until)
            change.state = replace(change.state, invitations=kept)
        return token

    def invitation(self, token: str, now: datetime) -> Invitation | None:
        """What a token is good for; `None` for one that was used, is too old, or never was."""
        return _good(self._state(), token, now)

    def accept(
        self, token: str, password: str, totp_secret: str, now: datetime, used_step: int = 0
    ) -> Account:
        """Make or replace the account that the token is for; it is used up then, and so is the code of the
        app by whose step its secret was shown to work. Raises AccountError for a token that is good for
        nothing, and for a password that cannot be one."""
        invited = self._require(_good(self._state(), token, now))
        hashed = self._passwords.hashed(checked(password, invited.name))
        with self._changing() as change:
            found = self._require(_good(change.state, token, now))
            account = Account(found.name, found.grants, hashed, totp_secret, now, used_step)
            accounts = {**change.state.accounts, found.name: account}
            left = {
                key: each
                for key, each in change.state.invitations.items()
                if each.name != found.name and each.until > now
            }
            change.state = _State(accounts, left)
        return account

    def verify(self, name: str, password: str, code: str, now: datetime) -> Account | None:
        """The account, if the password is its own and so is the code of its app, where it has one; that code
        is used up then. It takes as long for a name that there is not."""
        account = self.get(name)
        hashed = account.password_hash if account else self._passwords.nobodys()
        if not self._passwords.fits(password, hashed) or account is None:
            return None
        step = account.last_step
        if account.totp_secret:
            found = totp.matching_step(account.totp_secret, code, now, step)
            if found is None:
                return None
            step = found
        renewed = self._passwords.renewed(password, hashed)
        if step == account.last_step and renewed == hashed:
            return account
        return self._logged_in(account, step, renewed)

    def change(
        self, name: str, roles: Mapping[str, Role | None], now: datetime, *, make: bool = False
    ) -> Account:
        """Give an account these roles for these controllers, or take them away (`None`); for others it keeps
        what it has. With `make` one that nobody logs in to by a password is made where there is none.
        Raises AccountError where there is none otherwise."""
        name = plain_name(name)
        with self._changing() as change:
            account = change.state.accounts.get(name)
            if account is None and make:
                account = Account(name, {}, "", "", now)
            if account is None:
                raise _no_account(name)
            given = {key: role for key, role in {**account.grants, **roles}.items() if role is not None}
            account = replace(account, grants=given, changed=now)
            change.state = replace(change.state, accounts={**change.state.accounts, name: account})
        return account

    def remove(self, name: str) -> None:
        """Remove an account, and the invitation of that name. Raises AccountError where there is neither."""
        name = plain_name(name)
        with self._changing() as change:
            accounts = {key: each for key, each in change.state.accounts.items() if key != name}
            left = {key: each for key, each in change.state.invitations.items() if each.name != name}
            if (len(accounts), len(left)) == (len(change.state.accounts), len(change.state.invitations)):
                raise _no_account(name)
            change.state = _State(accounts, left)

    def _logged_in(self, before: Account, step: int, renewed: str) -> Account | None:
        """It with what a login leaves; `None` where another one has used this code or a later one meanwhile,
        or the account was changed."""
        with self._changing() as change:
            account = change.state.accounts.get(before.name)
            same = account is not None and account.password_hash in (before.password_hash, renewed)
            if account is None or not same or account.totp_secret != before.totp_secret:
                return None
            if account.totp_secret and account.last_step >= step:
                return None
            account = replace(account, last_step=step, password_hash=renewed)
            change.state = replace(change.state, accounts={**change.state.accounts, account.name: account})
        return account

    @staticmethod
    def _require(invited: Invitation | None) -> Invitation:
        if invited is None:
            raise AccountError(
                Text("This invitation has been used, has expired, or never existed."),
                Text("Ask for a new one: informativa web invite NAME"),
                code="invitation",
            )
        return invited

    def _state(self) -> _State:
        with self._translated():
            try:
                found = self.file.stat(follow_symlinks=False)
            except FileNotFoundError:
                return _NOTHING
            identity = (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_mode)
            if self._read is None or self._read[0] != identity:
                self._read = identity, self._parsed(found)
            return self._read[1]

    def _parsed(self, found: os.stat_result) -> _State:
        if stat.S_ISREG(found.st_mode) and found.st_mode & _OTHERS:
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
        """The newest state, which nobody else changes meanwhile; what it is at the end is on the disk."""
        with self._translated(), self._locked():
            change = _Change(self._state())
            yield change
            data = json.dumps(_facts(change.state), indent=1).encode()
            if len(data) > _LARGEST_FILE:
                raise AccountError(Text("There are too many accounts for {file}.", file=self.file))
            with putting(self.file, most=0o600, for_folders_owner=True, durable=True) as out:
                out.write(data)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """A file of its own: the other one is replaced. It ends with whoever has it, however he ends."""
        folder = self.file.parent
        make_folder(folder, mode=0o700)
        lock = self.file.with_suffix(".lock")
        with suppress(FileExistsError):
            create(lock, like=folder.stat())
        opened = os.open(lock, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX)
            yield
        finally:
            os.close(opened)

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


def _good(state: _State, token: str, now: datetime) -> Invitation | None:
    found = state.invitations.get(_digest(token))
    return found if found is not None and now < found.until else None


def _digest(token: str) -> str:
    """No more is needed for 256 random bits; and by what is looked up, how long that takes tells nothing."""
    return sha256(token.encode("utf-8", "replace")).hexdigest()


def _no_account(name: str) -> AccountError:
    return AccountError(Text("There is no account {name}.", name=name), code="account-unknown")


def _state_of(facts: Mapping[str, Any]) -> _State:
    """Raises ValueError, KeyError, TypeError and AttributeError for what is none."""
    accounts = {
        name: Account(
            name,
            _grants(each["grants"]),
            str(each["password"]),
            str(each["totp"]),
            _time(each["changed"]),
            int(each["step"]),
        )
        for name, each in facts["accounts"].items()
    }
    invitations = {
        key: Invitation(each["name"], _grants(each["grants"]), _time(each["until"]))
        for key, each in facts["invitations"].items()
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
                "grants": dict(each.grants),
                "password": each.password_hash,
                "totp": each.totp_secret,
                "step": each.last_step,
                "changed": each.changed.isoformat(),
            }
            for name, each in sorted(state.accounts.items())
        },
        "invitations": {
            key: {"name": each.name, "grants": dict(each.grants), "until": each.until.isoformat()}
            for key, each in sorted(state.invitations.items())
        },
    }
