"""The nouns of the configuration: who must hear what on which line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import UTC, date, datetime, tzinfo
from functools import cached_property
from typing import TYPE_CHECKING

from .connections import Lookup
from .frozen import dataclass
from .prompts import Prompt, matching_language, prompts_by_part
from .text import NOTHING, Text
from .words import Answer, Asks, NumberForm, NumberVerification, Vouched

if TYPE_CHECKING:  # a script needs it only where there is one
    from .hooks import Hook


@dataclass(frozen=True)
class Period:
    """A length of time by the calendar: a month is as long as it is, and February's last day a day of it."""

    months: int = 0
    days: int = 0

    def after(self, moment: datetime, zone: tzinfo) -> datetime:
        """Return the moment that is this period after `moment`, at the same time of the day in `zone`; the
        last one of the calendar after a moment that only a wrong clock has."""
        try:
            return self._moved(moment, zone, 1)
        except (ValueError, OverflowError):
            return datetime.max.replace(tzinfo=zone)

    def before(self, moment: datetime, zone: tzinfo) -> datetime:
        """Return the moment that is this period before `moment`, at the same time of the day in `zone`."""
        return self._moved(moment, zone, -1)

    def _moved(self, moment: datetime, zone: tzinfo, sign: int) -> datetime:
        from dateutil.relativedelta import relativedelta  # not for a script that needs no period

        return moment.astimezone(zone) + sign * relativedelta(months=self.months, days=self.days)


@dataclass(frozen=True)
class BackupPlan:
    """The backups of an installation: the folder that they are made in, how long each is kept, and the age of
    the newest one from which `doctor` warns."""

    folder: str
    keep: Period
    warn_after: Period


ALWAYS = Period()
"""The period of a notice that is due on every call."""


@dataclass(frozen=True)
class Version:
    """One wording of a notice: its purposes and its prompts by language (a short one, maybe a full).

    `starts` is when it comes into force, `None` for always. `supplements` are played instead to
    somebody who knows an earlier version, by that version's id: they contain only the new purposes.
    `short_nokey` is the short one in words that name no key, for a playback during which no key is read.
    `withdraw`, of a choice, says how a consent is withdrawn.
    """

    id: str
    purposes: frozenset[str]
    material: bool
    short: Mapping[str, Prompt]
    full: Mapping[str, Prompt]
    starts: datetime | None = None
    supplements: Mapping[str, Mapping[str, Prompt]] = field(default_factory=dict)
    short_nokey: Mapping[str, Prompt] = field(default_factory=dict)
    withdraw: Mapping[str, Prompt] = field(default_factory=dict)

    def prompt(self, language: str) -> Prompt | None:
        """Return the short prompt in a language, or `None`."""
        return self.short.get(matching_language(language, self.short))

    def prompt_without_keys(self, language: str) -> Prompt | None:
        """Return the prompt for a playback during which no key is read: `short_nokey`, or else the short
        one."""
        return self.short_nokey.get(matching_language(language, self.short_nokey)) or self.prompt(language)

    def prompts(self) -> Iterator[tuple[str, str, Prompt]]:
        """Iterate over all prompts, each with its part and its language (see `prompts_by_part`)."""
        return prompts_by_part(self.short, self.short_nokey, self.full, self.supplements, self.withdraw)


@dataclass(frozen=True)
class Recording:
    """One sound file of a version. `key` is its notice, version, part, language and format."""

    key: tuple[str, str, str, str, str]
    file: str
    sha256: str


@dataclass(frozen=True)
class Notice:
    """One notice of a controller, as versions from the oldest to the newest."""

    id: str
    versions: tuple[Version, ...]

    def current(self, now: datetime) -> Version:
        """Return the newest version in force; before any of them is, the oldest."""
        for version in reversed(self.versions):
            if version.starts is None or version.starts <= now:
                return version
        return self.versions[0]


OTHERS = "others"
"""The word among a step's countries for all that its plan does not name."""


