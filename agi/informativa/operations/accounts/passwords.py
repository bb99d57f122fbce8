"""Passwords: the rules for a new one, and its hash (argon2id, with its authors' parameters)."""

from __future__ import annotations

import secrets
import sys
import threading
import unicodedata
from typing import TYPE_CHECKING, Any

from ...model.errors import AccountError, InformativaError
from ...model.text import Text, quoted

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LARGEST = 12, 1024  # characters, and bytes
AT_A_TIME = 2  # passwords that are hashed: each takes 64 MB and several cores for a while


def checked(text: str, name: str) -> str:
    """Return a new password in the form that is hashed (NFKC: the same from every keyboard). Raises
    AccountError for one that is too short, too long, or the account's name."""
    password = _normal(text)
    if password is None:
        fault = Text("The password is longer than {most} bytes.", most=LARGEST)
    elif len(password) < SHORTEST:
        fault = Text("The password is shorter than {fewest} characters.", fewest=SHORTEST)
    elif password.casefold() == name:
        fault = Text("The password is the name of the account.")
    else:
        return password
    raise AccountError(fault, Text("Choose another one: several words are easy to keep."), code="password")


def _normal(text: str) -> str | None:
    """Return the password in NFKC; `None` for one that is too long or no text."""
    try:
        if len(text) <= LARGEST:  # for NFKC makes up to 18 characters of one
            password = unicodedata.normalize("NFKC", text)
            return password if len(password.encode()) <= LARGEST else None
    except UnicodeEncodeError:
        pass
    return None


class Passwords:
    """A hasher of passwords, for any number of threads. Raises InformativaError where argon2 is not
    installed."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher_or_none = hasher
        self._unknown = ""
        self._turn = threading.BoundedSemaphore(AT_A_TIME)

    def hashed(self, password: str) -> str:
        """Return the hash of a password that was `checked`."""
        with self._turn:
            return self._hasher().hash(password)

    def matches(self, password: str, hashed: str) -> bool:
        """Return whether the password has this hash. A text that cannot be a password takes the same time."""
        normal, hasher, exceptions = _normal(password), self._hasher(), _library().exceptions
        try:
            with self._turn:
                return hasher.verify(hashed, normal or "") and normal is not None
        except (exceptions.Argon2Error, exceptions.InvalidHashError):
            return False

    def nobodys(self) -> str:
        """Return a hash that no password has, at the cost of any other."""
        self._unknown = self._unknown or self.hashed(secrets.token_urlsafe())
        return self._unknown

    def renewed(self, password: str, hashed: str) -> str:
        """Return the hash of a password that fits, a new one where the parameters have changed."""
        return self.hashed(_normal(password) or "") if self._hasher().check_needs_rehash(hashed) else hashed

    def _hasher(self) -> PasswordHasher:
        if self._hasher_or_none is None:
            self._hasher_or_none = _library().PasswordHasher()
        return self._hasher_or_none


def _library() -> Any:
    """Return the module, which need not be installed. Raises InformativaError."""
    try:
        import argon2
    except ImportError:
        raise InformativaError(
            Text("The pages need the Python module {name}.", name="argon2"),
            Text("Type: {prefix}/bin/pip install 'informativa[web]'", prefix=quoted(sys.prefix)),
        ) from None
    return argon2
