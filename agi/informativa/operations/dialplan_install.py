"""Installation of the dialplan into Asterisk's folder, and what its owner has to add to the files there."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..asterisk.extensions_conf import IncludeReport, SourceLine, read
from ..config import Configuration, load_usable
from ..model.errors import InformativaError
from ..model.text import Foreign, Text
from ..system.files import write_file
from .controller_state import not_live
from .dialplan import RELOAD, freepbx_context, link_script, mute, owner_in_asterisks_folder, render
from .doctor import installation, ports, users
from .document import Sentence
from .generated import unwritten

FILE = "informativa.conf"
INCLUDE = f"#tryinclude {FILE}"
STEP = "GosubIf($[${DIALPLAN_EXISTS(informativa,s,1)}]?informativa,s,1(${EXTEN}))"
CALL = f" same => n,{STEP}"
TARGET = "informativa-freepbx,s,1"  # of a Custom Destination in FreePBX, which returns
ISSABEL = Text(
    "Issabel's Custom Destinations do not return: by hand, give each place that callers are to reach a"
    " context of its own, which calls informativa-freepbx, and lead the inbound routes to it:"
    " docs/other-pbxs.md"
)
"""The step that is left to do by hand on an Issabel."""
MARK = b"; informativa:"  # the beginning of the file that informativa writes


@dataclass(frozen=True)
class CustomDestination:
    """A Custom Destination to enter in FreePBX, under Admin, Custom Destinations."""

    target: str
    """Its Target."""
    returns: bool
    """Its Return: whether the call then goes on to the destination named there."""


@dataclass(frozen=True)
class DialplanInstalled:
    """The state of informativa's file in Asterisk's folder, and the steps that are left to do."""

    file: Path
    """Its path, there or to be."""
    written: bool
    """True if it was written now."""
    up_to_date: bool
    """True if it is now as the configuration wants it."""
    owner: str | None
    """Its user and group, as chown writes them; null where there is no file yet."""
    custom_destination: CustomDestination | None
    """The Custom Destination to enter in FreePBX, where that is found or was named."""
    add_to: Path
    """The file that the line which includes it belongs into."""
    add: str | None
    """The text to be added at the end of that; null if nothing is missing."""
    included: tuple[SourceLine, ...]
    """Lines of Asterisk's files that include it."""
    commented_out: tuple[SourceLine, ...]
    """Lines that would include it, but are comments."""
    called: tuple[SourceLine, ...]
    """Lines that call it."""
    warnings: tuple[Sentence, ...]
    """Reasons why it may not work as it should."""
    next: tuple[str, ...]
    """Commands to type then, in this order."""


@dataclass(frozen=True)
class DialplanUninstalled:
    """The state of informativa's file in Asterisk's folder after its removal, and the steps left to do."""

    file: Path
    """Its path, now or before."""
    removed: bool
    """True if it was deleted now."""
    there: bool
    """True if it is there now."""
    included: tuple[SourceLine, ...]
    """Lines of Asterisk's files that include it, which do nothing without it."""
    called: tuple[SourceLine, ...]
    """Lines that call it, which do nothing without it."""
    next: tuple[str, ...]
    """Commands to type then, in this order."""


def install(config: Path, to: Path, *, freepbx: bool = False, dry_run: bool = False) -> DialplanInstalled:
    """Put the dialplan for this configuration into Asterisk's folder, and change nothing else there; with
    `dry_run` only tell what would be done. FreePBX is detected. Raises InformativaError."""
    configuration = load_usable(config, keep=True)
    folder, secret = to.absolute(), bool(configuration.tokens)
    text = render(configuration, folder / FILE).encode()
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
    issabel = freepbx and is_issabel(folder)
    return DialplanInstalled(
        file=file,
        written=not unchanged and not dry_run,
        up_to_date=unchanged or not dry_run,
        owner=_owner(file),
        custom_destination=CustomDestination(TARGET, returns=True) if freepbx and not issabel else None,
        add_to=folder / ("extensions_custom.conf" if freepbx else "extensions.conf"),
        add=missing(reading, freepbx=freepbx),
        included=tuple(reading.included),
        commented_out=tuple(reading.commented_out),
        called=tuple(reading.called),
        warnings=(
            *([ISSABEL] if issabel else []),
            *link_warnings,
            *not_live(configuration),
            *mute(configuration, text.decode()),
            *(finding.sentence for finding in ports.neighbours(configuration, folder)),
            *installation.out_of_reach(configuration),
            *_doubtful(reading),
        ),
        next=(RELOAD,),
    )


def uninstall(to: Path, *, dry_run: bool = False) -> DialplanUninstalled:
    """Delete the file from Asterisk's folder, and change nothing else there; with `dry_run` only tell what
    would be done. Raises InformativaError, also where a call would end without the file."""
    folder = to.absolute()
    _require(folder)
    file = folder / FILE
    present, reading = (
        _own_content(file) is not None,
        read(folder / "extensions.conf", file, "informativa,s,1"),
    )
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
    return DialplanUninstalled(
        file=file,
        removed=present and not dry_run,
        there=present and dry_run,
        included=tuple(reading.included),
        called=tuple(reading.called),
        next=(RELOAD,),
    )


def is_up_to_date(configuration: Configuration, folder: Path) -> bool | None:
    """Return whether informativa's file in Asterisk's folder is as `install` would write it; `None` where
    there is none. Raises InformativaError for another folder than Asterisk's, and for a file there that
    informativa did not write."""
    text, secret = render(configuration, folder / FILE).encode(), bool(configuration.tokens)
    if _unchanged(folder, text, secret=secret):
        return True
    return False if (folder / FILE).exists() else None


def write(file: Path, text: str, configuration: Configuration) -> None:
    """Write a text, as `install` does, in the place of the file that informativa wrote. Raises
    InformativaError."""
    _own_content(file)
    _write(file, text.encode(), configuration, secret=bool(configuration.tokens))


def _unchanged(folder: Path, text: bytes, *, secret: bool) -> bool:
    """Return whether the file is there as it would be written."""
    _require(folder)
    file = folder / FILE
    return _own_content(file) == text and not (secret and file.stat().st_mode & 0o007)


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


def _own_content(target: Path) -> bytes | None:
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
    if not text.startswith(MARK):
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
        write_file(file, text, owner_in_asterisks_folder(file, configuration), secret=secret)
    except OSError as error:
        raise unwritten(file, error, Text("Make room on that disk, or be root.")) from error


def _owner(file: Path) -> str | None:
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return f"{users.name(status.st_uid)}:{users.group(status.st_gid)}"


def is_issabel(folder: Path) -> bool:
    """Return whether the PBX with this folder of Asterisk's is an Issabel, a fork of FreePBX: by its own
    configuration and that of its issabelPBX, where FreePBX has freepbx.conf."""
    names = (folder.parent / "issabel.conf", folder.parent / "issabelpbx.conf", folder / "issabelpbx.conf")
    return any(name.exists() for name in names)


def missing(reading: IncludeReport, *, freepbx: bool) -> str | None:
    """Return the text to add to Asterisk's files; `None` if all of it is there."""
    needs_context = freepbx and "informativa-freepbx" not in reading.contexts
    context = f"{freepbx_context()}\n\n" if needs_context else ""
    return (context + ("" if reading.included else INCLUDE)).strip() or None


def _doubtful(reading: IncludeReport) -> Iterator[Text]:
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
