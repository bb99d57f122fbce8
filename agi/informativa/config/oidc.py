"""The settings under `web.oidc`: the identity provider at which people log in to the console."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..model.connections import ClaimGrant, IdentityProvider
from ..model.text import Text
from .document import KeyPath
from .findings import Findings
from .hooks import is_safe
from .messages import unknown

if TYPE_CHECKING:
    from .web_schema import WebSettings

_PATH: KeyPath = ("web", "oidc")
_ABSENT = Text(
    "there is no file {file}",
    "put the secret there that the identity provider gave for `{client}`, then type: {private}",
)


def provider(
    section: WebSettings, folder: Path, findings: Findings, controllers: Collection[str]
) -> IdentityProvider | None:
    """Return the identity provider; problems are noted on the way."""
    settings = section.oidc
    assert settings is not None
    for name, url in (("issuer", settings.issuer), ("url", settings.url)):
        if not is_safe(url):
            message = Text("log-ins would travel in clear", "use https; http only to this machine")
            findings.add_problem((*_PATH, name), message)
    host = urlsplit(settings.url).hostname or ""
    local_names = (*section.names, section.listen.partition(":")[0], "localhost", "127.0.0.1")
    if section.certificate is None and host not in local_names:
        message = Text("the console does not answer to {name}", "add it: `web.names: [{name}]`")
        findings.add_problem((*_PATH, "url"), message.format(name=host))
    if urlsplit(settings.url).path.strip("/") or urlsplit(settings.url).query:
        findings.add_problem((*_PATH, "url"), Text("has a path", "leave out what stands behind the name"))
    if "openid" not in settings.scopes:
        findings.add_problem((*_PATH, "scopes"), Text("lacks `openid`", "add it: `[openid, …]`"))
    for place, row in enumerate(settings.grants):
        if row.controller not in controllers:
            path = (*_PATH, "grants", place, "controller")
            findings.add_problem(path, unknown(Text("controller"), row.controller, list(controllers)))
    if importlib.util.find_spec("joserfc") is None:
        remedy = Text("type: {prefix}/bin/pip install 'informativa[oidc]'", prefix=Path(sys.prefix))
        findings.add_problem(_PATH, Text("needs the Python module joserfc"), remedy)
    file = folder / settings.secret
    names = {"file": file, "client": settings.client, "private": findings.private(file)}
    secret = findings.secret(file, (*_PATH, "secret"), partial(_ABSENT.format, **names))
    return IdentityProvider(
        issuer=settings.issuer,
        client=settings.client,
        secret=(secret or "").strip(),
        url=settings.url.rstrip("/"),
        scopes=tuple(settings.scopes),
        name=settings.name,
        roles=settings.roles,
        grants=tuple(ClaimGrant(row.value, row.controller, row.role) for row in settings.grants),
        longest=float(settings.longest),
    )