@dataclass(frozen=True)
class Step:
    """One notice of a line's plan: `repeat_after` is the time after which it is due again for a caller who
    knows it, `None` for never ("once"), ALWAYS for every call. `countries` are those of the operators whose
    callers it is for, with OTHERS; empty for all."""

    notice: Notice
    repeat_after: Period | None = None
    countries: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Choice:
    """A question that a caller answers by key. Its `wording` is versions and prompts, as a notice has them.

    `keys` are those of its options, in the order in which a prompt tells them. It is asked `tries` times at
    most, each time with `wait` seconds for the answer after the prompt; `silence` is the word for no
    answer. Of a consent: its one `purpose`; a grant holds for `holds`, and whoever refused or withdrew is
    not asked again for `again`; `vouched` are the parties of whom one must have confirmed the caller's
    number; `withdraw_at` is the number to call to withdraw.
    """

    wording: Notice
    asks: Asks
    keys: Mapping[Answer, str]
    tries: int = 2
    wait: float = 4.0
    silence: Answer = Answer.SILENCE
    purpose: str = ""
    holds: Period | None = None
    again: Period = Period(12)
    vouched: frozenset[Vouched] = frozenset()
    withdraw_at: str = ""

    @property
    def id(self) -> str:
        return self.wording.id


@dataclass(frozen=True)
class PlannedChoice:
    """A choice of a line's plan, which is asked `after` so many of its notices; `countries` as a step's."""

    choice: Choice
    after: int
    countries: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Keys:
    """The keys that a caller may press during a notice; '' for none. `skip_informs` is the company's decision
    that a caller who knowingly skips a notice counts as informed."""

    full: str = "1"
    repeat: str = ""
    skip: str = ""
    skip_informs: bool = False


@dataclass(frozen=True)
class OutsourcingDocument:
    """A paper: where it is filed, and its date."""

    reference: str
    date: date


@dataclass(frozen=True)
class Outsourcing:
    """The outsourcing of the controller's calls to another company, with its contract and the prior
    analysis."""

    processor: str
    contract: OutsourcingDocument
    analysis: OutsourcingDocument
    sub_processors: tuple[str, ...] = ()


@dataclass(frozen=True)
class LetterDetails:
    """Details of a company that its answers to access requests need (GDPR 15(1)(c), (e), (f), 15(2)): the
    address to write to, the data protection officer, the authority for complaints, the other recipients of
    the records, and the safeguard by which they leave the European Economic Area, "none" where they do not.
    '' or `None` is a setting that nobody made, and an empty list of recipients says that there are none."""

    contact: str = ""
    dpo: str = ""
    authority: str = ""
    recipients: tuple[str, ...] | None = None
    transfers: str = ""

    @property
    def unset(self) -> tuple[str, ...]:
        """Return the names of the settings that nobody made. A data protection officer is not required."""
        needed = {"contact": self.contact, "authority": self.authority, "transfers": self.transfers}
        missing = tuple(name for name, value in needed.items() if not value)
        return missing if self.recipients is not None else (*missing, "recipients")


@dataclass(frozen=True)
class LogRule:
    """The part of a controller's rule for its log that only the log needs, in the texts of the configuration:
    whether `each` erasure needs an approval or they are a `standing` instruction, the sorted keys of the
    witnesses whose time counts, the approver's key and the instruction, '' for none."""

    erasures: str = "standing"
    witnesses: tuple[str, ...] = ()
    approver: str = ""
    instruction: str = ""


