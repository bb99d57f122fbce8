"""Approvals that a witness serves: which ones, under which number, and to whom that costs how much."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from commands import PROGRAM, typed
from evidence.witnessing import ORIGIN, SIGNER, MemoryLog, asked, post, serving
from informativa.evidence.approval import Approval, LeafIdentity, log_digest, sign
from informativa.evidence.note import Signer
from informativa.evidence.witness_approvals import WitnessApprovals
from informativa.evidence.witness_store import WitnessFolder, WitnessStore

APPROVER = Signer("acme.example/approver", bytes([9]) * 32)
OTHER = "acme.example/informativa/acme/pbx-2/1"
ORIGIN_DIGEST = sha256(ORIGIN.encode()).hexdigest()
OTHER_DIGEST = sha256(OTHER.encode()).hexdigest()


def approval(folder: Path, at: int, *origins: str, signer: Signer = APPROVER) -> bytes:
    """Put an approval of leaf 7 of each of these logs into a folder; its content."""
    text = Approval.of(at, [LeafIdentity(origin, 7, bytes(32)) for origin in origins or (ORIGIN,)])
    data = sign(text, signer)
    (folder / text.file_name).write_bytes(data)
    return data


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder of approvals, beside the witness in `w`."""
    WitnessFolder(tmp_path / "w").make("home.example")
    (tmp_path / "approvals").mkdir()
    return tmp_path / "approvals"


@pytest.fixture
def store(folder: Path) -> Iterator[WitnessStore]:
    """The store of the witness."""
    with closing(WitnessStore(WitnessFolder(folder.parent / "w"))) as opened:
        yield opened


def refreshed(approvals: WitnessApprovals) -> list[str]:
    """Serve what is new in the folder; what is wrong there."""
    new, problems = approvals.read_new()
    approvals.add(new)
    return list(map(str, problems))


def of_log(approvals: WitnessApprovals, digest: str = ORIGIN_DIGEST) -> list[bytes]:
    """All approvals of a log, as somebody asks for them."""
    notes: list[bytes] = []
    while (note := approvals.get(digest, len(notes))) is not None:
        notes.append(note)
    return notes


def test_the_digest_of_a_log() -> None:
    """It is known beforehand, so that another program can make the address."""
    assert log_digest(ORIGIN) == "8ce91976fe7995e1c2cc0ba27ee75b1dedda90bf4b7d6c36115ef63b0f21efa2"


def test_one_for_several_logs_has_a_number_in_each(folder: Path, store: WitnessStore) -> None:
    """Those that came together are in the order of their times."""
    third = approval(folder, 3_000, OTHER)
    second = approval(folder, 2_000, ORIGIN, OTHER)
    first = approval(folder, 1_000)
    approvals = WitnessApprovals(folder, store)
    assert refreshed(approvals) == []
    assert of_log(approvals) == [first, second]
    assert of_log(approvals, OTHER_DIGEST) == [second, third]
    assert of_log(approvals, "0" * 64) == []


def test_a_number_is_never_that_of_another_one(folder: Path, store: WitnessStore) -> None:
    """Neither an older approval that comes later, nor a file that is gone or was changed, nor a restart
    changes a number."""
    first = approval(folder, 5_000)
    approvals = WitnessApprovals(folder, store)
    refreshed(approvals)
    second = approval(folder, 1_000)
    refreshed(approvals)
    assert of_log(approvals) == [first, second]
    approval(folder, 5_000, signer=Signer("acme.example/other", bytes([8]) * 32))  # the same text
    for file in sorted(folder.iterdir())[:1]:
        file.unlink()
    third = approval(folder, 4_000)
    refreshed(approvals)
    assert of_log(approvals) == [first, second, third]
    assert of_log(WitnessApprovals(folder, store)) == [first, second, third]


def test_what_is_no_approval_is_not_served(folder: Path, store: WitnessStore) -> None:
    """Each such file is named once, and again after it changed; one that is mended is served."""
    good = approval(folder, 1_000)
    name = next(folder.iterdir()).name
    (folder / name).rename(folder / f"{'0' * 64}.approval")
    (folder / "x.approval").write_bytes(good)
    (folder / f"{'1' * 64}.approval").write_bytes(good[:-1])
    (folder / f"{'2' * 64}.approval").write_bytes(good + b"x" * 20_000)
    (folder / f"{'3' * 64}.approval").mkdir()
    os.mkfifo(folder / f"{'4' * 64}.approval")
    (folder / f"{'5' * 64}.approval").symlink_to("/etc/hostname")
    (folder / "notes.txt").write_text("no approval, and nobody says so")
    approvals = WitnessApprovals(folder, store)
    problems = refreshed(approvals)
    assert [Path(problem.partition(" is not served")[0]).name[:1] for problem in problems] == [
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "x",
    ]
    assert f"Its name should be {name}." in problems[0]
    assert "It has 15001 bytes" in problems[2]
    assert refreshed(approvals) == []
    assert of_log(approvals) == []
    (folder / f"{'0' * 64}.approval").rename(folder / name)
    (folder / f"{'1' * 64}.approval").write_bytes(b"")
    assert len(refreshed(approvals)) == 1
    assert of_log(approvals) == [good]


