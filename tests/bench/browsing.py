"""A browser that stops the time, what it has to know to reach every page, and people who read without end."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from informativa import config
from informativa.console.routes import ROUTES
from informativa.model import Role
from informativa.operations.accounts.store import AccountFile
from lab.office import BIN, Office
from lab.ports import answers, free_port
from lab.process import Child

from . import rivals
from .figures import RefusedError, same

COMPANY, NAME, PASSWORD = "acme", "anna.rossi", "correct horse battery"
_PATIENCE = 600.0  # seconds for a page, and for a bundle, for which each leaf is looked at
_START = 60.0
_MOST = 1 << 20  # bytes that are read of an answer
_SECRET = re.compile(r'name="csrf" value="(\w+)"')
_ELSEWHERE = 19  # nice value: those who read have a machine of their own


@dataclass(frozen=True)
class Answer:
    """An answer: its status, bytes, and the milliseconds to its first byte and its last."""

    status: int
    location: str
    text: str
    size: int
    first: float
    last: float


class Browser:
    """Keeps its connection and its session; asks for nothing that it was not told to."""

    def __init__(self, port: int, session: str = "") -> None:
        self._port, self.session = port, session
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)

    def get(self, path: str) -> Answer:
        """A page."""
        return self._ask("GET", path, None)

    def send(self, form: str, to: str, **fields: str) -> str:
        """Sends a form of ours, which stands on the page `form`; where it leads. Raises RefusedError."""
        secret = _SECRET.search(self.get(form).text)
        same(f"a form on {form}", True, secret is not None)
        assert secret
        answer = self._ask("POST", to, urlencode({"csrf": secret[1], **fields}))
        same(f"status of the form {to}", 303, answer.status)
        return answer.location

    def log_in(self) -> None:
        """Log in by the front door."""
        self.send("/login", "/login", name=NAME, password=PASSWORD)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _ask(self, method: str, path: str, body: str | None) -> Answer:
        headers = {"Cookie": f"session={self.session}"} if self.session else {}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if self._connection.sock is None:
            self._connection.connect()
        begun = time.perf_counter()
        self._connection.request(method, path, body, headers)
        self._connection.sock.recv(1, socket.MSG_PEEK)
        first = time.perf_counter()
        answer = self._connection.getresponse()
        data = answer.read(_MOST)
        if not answer.isclosed():  # a file of all there is
            self._connection.close()
        text = data.decode("utf-8", "replace")
        last = time.perf_counter()
        for cookie in answer.headers.get_all("set-cookie", ()):
            if match := re.match(r"session=([^;]+)", cookie):
                self.session = match[1]
        location = answer.headers.get("location", "")
        return Answer(answer.status, location, text, len(data), (first - begun) * 1000, (last - begun) * 1000)


@dataclass(frozen=True)
class ServedConsole:
    """`informativa web` over an office, and the only account that there is: admin of all companies."""

    office: Office
    port: int
    pid: int

    def browser(self) -> Browser:
        """The browser of somebody who is logged in."""
        browser = Browser(self.port)
        browser.log_in()
        return browser


@contextlib.contextmanager
def served(office: Office) -> Iterator[ServedConsole]:
    """The console of an office. Raises RefusedError where it does not start."""
    port = free_port()
    with office.config.open("a") as file:
        file.write(f'\nweb:\n  listen: "127.0.0.1:{port}"\n')
    loaded = config.load(office.config)
    assert loaded.web
    accounts, now = AccountFile(Path(loaded.web.folder)), datetime.now(UTC)
    token = accounts.invite(NAME, dict.fromkeys(loaded.controllers, Role.ADMIN), now + timedelta(days=1))
    accounts.accept(token, PASSWORD, now)
    output = office.folder / "console.log"
    child = Child(
        [str(BIN / "informativa"), "web", "-c", str(office.config)], cwd=office.folder, output=output
    )
    try:
        until = time.monotonic() + _START
        while not answers(port):
            if child.wait(0.02) or time.monotonic() > until:
                raise RefusedError(f"the console does not start: {output.read_text()}")
        yield ServedConsole(office, port, child.pid)
    finally:
        child.end(20)


@dataclass(frozen=True)
class Page:
    """One address of the table of routes, and of what it is an example. Some are for whoever is not logged
    in."""

    route: str
    path: str
    anonymous: bool = False


def pages(console: ServedConsole, browser: Browser, missing: Callable[[str, str], object]) -> Iterator[Page]:
    """An example of each address of `ROUTES` that a browser gets; `missing` is told those without one, and
    why."""
    loaded = config.load(console.office.config)
    version = loaded.notices[COMPANY][0].versions[-1]
    part, language, _prompt = next(iter(version.prompts()))
    known = {
        "controller": COMPANY,
        "notice": loaded.notices[COMPANY][0].id,
        "version": version.id,
        "part": part,
        "language": language,
        "record": "1",
        "kind": "csv",
        "form": "html",
    }
    examples, stranger = dict(EXAMPLES), Browser(console.port)
    for route in ROUTES:
        if route.get is None:
            continue
        for prefix in [prefix for prefix in examples if route.path.startswith(prefix)]:
            known |= examples.pop(prefix)(console, browser)
        try:
            page = Page(route.path, _NAMED.sub(r"{\1}", route.path).format_map(known), route.role is None)
        except KeyError as name:
            missing(route.path, f"the benchmark has no example of {name}")
            continue
        if route.path.endswith("/live"):
            missing(route.path, "it ends when the browser goes")
        elif (status := (stranger if page.anonymous else browser).get(page.path).status) == 200:
            yield page
        else:
            missing(route.path, f"the example is answered with {status}")
    stranger.close()
    yield Page("/{controller}/today, of the year", f"/{COMPANY}/today?over=year")
    yield Page("/{controller}/calls, further back", f"/{COMPANY}/calls?before=1000")


_NAMED = re.compile(r"\{(\w+)(?::\w+)?\}")


def _token(console: ServedConsole, _browser: Browser) -> dict[str, str]:
    web = config.load(console.office.config).web
    assert web
    until = datetime.now(UTC) + timedelta(days=1)
    return {"token": AccountFile(Path(web.folder)).invite("bruno", {}, until)}


def _bundle(console: ServedConsole, browser: Browser) -> dict[str, str]:
    today, to = f"{_today(console)}", f"/{COMPANY}/evidence"
    at = browser.send(to, f"{to}/bundle", first=today, last=today, language="en")
    return _finished(browser, at, f"{at}/file")


def _finished(browser: Browser, at: str, page: str) -> dict[str, str]:
    """The name of a job once its page is there, and is no page of work that goes on."""
    until = time.monotonic() + _PATIENCE
    while (answer := browser.get(page)).status != 200 or _GOES_ON in answer.text:
        if time.monotonic() > until or 'role="alert"' in browser.get(at).text:
            raise RefusedError(f"{page} does not come to an end")
        time.sleep(0.5)
    return {"job": at.rpartition("/")[2]}


def _calls(_console: ServedConsole, browser: Browser) -> dict[str, str]:
    return _key(browser.send(f"/{COMPANY}/calls", f"/{COMPANY}/calls/of", number=rivals.number(1)))


def _caller(_console: ServedConsole, browser: Browser) -> dict[str, str]:
    return _key(_found(browser))


def _letter(_console: ServedConsole, browser: Browser) -> dict[str, str]:
    to = f"{_found(browser)}/letter"
    return _key(browser.send(to, to, language="en", reference="2026/17"))


def _erased(_console: ServedConsole, browser: Browser) -> dict[str, str]:
    to = f"{_found(browser, _ERASED)}/erasure"
    return _key(browser.send(to, to, word=COMPANY))


def _request(console: ServedConsole, browser: Browser) -> dict[str, str]:
    to, day = f"/{COMPANY}/requests/new", f"{_today(console)}"
    at = browser.send(to, to, number=rivals.number(1), kind="access", received=day)
    browser.send(at, at, move="identify", word="document")
    return {"request": at.rpartition("/")[2]} | _key(browser.send(at, at, move="letter", language="en"))


_GOES_ON = "hx-trigger"  # stands in the page of a job that is not finished
_ERASED = 9_999_999  # nobody who calls meanwhile
EXAMPLES: Mapping[str, Callable[[ServedConsole, Browser], dict[str, str]]] = {
    "/invitation/{token}": _token,
    "/{controller}/evidence/jobs/{job}": _bundle,
    "/{controller}/calls/of/{session_key}": _calls,
    "/{controller}/caller/{session_key}": _caller,
    "/{controller}/letter/{session_key}": _letter,
    "/{controller}/requests/{request:number}": _request,
    "/{controller}/erased/{session_key}": _erased,
}
"""The thing that has to be made or found first for an address, by how the address begins."""


def _found(browser: Browser, caller: int = 1) -> str:
    to = f"/{COMPANY}/caller"
    return browser.send(to, to, number=rivals.number(caller))


def _key(address: str) -> dict[str, str]:
    return {"session_key": address.rpartition("/")[2]}


def _today(console: ServedConsole) -> date:
    return datetime.now(config.load(console.office.config).controllers[COMPANY].zone).date()


@dataclass
class Readers:
    """People who load pages, one after the other, and how many they have loaded."""

    loaded: int = 0
    since: float = field(default_factory=time.monotonic)
    refused: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Pages a second of all of them together."""
        return self.loaded / (time.monotonic() - self.since)


@contextlib.contextmanager
def reading(
    console: ServedConsole, session: str, paths: Sequence[str], many: int, pause: float
) -> Iterator[Readers]:
    """Load these pages meanwhile as so many people, each with so many seconds from one page to the next.
    Raises RefusedError where one of them got no page."""
    readers, lock, end = Readers(), threading.Lock(), threading.Event()

    def read(start: int) -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _ELSEWHERE)
        browser, at = Browser(console.port, session), start
        while not end.wait(pause):
            path = paths[at % len(paths)]
            try:
                outcome = str(browser.get(path).status)
            except (OSError, http.client.HTTPException) as error:
                outcome = repr(error)
                browser.close()
            with lock:
                readers.loaded += 1
                readers.refused += [] if outcome == "200" else [f"{path}: {outcome}"]
            at += 1
        browser.close()

    threads = [threading.Thread(target=read, args=(number,)) for number in range(many)]
    for thread in threads:
        thread.start()
    try:
        yield readers
    finally:
        end.set()
        for thread in threads:
            thread.join()
    same("pages that readers did not get", [], readers.refused[:3])
