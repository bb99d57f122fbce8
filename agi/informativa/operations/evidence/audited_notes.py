"""The standing of the notes of an audited ledger, by its kept checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from ...evidence.cosignature import WitnessVerifier
from ...evidence.log_folder import LogFolder, PublishedLog, SignedLeaves
from ...evidence.note import Verifier
from ...evidence.note_flaws import SignedAt
from ...evidence.note_standing import NoteStanding, standings
from ...evidence.read_log import ReadLog
from ...model.errors import EvidenceError


def judged(
    logs: Mapping[str, ReadLog], folder: LogFolder, approvers: Sequence[Verifier]
) -> dict[str, tuple[NoteStanding, ...]]:
    """Return the standings of all notes of a ledger by log, the newest last. `approvers` are the keys that
    the controller gave. The audit holds the checkpoints themselves against the tree."""
    published = _published(logs, folder)

    def first_cosigned(
        origin: str, size: int, witnesses: Sequence[WitnessVerifier], _latest: int
    ) -> int | None:
        return published[origin].first_cosigned(size, logs[origin].key, witnesses)

    return standings(logs, approvers, first_cosigned, signed_leaves(logs, folder))


def signed_leaves(logs: Mapping[str, ReadLog], folder: LogFolder) -> SignedAt:
    """Return a function that says when a leaf was first signed, by the kept checkpoints."""
    published = _published(logs, folder)
    signed = {origin: SignedLeaves(published[origin], log.key) for origin, log in logs.items()}

    def signed_at(origin: str, index: int, witnesses: Sequence[WitnessVerifier]) -> int | None:
        with suppress(EvidenceError):  # which the check of the checkpoints reports
            return signed[origin].signed_at(index, witnesses)
        return None

    return signed_at


def _published(logs: Iterable[str], folder: LogFolder) -> dict[str, PublishedLog]:
    return {origin: folder.published(epoch) for epoch, origin in enumerate(logs, 1)}
