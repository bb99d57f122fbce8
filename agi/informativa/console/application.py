"""The console's HTTP application: finds who asks, checks what he may ask for, and answers."""

from __future__ import annotations

import secrets
from collections import Counter
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from anyio import to_thread
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount
from starlette.routing import Route as StarletteRoute
from starlette.staticfiles import StaticFiles

from ..config import Configuration
from ..ledgers.single_openings import single_openings
from ..model import Controller
from ..model.errors import InformativaError
from .console import Console
from .context import SESSION, RequestContext, get_cookie
from .hardening import ConnectionLimit, SecurityMiddleware
from .proxies import is_encrypted
from .routes import ROUTES, Handler, Route
from .sessions import new_token

log = structlog.get_logger("informativa")
ANONYMOUS_PER_ADDRESS = 16  # forms of one address without a session: those at work and those that wait
_SAFE = ("GET", "HEAD")
_EMPTY = Configuration(Path(), Path(), "", 0, 0, 0, {}, {}, {}, (), {}, None)  # where it cannot be read


class _CachedStaticFiles(StaticFiles):
    """Files that are the same for everybody and may be cached; all other answers are `no-store`."""

    def file_response(self, *arguments: Any, **named: Any) -> Response:
        """Return a file of the folder."""
        response = super().file_response(*arguments, **named)
        response.headers["cache-control"] = "max-age=3600"
        return response


def application(console: Console) -> Starlette:
    """Build the application that answers HTTP."""
    routes = [
        StarletteRoute(
            route.path,
            partial(_answer, console, route),
            methods=[*(["GET"] if route.get else []), *(["POST"] if route.post else [])],
        )
        for route in ROUTES
    ]
    static = Mount(
        "/static", _CachedStaticFiles(packages=[("informativa", "views/templates/console/static")])
    )
    handlers = {HTTPException: partial(_error_page, console)}
    settings = console.settings
    names = () if console.secure else (settings.host, "127.0.0.1", "localhost", *settings.names)
    app = Starlette(
        routes=[*routes, static],
        middleware=[
            Middleware(SecurityMiddleware, secure=console.secure, names=names),
            Middleware(ConnectionLimit, settings=settings),
        ],
        exception_handlers=handlers,
    )
    app.router.redirect_slashes = False  # it would lead to whatever name the request has
    return app


async def _answer(console: Console, route: Route, request: Request) -> Response:
    """Answer one request of one route: find who asks, and check that he may."""
    token = get_cookie(request, SESSION, secure=is_encrypted(request, console.settings))
    form = await _form(request)  # one that is too large, or too slow, is ended around us
    try:
        context = await run_in_threadpool(_context_of, console, request, token or new_token())
        context.form = form
        response = await _in_a_thread(console, route, context)
    except HTTPException:
        raise
    except (InformativaError, OSError) as error:  # of the configuration, or of the accounts
        log.error("unusable", why=str(error))
        return await run_in_threadpool(_status_page, console, request, 503, "unusable")
    except Exception as error:  # here, for Starlette would have it logged once more
        return await _defect(console, request, error)
    if context.token != token:
        context.set_cookie(response, SESSION, context.token)
    return response


async def _in_a_thread(console: Console, route: Route, context: RequestContext) -> Response:
    """Run the handler in a thread. Forms of people who are not logged in have few threads of their own, for
    hashing passwords must not take the threads of all pages; so have requests that wait for the identity
    provider. Each address has a share of these."""
    if route.role is not None or not (route.asks_provider or context.request.method == "POST"):
        return await run_in_threadpool(_checked_answer, context, route)
    if console.anonymous_by_address[context.address] >= ANONYMOUS_PER_ADDRESS:
        raise HTTPException(503)
    console.anonymous_by_address[context.address] += 1
    try:
        limiter = console.provider_limiter if route.asks_provider else console.anonymous_limiter
        return await to_thread.run_sync(_checked_answer, context, route, limiter=limiter)
    finally:
        console.anonymous_by_address -= Counter([context.address])


async def _form(request: Request) -> FormData:
    """Return the form that was sent. Other content types than that of our own forms are refused (415)."""
    if request.method != "POST":
        return FormData()
    kind = request.headers.get("content-type", "").lower().partition(";")[0].strip()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    return await request.form(max_fields=50)


def _context_of(console: Console, request: Request, token: str) -> RequestContext:
    """Return the request with the account and session of the session's token."""
    configuration, _problems = console.inspected(request.path_params.get("controller", ""))
    context = RequestContext(console, request, token, configuration)
    session = console.sessions.find(token)
    account = console.account_of(session) if session else None
    if session and account:
        context.session, context.visitor = session, account
    return context


def _checked_answer(context: RequestContext, route: Route) -> Response:
    """Call the route's handler. Raises HTTPException if the visitor may not ask for it."""
    method = context.request.method
    handler: Handler | None = route.get if method in _SAFE else route.post
    if handler is None:
        raise HTTPException(405)
    if method not in _SAFE and route.own_forms:
        _require_own_form(context)
    if route.role is not None:
        if context.visitor is None:
            return RedirectResponse("/login" if method in _SAFE else "/login?undone=1", 303)
        if context.lacks_factor and not route.before_factor:
            return context.redirect("/account/app")
        if "controller" in context.request.path_params:
            name = context.request.path_params["controller"]
            context.controller = context.configuration.controllers.get(name)
            if context.controller is None or not context.visitor.may(name, route.role):
                raise HTTPException(404)
    try:
        with single_openings() if method in _SAFE else nullcontext():
            return handler(context)
    except InformativaError as error:
        return context.page("error.html", 409, error=error)


def _require_own_form(context: RequestContext) -> None:
    """Raise HTTPException (403) for a form that was not sent from our own pages."""
    origin, host = context.request.headers.get("origin"), context.request.headers["host"]
    site = context.request.headers.get("sec-fetch-site", "same-origin")
    own_origins = f"{context.request.url.scheme}://{host}", f"https://{host}"  # TLS may end in front of us
    if site not in ("same-origin", "none") or (origin is not None and origin not in own_origins):
        raise HTTPException(403)
    if not secrets.compare_digest(context.field("csrf").encode(), context.csrf.encode()):
        raise HTTPException(403, "form")


async def _error_page(console: Console, request: Request, error: Exception) -> Response:
    """Return the page that says why there is no other."""
    assert isinstance(error, HTTPException)
    return await run_in_threadpool(_status_page, console, request, error.status_code, str(error.detail))


async def _defect(console: Console, request: Request, error: Exception) -> Response:
    """Log an unexpected exception, and return the page that says so. No telephone number is logged, for no
    address has one."""
    log.error("defect", path=request.url.path, kind=type(error).__name__, exc_info=error)
    return await run_in_threadpool(_status_page, console, request, 500, "")


def _company_of_menu(context: RequestContext) -> Controller | None:
    """Return the company whose menu a page without a company has: that of the address if the visitor may see
    it, or else his only one."""
    companies = {company.id: company for company in context.companies()}
    only = next(iter(companies.values())) if len(companies) == 1 else None
    return companies.get(context.request.url.path.split("/")[1], only)


def _status_page(console: Console, request: Request, status: int, cause: str) -> Response:
    token = get_cookie(request, SESSION, secure=is_encrypted(request, console.settings))
    context = RequestContext(console, request, token, _EMPTY)
    with suppress(HTTPException, InformativaError, OSError):  # then the visitor is not logged in
        context = _context_of(console, request, context.token)
        context.controller = _company_of_menu(context)
    return context.page("status.html", status, code=status, cause=cause)
