"""Who is logged in, in this process's memory: a restart logs everybody out."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..accounts import Account

LONGEST = 12 * 3600.0  # seconds from log-in to log-out, however much is asked
KEPT = 20  # things that a session remembers; more, and the oldest goes
_SESSIONS = 10_000  # of all accounts
_OF_ONE = 20  # of one account


@dataclass
class Session:
    """One log-in, of an account as it was `changed` last. `kept` are things that must not stand in an
    address, such as a caller whom somebody looked up, by names that tell nothing."""

    name: str
    changed: datetime
    begun: float
    seen: float
    kept: dict[str, Any] = field(default_factory=dict, repr=False)

    def keep(self, thing: object, name: str = "") -> str:
        """Remember it; the name by which `kept` has it, a new one where none is given."""
        while len(self.kept) >= KEPT:
            del self.kept[next(iter(self.kept))]
        name = name or secrets.token_urlsafe(12)
        self.kept[name] = thing
        return name


class Sessions:
    """By the SHA-256 of what the browser holds. `idle` is in seconds."""

    def __init__(self, idle: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.idle = idle
        self._clock = clock
        self._sessions: dict[bytes, Session] = {}
        self._lock = threading.Lock()

    def begin(self, account: Account) -> str:
        """Log somebody in; what his browser is to hold."""
        token = new_token()
        self._put(token, account)
        return token

    def find(self, token: str) -> Session | None:
        """Whose it is, if he is still logged in."""
        now = self._clock()
        with self._lock:
            session = self._sessions.get(_digest(token))
            if session is None or not self._alive(session, now):
                self._sessions.pop(_digest(token), None)
                return None
            session.seen = now
            return session

    def there(self, token: str) -> bool:
        """Whether whoever holds it is still logged in; that he asks by himself keeps nobody so."""
        now = self._clock()
        with self._lock:
            session = self._sessions.get(_digest(token))
            return session is not None and self._alive(session, now)

    def of(self, token: str, account: Account) -> tuple[Session, bool]:
        """That of a browser whose user somebody else vouches for, on every request, and whether it is new:
        begun when it is not there, or was another's."""
        session = self.find(token)
        if session is not None and (session.name, session.changed) == (account.name, account.changed):
            return session, False
        return self._put(token, account), True

    def end(self, token: str) -> None:
        """Log out."""
        with self._lock:
            self._sessions.pop(_digest(token), None)

    def end_all(self, name: str) -> None:
        """Log somebody out everywhere."""
        with self._lock:
            self._drop(lambda session: session.name == name)

    def forget(self, which: Callable[[Any], bool]) -> None:
        """What no session may remember any more."""
        with self._lock:
            for session in self._sessions.values():
                for name in [name for name, thing in list(session.kept.items()) if which(thing)]:
                    session.kept.pop(name, None)

    def _put(self, token: str, account: Account) -> Session:
        now = self._clock()
        begun = Session(account.name, account.changed, now, now)
        with self._lock:
            self._sessions.pop(_digest(token), None)
            self._drop(lambda session: not self._alive(session, now))
            own = [key for key, session in self._sessions.items() if session.name == account.name]
            for key in own[: len(own) - _OF_ONE + 1] if len(own) >= _OF_ONE else ():
                del self._sessions[key]
            while len(self._sessions) >= _SESSIONS:
                del self._sessions[next(iter(self._sessions))]
            self._sessions[_digest(token)] = begun
        return begun

    def _alive(self, session: Session, now: float) -> bool:
        return now - session.seen < self.idle and now - session.begun < LONGEST

    def _drop(self, which: Callable[[Session], bool]) -> None:
        for key in [key for key, session in self._sessions.items() if which(session)]:
            del self._sessions[key]


class Throttle:
    """Slows whoever guesses passwords: after `free` failures each one more doubles the wait, for an account
    as for an address, and a success forgives the account. What is as old as the longest wait is forgotten."""

    def __init__(
        self, free: int = 4, longest: float = 900.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._free, self._longest, self._clock = free, longest, clock
        self._failures: dict[str, tuple[int, float]] = {}  # how many, and until when nobody is heard
        self._lock = threading.Lock()

    def wait(self, *keys: str) -> float:
        """Seconds until one of these is heard again; 0 where it is heard now."""
        now = self._clock()
        with self._lock:
            return max(0.0, *(self._failures.get(key, (0, now))[1] - now for key in keys))

    def failed(self, *keys: str) -> None:
        """One more failure of each."""
        now = self._clock()
        with self._lock:
            if len(self._failures) > _SESSIONS:
                self._failures = {
                    key: each for key, each in self._failures.items() if each[1] + self._longest > now
                }
            for key in keys:
                before, until = self._failures.get(key, (0, now))
                count = 1 if now - until > self._longest else before + 1
                wait = min(self._longest, 2.0 ** min(count - self._free, 16)) if count > self._free else 0.0
                self._failures[key] = (count, now + wait)

    def succeeded(self, key: str) -> None:
        """Forget what was wrong before."""
        with self._lock:
            self._failures.pop(key, None)


def new_token() -> str:
    """What nobody guesses."""
    return secrets.token_urlsafe(32)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
