"""Where prompts stand beside a configuration: finding them, and putting new ones there without harm."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .. import bootstrap
from ..config.build import draft
from ..config.messages import unknown
from ..config.notices import LONGEST_SHORT
from ..config.schema import ControllerSettings, VersionSettings
from ..errors import InformativaError, SpeechError
from ..files import make_folder, put
from ..model import Recording
from ..prompts.audio import NARROW, Sound, from_pcm, stands_out
from ..prompts.installed import EXTENSIONS
from ..text import Text
from .words import _

MATERIAL = Text("""\
material: leave it false for another wording or another voice: who knows the notice is not told again.
Say true when what changed matters to callers (who gets the data, for how long): all who know an older
version hear this one once. A purpose that a caller was not told makes the notice due by itself.""")


@dataclass(frozen=True)
class PromptPath:
    """Where one prompt belongs, and the file for it, without extension."""

    notice: str
    version: str
    part: str
    language: str
    base: Path

    def file(self, extension: str) -> Path:
        """The sound file in one format."""
        return self.base.with_name(f"{self.base.name}.{extension}")

    def files(self) -> list[Path]:
        """The sound files that are there."""
        return [file for extension in EXTENSIONS if (file := self.file(extension)).exists()]

    def recording(self, file: Path, sha256: str) -> Recording:
        """What the ledger knows a file as."""
        place = (self.notice, self.version, self.part, self.language, file.suffix[1:])
        return Recording(place, str(file), sha256)


class PromptStore:
    """The prompts of a configuration, which need not be there yet."""

    def __init__(self, file: Path) -> None:
        self.settings = draft(file)[1]
        self.folder = file.absolute().parent

    def controller(self, name: str | None) -> tuple[str, ControllerSettings]:
        """The one that was named, or the only one. Raises InformativaError with those that there are."""
        there = self.settings.controllers
        if name is None and len(there) > 1:
            raise InformativaError(
                _("There are several controllers."),
                _("Name one: --controller {name}", name=min(there)),
            )
        name = name or next(iter(there))
        if name not in there:
            raise InformativaError(_sentence(unknown(Text("controller"), name, there)))
        return name, there[name]

    def versions(self, controller: str, notice: str) -> dict[str, VersionSettings]:
        """By id, the oldest first. Raises InformativaError for a notice that there is not."""
        notices = self.settings.controllers[controller].notices
        if notice not in notices:
            raise InformativaError(_sentence(unknown(Text("notice"), notice, notices)))
        return {version.version: version for version in notices[notice].versions}

    def proposed(self, controller: str, notice: str, now: datetime) -> str:
        """An id for the next version: the month, with a letter if that has one."""
        known = self.versions(controller, notice)
        month = f"{now:%Y-%m}"
        return _next(month, known) if month in known else month

    def place(self, controller: str, notice: str, version: str, part: str, language: str) -> PromptPath:
        """Each version in a folder of its own, because the recordings of older ones stay evidence."""
        folder = self.folder / "prompts" / controller / f"{notice}-{version}" / language
        return PromptPath(notice, version, part, language, folder / part.replace(":", "-"))

    def ledger(self, controller: str) -> Path:
        """The controller's ledger, which need not be there."""
        return self.folder / self.settings.controllers[controller].ledger

    def configured(self) -> Iterator[tuple[str, PromptPath]]:
        """Every prompt that the configuration names, by controller; the fallback prompt as nobody's."""
        for name, controller in self.settings.controllers.items():
            for notice, given in controller.notices.items():
                for version in given.versions:
                    parts: dict[str, Mapping[str, str]] = {"short": version.short, "full": version.full}
                    parts |= {f"supplement:{old}": said for old, said in version.supplements.items()}
                    for part, prompts in parts.items():
                        for language, path in prompts.items():
                            yield (
                                name,
                                PromptPath(notice, version.version, part, language, self.folder / path),
                            )
        if self.settings.fallback_prompt:
            yield "", PromptPath("", "", "fallback", "", self.folder / self.settings.fallback_prompt)

    def relative(self, base: Path) -> str:
        """A path as the configuration writes it."""
        return str(base.relative_to(self.folder) if base.is_relative_to(self.folder) else base)

    def put(self, controller: str, made: Mapping[PromptPath, Mapping[str, bytes]], *, force: bool) -> None:
        """Put recordings in their places, all or none, and take their other formats away.

        Raises SpeechError if callers heard another one under its version, or one is there and not `force`.
        """
        changed = {
            place: {place.file(extension): content for extension, content in files.items()}
            for place, files in made.items()
        }
        for place, files in list(changed.items()):
            if all(file.exists() and file.read_bytes() == content for file, content in files.items()):
                del changed[place]  # and the formats beside it are still of the same recording
        for place, files in changed.items():
            self._admit(controller, place, files, force=force)
        for place, files in changed.items():
            write(files)
            for stale in set(place.files()) - set(files):
                stale.unlink()

    def _admit(self, controller: str, place: PromptPath, new: Mapping[Path, bytes], *, force: bool) -> None:
        there = place.files()
        recordings = [
            place.recording(file, hashlib.sha256(content).hexdigest()) for file, content in new.items()
        ]
        recordings += [place.recording(file, "") for file in there if file not in new]
        if bootstrap.served_otherwise(self.ledger(controller), recordings):
            free = _next(place.version, self.versions(controller, place.notice))
            raise SpeechError(
                _(
                    "Callers heard another {part} notice in {language} of version {version}.",
                    part=place.part,
                    language=place.language,
                    version=place.version,
                ),
                _(
                    "The ledger points at it, so give the new one a version of its own: --version {free}",
                    free=free,
                ),
            )
        if there and not force:
            raise SpeechError(
                _("{file} is there already.", file=there[0]),
                _("Give another --version, or --force to replace it."),
            )

    def lines(self, controller: str, places: list[PromptPath], purposes: list[str]) -> str:
        """What to write into the configuration, with the indentation that it has there."""
        first = places[0]
        known = self.versions(controller, first.notice).get(first.version)
        where = f"controllers.{controller}.notices.{first.notice}.versions"
        if known:
            head = [_("# in {where}, at version {version}:", where=where, version=first.version)]
        else:
            head = [
                _("# at the end of {where}:", where=where),
                f'          - version: "{first.version}"',
                f"            purposes: [{', '.join(purposes)}]",
                "            material: false",
            ]
        for part in dict.fromkeys(place.part for place in places):
            name, after = (*part.split(":"), "")[:2]  # supplement:VERSION
            head.append(f"            {'supplements' if after else name}:")
            paths = [(place.language, self.relative(place.base)) for place in places if place.part == part]
            if after:
                head += [f'              "{after}": {{{", ".join(": ".join(pair) for pair in paths)}}}']
            else:
                head += [f"              {language}: {path}" for language, path in paths]
        return "\n".join(head)


