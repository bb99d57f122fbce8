"""A real PostgreSQL in which boxes meet."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from commands import typed
from doubles import line, notice
from informativa.ledgers import boxes as ledger_boxes
from informativa.ledgers import groupcommit, write_lock
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Event, SharedDatabase
from informativa.sharing import administration, schema
from informativa.sharing.connection import connect
from informativa.sharing.exchange import Exchange
from lab import postgres_versions
from lab.office import listen_at
from lab.ports import free_port
from lab.postgres import SUPERUSER, Postgres
from lab.process import until
from sharing.installation import Installation, of
from sharing.patroni import Patroni

PASSWORD = "of the role"
ROLE = "informativa-box-pbx-1"
_TABLES = ("migration", "company", "serves", "box", "erasure", *schema.OF_BOXES)
ACME = replace(line(notice()).controller, id="acme", retention=None)


@pytest.fixture(autouse=True)
def _patient_ledgers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger waits as long for a busy machine as these tests do: a call that falls back for that is no
    fault of what boxes exchange."""
    monkeypatch.setattr(write_lock, "BUSY_SECONDS", 60.0)
    monkeypatch.setattr(groupcommit, "ANSWER_SECONDS", 60.0)


@dataclass
class Boxes:
    """Boxes with a ledger each, and the database of theirs."""

    server: Postgres | Patroni
    folder: Path
    opened: list[Exchange] = field(default_factory=list)
    hosts: tuple[str, ...] = ()
    """The address at which boxes look for it: the server itself, or what stands before it."""
    served: set[tuple[str, str]] = field(default_factory=set)
    """Each box that has a login, with a company that it serves."""

    def database(self, box: str = "pbx-1", **more: object) -> SharedDatabase:
        """Return where they meet, as this box knows it, which has its login there and serves acme. Calls wait
        for an answer as long as a busy machine takes."""
        self.let_in(box)
        return self._database(box, **more)

    def _database(self, box: str, **more: object) -> SharedDatabase:
        passwords = self.folder / "pgpass"
        if not passwords.exists():
            lines = (f"*:*:*:{SUPERUSER}:{self.server.password}", f"*:*:*:*:{PASSWORD}")
            passwords.write_text("\n".join((*lines, "")), encoding="utf-8")
            passwords.chmod(0o600)
        given = {"hosts": self.hosts or _hosts(self.server), "name": "postgres", "box": box, "seconds": 60.0}
        return SharedDatabase(passwords=str(passwords), **given | more)  # type: ignore[arg-type]

    def let_in(self, box: str, controller: str = "acme") -> None:
        """Make its login, which serves the company."""
        if (box, controller) not in self.served:
            self.served.add((box, controller))
            list(administration.migrate(self._database(box), [controller], SUPERUSER))

    def store(self, box: str) -> SqliteStore:
        """Its ledger, which lies in a folder of the box's own."""
        return SqliteStore(str(self.folder / box / "acme.sqlite3"))

    def record(self, box: str, *events: Event) -> list[int]:
        """Record something there."""
        with closing(self.store(box)) as store:
            return store.append(events)

    def exchange(self, box: str, **more: object) -> Exchange:
        """Return what that box sends and takes in."""
        database = self.database(box, **more)
        opened = Exchange(self.store(box), connect(database, "acme"), database, "acme")
        self.opened.append(opened)
        return opened

    def sql(self, text: str) -> list[tuple[object, ...]]:
        """Run SQL as the administrator, who passes over row security; acme is the only company."""
        return self.server.sql(re.sub(r"\bacme\.", "informativa.", text))

    def close(self) -> None:
        """Let go of ledgers and connections."""
        for exchange in self.opened:
            exchange.close()


def received(store: SqliteStore) -> dict[str, tuple[int, int]]:
    """Return how far other boxes' records were received, by name; of each name one ledger was heard of."""
    by_ledger = ledger_boxes.received(store).by_ledger
    assert all(len(identity) == 16 for _name, identity in by_ledger)
    assert len({name for name, _identity in by_ledger}) == len(by_ledger)
    return {name: numbers for (name, _identity), numbers in by_ledger.items()}


def soon(condition: Callable[[], object]) -> None:
    """Wait until it is so."""
    until(condition, 60, lambda: "It never became so.")


