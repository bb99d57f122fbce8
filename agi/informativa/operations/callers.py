"""Records of one caller: access to them, their erasure, and adding one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import phonenumbers
from pydantic import Field

from ..call.caller import e164, mask, pseudonym
from ..evidence.commitment import bind
from ..model import (
    Controller,
    Identified,
    Notice,
    NumberForm,
    Record,
    RecordKind,
    SharedDatabase,
    Version,
    plausibility,
    told_elsewhere,
)
from ..model.errors import InformativaError, SharedDatabaseError
from ..model.numbering.library import kind_of
from ..model.plausibility import Implausible, ReferenceFault
from ..model.text import NOTHING, Text, joined
from ..model.words import NumberKind
from ..process import storage
from . import record_document
from .completeness import Gap, Missing, gaps
from .controllers import known

if TYPE_CHECKING:
    from ..sharing.callers import Asked

CUSTOMER = re.compile(r"[A-Za-z0-9._@-]{1,64}")  # what the dialplan lets through of INFORMATIVA_CUSTOMER
NO_REFERENCE, NO_VERSION, NO_SUCH_DAY = "reference-refused", "version-unknown", "day-refused"
SEPARATORS = str.maketrans("", "", " \u00a0-./()'")

WHY_IMPLAUSIBLE = {
    Implausible.TO_COME: Text("the date is still to come"),
    Implausible.TOO_EARLY: Text("nobody was told on that date: the first law on it is of 8 May 1997"),
    Implausible.PAST_RETENTION: Text("the date is past the retention: the record would be deleted at once"),
    Implausible.NO_VERSION: Text("there is no version of that name"),
    Implausible.NOT_YET: Text("the version was not yet in force on that date"),
    Implausible.NO_MORE: Text("the version was no more in force on that date"),
}
REFERENCE_FAULTS = {
    ReferenceFault.NONE: Text("the reference is empty: it says where the evidence is"),
    ReferenceFault.LONG: Text("the reference is longer than 200 characters"),
    ReferenceFault.NUMBER: Text("the reference seems to hold a telephone number (six digits or more)"),
}

_ASKED_LATER = Text(
    "Nothing need be typed again: it is kept, and this box's service asks them as soon as it can."
)


@dataclass(frozen=True)
class Typed:
    """The caller that somebody typed."""

    caller: Identified
    doubt: Text = NOTHING
    """The reason why this may not be the caller who was meant; empty for none."""


@dataclass(frozen=True)
class CallerRecords:
    """The records that one controller has of a caller."""

    records: tuple[tuple[str, Record], ...]
    """The records in their order, each with the name of its box; those of this box first, their box is ''."""
    missing: tuple[Missing, ...] = ()
    """The boxes that may have more records, each with the reason (L25)."""


@dataclass(frozen=True)
class Held:
    """Records that one controller has of a caller."""

    controller: str
    """The controller's name in the configuration."""
    name: str
    """The controller's full name."""
    records: tuple[record_document.Record, ...]
    """In their order: those of this box, then those of others."""
    missing: tuple[Missing, ...]
    """Reasons why there may be more, each with its box; empty where the answer is complete."""


@dataclass(frozen=True)
class Access:
    """All that is on record of a caller."""

    caller: str
    """The number or customer number, masked."""
    controllers: tuple[Held, ...]

    @property
    def complete(self) -> bool:
        """Return whether no box may have more records."""
        return not any(held.missing for held in self.controllers)


@dataclass(frozen=True)
class Erased:
    """The part of a caller's data that was erased at one controller, or would be."""

    controller: str
    """The controller's name in the configuration."""
    name: str
    """The controller's full name."""
    records: int
    """Number of records that lead to nobody any more, on all boxes, as far as the database has them."""
    copies: tuple[Path, ...]
    """Copies of the ledger that are deleted with them."""
    boxes: tuple[str, ...] = ()
    """Other boxes that erase him too, each as soon as it reaches the database."""
    absent: tuple[str, ...] = ()
    """Those of them that were not heard of in the last minute."""
    missing: tuple[Missing, ...] = ()
    """Reasons why it is not wholly done, or would not be, without somebody; else empty."""
    traces: Annotated[tuple[int, ...], Field(exclude=True)] = ()
    """The numbers of this box's records that say that a caller was erased."""


