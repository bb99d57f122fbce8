"""Adding a notice of today to a configuration: sections, steps and prompts, shown first, then written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import unified_diff
from pathlib import Path
from typing import Any

from ...config import DEFAULT_FILE
from ...config import document as documents
from ...config.build import inspect_text
from ...config.editing import Entry, Item, edited
from ...model.choices import KINDS
from ...model.errors import ConfigProblem, InformativaError
from ...model.text import Text, command, joined
from ...model.words import Asks
from ...prompts import texts
from ...prompts.store import PromptPath, write
from ...system import shipped
from ...system.files import write_file
from ..generated import unwritten
from ..prompts import making
from ..prompts.configured import ConfiguredPrompts, proposed
from ..prompts.making import PromptTarget, Speech
from ..prompts.parts import CAUTIONS, PartPlace, SpokenPart, place_of
from ..prompts.spoken_values import GivenValues
from .plan_places import missing_steps, rarer_notices
from .request import AddedNotice, AddedPrompt, CitedLaw, NoticeRequest, PromptSource, typed_command
from .selection import package_named, selected_lines, selected_sections, with_usual_values
from .table import VALUES, PackageSection


def add(
    file: Path, request: NoticeRequest, now: datetime | None = None, *, write: bool = False
) -> AddedNotice:
    """Add a notice to the configuration `file` if nothing is missing; without `write` only tell what would
    change. Raises InformativaError, and ConfigError for a file with mistakes in its shape."""
    work = _Addition(file, request, now or datetime.now(UTC))
    if write and work.additions and not work.missing:
        work.lay()
        return replace(work.result(), written=True, backup=work.backup)
    return work.result()


@dataclass(frozen=True)
class _Section:
    """A notice or choice to add: its place, and its prompts by part and language."""

    section: PackageSection
    place: PartPlace
    exists: bool
    prompts: Mapping[tuple[SpokenPart, str], tuple[PromptPath, PromptSource]]


class _Addition:
    """All that adding one package to one configuration takes."""

    def __init__(self, file: Path, request: NoticeRequest, now: datetime) -> None:
        self.file, self.request = file, request
        self.configured = ConfiguredPrompts(file)
        self.controller, self.owner = self.configured.controller(request.controller)
        self.package = package_named(request.notice)
        self.lines = selected_lines(self.configured, self.controller, request.lines)
        self.languages = list(
            dict.fromkeys(
                language
                for line in self.lines.values()
                for language in (line.language, *line.languages.values(), *line.fallback)
            )
        )
        self.values = with_usual_values(request.values, self.package, self.lines)
        self.version = proposed((), now)
        self.sections = [
            self._section(section) for section in selected_sections(self.package, request, self.values)
        ]
        self._require_use()
        self.old = file.read_bytes().decode()
        self.unvalued = dict.fromkeys(self._unvalued())
        self.additions = list(self._additions({}))
        self.missing = tuple(self._missing())
        self.backup = file.with_name(f"{file.name}.bak")

    def result(self) -> AddedNotice:
        new = edited(self.file, self.old, self.additions)
        sections = [section for section in self.sections if not section.exists]
        cautions = [CAUTIONS[part] for section in sections for part, _ in section.prompts if part in CAUTIONS]
        return AddedNotice(
            file=self.file,
            notice=self.package.id,
            controller=self.controller,
            lines=tuple(self.lines),
            complete=not self.additions,
            written=False,
            backup=None,
            difference=_difference(self.file, self.old, new),
            prompts=tuple(
                AddedPrompt(path.base, part, language, source)
                for section in sections
                for (part, language), (path, source) in section.prompts.items()
            ),
            dialplan=self.package.dialplan,
            law=tuple(CitedLaw(law.sentence, law.source) for law in self.package.law),
            missing=self.missing,
            to_do=(*dict.fromkeys(cautions), *self._reused(), *self.package.to_do),
            next=self._next(),
        )

    def lay(self) -> None:
        """Make the prompts, and only then write the configuration that names them."""
        for section in self.sections:
            if section.exists:
                continue
            for (part, language), (path, source) in section.prompts.items():
                if source is PromptSource.SHIPPED:
                    _copy_shipped(part, language, path)
                elif source is PromptSource.SPOKEN:
                    making.build(self.file, self._target(section), self._speech(section, part, language))
        new = edited(self.file, self.old, self.additions)
        self._refuse_problems(new)
        try:
            write_file(self.backup, self.old.encode())
        except OSError as error:
            raise unwritten(self.backup, error, Text("Make room on that disk, or be root.")) from error
        _replace_text(self.file, new)

    def _refuse_problems(self, new: str) -> None:
        if problems := self._new_problems(new):
            raise InformativaError(
                joined(" ", Text("The configuration would be wrong, so it was not written:"), problems[0])
            )

    def _section(self, section: PackageSection) -> _Section:
        place = place_of(section.text)
        existing = self.owner.choices if place.asks else self.owner.notices
        paths = {
            (part, language): self._prompt(place, part, language)
            for part in (section.text, *section.further)
            for language in self.languages
        }
        return _Section(section, place, place.id in existing, paths)

    def _prompt(self, place: PartPlace, part: SpokenPart, language: str) -> tuple[PromptPath, PromptSource]:
        """Return the place of a prompt, and its source: a text that names nobody may have been recorded."""
        store = self.configured.store
        own_part = place_of(part).part
        path = store.path(self.controller, place.id, self.version, own_part, language)
        if path.files():
            return path, PromptSource.THERE
        common = PromptPath(
            place.id, self.version, own_part, language, store.folder / "prompts" / language / part
        )
        if self.request.texts is None and not self._template(part, language).placeholders:
            if common.files():
                return common, PromptSource.THERE
            if (shipped.folder("prompts") / language / f"{part}.wav").is_file():
                return common, PromptSource.SHIPPED
        return path, PromptSource.SPOKEN

    def _require_use(self) -> None:
        """Raise InformativaError for a value that this notice has no place for."""
        places = {section.only_with for section in self.package.sections}
        for section in self.sections:
            places |= {*section.section.settings, *self._keys(section)}
            for part, language in section.prompts:
                places |= self._template(part, language).placeholders
        if unused := sorted(self.request.values.names - places):
            raise InformativaError(
                Text("No text that is spoken has a place for {{{name}}}.", name=unused[0]),
                Text("These have: {known}.", known=", ".join(sorted(filter(None, places)))),
            )

    def _template(self, part: SpokenPart, language: str) -> texts.Template:
        folder = self.request.texts or shipped.folder("texts")
        return texts.template(folder, language, part, self.values.names)

    def _target(self, section: _Section) -> PromptTarget:
        return PromptTarget(self.controller, "", None if section.exists else self.version)

    def _speech(self, section: _Section, part: SpokenPart, language: str) -> Speech:
        places = self._template(part, language).placeholders
        values = {
            name: value for name, value in self.values.options.items() if name.rpartition(".")[2] in places
        }
        for name, other in section.section.alike.items():
            if name in places and name not in values and other in self.values.options:
                values[name] = self.values.options[other]
        spoken = {name: value for name, value in values.items() if name[2:3] != "." or name[:2] == language}
        return Speech(
            languages=(language,),
            texts=self.request.texts,
            parts=(part,),
            values=GivenValues(spoken),
            lines=tuple(self.lines),
        )

    def _unvalued(self) -> Iterator[str]:
        """Yield the names under which `--set` takes what nobody gave."""
        several = len(self.languages) > 1
        for section in self.sections:
            if section.exists:
                continue
            for (part, language), (_path, source) in section.prompts.items():
                if source is not PromptSource.SPOKEN:
                    continue
                speech = self._speech(section, part, language)
                for value in making.missing(self.file, self._target(section), speech):
                    name = section.section.alike.get(value.placeholder, value.placeholder)
                    by_language = several and name in _BY_LANGUAGE
                    yield f"{language}.{name}" if by_language else name
            for name in (*self._keys(section), *section.section.settings):
                if not (self.values.options.get(name) or section.section.settings.get(name)):
                    yield name

    def _missing(self) -> Iterator[Text]:
        for name in self.unvalued:
            value = VALUES.get(name.rpartition(".")[2])
            example = f'--set {name}="{value.example}"' if value else f"--set {name}=…"
            yield Text(
                "{name}: {meaning}; give it: {option}",
                name=name,
                meaning=value.meaning if value else Text("a value that the text says"),
                option=example,
            )
        options = self.values.options
        if "withdraw" in options and options["withdraw"] != options.get("no"):
            yield Text("withdraw: a consent is withdrawn by the key for `no`; leave this one out")
        yield from self._texts_of_other_keys()
        yield from self._unheard_values()
        for number, line in self.lines.items():
            yield from rarer_notices(number, line, [section.place for section in self.sections])
        if self.additions and not self.unvalued:
            yield from self._new_problems(self._with_stand_ins())

    def _texts_of_other_keys(self) -> Iterator[Text]:
        """Yield the choices whose texts ask for one key in one language, and for another one in another."""
        for section in self.sections:
            if section.exists:
                continue
            by_language = {language: self._told_keys(section, language) for language in self.languages}
            if section.place.asks and len(set(by_language.values())) > 1:
                others = [text for text in self.package.variants if text != section.section.text]
                yield Text(
                    "the texts do not ask for the same keys ({keys}), and silence cannot mean two things;"
                    " choose one that asks for all in each language: {texts}",
                    keys=", ".join(
                        f"{language}: {' '.join(sorted(keys)) or '-'}"
                        for language, keys in by_language.items()
                    ),
                    texts=", ".join(f"--text {text}" for text in others) or "--texts DIR",
                )

    def _unheard_values(self) -> Iterator[Text]:
        """Yield the sections that are there already, in words in which the values that somebody gave for them
        would not be heard."""
        for section in self.sections:
            if not (section.exists and self.additions):
                continue
            places = self._template(section.section.text, self.languages[0]).placeholders
            names = {name.rpartition(".")[2] for name in self.values.options}
            if unheard := sorted(names & places - section.place.keys.keys()):
                yield Text(
                    "{id} is there already and keeps its words, so {values} would not be heard; if those"
                    " words are right leave it out, else make a version with these: informativa prompts build"
                    " --controller {controller} --part {part}; or, for operators in several countries, a"
                    " second notice with `countries` in the plan",
                    id=section.place.id,
                    values=", ".join(unheard),
                    controller=self.controller,
                    part=section.section.text,
                )

    def _told_keys(self, section: _Section, language: str) -> frozenset[str]:
        """Return the placeholders of the keys that a choice's text asks for in a language."""
        return self._template(section.section.text, language).placeholders.intersection(section.place.keys)

    def _keys(self, section: _Section) -> list[str]:
        """Return the placeholders of the keys of a choice: all, or where its kind needs but one those that
        its texts ask for, because a key that nobody told must not mean anything."""
        place = section.place
        if not place.asks or KINDS[Asks(place.asks)].needs_all:
            return [*place.keys]
        asked = [self._told_keys(section, language) for language in self.languages]
        return [name for name in place.keys if any(name in keys for keys in asked)] or [*place.keys]

    def _reused(self) -> Iterator[Text]:
        """Yield the sections that are there already, in words of their own."""
        for section in self.sections:
            if section.exists and self.additions:
                yield Text(
                    "{id} is there already and stays as it is; a version with other words: informativa"
                    " prompts build --controller {controller} --part {part}",
                    id=section.place.id,
                    controller=self.controller,
                    part=section.section.text,
                )

    def _new_problems(self, new: str) -> list[Text]:
        """Return the mistakes that the configuration would have, and does not have now."""
        now = {_identity(problem) for problem in inspect_text(self.file, self.old)[1]}
        problems = (problem for problem in inspect_text(self.file, new)[1] if _identity(problem) not in now)
        return [
            joined("; ", joined(": ", problem.key, problem.message), problem.remedy) for problem in problems
        ]

    def _with_stand_ins(self) -> str:
        """Return the new configuration with another prompt in place of those that are not made yet."""
        notice = next(iter(self.owner.notices.values()))
        stand_in = next(iter(notice.versions[0].short.values()))  # a path that the file may have
        absent = {
            path.base: stand_in
            for section in self.sections
            for path, source in section.prompts.values()
            if source is not PromptSource.THERE
        }
        return edited(self.file, self.old, list(self._additions(absent)))

    def _additions(self, stand_ins: Mapping[Path, str]) -> Iterator[Entry | Item]:
        lists = {"notices": True, "choices": bool(self.owner.choices)}
        for section in self.sections:
            if section.exists:
                continue
            name = section.place.section
            path: documents.KeyPath = ("controllers", self.controller)
            value = self._settings(section, stand_ins)
            if lists[name]:
                yield Entry((*path, name), section.place.id, value)
            else:
                yield Entry(path, name, {section.place.id: value})
                lists[name] = True
        for number, line in self.lines.items():
            yield from missing_steps(number, line, [section.place for section in self.sections])

    def _settings(self, section: _Section, stand_ins: Mapping[Path, str]) -> dict[str, Any]:
        version: dict[str, Any] = {"version": self.version}
        if not section.place.asks:
            version["purposes"] = list(self.owner.service_purposes)
        for (part, language), (path, _source) in section.prompts.items():
            base = stand_ins.get(path.base) or self.configured.store.relative(path.base)
            version.setdefault(place_of(part).part, {})[language] = base
        if not section.place.asks:
            return {"versions": [version]}
        options = self.values.options
        settings = {
            name: options.get(name) or usual or _BLANK for name, usual in section.section.settings.items()
        }
        keys = {section.place.keys[name]: options.get(name, _BLANK) for name in self._keys(section)}
        return {"asks": section.place.asks, **settings, "keys": keys, "versions": [version]}

    def _next(self) -> str:
        if not self.additions:
            where = () if self.file == DEFAULT_FILE else ("-c", self.file)
            return command("informativa", "check", *where)
        return typed_command(
            self.file, replace(self.request, controller=self.controller), tuple(self.unvalued)
        )


