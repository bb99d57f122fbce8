"""A witness on the network: real connections, one at a time and many, and after a restart."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import structlog

from commands import PROGRAM, run, typed
from evidence.witnessing import SIGNER, MemoryLog, answer, asked, connected, post, serving
from informativa.evidence.note import Verifier, parse_signatures
from informativa.evidence.witness import Response, logs_of
from informativa.evidence.witness_server import Limits, WitnessServer
from informativa.evidence.witness_store import WitnessFolder, WitnessStore
from informativa.model.errors import EvidenceError

LOG = MemoryLog.of(40)


def test_it_signs_and_tells_how_far_it_is(tmp_path: Path) -> None:
    """Two requests on one connection, below a path of one's own: signed, then too old."""
    with serving(tmp_path / "w") as port, connected(port) as connection:
        connection.sendall(post(LOG.request(0, 5).body, path="/home/add-checkpoint"))
        status, _, body = answer(connection)
        assert status == 200
        (signature,) = parse_signatures(body.decode())
        key = WitnessFolder(tmp_path / "w").witness().verifier
        assert key.verify(LOG.checkpoint(5).text, signature.data)
        connection.sendall(post(LOG.request(0, 8).body))
        assert answer(connection) == (409, "text/x.tlog.size", b"5\n")


def test_it_comes_in_single_bytes(tmp_path: Path) -> None:
    """However the request is cut, it is one."""
    with serving(tmp_path / "w") as port, connected(port) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in post(LOG.request(0, 5).body):
            connection.sendall(bytes([byte]))
        assert answer(connection)[0] == 200


def test_what_was_signed_is_known_after_a_restart(tmp_path: Path) -> None:
    """Another process with the same folder refuses a fork, and a roll-back."""
    with serving(tmp_path / "w") as port:
        assert asked(port, post(LOG.request(0, 13).body))[0] == 200
    with serving(tmp_path / "w") as port:
        assert asked(port, post(LOG.request(0, 8).body)) == (409, "text/x.tlog.size", b"13\n")
        assert asked(port, post(MemoryLog.of(20, fork=9).request(13, 20).body))[0] == 422
        assert asked(port, post(LOG.request(13, 20).body))[0] == 200


def test_it_is_committed_before_it_is_answered(tmp_path: Path) -> None:
    """After the answer another connection finds the checkpoint in the file."""
    with serving(tmp_path / "w") as port:
        assert asked(port, post(LOG.request(0, 13).body))[0] == 200
        with sqlite3.connect(tmp_path / "w/witness.sqlite3") as other:
            rows = other.execute("SELECT size, root, note FROM last").fetchall()
    assert rows == [(13, LOG.checkpoint(13).root, LOG.note(13))]


def test_where_the_disk_fails_nothing_is_signed(tmp_path: Path) -> None:
    """A file that cannot be written is status 500, and no signature."""
    with serving(tmp_path / "w") as port:
        with sqlite3.connect(tmp_path / "w/witness.sqlite3") as other:
            other.execute("CREATE TRIGGER full BEFORE INSERT ON last BEGIN SELECT RAISE(ABORT, 'full'); END")
        status, _, body = asked(port, post(LOG.request(0, 13).body))
    assert (status, body) == (500, b"The witness cannot use its files, and has signed nothing.\n")


