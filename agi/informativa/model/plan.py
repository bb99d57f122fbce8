"""The nouns of the configuration: who must hear what on which line."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import field
from datetime import UTC, date, datetime, tzinfo
from typing import TypeVar

from ..errors import InformativaError
from ..frozen import dataclass
from ..text import NOTHING, Text
from .words import NumberForm, RecordKind, Verification

T = TypeVar("T")


@dataclass(frozen=True)
class Period:
    """A length of time by the calendar: a month is as long as it is, and February's last day a day of it."""

    months: int = 0
    days: int = 0

    def after(self, moment: datetime, zone: tzinfo) -> datetime:
        """So long after `moment`, at the same time of the day in `zone`."""
        return self._moved(moment, zone, 1)

    def before(self, moment: datetime, zone: tzinfo) -> datetime:
        """So long before `moment`, at the same time of the day in `zone`."""
        return self._moved(moment, zone, -1)

    def _moved(self, moment: datetime, zone: tzinfo, sign: int) -> datetime:
        from dateutil.relativedelta import relativedelta  # not for a script that needs no period

        return moment.astimezone(zone) + sign * relativedelta(months=self.months, days=self.days)


ALWAYS = Period()
"""How often a notice is due that is due on every call."""


@dataclass(frozen=True)
class Length:
    """The length of one installed sound file: samples at a rate in hertz."""

    samples: int
    rate: int

    @property
    def seconds(self) -> float:
        return self.samples / self.rate


@dataclass(frozen=True)
class Prompt:
    """One recording as Asterisk knows it: a path without extension, and each installed file's length.

    Asterisk picks the file that suits the channel's codec and reports positions in *its* samples, so
    every installed format's length is kept; all last equally long, within a rounding. `recording` tells
    its sound from every other, once that was looked at (`recording_digest`).
    """

    path: str
    lengths: tuple[Length, ...]
    recording: str = ""

    @property
    def seconds(self) -> float:
        return max((length.seconds for length in self.lengths), default=0.0)


def spoken(language: str, there: Container[str]) -> str:
    """Which of those that are `there` is this language: itself, or de for de_DE; '' if none is."""
    if language in there:
        return language
    widely = language.partition("_")[0]
    return widely if widely in there else ""


def parts(
    short: Mapping[str, T],
    short_nokey: Mapping[str, T],
    full: Mapping[str, T],
    supplements: Mapping[str, Mapping[str, T]],
) -> Iterator[tuple[str, str, T]]:
    """All that a version may play, each with its part (short, short-nokey, full, supplement:VERSION) and its
    language."""
    by_part: dict[str, Mapping[str, T]] = {"short": short, "short-nokey": short_nokey, "full": full}
    by_part |= {f"supplement:{known}": prompts for known, prompts in supplements.items()}
    for part, prompts in by_part.items():
        for language, prompt in prompts.items():
            yield part, language, prompt


@dataclass(frozen=True)
class ChangedRecording:
    """In place of a prompt: it is not the recording any more that was found in order. `why` says what is
    wrong, and what to do."""

    why: Text


def recording_digest(files: Mapping[str, str]) -> str:
    """What stands in a record for the sound that was played: the SHA-256 of the canonical JSON (RFC 8785) of
    each installed format with the SHA-256 of its whole file, all in hexadecimal; '' for no file."""
    if not files:
        return ""
    import hashlib
    import json

    canonical = json.dumps(dict(files), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True)
class Version:
    """One wording of a notice: what it covers and its prompts by language (a short one, maybe a full).

    `starts` is when it comes into force, `None` for always. `supplements` are what to play instead to
    somebody who knows an earlier version, by that version's id: only what is new. `short_nokey` is the short
    one in words that name no key, for where none is heard.
    """

    id: str
    purposes: frozenset[str]
    material: bool
    short: Mapping[str, Prompt]
    full: Mapping[str, Prompt]
    starts: datetime | None = None
    supplements: Mapping[str, Mapping[str, Prompt]] = field(default_factory=dict)
    short_nokey: Mapping[str, Prompt] = field(default_factory=dict)

    def prompt(self, language: str) -> Prompt | None:
        """The short prompt in a language, or `None`."""
        return self.short.get(spoken(language, self.short))

    def prompt_without_keys(self, language: str) -> Prompt | None:
        """The prompt to play where no key is heard: `short_nokey`, or else the short one."""
        return self.short_nokey.get(spoken(language, self.short_nokey)) or self.prompt(language)

    def prompts(self) -> Iterator[tuple[str, str, Prompt]]:
        """All that it may play, each with its part and its language (see `parts`)."""
        return parts(self.short, self.short_nokey, self.full, self.supplements)


