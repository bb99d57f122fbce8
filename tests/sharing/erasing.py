"""Boxes of which one erases a caller: how all get to do it, and what is left of him."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from examples import AT, ONE, OTHER, PLAYED
from informativa.ledgers import erasure, erasure_requests
from informativa.ledgers.erasure_requests import HELD, ErasureRequest
from informativa.ledgers.sqlite import SqliteStore
from informativa.sharing import erasure_orders
from informativa.sharing.exchange import Exchange
from sharing.conftest import Boxes
from traces import traces


def later() -> datetime:
    """Return when no command asks by itself any more."""
    return datetime.now(UTC) + 2 * HELD


def begin(boxes: Boxes, *names: str, informed: Sequence[bytes] = (ONE, OTHER)) -> None:
    """Boxes that told these callers, and all know it."""
    for name in names:
        boxes.record(
            name, *[replace(PLAYED, pseudonym=pseudonym, call=pseudonym.hex()[:4]) for pseudonym in informed]
        )
        boxes.exchange(name)
    quiet(boxes)


def erase_here(boxes: Boxes, box: str, caller: bytes) -> ErasureRequest:
    """Return what a command does first: erase him on its box, and keep that others are to be asked."""
    request = erasure.erase(boxes.folder / box / "acme.sqlite3", [caller], AT, everywhere=True).request
    assert request is not None
    return request


def erase(boxes: Boxes, box: str, caller: bytes) -> int:
    """Return what a command does: him, on that box and all others; under which number."""
    request = erase_here(boxes, box, caller)
    with closing(boxes.store(box)) as store:
        erasure_orders.order(boxes.database(box), "acme", request, store)
        return {request.id: request.number or 0 for request in erasure_requests.stored_requests(store)}[
            request.id
        ]


def order(
    boxes: Boxes, box: str, caller: bytes, *, store: SqliteStore | None = None, sealed: Sequence[bytes] = ()
) -> None:
    """An order of that box to erase a caller, whom its ledger erased; without one nobody has done it yet."""
    request = replace(erasure_requests.new(datetime.now(UTC), sealed), pseudonyms=(caller,))
    with closing(SqliteStore(str(boxes.folder / "of-nobody.sqlite3"))) as of_nobody:
        erasure_orders.order(boxes.database(box), "acme", request, store or of_nobody)


def turn(exchange: Exchange) -> int:
    """Return what a service does over and over."""
    done = exchange.erase(later())
    exchange.receive()
    return done + exchange.send()


def quiet(boxes: Boxes) -> None:
    """All exchange until there is nothing more to do."""
    for _ in range(30):
        if not sum([turn(exchange) for exchange in boxes.opened]):
            break
    else:
        pytest.fail("It does not come to an end.")
    for exchange in boxes.opened:  # who was the last to do it is seen only now
        turn(exchange)


def stored_orders(boxes: Boxes, *names: str) -> list[int | None]:
    """Return the numbers by which these boxes keep what they asked for."""
    numbers = []
    for name in names:
        with closing(boxes.store(name)) as store:
            numbers += [request.number for request in erasure_requests.stored_requests(store)]
    return numbers


def orders(boxes: Boxes) -> list[int]:
    """The numbers of those in the database."""
    return [int(str(number)) for (number,) in boxes.sql("SELECT erasure FROM acme.erasure ORDER BY 1")]


def left(boxes: Boxes, *erased: bytes) -> list[str]:
    """All that leads to these callers: files, as bytes or in hexadecimal, and rows of the database."""
    spelled = [spelling for pseudonym in erased for spelling in (pseudonym, pseudonym.hex().encode())]
    places = traces(boxes.folder, *spelled)
    for pseudonym in erased:
        rows = boxes.sql(f"SELECT box FROM acme.record WHERE '\\x{pseudonym.hex()}' IN (pseudonym, earlier)")
        places += [f"a record of {box}" for (box,) in rows]
    return places + [f"order {number}" for number in orders(boxes)]
