"""The last errors of the service in systemd's journal, as far as they are in a form that is known.

Of a line of ours those facts stay that say what is wrong with the machine, of a traceback where it happened,
of systemd what it says of the unit. What anybody else wrote is left out: nobody knows what is in it.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from .cleaning import Cleaner

LINES = 200
PATIENCE = 5.0  # seconds
LEFT_OUT = "(a line of another form is left out)"
FACTS = frozenset(
    {"address", "backups", "calls_cut_off", "controller", "controllers", "error", "file", "job", "kind",
     "ledger", "listen", "needed", "place", "problem", "records", "remedy", "rows", "sessions", "settings",
     "status", "why"}
)  # fmt: skip
"""Which facts of a line are kept: none of them is of a call."""

_OURS = re.compile(r"\S+Z \[(?P<level>\w+) *\] (?P<rest>.*)")
_FACT = re.compile(r"""(?:^|\s)(?P<name>\w+)=(?P<value>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\S+)""")
_FRAME = re.compile(r'  File "[^"]*", line \d+(, in \w+)?')
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Interrupt|Exit|Timeout|Warning)(?=:|$)")
_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def last_errors(unit: str, cleaner: Cleaner) -> list[str]:
    """Them, the oldest first; why there are none to be had, if so."""
    program = shutil.which("journalctl")
    if program is None:
        return ["(there is no journalctl on this machine)"]
    asked = [program, "--unit", unit, "--priority", "warning", "--lines", str(LINES), "--output", "json",
             "--no-pager", "--quiet"]  # fmt: skip
    try:
        ran = subprocess.run(asked, capture_output=True, timeout=PATIENCE, check=False)  # noqa: S603  # no shell
    except (OSError, subprocess.SubprocessError) as error:
        return [f"(the journal was not read: {type(error).__name__})"]
    entries = [entry for line in ran.stdout.splitlines() if (entry := _entry(line))]
    if not entries:
        return [f"(no line, or no right to read them: journalctl ended with {ran.returncode})"]
    return [f"{_when(each)} {cleaner.text(_kept(each))}" for each in entries]


def _entry(line: bytes) -> Mapping[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _when(entry: Mapping[str, Any]) -> str:
    try:
        at = datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1e6, UTC)
    except (KeyError, ValueError, TypeError, OverflowError, OSError):
        return "?"
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _kept(entry: Mapping[str, Any]) -> str:
    """What may be kept of an entry's message."""
    message = entry.get("MESSAGE")
    if isinstance(message, list):  # of bytes, where it is no UTF-8
        message = bytes(each & 255 for each in message if isinstance(each, int)).decode(errors="replace")
    text = _STYLE.sub("", str(message))
    if entry.get("SYSLOG_IDENTIFIER") == "systemd":
        return text
    return " ".join(_of_ours(text)) or LEFT_OUT


def _of_ours(text: str) -> Iterator[str]:
    if found := _OURS.fullmatch(text):
        event = re.split(r"\s+\w+=", found["rest"], maxsplit=1)[0]
        yield f"[{found['level']}] {event.strip()}"
        yield from (
            f"{fact['name']}={fact['value']}"
            for fact in _FACT.finditer(found["rest"])
            if fact["name"] in FACTS
        )
    elif text.startswith("{") and (facts := _entry(text.encode())):
        yield f"[{facts.get('level')}] {facts.get('event')}"
        yield from (f"{name}={value!r}" for name, value in facts.items() if name in FACTS)
    elif found := _FRAME.match(text) or _EXCEPTION.match(text):
        yield found[0]
    elif text.startswith("Traceback (most recent call last)"):
        yield text
