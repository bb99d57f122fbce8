"""The look-ups of a call, and that they are closed."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from doubles import CALLER
from informativa.call.answering import CallServices
from informativa.call.lookup_http import HttpLookup
from informativa.call.lookup_sql import SqlLookup
from informativa.config import Configuration, load
from informativa.model import Identified, Lookup, RecordKind
from informativa.model.errors import LookupSourceError
from informativa.process import bootstrap

WHO = Identified(CALLER, "IT")
HTTP = Lookup("web", "privacy", RecordKind.WEBSITE, "http://127.0.0.1:0/{number}", seconds=30.0)


@pytest.fixture
def customers(tmp_path: Path) -> Lookup:
    """A database in which the caller signed contract 4711."""
    file = tmp_path / "customers.sqlite3"
    with sqlite3.connect(file) as opened:
        opened.execute("CREATE TABLE told (phone TEXT, on_day TEXT, paper TEXT)")
        opened.execute("INSERT INTO told VALUES (?, '2026-11-02', 'contract 4711')", (CALLER,))
    opened.close()
    query = "SELECT on_day AS date, paper AS reference FROM told WHERE phone = {number}"
    return replace(
        HTTP,
        id="customers",
        kind=RecordKind.CONTRACT,
        question=query,
        driver="sqlite3",
        arguments={"database": str(file)},
    )


def configured(folder: Path, *lookups: Lookup) -> Configuration:
    """A configuration whose first controller has these systems."""
    configuration = load(folder / "informativa.yaml")
    acme = replace(configuration.controllers["acme"], lookups=lookups)
    return replace(configuration, controllers=configuration.controllers | {"acme": acme})


@pytest.mark.parametrize("script", [False, True])
def test_lookups_are_by_notice_and_in_order(folder: Path, customers: Lookup, script: bool) -> None:
    """A controller's systems are asked for the notice that they know of, in the order of its file; one that
    has none gets none."""
    configuration = configured(folder, HTTP, customers)
    services = bootstrap.for_script(configuration) if script else bootstrap.for_service(configuration)
    try:
        assert list(services.lookups) == ["acme"]
        (sources,) = services.lookups["acme"].values()
        assert list(services.lookups["acme"]) == ["privacy"]
        web, sql = sources
        with pytest.raises(LookupSourceError):  # nobody can be asked at port 0
            asyncio.run(web.ask(WHO))
        delivery = asyncio.run(sql.ask(WHO))
        assert delivery is not None
        assert (delivery.kind, delivery.reference) == (RecordKind.CONTRACT, "customers: contract 4711")
    finally:
        bootstrap.close(services)


def test_script_waits_for_a_lookup_by_itself(folder: Path, customers: Lookup) -> None:
    """A script has the answer after one step: it needs no loop to wait in, as the service does."""
    configuration = configured(folder, customers)
    (source,) = bootstrap.lookups(
        configuration.controllers["acme"], configuration.notices["acme"], script=True
    )["privacy"]
    try:
        with pytest.raises(StopIteration) as ended:
            source.ask(WHO).__await__().send(None)
        assert ended.value.value.reference == "customers: contract 4711"
    finally:
        source.close()


def test_how_a_lookup_is_asked(customers: Lookup) -> None:
    """One with a driver is a query, and one without is a URL."""
    assert type(bootstrap._question(customers)) is SqlLookup
    assert type(bootstrap._question(HTTP)) is HttpLookup


class Counted:
    """Something that is closed, how often."""

    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        """Once more."""
        self.closed += 1

    async def ask(self, caller: Identified) -> None:
        """Nothing is known."""


def test_all_lookups_are_closed(folder: Path) -> None:
    """What asks a controller's own systems is closed with the ledgers, each once, whatever others keep."""
    sources: Sequence[Counted] = [Counted(), Counted(), Counted()]
    first = bootstrap.for_script(configured(folder))
    services: CallServices = replace(
        first, lookups={"acme": {"privacy": sources[:2]}, "borealis": {"privacy": sources[2:]}}
    )
    bootstrap.close(services, [first])
    assert [one.closed for one in sources] == [1, 1, 1]
