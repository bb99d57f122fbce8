"""Every page of the console as Chromium shows it: nobody is kept out, and it fits where it is read."""

from __future__ import annotations

import re
from base64 import b32decode
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from configurations import with_choices
from console.served import CALLER, PASSWORD, STRANGER, Browser, ServedConsole, lay_calls, served
from evidence.receipts import Company
from informativa.console.routes import ROUTES
from informativa.model import Role
from informativa.operations.accounts import totp
from informativa.operations.init import init
from lab.browser import browser_needed
from lab.office import fill_in

if browser_needed.args[0]:
    pytest.skip(browser_needed.kwargs["reason"], allow_module_level=True)

from playwright.sync_api import expect

from console.windows import Person

# Passkeys are at no address in digits, and no provider is set up: other files have those pages.
NO_PAGE = re.compile(r".*/(sound|file|live|file/\{kind\}|receipt)|/account/passkey|/oidc/\w+")
ADDRESSES = [route.path for route in ROUTES if route.get and not NO_PAGE.fullmatch(route.path)]
# Each two of language, colours and width meet once; by day on a telephone, which is the harder.
DAY = [("it", "light", 360), ("en", "dark", 360)]
NIGHT = [pytest.param(*way, marks=pytest.mark.night) for way in (("it", "dark", 1280), ("en", "light", 1280))]
EVERYWHERE = {"{controller}": "acme", "{record:number}": "3", "{request:number}": "1",
              "{notice}": "privacy", "{version}": "2026-11"}  # fmt: skip
NOT_FOR_ALL = {"/login", "/invitation/{token}"}
HALFWAY = {"/login/code"}


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedConsole]:
    """An office for all tests of this file, which change nothing in it."""
    folder = tmp_path_factory.mktemp("busy") / "etc"
    init(folder)
    fill_in(folder / "informativa.yaml")
    with_choices(folder)
    lay_calls(folder)
    company = Company(folder)
    played, granted, *_others = company.asked()
    company.record(played, granted)
    with served(folder) as office:
        yield office


@pytest.fixture(scope="module")
def operator(busy: ServedConsole) -> Browser:
    """The browser of somebody who may everything."""
    return busy.browser("operator")


@pytest.fixture(scope="module")
def named(busy: ServedConsole, operator: Browser) -> Mapping[str, str]:
    """The values of the names in each address: something that is there, for this session."""
    until = datetime.now(UTC) + timedelta(hours=1)
    addresses = {"/invitation/{token}": busy.console.accounts.invite("nora", {"acme": Role.READER}, until)}
    operator.get("/acme/calls")
    calls_of = operator.send("/acme/calls/of", number=CALLER.number)
    addresses["/{controller}/calls/of/{session_key}"] = after(calls_of)
    operator.get("/acme/evidence")
    addresses["/{controller}/evidence/jobs/{job}"] = after(operator.send("/acme/evidence/audit"))
    operator.get("/acme/caller")
    caller = str(operator.send(number=CALLER.number).url)
    for part in ("", "/told", "/withdrawal", "/letter", "/erasure"):
        addresses["/{controller}/caller/{session_key}" + part] = caller.rpartition("/")[2]
    operator.get(f"{caller}/letter")
    addresses["/{controller}/letter/{session_key}"] = after(operator.send(language="it", reference="2026/17"))
    operator.get("/acme/requests/new")
    operator.send(number=CALLER.number, kind="access", received=f"{datetime.now(UTC):%Y-%m-%d}")
    operator.send("/acme/requests/1", move="identify", word="document")
    answered = operator.send("/acme/requests/1", move="letter", language="it")
    addresses["/{controller}/requests/1/answer/{session_key}"] = after(answered)
    operator.get("/acme/caller")
    operator.get(f"{operator.send(number=STRANGER.number).url}/erasure")
    addresses["/{controller}/erased/{session_key}"] = after(operator.send(word="acme"))
    return addresses


def window(scheme: str, width: int) -> dict[str, object]:
    """The window of a browser, as it is set up."""
    return {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}


