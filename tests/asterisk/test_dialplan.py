"""The dialplan files as they are shipped, read by Asterisk itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.builds import Build
from lab.office import Office
from lab.pbx import Pbx

from .site import Site

pytestmark = pytest.mark.sample(1)  # by day on one of the two, which the seed draws

OUTER = """\
[outer]
exten => _[+0-9a-zA-Z].,1,Gosub(informativa,s,1(${EXTEN}))
 same => n,Return()
exten => h,1,UserEvent(Over,Status:${INFORMATIVA_STATUS},Reason:outer,Record:)
"""
SHIPPED = Path(__file__).resolve().parents[2] / "dialplan"


@pytest.mark.sample(2)
@pytest.mark.parametrize("made_out", [False, True], ids=["as-shipped", "made-out"])
def test_example_loads_without_a_warning(build: Build, tmp_path: Path, made_out: bool) -> None:
    """Asterisk reads the example and the file that it includes without a word of complaint."""
    dialplan = Office(tmp_path / "etc").dialplan() if made_out else (SHIPPED / "informativa.conf").read_text()
    example = (SHIPPED / "extensions.conf").read_text()
    with Pbx(build, tmp_path / "pbx", example, extra_files={"informativa.conf": dialplan}) as pbx:
        pbx.reload_dialplan()
        shown = {name: pbx.cli(f"dialplan show {name}") for name in ("from-trunk", "informativa")}
        lines = pbx.cli("dialplan show informativa-lines")
        assert pbx.warnings() == []
    assert "?informativa,s,1(${EXTEN}))" in shown["from-trunk"]
    assert "${FILTER(+0-9A-Za-z.,${ARG1})}" in shown["informativa"]
    assert "'+390212345678'" in lines
    assert ("'+493012345678'" in lines) == made_out


def test_gosub_from_within_a_gosub(site: Site) -> None:
    """Two Gosubs deep the notice plays, and a hang-up runs the `h` of the context that called it."""
    site.edit_dialplan(
        "exten => _[+0-9a-zA-Z].,1,Gosub(informativa,s,1(${EXTEN}))",
        "exten => _[+0-9a-zA-Z].,1,Gosub(outer,${EXTEN},1(a,b))",
    )
    site.edit_dialplan("[informativa]", OUTER + "\n[informativa]")
    outcome = site.call()
    assert (outcome.status, outcome.record) == ("PLAYED", "2")
    outcome = site.hang_up_early(number="+393330000001")
    assert (outcome.status, outcome.reason) == ("PARTIAL", "outer")


@pytest.mark.sample(2)
@pytest.mark.parametrize("left", ["STATUS=NOTDUE", "REASON=service-busy", "RECORD=7", "SPOOL=line=default"])
def test_what_an_earlier_notice_left_is_not_taken_for_this_ones(site: Site, left: str) -> None:
    """A variable that the channel has from an earlier notice of the call, whichever it is, says nothing of
    this one, which the service decides; and where no service answers it is played and spooled as ever."""
    gosub = "Gosub(informativa,s,1(${EXTEN}))"
    site.edit_dialplan(f",1,{gosub}", f",1,Set(INFORMATIVA_{left})\n same => n,{gosub}")
    outcome = site.call()
    assert (outcome.status, outcome.reason, outcome.record) == ("PLAYED", "not-informed", "2")
    site.office.stop()
    site.office.config.unlink()
    outcome = site.call()
    assert (outcome.status, outcome.reason) == ("FALLBACK", "service-unavailable")
    assert outcome.record.startswith("spool:")


LATER = """
          - {version: "2026-12", purposes: [service], starts: 2026-11-02, short: {it: prompts/it/full}}
          - {version: "2099", purposes: [service], starts: 2099-01-01, short: {it: prompts/de/full}}

  borealis:"""


def test_fallback_plays_the_version_of_the_day(site: Site) -> None:
    """Without service and script the file that is there decides by the day of the call: neither the version
    before nor the one to come is played."""
    site.configure(("\n\n  borealis:", LATER))
    assert "Return(" in site.office.dialplan().partition("EPOCH")[2]
    site.office.stop()
    site.office.config.unlink()
    outcome = site.call()
    assert (outcome.status, outcome.reason) == ("FALLBACK", "service-unavailable")
    assert outcome.heard == site.heard_whole("it/full", "after")
