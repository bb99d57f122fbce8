"""A bundle: what an auditor gets of one controller's records of a period, in one ZIP file.

Records are read in small turns, each together with its leaf, and go at once into every file that has them:
what the files say is one state of each record, calls never wait, and a million records need no more memory
than one. The same ledger, log, prompts and configuration give the same bytes; of several
boxes, once all of them have sent all that they recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from hashlib import file_digest
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO, Protocol

from ... import storage
from ...config import Configuration
from ...errors import EvidenceError, InformativaError
from ...evidence.proof import SUFFIX
from ...files import putting
from ...model import Controller, Line, Record, SharedDatabase
from ...text import Foreign, Text
from ..boxes import QUIET_SECONDS
from ..controller_state import lines_of
from ..controllers import require_ledger
from .bundle_log import BundledLog, LogFiles
from .bundle_prompts import BundledPrompt, bundled
from .bundle_sources import BoxRecords, LedgerRecords, Progress, SharedRecords
from .period import Period
from .receipt_maker import OpenedLeaf, WaitingRecord
from .receipts import makers_of_boxes
from .zip_writer import PackedEntry, SummedZip

if TYPE_CHECKING:  # its driver is there only where boxes share a database
    from ...sharing.administration import Box

FOLDER = 1000  # receipts in a folder


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
    boxes: tuple[Box, ...] = ()
    """Whose records are in it, where it is of all boxes; as they stood before it was made."""

    @property
    def waiting(self) -> int:
        """How many records wait for a checkpoint."""
        return self.records - self.receipts

    @property
    def incomplete(self) -> tuple[Box, ...]:
        """The boxes that may have records of the period which are not in it: by their own word, or because
        they had none since before it was over. One that had left before it began took no calls."""
        return tuple(each for each in self.boxes if _may_lack(each, self.period))


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

    def record(self, record: Record, box: str) -> Sequence[str]:
        """What each of these files says of one record of a box, '' where there is only this one."""

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
    shared: SharedDatabase | None = None,
) -> WrittenBundle:
    """Write one, for its user alone: it has pseudonyms; of this box, or of all that meet in a database.
    Raises InformativaError where there is nothing to put in or it cannot be written, LedgerError,
    SharedDatabaseError, and EvidenceError where a record is not what was signed."""
    if shared is None:
        require_ledger(controller)
    try:
        with ExitStack() as stack:

            def temporary() -> BinaryIO:
                return stack.enter_context(TemporaryFile(dir=file.absolute().parent))

            sources: list[BoxRecords] = []
            boxes: list[Box] = []
            if shared is None:
                store = stack.enter_context(closing(storage.store(controller, read_only=True)))
                sources.append(LedgerRecords(controller, store, period, progress))
            else:
                reader = stack.enter_context(storage.provable(shared, controller))
                maker = makers_of_boxes(controller, reader)
                boxes += reader.boxes()
                sources += [SharedRecords(maker(box.name), reader, box.name, period) for box in boxes]
            out = stack.enter_context(putting(file, most=0o600))
            made = _Bundler(configuration, controller, period, sources, words, boxes).write(out, temporary)
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
        sources: Sequence[BoxRecords],
        words: BundleWriter,
        boxes: Sequence[Box],
    ) -> None:
        self._configuration, self._controller, self._period = configuration, controller, period
        self._sources, self._words, self._boxes = sources, words, boxes
        self._records = self._receipts = self._erased = self._notes = self._gone = 0
        self._waiting_from: int | None = None
        # By box and epoch, the first and the last leaf with a receipt; of notes only where no other has one.
        self._covered: dict[tuple[str, int], tuple[int, int]] = {}
        self._told: set[tuple[str, str]] = set()
        self._recordings: set[str] = set()

    def write(self, out: BinaryIO, temporary: Callable[[], BinaryIO]) -> Bundle:
        files = SummedZip(folder_of(self._controller, self._period), out, temporary)
        origin = next((each.origin for each in self._sources if each.origin), self._controller.id)
        begun = self._words.begin(self._controller, origin)
        texts = [files.begin(name) for name in begun]
        _say(texts, tuple(begun.values()))
        for source in self._sources:
            self._take_all(source, files, texts)
        self._require_some(all_entered=all(each.entered for each in self._sources))
        _say(texts, self._words.end())
        for text in texts:
            files.end(text)
        logs = list(self._logs())
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
            notes=self._notes,
            gone=self._gone,
            waiting_from=self._waiting_from,
            unknown=tuple(sorted(each for each in self._recordings if not _is_among(each, prompts))),
            boxes=tuple(self._boxes),
        )
        for name, data in chain(*(each.files() for each in logs), *(each.files() for each in prompts)):
            files.add(name, data)
        self._finish(files, made)
        return made

    def _finish(self, files: SummedZip, made: Bundle) -> None:
        files.add("plan.txt", self._words.plan(made.lines).encode())
        files.add("README.txt", self._words.readme(made).encode())
        files.finish()

    def _take_all(self, source: BoxRecords, files: SummedZip, texts: Sequence[PackedEntry]) -> None:
        """One box's."""
        first = last = -1
        for leaf, record in source.of_period():
            if leaf is not None:
                first, last = first if first >= 0 else leaf.leaf, max(last, leaf.leaf)
            self._take(source, leaf, record, files, texts)
        covered, of_period = dict(self._covered), self._records
        for leaf, record in source.notes_on(first, last):
            self._take(source, leaf, record, files, texts)
        self._covered |= covered
        self._notes += self._records - of_period
        self._gone += source.gone(first, last)

    def _take(
        self,
        source: BoxRecords,
        leaf: OpenedLeaf | None,
        record: Record,
        files: SummedZip,
        texts: Sequence[PackedEntry],
    ) -> None:
        event, made = record.event, source.maker.made(record, leaf)
        _say(texts, self._words.record(record, source.box))
        self._records += 1
        self._erased += event.erased
        self._told.add((event.notice, event.version))
        if event.recording:
            self._recordings.add(event.recording)
        if isinstance(made, WaitingRecord):
            self._waiting_from = min(record.number, self._waiting_from or record.number)
            return
        begin = record.number // FOLDER * FOLDER
        folder = f"receipts/{source.box}/" if source.box else "receipts/"
        file = f"{begin}-{begin + FOLDER - 1}/{made.name}{SUFFIX}"
        files.add(f"{folder}{file}", made.receipt.proof.data)
        self._receipts += 1
        log, index = (source.box, made.epoch), made.receipt.proof.index
        self._covered[log] = (self._covered.get(log, (index, index))[0], index)

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

    def _logs(self) -> Iterator[LogFiles]:
        makers = {each.box: each.maker for each in self._sources}
        for (box, epoch), (first, last) in sorted(self._covered.items()):
            signed = makers[box].newest(epoch)
            assert signed is not None  # it has receipts
            yield LogFiles(epoch, makers[box].published(epoch), signed, first, last, box)

    def _prompts(self) -> list[BundledPrompt]:
        notices = self._configuration.notices.get(self._controller.id, ())
        return bundled(notices, self._period.since, self._period.until, self._told)


def folder_of(controller: Controller, period: Period) -> str:
    """How the folder is called that all of a bundle is in."""
    return f"{controller.id}-{period.name}"


def _may_lack(box: Box, period: Period) -> bool:
    if box.retired and box.retired < period.since:
        return False
    return box.behind > 0 or (box.silence > QUIET_SECONDS and box.seen < period.until)


def _say(texts: Sequence[PackedEntry], said: Sequence[str]) -> None:
    for entry, text in zip(texts, said, strict=True):
        entry.write(text.encode())


def _is_among(recording: str, prompts: Sequence[BundledPrompt]) -> bool:
    return any(each.is_recording(recording) for each in prompts)
