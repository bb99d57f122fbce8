"""Our published files, checked by programs of others: Go's golang.org/x/mod/sumdb."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from evidence import mixed
from evidence.monitored import WITNESS
from informativa.evidence import note, tiles, tree
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.cosignature import WitnessSigner
from informativa.evidence.note import Signer
from informativa.evidence.notes import NoteKind
from informativa.evidence.tile_files import TileFolder
from informativa.evidence.tiles import TileHashes
from lab import golang
from lab.debian import Unavailable, cache_folder

PROGRAM = Path(__file__).parent / "crosscheck/main.go"
LOG = Signer("example.com/informativa/company/box/1", bytes(range(32)))
SIZES = (1, 2, 7, 255, 256, 257, 300, 600, 65_536, 66_000)
ENTRIES = [b"x" * (number % 5) + str(number).encode() for number in range(66_000)]
TEXT = "caffè\n\n— more\n"
MixedLogs = list[mixed.MixedLog]


def encoded(hashes: tuple[bytes, ...]) -> list[str]:
    """Return hashes as in Go's JSON."""
    return [b64encode(node).decode() for node in hashes]


@pytest.fixture(scope="module")
def crosscheck(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, compiled."""
    try:
        compiler, sources = golang.compiler(), golang.sources()
    except Unavailable as missing:
        pytest.skip(str(missing))
    folder = tmp_path_factory.mktemp("crosscheck")
    around = {
        "GO111MODULE": "off",
        "GOPATH": str(sources),
        "GOCACHE": str(cache_folder() / "go"),  # ten seconds of compiling
        "CGO_ENABLED": "0",
    }
    command = [compiler, "build", "-o", folder / "crosscheck", PROGRAM]
    subprocess.run(command, env=os.environ | around, check=True, timeout=600)
    return folder / "crosscheck"


def published(folder: Path, old: int, size: int) -> dict[str, Any]:
    """The log of that size, published after one of `old` entries, and what Go is asked about it."""
    tile_folder = TileFolder(folder)
    tile_folder.extend(old, ENTRIES[old:size])
    hashes = TileHashes(size, tile_folder.read)
    checkpoint = Checkpoint(LOG.name, size, tree.root_at(size, hashes))
    witness = WitnessSigner("w.example", bytes(32)).cosign(
        checkpoint.text, 1_700_000_000
    )  # unknown to Go's packages
    (folder / "checkpoint").write_bytes(note.sign(checkpoint.text, LOG) + witness.line.encode())
    indices = sorted({0, 1, 254, 255, 256, size // 2, size - 2, size - 1} & set(range(size)))
    olds = sorted({1, 2, 255, 256, 257, old, size // 2, size - 1, size} & set(range(1, size + 1)))
    return {
        "Folder": str(folder),
        "Vkey": str(LOG.verifier),
        "Secret": LOG.secret,
        "Text": TEXT,
        "Old": old,
        "Entries": [b64encode(entry).decode() for entry in ENTRIES[:size]],
        "Inclusion": [
            {"Index": index, "Hashes": encoded(tree.inclusion_proof(index, size, hashes))}
            for index in indices
        ],
        "Consistency": [
            {
                "Old": old_size,
                "Root": b64encode(tree.root_at(old_size, hashes)).decode(),
                "Hashes": encoded(tree.consistency_proof(old_size, size, hashes)),
            }
            for old_size in olds
        ],
    }


def answered(program: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of the Go program."""
    completed = subprocess.run(
        [program], input=json.dumps(request), text=True, capture_output=True, timeout=120, check=True
    )
    answer: dict[str, Any] = json.loads(completed.stdout)
    return answer


@pytest.mark.timeout(900)  # Go compiles its library first
@pytest.mark.night
def test_gos_packages_take_what_we_publish(crosscheck: Path, tmp_path: Path) -> None:
    """Checkpoint, root, tiles, bundles, and proofs, which Go makes of our tiles byte for byte as we do; and
    its signature of a text is ours. A log that grows through all of these sizes, at the edges of tiles."""
    old = 0
    for size in SIZES:
        request = published(tmp_path, old, size)
        answer = answered(crosscheck, request)
        assert answer["Faults"] is None, size
        assert (answer["Origin"], answer["Size"]) == (LOG.name, size)
        paths = [tile.path for tile in tiles.tiles_of(size, old) if tile.level >= 0]
        assert sorted(answer["Tiles"]) == sorted(paths)
        assert answer["Note"].encode() == note.sign(TEXT, LOG)
        old = size
    assert note.open_note(answer["Note"].encode(), [LOG.verifier]).text == TEXT


@pytest.mark.timeout(900)
def test_i7_gos_packages_notice_what_we_notice(crosscheck: Path, tmp_path: Path) -> None:
    """I7: a changed tile, entry, proof or signature, and a checkpoint of another tree, is a fault to Go."""
    good = published(tmp_path, 0, 600)
    assert answered(crosscheck, good)["Faults"] is None
    for path in ("tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/001", "checkpoint"):
        file = tmp_path / path
        data = file.read_bytes()
        file.write_bytes(data[:40] + bytes([data[40] ^ 1]) + data[41:])
        assert answered(crosscheck, good)["Faults"], path
        file.write_bytes(data)
    changed = json.loads(json.dumps(good))
    changed["Inclusion"][3]["Hashes"][0] = changed["Inclusion"][3]["Hashes"][1]
    changed["Consistency"][3]["Root"] = changed["Consistency"][2]["Root"]
    faults = answered(crosscheck, changed)["Faults"]
    assert [fault.partition(":")[0] for fault in faults] == [
        "inclusion of 255",
        "another inclusion of 255",
        "consistency with 256",
    ]


def asked_of(mixed_log: mixed.MixedLog) -> dict[str, Any]:
    """Return what Go is asked about a log of all kinds of leaves: each leaf's inclusion, and consistency with
    all checkpoints that were kept."""
    log, key, size = mixed_log.log, mixed_log.key, mixed_log.size
    hashes = TileHashes(size, log.tiles.read)
    return {
        "Folder": str(log.folder),
        "Vkey": str(key),
        "Witness": str(WITNESS.verifier),
        "Secret": LOG.secret,
        "Text": TEXT,
        "Old": 0,
        "Entries": [b64encode(entry).decode() for entry in mixed_log.entries],
        "Inclusion": [
            {"Index": index, "Hashes": encoded(tree.inclusion_proof(index, size, hashes))}
            for index in range(size)
        ],
        "Consistency": [
            {
                "Old": old,
                "Root": b64encode(Checkpoint.unverified(log.checkpoint_of(old) or b"").root).decode(),
                "Hashes": encoded(tree.consistency_proof(old, size, hashes)),
            }
            for old in log.sizes()
        ],
    }


@pytest.mark.timeout(900)
def test_gos_packages_take_a_log_of_all_kinds_of_leaves(crosscheck: Path, mixed_logs: MixedLogs) -> None:
    """Records and each kind of note: each is in the tree, and its entry in the bundle is its leaf."""
    first, second = mixed_logs
    kinds = []
    for mixed_log in mixed_logs:
        request = asked_of(mixed_log)
        answer = answered(crosscheck, request)
        assert answer["Faults"] is None
        assert (answer["Origin"], answer["Size"]) == (mixed_log.key.name, mixed_log.size)
        kinds += answer["Leaves"]
    assert kinds[first.size - 1 : first.size + 2] == ["next", "new-log", "rule"]
    assert set(kinds) == {"record/v2", *NoteKind}
    assert second.size == 3


@pytest.mark.timeout(900)
def test_i7_gos_packages_notice_a_changed_note_or_cosignature(
    crosscheck: Path, mixed_logs: MixedLogs, tmp_path: Path
) -> None:
    """I7: a byte of a note in the bundle, or of the witness's signature."""
    folder = tmp_path / "log"
    shutil.copytree(mixed_logs[0].log.folder, folder)
    request = {**asked_of(mixed_logs[0]), "Folder": str(folder)}
    assert answered(crosscheck, request)["Faults"] is None
    (bundle,) = (folder / "tile/entries").glob(f"000.p/{mixed_logs[0].size}")
    for file, place in ((bundle, b'"kind":"purge"'), (folder / "checkpoint", b"home.example ")):
        data = file.read_bytes()
        at = data.index(place) + len(place) + 40
        file.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert answered(crosscheck, request)["Faults"], file
        file.write_bytes(data)
