"""The classic AGI script as Asterisk starts it: a process with two pipes."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Event

SCRIPT = Path(sys.executable).with_name("informativa-agi")
NUMBER = "3331234567"


class Script:
    """The running script, and our side of its pipes."""

    def __init__(
        self, config: Path, *, number: str = f"+39{NUMBER}", name: bytes = b"Mario", **more: str
    ) -> None:
        self.process = subprocess.Popen(
            [SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        environment = {
            "agi_request": "informativa-agi",
            "agi_uniqueid": "1700000000.1",
            "agi_callerid": number,
            "agi_calleridname": name.decode("latin-1"),
            "agi_callingpres": "0",
            "agi_threadid": "1",
            "agi_arg_1": "0212345678",
            "agi_arg_2": f"config={config}",
        } | more
        self.say("".join(f"{name}: {value}\n" for name, value in environment.items()) + "\n")

    def say(self, text: str) -> None:
        """Send what Asterisk would."""
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode("latin-1"))
        self.process.stdin.flush()

    def hear(self) -> str:
        """The next line from the script, '' at its end."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode().rstrip("\n")

    def expect(self, *lines: str) -> None:
        """The script says exactly these lines."""
        assert [self.hear() for _ in lines] == list(lines)

    def end(self) -> tuple[int, str]:
        """Exit code, and what went to standard error."""
        out, err = self.process.communicate(timeout=30)
        assert out == b""
        return self.process.returncode, err.decode()


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


def events(folder: Path) -> list[Event]:
    """What the first company's ledger holds."""
    store = SqliteStore(str(folder / "ledger/acme.sqlite3"))
    try:
        return [record.event for record in store.records()]
    finally:
        store.close()


def variables(record: str, reason: str, status: str) -> str:
    """The command that ends every call."""
    values = "__INFORMATIVA_HEARD=,"
    values += f"INFORMATIVA_RECORD={record},INFORMATIVA_REASON={reason},INFORMATIVA_STATUS={status}"
    return f'EXEC "MSet" "{values}"'


def test_unplayable_notice_and_silent_standard_error(start, folder: Path) -> None:
    """I5: the script says what it must to Asterisk and nothing else anywhere; the attempt is on record."""
    script = start(name=b'Mario "il re" \\ \xe8')
    script.expect("ANSWER")
    script.say("200 result=0\n")
    script.expect(f'STREAM FILE "{folder}/prompts/it/short" "1" "0"')
    script.say("200 result=-1 endpos=0\n")
    script.expect("CHANNEL STATUS")
    script.say("200 result=6\n")
    script.expect(variables("1", "not-playable", "FAILED"))
    script.say("200 result=0\n")
    assert script.end() == (0, "")
    (event,) = events(folder)
    assert event.status == "FAILED"


def test_hang_up_during_the_notice_is_recorded(start, folder: Path) -> None:
    """SIGHUP, which Asterisk sends at a hang-up, does not end the script before its record is safe."""
    script = start()
    script.expect("ANSWER")
    script.say("200 result=0\n")
    script.expect(f'STREAM FILE "{folder}/prompts/it/short" "1" "0"')
    script.process.send_signal(signal.SIGHUP)
    script.say("200 result=-1 endpos=20000\n")
    script.expect("CHANNEL STATUS")
    script.say("200 result=6\n")
    script.expect(variables("1", "hung-up", "PARTIAL"))
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


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "there is no such file"),
        ("controllers: {}\n", "lines: is missing"),
    ],
)
def test_configuration_that_cannot_be_used_is_told_on_the_console(
    start, tmp_path, content, told: str
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
    assert any(told in line for line in lines), lines
    assert script.end() == (1, "")


def test_mistake_elsewhere_does_not_stop_a_call(start, folder: Path) -> None:
    """A call is answered although another company's part of the configuration has mistakes of any kind."""
    file = folder / "informativa.yaml"
    (folder / "prompts/de/short.wav").unlink()
    (folder / "keys/borealis.key").chmod(0o644)
    file.write_text(file.read_text().replace("region: DE", "region: germany"))
    script = start(file)
    assert script.hear() == "ANSWER"


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
    """Its company, its line, a line that claims the same number, and what counts for all lines are in order,
    or the script gives the call back."""
    file = folder / "informativa.yaml"
    text = file.read_text().replace("# shared_numbers:", "shared_numbers:")
    assert old in text
    file.write_text(text.replace(old, new, 1))
    script = start(file)
    while (line := script.hear()).startswith("VERBOSE"):
        script.say("200 result=1\n")
    assert (line, script.end()) == ("", (1, ""))


def test_started_by_hand() -> None:
    """Somebody who starts the script in a shell is told in one sentence what it is for."""
    ran = subprocess.run([SCRIPT], input=b"", capture_output=True, timeout=30, check=False)
    assert ran.returncode == 1
    assert ran.stdout == b""
    assert b"AGI" in ran.stderr
    assert b"Traceback" not in ran.stderr
