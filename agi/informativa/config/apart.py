"""No two companies share a ledger, a key or a log: no query may join their callers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ..evidence.origin import log_folder
from ..text import Text
from .findings import Findings

Mark = Callable[[Path], object]
"""By which two names of one file are known to be the same."""


def require_apart(
    keys: Mapping[str, object], ledgers: Mapping[str, Path], mark: Mark, found: Findings
) -> None:
    """Note the companies that share something; `keys` tell those of two companies from each other."""
    owners: dict[object, str] = {}
    for name, ledger in ledgers.items():
        if ledger.name.endswith(("-wal", "-shm", "-journal")):
            found.wrong(
                ("controllers", name, "ledger"), Text("is a name that SQLite gives to files of its own")
            )
        for setting, value in (("key", keys.get(name)), ("ledger", mark(ledger))):
            owner = owners.setdefault((setting, value), name) if value else name
            if owner == name:
                continue
            for one, other in ((owner, name), (name, owner)):  # nothing of either is surely its own
                message = Text(
                    "is the {setting} of {owner} too",
                    "give each controller its own",
                    setting=setting,
                    owner=other,
                )
                found.wrong(("controllers", one, setting), message)
    _require_logs_apart(ledgers, mark, found)


def _require_logs_apart(ledgers: Mapping[str, Path], mark: Mark, found: Findings) -> None:
    """Note the companies whose ledgers have one log: it lies beside the ledger, and is named as that without
    what follows the point."""
    owners: dict[object, tuple[str, object]] = {}
    for name, ledger in ledgers.items():
        path, folder = ("controllers", name, "ledger"), log_folder(ledger)
        if folder == ledger:
            message = Text("is where its log goes", "name it {file}", file=f"{ledger.stem}.sqlite3")
            found.wrong(path, message)
        owner, its_ledger = owners.setdefault(mark(folder), (name, mark(ledger)))
        if owner != name and its_ledger != mark(ledger):  # one ledger of two is told already
            message = Text(
                "has its log in {folder}, as that of {owner} has",
                "give it another name, also without its ending",
                folder=folder,
                owner=owner,
            )
            found.wrong(path, message)
