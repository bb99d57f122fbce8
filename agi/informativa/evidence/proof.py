"""A proof for one leaf in one file (C2SP tlog-proof): everything but the leaf and the trusted keys. Pure.

c2sp.org/tlog-proof@v1
extra <base64>
index <number>
<hash, base64>…

<the checkpoint, a signed note>
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from ..model.errors import EvidenceFormatError, SignatureError
from ..model.text import Text
from .checkpoint import Checkpoint
from .encoding import HASH_SIZE, LARGEST, as_text, decimal, decode_base64, decoded_hash, encode_base64
from .note import NoteVerifier, parse
from .policy import NONE, CosigningWitness, Policy
from .tree import leaf_hash, verify_inclusion

LARGEST_PROOF = 1_000_000  # bytes
MOST_HASHES = 63  # a tree of 2^63 leaves has no longer path
SUFFIX = ".tlog-proof"
_HEAD = "c2sp.org/tlog-proof@v1"
_parsed = lru_cache(4)(parse)  # thousands of proofs may be of one checkpoint
_NO_WITNESSES = Policy((), (), (), NONE)


@dataclass(frozen=True)
class VerifiedProof:
    """The result of a verified proof: the leaf is number `index` of this checkpoint, this log signed it, and
    so did these witnesses. Without any witness only the log vouches for it."""

    checkpoint: Checkpoint
    index: int
    log: NoteVerifier
    witnesses: tuple[CosigningWitness, ...]


@dataclass(frozen=True)
class Proof:
    """A leaf's index, its hashes from the sibling up (32 bytes each), the checkpoint's note as it was
    published, and extra data, which prove nothing by themselves. Raises EvidenceFormatError for values that
    no file can have."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""

    def __post_init__(self) -> None:
        if not 0 <= self.index <= LARGEST or len(self.hashes) > MOST_HASHES:
            raise _malformed()
        if any(len(node) != HASH_SIZE for node in self.hashes):
            raise _malformed()
        _parsed(self.checkpoint)

    @classmethod
    def parse(cls, data: bytes) -> Proof:
        """Parse the file. Raises EvidenceFormatError; nothing is verified."""
        head, separator, note = as_text(data, LARGEST_PROOF).partition("\n\n")
        first, *lines = head.split("\n")
        if first != _HEAD or not separator or not lines:
            raise _malformed()
        extra = b""
        if lines[0].startswith("extra "):
            extra = decode_base64(lines.pop(0).removeprefix("extra "))
            if not extra:
                raise _malformed()
        if not lines or not lines[0].startswith("index "):
            raise _malformed()
        index = decimal(lines.pop(0).removeprefix("index "))
        return cls(index, tuple(map(decoded_hash, lines)), note.encode(), extra)

    @property
    def data(self) -> bytes:
        """The file. Raises EvidenceFormatError if it would be larger than allowed."""
        extra = [f"extra {encode_base64(self.extra)}"] if self.extra else []
        lines = [_HEAD, *extra, f"index {self.index}", *map(encode_base64, self.hashes), "", ""]
        data = "\n".join(lines).encode() + self.checkpoint
        as_text(data, LARGEST_PROOF)
        return data

    def verify(
        self, entry: bytes, keys: Iterable[NoteVerifier] = (), policy: Policy | None = None
    ) -> VerifiedProof:
        """Verify that this entry is in the log: that the log's key is one of `keys`, and one of the policy's
        logs if it has any, and that enough witnesses signed. The keys in the file itself are never trusted,
        so one of the two must name a log. Raises SignatureError, QuorumError, TreeProofError,
        EvidenceFormatError."""
        keys = tuple(keys)
        policy = policy or _NO_WITNESSES
        witnessed = policy.verify(self.checkpoint, keys).required()
        log = witnessed.signed.log
        if keys and (log.name, log.key_id) not in {(key.name, key.key_id) for key in keys}:
            raise SignatureError(
                Text("The policy trusts the log {name}, and the given keys are others.", name=log.name)
            )
        self.check_inclusion(entry, witnessed.checkpoint)
        return VerifiedProof(witnessed.checkpoint, self.index, log, witnessed.witnesses)

    def check_inclusion(self, entry: bytes, checkpoint: Checkpoint) -> None:
        """Check that this entry is in that tree, without its signatures: a part of `verify`, for callers that
        report each flaw. Raises TreeProofError."""
        verify_inclusion(self.index, checkpoint.size, leaf_hash(entry), self.hashes, checkpoint.root)


def _malformed() -> EvidenceFormatError:
    return EvidenceFormatError(Text("It is no proof of a transparency log (c2sp.org/tlog-proof)."))
