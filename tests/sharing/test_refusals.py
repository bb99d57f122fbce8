"""A server that refuses a box: the reason is the server's own SQLSTATE, and each has a remedy of its own."""

from __future__ import annotations

import os
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from informativa.model import SharedDatabase
from informativa.model.errors import SharedDatabaseError
from informativa.operations.doctor import shared
from informativa.sharing import loop as exchange_loop
from informativa.sharing import refusals, startup
from informativa.sharing.connection import connect, connect_as, explained
from informativa.sharing.membership import About
from informativa.sharing.startup import Login, ServerRefusal, password_of, refusal
from lab.postgres import SUPERUSER, Postgres, access
from lab.process import until
from sharing.conftest import ACME, PASSWORD, ROLE, Boxes

LOGIN = Login("informativa", ROLE, PASSWORD, "")


def failure(database: SharedDatabase) -> SharedDatabaseError:
    """Return the error of a connection that does not come about."""
    with pytest.raises(SharedDatabaseError) as raised:
        connect(database, "acme").close()
    return raised.value


@pytest.mark.parametrize(
    ("change", "back", "state", "remedy"),
    [
        ("ALTER ROLE {role} CONNECTION LIMIT 0", "CONNECTION LIMIT -1", "53300", "Raise max_connections"),
        ("ALTER ROLE {role} NOLOGIN", "LOGIN", "28000", 'ALTER ROLE "informativa-box-pbx-1" LOGIN'),
        (
            "ALTER ROLE {role} PASSWORD 'another'",
            "",
            "28P01",
            "Make the box's login: informativa shared migrate",
        ),
        (
            "ALTER ROLE {role} SET default_transaction_read_only = on",
            "",
            "read-only",
            'ALTER ROLE "informativa-box-pbx-1" RESET',
        ),
    ],
)
def test_a_server_that_refuses_a_role(boxes: Boxes, change: str, back: str, state: str, remedy: str) -> None:
    """Its SQLSTATE is learned although most servers state it only after the password."""
    boxes.server.sql(change.format(role=f'"{ROLE}"'))
    try:
        error = failure(boxes.database())
    finally:
        if back:
            boxes.server.sql(f'ALTER ROLE "{ROLE}" {back}')
    assert error.state == state
    assert remedy in str(error.remedy)


