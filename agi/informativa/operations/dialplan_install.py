"""Installation of the dialplan into Asterisk's folder, and what its owner has to add to the files there."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ..asterisk.extensions_conf import Reading, SourceLine, read
from ..config import Configuration, load
from ..errors import InformativaError
from ..files import put
from ..text import Foreign, Text
from .controller_state import not_live
from .dialplan import RELOAD, freepbx_context, link_script, owner_in_asterisks_folder, render
from .doctor import installation, ports, users

FILE = "informativa.conf"
INCLUDE = f"#tryinclude {FILE}"
CALL = " same => n,GosubIf($[${DIALPLAN_EXISTS(informativa,s,1)}]?informativa,s,1(${EXTEN}))"
TARGET = "informativa-freepbx,s,1"  # of a Custom Destination in FreePBX, which returns
_MARK = b"; informativa:"  # the beginning of the file that informativa writes


class State(Enum):
    """The state of informativa's file in Asterisk's folder."""

    WRITTEN = "written"
    UP_TO_DATE = "up to date"
    TO_BE_WRITTEN = "to be written"
    REMOVED = "removed"
    TO_BE_REMOVED = "to be removed"
    ABSENT = "absent"


@dataclass(frozen=True)
class Installed:
    """The state of informativa's file in Asterisk's folder after `install`."""

    file: Path
    state: State
    owner: str
    """User and group as chown writes them; '' where there is no file yet."""
    freepbx: bool
    """True if FreePBX was found or named."""
    add_to: Path
    """The file to add text to."""
    add: str
    """The text to add; '' if nothing is missing."""
    included: tuple[SourceLine, ...]
    """The lines of Asterisk's files that include the file."""
    commented_out: tuple[SourceLine, ...]
    """The lines that would include it and are comments."""
    called: tuple[SourceLine, ...]
    """The lines that call it."""
    warnings: tuple[Text, ...]


@dataclass(frozen=True)
class Uninstalled:
    """The state of informativa's file in Asterisk's folder after `uninstall`."""

    file: Path
    state: State
    included: tuple[SourceLine, ...]
    """The lines of Asterisk's files that still include the file, which has no effect then."""
    called: tuple[SourceLine, ...]
    """The lines that still call it, which has no effect then."""


def install(config: Path, to: Path, *, freepbx: bool = False, dry_run: bool = False) -> Installed:
    """Put the dialplan for this configuration into Asterisk's folder, and change nothing else there; with
    `dry_run` only tell what would be done. FreePBX is detected. Raises InformativaError."""
    configuration = load(config, keep=True)
    text, secret = render(configuration).encode(), bool(configuration.tokens)
    folder = to.absolute()
    file, unchanged = folder / FILE, _unchanged(folder, text, secret=secret)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InformativaError(
            Text("{folder} cannot be written.", folder=folder), Text("Be root, or type `sudo` before it.")
        )
    link_warnings = [] if dry_run else link_script(configuration)
    if not dry_run and not unchanged:
        _write(file, text, configuration, secret=secret)
    reading = read(folder / "extensions.conf", file, "informativa,s,1")
    freepbx = freepbx or (folder / "extensions_additional.conf").exists()
    return Installed(
        file,
        State.UP_TO_DATE if unchanged else State.TO_BE_WRITTEN if dry_run else State.WRITTEN,
        _owner(file),
        freepbx,
        folder / ("extensions_custom.conf" if freepbx else "extensions.conf"),
        _missing(reading, freepbx=freepbx),
        tuple(reading.included),
        tuple(reading.commented_out),
        tuple(reading.called),
        (
            *link_warnings,
            *not_live(configuration),
            *(finding.whole for finding in ports.neighbours(configuration, folder)),
            *installation.out_of_reach(configuration),
            *_doubtful(reading),
        ),
    )


def uninstall(to: Path, *, dry_run: bool = False) -> Uninstalled:
    """Delete the file from Asterisk's folder, and change nothing else there; with `dry_run` only tell what
    would be done. Raises InformativaError, also where a call would end without the file."""
    folder = to.absolute()
    _require(folder)
    file = folder / FILE
    present, reading = _ours(file) is not None, read(folder / "extensions.conf", file, "informativa,s,1")
    if reading.unguarded:
        raise InformativaError(
            Text(
                "{place} calls it without asking whether it is there: without it such a call would end.",
                place=reading.unguarded[0],
            ),
            Text("Take that line out, and type: {command}. Then type the same again.", command=RELOAD),
        )
    if present and not dry_run:
        try:
            file.unlink()
        except OSError as error:
            reason = Foreign(error.strerror or "")
            raise InformativaError(
                Text("{file} cannot be deleted ({why}).", file=file, why=reason), Text("Be root.")
            ) from error
    state = State.ABSENT if not present else State.TO_BE_REMOVED if dry_run else State.REMOVED
    return Uninstalled(file, state, tuple(reading.included), tuple(reading.called))


