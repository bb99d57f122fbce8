"""Headers of a web server in front of the console: the client's address, TLS, and the account."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from starlette.exceptions import HTTPException
from starlette.requests import Request

from ..model import WebServer


def account_from_proxy(request: Request, settings: WebServer) -> str:
    """Return the account that the server in front names. Raises HTTPException (403) if another machine asks,
    or if no account or two are named: the second could be a header of the browser that was passed on."""
    peer = request.client.host if request.client else ""
    names = request.headers.getlist(settings.header)
    if not address_in(peer, settings.proxies):
        raise HTTPException(403, "proxy")
    if len(names) != 1 or not names[0].strip():
        raise HTTPException(403, "account")
    return names[0].strip(" \t")


def is_encrypted(request: Request, settings: WebServer) -> bool:
    """Return whether the browser's connection is encrypted: the console speaks TLS, or the server in front
    says that it does."""
    if settings.certificate:
        return True
    protocols = request.headers.getlist("x-forwarded-proto")
    peer = request.client.host if request.client else ""
    return protocols == ["https"] and address_in(peer, settings.proxies)


def forwarded_address(request: Request, settings: WebServer) -> str:
    """Return the client's address that servers in front name, or '' if none is in front: the last address of
    the header that is none of theirs, for those before it may come from the browser."""
    peer = request.client.host if request.client else ""
    if not address_in(peer, settings.proxies):
        return ""
    named = [part.strip() for part in ",".join(request.headers.getlist("x-forwarded-for")).split(",")]
    clients = (address for address in reversed(named) if not address_in(address, settings.proxies))
    return next(clients, named[0])


def address_in(address: str, networks: tuple[str, ...]) -> bool:
    """Return whether an address is one of these, or in one of these networks."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in ip_network(network, strict=False) for network in networks)
