"""Logs published for a monitor, without a ledger: in a folder, signed and cosigned as a test says."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from evidence import noted
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.cosignature import WitnessSigner
from informativa.evidence.log_folder import PublishedLog
from informativa.evidence.note import Signer, sign
from informativa.evidence.note_values import NoteSource
from informativa.evidence.notes import ErasureNote, LogNote, NoteContent
from informativa.evidence.publishing import folder_of
from informativa.evidence.tree import Frontier, leaf_hash
from informativa.operations.evidence.monitor import Monitor, MonitorSettings
from informativa.views.documents import document

ORIGIN = noted.OLD
SIGNER = Signer(ORIGIN, bytes(range(32)))
NEXT = Signer(noted.LOG, bytes([2]) * 32)
APPROVER = Signer("acme.example/approver", bytes([9]) * 32)
WITNESS = WitnessSigner("home.example", bytes([7]) * 32)
NOW = 1_795_000_000
"""2026-11-18, 11:06:40 UTC: a Wednesday."""
RULE = replace(
    noted.RULE,
    witnesses=(WITNESS.verifier,),
    approver=APPROVER.verifier,
    instruction="",
    purged=0,
    erased=0,
    lost=0,
)
ERASURE = ErasureNote("ab" * 32, 10, "dpo-1")


def record(number: int, content: bytes = b"") -> bytes:
    """The entry of a record, of any content."""
    return b"informativa/record/v2\n" + leaf_hash(b"what%d" % number + content) + leaf_hash(b"who%d" % number)


def minute(seconds: int) -> datetime:
    """The minute of a time."""
    return datetime.fromtimestamp(seconds // 60 * 60, UTC)


@dataclass
class ServedLog:
    """A log below a folder, in which it lies as `informativa evidence publish` puts it."""

    top: Path
    signer: Signer = SIGNER
    entries: list[bytes] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """The folder of its files."""
        return self.top / folder_of(self.signer.name)

    @property
    def size(self) -> int:
        """The number of its leaves."""
        return len(self.entries)

    def note(self, content: NoteContent, at: int = NOW) -> LogNote:
        """Add a note, and return it."""
        note = LogNote(self.signer.name, self.size, minute(at), NoteSource.SERVICE, content)
        self.entries.append(note.entry)
        return note

    def records(self, count: int) -> None:
        """Add records."""
        self.entries += [record(self.size + number) for number in range(count)]

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        """The checkpoint of the first leaves."""
        size = self.size if size is None else size
        frontier = Frontier()
        for entry in self.entries[:size]:
            frontier.append(leaf_hash(entry))
        return Checkpoint(self.signer.name, size, frontier.root())

    def signed(
        self, at: int | None = NOW, size: int | None = None, witness: WitnessSigner = WITNESS
    ) -> bytes:
        """The signed checkpoint of the first leaves, cosigned at a time."""
        text = self.checkpoint(size).text
        data = sign(text, self.signer)
        return data if at is None else data + witness.cosign(text, at).line.encode()

    def publish(self, at: int | None = NOW) -> None:
        """Publish all that is in it."""
        log = PublishedLog(self.folder)
        data = log.checkpoint()
        old = Checkpoint.unverified(data).size if data else 0
        if self.size > old:
            log.extend(old, self.entries[old:])
        if self.size > old or data is None:
            log.put_checkpoint(self.size, self.signed(at))
        else:
            (self.folder / "checkpoint").write_bytes(self.signed(at))


def policy(
    file: Path, *logs: ServedLog, witnesses: Sequence[WitnessSigner] = (WITNESS,), url: str = ""
) -> Path:
    """Write a policy with logs, and witnesses of which one is enough."""
    lines = [f"log {log.signer.verifier} {url}".rstrip() for log in logs]
    lines += [f"witness w{number} {key.verifier}" for number, key in enumerate(witnesses)]
    if witnesses:
        names = " ".join(f"w{number}" for number in range(len(witnesses)))
        lines += [f"group all any {names}", "quorum all"] if len(witnesses) > 1 else ["quorum w0"]
    else:
        lines.append("quorum none")
    file.write_text("\n".join(lines) + "\n")
    return file


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    now: int = NOW

    def __call__(self) -> float:
        return float(self.now)


def monitor(settings: MonitorSettings, clock: Clock | None = None) -> Monitor:
    """A monitor whose clock stands still."""
    return Monitor(settings, lambda finding: document(finding, indent=None), clock or Clock())


def now() -> int:
    """The time, for a test that runs the program."""
    return int(time.time())
