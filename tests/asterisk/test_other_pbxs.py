"""The examples of docs/other-pbxs.md, rung: each in a dialplan as its product has it; and setup there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from commands import run
from informativa.config import load
from informativa.operations.dialplan_install import STEP
from informativa.operations.setup.dialplan_changes import edited_dialplan

from .pages import DIALPLAN, INCLUDE, lay, section
from .shapes import SHAPES
from .site import Site

PAGE = DIALPLAN.parent / "docs/other-pbxs.md"
# In place of VICIdial's script, which looks the called number up in a database.
ROUTE = """\
#!/usr/bin/env python3
import sys
facts = dict(line.rstrip("\\n").split(": ", 1) for line in iter(sys.stdin.readline, "\\n"))
for command in (f"SET VARIABLE ROUTED {facts['agi_extension']}", "SET CONTEXT after", "SET EXTENSION 600",
                "SET PRIORITY 1"):
    print(command, flush=True)
    sys.stdin.readline()
"""
PLACES = {
    "VICIdial": {
        "extensions.conf": "#include extensions-vicidial.conf\n{example}",
        "extensions-vicidial.conf": "{text}",
    },
    "Wazo": {
        "extensions.conf": "#include extensions.d/*.conf\n",
        "extensions.d/01-wazo.conf": "#exec wazo-confgen\n#include extensions_extra.d/*\n",
        "extensions_extra.d/informativa-wazo.conf": "{example}",
    },
}
"""The places where the two products keep the example and what they generate."""


@pytest.fixture
def site(site_without_dialplan: Site) -> Site:
    """A PBX with VICIdial's script in its folder of scripts; each test lays the dialplan that it is about."""
    script = site_without_dialplan.pbx.folder / "agi/agi-DID_route.agi"
    script.parent.mkdir(exist_ok=True)
    script.write_text(ROUTE)
    script.chmod(0o755)
    return site_without_dialplan


def lay_product(site: Site, sounds: dict[str, Path], title: str, to: str = "${EXTEN}") -> None:
    """Lay the dialplan of a product with the page's example in it."""
    shape = SHAPES[title]
    example = section(title, shape.file, PAGE).replace("/etc/informativa/dialplan/", "")
    beside = (DIALPLAN / "freepbx.conf").read_text() + INCLUDE if title == "Issabel" else ""
    lay(site, shape.entry, f"{shape.text}{example}{beside}", sounds, to)


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("title", "to"),
    [
        ("Issabel", "${EXTEN}"),
        ("VICIdial", "${EXTEN}"),
        ("VICIdial", "+${EXTEN}"),
        ("Wazo", "+390212345678"),
        ("MikoPBX", "${EXTEN}"),
    ],
)
def test_notice_once_and_then_on(site: Site, sounds: dict[str, Path], title: str, to: str) -> None:
    """The caller hears the notice the first time and not the second, and goes on to where the product sends
    him, also where informativa.conf is missing."""
    lay_product(site, sounds, title, to)
    first, second = site.call(), site.call()
    assert (first.status, first.heard) == ("PLAYED", site.heard_whole("it/short", "after"))
    assert (second.status, second.heard) == ("NOTDUE", site.heard_whole("after"))
    assert {record.event.line for record in site.office.records()} == {"+390212345678"}
    (site.pbx.etc / "informativa.conf").unlink()
    site.pbx.reload_dialplan()
    without = site.call()
    assert (without.status, without.heard) == ("", site.heard_whole("after"))


def test_issabel_withheld_number_makes_nobody_known(site: Site, sounds: dict[str, Path]) -> None:
    """A number that came along withheld is not recognised, although Issabel's route shows it as allowed."""
    lay_product(site, sounds, "Issabel")
    calls = [site.call(withheld=True) for _ in range(2)]
    assert [(call.status, call.reason) for call in calls] == [("PLAYED", "withheld")] * 2
    assert [event["Presentation"] for event in site.pbx.events("Reached")] == ["allowed_not_screened"]


