"""The memory of a monitor, `monitor.json`: findings that were told, those still to be told, and growth.
Beside it, `policy` is a copy of the policy of the last look.

A finding goes into `pending` before anybody is told of it, and out of it after that went well. So it is told
at least once, and twice where the machine stops in between.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..model.errors import EvidenceError
from ..model.text import Text
from ..system import files
from . import monitoring
from .log_folder import failing

_LARGEST = 256 << 20  # bytes
_NAME = "monitor.json"


@dataclass
class PendingFinding:
    """A finding that is still to be told: its subject, its state, and its line of JSON."""

    subject: str
    state: str
    line: str


@dataclass
class MonitorState:
    """The memory. `delivered` has the state of each subject as it was last told; `growth` the new leaves by
    day of each log's name, `looked` when that was last counted; `signed` the times and sizes of checkpoints
    by origin; `first` when a log was first looked for; `ahead` a note of each log that the own witness signed
    and that is larger than the copy. Times are in POSIX seconds."""

    delivered: dict[str, str] = field(default_factory=dict)
    pending: list[PendingFinding] = field(default_factory=list)
    growth: dict[str, dict[str, int]] = field(default_factory=dict)
    looked: dict[str, int] = field(default_factory=dict)
    signed: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)
    ahead: dict[str, str] = field(default_factory=dict)

    def note_growth(self, log_name: str, leaves: int, now: int) -> None:
        """Note the leaves that came since the look before."""
        growth, before = self.growth.get(log_name, {}), self.looked.get(log_name)
        self.growth[log_name] = monitoring.grown(growth, before, now, leaves)
        self.looked[log_name] = now

    def note_signed(self, origin: str, at: int, size: int, now: int) -> None:
        """Note that a checkpoint of that size was signed by then."""
        before = self.signed.get(origin, [])
        self.signed[origin] = list(monitoring.remembered(before, (at, size), now))


class MonitorFolder:
    """The folder of one monitor: its memory, and the copies of logs. Every method raises EvidenceError if its
    files cannot be used."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def policy_file(self) -> Path:
        """The copy of the policy of the last look."""
        return self.folder / "policy"

    def require_state(self) -> None:
        """Check that a monitor has looked here."""
        if not (self.folder / _NAME).is_file():
            raise EvidenceError(
                Text(
                    "{folder} is not the state of a monitor",
                    "name the folder that the monitor has as --state",
                    folder=self.folder,
                )
            )

    def save_policy(self, data: bytes) -> None:
        """Store the policy, if it is another one than before."""
        file = self.policy_file
        with failing(file):
            files.make_folder(self.folder, mode=0o750)
            if not file.is_file() or files.read(file, _LARGEST) != data:
                files.write_file(file, data, durable=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder if there is none, and hold it for this process."""
        with failing(self.folder):
            files.make_folder(self.folder, mode=0o750)
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o640)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise EvidenceError(
                    Text("Another monitor uses {folder}", "stop it first", folder=self.folder)
                ) from None
            yield
        finally:
            os.close(lock)

    def load(self) -> MonitorState:
        """Return the memory; a new one if there is none."""
        file = self.folder / _NAME
        with failing(file):
            try:
                data = files.read(file, _LARGEST)
            except FileNotFoundError:
                return MonitorState()
        try:
            values: dict[str, Any] = json.loads(data)
            values["pending"] = [PendingFinding(**pending) for pending in values["pending"]]
            values["signed"] = {
                origin: [(int(at), int(size)) for at, size in signed]
                for origin, signed in values["signed"].items()
            }
            return MonitorState(**values)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise EvidenceError(
                Text(
                    "{file} is damaged",
                    "delete it: what is known is told once more",
                    file=file,
                )
            ) from None

    def save(self, state: MonitorState) -> None:
        """Store the memory."""
        file = self.folder / _NAME
        with failing(file):
            files.make_folder(self.folder, mode=0o750)
            data = json.dumps(asdict(state), ensure_ascii=True, separators=(",", ":")).encode()
            files.write_file(file, data, durable=True)
