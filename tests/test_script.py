"""The classic AGI script as Asterisk starts it: a process with two pipes."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agi_script import SCRIPT, Script, events, play_nothing, variables
from informativa.config import load
from informativa.process import storage
from informativa.process.preparation import verify_recordings
from informativa.process.script_limit import RUNNING, STARTING, ScriptLimit
from lab.office import without_masters


@pytest.fixture
def start(folder: Path) -> Iterator:
    """Starts the script on the example configuration; ends it when the test is over."""
    scripts: list[Script] = []

    def start(config: Path | None = None, **more) -> Script:
        scripts.append(Script(config or folder / "informativa.yaml", **more))
        return scripts[-1]

    yield start
    for script in scripts:
        if script.process.poll() is None:
            script.process.kill()
        script.process.communicate()


def test_unplayable_notice_and_silent_standard_error(start, folder: Path) -> None:
    """I5: the script says what it must to Asterisk and nothing else anywhere; the attempt is on record."""
    script = start(name=b'Mario "il re" \\ \xe8')
    play_nothing(script, folder)
    assert script.end() == (0, "")
    (event,) = events(folder)
    assert event.status == "FAILED"


def test_a_call_loads_no_more_than_it_needs(start, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each caller waits for what a script loads: nothing that signs, translates, copies or reads archives."""
    configuration = load(folder / "informativa.yaml", keep=True)
    storage.store(configuration.controllers["acme"]).close()  # the first call of all writes the log's rule
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    script = start()
    play_nothing(script, folder)
    _, err = script.end()
    loaded = {line.rpartition("|")[2].strip() for line in err.splitlines()}
    assert "informativa.ledgers.sqlite" in loaded
    assert not loaded & {"cryptography", "gettext", "importlib.resources", "shutil", "zipfile"}
    assert not loaded & {"asyncio", "ctypes", "difflib", "phonenumbers", "pydantic", "rich", "typer", "yaml"}
    assert not loaded & {"informativa.model.choices", "informativa.model.countries"}


@pytest.mark.shipped_prompts
def test_hang_up_during_the_notice_is_recorded(start, folder: Path) -> None:
    """SIGHUP, which Asterisk sends at a hang-up, does not end the script before its record is safe."""
    without_masters(folder / "prompts")  # so that 20,000 samples can mean 2.5 s alone
    script = start()
    script.expect("ANSWER")
    script.say("200 result=0\n")
    script.expect(f'STREAM FILE "{folder}/prompts/it/short" "1" "0"')
    script.process.send_signal(signal.SIGHUP)
    script.say("200 result=-1 endpos=20000\n")
    script.expect("CHANNEL STATUS")
    script.say("200 result=6\n")
    script.expect(variables("2", "hung-up", "PARTIAL"))
    script.say("200 result=0\n")
    assert script.end() == (0, "")
    (event,) = events(folder)
    assert event.heard is not None
    assert (event.heard.ending, event.heard.seconds) == ("hung-up", 2.5)


def test_end_of_file_during_the_notice_is_recorded(start, folder: Path) -> None:
    """When Asterisk goes away meanwhile, the attempt is on record and the script ends by itself."""
    script = start()
    script.expect("ANSWER")
    script.process.stdin.close()
    script.process.stdin = None
    code, error = script.end()
    assert (code, error) == (1, "")
    (event,) = events(folder)
    assert event.heard is not None
    assert event.heard.ending == "connection-lost"


def test_i2_recording_that_changed_is_refused_by_the_script(start, folder: Path) -> None:
    """I2: with no service running, the ledger knows what callers were served; another is not played."""
    prompt = folder / "prompts/it/short.wav"
    verify_recordings(load(folder / "informativa.yaml"), keep=True)
    right = prompt.read_bytes()
    prompt.write_bytes(right[:44] + bytes(len(right) - 44))
    script = start()
    script.expect(variables("2", "recording-changed", "FAILED"))
    script.say("200 result=0\n")
    assert f"{prompt} is not the recording any more" in script.hear()
    script.say("200 result=1\n")
    assert script.end() == (0, "")
    (event,) = events(folder)
    assert (event.status, event.recording) == ("FAILED", "")


def test_script_puts_the_sound_on_record(start, folder: Path) -> None:
    """The digest of what was played, begun or whole, is in the record."""
    script = start()
    script.expect("ANSWER")
    script.say("200 result=0\n")
    script.expect(f'STREAM FILE "{folder}/prompts/it/short" "1" "0"')
    script.say("200 result=-1 endpos=20000\nHANGUP\n")
    script.expect("CHANNEL STATUS")
    script.say("511 Command Not Permitted on a dead channel or intercept routine\n")
    script.expect(variables("2", "hung-up", "PARTIAL"))
    script.say("200 result=0\n")
    assert script.end() == (0, "")
    (event,) = events(folder)
    file = hashlib.sha256((folder / "prompts/it/short.wav").read_bytes()).hexdigest()
    assert event.recording == hashlib.sha256(f'{{"wav":"{file}"}}'.encode()).hexdigest()


