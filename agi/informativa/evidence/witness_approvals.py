"""Approvals that a witness serves, as the controller's person put them into a folder.

    GET /approvals/<hex SHA-256 of a log's origin>/<n>

`n` counts from 0 and is never that of another approval: what was once read from the folder stays in the
witness's store, also after the file is gone. An approval for several logs has a number in each. Whoever asks
is answered from memory, and a name that he sends never reaches a file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..model.errors import EvidenceError
from ..model.text import Text
from ..system import files
from .approval import LARGEST_APPROVAL, SUFFIX, Approval, log_digest
from .log_folder import failing
from .witness_store import WitnessStore

MOST_APPROVALS = 10_000  # at their largest 150 MB
_NAME = re.compile(rf"[0-9a-f]{{64}}{re.escape(SUFFIX)}")
NamedNote = tuple[str, bytes]
"""The name of an approval's file, and its signed note."""
_State = tuple[int, int]  # of a file: when it was changed, in nanoseconds since 1970, and its bytes


class WitnessApprovals:
    """The approvals of one witness, those in its store and those in a folder. What uses the store is for the
    thread of the store; the folder may hang, and `read_new` is for another one. Raises EvidenceError if the
    store cannot be used."""

    def __init__(self, folder: Path, store: WitnessStore) -> None:
        self._folder, self._store = folder, store
        self._known: set[str] = set()
        self._notes: Mapping[str, Sequence[bytes]] = {}
        self._refused: dict[str, _State] = {}
        self._load()

    def get(self, digest: str, number: int) -> bytes | None:
        """Return approval `number` of the log with this `log_digest`; `None` after the last."""
        notes = self._notes.get(digest, ())
        return notes[number] if number < len(notes) else None

    def read_new(self) -> tuple[list[NamedNote], list[Text]]:
        """Return the approvals that are new in the folder, earliest first, and what is wrong with other files
        in it, once for each state of a file. Raises EvidenceError if the folder cannot be read."""
        problems: list[Text] = []
        new: list[tuple[int, str, bytes]] = []
        for name, state in self._new_files():
            try:
                data = self._read(name)
                approval = Approval.unverified(data)
                if approval.file_name != name:
                    raise EvidenceError(Text("Its name should be {name}.", name=approval.file_name))
                if len(self._known) + len(new) >= MOST_APPROVALS:
                    raise EvidenceError(Text("There are {limit} approvals already.", limit=MOST_APPROVALS))
            except EvidenceError as error:
                self._refused[name] = state
                problems.append(
                    Text("{file} is not served: {why}", file=self._folder / name, why=error.message)
                )
            else:
                new.append((approval.time, name, data))
        return [(name, data) for _time, name, data in sorted(new)], problems

    def add(self, new: Sequence[NamedNote]) -> None:
        """Serve approvals, behind those that are there. Raises EvidenceError if they cannot be stored."""
        if new:
            self._store.add_approvals(new)
            self._load()

    def _load(self) -> None:
        approvals = self._store.approvals()
        self._known = {name for name, _data in approvals}
        self._notes = _by_log([data for _name, data in approvals])

    def _new_files(self) -> list[tuple[str, _State]]:
        """Return the approvals by their name that are not known, nor refused as they are now."""
        names = []
        with failing(self._folder), os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.endswith(SUFFIX) and entry.name not in self._known:
                    status = entry.stat(follow_symlinks=False)
                    state = (status.st_ctime_ns, status.st_size)
                    if self._refused.get(entry.name) != state:
                        names.append((entry.name, state))
        return sorted(names)

    def _read(self, name: str) -> bytes:
        """Return the content of a file. Raises EvidenceError for what is no file of an approval."""
        if not _NAME.fullmatch(name):
            raise EvidenceError(Text("Its name is not that of an approval."))
        with failing(self._folder / name):
            data = files.read_foreign(self._folder / name, LARGEST_APPROVAL + 1)
        if data is None:
            raise EvidenceError(Text("It is no file."))
        return data


def _by_log(notes: Iterable[bytes]) -> Mapping[str, Sequence[bytes]]:
    """Return approvals by the digest of each log that they are for, in their order."""
    logs: dict[str, list[bytes]] = {}
    for data in notes:
        origins = {leaf.origin: None for leaf in Approval.unverified(data).leaves}
        for origin in origins:
            logs.setdefault(log_digest(origin), []).append(data)
    return logs
