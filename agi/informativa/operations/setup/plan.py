"""The plan of setup: the files that are needed, compared with those that are there, and the commands that
make them work. Nothing is written here but the new configuration beside its place."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ...config import Configuration, load_usable
from ...model import NumberForm
from ...model.errors import InformativaError
from ...model.text import Foreign, Text, command
from ...system.files import permission_denied
from ...system.pinned_path import another_users_folder
from .. import dialplan_install, init, systemd_unit
from ..dialplan import render
from ..doctor import ports
from ..new_company import NewCompany
from . import journal as journals
from .changes import FileChange, whole_file
from .dialplan_changes import edited_dialplan
from .journal import LASTING, Journal
from .machine import Machine
from .report import SetupPart
from .staging import Staging, remove_abandoned, staged

Command = tuple[str, ...]
_RELOAD = "dialplan reload"


@dataclass(frozen=True)
class Request:
    """The answers on which a plan rests."""

    folder: Path
    """The configuration's folder."""
    company: NewCompany | None = None
    """`None` where the configuration is there already."""
    callers: NumberForm = NumberForm.EITHER
    listen: str = init.LISTEN
    context: str = ""
    """The context where the trunk's calls come in; '' where the number alone says it."""
    overwrite: bool = False
    """True if somebody else's files may be replaced."""

    @property
    def file(self) -> Path:
        """The configuration's path."""
        return self.folder / init.FILE


@dataclass(frozen=True)
class SetupPlan:
    """All that is needed, and what is there of it."""

    request: Request
    machine: Machine
    staging: Staging | None
    """The new configuration; `None` where there is one already."""
    configuration: Configuration
    changes: tuple[FileChange, ...]
    """The files that are to be written: first the service's, then the dialplan's."""
    unchanged: tuple[FileChange, ...]
    """The files that are as they are to be."""
    by_hand: tuple[Text, ...]
    journal: Journal
    """The journal of earlier runs."""

    def commands(self, part: SetupPart) -> tuple[Command, ...]:
        """Return the commands that a change of this part needs."""
        if part is SetupPart.DIALPLAN:
            return (self.machine.asterisk_command(_RELOAD),)
        if part is not SetupPart.SERVICE or self.machine.units is None:
            return ()
        unit = systemd_unit.SERVICE
        replaced = any(change.before for change in self.changes if change.part is part)
        restart: tuple[Command, ...] = (("systemctl", "restart", unit),) if replaced else ()
        return (("systemctl", "daemon-reload"), ("systemctl", "enable", "--now", unit), *restart)

    @property
    def is_done(self) -> bool:
        """Return whether nothing is left to do."""
        return not (self.staging or self.changes) and self.journal.complete

    def approved(self, declined: Collection[Path]) -> SetupPlan:
        """Return the plan after somebody saw all of it: without some files, the others whatever they were."""
        changes = tuple(
            replace(change, is_replaceable=True) for change in self.changes if change.path not in declined
        )
        return replace(self, changes=changes)


@contextmanager
def planned(request: Request, machine: Machine) -> Iterator[SetupPlan]:
    """Plan it, for the time of a block. Raises InformativaError."""
    journal = journals.read(request.folder) or Journal()
    remove_abandoned(request.folder.parent)
    with ExitStack() as stack:
        staging = None
        if request.file.exists():
            configuration = load_usable(request.file)
            _require_company(configuration, request)
        else:
            _require_free(request, journal)
            assert request.company is not None
            laid = staged(request.folder, request.company, request.callers, request.listen, machine.user)
            staging = stack.enter_context(laid)
            configuration = load_usable(staging.folder / init.FILE)
        changes, by_hand = _changes(request, machine, configuration, staging, journal)
        ahead = tuple(change for change in changes if change.before != change.after)
        unchanged = tuple(change for change in changes if change.before == change.after)
        yield SetupPlan(request, machine, staging, configuration, ahead, unchanged, tuple(by_hand), journal)


def _require_company(configuration: Configuration, request: Request) -> None:
    """Refuse a company that the configuration which is there does not have."""
    if request.company and request.company.id not in configuration.controllers:
        raise InformativaError(
            Text(
                "{file} is there already, without the company {name}.",
                file=request.file,
                name=request.company.name,
            ),
            Text("Add it there by hand, or name a new folder: informativa setup DIR"),
        )


def _require_free(request: Request, journal: Journal) -> None:
    """Refuse a folder with other things in it than setup leaves, and a port that somebody has."""
    folder = request.folder
    known = {
        entry.path.relative_to(folder).parts[0] for entry in journal.entries if folder in entry.path.parents
    }
    try:
        names = [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        names = []
    except PermissionError as error:
        raise permission_denied(folder) from error
    except OSError as error:
        reason = Foreign(error.strerror or "")
        raise InformativaError(
            Text("{folder} cannot be read ({why}).", folder=folder, why=reason),
            Text("Name a new or empty folder: informativa setup DIR"),
        ) from error
    if others := sorted({*names} - {*LASTING} - known):
        raise InformativaError(
            Text(
                "{folder} is not empty: it has {name}, and no {file}.",
                folder=folder,
                name=others[0],
                file=init.FILE,
            ),
            Text("Name a new or empty folder: informativa setup DIR"),
        )
    if os.geteuid() == 0 and (theirs := another_users_folder(folder.parent)):
        raise InformativaError(
            Text("Another user than root may exchange what is in {folder}.", folder=theirs),
            Text("Name a folder in one of root's: informativa setup DIR"),
        )
    if request.company is None:
        raise InformativaError(Text("Whose configuration?"), Text("Name the company: --company NAME"))
    try:
        is_taken = ports.occupied(request.listen) is not None
    except (OSError, ValueError, OverflowError):
        is_taken = True
    if is_taken:
        raise InformativaError(
            Text(
                "The service cannot listen at {address}: it is taken, or no address of this machine.",
                address=request.listen,
            ),
            Text("Name another port: --listen 127.0.0.1:4589"),
        )


def _changes(
    request: Request,
    machine: Machine,
    configuration: Configuration,
    staging: Staging | None,
    journal: Journal,
) -> tuple[list[FileChange], list[Text]]:
    """Return all files, and what is left to do by hand."""
    changes, by_hand = [], []
    if machine.units:
        unit = machine.units / systemd_unit.file_name(systemd_unit.SERVICE)
        text = _final(systemd_unit.render(configuration), staging)
        changes.append(whole_file(SetupPart.SERVICE, unit, text, journal))
    else:
        serve = command("informativa", "serve", "-c", request.file)
        by_hand.append(
            Text(
                "There is no systemd here. Have this run as {user}: {command}",
                user=machine.user.pw_name,
                command=serve,
            )
        )
    included = machine.folder / dialplan_install.FILE
    text = _final(render(configuration, included), staging)
    is_secret = bool(configuration.tokens)
    changes.append(
        whole_file(
            SetupPart.DIALPLAN, included, text, journal, mark=dialplan_install.MARK.decode(), secret=is_secret
        )
    )
    edited, steps = edited_dialplan(machine.folder, configuration, request.context)
    return [*changes, *edited], [*by_hand, *steps]


def _final(text: str, staging: Staging | None) -> str:
    """Return a text with the configuration's paths as they are once it is in its place."""
    return text.replace(str(staging.folder), str(staging.final)) if staging else text
