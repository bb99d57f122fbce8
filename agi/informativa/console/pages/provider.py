"""The ways to the identity provider and back, and its word that somebody logged out there."""

from __future__ import annotations

import hmac

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from ...model import Action
from ...model.errors import AccountError, InformativaError
from ...model.text import Text
from ...operations.accounts.user_account import Way
from .. import logins, oidc
from ..context import FLOW, RequestContext
from ..provider_client import ProviderClient, ProviderError

LONGEST = 4000  # characters of a code, a state or an issuer
CALLBACK = "/oidc/callback"


def begin(context: RequestContext) -> Response:
    """Send the browser to the provider."""
    client = _client(context)
    cookie = oidc.new_flow_cookie(context.console.now())
    try:
        endpoints = client.endpoints()
    except ProviderError as error:
        return _refused(context, error, 503)
    flow = oidc.flow_of(cookie, context.console.secret)
    response = RedirectResponse(oidc.authorization_url(client.provider, endpoints, flow), 303)
    context.set_cookie(response, FLOW, cookie, path=CALLBACK, max_age=oidc.FLOW_SECONDS)
    return response


def end(context: RequestContext) -> Response:
    """Log in whoever comes back from the provider. Where to go then is no part of what he brings along."""
    client = _client(context)
    cookie, state = context.get_cookie(FLOW), context.query("state", LONGEST)
    if not oidc.belongs(cookie, state, context.console.secret, context.console.now()):
        message = Text("This log-in was not begun in this browser, or it took too long.")
        return _refused(context, ProviderError(message, Text("Begin again.")), 403)
    try:
        response = _login(context, client, oidc.flow_of(cookie, context.console.secret))
    except ProviderError as error:
        response = _refused(context, error, 502)
    except AccountError as error:
        response = _refused(context, error, 403)
    context.set_cookie(response, FLOW, "", path=CALLBACK, max_age=0)
    return response


def _login(context: RequestContext, client: ProviderClient, flow: oidc.Flow) -> Response:
    """Begin the session of an answer to a log-in. Raises ProviderError, AccountError."""
    console = context.console
    issuer = context.query("iss", LONGEST)
    if (issuer or client.endpoints().names_issuer) and not hmac.compare_digest(
        issuer.encode(), client.provider.issuer.encode()
    ):
        raise ProviderError(Text("Another identity provider answered than was asked."), Text("Begin again."))
    if not (code := context.query("code", LONGEST)):
        message = Text("The identity provider did not let you in.")
        raise AccountError(message, Text("Begin again, or ask there."))
    login = client.login(code, flow, console.now())
    if console.accounts.get(login.account.name) is not None:
        message = Text("{name} is the name of an account with a password here.", name=login.account.name)
        remedy = Text("Log in by that password; or an administrator types: informativa web remove {name}")
        raise AccountError(message, remedy.format(name=login.account.name), code="oidc-taken")
    logins.note_at_companies(context, login.account, Action.LOGIN, Way.PROVIDER)
    console.sessions.end(context.token)
    context.token = console.sessions.begin(
        login.account, logins.login_of(context, Way.PROVIDER), provider_login=login
    )
    return context.redirect("/")


def ended_there(context: RequestContext) -> Response:
    """End the sessions of whoever logged out at the provider, which says so itself (back-channel logout)."""
    client = _client(context)
    token = context.field("logout_token", oidc.LARGEST_TOKEN)
    try:
        subject, session_id = client.ended_by(token, context.console.now())
    except InformativaError:
        return PlainTextResponse("", 400)
    context.console.sessions.end_of_provider(subject, session_id)
    return PlainTextResponse("")


def _client(context: RequestContext) -> ProviderClient:
    if context.console.provider is None:
        raise HTTPException(404)
    return context.console.provider


def _refused(context: RequestContext, error: InformativaError, status: int) -> Response:
    """Return the page of log-in with what is wrong; by password one may log in all the same."""
    return context.page("login.html", status, name="", wait=0, error=error)
