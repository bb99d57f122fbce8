"""The last errors of the service in systemd's journal, as far as their form is known.

Our own lines keep the facts that describe the machine, tracebacks keep their places and the class of the
exception, and messages of systemd about the unit stay. All other lines are left out: they may contain
anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ...system.processes import run_command
from .cleaning import Cleaner

LINES = 200  # greatest number of entries
PATIENCE = 5.0  # seconds for journalctl
LEFT_OUT = "(a line of another form is left out)"
FACTS = frozenset(
    {"address", "backups", "calls_cut_off", "controller", "controllers", "error", "file", "job", "kind",
     "ledger", "listen", "needed", "place", "problem", "records", "remedy", "rows", "sessions", "settings",
     "status", "why"}
)  # fmt: skip
"""The facts of a line that are kept: none of them concerns a call."""

_OURS = re.compile(r"\S+Z \[(?P<level>\w+) *\] (?P<rest>.*)")
_FACT = re.compile(r"""(?:^|\s)(?P<name>\w+)=(?P<value>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\S+)""")
_FRAME = re.compile(r'  File "[^"]*", line \d+(, in \w+)?')
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Interrupt|Exit|Timeout|Warning)(?=:|$)")
_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def last_errors(unit: str, cleaner: Cleaner) -> list[str]:
    """Return the last errors, the oldest first; if there are none one line that says why."""
    selection = ("--unit", unit, "--priority", "warning", "--lines", str(LINES))
    journal = run_command(("journalctl", *selection, "--output", "json", "--no-pager", "--quiet"), PATIENCE)
    entries = [entry for line in journal.output.split("\n") if (entry := _entry(line))]
    if not entries:
        ending = f"journalctl ended with {journal.code}"
        return [f"(no line, or no right to read them, or no journalctl here: {ending})"]
    return [f"{_time(entry)} {cleaner.text(_message(entry))}" for entry in entries]


def _entry(line: str) -> Mapping[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _time(entry: Mapping[str, Any]) -> str:
    try:
        at = datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1e6, UTC)
    except (KeyError, ValueError, TypeError, OverflowError, OSError):
        return "?"
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _message(entry: Mapping[str, Any]) -> str:
    """Return the parts of an entry's message that may be kept."""
    message = entry.get("MESSAGE")
    if isinstance(message, list):  # of bytes, if it is not UTF-8
        message = bytes(byte & 255 for byte in message if isinstance(byte, int)).decode(errors="replace")
    text = _STYLE.sub("", str(message))
    if entry.get("SYSLOG_IDENTIFIER") == "systemd":
        return text
    return " ".join(_safe_parts(text)) or LEFT_OUT


def _safe_parts(text: str) -> Iterator[str]:
    if match := _OURS.fullmatch(text):
        event = re.split(r"\s+\w+=", match["rest"], maxsplit=1)[0]
        yield f"[{match['level']}] {event.strip()}"
        yield from (
            f"{fact['name']}={fact['value']}"
            for fact in _FACT.finditer(match["rest"])
            if fact["name"] in FACTS
        )
    elif text.startswith("{") and (facts := _entry(text)):
        yield f"[{facts.get('level')}] {facts.get('event')}"
        yield from (f"{name}={value!r}" for name, value in facts.items() if name in FACTS)
    elif match := _FRAME.match(text) or _EXCEPTION.match(text):
        yield match[0]
    elif text.startswith("Traceback (most recent call last)"):
        yield text
