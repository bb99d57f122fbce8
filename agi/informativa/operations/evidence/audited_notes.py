"""The standing of the notes of an audited ledger, by its kept checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ...evidence.checkpoint import open_checkpoint
from ...evidence.cosignature import WitnessVerifier, cosigned_at
from ...evidence.log_folder import LogFolder, PublishedLog
from ...evidence.note import Verifier
from ...evidence.note_standing import NoteStanding, standings
from ...evidence.read_log import ReadLog
from ...evidence.signed_leaves import SignedLeaves
from ...ledgers.audit_log import AuditedLog
from ...model.errors import EvidenceError


def judged(
    audited: AuditedLog, folder: LogFolder, approvers: Sequence[Verifier]
) -> dict[str, tuple[NoteStanding, ...]]:
    """Return the standings of all notes of a ledger by log, the newest last. `approvers` are the keys that
    the controller gave."""
    published = {origin: folder.published(epoch) for epoch, origin in enumerate(audited.logs, 1)}
    signed = {origin: SignedLeaves(published[origin], log.key) for origin, log in audited.logs.items()}

    def signed_at(origin: str, index: int, witnesses: Sequence[WitnessVerifier]) -> int | None:
        with suppress(EvidenceError):  # which the check of the checkpoints reports
            return signed[origin].signed_at(index, witnesses)
        return None

    return standings(audited.logs, approvers, _KeptCosignatures(audited.logs, published), signed_at)


@dataclass(frozen=True)
class _KeptCosignatures:
    """The times of the first cosignatures of kept checkpoints: a `note_flaws.FirstCosigned`. The audit holds
    the checkpoints themselves against the tree."""

    logs: Mapping[str, ReadLog]
    published: Mapping[str, PublishedLog]

    def __call__(
        self, origin: str, size: int, witnesses: Sequence[WitnessVerifier], latest: int
    ) -> int | None:
        with suppress(EvidenceError):
            data = self.published[origin].checkpoint_of(size)
            if data is not None:
                note = open_checkpoint(data, [self.logs[origin].key]).note
                by_key = {(key.name, key.key_id): key for key in witnesses}
                times = [
                    cosigned_at(line)
                    for line in note.others
                    if (key := by_key.get((line.name, line.key_id))) and key.verify(note.text, line.data)
                ]
                return min(times, default=None)
        return None
