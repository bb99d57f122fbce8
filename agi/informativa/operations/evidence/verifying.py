"""The offline check of receipts, without a ledger or a configuration."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import EvidenceError, InformativaError
from ...evidence.note import Verifier
from ...evidence.policy import Policy
from ...evidence.proof import LARGEST_PROOF, VerifiedProof
from ...evidence.receipt import Receipt
from ...files import read_foreign
from ...model import Identified
from ...text import Foreign, Text


@dataclass(frozen=True)
class Verified:
    """The result of checking one file."""

    file: Path
    receipt: Receipt | None
    """The receipt in the file; `None` if the file has none."""
    proof: VerifiedProof | None
    """The facts that its proof shows; `None` if it does not hold."""
    error: EvidenceError | None
    """The reason why it proves nothing; `None` if it holds."""

    @property
    def holds(self) -> bool:
        """`True` if the receipt proves its record."""
        return self.error is None


def verify(
    files: Sequence[Path],
    keys: tuple[Verifier, ...],
    policy: Policy | None = None,
    caller: Identified | None = None,
) -> list[Verified]:
    """Check receipts in files. Raises InformativaError if no key is trusted, or a file cannot be read."""
    if not keys and (policy is None or not policy.logs):
        raise InformativaError(
            Text("Nothing says whom to trust, and a receipt is never believed about that."),
            Text("Give the log's key, from a source of its own: --key VKEY, or --policy FILE"),
        )
    return [_verified(file, keys, policy, caller) for file in files]


def policy_in(file: Path) -> Policy:
    """Read a policy of trust from a file. Raises InformativaError if it is none."""
    try:
        return Policy.parse(_read(file))
    except EvidenceError as error:
        raise InformativaError(
            Text("{file} is no policy: {why}", file=file, why=error.message), error.remedy
        ) from error


def _verified(
    file: Path, keys: tuple[Verifier, ...], policy: Policy | None, caller: Identified | None
) -> Verified:
    return of_data(file, _read(file), keys, policy, caller)


def of_data(
    file: Path,
    data: bytes,
    keys: tuple[Verifier, ...],
    policy: Policy | None = None,
    caller: Identified | None = None,
) -> Verified:
    """Check the receipt in `data`, the bytes of a file."""
    receipt = None
    try:
        receipt = Receipt.parse(data)
        return Verified(file, receipt, receipt.verify(keys, policy, caller), None)
    except EvidenceError as error:
        return Verified(file, receipt, None, error)


def _read(file: Path) -> bytes:
    try:
        data = read_foreign(Path(os.path.realpath(file)), LARGEST_PROOF + 1)  # a link is the reader's own
    except OSError as error:
        raise InformativaError(
            Text("{file} cannot be read: {why}.", file=file, why=Foreign(error.strerror or "")),
            Text("Look whether it is there, and yours to read."),
        ) from error
    if data is None:
        raise InformativaError(Text("{file} is no file.", file=file))
    return data
