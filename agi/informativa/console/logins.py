"""Log-ins: the session that begins, the attempts that wait, and what is on record of both.

Nobody can lock somebody else out. Failures count for the address that they come from, and a browser in which
an account was logged in before counts for itself. Failures for a name make only those addresses wait from
which somebody failed already, so that its owner gets in from any other one. Codes of an app are few, so they
count for the account; only whoever has the password can use them up, and recovery codes never wait.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

import structlog
from starlette.background import BackgroundTask
from starlette.responses import Response

from ..model import Action, Role
from ..model.errors import AccountError, LedgerError
from ..model.text import Text
from ..operations import access_log
from ..operations.accounts import own_account
from ..operations.accounts.user_account import LogIn, UserAccount, Way
from .context import BROWSER, YEAR, RequestContext
from .sessions import new_token
from .throttle import network_of

log = structlog.get_logger("informativa")
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
_LONGEST_ADDRESS = 45  # characters of an IPv6 address; a server in front may pass on anything


def browser_name(user_agent: str) -> str:
    """Return a browser and its system in plain words, as far as they are known: `Firefox, Windows`."""
    words = (
        next((name for mark, name in table if mark in user_agent), "") for table in (_BROWSERS, _SYSTEMS)
    )
    return ", ".join(filter(None, words))


def login_of(context: RequestContext, way: Way) -> LogIn:
    """Return the log-in that this request is."""
    browser = browser_name(context.request.headers.get("user-agent", ""))
    return LogIn(context.console.now(), context.address[:_LONGEST_ADDRESS], way, browser)


def record_login(context: RequestContext, account: UserAccount, login: LogIn) -> None:
    """Put a log-in on record, for its owner and for the companies. A file that cannot be written keeps nobody
    out."""
    note_at_companies(context, account, Action.LOGIN, "" if login.way is Way.PASSWORD else login.way)
    try:
        own_account.record_login(context.console.accounts, account.name, login)
    except AccountError as error:
        log.warning("login_not_recorded", error=str(error))


def begin_session(context: RequestContext, account: UserAccount, way: Way) -> Response:
    """Begin a session with a new token: one that somebody planted in this browser before is worth nothing."""
    login = login_of(context, way)
    record_login(context, account, login)
    context.console.sessions.end(context.token)
    context.token = context.console.sessions.begin(account, login)
    response = context.redirect("/")
    remember_browser(context, account, response)
    return response


def remember_browser(context: RequestContext, account: UserAccount, response: Response) -> None:
    """Store in this browser that the account was logged in there with its present password."""
    browser = _known_browser(context, account) or new_token()
    value = f"{browser}.{_signature(account, browser)}"
    context.set_cookie(response, BROWSER, value, "strict", "/login", YEAR)


def refused(
    context: RequestContext, account: UserAccount | None, response: Response, detail: str = ""
) -> Response:
    """Put a failed attempt on record after the answer: its time must not tell that the account exists."""
    if account is not None:
        now, address = context.console.now(), context.address[:_LONGEST_ADDRESS]
        response.background = BackgroundTask(_record_failure, context, account, now, address, detail)
    return response


def _record_failure(
    context: RequestContext, account: UserAccount, now: datetime, address: str, detail: str
) -> None:
    note_at_companies(context, account, Action.LOGIN_REFUSED, detail)
    try:
        own_account.record_failure(context.console.accounts, account.name, now, address)
    except AccountError as error:
        log.warning("login_not_recorded", error=str(error))


def password_keys(context: RequestContext, name: str) -> tuple[str, ...]:
    """Return the keys under which the throttle counts wrong passwords for a name."""
    account = context.console.accounts.get(name)
    browser = _known_browser(context, account) if account else ""
    if browser:
        return (f"browser {browser}",)
    return (f"name {name.casefold()}", f"address {network_of(context.address)}")


def password_wait(context: RequestContext, keys: tuple[str, ...]) -> float:
    """Return the seconds for which a password is not tried. Failures for the name count only where the last
    key, the address or the browser, has failed itself."""
    throttle = context.console.throttle
    return throttle.wait(*keys) if throttle.has_failed(keys[-1]) else 0.0


def code_key(context: RequestContext, account: UserAccount) -> str:
    """Return the key under which the throttle counts wrong codes of an app."""
    browser = _known_browser(context, account)
    return f"code in {browser}" if browser else f"code of {account.name}"


def require_password(context: RequestContext) -> None:
    """Require the password in the form of somebody who is logged in, for what would outlast his session.
    Raises AccountError."""
    console, account = context.console, context.account
    key = f"owner {account.name}"
    if console.throttle.wait(key):
        raise AccountError(Text("Too many attempts failed."), Text("Try again in a quarter of an hour."))
    if console.accounts.verify(account.name, str(context.form.get("current", ""))) is None:
        console.throttle.failed(key)
        note_at_companies(context, account, Action.LOGIN_REFUSED)
        raise AccountError(Text("The present password is not the right one."))
    console.throttle.succeeded(key)


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
