"""Passwords: what may be one, and how it is kept (argon2id, with its authors' parameters)."""

from __future__ import annotations

import secrets
import sys
import threading
import unicodedata
from typing import TYPE_CHECKING, Any

from .errors import AccountError, InformativaError
from .text import Text, quoted

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LARGEST = 12, 1024  # characters, and bytes
AT_A_TIME = 2  # that are hashed: each takes 64 MB and several cores for a while


def checked(text: str, name: str) -> str:
    """A new password as it is hashed (NFKC: the same from every keyboard). Raises AccountError for one that
    is too short, too long, or the account's name."""
    password = _normal(text)
    if password is None:
        why = Text("The password is longer than {most} bytes.", most=LARGEST)
    elif len(password) < SHORTEST:
        why = Text("The password is shorter than {fewest} characters.", fewest=SHORTEST)
    elif password.casefold() == name:
        why = Text("The password is the name of the account.")
    else:
        return password
    raise AccountError(why, Text("Choose another one: several words are easy to keep."), code="password")


def _normal(text: str) -> str | None:
    """`None` for one that is too long or no text."""
    try:
        if len(text) <= LARGEST:  # for NFKC makes up to 18 characters of one
            password = unicodedata.normalize("NFKC", text)
            return password if len(password.encode()) <= LARGEST else None
    except UnicodeEncodeError:
        pass
    return None


class Passwords:
    """Their hashes, for any number of threads. Raises InformativaError where argon2 is not installed."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._given = hasher
        self._unknown = ""
        self._turn = threading.BoundedSemaphore(AT_A_TIME)

    def hashed(self, password: str) -> str:
        """What is kept of one that was `checked`."""
        with self._turn:
            return self._hasher().hash(password)

    def fits(self, password: str, hashed: str) -> bool:
        """Whether it is the one; what cannot be one costs the same work."""
        normal, hasher, wrong = _normal(password), self._hasher(), _library().exceptions
        try:
            with self._turn:
                return hasher.verify(hashed, normal or "") and normal is not None
        except (wrong.Argon2Error, wrong.InvalidHashError):
            return False

    def nobodys(self) -> str:
        """A hash that no password has, at the price of any other."""
        self._unknown = self._unknown or self.hashed(secrets.token_urlsafe())
        return self._unknown

    def renewed(self, password: str, hashed: str) -> str:
        """The hash of one that fits, anew where passwords cost something else by now."""
        return self.hashed(_normal(password) or "") if self._hasher().check_needs_rehash(hashed) else hashed

    def _hasher(self) -> PasswordHasher:
        if self._given is None:
            self._given = _library().PasswordHasher()
        return self._given


def _library() -> Any:
    """The module, which need not be installed. Raises InformativaError."""
    try:
        import argon2
    except ImportError:
        raise InformativaError(
            Text("The pages need the Python module {name}.", name="argon2"),
            Text("Type: {prefix}/bin/pip install 'informativa[web]'", prefix=quoted(sys.prefix)),
        ) from None
    return argon2
