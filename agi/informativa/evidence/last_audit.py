"""The verdict of a ledger's last audit, in a small file beside its log.

A whole audit takes longer than the doctor, the status and the metrics may: they read it here. It is a
convenience and never proof, since whoever administers the machine can write it: who must know has the ledger
audited. Losing the file loses nothing.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ..model import Verdict
from ..system import files
from .origin import log_folder

_LARGEST = 4096  # bytes


@dataclass(frozen=True)
class LastAudit:
    """The verdict of an audit, as it is remembered. It is no proof."""

    verdict: Verdict
    """The verdict."""
    at: datetime
    """The time of the audit."""
    size: int
    """The number of records of the newest log that others have or, without any, that are signed."""
    holes: int
    """The number of records that nobody can open any more, or whose caller is gone."""
    unaccounted: int
    """The number of those under no note that holds and has the approval that it needs."""
    independent: bool
    """True if a witness or an independent publishing target answered; otherwise it is the company's own
    word."""

    @property
    def is_signed(self) -> bool:
        """`True` if anything of the newest log was signed; otherwise a good verdict proves nothing."""
        return self.size > 0

    @property
    def has_weight(self) -> bool:
        """`True` if others may go by the verdict: it is bad, or of a signed log."""
        return self.is_signed or not self.verdict.is_good


@cache
def _adapter() -> TypeAdapter[LastAudit]:
    return TypeAdapter(LastAudit)


def write(ledger: Path, audit: LastAudit) -> None:
    """Remember an audit of this ledger; do nothing where this user may not write beside it."""
    with (
        suppress(OSError),
        files.open_for_replacement(_file(ledger), most=0o600, for_folders_owner=True) as out,
    ):
        out.write(_adapter().dump_json(audit))


def read(ledger: Path) -> LastAudit | None:
    """Return the last audit of this ledger; `None` if there is none that can be read."""
    with suppress(OSError, ValidationError):
        data = files.read_foreign(_file(ledger), _LARGEST)
        audit = _adapter().validate_json(data or b"")
        return audit if audit.at.tzinfo else None
    return None


def _file(ledger: Path) -> Path:
    return log_folder(ledger) / "last-audit.json"
