"""The folder that tests write to."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from lab.fast_folder import fast_folder, short_folder


@pytest.fixture(autouse=True)
def _no_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody says where."""
    monkeypatch.delenv("TMPDIR", raising=False)


def test_it_has_room_enough(tmp_path: Path) -> None:
    """A folder with a byte free is taken, and one with less than an exabyte is not."""
    assert fast_folder(tmp_path, 1) == tmp_path
    assert fast_folder(tmp_path, 1 << 60) is None


def test_it_need_not_be_there(tmp_path: Path) -> None:
    """On a machine without shared memory tests write where they always did."""
    assert fast_folder(tmp_path / "none", 1) is None


def test_tmpdir_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever says where temporary files are to be is obeyed."""
    monkeypatch.setenv("TMPDIR", "/elsewhere")
    assert fast_folder(tmp_path, 1) is None


def test_sockets_have_a_short_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder for temporary files is taken where a socket's address has room for it."""
    for folder, expected in (("/short", "/short"), ("/" + 60 * "x", "/tmp")):
        monkeypatch.setattr(tempfile, "tempdir", folder)
        assert short_folder() == expected
