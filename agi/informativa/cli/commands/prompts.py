"""`informativa prompts`: speak them, take a recording, hear them, lay them out in Asterisk's formats."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...model.text import Text
from ...operations.prompts import installing, making, showing, taking
from ...operations.prompts.making import PromptsMade, PromptTarget, Speech
from ...operations.prompts.parts import WHOLE_NOTICE, PromptPart, SpokenPart
from ...operations.prompts.spoken_values import GivenValues
from ...operations.prompts.taking import Take
from ...prompts.formats import FORMATS
from ...views.text import prompts as view
from ..options import Config, Json, print_document
from ..words import _

app = typer.Typer(help="The sound of the notices: speak, add, hear and lay out.", no_args_is_help=True)

Owner = Annotated[str | None, typer.Option("--controller", metavar="NAME", help="Whose notice it is.")]
OfNotice = Annotated[str, typer.Option(metavar="NAME", help="The notice, or the choice.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="A value that the text says: contact=…, or it.contact=… for one language alone.",
    ),
]
After = Annotated[
    str, typer.Option(metavar="VERSION", help="Of a supplement: for those who know that version.")
]
OfVersion = Annotated[
    str | None, typer.Option("--version", metavar="VERSION", help="A new one is proposed, if not given.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there and no caller has heard.")]


def add_to(program: typer.Typer) -> None:
    """Give the program the group `prompts`."""
    program.add_typer(app, name="prompts")


@app.command()
def texts(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")]) -> None:
    """Copy the texts that `build` speaks, to change them there: then build with --texts DIR."""
    print("\n".join(view.texts_copied(folder, making.copy_texts(folder), _)))


@app.command()
def build(
    site: Annotated[str, typer.Option(metavar="SITE", help="Where the notice is written: acme.it")] = "",
    controller: Owner = None,
    notice: Annotated[
        str, typer.Option(metavar="NAME", help="That to which the text belongs, if not given.")
    ] = "",
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
    spoken_name: Annotated[
        str,
        typer.Option("--company", metavar="NAME", help="How its name is said; as configured, if not given."),
    ] = "",
    folder: Annotated[
        Path | None, typer.Option("--texts", metavar="DIR", help="Your own texts, instead of those shipped.")
    ] = None,
    part: Annotated[
        SpokenPart | None,
        typer.Option(help="Only this text; those of a whole privacy notice, if not given."),
    ] = None,
    after: After = "",
    settings: Settings = None,
    force: Force = False,
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Speak the notice of a company in its languages, ready to play: the short one, that which names no key
    for where none is heard, and the full one; or one of the other texts."""
    values = GivenValues.parsed(settings or ())
    parts = (part,) if part else WHOLE_NOTICE
    speech = Speech(
        site, spoken_name, _words(languages), _words(purposes), pressed, folder, parts, after, values
    )
    target = PromptTarget(controller, notice, version, force)
    result = making.build(config, target, speech)
    for caution in result.warnings if not as_json else ():
        _warn(caution)
    _show(result, config, as_json)


@app.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recording: WAV, FLAC, MP3 or Ogg.")],
    language: Annotated[str, typer.Option(metavar="LANGUAGE", help="What is spoken in it: it")],
    part: Annotated[PromptPart, typer.Option(help="Which text it is.")] = PromptPart.SHORT,
    after: After = "",
    controller: Owner = None,
    notice: OfNotice = "privacy",
    version: OfVersion = None,
    text: Annotated[
        Path | None,
        typer.Option(
            "--text", metavar="FILE", help="The words that were read; those of `build`, if not given."
        ),
    ] = None,
    settings: Settings = None,
    recogniser: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A Whisper model that hears whether these words are said."),
    ] = None,
    force: Force = False,
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Take a person's recording of a notice or choice: check it, bring it to the telephone's form, put it in
    its place."""
    target = PromptTarget(controller, notice, version, force)
    values = GivenValues.parsed(settings or ())
    take = Take(file, language, part, after, text, values, recogniser)
    _show(taking.add(config, target, take, _warn), config, as_json)


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
    result = (
        showing.Prompts((showing.find_prompt(config, name),)) if name else showing.configured_prompts(config)
    )
    if as_json:
        print_document(result)
        return
    for prompt in result.prompts:
        print(prompt.wav if name and only_path else view.summary(prompt, config, _))
        if name and not only_path and not showing.play(prompt):
            print("\n".join(view.how_to_hear(prompt, _)))


@app.command()
def install(
    formats: Annotated[
        str, typer.Option("--formats", metavar="a,b", help=f"Of {', '.join(FORMATS)}; all, if not given.")
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

    def show(step: installing.InstallStep) -> None:
        if not as_json:
            print(view.step(step, _, dry_run=dry_run))

    result = installing.install(config, _words(formats), sounds, dry_run=dry_run, step=show, warn=_warn)
    if as_json:
        print_document(result)
    elif result.done:
        print(view.prompts_installed(result, _))
    if result.failure:
        print(f"informativa: {_(result.failure.text)}", file=sys.stderr)
        raise typer.Exit(1)


def _show(result: PromptsMade, config: Path, as_json: bool) -> None:
    if as_json:
        print_document(result)
        return
    for prompt in result.prompts:
        print(view.summary(prompt, config, _))
        for warning in prompt.warnings:
            _warn(warning)
    print("\n".join(view.prompts_made(result, _)))


def _warn(warning: Text) -> None:
    print(_("warning: {warning}", warning=warning), file=sys.stderr)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
