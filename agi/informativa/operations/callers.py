"""Records of one caller: access to them, their erasure, and adding one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ..call.caller import mask, pseudonym, pseudonyms_under
from ..evidence.commitment import bind
from ..model import (
    Controller,
    Identified,
    Notice,
    Record,
    RecordKind,
    Version,
    plausibility,
    told_elsewhere,
)
from ..model.errors import InformativaError
from ..model.hooks import ErasureUnfinishedError
from ..model.plausibility import Implausible, ReferenceFault
from ..model.text import NOTHING, Text, joined
from ..process import erasing, log_storage, storage
from . import record_document
from .controllers import name_remedy
from .request_refusals import require_no_four_eyes
from .typed_caller import Typed
from .undelivered_acts import UndeliveredAct, untold

if TYPE_CHECKING:
    from ..ledgers.erasure import ErasureResult
    from ..ledgers.remembered_callers import RememberedCallers
    from ..model.hooks import HookMessage

NO_REFERENCE, NO_VERSION, NO_SUCH_DAY = "reference-refused", "version-unknown", "day-refused"

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


@dataclass(frozen=True)
class Held:
    """Records that one controller has of a caller."""

    controller: str
    """The controller's name in the configuration."""
    name: str
    """The controller's full name."""
    records: tuple[record_document.Record, ...]
    """In their order."""


@dataclass(frozen=True)
class Access:
    """All that is on record of a caller."""

    caller: str
    """The number or customer number, masked."""
    controllers: tuple[Held, ...]


@dataclass(frozen=True)
class Erased:
    """The part of a caller's data that was erased at one controller, or would be."""

    controller: str
    """The controller's name in the configuration."""
    name: str
    """The controller's full name."""
    records: int
    """Number of records that lead to nobody any more; or will lead to nobody, once what waits is approved."""
    copies: tuple[Path, ...]
    """Copies of the ledger that are deleted with them."""
    waiting: tuple[Path, ...] = ()
    """Private lists of what is noted and not erased before the controller approves it, for the approver."""
    undelivered: tuple[UndeliveredAct, ...] = ()
    """Acts that the company's hook was not told of yet, and will not be told of any more."""
    traces: Annotated[tuple[int, ...], Field(exclude=True)] = ()
    """The numbers of the records that say that a caller was erased."""
    noted: Annotated[bool, Field(exclude=True)] = False
    """True if those are notes, which have no receipts."""

    @property
    def untold(self) -> Text:
        """The sentence about the undelivered acts; `NOTHING` if there are none."""
        return untold(self.undelivered)


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
        """Return whether nothing waits for an approval."""
        return not any(erased.waiting for erased in self.controllers)


@dataclass(frozen=True)
class Recorded:
    """A record that was added."""

    caller: str
    """The number or customer number, masked."""
    record: record_document.Record


def access(controllers: Sequence[Controller], typed: Typed) -> Access:
    """Return the records that these controllers have of a caller. Raises LedgerError."""
    return Access(
        mask(typed.caller.number),
        tuple(_controller_records(controller, typed.caller) for controller in controllers),
    )


def _controller_records(controller: Controller, caller: Identified) -> Held:
    records = caller_records(controller, caller)
    documents = (record_document.Record.of(record, controller.id) for record in records)
    return Held(controller.id, controller.name, tuple(documents))


def remaining_doubt(typed: Typed, answer: Access | Erasure) -> Text:
    """Return the reason why this may not be the caller who was meant; empty where records were found."""
    return NOTHING if any(part.records for part in answer.controllers) else typed.doubt


def caller_records(
    controller: Controller, caller: Identified, remembered: RememberedCallers | None = None
) -> tuple[Record, ...]:
    """Return the records that one controller has of a caller, in their order. Reads the whole ledger unless
    its callers are `remembered`. Raises LedgerError."""
    his_pseudonyms, records = pseudonyms(controller, caller), list[Record]()
    if Path(controller.ledger).exists():
        with closing(storage.store(controller, read_only=True)) as store:
            of_caller = partial(remembered.of_caller, store) if remembered else store.of_caller
            records = [record for pseudonym in his_pseudonyms for record in of_caller(pseudonym)]
            records.sort(key=lambda record: record.number)
    return tuple(records)


