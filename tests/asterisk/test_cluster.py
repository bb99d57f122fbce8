"""Three boxes and the database where they meet, as `make cluster` shows them."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from lab import builds
from lab.debian import Unavailable
from sharing import cluster
from sharing.cluster_companies import NAMES


@pytest.fixture
def console() -> Console:
    """A console that keeps what is printed."""
    try:
        builds.for_demo(lambda _what, _fraction: None)
    except Unavailable as error:
        pytest.skip(f"Asterisk: {error}")
    return Console(file=io.StringIO(), width=130)


@pytest.mark.night
def test_boxes_go_on_when_their_database_is_killed(console: Console, tmp_path: Path) -> None:
    """Who was told on one box is spared on the others, before, during and after, by each of twenty companies;
    nobody waits for a database that hangs or is away, and every call is in the ledger of its box and in the
    database, once."""
    outcome = cluster.run(console, tmp_path / "cluster")
    assert outcome.calls == 15 + 36
    assert outcome.rows == outcome.records
    assert len(set(outcome.records)) == 51
    by_acme = Counter(
        (box, status) for company, box, _number, _at, status in outcome.records if company == "acme"
    )
    assert by_acme == {
        ("pbx-a", "PLAYED"): 2,
        ("pbx-a", "NOTDUE"): 4,
        ("pbx-b", "PLAYED"): 2,
        ("pbx-b", "NOTDUE"): 4,
        ("pbx-c", "PLAYED"): 1,
        ("pbx-c", "NOTDUE"): 2,
    }
    of_others = Counter((company, status) for company, _box, _number, _at, status in outcome.records)
    of_others = Counter({pair: count for pair, count in of_others.items() if pair[0] != "acme"})
    assert of_others == {(name, status): 1 for name in NAMES for status in ("PLAYED", "NOTDUE")}
    assert 0 < outcome.waited_without <= 1.0
    assert isinstance(console.file, io.StringIO)
    output = console.file.getvalue()
    assert "Nobody was told twice" in output
    assert "informativa shared migrate --as lab -c " in output
    assert "acme: this box serves it from now on (migration 6)" in output
