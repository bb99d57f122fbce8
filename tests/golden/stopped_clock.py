"""A stopped clock and repeatable random bytes for all modules of the program."""

from __future__ import annotations

import importlib
import os
import pkgutil
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from hashlib import sha256, shake_256
from typing import Any

import pytest
from pydantic_core import CoreSchema, core_schema

import informativa

THURSDAY = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
"""The time of calls and pages: a morning in Rome on which some calls have come already."""
TUESDAY = datetime(2026, 12, 1, 9, 30, 15, tzinfo=UTC)
"""The time at which commands are typed."""


class Clock:
    """The time that the program gets; only `advance` moves it."""

    def __init__(self, time_: datetime) -> None:
        self.time, self._start, self._monotonic = time_, time_, time.monotonic

    def advance(self, **duration: float) -> None:
        """Move the time on, by arguments as those of `timedelta`."""
        self.time += timedelta(**duration)

    def monotonic(self) -> float:
        """Return the machine's monotonic time plus the time by which the clock was moved."""
        return self._monotonic() + (self.time - self._start).total_seconds()


class SeededBytes:
    """Bytes like random ones, the same after each `restart` with the same seed."""

    def __init__(self) -> None:
        self.restart("")

    def restart(self, seed: str) -> None:
        """Begin the sequence of a seed."""
        self._seed, self._blocks = seed, 0

    def __call__(self, count: int | None = 32) -> bytes:
        """Return the next `count` bytes."""
        drawn = b""
        while len(drawn) < (count or 32):
            self._blocks += 1
            drawn += sha256(f"{self._seed} {self._blocks}".encode()).digest()
        return drawn[: count or 32]


class BytesBySize:
    """Bytes like random ones that depend on their count, on the module that draws them, and on the number of
    its earlier draws of that count: a draw of another count or module changes nothing, in whatever order
    threads draw."""

    def __init__(self) -> None:
        self._draws = Counter[tuple[str, int]]()

    def __call__(self, count: int) -> bytes:
        """Return the next bytes of that count for the module that calls."""
        module = sys._getframe(1).f_globals["__name__"]
        self._draws[module, count] += 1
        return shake_256(f"{module} {count} {self._draws[module, count]}".encode()).digest(count)


@contextmanager
def stopped_clock(
    time_: datetime,
    random_bytes: Callable[[int], bytes],
    *,
    tokens: bool = False,
    local_zone: tzinfo | None = None,
) -> Iterator[Clock]:
    """Stop the clock of all modules of the program, and let `os.urandom` return `random_bytes`: salts and
    signatures over them are the same in each run. With `tokens` keys, sessions and all else from `secrets`
    are, too. Times without a zone are of `local_zone`; without one, of the machine's."""
    clock = Clock(time_)
    _import_all()
    stopped = _stopped_datetime(clock, local_zone)
    with pytest.MonkeyPatch.context() as patch:
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] == "informativa" and _is_datetime(getattr(module, "datetime", None)):
                patch.setattr(module, "datetime", stopped)
        patch.setattr(os, "urandom", random_bytes)
        patch.setattr(time, "monotonic", clock.monotonic)
        if tokens:
            patch.setattr(secrets, "token_bytes", random_bytes)
        yield clock


def _is_datetime(value: object) -> bool:
    """Return whether a value is `datetime`, or that of another stopped clock around this one."""
    return isinstance(value, type) and issubclass(value, datetime)


@cache
def _import_all() -> None:
    """Import all modules of the program: one that is imported later would keep the stopped clock."""
    for module in pkgutil.walk_packages(informativa.__path__, "informativa."):
        importlib.import_module(module.name)


def _stopped_datetime(clock: Clock, local_zone: tzinfo | None) -> type[datetime]:
    class Kind(type):
        """Metaclass whose class makes usual datetimes, and of which all of them are instances."""

        def __call__(cls, *arguments: Any, **named: Any) -> datetime:
            return datetime(*arguments, **named)

        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, datetime)

    class StoppedDatetime(datetime, metaclass=Kind):
        """`datetime` by a stopped clock."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return clock.time.astimezone(tz) if tz else clock.time.astimezone(local_zone).replace(tzinfo=None)

        @classmethod
        def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> CoreSchema:
            """Accept every time: pydantic reads the types of fields when it writes a first result."""
            return core_schema.datetime_schema()

    return StoppedDatetime
