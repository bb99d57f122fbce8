"""Proof, for programs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from ...evidence.receipt import Person
from ...operations.evidence import logs, verifying
from ...operations.evidence.receipt_maker import MadeReceipt, WaitingRecord
from .shapes import Document, Shape, Time


class LogKey(Shape):
    """The public key of one epoch of a log."""

    controller: str
    """The controller's name in the configuration."""
    log: str
    """The origin of the log."""
    epoch: int
    """Which of the controller's logs: 1, 2, …"""
    key: str | None
    """The key (C2SP signed-note); null before the first checkpoint."""
    size: int
    """How many records its newest checkpoint has."""


class LogKeys(Document):
    """The keys of logs."""

    keys: list[LogKey]
    """The newest of a controller last."""

    @classmethod
    def of(cls, found: Iterable[logs.LogKey]) -> LogKeys:
        """As they were published."""
        return cls(
            keys=[
                LogKey(
                    controller=each.controller.id,
                    log=each.origin,
                    epoch=each.epoch,
                    key=str(each.key) if each.key else None,
                    size=each.size,
                )
                for each in found
            ]
        )


class SignedCheckpoint(Shape):
    """The newest checkpoint of a log."""

    controller: str
    """The controller's name in the configuration."""
    log: str
    """The origin of the log."""
    size: int
    """How many records it has."""
    added: int
    """How many of them came since the one before."""
    root: str
    """The root of the tree, in hexadecimal."""
    folder: str
    """Where the log is published."""
    key: str
    """By which key it was signed."""


class Checkpoints(Document):
    """What was signed."""

    checkpoints: list[SignedCheckpoint]
    """One a controller."""

    @classmethod
    def of(cls, found: Iterable[logs.SignedLog]) -> Checkpoints:
        """As it is now."""
        return cls(
            checkpoints=[
                SignedCheckpoint(
                    controller=each.controller.id,
                    log=each.origin,
                    size=each.size,
                    added=each.added,
                    root=each.root.hex(),
                    folder=str(each.folder),
                    key=str(each.key),
                )
                for each in found
            ]
        )


class ReceiptFile(Shape):
    """A receipt that was written."""

    controller: str
    """The controller's name in the configuration."""
    box: str | None
    """On which box that was recorded; null for this one."""
    record: int
    """Of which record."""
    file: str | None
    """Where it is; null where the record is in no checkpoint yet, or nothing here proves it."""
    key: str | None
    """The key of its log."""


class WrittenReceipts(Document):
    """The receipts that were written."""

    receipts: list[ReceiptFile]
    """One a record."""
    pages: list[str]
    """Where their pages are, if any were asked for."""

    @classmethod
    def of(
        cls, written: Iterable[tuple[MadeReceipt | WaitingRecord, Path | None]], pages: Iterable[Path] = ()
    ) -> WrittenReceipts:
        """As they were written."""
        return cls(
            receipts=[
                ReceiptFile(
                    controller=made.controller.id,
                    box=made.box or None,
                    record=made.record.number,
                    file=None if file is None else str(file),
                    key=str(made.key) if isinstance(made, MadeReceipt) else None,
                )
                for made, file in written
            ],
            pages=[str(file) for file in pages],
        )


class Cosigner(Shape):
    """A witness that signed."""

    name: str
    """The name of its key."""
    at: Time
    """When it signed."""


class VerifiedReceipt(Shape):
    """What a file proves."""

    file: str
    """Which file."""
    holds: bool
    """Whether it proves what it says."""
    problem: str | None
    """Why not."""
    log: str | None
    """The origin of the log that it is in."""
    index: int | None
    """Which leaf of the log it is, from 0."""
    size: int | None
    """How many leaves the checkpoint has."""
    witnesses: list[Cosigner]
    """Who else signed; nobody: it is the company's own word."""
    facts: dict[str, str | int] | None
    """What it opens of the record."""
    person: dict[str, str | int] | None
    """What it opens of whom the record is about."""


class Verification(Document):
    """What files prove."""

    receipts: list[VerifiedReceipt]
    """One a file."""

    @classmethod
    def of(cls, found: Iterable[verifying.Verified]) -> Verification:
        """As it was found."""
        return cls(receipts=[_verified(each) for each in found])


def _verified(found: verifying.Verified) -> VerifiedReceipt:
    receipt, proof = found.receipt, found.proof
    who = receipt.who if receipt else None
    return VerifiedReceipt(
        file=str(found.file),
        holds=found.holds,
        problem=None if found.error is None else str(found.error),
        log=proof.checkpoint.origin if proof else None,
        index=proof.index if proof else None,
        size=proof.checkpoint.size if proof else None,
        witnesses=[
            Cosigner(name=each.name, at=datetime.fromtimestamp(each.at, UTC))
            for each in (proof.witnesses if proof else ())
        ],
        facts=dict(receipt.facts) if receipt and proof else None,
        person=dict(who.values) if isinstance(who, Person) and proof else None,
    )
