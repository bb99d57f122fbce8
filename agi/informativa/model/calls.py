"""The nouns of a call: who rings, what is decided, what was heard, what is put on record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from .frozen import dataclass
from .plan import Notice, Version
from .words import Answer, Asks, Ending, Reason, RecordKind, Status, Vouched

TELEPHONE_RATE = 8000  # hertz


@dataclass(frozen=True)
class IncomingCall:
    """The facts that Asterisk sends about a call at its start (the AGI environment). An attacker writes parts
    of them.

    `linked` is the id that all channels of one conversation share, also after a transfer. `number` is in
    clear and lives only as long as the call (it is kept out of `repr`). `presentation` is Q.931's octet as a
    number. `ambiguous` is set when the environment is not one that Asterisk sends, which only happens when
    somebody put line breaks into a variable.
    """

    id: str
    linked: str
    line: str
    number: str = field(repr=False)
    presentation: int
    language: str
    options: Mapping[str, str] = field(default_factory=dict)
    script: str = ""
    ambiguous: bool = False


@dataclass(frozen=True)
class Identified:
    """A caller that can be recognised: by an E.164 number with its plus sign, or by a customer number that
    the dialplan knows (after a PIN, say). `country` is ISO 3166, '' where there is none; `vouched` says who
    confirms that the number is the caller's."""

    number: str = field(repr=False)
    country: str = ""
    vouched: Vouched = Vouched.NOBODY
    customer: bool = False


@dataclass(frozen=True)
class Unidentified:
    """A caller that cannot be recognised, with the reason. Never taken as informed (law: 13(4) GDPR). `doubt`
    is for the admin's log: the words about the number that nobody understood."""

    reason: Reason
    doubt: str = ""


Caller = Identified | Unidentified

INTERNAL_CALLER = Unidentified(Reason.INTERNAL)
"""The caller of an internal call: a telephone of the company's own."""


@dataclass(frozen=True)
class ReportedDelivery:
    """A delivery that one of the controller's own systems reports: which version the caller got, how, when,
    and the `reference` of the paper that shows it."""

    version: Version
    kind: RecordKind
    at: datetime
    reference: str


@dataclass(frozen=True)
class Playback:
    """Asterisk's report of one STREAM FILE.

    `result` and `endpos` are AGI's (`endpos` in samples of the file it chose), `seconds` is the time from
    command to reply, `alive` says whether the channel was still up afterwards. `lost` means that no reply
    came at all.
    """

    result: int
    endpos: int
    seconds: float
    alive: bool
    lost: bool = False


@dataclass(frozen=True)
class KeyPress:
    """Asterisk's report of one WAIT FOR DIGIT: the key, '' for none, and the seconds from command to reply.
    `hung_up` also means that no reply came at all."""

    key: str
    seconds: float
    hung_up: bool = False


@dataclass(frozen=True)
class Heard:
    """The part of a prompt that reached the caller: its ending, `samples` of `total`, at a rate in hertz, for
    the file that Asterisk chose; and the key that ended it, if any."""

    ending: Ending
    samples: int
    total: int
    rate: int = TELEPHONE_RATE
    key: str = ""

    @classmethod
    def in_seconds(cls, ending: Ending, seconds: float, length: float, key: str = "") -> Heard:
        """Return a `Heard` for times known in seconds alone, at the telephone's rate."""
        return cls(ending, round(seconds * TELEPHONE_RATE), round(length * TELEPHONE_RATE), key=key)

    @property
    def seconds(self) -> float:
        """Return the length of the part that was heard, in seconds."""
        return self.samples / self.rate

    @property
    def length(self) -> float:
        """Return the length of the whole file, in seconds."""
        return self.total / self.rate


@dataclass(frozen=True)
class Binding:
    """A value that ties one record to a caller's number. The key that opens this record alone shows the tie
    (evidence/commitment.py), and `opening` identifies that key. `value` and `opening` have 32 bytes; `salt`
    has 16 and was drawn for this record."""

    salt: bytes = field(repr=False)
    value: bytes
    opening: bytes


