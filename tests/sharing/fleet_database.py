"""The database of a random history: a real PostgreSQL, what befalls it, and what is in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from informativa.evidence.commitment import KEPT
from informativa.ledgers.sqlite import SqliteStore
from informativa.sharing import schema
from lab.postgres import SUPERUSER, Postgres
from sharing import earlier
from sharing.conftest import PASSWORD
from sharing.history_model import Row

TABLES = ("company", "serves", "box", "ledger", "erasure", *schema.OF_BOXES[1:])
_FULL = """
CREATE OR REPLACE FUNCTION public.full() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END$$;
CREATE TRIGGER disk BEFORE INSERT OR UPDATE ON informativa.record EXECUTE FUNCTION public.full();
CREATE TRIGGER disk BEFORE INSERT OR UPDATE ON informativa.ledger EXECUTE FUNCTION public.full();
"""
_ROOM = "DROP TRIGGER disk ON informativa.record; DROP TRIGGER disk ON informativa.ledger"
_RECORDS = """
SELECT controller, box, record, call, status, erased = 1, kind FROM informativa.record
JOIN informativa.company USING (company)
"""
_PSEUDONYMS = """
SELECT controller, box, unnest(ARRAY[pseudonym, earlier]) FROM informativa.record
JOIN informativa.company USING (company)
"""
_INFORMED = """
SELECT controller, box, record, pseudonym FROM informativa.record
JOIN informativa.company USING (company) WHERE informs = 1 AND pseudonym IS NOT NULL
"""
_BACKENDS = "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity WHERE starts_with(usename, %s)"
_SERVED = """
SELECT company, controller FROM informativa.serves JOIN informativa.company USING (company) WHERE login = %s
"""

_AWAITED = """
SELECT FROM informativa.serves AS s WHERE login = %s
AND NOT EXISTS (SELECT FROM informativa.ledger AS l WHERE l.company = s.company AND l.box = %s)
"""

_WAITED_FOR = """
SELECT controller, box FROM informativa.ledger JOIN informativa.company USING (company)
WHERE retired IS NULL AND applied < erasures
UNION ALL
SELECT controller, login FROM informativa.serves AS s JOIN informativa.company USING (company)
WHERE NOT EXISTS (SELECT FROM informativa.ledger AS l
    WHERE l.company = s.company AND s.login = 'informativa-box-' || l.box)
