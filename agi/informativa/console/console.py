"""The console: what all requests share, and how each finds its page."""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount
from starlette.routing import Route as Served
from starlette.staticfiles import StaticFiles

from .. import accounts
from ..config import Configuration, inspect
from ..errors import InformativaError
from ..model import Action, WebServer
from ..operations.evidence.bundle import WrittenBundle
from ..views.html import console as view
from .cookies import SESSION, held
from .crowds import Crowds
from .hardening import Hardened
from .jobs import Job, Jobs
from .live import Live
from .pages.entry import noted
from .proxies import encrypted, vouched
from .routes import ROUTES, Handler, Route
from .scratch import Scratch
from .sessions import Sessions, Throttle, new_token
from .visit import Visit

log = structlog.get_logger("informativa")
AT_THE_DOOR, WAITING = 4, 16  # forms of strangers: at a time, and of one address with those in line
_SAFE = ("GET", "HEAD")
_EMPTY = Configuration(Path(), Path(), "", 0, 0, 0, {}, {}, {}, (), {}, None)  # where it cannot be read


class Console:
    """What requests share. `file` is the configuration; it is read anew when it has changed."""

    def __init__(self, file: Path, settings: WebServer) -> None:
        self.file, self.settings = file, settings
        self.secret = secrets.token_bytes(32)
        self.accounts = accounts.Accounts(Path(settings.folder))
        self.sessions, self.throttle = Sessions(settings.idle), Throttle()
        self.doors, self.waiting = CapacityLimiter(AT_THE_DOOR), Counter[str]()  # by address
        self.jobs = Jobs(_forget_file)
        self.live = Live()
        self._scratch = Scratch()
        self.folder = self._scratch.folder
        self._environment = view.environment()
        self._lock = threading.Lock()
        self._read: tuple[tuple[int, ...], Configuration] | None = None

    @property
    def secure(self) -> bool:
        """Whether TLS is spoken here."""
        return bool(self.settings.certificate)

    def now(self) -> datetime:
        """The machine's clock."""
        return datetime.now(UTC)

    def new_name(self) -> str:
        """For a file that nobody else has."""
        return secrets.token_hex(12)

    def close(self) -> None:
        """Leave nothing behind."""
        self.live.close()
        self.jobs.close()
        self._scratch.close()

    def configuration(self) -> Configuration:
        """As the file stands now. Raises ConfigError for one of which no part can be used."""
        found = self.file.stat()
        which = (found.st_mtime_ns, found.st_size, found.st_ino)
        with self._lock:
            if self._read is None or self._read[0] != which:
                self._read = which, inspect(self.file)[0]
            return self._read[1]

    def render(self, visit: Visit, template: str, **facts: object) -> str:
        """A page in the reader's language."""
        found = self._environment.get_template(template)
        return found.render(visit=visit, say=visit.say, now=self.now(), **facts)

    def render_pieces(self, visit: Visit, template: str, **facts: object) -> Iterator[str]:
        """The same in pieces: what stands before each `{{ pause }}`, and the rest."""
        found, piece = self._environment.get_template(template), list[str]()
        for part in found.generate(visit=visit, say=visit.say, now=self.now(), pause=view.PAUSE, **facts):
            piece.append(part)
            if part == view.PAUSE:
                yield "".join(piece)
                piece.clear()
        yield "".join(piece)


class _Static(StaticFiles):
    """What is the same for everybody, and may be kept; all else of ours is `no-store`."""

    def file_response(self, *arguments: Any, **named: Any) -> Response:
        """A file of the folder."""
        found = super().file_response(*arguments, **named)
        found.headers["cache-control"] = "max-age=3600"
        return found


def application(console: Console) -> Starlette:
    """What answers HTTP."""
    served = [
        Served(
            each.path,
            partial(_answer, console, each),
            methods=[*(["GET"] if each.get else []), *(["POST"] if each.post else [])],
        )
        for each in ROUTES
    ]
    static = Mount("/static", _Static(packages=[("informativa", "templates/console/static")]))
    handlers = {HTTPException: partial(_not_served, console)}
    settings = console.settings
    names = () if console.secure else (settings.host, "127.0.0.1", "localhost", *settings.names)
    made = Starlette(
        routes=[*served, static],
        middleware=[
            Middleware(Hardened, secure=console.secure, names=names),
            Middleware(Crowds, settings=settings),
        ],
        exception_handlers=handlers,
    )
    made.router.redirect_slashes = False  # it would lead to whatever name the request has
    return made


