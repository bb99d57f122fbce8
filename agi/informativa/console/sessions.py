"""Sessions and the throttle of log-ins, in this process's memory: a restart logs everybody out."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..operations.accounts.store import UserAccount
from .provider_login import ProviderLogin

MAX_AGE = 12 * 3600.0  # seconds from log-in to log-out, however active a session is
MAX_OBJECTS = 20  # that a session remembers; one more, and the oldest is forgotten
_SESSIONS = 10_000  # of all accounts
_PER_ACCOUNT = 20


@dataclass
class Session:
    """One log-in of an account; `changed` is when the account was changed last before it. `objects` are
    values that must not stand in an address, such as a caller whom somebody looked up, under random keys.
    `begun` and `last_seen` are of the clock of `Sessions`, in seconds."""

    name: str
    changed: datetime
    started: float
    last_seen: float
    objects: dict[str, Any] = field(default_factory=dict, repr=False)
    provider_login: ProviderLogin | None = None

    def put(self, value: object, key: str = "") -> str:
        """Remember an object, under a new key unless one is given, and return the key."""
        while len(self.objects) >= MAX_OBJECTS:
            del self.objects[next(iter(self.objects))]
        key = key or secrets.token_urlsafe(12)
        self.objects[key] = value
        return key


class Sessions:
    """All sessions, by the SHA-256 of their tokens. `idle` is for how many seconds one lasts without a
    request."""

    def __init__(self, idle: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.idle = idle
        self._clock = clock
        self._sessions: dict[bytes, Session] = {}
        self._lock = threading.Lock()

    def begin(self, account: UserAccount, provider_login: ProviderLogin | None = None) -> str:
        """Begin a session of an account, and return its token, for the cookie."""
        token = new_token()
        self._put(token, account).provider_login = provider_login
        return token

    def find(self, token: str) -> Session | None:
        """Return the session of a token, or `None` if it is over; the request prolongs it."""
        now = self._clock()
        with self._lock:
            session = self._sessions.get(_digest(token))
            if session is None or not self._alive(session, now):
                self._sessions.pop(_digest(token), None)
                return None
            session.last_seen = now
            return session

    def is_valid(self, token: str) -> bool:
        """Return whether the session of a token is not over, without prolonging it."""
        now = self._clock()
        with self._lock:
            session = self._sessions.get(_digest(token))
            return session is not None and self._alive(session, now)

    def get_or_begin(self, token: str, account: UserAccount) -> tuple[Session, bool]:
        """Return the session of a browser whose account a web server in front names on every request, and
        whether it is new: it begins anew if it is over, or was another account's."""
        session = self.find(token)
        if session is not None and (session.name, session.changed) == (account.name, account.changed):
            return session, False
        return self._put(token, account), True

    def end(self, token: str) -> None:
        """End the session of a token."""
        with self._lock:
            self._sessions.pop(_digest(token), None)

    def end_all(self, name: str) -> None:
        """End all sessions of an account."""
        with self._lock:
            self._drop(lambda session: session.name == name)

    def end_of_provider(self, subject: str, session_id: str) -> None:
        """End the sessions that began with a log-in at the identity provider: of a subject, of one session
        there, or, if both are named, of those that are of both."""

        def matches(session: Session) -> bool:
            login = session.provider_login
            return login is not None and (
                subject in ("", login.subject) and session_id in ("", login.session_id)
            )

        with self._lock:
            self._drop(matches)

    def forget(self, matches: Callable[[Any], bool]) -> None:
        """Remove the objects that match from all sessions."""
        with self._lock:
            for session in self._sessions.values():
                for key in [key for key, value in list(session.objects.items()) if matches(value)]:
                    session.objects.pop(key, None)

    def _put(self, token: str, account: UserAccount) -> Session:
        now = self._clock()
        new = Session(account.name, account.changed, now, now)
        with self._lock:
            self._sessions.pop(_digest(token), None)
            self._drop(lambda session: not self._alive(session, now))
            of_account = [key for key, session in self._sessions.items() if session.name == account.name]
            for key in (
                of_account[: len(of_account) - _PER_ACCOUNT + 1] if len(of_account) >= _PER_ACCOUNT else ()
            ):
                del self._sessions[key]
            while len(self._sessions) >= _SESSIONS:
                del self._sessions[next(iter(self._sessions))]
            self._sessions[_digest(token)] = new
        return new

    def _alive(self, session: Session, now: float) -> bool:
        login = session.provider_login
        longest = min(MAX_AGE, login.seconds) if login else MAX_AGE
        return now - session.last_seen < self.idle and now - session.started < longest

    def _drop(self, matches: Callable[[Session], bool]) -> None:
        for key in [key for key, session in self._sessions.items() if matches(session)]:
            del self._sessions[key]


class Throttle:
    """Slows the guessing of passwords. After `free` failures of a key (an account, an address or a browser)
    each one more doubles the wait, up to `longest` seconds; a success clears the key. Failures are forgotten
    `longest` seconds after their wait."""

    def __init__(
        self, free: int = 4, longest: float = 900.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._free, self._longest, self._clock = free, longest, clock
        self._failures: dict[str, tuple[int, float]] = {}  # number of failures, and the end of the wait
        self._lock = threading.Lock()

    def wait(self, *keys: str) -> float:
        """Return the seconds until all of these keys may try again; 0 if they may now."""
        now = self._clock()
        with self._lock:
            return max(0.0, *(self._failures.get(key, (0, now))[1] - now for key in keys))

    def failed(self, *keys: str) -> None:
        """Count one more failure of each key."""
        now = self._clock()
        with self._lock:
            if len(self._failures) > _SESSIONS:
                self._failures = {
                    key: failures
                    for key, failures in self._failures.items()
                    if failures[1] + self._longest > now
                }
            for key in keys:
                previous, wait_end = self._failures.get(key, (0, now))
                count = 1 if now - wait_end > self._longest else previous + 1
                wait = min(self._longest, 2.0 ** min(count - self._free, 16)) if count > self._free else 0.0
                self._failures[key] = (count, now + wait)

    def succeeded(self, key: str) -> None:
        """Clear the failures of a key."""
        with self._lock:
            self._failures.pop(key, None)


def new_token() -> str:
    """Return a random token of 256 bits."""
    return secrets.token_urlsafe(32)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
