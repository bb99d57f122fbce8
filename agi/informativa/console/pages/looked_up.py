"""A caller whom somebody looked up, as his session remembers him: his number stands in no address."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.exceptions import HTTPException

from ...caller import mask
from ...errors import InformativaError
from ...model import Controller
from ...operations.callers import Typed, pseudonyms
from ...operations.controllers import of_their_callers
from ..visit import FORGOTTEN, Visit

T = TypeVar("T")


@dataclass
class LookedUp:
    """Whom somebody looked up at one company. `done` is what came of each step of his forms, by the form's
    own name: one that is sent twice is done once, also where what follows on it failed."""

    controller: str
    typed: Typed = field(repr=False)
    done: dict[str, Any] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def masked(self) -> str:
        """His number, for people to read and nobody to call."""
        return mask(self.typed.caller.number)

    def once(self, form: str, work: Callable[[], tuple[T, bool]]) -> T:
        """Do it unless it was done; what came of it. `work` says that, and if it is done for good; it may do
        one of its steps once in turn."""
        with self._lock:
            if form not in self.done:
                found, finished = work()
                if not finished:
                    return found
                self.done[form] = found
            known: T = self.done[form]
            return known


def looked_up(visit: Visit) -> LookedUp:
    """The one in the address. Raises HTTPException (404) where the session does not remember him any more, or
    as another company's."""
    found = visit.kept(visit.request.path_params["kept"])
    if not isinstance(found, LookedUp) or found.controller != visit.company.id:
        raise HTTPException(404, FORGOTTEN)
    return found


def owner(visit: Visit) -> Controller:
    """The company, whose callers can be found. Raises ConfigError for mistakes by which they could not."""
    (found,) = of_their_callers(visit.console.file, [visit.company.id]).named
    return found


def note(visit: Visit, action: str, typed: Typed, known: object, detail: str = "") -> None:
    """Put on record that somebody looked at him. Who is not `known` is not named: he may have been erased,
    and must not come back by being looked for. Raises LedgerError."""
    visit.note(action, pseudonym=pseudonyms(visit.company, typed.caller)[0] if known else None, detail=detail)


def forget(visit: Visit, found: LookedUp) -> None:
    """Have no session remember him any more, nor what stands for him at this company."""
    gone = set(pseudonyms(visit.company, found.typed.caller))

    def about_him(thing: Any) -> bool:
        if getattr(thing, "controller", "") != visit.company.id:
            return False
        typed = getattr(thing, "typed", None)
        return (typed is not None and typed.caller == found.typed.caller) or not gone.isdisjoint(
            getattr(thing, "pseudonyms", ())
        )

    visit.console.sessions.forget(about_him)


def form_name() -> str:
    """One that no other form has."""
    return secrets.token_urlsafe(9)


@dataclass(frozen=True)
class Attempt:
    """What a page shows while it is sent already: it is asked for when the page comes to it."""

    look: Callable[[], object]

    def __call__(self) -> tuple[object, InformativaError | None]:
        """What was found; or else why nothing can be said."""
        try:
            return self.look(), None
        except InformativaError as error:
            return None, error