@dataclass(frozen=True)
class Asked:
    """A choice that was put to a caller: its id and kind, the `answer`, the `options` as they were told
    (`5=refused 4=granted`), how often it was asked, and how many milliseconds of the last wait the answer
    took. `subject` is the caller's name for the company's hook, while an act of his is put on record, and ''
    where the hook has no secret to name him by; `None` without a hook."""

    choice: str
    asks: Asks
    answer: Answer
    options: str
    tries: int = 0
    waited: int = 0
    subject: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Event:
    """One row of the ledger: one decision and what became of it. No caller's number, ever.

    `pseudonym` is `None` for a caller who was not recognised. `heard` is `None` where nothing was to
    be played. `basis` is the number of the record that shows the caller was informed already.
    `language` is the one played, `wanted` the one that should have been, where that is another.
    `reference` names the evidence of a delivery elsewhere than by telephone. An `erased` event is the rest
    that a caller's request for erasure left.

    `at` is when it happened, `recorded` when it was put on record, `None` for the same moment. `vouched` says
    who confirmed that the number is the caller's, `None` where none was recognised. `recording` is the
    sha256, in hexadecimal, of the sound that was played. A `supplement` contained only the new purposes.
    Without `counts`, a setting says that the event informs nobody, although the notice was heard. `binding`
    ties an event that is about to be recorded to the number of a recognised caller. `earlier` is the caller's
    pseudonym by an earlier key; his history under it continues under this event's `pseudonym`. An event with
    `asked` is about a choice, and not about a notice.
    """

    at: datetime
    call: str
    line: str
    pseudonym: bytes | None
    notice: str
    version: str
    language: str
    purposes: frozenset[str]
    status: Status
    reason: Reason
    prompt: str = ""
    heard: Heard | None = None
    basis: int | None = None
    linked: str = ""
    wanted: str = ""
    kind: RecordKind = RecordKind.PHONE
    reference: str = ""
    erased: bool = False
    recorded: datetime | None = None
    vouched: Vouched | None = None
    recording: str = ""
    supplement: bool = False
    counts: bool = True
    earlier: bytes | None = None
    asked: Asked | None = None
    binding: Binding | None = field(default=None, compare=False)

    @property
    def informs(self) -> bool:
        """Return whether the caller has this version now. Only a notice heard to its end informs, and one
        that he skipped where a setting says that this counts."""
        if self.erased or not self.counts:
            return False
        delivered = self.status in (Status.PLAYED, Status.INFORMED)
        return delivered or (self.status is Status.SKIPPED and self.heard is not None)


def told_elsewhere(
    notice: Notice,
    version: Version,
    kind: RecordKind,
    at: datetime,
    pseudonym: bytes | None,
    reference: str,
    recorded: datetime | None = None,
    **more: str | Binding,
) -> Event:
    """Return the event of a caller who got a notice otherwise than by a prompt. `at` may be long before
    `recorded`; `more` are other fields of the event."""
    empty = {"call": "", "line": "", "language": ""}
    return Event(
        at=at,
        pseudonym=pseudonym,
        notice=notice.id,
        version=version.id,
        purposes=version.purposes,
        status=Status.INFORMED,
        reason=Reason.TOLD_ELSEWHERE,
        kind=kind,
        reference=reference,
        recorded=recorded,
        **(empty | more),  # type: ignore[arg-type]
    )


@dataclass(frozen=True)
class Record:
    """An event that is durable, under its number."""

    number: int
    event: Event


@dataclass(frozen=True)
class RecordFilter:
    """A selection of records; a field that is not set selects all. `caller` is a pseudonym or the beginning
    of one, `callers` are complete ones. Records are selected that happened from `since` on, and before
    `until`, and none of the kinds `without`."""

    line: str = ""
    caller: bytes = b""
    status: Status | None = None
    reason: Reason | None = None
    since: datetime | None = None
    until: datetime | None = None
    callers: tuple[bytes, ...] = ()
    without: tuple[RecordKind, ...] = ()

    def matches(self, event: Event) -> bool:
        """Return whether a record of this event is selected."""
        return (
            self.line in ("", event.line)
            and (event.pseudonym or b"").startswith(self.caller)
            and (not self.callers or event.pseudonym in self.callers)
            and self.status in (None, event.status)
            and self.reason in (None, event.reason)
            and event.kind not in self.without
            and (self.since is None or event.at >= self.since)
            and (self.until is None or event.at < self.until)
        )


@dataclass(frozen=True)
class CallResult:
    """The result that the dialplan gets: status, the word that explains it, and the record (or spool key).

    `events` are the events of the notices, in the order of the plan. `error` is for the admin's log: why the
    ledger did not take the record. So is `doubt`: a word of the network's, or the dialplan's, that nobody
    understood.
    `heard_records` names the records of the notices heard to their end in this call so far, for the next try
    after a transfer. `choices` are the answers to the choices of the plan, as `id:word` with one space
    between; `unasked` are in the same way the reasons for which choices were not asked, without a record.
    """

    status: Status
    reason: str
    record: str = ""
    events: tuple[Event, ...] = ()
    error: str = ""
    heard_records: str = ""
    doubt: str = ""
    choices: str = ""
    unasked: str = ""
