"""The names of logs, `<domain>/informativa/<company>/<box>/<epoch>`, and where they lie."""

from __future__ import annotations

import os
import re
from pathlib import Path


def slug(name: str) -> str:
    """A name as it stands in an origin: [a-z0-9-]+."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "-"


def machine() -> str:
    """The name of this box, where nobody gave it another."""
    return slug(os.uname().nodename.partition(".")[0])


def log_name(company: str, domain: str = "", box: str = "") -> str:
    """An origin without its epoch. Without a domain the machine's name stands in its place: unique among
    one's own, and enough for whoever publishes nothing."""
    box = slug(box) if box else machine()
    return f"{domain or box}/informativa/{slug(company)}/{box}"


def origin(log: str, epoch: int) -> str:
    """Of a log's epoch, counted from 1."""
    return f"{log}/{epoch}"


def log_folder(ledger: Path) -> Path:
    """Where the log of a ledger lies, through all epochs. Two ledgers of one configuration never share it,
    and none lies in its place (config/controllers.py)."""
    return ledger.with_name(f"{ledger.stem}.log")
