"""Notes in a log: what was done to its records, and by which rule, as entries of the log itself. Pure.

    "informativa/note/v2\\n" ‖ JCS(note)

A note can be neither withheld nor changed apart from the log, and is never purged. (`note` is another thing:
a text with signatures.) `KINDS` are all the kinds that there are; each field of their classes is one key of
the canonical JSON, with its grammar (`note_values`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from ..model.errors import EvidenceFormatError
from ..model.plan import Period
from ..model.text import Text
from . import jcs, note_values
from .approval import LeafIdentity
from .checkpoint import Checkpoint
from .commitment import NOTE_TAG
from .cosignature import WitnessVerifier
from .entries import EntryKind, recognised
from .note import Verifier
from .note_values import ErasureRule, Grammar, NoteSource

VERSION = 2


class NoteKind(StrEnum):
    """The kinds of notes."""

    RULE = "rule"
    PURGE = "purge"
    ERASURE = "erasure"
    LOST = "lost"
    NEW_LOG = "new-log"
    NEXT = "next"
    APPROVAL = "approval"


@dataclass(frozen=True)
class NoteKey:
    """A key of a note's JSON: its name, the field that has its value, the form and the meaning of the value,
    and the field's value where the key is absent; MISSING if it never is."""

    name: str
    field: str
    grammar: Grammar
    meaning: str
    absent: object

    @property
    def is_required(self) -> bool:
        return self.absent is MISSING

    def read(self, value: jcs.Value) -> Any:
        """Return the field's value. Raises EvidenceFormatError."""
        try:
            return self.grammar.read(value)
        except note_values.REFUSED:
            raise self._refused() from None

    def write(self, value: Any) -> jcs.Value:
        """Return the value in JSON. Raises EvidenceFormatError for a value that would not be read back."""
        written = self.grammar.write(value)
        if self.read(written) != value:
            raise self._refused()
        return written

    def _refused(self) -> EvidenceFormatError:
        return EvidenceFormatError(
            Text("In a note {name} should be {form}.", name=self.name, form=self.grammar.expected)
        )


def _key(grammar: Grammar, meaning: str, name: str = "") -> Mapping[str, Any]:
    """Return the metadata of a field: the form and the meaning of its value, and the name of the key if it is
    not the field's own."""
    return {"name": name, "grammar": grammar, "meaning": meaning}


@dataclass(frozen=True)
class RuleNote:
    """The rule by which records are kept and lost from now on, as the configuration says it. `retention` is
    `None` where nothing is deleted by its age. `purged`, `erased` and `lost` count leaves of version 1."""

    retention: Period | None = field(
        metadata=_key(note_values.RETENTION, "how long records are kept: months, days, or for ever")
    )
    zone: str = field(metadata=_key(note_values.ZONE, "the time zone by whose calendar that is counted"))
    erasures: ErasureRule = field(
        metadata=_key(note_values.ERASURE_RULE, "whether each erasure needs an approval")
    )
    processor: bool = field(
        metadata=_key(note_values.FLAG, "1 where somebody else answers for the controller")
    )
    witnesses: tuple[WitnessVerifier, ...] = field(
        default=(), metadata=_key(note_values.WITNESSES, "the witnesses whose time counts")
    )
    approver: Verifier | None = field(
        default=None, metadata=_key(note_values.SIGNING_KEY, "the key that approves")
    )
    instruction: str = field(
        default="", metadata=_key(note_values.INSTRUCTION, "the controller's instruction: a ticket's id")
    )
    purged: int = field(
        default=0, metadata=_key(note_values.COUNT, "how many leaves of version 1 were purged before")
    )
    erased: int = field(
        default=0, metadata=_key(note_values.COUNT, "how many leaves of version 1 were erased before")
    )
    lost: int = field(
        default=0, metadata=_key(note_values.COUNT, "how many leaves of version 1 were lost before")
    )


@dataclass(frozen=True)
class PurgeNote:
    """The deletion of all records below an index, because of their age."""

    of: str = field(metadata=_key(note_values.ORIGIN, "the log whose leaves can no longer be opened"))
    below: int = field(
        metadata=_key(note_values.COUNT, "the first leaf that this note does not name; it names all before")
    )
    cutoff: datetime = field(metadata=_key(note_values.MINUTE, "all of them were recorded before"))
    rule: int = field(metadata=_key(note_values.INDEX, "the index of the rule, in this note's log"))


