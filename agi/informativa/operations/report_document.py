"""The report of a month as a document: its classes are the JSON. `monthly_report` makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from ..model import Answer, RecordKind, Status
from .document import Seconds, Sentence, Time


@dataclass(frozen=True)
class Requests:
    """The acts for callers' requests, by the access log."""

    looked_up: int
    """The number of looks at all that is on record of a caller: an answer to a request for access, or a look
    before one."""
    letters: int
    """The number of answers to requests for access that the console wrote."""
    erasures: int
    """The number of erasures of callers, with those that wait for the company's approval."""


@dataclass(frozen=True)
class MonthFigures:
    """The sums of a month."""

    month: date
    """Its first day, in the company's zone."""
    calls: int
    """The number of calls. A call counts in the hour of its first record."""
    notices: Mapping[Status, int]
    """The number of notices in calls by status."""
    without_call: int
    """The number of notices that were put on record in this month by an import, an operator, a website or a
    contract, and not by a call, as far as their records are left."""
    failures: int
    """The number of those that failed or fell back."""
    seconds_spared: Seconds
    """The length of the notices that were not due, in seconds, by the prompts that are configured now."""
    consents: Mapping[Answer, int]
    """The numbers of consents that were granted, refused and withdrawn, by key and elsewhere."""
    requests: Requests | None
    """The acts for callers' requests; null where the access log does not reach back to that month."""


@dataclass(frozen=True)
class NoticeFigures:
    """The deliveries of one version of a notice on one line."""

    notice: str
    """The name of the notice."""
    version: str
    """The version."""
    line: str
    """The called number."""
    by_status: Mapping[Status, int]
    """The number of notices by status."""
    seconds_spared: Seconds
    """The length of those that were not due, in seconds."""


@dataclass(frozen=True)
class ElsewhereFigures:
    """Notices of one version that were put on record in the month, told in one way and not in a call."""

    notice: str
    """The name of the notice."""
    version: str
    """The version."""
    kind: RecordKind
    """The way: operator, website, contract."""
    count: int
    """The number of notices."""


@dataclass(frozen=True)
class FailureFigures:
    """Notices that failed in one way."""

    status: Status
    """FAILED, or FALLBACK."""
    cause: str | None
    """The end of the playback, or the reason of the record; null where the records are gone."""
    count: int
    """The number of notices."""


@dataclass(frozen=True)
class ConsentFigures:
    """The answers to one consent."""

    choice: str
    """The name of the choice."""
    purpose: str | None
    """The purpose; null for one that the configuration has no more."""
    by_key: Mapping[Answer, int]
    """The numbers that were granted, refused and withdrawn by key."""
    elsewhere: Mapping[Answer, int]
    """The same of an operator, a website, a contract, as far as their records are left."""


@dataclass(frozen=True)
class MonthlyReport:
    """The report of a month of one company."""

    controller: str
    """The company's name in the configuration."""
    name: str
    """Its full name."""
    time_zone: str
    """The time zone of its days."""
    made: Time
    """The time at which the report was made."""
    first_day: date
    """The first day, in the company's zone."""
    last_day: date
    """The last day, which is included."""
    figures: MonthFigures
    """The sums of the month."""
    before: MonthFigures | None
    """The sums of the month before; null where the ledger began later."""
    calls_by_line: Mapping[str, int]
    """The number of calls by called number."""
    notices: tuple[NoticeFigures, ...]
    """The notices by version and line."""
    elsewhere: tuple[ElsewhereFigures, ...]
    """The notices that were told elsewhere than in a call, by version and way."""
    failures: tuple[FailureFigures, ...]
    """The failures by kind."""
    consents: tuple[ConsentFigures, ...]
    """The consents."""
    holes: Mapping[RecordKind, int]
    """Records that are gone: the number of notes of the month by kind, purge, erasure, lost."""
    remarks: tuple[Sentence, ...]
    """The remarks without which the numbers would mislead."""
