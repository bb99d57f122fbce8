"""More scripts than may run: what a caller hears on a real Asterisk."""

from __future__ import annotations

import fcntl
from contextlib import ExitStack

import pytest

from informativa.script_limit import STARTING, ScriptLimit
from lab.office import BIN, spool
from lab.site import Site


@pytest.mark.parametrize("early", [True, False])
def test_i4_call_whose_script_is_one_too_many_is_served_by_the_dialplan(site: Site, early: bool) -> None:
    """I4: while as many scripts start as may, a call hears its notice from the dialplan, the console has why,
    and the proof is in AstDB; when a place is free again the script serves."""
    ledger = site.office.folder / "ledger" / "acme.sqlite3"
    if early:  # the script knows its configuration before it has read what Asterisk says
        script, installed = site.office.folder / "script", BIN / "informativa-agi"
        script.write_text(f'#!/bin/sh\nINFORMATIVA_CONFIG={site.office.config} exec {installed} "$@"\n')
        script.chmod(0o755)
        site.edit_dialplan(f"AGI({installed},${{line}},config=", f"AGI({script},${{line}},config=")
    site.office.stop()
    said = len(site.pbx.log.read_bytes())
    with ExitStack() as held:
        for place in (site.office.config, ledger):
            assert ScriptLimit().admits(str(place))
            file = held.enter_context(place.with_name(f".{place.name}.scripts").open("r+b"))
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, STARTING)
        told = site.call()
    assert (told.status, told.reason) == ("FALLBACK", "service-unavailable")
    assert told.heard == site.whole("it/short", "after")
    ((key, row),) = spool(site.pbx).items()
    assert told.record == f"spool:{key}"
    assert row["ending"] == "whole"
    assert b"oo many scripts run at once" in site.pbx.log.read_bytes()[said:]
    assert site.call().status == "PLAYED"
