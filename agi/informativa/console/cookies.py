"""What browsers hold of ours."""

from __future__ import annotations

from starlette.requests import Request

SESSION, LANGUAGE, BROWSER = "session", "language", "browser"


def held(request: Request, name: str, *, secure: bool) -> str:
    """What the browser holds by that name, '' where it holds nothing."""
    return request.cookies.get(named(name, secure), "")


def named(name: str, secure: bool) -> str:
    """Over TLS with the prefix by which browsers take it from this very host alone, and over TLS alone: no
    other machine of its domain, and nobody on the way, can plant one (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{name}" if secure else name
