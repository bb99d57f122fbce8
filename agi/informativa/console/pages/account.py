"""The reader's own account: its last log-in, its open sessions, the password, the app, recovery codes."""

from __future__ import annotations

from datetime import UTC, timedelta

from starlette.exceptions import HTTPException
from starlette.responses import Response

from ...model import Action
from ...model.errors import AccountError
from ...operations.accounts import own_account, totp
from ...operations.accounts.factors import CODES, is_protected
from ...operations.accounts.own_account import NewCodes
from ...operations.accounts.user_account import UserAccount
from ...views.console_templates import qr_code
from ...views.text.accounts import ROLES, WAYS
from .. import logins
from ..context import RequestContext
from .entry import new_password

ISSUER = "informativa"
_SECRET = "app-secret"  # noqa: S105  # the key under which a session remembers one


def show(context: RequestContext) -> Response:
    """Show the account."""
    return page(context)


def change_password(context: RequestContext) -> Response:
    """Take another password; other sessions end."""
    require_local(context)
    try:
        logins.require_password(context)
        password = new_password(context)
        account = own_account.change_password(
            context.console.accounts, context.account.name, password, context.console.now()
        )
    except AccountError as error:
        return page(context, error)
    changed(context, account, "password")
    response = context.redirect("/account?done=password")
    logins.remember_browser(context, account, response)
    return response


def end_sessions(context: RequestContext) -> Response:
    """End one other session, or all others."""
    assert context.session is not None
    own, ended = context.session.id, context.field("session", 40)
    context.console.sessions.end_some(
        context.account.name, lambda session: session.id != own and ended in (session.id, "others")
    )
    logins.note_at_companies(context, context.account, Action.ACCOUNTS, "sessions")
    return context.redirect("/account?done=sessions")


def app_form(context: RequestContext) -> Response:
    """Show the key of a new app, as a picture and as text."""
    return _app_page(context)


def set_app(context: RequestContext) -> Response:
    """Ask for codes from now on, if one shows that the app works, and show the recovery codes."""
    require_local(context)
    secret, now, name = _secret(context), context.console.now(), context.account.name
    try:
        logins.require_password(context)
        codes = own_account.set_app(context.console.accounts, name, secret, context.field("code", 10), now)
    except AccountError as error:
        return _app_page(context, error)
    assert context.session is not None
    context.session.objects.pop(_SECRET, None)
    return codes_page(context, codes, "new-app")


def remove_app(context: RequestContext) -> Response:
    """Ask for the password alone from now on, where that is allowed."""
    require_local(context)
    try:
        logins.require_password(context)
        account = own_account.remove_app(
            context.console.accounts,
            context.account.name,
            context.console.now(),
            required=context.needs_factor,
        )
    except AccountError as error:
        return page(context, error)
    changed(context, account, "no-app")
    return context.redirect("/account?done=no-app")


def renew_codes(context: RequestContext) -> Response:
    """Make new recovery codes, and show them."""
    require_local(context)
    try:
        logins.require_password(context)
        codes = own_account.renew_recovery_codes(
            context.console.accounts, context.account.name, context.console.now()
        )
    except AccountError as error:
        return page(context, error)
    return codes_page(context, codes, "codes")


def codes_page(context: RequestContext, codes: NewCodes, change: str) -> Response:
    """Show new recovery codes, this once."""
    changed(context, codes.account, change)
    return context.page("account_codes.html", codes=codes.codes, app=bool(codes.account.totp_secret))


def changed(context: RequestContext, account: UserAccount, change: str) -> None:
    """Continue this session under a new token after its owner changed the way in; others are over."""
    context.token = context.console.sessions.renew(context.token, account)
    context.visitor = account
    logins.note_at_companies(context, account, Action.ACCOUNTS, change)


def require_local(context: RequestContext) -> None:
    """Raise HTTPException (404) for an account whose password is not ours."""
    if not context.by_password:
        raise HTTPException(404)


def _secret(context: RequestContext) -> str:
    """Return the secret that is being set up in this session; it stays the same until a code confirms it."""
    assert context.session is not None
    secret = context.session.objects.get(_SECRET)
    if not isinstance(secret, str):
        secret = totp.new_secret()
        context.session_put(secret, _SECRET)
    return secret


def _app_page(context: RequestContext, error: AccountError | None = None) -> Response:
    require_local(context)
    secret = _secret(context)
    uri = totp.uri(secret, context.account.name, context.request.url.hostname or ISSUER)
    return context.page(
        "account_app.html",
        422 if error else 200,
        error=error,
        picture=qr_code(uri),
        uri=uri,
        secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        app=bool(context.account.totp_secret),
    )


def page(context: RequestContext, error: AccountError | None = None) -> Response:
    """Return the page of the account, with what was refused."""
    account, session, now = context.account, context.session, context.console.now()
    assert session is not None
    return context.page(
        "account.html",
        422 if error else 200,
        error=error,
        done=context.query("done"),
        zone=next((company.zone for company in context.companies()), UTC),
        local=context.by_password,
        current=session,
        newest=account.history,
        sessions=[
            (other, now if other is session else now - timedelta(seconds=idle))
            for other, idle in context.console.sessions.of_owner(session)
        ],
        roles=ROLES,
        ways=WAYS,
        protected=is_protected(account),
        app=bool(account.totp_secret),
        codes=len(account.recovery_codes),
        all_codes=CODES,
    )
