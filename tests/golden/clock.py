"""A clock that stands where a test puts it, whichever module of the program looks at it."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from hashlib import shake_256
from typing import Any

import informativa

THURSDAY = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
"""A morning in Rome on which some calls have come already."""


class Clock:
    """What time it is; a test may let time go by."""

    def __init__(self, at: datetime) -> None:
        self.at, self._began, self._monotonic = at, at, time.monotonic

    def goes_on(self, **more: float) -> None:
        """So much later."""
        self.at += timedelta(**more)

    def monotonic(self) -> float:
        """What goes by here, and what tests let go by."""
        return self._monotonic() + (self.at - self._began).total_seconds()


@contextmanager
def standing(at: datetime = THURSDAY) -> Iterator[Clock]:
    """Meanwhile every module of ours that asks `datetime` is told this time, and `os.urandom` gives the same
    salts, the first of a size, the second and so on: what is signed over them is the same, too. Keys,
    sessions and tokens come from `secrets`, which stays as it is."""
    clock = Clock(at)
    told = _told(clock)
    _load_all()
    modules = [each for name, each in sys.modules.items() if name.partition(".")[0] == "informativa"]
    changed = [each for each in modules if getattr(each, "datetime", None) is datetime]
    before = os.urandom, time.monotonic
    for module in changed:
        vars(module)["datetime"] = told
    os.urandom, time.monotonic = _Salts().draw, clock.monotonic
    try:
        yield clock
    finally:
        os.urandom, time.monotonic = before
        for module in changed:
            vars(module)["datetime"] = datetime


class _Salts:
    """Made of their size and of how many of it came before."""

    def __init__(self) -> None:
        self._drawn = Counter[int]()

    def draw(self, size: int) -> bytes:
        """One more."""
        self._drawn[size] += 1
        return shake_256(f"{size} {self._drawn[size]}".encode()).digest(size)


@cache
def _load_all() -> None:
    """So that none is loaded while the clock stands, and keeps it."""
    for each in pkgutil.walk_packages(informativa.__path__, "informativa."):
        if not each.name.startswith("informativa.cli"):
            importlib.import_module(each.name)


def _told(clock: Clock) -> type[datetime]:
    class Kind(type):
        """Makes and knows the datetimes that everybody has."""

        def __call__(cls, *given: Any, **named: Any) -> datetime:
            return datetime(*given, **named)

        def __instancecheck__(cls, thing: object) -> bool:
            return isinstance(thing, datetime)

    class Told(datetime, metaclass=Kind):
        """The same, but for what time it is."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return clock.at.astimezone(tz) if tz else clock.at.astimezone().replace(tzinfo=None)

    return Told
