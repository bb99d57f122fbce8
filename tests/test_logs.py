"""I5, where it could go wrong: what service and script write down of calls of every kind."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from informativa.cli import log
from informativa.model import Status
from lab import audio
from lab.office import BIN, Office

NUMBER = "3489671234"  # in national form; no other number here looks like it
SECONDS = 0.12  # of a notice
LINE = "+390212345678"
Say = Callable[[bytes], None]


def numbers_in(content: bytes) -> list[bytes]:
    """Return where eight digits of the number in a row stand, with or without something between them."""
    parts = [NUMBER[start : start + 8] for start in range(len(NUMBER) - 7)]
    spelled = "|".join(r"[ ./()-]?".join(part) for part in parts).encode()
    return [content[max(0, match.start() - 60) : match.end() + 20] for match in re.finditer(spelled, content)]


def test_every_spelling_is_found() -> None:
    """What looks for the number finds it however it is written."""
    for text in (
        "+393489671234",
        "00393489671234",
        "393489671234",
        "348 967 1234",
        "348-9671234",
        "48967123",
    ):
        assert numbers_in(text.encode()), text
    assert not numbers_in(b"34896 1795531918.0 71234")


# -- calls of every kind: what is different about the environment, and about Asterisk's replies --

PLAYED = b"200 result=0 endpos=960\n"
REPLIES = {
    "ANSWER": b"200 result=0\n",
    "STREAM": PLAYED,
    "CHANNEL": b"200 result=6\n",
    "DATABASE": b"200 result=1\n",
}
CALLS: dict[str, tuple[dict[str, str], dict[str, bytes]]] = {
    "first call": ({}, {}),
    "second call": ({}, {}),
    "national": ({"callerid": NUMBER}, {}),
    "with 00": ({"callerid": f"0039{NUMBER}"}, {}),
    "withheld, and sent": ({"callingpres": "35"}, {}),
    "found wrong": ({"callingpres": "2"}, {}),
    "not a number": ({"callerid": f"{NUMBER}x"}, {}),
    "too long": ({"callerid": NUMBER * 4}, {}),
    "everywhere": (
        dict.fromkeys(
            ("calleridname", "channel", "dnid", "rdnis", "accountcode", "context", "extension"), NUMBER
        ),
        {},
    ),
    "as the line": ({"arg_1": f"+39{NUMBER}"}, {}),
    "as the line, with an extension": ({"arg_1": f"SIP/{NUMBER}@trunk"}, {}),
    "as the call's id": ({"uniqueid": f"{NUMBER}.1", "arg_2": f"linked=+39{NUMBER}"}, {}),
    "as the customer": ({"arg_2": f"customer={NUMBER}"}, {}),
    "as what STIR/SHAKEN found": ({"arg_2": f"verification={NUMBER}"}, {}),
    "as an option": ({"arg_2": f"{NUMBER}={NUMBER}"}, {}),
    "as the token": ({"network_script": f"notice/{NUMBER}"}, {}),
    "forged": ({"calleridname": f"x\nagi_callerid: {NUMBER}\nagi_arg_1: {NUMBER}"}, {}),
    "forged to its end": (
        {"calleridname": f"x\nagi_threadid: 1\nagi_arg_1: {NUMBER}\n\n200 result={NUMBER}"},
        {},
    ),
    "operator": ({"arg_2": "action=read"}, {}),
    "operator on no line": ({"arg_1": NUMBER, "arg_2": "action=read"}, {}),
    "hangs up": (
        {"callingpres": "35"},
        {"STREAM": b"200 result=-1 endpos=100\n", "CHANNEL": b"HANGUP\n511 Dead\n"},
    ),
    "not playable": ({"callingpres": "35"}, {"STREAM": b"200 result=-1 endpos=0\n"}),
    "no reply": ({"callingpres": "35"}, {"STREAM": f"{NUMBER}\n".encode()}),
    "odd reply": ({"callingpres": "35"}, {"ANSWER": f"200 result=0 ({NUMBER})\n".encode()}),
    "usage": ({"callingpres": "35"}, {"EXEC": f"520 {NUMBER}\n".encode()}),
    "no spool": ({"arg_1": NUMBER}, {"DATABASE": f"510 {NUMBER}\n".encode()}),
    "goes away": ({"callingpres": "35"}, {"STREAM": b""}),
}
# What these calls come to, so that a test which saw nothing cannot pass.
SEEN = (
    *("NOTDUE", "PLAYED", "PARTIAL", "FAILED", "FALLBACK", "INFORMED", "DATABASE", "call abandoned"),
    *("already-informed", "withheld", "unverified", "malformed", "ambiguous", "no-line", "hung-up"),
    *("ledger-unavailable", "not-playable", "without the token"),
)


def environment(more: dict[str, str]) -> bytes:
    """Return what Asterisk says of a call."""
    variables = {
        "network": "yes",
        "network_script": "notice",
        "request": "agi://127.0.0.1/notice",
        "uniqueid": "1700000000.1",
        "callerid": f"+39{NUMBER}",
        "calleridname": "Mario",
        "callingpres": "0",
        "threadid": "1",
        "arg_1": LINE,
    } | more
    return "".join(f"agi_{name}: {value}\n" for name, value in variables.items()).encode() + b"\n"


def converse(commands: Iterator[bytes], say: Say, replies: dict[str, bytes]) -> bytes:
    """Answer as Asterisk would, until there are no more commands or a reply is to be none; what was said."""
    output = b""
    for command in commands:
        output += command
        word = command.split()[0].decode()
        if word == "STREAM":
            time.sleep(SECONDS)  # a notice that is over sooner was not heard
        reply = (REPLIES | replies).get(word, b"200 result=0\n")
        if not reply:
            break
        say(reply)
    return output


def ring(office: Office, more: dict[str, str], replies: dict[str, bytes]) -> bytes:
    """Call the service; what it said."""
    with socket.create_connection(("127.0.0.1", office.port), 30) as peer:
        peer.sendall(environment({"network_script": office.script} | more))
        try:
            return converse(iter(peer.makefile("rb")), peer.sendall, replies)
        except ConnectionError:
            return b""  # it closed with something of ours unread


def run_script(config: Path, more: dict[str, str], replies: dict[str, bytes]) -> bytes:
    """Call the script; what it said, also to its standard error."""
    script = subprocess.Popen(
        [BIN / "informativa-agi"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "INFORMATIVA_CONFIG": str(config)},
    )
    assert script.stdin is not None
    assert script.stdout is not None
    assert script.stderr is not None

    def say(reply: bytes) -> None:
        assert script.stdin is not None
        script.stdin.write(reply)
        script.stdin.flush()

    with script:
        try:
            say(environment(more))
            output = converse(iter(script.stdout), say, replies)
            script.stdin.close()
        except BrokenPipeError:
            output = b""
        output += script.stdout.read() + script.stderr.read()
    return output


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """informativa with notices that are over at once."""
    sound = tmp_path / "sound.wav"
    audio.write_wav(sound, audio.synthetic(SECONDS, seed=1))
    office = Office(
        tmp_path / "etc", {f"{name}.wav": sound for name in ("it/short", "it/full", "de/short", "de/full")}
    )
    yield office
    office.stop()


def written_by(office: Office) -> bytes:
    """The log of the service, and the bytes of every ledger with all that lies beside it."""
    beside = (file for file in (office.folder / "ledger").rglob("*") if file.is_file())
    return b"".join(file.read_bytes() for file in [office.log, *beside])


@pytest.mark.sample(1)
@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.slow
def test_i5_service_writes_no_number(office: Office, form: str) -> None:
    """I5: in no log, ledger, AstDB row or variable stands a caller's number, whatever happens to the call."""
    office.start(log=form)
    output = b"".join(ring(office, *call) for call in CALLS.values())
    for file in (office.folder / "ledger").glob("acme.sqlite3"):  # the service notices, and says so
        file.rename(file.with_name("acme.gone"))
    output += ring(office, {}, {}) + ring(office, {"arg_2": "action=read"}, {})
    everything = output + written_by(office)
    office.stop()
    everything += written_by(office)
    assert [word for word in SEEN if word.encode() not in everything] == []
    assert numbers_in(everything) == []


