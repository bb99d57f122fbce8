"""Sessions, in this process's memory: a restart logs everybody out."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..operations.accounts.user_account import NO_HISTORY, LogIn, LoginHistory, ProviderLogin, UserAccount

MAX_AGE = 12 * 3600.0  # seconds from log-in to log-out, however active a session is
MAX_OBJECTS = 20  # that a session remembers; one more, and the oldest is forgotten
_SESSIONS = 10_000  # of all accounts
_PER_ACCOUNT = 20


@dataclass
class Session:
    """One log-in of an account; `changed` is when the account was changed last before it, and `history` has
    what was before it. `objects` are values that must not stand in an address, such as a caller whom
    somebody looked up, under random keys. `started` and `last_seen` are of the clock of `Sessions`, in
    seconds. By `id` its owner names it in another session: that lets nobody in."""

    name: str
    changed: datetime
    started: float
    last_seen: float
    objects: dict[str, Any] = field(default_factory=dict, repr=False)
    provider_login: ProviderLogin | None = None
    login: LogIn | None = None
    history: LoginHistory = NO_HISTORY
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12), compare=False)

    @property
    def owner(self) -> tuple[str, datetime | str]:
        """The account as it is, or somebody at the identity provider, whom each log-in describes anew."""
        return self.name, self.provider_login.subject if self.provider_login else self.changed

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

    def begin(
        self, account: UserAccount, login: LogIn | None = None, provider_login: ProviderLogin | None = None
    ) -> str:
        """Begin a session of an account, and return its token, for the cookie."""
        token, now = new_token(), self._clock()
        new = Session(
            account.name,
            account.changed,
            now,
            now,
            login=login,
            history=account.history,
            provider_login=provider_login,
        )
        with self._lock:
            self._drop(lambda session: not self._alive(session, now))
            of_account = [key for key, session in self._sessions.items() if session.name == account.name]
            for key in (
                of_account[: len(of_account) - _PER_ACCOUNT + 1] if len(of_account) >= _PER_ACCOUNT else ()
            ):
                del self._sessions[key]
            while len(self._sessions) >= _SESSIONS:
                del self._sessions[next(iter(self._sessions))]
            self._sessions[_digest(token)] = new
        return token

    def renew(self, token: str, account: UserAccount) -> str:
        """Continue the session of a token although its owner has changed the account; return its new
        token."""
        with self._lock:
            session = self._sessions.pop(_digest(token), None)
            if session is None:  # its owner ended it meanwhile, elsewhere
                return token
            session.changed = account.changed
            token = new_token()
            self._sessions[_digest(token)] = session
        return token

    def of_owner(self, own: Session) -> list[tuple[Session, float]]:
        """Return the sessions of the owner of one, each with the seconds since its last request; that of the
        newest request first."""
        now = self._clock()
        with self._lock:
            sessions = [
                (session, now - session.last_seen)
                for session in self._sessions.values()
                if session.owner == own.owner and self._alive(session, now)
            ]
        return sorted(sessions, key=lambda entry: entry[1])

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

    def end(self, token: str) -> None:
        """End the session of a token."""
        with self._lock:
            self._sessions.pop(_digest(token), None)

    def end_some(self, name: str, matches: Callable[[Session], bool]) -> None:
        """End the sessions of an account that match."""
        with self._lock:
            self._drop(lambda session: session.name == name and matches(session))

    def end_all(self, name: str) -> None:
        """End all sessions of an account."""
        with self._lock:
            self._drop(lambda session: session.name == name)

    def end_of_provider(self, subject: str, session_id: str) -> None:
        """End the sessions that began with a log-in at the identity provider: of a subject, of one session
        there, or, if both are named, of those that are of both. A log-in of the subject of which no session
        is known there may be of this one."""

        def matches(session: Session) -> bool:
            login = session.provider_login
            return login is not None and (
                subject in ("", login.subject)
                and (session_id in ("", login.session_id) or (bool(subject) and not login.session_id))
            )

        with self._lock:
            self._drop(matches)

    def forget(self, matches: Callable[[Any], bool]) -> None:
        """Remove the objects that match from all sessions."""
        with self._lock:
            for session in self._sessions.values():
                for key in [key for key, value in list(session.objects.items()) if matches(value)]:
                    session.objects.pop(key, None)

    def _alive(self, session: Session, now: float) -> bool:
        login = session.provider_login
        longest = min(MAX_AGE, login.seconds) if login else MAX_AGE
        return now - session.last_seen < self.idle and now - session.started < longest

    def _drop(self, matches: Callable[[Session], bool]) -> None:
        for key in [key for key, session in self._sessions.items() if matches(session)]:
            del self._sessions[key]


def new_token() -> str:
    """Return a random token of 256 bits."""
    return secrets.token_urlsafe(32)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
