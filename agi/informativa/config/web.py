"""The settings under `web`: where the pages for people are served, and who says who they are."""

from __future__ import annotations

from functools import partial
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING

from ..model import WebServer
from ..text import Text
from .findings import Findings

if TYPE_CHECKING:
    from .schema import WebSettings

_LOOPBACK = IPv4Network("127.0.0.0/8")


def web(given: WebSettings, folder: Path, found: Findings) -> WebServer:
    """Made out; what is wrong is noted on the way."""
    host, port = given.listen.rsplit(":", 1)
    _require_tls(given, host, folder, found)
    proxies = tuple(given.proxy.addresses) if given.proxy else ()
    return WebServer(
        host=host,
        port=int(port),
        names=tuple(given.names),
        folder=str(folder / given.folder),
        certificate=str(folder / given.certificate) if given.certificate else "",
        key=str(folder / given.key) if given.key else "",
        idle=given.idle,
        header=given.proxy.header if given.proxy else "",
        proxies=proxies,
    )


def _require_tls(given: WebSettings, host: str, folder: Path, found: Findings) -> None:
    """What people type, and what is known of callers, crosses no network in clear."""
    if (given.certificate is None) != (given.key is None):
        found.wrong(("web",), Text("names only one of `certificate` and `key`", "name both"))
        return
    if given.certificate is None or given.key is None:
        if not IPv4Network(host).subnet_of(_LOOPBACK) and not found.lacks(("web", "listen")):
            message = Text(
                "{address} can be reached from other machines, and there is no `certificate` beside it",
                "write 127.0.0.1:{port}, or name `certificate` and `key`",
            )
            found.wrong(
                ("web", "listen"), message.format(address=given.listen, port=given.listen.rpartition(":")[2])
            )
        return
    if not (folder / given.certificate).is_file():
        found.wrong(("web", "certificate"), Text("there is no file {file}", file=folder / given.certificate))
    absent = Text("there is no file {file}", "put the certificate's key there, then type: {private}")
    file = folder / given.key
    found.secret(file, ("web", "key"), partial(absent.format, file=file, private=found.private(file)))
