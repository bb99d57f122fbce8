"""The dialplan made out for a configuration: printed, or put in place, with what is left to do."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ... import shipped
from ...asterisk.extensions_conf import Reading, read
from ...config import DEFAULT_FILE, load
from ...errors import InformativaError
from ...files import put
from ...operations.doctor import installation, ports, users
from ...text import Text
from ..options import Config, Json, not_live, print_json
from ..words import _
from . import setup

app = typer.Typer(help="Print the dialplan for this configuration, write it, or install it.")

FILE = "informativa.conf"
INCLUDE = f"#tryinclude {FILE}"
CALL = " same => n,GosubIf($[${DIALPLAN_EXISTS(informativa,s,1)}]?informativa,s,1(${EXTEN}))"
RELOAD = "asterisk -rx 'dialplan reload'"
TARGET = "informativa-freepbx,s,1"
_MARK = b"; informativa:"  # how the file that informativa writes begins


@app.callback(invoke_without_command=True)
def dialplan(
    context: typer.Context,
    config: Config = DEFAULT_FILE,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write it there instead.")
    ] = None,
) -> None:
    """Print the dialplan for this configuration, or write it: -o /etc/asterisk/informativa.conf."""
    context.obj = config
    if context.invoked_subcommand is None:
        setup.dialplan(config, output)
    elif output is not None:
        raise InformativaError(_("`install` does not take -o."), _("Name the folder: --to DIR"))


@app.command()
def install(
    context: typer.Context,
    to: Annotated[
        Path, typer.Option("--to", metavar="DIR", help="Asterisk's folder, with extensions.conf in it.")
    ] = Path("/etc/asterisk"),
    freepbx: Annotated[
        bool, typer.Option("--freepbx", help="Show what FreePBX needs; so too where FreePBX is found.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; say what would be done.")
    ] = False,
    as_json: Json = False,
    config: Annotated[
        Path | None, typer.Option("-c", "--config", metavar="FILE", help="The configuration.")
    ] = None,
) -> None:
    """Put informativa.conf into Asterisk's folder and show the line that includes it; change nothing else."""
    configuration = load(config or context.obj, keep=True)
    text, secret = setup.made_out(configuration).encode(), bool(configuration.tokens)
    folder = to.absolute()
    _require(folder)
    target = folder / FILE
    there = _ours(target)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InformativaError(
            _("{folder} cannot be written.", folder=folder), _("Be root, or type `sudo` before it.")
        )
    unchanged = there == text and not (secret and target.stat().st_mode & 0o007)
    linked = [] if dry_run else setup.link_script(configuration)
    if not dry_run and not unchanged:
        try:
            put(target, text, setup.asterisks(target, configuration), secret=secret)
        except OSError as error:
            raise InformativaError(
                _("{file} cannot be written ({why}).", file=target, why=_.foreign(error.strerror or "")),
                _("Make room on that disk, or be root."),
            ) from error
    found = read(folder / "extensions.conf", target, "informativa,s,1")
    freepbx = freepbx or (folder / "extensions_additional.conf").exists()
    warned: tuple[Text | str, ...] = (
        *linked,
        *not_live(configuration),
        *(one.whole for one in ports.neighbours(configuration, folder)),
        *installation.out_of_reach(configuration),
    )
    done = _Installed(target, unchanged, dry_run, freepbx, found, warned)
    print_json(done.facts()) if as_json else print("\n".join(done.said()))


def _require(folder: Path) -> None:
    """Raises InformativaError unless it is Asterisk's folder: its extensions.conf is in it."""
    if not folder.is_dir():
        raise InformativaError(
            _("There is no folder {folder}.", folder=folder),
            _("Name the one of Asterisk's extensions.conf: --to DIR"),
        )
    try:
        (folder / "extensions.conf").stat()
    except OSError as error:
        raise InformativaError(
            _(
                "{folder} has no extensions.conf that can be read ({why}), so it is not Asterisk's folder.",
                folder=folder,
                why=_.foreign(error.strerror or ""),
            ),
            _("Name that one: --to DIR"),
        ) from error


