"""The lines of a configuration: called numbers with their plans, and warnings for the admin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..call.caller import plain_words, spellings
from ..model import (
    Choice,
    Controller,
    Internal,
    Keys,
    Line,
    Notice,
    PlannedChoice,
    Step,
    matching_language,
    name_and_id,
    names_and_ids,
    numbering,
)
from ..model.text import Text
from .document import KeyPath
from .findings import Findings
from .messages import unknown
from .notices import LONGEST_SHORT

if TYPE_CHECKING:
    from .schema import InternalSettings, LineSettings, Settings

TRUNK_CONTEXTS = frozenset({"default", "from-pstn", "from-trunk", "public", "trunkinbound"})
"""Contexts of trunks in FreePBX, VICIdial and Asterisk's own examples."""


class Lines:
    """A builder of lines, which notes problems on the way."""

    def __init__(
        self,
        settings: Settings,
        controllers: Mapping[str, Controller],
        notices: Mapping[str, Mapping[str, Notice]],
        choices: Mapping[str, Mapping[str, Choice]],
        findings: Findings,
    ) -> None:
        self._settings, self._controllers, self._notices = settings, controllers, notices
        self._choices = choices
        self._findings = findings
        self._internal = _internal(settings.internal, findings) if settings.internal else None

    def build(self) -> tuple[Line, ...]:
        """Build all lines that are in order."""
        lines = (self._line(number, section) for number, section in self._settings.lines.items())
        return tuple(line for line in lines if line is not None)

    def _line(self, number: str, section: LineSettings) -> Line | None:
        path: KeyPath = ("lines", number)
        if not numbering.is_region(section.region):
            self._findings.add_problem(
                (*path, "region"),
                Text("{region} is not a country", "for the United Kingdom use GB", region=section.region),
            )
        controller = self._controllers.get(section.controller)
        if controller is None:
            if not self._findings.lacks(("controllers", section.controller)):
                message = unknown(Text("controller"), section.controller, self._controllers)
                self._findings.add_problem((*path, "controller"), message)
            return None
        plan = tuple(self._plan(controller, section, path))
        choices, revocable = self._choices_of(controller, section, plan, path)
        if any(step.countries for step in section.plan):
            from .countries import check_countries  # not for a script that needs none

            check_countries(section, plan, choices, path, self._findings)
        self._caution(section, path)
        line = Line(
            number=number,
            controller=controller,
            language=section.language,
            region=section.region,
            plan=plan,
            callers=section.callers,
            keys=Keys(**vars(section.keys)),
            shared=tuple(self._settings.shared_numbers),
            languages=section.languages,
            fallback=tuple(section.fallback),
            answer=section.answer,
            again_after_transfer=section.again_after_transfer,
            service_data_only=section.service_data_only,
            trust_restricted=section.trust_restricted,
            landlines_shared=section.landlines == "shared",
            requires_signature=section.require == "signature",
            fallback_informs=section.fallback_informs,
            verification={
                plain_words(words): result for words, result in self._settings.verification.items()
            },
            choices=choices,
            consents=section.consents,
            revocable=revocable,
            internal=self._internal,
        )
        self._caution_length(line, path)
        return line

    def _caution_length(self, line: Line, path: KeyPath) -> None:
        """Note a warning where several prompts, short by themselves, are long together."""
        now = datetime.now(UTC)
        if line.countries:
            from ..model.countries import variants  # not for a script that needs none

            line = max(variants(line), key=lambda variant: variant.seconds_of_new_caller(now))
        seconds = line.seconds_of_new_caller(now)
        if len(line.plan) + len(line.choices) > 1 and seconds > LONGEST_SHORT:
            ids = [step.notice.id for step in line.plan]
            for shift, planned in enumerate(line.choices):
                ids.insert(planned.after + shift, planned.choice.id)
            message = Text(
                "a new caller of {line} hears {seconds:.0f} s before anybody answers: {steps}",
                "callers hang up on more than {longest:.0f} s: shorten the texts, or take out what no law"
                " asks for",
                line=line.number,
                seconds=seconds,
                steps=", ".join(ids),
                longest=LONGEST_SHORT,
            )
            self._findings.add_warning((*path, "plan"), message)

    def _choices_of(
        self, controller: Controller, section: LineSettings, plan: Sequence[Step], path: KeyPath
    ) -> tuple[tuple[PlannedChoice, ...], tuple[Choice, ...]]:
        """Return the choices of a line's plan, and the consents that can be withdrawn there."""
        of_company = self._choices[controller.id]
        if not of_company and all(step.choice is None for step in section.plan):
            return (), ()
        from . import choices  # not for a script that needs none

        planned = tuple(choices.planned(section, of_company, plan, path, self._findings))
        keys = section.keys
        choices.require_keys_apart(planned, {keys.full, keys.repeat, keys.skip}, path, self._findings)
        if planned and not plan:
            message = Text("has choices, and no notice", "put the notice before them that tells of them")
            self._findings.add_problem((*path, "plan"), message)
        if planned and not section.answer:
            message = Text(
                "a choice needs an answered call: before, many networks bring no keys",
                "write `answer: true`, or take the choices out of the plan",
            )
            self._findings.add_problem((*path, "answer"), message)
        return planned, tuple(choice for choice in of_company.values() if choice.withdraw_at)

    def _plan(self, controller: Controller, section: LineSettings, path: KeyPath) -> Iterator[Step]:
        notices = self._notices[controller.id]
        planned: list[Notice] = []
        for index, step in enumerate(section.plan):
            if step.notice is None:
                continue
            notice = notices.get(step.notice)
            if notice is None:
                if not self._findings.lacks(("controllers", controller.id, "notices", step.notice)):
                    key_path = (*path, "plan", index, "notice")
                    self._findings.add_problem(key_path, unknown(Text("notice"), step.notice, notices))
                continue
            if notice in planned:
                message = Text("notice {notice} stands in this plan twice", "keep one of them")
                self._findings.add_problem((*path, "plan", index, "notice"), message.format(notice=notice.id))
                continue
            self._require_languages(notice, controller, section, path)
            self._caution_notice(notice, controller, section, path)
            planned.append(notice)
            yield Step(notice, step.when, frozenset(step.countries or ()))

    def _require_languages(
        self, notice: Notice, controller: Controller, section: LineSettings, path: KeyPath
    ) -> None:
        """Note a problem for every language of the line that is missing in a version that is in force or will
        be."""
        languages: dict[tuple[str, ...], str] = {("language",): section.language}
        languages |= {("languages", country): language for country, language in section.languages.items()}
        languages |= {("fallback", str(index)): language for index, language in enumerate(section.fallback)}
        versions = self._settings.controllers[controller.id].notices[notice.id].versions
        first = notice.versions.index(notice.current(datetime.now(UTC)))
        versions_path = ("controllers", controller.id, "notices", notice.id, "versions")
        for index, version in enumerate(versions[first:], first):
            for key_path, language in languages.items():
                if not matching_language(language, version.short) and not self._findings.lacks(
                    (*versions_path, index, "short", language)
                ):
                    available = ", ".join(sorted(version.short))
                    message = Text(
                        "notice {notice} {version} has no short prompt in {language}, only in {has}"
                    )
                    names = {"notice": notice.id, "version": version.version, "language": language}
                    self._findings.add_problem((*path, *key_path), message.format(**names, has=available))

    def _caution_notice(
        self, notice: Notice, controller: Controller, section: LineSettings, path: KeyPath
    ) -> None:
        """Note warnings about the versions that are in force or will be."""
        now = datetime.now(UTC)
        current = notice.current(now)
        if current.starts is not None and current.starts > now:
            message = Text(
                "no version of notice {notice} is in force yet", "until then callers hear {version}"
            )
            self._findings.add_warning((*path, "plan"), message.format(notice=notice.id, version=current.id))
        if not section.service_data_only:
            return
        for version in notice.versions[notice.versions.index(current) :]:
            if other_purposes := version.purposes - controller.service_purposes:
                message = Text(
                    "{notice} {version} is played all the same: {purposes} is none of the purposes"
                    " that the service needs (service_purposes of {controller})"
                )
                warning = message.format(
                    notice=name_and_id(notice.id, controller.names),
                    version=version.id,
                    controller=controller.id,
                    purposes=names_and_ids(sorted(other_purposes), controller.names),
                )
                self._findings.add_warning((*path, "service_data_only"), warning)

    def _caution(self, section: LineSettings, path: KeyPath) -> None:
        """Note warnings for settings that are allowed and that an admin should consider."""
        cautions = {
            "service_data_only": (
                section.service_data_only,
                Text(
                    "notices are left out on the ground that only data needed for the service are used:"
                    " the Garante's measure of 2007 allows that, GDPR art. 13(4) does not name it"
                ),
            ),
            "answer": (
                not section.answer,
                Text(
                    "the notice is played before the call is answered: in many networks nobody hears it then"
                ),
            ),
            "trust_restricted": (
                section.trust_restricted,
                Text("callers who asked for their number not to be shown are recognised by it"),
            ),
        }
        for setting, (applies, message) in cautions.items():
            if applies:
                self._findings.add_warning((*path, setting), message)
        used = [key for key in (section.keys.full, section.keys.repeat, section.keys.skip) if key]
        if len(set(used)) < len(used):
            self._findings.add_problem((*path, "keys"), Text("one key cannot mean two things"))


def _internal(section: InternalSettings, findings: Findings) -> Internal:
    """Return which calls are internal. Warns of contexts that are usually a trunk's."""
    for place, context in enumerate(section.contexts):
        if context in TRUNK_CONTEXTS:
            message = Text(
                "{context} is usually a trunk's: callers from outside would hear nothing",
                "name the context of your telephones' endpoints (`pjsip show endpoint 201`)",
                context=context,
            )
            findings.add_warning(("internal", "contexts", place), message)
    return Internal(section.variable, frozenset(section.contexts), tuple(section.prefixes))


def spelled(regions: Mapping[str, str], findings: Findings) -> dict[str, str]:
    """Return the called number for every way of writing it; `regions` are those of the numbers. Notes a
    problem for lines that have the same number."""
    by_spelling: dict[str, str] = {}
    doubtful: set[str] = set()
    for number, region in regions.items():
        for spelling in sorted(spellings(number, region)):
            other = by_spelling.setdefault(spelling, number)
            if other != number:
                doubtful |= {number, other}
                message = Text("is the same number as line {number}", "keep one of them", number=other)
                findings.add_problem(("lines", number), message)
                break
    return {spelling: number for spelling, number in by_spelling.items() if number not in doubtful}
