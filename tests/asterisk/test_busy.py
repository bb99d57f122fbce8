"""More calls than the service takes: what a caller hears on a real Asterisk, and what it costs."""

from __future__ import annotations

from lab import audio
from lab.office import spool
from torture.peers import Held

from .site import Site


def test_i4_call_that_is_one_too_many_is_served_by_the_dialplan(site: Site) -> None:
    """I4: with all sessions taken a call hears its notice at once from the dialplan, which starts no process
    for it, and the proof is in AstDB; when a session is free again the service serves."""
    audio.write_wav(site.office.folder / "prompts/de/long.wav", audio.synthetic(60.0, seed=9))
    version = (
        'version: "%s"\n            purposes: [service]\n            short:\n              de: prompts/%s'
    )
    site.configure(
        ("sessions: 2000", "sessions: 1"),
        (version % ("2026-11", "de/short"), version % ("2026-12", "de/long")),
    )
    with Held(site.office.port, network_script=site.office.script, arg_1="+493012345678"):
        outcome = site.call()
        assert (outcome.status, outcome.reason) == ("FALLBACK", "service-busy")
        assert outcome.heard == site.heard_whole("it/short-nokey", "after")
        ((key, row),) = spool(site.pbx).items()
        assert outcome.record == f"spool:{key}"
        assert (row["line"], row["ending"]) == ("0212345678", "whole")
    assert site.office.records() == []  # the script would have left one
    while (outcome := site.call()).reason == "service-busy":
        pass  # the service has not yet seen that the session is over
    assert (outcome.status, outcome.record) == ("PLAYED", "2")
    assert "refused a call" in site.office.log_text
    assert [line for line in site.pbx.warnings() if "informativa" in line or "agi" in line] == []
