"""A real PostgreSQL in which boxes meet."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from unittest import mock

import pytest

from commands import typed
from doubles import line, notice
from informativa.ledgers import groupcommit, write_lock
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Event, SharedDatabase
from informativa.sharing import administration, schema
from informativa.sharing.connection import connect
from informativa.sharing.exchange import Exchange
from lab.office import listen_at
from lab.ports import free_port
from lab.postgres import SUPERUSER, Postgres
from sharing.installation import Installation, of
from sharing.patroni import Patroni

PASSWORD = "of the role"
TODAY = date(2026, 11, 26)
ROLE = "informativa_acme"
ACME = replace(line(notice()).controller, id="acme", retention=None)


@pytest.fixture(autouse=True)
def _patient_ledgers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger waits as long for a busy machine as these tests do: a call that falls back for that is no
    fault of what boxes exchange."""
    monkeypatch.setattr(write_lock, "BUSY_SECONDS", 60.0)
    monkeypatch.setattr(groupcommit, "ANSWER_SECONDS", 60.0)


@contextmanager
def first_schema() -> Iterator[None]:
    """The first migration is the only one."""
    with (
        mock.patch.object(schema, "_files", return_value=schema._files()[:1]),
        mock.patch.object(schema, "_TABLES", ("box", "record", "erasure")),
    ):
        yield


@dataclass
class Boxes:
    """Boxes with a ledger each, and the database of theirs."""

    server: Postgres | Patroni
    folder: Path
    opened: list[Exchange] = field(default_factory=list)
    hosts: tuple[str, ...] = ()
    """Where boxes look for it: the server itself, or what stands before it."""

    def database(self, box: str = "pbx-1", **more: object) -> SharedDatabase:
        """Where they meet, as this box knows it."""
        passwords = self.folder / "pgpass"
        if not passwords.exists():
            lines = (f"*:*:*:{SUPERUSER}:{self.server.password}", f"*:*:*:*:{PASSWORD}")
            passwords.write_text("\n".join((*lines, "")), encoding="utf-8")
            passwords.chmod(0o600)
        given = {"hosts": self.hosts or _hosts(self.server), "name": "postgres", "box": box} | more
        return SharedDatabase(passwords=str(passwords), **given)  # type: ignore[arg-type]

    def store(self, box: str) -> SqliteStore:
        """Its ledger, which lies in a folder of the box's own."""
        return SqliteStore(str(self.folder / box / "acme.sqlite3"))

    def record(self, box: str, *events: Event) -> list[int]:
        """Record something there."""
        with closing(self.store(box)) as store:
            return store.append(events)

    def exchange(self, box: str, **more: object) -> Exchange:
        """What that box sends and takes in."""
        database = self.database(box, **more)
        found = Exchange(self.store(box), connect(database, "acme"), database, "acme")
        self.opened.append(found)
        return found

    def sql(self, text: str) -> list[tuple[object, ...]]:
        """As the administrator, in acme's schema."""
        return self.server.sql(text.replace("acme.", f'"{ROLE}".'))

    def downgrade(self) -> None:
        """A schema that nobody migrated since the first informativa."""
        self.server.sql(f'DROP SCHEMA "{ROLE}" CASCADE')
        with first_schema():
            list(administration.migrate(self.database(), ["acme"], SUPERUSER, TODAY))

    def close(self) -> None:
        """Let go of ledgers and connections."""
        for each in self.opened:
            each.close()


def _hosts(server: Postgres | Patroni) -> tuple[str, ...]:
    members = server.members if isinstance(server, Patroni) else [server]
    return tuple(f"127.0.0.1:{one.port}" for one in members)


@pytest.fixture(scope="session")
def session_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """One for all tests of a worker; each has a schema of its own making."""
    with Postgres(tmp_path_factory.mktemp("server") / "pg") as running:
        yield running


@pytest.fixture
def server(session_server: Postgres) -> Iterator[Postgres]:
    """The same; whoever stops it leaves it running."""
    yield session_server
    if not session_server.pid:
        session_server.start()


def drop(server: Postgres | Patroni, role: str) -> None:
    """Leave nothing of a company there."""
    server.sql(f'DROP SCHEMA "{role}" CASCADE')
    server.sql(f'DROP ROLE "{role}"')


@contextmanager
def prepared(server: Postgres | Patroni, folder: Path) -> Iterator[Boxes]:
    """No box yet, and the schema of one company on that server, until it is done."""
    made = Boxes(server, folder)
    list(administration.migrate(made.database(), ["acme"], SUPERUSER, TODAY))
    yield made
    made.close()
    drop(server, ROLE)


@pytest.fixture
def boxes(server: Postgres, tmp_path: Path) -> Iterator[Boxes]:
    """No box yet, and the schema of one company."""
    with prepared(server, tmp_path) as made:
        yield made


@pytest.fixture
def settle(boxes: Boxes) -> Callable[[], None]:
    """Let each box send and take in all that there is."""

    def settled() -> None:
        for each in boxes.opened:
            while each.send():
                pass
        for each in boxes.opened:
            each.receive(seen=True)

    return settled


@pytest.fixture
def two(folder: Path, server: Postgres) -> Iterator[tuple[Installation, Installation]]:
    """Two boxes of one company, each with its folder; keys are the same, and no schema is made yet."""
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
    server.sql('DROP SCHEMA IF EXISTS "informativa_acme" CASCADE')
    server.sql('DROP ROLE IF EXISTS "informativa_acme"')


@pytest.fixture
def meeting(two: tuple[Installation, Installation]) -> tuple[Installation, Installation]:
    """The same, and the schema is made."""
    assert typed("shared", "migrate", "--as", SUPERUSER, *of(two[0]))[0] == 0
    return two