def test_of_many_at_once_that_contradict_each_other_one_is_signed(tmp_path: Path) -> None:
    """Sixteen forks race from the same size: one gets a signature, the others are told its size."""
    forks = [MemoryLog.of(20 + number, fork=13) for number in range(16)]
    bodies = [post(fork.request(13, 20 + number).body) for number, fork in enumerate(forks)]
    start, answers = threading.Barrier(16), list[tuple[int, str, bytes]]()

    def work(sent: bytes) -> None:
        start.wait()
        answers.append(asked(port, sent))

    with serving(tmp_path / "w") as port:
        assert asked(port, post(forks[0].request(0, 13).body))[0] == 200
        threads = [threading.Thread(target=work, args=(body,)) for body in bodies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (row,) = WitnessStore(WitnessFolder(tmp_path / "w")).last()
    assert sorted(status for status, _, _ in answers) == [200, *[409] * 15]
    assert {body for status, _, body in answers if status == 409} == {f"{row[0].size}\n".encode()}


def test_two_servers_with_one_folder_are_one_witness(tmp_path: Path) -> None:
    """One server knows the checkpoint that the other one signed."""
    with serving(tmp_path / "w") as one, serving(tmp_path / "w") as other:
        assert asked(one, post(LOG.request(0, 13).body))[0] == 200
        assert asked(other, post(LOG.request(0, 8).body))[0] == 409


REQUESTS = [
    (b"GET / HTTP/1.1\r\nHost: w\r\n\r\n", 404),
    (b"GET /add-checkpoint HTTP/1.1\r\nHost: w\r\n\r\n", 405),
    (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n\r\n", 411),
    (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 5x\r\n\r\n", 400),
    (
        b"POST /add-checkpoint HTTP/1.1\r\nHost:w\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        411,
    ),
    (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 400),
    (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 131073\r\n\r\n", 413),
    (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length : 3\r\n\r\n", 400),
    (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n folded\r\n\r\n", 411),
    (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 400),  # no Host (RFC 9112 3.2)
    (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nExpect: 100-continue\r\n\r\n", 411),
    (b"HEAD /add-checkpoint HTTP/1.1\r\nHost: w\r\n\r\n", 405),
    (b"POST /add-checkpoint HTTP/2\r\n\r\n", 400),
    (b"\r\n\r\n\r\n", 400),
    (b"\x16\x03\x01\x02\x00\r\n\r\n", 400),
    (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431),
    (post(b"old 0\n"), 400),
    (post(LOG.request(0, 5).body, path="/other"), 404),
]


@pytest.mark.parametrize(("sent", "status"), REQUESTS, ids=lambda given: str(given)[:50])
def test_what_is_no_request_is_told_so(tmp_path: Path, sent: bytes, status: int) -> None:
    """Each gets its status, and the next one on another connection is answered as ever."""
    with serving(tmp_path / "w") as port:
        assert asked(port, sent)[0] == status
        assert asked(port, post(LOG.request(0, 5).body))[0] == 200


@pytest.mark.parametrize("sent", [b"", b"P", b"POST /add-checkpoint HTTP/1.1\r\n", post(b"12345")[:-1]])
def test_who_sends_too_slowly_loses_the_connection(tmp_path: Path, sent: bytes) -> None:
    """Nothing, the first byte, half of the head, half of the body: nobody is waited for."""
    with (
        serving(tmp_path / "w", Limits(idle=0.05, request=0.05)) as port,
        connected(port) as connection,
        suppress(ConnectionError),  # it may be lost before this is said, and then the system may say so
    ):
        connection.sendall(sent)
        assert connection.recv(1) == b""


def test_who_comes_when_all_places_are_taken_gets_that_of_the_longest_idle(tmp_path: Path) -> None:
    """Two places, for one who asked before and one who was silent from the beginning: both go, in this order,
    for two who ask, and nobody waits a minute for them."""
    with serving(tmp_path / "w", Limits(connections=2)) as port, connected(port) as one:
        one.sendall(post(b"", path="/other"))
        assert answer(one)[0] == 404
        with connected(port) as two:
            assert asked(port, post(LOG.request(0, 5).body, "Connection: close"))[0] == 200
            assert one.recv(1) == b""
            with connected(port) as three:
                three.sendall(post(b"", path="/other"))
                assert answer(three)[0] == 404
                assert asked(port, post(LOG.request(5, 8).body, "Connection: close"))[0] == 200
                assert two.recv(1) == b""


def test_connections_beyond_the_limit_are_told_so() -> None:
    """Two places, and both are being answered: a third is told that there are too many."""

    async def three() -> None:
        deciding, decided = asyncio.Semaphore(0), asyncio.Event()

        async def decide(_body: bytes) -> Response:
            deciding.release()
            await decided.wait()
            return Response(200, b"")

        server = WitnessServer(decide, Limits(connections=2))
        host, port = await server.start("127.0.0.1", 0)
        busy = [await asyncio.open_connection(host, port) for _ in range(2)]
        for _, writer in busy:
            writer.write(post(b"", "Connection: close"))
            await deciding.acquire()
        reader, third = await asyncio.open_connection(host, port)
        assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
        decided.set()
        for reader, _ in busy:
            assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        for writer in (third, *(writer for _, writer in busy)):
            writer.close()
        await server.close()

    asyncio.run(three())


def test_a_witness_that_lost_its_memory_does_not_start(tmp_path: Path) -> None:
    """Without the file of what it signed the key signs nothing, and no second witness is made there."""
    folder = WitnessFolder(tmp_path / "w")
    folder.make("home.example")
    folder.state_file.unlink()
    with pytest.raises(EvidenceError, match="does not know what it signed"):
        WitnessStore(folder)
    with pytest.raises(EvidenceError, match="There is a witness"):
        folder.make("home.example")


def test_the_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Mode 0600 in a folder of mode 0700; with another mode it is not used."""
    folder = WitnessFolder(tmp_path / "w")
    witness = folder.make("home.example")
    assert folder.witness() == witness
    assert (folder.folder.stat().st_mode & 0o777, folder.key_file.stat().st_mode & 0o777) == (0o700, 0o600)
    folder.key_file.chmod(0o640)
    with pytest.raises(EvidenceError, match="chmod 600"):
        folder.witness()


def test_a_log_may_have_two_keys() -> None:
    """Both sign in its name, each is kept once."""
    other = Verifier(SIGNER.name, MemoryLog.of(0).signer.verifier.public)
    assert logs_of([SIGNER.verifier, other, SIGNER.verifier]) == {SIGNER.name: (SIGNER.verifier,)}


@pytest.mark.slow
def test_the_program_makes_a_key_and_serves(tmp_path: Path) -> None:
    """`witness key` shows it, `witness serve` answers until SIGTERM, and what it signed is shown then."""
    folder = tmp_path / "w"
    completed = subprocess.run(
        [PROGRAM, "witness", "key", folder, "--name", "home.example"],
        capture_output=True,
        text=True,
        check=True,
    )
    key = completed.stdout.splitlines()[0]
    assert key.startswith("home.example+")
    command = [PROGRAM, "witness", "serve", folder, "--log", str(SIGNER.verifier), "--listen", "127.0.0.1:0"]
    with subprocess.Popen([*command, "--log-format", "json"], stdout=-1, stderr=-2, text=True) as served:
        try:
            assert served.stdout is not None
            port = int(re.search(r"127\.0\.0\.1:(\d+)", served.stdout.readline())[1])  # type: ignore[index]
            assert asked(port, post(LOG.request(0, 13).body))[0] == 200
        finally:
            served.terminate()
        assert served.wait(30) == 0
    shown = subprocess.run([PROGRAM, "witness", "key", folder], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[0] == key
    assert "acme.example/informativa/acme/pbx-1/1: 13 records, signed on " in shown.stdout


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["key", "{w}"], "cannot be used: No such file or directory"),
        (["serve", "{w}"], "none is named"),
        (["serve", "{w}", "--log", "x"], "x is no key of a log"),
        (["serve", "{w}", "--log", str(SIGNER.verifier), "--listen", "here"], "such as 127.0.0.1:4590"),
        (["key", "{w}", "--name", "a b"], "A key's name is not empty"),
    ],
)
def test_mistakes_are_told_in_a_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    """A server that cannot start gives the reason, without a traceback."""
    completed = run("witness", *(argument.replace("{w}", str(tmp_path / "w")) for argument in arguments))
    assert completed.returncode in (1, 2)
    assert sentence in completed.stderr
    assert "Traceback" not in completed.stderr


def test_key_for_programs(tmp_path: Path) -> None:
    """`witness key --json` tells the key, where its private half lies, and the checkpoint it signed last."""
    with serving(tmp_path / "w") as port:
        assert asked(port, post(LOG.request(0, 13).body))[0] == 200
    code, out, err = typed("witness", "key", tmp_path / "w", "--json")
    facts = json.loads(out)
    (signed,) = facts["logs"]
    assert (code, err) == (0, "")
    assert facts["key"] == str(WitnessFolder(tmp_path / "w").witness().verifier)
    assert facts["folder"] == str(tmp_path / "w")
    assert signed.pop("at").endswith("+00:00")
    assert signed == {
        "log": "acme.example/informativa/acme/pbx-1/1",
        "size": 13,
        "root": LOG.checkpoint(13).root.hex(),
    }


@pytest.fixture
def log_as_before() -> Iterator[None]:
    """The log of this process is configured afterwards as it was."""
    configuration = structlog.get_config()
    yield
    structlog.configure(**configuration)


@pytest.mark.usefixtures("log_as_before")
def test_policy_names_the_logs_to_sign_for(tmp_path: Path) -> None:
    """With --policy no --log is needed: the witness begins, and finds only that its port is taken."""
    (tmp_path / "policy").write_text(f"log {SIGNER.verifier}\nquorum none\n")
    WitnessFolder(tmp_path / "w").make("home.example")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        serve = ("witness", "serve", tmp_path / "w", "--listen", address)
        assert typed(*serve, "--policy", tmp_path / "policy") == (
            1,
            "",
            f"informativa: {address} cannot be listened on: Address already in use."
            " Name another address and port with --listen.\n",
        )
        code, out, err = typed(*serve)
    assert (code, out) == (1, "")
    assert err.startswith("informativa: A witness signs for the logs that it is told, and none is named.")