@dataclass(frozen=True)
class Recording:
    """One sound file of a version: notice, version, part, language and format say where it stands."""

    key: tuple[str, str, str, str, str]
    file: str
    sha256: str


@dataclass(frozen=True)
class Notice:
    """What one controller tells its callers, as versions from the oldest to the newest."""

    id: str
    versions: tuple[Version, ...]

    def current(self, now: datetime) -> Version:
        """The newest version in force; before any of them is, the oldest."""
        for version in reversed(self.versions):
            if version.starts is None or version.starts <= now:
                return version
        return self.versions[0]


@dataclass(frozen=True)
class Step:
    """One notice of a line's plan: `repeat_after` is after how long it is due again to who knows it.

    `None` is never ("once"), ALWAYS is on every call.
    """

    notice: Notice
    repeat_after: Period | None = None


@dataclass(frozen=True)
class Keys:
    """What a caller may press during a notice; '' where it may not. `skip_informs` is the company's word
    that who skips a notice knowingly counts as informed."""

    full: str = "1"
    repeat: str = ""
    skip: str = ""
    skip_informs: bool = False


@dataclass(frozen=True)
class Document:
    """A paper: where it is filed, and of when it is."""

    reference: str
    date: date


@dataclass(frozen=True)
class Outsourcing:
    """That another company answers the controller's calls, on which contract and after which analysis."""

    processor: str
    contract: Document
    analysis: Document
    sub_processors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lookup:
    """How to ask one of a controller's own systems whether a caller was told `notice`, and by what `kind`.

    `question` is a URL, or an SQL query for the DB-API module `driver`, in which `{number}` (E.164) or
    `{customer}` stands for the caller. `token` and `arguments` (of the driver's `connect`) are secret.
    `seconds` is how long a call waits for the answer.
    """

    id: str
    notice: str
    kind: RecordKind
    question: str
    seconds: float
    driver: str = ""
    token: str = field(default="", repr=False)
    arguments: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class ManagerAccount:
    """Where Asterisk's manager interface is, and as whom we log in there. `secret` is secret."""

    host: str
    port: int
    user: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class SharedDatabase:
    """The PostgreSQL where the boxes of one installation meet, and how this one is called there.

    `hosts` are HOST:PORT, or the folder of a socket; whichever takes writes is used. In `name` `{controller}`
    stands for the company. `passwords` is a file in
    the form of libpq's .pgpass, `certificates` one with the roots that its certificate must lead to, `system`
    for those of the machine, '' where nothing leaves it. `seconds` is how long a call waits for an answer,
    and, where it is to `wait` until its records are there too, for that.
    """

    hosts: tuple[str, ...]
    name: str
    box: str
    passwords: str = ""
    certificates: str = ""
    wait: bool = False
    seconds: float = 0.03


@dataclass(frozen=True)
class WebServer:
    """Where the pages for people are served, and whom they are for.

    Without TLS it answers to its address, to localhost and to `names` alone.
    Accounts are kept in `folder`. `certificate` and `key` are files, '' where no TLS is spoken. Whoever asks
    for nothing for `idle` seconds has to log in anew. A web server at one of `proxies` (addresses and
    networks) says for whom it asks, and whether that was by TLS. Where `header` is set, it says in it whose
    account it is, too, and nobody logs in by password.
    """

    host: str = "127.0.0.1"
    port: int = 4591
    names: tuple[str, ...] = ()
    folder: str = ""
    certificate: str = ""
    key: str = ""
    idle: int = 1800
    header: str = ""
    proxies: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """Where a browser finds the first page."""
        return f"{'https' if self.certificate else 'http'}://{self.host}:{self.port}/"


