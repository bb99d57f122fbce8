"""Laying the prompts out in the formats that Asterisk's channels speak."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from ... import bootstrap
from ...config.controllers import begins, zone
from ...errors import SpeechError
from ...prompts.formats import FORMATS
from ...prompts.installed import measure
from ...text import clause
from ..options import print_json, silent
from ..shelf import PromptPath, PromptStore, write
from ..words import _


def install(shelf: PromptStore, wanted: list[str], sounds: Path | None, dry_run: bool, as_json: bool) -> None:
    """Make what is missing beside each prompt, and copy all to `sounds` if given; say what was done."""
    say = silent if as_json else print
    if sounds is not None and not sounds.is_dir():
        remedy = _("Name Asterisk's own: --sounds /var/lib/asterisk/sounds")
        raise SpeechError(_("There is no folder {folder}.", folder=sounds), remedy)
    done: list[Path] = []
    cannot: dict[str, SpeechError] = {}
    bases: dict[Path, tuple[str, PromptPath]] = {}
    for controller, place in shelf.configured():
        bases.setdefault(place.base, (controller, place))
    for controller, place in bases.values():
        if not place.file("wav").exists():
            print(
                _("warning: {file} is not there, so nothing is made of it", file=place.file("wav")),
                file=sys.stderr,
            )
            continue
        for extension in wanted:
            file = place.file(extension)
            if file.exists() or extension in cannot:
                continue
            say((_("would make {file}") if dry_run else _("making {file}")).format(file=file))
            if dry_run:
                done.append(file)
                continue
            try:
                _make(shelf, controller, place, extension)
                done.append(file)
            except SpeechError as error:
                cannot[extension] = error
                print(_("warning: {warning}", warning=error), file=sys.stderr)
    if sounds is not None:
        done += _copy(shelf, sounds, say, dry_run=dry_run)
    if as_json:
        print_json({"done": not dry_run, "prompts": len(bases), "files": done, "not_made": list(cannot)})
    elif not dry_run:
        prompts = _.counted("{count} prompt", "{count} prompts", len(bases), count=len(bases))
        files = _.counted("{count} file made", "{count} files made", len(done), count=len(done))
        say(f"{prompts}, {files}.")
    if cannot:
        raise SpeechError(
            _("Not made: {formats}.", formats=", ".join(cannot)),
            _("Asterisk translates in every call that wants one of these."),
        )


def _make(shelf: PromptStore, controller: str, place: PromptPath, extension: str) -> None:
    """One format of one prompt, measured before it is put in its place."""
    wide = place.file("sln16")
    source = wide if extension == "g722" and wide.exists() else place.file("wav")
    with tempfile.TemporaryDirectory() as private:
        made = Path(private) / f"made.{extension}"
        FORMATS[extension](source, made)
        shutil.copy(place.file("wav"), made.with_suffix(".wav"))
        try:
            measure(made.with_suffix(""))
        except SpeechError as error:
            raise SpeechError(
                _("{file} came out wrong: {error}.", file=place.file(extension), error=clause(error.text))
            ) from None
        content = made.read_bytes()
    known = place.recording(place.file(extension), hashlib.sha256(content).hexdigest())
    if controller and bootstrap.served_otherwise(shelf.ledger(controller), [known]):
        raise SpeechError(
            _(
                "{file} would differ from the one that version {version} was served with.",
                file=known.file,
                version=place.version,
            ),
            _("Put that one back."),
        )
    write({place.file(extension): content})


def _copy(shelf: PromptStore, sounds: Path, say: Callable[[str], None], *, dry_run: bool) -> list[Path]:
    """The version in force of each notice, to be played in the channel's language as
    `Playback(informativa/acme/privacy-short)`; the files."""
    done: list[Path] = []
    for controller, place in shelf.configured():
        if place.part not in ("short", "full") or place.version != in_force(shelf, controller, place.notice):
            continue
        base = sounds / place.language / "informativa" / controller / f"{place.notice}-{place.part}"
        there = PromptPath(place.notice, place.version, place.part, place.language, base)
        for stale in {*there.files()} - {there.file(file.suffix[1:]) for file in place.files()}:
            message = (
                _("would delete {file}, of another version")
                if dry_run
                else _("deleting {file}, of another version")
            )
            say(message.format(file=stale))
            if not dry_run:
                stale.unlink()
        for file in place.files():
            target = there.file(file.suffix[1:])
            if target.exists() and target.read_bytes() == file.read_bytes():
                continue
            message = _("would copy {file} to {target}") if dry_run else _("copying {file} to {target}")
            say(message.format(file=file, target=target))
            done.append(target)
            if not dry_run:
                write({target: file.read_bytes()})
    return done


def in_force(shelf: PromptStore, controller: str, notice: str) -> str:
    """The version of a notice that callers hear now."""
    now = datetime.now(UTC)
    own = zone(shelf.settings.controllers[controller].time_zone)
    versions = list(shelf.versions(controller, notice).values())
    begun = [version for version in versions if (begins(version.starts, own) or now) <= now]
    return (begun or versions[:1])[-1].version
