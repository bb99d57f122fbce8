"""The choices of a configuration: their versions and keys, and what the rules of each kind refuse."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..model import Answer, Choice, Notice, PlannedChoice, Step, matching_language
from ..model.choices import KINDS, VOUCHED_AT_LEAST
from ..model.plan import OTHERS
from ..model.text import Text
from .controllers import approximate_days
from .countries import COUNTRY, uncovered
from .document import KeyPath
from .findings import Findings
from .messages import unknown
from .notices import Notices

if TYPE_CHECKING:
    from .schema import ChoiceSettings, ControllerSettings, LineSettings, Settings

ORDERS = "recording-orders"
"""The notice that a choice about recording may not stand beside."""
LONGEST_PROMPT = 20.0  # seconds: who is asked something longer has forgotten how it began


class Choices:
    """A builder of choices, which notes problems on the way."""

    def __init__(self, settings: Settings, notices: Notices, findings: Findings) -> None:
        self._settings, self._notices, self._findings = settings, notices, findings

    def of_company(self, name: str, section: ControllerSettings) -> dict[str, Choice]:
        """Return one company's choices, by name."""
        choices = {}
        for choice, settings in section.choices.items():
            path: KeyPath = ("controllers", name, "choices", choice)
            if choice in section.notices:
                message = Text("is the name of a notice, too", "give the choice another one")
                self._findings.add_problem(path, message)
            wording = self._notices.of_choice(choice, settings, section.time_zone, (*path, "versions"))
            self._require_keys(settings, path)
            self._require_silence(settings, path)
            self._caution_length(wording, path)
            if KINDS[settings.asks].personal:
                self._require_consent(name, settings, section, path)
            choices[choice] = _choice(wording, settings)
        return choices

    def _caution_length(self, wording: Notice, path: KeyPath) -> None:
        for index, version in enumerate(wording.versions):
            for part, language, prompt in version.prompts():
                if prompt.seconds > LONGEST_PROMPT:
                    message = Text(
                        "the question lasts {seconds:.0f} s",
                        "make it shorter than {longest:.0f} s: who is asked longer forgets how it began",
                        seconds=prompt.seconds,
                        longest=LONGEST_PROMPT,
                    )
                    self._findings.add_warning((*path, "versions", index, part, language), message)

    def _require_keys(self, settings: ChoiceSettings, path: KeyPath) -> None:
        kind = KINDS[settings.asks]
        options = kind.options
        for answer in settings.keys:
            if answer not in options:
                self._findings.add_problem(
                    (*path, "keys", answer), unknown(Text("option"), answer, list(options))
                )
        for option in options:
            if kind.needs_all and option not in settings.keys:
                self._findings.add_problem(
                    (*path, "keys"),
                    Text("has no key for {option}", 'write one, such as `{option}: "5"`', option=option),
                )
        if len(set(settings.keys.values())) < len(settings.keys):
            self._findings.add_problem((*path, "keys"), Text("one key cannot mean two things"))

    def _require_silence(self, settings: ChoiceSettings, path: KeyPath) -> None:
        """Note a problem where the company must say what silence means, or may not; and where it would mean
        what a key is there to grant."""
        if (Answer.NOT_RECORDED in KINDS[settings.asks].options) == (settings.silence is not None):
            self._require_one_yes(settings, path)
            return
        message = (
            Text("only of a choice about recording a company says what silence means", "take it out")
            if settings.silence is not None
            else Text(
                "is not set: does silence mean that the call is recorded?",
                "ask counsel, and write `silence: recorded` or `silence: not-recorded`",
            )
        )
        self._findings.add_problem((*path, "silence"), message)

    def _require_one_yes(self, settings: ChoiceSettings, path: KeyPath) -> None:
        """Note a problem where silence grants as a key does, and a warning where nothing grants."""
        silence, grants = settings.silence, KINDS[settings.asks].grants
        if silence is None:
            return
        if silence is grants and grants in settings.keys:
            message = Text(
                "the call is recorded after a yes by key, and after silence too: silence is no yes",
                "write `silence: not-recorded`, or take the key for recorded out of `keys` where counsel"
                " holds that callers need only be able to object",
            )
            self._findings.add_problem((*path, "silence"), message)
        if silence is not grants and grants not in settings.keys:
            message = Text(
                "no call is recorded: neither a key nor silence allows it",
                'give a yes its key in `keys`, such as `recorded: "8"`, and a text that asks for it',
            )
            self._findings.add_warning((*path, "silence"), message)

    def _require_consent(
        self, name: str, settings: ChoiceSettings, section: ControllerSettings, path: KeyPath
    ) -> None:
        """Note what GDPR 4(11) and 7 ask of a consent, and is missing."""
        if settings.purpose is None:
            message = Text("is missing: a consent is given for one purpose", "write `purpose: marketing`")
            self._findings.add_problem((*path, "purpose"), message)
        elif settings.purpose in section.service_purposes:
            message = Text(
                "{purpose} is one of `service_purposes`: the service is given without a consent to it",
                "ask for another purpose, or take it out of `service_purposes`",
                purpose=settings.purpose,
            )
            self._findings.add_problem((*path, "purpose"), message)
        if settings.holds is None:
            message = Text("is missing: how long does a consent hold?", "write `holds: 24 months`")
            self._findings.add_problem((*path, "holds"), message)
        elif section.retention and approximate_days(settings.holds) > approximate_days(section.retention):
            message = Text(
                "is longer than `retention`: no consent outlives the record that proves it",
                "make it shorter",
            )
            self._findings.add_problem((*path, "holds"), message)
        if settings.withdraw_at is None:
            message = Text(
                "is missing: to withdraw must be as easy as to give (GDPR 7(3))",
                "write the number of a line of this company that is called for it",
            )
            self._findings.add_problem((*path, "withdraw_at"), message)
        else:
            line = self._settings.lines.get(settings.withdraw_at)
            if line is None or line.controller != name:
                own = [number for number, line in self._settings.lines.items() if line.controller == name]
                message = unknown(Text("line of this company"), settings.withdraw_at, own)
                self._findings.add_problem((*path, "withdraw_at"), message)
        for index, version in enumerate(settings.versions):
            for language in version.short:
                if not matching_language(language, version.withdraw):
                    message = Text(
                        "version {version} does not say in {language} how to withdraw",
                        "add it to `withdraw`",
                        version=version.version,
                        language=language,
                    )
                    self._findings.add_problem((*path, "versions", index, "withdraw"), message)


