"""Checks of the console: the web server in front of it, and what its accounts need."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from ...model.connections import FORWARDED, X_FORWARDED
from ...model.errors import AccountError
from ...model.text import Text
from ..accounts.passkeys import installed
from ..accounts.store import AccountFile
from ..proxy_faults import ProxyFault, newest
from .findings import Finding, ok, warning
from .system import System

_HEADERS = {X_FORWARDED: "X-Forwarded-For, X-Forwarded-Proto", FORWARDED: FORWARDED}
_FAULTS: Mapping[ProxyFault, tuple[Text, Text]] = {
    ProxyFault.UNNAMED: (
        Text("the web server in front of the console does not say for whom it asks ({header}), at {time}"),
        Text("Set it there, as docs/console.md shows; until then whoever guesses passwords slows everybody."),
    ),
    ProxyFault.CLEAR: (
        Text(
            "the web server in front of the console does not say that the browser came by https"
            " ({header}), at {time}"
        ),
        Text("Have it speak TLS, and say so, as docs/console.md shows; or passwords cross the network."),
    ),
    ProxyFault.UNKNOWN: (
        Text(
            "a web server asks the console for others, and is not in `web.proxy.addresses`, so that it is"
            " not believed, at {time}"
        ),
        Text("If it is yours, name its address there, and restart informativa-web."),
    ),
}


def front(system: System) -> Iterator[Finding]:
    """Check what the console saw of the server in front. Nothing is said where there is none."""
    settings = system.configured.web
    try:
        stored = newest(Path(settings.folder))
    except OSError:  # reported by the check `files`
        return
    if stored is not None:
        text, remedy = _FAULTS[stored.fault]
        time = f"{stored.at.astimezone():%Y-%m-%d %H:%M}"
        yield warning(text.format(header=_HEADERS[settings.client], time=time), remedy)
    elif settings.proxies:
        yield ok(Text("a web server is in front of it, and nothing is wrong with its requests"))


def passkeys(system: System) -> Iterator[Finding]:
    """Check that passkeys of accounts can answer. Nothing is said where nobody has one."""
    try:
        accounts = [] if installed() else AccountFile(Path(system.configured.web.folder)).all()
    except AccountError:  # the console says it; others than its user cannot read the file
        return
    names = [account.name for account in accounts if account.passkeys]
    if names:
        yield warning(
            Text.counted(
                "{count} account has passkeys that do not work, for the Python module webauthn is missing"
                " ({names})",
                "{count} accounts have passkeys that do not work, for the Python module webauthn is missing"
                " ({names})",
                len(names),
                names=", ".join(names),
            ),
            Text(
                "Type: {prefix}/bin/pip install 'informativa[passkey]', and restart informativa-web",
                prefix=Path(sys.prefix),
            ),
        )