@dataclass(frozen=True)
class Erasure:
    """A caller's data that were erased, or would be."""

    done: bool
    """True if it is done; else it is what would be done."""
    caller: str
    """The number or customer number, masked."""
    controllers: tuple[Erased, ...]

    @property
    def complete(self) -> bool:
        """Return whether every box erases the caller by itself, and soon."""
        return not any(erased.missing for erased in self.controllers)


@dataclass(frozen=True)
class Recorded:
    """A record that was added."""

    caller: str
    """The number or customer number, masked."""
    record: record_document.Record


def by_number(text: str) -> Typed:
    """Return the caller of a telephone number with country code. Raises InformativaError, without the number,
    for one that cannot exist."""
    plain = text.translate(SEPARATORS)
    if not re.fullmatch(r"\+[0-9]+", plain):
        raise InformativaError(
            Text("That is no telephone number with country code."), Text("Type it like +393331234567.")
        )
    numbers = e164(plain, "ZZ", NumberForm.INTERNATIONAL)
    if len(numbers) != 1:
        raise InformativaError(_why_impossible(plain), Text("Is a digit missing, or one too many?"))
    (number,) = numbers
    return Typed(Identified(number), unusual(number))


def by_customer(text: str) -> Typed:
    """Return the caller of a customer number. Raises InformativaError for one that the dialplan accepts of
    nobody."""
    if not CUSTOMER.fullmatch(text):
        raise InformativaError(
            Text("No caller has such a customer number: it is of letters, digits and . _ @ - only."),
            Text("Type it as the dialplan sets INFORMATIVA_CUSTOMER."),
        )
    return Typed(Identified(text, customer=True))


def access(controllers: Sequence[Controller], typed: Typed, shared: SharedDatabase | None = None) -> Access:
    """Return the records that these controllers have of a caller, on all boxes where they share a database.
    Raises LedgerError, and SharedDatabaseError: half an answer is none."""
    return Access(
        mask(typed.caller.number),
        tuple(_held(controller, typed.caller, shared) for controller in controllers),
    )


def _held(controller: Controller, caller: Identified, shared: SharedDatabase | None) -> Held:
    answer = caller_records(controller, caller, shared)
    records = (record_document.Record.of(record, controller.id, box) for box, record in answer.records)
    return Held(controller.id, controller.name, tuple(records), answer.missing)


def remaining_doubt(typed: Typed, answer: Access | Erasure) -> Text:
    """Return the reason why this may not be the caller who was meant; empty where records were found."""
    return NOTHING if any(part.records for part in answer.controllers) else typed.doubt


def caller_records(
    controller: Controller, caller: Identified, shared: SharedDatabase | None = None
) -> CallerRecords:
    """Return the records that one controller has of a caller. Raises LedgerError and SharedDatabaseError."""
    his_pseudonyms, records = pseudonyms(controller, caller), list[Record]()
    if Path(controller.ledger).exists():
        with closing(storage.store(controller)) as store:
            records = [record for pseudonym in his_pseudonyms for record in store.of_caller(pseudonym)]
            records.sort(key=lambda record: record.number)
    own_records = tuple(("", record) for record in records)
    if shared is None:
        return CallerRecords(own_records)
    elsewhere = storage.elsewhere(shared, controller, his_pseudonyms)
    missing = gaps(controller, shared, elsewhere.boxes, elsewhere.refused)
    return CallerRecords((*own_records, *elsewhere.records), tuple(missing))


