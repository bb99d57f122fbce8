"""What a look at one thing comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How one thing is. What could not be looked at counts as nothing else."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """One sentence on how something is; where it is not as it should be, `fix` says what to do or type."""

    state: State
    text: str
    fix: str = ""


def ok(text: str) -> Finding:
    """As it should be."""
    return Finding(State.OK, text)


def warning(text: str, fix: str) -> Finding:
    """Calls are served, and somebody should know it."""
    return Finding(State.WARNING, text, fix)


def wrong(text: str, fix: str) -> Finding:
    """Calls, or what is kept of them, are not as configured."""
    return Finding(State.WRONG, text, fix)


def unknown(text: str, fix: str = "") -> Finding:
    """Could not be looked at."""
    return Finding(State.UNKNOWN, text, fix)
