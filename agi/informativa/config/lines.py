"""The lines of a configuration: called numbers with their plans, and what an admin should think about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .. import numbering
from ..caller import plain_words, spellings
from ..model import Controller, Keys, Line, Notice, Step, name_and_id, names_and_ids, spoken
from ..text import Text
from .document import KeyPath
from .findings import Findings
from .messages import unknown

if TYPE_CHECKING:
    from .schema import LineSettings, Settings


class Lines:
    """Builds them and notes what is wrong on the way."""

    def __init__(
        self,
        settings: Settings,
        controllers: Mapping[str, Controller],
        notices: Mapping[str, Mapping[str, Notice]],
        found: Findings,
    ) -> None:
        self._settings, self._controllers, self._notices = settings, controllers, notices
        self._found = found

    def build(self) -> tuple[Line, ...]:
        """All that are in order."""
        lines = (self._line(number, given) for number, given in self._settings.lines.items())
        return tuple(line for line in lines if line is not None)

    def _line(self, number: str, given: LineSettings) -> Line | None:
        path: KeyPath = ("lines", number)
        if not numbering.is_region(given.region):
            self._found.wrong(
                (*path, "region"),
                Text("{region} is not a country", "for the United Kingdom use GB", region=given.region),
            )
        controller = self._controllers.get(given.controller)
        if controller is None:
            if not self._found.lacks(("controllers", given.controller)):
                message = unknown(Text("controller"), given.controller, self._controllers)
                self._found.wrong((*path, "controller"), message)
            return None
        plan = tuple(self._plan(controller, given, path))
        self._caution(given, path)
        return Line(
            number=number,
            controller=controller,
            language=given.language,
            region=given.region,
            plan=plan,
            callers=given.callers,
            keys=Keys(**vars(given.keys)),
            shared=tuple(self._settings.shared_numbers),
            languages=given.languages,
            fallback=tuple(given.fallback),
            answer=given.answer,
            again_after_transfer=given.again_after_transfer,
            service_data_only=given.service_data_only,
            trust_restricted=given.trust_restricted,
            landlines_shared=given.landlines == "shared",
            requires_signature=given.require == "signature",
            fallback_informs=given.fallback_informs,
            verification={plain_words(words): said for words, said in self._settings.verification.items()},
        )

    def _plan(self, controller: Controller, given: LineSettings, path: KeyPath) -> Iterator[Step]:
        own = self._notices[controller.id]
        seen: list[Notice] = []
        for index, step in enumerate(given.plan):
            notice = own.get(step.notice)
            if notice is None:
                if not self._found.lacks(("controllers", controller.id, "notices", step.notice)):
                    key_path = (*path, "plan", index, "notice")
                    self._found.wrong(key_path, unknown(Text("notice"), step.notice, own))
                continue
            if notice in seen:
                message = Text("notice {notice} stands in this plan twice", "keep one of them")
                self._found.wrong((*path, "plan", index, "notice"), message.format(notice=notice.id))
                continue
            self._speaks(notice, controller, given, path)
            self._caution_notice(notice, controller, given, path)
            seen.append(notice)
            yield Step(notice, step.when)

    def _speaks(self, notice: Notice, controller: Controller, given: LineSettings, path: KeyPath) -> None:
        """Every language of the line is there in every version that is in force or will be."""
        wanted: dict[tuple[str, ...], str] = {("language",): given.language}
        wanted |= {("languages", country): language for country, language in given.languages.items()}
        wanted |= {("fallback", str(index)): language for index, language in enumerate(given.fallback)}
        versions = self._settings.controllers[controller.id].notices[notice.id].versions
        first = notice.versions.index(notice.current(datetime.now(UTC)))
        own = ("controllers", controller.id, "notices", notice.id, "versions")
        for index, version in enumerate(versions[first:], first):
            for key_path, language in wanted.items():
                if not spoken(language, version.short) and not self._found.lacks(
                    (*own, index, "short", language)
                ):
                    has = ", ".join(sorted(version.short))
                    message = Text(
                        "notice {notice} {version} has no short prompt in {language}, only in {has}"
                    )
                    names = {"notice": notice.id, "version": version.version, "language": language}
                    self._found.wrong((*path, *key_path), message.format(**names, has=has))

    def _caution_notice(
        self, notice: Notice, controller: Controller, given: LineSettings, path: KeyPath
    ) -> None:
        """What an admin should know of the versions that are in force or will be."""
        now = datetime.now(UTC)
        current = notice.current(now)
        if current.starts is not None and current.starts > now:
            message = Text(
                "no version of notice {notice} is in force yet", "until then callers hear {version}"
            )
            self._found.warn((*path, "plan"), message.format(notice=notice.id, version=current.id))
        if not given.service_data_only:
            return
        for version in notice.versions[notice.versions.index(current) :]:
            if more := version.purposes - controller.service_purposes:
                message = Text(
                    "{notice} {version} is played all the same: {purposes} is none of the purposes"
                    " that the service needs (service_purposes of {controller})"
                )
                warning = message.format(
                    notice=name_and_id(notice.id, controller.names),
                    version=version.id,
                    controller=controller.id,
                    purposes=names_and_ids(sorted(more), controller.names),
                )
                self._found.warn((*path, "service_data_only"), warning)

    def _caution(self, given: LineSettings, path: KeyPath) -> None:
        """Settings that are allowed and that an admin should have thought about."""
        cautions = {
            "service_data_only": (
                given.service_data_only,
                Text(
                    "notices are left out on the ground that only data needed for the service are used:"
                    " the Garante's measure of 2007 allows that, GDPR art. 13(4) does not name it"
                ),
            ),
            "answer": (
                not given.answer,
                Text(
                    "the notice is played before the call is answered: in many networks nobody hears it then"
                ),
            ),
            "trust_restricted": (
                given.trust_restricted,
                Text("callers who asked for their number not to be shown are recognised by it"),
            ),
        }
        for setting, (applies, message) in cautions.items():
            if applies:
                self._found.warn((*path, setting), message)
        used = [key for key in (given.keys.full, given.keys.repeat, given.keys.skip) if key]
        if len(set(used)) < len(used):
            self._found.wrong((*path, "keys"), Text("one key cannot mean two things"))


def spelled(regions: Mapping[str, str], found: Findings) -> dict[str, str]:
    """Give the called number by every way in which it may be written; `regions` are those of the numbers.
    Notes those that are one number."""
    by_spelling: dict[str, str] = {}
    doubtful: set[str] = set()
    for number, region in regions.items():
        for spelling in sorted(spellings(number, region)):
            other = by_spelling.setdefault(spelling, number)
            if other != number:
                doubtful |= {number, other}
                message = Text("is the same number as line {number}", "keep one of them", number=other)
                found.wrong(("lines", number), message)
                break
    return {spelling: number for spelling, number in by_spelling.items() if number not in doubtful}