def test_vicidial_logs_who_hangs_up_in_the_notice(site: Site, sounds: dict[str, Path]) -> None:
    """The trunk's own step for the end of a call runs."""
    lay_product(site, sounds, "VICIdial")
    assert site.hang_up_early().status == "PARTIAL"
    assert [event["Status"] for event in site.pbx.events("CallLog")] == ["PARTIAL"]


def test_mikopbx_account_in_place_of_a_number(site: Site, sounds: dict[str, Path]) -> None:
    """A trunk that sends its account's name has a line that nobody configured: the fallback is heard."""
    lay_product(site, sounds, "MikoPBX", "account7")
    call = site.call()
    assert (call.status, call.reason) == ("FALLBACK", "no-line")
    assert "after" in call.heard


def test_mikopbx_commands_write_the_dialplan(folder: Path) -> None:
    """The command of the page writes the dialplan to where the example includes it from."""
    page = PAGE.read_text(encoding="utf-8").partition("## MikoPBX")[2]
    lines = (
        page.partition("```sh\n")[2].partition("```")[0].replace("/etc/informativa", str(folder)).splitlines()
    )
    made, typed = (shlex.split(line) for line in lines)
    Path(made[-1]).mkdir(parents=True)
    assert (typed[0], run(*typed[1:]).returncode) == ("/opt/informativa/bin/informativa", 0)
    (included,) = re.findall(r"^#tryinclude /etc/informativa/(.*)$", page, re.MULTILINE)
    assert "[informativa]" in (folder / included).read_text()


def test_mikopbx_has_no_random_numbers(site: Site, sounds: dict[str, Path]) -> None:
    """Without func_rand, as in MikoPBX's Asterisk, what the dialplan plays by itself is still on record."""
    lay_product(site, sounds, "MikoPBX")
    site.office.stop()
    site.office.config.unlink()  # so the script fails, as where there is none
    site.pbx.cli("module unload func_rand.so")
    try:
        call = site.call()
    finally:
        site.pbx.cli("module load func_rand.so")
    assert (call.status, call.reason) == ("FALLBACK", "service-unavailable")
    assert call.record.startswith("spool:")
    assert call.record.removeprefix("spool:") in site.pbx.cli("database show informativa")


@pytest.mark.parametrize("title", PLACES)
def test_setup_leaves_an_example_alone(folder: Path, tmp_path: Path, title: str) -> None:
    """With the page's example in its file there is nothing to change, and nothing to do by hand."""
    shape, asterisk = SHAPES[title], tmp_path / "asterisk"
    example = section(title, shape.file, PAGE)
    for name, text in PLACES[title].items():
        (asterisk / name).parent.mkdir(parents=True, exist_ok=True)
        (asterisk / name).write_text(text.format(example=example, text=shape.text))
    assert edited_dialplan(asterisk, load(folder / "informativa.yaml"), "") == ([], [])


def test_setup_puts_the_step_into_vicidials_trunk(folder: Path, tmp_path: Path) -> None:
    """Where the trunk's context is named, the step comes before VICIdial's script, as in the example."""
    example = section("VICIdial", "extensions.conf", PAGE)
    (tmp_path / "extensions.conf").write_text(
        "[trunkinbound]\nexten => _X.,1,AGI(agi-DID_route.agi)\nexten => _X.,n,Hangup()\n"
        "[default]\nexten => _X.,1,Hangup()\n"
    )
    (change,), by_hand = edited_dialplan(tmp_path, load(folder / "informativa.yaml"), "trunkinbound")
    assert by_hand == []
    assert change.after.startswith(
        f"[trunkinbound]\nexten => _X.,1,{STEP}\n same => n,AGI(agi-DID_route.agi)\nexten => _X.,n,Hangup()\n"
        "[default]\nexten => _X.,1,Hangup()\n"
    )
    assert f"exten => _X.,1,{STEP}\n" in example
