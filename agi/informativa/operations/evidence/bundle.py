"""A bundle: what an auditor gets of one controller's records of a period, in one ZIP file.

Records are read in small turns, each together with its leaf, and go at once into every file that has them:
what the files say is one state of each record, calls never wait, and a million records need no more memory
than one. The same ledger, log, prompts and configuration give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from hashlib import file_digest
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Protocol

from ... import bootstrap
from ...config import Configuration
from ...errors import EvidenceError, InformativaError
from ...evidence.log_folder import LogFolder
from ...evidence.proof import SUFFIX
from ...files import putting
from ...ledgers.leaves import Leaf, indices
from ...ledgers.sqlite import SqliteStore
from ...model import Controller, Event, Line, Record
from ...text import Foreign, Text
from ..controller_state import lines_of
from ..controllers import require_ledger
from .bundle_log import BundledLog, LogFiles
from .bundle_prompts import BundledPrompt, bundled
from .period import Period
from .receipt_maker import ReceiptMaker, WaitingRecord
from .zip_writer import PackedEntry, SummedZip

PAGE = 2048  # rows of `leaf` that are looked at in one turn
FOLDER = 1000  # receipts in a folder

Progress = Callable[[int, int], object]
"""Called with how many leaves were looked at, and how many there are."""


@dataclass(frozen=True)
class Bundle:
    """What is in a bundle. Of `records`, `receipts` can be checked, and the others wait for a checkpoint,
    from number `waiting_from` on; `erased` were erased at their caller's request, `notes` are from after the
    period, and say what became of others. `gone` leaves among those of the period open nothing any more.
    `unknown` are recordings that records name and that are not there any more, by their digests."""

    controller: Controller
    period: Period
    lines: tuple[Line, ...]
    logs: tuple[BundledLog, ...]
    prompts: tuple[BundledPrompt, ...]
    records: int
    receipts: int
    erased: int
    notes: int
    gone: int
    waiting_from: int | None
    unknown: tuple[str, ...]

    @property
    def waiting(self) -> int:
        """How many records wait for a checkpoint."""
        return self.records - self.receipts


@dataclass(frozen=True)
class WrittenBundle:
    """A bundle where it is now, and the SHA-256 of that file."""

    bundle: Bundle
    file: Path
    sha256: str


class BundleWriter(Protocol):
    """Puts into words what a bundle has to say."""

    def begin(self, controller: Controller, origin: str) -> Mapping[str, str]:
        """The files of records, by name, each as it begins; the newest log is called `origin`."""

    def record(self, record: Record) -> Sequence[str]:
        """What each of these files says of one record."""

    def end(self) -> Sequence[str]:
        """How each ends."""

    def plan(self, lines: Sequence[Line]) -> str:
        """What callers of these lines must hear."""

    def readme(self, bundle: Bundle) -> str:
        """What all of it is, what it proves, and how to check that."""


def bundle(
    configuration: Configuration,
    controller: Controller,
    period: Period,
    file: Path,
    words: BundleWriter,
    progress: Progress | None = None,
) -> WrittenBundle:
    """Write one, for its user alone: it has pseudonyms. Raises InformativaError where there is nothing to put
    in or it cannot be written, LedgerError, and EvidenceError where a record is not what was signed."""
    require_ledger(controller)
    try:
        with ExitStack() as stack:

            def temporary() -> BinaryIO:
                return stack.enter_context(TemporaryFile(dir=file.absolute().parent))

            store = stack.enter_context(closing(bootstrap.store(controller, read_only=True)))
            out = stack.enter_context(putting(file, most=0o600))
            made = _Bundler(configuration, controller, period, store, words).write(out, temporary, progress)
        with file.open("rb") as written:
            return WrittenBundle(made, file, file_digest(written, "sha256").hexdigest())
    except OSError as error:
        raise InformativaError(
            Text("{file} cannot be written: {why}.", file=file, why=Foreign(error.strerror or "")),
            Text("Name a file in a folder of yours with -o, on a disk that has room."),
        ) from error


class _Bundler:
    """Writes one bundle, and counts what is in it."""

    def __init__(
        self,
        configuration: Configuration,
        controller: Controller,
        period: Period,
        store: SqliteStore,
        words: BundleWriter,
    ) -> None:
        self._configuration, self._controller, self._period = configuration, controller, period
        self._store, self._words = store, words
        self._maker = ReceiptMaker.of_ledger(controller, store)
        self._records = self._receipts = self._erased = 0
        self._waiting_from: int | None = None
        self._covered: dict[int, tuple[int, int]] = {}  # by epoch, the first and the last leaf with a receipt
        self._told: set[tuple[str, str]] = set()
        self._recordings: set[str] = set()

    def write(
        self, out: BinaryIO, temporary: Callable[[], BinaryIO], progress: Progress | None = None
    ) -> Bundle:
        newest = self._store.log()
        files = SummedZip(folder_of(self._controller, self._period), out, temporary)
        begun = self._words.begin(self._controller, newest.origin)
        texts = [files.begin(name) for name in begun]
        _say(texts, tuple(begun.values()))
        first = last = -1
        for leaf, record in self._of_period(newest.next, progress):
            first, last = first if first >= 0 else leaf.leaf, leaf.leaf
            self._take(leaf, record, files, texts)
        self._require_some(all_entered=newest.entered == newest.old)
        covered, of_period = dict(self._covered), self._records
        for leaf, record in self._notes_on(first, last):
            self._take(leaf, record, files, texts)
        _say(texts, self._words.end())
        for text in texts:
            files.end(text)
        logs = list(self._logs(self._covered | covered))
        prompts = self._prompts()
        made = Bundle(
            controller=self._controller,
            period=self._period,
            lines=lines_of(self._controller, self._configuration),
            logs=tuple(each.bundled for each in logs),
            prompts=tuple(prompts),
            records=self._records,
            receipts=self._receipts,
            erased=self._erased,
            notes=self._records - of_period,
            gone=self._store.gone(first, last),
            waiting_from=self._waiting_from,
            unknown=tuple(sorted(each for each in self._recordings if not _is_among(each, prompts))),
        )
        for name, data in chain(*(each.files() for each in logs), *(each.files() for each in prompts)):
            files.add(name, data)
        self._finish(files, made)
        return made

    def _finish(self, files: SummedZip, made: Bundle) -> None:
        files.add("plan.txt", self._words.plan(made.lines).encode())
        files.add("README.txt", self._words.readme(made).encode())
        files.finish()

    def _of_period(self, end: int, progress: Progress | None) -> Iterator[tuple[Leaf, Record]]:
        for at in range(0, end, PAGE):
            before = min(at + PAGE, end)
            yield from self._store.opened(at, before, self._period.since, self._period.until)
            if progress:
                progress(before, end)

    def _notes_on(self, first: int, last: int) -> Iterator[tuple[Leaf, Record]]:
        """The records from after the period which say what became of leaves between these."""
        for leaf, event in list(self._store.notes()):
            if event.at >= self._period.until and _names(event, first, last):
                yield from self._store.opened(leaf, leaf + 1)

    def _take(self, leaf: Leaf, record: Record, files: SummedZip, texts: Sequence[PackedEntry]) -> None:
        event, made = record.event, self._maker.made(record, leaf)
        _say(texts, self._words.record(record))
        self._records += 1
        self._erased += event.erased
        self._told.add((event.notice, event.version))
        if event.recording:
            self._recordings.add(event.recording)
        if isinstance(made, WaitingRecord):
            self._waiting_from = min(record.number, self._waiting_from or record.number)
            return
        begin = record.number // FOLDER * FOLDER
        name = f"{self._controller.id}-{record.number}{SUFFIX}"
        files.add(f"receipts/{begin}-{begin + FOLDER - 1}/{name}", made.receipt.proof.data)
        self._receipts += 1
        epoch, index = self._maker.log_of(leaf).epoch, made.receipt.proof.index
        self._covered[epoch] = (self._covered.get(epoch, (index, index))[0], index)

    def _require_some(self, *, all_entered: bool) -> None:
        """That there is something, and something of it can be checked; records from before there was a log
        have no leaf until the first checkpoint. Raises InformativaError, EvidenceError."""
        owner, period = self._controller.id, self._period
        if all_entered and not self._records:
            raise InformativaError(
                Text(
                    "No record of {id} is from {first} to {last}.",
                    id=owner,
                    first=period.first,
                    last=period.last,
                ),
                Text("Which there are: informativa ledger show --controller {id}", id=owner),
            )
        if not all_entered or not self._receipts:
            raise EvidenceError(
                Text("The records of {id} are in no checkpoint yet.", id=owner),
                Text("Type: informativa evidence checkpoint --controller {id}", id=owner),
                code="no-checkpoint-yet",
            )

    def _logs(self, covered: Mapping[int, tuple[int, int]]) -> Iterator[LogFiles]:
        folder = LogFolder(Path(self._controller.ledger))
        for epoch, (first, last) in sorted(covered.items()):
            signed = self._maker.newest(epoch)
            assert signed is not None  # it has receipts
            yield LogFiles(epoch, folder.published(epoch), signed, first, last)

    def _prompts(self) -> list[BundledPrompt]:
        notices = self._configuration.notices.get(self._controller.id, ())
        return bundled(notices, self._period.since, self._period.until, self._told)


def folder_of(controller: Controller, period: Period) -> str:
    """How the folder is called that all of a bundle is in."""
    return f"{controller.id}-{period.name}"


def _say(texts: Sequence[PackedEntry], said: Sequence[str]) -> None:
    for entry, text in zip(texts, said, strict=True):
        entry.write(text.encode())


def _names(note: Event, first: int, last: int) -> bool:
    """Whether a record about records names a leaf between these."""
    try:
        own, _resting = indices(note.reference)
    except ValueError:
        return False  # an audit says that it is forged
    return any(each.start <= last and first < each.stop for each in own)


def _is_among(recording: str, prompts: Sequence[BundledPrompt]) -> bool:
    return any(each.is_recording(recording) for each in prompts)
