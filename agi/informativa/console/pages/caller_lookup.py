"""Callers who were looked up, as sessions remember them: no telephone number stands in an address."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ...call.caller import mask
from ...model import Controller
from ...model.errors import InformativaError
from ...operations.callers import pseudonyms
from ...operations.controllers import inspected_for_callers
from ...operations.typed_caller import Typed
from ..context import RequestContext

T = TypeVar("T")


@dataclass
class CallerLookup:
    """A caller whom somebody looked up at one company, and his reason. `results` are those of the
    steps of its forms, by the form's name: a step whose form is sent twice is done once, even if a later step
    failed."""

    controller: str
    typed: Typed = field(repr=False)
    results: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def masked(self) -> str:
        """The masked number, for people to read and nobody to call."""
        return mask(self.typed.caller.number)

    def run_once(self, form: str, work: Callable[[], tuple[T, bool]]) -> T:
        """Run `work` unless it was run for this form, and return its result. `work` returns the result and
        whether it is final; it may in turn run steps once."""
        with self._lock:
            if form not in self.results:
                result, final = work()
                if not final:
                    return result
                self.results[form] = result
            stored: T = self.results[form]
            return stored


def company_with_callers(context: RequestContext) -> Controller:
    """Return the company. Raises ConfigError for mistakes by which its callers could not be found."""
    name = context.company.id
    (company,) = inspected_for_callers(*context.console.inspected(name), [name]).named
    return company


def note_access(
    context: RequestContext, action: str, typed: Typed, records: object, detail: str = "", reason: str = ""
) -> None:
    """Write into the access log that somebody looked at a caller. It names no caller without `records`: he
    may have been erased, and must not come back by a search. Raises LedgerError."""
    pseudonym = pseudonyms(context.company, typed.caller)[0] if records else None
    context.note(action, pseudonym=pseudonym, detail=detail, reason=reason)


def forget_caller(context: RequestContext, lookup: CallerLookup) -> None:
    """Remove a caller, and his pseudonyms at this company, from all sessions."""
    erased = set(pseudonyms(context.company, lookup.typed.caller))

    def is_about_caller(value: Any) -> bool:
        if getattr(value, "controller", "") != context.company.id:
            return False
        typed = getattr(value, "typed", None)
        return (typed is not None and typed.caller == lookup.typed.caller) or not erased.isdisjoint(
            getattr(value, "pseudonyms", ())
        )

    context.console.sessions.forget(is_about_caller)


def lookup_keys(context: RequestContext) -> dict[str, str]:
    """Return the session's keys of the callers whom it remembers, by pseudonym: they can be opened again."""
    objects = context.session.objects.items() if context.session else ()
    return {
        pseudonym.hex(): key
        for key, lookup in list(objects)
        if isinstance(lookup, CallerLookup) and lookup.controller == context.company.id
        for pseudonym in pseudonyms(context.company, lookup.typed.caller)
    }


def new_form_name() -> str:
    """Return a name that no other form has."""
    return secrets.token_urlsafe(9)


@dataclass(frozen=True)
class LazyResult:
    """A result that a page asks for when it comes to it, while its beginning is already being sent."""

    read: Callable[[], object]

    def __call__(self) -> tuple[object, InformativaError | None]:
        """Return the result and `None`, or `None` and the error."""
        try:
            return self.read(), None
        except InformativaError as error:
            return None, error
