"""Every page of the console as Chromium shows it: nobody is kept out, and it fits where it is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from informativa.console.routes import ROUTES
from informativa.model import Role
from informativa.operations.init import init
from lab.console import CALLER, STRANGER, Browser, ServedConsole, lay_calls, served
from lab.office import fill_in
from lab.receipts import browser_needed

if browser_needed.args[0]:
    pytest.skip(browser_needed.kwargs["reason"], allow_module_level=True)

from lab.windows import Person

NO_PAGE = re.compile(r".*/(sound|file|live|worksheet|file/\{kind\}|receipt/\{form\})")
ADDRESSES = [each.path for each in ROUTES if each.get and not NO_PAGE.fullmatch(each.path)]
# Each two of language, colours and width meet once.
WAYS = [("it", "light", 360), ("it", "dark", 1280), ("en", "dark", 360), ("en", "light", 1280)]
EVERYWHERE = {"{controller}": "acme", "{record:int}": "3"}
DIGITS = CALLER.number[1:]
WHAT_IF = "/acme/what-if"
NOT_FOR_ALL = {"/login", "/invitation/{token}"}


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedConsole]:
    """An office for all tests of this file, which change nothing in it."""
    folder = tmp_path_factory.mktemp("busy") / "etc"
    init(folder)
    fill_in(folder / "informativa.yaml")
    lay_calls(folder)
    with served(folder) as office:
        yield office


@pytest.fixture(scope="module")
def operator(busy: ServedConsole) -> Browser:
    """Who may everything."""
    return busy.browser("operator")


@pytest.fixture(scope="module")
def named(busy: ServedConsole, operator: Browser) -> Mapping[str, str]:
    """What stands for the names in each address: something that is there, for this session."""
    until = datetime.now(UTC) + timedelta(hours=1)
    found = {"/invitation/{token}": busy.console.accounts.invite("nora", {"acme": Role.READER}, until)}
    operator.get("/acme/calls")
    found["/{controller}/calls/of/{kept}"] = after(operator.send("/acme/calls/of", number=CALLER.number))
    operator.get("/acme/evidence")
    found["/{controller}/evidence/jobs/{job}"] = after(operator.send("/acme/evidence/audit"))
    operator.get("/acme/caller")
    caller = str(operator.send(number=CALLER.number).url)
    for part in ("", "/told", "/letter", "/erasure"):
        found["/{controller}/caller/{kept}" + part] = caller.rpartition("/")[2]
    operator.get(f"{caller}/letter")
    found["/{controller}/letter/{kept}"] = after(operator.send(language="it", reference="2026/17"))
    operator.get("/acme/caller")
    operator.get(f"{operator.send(number=STRANGER.number).url}/erasure")
    found["/{controller}/erased/{kept}"] = after(operator.send(word="acme"))
    return found


def after(answer: object) -> str:
    """The last part of where an answer led."""
    return str(answer.url).rpartition("/")[2]  # type: ignore[attr-defined]


def address(route: str, named: Mapping[str, str]) -> str:
    """Of a route, with what stands for its names."""
    for name, value in EVERYWHERE.items():
        route = route.replace(name, value)
    return re.sub(r"\{\w+\}", named.get(route.replace("/acme", "/{controller}"), ""), route)


@pytest.mark.parametrize(("code", "scheme", "width"), WAYS, ids=lambda value: str(value))
def test_no_page_keeps_anybody_out(
    busy: ServedConsole,
    operator: Browser,
    named: Mapping[str, str],
    person: Callable[..., Person],
    code: str,
    scheme: str,
    width: int,
    request: pytest.FixtureRequest,
) -> None:
    """axe-core finds nothing serious, and no page is wider than its window; in two languages, light and dark,
    on a telephone and on a desk."""
    window = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}
    guest = person(busy, code, **window)
    somebody = person(busy, code, **window).holds(operator.http.cookies["session"])
    wrong = {}
    for route in ADDRESSES:
        who = guest if route in NOT_FOR_ALL else somebody
        answer = who.page.goto(address(route, named))
        assert answer
        assert answer.status == 200, route
        assert who.page.url.endswith(address(route, named)), route
        if found := [*who.barriers(), *who.wider()]:
            wrong[route] = found
        if shots := request.config.getoption("basetemp", None):
            name = re.sub(r"\W+", "-", route).strip("-") or "companies"
            who.page.screenshot(path=Path(shots).parent / f"shots/{name}-{code}-{scheme}-{width}.png", full_page=True)
    assert wrong == {}
