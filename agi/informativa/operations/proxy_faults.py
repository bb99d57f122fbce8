"""Faults of the web server in front of the console, from what it asks for: the console stores the newest one
in a file beside the accounts, and `informativa doctor` reads it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from ..system.files import read_foreign, write_file

_FILE = "proxy-fault.json"
_LARGEST_FILE = 1000  # bytes


class ProxyFault(StrEnum):
    """A mistake in requests that come by another web server."""

    UNNAMED = "unnamed"
    """One of `web.proxy.addresses` asks, and does not say for whom."""
    CLEAR = "clear"
    """It does not say that the browser came by https."""
    UNKNOWN = "unknown"
    """Another server asks, which is not among `web.proxy.addresses`."""


@dataclass(frozen=True)
class SeenFault:
    """A fault, and the time of the request that had it."""

    fault: ProxyFault
    at: datetime


def record(folder: Path, fault: ProxyFault, now: datetime) -> None:
    """Store a fault; nothing of the request but that it had it. Raises OSError."""
    data = json.dumps({"fault": fault, "at": now.isoformat()}).encode()
    write_file(folder / _FILE, data, secret=True, for_folders_owner=True)


def clear(folder: Path) -> None:
    """Forget the fault. Raises OSError."""
    (folder / _FILE).unlink(missing_ok=True)


def newest(folder: Path) -> SeenFault | None:
    """Return the fault that is stored; `None` if there is none, or what is stored is none. Raises OSError."""
    try:
        facts = json.loads(read_foreign(folder / _FILE, _LARGEST_FILE) or b"")
        return SeenFault(ProxyFault(facts["fault"]), datetime.fromisoformat(facts["at"]).astimezone(UTC))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