def erase(
    controllers: Sequence[Controller],
    typed: Typed,
    now: datetime,
    *,
    really: bool,
    begin: Callable[[Controller], None] = lambda _controller: None,
    progress: Callable[[Erased], None] = lambda _erased: None,
    instruction: str = "",
    in_console: bool = False,
    on_request: bool = False,
) -> Erasure:
    """Erase a caller from these controllers' ledgers, or with `really` false only tell what would be erased.
    The records that remain lead to nobody; copies of a ledger that contain him are deleted.

    A company that wants four eyes is erased from `on_request` alone. `begin` is called before the records of
    each controller are erased, and `progress` after each controller. The logs note the controller's
    `instruction`, a ticket's id; raises InformativaError if it is none, or is missing where one is needed,
    before anything is erased. Raises LedgerError if anything of him remains, with what to do.
    """
    if really and not on_request:
        require_no_four_eyes(controllers)
    if really or instruction:
        check_instruction(controllers, instruction)
    results = []
    for controller in controllers:
        if really:
            begin(controller)
            result = _erased(controller, typed.caller, now, instruction, in_console=in_console)
        else:
            result = _result(controller, erasing.would_erase(controller, typed.caller))
        results.append(result)
        progress(result)
    return Erasure(really, mask(typed.caller.number), tuple(results))


def check_instruction(controllers: Sequence[Controller], instruction: str) -> None:
    """Check that the logs of these controllers can note an erasure under this instruction, '' for none.
    Raises InformativaError (exit code 2), and LedgerError."""
    from ..ledgers.instructions import instruction_for

    for controller in controllers:
        instruction_for([log_storage.rule(controller)], instruction)


def _erased(
    controller: Controller, caller: Identified, now: datetime, instruction: str, *, in_console: bool
) -> Erased:
    """Erase the caller from one controller's ledger."""
    try:
        here = erasing.erase(controller, caller, now, instruction, in_console=in_console)
    except ErasureUnfinishedError as error:
        message = joined(" ", error.message, untold(_acts(error.undelivered)))
        raise ErasureUnfinishedError(message, error.remedy) from error
    return _result(controller, here)


def _acts(messages: Sequence[HookMessage]) -> tuple[UndeliveredAct, ...]:
    return tuple(map(UndeliveredAct.of, messages))


def _result(controller: Controller, here: ErasureResult) -> Erased:
    return Erased(
        controller.id,
        controller.name,
        here.records,
        here.copies,
        waiting=here.waiting,
        traces=here.traces,
        noted=here.noted,
        undelivered=_acts(here.undelivered),
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
    evidence = checked_reference(reference, caller)
    told_version = plausibility.version_told(notice, version, at, now, controller.retention, zone)
    if told_version is Implausible.NO_VERSION:
        message = Text("There is no version {name}.", name=version)
        raise InformativaError(
            message,
            name_remedy(version, [known_version.id for known_version in notice.versions]),
            code=NO_VERSION,
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


def checked_reference(reference: str, caller: Identified) -> str:
    """Return a reference in its stored form. Raises InformativaError for one that leads to no evidence, or
    that may not be kept."""
    evidence = plausibility.evidence(reference)
    fault = plausibility.reference_fault(evidence, "" if caller.customer else caller.number)
    if fault is not None:
        raise InformativaError(
            Text("Nothing was recorded: {why}.", why=REFERENCE_FAULTS[fault]),
            Text("Say in other words where the evidence is, such as `form 77` or `contract 2026/17`."),
            code=NO_REFERENCE,
        )
    return evidence


def pseudonyms(controller: Controller, caller: Identified) -> list[bytes]:
    """Return the caller's pseudonyms under the controller's key and its old keys."""
    return pseudonyms_under(caller, controller.keys)