async def _answer(console: Console, route: Route, request: Request) -> Response:
    """One request of one route: who asks is found, what he may is held against what he asks."""
    own = held(request, SESSION, secure=encrypted(request, console.settings))
    form = await _form(request)  # one that is too large, or too slow, is ended around us
    try:
        visit = await run_in_threadpool(_visit, console, request, own or new_token())
        visit.form = form
        response = await _in_a_thread(console, route, visit)
    except HTTPException:
        raise
    except (InformativaError, OSError) as error:  # of the configuration, or of the accounts
        log.error("unusable", why=str(error))
        return await run_in_threadpool(_said, console, request, 503, "")
    except Exception as error:  # here, for Starlette would have it logged once more
        return await _defect(console, request, error)
    if visit.token != own:
        visit.give(response, SESSION, visit.token)
    return response


async def _in_a_thread(console: Console, route: Route, visit: Visit) -> Response:
    """Whoever is not logged in waits for others who are not: passwords that somebody has hashed must not hold
    the threads in which pages are made. An address has its share of the places."""
    if route.role is not None or visit.request.method != "POST":
        return await run_in_threadpool(_guarded, visit, route)
    if console.waiting[visit.address] >= WAITING:
        raise HTTPException(503)
    console.waiting[visit.address] += 1
    try:
        return await to_thread.run_sync(_guarded, visit, route, limiter=console.doors)
    finally:
        console.waiting -= Counter([visit.address])


async def _form(request: Request) -> FormData:
    """What was sent, as our own forms send it: others could name an encoding that makes no text of it."""
    if request.method != "POST":
        return FormData()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    return await request.form(max_fields=50)


def _visit(console: Console, request: Request, token: str, *, begin: bool = True) -> Visit:
    """Whoever asks: by his session, or by what a web server in front says of him, whose session begins with
    his first page."""
    visit = Visit(console, request, token, console.configuration())
    if console.settings.header:
        account = console.accounts.get(vouched(request, console.settings))
        if account is None:
            raise HTTPException(403, "account")
        visit.visitor = account
        if begin:
            visit.session, new = console.sessions.of(token, account)
            if new:
                noted(visit, account, Action.LOGIN, "proxy")
        return visit
    session = console.sessions.find(token)
    account = console.accounts.get(session.name) if session else None
    if session and account and session.changed == account.changed:  # neither password nor grants since then
        visit.session, visit.visitor = session, account
    return visit


def _guarded(visit: Visit, route: Route) -> Response:
    """Answered, where it may be asked."""
    method = visit.request.method
    handler: Handler | None = route.get if method in _SAFE else route.post
    if handler is None:
        raise HTTPException(405)
    if method not in _SAFE:
        _require_own_form(visit)
    if route.role is not None:
        if visit.visitor is None:
            return RedirectResponse("/login" if method in _SAFE else "/login?undone=1", 303)
        if "controller" in visit.request.path_params:
            name = visit.request.path_params["controller"]
            visit.controller = visit.configuration.controllers.get(name)
            if visit.controller is None or not visit.visitor.may(name, route.role):
                raise HTTPException(404)
        if route.operates and not visit.operates:
            raise HTTPException(404)
    try:
        return handler(visit)
    except InformativaError as error:
        return visit.page("error.html", 409, error=error)


def _require_own_form(visit: Visit) -> None:
    """A form is taken from our own pages alone."""
    origin, host = visit.request.headers.get("origin"), visit.request.headers["host"]
    site = visit.request.headers.get("sec-fetch-site", "same-origin")
    ours = f"{visit.request.url.scheme}://{host}", f"https://{host}"  # TLS may end in front of us
    if site not in ("same-origin", "none") or (origin is not None and origin not in ours):
        raise HTTPException(403)
    if not secrets.compare_digest(visit.field("csrf").encode(), visit.csrf.encode()):
        raise HTTPException(403, "form")


def _forget_file(job: Job) -> None:
    """What a job wrote goes with it."""
    if isinstance(job.result, WrittenBundle):
        job.result.file.unlink(missing_ok=True)


async def _not_served(console: Console, request: Request, error: Exception) -> Response:
    """A page that says why there is none."""
    assert isinstance(error, HTTPException)
    return await run_in_threadpool(_said, console, request, error.status_code, str(error.detail))


async def _defect(console: Console, request: Request, error: Exception) -> Response:
    """What nobody expected. The log has where it was; no number is in it, for none is in an address."""
    log.error("defect", path=request.url.path, kind=type(error).__name__, exc_info=error)
    return await run_in_threadpool(_said, console, request, 500, "")


def _said(console: Console, request: Request, status: int, why: str) -> Response:
    own = held(request, SESSION, secure=encrypted(request, console.settings))
    visit = Visit(console, request, own, _EMPTY)
    with suppress(HTTPException, InformativaError, OSError):  # then it is a page for whoever is not logged in
        visit = _visit(console, request, visit.token, begin=False)
    return visit.page("status.html", status, code=status, why=why)