def test_a_database_that_is_missing_or_closed_to_the_role(boxes: Boxes) -> None:
    """The one is to be made, and for the other the right to connect is to be granted."""
    error = failure(boxes.database(name="informativa_{controller}"))
    assert (error.state, str(error.remedy)) == ("3D000", "Make the database: createdb informativa_acme")
    boxes.server.sql("CREATE DATABASE closed")
    boxes.server.sql("REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
    try:
        error = failure(boxes.database(name="closed"))
    finally:
        boxes.server.sql("DROP DATABASE closed")
    assert error.state == "no-connect"
    assert "GRANT CONNECT ON DATABASE closed TO informativa_boxes" in str(error.remedy)


def test_a_role_without_a_password(boxes: Boxes, tmp_path: Path) -> None:
    """The file is named in which a line is missing, and how it is written."""
    (tmp_path / "pgpass").write_text("*:*:*:informativa_other:x\n")
    (tmp_path / "pgpass").chmod(0o600)
    error = failure(boxes.database())
    assert error.state == "no-password"
    assert str(error.remedy) == f"Write a line for it into {tmp_path}/pgpass: *:*:*:{ROLE}:PASSWORD"


@pytest.mark.parametrize(
    ("change", "state", "remedy"),
    [
        (lambda file: file.chmod(0o640), "open-passwords", "Type: chmod 600 {file}"),
        (
            lambda file: (file.unlink(), file.mkdir()),
            "closed-passwords",
            "see that {file} is a file, with mode 600",
        ),
        (Path.unlink, "no-password", "Write a line for it into {file}: *:*:*:informativa-box-pbx-1:PASSWORD"),
        (
            lambda file: file.write_bytes(b"\xff\0\n"),
            "no-password",
            "Write a line for it into {file}: *:*:*:informativa-box-pbx-1:PASSWORD",
        ),
    ],
)
def test_a_file_of_passwords_that_is_not_read(
    boxes: Boxes, change: Callable[[Path], object], state: str, remedy: str
) -> None:
    """libpq passes over one that others can read, and says no more than that there was no password."""
    database = boxes.database()
    change(Path(database.passwords))
    error = failure(database)
    assert error.state == state
    assert remedy.format(file=database.passwords) in str(error.remedy)


@pytest.mark.parametrize(
    ("change", "state", "remedy"),
    [
        ("SELECT 1", "28P01", "If there is a role dba, write its password into the first line of {file}:"),
        ("CREATE ROLE dba NOLOGIN PASSWORD 'x'", "28000", "See that there is a role dba which may log in"),
        ("CREATE ROLE dba LOGIN PASSWORD 'x'", "no-connect", 'GRANT CONNECT ON DATABASE closed TO "dba"'),
    ],
)
def test_another_role_that_is_refused(boxes: Boxes, change: str, state: str, remedy: str) -> None:
    """What is to be done is said of the role that somebody named, and not of the box's login."""
    database = boxes.database(name="closed")
    file = Path(database.passwords)
    file.write_text(f"*:*:*:dba:x\n{file.read_text()}")
    boxes.server.sql("CREATE DATABASE closed")
    try:
        boxes.server.sql("REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
        boxes.server.sql(change)
        with pytest.raises(SharedDatabaseError) as raised:
            connect_as(database, "acme", "dba").close()
    finally:
        boxes.server.sql("DROP DATABASE closed")
        boxes.server.sql("DROP ROLE IF EXISTS dba")
    error = raised.value
    assert error.state == state
    assert remedy.format(file=file) in str(error.remedy)
    assert "informativa-box" not in str(error.remedy)


def test_a_server_without_a_line_for_the_role_and_one_that_ends(tmp_path: Path) -> None:
    """A role that pg_hba.conf does not let in, one whose password is stored by MD5, and a server that ends as
    soon as nobody is connected any more."""
    with Postgres(tmp_path / "pg") as server:
        boxes = Boxes(server, tmp_path)
        rules = server.data / "pg_hba.conf"
        rules.write_text(f"local all all scram-sha-256\nhost all {SUPERUSER} 127.0.0.1/32 scram-sha-256\n")
        server.sql("SELECT pg_reload_conf()")
        until(lambda: failure(boxes.database()).state == "28000", 30, lambda: "It lets the role in.")
        rules.write_text(access(tls=False).replace("scram-sha-256", "md5"))
        server.sql("SELECT pg_reload_conf()")
        server.sql(f"SET password_encryption = md5; ALTER ROLE \"{ROLE}\" PASSWORD '{PASSWORD}'")
        until(lambda: not refused(boxes, "postgres"), 30, lambda: "It does not let the role in.")
        assert refused(boxes, "nowhere") == "3D000"
        with connect(boxes.database(), "acme"):
            assert server.pid
            os.kill(server.pid, signal.SIGTERM)
            until(lambda: failure(boxes.database()).state == "57P03", 30, lambda: "It goes on.")


def refused(boxes: Boxes, database: str) -> str:
    """Return the state with which the server of these boxes refuses the role; '' if it does not."""
    assert isinstance(boxes.server, Postgres)
    login = Login(database, ROLE, PASSWORD, "")
    result = refusal("127.0.0.1", str(boxes.server.port), login, 20.0)
    return result.state if result else ""


def test_all_hosts_are_standbys_or_away(boxes: Boxes, tmp_path: Path) -> None:
    """Each is named with its reason, and the remedy is for the one that is nearest to success."""
    assert isinstance(boxes.server, Postgres)
    with boxes.server.standby(tmp_path / "standby") as standby:
        error = failure(boxes.database(hosts=("127.0.0.1:1", f"127.0.0.1:{standby.port}")))
    assert "127.0.0.1:1: nothing takes connections there; 127.0.0.1" in str(error)
    assert f"{standby.port}: it takes no writes: it is a standby" in str(error)
    assert error.state == "standby"
    assert "name the host that takes writes" in str(error.remedy)


def test_a_name_that_is_unknown_and_a_socket_that_is_missing(tmp_path: Path) -> None:
    """Both are told apart from a server that refuses."""
    error = failure(SharedDatabase(("db1.invalid:5432",), "informativa", "pbx-1"))
    assert (error.state, "getent hosts db1.invalid" in str(error)) == ("unknown-host", True)
    assert failure(SharedDatabase((str(tmp_path),), "informativa", "pbx-1")).state == "refused"


# -- servers that are none -----------------------------------------------------------------------------


@contextmanager
def answering(*answers: bytes) -> Iterator[str]:
    """A server that gives one of these answers after each message that it gets; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _peer = listener.accept()
            with closing(connection), suppress(ConnectionError):  # it leaves when it has its reason
                for answer in answers:
                    connection.recv(4096)
                    connection.sendall(answer)
                connection.recv(4096)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield str(listener.getsockname()[1])
        finally:
            thread.join()


def message(kind: bytes, body: bytes) -> bytes:
    """Return a message of PostgreSQL's."""
    return kind + struct.pack(">I", len(body) + 4) + body


ITALIAN = "SFATALE\0VFATAL\0C{}\0M{}\0\0"
STARTING = message(b"E", ITALIAN.format("57P03", "il sistema di database si sta avviando").encode())
STRANGE = message(b"E", ITALIAN.format("XX999", "errore\n interno").encode())
SCRAM = struct.pack(">I", 10) + b"SCRAM-SHA-256\0\0"


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([b"N", STARTING], ServerRefusal("57P03", "il sistema di database si sta avviando")),
        ([STARTING], ServerRefusal("57P03", "il sistema di database si sta avviando")),
        ([b"N", STRANGE], ServerRefusal("XX999", "errore interno")),
        ([b"N", message(b"R", bytes(4)) + message(b"Z", b"I")], None),
        ([b"N", message(b"R", struct.pack(">I", 3))], None),
        ([b"N", b"E\xff\xff\xff\xff"], None),
        ([b"N", message(b"E", b"SFATAL\0")], None),
        ([b"N", b"HTTP/1.1 400 Bad Request\r\n\r\n"], None),
        ([b"N", message(b"R", SCRAM), message(b"R", b"\0\0\0\x0br=x,s=,i=1")], None),
    ],
)
def test_what_a_server_answers_is_read_by_its_fields(
    answers: list[bytes], outcome: ServerRefusal | None
) -> None:
    """Whatever its language; and what is no answer of PostgreSQL's gives no reason."""
    with answering(*answers) as port:
        assert refusal("127.0.0.1", port, LOGIN, 20.0) == outcome


