"""A bundle: one controller's records of a period for an auditor, in one ZIP file.

Records are read in small turns, each together with its leaf, and are written at once into every file that has
them. So all files agree on each record, calls never wait, and a million records need no more memory than one.
The same ledger, log, prompts and configuration give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from hashlib import file_digest
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from ...config import Configuration
from ...evidence.proof import SUFFIX
from ...model import Controller, Record
from ...model.errors import EvidenceError, InformativaError
from ...model.text import Foreign, Text
from ...process import storage
from ...system.files import open_for_replacement
from ..controller_state import lines_of
from ..controllers import require_ledger
from ..day_range import DayRange
from . import bundle_holes
from .bundle_content import Bundle, BundleContent, BundleWriter
from .bundle_log import LogFiles
from .bundle_prompts import BundledPrompt, bundled
from .bundle_sources import LedgerRecords, Progress
from .receipt_maker import OpenedLeaf, RecordWithoutReceipt
from .verdict import Hole
from .zip_writer import PackedEntry, SummedZip

FOLDER = 1000  # greatest number of receipts in a folder


def bundle(
    configuration: Configuration,
    controller: Controller,
    period: DayRange,
    file: Path,
    words: BundleWriter,
    progress: Progress | None = None,
) -> Bundle:
    """Write a bundle of a ledger.

    Only its user may read the file, because it has pseudonyms. Raises InformativaError if there are no
    records or the file cannot be written, LedgerError, and EvidenceError if a record is not what was signed.
    """
    require_ledger(controller)
    try:
        with ExitStack() as stack:

            def temporary() -> BinaryIO:
                return stack.enter_context(TemporaryFile(dir=file.absolute().parent))

            store = stack.enter_context(closing(storage.store(controller, read_only=True)))
            source = LedgerRecords(controller, store, period, progress)
            out = stack.enter_context(open_for_replacement(file, most=0o600))
            bundler = _Bundler(configuration, controller, period, source, words)
            content = bundler.write(out, temporary)
        with file.open("rb") as stream:
            return _bundle(content, file, file_digest(stream, "sha256").hexdigest())
    except OSError as error:
        raise InformativaError(
            Text("{file} cannot be written: {why}.", file=file, why=Foreign(error.strerror or "")),
            Text("Name a file in a folder of yours with -o, on a disk that has room."),
        ) from error


def _bundle(content: BundleContent, file: Path, sha256: str) -> Bundle:
    return Bundle(
        controller=content.controller.id,
        log=content.log,
        first=content.period.first,
        last=content.period.last,
        file=file,
        sha256=sha256,
        records=content.records,
        receipts=content.receipts,
        log_notes=content.log_notes,
        waiting_from=content.waiting_from,
        erased=content.erased,
        notes=content.notes,
        gone=content.gone,
        verdict=content.verdict,
        holes=content.holes,
        logs=content.logs,
        unknown_recordings=content.unknown_recordings,
    )


class _Bundler:
    """A writer of one bundle, which counts its content."""

    def __init__(
        self,
        configuration: Configuration,
        controller: Controller,
        period: DayRange,
        source: LedgerRecords,
        words: BundleWriter,
    ) -> None:
        self._configuration, self._controller, self._period = configuration, controller, period
        self._source, self._words = source, words
        self._records = self._receipts = self._log_notes = self._erased = self._notes = self._gone = 0
        self._holes: tuple[Hole, ...] = ()
        self._waiting_from: int | None = None
        # By epoch, the first and the last leaf with a receipt; of notes if no other record has one.
        self._covered: dict[int, tuple[int, int]] = {}
        self._versions: set[tuple[str, str]] = set()  # of records, as pairs of notice and version
        self._recordings: set[str] = set()

    def write(self, out: BinaryIO, temporary: Callable[[], BinaryIO]) -> BundleContent:
        files = SummedZip(folder_name(self._controller, self._period), out, temporary)
        beginnings = self._words.begin(self._controller, choices=storage.has_answers(self._controller))
        texts = [files.begin(name) for name in beginnings]
        _write(texts, tuple(beginnings.values()))
        self._take_all(files, texts)
        self._require_some()
        for text in texts:
            files.end(text)
        logs = list(self._logs())
        prompts = self._prompts()
        content = BundleContent(
            controller=self._controller,
            log=self._source.origin,
            period=self._period,
            lines=lines_of(self._controller, self._configuration),
            logs=tuple(log.bundled for log in logs),
            prompts=tuple(prompts),
            records=self._records,
            receipts=self._receipts,
            log_notes=self._log_notes,
            erased=self._erased,
            notes=self._notes,
            gone=self._gone,
            holes=self._holes,
            waiting_from=self._waiting_from,
            unknown_recordings=tuple(
                sorted(digest for digest in self._recordings if not _is_among(digest, prompts))
            ),
        )
        for name, data in chain(*(log.files() for log in logs), *(prompt.files() for prompt in prompts)):
            files.add(name, data)
        self._finish(files, content)
        return content

    def _finish(self, files: SummedZip, content: BundleContent) -> None:
        files.add("plan.txt", self._words.plan(content.lines).encode())
        files.add("README.txt", self._words.readme(content).encode())
        files.finish()

    def _take_all(self, files: SummedZip, texts: Sequence[PackedEntry]) -> None:
        """Write all records."""
        source = self._source
        first = last = -1
        for leaf, record in source.of_period():
            if leaf is not None:
                first, last = first if first >= 0 else leaf.leaf, max(last, leaf.leaf)
            self._take(leaf, record, files, texts)
        covered, of_period = dict(self._covered), self._records
        notes = source.notes()
        for row in bundle_holes.note_rows(notes, first, last):
            for leaf, record in source.record_of(row):
                self._take(leaf, record, files, texts)
        self._holes = bundle_holes.of_period(notes, first, last, self._period.since)
        self._covered |= covered
        self._notes = self._records - of_period
        self._gone = source.unopenable(first, last)

    def _take(
        self,
        leaf: OpenedLeaf | None,
        record: Record,
        files: SummedZip,
        texts: Sequence[PackedEntry],
    ) -> None:
        event, receipt = record.event, self._source.maker.make(record, leaf)
        _write(texts, self._words.record(record))
        self._records += 1
        self._erased += event.erased
        self._versions.add((event.asked.choice if event.asked else event.notice, event.version))
        if event.recording:
            self._recordings.add(event.recording)
        if isinstance(receipt, RecordWithoutReceipt) and receipt.is_note:
            self._log_notes += 1
            return
        if isinstance(receipt, RecordWithoutReceipt):
            self._waiting_from = min(record.number, self._waiting_from or record.number)
            return
        begin = record.number // FOLDER * FOLDER
        file = f"receipts/{begin}-{begin + FOLDER - 1}/{receipt.name}{SUFFIX}"
        files.add(file, receipt.receipt.proof.data)
        self._receipts += 1
        epoch, index = receipt.epoch, receipt.receipt.proof.index
        self._covered[epoch] = (self._covered.get(epoch, (index, index))[0], index)

    def _require_some(self) -> None:
        """Raise InformativaError if the bundle has no records, EvidenceError if none has a receipt."""
        owner, period = self._controller.id, self._period
        if not self._records:
            raise InformativaError(
                Text(
                    "No record of {id} is from {first} to {last}.",
                    id=owner,
                    first=period.first,
                    last=period.last,
                ),
                Text("Which there are: informativa ledger show --controller {id}", id=owner),
            )
        if not self._receipts:
            raise EvidenceError(
                Text("The records of {id} are in no checkpoint yet.", id=owner),
                Text("Type: informativa evidence checkpoint --controller {id}", id=owner),
                code="no-checkpoint-yet",
            )

    def _logs(self) -> Iterator[LogFiles]:
        maker = self._source.maker
        for epoch, (first, last) in sorted(self._covered.items()):
            signed = maker.newest(epoch)
            assert signed is not None  # it has receipts
            yield LogFiles(epoch, maker.published(epoch), signed, first, last)

    def _prompts(self) -> list[BundledPrompt]:
        wordings = self._configuration.wordings(self._controller.id)
        return bundled(wordings, self._period.since, self._period.until, self._versions)


def folder_name(controller: Controller, period: DayRange) -> str:
    """Return the name of the folder in the ZIP file that has all files."""
    return f"{controller.id}-{period.name}"


def _write(entries: Sequence[PackedEntry], texts: Sequence[str]) -> None:
    for entry, text in zip(entries, texts, strict=True):
        entry.write(text.encode())


def _is_among(digest: str, prompts: Sequence[BundledPrompt]) -> bool:
    return any(prompt.is_recording(digest) for prompt in prompts)
