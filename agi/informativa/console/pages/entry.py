"""The pages of log-in and log-out, invitations, the language, and the choice of a company."""

from __future__ import annotations

from starlette.responses import Response

from ...model import Action
from ...model.errors import AccountError
from ...model.text import Text
from ...operations.accounts import own_account, passkeys
from ...operations.accounts.factors import is_protected
from ...operations.accounts.user_account import OpenInvitation, ProviderLogin, UserAccount, Way
from ...views.messages import languages
from .. import challenges, logins
from ..context import LANGUAGE, YEAR, RequestContext
from ..sessions import Session, new_token

_NO_CODE = Text("The code is wrong, or was used already.")
_NO_PASSKEY = Text("The passkey was not accepted. Try once more.")


def login_form(context: RequestContext) -> Response:
    """Show the form that asks for name and password."""
    if context.visitor is not None:
        return context.redirect("/")
    return context.page("login.html", name="", wait=0)


def login(context: RequestContext) -> Response:
    """Take name and password, and slow guessing. The answer does not tell which of them was wrong."""
    console, name = context.console, context.field("name", 64)
    keys = logins.password_keys(context, name)
    wait = logins.password_wait(context, keys)
    account = None if wait else console.accounts.verify(name, str(context.form.get("password", "")))
    if account is None:
        response = context.page("login.html", 403, name=name, wait=wait, refused=True)
        if wait:
            return response
        console.throttle.failed(*keys)
        return logins.refused(context, console.accounts.get(name), response)
    console.throttle.succeeded(keys[0])
    if not is_protected(account):
        return logins.begin_session(context, account, Way.PASSWORD)
    console.sessions.end(context.token)
    context.token = console.half_logins.begin(account)
    return context.redirect("/login/code")


def code_form(context: RequestContext) -> Response:
    """Show the form that asks somebody who gave his password for a second factor."""
    half, account = _half_logged_in(context)
    return _code_page(context, half, account) if half and account else context.redirect("/login")


def check_code(context: RequestContext) -> Response:
    """Take the code, or the answer of a passkey, and log in. What nobody can guess need not wait."""
    console, (half, account) = context.console, _half_logged_in(context)
    if half is None or account is None:
        return context.redirect("/login?undone=1")
    key = logins.code_key(context, account)
    wait = console.throttle.wait(key)
    answer = challenges.answer_of(context, half)
    proof, now = answer or context.field("code", 40), console.now()
    way, reason, detail = None, _NO_PASSKEY if context.field("credential") else _NO_CODE, ""
    try:
        way = own_account.use_factor(console.accounts, account.name, proof, now, guesses=not wait)
    except AccountError as error:  # a passkey that exists twice
        reason, detail = error.text, error.code
    if way is None:
        response = _code_page(context, half, account, wait, reason)
        if wait and answer is None:
            return response
        console.throttle.failed(key)
        return logins.refused(context, account, response, detail)
    console.throttle.succeeded(key)
    console.half_logins.end(context.token)
    return logins.begin_session(context, account, way)


def _code_page(
    context: RequestContext,
    half: Session,
    account: UserAccount,
    wait: float = 0,
    refusal: Text | None = None,
) -> Response:
    return context.page(
        "login_code.html",
        403 if refusal else 200,
        wait=wait,
        refusal=refusal,
        options=challenges.request_options(context, half, account),
        sites=sorted({passkey.site for passkey in account.passkeys}),
        passkeys_work=passkeys.installed(),
        app=bool(account.totp_secret),
    )


def _half_logged_in(context: RequestContext) -> tuple[Session | None, UserAccount | None]:
    """Return the log-in of a browser in which the password was given, and the account if nothing changed it
    since."""
    half = context.console.half_logins.find(context.token)
    account = context.console.accounts.get(half.name) if half else None
    return half, account if half and account and half.changed == account.changed else None


def logout(context: RequestContext) -> Response:
    """End the session, and for whoever logged in at the identity provider the one there, too."""
    logins.note_at_companies(context, context.account, Action.LOGOUT)
    login = context.session.provider_login if context.session else None
    context.console.sessions.end(context.token)
    context.token = new_token()  # when a cookie changes, browsers forget the pages kept for the back button
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
    """Show the form that asks for a password."""
    invitation = context.console.accounts.invitation(
        context.request.path_params["token"], context.console.now()
    )
    return _invitation_page(context, invitation, status=200 if invitation else 404)


def accept(context: RequestContext) -> Response:
    """Take the password, and log in; the link is not valid any more."""
    console, token, now = context.console, context.request.path_params["token"], context.console.now()
    invitation = console.accounts.invitation(token, now)
    if invitation is None:
        return _invitation_page(context, None, status=404)
    try:
        account = console.accounts.accept(token, new_password(context), now)
    except AccountError as error:
        return _invitation_page(context, invitation, error=error, status=422)
    console.sessions.end_all(account.name)
    return logins.begin_session(context, account, Way.PASSWORD)


def new_password(context: RequestContext) -> str:
    """Return the new password that was typed twice. Raises AccountError if the two differ."""
    password = str(context.form.get("password", ""))
    if password != str(context.form.get("again", "")):
        raise AccountError(Text("The two passwords are not the same."))
    return password


def _invitation_page(
    context: RequestContext,
    invitation: OpenInvitation | None,
    *,
    status: int,
    error: AccountError | None = None,
) -> Response:
    return context.page("invitation.html", status, invitation=invitation, error=error)


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
