"""Headers of a web server in front of the console: the client's address, and TLS."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from starlette.requests import Request

from ..model import WebServer
from ..model.connections import FORWARDED

_TOKEN, _QUOTED = r"[\w!#$%&'*+.^`|~-]+", r'"(?:[^"\\]|\\.)*"'
_PAIR = rf"[ \t]*{_TOKEN}=(?:{_TOKEN}|{_QUOTED})[ \t]*"
_FORWARDED = re.compile(rf"{_PAIR}(?:[;,]{_PAIR})*", re.ASCII)
_PARAMETER = re.compile(rf"[ \t]*({_TOKEN})=({_TOKEN}|{_QUOTED})[ \t]*([;,])", re.ASCII)
_WITH_PORT = re.compile(r"(?P<v4>[0-9.]+):[0-9]+|\[(?P<v6>[0-9A-Fa-f:.]+)\](:[0-9]+)?")
_NOBODY = "unknown"  # RFC 7239, 6.2


class Hop(NamedTuple):
    """A request on its way to a server in front: from which address, and by which protocol, if that is
    known."""

    address: str
    protocol: str


def is_encrypted(request: Request, settings: WebServer) -> bool:
    """Return whether the browser's connection is encrypted: the console speaks TLS, or the server in front
    says that it does."""
    return bool(settings.certificate) or client_hop(request, settings).protocol == "https"


def forwarded_address(request: Request, settings: WebServer) -> str:
    """Return the client's address that servers in front name, or '' if none is in front."""
    return client_hop(request, settings).address


def client_hop(request: Request, settings: WebServer) -> Hop:
    """Return the hop from the client to the outermost server in front: the last one whose address is none of
    theirs, for those before it may come from the browser. It is empty if no server of ours asks."""
    if not is_proxy(request, settings):
        return Hop("", "")
    hops = _hops_forwarded(request) if settings.client == FORWARDED else _hops_of_lists(request)
    clients = (hop for hop in reversed(hops) if not address_in(hop.address, settings.proxies))
    return next(clients, hops[0])


def is_proxy(request: Request, settings: WebServer) -> bool:
    """Return whether a server in front asks, and not the browser itself."""
    return address_in(request.client.host if request.client else "", settings.proxies)


def _hops_of_lists(request: Request) -> list[Hop]:
    """Return the addresses of X-Forwarded-For; X-Forwarded-Proto, which is one word, is said of each."""
    protocols = request.headers.getlist("x-forwarded-proto")
    protocol = protocols[0] if len(protocols) == 1 else ""
    parts = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    return [Hop(_without_port(part.strip()), protocol) for part in parts]


def _hops_forwarded(request: Request) -> list[Hop]:
    """Return the hops of Forwarded (RFC 7239). One that cannot be read as a whole is one hop of nobody: in
    an open quotation of the browser's there would be whatever the server in front added."""
    text = ",".join(request.headers.getlist("forwarded"))
    if not _FORWARDED.fullmatch(text):
        return [Hop(_NOBODY if text else "", "")]
    hops, parameters = list[Hop](), dict[str, str]()
    for name, value, mark in _PARAMETER.findall(f"{text},"):
        parameters[name.lower()] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value[:1] == '"' else value
        if mark == ",":
            address = _without_port(parameters.get("for", _NOBODY))
            hops.append(Hop(address, parameters.get("proto", "").lower()))
            parameters = {}
    return hops


def _without_port(address: str) -> str:
    """Return an address without the port that some servers write behind it, another for each connection."""
    match = _WITH_PORT.fullmatch(address)
    return (match["v6"] or match["v4"]) if match else address


def address_in(address: str, networks: tuple[str, ...]) -> bool:
    """Return whether an address is one of these, or in one of these networks."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in ip_network(network, strict=False) for network in networks)
