"""Calls that go the same way in each run, and the commands that Asterisk gets for them: from the service over
FastAGI, and from the script over its two pipes; both in this process, with a stopped clock.

A situation is a few calls one after the other, an hour apart. Asterisk answers each command in its usual way
(`USUAL_ANSWERS`), or as the call says.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from unittest import mock

from structlog.testing import capture_logs

from golden.console_walk import KEYS, write_noise
from golden.stopped_clock import Clock
from informativa import __version__
from informativa.config import load
from informativa.process import script
from informativa.process.preparation import prepare, verify_recordings
from informativa.process.script_limit import ScriptLimit
from informativa.process.service import CallService
from lab.office import CONTRACT, TO_FILL_IN, numbered

ACME, BOREALIS = "0212345678", "+493012345678"
TOKEN = "c3" * 32
USUAL_ANSWERS = {
    "ANSWER": "200 result=0",
    "EXEC": "200 result=0",
    "STREAM FILE": "200 result=0 endpos=8000",
    "CHANNEL STATUS": "200 result=6",
    "DATABASE PUT": "200 result=1",
    "VERBOSE": "200 result=1",
    "SET VARIABLE": "200 result=1",
}
NO_ANSWER = ""
"""In place of an answer: Asterisk closes the connection."""

Answers = Sequence[tuple[str, str]]
"""Beginnings of commands, each with its answer; each is used once, in this order."""

NOT_PLAYABLE = (("STREAM FILE", "200 result=-1 endpos=0"),)
HUNG_UP = (("STREAM FILE", "200 result=-1 endpos=4000"), ("CHANNEL STATUS", "511 Command Not Permitted"))
KEY_PRESSED = (("STREAM FILE", "200 result=49 endpos=2400"),)


def _change_nothing(_folder: Path) -> None:
    pass


def _break_ledger(folder: Path) -> None:
    (folder / "ledger/acme.sqlite3").write_bytes(b"no database at all " * 100)


def _exchange_recording(folder: Path) -> None:
    write_noise(folder / "prompts/it/short.wav", 99)


def _add_version(folder: Path) -> None:
    file = folder / "informativa.yaml"
    shutil.copy(folder / "prompts/it/short.wav", folder / "prompts/it/supplement.wav")
    version = """          - version: "2026-12"
            purposes: [service, marketing]
            supplements: {"2026-11": {it: prompts/it/supplement}}
            short: {it: prompts/it/short}
            short_nokey: {it: prompts/it/short-nokey}
            full: {it: prompts/it/full}

  borealis:"""
    file.write_text(file.read_text().replace("\n  borealis:", version, 1))


@dataclass(frozen=True)
class Call:
    """A call as Asterisk describes it, and changes of the installation around it."""

    number: str = "+393331234567"
    line: str = ACME
    answers: Answers = ()
    options: Mapping[str, str] = field(default_factory=dict)
    presentation: str = "0"
    variables: dict[str, str] = field(default_factory=dict)
    """Further variables of AGI."""
    before: Callable[[Path], object] = _change_nothing
    """A change of the configuration's folder before it is loaded."""
    meanwhile: Callable[[Path], object] = _change_nothing
    """A change of it after that, before the call comes."""


@dataclass(frozen=True)
class Situation:
    """Calls one after the other, under a configuration with some texts replaced."""

    calls: Sequence[Call]
    changes: Sequence[tuple[str, str]] = ()
    script: bool = True
    """True if it is also shown for the script."""


def _on(setting: str) -> tuple[str, str]:
    """Return the change that makes a setting of a commented line."""
    return f"    # {setting}", f"    {setting}"