def test_no_more_than_the_limit(folder: Path, store: WitnessStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is beyond it is named, and the others are served."""
    monkeypatch.setattr("informativa.evidence.witness_approvals.MOST_APPROVALS", 3)
    for at in range(1, 6):
        approval(folder, at)
    approvals = WitnessApprovals(folder, store)
    assert len(refreshed(approvals)) == 2
    assert len(of_log(approvals)) == 3


def test_a_witness_from_before(folder: Path) -> None:
    """Its store had no approvals, and keeps what it signed."""
    file = folder.parent / "w" / "witness.sqlite3"
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == [
            ("last",)
        ]
    data = approval(folder, 1_000)
    with closing(WitnessStore(WitnessFolder(folder.parent / "w"))) as store:
        approvals = WitnessApprovals(folder, store)
        refreshed(approvals)
        assert of_log(approvals) == [data]
        assert store.last() == []


def get(path: str, method: str = "GET") -> bytes:
    """A request for an approval."""
    return f"{method} {path} HTTP/1.1\r\nHost: witness\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/approvals/{ORIGIN_DIGEST}/0", 200),
        (f"/below/a/place/approvals/{ORIGIN_DIGEST}/0?x=1", 200),
        (f"/approvals/{ORIGIN_DIGEST}/1", 404),
        (f"/approvals/{ORIGIN_DIGEST}/00", 404),
        (f"/approvals/{ORIGIN_DIGEST}/-1", 404),
        (f"/approvals/{ORIGIN_DIGEST}/999999999", 404),
        (f"/approvals/{ORIGIN_DIGEST}/{'9' * 5000}", 404),
        (f"/approvals/{ORIGIN_DIGEST.upper()}/0", 404),
        (f"/approvals/{OTHER_DIGEST}/0", 404),
        ("/approvals/../../../../etc/passwd/0", 404),
        (f"/approvals/{ORIGIN_DIGEST}/0/../1", 404),
        (f"/approvals/{ORIGIN_DIGEST}/%30", 404),
        ("/approvals/", 404),
    ],
)
def test_requests(folder: Path, store: WitnessStore, path: str, status: int) -> None:
    """Only digest and number in their one form are understood, whatever stands before them."""
    data = approval(folder, 1_000)
    approvals = WitnessApprovals(folder, store)
    refreshed(approvals)
    with serving(folder.parent / "w", approvals=approvals.get) as port:
        answer = asked(port, get(path))
        assert answer[0] == status
        assert (answer[2] == data) == (status == 200)
        assert asked(port, post(b"x" * 10, path=f"/approvals/{ORIGIN_DIGEST}/0"))[0] == 405
        assert asked(port, post(MemoryLog.of(40).request(0, 13).body))[0] == 200


def test_a_witness_without_approvals(tmp_path: Path) -> None:
    """It knows no such address."""
    with serving(tmp_path / "w") as port:
        assert asked(port, get(f"/approvals/{ORIGIN_DIGEST}/0"))[0] == 404


@pytest.mark.slow
def test_the_program_serves_what_is_put_into_the_folder(folder: Path) -> None:
    """`witness serve --approvals` has what is there at its start, and a little later what comes."""
    first = approval(folder, 1_000)
    command = [PROGRAM, "witness", "serve", folder.parent / "w", "--log", str(SIGNER.verifier)]
    command += ["--listen", "127.0.0.1:0", "--approvals", folder, "--log-format", "json"]
    with subprocess.Popen(command, stdout=-1, stderr=-2, text=True) as served:
        try:
            assert served.stdout is not None
            port = int(re.search(r"127\.0\.0\.1:(\d+)", served.stdout.readline())[1])  # type: ignore[index]
            assert asked(port, get(f"/approvals/{ORIGIN_DIGEST}/0"))[2] == first
            second = approval(folder, 500)
            deadline = time.monotonic() + 60
            while asked(port, get(f"/approvals/{ORIGIN_DIGEST}/1"))[0] == 404:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            assert asked(port, get(f"/approvals/{ORIGIN_DIGEST}/1"))[2] == second
            (folder / "x.approval").write_bytes(b"x")
            for line in served.stdout:
                if "a file is no approval" in line:
                    break
        finally:
            served.send_signal(signal.SIGTERM)
        assert served.wait(30) == 0


def test_a_folder_that_is_none(folder: Path) -> None:
    """The witness does not start without it, and says so."""
    code, _out, err = typed(
        "witness", "serve", folder.parent / "w", "--log", SIGNER.verifier, "--approvals", folder / "none"
    )
    assert (code, "none cannot be used: No such file or directory" in err) == (1, True)
