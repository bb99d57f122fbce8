"""The standing of the notes of an audited ledger, by its kept checkpoints."""

from __future__ import annotations

from collections.abc import Sequence

from ...evidence.cosignature import WitnessVerifier
from ...evidence.log_folder import LogFolder
from ...evidence.note import Verifier
from ...evidence.note_standing import NoteStanding, standings
from ...ledgers.audit_log import AuditedLog


def judged(
    audited: AuditedLog, folder: LogFolder, approvers: Sequence[Verifier]
) -> dict[str, tuple[NoteStanding, ...]]:
    """Return the standings of all notes of a ledger by log, the newest last. `approvers` are the keys that
    the controller gave. The audit holds the checkpoints themselves against the tree."""
    published = {origin: folder.published(epoch) for epoch, origin in enumerate(audited.logs, 1)}

    def first_cosigned(
        origin: str, size: int, witnesses: Sequence[WitnessVerifier], _latest: int
    ) -> int | None:
        return published[origin].first_cosigned(size, audited.logs[origin].key, witnesses)

    return standings(audited.logs, approvers, first_cosigned)
