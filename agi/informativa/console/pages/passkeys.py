"""Passkeys of the reader's own account: making one, and removing one."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from ...model.errors import AccountError
from ...model.invisible import visible
from ...model.text import Text
from ...operations.accounts import own_account, passkeys
from ...operations.accounts.passkeys import LONGEST_ANSWER, LONGEST_LABEL
from .. import challenges, logins
from ..context import RequestContext
from . import account as account_page


def form(context: RequestContext) -> Response:
    """Show the form by which the browser makes a passkey."""
    return _form(context)


def register(context: RequestContext) -> Response:
    """Take a new passkey; for the first second factor show recovery codes."""
    account_page.require_local(context)
    assert context.session is not None
    now = context.console.now()
    answer = challenges.answer_of(context, context.session)
    try:
        logins.require_password(context)
        if answer is None:
            raise AccountError(Text("The passkey came too late, or not at all."), Text("Try once more."))
        passkey = passkeys.made_passkey(answer, _label(context), now)
        codes = own_account.add_passkey(context.console.accounts, context.account.name, passkey, now)
    except AccountError as error:
        return _form(context, error)
    if codes.codes:
        return account_page.codes_page(context, codes, "new-passkey")
    account_page.changed(context, codes.account, "new-passkey")
    return context.redirect("/account?done=passkey")


def remove(context: RequestContext) -> Response:
    """Let a passkey in no more, where something else stays or nothing is required."""
    account_page.require_local(context)
    try:
        logins.require_password(context)
        account = own_account.remove_passkey(
            context.console.accounts,
            context.account.name,
            context.field("passkey", LONGEST_ANSWER),
            context.console.now(),
            required=context.needs_factor,
        )
    except AccountError as error:
        return account_page.page(context, error)
    account_page.changed(context, account, "no-passkey")
    return context.redirect("/account?done=no-passkey")


def _label(context: RequestContext) -> str:
    """Return the name that its owner gave to a passkey, or else that of the browser."""
    browser = logins.browser_name(context.request.headers.get("user-agent", ""))
    return visible(context.field("label", LONGEST_LABEL)) or browser


def _form(context: RequestContext, error: AccountError | None = None) -> Response:
    account_page.require_local(context)
    site = context.passkey_site
    if site is None:
        raise HTTPException(404)
    assert context.session is not None
    challenge = challenges.new_challenge(context.session, context.console.now())
    return context.page(
        "account_passkey.html",
        422 if error else 200,
        error=error,
        options=passkeys.creation_options(context.account, challenge, site),
        label=_label(context),
        site=site.name,
    )
