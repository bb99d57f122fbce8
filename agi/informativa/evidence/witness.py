"""The answers of a witness (C2SP tlog-witness): a request's body in, a status and an answer out. Pure.

    old <size>
    <hash, base64>…

    <the checkpoint, a signed note>

A witness signs a checkpoint only if it extends the last one of that log that it signed. So of two signed
checkpoints of a log, the tree of one always begins with that of the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..model.errors import EvidenceError, EvidenceFormatError, SignatureError, TreeProofError
from ..model.text import Text
from .checkpoint import Checkpoint, open_checkpoint
from .cosignature import WitnessSigner
from .encoding import as_text, decimal, decoded_hash, encode_base64
from .note import Verifier, parse
from .tree import EMPTY_ROOT, verify_consistency

LARGEST_REQUEST = 131_072  # bytes: 63 hashes, and a checkpoint with more signatures than any log has
MOST_HASHES = 63
SIZE_TYPE = "text/x.tlog.size"
TEXT_TYPE = "text/plain; charset=utf-8"

Logs = Mapping[str, tuple[Verifier, ...]]
"""The keys of each log that a witness signs for, by its origin."""


@dataclass(frozen=True)
class AddCheckpoint:
    """A request: the size that the log believes to be the last one signed, the proof from there, and the
    checkpoint's note. Nothing is verified."""

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes

    @classmethod
    def parse(cls, body: bytes) -> AddCheckpoint:
        """Parse the body. Raises EvidenceFormatError."""
        head, separator, note = as_text(body, LARGEST_REQUEST).partition("\n\n")
        first, *lines = head.split("\n")
        if not separator or not first.startswith("old ") or len(lines) > MOST_HASHES:
            raise EvidenceFormatError(
                Text("It is no request: old, a size, hashes, an empty line, a note (c2sp.org/tlog-witness).")
            )
        parse(note.encode())
        return cls(decimal(first.removeprefix("old ")), tuple(map(decoded_hash, lines)), note.encode())

    @property
    def body(self) -> bytes:
        """The body as it is sent."""
        lines = [f"old {self.old_size}", *map(encode_base64, self.proof), "", ""]
        return "\n".join(lines).encode() + self.note


@dataclass(frozen=True)
class Response:
    """An answer to a request. `signed` is the checkpoint whose signature is in the answer; it must be stored
    as the last one before the answer is sent. `allowed` are the methods that status 405 names."""

    status: int
    body: bytes
    kind: str = TEXT_TYPE
    signed: Checkpoint | None = None
    allowed: str = "POST"


def logs_of(keys: Iterable[Verifier]) -> Logs:
    """Return keys by their origin."""
    logs: dict[str, tuple[Verifier, ...]] = {}
    for key in keys:
        if key not in logs.get(key.name, ()):
            logs[key.name] = (*logs.get(key.name, ()), key)
    return logs


def open_request(body: bytes, logs: Logs) -> tuple[AddCheckpoint, Checkpoint] | Response:
    """Return a request of a known log and its checkpoint, which that log signed, or the refusal. This needs
    no lock, because it does not depend on earlier checkpoints."""
    try:
        request = AddCheckpoint.parse(body)
        checkpoint = Checkpoint.unverified(request.note)
    except EvidenceError as error:
        return _refused(400, str(error.message))
    keys = logs.get(checkpoint.origin)
    if not keys:
        return _refused(404, "This witness does not know the log.")
    try:
        open_checkpoint(request.note, keys)
    except SignatureError as error:
        return _refused(403, str(error.message))
    except EvidenceError as error:
        return _refused(400, str(error.message))
    if request.old_size > checkpoint.size:
        return _refused(400, "The old size is larger than the checkpoint's.")
    return request, checkpoint


def decide(
    request: AddCheckpoint, checkpoint: Checkpoint, last: Checkpoint | None, witness: WitnessSigner, now: int
) -> Response:
    """Return the answer to an opened request. `last` is the checkpoint of that log that the witness signed
    last, `now` is in POSIX seconds."""
    size, root = (last.size, last.root) if last else (0, EMPTY_ROOT)
    if request.old_size != size or (checkpoint.size == size and checkpoint.root != root):
        return Response(409, f"{size}\n".encode(), SIZE_TYPE)
    try:
        verify_consistency(size, checkpoint.size, root, checkpoint.root, request.proof)
    except TreeProofError as error:
        return _refused(422, str(error.message))
    return Response(200, witness.cosign(checkpoint.text, now).line.encode(), TEXT_TYPE, checkpoint)


def _refused(status: int, reason: str) -> Response:
    return Response(status, f"{reason}\n".encode())
