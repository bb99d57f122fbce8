"""The end of `make demo WEB=1`: the console over what the demo recorded, for as long as somebody looks."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException

from rich.console import Console

from lab.office import BIN, Office, OfficeError
from lab.ports import free_port
from lab.process import Child

NAME = "demo"
_PATIENCE = 60.0  # seconds for its start


class Web:
    """The console of an office, as a process of its own."""

    def __init__(self, office: Office, controllers: Sequence[str]) -> None:
        self._office, self._log, self._controllers = office, office.folder / "web.log", controllers
        self._child: Child | None = None

    def start(self) -> str:
        """Serve the pages on a free port; the link for the first who comes, who may everything. Raises
        OfficeError where it does not start."""
        port, config = free_port(), str(self._office.config)
        text = self._office.config.read_text(encoding="utf-8")
        self._office.config.write_text(f"{text}\nweb:\n  listen: 127.0.0.1:{port}\n", encoding="utf-8")
        whose = [word for name in self._controllers for word in ("--controller", name)]
        invitation = self._office.command("web", "invite", NAME, "--role", "admin", *whose, "-c", config)
        link = next(word for word in invitation.split() if word.startswith("http://"))
        command = [str(BIN / "informativa"), "web", "-c", config, "--log", "json"]
        self._child = Child(command, cwd=self._office.folder, output=self._log)
        until = time.monotonic() + _PATIENCE
        while not self._answers(port):
            if self._child.wait(0.05) or time.monotonic() > until:
                raise OfficeError(f"the console did not start:\n{self._log.read_text(errors='replace')}")
        return link

    def stop(self) -> None:
        """End it."""
        if self._child:
            self._child.end(20)
            self._child = None

    @staticmethod
    def _answers(port: int) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/login", timeout=5) as answer:
                return bool(answer.status == 200)
        except (OSError, HTTPException):
            return False


def open_console(console: Console, office: Office, controllers: Sequence[str]) -> None:
    """Serve until Ctrl-C."""
    web = Web(office, controllers)
    try:
        link = web.start()
        console.print(
            "\n[bold]The console is open.[/bold] This link is good once; choose a password there, of 12"
            f" characters or more, for the account “{NAME}”:\n",
            highlight=False,
        )
        console.print(f"  {link}\n", highlight=False, soft_wrap=True)
        console.print("Ctrl-C ends it.")
        threading.Event().wait()
    except KeyboardInterrupt:
        console.print("\nThe console is closed; nothing is left running.")
    finally:
        web.stop()
