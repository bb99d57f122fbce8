"""The settings under `web`: the address of the pages, and the way in which people log in."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING

from ..model import Role, WebServer
from ..model.connections import X_FORWARDED
from ..model.text import Text
from .findings import Findings
from .oidc import provider

if TYPE_CHECKING:
    from .web_schema import WebSettings

_LOOPBACK = IPv4Network("127.0.0.0/8")


def web(section: WebSettings, folder: Path, findings: Findings, controllers: Collection[str]) -> WebServer:
    """Return the settings of the web server; problems are noted on the way. `controllers` are the companies'
    names."""
    host, port = section.listen.rsplit(":", 1)
    _require_tls(section, host, folder, findings)
    proxy = section.proxy
    if proxy:
        _look_at_proxy(section, proxy.addresses, findings)
    return WebServer(
        host=host,
        port=int(port),
        names=tuple(section.names),
        folder=str(folder / section.folder),
        certificate=str(folder / section.certificate) if section.certificate else "",
        key=str(folder / section.key) if section.key else "",
        idle=section.idle,
        proxies=tuple(proxy.addresses) if proxy else (),
        client=proxy.client if proxy else X_FORWARDED,
        provider=provider(section, folder, findings, controllers) if section.oidc else None,
        second_factor=frozenset(role for role in Role if getattr(section.second_factor, role) == "required"),
    )


def _look_at_proxy(section: WebSettings, addresses: list[str], findings: Findings) -> None:
    """Refuse a network of all addresses as that of the server in front: everybody could say for whom he asks.
    Warn if the console would answer to no name of that server."""
    for place, address in enumerate(addresses):
        if address.endswith("/0"):
            message = Text(
                "{address} is every machine, and each could say that it asks for whomever it likes",
                "write the address of your web server alone, such as 127.0.0.1",
                address=address,
            )
            findings.add_problem(("web", "proxy", "addresses", place), message)
    if not section.names and not section.certificate:
        findings.add_warning(
            ("web", "proxy"),
            Text("browsers that come by this server ask for its name, and the console does not answer to it"),
            Text("name it: `web.names: [console.example]`"),
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
