"""The pictures of the README, made anew: `make screens`. Look at them before they are committed.

Real calls are placed as in the demo, whose output becomes one picture; a real browser takes the others, of
the console over what those calls left.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from playwright.sync_api import Page
from rich.console import Console

from lab.browser import browser, obtain
from lab.calls import OutcomeError
from lab.debian import Unavailable
from lab.office import Office, OfficeError
from lab.pbx import PbxError
from lab.phone import CallError

from . import run as demo
from .web import Web

FOLDER = Path(__file__).resolve().parents[2] / "docs/pictures"
COLUMNS = 124
PAGES = {"today": "/acme/today", "call": "/acme/calls/2"}
"""Each page that is shown, by the name of its picture."""
_WIDTH, _HEIGHT = 1100, 820
_PASSWORD = "a password of many words"


def main() -> int:
    """Make all of them; the exit code."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())  # no terminal: each row once
    try:
        obtain()
        office, _rows = demo.ring(console)
        console.save_svg(str(FOLDER / "demo.svg"), title="make demo")
        picture(office)
    except (Unavailable, PbxError, OfficeError, CallError, OutcomeError) as error:
        print(f"screens: {error}", file=sys.stderr)
        return 1
    return 0


def picture(office: Office) -> None:
    """The pages, in both languages, of the console over what an office recorded."""
    web = Web(office, demo.CONTROLLERS)
    try:
        link = web.start()
        with browser() as chromium:
            page = chromium.new_page(viewport={"width": _WIDTH, "height": _HEIGHT}, locale="en-GB")
            _accept(page, link)
            for language in ("en", "it"):
                page.click(f"footer button[value={language}]")
                for name, path in PAGES.items():
                    page.goto(link.partition("/invitation/")[0] + path)
                    page.screenshot(path=str(FOLDER / f"{name}-{language}.png"))
    finally:
        web.stop()


def _accept(page: Page, link: str) -> None:
    """Become who was invited."""
    page.goto(link)
    page.fill("#password", _PASSWORD)
    page.fill("#again", _PASSWORD)
    page.click("main button")


if __name__ == "__main__":
    sys.exit(main())
