"""A browser without a screen: Chromium or its engine alone, the machine's own, or Debian's without root.

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
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .databases import LEFT_OUT
from .debian import Progress, Unavailable, of_this_release, silent

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

_ENGINE, _WHOLE = "chromium-headless-shell", "chromium"
browser_needed = pytest.mark.skipif(
    importlib.util.find_spec("playwright") is None, reason="playwright is not on this machine"
)
# Debian's own configuration of fonts is of absolute paths.
_FONTS = """\
<fontconfig>
    <dir>{root}/usr/share/fonts</dir>
    <cachedir>{folder}</cachedir>
    <include>{root}/usr/share/fontconfig/conf.avail/49-sansserif.conf</include>
    <include>{root}/usr/share/fontconfig/conf.avail/60-latin.conf</include>
</fontconfig>
"""


def obtain(progress: Progress = silent, *, keeps_pages: bool = False) -> tuple[Path, Path]:
    """Return the program, and the root of the system that it is of. The whole one is downloaded by night
    alone, for it is half as large again. Raises Unavailable."""
    night = bool(os.environ.get("NIGHT"))
    for name in (_WHOLE,) if night or keeps_pages else (_ENGINE, _WHOLE):
        if own := shutil.which(name):
            return Path(own), Path("/")
    if keeps_pages and not night:
        raise Unavailable("The whole Chromium is not on this machine.", "Install chromium, or set NIGHT=1.")
    name = _WHOLE if night else _ENGINE
    root = of_this_release([name, "fonts-dejavu-core", "libatomic1"], progress, LEFT_OUT)
    return root / "usr/lib/chromium" / name, root


def _surroundings(root: Path, folder: Path) -> dict[str, str]:
    """Return what a browser that is not installed needs: its libraries, and fonts."""
    if root == Path("/"):
        return {}
    (folder / "fonts.conf").write_text(_FONTS.format(root=root, folder=folder))
    places = ("usr/lib/*-linux-*", "lib/*-linux-*", "usr/lib/*-linux-*/pulseaudio")
    libraries = [library for place in places for library in root.glob(place)]
    return {
        "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
        "FONTCONFIG_FILE": str(folder / "fonts.conf"),
    }


@contextmanager
def browser(*, keeps_pages: bool = False) -> Iterator[Browser]:
    """A Chromium, whose windows are closed afterwards. As people have it, and only the whole one, it
    `keeps_pages` for the back button. Meanwhile no test may use asyncio."""
    try:
        obtain(keeps_pages=keeps_pages)
    except Unavailable as missing:
        pytest.skip(str(missing))
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
        program, root = obtain(keeps_pages=keeps_pages)
        # libpulse, for sounds on a page, makes a folder that nobody deletes where there is none of a log-in
        runtime = self._opened.enter_context(tempfile.TemporaryDirectory(prefix="browser-"))
        environment = _surroundings(root, Path(runtime))
        quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
        quiet += ["--disable-background-networking", "--disable-component-update"]
        if self._playwright is None:
            from playwright.sync_api import sync_playwright

            with pytest.MonkeyPatch.context() as patched:  # its own program has libraries, too
                for name, value in environment.items():
                    patched.setenv(name, value)
                self._playwright = self._opened.enter_context(sync_playwright())
        opened = self._playwright.chromium.launch(
            executable_path=program,
            args=quiet,
            env={**os.environ, **environment, "XDG_RUNTIME_DIR": runtime},
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
