"""From informativa.yaml to the frozen objects that calls are answered with.

Everything wrong is found in one go: the shape (pydantic), then what refers to something else, then
the files (keys and their modes, prompts and their lengths). Relative paths start at the file's folder.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import phonenumbers

from ..caller import plain_words, spellings
from ..errors import ConfigError, Problem, SpeechError
from ..model import Controller, Keys, Line, ManagerAccount, Notice, Prompt, Step, Version, spoken
from ..prompts.installed import measure
from ..text import Text
from . import document as documents
from . import parsed_cache, partial
from .controllers import Controllers, begins, zone
from .endpoints import Doors
from .findings import Findings, in_order
from .messages import unknown

if TYPE_CHECKING:
    from .schema import LineSettings, ManagerSettings, NoticeSettings, Settings, VersionSettings

_SAFE = re.compile(r"[\w ./+@=~-]+")  # as `File` in schema.py
_EVER = datetime.min.replace(tzinfo=UTC)
LONGEST_SHORT = 30.0  # seconds; WP260 asks for layers, and callers hang up on long notices


@dataclass(frozen=True)
class Configuration:
    """What `serve` and the script work from.

    `notices` are by controller; `recordings` are the SHA-256 of the sound files that were found in order,
    once they were looked at. `refused` are the problems of controllers that may not go live, while the others
    do; `warnings` are for the admin to read, and stop nothing. `digest` tells the file's text from another,
    `place` the file. `misshapen` are controllers with mistakes in their own section: what is built of them is
    there to be looked at, and nothing is done with it.
    """

    file: Path
    folder: Path
    host: str
    port: int
    sessions: int
    drain: float
    controllers: Mapping[str, Controller]
    key_files: Mapping[str, str]
    notices: Mapping[str, tuple[Notice, ...]]
    lines: tuple[Line, ...]
    spelled: Mapping[str, Line]
    fallback: Prompt | None
    operator: str = ""
    manager: ManagerAccount | None = None
    metrics: str = ""
    refused: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    digest: str = ""
    place: str = ""
    recordings: Mapping[str, str] = field(default_factory=dict)
    tokens: tuple[str, ...] = field(default=(), repr=False)
    """By which Asterisk is known, the current one first; empty where whoever connects is believed."""
    misshapen: tuple[str, ...] = ()

    def in_shape(self) -> list[Controller]:
        """The controllers whose section has no mistakes."""
        return [one for name, one in self.controllers.items() if name not in self.misshapen]

    @property
    def listen(self) -> str:
        """The service's address and port."""
        return f"{self.host}:{self.port}"


def load(file: Path, *, keep: bool = False) -> Configuration:
    """Read and check everything that `file` names. Raises ConfigError with all problems found.

    With `keep` what its text came to is kept for scripts, which start in half the time then.
    """
    configuration, problems = inspect(file, keep=keep)
    if problems:
        raise ConfigError(problems)
    return configuration


def inspect(file: Path, *, keep: bool = False) -> tuple[Configuration, tuple[Problem, ...]]:
    """The same for callers who want to go on: what has a problem is left out. Raises ConfigError for a file
    that holds no settings at all."""
    text = documents.read(file)
    known = parsed_cache.recall(file, text)
    document, settings = known or _shaped(file, text)
    folder = file.absolute().parent
    if not _SAFE.fullmatch(str(folder)):
        message = Text(
            "lies in {folder!r}, whose name Asterisk's dialplan would misread",
            "move it to a plainer one",
            folder=str(folder),
        )
        document.problems.append(Problem(str(file), None, "", message))
    found = Findings(document)
    if not text.endswith("\n"):
        message = Text(
            "the last line has no line break: as if it was cut off, so no running service loads it anew"
        )
        found.warnings.append(Problem(str(file), text.count("\n") + 1, "", message, Text("save it with one")))
    misshapen = partial.misshapen(document)  # before anything that it names is looked at
    builder = _Builder(found, settings, folder)
    built = replace(builder.build(_digest(text), _digest(os.path.realpath(str(file)))), misshapen=misshapen)
    if keep and not known and not builder.problems:
        built = _kept(built, parsed_cache.keep(file, text, document, settings))
    return built, builder.problems


def _kept(configuration: Configuration, refused: Text) -> Configuration:
    """The same, which is kept for scripts; with a warning where that was refused."""
    if not refused:
        return configuration
    message = Text(
        (
            "every script works this out anew, which takes it twice its time: a defect of "
            "informativa ({error})"
        ),
        "please report it",
        error=refused,
    )
    defect = Problem(str(configuration.file), None, "", message)
    return replace(configuration, warnings=(*configuration.warnings, defect))


