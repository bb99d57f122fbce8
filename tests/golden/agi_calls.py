"""Calls that go the same way each time, and what Asterisk is told of them: by the service over FastAGI, and
by the script over its two pipes; both in this process, while the clock stands.

A situation is a few calls one after the other, an hour apart. To each command Asterisk answers as it usually
does (`USUAL`), or as the call says.
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

from golden.console_walk import KEYS, hiss
from golden.stopped_clock import Clock
from informativa import __version__, script
from informativa.config import load
from informativa.preparation import prepare, verify_recordings
from informativa.script_limit import ScriptLimit
from informativa.service import CallService
from lab.office import CONTRACT, TO_FILL_IN

ACME, BOREALIS = "0212345678", "+493012345678"
TOKEN = "c3" * 32
USUAL = {
    "ANSWER": "200 result=0",
    "EXEC": "200 result=0",
    "STREAM FILE": "200 result=0 endpos=8000",
    "CHANNEL STATUS": "200 result=6",
    "DATABASE PUT": "200 result=1",
    "VERBOSE": "200 result=1",
    "SET VARIABLE": "200 result=1",
}
GONE = ""
"""In place of an answer: Asterisk is not there any more."""

Answers = Sequence[tuple[str, str]]
"""What a command that begins so is answered, each once, in this order."""

NOT_THERE = (("STREAM FILE", "200 result=-1 endpos=0"),)
HUNG_UP = (("STREAM FILE", "200 result=-1 endpos=4000"), ("CHANNEL STATUS", "511 Command Not Permitted"))
KEY = (("STREAM FILE", "200 result=49 endpos=2400"),)


def _nothing(_folder: Path) -> None:
    pass


def _break(folder: Path) -> None:
    (folder / "ledger/acme.sqlite3").write_bytes(b"no database at all " * 100)


def _other_sound(folder: Path) -> None:
    hiss(folder / "prompts/it/short.wav", 99)


def _second_version(folder: Path) -> None:
    file = folder / "informativa.yaml"
    shutil.copy(folder / "prompts/it/short.wav", folder / "prompts/it/supplement.wav")
    second = """          - version: "2026-12"
            purposes: [service, marketing]
            supplements: {"2026-11": {it: prompts/it/supplement}}
            short: {it: prompts/it/short}
            short_nokey: {it: prompts/it/short-nokey}
            full: {it: prompts/it/full}

  borealis:"""
    file.write_text(file.read_text().replace("\n  borealis:", second, 1))


@dataclass(frozen=True)
class Call:
    """One, by what Asterisk says of it."""

    number: str = "+393331234567"
    line: str = ACME
    answers: Answers = ()
    options: Mapping[str, str] = field(default_factory=dict)
    presentation: str = "0"
    more: dict[str, str] = field(default_factory=dict)
    before: Callable[[Path], object] = _nothing
    """What is done to the configuration's folder before it is loaded."""
    meanwhile: Callable[[Path], object] = _nothing
    """And what before the call comes."""


@dataclass(frozen=True)
class Situation:
    """Calls one after the other, under a configuration with other words in some places."""

    calls: Sequence[Call]
    changes: Sequence[tuple[str, str]] = ()
    script: bool = True
    """Whether it is told of the script, too."""


def _on(setting: str) -> tuple[str, str]:
    """A setting of a line that the first configuration has as a comment."""
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
    "full text by key": Situation([Call(answers=KEY), Call()]),
    "full text hung up": Situation([Call(answers=[*KEY, *HUNG_UP]), Call()]),
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
    "ledger broken": Situation([Call(before=_break), Call(answers=HUNG_UP)]),
    "ledger and AstDB broken": Situation([Call(before=_break, answers=[("DATABASE", "200 result=0")])]),
    "not playable": Situation([Call(answers=NOT_THERE)]),
    "recording exchanged": Situation([Call(meanwhile=_other_sound)]),
    "supplement": Situation([Call(), Call(before=_second_version), Call()]),
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
    "Asterisk goes away": Situation([Call(answers=[("STREAM FILE", GONE)]), Call()]),
    "variables are refused": Situation([Call(answers=[("EXEC", "520 Invalid")])]),
    "who serves": Situation([Call(more={"agi_network_script": f"status/{TOKEN}"})], script=False),
    "who could decide no call": Situation([Call(more={"agi_network_script": f"trial/{TOKEN}"})],
                                          script=False),
    "without the token": Situation([Call(more={"agi_network_script": "notice"})], script=False),
    "with a wrong token": Situation([Call(more={"agi_network_script": f"notice/{'0' * 64}"})], script=False),
}  # fmt: skip


