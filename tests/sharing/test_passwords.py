"""`shared passwd`: another password for a box, while its service goes on, whatever interrupts the change."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from commands import typed
from examples import PLAYED
from informativa.model import SharedDatabase
from informativa.model.errors import InformativaError, SharedDatabaseError
from informativa.sharing import passwords
from informativa.sharing.connection import connect, connect_as
from informativa.sharing.loop import ExchangeLoop
from informativa.sharing.membership import About
from informativa.sharing.passwords import with_password
from informativa.sharing.startup import password_of
from lab.postgres import Postgres
from sharing.conftest import ACME, PASSWORD, ROLE, Boxes, soon
from sharing.installation import Installation, of

OTHERS = "# of two boxes\n*:*:*:other:x\n"


class CutOffError(Exception):
    """The command was killed here."""


@pytest.fixture
def database(boxes: Boxes) -> SharedDatabase:
    """The database by a file of passwords of the box's own, which has a line for another role too."""
    database = boxes.database()
    file = boxes.folder / "own.pgpass"
    file.write_text(f"{OTHERS}*:*:*:{ROLE}:{PASSWORD}\n")
    file.chmod(0o600)
    return replace(database, passwords=str(file))


def password(database: SharedDatabase) -> str:
    """Return the password of the box in its file."""
    return password_of(Path(database.passwords).read_text(), "postgres", ROLE)


def test_the_password_is_another_in_both_places(boxes: Boxes, database: SharedDatabase) -> None:
    """Random, in a file for its owner alone, whose other lines are as they were; the old one is of no use,
    and no log of the server's has the new one, even where it writes down each statement."""
    boxes.sql(f"ALTER ROLE \"{ROLE}\" SET log_statement = 'all'")
    old = Path(database.passwords).with_name("old.pgpass")
    old.write_text(Path(database.passwords).read_text())
    old.chmod(0o600)
    changed = passwords.change(database, ["acme"])
    file = Path(database.passwords)
    assert (changed.login, changed.file, changed.resumed) == (ROLE, file, False)
    assert (password(database) != PASSWORD, len(password(database))) == (True, 48)
    assert file.read_text().startswith(OTHERS)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not Path(f"{file}.new").exists()
    connect(database, "acme").close()
    with pytest.raises(SharedDatabaseError, match="it knows no such role with this password"):
        connect(replace(database, passwords=str(old)), "acme")
    assert isinstance(boxes.server, Postgres)
    assert f'ALTER ROLE "{ROLE}" PASSWORD' in boxes.server.log
    assert password(database) not in boxes.server.log


def test_other_bytes_of_the_file_stay(database: SharedDatabase) -> None:
    """It is no UTF-8, and libpq reads it: the password is changed, and all else of the file is as it was."""
    file, others = Path(database.passwords), "# Büro\n*:*:*:ander\xe9:\x85\x0b\n".encode("latin-1")
    file.write_bytes(others + f"*:*:*:{ROLE}:{PASSWORD}\n".encode())
    passwords.change(database, ["acme"])
    changed = file.read_bytes()
    assert changed.startswith(others)
    assert PASSWORD.encode() not in changed
    connect(database, "acme").close()


def cut(database: SharedDatabase, monkeypatch: pytest.MonkeyPatch, step: str, *, after: bool) -> None:
    """Change the password, killed before or after one step of it."""
    real: Callable[..., None] = getattr(passwords, step)

    def cut_off(*given: object, **more: object) -> None:
        if after:
            real(*given, **more)
        raise CutOffError

    with monkeypatch.context() as cutting:
        cutting.setattr(passwords, step, cut_off)
        with pytest.raises(CutOffError):
            passwords.change(database, ["acme"])


STEPS = [
    ("_write", False, False),
    ("_write", True, False),
    ("_alter", True, True),
    ("_replace", False, True),
    ("_replace", True, False),
]


@pytest.mark.parametrize(("step", "after", "resumed"), STEPS)
def test_cut_off_at_any_step_the_box_logs_in(
    database: SharedDatabase, monkeypatch: pytest.MonkeyPatch, step: str, after: bool, resumed: bool
) -> None:
    """With the old password or the new one, whichever the server has; typed again, the command completes what
    was begun, or begins anew."""
    cut(database, monkeypatch, step, after=after)
    connect(database, "acme").close()
    connect_as(database, "acme", "").close()
    assert passwords.change(database, ["acme"]).resumed == resumed
    connect(database, "acme").close()
    assert not Path(f"{database.passwords}.new").exists()
    assert password(database) != PASSWORD


