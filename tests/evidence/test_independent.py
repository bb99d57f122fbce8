"""The second verifier, which follows docs/evidence.md alone, over logs with leaves of all kinds."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evidence import independent, mixed
from informativa.evidence.entries import EntryKind, recognised
from informativa.evidence.notes import LogNote

MixedLogs = list[mixed.MixedLog]


def read(logs: MixedLogs) -> list[list[independent.Leaf]]:
    """All leaves of both logs."""
    places = [(mixed_log.log.folder, str(mixed_log.key)) for mixed_log in logs]
    return independent.read(places, str(mixed.APPROVER))


def test_a_log_of_all_kinds_of_leaves_is_read_by_the_page_alone(mixed_logs: MixedLogs) -> None:
    """It reads what the program reads, and says of the same notes that they need an approval, and have it."""
    first, second = read(mixed_logs)
    kinds = Counter(leaf.kind for leaf in (*first, *second))
    assert kinds == {
        "record/v2": 20,
        "rule": 2,
        "approval": 1,
        "lost": 1,
        "erasure": 1,
        "purge": 1,
        "next": 1,
        "new-log": 1,
    }
    needing = [(leaf.kind, leaf.approved) for leaf in (*first, *second) if leaf.needs]
    assert needing == [("lost", True), ("erasure", True)]
    assert not any(leaf.approved and not leaf.needs for leaf in (*first, *second))
    for mixed_log, leaves in zip(mixed_logs, (first, second), strict=True):
        for index, (entry, leaf) in enumerate(zip(mixed_log.entries, leaves, strict=True)):
            if recognised(entry) is EntryKind.NOTE:
                parsed = LogNote.parse(entry, mixed_log.key.name, index)
                assert parsed.entry == b"informativa/note/v2\n" + independent.jcs(leaf.fields)


def test_the_list_of_an_erasure_is_read_by_the_page_alone(mixed_logs: MixedLogs) -> None:
    """It is what the note commits to; all are records before it, and no list of another note."""
    log = mixed_logs[0]
    leaves = read(mixed_logs)[0]
    ((index, fields),) = ((at, leaf.fields) for at, leaf in enumerate(leaves) if leaf.kind == "erasure")
    assert fields is not None
    file = log.log.folder.parent / f"private/1-{index}"
    own, resting = independent.erased(file.read_bytes(), str(fields["list"]))
    assert own
    assert len(own) + len(resting) <= int(fields["most"])
    assert {origin for origin, _index in (*own, *resting)} == {log.key.name}
    assert all(leaves[at].kind.startswith("record/") and at < index for _origin, at in (*own, *resting))
    with pytest.raises(AssertionError):
        independent.erased(file.read_bytes(), "00" * 32)


@pytest.mark.parametrize(
    "change",
    [
        {"log": "acme.example/informativa/acme/box/1"},
        {"index": 7},
        {"at": "2026-11-24"},
        {"by": "Mario"},
        {"kind": "rest"},
        {"below": 0},
        {"below": 1000},
        {"rule": 1000},
        {"cutoff": "2099-01-01T00:00Z"},
        {"instruction": "OPS/1"},
        {"v": 1},
        {"of": None},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_note_that_is_none_is_refused_by_both(mixed_logs: MixedLogs, change: dict[str, Any]) -> None:
    """By the page's table of keys, and what must come before it."""
    log = mixed_logs[0]
    leaves = read(mixed_logs)[0]
    ((index, fields),) = ((at, leaf.fields) for at, leaf in enumerate(leaves) if leaf.kind == "purge")
    changed = {key: value for key, value in {**(fields or {}), **change}.items() if value is not None}
    entry = b"informativa/note/v2\n" + json.dumps(changed, sort_keys=True, separators=(",", ":")).encode()
    with pytest.raises((AssertionError, KeyError)):
        independent.note(entry, log.key.name, index)
    with pytest.raises(Exception, match=r"note|key|should|It|origin"):
        LogNote.parse(entry, log.key.name, index)


def test_i7_a_changed_entry_is_noticed_by_the_page_alone(mixed_logs: MixedLogs, tmp_path: Path) -> None:
    """I7: another letter in a ticket's id."""
    log = mixed_logs[0]
    folder = tmp_path / "log"
    shutil.copytree(log.log.folder, folder)
    (bundle,) = (folder / "tile/entries").glob(f"000.p/{log.size}")
    bundle.write_bytes(bundle.read_bytes().replace(b"dpo-1", b"dpo-9", 1))
    with pytest.raises(AssertionError):
        independent.read([(folder, str(log.key))], str(mixed.APPROVER))
