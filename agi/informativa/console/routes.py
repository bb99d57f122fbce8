"""What may be asked of the console: each address, what answers, and the least role that may ask.

Of a company's pages whoever has no role there learns nothing: they are not there (404), as for a company that
is not there either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.responses import Response

from ..model import Role
from .pages import (
    call,
    caller,
    calls,
    entry,
    erasure,
    evidence,
    health,
    letter,
    looked,
    notices,
    today,
)
from .visit import Visit

Handler = Callable[[Visit], Response]


class _Number(IntegerConvertor):
    regex = "[0-9]{1,18}"  # what a ledger may have; Python makes no number of a few thousand digits


register_url_convertor("number", _Number())


@dataclass(frozen=True)
class Route:
    """`path` as Starlette has it; what answers GET and POST. `role` is `None` for whoever comes; a company's
    pages begin with {controller}. `operates` is for whoever is admin of all companies."""

    path: str
    get: Handler | None = None
    post: Handler | None = None
    role: Role | None = Role.READER
    operates: bool = False


ROUTES = (
    # Companies first: one may be called `invitation`, and then its pages are there all the same.
    Route("/{controller}/today", today.today),
    Route("/{controller}/calls", calls.listing),
    Route("/{controller}/live", calls.live),
    Route("/{controller}/calls/of", post=calls.seek, role=Role.COMPLIANCE),
    Route("/{controller}/calls/of/{kept}", calls.listing_of, role=Role.COMPLIANCE),
    Route("/{controller}/calls/of/{kept}/file/{kind}", calls.export_of, role=Role.COMPLIANCE),
    Route("/{controller}/calls/file/{kind}", calls.export, role=Role.COMPLIANCE),
    Route("/{controller}/calls/{record:number}", call.call),
    Route("/{controller}/calls/{record:number}/sound", call.sound),
    Route("/{controller}/calls/{record:number}/receipt/{form}", call.receipt, role=Role.COMPLIANCE),
    Route("/{controller}/calls/{record:number}/verify", call.verify, role=Role.COMPLIANCE),
    Route("/{controller}/notices", notices.notices_page),
    Route("/{controller}/notices/{notice}/{version}/{part}/{language}/sound", notices.sound),
    Route("/{controller}/what-if", notices.what_if, notices.what_if_answered),
    Route("/{controller}/evidence", evidence.evidence, role=Role.COMPLIANCE),
    Route("/{controller}/evidence/audit", post=evidence.audit, role=Role.COMPLIANCE),
    Route("/{controller}/evidence/bundle", post=evidence.bundle, role=Role.COMPLIANCE),
    Route("/{controller}/evidence/jobs/{job}", evidence.job, role=Role.COMPLIANCE),
    Route("/{controller}/evidence/jobs/{job}/file", evidence.download, role=Role.COMPLIANCE),
    Route("/{controller}/company", notices.company),
    Route("/{controller}/company/worksheet", notices.worksheet),
    Route("/{controller}/caller", caller.search_form, caller.search, Role.COMPLIANCE),
    Route("/{controller}/caller/{kept}", caller.shown, role=Role.COMPLIANCE),
    Route("/{controller}/caller/{kept}/told", caller.told_form, caller.tell, Role.COMPLIANCE),
    Route("/{controller}/caller/{kept}/letter", letter.form, letter.wish, Role.COMPLIANCE),
    Route("/{controller}/caller/{kept}/erasure", erasure.trial, erasure.erase, Role.COMPLIANCE),
    Route("/{controller}/letter/{kept}", letter.shown, role=Role.COMPLIANCE),
    Route("/{controller}/letter/{kept}/file", letter.saved, role=Role.COMPLIANCE),
    Route("/{controller}/looked", looked.listing, role=Role.COMPLIANCE),
    Route("/{controller}/erased/{kept}", erasure.outcome, role=Role.COMPLIANCE),
    Route("/login", entry.login_form, entry.login, None),
    Route("/invitation/{token}", entry.invitation_form, entry.accept, None),
    Route("/language", post=entry.choose_language, role=None),
    Route("/logout", post=entry.logout),
    Route("/", entry.companies),
    Route("/health", health.health, health.look, operates=True),
)
