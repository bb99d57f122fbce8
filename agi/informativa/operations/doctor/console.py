"""The check that the web server in front of the console asks as it should."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ...model.connections import FORWARDED, X_FORWARDED
from ...model.text import Text
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