class Office:
    """A configuration in a folder as `init` lays it, with which one situation after the other begins anew."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder, self.clock = folder, clock
        self.file = folder / "informativa.yaml"
        for name, key in KEYS.items():
            (folder / "keys" / f"{name}.key").write_text(f"{key}\n")
        (folder / "keys/agi.token").write_text(f"{TOKEN}\n")
        self._text, self._began = self.file.read_text(), clock.time

    def begin(self, situation: Situation) -> None:
        """Nobody has called yet."""
        shutil.rmtree(self.folder / "ledger")
        (self.folder / "ledger").mkdir(0o700)
        for seed, sound in enumerate(sorted((self.folder / "prompts").glob("*/*.wav"))):
            hiss(sound, seed)
        for file in (*self.folder.glob(".informativa*"), self.folder / "prompts/it/supplement.wav"):
            file.unlink(missing_ok=True)
        text = self._text
        for old, new in situation.changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        self.file.write_text(text)
        self.clock.time = self._began


class Asterisk:
    """Answers commands, and writes down both."""

    def __init__(self, call: Call, clock: Clock) -> None:
        self._clock = clock
        self.said: list[str] = []
        self._own = list(call.answers)

    def answer(self, command: str) -> str:
        """What it says, '' where it goes away."""
        self.said.append(f"> {command}")
        found = next((each for each in self._own if command.startswith(each[0])), None)
        if found is not None:
            self._own.remove(found)
            reply = found[1]
        else:
            reply = next((reply for name, reply in USUAL.items() if command.startswith(name)), "510 Invalid")
        if command.startswith("STREAM") and "endpos=" in reply:
            self._clock.advance(seconds=int(reply.rpartition("=")[2]) / 8000)  # it plays meanwhile
        self.said.append(f"< {reply}" if reply else "(Asterisk goes away)")
        return reply


def by_service(office: Office, situation: Situation) -> str:
    """What the service tells Asterisk of these calls."""
    return _told(office, situation, lambda call, number: asyncio.run(_served(office, call, number)))


def by_script(office: Office, situation: Situation) -> str:
    """What the script does, which is started anew for each."""
    return _told(office, situation, lambda call, number: _scripted(office, call, number))


def _told(office: Office, situation: Situation, answered: Callable[[Call, int], list[str]]) -> str:
    """Each call with what Asterisk said of it first, in so far as calls differ there."""
    office.begin(situation)
    said = []
    for number, call in enumerate(situation.calls, 1):
        said += [f"==== {call.number or 'no number'} calls {call.line} ====", *answered(call, number), ""]
        office.clock.advance(hours=1)
    text = "\n".join(said).replace(str(office.folder), "/etc/informativa").replace(__version__, "VERSION")
    return re.sub(r"(?<= file=)[0-9a-f]{16}", "DIGEST", text)  # of the configuration's path


async def _served(office: Office, call: Call, number: int) -> list[str]:
    call.before(office.folder)
    with capture_logs():
        service, asterisk = CallService(prepare(office.file)), Asterisk(call, office.clock)
        call.meanwhile(office.folder)
        server = service._server  # it would listen where the configuration says
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
    return asterisk.said


def _scripted(office: Office, call: Call, number: int) -> list[str]:
    call.before(office.folder)
    if call.meanwhile is not _nothing:
        verify_recordings(load(office.file), keep=True)
        call.meanwhile(office.folder)
    asterisk, hang_up = Asterisk(call, office.clock), signal.getsignal(signal.SIGHUP)
    its_input, ours = os.pipe()
    theirs, its_output = os.pipe()
    thread = threading.Thread(target=_asterisk, args=(asterisk, ours, theirs))
    try:
        with open(its_input, "rb", 0) as stdin, open(its_output, "wb", 0) as stdout:  # noqa: PTH123
            os.write(ours, _environment(call, number, network=False))
            thread.start()
            with mock.patch.multiple(sys, stdin=_Text(stdin), stdout=_Text(stdout)):
                status = script.run(str(office.file), ScriptLimit())
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGHUP, hang_up)
        thread.join()
    return [*asterisk.said, f"(the script ends with {status})"]


@dataclass
class _Text:
    """Standard input or output, of which the script takes the bytes."""

    buffer: IO[bytes]


def _asterisk(asterisk: Asterisk, ours: int, theirs: int) -> None:
    with open(ours, "wb", 0) as to_script, open(theirs, "rb") as from_script:
        for line in from_script:
            if not (answer := asterisk.answer(line.decode().rstrip("\n"))):
                break
            to_script.write(f"{answer}\n".encode())


def _environment(call: Call, number: int, *, network: bool) -> bytes:
    """What Asterisk says first."""
    own = {"agi_network": "yes", "agi_network_script": f"notice/{TOKEN}"} if network else {}
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
    said = own | variables | call.more
    return "".join(f"{name}: {value}\n" for name, value in said.items()).encode() + b"\n"
