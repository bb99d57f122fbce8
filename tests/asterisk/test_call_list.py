"""Asterisk's own list of calls beside the ledger: `informativa evidence compare`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import run
from lab import audio, builds, conf
from lab.office import Office
from lab.pbx import Pbx
from lab.process import until

from .site import EXTENSIONS, SECONDS, Site

_MISTAKE = """\
[from-lab]
exten => 00390212345678,1,Answer()
 same => n,Playback(%(after)s)
 same => n,Wait(2)
 same => n,UserEvent(Over,Status:,Reason:,Record:)
 same => n,Hangup()
"""
"""An extension, of one spelling of a line, that does not lead its calls to informativa."""


@pytest.fixture(params=["ids", "no ids"])
def site(
    request: pytest.FixtureRequest,
    build: builds.Build,
    sounds: dict[str, Path],
    tmp_path: Path,
) -> Iterator[Site]:
    """A PBX that writes Master.csv in GMT, with the ids of calls or without, and informativa beside it."""
    unique = "yes" if request.param == "ids" else "no"
    files = {
        "cdr.conf": f"[general]\nenable = yes\n[csv]\nusegmtime = yes\nloguniqueid = {unique}\n",
        "modules.conf": conf.modules(build, ["cdr_csv.so"]),
    }
    with Pbx(build, tmp_path / "pbx", "[from-lab]\n", extra_files=files) as pbx:
        (pbx.log.parent / "cdr-csv").mkdir()
        office = Office(tmp_path / "etc", {f"{name}.wav": sounds[name] for name in SECONDS})
        running = Site(pbx, office, {name: audio.read_wav(file) for name, file in sounds.items()})
        office.start()
        after = str(sounds["after"]).removesuffix(".wav")
        extensions = EXTENSIONS.replace("[from-lab]\n", _MISTAKE)
        pbx.reload_dialplan(extensions % {"after": after, "informativa": office.dialplan()})
        yield running
        running.close()


@pytest.mark.sample(1)
def test_call_that_was_kept_from_the_ledger(site: Site, request: pytest.FixtureRequest) -> None:
    """Of the calls that Asterisk lists, the one that its dialplan led past informativa is named, and no
    other: one that heard the notice, one that knew it, one that hung up in it, one to no line."""
    site.call()
    site.call("+390212345678")
    call = site.dial(number="+393331234568")
    call.wait_heard(0.3, 30)
    call.hang_up()
    site.over(call)
    site.call("0299999999")
    site.call("00390212345678")
    master = site.pbx.log.parent / "cdr-csv/Master.csv"
    until(lambda: master.exists() and master.read_text().count("\n") == 5, 30, master.read_text)
    words = (
        "evidence",
        "compare",
        "--calls",
        master,
        "-c",
        site.office.folder / "informativa.yaml",
        "--json",
    )
    with_ids = "no ids" not in request.node.name
    ran = run(*words, *([] if with_ids else ["--zone", "UTC"]))
    result = json.loads(ran.stdout)
    columns = master.read_text().splitlines()[4].split(",")
    assert ran.returncode == 3
    assert (result["on_lines"], result["elsewhere"], result["without_call"]) == (4, 1, 0)
    assert result["by_id" if with_ids else "by_time"] == 3
    assert result["without_id"] == (0 if with_ids else 4)
    (call,) = result["calls_without_record"]
    assert (call["row"], call["line"]) == (5, "+390212345678")
    assert call["call"] == (columns[16].strip('"') if with_ids else None)
    assert "393331234" not in ran.stdout.replace("+390212345678", "")  # five digits may be of a call's id
    assert site.pbx.warnings() == []
