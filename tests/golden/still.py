"""A clock that stands, and dice that fall the same way each time, for the whole program."""

from __future__ import annotations

import importlib
import os
import pkgutil
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from hashlib import sha256
from typing import Any

import pytest
from pydantic_core import CoreSchema, core_schema

import informativa

NOW = datetime(2026, 12, 1, 9, 30, 15, tzinfo=UTC)


class _Kind(type):
    """All times are of this kind, too: those that other modules made."""

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, datetime)


class Standing(datetime, metaclass=_Kind):
    """`datetime` to whose clock it is always the same moment."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """That moment."""
        return NOW.astimezone(tz) if tz else NOW.replace(tzinfo=None)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> CoreSchema:
        """Accept every time: pydantic looks up the kinds of fields only when a first result is written."""
        return core_schema.datetime_schema()


class Dice:
    """Bytes as of chance, the same after each `begin` of the same game."""

    def __init__(self) -> None:
        self.begin("")

    def begin(self, game: str) -> None:
        """Begin anew."""
        self._game, self._thrown = game, 0

    def __call__(self, count: int | None = 32) -> bytes:
        """So many."""
        made = b""
        while len(made) < (count or 32):
            self._thrown += 1
            made += sha256(f"{self._game} {self._thrown}".encode()).digest()
        return made[: count or 32]


@contextmanager
def still() -> Iterator[Dice]:
    """The program with both; also where its modules are called otherwise tomorrow, for all are looked at."""
    for module in pkgutil.walk_packages(informativa.__path__, "informativa."):
        importlib.import_module(module.name)
    dice = Dice()
    with pytest.MonkeyPatch.context() as patch:
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] == "informativa" and getattr(module, "datetime", None) is datetime:
                patch.setattr(module, "datetime", Standing)
        patch.setattr(os, "urandom", dice)
        patch.setattr(secrets, "token_bytes", dice)
        yield dice
