"""All that is stored of a controller, as operations reach it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from informativa.config import load
from informativa.model import Recording
from informativa.process import storage


def test_recordings_that_were_served_otherwise(folder: Path) -> None:
    """Only a recording in whose place another one was served is told, and no ledger is made by asking."""
    acme = load(folder / "informativa.yaml").controllers["acme"]
    served = Recording(("privacy", "1", "short", "it", "wav"), "/p/short.wav", "a" * 64)
    other = replace(served, key=("privacy", "1", "full", "it", "wav"))
    ledger = Path(acme.ledger)
    assert storage.served_otherwise(ledger, [replace(served, sha256="b" * 64)]) == []
    assert not ledger.exists()
    store = storage.store(acme)
    store.keep_recordings([served])
    store.close()
    changed = replace(served, sha256="b" * 64)
    assert storage.served_otherwise(ledger, [served, other]) == []
    assert storage.served_otherwise(ledger, [changed, other]) == [changed]