@contextmanager
def without(boxes: Boxes, right: str, name: str) -> Iterator[None]:
    """No box has got this right on a table, or to a function, for a while."""
    kind = "FUNCTION" if right == "EXECUTE" else "TABLE"
    boxes.sql(f"REVOKE {right} ON {kind} acme.{name} FROM informativa_boxes")
    try:
        yield
    finally:
        boxes.sql(f"GRANT {right} ON {kind} acme.{name} TO informativa_boxes")


def _hosts(server: Postgres | Patroni) -> tuple[str, ...]:
    members = server.members if isinstance(server, Patroni) else [server]
    return tuple(f"127.0.0.1:{one.port}" for one in members)


@pytest.fixture(scope="session")
def session_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """One for all tests of a worker, of the version that the environment names, or of the newest. Whichever
    test is the first finds the tables there, as all others do."""
    folder = tmp_path_factory.mktemp("server")
    with Postgres(folder / "pg", server_programs=postgres_versions.chosen(folder / "programs")) as running:
        if version := os.environ.get(postgres_versions.CHOSEN):
            assert str(running.sql("SHOW server_version")[0][0]).startswith(f"{version}.")
        with prepared(running, folder):
            pass
        yield running


@pytest.fixture
def server(session_server: Postgres) -> Iterator[Postgres]:
    """The same; whoever stops it leaves it running."""
    yield session_server
    if not session_server.pid:
        session_server.start()


def empty(server: Postgres | Patroni) -> None:
    """Leave nothing of companies and boxes there; the tables stay for the next test."""
    if server.sql("SELECT 1 FROM pg_namespace WHERE nspname = 'informativa'"):
        tables = ", ".join(f"informativa.{table}" for table in _TABLES)
        server.sql(f"TRUNCATE {tables}; INSERT INTO informativa.migration VALUES (6, 6)")
    for (login,) in server.sql(
        "SELECT rolname FROM pg_roles WHERE starts_with(rolname::text, 'informativa-box-')"
    ):
        server.sql(f'DROP OWNED BY "{login}"; DROP ROLE "{login}"')


@contextmanager
def prepared(server: Postgres | Patroni, folder: Path) -> Iterator[Boxes]:
    """No box yet, but the login of the first one, which serves one company on that server."""
    made = Boxes(server, folder)
    made.let_in("pbx-1")
    yield made
    made.close()
    empty(server)


@pytest.fixture
def boxes(server: Postgres, tmp_path: Path) -> Iterator[Boxes]:
    """No box yet, but the login of the first one, which serves one company."""
    with prepared(server, tmp_path) as made:
        yield made


@pytest.fixture
def settle(boxes: Boxes) -> Callable[[], None]:
    """Let each box send and take in all that there is."""

    def settled() -> None:
        for exchange in boxes.opened:
            while exchange.send():
                pass
        for exchange in boxes.opened:
            exchange.receive(seen=True)

    return settled


@pytest.fixture
def two(folder: Path, server: Postgres) -> Iterator[tuple[Installation, Installation]]:
    """Two boxes of one company, each with its folder; keys are the same, and none has a login yet."""
    listen_at(folder / "informativa.yaml", f"127.0.0.1:{free_port()}")
    passwords = f"*:*:*:{SUPERUSER}:{server.password}\n*:*:*:*:{PASSWORD}\n"
    (folder / "keys/database.pgpass").write_text(passwords)
    (folder / "keys/database.pgpass").chmod(0o600)
    other = folder.parent / "etc-2"
    shutil.copytree(folder, other)
    for where, box in ((folder, "pbx-1"), (other, "pbx-2")):
        shared = (
            f"shared:\n  hosts: ['127.0.0.1:{server.port}']\n  database: postgres\n  box: {box}\n"
            "  passwords: keys/database.pgpass\n  milliseconds: 2000\n"
        )
        with (where / "informativa.yaml").open("a") as file:
            file.write(shared)
    yield (
        Installation(folder / "informativa.yaml", "pbx-1"),
        Installation(other / "informativa.yaml", "pbx-2"),
    )
    empty(server)


@pytest.fixture
def meeting(two: tuple[Installation, Installation]) -> tuple[Installation, Installation]:
    """The same, and both have their logins."""
    for box in two:
        assert typed("shared", "migrate", "--as", SUPERUSER, *of(box))[0] == 0
    return two
