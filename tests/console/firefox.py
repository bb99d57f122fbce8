"""Debian's Firefox without a screen, led by its own Marionette protocol.

Playwright leads a Firefox of its own alone, and Debian has no geckodriver. A message is its length, a colon
and JSON: [0, number, command, parameters]; the answer is [1, number, error, result].
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.ports import free_port
from lab.process import Child, until

FIREFOX = shutil.which("firefox-esr")
firefox_needed = pytest.mark.skipif(FIREFOX is None, reason="Type: apt-get install firefox-esr")
PATIENCE = 60.0  # seconds
TAB, ENTER = "\ue004", "\ue007"
_TABS = 80  # presses until what is looked for is not there
_PREFERENCES: dict[str, object] = {
    "accessibility.tabfocus": 7,
    "app.update.enabled": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "signon.rememberSignons": False,
}
_FOCUSED = """
    const focused = document.activeElement;
    const label = focused.labels?.length ? focused.labels[0].innerText : focused.getAttribute("aria-label");
    return focused === document.body ? "" : (label || focused.innerText).trim();
"""
_NARROW = """
    const browser = Services.wm.getMostRecentWindow("navigator:browser").gBrowser.selectedBrowser;
    browser.style.width = browser.style.maxWidth = arguments[0] + "px";
"""
_ERRORS = """
    return Services.console.getMessageArray()
        .filter(message => message instanceof Ci.nsIScriptError)
        .filter(message => message.sourceName.startsWith(arguments[0]))
        .map(message => message.category + ": " + message.errorMessage);
"""
_WIDER = "return document.documentElement.scrollWidth > innerWidth"


class MarionetteError(Exception):
    """Firefox could not do a command; says which, and its reason."""


class Firefox:
    """One window of a Firefox, at the keyboard."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._stream, self._number = connection, connection.makefile("rb"), 0
        self._read()  # its greeting
        self._ask("WebDriver:NewSession")

    def go(self, address: str) -> None:
        """Open an address."""
        self._ask("WebDriver:Navigate", url=address)

    def run(self, script: str, *arguments: object) -> Any:
        """Return the result of a script in the page."""
        return self._ask("WebDriver:ExecuteScript", script=script, args=list(arguments))["value"]

    def narrow(self, width: int) -> None:
        """Give pages so many pixels; a window has 500 at least."""
        self._in_browser(_NARROW, width)

    def errors(self, address: str) -> list[str]:
        """Return all that the browser complained of in pages of an address, as of the CSP."""
        errors: list[str] = self._in_browser(_ERRORS, address)
        return errors

    @property
    def address(self) -> str:
        """The address of the page that is open."""
        return str(self._ask("WebDriver:GetCurrentURL")["value"])

    @property
    def text(self) -> str:
        """Return what stands on the page, for people."""
        return str(self.run("return document.querySelector('main').innerText"))

    @property
    def is_wider(self) -> bool:
        """Return whether the page must be moved to be read."""
        return bool(self.run(_WIDER))

    def reach(self, name: str) -> Firefox:
        """Press Tab until the focus is on what is called so."""
        for _press in range(_TABS):
            if self.run(_FOCUSED) == name:
                return self
            self.type(TAB)
        raise AssertionError(f"no Tab leads to {name!r} on {self.address}:\n{self.text}")

    def type(self, text: str) -> Firefox:
        """Into what has the focus."""
        keys = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        self._ask("WebDriver:PerformActions", actions=[{"type": "key", "id": "keyboard", "actions": keys}])
        return self

    def enter(self) -> Firefox:
        """Press Enter, where it opens a page or sends a form; that is open then."""
        self.run("window.before = true")
        self.type(ENTER)
        until(self._is_open, PATIENCE, lambda: f"Another page than {self.address} is open.")
        return self

    def press(self, name: str) -> Firefox:
        """Reach it, and press Enter."""
        return self.reach(name).enter()

    def quit(self) -> None:
        """Close it, and all of its processes."""
        with contextlib.suppress(OSError, ValueError):  # it may end before it answers
            self._ask("Marionette:Quit", flags=["eForceQuit"])
        self._connection.close()

    def _is_open(self) -> bool:
        with contextlib.suppress(MarionetteError):  # while one page takes the place of another
            return bool(self.run("return !window.before && document.readyState === 'complete'"))
        return False

    def _in_browser(self, script: str, *arguments: object) -> Any:
        self._ask("Marionette:SetContext", value="chrome")
        try:
            return self.run(script, *arguments)
        finally:
            self._ask("Marionette:SetContext", value="content")

    def _ask(self, command: str, **parameters: object) -> dict[str, Any]:
        self._number += 1
        message = json.dumps([0, self._number, command, parameters]).encode()
        self._connection.sendall(b"%d:%s" % (len(message), message))
        _kind, _number, error, result = self._read()
        if error:
            raise MarionetteError(f"{command}: {error['message']}")
        return result or {}

    def _read(self) -> Any:
        length = b""
        while (byte := self._stream.read(1)) != b":":
            if not byte:
                raise OSError("Firefox closed the connection")
            length += byte
        return json.loads(self._stream.read(int(length)))


@contextlib.contextmanager
def firefox(folder: Path, languages: str = "en-GB") -> Iterator[Firefox]:
    """A Firefox whose profile is in a folder that nobody has used."""
    assert FIREFOX
    port = free_port()
    preferences = _PREFERENCES | {"marionette.port": port, "intl.accept_languages": languages}
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items())
    folder.mkdir()
    (folder / "user.js").write_text("".join(lines))
    home = {**os.environ, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    command = [FIREFOX, "--headless", "--no-remote", "--marionette", "--remote-allow-system-access"]
    child = Child([*command, "--profile", str(folder)], cwd=folder, output=folder / "output", env=home)
    try:
        connections: list[socket.socket] = []

        def connects() -> bool:
            with contextlib.suppress(OSError):
                connections.append(socket.create_connection(("127.0.0.1", port), PATIENCE))
            return bool(connections)

        until(connects, PATIENCE, lambda: f"Firefox starts: {(folder / 'output').read_text()}")
        browser = Firefox(connections[0])
        try:
            yield browser
        finally:
            browser.quit()
    finally:
        child.end(PATIENCE)
