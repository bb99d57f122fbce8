"""A browser without a screen: Debian's Chromium, or its engine alone.

Debian's chromium-headless-shell has the same engine without what surrounds a window, and a page costs a third
of the processor time. `NIGHT=1` has the whole one.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = shutil.which("chromium")
_ENGINE = None if os.environ.get("NIGHT") else shutil.which("chromium-headless-shell")
browser_needed = pytest.mark.skipif(
    CHROMIUM is None or importlib.util.find_spec("playwright") is None,
    reason="Chromium or playwright is not on this machine",
)


@contextmanager
def browser(*, keeps_pages: bool = False) -> Iterator[Browser]:
    """A Chromium. As people have it, and only the whole one, it `keeps_pages` for the back button."""
    from playwright.sync_api import sync_playwright

    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    quiet += ["--disable-background-networking", "--disable-component-update"]
    # libpulse, for sounds on a page, makes a folder that nobody deletes where there is none of a log-in
    with tempfile.TemporaryDirectory(prefix="browser-") as runtime, sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM if keeps_pages else _ENGINE or CHROMIUM,
            args=quiet,
            env={**os.environ, "XDG_RUNTIME_DIR": runtime},
            ignore_default_args=["--disable-back-forward-cache"] if keeps_pages else None,
        )
        yield opened
        opened.close()
