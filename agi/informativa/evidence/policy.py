"""Whom to trust (C2SP tlog-policy): logs, witnesses, groups of them, and which are enough. Pure.

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

from ..errors import EvidenceFormatError, QuorumError
from ..text import Text
from .checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from .cosignature import WitnessVerifier, cosigned_at
from .note import NoteVerifier, Verifier

NONE = b"none"
LARGEST_POLICY = 1_000_000  # bytes
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_BETWEEN = re.compile(rb"[ \t]+")


@dataclass(frozen=True)
class KnownLog:
    """A log whose checkpoints count; `url` is '' where none is said."""

    key: Verifier
    url: str = ""


@dataclass(frozen=True)
class KnownWitness:
    """A witness, as the policy calls it."""

    name: bytes
    key: WitnessVerifier
    url: str = ""


@dataclass(frozen=True)
class Group:
    """Those of whom `enough` must have signed: witnesses, and groups."""

    name: bytes
    enough: int
    members: tuple[bytes, ...]


@dataclass(frozen=True)
class Cosigned:
    """A witness of the policy that signed: its key's name, and when, in POSIX seconds."""

    name: str
    at: int


@dataclass(frozen=True)
class Witnessed:
    """A checkpoint that a known log signed, which witnesses signed it too, and whether they are enough.
    Where the policy asks for none, `quorum` is true with nobody in it."""

    signed: SignedCheckpoint
    witnesses: tuple[Cosigned, ...]
    quorum: bool

    @property
    def checkpoint(self) -> Checkpoint:
        return self.signed.checkpoint

    def required(self) -> Witnessed:
        """Itself. Raises QuorumError where the witnesses are not enough."""
        if not self.quorum:
            names = ", ".join(each.name for each in self.witnesses)
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
        """From the file. Raises EvidenceFormatError with the number of the line: a key that is none or stands
        twice, a name that is unknown or stands twice, a member of two groups, not exactly one quorum."""
        return _Reading().policy(data)

    def verify(self, note: bytes, logs: Sequence[NoteVerifier] = ()) -> Witnessed:
        """What a checkpoint's note is worth: signed by one of the policy's logs, or of `logs` where it has
        none; and by which witnesses. Raises EvidenceFormatError, and SignatureError where no such log
        signed or a known key's signature is wrong. Too few witnesses are no error here: see
        `Witnessed.required`."""
        known = [each.key for each in self.logs] if self.logs else logs
        signed = open_checkpoint(note, known, [each.key for each in self.witnesses])
        there = {
            each.name: Cosigned(each.key.name, cosigned_at(signature))
            for each in self.witnesses
            if (signature := signed.note.signed_by(each.key))
        }
        return Witnessed(signed, tuple(there.values()), self.met(set(there)))

    def met(self, names: set[bytes]) -> bool:
        """Whether these witnesses are enough."""
        done = {each.name for each in self.witnesses if each.name in names}
        for group in self.groups:
            if sum(member in done for member in group.members) >= group.enough:
                done.add(group.name)
        return self.quorum == NONE or self.quorum in done


class _Reading:
    """What the lines so far said."""

    def __init__(self) -> None:
        self.logs: list[KnownLog] = []
        self.witnesses: list[KnownWitness] = []
        self.groups: list[Group] = []
        self.quorum = b""
        self.free: dict[bytes, bool] = {}  # each name, and whether it is still in no group

    def policy(self, data: bytes) -> Policy:
        if len(data) > LARGEST_POLICY or _CONTROL.search(data):
            raise EvidenceFormatError(
                Text("A policy is text, of at most {limit} bytes.", limit=LARGEST_POLICY)
            )
        *lines, rest = data.split(b"\n")
        if rest:  # a file that was cut off must not pass for a shorter one
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
        kind, rest = words[0], words[1:]
        if kind == b"log" and len(rest) in (1, 2):
            self._log(Verifier.parse(_plain(rest[0])), *map(_plain, rest[1:]))
        elif kind == b"witness" and len(rest) in (2, 3):
            self._witness(rest[0], WitnessVerifier.parse(_plain(rest[1])), *map(_plain, rest[2:]))
        elif kind == b"group" and len(rest) > 2:
            self._group(rest[0], rest[1], rest[2:])
        elif kind == b"quorum" and len(rest) == 1 and not self.quorum:
            if rest[0] != NONE:
                self._known(rest[0])
            self.quorum = rest[0]
        else:
            raise EvidenceFormatError(
                Text("It is none of log, witness, group and one quorum (c2sp.org/tlog-policy).")
            )

    def _log(self, key: Verifier, url: str = "") -> None:
        if any(each.key.public == key.public for each in self.logs):
            raise _twice(key.name)
        self.logs.append(KnownLog(key, url))

    def _witness(self, name: bytes, key: WitnessVerifier, url: str = "") -> None:
        if any(each.key.public == key.public for each in self.witnesses):
            raise _twice(key.name)
        self._new(name)
        self.witnesses.append(KnownWitness(name, key, url))

    def _group(self, name: bytes, enough: bytes, members: list[bytes]) -> None:
        named = {b"any": 1, b"all": len(members)}
        count = named.get(enough) or (int(enough) if re.fullmatch(rb"[1-9][0-9]{0,5}", enough) else 0)
        if not 1 <= count <= len(members):
            raise EvidenceFormatError(
                Text("A group needs all, any, or a number from 1 to that of its members.")
            )
        for member in members:
            self._known(member)
            if not self.free[member]:
                raise EvidenceFormatError(Text("{name} is a member already.", name=_shown(member)))
            self.free[member] = False
        self._new(name)
        self.groups.append(Group(name, count, tuple(members)))

    def _new(self, name: bytes) -> None:
        if name == NONE or name in self.free:
            raise _twice(_shown(name))
        self.free[name] = True

    def _known(self, name: bytes) -> None:
        if name not in self.free:
            raise EvidenceFormatError(Text("There is no {name} in the lines before.", name=_shown(name)))


def _plain(word: bytes) -> str:
    try:
        return word.decode("utf-8")
    except UnicodeDecodeError:
        raise EvidenceFormatError(Text("It is not UTF-8.")) from None


def _shown(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")


def _twice(name: str) -> EvidenceFormatError:
    return EvidenceFormatError(Text("{name} stands there already.", name=name))
