"""Records of several companies go, and come, in one statement, and each company's trouble is its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import psycopg
import pytest

from examples import ONE, OTHER, PLAYED
from informativa.ledgers import boxes as ledger_boxes
from informativa.ledgers.sqlite import SqliteStore
from informativa.model.errors import BoxRefusedError
from informativa.sharing.connection import Connection, company_number, connect_box
from informativa.sharing.exchange import Exchange, send_together
from informativa.sharing.membership import About
from informativa.sharing.receiving import PageRequest, at_once, receive
from lab.postgres import SUPERUSER
from sharing.conftest import Boxes

COMPANIES = ("acme", "borealis", "corvo")
SENT = """
SELECT controller, record FROM acme.ledger JOIN acme.company USING (company) WHERE box = 'pbx-1' ORDER BY 1
"""
BATCH = "SELECT batch FROM acme.box WHERE box = 'pbx-1'"


class Box:
    """A box that serves three companies over one connection."""

    def __init__(self, boxes: Boxes, name: str) -> None:
        for company in COMPANIES:
            boxes.let_in(name, company)
        self.database = boxes.database(name)
        self.connection: Connection = connect_box(self.database, "acme")
        self.stores = {
            company: SqliteStore(str(boxes.folder / name / f"{company}.sqlite3")) for company in COMPANIES
        }
        self.exchanges = {
            company: Exchange(
                store, self.connection, self.database, company, About(), (),
                company_number(self.connection, self.database, company),
            )
            for company, store in self.stores.items()
        }  # fmt: skip

    def send(self) -> list[str]:
        """Send the next page of each company together. Return the companies whose page was sent."""
        pages = [(exchange, exchange.page()) for exchange in self.exchanges.values()]
        sent = send_together(
            self.connection, self.database, [(exchange, page) for exchange, page in pages if page]
        )
        return [company for company, exchange in self.exchanges.items() if exchange in sent]

    def receive(self) -> None:
        """Take in what other boxes sent, of all companies in one statement."""
        for exchange in self.exchanges.values():
            exchange.expect_all()
        receivers = {exchange.company: exchange.receiver for exchange in self.exchanges.values()}
        requests = [request for receiver in receivers.values() for request in receiver.requests(seen=False)]
        pages = receive(self.connection, self.database, requests, 1000)
        for request, page in zip(requests, pages, strict=True):
            receivers[request.company].take_in(request, page, 1000)

    def close(self) -> None:
        """Close the ledgers and the connection."""
        self.connection.close()
        for store in self.stores.values():
            store.close()


@pytest.fixture
def box(boxes: Boxes) -> Iterator[Box]:
    """The first box, which recorded a delivery of each company."""
    with closing(Box(boxes, "pbx-1")) as box:
        for store in box.stores.values():
            store.append([PLAYED])
        yield box


def test_records_of_three_companies_go_in_one_transaction(boxes: Boxes, box: Box) -> None:
    """Another box takes them in by one statement, each into the ledger of its company."""
    assert box.send() == list(COMPANIES)
    assert boxes.sql(SENT) == [("acme", 1), ("borealis", 1), ("corvo", 1)]
    assert boxes.sql(BATCH) == [(1,)]
    box.stores["corvo"].append([replace(PLAYED, pseudonym=OTHER)])
    assert box.send() == ["corvo"]
    with closing(Box(boxes, "pbx-2")) as other:
        other.receive()
        for company, store in other.stores.items():
            assert "privacy" in store.history(ONE)
            assert ("privacy" in store.history(OTHER)) == (company == "corvo")


@contextmanager
def locked(boxes: Boxes, company: str) -> Iterator[None]:
    """Lock the ledgers of a company, as an erasure in progress or an administrator does."""
    parameters = boxes.database()
    address = f"host=127.0.0.1 port={boxes.server.port} dbname={parameters.name} user={SUPERUSER}"  # type: ignore[union-attr]
    with psycopg.connect(address, passfile=parameters.passwords) as connection:
        connection.execute(
            "SELECT FROM informativa.ledger JOIN informativa.company USING (company) WHERE controller = %s"
            " FOR UPDATE OF ledger",
            (company,),
        )
        yield
        connection.rollback()


def test_a_company_whose_ledgers_are_locked_holds_no_other(boxes: Boxes, box: Box) -> None:
    """I10: its records go once they are free."""
    with locked(boxes, "borealis"):
        assert box.send() == ["acme", "corvo"]
    assert box.send() == ["borealis"]


def test_text_that_the_database_does_not_take_holds_no_company(boxes: Boxes, box: Box) -> None:
    """NUL becomes a sign for what cannot be read."""
    box.stores["borealis"].append([replace(PLAYED, call="1\0")])
    assert box.send() == list(COMPANIES)
    assert boxes.sql("SELECT call FROM acme.record WHERE record = 2") == [("1\ufffd",)]


def test_nothing_of_a_transaction_stays_where_a_record_differs(boxes: Boxes, box: Box) -> None:
    """Another machine sent a record under the name of this box for one company: nothing is sent together, and
    the others' records go without it."""
    number = box.exchanges["borealis"].company
    box.send()
    box.stores["acme"].append([PLAYED])
    box.stores["borealis"].append([PLAYED])
    for statement in (
        f"CREATE TABLE other AS SELECT * FROM acme.record WHERE company = {number}",
        "UPDATE other SET record = 2, at = at + 1",
        "INSERT INTO acme.record SELECT * FROM other",
        "DROP TABLE other",
    ):
        boxes.sql(statement)
    with pytest.raises(BoxRefusedError, match="another record 2"):
        box.send()
    assert boxes.sql(SENT) == [("acme", 1), ("borealis", 1), ("corvo", 1)]
    del box.exchanges["borealis"]
    assert box.send() == ["acme"]


def test_a_server_without_the_records_that_were_reported_gives_none(boxes: Boxes, box: Box) -> None:
    """A standby that was promoted without the last ones, or that has another machine under that name: nothing
    is taken as received."""
    box.send()
    with closing(Box(boxes, "pbx-2")) as other:
        identity = ledger_boxes.identity(box.stores["acme"])
        request = PageRequest(other.exchanges["acme"].company, "pbx-1", identity, 0, 2, seen=False)
        complete = replace(request, upto=1)
        of_another = replace(complete, identity=bytes(16))
        requests = [request, complete, of_another]
        pages = receive(other.connection, other.database, requests, 1000)
    assert pages[0] is pages[2] is None
    assert pages[1] is not None
    assert len(pages[1]) == 1


def test_requests_are_made_until_they_are_a_page() -> None:
    """Three that ask for 400 records each are a page of 1,000, one that asks for more is one alone."""
    few = [PageRequest(number, "pbx-1", b"", 0, 400, seen=False) for number in range(5)]
    much = PageRequest(9, "pbx-1", b"", 0, 10**6, seen=False)
    assert at_once(few, 1000) == few[:3]
    assert at_once([much, *few], 1000) == [much]
    assert at_once([few[0], much, *few], 1000) == [few[0], much]
    assert at_once([], 1000) == []