def test_i4_script_that_hangs_ends_itself(folder: Path) -> None:
    """I4: where nothing is done for the call for a second, SIGALRM ends the process, and Asterisk goes on;
    what Asterisk takes its time for is not counted."""
    hanging = """
import sys, time
from informativa.process import bootstrap, script
from informativa.asterisk import script_session
from informativa.process.script_limit import ScriptLimit
script_session.THINKING_SECONDS = 1
bootstrap.for_script = lambda configuration: time.sleep(60)
sys.exit(script.run(sys.argv[1], ScriptLimit()))
"""
    ran = subprocess.run(
        [sys.executable, "-c", hanging, folder / "informativa.yaml"],
        input=b"agi_request: x\nagi_uniqueid: 1.1\nagi_callerid: +393331234567\nagi_callingpres: 0\n"
        b"agi_threadid: 1\nagi_arg_1: 0212345678\n\n",
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (-signal.SIGALRM, b"", b"")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "there is no such file"),
        ("controllers: {}\n", "lines: is missing"),
    ],
)
def test_configuration_that_cannot_be_used_is_told_on_the_console(
    start, tmp_path, content, expected: str
) -> None:
    """Without a usable configuration the script says why to Asterisk, sets no status and fails."""
    file = tmp_path / "other.yaml"
    if content is not None:
        file.write_text(content)
    script = start(file)
    lines = []
    while (line := script.hear()).startswith("VERBOSE"):
        lines.append(line)
        script.say("200 result=1\n")
    assert line == ""
    assert any(expected in line for line in lines), lines
    assert script.end() == (1, "")


def test_i8_no_channel_names_the_configuration(start, folder: Path, tmp_path: Path) -> None:
    """I8: an option `config` leads the script nowhere; as any that is not ours it makes the call ambiguous,
    so the notice is played, and what the options ask for is not done."""
    (tmp_path / "evil.yaml").write_text("controllers: {}\n")
    script = start(agi_arg_2=f"config={tmp_path}/evil.yaml", agi_arg_3="action=read")
    play_nothing(script, folder)
    assert script.end() == (0, "")
    (event,) = events(folder)
    assert (event.reason, event.pseudonym) == ("ambiguous", None)


def test_configuration_of_its_own_environment(folder: Path) -> None:
    """Started by its installed name, the script takes the configuration that its environment names."""
    environment = os.environ | {"INFORMATIVA_CONFIG": str(folder / "other.yaml")}
    with subprocess.Popen(
        [SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"agi_request: informativa-agi\nagi_uniqueid: 1700000000.1\nagi_threadid: 1\n\n")
        process.stdin.flush()
        assert f"{folder}/other.yaml: there is no such file" in process.stdout.readline().decode()


def test_mistake_elsewhere_does_not_stop_a_call(start, folder: Path) -> None:
    """A call is answered although another company's part of the configuration has mistakes of any kind."""
    file = folder / "informativa.yaml"
    (folder / "prompts/de/short.wav").unlink()
    (folder / "keys/borealis.key").chmod(0o644)
    file.write_text(file.read_text().replace("region: DE", "region: germany"))
    script = start(file)
    assert script.hear() == "ANSWER"


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: Acme S.p.A.", "name: Acme S.p.A.\n    retention: ever"),
        ("    region: IT", "    regione: IT"),
        ("notice: privacy\n        when", "notice: none\n        when"),
        ("shared_numbers: [", "shared_numbers: 1 # ["),
        ("operator:", "operatore:"),
        ('"+493012345678":', '"0212345678":'),
        ("ledger/borealis.sqlite3", "ledger/acme.sqlite3"),
    ],
)
def test_mistake_that_concerns_the_call_stops_it(start, folder: Path, old: str, new: str) -> None:
    """Its company, its line, a line that claims its number, and what counts for all lines are in order, or
    the script gives the call back."""
    file = folder / "informativa.yaml"
    text = file.read_text().replace("# shared_numbers:", "shared_numbers:")
    assert old in text
    file.write_text(text.replace(old, new, 1))
    script = start(file)
    while (line := script.hear()).startswith("VERBOSE"):
        script.say("200 result=1\n")
    assert (line, script.end()) == ("", (1, ""))


LOOKING = f"""#!/bin/sh
'''exec' "{sys.executable}" "$0" "$@"
' '''
import os, sys
seen = os.open(sys.argv[0] + ".seen", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def note(path):
    if isinstance(path, (str, os.PathLike)):
        os.write(seen, os.fsencode(path) + b"\\n")
def hook(event, arguments):
    if event in {{"open", "os.listdir", "os.scandir"}}:
        note(arguments[0])
sys.addaudithook(hook)
stat = os.stat
def noted(path, *arguments, **named):
    note(path)
    return stat(path, *arguments, **named)
os.stat = noted
from informativa.cli.agi import main
main()
"""
"""The script, which writes down every path at which it looks; a shell starts Python below a blank, too."""