def planned(
    section: LineSettings,
    choices: Mapping[str, Choice],
    steps: Sequence[Step],
    path: KeyPath,
    findings: Findings,
) -> Iterator[PlannedChoice]:
    """Return the choices of a line's plan; problems are noted of what the rules of its kind refuse."""
    ids: list[str] = []
    before: list[Step] = []
    every = frozenset({OTHERS}).union(*(step.countries for step in steps))
    for index, entry in enumerate(section.plan):
        step_path = (*path, "plan", index, "choice")
        if entry.choice is None:
            before += [step for step in steps if step.notice.id == entry.notice]
            continue
        choice = choices.get(entry.choice)
        if choice is None:
            if not findings.lacks(("controllers", section.controller, "choices", entry.choice)):
                findings.add_problem(step_path, unknown(Text("choice"), entry.choice, choices))
            continue
        if choice.id in ids:
            message = Text("choice {choice} stands in this plan twice", "keep one of them", choice=choice.id)
            findings.add_problem(step_path, message)
            continue
        ids.append(choice.id)
        countries = frozenset(entry.countries or ())
        _require_notice(choice, countries or every, before, step_path, findings)
        _require_refusable(choice, [step.notice.id for step in steps], step_path, findings)
        _require_languages(choice, section, step_path, findings)
        yield PlannedChoice(choice, len(before), countries)


def _require_refusable(choice: Choice, notices: Iterable[str], path: KeyPath, findings: Findings) -> None:
    """Note a problem where a recording could be refused that the law asks for (MiFID II art. 16(7))."""
    if Answer.NOT_RECORDED in KINDS[choice.asks].options and ORDERS in notices:
        message = Text(
            "on a line with the notice {notice} each call must be recorded, so nobody may refuse it",
            "take the choice out of this plan, or the notice",
            notice=ORDERS,
        )
        findings.add_problem(path, message)


def _require_notice(
    choice: Choice, countries: Iterable[str], before: Sequence[Step], path: KeyPath, findings: Findings
) -> None:
    """Note a problem where no notice before it tells what the choice is about, in each of its countries."""
    if KINDS[choice.asks].personal:
        now = datetime.now(UTC)
        telling = [step for step in before if choice.purpose in step.notice.current(now).purposes]
        if choice.purpose and uncovered(countries, telling):
            message = Text(
                "no notice before it tells of the purpose {purpose}",
                "put a notice with that purpose before the choice",
                purpose=choice.purpose,
            )
            findings.add_problem(path, message)
    elif Answer.EU in choice.keys and uncovered(
        countries, [step for step in before if step.notice.id.startswith(COUNTRY)]
    ):
        message = Text(
            "no notice `country` stands before it: who does not know where he is answered from has no choice",
            "put the notice before the choice: informativa notices add country-outside-eu",
        )
        findings.add_problem(path, message)


def _require_languages(choice: Choice, section: LineSettings, path: KeyPath, findings: Findings) -> None:
    languages = dict.fromkeys((section.language, *section.languages.values(), *section.fallback))
    versions = choice.wording.versions
    for version in versions[versions.index(choice.wording.current(datetime.now(UTC))) :]:
        for language in languages:
            if not matching_language(language, version.short):
                message = Text(
                    "choice {choice} {version} has no prompt in {language}, only in {has}",
                    choice=choice.id,
                    version=version.id,
                    language=language,
                    has=", ".join(sorted(version.short)),
                )
                findings.add_problem(path, message)


def require_keys_apart(
    choices: Sequence[PlannedChoice], used: Container[str], path: KeyPath, findings: Findings
) -> None:
    """Note a problem for a key that grants something and means anything else on the line."""
    keys = [
        (planned.choice, answer, key) for planned in choices for answer, key in planned.choice.keys.items()
    ]
    for choice, answer, key in keys:
        if answer is not KINDS[choice.asks].grants:
            continue
        others = [other.id for other, word, same in keys if same == key and (other, word) != (choice, answer)]
        if key in used or others:
            message = Text(
                "the key {key} grants {choice}, and means something else on this line, too",
                "give the grant a key of its own",
                key=key,
                choice=choice.id,
            )
            findings.add_problem((*path, "plan"), message)


def _choice(wording: Notice, settings: ChoiceSettings) -> Choice:
    kind = KINDS[settings.asks]
    return Choice(
        wording=wording,
        asks=settings.asks,
        keys={option: settings.keys[option] for option in kind.options if option in settings.keys},
        tries=settings.tries,
        wait=float(settings.wait),
        silence=settings.silence or Answer.SILENCE,
        purpose=settings.purpose or "",
        holds=settings.holds,
        again=settings.again,
        vouched=VOUCHED_AT_LEAST[settings.vouched] if kind.personal else frozenset(),
        withdraw_at=settings.withdraw_at or "",
    )
