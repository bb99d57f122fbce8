"""A PBX with informativa: lines that can be rung, and what a call to one of them came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from lab import audio
from lab.office import Office
from lab.pbx import Pbx
from lab.phone import Call, Phone

EXTENSIONS = """\
[from-lab]
exten => _[+0-9a-zA-Z].,1,Gosub(informativa,s,1(${EXTEN}))
 same => n,Playback(%(after)s)
 same => n,Hangup()
exten => h,1,UserEvent(Over,Status:${INFORMATIVA_STATUS},Reason:${INFORMATIVA_REASON},\
Record:${INFORMATIVA_RECORD})

%(informativa)s
"""

# Short ones, so that many calls can be made; the shipped prompts have a test of their own.
SECONDS = {
    "it/short": 1.5, "it/short-nokey": 1.7, "it/full": 2.0,
    "de/short": 1.5, "de/short-nokey": 1.7, "de/full": 2.0,
}  # fmt: skip


@dataclass
class Outcome:
    """The outcome of a call: the dialplan's variables, seconds that the caller heard of each prompt, and the
    file that MixMonitor records it into."""

    status: str
    reason: str
    record: str
    heard: dict[str, list[float]]
    recording: str = ""


@dataclass
class Site:
    """A PBX with informativa: prompts, service, and phones that ring it."""

    pbx: Pbx
    office: Office
    prompts: dict[str, audio.Samples]
    _phones: list[Phone] = field(default_factory=list)

    def dial(self, to: str = "0212345678", number: str | None = "+393331234567", **more: object) -> Call:
        """Ring a line."""
        self.pbx.forget_events()
        return self.phone().dial(to, number, **more)  # type: ignore[arg-type]

    def phone(self) -> Phone:
        """A telephone, which is put down at the end."""
        phone = Phone(self.pbx)
        self._phones.append(phone)
        return phone

    def call(self, to: str = "0212345678", number: str | None = "+393331234567", **more: object) -> Outcome:
        """Ring a line, listen to the end, and see what it came to."""
        return self.over(self.dial(to, number, **more))

    def hang_up_early(self, to: str = "0212345678", number: str | None = "+393331234567") -> Outcome:
        """Ring a line, hang up half a second into what it plays, and see what it came to."""
        call = self.dial(to, number)
        call.wait_heard(0.5, 30)
        call.hang_up()
        return self.over(call)

    def over(self, call: Call) -> Outcome:
        """Wait for the end of a call, and see what it came to."""
        call.wait_ended(60)
        event = self.pbx.wait_event(lambda event: event.get("UserEvent") == "Over")
        heard = {name: self.heard(call, name) for name in self.prompts}
        return Outcome(
            event["Status"],
            event["Reason"],
            event["Record"],
            {name: seconds for name, seconds in heard.items() if seconds},
            event.get("Recording", ""),
        )

    def heard(self, call: Call, name: str) -> list[float]:
        """Seconds heard of each playing of a prompt."""
        return [match.covered for match in audio.find(self.prompts[name], call.played)]

    def prompt(self, name: str, seed: int, seconds: float = 1.2) -> None:
        """Put another prompt beside the office's own, and know it again."""
        self.prompts[name] = audio.synthetic(seconds, seed=seed)
        audio.write_wav(self.office.folder / "prompts" / f"{name}.wav", self.prompts[name])

    def lengthen(self, seconds: float = 4.0) -> None:
        """Have a notice in whose middle somebody can hang up: a busy machine may take a second for that."""
        self.prompt("it/short", seed=77, seconds=seconds)
        self.prompt("it/short-nokey", seed=78, seconds=seconds)
        self.configure(('version: "2026-11"', 'version: "2026-12"'))

    def configure(self, *edits: tuple[str, str]) -> None:
        """Change the configuration, and start the service and the dialplan anew with it."""
        for old, new in edits:
            self.office.edit(old, new)
        self.office.stop()
        extensions = (self.pbx.etc / "extensions.conf").read_text()
        before, context, _ = extensions.partition("; informativa: the privacy notice")
        self.pbx.reload_dialplan(before + self.office.dialplan() if context else extensions)
        self.office.start()

    def edit_dialplan(self, old: str, new: str) -> None:
        """Change one place of the dialplan, and have Asterisk read it."""
        text = (self.pbx.etc / "extensions.conf").read_text()
        assert old in text, f"{old!r} does not stand in the dialplan"
        self.pbx.reload_dialplan(text.replace(old, new, 1))

    def heard_whole(self, *names: str) -> dict[str, list[Any]]:
        """Return what `Outcome.heard` is when these prompts were heard whole, once each."""
        return {name: [pytest.approx(len(self.prompts[name]) / 8000, abs=0.1)] for name in names}

    def close(self) -> None:
        """Hang up, and stop the service."""
        for phone in self._phones:
            phone.__exit__(None, None, None)
        self._phones.clear()
        self.office.stop()