def test_a_state_without_a_remedy_is_shown_with_the_servers_words() -> None:
    """They are in the server's language."""
    with answering(b"N", STRANGE) as port:
        database = SharedDatabase((f"127.0.0.1:{port}",), "informativa", "pbx-1")
        error = explained(database, "acme", OSError("libpq's words"))
    assert f"(127.0.0.1:{port}: errore interno (XX999))" in str(error.message)


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are named all the same."""
    monkeypatch.setattr(refusals, "SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        database = SharedDatabase((f"127.0.0.1:{port}", "127.0.0.1:1"), "informativa", "pbx-1")
        error = explained(database, "acme", OSError("timeout expired"))
    assert f"127.0.0.1:{port}: it says nothing; 127.0.0.1:1: nothing takes connections" in str(error)
    assert error.state == startup.REFUSED


def test_a_network_without_a_way_and_words_that_nobody_explains(monkeypatch: pytest.MonkeyPatch) -> None:
    """A route that is missing is a reason; without any reason libpq's words stay."""

    def no_route(*_given: object) -> socket.socket:
        raise OSError(113, "No route to host")

    monkeypatch.setattr(socket, "create_connection", no_route)
    assert refusal("10.0.0.1", "5432", LOGIN, 1.0) == ServerRefusal("unreachable")
    monkeypatch.setattr(startup, "refusal", lambda *_given: None)
    database = SharedDatabase(("10.0.0.1:5432",), "informativa", "pbx-1")
    assert "cannot be used (libpq's words)" in str(explained(database, "acme", OSError("libpq's words")))


def test_a_password_of_one_host() -> None:
    """A line of another host or port is not read, and localhost means a socket."""
    text = "db1:*:*:role:one\n*:5433:*:role:two\nlocalhost:*:*:role:three\n"
    expected: list[tuple[tuple[str, str], str]] = [
        (("db1", "5432"), "one"),
        (("db2", "5433"), "two"),
        (("db2", "5432"), ""),
        (("/run/postgresql", ""), "two"),
    ]
    for address, password in expected:
        assert password_of(text, "informativa", "role", *address) == password


def test_the_loop_asks_for_the_reason_once(boxes: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is refused in the same words: after six tries the servers were asked once."""
    questions: list[object] = []
    tries = threading.Semaphore(0)

    def counted(database: SharedDatabase, controller: str, error: Exception) -> SharedDatabaseError:
        questions.append(error)
        return explained(database, controller, error)

    def opened(box: str) -> object:
        tries.release()
        return boxes.store(box)

    monkeypatch.setattr(exchange_loop, "explained", counted)
    for name in ("FIRST_PAUSE", "LONGEST_PAUSE"):
        monkeypatch.setattr(exchange_loop, name, 0.0)
    loop = exchange_loop.ExchangeLoop(
        ACME, boxes.database(hosts=("127.0.0.1:1",)), About(), partial(opened, "pbx-1")  # type: ignore[arg-type]
    )  # fmt: skip
    for _ in range(6):
        assert tries.acquire(timeout=60)
    loop.stop()
    assert len(questions) == 1
    assert isinstance(loop.state.error, SharedDatabaseError)
    assert loop.state.error.state == "refused"


def test_one_trouble_of_many_companies_is_one_line() -> None:
    """Messages that differ by the role alone are one finding, with five companies and how many more
    there are; another trouble is another."""
    failures = {
        f"c{number}": SharedDatabaseError(f"no schema c{number}.", "Make it.", state="3F000")
        for number in range(7)
    }
    failures["c7"] = SharedDatabaseError("It says nothing.", "Look at it.")
    assert [(str(message), str(remedy)) for message, remedy in shared.by_trouble(failures)] == [
        ("c0, c1, c2, c3, c4 and 2 more: no schema c0", "Make it."),
        ("c7: It says nothing", "Look at it."),
    ]
