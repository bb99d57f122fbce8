"""Commands about prompts: speak them, take a recording, hear them, lay them out in Asterisk's formats."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from ... import shipped
from ...config import DEFAULT_FILE
from ...errors import InformativaError, SpeechError
from ...operations.controllers import known
from ...prompts import audio, formats, texts
from ...prompts.installed import measure
from ...prompts.pronunciation import TONGUES, key
from ...text import joined
from ..options import Config, Json, print_json
from ..shelf import MATERIAL, PromptPath, PromptStore, described, warnings, write
from ..words import _
from .installing import in_force
from .installing import install as install_

app = typer.Typer(help="The sound of the notices: speak, add, hear and lay out.", no_args_is_help=True)


class Part(StrEnum):
    """Which text of a version."""

    SHORT = "short"
    FULL = "full"
    SUPPLEMENT = "supplement"


Owner = Annotated[str | None, typer.Option("--controller", metavar="NAME", help="Whose notice it is.")]
OfNotice = Annotated[str, typer.Option(metavar="NAME")]
OfVersion = Annotated[
    str | None, typer.Option("--version", metavar="VERSION", help="A new one is proposed, if not given.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there and no caller has heard.")]


@app.callback()
def _group() -> None:
    pass


@app.command(name="texts")
def texts_(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")]) -> None:
    """Copy the texts that `build` speaks, to change them there: then build with --texts DIR."""
    if folder.exists():
        raise InformativaError(_("{file} is there already.", file=folder), _("Name a new folder."))
    with resources.as_file(shipped.folder("texts")) as source:
        write({folder / file.relative_to(source): file.read_bytes() for file in sorted(source.rglob("*.*"))})
    print(
        _(
            "Wrote {folder} with texts in {languages}. Next: edit them, then type:",
            folder=folder,
            languages=", ".join(sorted(TONGUES)),
        )
    )
    print(f"informativa prompts build --texts {folder} …")


@app.command()
def build(
    site: Annotated[str, typer.Option(metavar="SITE", help="Where the notice is written: acme.it")] = "",
    controller: Owner = None,
    notice: OfNotice = "privacy",
    version: OfVersion = None,
    languages: Annotated[
        str, typer.Option(metavar="it,en", help="Those of the controller's lines, if not given.")
    ] = "",
    purposes: Annotated[
        str, typer.Option(metavar="a,b", help="Those of the version in force, if not given.")
    ] = "",
    pressed: Annotated[
        str,
        typer.Option("--key", metavar="KEY", help="Plays the full text; that of the lines, if not given."),
    ] = "",
    company: Annotated[
        str, typer.Option(metavar="NAME", help="How its name is said; as configured, if not given.")
    ] = "",
    folder: Annotated[
        Path | None, typer.Option("--texts", metavar="DIR", help="Your own texts, instead of those shipped.")
    ] = None,
    force: Force = False,
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Speak the short and the full notice of a company in its languages, ready to play."""
    shelf = PromptStore(config)
    name, owner = shelf.controller(controller)
    newest = list(shelf.versions(name, notice).values())[-1]
    given = _version(version) or shelf.proposed(name, notice, datetime.now(UTC))
    wanted = _listed(languages) or _spoken_on(shelf, name)
    said = _listed(purposes) or newest.purposes
    digit = _key(shelf, name, pressed)
    source = folder or shipped.folder("texts")
    made: dict[PromptPath, tuple[dict[str, bytes], str]] = {}
    for language in wanted:
        values = {"company": company or owner.name, "site": site}
        for part in (Part.SHORT, Part.FULL):
            if language in TONGUES:
                values["key"] = key(digit, language)
            lines = texts.lines(source, language, part, values, said)
            place = shelf.place(name, notice, given, part, language)
            text = "\n".join(lines) + "\n"
            made[place] = ((not force and _kept(place, text)) or _spoken(lines, language, part), text)
    shelf.put(name, {place: files for place, (files, _text) in made.items()}, force=force)
    write({place.file("txt"): text for place, (_, text) in made.items()})
    _report(shelf, name, {place: files["wav"] for place, (files, _text) in made.items()}, said, as_json)


