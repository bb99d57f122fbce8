"""Prompts that the admin's commands made, as Asterisk plays them."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from lab import audio
from lab.office import BIN

from .site import Site

pytestmark = pytest.mark.skipif(not shutil.which("sox"), reason="sox is not on this machine")
FORMATS = ("alaw", "ulaw", "gsm", "sln16", "g722")


def command(site: Site, *arguments: str | Path) -> str:
    """Run an `informativa prompts` command where the lab's Asterisk is what `asterisk` runs; its output."""
    program = site.pbx.folder / "bin" / "asterisk"
    program.parent.mkdir(exist_ok=True)
    console = [*site.pbx.build.asterisk, "-C", str(site.pbx.etc / "asterisk.conf")]
    program.write_text(f'#!/bin/sh\nexec {shlex.join(console)} "$@"\n')
    program.chmod(0o755)
    ran = subprocess.run(
        [BIN / "informativa", "prompts", *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env=os.environ
        | {"PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": str(site.pbx.folder)}
        | {"INFORMATIVA_CONFIG": str(site.office.config)},
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_every_format_is_heard_whole(site: Site) -> None:
    """A prompt in any one of the formats that `install` makes is heard whole, and recorded as such."""
    command(site, "install")
    folder = site.office.folder / "prompts/it"
    made = {name: (folder / f"short.{name}").read_bytes() for name in FORMATS}
    for number, name in enumerate(FORMATS):
        for file in folder.glob("short.*"):
            file.unlink()
        (folder / f"short.{name}").write_bytes(made[name])
        site.configure()
        told = site.call(number=f"+3933300000{number:02}")
        assert (name, told.status) == (name, "PLAYED")
        assert told.heard == site.whole("it/short", "after"), name
        heard = site.office.records()[-1].event.heard
        assert (heard.ending, heard.seconds) == ("whole", pytest.approx(1.5, abs=0.03)), name


@pytest.mark.skipif(not importlib.util.find_spec("py_nanotts"), reason="the extra `speech` is not installed")
@pytest.mark.night
def test_built_notice_in_all_formats(site: Site, tmp_path: Path) -> None:
    """What `build` spoke and `install` laid out passes `check`, and is heard whole over A-law."""
    command(site, "texts", tmp_path / "texts")
    for part in ("short", "full"):
        (tmp_path / f"texts/it/{part}.txt").write_text("{company} usa i Suoi dati. Premere {key}.\n")
    (tmp_path / "texts/it/short-nokey.txt").write_text("{company} usa i Suoi dati.\n")
    arguments = ("--controller", "acme", "--version", "2027-01", "--texts", tmp_path / "texts")
    said = command(site, "build", *arguments)
    base = "prompts/acme/privacy-2027-01/it/short"
    lines = said[said.index('          - version: "2027-01"') : said.index("material: leave")]
    site.configure(("\n  borealis:", f"\n{lines}\n  borealis:"), ("material: false", "material: true"))
    command(site, "install")
    there = sorted(file.suffix[1:] for file in (site.office.folder / base).parent.glob("short.*"))
    assert there == sorted(["txt", "wav", *FORMATS])
    assert "privacy notice (privacy) 2027-01 in it" in site.office.command("check", "-c", site.office.config)
    site.configure()
    site.prompts["built"] = audio.read_wav(site.office.folder / f"{base}.wav")
    told = site.call()
    assert told.status == "PLAYED"
    assert told.heard == site.whole("built", "after")
    assert site.office.records()[-1].event.version == "2027-01"