def erase(
    controllers: Sequence[Controller],
    typed: Typed,
    now: datetime,
    *,
    really: bool,
    shared: SharedDatabase | None = None,
    progress: Callable[[Erased], None] = lambda _erased: None,
) -> Erasure:
    """Erase a caller from these controllers' ledgers, or with `really` false only tell what would be erased.
    The records that remain lead to nobody; copies of a ledger that contain him are deleted.

    `progress` is called after each controller. Raises LedgerError if anything of him remains, with what to
    do. Raises SharedDatabaseError, when all controllers are done on this box, if other boxes could not be
    asked: the service asks them later.
    """
    results, failures = [], list[SharedDatabaseError]()
    for controller in controllers:
        try:
            results.append(_erased(controller, typed.caller, now, shared, really=really))
        except SharedDatabaseError as error:
            failures.append(error)
        else:
            progress(results[-1])
    if failures:
        message = joined(" ", *(failure.message for failure in failures))
        raise SharedDatabaseError(message, failures[0].remedy) from failures[0]
    return Erasure(really, mask(typed.caller.number), tuple(results))


def _erased(
    controller: Controller,
    caller: Identified,
    now: datetime,
    shared: SharedDatabase | None,
    *,
    really: bool,
) -> Erased:
    his_pseudonyms = pseudonyms(controller, caller)
    if not really:
        records = len(caller_records(controller, caller).records)
        result = Erased(controller.id, controller.name, records, tuple(storage.copies(controller)))
        if shared is None:
            return result
        order = storage.would_erase_elsewhere(shared, controller, his_pseudonyms)
        return _on_all_boxes(result, order, controller, shared)
    erasure = storage.erase(controller, his_pseudonyms, now, everywhere=caller if shared else None)
    result = Erased(controller.id, controller.name, erasure.records, erasure.copies, traces=erasure.traces)
    if shared is None or erasure.request is None:
        return result
    try:
        order = storage.erase_elsewhere(shared, controller, erasure.request)
    except SharedDatabaseError as error:
        problem = Text("{name}: the caller is erased on this box, and the others do not know of it yet.")
        message = joined(" ", problem.format(name=controller.name), error.message)
        raise SharedDatabaseError(message, joined(" ", error.remedy, _ASKED_LATER)) from error
    if not set(order.pseudonyms) <= set(erasure.request.pseudonyms):  # another box knew of an earlier key
        more = storage.erase(controller, order.pseudonyms, now)
        result = replace(result, records=result.records + more.records, traces=result.traces + more.traces)
    return _on_all_boxes(result, order, controller, shared)


def _on_all_boxes(result: Erased, order: Asked, controller: Controller, shared: SharedDatabase) -> Erased:
    """Add the records and the state of the other boxes, as the shared database has them."""
    missing = tuple(gaps(controller, shared, order.boxes, order.refused))
    return replace(
        result,
        records=result.records + order.records,
        boxes=tuple(box.name for box in order.boxes),
        absent=tuple(gap.box for gap in missing if gap.code is Gap.ABSENT),
        missing=missing,
    )


def add_record(
    controller: Controller,
    notice: Notice,
    typed: Typed,
    kind: RecordKind,
    reference: str,
    on: datetime | None,
    version: str,
    now: datetime,
) -> Recorded:
    """Add a record that this caller was told elsewhere. `on` is the time, in the controller's zone if it
    names none; `None` is now.

    Raises InformativaError for what cannot have happened, with a code for the argument at fault, and
    LedgerError.
    """
    zone, caller = controller.zone, typed.caller
    at = now if on is None else plausibility.moment(on.isoformat(), zone)
    evidence = plausibility.evidence(reference)
    if (
        fault := plausibility.reference_fault(evidence, "" if caller.customer else caller.number)
    ) is not None:
        raise InformativaError(
            Text("Nothing was recorded: {why}.", why=REFERENCE_FAULTS[fault]),
            Text("Say in other words where the evidence is, such as `form 77` or `contract 2026/17`."),
            code=NO_REFERENCE,
        )
    told_version = plausibility.version_told(notice, version, at, now, controller.retention, zone)
    if told_version is Implausible.NO_VERSION:
        message = Text("There is no version {name}.", name=version)
        raise InformativaError(
            message, known(version, [known_version.id for known_version in notice.versions]), code=NO_VERSION
        )
    if not isinstance(told_version, Version):
        raise InformativaError(
            Text("Nothing was recorded: {why}.", why=WHY_IMPLAUSIBLE[told_version]),
            Text("Give the day on which he was told; days are those of {zone}.", zone=zone),
            code=NO_SUCH_DAY,
        )
    event = told_elsewhere(
        notice,
        told_version,
        kind,
        at,
        pseudonym(caller, controller.key),
        evidence,
        None if on is None else now,
    )
    event = replace(event, binding=bind(caller, controller.key))
    with closing(storage.store(controller)) as store:
        (number,) = store.append([event])
    return Recorded(mask(caller.number), record_document.Record.of(Record(number, event), controller.id))