TWICE = (Call(), Call())
LINKED = {"linked": "1700000001.1"}
TRANSFER = (Call(options=LINKED), Call(options=LINKED | {"heard": "privacy:1"}))
ALWAYS = "when: once ", "when: always "
NO_PAPER = f"contract: {{reference: {CONTRACT}", f"contract: {{reference: {TO_FILL_IN}"
SITUATIONS: Mapping[str, Situation] = {
    "first call": Situation([Call()]),
    "known": Situation(TWICE),
    "known by his national number": Situation([Call(), Call("3331234567"), Call("00393331234567")]),
    "hung up in the middle": Situation([Call(answers=HUNG_UP), Call()]),
    "hung up before": Situation([Call(answers=[("ANSWER", "200 result=-1"), ("STREAM", "511 No"),
                                               ("CHANNEL", "511 No")])]),
    "full text by key": Situation([Call(answers=KEY_PRESSED), Call()]),
    "full text hung up": Situation([Call(answers=[*KEY_PRESSED, *HUNG_UP]), Call()]),
    "other key": Situation([Call(answers=[("STREAM FILE", "200 result=53 endpos=2400")])]),
    "repeat and skip": Situation(
        [Call(answers=[("STREAM FILE", "200 result=50 endpos=2400")]),
         Call("+393331234568", answers=[("STREAM FILE", "200 result=57 endpos=2400")])],
        [('      # repeat: "2" ', '      repeat: "2" '), ('      # skip: "9" ', '      skip: "9" ')],
    ),
    "withheld": Situation([Call("", presentation="35"), Call(presentation="32"), Call("anonymous")]),
    "withheld and trusted": Situation([Call(presentation="32")] * 2,
                                      [_on("trust_restricted: true")]),
    "shared number": Situation(TWICE, [("# shared_numbers: [", 'shared_numbers: ["+393331234567", ')]),
    "unverified number": Situation([Call(options={"verification": "TN-Validation-Failed"}),
                                    Call(options={"verification": "something else"})]),
    "unknown line": Situation([Call(line="0299999999")]),
    "ledger broken": Situation([Call(before=_break_ledger), Call(answers=HUNG_UP)]),
    "ledger and AstDB broken": Situation([Call(before=_break_ledger,
                                               answers=[("DATABASE", "200 result=0")])]),
    "not playable": Situation([Call(answers=NOT_PLAYABLE)]),
    "recording exchanged": Situation([Call(meanwhile=_exchange_recording)]),
    "supplement": Situation([Call(), Call(before=_add_version), Call()]),
    "language of the country": Situation([Call("+447911123456")], [_on("languages: {")]),
    "language of the dialplan": Situation([Call(options={"language": "en"})]),
    "fallback language": Situation([Call(options={"language": "fr"})], [_on("fallback: [en]")]),
    "two companies": Situation([Call(), Call(line=BOREALIS), Call(line=BOREALIS), Call()]),
    "company not live": Situation([Call(line=BOREALIS)], [NO_PAPER]),
    "operator has read it": Situation([Call(options={"action": "read", "operator": "anna"}), Call()]),
    "transferred": Situation(TRANSFER, [ALWAYS]),
    "played again after a transfer": Situation(TRANSFER, [ALWAYS, _on("again_after_transfer")]),
    "on every call": Situation(TWICE, [ALWAYS]),
    "before answering": Situation([Call()], [_on("answer: false")]),
    "option that is not ours": Situation([Call(options={"config": "/tmp/x"})]),
    "Asterisk goes away": Situation([Call(answers=[("STREAM FILE", NO_ANSWER)]), Call()]),
    "variables are refused": Situation([Call(answers=[("EXEC", "520 Invalid")])]),
    "who serves": Situation([Call(variables={"agi_network_script": f"status/{TOKEN}"})], script=False),
    "who could decide no call": Situation([Call(variables={"agi_network_script": f"trial/{TOKEN}"})],
                                          script=False),
    "without the token": Situation([Call(variables={"agi_network_script": "notice"})], script=False),
    "with a wrong token": Situation([Call(variables={"agi_network_script": f"notice/{'0' * 64}"})],
                                    script=False),
}  # fmt: skip


