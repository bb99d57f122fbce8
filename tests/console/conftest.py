"""A console over two companies that never were (served.py), served by real HTTP."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("starlette", reason="the extra `web` is not installed")

from console.served import ServedConsole, lay_calls, people, served
from lab.browser import browser
from lab.office import lay

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from console.sign_on import SignOn
    from console.windows import Person


@pytest.fixture(scope="session", autouse=True)
def _accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have each console get a copy of the same accounts."""
    ServedConsole.accounts = tmp_path_factory.mktemp("accounts") / "web"
    people(ServedConsole.accounts)
    yield
    ServedConsole.accounts = None


@pytest.fixture(scope="session")
def with_calls(tmp_path_factory: pytest.TempPathFactory, short_prompts: Path) -> Path:
    """A configuration with a few calls on record, which nobody touches."""
    folder = tmp_path_factory.mktemp("with-calls") / "etc"
    lay(folder, short_prompts)
    lay_calls(folder)
    return folder


@pytest.fixture
def office(with_calls: Path, tmp_path: Path) -> Iterator[ServedConsole]:
    """With a copy of that, whose records name recordings of the original; `office.browser("reader@acme")` is
    a reader's, logged in."""
    with served(shutil.copytree(with_calls, tmp_path / "etc")) as office:
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
    """One for all tests of a file. No longer: meanwhile no test may use asyncio."""
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
