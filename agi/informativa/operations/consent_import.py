"""Import of what callers answered to a consent elsewhere than by key, from a CSV file of any length.

The file is read and checked as one of deliveries (importing.py), and each row becomes a record of its own. A
row that is on record adds nothing; one that is older than the caller's last act is recorded, and changes
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import NamedTuple

from ..call.caller import hook_subject, pseudonym
from ..evidence.commitment import bind
from ..ledgers.sqlite import SqliteStore
from ..ledgers.transaction import SqliteTransaction
from ..model import Asked, Asks, Event
from ..model.choices import ACTS, answered, is_live, merge_answers, placed, reported
from ..model.errors import InformativaError
from ..model.text import Text
from . import importing
from .consents import continued
from .import_reading import Understood
from .import_rows import CACHE_SIZE, IMPORT, RejectedError, RowReader, Source, require_fitting
from .importing import Import, ImportCounts, Progress
from .table_columns import TableForm

_WORDS = {str(answer): answer for answer in ACTS}
_LATER = 1 << 62  # no record has such a number


def _require_consents(places: Mapping[str, int]) -> None:
    if "answer" not in places:
        raise InformativaError(
            Text(
                "The first line must name the columns `number`, `answer` and `at` (or `numero`, `risposta`,"
                " `data`)."
            ),
            Text("Others may be `reference`, or `customer` instead of `number`."),
        )
    IMPORT.require(places)


FORM = TableForm(
    headers={
        "number": IMPORT.headers["number"],
        "customer": IMPORT.headers["customer"],
        "answer": {"answer", "risposta"},
        "date": {"at", *IMPORT.headers["date"]},
        "reference": IMPORT.headers["reference"],
    },
    needed={"number", "customer", "answer", "date"},
    option="--column",
    example="number=cellulare",
    require=_require_consents,
    alternatives=IMPORT.alternatives,
    recognisers={**IMPORT.recognisers, "answer": lambda text: text.strip().lower() in _WORDS},
)
"""Answers to a consent."""


class PreparedAct(NamedTuple):
    """An answer that can be recorded; `earlier` are the pseudonyms of its caller by other keys."""

    pseudonym: bytes
    event: Event
    earlier: tuple[bytes, ...]


@dataclass(frozen=True)
class ConsentImport(Import):
    """The result of an import of answers to a consent."""

    overruled: int
    """Number of rows put on record that change nothing, for a later act of their caller is on record."""
    done: bool
    """True if it is done; else it is what would be recorded."""


@dataclass
class _Overruled:
    number: int = 0


@dataclass(frozen=True)
class ConsentSource(Source):
    """A file of answers to one consent, whose wording is the `notice`; in a `trial` nothing is recorded."""

    trial: bool = False
    overruled: _Overruled = field(default_factory=_Overruled)

    @property
    def form(self) -> TableForm:
        return FORM

    @property
    def writes(self) -> bool:
        return not self.trial

    def reader(self, columns: Mapping[str, int], origin: str) -> RowReader:
        return _ActReader(self, columns, origin)

    def add(self, ledger: SqliteStore | None, page: Sequence[PreparedAct]) -> int:
        if ledger is None:
            return len({(act.pseudonym, _identity(act.event)) for act in page})
        if self.trial:
            with ledger.connected() as connection:
                return self._compare(SqliteTransaction(connection), page)
        with ledger.turn(brief=True) as transaction:
            return sum(self._append(transaction, act) for act in page)

    def _append(self, transaction: SqliteTransaction, act: PreparedAct) -> bool:
        if transaction.is_recorded(act.event, act.earlier):
            return False
        self._count_overruled(transaction, act)
        transaction.append(continued(transaction, act.event, act.earlier))
        return True

    def _compare(self, transaction: SqliteTransaction, page: Sequence[PreparedAct]) -> int:
        """Return the number of the rows that would be added."""
        new = {
            (act.pseudonym, _identity(act.event)): act
            for act in page
            if not transaction.is_recorded(act.event, act.earlier)
        }
        for act in new.values():
            self._count_overruled(transaction, act)
        return len(new)

    def _count_overruled(self, transaction: SqliteTransaction, act: PreparedAct) -> None:
        answer, asked = answered(act.event, _LATER), act.event.asked
        assert answer is not None  # every row is an act of a recognised caller
        assert asked is not None
        history = merge_answers(*map(transaction.answers, (act.pseudonym, *act.earlier)))
        last = history.acts.get(asked.choice)
        placed_answer = placed(answer, last, live=is_live(act.event))
        self.overruled.number += last is not None and last.order > placed_answer.order


class _ActReader(RowReader):
    """A reader of rows that are answers to a consent."""

    def __init__(self, source: Source, columns: Mapping[str, int], origin: str) -> None:
        super().__init__(source, columns, origin)
        self._day = lru_cache(CACHE_SIZE)(self._version_at)

    def ready(self, cells: Sequence[str]) -> PreparedAct:
        require_fitting(cells)
        source = self._source
        answer = _WORDS.get(self._cell(cells, "answer").lower())
        if answer is None:
            raise RejectedError(Text("the answer is not `granted`, `refused` or `withdrawn`"))
        version_at = self._day(self._cell(cells, "date"))
        if isinstance(version_at, Text):
            raise RejectedError(version_at)
        version, at = version_at
        caller, unusual = self._caller(cells)
        reference = self._reference(cells, caller)
        self.unusual += unusual
        hook = source.controller.hook
        subject = hook_subject(caller, hook) if hook else None
        key, *old_keys = source.controller.key, *source.controller.old_keys
        event = reported(
            source.notice,
            version,
            Asked(source.notice.id, Asks.CONSENT, answer, "", subject=subject),
            source.kind,
            at,
            pseudonym(caller, key),
            reference,
            source.now,
            binding=bind(caller, key),
        )
        return PreparedAct(
            pseudonym(caller, key), event, tuple(pseudonym(caller, old_key) for old_key in old_keys)
        )


def _identity(event: Event) -> tuple[object, ...]:
    return event.at, event.reference, event.asked, event.kind, event.version


def run(
    source: ConsentSource,
    counts: ImportCounts,
    progress: Progress,
    say: Callable[[Text], str] = str,
    understood: Understood | None = None,
) -> ConsentImport:
    """Import the file as `importing.run`, or in a trial only say what would be recorded; rows that cannot be
    taken are listed beside it in any case."""
    result = importing.run(source, counts, progress, say, understood)
    values = {column.name: getattr(result, column.name) for column in fields(Import)}
    return ConsentImport(**values, overruled=source.overruled.number, done=not source.trial)
