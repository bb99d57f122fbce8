"""Acts of somebody on his own account: log-ins, the password, the app, recovery codes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from ...model.errors import AccountError
from ...model.text import Text
from . import factors, totp
from .store import AccountFile
from .user_account import LogIn, LoginHistory, UserAccount, Way


@dataclass(frozen=True)
class NewCodes:
    """An account, and its new recovery codes, which are shown once and stored nowhere."""

    account: UserAccount
    codes: tuple[str, ...]


def use_factor(
    file: AccountFile, name: str, proof: str, now: datetime, *, guesses: bool = True
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
    codes = tuple(factors.new_recovery_codes())
    digests = tuple(map(factors.recovery_digest, codes))
    account = _changed(file, name, now, totp_secret=secret, last_step=step, recovery_codes=digests)
    return NewCodes(account, codes)


def remove_app(file: AccountFile, name: str, now: datetime) -> UserAccount:
    """Ask for the password alone from now on. All sessions of the account end. Raises AccountError."""
    return _changed(file, name, now, totp_secret="", recovery_codes=())


def renew_recovery_codes(file: AccountFile, name: str, now: datetime) -> NewCodes:
    """Make new recovery codes; earlier ones are void, and all sessions of the account end. Raises
    AccountError for an account without a second factor."""
    account = file.get(name)
    if account is None or not factors.is_protected(account):
        raise AccountError(Text("Recovery codes stand in for an app, and there is none."))
    codes = tuple(factors.new_recovery_codes())
    digests = tuple(map(factors.recovery_digest, codes))
    return NewCodes(_changed(file, name, now, recovery_codes=digests), codes)


def _changed(file: AccountFile, name: str, now: datetime, **fields: object) -> UserAccount:
    account = file.update(name, lambda current: replace(current, changed=now, **fields))  # type: ignore[arg-type]  # of UserAccount
    assert account is not None
    return account
