"""One request for the pages: its account, its company, its language, and the ways to answer it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Literal, Protocol, TypeVar

from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from ..config import Configuration
from ..model import Action, Controller, Line, Role
from ..model.errors import InformativaError
from ..model.plausibility import typed
from ..model.text import Text
from ..operations import access_log
from ..operations.accounts.factors import is_protected, needs_factor
from ..operations.accounts.passkeys import Site, site_of
from ..operations.accounts.user_account import UserAccount
from ..views.console_templates import PAUSE
from ..views.messages import ENGLISH, Language, language, languages
from .console import Console
from .proxies import forwarded_address, is_encrypted
from .sessions import Session


class CompanyObject(Protocol):
    """An object that a session remembers, of one company."""

    @property
    def controller(self) -> str:
        """The name of the company in the configuration."""


T = TypeVar("T", bound=CompanyObject)
Row = TypeVar("Row")

_OWN_PATH = re.compile(r"/([A-Za-z0-9][A-Za-z0-9_.=&?/-]*)?")  # an address that leads to nobody else
_NUMBER = re.compile(r"[0-9]{1,18}")
FORGOTTEN = "forgotten"
"""The cause of a 404 for a page that was there: sessions remember a limited number of objects."""

SESSION, LANGUAGE, BROWSER, FLOW = "session", "language", "browser", "oidc"
"""The names of cookies."""
YEAR = 365 * 24 * 3600  # seconds for which a browser stores some of them
MAX_ACCEPT_LENGTH, MAX_LANGUAGES = 1000, 20  # of a browser's accept-language that are read


@dataclass(frozen=True)
class MenuEntry:
    """A page: the part of its address after the company, its label, and the least role that may see it."""

    part: str
    label: Text
    role: Role = Role.READER


EXPORTS = "exports"
MENU = (
    MenuEntry("today", Text("Today")),
    MenuEntry("calls", Text("Calls")),
    MenuEntry("caller", Text("A caller"), Role.COMPLIANCE),
    MenuEntry("requests", Text("Requests"), Role.COMPLIANCE),
    MenuEntry("consents", Text("Consents"), Role.COMPLIANCE),
    MenuEntry("notices", Text("Notices")),
    MenuEntry("what-if", Text("What if")),
    MenuEntry("evidence", Text("Evidence"), Role.COMPLIANCE),
    MenuEntry(EXPORTS, Text("Exports"), Role.COMPLIANCE),
    MenuEntry("looked", Text("Access log"), Role.COMPLIANCE),
    MenuEntry("accounts", Text("Accounts"), Role.ADMIN),
)
"""The pages of a company, as every page of it lists them; exports only where they need a second person."""


def get_cookie(request: Request, name: str, *, secure: bool) -> str:
    """Return the value of a cookie, or ''."""
    return request.cookies.get(_full_name(name, secure), "")


def _full_name(name: str, secure: bool) -> str:
    """Return the name by which the browser knows a cookie. Over TLS it has the prefix for which browsers take
    the cookie from this very host alone, and over TLS alone: no other machine of its domain, and nobody on
    the way, can plant one (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{name}" if secure else name


@dataclass
class RequestContext:
    """One request. `controller` is the company in the page's address, of which the visitor may see the page.
    `visitor` is the account; it and `session` are `None` on the pages that need no log-in alone."""

    console: Console
    request: Request
    token: str = field(repr=False)
    configuration: Configuration
    form: FormData = field(default_factory=FormData, repr=False)
    session: Session | None = None
    visitor: UserAccount | None = None
    controller: Controller | None = None

    @cached_property
    def say(self) -> Language:
        """The reader's language: the one that he chose, or else the first that his browser asks for."""
        accepted = self.request.headers.get("accept-language", "")[:MAX_ACCEPT_LENGTH]
        ranges = (self.get_cookie(LANGUAGE), *accepted.split(",", MAX_LANGUAGES)[:MAX_LANGUAGES])
        supported, codes = languages(), (word.strip()[:2].lower() for word in ranges)
        code = next((code for code in codes if code in supported), "en")
        return ENGLISH if code == "en" else language(code)

    @property
    def company(self) -> Controller:
        """The company of the page."""
        assert self.controller is not None
        return self.controller

    @property
    def account(self) -> UserAccount:
        """The account that asks, on a page that needs one."""
        assert self.visitor is not None
        return self.visitor

    def session_is_valid(self) -> bool:
        """Return whether the visitor is still logged in, with the same grants and password as at the
        request."""
        session = self.session
        unchanged = session is not None and self.console.account_of(session) is not None
        return unchanged and self.console.sessions.is_valid(self.token)

    @property
    def address(self) -> str:
        """The client's address, also behind a web server in front."""
        peer = self.request.client.host if self.request.client else ""
        return forwarded_address(self.request, self.console.settings) or peer

    @property
    def secure(self) -> bool:
        """Tell if the browser may send our cookies over TLS alone."""
        return is_encrypted(self.request, self.console.settings)

    def get_cookie(self, name: str) -> str:
        """Return the value of a cookie, or ''."""
        return get_cookie(self.request, name, secure=self.secure)

    def set_cookie(
        self,
        response: Response,
        name: str,
        value: str,
        same_site: Literal["lax", "strict"] = "lax",
        path: str = "/",
        max_age: int | None = None,
    ) -> None:
        """Set a cookie for `max_age` seconds, or until the browser is closed; no script can read it."""
        response.set_cookie(
            _full_name(name, self.secure),
            value,
            max_age=max_age,
            path="/" if self.secure else path,  # the prefix __Host- requires "/"
            httponly=True,
            samesite=same_site,
            secure=self.secure,
        )

    def companies(self, role: Role = Role.READER) -> list[Controller]:
        """Return the companies for which the visitor has this role or more."""
        controllers = self.configuration.controllers.values()
        return [company for company in controllers if self.visitor and self.visitor.may(company.id, role)]

    @property
    def is_operator(self) -> bool:
        """Tell if the visitor is admin of every company, and so may see the state of the whole machine."""
        return bool(self.configuration.controllers) and all(
            self.visitor is not None and self.visitor.may(name, Role.ADMIN)
            for name in (*self.configuration.controllers, *self.configuration.invalid_controllers)
        )

    @property
    def by_password(self) -> bool:
        """Tell if the visitor logged in here, and not at an identity provider."""
        return self.session is None or self.session.provider_login is None

    @property
    def needs_factor(self) -> bool:
        """Tell if a role of the visitor needs a second factor; who logs in elsewhere gives his there."""
        return self.by_password and needs_factor(self.account, self.console.settings.second_factor)

    @property
    def lacks_factor(self) -> bool:
        """Tell if the visitor has to set up a second factor before he sees anything else."""
        return self.visitor is not None and self.needs_factor and not is_protected(self.visitor)

    @property
    def passkey_site(self) -> Site | None:
        """The console as the browser knows it; `None` where it can have no passkey of it."""
        return site_of(self.request.headers["host"], encrypted=self.secure)

    @property
    def csrf(self) -> str:
        """The token that every form of this session must send back, and no other site can know."""
        return self.console.csrf(self.token)

    @property
    def csrf_input(self) -> Markup:
        """The hidden field with the token, for every form of ours."""
        return Markup('<input type="hidden" name="csrf" value="{}">').format(self.csrf)

    def menu(self) -> list[MenuEntry]:
        """Return the pages of the company that the visitor may see."""
        return [
            entry
            for entry in MENU
            if self.account.may(self.company.id, entry.role)
            and (entry.part != EXPORTS or self.company.export_four_eyes)
        ]

    def may_see(self, part: str) -> bool:
        """Tell if a page is in the visitor's menu."""
        return any(entry.part == part for entry in self.menu())

    def query(self, name: str, longest: int = 200) -> str:
        """Return a parameter of the address, or ''; at most `longest` characters of it."""
        return self.request.query_params.get(name, "")[:longest].strip()

    def number(self, name: str) -> int | None:
        """Return a parameter of the address as the number of a record, or `None` if it is none."""
        return record_number(self.query(name))

    def part(self, rows: Sequence[Row], size: int) -> tuple[Sequence[Row], int | None]:
        """Return `size` rows of a long list from the address's `after` on, and the `after` of those that
        follow, or `None`."""
        start = self.number("after") or 0
        end = start + size
        return rows[start:end], end if end < len(rows) else None

    def field(self, name: str, longest: int = 1000) -> str:
        """Return a field of the form that was sent, or ''; at most `longest` characters of it."""
        value = self.form.get(name, "")
        return value[:longest].strip() if isinstance(value, str) else ""

    def day(self, name: str) -> date:
        """Return a field of the form as a day. Raises InformativaError if it is none."""
        try:
            return date.fromisoformat(self.field(name))
        except ValueError:
            raise InformativaError(Text("There is no such day."), Text("Write it like 2026-01-31.")) from None

    def note(
        self,
        action: str,
        *,
        record: int | None = None,
        pseudonym: bytes | None = None,
        detail: str = "",
        line: Line | None = None,
        facts: str = "",
        reason: str = "",
    ) -> None:
        """Write into this company's access log what the visitor does or is about to see. `action` is one of
        `model.Action`. Raises LedgerError, and then he must not see it."""
        now = self.console.now()
        access_log.note(
            self.company,
            self.account.name,
            Action(action),
            now,
            record=record,
            pseudonym=pseudonym,
            detail=detail,
            line=line,
            facts=facts,
            reason=reason,
            logs=self.console.access_logs,
        )

    def session_get(self, key: str) -> object:
        """Return the object that the session remembers under a key. Raises HTTPException (404) if there is
        none any more."""
        value = self.session.objects.get(key) if self.session else None
        if value is None:
            raise HTTPException(404, FORGOTTEN)
        return value

    def session_object(self, kind: type[T]) -> T:
        """Return the object of the session whose key is in the address. Raises HTTPException (404) if there
        is none any more, it is of another class, or another company's."""
        value = self.session_get(self.request.path_params["session_key"])
        if not isinstance(value, kind) or value.controller != self.company.id:
            raise HTTPException(404, FORGOTTEN)
        return value

    def session_put(self, value: object, key: str = "") -> str:
        """Remember an object in the session, under a new key unless one is given, and return the key."""
        assert self.session is not None
        return self.session.put(value, key)

    def path(self, *parts: object, company: Controller | None = None) -> str:
        """Return the address of one of the company's pages."""
        owner = company or self.controller
        return "/".join(["", *([owner.id] if owner else []), *map(str, parts)])

    def render(self, template: str, **facts: object) -> str:
        """Return the text of a page in the reader's language."""
        page = self.console.templates.get_template(template)
        return page.render(context=self, say=self.say, now=self.console.now(), **facts)

    def _render_pieces(self, template: str, **facts: object) -> Iterator[str]:
        page, pieces = self.console.templates.get_template(template), list[str]()
        now = self.console.now()
        for piece in page.generate(context=self, say=self.say, now=now, pause=PAUSE, **facts):
            pieces.append(piece)
            if piece == PAUSE:
                yield "".join(pieces)
                pieces.clear()
        yield "".join(pieces)

    def page(self, template: str, status: int = 200, **facts: object) -> Response:
        """Return a page of that template (of `templates/console`)."""
        return HTMLResponse(self.render(template, **facts), status)

    def stream(self, template: str, status: int = 200, **facts: object) -> Response:
        """Return a page that is sent in pieces: the part before each `{{ pause }}` arrives while the rest,
        which takes time, is still being made."""
        pieces: Iterator[str] = self._render_pieces(template, **facts)
        return StreamingResponse(pieces, status, media_type="text/html")

    def redirect(self, path: str) -> Response:
        """Return a redirect to another page (303, also after a form)."""
        return RedirectResponse(path, 303)

    def redirect_back(self, path: str) -> Response:
        """Return a redirect to the page from which a form was sent, if it is one of ours, or else to
        `path`."""
        origin = self.field("back")
        return self.redirect(origin if _OWN_PATH.fullmatch(origin) else path)


def record_number(text: str) -> int | None:
    """Return the number of a record that somebody typed, or `None` if it can be none."""
    return int(text) if _NUMBER.fullmatch(text) else None


def parse_moment(text: str) -> datetime | None:
    """Return a day, or a day and time, that somebody typed; `None` for ''. Raises InformativaError."""
    try:
        return typed(text) if text else None
    except ValueError:
        raise InformativaError(
            Text("There is no such day or time."), Text("Write it like 2026-01-31 or 2026-01-31T09:30.")
        ) from None


def attachment(name: str) -> dict[str, str]:
    """Return the headers by which a browser saves a response as a file of that name."""
    return {"content-disposition": f'attachment; filename="{name}"'}
