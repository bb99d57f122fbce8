"""Trusted keys (C2SP tlog-policy): logs, witnesses, groups of witnesses, and how many are enough. Pure.

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> all|any|<k> <name>…
    quorum <name>|none

Names are bytes to the format; they mean nothing outside of the file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..model.errors import EvidenceFormatError, QuorumError
from ..model.text import Text
from .checkpoint import Checkpoint, CheckpointNote, open_checkpoint
from .cosignature import WitnessVerifier, cosigned_at
from .note import NoteVerifier, Verifier

NONE = b"none"
LARGEST_POLICY = 1_000_000  # bytes
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_BETWEEN = re.compile(rb"[ \t]+")


@dataclass(frozen=True)
class KnownLog:
    """A log whose checkpoints count. `url` is '' if the policy gives none."""

    key: Verifier
    url: str = ""


@dataclass(frozen=True)
class KnownWitness:
    """A witness, by its name in the policy."""

    name: bytes
    key: WitnessVerifier
    url: str = ""


@dataclass(frozen=True)
class Group:
    """A group of witnesses and groups, of which `threshold` must have signed."""

    name: bytes
    threshold: int
    members: tuple[bytes, ...]


@dataclass(frozen=True)
class CosigningWitness:
    """A witness of the policy that signed: the name of its key, and the time, in POSIX seconds."""

    name: str
    at: int


@dataclass(frozen=True)
class CosignedCheckpoint:
    """A checkpoint that a known log signed, the witnesses that signed it too, and whether they are enough.
    Where the policy asks for none, `quorum` is true without any."""

    signed: CheckpointNote
    witnesses: tuple[CosigningWitness, ...]
    quorum: bool

    @property
    def checkpoint(self) -> Checkpoint:
        return self.signed.checkpoint

    def required(self) -> CosignedCheckpoint:
        """Return itself. Raises QuorumError if the witnesses are not enough."""
        if not self.quorum:
            names = ", ".join(witness.name for witness in self.witnesses)
            raise QuorumError(
                Text(
                    "Of the witnesses that the policy asks for too few signed: {names}",
                    "wait until more have signed, or ask the witnesses",
                    names=names or Text("none"),
                )
            )
        return self


@dataclass(frozen=True)
class Policy:
    """Logs, witnesses, groups in the order of the file, and the name that must be fulfilled, or `none`."""

    logs: tuple[KnownLog, ...]
    witnesses: tuple[KnownWitness, ...]
    groups: tuple[Group, ...]
    quorum: bytes

    @classmethod
    def parse(cls, data: bytes) -> Policy:
        """Parse the file. Raises EvidenceFormatError with the number of the line: for an invalid key or one
        that stands twice, a name that is unknown or stands twice, a member of two groups, not exactly one
        quorum."""
        return _PolicyParser().policy(data)

    def verify(self, note: bytes, logs: Sequence[NoteVerifier] = ()) -> CosignedCheckpoint:
        """Verify a checkpoint's note: one of the policy's logs must have signed it, or one of `logs` if the
        policy has none; return it with the witnesses that signed. Raises EvidenceFormatError, and
        SignatureError if no such log signed or the signature of a known key is wrong. Too few witnesses are
        no error here: see `Witnessed.required`."""
        log_keys = [log.key for log in self.logs] if self.logs else logs
        signed = open_checkpoint(note, log_keys, [witness.key for witness in self.witnesses])
        cosigned = {
            witness.name: CosigningWitness(witness.key.name, cosigned_at(signature))
            for witness in self.witnesses
            if (signature := signed.note.signed_by(witness.key))
        }
        return CosignedCheckpoint(signed, tuple(cosigned.values()), self.quorum_met(set(cosigned)))

    def quorum_met(self, names: set[bytes]) -> bool:
        """Return whether the witnesses of these names are enough."""
        satisfied = {witness.name for witness in self.witnesses if witness.name in names}
        for group in self.groups:
            if sum(member in satisfied for member in group.members) >= group.threshold:
                satisfied.add(group.name)
        return self.quorum == NONE or self.quorum in satisfied


class _PolicyParser:
    """The logs, witnesses and groups of the lines so far."""

    def __init__(self) -> None:
        self.logs: list[KnownLog] = []
        self.witnesses: list[KnownWitness] = []
        self.groups: list[Group] = []
        self.quorum = b""
        self.free: dict[bytes, bool] = {}  # by name, whether it is still in no group

    def policy(self, data: bytes) -> Policy:
        if len(data) > LARGEST_POLICY or _CONTROL.search(data):
            raise EvidenceFormatError(
                Text("A policy is text, of at most {limit} bytes.", limit=LARGEST_POLICY)
            )
        *lines, unterminated = data.split(b"\n")
        if unterminated:  # a file that was cut off must not pass for a shorter one
            raise EvidenceFormatError(Text("The policy's last line does not end."))
        for number, line in enumerate(lines, 1):
            words = _BETWEEN.split(line.strip(b" \t"))
            if words[0] and not words[0].startswith(b"#"):
                try:
                    self._line(words)
                except EvidenceFormatError as error:
                    raise EvidenceFormatError(
                        Text("Line {number} of the policy: {what}", number=number, what=error.text)
                    ) from None
        if not self.quorum:
            raise EvidenceFormatError(Text("The policy has no quorum."))
        return Policy(tuple(self.logs), tuple(self.witnesses), tuple(self.groups), self.quorum)

    def _line(self, words: list[bytes]) -> None:
        keyword, arguments = words[0], words[1:]
        if keyword == b"log" and len(arguments) in (1, 2):
            self._log(Verifier.parse(_plain(arguments[0])), *map(_plain, arguments[1:]))
        elif keyword == b"witness" and len(arguments) in (2, 3):
            self._witness(
                arguments[0], WitnessVerifier.parse(_plain(arguments[1])), *map(_plain, arguments[2:])
            )
        elif keyword == b"group" and len(arguments) > 2:
            self._group(arguments[0], arguments[1], arguments[2:])
        elif keyword == b"quorum" and len(arguments) == 1 and not self.quorum:
            if arguments[0] != NONE:
                self._require_name(arguments[0])
            self.quorum = arguments[0]
        else:
            raise EvidenceFormatError(
                Text("It is none of log, witness, group and one quorum (c2sp.org/tlog-policy).")
            )

    def _log(self, key: Verifier, url: str = "") -> None:
        if any(log.key.public == key.public for log in self.logs):
            raise _twice(key.name)
        self.logs.append(KnownLog(key, url))

    def _witness(self, name: bytes, key: WitnessVerifier, url: str = "") -> None:
        if any(witness.key.public == key.public for witness in self.witnesses):
            raise _twice(key.name)
        self._add_name(name)
        self.witnesses.append(KnownWitness(name, key, url))

    def _group(self, name: bytes, enough: bytes, members: list[bytes]) -> None:
        named = {b"any": 1, b"all": len(members)}
        count = named.get(enough) or (int(enough) if re.fullmatch(rb"[1-9][0-9]{0,5}", enough) else 0)
        if not 1 <= count <= len(members):
            raise EvidenceFormatError(
                Text("A group needs all, any, or a number from 1 to that of its members.")
            )
        for member in members:
            self._require_name(member)
            if not self.free[member]:
                raise EvidenceFormatError(Text("{name} is a member already.", name=_escaped(member)))
            self.free[member] = False
        self._add_name(name)
        self.groups.append(Group(name, count, tuple(members)))

    def _add_name(self, name: bytes) -> None:
        if name == NONE or name in self.free:
            raise _twice(_escaped(name))
        self.free[name] = True

    def _require_name(self, name: bytes) -> None:
        if name not in self.free:
            raise EvidenceFormatError(Text("There is no {name} in the lines before.", name=_escaped(name)))


def _plain(word: bytes) -> str:
    try:
        return word.decode("utf-8")
    except UnicodeDecodeError:
        raise EvidenceFormatError(Text("It is not UTF-8.")) from None


def _escaped(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")


def _twice(name: str) -> EvidenceFormatError:
    return EvidenceFormatError(Text("{name} stands there already.", name=name))
