"""Records of an import in the order of their callers, whatever the order in which they come."""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path

import pytest

from informativa.ledgers.bulk import CommonValues, PreparedRecord
from informativa.model.errors import InformativaError
from informativa.operations import import_order
from informativa.operations.import_order import Ordering

COMMON = CommonValues(
    (1, "privacy", "2026-01", "service", "website", 2), "log/1", (b"a", b"b", b"c"), ("d",) * 5
)
BOUND = b"s" * 16, b"b" * 32, b"o" * 32  # salt, binding, opening


def ready(count: int, chance: random.Random) -> list[PreparedRecord]:
    """Make lists of so many callers ready."""
    return [
        PreparedRecord(chance.randbytes(32), COMMON, f"form {number}", b"w" * 32, *BOUND, ())
        for number in range(count)
    ]


def test_all_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes in parts of three sizes goes in windows, each and all of them in order, with nothing lost,
    and one that comes twice as often as it came."""
    monkeypatch.setattr(import_order, "WINDOW", 50)
    chance = random.Random(1)
    parts = [ready(count, chance) for count in (400, 0, 1, 99)]
    parts[3].append(parts[0][0])
    with closing(Ordering(tmp_path, sum(map(len, parts)))) as ordering:
        assert ordering.shares == 11
        for part in parts:
            ordering.add(part)
        windows = list(ordering.windows())
        assert list(tmp_path.iterdir()) == []
    assert len(windows) == 11
    came = sorted((one for part in parts for one in part), key=lambda one: one.pseudonym)
    assert [one for window in windows for one in window] == came


def test_memory_does_not_grow_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a share is longer than two windows it comes in several, each in order: 600 records in windows of
    less than 40, a part after the other."""
    monkeypatch.setattr(import_order, "WINDOW", 10)
    monkeypatch.setattr(import_order, "_MOST", 2)
    chance = random.Random(2)
    parts = [ready(20, chance) for _ in range(30)]
    with closing(Ordering(tmp_path, 600)) as ordering:
        assert ordering.shares == 2
        for part in parts:
            ordering.add(part)
        windows = list(ordering.windows())
    assert max(map(len, windows)) < 40
    assert all(window == sorted(window, key=lambda one: one.pseudonym) for window in windows)
    assert {one for window in windows for one in window} == {one for part in parts for one in part}


def test_nothing_to_import(tmp_path: Path) -> None:
    """A file whose rows were all rejected has one window, without records."""
    with closing(Ordering(tmp_path, 0)) as ordering:
        ordering.add([])
        assert list(ordering.windows()) == [[]]


def test_a_folder_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That it is the ledger's folder which is full is said, and how much it takes."""
    full = Path("/dev/full").open("wb")  # noqa: SIM115  # the ordering closes it
    monkeypatch.setattr(import_order, "TemporaryFile", lambda **_: full)
    with closing(Ordering(tmp_path, 1)) as ordering, pytest.raises(InformativaError) as raised:
        ordering.add(ready(10_000, random.Random(3)))
    assert str(raised.value) == (
        f"What is imported cannot be put in order in {tmp_path} (No space left on device). "
        "Make room there: it takes 250 bytes a row, and a record 500 afterwards."
    )


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """Another fault of the folder is said with the folder's name, too."""
    with pytest.raises(InformativaError, match=f"in {tmp_path}/none .*It must be possible to write there"):
        Ordering(tmp_path / "none", 1)