def pseudonyms(controller: Controller, caller: Identified) -> list[bytes]:
    """Return the caller's pseudonyms under the controller's key and its old keys."""
    return [pseudonym(caller, key) for key in (controller.key, *controller.old_keys)]


def _why_impossible(number: str) -> Text:
    """Return why no such number can exist, by the numbering plan of its country."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return Text(
            "No such telephone number can exist: no country has that code, or nearly nothing follows it."
        )
    code, digits = parsed.country_code or 0, len(phonenumbers.national_significant_number(parsed))
    region = phonenumbers.region_code_for_country_code(code)
    plan = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    lengths = plan.general_desc.possible_length if plan and plan.general_desc else ()
    if lengths and digits not in lengths:
        return Text(
            "No such telephone number can exist: it has {digits} digits after +{code}, and there they have"
            " {fewest} to {most}.",
            digits=digits,
            code=code,
            fewest=min(lengths),
            most=max(lengths),
        )
    return Text(
        "No such telephone number can exist: after +{code} none of {digits} digits begins like this.",
        digits=digits,
        code=code,
    )


def unusual(number: str) -> Text:
    """Return a sentence on a number (+39…) that is shorter or longer than most of its kind, as a few are;
    empty for others."""
    parsed = phonenumbers.parse(number)
    region = phonenumbers.region_code_for_number(parsed)
    usual_digits = _usual_digits(region, phonenumbers.number_type(parsed)) if region else None
    digits = len(phonenumbers.national_significant_number(parsed))
    if usual_digits is None or digits == usual_digits:
        return NOTHING
    message = (
        Text(
            "the number is unusually short: {digits} digits after +{code}, and most of its kind have {others}"
        )
        if digits < usual_digits
        else Text(
            "the number is unusually long: {digits} digits after +{code}, and most of its kind have {others}"
        )
    )
    return message.format(digits=digits, code=parsed.country_code, others=usual_digits)


def is_unusual(number: str, country: str, kind: NumberKind) -> bool:
    """Return whether a number is shorter or longer than most of its kind, by its `country` (ISO 3166) and its
    `kind`. The library, which is slow, is asked only where these do not settle the length."""
    return len(number) != _usual_length(country, kind) and bool(unusual(number))


@cache
def _usual_length(country: str, kind: NumberKind) -> int | None:
    """Return the usual length of such numbers, with plus and country code; `None` where they differ."""
    if country not in phonenumbers.SUPPORTED_REGIONS:
        return None
    types = (
        number_type for number_type in phonenumbers.PhoneNumberType.values() if kind_of(number_type) is kind
    )
    digits = {_usual_digits(country, number_type) for number_type in types} - {None}
    code = phonenumbers.country_code_for_region(country)
    return len(f"+{code}") + digits.pop() if len(digits) == 1 else None  # type: ignore[operator]


@cache
def _usual_digits(region: str, kind: int) -> int | None:
    """Return the number of digits of the library's example for a region and a kind of number."""
    example = phonenumbers.example_number_for_type(region, kind)
    return len(phonenumbers.national_significant_number(example)) if example else None
