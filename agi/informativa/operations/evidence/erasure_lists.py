"""Private lists of erasures, as files that whoever approves was given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...evidence.erased_leaves import LARGEST_LIST, ErasedLeaves
from ...evidence.log_folder import failing
from ...evidence.notes import ErasureNote, LogNote
from ...evidence.read_log import ReadLog
from ...model.errors import EvidenceError
from ...model.text import Text
from ...system import files
from ..document import AbsolutePath


@dataclass(frozen=True)
class ListedLog:
    """The leaves of one log in the list of an erasure."""

    log: str
    """The origin of the log."""
    erased: int
    """The number of the caller's records."""
    resting: int
    """The number of records that rested on those."""


@dataclass(frozen=True)
class ErasureList:
    """The private list of an erasure."""

    file: AbsolutePath
    """Its file."""
    logs: tuple[ListedLog, ...]
    """The number of its leaves in each log."""


@dataclass(frozen=True)
class ListFile:
    """A list, and the file that it is in."""

    path: Path
    leaves: ErasedLeaves

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of the logs whose leaves it names."""
        return tuple(sorted({place.origin for place in self.leaves.places}))

    @property
    def document(self) -> ErasureList:
        """The counts in it."""
        parts = (self.leaves.erased, self.leaves.resting)
        erased, resting = (Counter(place.origin for place in part) for part in parts)
        return ErasureList(
            self.path,
            tuple(ListedLog(origin, erased[origin], resting[origin]) for origin in self.origins),
        )

    def is_named_by(self, note: LogNote) -> bool:
        """Return whether the note commits to this list."""
        content = note.content
        return isinstance(content, ErasureNote) and content.list_digest == self.leaves.digest

    def check(self, note: LogNote) -> None:
        """Check that this is the list of an erasure's note. Raises EvidenceError."""
        try:
            self.leaves.check(note)
        except EvidenceError as error:
            raise self._refused(error) from error

    def check_places(self, logs: Mapping[str, ReadLog]) -> None:
        """Check that all leaves in these logs are records. Raises EvidenceError."""
        notes = {origin: {entry.leaf.index for entry in log.entries} for origin, log in logs.items()}
        for place in self.leaves.places:
            log = logs.get(place.origin)
            if log and (place.index >= log.size or place.index in notes[place.origin]):
                raise EvidenceError(
                    Text(
                        "The list {file} names leaf {index} of {log}, which is no record.",
                        file=self.path,
                        index=place.index,
                        log=place.origin,
                    )
                )

    def _refused(self, error: EvidenceError) -> EvidenceError:
        return EvidenceError(Text("{file}: {why}", file=self.path, why=error.message))


def read_lists(paths: Sequence[Path]) -> tuple[ListFile, ...]:
    """Read lists from files. Raises EvidenceError."""
    return tuple(map(_read, paths))


def _read(path: Path) -> ListFile:
    with failing(path):
        data = files.read(path, LARGEST_LIST)
    try:
        return ListFile(path, ErasedLeaves.parse(data))
    except EvidenceError as error:
        raise EvidenceError(Text("{file}: {why}", file=path, why=error.message)) from error