@app.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recording, in any format that sox reads.")],
    language: Annotated[str, typer.Option(metavar="LANGUAGE", help="What is spoken in it: it")],
    part: Annotated[Part, typer.Option(help="Which text it is.")] = Part.SHORT,
    after: Annotated[
        str, typer.Option(metavar="VERSION", help="Of a supplement: for those who know that version.")
    ] = "",
    controller: Owner = None,
    notice: OfNotice = "privacy",
    version: OfVersion = None,
    force: Force = False,
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Take a person's recording: check it, bring it to the telephone's form, put it in its place."""
    shelf = PromptStore(config)
    name = shelf.controller(controller)[0]
    newest = list(shelf.versions(name, notice).values())[-1]
    given = _version(version) or shelf.proposed(name, notice, datetime.now(UTC))
    if not re.fullmatch(r"[a-z]{2}(_[A-Z]{2})?", language):
        raise InformativaError(
            _("{language!r} is no language.", language=language), _("Give two letters: --language it")
        )
    if (part is Part.SUPPLEMENT) != bool(after):
        raise InformativaError(
            _("A supplement is for those who know a version."), "--part supplement --after 2026-11"
        )
    if after and after not in shelf.versions(name, notice):
        message = _("There is no version {name}.", name=after)
        raise InformativaError(message, known(after, shelf.versions(name, notice)))
    sound = audio.read(file)
    for doubt in audio.doubts(sound):
        print(_("warning: {warning}", warning=f"{file}: {_(doubt)}"), file=sys.stderr)
    place = shelf.place(name, notice, given, f"{part}:{after}" if after else part, language)
    files = audio.prompt(sound)
    shelf.put(name, {place: files}, force=force)
    _report(shelf, name, {place: files["wav"]}, newest.purposes, as_json)


@app.command()
def play(
    name: Annotated[
        str,
        typer.Argument(
            metavar="[NAME]",
            help="A prompt, or the end of its path: it/short; of several, that of the version in force",
        ),
    ] = "",
    only_path: Annotated[bool, typer.Option("--path", help="Only print where it is.")] = False,
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Let a prompt be heard; without NAME, list those of the configuration."""
    shelf = PromptStore(config)
    places = {place.base: place for _, place in shelf.configured()}
    if not name and as_json:
        print_json([_facts(place) for place in places.values()])
        return
    if not name:
        for base in places:
            print(_line(shelf, base))
        return
    wanted = Path(name).with_suffix("") if Path(name).suffix == ".wav" else Path(name)
    found = _meant(
        [base for base in places if base.parts[-len(wanted.parts) :] == wanted.parts], wanted, shelf
    )
    if not found and wanted.absolute().with_name(f"{wanted.name}.wav").exists():
        found = [wanted.absolute()]
    if len(found) != 1:
        what = (
            _("{name} may be one of several prompts", name=name)
            if found
            else _("There is no prompt {name}", name=name)
        )
        there = [shelf.relative(base) for base in found or places]
        raise InformativaError(f"{what}.", known("" if found else name, there))
    file = found[0].with_name(f"{found[0].name}.wav")
    if as_json:
        print_json(_facts(places.get(found[0], PromptPath("", "", "", "", found[0]))))
        return
    print(file if only_path else _line(shelf, found[0]))
    if not only_path and not _heard(file):
        print(
            _("No sound came out here (`play` is in the package sox). Hear it on a telephone, such as 100:"),
            f"asterisk -rx 'channel originate PJSIP/100 application Playback {found[0]}'",
            sep="\n",
        )


