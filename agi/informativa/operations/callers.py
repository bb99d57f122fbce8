"""What is known of one caller, told of him, and erased at his request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import phonenumbers

from .. import plausibility, storage
from ..caller import e164, mask, pseudonym
from ..errors import InformativaError, SharedDatabaseError
from ..evidence.commitment import bind
from ..ledgers.sqlite import SqliteStore
from ..model import (
    Controller,
    Identified,
    Notice,
    NumberForm,
    Record,
    RecordKind,
    SharedDatabase,
    Version,
    told_elsewhere,
)
from ..numbering import Kind
from ..numbering.library import kind_of
from ..plausibility import Implausible, ReferenceFault
from ..text import NOTHING, Text, joined
from .completeness import Missing, gaps
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

_KEPT = Text("Nothing need be typed again: it is kept, and this box's service asks them as soon as it can.")


@dataclass(frozen=True)
class Typed:
    """The caller that somebody typed; `doubt` is why it may not be the one who was meant."""

    caller: Identified
    doubt: Text = NOTHING


@dataclass(frozen=True)
class Held:
    """What one controller has on record of a caller: on this box, and `elsewhere`, each with its box.
    `missing` is with which boxes there may be more (L25)."""

    controller: Controller
    records: tuple[Record, ...]
    elsewhere: tuple[tuple[str, Record], ...] = ()
    missing: tuple[Missing, ...] = ()

    @property
    def count(self) -> int:
        """How many records, on all boxes."""
        return len(self.records) + len(self.elsewhere)


@dataclass(frozen=True)
class Access:
    """What each controller has on record of a caller, whose number is masked; `doubt` is why he may not be
    the one who was meant, where nothing was found."""

    caller: str
    held: tuple[Held, ...]
    doubt: Text

    @property
    def complete(self) -> bool:
        """Whether no box may have more."""
        return not any(held.missing for held in self.held)


@dataclass(frozen=True)
class Erased:
    """How many records of one controller, on all boxes, and which copies from before an upgrade; `done` is
    whether they are erased, or would be. `boxes` are the others that erase him too, each as soon as it can;
    `missing` says with which of them it may take long or need somebody. `traces` are this box's records that
    say that he was erased."""

    controller: Controller
    done: bool
    records: int
    copies: tuple[Path, ...]
    boxes: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = ()
    traces: tuple[int, ...] = ()


@dataclass(frozen=True)
class Erasure:
    """What was, or would be, erased of a caller, whose number is masked; `doubt` as above."""

    caller: str
    done: bool
    erased: tuple[Erased, ...]
    doubt: Text

    @property
    def complete(self) -> bool:
        """Whether every box does it by itself, and soon."""
        return not any(erased.missing for erased in self.erased)


@dataclass(frozen=True)
class Recorded:
    """What was put on record of a caller, whose number is masked; `doubt` is why he may not be the one who
    was meant."""

    controller: Controller
    caller: str
    record: Record
    doubt: Text


def by_number(text: str) -> Typed:
    """The caller of a telephone number with country code. Raises InformativaError, without the number, for
    one that cannot exist."""
    plain = text.translate(SEPARATORS)
    if not re.fullmatch(r"\+[0-9]+", plain):
        raise InformativaError(
            Text("That is no telephone number with country code."), Text("Type it like +393331234567.")
        )
    found = e164(plain, "ZZ", NumberForm.INTERNATIONAL)
    if len(found) != 1:
        raise InformativaError(_impossible(plain), Text("Is a digit missing, or one too many?"))
    (number,) = found
    return Typed(Identified(number), unusual(number))


def by_customer(text: str) -> Typed:
    """The caller of a customer number. Raises InformativaError for one that the dialplan lets nobody have."""
    if not CUSTOMER.fullmatch(text):
        raise InformativaError(
            Text("No caller has such a customer number: it is of letters, digits and . _ @ - only."),
            Text("Type it as the dialplan sets INFORMATIVA_CUSTOMER."),
        )
    return Typed(Identified(text, customer=True))


def access(controllers: Sequence[Controller], typed: Typed, shared: SharedDatabase | None = None) -> Access:
    """What these controllers have on record of this caller, on all boxes where they share a database. Raises
    LedgerError, and SharedDatabaseError: half an answer is none."""
    found = tuple(held(controller, typed.caller, shared) for controller in controllers)
    doubt = NOTHING if any(each.count for each in found) else typed.doubt
    return Access(mask(typed.caller.number), found, doubt)


def held(controller: Controller, caller: Identified, shared: SharedDatabase | None = None) -> Held:
    """Raises LedgerError and SharedDatabaseError."""
    his, found = pseudonyms(controller, caller), list[Record]()
    if Path(controller.ledger).exists():
        with opened(controller) as store:
            found = [record for pseudonym in his for record in store.of_caller(pseudonym)]
            found.sort(key=lambda record: record.number)
    if shared is None:
        return Held(controller, tuple(found))
    others = storage.elsewhere(shared, controller, his)
    missing = gaps(controller, shared, others.boxes, others.refused)
    return Held(controller, tuple(found), others.records, tuple(missing))


def erase(
    controllers: Sequence[Controller],
    typed: Typed,
    now: datetime,
    *,
    really: bool,
    shared: SharedDatabase | None = None,
    progress: Callable[[Erased], None] = lambda _erased: None,
) -> Erasure:
    """What is left of his records leads to nobody, and copies that hold him go; or what would.

    `progress` hears of each controller as it is done. Raises LedgerError if anything of him is left, with
    what to do; and, when all are done here, SharedDatabaseError where other boxes could not be asked: the
    service asks them.
    """
    erased, unheard = [], list[SharedDatabaseError]()
    for controller in controllers:
        try:
            erased.append(_erased(controller, typed.caller, now, shared, really=really))
        except SharedDatabaseError as error:
            unheard.append(error)
        else:
            progress(erased[-1])
    if unheard:
        said = joined(" ", *(each.message for each in unheard))
        raise SharedDatabaseError(said, unheard[0].remedy) from unheard[0]
    doubt = NOTHING if any(each.records for each in erased) else typed.doubt
    return Erasure(mask(typed.caller.number), really, tuple(erased), doubt)


def _erased(
    controller: Controller,
    caller: Identified,
    now: datetime,
    shared: SharedDatabase | None,
    *,
    really: bool,
) -> Erased:
    his = pseudonyms(controller, caller)
    if not really:
        found = Erased(controller, False, held(controller, caller).count, tuple(storage.copies(controller)))
        if shared is None:
            return found
        return _on_all_boxes(found, storage.would_erase_elsewhere(shared, controller, his), shared)
    done = storage.erase(controller, his, now, everywhere=caller if shared else None)
    found = Erased(controller, True, done.records, done.copies, traces=done.traces)
    if shared is None or done.request is None:
        return found
    try:
        asked = storage.erase_elsewhere(shared, controller, done.request)
    except SharedDatabaseError as error:
        alone = Text("{name}: the caller is erased on this box, and the others do not know of it yet.")
        said = joined(" ", alone.format(name=controller.name), error.message)
        raise SharedDatabaseError(said, joined(" ", error.remedy, _KEPT)) from error
    if not set(asked.pseudonyms) <= set(done.request.pseudonyms):  # another box knew of an earlier key
        more = storage.erase(controller, asked.pseudonyms, now)
        found = replace(found, records=found.records + more.records, traces=found.traces + more.traces)
    return _on_all_boxes(found, asked, shared)


def _on_all_boxes(found: Erased, asked: Asked, shared: SharedDatabase) -> Erased:
    """With what the database has of the other boxes."""
    return replace(
        found,
        records=found.records + asked.records,
        boxes=tuple(box.name for box in asked.boxes),
        missing=tuple(gaps(found.controller, shared, asked.boxes, asked.refused)),
    )


def record(
    controller: Controller,
    notice: Notice,
    typed: Typed,
    kind: RecordKind,
    reference: str,
    on: datetime | None,
    version: str,
    now: datetime,
) -> Recorded:
    """Put on record that this caller was told elsewhere; `on` without a zone is of the controller's.

    Raises InformativaError for what cannot have happened, of which its code names the part, and LedgerError.
    """
    zone, caller = controller.zone, typed.caller
    at = now if on is None else plausibility.moment(on.isoformat(), zone)
    evidence = plausibility.evidence(reference)
    if (
        wrong := plausibility.reference_fault(evidence, "" if caller.customer else caller.number)
    ) is not None:
        raise InformativaError(
            Text("Nothing was recorded: {why}.", why=REFERENCE_FAULTS[wrong]),
            Text("Say in other words where the evidence is, such as `form 77` or `contract 2026/17`."),
            code=NO_REFERENCE,
        )
    possible = plausibility.version_told(notice, version, at, now, controller.retention, zone)
    if possible is Implausible.NO_VERSION:
        message = Text("There is no version {name}.", name=version)
        raise InformativaError(
            message, known(version, [each.id for each in notice.versions]), code=NO_VERSION
        )
    if not isinstance(possible, Version):
        raise InformativaError(
            Text("Nothing was recorded: {why}.", why=WHY_IMPLAUSIBLE[possible]),
            Text("Give the day on which he was told; days are those of {zone}.", zone=zone),
            code=NO_SUCH_DAY,
        )
    event = told_elsewhere(
        notice, possible, kind, at, pseudonym(caller, controller.key), evidence, None if on is None else now
    )
    event = replace(event, binding=bind(caller, controller.key))
    with opened(controller) as store:
        (number,) = store.append([event])
    made = Record(number, event)
    return Recorded(controller, mask(caller.number), made, typed.doubt)


def pseudonyms(controller: Controller, caller: Identified) -> list[bytes]:
    """What stands for the caller under the controller's key and those before it."""
    return [pseudonym(caller, key) for key in (controller.key, *controller.old_keys)]


