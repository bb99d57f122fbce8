"""Processes that write to a log of a ledger (-wal) which was deleted while they had it open."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from ..system.processes import descriptors
from .wal_files import RETIRED


def processes_with_deleted_wal(ledgers: Iterable[Path]) -> dict[Path, list[int]]:
    """Return the ids of the processes that have a deleted log or index of one of these ledgers open, by
    ledger, as far as we may see. Other processes do not see their records until they have repaired it.

    All are looked for at once: a look at the descriptors of all processes takes some milliseconds.
    """
    logs = {f"{os.path.realpath(f'{ledger}-wal')} (deleted)": ledger for ledger in ledgers}
    indexes = {f"{os.path.realpath(f'{ledger}-shm')} (deleted)": ledger for ledger in logs.values()}
    processes: dict[Path, set[int]] = {}
    for process, link, name in descriptors():
        if not name.endswith(" (deleted)"):
            continue
        with contextlib.suppress(OSError):
            if (ledger := logs.get(name)) is not None:
                with Path(link).open("rb") as file:  # a retired log holds nothing any more
                    deleted = not file.read(len(RETIRED)).startswith(RETIRED)
            elif (ledger := indexes.get(name)) is not None:
                deleted = _has_open(Path(link).parent, os.path.realpath(f"{ledger}-wal"))
            else:
                continue
            if deleted:
                processes.setdefault(ledger, set()).add(process)
    return {ledger: sorted(numbers) for ledger, numbers in processes.items()}


def _has_open(descriptors: Path, name: str) -> bool:
    return any(os.readlink(descriptor) == name for descriptor in descriptors.iterdir())  # noqa: PTH115