@app.command()
def install(
    wanted: Annotated[
        str,
        typer.Option("--formats", metavar="a,b", help=f"Of {', '.join(formats.FORMATS)}; all, if not given."),
    ] = "",
    sounds: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Copy them there too, for your own dialplan: /var/lib/asterisk/sounds"
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Make each prompt's missing formats beside it, so that Asterisk need not translate in every call."""
    chosen = _listed(wanted) or list(formats.FORMATS)
    if unknown := [one for one in chosen if one not in formats.FORMATS]:
        message = _("There is no format {format}.", format=unknown[0])
        raise InformativaError(message, known(unknown[0], formats.FORMATS))
    install_(PromptStore(config), [one for one in formats.FORMATS if one in chosen], sounds, dry_run, as_json)


# --- steps ---


def _meant(found: list[Path], wanted: Path, shelf: PromptStore) -> list[Path]:
    """Of prompts whose paths end alike: the one that was named in full, or those that callers hear now."""
    if len(found) < 2:
        return found
    named = [base for base in found if shelf.relative(base) == str(wanted)]
    heard = {
        place.base
        for controller, place in shelf.configured()
        if controller and place.version == in_force(shelf, controller, place.notice)
    }
    return named or [base for base in found if base in heard] or found


def _kept(place: PromptPath, text: str) -> dict[str, bytes]:
    """What is there of the same text: the engine may speak it a little differently each time."""
    wav, before = place.file("wav"), place.file("txt")
    same = wav.exists() and before.exists() and before.read_text(encoding="utf-8") == text
    return {"wav": wav.read_bytes()} if same else {}


def _spoken(lines: list[str], language: str, part: Part) -> dict[str, bytes]:
    from ...prompts.speech_engine import speak

    try:
        return audio.prompt(speak(lines, language))
    except SpeechError as error:
        raise SpeechError(joined(": ", f"{language}/{part}", error.text)) from error


def _report(
    shelf: PromptStore, controller: str, made: dict[PromptPath, bytes], purposes: list[str], as_json: bool
) -> None:
    if as_json:
        prompts = [{**_facts(place), "warnings": list(warnings(place, wav))} for place, wav in made.items()]
        print_json({"prompts": prompts, "configuration": shelf.lines(controller, list(made), purposes)})
        return
    for place, wav in made.items():
        print(described(place.file("wav"), audio.from_pcm(wav[44:], audio.NARROW)))
        for warning in warnings(place, wav):
            print(_("warning: {warning}", warning=warning), file=sys.stderr)
    first = next(iter(made))
    print(
        "\n"
        + _(
            "Next: hear it (informativa prompts play {prompt}), then write into the configuration",
            prompt=first.base,
        )
    )
    print(f"{shelf.lines(controller, list(made), purposes)}\n{_(MATERIAL)}")


def _line(shelf: PromptStore, base: Path) -> str:
    try:
        prompt = measure(base)
    except SpeechError as error:
        return f"{shelf.relative(base)}  {_(error.text)}"
    file = base.with_name(f"{base.name}.wav")
    if file.exists():
        return described(file, audio.read_wav(file))
    return f"{base}  {prompt.seconds:.1f} s"


def _facts(place: PromptPath) -> dict[str, object]:
    """One prompt for programs; `problem` is '' or says why Asterisk would not play it."""
    facts: dict[str, object] = {
        "prompt": place.base,
        "notice": place.notice,
        "version": place.version,
        "part": place.part,
        "language": place.language,
        "files": place.files(),
        "seconds": None,
        "level": None,
        "problem": "",
    }
    try:
        facts["seconds"] = round(measure(place.base).seconds, 3)
        if place.file("wav").exists():
            facts["level"] = round(audio.read_wav(place.file("wav")).level, 1)
    except SpeechError as error:
        facts["problem"] = error.text
    return facts


def _heard(file: Path) -> bool:
    program = shutil.which("play")
    if program is None or not file.exists():
        return False
    return subprocess.run([program, "-q", file], capture_output=True, check=False).returncode == 0  # noqa: S603


def _version(given: str | None) -> str:
    if given is not None and not re.fullmatch(r"(?!\.)[A-Za-z0-9._-]{1,32}", given):
        raise InformativaError(
            _("{given!r} is no version.", given=given),
            _("Give letters, digits, . _ and -: --version 2027-01"),
        )
    return given or ""


def _listed(given: str) -> list[str]:
    return [one.strip() for one in given.split(",") if one.strip()]


def _spoken_on(shelf: PromptStore, controller: str) -> list[str]:
    lines = [line for line in shelf.settings.lines.values() if line.controller == controller]
    found: Iterable[str] = (
        language for line in lines for language in (line.language, *line.languages.values(), *line.fallback)
    )
    wanted = list(dict.fromkeys(found))
    if not wanted:
        raise InformativaError(
            _("{controller} has no line that says which languages.", controller=controller),
            _("Give them: --languages it,en"),
        )
    return wanted


def _key(shelf: PromptStore, controller: str, given: str) -> str:
    if given:
        if not re.fullmatch(r"[0-9*#]", given):
            raise InformativaError(
                _("{given!r} is no key of a telephone.", given=given), _("Give one: --key 1")
            )
        return given
    keys = {line.keys.full for line in shelf.settings.lines.values() if line.controller == controller}
    if len(keys) != 1:
        raise InformativaError(
            _("{controller} has no one key for the full text.", controller=controller),
            _("Give the one to say: --key 1"),
        )
    return keys.pop()
