"""The way in and out: logging in, invitations, the language, the company."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from ...accounts import AccountError
from ..visit import LANGUAGE, Visit

YEAR = 365 * 24 * 3600  # seconds


def login_form(visit: Visit) -> Response:
    """Asks for name and password."""
    if visit.visitor is not None:
        return visit.redirect("/")
    return visit.page("login.html", name="", wait=0)


def login(visit: Visit) -> Response:
    """Logs somebody in; whoever guesses is slowed. Which part was wrong is not told."""
    console, name = visit.console, visit.field("name", 64)
    if console.settings.header:
        raise HTTPException(404)
    keys = f"name {name.casefold()}", f"address {visit.request.client.host if visit.request.client else ''}"
    wait = console.throttle.wait(*keys)
    account = None
    if not wait:
        password, code = str(visit.form.get("password", "")), visit.field("code", 10)
        account = console.accounts.verify(name, password, code, console.now())
    if account is None:
        if not wait:
            console.throttle.failed(*keys)
        return visit.page("login.html", 403, name=name, wait=wait, refused=True)
    console.throttle.succeeded(keys[0])
    return _logged_in(visit, account.name)


def _logged_in(visit: Visit, name: str) -> Response:
    """Another token than before: what somebody put into this browser before is worth nothing."""
    visit.console.sessions.end(visit.token)
    visit.token = visit.console.sessions.begin(name)
    return visit.redirect("/")


def logout(visit: Visit) -> Response:
    """Ends the session."""
    visit.console.sessions.end(visit.token)
    return visit.redirect("/login")


def invitation_form(visit: Visit) -> Response:
    """Asks who was invited for a password."""
    found = visit.console.accounts.invitation(visit.request.path_params["token"], visit.console.now())
    return visit.page("invitation.html", 200 if found else 404, invitation=found, error=None)


def accept(visit: Visit) -> Response:
    """Takes the password, and logs in; the link is worth nothing from then on."""
    console, token = visit.console, visit.request.path_params["token"]
    found = console.accounts.invitation(token, console.now())
    password, again = str(visit.form.get("password", "")), str(visit.form.get("again", ""))
    if found is None:
        return visit.page("invitation.html", 404, invitation=None, error=None)
    if password != again:
        return visit.page("invitation.html", 400, invitation=found, error=None, differ=True)
    try:
        account = console.accounts.accept(token, password, "", console.now())
    except AccountError as error:
        return visit.page("invitation.html", 400, invitation=found, error=error)
    console.sessions.end_all(account.name)
    return _logged_in(visit, account.name)


def choose_language(visit: Visit) -> Response:
    """Remembers the reader's language in his browser."""
    response = visit.back("/")
    code = visit.field("language", 2)
    response.set_cookie(
        LANGUAGE, code, max_age=YEAR, httponly=True, samesite="lax", secure=visit.console.secure
    )
    return response


def companies(visit: Visit) -> Response:
    """Those that the visitor may see; of one, its own page."""
    found = visit.companies()
    if len(found) == 1:
        return visit.redirect(visit.path("calls", company=found[0]))
    return visit.page("companies.html", companies=found)