_BLANK = "…"
_BY_LANGUAGE = ("in_country", "quality")
"""The values that are words of a language."""


def _identity(problem: ConfigProblem) -> tuple[str, str]:
    return problem.key, str(problem.message)


def _copy_shipped(part: SpokenPart, language: str, path: PromptPath) -> None:
    source = shipped.folder("prompts") / language
    files = ((name, source / f"{part}.{name}") for name in ("wav", "txt"))
    write({path.file(name): file.read_bytes() for name, file in files if file.is_file()})


def _difference(file: Path, old: str, new: str) -> tuple[str, ...]:
    """Return the lines of a configuration that change, as `diff -u` has them."""
    lines = unified_diff(old.splitlines(), new.splitlines(), str(file), str(file), lineterm="", n=1)
    return tuple(lines)


def _replace_text(file: Path, text: str) -> None:
    """Write a configuration anew, as a whole or not at all. Raises InformativaError."""
    if file.is_symlink():  # replacing it would break the link
        raise InformativaError(
            Text("{file} is a link.", file=file),
            Text("Name where it leads: -c {target}", target=file.resolve()),
        )
    try:
        write_file(file, text.encode(), durable=True)
    except OSError as error:
        raise unwritten(file, error, Text("Make room on that disk, or be root.")) from error
