"""How an erasure that this box asked the others for stands, by what the database says of it."""

from __future__ import annotations

from datetime import datetime
from enum import Enum, auto

from ..ledgers.erasure_requests import Request


class Standing(Enum):
    """What is to be done with it."""

    WAITING = auto()
    """Nothing: some boxes have still to do it, or a command is just asking for it."""
    UNKNOWN = auto()
    """The database does not know of it, or no more: it is to be asked for."""
    THROUGH = auto()
    """All boxes have done it: nothing of it is to be kept."""


def standing(
    request: Request, now: datetime, newest: int, applied: int, there: set[bytes] | None
) -> Standing:
    """By the number of the newest erasure in the database, the one up to which all boxes that did not leave
    applied them, and the pseudonyms of the one that has this request's number, `None` where none has.

    None has it where all boxes applied it, or where it was lost. Where a server that lost it gave its number
    to another, this box met that one before it was gone, or gave it itself, and took the number away here.
    """
    if not request.pseudonyms:
        return Standing.THROUGH
    if request.number is None:
        return Standing.WAITING if request.held(now) else Standing.UNKNOWN
    if request.number > newest or (there is not None and not there.issuperset(request.pseudonyms)):
        return Standing.UNKNOWN
    if applied >= request.number:
        return Standing.THROUGH
    return Standing.UNKNOWN if there is None else Standing.WAITING
