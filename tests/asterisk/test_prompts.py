"""Prompts that the admin's commands made, as Asterisk plays them."""

from __future__ import annotations

import importlib.util
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from lab import audio
from lab.office import BIN

from .originating import originate
from .site import Site

FORMATS = ("alaw", "ulaw", "gsm", "sln16")
RATES = {"wav": 8000, "sln16": 16000}


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
        outcome = site.call(number=f"+3933300000{number:02}")
        assert (name, outcome.status) == (name, "PLAYED")
        assert outcome.heard == site.heard_whole("it/short", "after"), name
        heard = site.office.records()[-1].event.heard
        assert (heard.ending, heard.seconds) == ("whole", pytest.approx(1.5, abs=0.03)), name


def with_master(site: Site, folder: Path, seconds: float = 8.0) -> None:
    """Put the first seconds of the shipped Italian notice, which has 17, into the configuration, its master
    at 16 kHz beside the `.wav`."""
    site.office.command("init", folder)
    telephone, master = (site.office.folder / f"prompts/it/short.{extension}" for extension in RATES)
    sound = audio.read_wav(folder / "prompts/it/short.wav")
    audio.write_wav(telephone, sound[: int(seconds * RATES["wav"])])
    wide = (folder / "prompts/it/short.sln16").read_bytes()
    master.write_bytes(wide[: 2 * int(seconds * RATES["sln16"])])  # samples of 16 bits
    site.configure(('version: "2026-11"', 'version: "2026-12"'))


@pytest.mark.sample(1)
@pytest.mark.parametrize("codec", ["slin", "slin16", "g722"])
def test_wideband_channel_hears_the_master_whole(site: Site, codec: str, tmp_path: Path) -> None:
    """Whichever of the two files Asterisk chooses for a channel, its end is the end of the notice."""
    with_master(site, tmp_path / "shipped", seconds=1.5)
    site.pbx.forget_events()
    originate(site, "wide", Codecs=codec, Data="40")
    ended = site.pbx.wait_event(lambda event: event.get("UserEvent") == "Over", 60)
    assert ended["Status"] == "PLAYED"
    heard = site.office.records()[-1].event.heard
    assert (heard.ending, heard.seconds) == ("whole", pytest.approx(1.5, abs=0.1))


def test_hang_up_beside_a_master(site: Site, tmp_path: Path) -> None:
    """Asterisk reports samples of a file that it does not name: the seconds are those that passed."""
    with_master(site, tmp_path / "shipped")
    call = site.dial()
    call.wait_heard(4.0, 30)
    call.hang_up()
    assert site.over(call).status == "PARTIAL"
    heard = site.office.records()[-1].event.heard
    assert (heard.ending, 3.9 <= heard.seconds < 6.5) == ("hung-up", True), heard


@pytest.mark.night
@pytest.mark.parametrize(("codec", "rate"), [("slin", 8000), ("slin16", 16000)])
def test_hang_up_on_a_wideband_channel(site: Site, codec: str, rate: int, tmp_path: Path) -> None:
    """The position in a master is told in seconds, and not taken for twice the time."""
    with_master(site, tmp_path / "shipped")
    site.pbx.forget_events()
    originate(site, "wide", Codecs=codec, Data="5")  # and then the caller hangs up
    ended = site.pbx.wait_event(lambda event: event.get("UserEvent") == "Over", 60)
    assert ended["Status"] == "PARTIAL"
    heard = site.office.records()[-1].event.heard
    assert (heard.rate, 3.0 <= heard.seconds < 7.0) == (rate, True), heard


@pytest.mark.skipif(not importlib.util.find_spec("py_nanotts"), reason="the extra `speech` is not installed")
@pytest.mark.night
def test_built_notice_in_all_formats(site: Site, tmp_path: Path) -> None:
    """What `build` spoke and `install` laid out passes `check`, and is heard whole over A-law."""
    command(site, "texts", tmp_path / "texts")
    for part in ("short", "full"):
        (tmp_path / f"texts/it/{part}.txt").write_text("{company} usa i Suoi dati. Premere {key}.\n")
    (tmp_path / "texts/it/short-nokey.txt").write_text("{company} usa i Suoi dati.\n")
    arguments = ("--controller", "acme", "--version", "2027-01", "--texts", tmp_path / "texts")
    output = command(site, "build", *arguments)
    base = "prompts/acme/privacy-2027-01/it/short"
    lines = output[output.index('          - version: "2027-01"') : output.index("material: leave")]
    site.configure(("\n  borealis:", f"\n{lines}\n  borealis:"), ("material: false", "material: true"))
    command(site, "install")
    formats = sorted(file.suffix[1:] for file in (site.office.folder / base).parent.glob("short.*"))
    assert formats == sorted(["txt", "wav", *FORMATS])
    assert "privacy notice (privacy) 2027-01 in it" in site.office.command("check", "-c", site.office.config)
    site.configure()
    site.prompts["built"] = audio.read_wav(site.office.folder / f"{base}.wav")
    outcome = site.call()
    assert outcome.status == "PLAYED"
    assert outcome.heard == site.heard_whole("built", "after")
    assert site.office.records()[-1].event.version == "2027-01"