"""


class FleetDatabase:
    """The tables of boxes on one server. `port` is where boxes reach it."""

    def __init__(self, server: Postgres, port: int, template: Path) -> None:
        self._server, self.port, self._template = server, port, template
        self.hosts = (f"127.0.0.1:{server.port}",)
        self._logins = set[str]()
        self._old = ""
        self._migrated = set[str]()
        self._connection = self._connected()

    def _connected(self) -> psycopg.Connection:
        return psycopg.connect(self._server.conninfo(), autocommit=True)

    @property
    def is_pooled(self) -> bool:
        """Return whether a pgbouncer stands between the boxes and the server."""
        return self.port != self._server.port

    def close(self) -> None:
        """Let go of it, and leave it empty."""
        run = self._connection.execute
        if self._old:
            run(f'DROP SCHEMA IF EXISTS "informativa_{self._old}" CASCADE')
            run(f'DROP ROLE IF EXISTS "informativa_{self._old}"')
        self._connection.close()

    # -- boxes -----------------------------------------------------------------------------------------

    def new_ledgers(self, folder: Path, companies: list[str]) -> None:
        """Empty ledgers of these companies, as a box has them that nobody rang."""
        folder.mkdir()
        if not self._template.exists():
            SqliteStore(str(self._template)).close()
        for company in companies:
            shutil.copy(self._template, folder / f"{company}.sqlite3")

    def write_passwords(self, file: Path) -> None:
        """A box's file of passwords, with the administrator's for when he types there."""
        file.touch(0o600)
        file.write_text(f"*:*:*:{SUPERUSER}:{self._server.password}\n*:*:*:*:{PASSWORD}\n", encoding="utf-8")

    def let_in(self, name: str, companies: list[str]) -> None:
        """Make a box's login, which serves the companies that are in the tables of all. One that comes after
        the migration has nothing to migrate."""
        run, login = self._connection.execute, schema.login(name)
        if login in self._logins:
            return
        self._logins.add(login)
        with self._connection.transaction():
            if not run("SELECT 1 FROM pg_roles WHERE rolname = %s", (login,)).fetchone():
                run(schema.made(login, f"LOGIN PASSWORD '{PASSWORD}'"))
            migrated = [own for own in companies if own != self._old or self._migrated]
            for statement in schema.served(login, migrated):
                run(statement)
        if self._migrated:
            self._migrated.add(name)

    def serve_again(self, names: Iterable[str], companies: list[str]) -> None:
        """Type what an administrator types on these boxes after a failover that lost who serves whom."""
        with self._connection.transaction():
            for name in sorted({*names}):
                for statement in schema.served(schema.login(name), companies):
                    self._connection.execute(statement)

    def is_awaited(self, name: str) -> bool:
        """Return whether a box serves a company and has no ledger there."""
        return bool(self._connection.execute(_AWAITED, (schema.login(name), name)).fetchone())

    def serves(self, name: str, company: str) -> bool:
        """Return whether a box serves a company."""
        return company in [row[1] for row in self._served(name)]

    def _served(self, name: str) -> list[tuple[int, str]]:
        return self._connection.execute(_SERVED, (schema.login(name),)).fetchall()

    def take_back(self, company: str) -> None:
        """Let a company have a schema of its own, as before migration 6."""
        earlier.schema_of(self._server, company)
        self._old = company
        for table in ("serves", "company"):
            self._connection.execute(
                f"DELETE FROM informativa.{table} WHERE company IN"
                " (SELECT company FROM informativa.company WHERE controller = %s)",
                (company,),
            )

    def is_migrated(self, name: str) -> bool:
        """Return whether nothing is left to be migrated for a box."""
        return not self._old or name in self._migrated

    def migrated(self, name: str) -> None:
        """Note that somebody typed it there."""
        self._migrated.add(name)

    # -- faults ----------------------------------------------------------------------------------------

    def end_connections(self) -> None:
        """End those of all boxes, and wait until they are over."""
        self._connection.execute(_BACKENDS, (schema.LOGIN_PREFIX,))

    def kill(self) -> None:
        """kill -9, and started again."""
        self._connection.close()
        self._server.kill()
        self._server.start()
        self._connection = self._connected()

    def lag(self) -> None:
        """A standby has all up to now, and gets nothing more."""
        for table in TABLES:
            self._connection.execute(f"DROP TABLE IF EXISTS public.standby_{table}")
            self._connection.execute(f"CREATE TABLE public.standby_{table} AS TABLE informativa.{table}")

    def promote(self) -> None:
        """It takes over, and what came since is lost."""
        with self._connection.transaction():
            for table in TABLES:
                self._connection.execute(f"DELETE FROM informativa.{table}")
                self._connection.execute(f"INSERT INTO informativa.{table} TABLE public.standby_{table}")
                self._connection.execute(f"DROP TABLE public.standby_{table}")

    @contextmanager
    def full(self) -> Iterator[None]:
        """Its disk is full for a while: what is there can be read."""
        self._connection.execute(_FULL)
        try:
            yield
        finally:
            self._connection.execute(_ROOM)

    # -- what is in it ---------------------------------------------------------------------------------

    def orders(self) -> int:
        """The number of erasures that some box has still to do."""
        (count,) = self._connection.execute("SELECT count(*) FROM informativa.erasure").fetchone() or (0,)
        return int(count)

    def waited_for(self) -> list[tuple[str, str]]:
        """The boxes that have erasures still to do, or never took part, each with the company."""
        return self._connection.execute(_WAITED_FOR).fetchall()

    def rows(self) -> list[Row]:
        """All records but those about records."""
        rows = self._connection.execute(_RECORDS).fetchall()
        return [(*row[:-1],) for row in rows if row[-1] not in KEPT]

    def informed(self) -> dict[str, list[tuple[str, int, bytes]]]:
        """The records of each company by which callers are informed: the box, the number, the caller."""
        records: dict[str, list[tuple[str, int, bytes]]] = {}
        for company, box, record, pseudonym in self._connection.execute(_INFORMED):
            records.setdefault(company, []).append((box, record, bytes(pseudonym)))
        return records

    def pseudonyms(self, without: set[str]) -> set[tuple[str, bytes]]:
        """Each company's callers, but those of which only these boxes had records."""
        rows = self._connection.execute(_PSEUDONYMS).fetchall()
        return {(company, bytes(his)) for company, box, his in rows if his is not None and box not in without}

    def check_apart(self, name: str, passwords: Path) -> None:
        """A box's login sees the companies that it serves, and rows of no other."""
        login = schema.login(name)
        address = self._server.conninfo(user=login, password=PASSWORD, passfile=passwords)
        companies = {company for company, _controller in self._served(name)}
        with psycopg.connect(address) as connection:
            for table in ("company", *schema.OF_BOXES, "erasure"):
                rows = connection.execute(f"SELECT DISTINCT company FROM informativa.{table}").fetchall()
                assert {company for (company,) in rows} <= companies, f"{login} sees others in {table}"
