"""More scripts than may run: what a caller hears on a real Asterisk."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from informativa.process.script_limit import STARTING, ScriptLimit
from lab.office import spool

from .site import Site


@pytest.mark.sample(1)
@pytest.mark.parametrize("beside", ["the configuration", "the ledger"])
def test_i4_call_whose_script_is_one_too_many_is_served_by_the_dialplan(site: Site, beside: str) -> None:
    """I4: while as many scripts start as may, a call hears its notice from the dialplan, the console has why,
    and the proof is in AstDB; when a place is free again the script serves. They are counted beside the
    configuration, and beside the ledger where there they cannot be."""
    place = site.office.config
    if beside == "the ledger":
        _counted(place).mkdir()  # as good as a folder that the script may not write to
        place = site.office.folder / "ledger" / "acme.sqlite3"
    site.office.stop()
    length = len(site.pbx.log.read_bytes())
    assert ScriptLimit().admits(str(place))
    with _counted(place).open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, STARTING)
        outcome = site.call()
    assert (outcome.status, outcome.reason) == ("FALLBACK", "service-unavailable")
    assert outcome.heard == site.heard_whole("it/short-nokey", "after")
    ((key, row),) = spool(site.pbx).items()
    assert outcome.record == f"spool:{key}"
    assert row["ending"] == "whole"
    assert b"oo many scripts run at once" in site.pbx.log.read_bytes()[length:]
    assert site.call().status == "PLAYED"


def _counted(place: Path) -> Path:
    """The file whose bytes scripts lock."""
    return place.with_name(f".{place.name}.scripts")
