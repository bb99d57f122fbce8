"""Companies of one installation that meet on several servers, by the name of the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from examples import ONE, PLAYED
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import SharedDatabase
from informativa.sharing import administration
from informativa.sharing.loop import ExchangeLoop
from informativa.sharing.membership import About
from lab.postgres import SUPERUSER, Postgres
from sharing.conftest import ACME, PASSWORD, soon
from sharing.pgbouncer import PgBouncer

COMPANIES, NAMES = ("acme", "globex"), ("pbx-1", "pbx-2")


@dataclass
class Places:
    """Two boxes of two companies, each of which meets on a server of its own."""

    folder: Path
    servers: dict[str, Postgres]
    loops: dict[tuple[str, str], ExchangeLoop]

    def store(self, box: str, company: str) -> SqliteStore:
        """Open the ledger of a company on a box."""
        return SqliteStore(str(self.folder / box / f"{company}.sqlite3"))

    def tell(self, company: str, call: str) -> None:
        """A caller hears the notice of a company on the first box."""
        with closing(self.store("pbx-1", company)) as store:
            store.append([replace(PLAYED, call=call)])

    def records(self, company: str) -> list[tuple[object, ...]]:
        """The calls that a company's server has."""
        return self.servers[company].sql("SELECT call FROM informativa.record ORDER BY record")

    def knows(self, box: str, company: str) -> bool:
        """Return whether a company's ledger there knows of that delivery."""
        with closing(self.store(box, company)) as store:
            return "privacy" in store.history(ONE)


@pytest.fixture(params=["pgbouncer", "hosts"])
def places(tmp_path: Path, server: Postgres, request: pytest.FixtureRequest) -> Iterator[Places]:
    """Both boxes run, behind a pgbouncer that leads each company's database to its server; or each company
    has hosts of its own."""
    with ExitStack() as stack:
        servers = {company: Postgres(tmp_path / company) for company in COMPANIES}
        for postgres in servers.values():
            postgres.password = server.password
            stack.enter_context(postgres)
        ports = {f"of_{company}": postgres.port for company, postgres in servers.items()}
        name = "postgres"
        elsewhere: tuple[tuple[str, tuple[str, ...], str], ...] = ()
        if request.param == "pgbouncer":
            bouncer = PgBouncer(tmp_path / "pgbouncer", server, server.port, databases=ports)
            stack.enter_context(bouncer)
            hosts, name = f"127.0.0.1:{bouncer.port}", "of_{controller}"
        else:
            hosts, of_globex = (f"127.0.0.1:{servers[company].port}" for company in COMPANIES)
            elsewhere = (("globex", (of_globex,), "postgres"),)
        passwords = tmp_path / "pgpass"
        passwords.write_text(f"*:*:*:{SUPERUSER}:{server.password}\n*:*:*:*:{PASSWORD}\n")
        passwords.chmod(0o600)
        made = Places(tmp_path, servers, {})
        for box in NAMES:
            database = SharedDatabase((hosts,), name, box, str(passwords), elsewhere=elsewhere)
            list(administration.migrate(database, COMPANIES, SUPERUSER))
            for company in COMPANIES:
                made.store(box, company).close()
                opened = partial(made.store, box, company)
                loop = ExchangeLoop(replace(ACME, id=company), database, About(), opened)
                stack.callback(loop.stop)
                made.loops[box, company] = loop
        yield made


@pytest.mark.sample(1)
def test_i10_a_server_that_is_away_holds_only_its_companies(places: Places) -> None:
    """I10: one box exchanges with two servers side by side; one dies, the other's company goes on, and once
    it is there again its own does: nothing is lost, and nothing goes to the other server."""
    for company in COMPANIES:
        places.tell(company, f"{company} 1")
    for company in COMPANIES:
        soon(lambda company=company: places.knows("pbx-2", company))  # type: ignore[misc]
    places.servers["globex"].kill()
    places.tell("globex", "globex 2")
    places.tell("acme", "acme 2")
    soon(lambda: places.loops["pbx-1", "acme"].state.sent == 2)
    assert places.loops["pbx-1", "globex"].state.sent == 1
    places.servers["globex"].start()
    soon(lambda: places.loops["pbx-1", "globex"].state.sent == 2)
    assert [places.records(company) for company in COMPANIES] == [
        [("acme 1",), ("acme 2",)],
        [("globex 1",), ("globex 2",)],
    ]
    served = "SELECT controller FROM informativa.company"
    assert [places.servers[company].sql(served) for company in COMPANIES] == [[("acme",)], [("globex",)]]
