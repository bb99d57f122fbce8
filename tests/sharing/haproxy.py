"""A real haproxy before servers of the lab, which leads to the primary; ended with the test."""

from __future__ import annotations

import contextlib
import csv
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.databases import HOST, Daemon, given, programs, socket_folder, tail
from lab.ports import free_port
from lab.process import until

_BOOT = 20.0  # seconds; a fraction of one seen

# As Patroni's documentation has it, with checks thrice a second. When a server is primary no more its
# connections are closed: one that is held open would go on leading to it.
_SETTINGS = """\
global
  stats socket {sockets}/stats level admin
  log stderr format raw local0
defaults
  mode tcp
  log global
  timeout connect 2s
  timeout client 1h
  timeout server 1h
  timeout check 2s
listen primary
  bind {host}:{port}
  {check}
  default-server inter 300ms fall 2 rise 1 on-marked-down shutdown-sessions
{servers}
"""
_ASK_PATRONI = "option httpchk OPTIONS /primary\n  http-check expect status 200"


@dataclass(frozen=True)
class Target:
    """A server: its port, and that of its Patroni's REST API, where it has one."""

    name: str
    port: int
    rest: int | None = None


class HaProxy(Daemon):
    """haproxy in TCP mode; of the targets with a Patroni it leads to the one that this calls primary.

    Of targets without it leads to any that takes connections, each in turn. A context manager.
    """

    def __init__(self, folder: Path, targets: Sequence[Target]) -> None:
        super().__init__(folder)
        self.port = free_port()
        self._targets = targets
        self._sockets = self.folder
        self._closing = contextlib.ExitStack()

    def start(self) -> None:
        """Start it and wait until it has looked at every server."""
        given(self.folder)
        self._sockets = self._closing.enter_context(socket_folder(self.folder / "run"))
        servers = "".join(
            f"  server {one.name} {HOST}:{one.port} check" + (f" port {one.rest}\n" if one.rest else "\n")
            for one in self._targets
        )
        check = _ASK_PATRONI if all(one.rest for one in self._targets) else "option tcp-check"
        text = _SETTINGS.format(
            sockets=self._sockets, host=HOST, port=self.port, check=check, servers=servers
        )
        (self.folder / "haproxy.cfg").write_text(text)
        given(self.folder)
        child = self._launch(programs().haproxy, "-db", "-f", self.folder / "haproxy.cfg")
        until(self._looked, _BOOT, lambda: f"haproxy does not start.{tail(self._log)}", child)

    def stop(self) -> None:
        """End it at once: whoever is connected is cut off. Does nothing if it does not run."""
        if self._child:
            self._child.kill()
        self._child = None
        self._closing.close()

    def up(self) -> list[str]:
        """The names of the servers that it leads to now."""
        return [row["svname"] for row in self._servers() if row["status"].startswith("UP")]

    def _looked(self) -> bool:
        """Return whether each server was checked once; until then haproxy takes all of them for good ones."""
        try:
            rows = self._servers()
        except OSError:
            return False
        checks = [row["check_status"].removeprefix("* ") for row in rows]
        return len(checks) == len(self._targets) and not {"", "INI"} & set(checks)

    def _servers(self) -> list[dict[str, str]]:
        with socket.socket(socket.AF_UNIX) as stats:
            stats.settimeout(60)
            stats.connect(str(self._sockets / "stats"))
            stats.sendall(b"show stat\n")
            with stats.makefile(encoding="ascii") as answer:
                table = answer.read().removeprefix("# ")
        return [
            row for row in csv.DictReader(table.splitlines()) if row["svname"] not in ("FRONTEND", "BACKEND")
        ]
