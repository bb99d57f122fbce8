"""The settings under `shared`: where the boxes of one installation meet."""

from __future__ import annotations

import importlib.util
import re
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..model import SharedDatabase
from ..model.text import Text
from .document import KeyPath
from .findings import Findings

if TYPE_CHECKING:
    from .schema import Settings, SharedSettings

PORT = 5432  # PostgreSQL's own
_STAYS = re.compile(r"/|127(\.\d{1,3}){3}:|localhost:|\[::1\]:")  # nothing leaves this machine


def shared(settings: Settings, folder: Path, findings: Findings) -> SharedDatabase | None:
    """Return the settings of the shared database, if there is one; problems are noted on the way."""
    section = settings.shared
    if section is None:
        for name, company in settings.controllers.items():
            if company.shared:
                message = Text("needs `shared` for all companies", "write there the name of this box")
                findings.add_problem(("controllers", name, "shared"), message)
        return None
    hosts = tuple(_with_port(host) for host in section.hosts)
    _require_driver(findings)
    database = SharedDatabase(
        hosts=hosts,
        name=section.database,
        box=section.box,
        passwords=_passwords(section.passwords, folder, findings) if section.passwords else "",
        certificates=_certificates(section, hosts, folder, findings),
        wait=section.wait,
        seconds=section.milliseconds / 1000,
        elsewhere=tuple(
            (name, tuple(_with_port(host) for host in company.shared.hosts), company.shared.database)
            for name, company in settings.controllers.items()
            if company.shared
        ),
    )
    for name, others, _database in database.elsewhere:
        if section.certificates is None:
            _require_local(others, ("controllers", name, "shared"), findings)
    return database


def _with_port(host: str) -> str:
    return host if host.startswith("/") or re.search(r":\d+\Z", host) else f"{host}:{PORT}"


def _require_driver(findings: Findings) -> None:
    if importlib.util.find_spec("psycopg") is None:
        findings.add_problem(
            ("shared",),
            Text(
                "needs the Python module psycopg",
                "type: {prefix}/bin/pip install 'informativa[postgres]'",
                prefix=Path(sys.prefix),
            ),
        )


def _passwords(name: str, folder: Path, findings: Findings) -> str:
    """Return the password file. libpq ignores one that others can read, and reports nothing."""
    file, path = folder / name, ("shared", "passwords")
    absent = Text(
        "there is no file {file}", "write HOST:PORT:DATABASE:ROLE:PASSWORD there, then type: {private}"
    )
    text = findings.secret(file, path, partial(absent.format, file=file, private=findings.private(file)))
    for line in (text or "").splitlines():
        if line.strip() and not line.startswith("#") and len(re.findall(r"(?<!\\):", line)) != 4:
            findings.add_problem(
                path, Text("{file} has a line that is not HOST:PORT:DATABASE:ROLE:PASSWORD", file=file)
            )
            break
    return str(file)


def _certificates(section: SharedSettings, hosts: tuple[str, ...], folder: Path, findings: Findings) -> str:
    """Return the file with the roots of the database's certificate. Only a connection that never leaves this
    machine needs none (I6: anybody in between can read and change what a company recorded)."""
    path: KeyPath = ("shared", "certificates")
    if section.certificates is None:
        if not any(findings.lacks(("shared", name)) for name in ("hosts", "certificates")):
            _require_local(hosts, ("shared",), findings)
        return ""
    if section.certificates == "system":
        return "system"
    file = folder / section.certificates
    if not file.is_file():
        message = Text("there is no file {file}", "put the root of the database's certificate there")
        findings.add_problem(path, message.format(file=file))
    return str(file)


def _require_local(hosts: tuple[str, ...], path: KeyPath, findings: Findings) -> None:
    """Note a problem if a connection without certificate leaves this machine."""
    remote = [host for host in hosts if not _STAYS.match(host)]
    if remote:
        message = Text(
            "has no `certificates`, and {host} is another machine",
            "name the file with the root of its certificate, or write `certificates: system`",
            host=remote[0],
        )
        if path != ("shared",):
            message = Text(
                "{host} is another machine, and `shared` has no `certificates`",
                "name there the file with the root of its certificate, or write `certificates: system`",
                host=remote[0],
            )
        findings.add_problem(path, message)
