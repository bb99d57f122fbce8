"""The offline check of receipts, without a ledger or a configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ...evidence.note import Verifier
from ...evidence.policy import Policy
from ...evidence.proof import LARGEST_PROOF
from ...evidence.receipt import Person, Receipt
from ...model import Identified
from ...model.errors import EvidenceError, InformativaError
from ...model.text import Foreign, Text
from ...system.files import read_foreign
from ..document import Sentence, Time
from . import time_remarks


@dataclass(frozen=True)
class Cosigner:
    """A witness that signed."""

    name: str
    """The name of its key."""
    at: Time
    """The time at which it signed."""


@dataclass(frozen=True)
class VerifiedReceipt:
    """The result of verifying one file."""

    file: Path
    """The file."""
    holds: bool
    """True if it proves what it says."""
    problem: Sentence | None
    """The reason why not."""
    log: str | None = None
    """The origin of the log that it is in."""
    index: int | None = None
    """The number of its leaf in the log, from 0."""
    size: int | None = None
    """The number of leaves the checkpoint has."""
    witnesses: tuple[Cosigner, ...] = ()
    """The witnesses that signed, too; if there is none, it is the company's own word."""
    facts: Mapping[str, str | int] | None = None
    """The facts of the record that it opens."""
    person: Mapping[str, str | int] | None = None
    """The data that it opens of the person whom the record is about."""
    remarks: tuple[Sentence, ...] = ()
    """The remarks, which change no verdict."""


@dataclass(frozen=True)
class Verification:
    """The result of verifying files."""

    receipts: tuple[VerifiedReceipt, ...]
    """One a file."""

    @property
    def holds(self) -> bool:
        """`True` if each receipt proves its record."""
        return all(receipt.holds for receipt in self.receipts)


def verify(
    files: Sequence[Path],
    keys: tuple[Verifier, ...],
    policy: Policy | None = None,
    caller: Identified | None = None,
) -> Verification:
    """Check receipts in files. Raises InformativaError if no key is trusted, or a file cannot be read."""
    if not keys and (policy is None or not policy.logs):
        raise InformativaError(
            Text("Nothing says whom to trust, and a receipt is never believed about that."),
            Text("Give the log's key, from a source of its own: --key VKEY, or --policy FILE"),
        )
    return Verification(
        tuple(verify_data(file, _read(file, LARGEST_PROOF), keys, policy, caller) for file in files)
    )


def policy_in(file: Path) -> Policy:
    """Read a policy of trust from a file. Raises InformativaError if it is none."""
    return parsed_policy(file, policy_data(file))


def policy_data(file: Path) -> bytes:
    """Read a file that should be a policy. Raises InformativaError."""
    return _read(file, LARGEST_PROOF)


def parsed_policy(file: Path, data: bytes) -> Policy:
    """Parse the policy that was read from a file. Raises InformativaError if it is none."""
    try:
        return Policy.parse(data)
    except EvidenceError as error:
        raise InformativaError(
            Text("{file} is no policy: {why}", file=file, why=error.message), error.remedy
        ) from error


def verify_data(
    file: Path,
    data: bytes,
    keys: tuple[Verifier, ...],
    policy: Policy | None = None,
    caller: Identified | None = None,
) -> VerifiedReceipt:
    """Check the receipt in `data`, the bytes of a file."""
    try:
        receipt = Receipt.parse(data)
        proof = receipt.verify(keys, policy, caller)
    except EvidenceError as error:
        return VerifiedReceipt(file, holds=False, problem=error.text)
    return VerifiedReceipt(
        file,
        holds=True,
        problem=None,
        log=proof.checkpoint.origin,
        index=proof.index,
        size=proof.checkpoint.size,
        witnesses=tuple(
            Cosigner(witness.name, datetime.fromtimestamp(witness.at, UTC)) for witness in proof.witnesses
        ),
        facts=receipt.facts,
        person=receipt.who.values if isinstance(receipt.who, Person) else None,
        remarks=tuple(time_remarks.of_receipt(proof, receipt.facts)),
    )


def _read(file: Path, largest: int) -> bytes:
    try:
        data = read_foreign(Path(os.path.realpath(file)), largest + 1)  # a link is the reader's own
    except OSError as error:
        raise InformativaError(
            Text("{file} cannot be read: {why}.", file=file, why=Foreign(error.strerror or "")),
            Text("Look whether it is there, and yours to read."),
        ) from error
    if data is None:
        raise InformativaError(Text("{file} is no file.", file=file))
    return data
