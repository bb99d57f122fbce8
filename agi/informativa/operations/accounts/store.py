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
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from ...model import Role
from ...model.errors import AccountError
from ...model.text import Foreign, Text
from ...system.files import create, make_folder, open_for_replacement, read_foreign
from .file_format import VERSIONS, facts_of, table_of
from .passwords import Passwords, checked
from .user_account import (
    NO_ACCOUNTS,
    AccountTable,
    Grants,
    OpenInvitation,
    UserAccount,
    plain_name,
)

if TYPE_CHECKING:
    from argon2 import PasswordHasher

__all__ = ["AccountFile", "Grants", "OpenInvitation", "UserAccount", "plain_name"]
_TOKEN_SIZE = 32  # bytes
_LARGEST_FILE = 8 << 20  # bytes: tens of thousands of accounts
_OTHERS = 0o077

Check = Callable[[AccountTable], None]
"""A rule that a change must keep: it raises AccountError while nobody else changes the accounts."""


def _allow(_table: AccountTable) -> None:
    """Allow every change."""


class AccountFile:
    """The accounts in FOLDER/accounts.json, for any number of threads and processes. Blocking: a password
    takes some 50 ms of the processor, a change two syncs of the disk.

    Every method raises AccountError when the file cannot be read or written, or when others can read it.
    """

    def __init__(self, folder: Path, hasher: PasswordHasher | None = None) -> None:
        self.file = folder / "accounts.json"
        self._passwords = Passwords(hasher)
        self._cached: tuple[tuple[int, ...], AccountTable] | None = None

    def get(self, name: str) -> UserAccount | None:
        """Return the account of that name, in any case."""
        with suppress(AccountError):
            name = plain_name(name)
        return self.table().accounts.get(name)

    def all(self) -> list[UserAccount]:
        """Return all accounts, by name."""
        return [account for _name, account in sorted(self.table().accounts.items())]

    def invitations(self) -> list[OpenInvitation]:
        """Return all unused invitations, by name; also expired ones."""
        return sorted(self.table().invitations.values(), key=lambda invitation: invitation.name)

    def invite(self, name: str, grants: Grants | Callable[[AccountTable], Grants], until: datetime) -> str:
        """Create an invitation and return its token (43 characters, for a link), which is stored nowhere.

        An existing account of that name keeps its password and its grants until the invitation is used. An
        earlier invitation of that name becomes void. Grants that depend on other accounts are a function,
        which may refuse (AccountError) while nobody else changes them.
        """
        name, token = plain_name(name), secrets.token_urlsafe(_TOKEN_SIZE)
        with self._changing() as change:
            future = grants(change.table) if callable(grants) else grants
            invitation = {_digest(token): OpenInvitation(name, dict(future), until)}
            others = _invitations_but(change.table, name)
            change.table = replace(change.table, invitations={**others, **invitation})
        return token

    def invitation(self, token: str, now: datetime) -> OpenInvitation | None:
        """Return the invitation of a token; `None` for one that was used, has expired, or never existed."""
        return _valid_invitation(self.table(), token, now)

    def accept(self, token: str, password: str, now: datetime) -> UserAccount:
        """Create the account that the token is for, or give an earlier one of that name this password alone
        and these grants. The invitation is used up then. Raises AccountError for a token without a valid
        invitation, and for a password that is not acceptable."""
        invitation = self._require_valid(_valid_invitation(self.table(), token, now))
        hashed = self.hashed(password, invitation.name)
        with self._changing() as change:
            current = self._require_valid(_valid_invitation(change.table, token, now))
            earlier = change.table.accounts.get(current.name)
            made = earlier.made if earlier else now
            account = UserAccount(current.name, current.grants, hashed, "", now, made=made)
            invitations = {
                key: other
                for key, other in change.table.invitations.items()
                if other.name != current.name and other.expires > now
            }
            change.table = AccountTable({**change.table.accounts, current.name: account}, invitations)
        return account

    def hashed(self, password: str, name: str) -> str:
        """Return the hash of a new password of an account. Raises AccountError for one that is not
        acceptable."""
        return self._passwords.hashed(checked(password, name))

    def verify(self, name: str, password: str) -> UserAccount | None:
        """Return the account if the password is right; second factors are asked for afterwards. It takes as
        long for a name that does not exist."""
        account = self.get(name)
        hashed = account.password_hash if account else self._passwords.nobodys()
        if not self._passwords.matches(password, hashed) or account is None:
            return None
        new_hash = self._passwords.renewed(password, hashed)
        if new_hash == hashed:
            return account

        def renew(current: UserAccount) -> UserAccount | None:
            unchanged = current.password_hash in (hashed, new_hash)
            return replace(current, password_hash=new_hash) if unchanged else None

        return self.update(account.name, renew)

    def update(self, name: str, change_of: Callable[[UserAccount], UserAccount | None]) -> UserAccount | None:
        """Put in the place of an account what `change_of` makes of it while nobody else changes it; `None`
        leaves it as it is. Return the new account, or `None`. Raises AccountError for a missing one."""
        name = plain_name(name)
        with self._changing() as change:
            account = change.table.accounts.get(name)
            if account is None:
                raise _no_account(name)
            changed = change_of(account)
            if changed is not None:
                change.table = replace(change.table, accounts={**change.table.accounts, name: changed})
        return changed

    def change(
        self,
        name: str,
        roles: Mapping[str, Role | None],
        now: datetime,
        *,
        check: Check = _allow,
    ) -> UserAccount:
        """Set these roles of an account for these controllers, or take them away (`None`); others stay as
        they are. Those that an open invitation would give change, too. All sessions of the account end.
        Raises AccountError for a missing one."""
        name = plain_name(name)
        with self._changing() as change:
            check(change.table)
            account = change.table.accounts.get(name)
            if account is None:
                raise _no_account(name)
            account = replace(account, grants=_granted(account.grants, roles), changed=now)
            invitations = {
                key: replace(other, grants=_granted(other.grants, roles)) if other.name == name else other
                for key, other in change.table.invitations.items()
            }
            change.table = AccountTable({**change.table.accounts, name: account}, invitations)
        return account

    def remove(self, name: str) -> None:
        """Remove an account, and the invitation of that name. Raises AccountError where there is neither."""
        name = plain_name(name)
        with self._changing() as change:
            before = change.table
            accounts = {key: account for key, account in before.accounts.items() if key != name}
            change.table = AccountTable(accounts, _invitations_but(before, name))
            if change.table == before:
                raise _no_account(name)

    def withdraw(self, name: str, check: Check = _allow) -> None:
        """Make the invitation of that name void; do nothing where there is none."""
        with self._changing() as change:
            check(change.table)
            change.table = replace(change.table, invitations=_invitations_but(change.table, plain_name(name)))

    @staticmethod
    def _require_valid(invitation: OpenInvitation | None) -> OpenInvitation:
        if invitation is None:
            raise AccountError(
                Text("This invitation has been used, has expired, or never existed."),
                Text("Ask for a new one: informativa web invite NAME"),
                code="invitation",
            )
        return invitation

    def table(self) -> AccountTable:
        """Return all accounts and invitations."""
        with self._translated():
            try:
                status = self.file.stat(follow_symlinks=False)
            except FileNotFoundError:
                return NO_ACCOUNTS
            identity = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_mode)
            if self._cached is None or self._cached[0] != identity:
                self._cached = identity, self._read_table(status)
            return self._cached[1]

    def _read_table(self, status: os.stat_result) -> AccountTable:
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
            if version in VERSIONS:
                return table_of(facts)
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
        """Yield the newest table, which nobody else changes meanwhile; write it to the disk at the end, if
        it is another one then."""
        with self._translated(), self._locked():
            self._cached = None  # two changes within one tick of the clock can look alike from outside
            before = self.table()
            change = _Change(before)
            yield change
            if change.table is before:
                return
            data = json.dumps(facts_of(change.table), indent=1).encode()
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
    table: AccountTable


def _valid_invitation(table: AccountTable, token: str, now: datetime) -> OpenInvitation | None:
    invitation = table.invitations.get(_digest(token))
    return invitation if invitation is not None and now < invitation.expires else None


def _granted(grants: Grants, roles: Mapping[str, Role | None]) -> Grants:
    return {key: role for key, role in {**grants, **roles}.items() if role is not None}


def _invitations_but(table: AccountTable, name: str) -> Mapping[str, OpenInvitation]:
    return {key: invitation for key, invitation in table.invitations.items() if invitation.name != name}


def _digest(token: str) -> str:
    """Return the SHA-256 of a token. 256 random bits need no slower hash, and a look-up by it gives nothing
    away by its duration."""
    return sha256(token.encode("utf-8", "replace")).hexdigest()


def _no_account(name: str) -> AccountError:
    return AccountError(Text("There is no account {name}.", name=name), code="account-unknown")
