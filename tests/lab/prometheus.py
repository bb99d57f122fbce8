"""Prometheus and its promtool: the machine's own, or taken from Debian without root."""

from __future__ import annotations

import json
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any

from .debian import Progress, Unavailable, cache_folder, packages, running_suite, silent
from .process import Child

_PATIENCE = 60.0  # seconds; the first start takes about one


def tool(name: str, progress: Progress = silent) -> Path:
    """`prometheus` or `promtool`. Raises Unavailable."""
    if own := shutil.which(name):
        return Path(own)
    suite = running_suite()
    try:
        root = packages(suite, ["prometheus", "promtool"], cache_folder(), progress, closure=False)
    except Unavailable:  # promtool is in the package prometheus until Debian 12
        root = packages(suite, ["prometheus"], cache_folder(), progress, closure=False)
    program = root / "usr/bin" / name
    if not program.exists():
        raise Unavailable(f"Debian {suite} brings no {name}.", f"Install {name}.")
    return program


class Prometheus:
    """A Prometheus that asks once a second, in a folder of its own; to be closed."""

    def __init__(self, program: Path, folder: Path, port: int, configuration: str) -> None:
        self._address = f"http://127.0.0.1:{port}/api/v1"
        folder.mkdir()
        (folder / "prometheus.yml").write_text(configuration)
        self.log = folder / "log"
        self._child = Child(
            [
                *(str(program), f"--config.file={folder}/prometheus.yml"),
                *(f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"),
            ],
            cwd=folder,
            output=self.log,
        )

    def get(self, path: str, **query: str) -> Any:
        """Return what its API answers, once it does; `None` if it refuses the query."""
        address = f"{self._address}/{path}?{urllib.parse.urlencode(query)}"
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                with urllib.request.urlopen(address, timeout=10) as answer:
                    return json.load(answer)["data"]
            except urllib.error.HTTPError as error:
                if error.code == 400:
                    return None
            except (OSError, ValueError, HTTPException):  # it may end in the middle of its answer
                pass
            if self._child.wait(0.1) or time.monotonic() > until:
                raise Unavailable(f"Prometheus does not answer: {self.log.read_text()}", "Look there.")

    def close(self) -> None:
        """End it."""
        self._child.end()
