"""Names and values of the console's cookies."""

from __future__ import annotations

from starlette.requests import Request

SESSION, LANGUAGE, BROWSER = "session", "language", "browser"


def get(request: Request, name: str, *, secure: bool) -> str:
    """Return the value of a cookie, or ''."""
    return request.cookies.get(full_name(name, secure), "")


def full_name(name: str, secure: bool) -> str:
    """Return the name by which the browser knows a cookie. Over TLS it has the prefix for which browsers take
    the cookie from this very host alone, and over TLS alone: no other machine of its domain, and nobody on
    the way, can plant one (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{name}" if secure else name