@pytest.mark.slow
def test_i5_script_writes_no_number(office: Office) -> None:
    """I5: nor does the script, on its two outputs and in the ledgers, also where it has no configuration."""
    kinds = (
        "first call",
        "second call",
        "everywhere",
        "as the line",
        "forged",
        "operator on no line",
        "usage",
    )
    output = b"".join(run_script(office.config, *CALLS[kind]) for kind in kinds)
    output += run_script(office.folder / "none.yaml", {}, {})
    output += b"".join(file.read_bytes() for file in (office.folder / "ledger").rglob("*") if file.is_file())
    for word in (b"NOTDUE", b"PLAYED", b"FALLBACK", b"VERBOSE"):
        assert word in output
    assert numbers_in(output) == []


DEFECT = """
import asyncio, sys
from informativa.cli import log
from informativa.asterisk.fastagi import FastAgiServer

async def defect(session):
    number = session.call.number
    raise KeyError(number)

async def main():
    server = FastAgiServer(defect, sessions=1)
    reader, writer = await asyncio.open_connection(*await server.start("127.0.0.1", 0))
    writer.write(sys.stdin.buffer.read())
    await reader.read()
    await server.stop(10)

sink = log.configure(log.LogFormat(sys.argv[1]))
asyncio.run(main())
sink.close()
"""