@contextmanager
def opened(controller: Controller) -> Iterator[SqliteStore]:
    """Its ledger. Raises LedgerError."""
    store = storage.store(controller)
    try:
        yield store
    finally:
        store.close()


def _impossible(number: str) -> Text:
    """Why no such number can exist, by the numbering plan of its country."""
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
    """That a number (+39…) is shorter or longer than most of its kind, as some are, if it is."""
    parsed = phonenumbers.parse(number)
    region = phonenumbers.region_code_for_number(parsed)
    others = _usual(region, phonenumbers.number_type(parsed)) if region else None
    digits = len(phonenumbers.national_significant_number(parsed))
    if others is None or digits == others:
        return NOTHING
    message = (
        Text(
            "the number is unusually short: {digits} digits after +{code}, and most of its kind have {others}"
        )
        if digits < others
        else Text(
            "the number is unusually long: {digits} digits after +{code}, and most of its kind have {others}"
        )
    )
    return message.format(digits=digits, code=parsed.country_code, others=others)


def is_unusual(number: str, country: str, kind: Kind) -> bool:
    """Whether it is, by its country (ISO 3166) and whose it is: the library is asked, which takes its time,
    where that does not say how long such numbers are."""
    return len(number) != _usual_length(country, kind) and bool(unusual(number))


@cache
def _usual_length(country: str, kind: Kind) -> int | None:
    """With plus and country code; `None` where it is not the same for all of that kind."""
    if country not in phonenumbers.SUPPORTED_REGIONS:
        return None
    types = (each for each in phonenumbers.PhoneNumberType.values() if kind_of(each) is kind)
    digits = {_usual(country, each) for each in types} - {None}
    code = phonenumbers.country_code_for_region(country)
    return len(f"+{code}") + digits.pop() if len(digits) == 1 else None  # type: ignore[operator]


@cache
def _usual(region: str, kind: int) -> int | None:
    """How many digits a number of that kind has there."""
    example = phonenumbers.example_number_for_type(region, kind)
    return len(phonenumbers.national_significant_number(example)) if example else None
