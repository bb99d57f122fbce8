"""The settings under `shared`: where the boxes of one installation meet."""

from __future__ import annotations

import importlib.util
import re
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..model import SharedDatabase
from ..text import Text
from .document import KeyPath
from .findings import Findings

if TYPE_CHECKING:
    from .schema import SharedSettings

PORT = 5432  # PostgreSQL's own
_STAYS = re.compile(r"/|127(\.\d{1,3}){3}:|localhost:|\[::1\]:")  # nothing leaves this machine


def shared(given: SharedSettings, folder: Path, found: Findings) -> SharedDatabase:
    """Made out; what is wrong is noted on the way."""
    hosts = tuple(_with_port(host) for host in given.hosts)
    _require_driver(found)
    return SharedDatabase(
        hosts=hosts,
        name=given.database,
        box=given.box,
        passwords=_passwords(given.passwords, folder, found) if given.passwords else "",
        certificates=_certificates(given, hosts, folder, found),
        wait=given.wait,
        seconds=given.milliseconds / 1000,
    )


def _with_port(host: str) -> str:
    return host if host.startswith("/") or re.search(r":\d+\Z", host) else f"{host}:{PORT}"


def _require_driver(found: Findings) -> None:
    if importlib.util.find_spec("psycopg") is None:
        found.wrong(
            ("shared",),
            Text(
                "needs the Python module psycopg",
                "type: {prefix}/bin/pip install 'informativa[postgres]'",
                prefix=Path(sys.prefix),
            ),
        )


def _passwords(given: str, folder: Path, found: Findings) -> str:
    """libpq reads none that others can read, and says nothing."""
    file, path = folder / given, ("shared", "passwords")
    absent = Text(
        "there is no file {file}", "write HOST:PORT:DATABASE:ROLE:PASSWORD there, then type: {private}"
    )
    text = found.secret(file, path, partial(absent.format, file=file, private=found.private(file)))
    for line in (text or "").splitlines():
        if line.strip() and not line.startswith("#") and len(re.findall(r"(?<!\\):", line)) != 4:
            found.wrong(
                path, Text("{file} has a line that is not HOST:PORT:DATABASE:ROLE:PASSWORD", file=file)
            )
            break
    return str(file)


def _certificates(given: SharedSettings, hosts: tuple[str, ...], folder: Path, found: Findings) -> str:
    """By which the database is known. Only what never leaves this machine needs none (I6: whoever stands in
    between reads and changes what a company recorded)."""
    path: KeyPath = ("shared", "certificates")
    if given.certificates is None:
        away = [host for host in hosts if not _STAYS.match(host)]
        if away and not any(found.lacks(("shared", name)) for name in ("hosts", "certificates")):
            found.wrong(
                ("shared",),
                Text(
                    "has no `certificates`, and {host} is another machine",
                    "name the file with the root of its certificate, or write `certificates: system`",
                    host=away[0],
                ),
            )
        return ""
    if given.certificates == "system":
        return "system"
    file = folder / given.certificates
    if not file.is_file():
        message = Text("there is no file {file}", "put the root of the database's certificate there")
        found.wrong(path, message.format(file=file))
    return str(file)