class Office:
    """A configuration in a folder as `init` makes it, which is restored for each situation."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder, self.clock = folder, clock
        self.file = folder / "informativa.yaml"
        for name, key in KEYS.items():
            (folder / "keys" / f"{name}.key").write_text(f"{key}\n")
        (folder / "keys/agi.token").write_text(f"{TOKEN}\n")
        self._text, self._start = self.file.read_text(), clock.time

    def begin(self, situation: Situation) -> None:
        """Restore the folder and the time, and change the configuration for a situation."""
        shutil.rmtree(self.folder / "ledger")
        (self.folder / "ledger").mkdir(0o700)
        for seed, sound in numbered(self.folder / "prompts"):
            write_noise(sound, seed)
        for file in (*self.folder.glob(".informativa*"), self.folder / "prompts/it/supplement.wav"):
            file.unlink(missing_ok=True)
        text = self._text
        for old, new in situation.changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        self.file.write_text(text)
        self.clock.time = self._start


class Asterisk:
    """Stand-in for Asterisk that answers commands, and records both."""

    def __init__(self, call: Call, clock: Clock) -> None:
        self._clock = clock
        self.record: list[str] = []
        self._answers = list(call.answers)

    def answer(self, command: str) -> str:
        """Return the answer to a command; '' where Asterisk goes away."""
        self.record.append(f"> {command}")
        special = next((answer for answer in self._answers if command.startswith(answer[0])), None)
        if special is not None:
            self._answers.remove(special)
            reply = special[1]
        else:
            reply = next(
                (reply for name, reply in USUAL_ANSWERS.items() if command.startswith(name)), "510 Invalid"
            )
        if command.startswith("STREAM") and "endpos=" in reply:
            self._clock.advance(seconds=int(reply.rpartition("=")[2]) / 8000)  # it plays meanwhile
        self.record.append(f"< {reply}" if reply else "(Asterisk goes away)")
        return reply


def by_service(office: Office, situation: Situation) -> str:
    """Return the commands of the service for these calls, with the answers."""
    return _transcript(
        office, situation, lambda call, number: asyncio.run(_handle_by_service(office, call, number))
    )


def by_script(office: Office, situation: Situation) -> str:
    """Return the commands of the script for these calls, with the answers; it is started for each call."""
    return _transcript(office, situation, lambda call, number: _handle_by_script(office, call, number))


def _transcript(office: Office, situation: Situation, handle: Callable[[Call, int], list[str]]) -> str:
    """Return a heading for each call, and the lines that `handle` returns for it and its number."""
    office.begin(situation)
    lines = []
    for number, call in enumerate(situation.calls, 1):
        lines += [f"==== {call.number or 'no number'} calls {call.line} ====", *handle(call, number), ""]
        office.clock.advance(hours=1)
    text = "\n".join(lines).replace(str(office.folder), "/etc/informativa").replace(__version__, "VERSION")
    text = re.sub(r"(?<= file=)[0-9a-f]{16}", "DIGEST", text)  # of the configuration's path
    return re.sub(r"(?<= process=)\d+", "PID", text)


async def _handle_by_service(office: Office, call: Call, number: int) -> list[str]:
    call.before(office.folder)
    with capture_logs():
        service, asterisk = CallService(prepare(office.file)), Asterisk(call, office.clock)
        call.meanwhile(office.folder)
        server = service._server  # the service itself would listen at the configured address
        try:
            address = await server.start("127.0.0.1", 0)
            reader, writer = await asyncio.open_connection(*address)
            writer.write(_environment(call, number, network=True))
            async for line in reader:
                if not (answer := asterisk.answer(line.decode().rstrip("\n"))):
                    break
                writer.write(f"{answer}\n".encode())
            writer.close()
            await server.stop(10)
        finally:
            service.close()
    return asterisk.record


def _handle_by_script(office: Office, call: Call, number: int) -> list[str]:
    call.before(office.folder)
    if call.meanwhile is not _change_nothing:
        verify_recordings(load(office.file), keep=True)
        call.meanwhile(office.folder)
    asterisk, hang_up = Asterisk(call, office.clock), signal.getsignal(signal.SIGHUP)
    script_input, to_script = os.pipe()
    from_script, script_output = os.pipe()
    thread = threading.Thread(target=_answer_script, args=(asterisk, to_script, from_script))
    try:
        with open(script_input, "rb", 0) as stdin, open(script_output, "wb", 0) as stdout:  # noqa: PTH123
            os.write(to_script, _environment(call, number, network=False))
            thread.start()
            with mock.patch.multiple(sys, stdin=_Text(stdin), stdout=_Text(stdout)):
                status = script.run(str(office.file), ScriptLimit())
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGHUP, hang_up)
        thread.join()
    return [*asterisk.record, f"(the script ends with {status})"]


@dataclass
class _Text:
    """Standard input or output, of which the script uses the bytes."""

    buffer: IO[bytes]


def _answer_script(asterisk: Asterisk, to_script: int, from_script: int) -> None:
    with open(to_script, "wb", 0) as answers, open(from_script, "rb") as commands:
        for line in commands:
            if not (answer := asterisk.answer(line.decode().rstrip("\n"))):
                break
            answers.write(f"{answer}\n".encode())


def _environment(call: Call, number: int, *, network: bool) -> bytes:
    """Return the variables that Asterisk sends first."""
    request = {"agi_network": "yes", "agi_network_script": f"notice/{TOKEN}"} if network else {}
    arguments = [call.line, *(f"{name}={value}" for name, value in call.options.items())]
    variables = {
        "agi_request": "agi://127.0.0.1/notice" if network else "informativa-agi",
        "agi_channel": f"PJSIP/trunk-{number:08}",
        "agi_language": "it",
        "agi_uniqueid": f"170000000{number}.1",
        "agi_callerid": call.number,
        "agi_callingpres": call.presentation,
        "agi_threadid": "1",
    } | {f"agi_arg_{place}": value for place, value in enumerate(arguments, 1)}
    facts = request | variables | call.variables
    return "".join(f"{name}: {value}\n" for name, value in facts.items()).encode() + b"\n"
