"""The controller's own witness, which signed checkpoints of the logs that the monitor follows."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ...evidence.checkpoint import Checkpoint, open_checkpoint
from ...evidence.log_copy import LogCopy
from ...evidence.note import Verifier
from ...evidence.witness_store import WitnessFolder, last_signed
from ...model.errors import EvidenceError
from ...model.text import Text
from .monitor_reading import FollowedLog

LastSigned = Mapping[str, tuple[Checkpoint, int, bytes]]
"""The last checkpoint that a witness signed, when (POSIX seconds), and the log's note, by origin."""


def signed_by_witness(folder: Path | None) -> tuple[LastSigned, list[Text]]:
    """Return what the witness in a folder signed last, and what went wrong."""
    if folder is None:
        return {}, []
    try:
        return last_signed(WitnessFolder(folder)), []
    except EvidenceError as error:
        return {}, [error.text]


def keep_forks(signed: LastSigned, logs: Mapping[str, FollowedLog], ahead: dict[str, str]) -> None:
    """Store what the witness signed and what contradicts the copies. Of what is larger than a copy the
    earliest note stays in `ahead` until it can be compared: the newest one may always be larger. Raises
    EvidenceError if the copies cannot be used."""
    for origin, log in logs.items():
        notes = [ahead.pop(origin).encode()] if origin in ahead else []
        if origin in signed:
            notes.append(signed[origin][2])
        for note in notes:
            checkpoint = _opened(note, log.key)
            if checkpoint and contradicts(checkpoint, log.copy):
                log.copy.keep_fork(note)
            elif checkpoint and checkpoint.size > log.copy.size:
                ahead.setdefault(origin, note.decode())


def contradicts(checkpoint: Checkpoint, copy: LogCopy) -> bool:
    """Return whether a checkpoint is of another tree than the copy's, as far as the copy has it, or of a log
    that went on after its end."""
    last, ended = copy.checkpoint, copy.ended
    if last is None or checkpoint.size > last.size:
        return ended is not None and checkpoint.size > ended
    return (last.root if checkpoint.size == last.size else copy.root(checkpoint.size)) != checkpoint.root


def _opened(note: bytes, key: Verifier) -> Checkpoint | None:
    with suppress(EvidenceError):
        return open_checkpoint(note, [key]).checkpoint
    return None
