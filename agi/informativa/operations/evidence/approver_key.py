"""The key of somebody who approves: an Ed25519 key of signed notes that signs nothing else, in one file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ...evidence.encoding import log_origin
from ...evidence.log_folder import failing
from ...evidence.note import Signer
from ...model.errors import EvidenceError, EvidenceFormatError
from ...model.text import Text
from ...system import files
from ..document import AbsolutePath

_SEED_SIZE = 32  # bytes
_LARGEST = 4096  # bytes


@dataclass(frozen=True)
class ApproverKey:
    """The key of a person who approves what is deleted."""

    key: str
    """Its public key."""
    file: AbsolutePath
    """The file of its private key."""


def make(file: Path, name: str) -> bool:
    """Make a key of that name, unless the file has one; return whether it was made. Raises EvidenceError."""
    if not file.exists():
        signer = Signer(name, os.urandom(_SEED_SIZE))
        _require_person(signer)
        with failing(file):
            files.create(file, f"{signer.secret}\n".encode(), like=file.absolute().parent.stat())
        return True
    present_name = approver(file).name
    if name != present_name:
        raise EvidenceError(
            Text(
                "The key in {file} is {name}",
                "another one needs a file of its own",
                file=file,
                name=present_name,
            )
        )
    return False


def approver_key(file: Path) -> ApproverKey:
    """Return the key in a file. Raises EvidenceError."""
    return ApproverKey(str(approver(file).verifier), file)


def approver(file: Path) -> Signer:
    """Return the private key in a file. Raises EvidenceError if it is none, if others may read it, or if it
    is that of a log."""
    with failing(file), files.reading(file, _LARGEST) as stream:
        mode, data = os.fstat(stream.fileno()).st_mode, stream.read(_LARGEST)
    if mode & 0o077:
        raise EvidenceError(Text("Others can read {file}", "type: chmod 600 {file}", file=file))
    try:
        signer = Signer.parse(data.decode("ascii", "replace").strip())
    except EvidenceError as error:
        raise EvidenceError(
            Text(
                "{file} has no key that approves: {why}",
                "make one: informativa evidence approver-key FILE --name NAME",
                file=file,
                why=error.message,
            )
        ) from error
    _require_person(signer)
    return signer


def _require_person(signer: Signer) -> None:
    """Check that the key is not named like that of a log. Raises EvidenceError."""
    try:
        log_origin(signer.name)
    except EvidenceFormatError:
        return
    raise EvidenceError(
        Text(
            "{name} is a log, and whoever approves signs nothing else",
            "choose another name: acme.example/dpo",
            name=signer.name,
        )
    )
