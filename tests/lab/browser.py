"""A browser without a screen: Debian's Chromium, or its engine alone.

Debian's chromium-headless-shell has the same engine without what surrounds a window, and a page costs a third
of the processor time. `NIGHT=1` has the whole one. To start either, and Playwright, takes as long as some
pages, so all who ask in one process get the same.
"""

from __future__ import annotations

import asyncio
import atexit
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

CHROMIUM = shutil.which("chromium")
_ENGINE = None if os.environ.get("NIGHT") else shutil.which("chromium-headless-shell")
browser_needed = pytest.mark.skipif(
    CHROMIUM is None or importlib.util.find_spec("playwright") is None,
    reason="Chromium or playwright is not on this machine",
)


@contextmanager
def browser(*, keeps_pages: bool = False) -> Iterator[Browser]:
    """A Chromium, whose windows are closed afterwards. As people have it, and only the whole one, it
    `keeps_pages` for the back button. Meanwhile no test may use asyncio."""
    with _PROCESS.loop_known():
        opened = _PROCESS.chromium(keeps_pages)
        others = opened.contexts
        try:
            yield opened
        finally:
            for context in opened.contexts:
                if context not in others:
                    context.close()


def close_browsers() -> None:
    """Close all that were opened in this process."""
    _PROCESS.close()


class _Browsers:
    """Playwright, and a browser of each kind, from when the first was asked for."""

    def __init__(self) -> None:
        self._opened = ExitStack()
        self._playwright: Playwright | None = None
        self._chromium: dict[bool, Browser] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    @contextmanager
    def loop_known(self) -> Iterator[None]:
        """Have asyncio know of Playwright's loop, which waits in this thread for its turn: at other times
        whoever runs one of his own would be told that he may not."""
        outer = asyncio._get_running_loop()
        asyncio._set_running_loop(outer or self._loop)
        try:
            yield
        finally:
            if outer is None:
                self._loop = asyncio._get_running_loop()
                asyncio._set_running_loop(None)

    def chromium(self, keeps_pages: bool) -> Browser:
        """Return the browser of a kind, which is started if none runs."""
        opened = self._chromium.get(keeps_pages)
        if opened is None or not opened.is_connected():
            opened = self._chromium[keeps_pages] = self._launch(keeps_pages)
        return opened

    def _launch(self, keeps_pages: bool) -> Browser:
        quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
        quiet += ["--disable-background-networking", "--disable-component-update"]
        if self._playwright is None:
            from playwright.sync_api import sync_playwright

            self._playwright = self._opened.enter_context(sync_playwright())
        # libpulse, for sounds on a page, makes a folder that nobody deletes where there is none of a log-in
        runtime = self._opened.enter_context(tempfile.TemporaryDirectory(prefix="browser-"))
        opened = self._playwright.chromium.launch(
            executable_path=CHROMIUM if keeps_pages else _ENGINE or CHROMIUM,
            args=quiet,
            env={**os.environ, "XDG_RUNTIME_DIR": runtime},
            ignore_default_args=["--disable-back-forward-cache"] if keeps_pages else None,
        )
        self._opened.callback(opened.close)
        return opened

    def close(self) -> None:
        """Close them, and Playwright."""
        with self.loop_known():
            self._opened.close()
            self._playwright, self._chromium = None, {}
        self._loop = None


_PROCESS = _Browsers()
atexit.register(close_browsers)
