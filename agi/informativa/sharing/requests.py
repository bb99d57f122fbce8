"""The state of an erasure that this box requested from the others, according to the database."""

from __future__ import annotations

from datetime import datetime
from enum import Enum, auto

from ..ledgers.erasure_requests import ErasureRequest


class Standing(Enum):
    """The action that a request needs."""

    WAITING = auto()
    """Nothing: some boxes have still to carry it out, or a command is just ordering it."""
    UNKNOWN = auto()
    """The database has no such order, or has lost it: it is to be ordered."""
    THROUGH = auto()
    """All boxes have carried it out: the request is to be deleted."""


def standing(
    request: ErasureRequest, now: datetime, newest: int, applied: int, ordered_pseudonyms: set[bytes] | None
) -> Standing:
    """Return the state by the number of the newest erasure in the database, the one up to which all boxes
    that are not retired applied them, and the pseudonyms of the order with this request's number, `None`
    where there is none.

    There is none where all boxes applied it, or where it was lost. Where a server that lost it gave its
    number to another, this box saw that order before it was deleted, or placed it itself, and then removed
    the number from this request.
    """
    if not request.pseudonyms:
        return Standing.THROUGH
    if request.number is None:
        return Standing.WAITING if request.held(now) else Standing.UNKNOWN
    if request.number > newest or (
        ordered_pseudonyms is not None and not ordered_pseudonyms.issuperset(request.pseudonyms)
    ):
        return Standing.UNKNOWN
    if applied >= request.number:
        return Standing.THROUGH
    return Standing.UNKNOWN if ordered_pseudonyms is None else Standing.WAITING
