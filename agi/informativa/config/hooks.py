"""The setting `hook` of a company, and the file with its secret."""

from __future__ import annotations

import binascii
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..model.hooks import Hook
from ..model.text import Text
from .document import KeyPath
from .findings import Findings

if TYPE_CHECKING:
    from .schema import HookSettings

SECRET_PREFIX = "whsec_"  # noqa: S105  # of the form that Standard Webhooks asks for
_FEWEST_BYTES = 24
_UNUSABLE = Text(
    "{file} does not hold a secret of the form {prefix}…, of {bytes} bytes or more in base64",
    "type: mv {file} {file}.aside; informativa keys make {id} --hook -c {config}",
)


def hook(name: str, section: HookSettings | None, folder: Path, findings: Findings) -> Hook | None:
    """Return a company's hook; without address or secret, and with a problem noted, where that is none."""
    path: KeyPath = ("controllers", name, "hook")
    if section is None:
        return Hook("", b"") if findings.lacks(path) else None
    url = "" if findings.lacks((*path, "url")) else section.url
    if not is_safe(section.url):
        url = ""
        message = Text(
            "messages about consents would travel in clear", "use https; http only to this machine"
        )
        findings.add_problem((*path, "url"), message)
    if section.subject == "customer":
        message = Text(
            "the outbox keeps INFORMATIVA_CUSTOMER as the dialplan sets it, until a message is delivered;"
            " what may be a telephone number is hashed",
            "have the dialplan set customer numbers of the company's own, which nobody else can read",
        )
        findings.add_warning((*path, "subject"), message)
    file = folder / section.secret
    absent = Text("there is no file {file}", "type: informativa keys make {id} --hook -c {config}")
    names = {"file": file, "id": name, "config": findings.file}
    text = findings.secret(file, (*path, "secret"), partial(absent.format, **names))
    secret = _secret((text or "").strip())
    if len(secret) < _FEWEST_BYTES:
        secret = b""
        if text is not None:  # else a problem is noted
            message = _UNUSABLE.format(**names, prefix=SECRET_PREFIX, bytes=_FEWEST_BYTES)
            findings.add_problem((*path, "secret"), message)
    return Hook(url, secret, section.subject == "customer", float(section.timeout))


def _secret(text: str) -> bytes:
    """Return the bytes of a secret; none if it has not that form."""
    if not text.startswith(SECRET_PREFIX):
        return b""
    try:
        return binascii.a2b_base64(text.removeprefix(SECRET_PREFIX), strict_mode=True)
    except ValueError:
        return b""


def is_safe(url: str) -> bool:
    """Return whether nobody on the way can read what is sent to this address."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https" or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
