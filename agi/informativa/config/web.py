"""The settings under `web`: the address of the pages, and the way in which people log in."""

from __future__ import annotations

from functools import partial
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING

from ..model import Role, WebServer
from ..model.text import Text
from .findings import Findings

if TYPE_CHECKING:
    from .schema import WebSettings

_LOOPBACK = IPv4Network("127.0.0.0/8")


def web(section: WebSettings, folder: Path, findings: Findings) -> WebServer:
    """Return the settings of the web server; problems are noted on the way."""
    host, port = section.listen.rsplit(":", 1)
    _require_tls(section, host, folder, findings)
    proxies = tuple(section.proxy.addresses) if section.proxy else ()
    return WebServer(
        host=host,
        port=int(port),
        names=tuple(section.names),
        folder=str(folder / section.folder),
        certificate=str(folder / section.certificate) if section.certificate else "",
        key=str(folder / section.key) if section.key else "",
        idle=section.idle,
        header=section.proxy.header if section.proxy else "",
        proxies=proxies,
        second_factor=frozenset(role for role in Role if getattr(section.second_factor, role) == "required"),
    )


def _require_tls(section: WebSettings, host: str, folder: Path, findings: Findings) -> None:
    """Require TLS for a network: passwords and callers' data must not cross it in clear."""
    if (section.certificate is None) != (section.key is None):
        findings.add_problem(("web",), Text("names only one of `certificate` and `key`", "name both"))
        return
    if section.certificate is None or section.key is None:
        if not IPv4Network(host).subnet_of(_LOOPBACK) and not findings.lacks(("web", "listen")):
            message = Text(
                "{address} can be reached from other machines, and there is no `certificate` beside it",
                "write 127.0.0.1:{port}, or name `certificate` and `key`",
            )
            findings.add_problem(
                ("web", "listen"),
                message.format(address=section.listen, port=section.listen.rpartition(":")[2]),
            )
        return
    if not (folder / section.certificate).is_file():
        findings.add_problem(
            ("web", "certificate"), Text("there is no file {file}", file=folder / section.certificate)
        )
    absent = Text("there is no file {file}", "put the certificate's key there, then type: {private}")
    file = folder / section.key
    findings.secret(file, ("web", "key"), partial(absent.format, file=file, private=findings.private(file)))
