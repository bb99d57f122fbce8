"""Dialplans in AEL, in Lua and in a database: the shipped snippets, read and rung."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import audio
from lab.builds import Build
from lab.office import Office
from lab.pbx import Pbx

from .site import SECONDS, Site

OTHER = Path(__file__).resolve().parents[2] / "dialplan/other"
OVER = (
    "UserEvent(Over,Status:${INFORMATIVA_STATUS},Reason:${INFORMATIVA_REASON},Record:${INFORMATIVA_RECORD})"
)
TRUNK = "[from-lab]\nexten => _[+0-9].,1,Goto(from-trunk,${EXTEN},1)\n"
DOORS = {
    "ael": ("extensions.ael", ("res_ael_share.so", "pbx_ael.so")),
    "lua": ("extensions.lua", ("pbx_lua.so",)),
    "realtime": ("realtime.sql", ("res_config_sqlite3.so", "pbx_realtime.so")),
}


def snippet(name: str, after: str) -> str:
    """The snippet as shipped, but for a sound in place of the queue, and the end of the call told to the
    test."""
    text = (OTHER / name).read_text()
    if name.endswith(".lua"):
        step = 'app.userevent("Over,Status:" .. channel.INFORMATIVA_STATUS:get() .. ",Reason:" .. '
        step += 'channel.INFORMATIVA_REASON:get() .. ",Record:" .. channel.INFORMATIVA_RECORD:get())'
        before, _, last = text.rpartition(
            'app.noop("notice: " .. tostring(channel.INFORMATIVA_STATUS:get()))'
        )
        return (before + step + last).replace('app.queue("customer-care")', f'app.playback("{after}")')
    if name.endswith(".sql"):
        text = text.replace("'Queue', 'customer-care'", f"'Playback', '{after}'")
        application, data = OVER.rstrip(")").split("(", 1)
        return re.sub(
            r"('h', 1, )'NoOp', '[^']*'", lambda match: f"{match[1]}'{application}', '{data}'", text
        )
    before, _, last = text.replace("Queue(customer-care)", f"Playback({after})").rpartition("NoOp(")
    return before + OVER + last[last.index(")") + 1 :]


def in_comment(name: str, mark: str) -> str:
    """Return what a snippet says that stands in extensions.conf."""
    lines = re.findall(rf"^{mark}     ?(.*)$|^{mark}()$", (OTHER / name).read_text(), re.M)
    return "\n".join(line for line, _ in lines) + "\n"


@pytest.fixture(params=DOORS)
def door(
    request: pytest.FixtureRequest, build: Build, sounds: dict[str, Path], tmp_path: Path
) -> Iterator[Site]:
    """A PBX whose calls come in by one of them, and informativa beside it."""
    file, modules = DOORS[request.param]
    office = Office(tmp_path / "etc", {f"{name}.wav": sounds[name] for name in SECONDS})
    text = snippet(file, str(sounds["after"]).removesuffix(".wav"))
    extensions, extra = TRUNK, {file: text, "informativa.conf": office.dialplan()}
    if request.param == "realtime":
        database = tmp_path / "dialplan.sqlite3"
        with sqlite3.connect(database) as connection:
            connection.executescript(text)
        connection.close()
        extra["extconfig.conf"] = "[settings]\nextensions => sqlite3,dialplan,extensions\n"
        extra["res_config_sqlite3.conf"] = f"[dialplan]\ndbfile => {database}\n"
        extensions += in_comment(file, "--")
    elif request.param == "lua":
        extensions += in_comment(file, "--").replace(
            "NoOp(notice: ${INFORMATIVA_STATUS} ${INFORMATIVA_REASON} ${INFORMATIVA_RECORD})", OVER
        )
    else:
        extensions += "#tryinclude informativa.conf\n"
    with Pbx(build, tmp_path / "pbx", extensions, extra_files=extra) as pbx:
        for module in modules:
            pbx.cli(f"module load {module}")
        prompts = {name: audio.read_wav(sound) for name, sound in sounds.items()}
        site = Site(pbx, office, prompts)
        office.start()
        yield site
        site.close()


@pytest.mark.sample(1)
def test_notice_comes_first_and_once(door: Site) -> None:
    """A new caller hears the notice and then what comes after it; the second time only that."""
    outcome = door.call("+390212345678")
    assert (outcome.status, outcome.reason, outcome.record, list(outcome.heard)) == (
        "PLAYED",
        "not-informed",
        "2",
        ["it/short", "after"],
    )
    outcome = door.call("+390212345678")
    assert (outcome.status, list(outcome.heard)) == ("NOTDUE", ["after"])
    meant = "call to GosubIf affects flow of control"  # which AEL says of each, as the snippet tells
    assert [warning for warning in door.pbx.warnings() if meant not in warning] == []


@pytest.mark.sample(1)
def test_hang_up_during_the_notice(door: Site) -> None:
    """Who hangs up in the notice ends in the `h` of the caller's own dialplan, and was not told."""
    outcome = door.hang_up_early("+390212345678")
    assert (outcome.status, outcome.reason) == ("PARTIAL", "hung-up")


@pytest.mark.sample(1)
def test_without_our_file_the_call_goes_on(door: Site) -> None:
    """Where informativa.conf is missing the call reaches what comes after the notice."""
    (door.pbx.etc / "informativa.conf").unlink()
    door.pbx.cli("dialplan reload")
    call = door.dial("+390212345678")
    call.wait_ended(60)
    assert door.heard(call, "after") != []
    assert door.heard(call, "it/short") == []