def test_a_running_service_goes_on(
    boxes: Boxes, database: SharedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each record arrives once: over the connection from before the change; over one that is opened while the
    change is cut off between the database and the file; and over one with the new file."""

    def recorded(count: int) -> None:
        boxes.record("pbx-1", PLAYED)
        loop.wake()
        soon(lambda: boxes.sql("SELECT count(*) FROM acme.record") == [(count,)])

    def disconnect() -> None:
        ended = boxes.sql(
            f"SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE usename = '{ROLE}'"
        )
        assert ended == [(True,)]

    loop = ExchangeLoop(ACME, database, About(), partial(boxes.store, "pbx-1"))
    try:
        recorded(1)
        cut(database, monkeypatch, "_replace", after=False)
        recorded(2)
        disconnect()
        recorded(3)
        assert passwords.change(database, ["acme"]).resumed
        assert not passwords.change(database, ["acme"]).resumed
        recorded(4)
        disconnect()
        recorded(5)
    finally:
        loop.stop()


def test_a_server_that_is_away_leaves_all_as_it_was(boxes: Boxes, database: SharedDatabase) -> None:
    """Also where a change was cut off: which password works is found out once it answers."""
    before = Path(database.passwords).read_text()
    changing = Path(f"{database.passwords}.new")
    away = replace(database, hosts=("127.0.0.1:1",))
    with pytest.raises(SharedDatabaseError):
        passwords.change(away, ["acme"])
    assert not changing.exists()
    changing.write_text(before.replace(PASSWORD, "another"))
    changing.chmod(0o600)
    with pytest.raises(SharedDatabaseError):
        passwords.change(away, ["acme"])
    assert (Path(database.passwords).read_text() == before, changing.exists()) == (True, True)
    assert not passwords.change(database, ["acme"]).resumed
    assert boxes.sql("SELECT 1") == [(1,)]


def test_a_file_without_a_line_for_the_login_is_refused(database: SharedDatabase) -> None:
    """It is said which line is missing."""
    Path(database.passwords).write_text(OTHERS)
    with pytest.raises(InformativaError, match=f"has no password for {ROLE}") as raised:
        passwords.change(database, ["acme"])
    assert str(raised.value.remedy) == f"Write a line for it there: *:*:*:{ROLE}:PASSWORD"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*:*:*:box:old\n", "*:*:*:box:new\n"),
        ("*:*:*:box:old", "*:*:*:box:new\n"),
        ("# a\n\ndb\\:1:5432:*:box:o\\:ld\nlast\n", "# a\n\ndb\\:1:5432:*:box:new\nlast\n"),
        ("*:*:*:*:old\n", "*:*:*:box:new\n*:*:*:*:old\n"),
        ("db2:*:*:box:else\n*:*:*:box:old\n", "db2:*:*:box:else\n*:*:*:box:new\n"),
        ("*:*:*:boxes:x\n*:5432:*:box:old\n", "*:*:*:boxes:x\n*:5432:*:box:new\n"),
        ("*:*:other:box:y\n*:*:*:box:old\n", "*:*:other:box:y\n*:*:*:box:new\n"),
        ("#*:*:*:box:old\n*:*:*:*:old\n", "*:*:*:box:new\n#*:*:*:box:old\n*:*:*:*:old\n"),
    ],
)
def test_only_the_password_of_the_login_is_another(text: str, expected: str) -> None:
    """At the hosts and databases that are configured; a line for all roles stays, behind one of the login's
    own."""
    assert with_password(text, [("informativa", "box", "db:1", "5432")], "new") == expected


def test_as_it_is_typed(meeting: tuple[Installation, Installation]) -> None:
    """It says which file has it and what the service does about it; the box goes on, and the other too."""
    one, other = meeting
    code, out, _error = typed("shared", "passwd", "-c", one.file)
    file = one.file.parent / "keys/database.pgpass"
    assert (code, out.splitlines()[0]) == (0, f"{ROLE} has another password, which is in {file}")
    assert "The service need not be restarted" in out.splitlines()[1]
    for box in meeting:
        box.record()
        box.exchange()
    result = json.loads(typed("shared", "passwd", "--json", "-c", one.file)[1])
    assert (result["login"], result["resumed"]) == (ROLE, False)
    assert typed("boxes", *of(one))[0] == typed("boxes", *of(other))[0] == 0
