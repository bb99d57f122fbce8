"""Second factors: the table of their kinds, and the codes that stand in for a lost one.

A further kind is a row of `FACTORS` and a word of `Way`.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from ...model import Role
from . import totp
from .passkeys import PasskeyAnswer, after_passkey
from .user_account import UserAccount, Way

CODES = 10  # recovery codes that somebody gets at a time
_CODE_SIZE = 10  # bytes: 16 letters in base 32; nobody guesses 80 bits, so no slow hash is needed


@dataclass(frozen=True)
class Factor:
    """A kind of second factor. `consume` returns the account after a proof of the class `proof`, which is
    good once, or `None` for a wrong one; it takes as long for either. Failures of a `guessable` one make the
    account wait. A `spare` one stands in for others, and is none by itself."""

    way: Way
    is_set: Callable[[UserAccount], bool]
    consume: Callable[[UserAccount, Any, datetime], UserAccount | None]
    proof: type = str
    guessable: bool = False
    spare: bool = False


def _after_code(account: UserAccount, proof: str, now: datetime) -> UserAccount | None:
    step = totp.matching_step(account.totp_secret, proof, now, account.last_step)
    return None if step is None else replace(account, last_step=step)


def _after_recovery_code(account: UserAccount, proof: str, _now: datetime) -> UserAccount | None:
    digest = recovery_digest(proof)
    matches = [code for code in account.recovery_codes if hmac.compare_digest(code, digest)]
    unused = tuple(code for code in account.recovery_codes if code not in matches)
    return replace(account, recovery_codes=unused) if matches else None


FACTORS = (
    Factor(Way.APP, lambda account: bool(account.totp_secret), _after_code, guessable=True),
    Factor(Way.PASSKEY, lambda account: bool(account.passkeys), after_passkey, PasskeyAnswer),
    Factor(Way.RECOVERY, lambda account: bool(account.recovery_codes), _after_recovery_code, spare=True),
)


def is_protected(account: UserAccount) -> bool:
    """Return whether the account asks for more than the password."""
    return any(factor.is_set(account) for factor in FACTORS if not factor.spare)


def needs_factor(account: UserAccount, roles: Collection[Role]) -> bool:
    """Return whether the account has one of these roles, which need a second factor."""
    return any(role in roles for role in account.grants.values())


def matching(
    account: UserAccount, proof: str | PasskeyAnswer, now: datetime, *, guesses: bool
) -> Factor | None:
    """Return the factor of an account that this proves; without `guesses`, one that nobody can guess. Raises
    AccountError for a passkey that exists twice."""
    factors = (
        factor
        for factor in FACTORS
        if isinstance(proof, factor.proof) and factor.is_set(account) and (guesses or not factor.guessable)
    )
    return next((factor for factor in factors if factor.consume(account, proof, now)), None)


def new_recovery_codes() -> Iterator[str]:
    """Yield new codes, of four groups of four letters and digits."""
    for _number in range(CODES):
        letters = base64.b32encode(secrets.token_bytes(_CODE_SIZE)).decode().lower()
        yield "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))


def recovery_digest(code: str) -> str:
    """Return the SHA-256 of a code, in hexadecimal, however it is typed."""
    letters = "".join(code.split()).replace("-", "").lower()
    return sha256(letters.encode("utf-8", "replace")).hexdigest()