def after(answer: object) -> str:
    """The last part of where an answer led."""
    return str(answer.url).rpartition("/")[2]  # type: ignore[attr-defined]


def address(route: str, named: Mapping[str, str]) -> str:
    """Return the address of a route, with what stands for its names."""
    for name, value in EVERYWHERE.items():
        route = route.replace(name, value)
    return re.sub(r"\{\w+\}", named.get(route.replace("/acme", "/{controller}"), ""), route)


@pytest.mark.sample(1)
@pytest.mark.parametrize(("code", "scheme", "width"), DAY + NIGHT, ids=lambda value: str(value))
def test_no_page_keeps_anybody_out(
    busy: ServedConsole,
    operator: Browser,
    named: Mapping[str, str],
    person: Callable[..., Person],
    code: str,
    scheme: str,
    width: int,
) -> None:
    """axe-core finds nothing serious, what is read aloud is in order, no page is wider than its window; in
    two languages, light and dark, on a telephone and on a desk."""
    guest, halfway, somebody = (person(busy, code, **window(scheme, width)) for _each in range(3))
    somebody.holds(operator.http.cookies["session"])
    account = busy.console.accounts.get("reader@acme")
    assert account
    halfway.holds(busy.console.half_logins.begin(account))
    wrong = {}
    for route in ADDRESSES:
        visitor = guest if route in NOT_FOR_ALL else halfway if route in HALFWAY else somebody
        answer = visitor.page.goto(address(route, named))
        assert answer
        assert answer.status == 200, route
        assert visitor.page.url.endswith(address(route, named)), route
        if faults := [*visitor.barriers(), *visitor.disorder(), *visitor.wider()]:
            wrong[route] = faults
    assert wrong == {}


@pytest.mark.night
@pytest.mark.parametrize(("code", "scheme", "width"), [DAY[1], NIGHT[0]], ids=lambda value: str(value))
def test_no_answer_keeps_anybody_out(
    busy: ServedConsole,
    person: Callable[..., Person],
    code: str,
    scheme: str,
    width: int,
) -> None:
    """The same of what follows on a form: a refused log-in, a number that is none, a company's line that
    another has, a call that nobody makes, a caller whom nobody knows; and of a page that is not there."""
    guest, officer = (person(busy, code, **window(scheme, width)) for _each in range(2))
    guest.go("/login").page.get_by_label(guest.say("Name")).fill("nobody")
    guest.reach(guest.say("Password")).type("wrong").enter()
    faults = [guest.barriers() + guest.wider()]
    officer.is_in("compliance@acme")
    for typed in ("12", "+39 333 000 0000"):
        officer.go("/acme/caller").reach(officer.say("Telephone number, with country code"))
        officer.type(typed).enter()
        faults.append(officer.barriers() + officer.wider())
    for path in ("/acme/calls?line=%2B493012345678", "/acme/calls?status=FAILED", "/acme/nowhere"):
        officer.go(path)
        faults.append(officer.barriers() + officer.wider())
    officer.go("/acme/what-if").reach(officer.say("Caller's number")).type("+39 333 000 0000").enter()
    faults.append(officer.barriers() + officer.wider())
    assert faults == [[]] * 7


@pytest.mark.sample(1)
@pytest.mark.parametrize(("code", "scheme", "script"), [("it", "light", True), ("en", "dark", False)])
def test_the_menu_is_one_row_on_a_telephone(
    busy: ServedConsole, person: Callable[..., Person], code: str, scheme: str, script: bool
) -> None:
    """It leaves the page its room; the page that is open is seen in it, and all are reached by keyboard."""
    officer = person(busy, code, java_script_enabled=script, **window(scheme, 360)).is_in("compliance@acme")
    officer.go("/acme/looked")
    links = officer.page.locator(".pages a")
    boxes = [link.bounding_box() for link in links.all()]
    assert len({box["y"] for box in boxes if box}) == 1
    assert links.last.get_attribute("aria-current") == "page"
    if script:
        assert boxes[-1]
        assert boxes[-1]["x"] + boxes[-1]["width"] <= 360
    officer.press(officer.say("What if"))
    assert officer.path == "/acme/what-if"


