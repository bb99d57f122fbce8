"""A console over two companies that never were (served.py), served by real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("starlette", reason="the extra `web` is not installed")

from console.served import ServedConsole, lay_calls, served
from lab.browser import browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from console.sign_on import SignOn
    from console.windows import Person


@pytest.fixture
def office(folder: Path) -> Iterator[ServedConsole]:
    """With a few calls on record; `office.browser("reader@acme")` is a reader's, logged in."""
    lay_calls(folder)
    with served(folder) as office:
        yield office


@pytest.fixture
def empty_office(folder: Path) -> Iterator[ServedConsole]:
    """The same, before anybody has called."""
    with served(folder) as office:
        yield office


@pytest.fixture
def sign_on(folder: Path) -> Iterator[SignOn]:
    """The same, with an identity provider that lets in anna, a privacy officer of acme."""
    pytest.importorskip("joserfc", reason="the extra `oidc` is not installed")
    from console.sign_on import signed_on

    with signed_on(folder) as sign_on:
        yield sign_on


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One for all tests of a file. No longer: while Playwright is there, no test may use asyncio."""
    with browser() as opened:
        yield opened


@pytest.fixture
def person(chromium: Browser) -> Iterator[Callable[..., Person]]:
    """`person(office, "it")`: somebody at a browser of his own. Whoever comes, no page of his may ask another
    server for anything, or have the browser complain."""
    from console.windows import Person

    people: list[Person] = []

    def enters(*arguments: Any, **settings: Any) -> Person:
        people.append(Person(chromium, *arguments, **settings))
        return people[-1]

    yield enters
    for visitor in people:
        visitor.close()
    assert [visitor.complaints for visitor in people if visitor.complaints] == []
    assert [visitor.elsewhere for visitor in people if visitor.elsewhere] == []
