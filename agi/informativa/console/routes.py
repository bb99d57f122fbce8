"""The table of routes: each address of the console, its handlers, and the least role that may ask for it.

Pages of a company for which the visitor has no role are answered like those of a company that does not exist
(404), so that they tell nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.responses import Response

from ..model import Role
from .context import RequestContext
from .pages import (
    access_log_page,
    account,
    call,
    caller,
    calls,
    company_accounts,
    consents,
    entry,
    erasure,
    evidence,
    exports,
    letter,
    notices,
    passkeys,
    person_requests,
    provider,
    simulation,
    today,
)

Handler = Callable[[RequestContext], Response]


class _Number(IntegerConvertor):
    regex = "[0-9]{1,18}"  # up to the largest number of a ledger; Python refuses to parse thousands of digits


register_url_convertor("number", _Number())


@dataclass(frozen=True)
class Route:
    """One address: `path` in Starlette's form, and the handlers of GET and POST. `role` is `None` for pages
    that need no log-in. Pages of a company begin with {controller}. `before_factor` are those for somebody
    who has yet to set up a second factor. A handler that `asks_provider` waits for the identity provider.
    Without `own_forms` others than our pages may send forms there, which prove by themselves from whom they
    are."""

    path: str
    get: Handler | None = None
    post: Handler | None = None
    role: Role | None = Role.READER
    asks_provider: bool = False
    own_forms: bool = True
    before_factor: bool = False


ROUTES = (
    # Companies first: one may be called `invitation`, and then its pages are there all the same.
    Route("/{controller}/today", today.today),
    Route("/{controller}/calls", calls.listing),
    Route("/{controller}/live", calls.live),
    Route("/{controller}/calls/of", post=calls.seek, role=Role.COMPLIANCE),
    Route("/{controller}/calls/of/{session_key}", calls.listing_of, role=Role.COMPLIANCE),
    Route("/{controller}/calls/of/{session_key}/file/{kind}", calls.export_of, role=Role.COMPLIANCE),
    Route("/{controller}/calls/file/{kind}", calls.export, calls.ask_export, Role.COMPLIANCE),
    Route("/{controller}/calls/{record:number}", call.call),
    Route("/{controller}/calls/{record:number}/sound", call.sound),
    Route("/{controller}/calls/{record:number}/receipt", call.receipt, role=Role.COMPLIANCE),
    Route("/{controller}/notices", notices.overview),
    Route("/{controller}/notices/{notice}/{version}", notices.version_page),
    Route("/{controller}/notices/{notice}/{version}/{part}/{language}/sound", notices.sound),
    Route("/{controller}/what-if", simulation.what_if, simulation.what_if_answered),
    Route("/{controller}/evidence", evidence.evidence, role=Role.COMPLIANCE),
    Route("/{controller}/evidence/audit", post=evidence.audit, role=Role.COMPLIANCE),
    Route("/{controller}/evidence/bundle", post=evidence.bundle, role=Role.COMPLIANCE),
    Route("/{controller}/evidence/jobs/{job}", evidence.job, role=Role.COMPLIANCE),
    Route("/{controller}/evidence/jobs/{job}/file", evidence.download, role=Role.COMPLIANCE),
    Route("/{controller}/caller", caller.search_form, caller.search, Role.COMPLIANCE),
    Route("/{controller}/caller/{session_key}", caller.show, role=Role.COMPLIANCE),
    Route("/{controller}/caller/{session_key}/told", caller.told_form, caller.tell, Role.COMPLIANCE),
    Route(
        "/{controller}/caller/{session_key}/withdrawal",
        consents.withdrawal_form,
        consents.withdraw,
        Role.COMPLIANCE,
    ),
    Route("/{controller}/caller/{session_key}/letter", letter.form, letter.wish, Role.COMPLIANCE),
    Route("/{controller}/caller/{session_key}/erasure", erasure.trial, erasure.erase, Role.COMPLIANCE),
    Route("/{controller}/consents", consents.listing, role=Role.COMPLIANCE),
    Route("/{controller}/consents/file/{kind}", consents.export, consents.ask_export, Role.COMPLIANCE),
    Route("/{controller}/letter/{session_key}", letter.show, role=Role.COMPLIANCE),
    Route("/{controller}/letter/{session_key}/file", letter.saved, role=Role.COMPLIANCE),
    Route("/{controller}/requests", person_requests.listing, role=Role.COMPLIANCE),
    Route(
        "/{controller}/requests/new",
        person_requests.new_form,
        person_requests.open_request,
        Role.COMPLIANCE,
    ),
    Route(
        "/{controller}/requests/{request:number}",
        person_requests.show,
        person_requests.lead,
        Role.COMPLIANCE,
    ),
    Route(
        "/{controller}/requests/{request:number}/answer/{session_key}",
        person_requests.answer,
        role=Role.COMPLIANCE,
    ),
    Route(
        "/{controller}/requests/{request:number}/answer/{session_key}/file",
        person_requests.saved,
        role=Role.COMPLIANCE,
    ),
    Route("/{controller}/exports", exports.listing, exports.confirm, Role.COMPLIANCE),
    Route("/{controller}/looked", access_log_page.listing, role=Role.COMPLIANCE),
    Route("/{controller}/accounts", company_accounts.listing, company_accounts.act, Role.ADMIN),
    Route("/{controller}/erased/{session_key}", erasure.outcome, role=Role.COMPLIANCE),
    Route("/login", entry.login_form, entry.login, None),
    Route("/login/code", entry.code_form, entry.check_code, None),
    Route("/oidc/login", provider.begin, role=None, asks_provider=True),
    Route(provider.CALLBACK, provider.end, role=None, asks_provider=True),
    Route("/oidc/logout", post=provider.ended_there, role=None, asks_provider=True, own_forms=False),
    Route("/invitation/{token}", entry.invitation_form, entry.accept, None),
    Route("/language", post=entry.choose_language, role=None),
    Route("/logout", post=entry.logout, before_factor=True),
    Route("/account", account.show),
    Route("/account/password", post=account.change_password),
    Route("/account/sessions", post=account.end_sessions),
    Route("/account/app", account.app_form, account.set_app, before_factor=True),
    Route("/account/app/removal", post=account.remove_app),
    Route("/account/passkey", passkeys.form, passkeys.register, before_factor=True),
    Route("/account/passkey/removal", post=passkeys.remove),
    Route("/account/codes", post=account.renew_codes),
    Route("/", entry.companies),
)