@dataclass(frozen=True)
class ErasureNote:
    """The erasure of a caller. `list_digest` commits to the leaves (`erased_leaves`)."""

    list_digest: str = field(
        metadata=_key(note_values.DIGEST, "the commitment to the list of the leaves", "list")
    )
    most: int = field(metadata=_key(note_values.POWER_OF_TEN, "the least that is not below their number"))
    instruction: str = field(
        metadata=_key(note_values.INSTRUCTION, "the controller's instruction: a ticket's id")
    )


@dataclass(frozen=True)
class LostNote:
    """Leaves whose records were lost with a ledger that a backup replaced: `first` to before `end`."""

    of: str = field(metadata=_key(note_values.ORIGIN, "the log whose records were lost"))
    first: int = field(metadata=_key(note_values.INDEX, "the first lost leaf", "from"))
    end: int = field(metadata=_key(note_values.COUNT, "the first leaf after them", "to"))
    instruction: str = field(
        metadata=_key(note_values.INSTRUCTION, "the controller's instruction: a ticket's id")
    )


@dataclass(frozen=True)
class NewLogNote:
    """The first leaf of a log that goes on where others ended. It has an instruction where leaves of those
    were lost."""

    after: tuple[Checkpoint, ...] = field(
        metadata=_key(note_values.TREES, "the logs that ended: origin, size, root in hexadecimal")
    )
    instruction: str = field(
        default="",
        metadata=_key(note_values.INSTRUCTION, "the controller's instruction, if leaves of them are lost"),
    )


@dataclass(frozen=True)
class NextNote:
    """The last leaf of a log that goes on in another one."""

    key: Verifier = field(metadata=_key(note_values.NEXT_KEY, "the key of the next log"))


@dataclass(frozen=True)
class ApprovalNote:
    """An approval of other leaves, of any log: `text` is the signed note, unverified (`approval.verify`)."""

    text: bytes = field(metadata=_key(note_values.APPROVAL, "the signed note, signatures included"))


NoteContent = RuleNote | PurgeNote | ErasureNote | LostNote | NewLogNote | NextNote | ApprovalNote
KINDS: Mapping[NoteKind, type[NoteContent]] = {
    NoteKind.RULE: RuleNote,
    NoteKind.PURGE: PurgeNote,
    NoteKind.ERASURE: ErasureNote,
    NoteKind.LOST: LostNote,
    NoteKind.NEW_LOG: NewLogNote,
    NoteKind.NEXT: NextNote,
    NoteKind.APPROVAL: ApprovalNote,
}


@dataclass(frozen=True)
class LogNote:
    """One note: the origin of its log, its own index there, the minute (UTC) in which it was made, the part
    of the program that made it, and its content. Raises EvidenceFormatError for what no note can say."""

    log: str = field(metadata=_key(note_values.ORIGIN, "the origin of the log in which it stands"))
    index: int = field(metadata=_key(note_values.INDEX, "the index of its own leaf"))
    at: datetime = field(metadata=_key(note_values.MINUTE, "when it was made"))
    by: NoteSource = field(metadata=_key(note_values.SOURCE, "what made it; never a person"))
    content: NoteContent

    def __post_init__(self) -> None:
        recognised(self.entry)
        for flaw in _flaws(self):
            raise EvidenceFormatError(flaw)

    @classmethod
    def parse(cls, entry: bytes, log: str, index: int) -> LogNote:
        """Parse the entry of leaf `index` of a log. Raises EvidenceFormatError for anything but the one text
        of a note of that leaf. The other leaves decide whether it holds."""
        if recognised(entry) is not EntryKind.NOTE:
            raise EvidenceFormatError(Text("The entry is a record and not a note."))
        values = jcs.parse(entry.removeprefix(NOTE_TAG))
        if values.pop("v", None) != VERSION:
            raise EvidenceFormatError(Text("It is no note of version 2."))
        kind = _kind(values.pop("kind", ""))
        header = {key.name: values.pop(key.name) for key in KEYS[cls] if key.name in values}
        content = KINDS[kind](**_read(KINDS[kind], values))
        note = cls(**_read(cls, header), content=content)
        if (note.log, note.index) != (log, index):
            raise EvidenceFormatError(Text("The note says that it is another leaf than it is."))
        return note

    @classmethod
    def of_text(cls, text: str) -> LogNote:
        """Parse the canonical JSON of a note, wherever it stands. Raises EvidenceFormatError."""
        values, entry = jcs.parse(text.encode()), NOTE_TAG + text.encode()
        return cls.parse(entry, str(values.get("log")), int(str(values.get("index", -1))))

    @property
    def kind(self) -> NoteKind:
        """The kind of the note."""
        return next(kind for kind, content in KINDS.items() if content is type(self.content))

    @property
    def entry(self) -> bytes:
        """The entry of the log, at most 16,384 bytes."""
        values = {"v": VERSION, "kind": self.kind.value, **_members(self), **_members(self.content)}
        return NOTE_TAG + jcs.canonical(values)

    @property
    def text(self) -> str:
        """The canonical JSON of its entry."""
        return self.entry.removeprefix(NOTE_TAG).decode()

    @property
    def leaf(self) -> LeafIdentity:
        """Its leaf, as an approval names it."""
        return LeafIdentity.of(self.log, self.index, self.entry)


