"""Two boxes and the database where they meet, as `make cluster` shows them."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from informativa.sharing import schema
from lab import builds
from lab.debian import Unavailable
from sharing import cluster


@pytest.fixture
def console() -> Console:
    """What is printed, kept."""
    try:
        builds.for_demo(lambda _what, _fraction: None)
    except Unavailable as error:
        pytest.skip(f"Asterisk: {error}")
    return Console(file=io.StringIO(), width=130)


@pytest.mark.timeout(240)  # of which it takes 50 on an idle machine
@pytest.mark.night
def test_boxes_go_on_when_their_database_is_killed(console: Console, tmp_path: Path) -> None:
    """Who was told on one box is spared on the other, before, during and after; nobody waits for a database
    that hangs or is away, and every call is in the ledger of its box and in the database, once."""
    outcome = cluster.run(console, tmp_path / "cluster")
    assert outcome.calls == 13
    assert outcome.rows == outcome.records
    assert len(set(outcome.records)) == 13
    assert Counter((box, status) for box, _number, _at, status in outcome.records) == {
        ("pbx-a", "PLAYED"): 3,
        ("pbx-a", "NOTDUE"): 4,
        ("pbx-b", "PLAYED"): 2,
        ("pbx-b", "NOTDUE"): 4,
    }
    assert 0 < outcome.waited_without <= 1.0
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    assert "Nobody was told twice" in said
    assert "informativa shared migrate --as lab -c " in said
    assert f"acme: role and schema are made (migration {schema.newest()})" in said
    assert f"borealis: role and schema are made (migration {schema.newest()})" in said
