"""Acts of somebody on his own account: log-ins, the password, the app, passkeys, recovery codes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from ...model.errors import AccountError
from ...model.text import Text
from . import factors, totp
from .passkeys import MOST, PasskeyAnswer
from .store import AccountFile
from .user_account import LogIn, LoginHistory, Passkey, UserAccount, Way


@dataclass(frozen=True)
class NewCodes:
    """An account, and its new recovery codes, if any, which are shown once and stored nowhere."""

    account: UserAccount
    codes: tuple[str, ...]


def use_factor(
    file: AccountFile, name: str, proof: str | PasskeyAnswer, now: datetime, *, guesses: bool = True
) -> Way | None:
    """Return the kind of second factor that this proves, or `None`; the proof is used up then. Without
    `guesses` only one counts that nobody can guess. Raises AccountError."""
    account = file.get(name)
    factor = account and factors.matching(account, proof, now, guesses=guesses)
    if not factor or file.update(name, lambda current: factor.consume(current, proof, now)) is None:
        return None
    return factor.way


def record_login(file: AccountFile, name: str, login: LogIn) -> None:
    """Store the last log-in of an account; failures before it count no more. Raises AccountError."""
    file.update(name, lambda account: replace(account, history=LoginHistory(login)))


def record_failure(file: AccountFile, name: str, now: datetime, address: str) -> None:
    """Store that somebody failed to log in. Raises AccountError."""

    def count(account: UserAccount) -> UserAccount:
        failures = account.history.failures + 1
        history = replace(account.history, failures=failures, failed_at=now, failed_from=address)
        return replace(account, history=history)

    file.update(name, count)


def change_password(file: AccountFile, name: str, password: str, now: datetime) -> UserAccount:
    """Set a new password; all sessions of the account end. Raises AccountError for one that is not
    acceptable."""
    new_hash = file.hashed(password, name)
    return _changed(file, name, now, password_hash=new_hash)


def set_app(file: AccountFile, name: str, secret: str, code: str, now: datetime) -> NewCodes:
    """Ask for the codes of an app from now on, in place of an earlier one; `code` shows that it works, and is
    used up. All sessions of the account end. Raises AccountError for a wrong code."""
    step = totp.matching_step(secret, code, now)
    if step is None:
        raise AccountError(
            Text("The code of the app is not the right one."), Text("Look at the clock of the telephone.")
        )
    codes, digests = _new_codes()
    account = _changed(file, name, now, totp_secret=secret, last_step=step, recovery_codes=digests)
    return NewCodes(account, codes)


def remove_app(file: AccountFile, name: str, now: datetime, *, required: bool = False) -> UserAccount:
    """Ask for no code of an app from now on. All sessions of the account end. Raises AccountError where no
    second factor would be left although one is `required`."""
    return _without(file, name, now, lambda account: replace(account, totp_secret=""), required)


def add_passkey(file: AccountFile, name: str, passkey: Passkey, now: datetime) -> NewCodes:
    """Let another passkey in, and make recovery codes if it is the first second factor. All sessions of the
    account end. Raises AccountError for one that is registered already, and for one too many."""
    codes, digests = _new_codes()

    def add(account: UserAccount) -> UserAccount:
        if any(other.id == passkey.id for other in account.passkeys):
            raise AccountError(Text("This passkey is registered already."))
        if len(account.passkeys) >= MOST:
            raise AccountError(Text("An account has {count} passkeys at most.", count=MOST))
        recovery = account.recovery_codes if factors.is_protected(account) else digests
        passkeys = (*account.passkeys, passkey)
        return replace(account, changed=now, passkeys=passkeys, recovery_codes=recovery)

    account = file.update(name, add)
    assert account is not None
    return NewCodes(account, codes if account.recovery_codes == digests else ())


def remove_passkey(
    file: AccountFile, name: str, passkey_id: str, now: datetime, *, required: bool = False
) -> UserAccount:
    """Let a passkey in no more. All sessions of the account end. Raises AccountError where no second factor
    would be left although one is `required`."""

    def remove(account: UserAccount) -> UserAccount:
        remaining = tuple(passkey for passkey in account.passkeys if passkey.id != passkey_id)
        return replace(account, passkeys=remaining)

    return _without(file, name, now, remove, required)


def renew_recovery_codes(file: AccountFile, name: str, now: datetime) -> NewCodes:
    """Make new recovery codes; earlier ones are void, and all sessions of the account end. Raises
    AccountError for an account without a second factor."""
    account = file.get(name)
    if account is None or not factors.is_protected(account):
        raise AccountError(Text("Recovery codes stand in for an app, and there is none."))
    codes, digests = _new_codes()
    return NewCodes(_changed(file, name, now, recovery_codes=digests), codes)


def _new_codes() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return new recovery codes, and their digests."""
    codes = tuple(factors.new_recovery_codes())
    return codes, tuple(map(factors.recovery_digest, codes))


def _without(
    file: AccountFile,
    name: str,
    now: datetime,
    remove: Callable[[UserAccount], UserAccount],
    required: bool,
) -> UserAccount:
    """Take a second factor away, and with the last one the recovery codes, which stand in for it."""

    def change(account: UserAccount) -> UserAccount:
        changed = replace(remove(account), changed=now)
        if factors.is_protected(changed):
            return changed
        if required:
            raise AccountError(Text("Your company asks for a second factor: set up another one first."))
        return replace(changed, recovery_codes=())

    account = file.update(name, change)
    assert account is not None
    return account


def _changed(file: AccountFile, name: str, now: datetime, **fields: object) -> UserAccount:
    account = file.update(name, lambda current: replace(current, changed=now, **fields))  # type: ignore[arg-type]  # of UserAccount
    assert account is not None
    return account