def standing(configuration: Configuration, folder: Path) -> State | None:
    """Return the state of informativa's file in Asterisk's folder, `None` where there is none. Raises
    InformativaError for another folder than Asterisk's, and for a file there that informativa did not
    write."""
    text, secret = render(configuration).encode(), bool(configuration.tokens)
    unchanged = _unchanged(folder, text, secret=secret)
    if unchanged:
        return State.UP_TO_DATE
    return State.TO_BE_WRITTEN if (folder / FILE).exists() else None


def _unchanged(folder: Path, text: bytes, *, secret: bool) -> bool:
    """Return whether the file is there as it would be written."""
    _require(folder)
    file = folder / FILE
    return _ours(file) == text and not (secret and file.stat().st_mode & 0o007)


def _require(folder: Path) -> None:
    """Raise InformativaError unless it is Asterisk's folder: its extensions.conf is in it."""
    if not folder.is_dir():
        raise InformativaError(
            Text("There is no folder {folder}.", folder=folder),
            Text("Name the one of Asterisk's extensions.conf: --to DIR"),
        )
    try:
        (folder / "extensions.conf").stat()
    except OSError as error:
        raise InformativaError(
            Text(
                "{folder} has no extensions.conf that can be read ({why}), so it is not Asterisk's folder.",
                folder=folder,
                why=Foreign(error.strerror or ""),
            ),
            Text("Name that one: --to DIR"),
        ) from error


def _ours(target: Path) -> bytes | None:
    """Return the content of the file, None where there is none. Raises InformativaError if informativa did
    not write it."""
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(target, error) from error
    if not stat.S_ISREG(mode):
        kind = Text("a link") if stat.S_ISLNK(mode) else Text("no file")
        raise InformativaError(
            Text("{file} is {kind}, and informativa did not make it.", file=target, kind=kind),
            _aside(target),
        )
    try:
        text = target.read_bytes()
    except OSError as error:
        raise _unreadable(target, error) from error
    if not text.startswith(_MARK):
        raise InformativaError(
            Text("{file} was not made by informativa.", file=target),
            _aside(target),
        )
    return text


def _aside(file: Path) -> Text:
    return Text(
        "Type: mv {file} {file}.aside, then the same again; or: informativa dialplan -o FILE", file=file
    )


def _unreadable(file: Path, error: OSError) -> InformativaError:
    return InformativaError(
        Text("{file} cannot be read ({why}).", file=file, why=Foreign(error.strerror or "")),
        Text("Be root."),
    )


def _write(file: Path, text: bytes, configuration: Configuration, *, secret: bool) -> None:
    try:
        put(file, text, owner_in_asterisks_folder(file, configuration), secret=secret)
    except OSError as error:
        raise InformativaError(
            Text("{file} cannot be written ({why}).", file=file, why=Foreign(error.strerror or "")),
            Text("Make room on that disk, or be root."),
        ) from error


def _owner(file: Path) -> str:
    try:
        status = file.stat()
    except FileNotFoundError:
        return ""
    return f"{users.name(status.st_uid)}:{users.group(status.st_gid)}"


def _missing(reading: Reading, *, freepbx: bool) -> str:
    """Return the text to add to Asterisk's files, '' if all of it is there."""
    needs_context = freepbx and "informativa-freepbx" not in reading.contexts
    context = f"{freepbx_context()}\n\n" if needs_context else ""
    return (context + ("" if reading.included else INCLUDE)).strip()


def _doubtful(reading: Reading) -> Iterator[Text]:
    """Return warnings about lines of Asterisk's files by which the dialplan does not work as it should."""
    for place in reading.commented_out if not reading.included else ():
        yield Text("{place} has the line, but as a comment", place=place)
    for repetition in reading.included[1:]:
        yield Text("{place} includes it once more; take that out", place=repetition)
    for name in ("informativa", "informativa-lines"):
        if name in reading.contexts:
            yield Text(
                "{place} has a context [{name}] of its own, which Asterisk would mix with ours",
                place=reading.contexts[name],
                name=name,
            )
    for file in reading.unreadable:
        yield Text("{file} could not be read, so what it includes is not known", file=file)
