"""Asking a witness: ours, over the network, and ones that answer what they should not."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from evidence.serving import Asked, Reply, answering, nowhere
from evidence.witnessing import SIGNER, MemoryLog, serving
from informativa.evidence import note
from informativa.evidence.cosignature import WitnessSigner
from informativa.evidence.http import HttpClient
from informativa.evidence.settings import WitnessAddress
from informativa.evidence.witness import AddCheckpoint
from informativa.evidence.witness_client import WitnessClient
from informativa.evidence.witness_store import WitnessFolder
from informativa.model.errors import ElsewhereError, ForkError

LOG = MemoryLog.of(40)
WITNESS = WitnessSigner("home.example", bytes(range(1, 33)))
TEXT = "text/plain"


def client(folder: Path, port: int) -> WitnessClient:
    """Return a client of the witness in a folder."""
    key = WitnessFolder(folder).witness().verifier
    return WitnessClient(WitnessAddress(str(key), f"http://127.0.0.1:{port}"))


def asked_of(reply: Reply, guess: int = 0) -> str:
    """Return the error about a witness that answers so."""
    with answering(lambda _: reply) as server:
        asking = WitnessClient(WitnessAddress(str(WITNESS.verifier), server.url))
        with pytest.raises(ElsewhereError) as caught:
            asking.cosign(LOG.note(13), LOG.hash, guess)
        return str(caught.value)


def test_it_signs_whatever_it_had_before(tmp_path: Path) -> None:
    """With a right guess at once, with a wrong one by the size that it tells."""
    with serving(tmp_path / "w") as port:
        asking = client(tmp_path / "w", port)
        for size, guess in ((5, 0), (13, 5), (20, 0), (20, 20), (33, 13)):
            (signature,) = asking.cosign(LOG.note(size), LOG.hash, guess)
            assert asking.key.verify(LOG.checkpoint(size).text, signature.data)


def test_a_fork_and_a_roll_back_are_refused_loudly(tmp_path: Path) -> None:
    """Another log from the witness's size on, of that very size, and an older state of the same."""
    fork = MemoryLog.of(40, fork=9)
    with serving(tmp_path / "w") as port:
        asking = client(tmp_path / "w", port)
        asking.cosign(LOG.note(13), LOG.hash)
        for size, guess in ((20, 0), (20, 13), (13, 13), (13, 0)):
            with pytest.raises(ForkError, match="another log of 13 records"):
                asking.cosign(fork.note(size), fork.hash, guess)
        with pytest.raises(ForkError, match="has 13 records of the log and here are 8"):
            asking.cosign(LOG.note(8), LOG.hash)


def test_only_its_own_signatures_are_taken() -> None:
    """Other signatures in the answer, of strangers or of other checkpoints, are left out."""
    good = WITNESS.cosign(LOG.checkpoint(13).text, 1_795_600_000)
    stranger = WitnessSigner("other.example", bytes(32)).cosign(LOG.checkpoint(13).text, 1_795_600_000)
    body = (stranger.line + good.line).encode()
    with answering(lambda _: (200, TEXT, body)) as server:
        asking = WitnessClient(WitnessAddress(str(WITNESS.verifier), server.url))
        assert asking.cosign(LOG.note(13), LOG.hash) == (good,)
    assert AddCheckpoint.parse(server.asked[0].body) == LOG.request(0, 13)
    assert server.asked[0].path == "/add-checkpoint"


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        ((200, TEXT, b""), "did not sign with the key that is configured"),
        ((200, TEXT, b"\xff"), "did not sign with the key that is configured"),
        ((200, TEXT, WITNESS.cosign(LOG.checkpoint(12).text, 1).line.encode()), "did not sign with the key"),
        ((200, TEXT, b"x" * 70_000), "does not answer: ValueError"),
        ((403, TEXT, b"no\n"), "has another key for this log"),
        ((404, TEXT, b"no\n"), "does not know this log"),
        ((409, TEXT, b"13\n"), "answered with status 409"),
        ((409, "text/x.tlog.size", b"many\n"), "answered with status 409"),
        ((500, TEXT, b""), "answered with status 500"),
        ((302, TEXT, b""), "answered with status 302"),
    ],
)
def test_an_answer_that_is_none_is_not_believed(reply: Reply, sentence: str) -> None:
    """Each is one sentence, and another try later."""
    assert sentence in asked_of(reply)


def test_one_that_says_another_size_each_time_is_given_up() -> None:
    """Three tries, and no more."""
    sizes = iter((5, 6, 7, 8, 9))

    def reply(_: Asked) -> Reply:
        return 409, "text/x.tlog.size", b"%d\n" % next(sizes)

    with answering(reply) as server:
        asking = WitnessClient(WitnessAddress(str(WITNESS.verifier), server.url))
        with pytest.raises(ElsewhereError, match="a different size each time"):
            asking.cosign(LOG.note(13), LOG.hash)
    assert [AddCheckpoint.parse(request.body).old_size for request in server.asked] == [0, 5, 6]


def test_nobody_there_is_one_sentence() -> None:
    """An address without a server is an error in one sentence."""
    asking = WitnessClient(WitnessAddress(str(WITNESS.verifier), nowhere()))
    with pytest.raises(ElsewhereError, match=r"home\.example does not answer"):
        asking.cosign(LOG.note(13), LOG.hash)


def test_one_that_never_ends_is_cut_off() -> None:
    """A server that sends a byte now and then is given up after the time that an answer may take."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ended = threading.Event()

        def drip() -> None:
            connection, _ = listening.accept()
            with connection:
                try:
                    connection.sendall(b"HTTP/1.1 200 OK\r\n")
                    while not ended.wait(0.01):
                        connection.sendall(b"X: y\r\n"[:1])
                except OSError:
                    pass

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            http = HttpClient(f"http://127.0.0.1:{listening.getsockname()[1]}", "drip", seconds=0.2)
            asking = WitnessClient(WitnessAddress(str(WITNESS.verifier), ""), http)
            with pytest.raises(ElsewhereError, match="drip does not answer"):
                asking.cosign(note.sign(LOG.checkpoint(5).text, SIGNER), LOG.hash)
        finally:
            ended.set()
            thread.join()