@pytest.mark.sample(1)
@pytest.mark.parametrize("keep", [True, False], ids=["parsed before", "parsed anew"])
def test_i10_script_looks_at_no_file_of_another_company(start, folder: Path, keep: bool) -> None:
    """I10: a call of borealis reads borealis's key and prompts, and takes its place beside borealis's ledger
    where none can be had beside the configuration; nothing of acme is even looked at, where it may hang."""
    file, program = folder / "informativa.yaml", folder / "looking"
    (folder / ".informativa.yaml.scripts").mkdir()
    load(file, keep=keep)
    program.write_text(LOOKING)
    program.chmod(0o755)
    script = start(file, program=program, agi_arg_1="+493012345678")
    script.expect("ANSWER")
    paths = (folder / "informativa.yaml.agi.seen").read_text().splitlines()
    assert str(folder / "keys/borealis.key") in paths
    assert str(folder / "prompts/de/short.wav") in paths
    assert str(folder / "ledger/.borealis.sqlite3.scripts") in paths
    acmes = ("keys/acme", "ledger/acme", "ledger/.acme", "prompts/it", "prompts/en")
    assert [path for path in paths if path.removeprefix(f"{folder}/").startswith(acmes)] == []


def test_started_by_hand() -> None:
    """Somebody who starts the script in a shell is told in one sentence what it is for."""
    ran = subprocess.run([SCRIPT], input=b"", capture_output=True, timeout=60, check=False)
    assert ran.returncode == 1
    assert ran.stdout == b""
    assert b"AGI" in ran.stderr
    assert b"Traceback" not in ran.stderr


@contextlib.contextmanager
def taken(file: Path, first: int, count: int) -> Iterator[None]:
    """Take so many places as others would: a script's locks are its process's, and these are ours."""
    with file.open("r+b") as opened:
        fcntl.lockf(opened, fcntl.LOCK_EX | fcntl.LOCK_NB, count, first)
        yield


def crowded(script: Script) -> None:
    """It says that it is one too many, and nothing else."""
    output = script.hear()
    assert output.startswith('VERBOSE "informativa-agi: ')
    assert "too many scripts run at once" in output.lower()
    with contextlib.suppress(BrokenPipeError):  # one that gave up early does not listen
        script.say("200 result=1\n")
    assert script.end() == (1, "")


def started(start) -> Script:
    """A script that began its call, and stands still: one that gets no answer would end, soon enough to give
    its place to another."""
    script = start()
    script.expect("ANSWER")
    script.process.send_signal(signal.SIGSTOP)
    return script


def places(folder: Path) -> Path:
    """Return where scripts take their places, made by the first."""
    assert ScriptLimit().admits(str(folder / "informativa.yaml"))
    return folder / ".informativa.yaml.scripts"


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("first", "count"), [(0, STARTING), (STARTING, RUNNING)], ids=["starting", "running"]
)
def test_i4_script_that_is_one_too_many_gives_up_at_once(start, folder: Path, first: int, count: int) -> None:
    """I4: with all places taken a script says so on the console, sets no status, so that the dialplan plays,
    and does not even look for its configuration; with one of them free it serves."""
    file = places(folder)
    (folder / "informativa.yaml").rename(folder / "elsewhere.yaml")
    with taken(file, first, count):
        crowded(start())
    (folder / "elsewhere.yaml").rename(folder / "informativa.yaml")
    with taken(file, first, count - 1):
        start().expect("ANSWER")


def test_script_that_began_its_call_lets_others_start(start, folder: Path) -> None:
    """Only what starts is counted among those that start; the place of one that died is free."""
    file = places(folder)
    with taken(file, 0, STARTING - 1), taken(file, STARTING, RUNNING - 2):
        other = started(start)
        started(start)
        crowded(start())
        other.process.kill()
        other.process.wait()
        start().expect("ANSWER")


def test_i4_scripts_are_counted_beside_the_ledger_where_none_may_write_beside_the_configuration(
    start, folder: Path
) -> None:
    """I4: a configuration in a folder that is root's leaves the scripts their ledger's folder."""
    (folder / ".informativa.yaml.scripts").mkdir()  # in the way, for root too
    script = start()
    script.expect("ANSWER")
    file = folder / "ledger/.acme.sqlite3.scripts"
    assert file.stat().st_mode & 0o777 == 0o600
    with taken(file, 0, STARTING):
        crowded(start())


def test_i4_scripts_that_cannot_be_counted_serve(start, folder: Path) -> None:
    """I4: where no such file can be made, and where another lies in its place, calls are served as ever."""
    (folder / ".informativa.yaml.scripts").symlink_to(folder / "informativa.yaml")
    (folder / "ledger/.acme.sqlite3.scripts").mkdir()
    start().expect("ANSWER")