@dataclass(frozen=True)
class ReportMail:
    """The mail of a company's monthly report: the addresses that get it, the one that sends it, '' for the
    `command`'s own, its language, and the words of the command that takes it."""

    to: tuple[str, ...]
    sender: str
    language: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Controller:
    """The company that answers for the data. `key` is secret: it turns numbers into this controller's
    pseudonyms; `old_keys` are the keys before it that still recognise callers.

    `refused` says why it may not go live; nothing if it may. `retention` is how long records are kept,
    `None` for ever. `zone` is the time zone of its days. After a time of `recycled_after` without a call a
    number is not taken for the same caller's any more, `None` for never. `service_purposes` are
    the purposes without which the service that a caller asks for cannot be given. `names` are the names of
    its purposes and notices for people, by language and id. `letter` is for the answers to access requests,
    `report` for the mail of its monthly report, `None` where nobody gets one. `log` is the name, without its
    epoch, of a log of its records that begins now, and `rule` what the log says of how its records are kept;
    `None` where it says nothing. `hook` is told of its callers' consents.
    With `four_eyes` whoever takes in a person's request is not who answers it; with `export_four_eyes`
    whoever takes an export is not who confirms it; with `reason_for_looking` whoever looks at a person gives
    a reason.
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
    report: ReportMail | None = None
    lookups: tuple[Lookup, ...] = ()
    log: str = ""
    rule: LogRule | None = None
    hook: Hook | None = None
    four_eyes: bool = False
    export_four_eyes: bool = False
    reason_for_looking: bool = False

    @property
    def keys(self) -> tuple[bytes, ...]:
        """Return all keys that recognise callers, the current one first."""
        return (self.key, *self.old_keys)


@dataclass(frozen=True)
class Internal:
    """The calls of the company's own telephones, of which nothing is told: those whose channel the dialplan
    or its endpoint has marked (`variable`), and those that came in by an endpoint of one of these `contexts`
    with an extension as number, which begins with one of `prefixes` where there are some."""

    variable: bool = False
    contexts: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """A called number: its controller, its language, and the plan of notices for its callers.

    `shared` are numbers that belong to no single caller, `*` at the end standing for any digits. `languages`
    are by caller's country; those of `fallback` are tried where a prompt is missing in the wanted language.
    `verification` gives the meaning of the carrier's own words about a number, beside those of STIR/SHAKEN.
    `choices` are asked between the notices of the plan, in this order, and of these at most `consents`
    consents in a call; `revocable` are the consents that can be withdrawn here. `internal` says which calls
    are the company's own, `None` if none are. The other fields are explicit
    settings: whether to answer before a notice, to play again after a transfer, to leave out a notice that is
    not due on every call because only data that the service needs are used, to recognise callers who restrict
    their number, to take landlines as shared, whether a notice in another language than the wanted one
    informs, and whether only a number that is signed (STIR/SHAKEN) identifies its caller.
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
    verification: Mapping[str, NumberVerification] = field(default_factory=dict)
    choices: tuple[PlannedChoice, ...] = ()
    consents: int = 1
    revocable: tuple[Choice, ...] = ()
    internal: Internal | None = None

    @cached_property
    def countries(self) -> frozenset[str]:
        """The countries that the plan names, with OTHERS; empty if it is the same for all."""
        steps: list[Step | PlannedChoice] = [*self.plan, *self.choices]
        return frozenset[str]().union(*(step.countries for step in steps))

    def seconds_of_new_caller(self, now: datetime) -> float:
        """Return the seconds for which a new caller in the line's language is held before anybody answers, if
        he presses no key: the short prompts of all notices, and those of the questions with their waits."""
        asked = [planned.choice for planned in self.choices]
        consents = [choice for choice in asked if choice.purpose][: self.consents]
        questions = [choice for choice in asked if not choice.purpose or choice in consents]
        wordings = [*(step.notice for step in self.plan), *(choice.wording for choice in questions)]
        prompts = (wording.current(now).prompt(self.language) for wording in wordings)
        waits = sum(choice.wait for choice in questions)
        return sum(prompt.seconds for prompt in prompts if prompt) + waits

    def seconds(self, notice: str, version: str, language: str) -> float:
        """Return the length of a version's short notice in a language, in seconds; 0 for a version that is
        not in the plan."""
        for step in self.plan:
            for candidate in step.notice.versions:
                if (step.notice.id, candidate.id) == (notice, version) and (
                    prompt := candidate.prompt(language)
                ):
                    return prompt.seconds
        return 0.0
