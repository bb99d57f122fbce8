"""Folders where logs are published, and logs to publish there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evidence.witnessing import SIGNER, MemoryLog
from informativa.evidence.log_folder import PublishedLog
from informativa.evidence.publishing import PublishedFiles, publish
from informativa.evidence.targets import FolderTarget

KEY = SIGNER.verifier
BELOW = "informativa/acme/pbx-1/1"


@dataclass(frozen=True)
class Place:
    """A folder in which logs are published, and its files, which a test may change."""

    folder: Path

    @property
    def target(self) -> FolderTarget:
        """The folder as the program uses it."""
        return FolderTarget(self.folder)

    def files(self) -> dict[str, bytes]:
        """All files in it, by their paths below it."""
        return in_folder(self.folder)

    def put(self, path: str, data: bytes | None) -> None:
        """Change a file, or take it away."""
        file = self.folder / path
        if data is None:
            file.unlink()
        else:
            file.write_bytes(data)


def in_folder(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder, by their paths."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def grown(folder: Path, *sizes: int, fork: int | None = None) -> PublishedLog:
    """A log with a checkpoint of each of these sizes, as the sequencer leaves it."""
    log, memory = PublishedLog(folder), MemoryLog.of(max(sizes), fork)
    log.put_key(KEY)
    old = max(log.sizes(), default=0)
    for size in sizes:
        names = [b"%d" % at if fork is None or at < fork else b"x%d" % at for at in range(old, size)]
        log.extend(old, names)
        log.put_checkpoint(size, memory.note(size))
        log.tiles.drop_partials(old, size)
        old = size
    return log


def published(log: PublishedLog, place: Place, **more: bool) -> PublishedFiles:
    """Bring it there."""
    return publish(log, KEY, place.target, **more)
