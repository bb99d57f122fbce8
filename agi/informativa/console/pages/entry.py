"""The pages of log-in and log-out, invitations, the language, and the choice of a company."""

from __future__ import annotations

import hashlib
import hmac

import structlog
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ...model import Action, Role
from ...model.errors import AccountError, LedgerError
from ...model.text import Text
from ...operations import access_log
from ...operations.accounts import totp
from ...operations.accounts.store import OpenInvitation, UserAccount
from ...views.messages import languages
from ..context import BROWSER, LANGUAGE, RequestContext
from ..provider_login import ProviderLogin
from ..sessions import new_token

log = structlog.get_logger("informativa")
ISSUER = "informativa"
YEAR = 365 * 24 * 3600  # seconds


def login_form(context: RequestContext) -> Response:
    """Show the form that asks for name and password."""
    if context.visitor is not None:
        return context.redirect("/")
    return context.page("login.html", name="", wait=0)


def login(context: RequestContext) -> Response:
    """Log somebody in, and slow guessing. The answer does not tell which part was wrong."""
    console, name = context.console, context.field("name", 64)
    if console.settings.header:
        raise HTTPException(404)
    keys = _throttle_keys(context, name)
    wait = console.throttle.wait(*keys)
    account = None
    if not wait:
        password, code = str(context.form.get("password", "")), context.field("code", 10)
        account = console.accounts.verify(name, password, code, console.now())
    if account is None:
        response = context.page("login.html", 403, name=name, wait=wait, refused=True)
        named = console.accounts.get(name)
        if not wait:
            console.throttle.failed(*keys)
            if named is not None:  # afterwards: the time of the answer must not tell that the account exists
                response.background = BackgroundTask(note_at_companies, context, named, Action.LOGIN_REFUSED)
        return response
    console.throttle.succeeded(keys[0])
    return _logged_in(context, account)


def _logged_in(context: RequestContext, account: UserAccount) -> Response:
    """Begin a session with a new token: one that somebody planted in this browser before is worth nothing."""
    note_at_companies(context, account, Action.LOGIN)
    context.console.sessions.end(context.token)
    context.token = context.console.sessions.begin(account)
    response = context.redirect("/")
    browser = _known_browser(context, account) or new_token()
    context.set_cookie(
        response, BROWSER, f"{browser}.{_signature(account, browser)}", "strict", "/login", YEAR
    )
    return response


def _throttle_keys(context: RequestContext, name: str) -> tuple[str, ...]:
    """Return the keys under which the throttle counts failures. A browser in which this account was logged in
    before has a key of its own, so that failures elsewhere do not keep the account's owner out."""
    account = context.console.accounts.get(name)
    browser = _known_browser(context, account) if account else ""
    return (f"browser {browser}",) if browser else (f"name {name.casefold()}", f"address {context.address}")


def _known_browser(context: RequestContext, account: UserAccount) -> str:
    """Return the id of a browser in which this account was logged in with its present password; '' for
    others."""
    browser, _point, signature = context.get_cookie(BROWSER).rpartition(".")
    genuine = hmac.compare_digest(signature.encode(), _signature(account, browser).encode())
    return browser if genuine else ""


def _signature(account: UserAccount, browser: str) -> str:
    key, text = account.password_hash.encode(), f"browser {account.name} {browser}".encode()
    return hmac.new(key, text, hashlib.sha256).hexdigest()


def note_at_companies(
    context: RequestContext, account: UserAccount, action: Action, detail: str = ""
) -> None:
    """Write into the access log of each company that is open to the account. A company whose log cannot be
    written keeps nobody out of the others; its own pages show nothing then."""
    for company in context.configuration.controllers.values():
        if account.may(company.id, Role.READER):
            try:
                access_log.note(company, account.name, action, context.console.now(), detail=detail)
            except LedgerError as error:
                log.warning("access_not_recorded", controller=company.id, error=str(error))


def logout(context: RequestContext) -> Response:
    """End the session, and for whoever logged in at the identity provider the one there, too."""
    note_at_companies(context, context.account, Action.LOGOUT)
    login = context.session.provider_login if context.session else None
    context.console.sessions.end(context.token)
    context.token = new_token()  # when a cookie changes, browsers forget the pages kept for the back button
    if context.console.settings.header:  # at /login the server in front would log the same person in again
        context.visitor = context.session = None
        return context.page("logged_out.html", address="")
    return _logout_there(context, login) if login else context.redirect("/login")


def _logout_there(context: RequestContext, login: ProviderLogin) -> Response:
    """Show a page that goes on to the provider by itself. A redirect would count as the form's, which
    browsers let go to our own pages alone."""
    provider = context.console.provider
    address = provider.logout_address(login) if provider else ""
    context.visitor = context.session = None
    response = context.page("logged_out.html", address=address)
    if address:
        response.headers["refresh"] = f"0; url={address}"
    return response


def invitation_form(context: RequestContext) -> Response:
    """Show the form that asks for a password, and offers the code of an app."""
    invitation = context.console.accounts.invitation(
        context.request.path_params["token"], context.console.now()
    )
    return _invitation_page(context, invitation, totp.new_secret(), status=200 if invitation else 404)


def accept(context: RequestContext) -> Response:
    """Take the password, and log in; the link is not valid any more."""
    console, token, now = context.console, context.request.path_params["token"], context.console.now()
    invitation = console.accounts.invitation(token, now)
    if invitation is None:
        return _invitation_page(context, None, "", status=404)
    secret, code = context.field("secret", 64), context.field("code", 10)
    password, again = str(context.form.get("password", "")), str(context.form.get("again", ""))
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
        return _invitation_page(context, invitation, secret, error=error, status=422)
    console.sessions.end_all(account.name)
    return _logged_in(context, account)


def _invitation_page(
    context: RequestContext,
    invitation: OpenInvitation | None,
    secret: str,
    *,
    status: int,
    error: AccountError | None = None,
) -> Response:
    uri = totp.uri(secret, invitation.name, context.request.url.hostname or ISSUER) if invitation else ""
    return context.page("invitation.html", status, invitation=invitation, secret=secret, uri=uri, error=error)


def choose_language(context: RequestContext) -> Response:
    """Store the reader's language in a cookie."""
    response = context.redirect_back("/")
    code = context.field("language", 2)
    code = code if code in languages() else "en"
    context.set_cookie(response, LANGUAGE, code, max_age=YEAR)
    return response


def companies(context: RequestContext) -> Response:
    """Show the companies that the visitor may see; if there is one, go to its page."""
    visible = context.companies()
    if len(visible) == 1:
        return context.redirect(context.path("today", company=visible[0]))
    return context.page("companies.html", companies=visible)
