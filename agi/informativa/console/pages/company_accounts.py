"""The accounts of a company, which its admins lead."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response

from ...model import Action, Role
from ...model.errors import AccountError
from ...model.text import Text
from ...operations.accounts import company_accounts
from ...operations.accounts.company_accounts import INVITATION_HOURS, Admin
from ...operations.accounts.user_account import plain_name
from ...views.text.accounts import ROLES
from ..context import RequestContext

ROWS = 40  # accounts on a page


def listing(context: RequestContext) -> Response:
    """Show the accounts of the company, and its open invitations."""
    return _page(context)


def act(context: RequestContext) -> Response:
    """Invite somebody, give him another role or none, end his sessions, or withdraw an invitation."""
    name, action = context.field("name", 64), _ACTIONS.get(context.field("act", 20))
    try:
        if action is None:
            raise AccountError(Text("Choose one of the buttons."))
        name = plain_name(name)
        context.note(Action.ACCOUNTS, detail=f"{context.field('act', 20)} {name} {context.field('role', 20)}")
        link = action(context, name)
    except AccountError as error:
        return _page(context, error=error, name=name)
    if link:
        return _page(context, link=link, name=name)
    return context.redirect(context.path("accounts"))


def _role(context: RequestContext) -> Role | None:
    """Return the role of the form; `None` for none. Raises AccountError for another word."""
    word = context.field("role", 20)
    if word == "none":
        return None
    if word not in list(Role):
        raise AccountError(Text("Choose a role."))
    return Role(word)


def _admin(context: RequestContext) -> Admin:
    login = context.session.provider_login if context.session else None
    return Admin(context.account.name, context.company.id, login.account if login else None)


def _invite(context: RequestContext, name: str) -> str:
    """Invite somebody, and return the link."""
    role, accounts = _role(context), context.console.accounts
    if role is None:
        raise AccountError(Text("Choose a role."))
    token = company_accounts.invite(accounts, _admin(context), name, role, context.console.now())
    scheme = "https" if context.secure else "http"
    address = context.request.url.replace(scheme=scheme, path="/invitation/", query="")
    return f"{address}{token}"


def _set_role(context: RequestContext, name: str) -> str:
    role, accounts = _role(context), context.console.accounts
    company_accounts.set_role(accounts, _admin(context), name, role, context.console.now())
    return ""


def _end_sessions(context: RequestContext, name: str) -> str:
    accounts = context.console.accounts
    company_accounts.end_sessions(accounts, _admin(context), name, context.console.now())
    return ""


def _withdraw(context: RequestContext, name: str) -> str:
    company_accounts.withdraw(context.console.accounts, _admin(context), name)
    return ""


_ACTIONS: dict[str, Callable[[RequestContext, str], str]] = {
    "invite": _invite,
    "role": _set_role,
    "log-out": _end_sessions,
    "withdraw": _withdraw,
}
"""The acts, by the word in their form, which the access log has, too."""


def _page(
    context: RequestContext, *, error: AccountError | None = None, link: str = "", name: str = ""
) -> Response:
    company, now = context.company, context.console.now()
    listed = company_accounts.of_company(context.console.accounts, company.id, now)
    accounts, following = context.part(listed.accounts, ROWS)
    return context.page(
        "accounts.html",
        422 if error else 200,
        listed=listed,
        accounts=accounts,
        following=following,
        protected=company_accounts.is_protected,
        roles=ROLES,
        hours=INVITATION_HOURS,
        error=error,
        link=link,
        name=name,
    )
