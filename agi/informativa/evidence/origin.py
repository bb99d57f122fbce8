"""The names of logs, `<domain>/informativa/<company>/<box>/<epoch>`, and their folders."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..model.text import Text


def slug(name: str) -> str:
    """Return a name as it is written in an origin: [a-z0-9-]+."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "-"


def machine() -> str:
    """Return the default name of this machine, from its host name."""
    return slug(os.uname().nodename.partition(".")[0])


def log_name(company: str, domain: str = "", box: str = "") -> str:
    """Return an origin without its epoch. Without a domain the name of the machine stands in its place:
    unique among one's own machines, and enough for those that publish nothing."""
    box = slug(box) if box else machine()
    return f"{domain or box}/informativa/{slug(company)}/{box}"


def origin(log: str, epoch: int) -> str:
    """Return the origin of a log's epoch, counted from 1."""
    return f"{log}/{epoch}"


def log_folder(ledger: Path) -> Path:
    """Return the folder of a ledger's log, for all epochs. Two ledgers of one configuration never share it,
    and no ledger has the path of another one's log (config/controllers.py)."""
    return ledger.with_name(f"{ledger.stem}.log")


def put_aside(ledger: Path) -> Text:
    """Return the commands that put a ledger aside with its log, so that others begin in their place."""
    folder = log_folder(ledger)
    text = Text("mv {ledger} {ledger}.aside; mv {folder} {folder}.aside")
    if not folder.exists():
        text = Text("mv {ledger} {ledger}.aside")
    return text.format(ledger=ledger, folder=folder)
