"""The console over companies that never were: served by real HTTP, and a browser without a screen."""

from __future__ import annotations

import re
import shutil
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from argon2 import PasswordHasher

from evidence.receipts import Company
from informativa.call.caller import pseudonym
from informativa.config import Configuration, load
from informativa.console.console import Console
from informativa.console.routes import Route
from informativa.console.server import uvicorn_config
from informativa.evidence import commitment
from informativa.model import Controller, Event, Identified, Role
from informativa.operations.accounts.store import AccountFile
from informativa.operations.evidence import logs
from informativa.process import bootstrap, storage

PASSWORD = "correct horse battery staple"
CALLER, STRANGER = Identified("+393331234567"), Identified("+393337654321")
ACME, BOREALIS = "acme", "borealis"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # what is tried is not how hard it is
PATIENCE = 30.0  # seconds until an answer that never comes is a failure
FILLED = {
    "controller": "acme",
    "token": "x",
    "record": "1",
    "request": "1",
    "notice": "privacy",
    "version": "2026-11",
    "part": "short",
    "language": "it",
}


@dataclass
class Form:
    """One form of a page: where it goes, how, and what stands in it."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class Forms(HTMLParser):
    """The forms of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(attributes.get("action", ""), attributes.get("method", "get").lower()))
        elif not self.forms:
            return
        elif tag in ("input", "textarea") and attributes.get("name"):
            chosen = attributes.get("type") not in ("checkbox", "radio") or "checked" in attributes
            if chosen:
                self.forms[-1].fields[attributes["name"]] = attributes.get("value", "")
        elif tag == "select":
            self._select = attributes.get("name", "")
        elif (
            tag == "option"
            and self._select
            and ("selected" in attributes or self._select not in self.forms[-1].fields)
        ):
            self.forms[-1].fields[self._select] = attributes.get("value", "")


class Browser:
    """Keeps cookies, follows redirects, and sends forms as they stand in the page that is open, with what
    somebody typed into them."""

    def __init__(self, address: str, language: str = "en") -> None:
        headers = {"accept-language": language}
        self.http = httpx.Client(
            base_url=address, headers=headers, follow_redirects=True, timeout=PATIENCE, trust_env=False,
            verify=False,  # no TLS is there, and reading what authorities the machine trusts takes its time
        )  # fmt: skip
        self.open: httpx.Response | None = None

    def get(self, path: str, **parameters: str) -> httpx.Response:
        """Go to a page; it is open then, if it is one."""
        answer = self.http.get(path, params=parameters or None)
        return self._opened(answer)

    def forms(self) -> list[Form]:
        """Return the forms of the page that is open."""
        assert self.open is not None
        return Forms(self.open.text).forms

    def send(self, action: str = "", **typed: str) -> httpx.Response:
        """Fill in the form of the open page that goes to `action`, or the first that has all these fields,
        and send it."""
        assert self.open is not None
        form = next(
            candidate
            for candidate in self.forms()
            if (candidate.action == action if action else set(typed) <= set(candidate.fields))
        )
        to = self.open.url.join(form.action)
        fields = form.fields | typed
        if form.method == "get":
            return self._opened(self.http.get(to, params=fields))
        return self._opened(self.http.post(to, data=fields))

    def post(self, path: str, fields: Mapping[str, str]) -> httpx.Response:
        """Send what no form of ours has sent."""
        return self.http.post(path, data=dict(fields))

    def log_in(self, name: str, password: str = PASSWORD) -> Browser:
        """Go in by the front door."""
        self.get("/login")
        self.send(name=name, password=password)
        return self

    def _opened(self, answer: httpx.Response) -> httpx.Response:
        if answer.headers.get("content-type", "").startswith("text/html"):
            self.open = answer
        return answer


class ServedConsole:
    """A console that answers at `address`, over the configuration in a folder as `init` lays it: two
    companies, of which each has some records, and a reader, a compliance officer and an admin, by the name
    ROLE@COMPANY. Another one, `operator`, is the admin of both."""

    accounts: Path | None = None
    """The folder with all accounts, of which each console gets a copy, which its tests set."""

    def __init__(self, folder: Path, address: str, console: Console) -> None:
        self.folder, self.address, self.console = folder, address, console
        self.browsers: list[Browser] = []

    @property
    def configuration(self) -> Configuration:
        """The configuration as the file stands now."""
        configuration, _problems = self.console.inspected()
        return configuration

    def controller(self, name: str = ACME) -> Controller:
        """One of the companies."""
        return self.configuration.controllers[name]

    def browser(self, account: str = "", language: str = "en") -> Browser:
        """Return a browser in which an account is logged in, or none."""
        browser = Browser(self.address, language)
        self.browsers.append(browser)
        return browser.log_in(account) if account else browser

    def record(self, *events: Event, company: str = ACME) -> list[int]:
        """Put calls on record, as the service does."""
        with closing(storage.store(self.controller(company))) as store:
            return store.append(events)


@contextmanager
def served(folder: Path, **web: Any) -> Iterator[ServedConsole]:
    """The console of a folder, until it is done; with other settings than the file has."""
    settings = replace(load(folder / "informativa.yaml").web, folder=str(folder / "web"), **web)
    console = Console(folder / "informativa.yaml", settings)
    console.accounts = AccountFile(Path(settings.folder), CHEAP)
    if not console.accounts.file.exists():
        lay_accounts(Path(settings.folder))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(100)
        server = uvicorn.Server(uvicorn_config(console, settings, log_level="critical"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        office = ServedConsole(folder, f"http://127.0.0.1:{listening.getsockname()[1]}", console)
        try:
            yield office
        finally:
            for browser in office.browsers:
                browser.http.close()
            server.should_exit = True
            console.close()
            thread.join()


def lay_accounts(folder: Path) -> None:
    """Lay the accounts of a console: a copy of those that tests have made."""
    if ServedConsole.accounts:
        shutil.copytree(ServedConsole.accounts, folder, dirs_exist_ok=True)
    else:
        people(folder)


def people(folder: Path) -> None:
    """Make the accounts of a console's folder: each role at each company, and the operator."""
    accounts = AccountFile(folder, CHEAP)
    now = bootstrap.SystemClock().now()
    grants = {f"{role}@{company}": {company: role} for role in Role for company in (ACME, BOREALIS)}
    grants["operator"] = dict.fromkeys((ACME, BOREALIS), Role.ADMIN)
    for name, granted in grants.items():
        token = accounts.invite(name, granted, now + timedelta(days=1))
        accounts.accept(token, PASSWORD, now)


def lay_calls(folder: Path) -> Event:
    """Records of both companies, all of acme's signed: 1 to 5 of each kind that there is, of CALLER's calls,
    and 6 of STRANGER's; of borealis a single one. Gives acme's first."""
    company = Company(folder)
    company.record(*company.events(), of_caller(company.played, company.controller, STRANGER))
    borealis = company.configuration.controllers[BOREALIS]
    event = replace(of_caller(company.played, borealis, CALLER), line="+493012345678", call="1700000009.1")
    with closing(storage.store(borealis)) as store:
        store.append([event])
    logs.checkpoint(borealis)
    return company.played


def of_caller(event: Event, controller: Controller, caller: Identified) -> Event:
    """The same, of another caller of that company, in a call of its own."""
    return replace(
        event,
        call="1700000002.7",
        linked="1700000002.7",
        pseudonym=pseudonym(caller, controller.key),
        binding=commitment.bind(caller, controller.key),
    )


def filled(route: Route, **values: str) -> str:
    """An address of that route; what it names is there, or was never."""
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda name: (FILLED | values).get(name[1], "nowhere"), route.path)
