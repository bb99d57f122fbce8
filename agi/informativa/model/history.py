"""The history of a caller: the versions of each notice that he already got, with the record of each; and a
decision, which may rest on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta

from .calls import Event
from .frozen import dataclass
from .plan import Notice, Version
from .prompts import Prompt, matching_language
from .words import Reason, Status

A_CALL = timedelta(days=1)  # no call lasts as long: a delivery longer ago was before this call

Delivered = tuple[datetime, str, frozenset[str], bool]
"""The time of a delivery, the id of the version, its purposes, and whether the notice was complete."""


@dataclass(frozen=True)
class PriorDelivery:
    """The versions that one caller already got of one notice, and the latest record that proves it.

    `at` is the time of that record, `last_complete` when he last got a complete notice and not a supplement
    to it (`None` if never), `last_call` when he last called, as far as that was written down.
    `deliveries` are those of the versions one by one.
    """

    versions: frozenset[str]
    purposes: frozenset[str]
    record: int
    at: datetime
    last_complete: datetime | None = None
    last_call: datetime | None = None
    deliveries: frozenset[Delivered] = field(default=frozenset(), compare=False)

    @property
    def purposes_told_last(self) -> frozenset[str]:
        """Return the purposes of the last complete notice that he got and of the supplements since. They are
        taken from the records, so they include those of versions that the configuration does not list any
        more."""
        if len(self.deliveries) <= 1:
            return self.purposes
        last = frozenset[str]()
        for _at, _version, purposes, whole in sorted(self.deliveries, key=_time_and_version):
            last = purposes if whole else last | purposes
        return last

    def merge(self, other: PriorDelivery) -> PriorDelivery:
        """Return both together: all versions and purposes of either, the later record, the later times.

        Commutative, associative and idempotent, so the order in which deliveries are read does not matter.
        The record is the later one by number; a paper of an earlier day may be recorded after a call.
        """
        latest = max(self, other, key=lambda delivery: delivery.record)
        return PriorDelivery(
            self.versions | other.versions,
            self.purposes | other.purposes,
            latest.record,
            latest.at,
            _later(self.last_complete, other.last_complete),
            _later(self.last_call, other.last_call),
            self.deliveries | other.deliveries,
        )


def _time_and_version(delivery: Delivered) -> tuple[datetime, str]:
    return delivery[:2]


def _later(first: datetime | None, second: datetime | None) -> datetime | None:
    return max((moment for moment in (first, second) if moment is not None), default=None)


CallerHistory = Mapping[str, PriorDelivery]
"""The prior deliveries to one caller, by notice id. Empty for a caller nobody has informed."""


@dataclass(frozen=True)
class PromptChoice:
    """A prompt that may be played, with the `full` text that a key starts. `instead_of` is the wanted
    language, '' where the prompt is in that; `informs` says whether it counts for who hears it."""

    language: str
    prompt: Prompt
    full: Prompt | None
    instead_of: str
    informs: bool


@dataclass(frozen=True)
class Decision:
    """A decision to play `version` of `notice` or to leave it out, with its reason and, for a skip, its
    proof.

    `prompts`, by language, are the version's short ones or a `supplement`; `languages` are those to try, in
    order, the wanted one first; `purposes` are those that the prompts name. `any_language_informs` says
    whether a notice in another language than the wanted one counts.
    """

    notice: Notice
    version: Version
    play: bool
    reason: Reason
    prompts: Mapping[str, Prompt]
    languages: Sequence[str]
    purposes: frozenset[str]
    basis: PriorDelivery | None = None
    supplement: bool = False
    any_language_informs: bool = True

    @property
    def choices(self) -> list[PromptChoice]:
        """Return the prompts to try, in order. Never empty: a notice in any language is better than none."""
        wanted_language, full = self.languages[0], self.version.full
        matches = [
            match for language in self.languages if (match := matching_language(language, self.prompts))
        ]
        choices = []
        for language in dict.fromkeys(matches or self.prompts):
            as_wanted = bool(matching_language(wanted_language, (language,)))
            instead_of, informs = ("", True) if as_wanted else (wanted_language, self.any_language_informs)
            full_text = full.get(matching_language(language, full))
            choices.append(PromptChoice(language, self.prompts[language], full_text, instead_of, informs))
        return choices

    @property
    def language(self) -> str:
        """Return the language that is tried first; for most calls it is the wanted one."""
        return matching_language(self.languages[0], self.prompts) or self.choices[0].language

    @property
    def is_open(self) -> bool:
        """Return whether an answer from elsewhere could change it: the notice is due, and not on every call
        anyway."""
        return self.play and self.reason not in (Reason.EVERY_CALL, Reason.OTHER_COUNTRY)

    @property
    def status_of_skip(self) -> Status:
        """Return the status of a notice that is left out: SKIPPED by an explicit setting, NOTDUE where the
        caller already has it."""
        by_setting = self.reason in (Reason.SERVICE_DATA_ONLY, Reason.INTERNAL)
        return Status.SKIPPED if by_setting else Status.NOTDUE


def merge_histories(*histories: CallerHistory) -> CallerHistory:
    """Return the history of one caller from those under his several pseudonyms: by the key and by the keys
    before it."""
    if len(histories) == 1:
        return histories[0]
    together: dict[str, PriorDelivery] = {}
    for history in histories:
        for notice, delivery in history.items():
            together[notice] = delivery.merge(together.get(notice, delivery))
    return together


def known_by(event: Event, record: int) -> PriorDelivery:
    """Return the prior delivery that an event which informs amounts to, under the number of its record.

    A caller who heard a supplement called at that time: an older paper that is recorded later must not hide
    it.
    """
    whole, seen = (None, event.at) if event.supplement else (event.at, None)
    deliveries = frozenset({(event.at, event.version, event.purposes, not event.supplement)})
    return PriorDelivery(
        frozenset({event.version}), event.purposes, record, event.at, whole, seen, deliveries=deliveries
    )
