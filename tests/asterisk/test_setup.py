"""Setup on a real Asterisk: from a dialplan that never heard of informativa to a caller who hears the notice,
and back."""

from __future__ import annotations

import os
import pwd
import re
import shlex
import threading
from pathlib import Path

import pytest

from commands import run
from informativa.model import NumberForm
from informativa.operations.setup import number_form
from informativa.operations.setup.machine import find
from informativa.system import shipped
from informativa.system.processes import CommandOutput, run_command
from lab import audio
from lab.office import without_masters
from lab.pbx import Pbx
from lab.phone import Phone
from lab.ports import free_port
from lab.process import Child

EXTENSIONS = """\
[from-lab]
exten => 0212345678,1,Answer()
 same => n,Hangup()
exten => h,1,UserEvent(Over,Status:${INFORMATIVA_STATUS},Reason:${INFORMATIVA_REASON})
"""
ANSWERS = "[from-lab]\nexten => _X.,1,Answer()\n same => n,Wait(60)\n"


@pytest.fixture
def programs(pbx: Pbx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The programs that setup calls: this Asterisk's console, and a systemctl that only writes down what it
    is asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    asked = folder / "asked"
    scripts = {
        "asterisk": f'HOME={pbx.folder} exec {shlex.join(pbx.build.asterisk)} "$@"',
        "systemctl": f'echo "$@" >> {asked}',
    }
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return asked


def started(unit: Path, log: Path, port: int) -> Child:
    """Start what a unit of systemd starts, and wait until it listens."""
    command = re.search(r"^ExecStart=(.+)$", unit.read_text(), re.MULTILINE)
    assert command
    child = Child(shlex.split(command[1]), cwd=unit.parent, output=log)
    while f"agi://127.0.0.1:{port}" not in log.read_text():
        assert not child.wait(0.05), log.read_text()
    return child


def test_setup_notice_and_undo(
    pbx: Pbx,
    programs: Path,
    tmp_path: Path,
    short_prompts: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One command, and a caller hears the notice; another, and the dialplan is as before, the service gone:
    what stays is the configuration whose ledger has the call."""
    without_masters(short_prompts)
    original = shipped.folder
    monkeypatch.setattr(
        shipped, "folder", lambda name: short_prompts if name == "prompts" else original(name)
    )
    pbx.reload_dialplan(EXTENSIONS)
    pbx.forget_events()
    asterisk_files = sorted(file.name for file in pbx.etc.iterdir())
    etc, units, port = tmp_path / "etc", tmp_path / "units", free_port()
    units.mkdir()
    words = [
        *("setup", etc, "--to", pbx.etc, "--units", units, "--listen", f"127.0.0.1:{port}"),
        *("--company", "Acme", "--number", "+390212345678", "--yes"),
        *("--user", pwd.getpwuid(os.geteuid()).pw_name),
    ]
    done = run(*words)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert programs.read_text() == "daemon-reload\nenable --now informativa\n"
    service = started(units / "informativa.service", tmp_path / "service.log", port)
    try:
        with Phone(pbx) as phone:
            call = phone.dial("0212345678", "+393331234567")
            call.wait_ended(60)
            event = pbx.wait_event(lambda event: event.get("UserEvent") == "Over")
            assert (event["Status"], event["Reason"]) == ("PLAYED", "not-informed")
            notice = (
                audio.read_wav(etc / "prompts/it/short-nokey.wav"),
                audio.read_wav(etc / "prompts/it/short.wav"),
            )
            assert [len(audio.find(sound, call.played)) for sound in notice] == [0, 1]
        again = run(*words)
        assert (again.returncode, again.stdout.splitlines()[-1][:23]) == (0, "Nothing is left to do: "), again
    finally:
        service.end()
    undone = run("setup", etc, "--undo", "--yes")
    assert (undone.returncode, undone.stderr) == (0, ""), undone.stdout
    assert f"Stays: {etc}: the ledger of acme holds records of calls" in undone.stdout
    assert programs.read_text().splitlines()[2:] == ["disable --now informativa", "daemon-reload"]
    assert (pbx.etc / "extensions.conf").read_text() == EXTENSIONS
    assert sorted(file.name for file in pbx.etc.iterdir()) == asterisk_files
    assert list(units.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "etc", "service.log", "units"]
    assert "informativa" not in pbx.cli("dialplan show 0212345678@from-lab")


@pytest.mark.parametrize(
    ("number", "form"),
    [("3331234567", NumberForm.NATIONAL), ("393331234567", NumberForm.INTERNATIONAL)],
)
def test_form_is_learned_from_a_call(pbx: Pbx, programs: Path, number: str, form: NumberForm) -> None:
    """The first call that comes in while setup waits says how the trunk writes numbers; one that was up
    before does not."""
    assert programs.parent.is_dir()
    pbx.reload_dialplan(ANSWERS)
    machine = find(pbx.etc)
    looked, learned = threading.Event(), []

    def execute(words: object) -> CommandOutput:
        result = run_command(words)  # type: ignore[arg-type]
        looked.set()
        return result

    with Phone(pbx) as phone:
        phone.dial("0212345678", "+393339999999").wait_answered()
        waiting = threading.Thread(
            target=lambda: learned.append(number_form.learn(machine, "IT", 60, execute)), daemon=True
        )
        waiting.start()
        assert looked.wait(60)
        phone.dial("0212345678", number)
        waiting.join(60)
    assert learned == [form]
