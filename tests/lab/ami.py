"""The manager interface, as far as tests listen to it: the UserEvents that a dialplan sends."""

from __future__ import annotations

import contextlib
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

Event = Mapping[str, str]
"""A UserEvent: its headers by name; "UserEvent" holds the name that the dialplan gave it."""


class Listener:
    """Keeps the UserEvents of one Asterisk, over pyst2. Safe to use from several threads."""

    def __init__(self) -> None:
        self._manager: Any = None  # pyst2 has no types
        self._events: list[Event] = []
        self._news = threading.Condition()

    def connect(self, host: str, port: int, user: str, secret: str) -> None:
        """Log in and listen."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # pyst2 is of 2017: setDaemon, isSet
            from asterisk.manager import Manager

            self._manager = Manager()
            self._manager.register_event("UserEvent", self._take)
            self._manager.connect(host, port)
            self._manager.login(user, secret)
            self._manager.send_action({"Action": "Events", "EventMask": "user"})

    def close(self) -> None:
        """Log out; the events stay."""
        manager, self._manager = self._manager, None
        if manager:
            with contextlib.suppress(Exception):  # it may have lost its Asterisk, in any of several ways
                manager.close()

    def named(self, name: str) -> list[Event]:
        """The UserEvents of that name so far, oldest first."""
        with self._news:
            return [event for event in self._events if event.get("UserEvent") == name]

    def forget(self) -> None:
        """Forget all so far."""
        with self._news:
            self._events.clear()

    def wait(self, predicate: Callable[[Event], bool], timeout: float) -> Event | None:
        """The first one, past or to come, that ``predicate`` takes; None after so many seconds."""
        until = time.monotonic() + timeout
        with self._news:
            while True:
                for event in self._events:
                    if predicate(event):
                        return event
                if not self._news.wait(until - time.monotonic()):
                    return None

    def _take(self, event: Any, _manager: Any) -> None:
        with self._news:
            self._events.append(dict(event.headers))
            self._news.notify_all()
