"""What browsers hold of ours."""

from __future__ import annotations

from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

SESSION, LANGUAGE, BROWSER = "session", "language", "browser"


def held(request: Request, name: str, *, secure: bool) -> str:
    """What the browser holds by that name, '' where it holds nothing."""
    return request.cookies.get(_named(name, secure), "")


def give(
    response: Response,
    name: str,
    value: str,
    secure: bool,
    same_site: Literal["lax", "strict"] = "lax",
    path: str = "/",
    lasts: int | None = None,
) -> None:
    """Have the browser hold it, for `lasts` seconds or until it is closed; no script reads it."""
    response.set_cookie(
        _named(name, secure),
        value,
        max_age=lasts,
        path="/" if secure else path,
        httponly=True,
        samesite=same_site,
        secure=secure,
    )


def _named(name: str, secure: bool) -> str:
    """Over TLS with the prefix by which browsers take it from this very host alone, and over TLS alone: no
    other machine of its domain, and nobody on the way, can plant one (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{name}" if secure else name
