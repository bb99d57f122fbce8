"""The answer to a person's request: the letter with all records and receipts in one ZIP file, and the
erasure."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from ..config import Configuration
from ..evidence.proof import SUFFIX
from ..model import Action, Controller
from ..model.requests import Move, PersonRequest, RequestStep
from . import access_log, callers
from .access_letter import AccessLetter, access_letter
from .callers import Access, Erased
from .evidence import receipts
from .evidence.receipt_maker import RecordReceipt, RecordWithoutReceipt
from .evidence.zip_writer import SummedZip
from .request_register import ListedRequest, request_numbered, require_caller, require_possible, take_step
from .typed_caller import Typed


@dataclass(frozen=True)
class AnswerPages:
    """The makers of the files of an answer, in the language `code`: the letter, and records for
    programs."""

    code: str
    letter: Callable[[AccessLetter, PersonRequest], str]
    records: Callable[[Access], str]


@dataclass(frozen=True)
class RequestAnswer:
    """The answer to a request, which was made, and is to be sent to the person."""

    request: ListedRequest
    """The request after it."""
    file: str
    """The ZIP file with the letter, the records for programs, and the receipts."""
    sha256: str
    """Its SHA-256, which the register has, too."""
    records: int
    """Number of records."""
    receipts: int
    """Number of those that have a receipt in it."""

    @property
    def complete(self) -> bool:
        """Return whether it has all records, each with its receipt."""
        return self.records == self.receipts


@dataclass(frozen=True)
class RequestErasure:
    """The erasure of a request, or its trial."""

    request: ListedRequest
    """The request after it."""
    done: bool
    """True if it was done or ordered; else it is what would be done."""
    erased: Erased
    """The part of the data that was erased, or would be."""

    @property
    def complete(self) -> bool:
        """Return whether nothing is waited for."""
        return not self.erased.waiting


def answer(
    controller: Controller,
    number: int,
    typed: Typed,
    configuration: Configuration,
    pages: AnswerPages,
    put: Callable[[str, bytes], str],
    account: str,
    now: datetime,
) -> RequestAnswer:
    """Make the answer to a request, have `put` store it under a name, and put on record what it was. One that
    is not complete does not answer the request.

    Raises InformativaError where the request cannot be answered now, or is another caller's; LedgerError and
    EvidenceError."""
    request = _possible(controller, number, typed, RequestStep(now, account, Move.LETTER))
    letter = access_letter(controller, typed, configuration, now)
    known = callers.pseudonyms(controller, typed.caller)[0] if letter.entries else None
    facts = f"request={number}"
    access_log.note(controller, account, Action.LETTER, now, pseudonym=known, facts=facts)
    made = receipts.of_caller(controller, typed.caller, opened=True) if letter.entries else []
    access = callers.access([controller], typed)
    data = _zip(controller, request, letter, made, access, pages)
    digest = sha256(data).hexdigest()
    proven = sum(isinstance(receipt, RecordReceipt) for receipt in made)
    complete = proven == len(letter.entries)
    file = put(f"request-{controller.id}-{number}.zip", data)
    move = Move.LETTER if complete else Move.PART
    after = take_step(controller, number, RequestStep(now, account, move, pages.code, digest))
    return RequestAnswer(after, file, digest, len(letter.entries), proven)


def _possible(controller: Controller, number: int, typed: Typed, step: RequestStep) -> PersonRequest:
    """Return the request if the step is possible, and it is this caller's. Raises InformativaError."""
    request = request_numbered(controller, number)
    require_possible(controller, request, step)
    require_caller(controller, request, typed)
    return request


def _zip(
    controller: Controller,
    request: PersonRequest,
    letter: AccessLetter,
    made: list[RecordReceipt | RecordWithoutReceipt],
    access: Access,
    pages: AnswerPages,
) -> bytes:
    out = io.BytesIO()
    archive = SummedZip(f"request-{controller.id}-{request.number}", out, io.BytesIO)
    archive.add(f"letter-{pages.code}.html", pages.letter(letter, request).encode())
    archive.add("records.json", pages.records(access).encode())
    for receipt in made:
        if isinstance(receipt, RecordReceipt):
            archive.add(f"receipts/{receipt.name}{SUFFIX}", receipt.receipt.proof.data)
    archive.finish()
    return out.getvalue()


def erase(
    controller: Controller,
    number: int,
    typed: Typed,
    instruction: str,
    account: str,
    now: datetime,
    *,
    really: bool,
    in_console: bool = False,
    progress: Callable[[Erased], None] = lambda _erased: None,
) -> RequestErasure:
    """Erase the caller of a request, or with `really` false only tell what would be erased. An erasure that
    waits for an approval does not answer the request yet. `progress` is called when it is done.

    Raises InformativaError where the request cannot be answered now, is another caller's, or the instruction
    is refused; and as `callers.erase`."""
    request = _possible(controller, number, typed, RequestStep(now, account, Move.ERASE))
    facts = f"request={number}"

    def begin(_controller: Controller) -> None:
        access_log.note(controller, account, Action.ERASE, now, detail=access_log.BEGUN, facts=facts)

    def finish(erased: Erased) -> None:
        if really:
            record = max(erased.traces, default=None)
            access_log.note(controller, account, Action.ERASE, now, record=record, facts=facts)
        else:
            known = callers.pseudonyms(controller, typed.caller)[0] if erased.records else None
            access_log.note(controller, account, Action.ERASE_TRIAL, now, pseudonym=known, facts=facts)
        progress(erased)

    erasure = callers.erase(
        [controller],
        typed,
        now,
        really=really,
        begin=begin,
        progress=finish,
        instruction=instruction,
        in_console=in_console,
        on_request=True,
    )
    (erased,) = erasure.controllers
    if not really:
        return RequestErasure(ListedRequest.of(request, controller, now), done=False, erased=erased)
    move, record = Move.ERASE if erasure.complete else Move.NOTE, max(erased.traces, default=None)
    after = take_step(controller, number, RequestStep(now, account, move, record=record))
    return RequestErasure(after, done=True, erased=erased)
