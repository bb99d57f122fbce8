"""The AGI script as Asterisk starts it, and our side of its pipes."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Event

SCRIPT = Path(sys.executable).with_name("informativa-agi")
NUMBER = "3331234567"


class Script:
    """The running script, and our side of its pipes."""

    def __init__(
        self,
        config: Path,
        *,
        number: str = f"+39{NUMBER}",
        name: bytes = b"Mario",
        program: Path = SCRIPT,
        **more: str,
    ) -> None:
        started = config.with_name(f"{config.name}.agi")  # as the dialplan names it
        started.unlink(missing_ok=True)
        started.symlink_to(program)
        self.process = subprocess.Popen(
            [started], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        environment = {
            "agi_request": "informativa-agi",
            "agi_uniqueid": "1700000000.1",
            "agi_callerid": number,
            "agi_calleridname": name.decode("latin-1"),
            "agi_callingpres": "0",
            "agi_threadid": "1",
            "agi_arg_1": "0212345678",
        } | more
        with suppress(BrokenPipeError):  # of one that gives up at once, which Asterisk does not mind
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
        out, err = self.process.communicate(timeout=60)
        assert out == b""
        return self.process.returncode, err.decode()


def events(folder: Path) -> list[Event]:
    """Return what the first company's ledger holds after its rule."""
    store = SqliteStore(str(folder / "ledger/acme.sqlite3"))
    try:
        return [record.event for record in store.records(2)]
    finally:
        store.close()


def variables(record: str, reason: str, status: str) -> str:
    """The command that ends every call."""
    values = f"INFORMATIVA_RECORD={record},INFORMATIVA_REASON={reason},INFORMATIVA_STATUS={status}"
    return f'EXEC "MSet" "{values}"'


def play_nothing(script: Script, folder: Path) -> None:
    """Asterisk's part of a call to whom it cannot play the notice."""
    script.expect("ANSWER")
    script.say("200 result=0\n")
    script.expect(f'STREAM FILE "{folder}/prompts/it/short" "1" "0"')
    script.say("200 result=-1 endpos=0\n")
    script.expect("CHANNEL STATUS")
    script.say("200 result=6\n")
    script.expect(variables("2", "not-playable", "FAILED"))
    script.say("200 result=0\n")