def _ours(target: Path) -> bytes | None:
    """What stands in the file now, None where there is none. Raises InformativaError unless it is ours."""
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InformativaError(
            _("{file} cannot be read ({why}).", file=target, why=_.foreign(error.strerror or "")),
            _("Be root."),
        ) from error
    if not stat.S_ISREG(mode):
        kind = _("a link") if stat.S_ISLNK(mode) else _("no file")
        raise InformativaError(
            _("{file} is {kind}, and informativa did not make it.", file=target, kind=kind),
            _("Move it away, or write elsewhere: informativa dialplan -o FILE"),
        )
    try:
        text = target.read_bytes()
    except OSError as error:
        raise InformativaError(
            _("{file} cannot be read ({why}).", file=target, why=_.foreign(error.strerror or "")),
            _("Be root."),
        ) from error
    if not text.startswith(_MARK):
        raise InformativaError(
            _("{file} was not made by informativa.", file=target),
            _("Move it away, or write elsewhere: informativa dialplan -o FILE"),
        )
    return text


@dataclass(frozen=True)
class _Installed:
    """What was done, and what the admin has to do himself."""

    file: Path
    unchanged: bool
    dry_run: bool
    freepbx: bool
    found: Reading
    warned: tuple[Text | str, ...] = ()

    @property
    def where(self) -> Path:
        """The file that the line belongs into: FreePBX writes extensions.conf itself."""
        return self.file.with_name("extensions_custom.conf" if self.freepbx else "extensions.conf")

    @property
    def lines(self) -> str:
        """What is to be added there, '' if all of it is there."""
        needs_context = self.freepbx and "informativa-freepbx" not in self.found.contexts
        context = f"{freepbx_context()}\n\n" if needs_context else ""
        return (context + ("" if self.found.included else INCLUDE)).strip()

    @property
    def owner(self) -> str:
        """As chown writes it, '' where nothing was written yet."""
        try:
            status = self.file.stat()
        except FileNotFoundError:
            return ""
        return f"{users.name(status.st_uid)}:{users.group(status.st_gid)}"

    def facts(self) -> dict[str, object]:
        """For programs."""
        return {
            "file": str(self.file),
            "written": not (self.dry_run or self.unchanged),
            "up_to_date": self.unchanged or not self.dry_run,
            "owner": self.owner,
            "custom_destination": {"target": TARGET, "return": True} if self.freepbx else None,
            "add_to": str(self.where),
            "add": self.lines,
            "included": [str(place) for place in self.found.included],
            "commented_out": [str(place) for place in self.found.commented_out],
            "called": [str(place) for place in self.found.called],
            "warnings": list(self._warnings()),
            "then": RELOAD,
        }

    def said(self) -> Iterator[str]:
        """For people."""
        state = (
            _("{file} is up to date ({owner}).")
            if self.unchanged
            else _("{file} would be written.")
            if self.dry_run
            else _("Wrote {file} ({owner}).")
        )
        yield state.format(file=self.file, owner=self.owner)
        for place in self.found.included[:1]:
            yield _("{place} includes it already.", place=place)
        if self.lines:
            yield _("Add at the end of {file}:", file=self.where)
            yield f"\n{self.lines}\n"
        if self.freepbx:
            yield _freepbx_steps().format(target=TARGET)
        elif self.found.called:
            yield _("{place} calls it.", place=self.found.called[0])
        else:
            yield _("Call it before the queue, the menu or the Dial, with the called number as the line:")
            yield f"\n{CALL}\n"
        for warning in self._warnings():
            yield _("warning: {warning}", warning=warning)
        yield _("Then type: {command}", command=RELOAD)

    def _warnings(self) -> Iterator[Text | str]:
        yield from self.warned
        for place in self.found.commented_out if not self.found.included else ():
            yield _("{place} has the line, but as a comment", place=place)
        for again in self.found.included[1:]:
            yield _("{place} includes it once more; take that out", place=again)
        for name in ("informativa", "informativa-lines"):
            if name in self.found.contexts:
                yield _(
                    "{place} has a context [{name}] of its own, which Asterisk would mix with ours",
                    place=self.found.contexts[name],
                    name=name,
                )
        for file in self.found.unreadable:
            yield _("{file} could not be read, so what it includes is not known", file=file)


def _freepbx_steps() -> str:
    return _(
        "In FreePBX, once for each place that callers are to reach after the notice:\n"
        "  Admin > Custom Destinations > Add Destination\n"
        "    Target       {target}\n"
        "    Description  privacy notice, then … (any)\n"
        "    Return       Yes\n"
        "    Destination  where the inbound route leads now: the queue, the IVR, …\n"
        "  Connectivity > Inbound Routes: set that route's destination to the new Custom Destination.\n"
        "  Submit, and Apply Config."
    )


def freepbx_context() -> str:
    """dialplan/freepbx.conf."""
    return (shipped.folder("dialplan") / "freepbx.conf").read_text(encoding="utf-8").strip()
