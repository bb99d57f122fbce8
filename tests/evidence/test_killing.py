"""I3, I7: whoever appends, signs and publishes is killed at any moment, and there is one log all the same."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

from evidence import independent
from evidence.ledger import audited
from evidence.logs import configured, key, published, record, signed
from evidence.serving import Asked, Reply, answering
from evidence.witnessing import MemoryLog, serving_logs
from informativa.evidence.http import HttpClient
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.witness import AddCheckpoint
from informativa.evidence.witness_store import WitnessFolder
from informativa.model import Controller
from lab.chance import by_day

BELOW = "informativa/acme/pbx-1/1"


class Killer:
    """A process that runs `killing.py` at our command."""

    def __init__(self, configuration: Path, acknowledged: Path) -> None:
        self._progress, progress = os.pipe()
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
        command = [sys.executable, "-m", "evidence.killing", configuration, acknowledged, str(progress)]
        self._process = subprocess.Popen(
            command, stdin=-1, stdout=-1, text=True, env=environment, pass_fds=[progress]
        )
        os.close(progress)
        self.complaints: list[str] = []

    def start(self, task: str, number: int) -> str:
        """A process; its id."""
        return self._told(f"{task} {number}")

    def kill(self, started: str) -> None:
        """It is gone when this returns."""
        assert self._told(f"kill {started}") == "gone"

    def wait(self, appended: int, published: int) -> Counter[str]:
        """Until there were so many appends (`a`) and checkpoints that were published (`s`); what was done."""
        counts = Counter[str]()
        while counts["a"] < appended or counts["s"] < published:
            counts.update(os.read(self._progress, 1).decode())
        return counts

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
        os.close(self._progress)

    def _told(self, command: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        while (answer := self._process.stdout.readline().strip()).startswith("complaint "):
            self.complaints.append(answer)
        return answer


@dataclass
class Collector:
    """Every checkpoint that anybody ever had, as its log signed it: the roots by their sizes."""

    ledger: Path
    mount: Path
    vkey: str
    asked: list[bytes] = field(default_factory=list)
    roots: dict[int, set[bytes]] = field(default_factory=dict)

    def collect(self) -> None:
        """Collect the checkpoints that were signed, published in both places, and sent to the witness."""
        folder = LogFolder(self.ledger)
        files = [folder.folder / "signing/1.signed"]
        for place in (folder.published(1).folder, self.mount / BELOW):
            files += [place / "checkpoint", *place.glob("checkpoints/[0-9]*")]
        notes = [file.read_bytes() for file in files if file.exists()]
        while self.asked:
            notes.append(AddCheckpoint.parse(self.asked.pop()).note)
        for note in notes:
            size, root = independent.checkpoint(note, self.vkey)
            self.roots.setdefault(size, set()).add(root)

    def require_one_tree(self, entries: list[bytes]) -> None:
        """Each of them is of the first so many of these entries: so each extends all smaller ones."""
        leaves = [independent.sha256(b"\x00" + entry) for entry in entries]
        expected = independent.roots(leaves, set(self.roots))
        assert self.roots == {size: {root} for size, root in expected.items()}


@contextmanager
def watched(folder: Path, tmp_path: Path) -> Iterator[tuple[Controller, Collector]]:
    """acme, published in a folder, with a witness, of whom each request is kept; one record is signed."""
    (tmp_path / "mount").mkdir()
    witness = WitnessFolder(tmp_path / "home").make("home.example").verifier
    bodies: list[bytes] = []
    with serving_logs(tmp_path / "home") as (port, keys):

        def forwarded(request: Asked) -> Reply:
            if len(request.body) == int(request.headers["content-length"]):  # not killed in the middle of it
                bodies.append(request.body)
            client = HttpClient(f"http://127.0.0.1:{port}")
            answer = client.request(request.method, request.path, request.body)
            client.close()
            return answer.status, answer.kind, answer.body

        with answering(forwarded) as server:
            acme = configured(
                folder,
                "publish: [{folder: " + str(tmp_path / "mount") + "}]",
                f"witness: [{{key: {witness}, url: '{server.url}'}}]",
            )
            record(acme)
            signed(folder)
            keys.append(key(acme))
            yield acme, Collector(Path(acme.ledger), tmp_path / "mount", str(key(acme)), bodies)


def require_acknowledged(ledger: Path, acknowledged: Path) -> int:
    """Every record that was acknowledged is there and has one leaf; how many were."""
    lines = acknowledged.read_text().split("\n")[:-1]
    acknowledged_calls = {int(number): call for number, _, call in (line.partition(" ") for line in lines)}
    assert len(acknowledged_calls) == len(lines)
    with closing(sqlite3.connect(ledger)) as connection:
        joined = "SELECT record, call FROM event JOIN leaf USING (record)"
        rows = connection.execute(joined).fetchall()
        gapless = connection.execute("SELECT count(*), max(leaf) + 1 FROM leaf").fetchone()
    assert len(rows) == len(dict(rows)) == gapless[0] == gapless[1]
    assert acknowledged_calls.items() <= dict(rows).items()
    return len(acknowledged_calls)


def published_entries(place: Path, count: int) -> list[bytes]:
    """Return the entries as anybody reads them from the bundles of C2SP tlog-tiles: two bytes of length
    before each."""
    entries: list[bytes] = []
    for number in range(-(-count // 256)):
        width = min(256, count - 256 * number)
        name = f"{number:03}" if width == 256 else f"{number:03}.p/{width}"
        data = (place / "tile/entries" / name).read_bytes()
        while data:
            end = 2 + int.from_bytes(data[:2], "big")
            entries.append(data[2:end])
            data = data[end:]
    return entries


def test_i3_kill_9_between_append_tile_checkpoint_and_publication_leaves_one_log(
    folder: Path, tmp_path: Path, chance: random.Random, rounds: Callable[[int, int], int]
) -> None:
    """I3, I7: two that append and two that sign and publish are killed again and again, in any order, the
    latter also by themselves between any two calls to the file system: then the log is whole, each record
    that was acknowledged has one leaf, and all checkpoints that anybody ever had are of one tree."""
    acknowledged, counts = tmp_path / "acknowledged", Counter[str]()
    count = rounds(by_day(3, at_night=5), 200)
    with (
        watched(folder, tmp_path) as (acme, collector),
        Killer(folder / "informativa.yaml", acknowledged) as killer,
    ):
        for _ in range(count):
            running = [killer.start("append", chance.randrange(1 << 32)) for _ in range(2)]
            die_at = [chance.choice([0, 0, chance.randint(1, 150)]), chance.randint(1, 150)]
            running += [killer.start("sign", number) for number in die_at]
            counts += killer.wait(chance.randint(1, 60), 0 if die_at[0] else chance.randint(0, 3))
            chance.shuffle(running)
            for process in running:
                with suppress(subprocess.TimeoutExpired):
                    killer._process.wait(chance.choice([0, chance.uniform(0, 0.05)]))
                killer.kill(process)
                collector.collect()
            audit_result = audited(collector.ledger, key(acme))
            assert audit_result.is_sound, (audit_result.flaws[:3], list(map(str, audit_result.problems)))
            require_acknowledged(collector.ledger, acknowledged)
            assert killer.complaints == []
        record(acme)
        size = signed(folder)
        assert published(folder).complete
        collector.collect()
    entries = published_entries(collector.mount / BELOW, size)
    collector.require_one_tree(entries)
    with closing(sqlite3.connect(collector.ledger)) as connection:
        (rule,) = connection.execute("SELECT reference FROM event WHERE kind = 'rule'").fetchone()
        rows = connection.execute("SELECT what, who FROM leaf WHERE leaf > 0 ORDER BY leaf").fetchall()
    assert entries == [
        b"informativa/note/v2\n" + rule.encode(),
        *(b"informativa/record/v2\n" + facts_hash + person_hash for facts_hash, person_hash in rows),
    ]
    appended = require_acknowledged(collector.ledger, acknowledged)
    print(
        f"{appended} records acknowledged, {size} in the log, {len(collector.roots)} checkpoints seen,"
        f" {counts}"
    )
    assert appended > 2 * count
    assert len(collector.roots) > rounds(1, 100)  # in a few rounds nobody may have come to sign


@pytest.mark.parametrize("size", [2, 3, 4])
def test_a_checkpoint_of_another_tree_is_seen(folder: Path, tmp_path: Path, size: int) -> None:
    """One that the log's own key signed, and that the witness was asked to sign: of a size that there was, or
    of one to come. What the test above looks for is found."""
    with watched(folder, tmp_path) as (acme, collector):
        record(acme)
        signed(folder)
        collector.collect()
        true = published_entries(LogFolder(collector.ledger).published(1).folder, 3)
        collector.require_one_tree(true)
        signer = LogFolder(collector.ledger).signer(collector.vkey.split("+")[0], 1)
        forged = MemoryLog(*[b"x"] * 4, signer=signer)
        collector.asked.append(forged.request(0, size).body)
        collector.collect()
        with pytest.raises(AssertionError):
            collector.require_one_tree([*true, b"y"])
