"""A console over two companies that never were (lab/console.py), served by real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="the extra `web` is not installed")

from lab.console import ServedConsole, lay_calls, served


@pytest.fixture
def office(folder: Path) -> Iterator[ServedConsole]:
    """With a few calls on record; `office.browser("reader@acme")` is a reader's, logged in."""
    lay_calls(folder)
    with served(folder) as office:
        yield office


@pytest.fixture
def empty_office(folder: Path) -> Iterator[ServedConsole]:
    """Where nobody has called yet."""
    with served(folder) as office:
        yield office