@dataclass(frozen=True)
class SharedState:
    """How one company's ledger stands with the database where boxes meet: how many records are not there yet,
    when it last answered (seconds since 1970), whether it is usable now, whether calls leave it in peace; how
    many callers it was asked for, how many in vain, and how often a call did not wait for it to the end;
    and why it is not usable, where that is known."""

    behind: int
    contact: float
    usable: bool
    paused: bool
    asked: int
    unanswered: int
    late: int
    error: InformativaError | None = None


@dataclass(frozen=True)
class LetterDetails:
    """Details of a company that its answers to access requests need (GDPR 15(1)(c), (e), (f), 15(2)):
    where to write, who the data protection officer is, to which authority a complaint may go, who else
    receives the records, and by which safeguard they leave the European Economic Area, "none" where they do
    not. '' or `None` is what nobody configured, and an empty list that nobody else receives them."""

    contact: str = ""
    dpo: str = ""
    authority: str = ""
    recipients: tuple[str, ...] | None = None
    transfers: str = ""

    @property
    def unset(self) -> tuple[str, ...]:
        """The settings that nobody made. A data protection officer need not be there."""
        needed = {"contact": self.contact, "authority": self.authority, "transfers": self.transfers}
        missing = tuple(name for name, value in needed.items() if not value)
        return missing if self.recipients is not None else (*missing, "recipients")


@dataclass(frozen=True)
class Controller:
    """Who answers for the data. `key` is secret: it turns numbers into this controller's pseudonyms;
    `old_keys` are those before it that still recognise callers.

    `refused` says why it may not go live; nothing if it may. `retention` is for how long records are kept,
    `None` for ever. `zone` is where its days begin and end. `recycled_after` is how long nobody may have
    called from a number that is still taken for the same caller's, `None` for ever. `service_purposes` are
    those without which the service that a caller asks for cannot be given. `names` are what it calls its
    purposes and notices before people, by language and id. `letter` is for the answers to access requests.
    `log` is how a log of its records that begins now is named, without its epoch.
    """

    id: str
    name: str
    key: bytes = field(repr=False)
    ledger: str
    old_keys: tuple[bytes, ...] = field(default=(), repr=False)
    outsourcing: Outsourcing | None = None
    refused: Text = NOTHING
    retention: Period | None = None
    zone: tzinfo = UTC
    recycled_after: Period | None = None
    service_purposes: frozenset[str] = frozenset({"service"})
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    letter: LetterDetails = LetterDetails()
    lookups: tuple[Lookup, ...] = ()
    log: str = ""


@dataclass(frozen=True)
class Line:
    """A called number: whose it is, in which language it speaks, and what its callers must hear.

    `shared` are numbers that are nobody's, `*` at the end standing for any digits. `languages` are by
    caller's country, `fallback` what to try where a prompt is missing in the language wanted.
    `verification` is what words of the carrier's own say of a number, beside those of STIR/SHAKEN. The rest
    are explicit settings: whether to answer before a notice, to play again after a transfer, to leave out
    what is not due on every call because only data that the service needs are used, to recognise callers who
    restrict their number, to take landlines as shared, whether a notice in another language than the one
    wanted informs, and whether only a number that is signed (STIR/SHAKEN) recognises its caller.
    """

    number: str
    controller: Controller
    language: str
    region: str
    plan: tuple[Step, ...]
    callers: NumberForm = NumberForm.EITHER
    keys: Keys = Keys()
    shared: tuple[str, ...] = ()
    languages: Mapping[str, str] = field(default_factory=dict)
    fallback: tuple[str, ...] = ()
    answer: bool = True
    again_after_transfer: bool = False
    service_data_only: bool = False
    trust_restricted: bool = False
    landlines_shared: bool = False
    fallback_informs: bool = True
    requires_signature: bool = False
    verification: Mapping[str, Verification] = field(default_factory=dict)

    def seconds(self, notice: str, version: str, language: str) -> float:
        """How long a version's short notice lasts in a language; 0 for one that is not in the plan."""
        for step in self.plan:
            for each in step.notice.versions:
                if (step.notice.id, each.id) == (notice, version) and (prompt := each.prompt(language)):
                    return prompt.seconds
        return 0.0