NotePart = type[LogNote] | type[NoteContent]


def _keys(part: NotePart) -> tuple[NoteKey, ...]:
    """Return the keys of those fields of a part of a note that have one."""
    return tuple(
        NoteKey(
            name=attribute.metadata["name"] or attribute.name,
            field=attribute.name,
            grammar=attribute.metadata["grammar"],
            meaning=attribute.metadata["meaning"],
            absent=attribute.default,
        )
        for attribute in fields(part)
        if attribute.metadata
    )


KEYS: Mapping[NotePart, tuple[NoteKey, ...]] = {part: _keys(part) for part in (LogNote, *KINDS.values())}
"""The keys that all notes have besides `v` and `kind`, and those of each kind."""


def _read(part: NotePart, values: Mapping[str, jcs.Value]) -> dict[str, Any]:
    """Return the fields of a part of a note from its members in JSON. Raises EvidenceFormatError."""
    keys = {key.name: key for key in KEYS[part]}
    for name in values:
        if name not in keys:
            raise EvidenceFormatError(Text("A note of this kind has no {name}.", name=_escaped(name)))
    if missing := [key.name for key in keys.values() if key.is_required and key.name not in values]:
        raise EvidenceFormatError(Text("The note lacks {names}.", names=", ".join(missing)))
    return {keys[name].field: keys[name].read(value) for name, value in values.items()}


def _members(part: LogNote | NoteContent) -> dict[str, jcs.Value]:
    """Return the members in JSON of a part of a note. Raises EvidenceFormatError."""
    values = ((key, getattr(part, key.field)) for key in KEYS[type(part)])
    return {key.name: key.write(value) for key, value in values if value != key.absent}


def _flaws(note: LogNote) -> Iterator[Text]:
    """Yield what cannot be, although each value is in its form."""
    content = note.content
    if isinstance(content, PurgeNote | LostNote):
        end = content.below if isinstance(content, PurgeNote) else content.end
        if content.of == note.log and end > note.index:
            yield Text("The note names leaves that come after it.")
    if isinstance(content, LostNote) and content.first >= content.end:
        yield Text("The note names no leaf.")
    if isinstance(content, PurgeNote) and content.rule >= note.index:
        yield Text("The note names a rule that comes after it.")
    if isinstance(content, PurgeNote) and content.cutoff > note.at:
        yield Text("The note names a time that comes after it.")
    if isinstance(content, NewLogNote) and note.index != 0:
        yield Text("The note is not the first leaf of its log.")
    after = content.after if isinstance(content, NewLogNote) else ()
    if note.log in [tree.origin for tree in after]:
        yield Text("The note says that its log follows itself.")
    if isinstance(content, NextNote) and note.log == content.key.name:
        yield Text("The note says that its log follows itself.")


def _kind(value: jcs.Value) -> NoteKind:
    try:
        return NoteKind(str(value))
    except ValueError:
        raise EvidenceFormatError(
            Text("There is no note of the kind {kind}.", kind=_escaped(value))
        ) from None


def _escaped(value: object) -> str:
    """Return a piece of somebody else's text so that it does no harm where it is shown."""
    return str(value)[:40].encode("unicode_escape").decode()
