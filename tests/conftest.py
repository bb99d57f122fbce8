"""Fixtures that several test files use."""

from __future__ import annotations

from pathlib import Path

import pytest

from informativa.cli import setup


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration as `informativa init` lays it, in a folder of its own."""
    setup.init(tmp_path / "etc")
    return tmp_path / "etc"