def unusable(file: Path) -> tuple[Path, Text]:
    """Where what `file` comes to is kept for scripts, and why they cannot use it, if so. Raises
    ConfigError."""
    return parsed_cache.place(file), parsed_cache.refusal(file, documents.read(file))


def draft(file: Path) -> tuple[documents.Document, Settings]:
    """What `file` says, before anything that it names is looked at. Raises ConfigError."""
    document, settings = _shaped(file, documents.read(file))
    if document.problems:
        raise ConfigError(in_order(document.problems))
    return document, settings


def _shaped(file: Path, text: str) -> tuple[documents.Document, Settings]:
    """What is in shape, and the document, in which all else is noted."""
    from . import shape  # not for a script: see parsed_cache.py

    document = documents.parse(file, text)
    return document, shape.settings(document)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]


class _Builder:
    """Builds the objects and collects what is wrong on the way."""

    def __init__(self, found: Findings, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._found = found
        self._measured: dict[Path, Prompt | None] = {}

    def build(self, digest: str, place: str) -> Configuration:
        settings = self._settings
        notices = {
            name: {
                own: self._notice(
                    own, notice, zone(controller.time_zone), ("controllers", name, "notices", own, "versions")
                )
                for own, notice in controller.notices.items()
            }
            for name, controller in settings.controllers.items()
        }
        controllers = Controllers(settings, self._folder, self._found).build()
        lines = [
            line
            for number, given in settings.lines.items()
            if (line := self._line(number, given, controllers, notices)) is not None
        ]
        spelled = self._spelled(lines)
        fallback = None
        if settings.fallback_prompt is not None:
            fallback = self._prompt(settings.fallback_prompt, ("fallback_prompt",))
        else:
            message = Text("without it, calls to numbers that are not listed here hear nothing")
            self._found.warn(("fallback_prompt",), message)
        manager = self._manager(settings.manager) if settings.manager else None
        tokens = Doors(settings.service, self._folder, self._found).tokens()
        host, port = settings.service.listen.rsplit(":", 1)
        return Configuration(
            file=self._found.file,
            folder=self._folder,
            host=host,
            port=int(port),
            sessions=settings.service.sessions,
            drain=settings.service.drain,
            controllers=controllers,
            key_files={name: given.key for name, given in settings.controllers.items()},
            notices={name: tuple(own.values()) for name, own in notices.items()},
            lines=tuple(lines),
            spelled=spelled,
            fallback=fallback,
            operator=settings.operator,
            manager=manager,
            metrics=settings.service.metrics or "",
            refused=in_order(self._found.refused),
            warnings=in_order(self._found.warnings),
            digest=digest,
            place=place,
            tokens=tokens,
        )

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong, so far."""
        return in_order(self._found.problems)

    def _manager(self, given: ManagerSettings) -> ManagerAccount:
        file, path = self._folder / given.secret, ("manager", "secret")
        absent = Text("there is no file {file}", "put the user's secret there, then type: {private}")
        secret = self._found.secret(file, path, absent.format(file=file, private=self._found.private(file)))
        host, port = given.address.rsplit(":", 1)
        return ManagerAccount(host, int(port), given.user, (secret or "").strip())

    def _notice(self, name: str, given: NoticeSettings, own: tzinfo, path: documents.KeyPath) -> Notice:
        versions = tuple(
            self._version(version, own, (*path, index)) for index, version in enumerate(given.versions)
        )
        seen: list[Version] = []
        for index, version in enumerate(versions):
            earlier = [other.id for other in seen]
            if version.id in earlier:
                self._found.wrong(
                    (*path, index, "version"),
                    Text("{version} stands here twice", "give it a new name", version=version.id),
                )
            if seen and (seen[-1].starts or _EVER) > (version.starts or _EVER):
                self._found.wrong(
                    (*path, index, "starts"),
                    Text("is before {version} starts", "put the oldest first", version=seen[-1].id),
                )
            for known in version.supplements:
                if known not in earlier:
                    self._found.wrong(
                        (*path, index, "supplements", known),
                        unknown(Text("version before it"), known, earlier),
                    )
            seen.append(version)
        return Notice(name, versions)

    def _version(self, given: VersionSettings, own: tzinfo, path: documents.KeyPath) -> Version:
        short = self._prompts(given.short, (*path, "short"))
        for language, prompt in short.items():
            if prompt.seconds > LONGEST_SHORT:
                message = Text(
                    "the short notice lasts {seconds:.0f} s",
                    "callers hang up on more than {longest:.0f} s: shorten it, and leave the rest to `full`",
                    seconds=prompt.seconds,
                    longest=LONGEST_SHORT,
                )
                self._found.warn((*path, "short", language), message)
        return Version(
            id=given.version,
            purposes=frozenset(given.purposes),
            material=given.material,
            short=short,
            full=self._prompts(given.full, (*path, "full")),
            starts=begins(given.starts, own),
            supplements={
                known: self._prompts(prompts, (*path, "supplements", known))
                for known, prompts in given.supplements.items()
            },
        )

    def _prompts(self, given: Mapping[str, str], path: documents.KeyPath) -> dict[str, Prompt]:
        return {
            language: prompt
            for language, file in given.items()
            if (prompt := self._prompt(file, (*path, language))) is not None
        }

    def _prompt(self, name: str, path: documents.KeyPath) -> Prompt | None:
        file = self._folder / name
        if file not in self._measured:
            try:
                self._measured[file] = measure(file)
            except SpeechError as error:
                self._measured[file] = None
                self._found.wrong(path, error.message, error.remedy)
        return self._measured[file]

    def _line(
        self,
        number: str,
        given: LineSettings,
        controllers: Mapping[str, Controller],
        notices: Mapping[str, Mapping[str, Notice]],
    ) -> Line | None:
        path = ("lines", number)
        if given.region not in phonenumbers.SUPPORTED_REGIONS:
            self._found.wrong(
                (*path, "region"),
                Text("{region} is not a country", "for the United Kingdom use GB", region=given.region),
            )
        controller = controllers.get(given.controller)
        if controller is None:
            if not self._found.lacks(("controllers", given.controller)):
                message = unknown(Text("controller"), given.controller, controllers)
                self._found.wrong((*path, "controller"), message)
            return None
        plan: list[Step] = []
        for index, step in enumerate(given.plan):
            notice = notices[controller.id].get(step.notice)
            if notice is None:
                known = notices[controller.id]
                if not self._found.lacks(("controllers", controller.id, "notices", step.notice)):
                    place = (*path, "plan", index, "notice")
                    self._found.wrong(place, unknown(Text("notice"), step.notice, known))
                continue
            if notice in (earlier.notice for earlier in plan):
                message = Text("notice {notice} stands in this plan twice", "keep one of them")
                self._found.wrong((*path, "plan", index, "notice"), message.format(notice=notice.id))
                continue
            self._speaks(notice, controller, given, path)
            self._caution_notice(notice, controller, given, path)
            plan.append(Step(notice, step.when))
        self._caution(given, path)
        return Line(
            number=number,
            controller=controller,
            language=given.language,
            region=given.region,
            plan=tuple(plan),
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
            fallback_informs=given.fallback_informs,
            verification={plain_words(words): said for words, said in self._settings.verification.items()},
        )

    def _speaks(
        self, notice: Notice, controller: Controller, given: LineSettings, path: documents.KeyPath
    ) -> None:
        """Every language of the line is there in every version that is in force or will be."""
        wanted: dict[tuple[str, ...], str] = {("language",): given.language}
        wanted |= {("languages", country): language for country, language in given.languages.items()}
        wanted |= {("fallback", str(index)): language for index, language in enumerate(given.fallback)}
        versions = self._settings.controllers[controller.id].notices[notice.id].versions
        first = notice.versions.index(notice.current(datetime.now(UTC)))
        own = ("controllers", controller.id, "notices", notice.id, "versions")
        for index, version in enumerate(versions[first:], first):
            for place, language in wanted.items():
                if not spoken(language, version.short) and not self._found.lacks(
                    (*own, index, "short", language)
                ):
                    has = ", ".join(sorted(version.short))
                    message = Text(
                        "notice {notice} {version} has no short prompt in {language}, only in {has}"
                    )
                    names = {"notice": notice.id, "version": version.version, "language": language}
                    self._found.wrong((*path, *place), message.format(**names, has=has))

    def _caution_notice(
        self, notice: Notice, controller: Controller, given: LineSettings, path: documents.KeyPath
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
                    "notice {notice} {version} is played all the same: {purposes} is none of the purposes"
                    " that the service needs (service_purposes of {controller})"
                )
                names = {"notice": notice.id, "version": version.id, "controller": controller.id}
                self._found.warn(
                    (*path, "service_data_only"), message.format(**names, purposes=", ".join(sorted(more)))
                )

    def _caution(self, given: LineSettings, path: documents.KeyPath) -> None:
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

    def _spelled(self, lines: list[Line]) -> dict[str, Line]:
        spelled: dict[str, Line] = {}
        doubtful: set[str] = set()
        for line in lines:
            for spelling in sorted(spellings(line.number, line.region)):
                other = spelled.setdefault(spelling, line)
                if other is not line:
                    doubtful |= {line.number, other.number}
                    message = Text(
                        "is the same number as line {number}", "keep one of them", number=other.number
                    )
                    self._found.wrong(("lines", line.number), message)
                    break
        return {spelling: line for spelling, line in spelled.items() if line.number not in doubtful}