def test_app_is_set_up_by_keyboard_without_scripts(
    office: ServedConsole, person: Callable[..., Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the log-in to the recovery codes on a telephone; axe-core finds nothing serious on any of these
    pages, nor on that with the link of an invitation."""
    now, narrow = datetime.now(UTC), window("dark", 360)
    monkeypatch.setattr(office.console, "now", lambda: now)
    admin = person(office, "it", java_script_enabled=False, **narrow).is_in("admin@acme")
    admin.go("/account/app")
    secret = admin.page.locator("main p code").inner_text().replace(" ", "")
    admin.reach(admin.say("Code of the app")).type(totp.hotp(b32decode(secret), totp.step(now)))
    admin.reach(admin.say("Present password")).type(PASSWORD).enter()
    codes = admin.page.locator(".codes code").all_inner_texts()
    admin.press(admin.say("I have put them away"))
    assert (len(codes), admin.path) == (10, "/account")
    guest = person(office, "it", **narrow).log_in("admin@acme")
    guest.reach(guest.say("Code of the app, or a recovery code")).type(codes[0]).enter()
    assert guest.path == "/acme/today"
    guest.go("/acme/accounts").reach(guest.say("Name")).type("nora")
    guest.press(guest.say("Invite"))
    assert guest.page.locator("main .notice code").inner_text().startswith(f"{office.address}/invitation/")
    assert guest.barriers() + guest.wider() == []
    officer = person(office, "en", **narrow).is_in("compliance@acme").go("/account/app")
    secret = officer.page.locator("main p code").inner_text().replace(" ", "")
    officer.reach("Code of the app").type(totp.hotp(b32decode(secret), totp.step(now)))
    officer.reach("Present password").type(PASSWORD).enter()
    assert officer.barriers() + officer.wider() == []


READ_ALOUD = {
    "/acme/today?over=year": """
        - heading "This year" [level=1]
        - group "Time shown":
          - link "Today"
          - link "This month"
          - link "This year"
        - heading "Was everybody told?" [level=2]
        - heading "Is anything broken?" [level=2]
        - heading "Is anything due?" [level=2]
        - list:
          - listitem: 2 calls
        - heading "The last calls" [level=2]
        """,
    "/acme/calls": """
        - heading "Calls" [level=1]
        - navigation "Kinds of records":
          - link "All"
        - status: New calls appear here by themselves.
        - table:
          - rowgroup:
            - row "Time Outcome Reason Heard Caller Notice Line Record"
          - rowgroup:
            - row "Thursday 26 November 2026":
              - rowheader "Thursday 26 November 2026"
            - row:
              - cell "09:32"
              - cell "not heard in full"
              - cell:
                - group: first notice
              - cell "7.7 of 17.4 seconds, until the caller pressed a key"
              - cell /^\\d{4}$/
              - cell "privacy notice 1"
              - cell "+390212345678"
              - cell "3":
                - link "3"
        """,
    "/acme/accounts": """
        - heading "Accounts" [level=1]
        - table:
          - rowgroup:
            - row "Account Last log-in Second factor Role Action"
          - rowgroup:
            - row:
              - cell "admin@acme"
              - cell:
                - combobox "Role of admin@acme"
                - button /^Change ?. admin@acme$/
              - cell:
                - button /^End the sessions ?. admin@acme$/
        - heading "Invite somebody" [level=2]
        - textbox "Name"
        - combobox "Role"
        - button "Invite"
        """,
    "/acme/requests/new": """
        - heading "Open a request" [level=1]
        - textbox "Telephone number, with country code"
        - combobox "What is asked for"
        """,
}
"""The content of pages as a screen reader has it, in its order."""


def test_pages_are_read_aloud_in_order(busy: ServedConsole, person: Callable[..., Person]) -> None:
    """Headings, landmarks, controls and cells have words: how much was heard, whose sessions end."""
    operator = person(busy, **window("light", 1280)).is_in("operator")
    for path, tree in READ_ALOUD.items():
        expect(operator.go(path).page.locator("main")).to_match_aria_snapshot(tree)
