"""A real etcd of one member, ended with the test."""

from __future__ import annotations

from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from lab.databases import HOST, Daemon, given, programs, tail
from lab.ports import free_port
from lab.process import until

_BOOT = 60.0  # seconds; about one seen


class Etcd(Daemon):
    """etcd with its data under ``folder``, which it finds when it is started again; a context manager."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port, self._peer_port = free_port(), free_port()

    def start(self) -> None:
        """Start it and wait until it has elected itself."""
        clients, peers = f"http://{HOST}:{self.port}", f"http://{HOST}:{self._peer_port}"
        options = {
            "name": "lab",
            "data-dir": given(self.folder) / "data",
            "listen-client-urls": clients,
            "advertise-client-urls": clients,
            "listen-peer-urls": peers,
            "initial-advertise-peer-urls": peers,
            "initial-cluster": f"lab={peers}",
            "log-level": "warn",
        }
        command = (f"--{name}={value}" for name, value in options.items())
        child = self._launch(programs().etcd, *command, "--unsafe-no-fsync")
        until(self._healthy, _BOOT, lambda: f"etcd does not answer.{tail(self._log)}", child)

    def stop(self) -> None:
        """End it. Does nothing if it does not run."""
        if self._child:
            self._child.end()
        self._child = None

    def kill(self) -> None:
        """End it as if its machine died. Does nothing if it does not run."""
        if self._child:
            self._child.kill()
        self._child = None

    def _healthy(self) -> bool:
        try:
            with urlopen(f"http://{HOST}:{self.port}/health", timeout=5) as answer:
                return b'"true"' in answer.read()
        except (OSError, HTTPException):
            return False
