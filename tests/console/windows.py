"""Somebody before the console in Debian's Chromium, at the keyboard; its complaints are kept."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from pypdf import PdfReader

from console.served import PASSWORD, ServedConsole
from informativa.views.messages import ENGLISH, language

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Download, Page, Request

TABS = 80  # presses until what is looked for is not there
PATIENCE = 30_000  # milliseconds until what does not come is a failure
LOCALES = {"it": "it-IT", "en": "en-GB"}
_FOCUSED = """() => {
    const found = document.activeElement;
    const said = found.labels?.length ? found.labels[0].innerText : found.getAttribute("aria-label");
    return found === document.body ? "" : (said || found.innerText).trim();
}"""
_WIDER = """() => [...document.querySelectorAll("body *")]
    .filter(each => each.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .filter(each => !each.closest(".wide, pre, .plot")).map(each => each.outerHTML.slice(0, 120))"""
_DISORDER = """() => {
    const faults = [], seen = found => found.checkVisibility(), text = found => found.innerText.trim();
    const all = selector => [...document.querySelectorAll(selector)].filter(seen);
    let level = 0;
    for (const heading of all("h1, h2, h3, h4, h5, h6")) {
        if (+heading.tagName[1] > level + 1) faults.push("level left out before " + text(heading));
        level = +heading.tagName[1];
    }
    const titles = all("h1:not(article *)").length;  // a letter has one of its own
    if (titles !== 1) faults.push("headings of level 1: " + titles);
    for (const table of all("table:not(:has(th))")) faults.push("no heads: " + text(table).slice(0, 99));
    for (const head of all("th:not([scope])")) faults.push("head of nothing: " + text(head));
    for (const part of all("nav, [role=group]")) if (!text(part)) faults.push("empty: " + part.ariaLabel);
    const names = all("td button").map(button => button.ariaLabel || text(button));
    for (const name of new Set(names.filter((name, at) => names.indexOf(name) !== at)))
        faults.push("name of several buttons: " + name);
    for (const meter of all("meter:not([aria-hidden])")) faults.push("read as a number: " + meter.value);
    return faults;
}"""
_AXE = {"resultTypes": ["violations"], "preload": False}


class Person:
    """One window of a browser that shares nothing with others. `settings` are Playwright's for a context."""

    def __init__(self, chromium: Browser, office: ServedConsole, code: str = "en", **settings: Any) -> None:
        self.office, self.say = office, ENGLISH if code == "en" else language(code)
        self._context = chromium.new_context(base_url=office.address, locale=LOCALES[code], **settings)
        self._context.set_default_timeout(PATIENCE)
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        self.visited: list[str] = []  # addresses of pages
        self.page: Page = self.window()

    def window(self) -> Page:
        """One more, of the same browser."""
        page = self._context.new_page()
        page.on("console", self._complained)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._asked)
        return page

    def close(self) -> None:
        """Leave."""
        self._context.close()

    def go(self, path: str) -> Person:
        """To an address, by hand."""
        self.page.goto(path)
        return self

    def is_in(self, name: str) -> Person:
        """Begin as one whose log-in is over already; passwords take time."""
        account = self.office.console.accounts.get(name)
        assert account
        return self.holds(self.office.console.sessions.begin(account))

    def holds(self, token: str) -> Person:
        """Begin as whoever has that session."""
        self._context.add_cookies([{"name": "session", "value": token, "url": self.office.address}])
        return self

    def log_in(self, name: str, password: str = PASSWORD) -> Person:
        """Log in by the front door, by the keyboard alone."""
        self.go("/login")
        self.reach(self.say("Name")).type(name)
        return self.reach(self.say("Password")).type(password).enter()

    @property
    def path(self) -> str:
        """The path of the page that is open."""
        return urlsplit(self.page.url).path

    @property
    def text(self) -> str:
        """Return what stands on the page, for people."""
        return self.page.locator("main").inner_text()

    def sees(self, text: str) -> Person:
        """Wait until it is there."""
        self.page.get_by_text(text).first.wait_for()
        return self

    # -- the keyboard --

    def reach(self, name: str) -> Person:
        """Press Tab until the focus is on what is called so; it must be seen to be."""
        for _press in range(TABS):
            if self.page.evaluate(_FOCUSED) == name:
                return self
            self.page.keyboard.press("Tab")
        raise AssertionError(f"no Tab leads to {name!r} on {self.page.url}:\n{self.text}")

    def type(self, text: str) -> Person:
        """Into what has the focus."""
        self.page.keyboard.type(text)
        return self

    def enter(self) -> Person:
        """Press Enter, where it opens a page or sends a form; that is open then."""
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        return self

    def press(self, name: str) -> Person:
        """Reach it, and press Enter."""
        return self.reach(name).enter()

    def download(self, name: str) -> Path:
        """Press what is called so; the file that comes of it."""
        self.reach(name)
        with self.page.expect_download() as coming:
            self.page.keyboard.press("Enter")
        download: Download = coming.value
        return download.path().rename(download.path().parent / download.suggested_filename)

    # -- what there is to see --

    def printed(self) -> str:
        """The text of what comes out of a printer, on A4."""
        paper = PdfReader(io.BytesIO(self.page.pdf(prefer_css_page_size=True)))
        return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in paper.pages))

    def barriers(self) -> list[str]:
        """Return what keeps somebody out, by axe-core: what is serious or critical."""
        violations = Axe().run(self.page, options=_AXE).response["violations"]
        return [
            f"{violation['id']}: {node['html'][:120]}"
            for violation in violations
            if violation["impact"] in ("serious", "critical")
            for node in violation["nodes"]
        ]

    def disorder(self) -> list[str]:
        """Return what confuses whoever has the page read aloud: headings, tables, empty landmarks, buttons
        that are called alike."""
        faults: list[str] = self.page.evaluate(_DISORDER)
        return faults

    def wider(self) -> list[str]:
        """Return what goes beyond the right edge, so that the whole page has to be moved to be read."""
        moves = self.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        return [*self.page.evaluate(_WIDER), *(["the page"] if moves else [])]

    def _asked(self, request: Request) -> None:
        if request.is_navigation_request():
            self.visited.append(request.url)
        if not request.url.startswith((self.office.address + "/", "data:", "blob:", "about:")):
            self.elsewhere.append(request.url)

    def _complained(self, message: ConsoleMessage) -> None:
        """A page that is refused is told in the page, and who types before a field takes the focus by itself
        has it already; of all else that failed nobody would know."""
        refused = message.text.startswith("Failed to load") and message.location["url"] in self.visited
        faster = message.text.startswith("Autofocus processing was blocked")
        if not refused and not faster:
            self.complaints.append(message.text)
