"""A company with a hook: what the tests of hooks begin with."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from consenting import ask_for_consents
from informativa.config import load
from informativa.model import Controller
from informativa.operations import hooks
from informativa.process.hook_sending import HookSending

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
START = datetime(2026, 11, 25, 13, tzinfo=UTC)


def hook_up(folder: Path, url: str, subject: str = "number", timeout: str = "30 seconds") -> Path:
    """Give the company that asks for consents a hook at this address."""
    file = ask_for_consents(folder)
    secret = folder / "keys/acme.hook"
    secret.write_text(SECRET + "\n")
    secret.chmod(0o600)
    setting = f"hook: {{url: '{url}', secret: keys/acme.hook, subject: {subject}, timeout: {timeout}}}"
    file.write_text(file.read_text().replace("    choices:\n", f"    {setting}\n    choices:\n", 1))
    return file


def acme(file: Path) -> Controller:
    """Return the company of a configuration."""
    return load(file).controllers["acme"]


@dataclass
class Sender:
    """The sending of a service whose clock goes only when it is told to, and whose pauses are not by
    chance."""

    file: Path
    now: datetime = START
    sending: HookSending = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget all that is not in the ledger, as after a crash."""
        self.sending = HookSending(lambda: self.now, self._monotonic, lambda: 1.0)

    def later(self, **period: float) -> None:
        """Let time pass, and send."""
        self.now += timedelta(**period)
        self.send()

    def send(self) -> None:
        """Send what may be sent now."""
        self.sending.send(acme(self.file))

    @property
    def state(self) -> hooks.OutboxState:
        """The state of the outbox."""
        return hooks.state(acme(self.file))

    def _monotonic(self) -> float:
        return self.now.timestamp()
