"""Laying the prompts out in the formats that Asterisk's channels speak."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from .. import bootstrap
from ..config.prompts import measure
from ..errors import SpeechError
from ..speech.formats import FORMATS
from .options import print_json
from .shelf import Place, Shelf, write


def install(shelf: Shelf, wanted: list[str], sounds: Path | None, dry_run: bool, as_json: bool) -> None:
    """Make what is missing beside each prompt, and copy all to `sounds` if given; say what was done."""
    say = _nothing if as_json else print
    if sounds is not None and not sounds.is_dir():
        remedy = "Name Asterisk's own: --sounds /var/lib/asterisk/sounds"
        raise SpeechError(f"There is no folder {sounds}.", remedy)
    done: list[Path] = []
    cannot: dict[str, SpeechError] = {}
    bases: dict[Path, tuple[str, Place]] = {}
    for controller, place in shelf.configured():
        bases.setdefault(place.base, (controller, place))
    for controller, place in bases.values():
        if not place.file("wav").exists():
            print(f"warning: {place.file('wav')} is not there, so nothing is made of it", file=sys.stderr)
            continue
        for extension in wanted:
            file = place.file(extension)
            if file.exists() or extension in cannot:
                continue
            say(f"{'would make' if dry_run else 'making'} {file}")
            if dry_run:
                done.append(file)
                continue
            try:
                _make(shelf, controller, place, extension)
                done.append(file)
            except SpeechError as error:
                cannot[extension] = error
                print(f"warning: {error}", file=sys.stderr)
    if sounds is not None:
        done += _copy(shelf, sounds, say, dry_run=dry_run)
    if as_json:
        print_json({"done": not dry_run, "prompts": len(bases), "files": done, "not_made": list(cannot)})
    elif not dry_run:
        say(f"{len(bases)} prompts, {len(done)} files made.")
    if cannot:
        raise SpeechError(
            f"Not made: {', '.join(cannot)}.", "Asterisk translates in every call that wants one of these."
        )


def _make(shelf: Shelf, controller: str, place: Place, extension: str) -> None:
    """One format of one prompt, measured before it is put in its place."""
    wide = place.file("sln16")
    source = wide if extension == "g722" and wide.exists() else place.file("wav")
    with tempfile.TemporaryDirectory() as private:
        made = Path(private) / f"made.{extension}"
        FORMATS[extension](source, made)
        shutil.copy(place.file("wav"), made.with_suffix(".wav"))
        try:
            measure(made.with_suffix(""))
        except ValueError as error:
            raise SpeechError(f"{place.file(extension)} came out wrong: {error}.") from None
        content = made.read_bytes()
    known = place.recording(place.file(extension), hashlib.sha256(content).hexdigest())
    if controller and bootstrap.served_otherwise(shelf.ledger(controller), [known]):
        raise SpeechError(
            f"{known.file} would differ from the one that version {place.version} was served with.",
            "Put that one back.",
        )
    write({place.file(extension): content})


def _nothing(_text: str) -> None:
    """Say nothing: the facts come at the end."""


def _copy(shelf: Shelf, sounds: Path, say: Callable[[str], None], *, dry_run: bool) -> list[Path]:
    """The version in force of each notice, to be played in the channel's language as
    `Playback(informativa/acme/privacy-short)`; the files."""
    done: list[Path] = []
    for controller, place in shelf.configured():
        if place.part not in ("short", "full") or place.version != _in_force(shelf, controller, place.notice):
            continue
        base = sounds / place.language / "informativa" / controller / f"{place.notice}-{place.part}"
        there = Place(place.notice, place.version, place.part, place.language, base)
        for stale in {*there.files()} - {there.file(file.suffix[1:]) for file in place.files()}:
            say(f"{'would delete' if dry_run else 'deleting'} {stale}, of another version")
            if not dry_run:
                stale.unlink()
        for file in place.files():
            target = there.file(file.suffix[1:])
            if target.exists() and target.read_bytes() == file.read_bytes():
                continue
            say(f"{'would copy' if dry_run else 'copying'} {file} to {target}")
            done.append(target)
            if not dry_run:
                write({target: file.read_bytes()})
    return done


def _in_force(shelf: Shelf, controller: str, notice: str) -> str:
    now = datetime.now(UTC)
    versions = list(shelf.versions(controller, notice).values())
    begun = [version for version in versions if version.starts is None or version.starts <= now]
    return (begun or versions[:1])[-1].version