@pytest.mark.parametrize("form", ["json", "console"])
def test_i5_defect_is_logged_without_what_it_happened_to(form: str) -> None:
    """I5: of a defect the log has its kind and its place, and no value that an exception may carry."""
    command = [sys.executable, "-c", DEFECT, form]
    ran = subprocess.run(command, input=environment({}), capture_output=True, timeout=60, check=True)
    assert b"KeyError" in ran.stderr
    assert b"in defect" in ran.stderr
    assert numbers_in(ran.stdout + ran.stderr) == []


LOGGING = """
import os, sys
import structlog
from informativa.cli import log
if sys.argv[2] == "journal":
    found = os.fstat(2)
    os.environ["JOURNAL_STREAM"] = f"{found.st_dev}:{found.st_ino}"
sink = log.configure(log.LogFormat(sys.argv[1]))
own = structlog.get_logger("x")
own.info("one")
own.warning("two")
own.error("three", exc_info=ValueError("no"))
sink.close()
"""


@pytest.mark.parametrize(
    ("form", "reader", "priorities"),
    [("console", "journal", "643"), ("console", "else", ""), ("json", "journal", "")],
)
def test_journal_gets_the_priority_of_each_line(form: str, reader: str, priorities: str) -> None:
    """So `journalctl -p err` finds errors; nobody else sees the marks, and JSON stays JSON."""
    command = [sys.executable, "-c", LOGGING, form, reader]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    lines = ran.stderr.splitlines()
    marks = [line[1] for line in lines if re.match(r"<\d>", line)]
    assert "".join(dict.fromkeys(marks)) == priorities
    assert len(marks) in (0, len(lines))


CALL = r"""
import logging, sys
import structlog
from informativa.cli import log
from informativa.model import Reason, Status
sink = log.configure(log.LogFormat(sys.argv[1]))
own = structlog.get_logger("informativa")
facts = {"call": "1700000000.1", "line": "+390212345678", "status": Status.NOTDUE,
         "reason": str(Reason.ALREADY_INFORMED), "record": "7"}
own.log(logging.INFO, "call answered", **facts)
own.log(logging.ERROR, "call answered", error="Die Platte ist voll (/tmp/\xfc).\nNow.", sessions=3, none=None)
sink.close()
"""
JSON_LINES = r"""
{"call": "1700000000.1", "line": "+390212345678", "status": "NOTDUE", "reason": "already-informed", "record": "7", "event": "call answered", "level": "info", "timestamp": "NOW"}
{"error": "Die Platte ist voll (/tmp/\u00fc).\nNow.", "sessions": 3, "none": null, "event": "call answered", "level": "error", "timestamp": "NOW"}
"""  # noqa: E501  # a line is a line
CONSOLE_LINES = """
NOW [info     ] call answered                  call=1700000000.1 line=+390212345678 reason=already-informed record=7 status=NOTDUE
NOW [error    ] call answered                  error='Die Platte ist voll (/tmp/ü). Now.' none=None sessions=3
"""  # noqa: E501  # a line is a line


@pytest.mark.parametrize(("form", "lines"), [("json", JSON_LINES), ("console", CONSOLE_LINES)])
def test_line_of_a_call(form: str, lines: str) -> None:
    """What other programs read of a call, byte for byte but for the time."""
    command = [sys.executable, "-c", CALL, form]
    ran = subprocess.run(command, capture_output=True, timeout=60, check=True)
    output = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", "NOW", ran.stderr.decode())
    assert output == lines.lstrip()


FACTS = st.dictionaries(
    st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1).filter(
        lambda name: name not in {"stack", "exception", "logger", "exc_info", "logger_name"}
    ),
    st.one_of(st.text(), st.integers(), st.none(), st.lists(st.text()), st.sampled_from(Status)),
)


@given(facts=FACTS, event=st.text())
def test_lines_are_those_of_structlog(facts: dict[str, object], event: str) -> None:
    """Whatever is logged, JSON and a line of the console are what structlog's own renderers make of it."""
    facts = {**facts, "event": event, "level": "info", "timestamp": "2026-11-28T10:00:00Z"}
    assert log._json(dict(facts)) == structlog.processors.JSONRenderer()(None, "info", dict(facts))
    plain = structlog.dev.ConsoleRenderer(colors=False)
    assert log._plain(dict(facts)) == plain(None, "info", log._cleaned(facts))
