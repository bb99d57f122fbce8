"""The way in and out: logging in, invitations, the language, the company."""

from __future__ import annotations

import hashlib
import hmac

import structlog
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ... import totp
from ...accounts import Account, Invitation
from ...errors import AccountError, LedgerError
from ...model import Action, Role
from ...operations import access_log
from ...text import Text
from ...views.messages import languages
from ..cookies import BROWSER, LANGUAGE
from ..sessions import new_token
from ..visit import Visit

log = structlog.get_logger("informativa")
ISSUER = "informativa"
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
    keys = _guessers(visit, name)
    wait = console.throttle.wait(*keys)
    account = None
    if not wait:
        password, code = str(visit.form.get("password", "")), visit.field("code", 10)
        account = console.accounts.verify(name, password, code, console.now())
    if account is None:
        response = visit.page("login.html", 403, name=name, wait=wait, refused=True)
        known = console.accounts.get(name)
        if not wait:
            console.throttle.failed(*keys)
            if known is not None:  # afterwards: no answer may tell by its time that there is such an account
                response.background = BackgroundTask(noted, visit, known, Action.LOGIN_REFUSED)
        return response
    console.throttle.succeeded(keys[0])
    return _logged_in(visit, account)


def _logged_in(visit: Visit, account: Account) -> Response:
    """Another token than before: what somebody put into this browser before is worth nothing."""
    noted(visit, account, Action.LOGIN)
    visit.console.sessions.end(visit.token)
    visit.token = visit.console.sessions.begin(account)
    response = visit.redirect("/")
    own = _browser(visit, account) or new_token()
    visit.give(response, BROWSER, f"{own}.{_vouched(account, own)}", "strict", "/login", YEAR)
    return response


def _guessers(visit: Visit, name: str) -> tuple[str, ...]:
    """Whose failures count. A browser in which this account was logged in before answers for itself alone,
    so that nobody who fails elsewhere on purpose keeps the account's owner out."""
    account = visit.console.accounts.get(name)
    own = _browser(visit, account) if account else ""
    return (f"browser {own}",) if own else (f"name {name.casefold()}", f"address {visit.address}")


def _browser(visit: Visit, account: Account) -> str:
    """By what a browser is known in which this account was logged in, with the password that it has now; ''
    for any other."""
    own, _point, vouched = visit.held(BROWSER).rpartition(".")
    return own if hmac.compare_digest(vouched.encode(), _vouched(account, own).encode()) else ""


def _vouched(account: Account, browser: str) -> str:
    key, what = account.password_hash.encode(), f"browser {account.name} {browser}".encode()
    return hmac.new(key, what, hashlib.sha256).hexdigest()


def noted(visit: Visit, account: Account, action: Action, detail: str = "") -> None:
    """Put on record at each company that is open to the account. One whose record cannot be written keeps
    nobody out of the others; of it nothing is shown anyway."""
    for company in visit.configuration.controllers.values():
        if account.may(company.id, Role.READER):
            try:
                access_log.note(company, account.name, action, visit.console.now(), detail=detail)
            except LedgerError as error:
                log.warning("access_not_recorded", controller=company.id, error=str(error))


def logout(visit: Visit) -> Response:
    """Ends the session."""
    noted(visit, visit.who, Action.LOGOUT)
    visit.console.sessions.end(visit.token)
    visit.token = new_token()  # when a cookie changes, browsers forget the pages kept for the back button
    if visit.console.settings.header:  # at /login the server in front would log the same person in again
        visit.visitor = visit.session = None
        return visit.page("logged_out.html")
    return visit.redirect("/login")


def invitation_form(visit: Visit) -> Response:
    """Asks who was invited for a password, and offers the code of an app."""
    found = visit.console.accounts.invitation(visit.request.path_params["token"], visit.console.now())
    return _invitation(visit, found, totp.new_secret(), status=200 if found else 404)


def accept(visit: Visit) -> Response:
    """Takes the password, and logs in; the link is worth nothing from then on."""
    console, token, now = visit.console, visit.request.path_params["token"], visit.console.now()
    found = console.accounts.invitation(token, now)
    if found is None:
        return _invitation(visit, None, "", status=404)
    secret, code = visit.field("secret", 64), visit.field("code", 10)
    password, again = str(visit.form.get("password", "")), str(visit.form.get("again", ""))
    try:
        if password != again:
            raise AccountError(Text("The two passwords are not the same."))
        step = totp.matching_step(secret, code, now) if code else 0
        if step is None:
            raise AccountError(
                Text("The code of the app is not the right one."), Text("Look at the clock of the telephone.")
            )
        account = console.accounts.accept(token, password, secret if code else "", now, step)
    except AccountError as error:
        return _invitation(visit, found, secret, error=error, status=422)
    console.sessions.end_all(account.name)
    return _logged_in(visit, account)


def _invitation(
    visit: Visit, found: Invitation | None, secret: str, *, status: int, error: AccountError | None = None
) -> Response:
    uri = totp.uri(secret, found.name, visit.request.url.hostname or ISSUER) if found else ""
    return visit.page("invitation.html", status, invitation=found, secret=secret, uri=uri, error=error)


def choose_language(visit: Visit) -> Response:
    """Remembers the reader's language in his browser."""
    response = visit.back("/")
    code = visit.field("language", 2)
    code = code if code in languages() else "en"
    visit.give(response, LANGUAGE, code, lasts=YEAR)
    return response


def companies(visit: Visit) -> Response:
    """Those that the visitor may see; of one, its own page."""
    found = visit.companies()
    if len(found) == 1:
        return visit.redirect(visit.path("today", company=found[0]))
    return visit.page("companies.html", companies=found)
