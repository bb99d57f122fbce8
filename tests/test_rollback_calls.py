"""Calls of the real script while a ledger goes back to an earlier schema: none is cut off, none is lost."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agi_script import Script, events, variables
from informativa.config import load
from informativa.ledgers import reversing
from informativa.ledgers.reversing import EarlierSchema
from informativa.model.errors import LedgerError
from informativa.process import storage
from old_ledgers import NEWEST, form

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
EARLIER = EarlierSchema("0.3.0", 16)


@pytest.fixture
def ledger(folder: Path) -> Path:
    """The first company's ledger, of today, with its rule."""
    controller = load(folder / "informativa.yaml", keep=True).controllers["acme"]
    storage.store(controller).close()
    return Path(controller.ledger)


def test_call_in_progress_ends_as_it_began(folder: Path, ledger: Path) -> None:
    """The ledger waits for the script; what the script records meanwhile is there in the earlier schema."""
    script = Script(folder / "informativa.yaml")
    script.expect("ANSWER")
    script.say("200 result=0\n")
    script.expect(f'STREAM FILE "{folder}/prompts/it/short" "1" "0"')
    with pytest.raises(LedgerError, match=f"is open \\(process {script.process.pid}\\)"):
        reversing.reverse(ledger, "acme", EARLIER, NOW, seconds=0)
    assert form(ledger) == NEWEST
    script.say("200 result=0 endpos=4000\n")
    script.expect(variables("2", "cut-short", "PARTIAL"))
    script.say("200 result=0\n")
    assert script.end() == (0, "")
    reversing.reverse(ledger, "acme", EARLIER, NOW)
    assert form(ledger) == 16
    (event,) = events(folder)  # which migrates it again
    assert event.status == "PARTIAL"


def test_call_that_begins_before_the_program_is_replaced_hears_the_notice(folder: Path, ledger: Path) -> None:
    """The present script cannot use the ledger: it plays, and a row of the spool keeps what was heard."""
    reversing.reverse(ledger, "acme", EARLIER, NOW)
    script = Script(folder / "informativa.yaml")
    script.expect("ANSWER")
    script.say("200 result=0\n")
    script.expect(f'STREAM FILE "{folder}/prompts/it/short" "1" "0"')
    script.say("200 result=0 endpos=999999\n")
    assert script.hear().startswith('DATABASE PUT "informativa" "1700000000.1-')
    script.say("200 result=1\n")
    assert "INFORMATIVA_STATUS=FALLBACK" in script.hear()
    script.say("200 result=0\n")
    assert script.hear().startswith('VERBOSE "informativa-agi: The ledger')
    script.say("200 result=0\n")
    assert script.end() == (0, "")
    assert form(ledger) == 16