def write(files: Mapping[Path, bytes | str]) -> None:
    """Write each file as a whole, readable by Asterisk; by root, for the owner of the folder around it."""
    for file, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        try:
            make_folder(file.parent)
            put(file, data, for_folders_owner=True)
        except OSError as error:
            raise SpeechError(
                _(
                    "{file} cannot be written ({why}).",
                    file=error.filename or file,
                    why=_.foreign(error.strerror or ""),
                ),
                _("Run this as the user whose folder it is, or as root."),
            ) from error


def warnings(place: PromptPath, wav: bytes) -> Iterator[str]:
    """What an admin should think about before callers hear this."""
    sound = from_pcm(wav[44:], NARROW)
    if place.part != "full" and sound.seconds > LONGEST_SHORT:
        yield (
            _(
                "{name} in {language} lasts {seconds:.0f} s; callers hang up on more than"
                " {longest:.0f} s: shorten the text, and leave the rest to the full one",
                name=place.base.name,
                language=place.language,
                seconds=sound.seconds,
                longest=LONGEST_SHORT,
            )
        )
    yield from (f"{place.file('wav')} {_(fault)}" for fault in stands_out(sound))


def described(file: Path, sound: Sound) -> str:
    """A file with its length and level, for an admin to read."""
    return _(
        "{file}  {seconds:.1f} s, speech at {level:.0f} dBov, peak {peak:.0f}",
        file=file,
        seconds=sound.seconds,
        level=sound.level,
        peak=sound.peak,
    )


def _next(version: str, known: Mapping[str, object]) -> str:
    """`2026-11-b` after `2026-11`, if that is free."""
    stem, _dash, letter = version.rpartition("-")
    if not (stem and len(letter) == 1 and "b" <= letter < "z"):
        stem, letter = version, "a"
    return next(one for c in range(ord(letter) + 1, ord("z") + 2) if (one := f"{stem}-{chr(c)}") not in known)


def _sentence(what: Text) -> str:
    text = _(what)
    return text[:1].upper() + text[1:] + ("" if text.endswith("?") else ".")
