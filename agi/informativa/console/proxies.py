"""A web server in front of the console: for whom it asks, by TLS or not, and who that is."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from starlette.exceptions import HTTPException
from starlette.requests import Request

from ..model import WebServer


def vouched(request: Request, settings: WebServer) -> str:
    """The account that the server in front names. Raises HTTPException (403) where another one asks, or it
    names nobody, or two: what it passes on of a browser's own header is none of its words."""
    peer = request.client.host if request.client else ""
    names = request.headers.getlist(settings.header)
    if not among(peer, settings.proxies):
        raise HTTPException(403, "proxy")
    if len(names) != 1 or not names[0].strip():
        raise HTTPException(403, "account")
    return names[0].strip(" \t")


def encrypted(request: Request, settings: WebServer) -> bool:
    """Whether nobody between the browser and us reads what is sent: we speak TLS, or the server in front says
    that it does."""
    if settings.certificate:
        return True
    said = request.headers.getlist("x-forwarded-proto")
    peer = request.client.host if request.client else ""
    return said == ["https"] and among(peer, settings.proxies)


def forwarded(request: Request, settings: WebServer) -> str:
    """The address for which a server in front asks, as it says itself: the last of those that are named, for
    those before are a browser's own word. '' where none asks for another."""
    peer = request.client.host if request.client else ""
    if not among(peer, settings.proxies):
        return ""
    return ",".join(request.headers.getlist("x-forwarded-for")).rpartition(",")[2].strip()


def among(address: str, networks: tuple[str, ...]) -> bool:
    """Whether an address is one of these, or in one of these networks."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in ip_network(each, strict=False) for each in networks)
