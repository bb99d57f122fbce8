"""One request as the pages see it: who asks, of which company, in which language; and how it is answered."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from ..accounts import Account
from ..config import Configuration
from ..errors import InformativaError
from ..model import Action, Controller, Line, Role
from ..operations import access_log
from ..plausibility import typed
from ..text import Text
from ..views.messages import ENGLISH, Language, language, languages
from . import cookies
from .cookies import LANGUAGE
from .menu import MENU, MenuEntry
from .proxies import encrypted, forwarded
from .sessions import Session

if TYPE_CHECKING:
    from .console import Console

_OURS = re.compile(r"/([A-Za-z0-9][A-Za-z0-9_.=&?/-]*)?")  # an address that leads to nobody else
_NUMBER = re.compile(r"[0-9]{1,18}")
FORGOTTEN = "forgotten"
"""Why a page is not there that was: the session remembers so many things, and so long."""


LONGEST_ACCEPTED, MOST_ACCEPTED = 1000, 20  # characters and languages that a browser may ask for


@dataclass
class Visit:
    """One request. `controller` is the company in the page's address, of which the visitor may see the page;
    `session` and `visitor`, an account, are there on all pages but those for whoever is not logged in."""

    console: Console
    request: Request
    token: str = field(repr=False)
    configuration: Configuration
    form: FormData = field(default_factory=FormData, repr=False)
    session: Session | None = None
    visitor: Account | None = None
    controller: Controller | None = None

    @cached_property
    def say(self) -> Language:
        """The reader's language: the one he chose, or else the first that his browser asks for."""
        accepted = self.request.headers.get("accept-language", "")[:LONGEST_ACCEPTED]
        wanted = (self.held(LANGUAGE), *accepted.split(",", MOST_ACCEPTED)[:MOST_ACCEPTED])
        known, codes = languages(), (word.strip()[:2].lower() for word in wanted)
        code = next((code for code in codes if code in known), "en")
        return ENGLISH if code == "en" else language(code)

    @property
    def company(self) -> Controller:
        """The company that the page is of."""
        assert self.controller is not None
        return self.controller

    @property
    def who(self) -> Account:
        """Who asks."""
        assert self.visitor is not None
        return self.visitor

    def lasts(self) -> bool:
        """Whether he is still logged in, and may what he might when he asked."""
        account = self.console.accounts.get(self.who.name)
        same = account is not None and account.changed == self.who.changed
        return same and self.console.sessions.there(self.token)

    @property
    def address(self) -> str:
        """From where somebody asks: the client's address, also behind a server in front."""
        own = self.request.client.host if self.request.client else ""
        return forwarded(self.request, self.console.settings) or own

    @property
    def secure(self) -> bool:
        """Whether only TLS may carry what his browser holds of ours."""
        return encrypted(self.request, self.console.settings)

    def held(self, name: str) -> str:
        """What his browser holds by that name (cookies.py)."""
        return cookies.held(self.request, name, secure=self.secure)

    def give(
        self,
        response: Response,
        name: str,
        value: str,
        same_site: Literal["lax", "strict"] = "lax",
        path: str = "/",
        lasts: int | None = None,
    ) -> None:
        """Have his browser hold it, for `lasts` seconds or until it is closed; no script reads it."""
        response.set_cookie(
            cookies.named(name, self.secure),
            value,
            max_age=lasts,
            path="/" if self.secure else path,  # as browsers ask of that name
            httponly=True,
            samesite=same_site,
            secure=self.secure,
        )

    def companies(self, role: Role = Role.READER) -> list[Controller]:
        """Those that the visitor may see, in this role."""
        found = self.configuration.controllers.values()
        return [each for each in found if self.visitor and self.visitor.may(each.id, role)]

    @property
    def operates(self) -> bool:
        """Whether he is the admin of every company, so that the machine's affairs tell him nothing new."""
        return bool(self.configuration.controllers) and all(
            self.visitor is not None and self.visitor.may(name, Role.ADMIN)
            for name in (*self.configuration.controllers, *self.configuration.misshapen)
        )

    @property
    def csrf(self) -> str:
        """What every form of this browser must send back, and nobody else's page can know."""
        return hmac.new(self.console.secret, self.token.encode(), hashlib.sha256).hexdigest()

    @property
    def own(self) -> Markup:
        """What every form of ours holds, so that no other is taken for one."""
        return Markup('<input type="hidden" name="csrf" value="{}">').format(self.csrf)

    def menu(self) -> list[MenuEntry]:
        """The pages of the company that the visitor may see."""
        return [each for each in MENU if self.who.may(self.company.id, each.role)]

    def query(self, name: str, longest: int = 200) -> str:
        """A parameter of the address; '' where there is none."""
        return self.request.query_params.get(name, "")[:longest].strip()

    def number(self, name: str) -> int | None:
        """A parameter of the address that is a number; `None` for anything else."""
        return whole(self.query(name))

    def field(self, name: str, longest: int = 1000) -> str:
        """A field of the form that was sent; '' where there is none."""
        value = self.form.get(name, "")
        return value[:longest].strip() if isinstance(value, str) else ""

    def day(self, name: str) -> date:
        """A field of the form as a day. Raises InformativaError."""
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
    ) -> None:
        """Put on record what the visitor does or is about to see, of this company (operations/access_log.py);
        `action` is one of `model.Action`. Raises LedgerError, and then he must not see it."""
        now = self.console.now()
        access_log.note(
            self.company,
            self.who.name,
            Action(action),
            now,
            record=record,
            pseudonym=pseudonym,
            detail=detail,
            line=line,
            facts=facts,
        )

    def kept(self, name: str) -> object:
        """What the session remembers by a name. Raises HTTPException (404) where it does not any more."""
        found = self.session.kept.get(name) if self.session else None
        if found is None:
            raise HTTPException(404, FORGOTTEN)
        return found

    def keep(self, thing: object, name: str = "") -> str:
        """Have the session remember it; the name by which `kept` has it, a new one where none is given."""
        assert self.session is not None
        return self.session.keep(thing, name)

    def path(self, *parts: object, company: Controller | None = None) -> str:
        """The address of one of the company's pages."""
        owner = company or self.controller
        return "/".join(["", *([owner.id] if owner else []), *map(str, parts)])

    def page(self, template: str, status: int = 200, **facts: object) -> Response:
        """A page of that template (of `templates/console`)."""
        return HTMLResponse(self.console.render(self, template, **facts), status)

    def stream(self, template: str, status: int = 200, **facts: object) -> Response:
        """The same, where finding what it shows takes its time: what stands before `{{ pause }}` is sent
        already."""
        pieces: Iterator[str] = self.console.render_pieces(self, template, **facts)
        return StreamingResponse(pieces, status, media_type="text/html")

    def redirect(self, path: str) -> Response:
        """Go and get another page (303: also after a form)."""
        return RedirectResponse(path, 303)

    def back(self, path: str) -> Response:
        """The page from which a form was sent, if it is one of ours, or else `path`."""
        found = self.field("back")
        return self.redirect(found if _OURS.fullmatch(found) else path)


def whole(text: str) -> int | None:
    """What somebody wrote as the number of a record; `None` for what no ledger has."""
    return int(text) if _NUMBER.fullmatch(text) else None


def moment(text: str) -> datetime | None:
    """A day, or a day and time, that somebody typed; `None` for nothing. Raises InformativaError."""
    try:
        return typed(text) if text else None
    except ValueError:
        raise InformativaError(
            Text("There is no such day or time."), Text("Write it like 2026-01-31 or 2026-01-31T09:30.")
        ) from None
