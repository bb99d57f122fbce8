"""The rule that no two companies share a ledger, a key or a log: no query may join their callers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ..evidence.origin import log_folder
from ..model.text import Text
from .findings import Findings

Mark = Callable[[Path], object]
"""A function with the same result for two names of one file."""


def require_apart(
    keys: Mapping[str, object], ledgers: Mapping[str, Path], mark: Mark, findings: Findings
) -> None:
    """Note the companies that share something; `keys` identify the keys of companies."""
    owners: dict[object, str] = {}
    for name, ledger in ledgers.items():
        if ledger.name.endswith(("-wal", "-shm", "-journal")):
            findings.add_problem(
                ("controllers", name, "ledger"), Text("is a name that SQLite gives to files of its own")
            )
        for setting, value in (("key", keys.get(name)), ("ledger", mark(ledger))):
            owner = owners.setdefault((setting, value), name) if value else name
            if owner == name:
                continue
            for company, other in ((owner, name), (name, owner)):  # nothing of either is surely its own
                message = Text(
                    "is the {setting} of {owner} too",
                    "give each controller its own",
                    setting=setting,
                    owner=other,
                )
                findings.add_problem(("controllers", company, setting), message)
    _require_logs_apart(ledgers, mark, findings)


def _require_logs_apart(ledgers: Mapping[str, Path], mark: Mark, findings: Findings) -> None:
    """Note the companies whose ledgers have one log: it lies beside the ledger, and has its name without the
    ending."""
    owners: dict[object, tuple[str, object]] = {}
    for name, ledger in ledgers.items():
        path, folder = ("controllers", name, "ledger"), log_folder(ledger)
        if folder == ledger:
            message = Text("is where its log goes", "name it {file}", file=f"{ledger.stem}.sqlite3")
            findings.add_problem(path, message)
        owner, owners_ledger = owners.setdefault(mark(folder), (name, mark(ledger)))
        if owner != name and owners_ledger != mark(ledger):  # a shared ledger is noted already
            message = Text(
                "has its log in {folder}, as that of {owner} has",
                "give it another name, also without its ending",
                folder=folder,
                owner=owner,
            )
            findings.add_problem(path, message)
