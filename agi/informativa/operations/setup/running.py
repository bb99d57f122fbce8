"""The work of setup: the journal first, then the configuration, the files, and the commands. Whatever is
interrupted, the next run finishes, or `--undo` takes back."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ...asterisk import dialplan
from ...config import Configuration, load_usable
from ...model.errors import InformativaError
from ...model.text import NOTHING, Foreign, Text, command, joined
from ...system.files import write_file
from ...system.pinned_path import pin
from ...system.processes import run_command
from .. import dialplan_install, init, systemd_unit
from ..controller_state import left_out, not_live
from ..dialplan import link_script, mute, owner_in_asterisks_folder, render
from ..doctor import installation, users
from ..generated import unwritten
from . import journal as journals
from .changes import FileChange, encoded
from .journal import JournalEntry, digest
from .machine import Run
from .plan import Command, SetupPlan
from .report import SetupAction, SetupPart, SetupReport, SetupState, SetupStep
from .staging import Staging, move_into_place

_AGAIN = Text(
    "Mend that, then type the same again, which goes on from there; or take it back:"
    " informativa setup {folder} --undo"
)


def preview(plan: SetupPlan) -> SetupReport:
    """Return what a run would do."""
    return _report(plan, list(_steps(plan, SetupState.PLANNED)), written=False)


def require_rights(plan: SetupPlan) -> None:
    """Raise InformativaError where a run would end half way: without the right to write somewhere, or where
    somebody else's file is in the way."""
    for change in plan.changes:
        if not change.is_replaceable and not plan.request.overwrite:
            raise InformativaError(
                Text("{file} is there already, and setup did not write it so.", file=change.path),
                Text("To see the difference, leave --yes out; to replace it, add --overwrite."),
            )
    user, me = plan.machine.user, os.geteuid()
    if plan.staging and me not in (0, user.pw_uid):
        raise InformativaError(
            Text("Only root may give the configuration to {user}.", user=user.pw_name),
            Text("Be root, or type `sudo` before it."),
        )
    folders = [
        journals.journal_file(plan.request.folder).parent,
        *(change.path.parent for change in plan.changes),
    ]
    for folder in folders:
        existing = next(place for place in (folder, *folder.parents) if place.exists())
        if not os.access(existing, os.W_OK | os.X_OK):
            raise InformativaError(
                Text("{folder} cannot be written.", folder=existing),
                Text("Be root, or type `sudo` before it."),
            )


def run(plan: SetupPlan, execute: Run = run_command) -> SetupReport:
    """Do what is planned. A command that fails stops nothing, and is in the report. Raises
    InformativaError."""
    require_rights(plan)
    if plan.is_done:
        return _report(plan, list(_steps(plan, SetupState.UNCHANGED)), written=False)
    folder = plan.request.folder
    journal = replace(
        plan.journal.adding(_entries(plan)),
        complete=False,
        asterisk=plan.commands(SetupPart.DIALPLAN)[0],
    )
    planned_steps = [step for step in _steps(plan, SetupState.DONE) if step.action is not SetupAction.RUN]
    journals.write(folder, journal)
    try:
        if plan.staging:
            move_into_place(plan.staging)
        configuration = load_usable(plan.request.file)
        for change in plan.changes:
            change.path.parent.mkdir(parents=True, exist_ok=True)
            like = _owner(change, configuration)
            with pin(change.path.parent) as around:
                write_file(around / change.path.name, encoded(change.after), like, secret=change.secret)
    except OSError as error:
        file = Path(error.filename) if error.filename else folder
        raise unwritten(file, error, _AGAIN.format(folder=folder)) from error
    warnings = [
        *link_script(configuration),
        *systemd_unit.owned_by_root(configuration, plan.machine.user.pw_name),
        *not_live(configuration),
        *mute(configuration, render(configuration, plan.machine.folder / dialplan_install.FILE)),
        *installation.out_of_reach(configuration),
    ]
    commands = [step for part in _ahead(plan) for step in executed(part, plan.commands(part), execute)]
    if all(step.state is SetupState.DONE for step in commands):
        journals.write(folder, replace(journal, complete=True))
    return replace(_report(plan, [*planned_steps, *commands], written=True), warnings=tuple(warnings))


def executed(part: SetupPart, commands: Sequence[Command], execute: Run) -> Iterator[SetupStep]:
    """Run commands one after the other, and yield what became of each."""
    for words in commands:
        result = execute(words)
        failed = result.code != 0
        reason = Foreign(result.last_line or str(result.code))
        yield SetupStep(
            part,
            SetupAction.RUN,
            command(*words),
            SetupState.FAILED if failed else SetupState.DONE,
            Text("it failed ({why})", why=reason) if failed else NOTHING,
        )


def _entries(plan: SetupPlan) -> Iterator[JournalEntry]:
    """Yield what is about to be written. Keys are not in it: nothing takes them back."""
    if plan.staging:
        for path in plan.staging.files():
            source = plan.staging.folder / path
            if path.parts[0] == "keys" and path.suffix == ".key":
                continue
            known_by = "" if source.is_symlink() else digest(source.read_bytes())
            yield JournalEntry(SetupPart.CONFIGURATION, plan.staging.final / path, known_by)
    elif not (link := dialplan.started(plan.request.file)).is_symlink():
        yield JournalEntry(SetupPart.DIALPLAN, link, "")
    for change in plan.changes:
        yield JournalEntry(
            change.part,
            change.path,
            "" if change.edits else digest(encoded(change.after)),
            None if change.edits else change.before,
            change.edits,
        )


def _ahead(plan: SetupPlan) -> list[SetupPart]:
    """Return the parts whose commands are to be run: those that change, or all after an interruption."""
    return [
        part
        for part in SetupPart
        if not plan.journal.complete or any(change.part is part for change in plan.changes)
    ]


def _steps(plan: SetupPlan, state: SetupState) -> Iterator[SetupStep]:
    if plan.staging:
        yield from _configuration_steps(plan, plan.staging, state)
    else:
        file = str(plan.request.file)
        yield SetupStep(SetupPart.CONFIGURATION, SetupAction.WRITE, file, SetupState.UNCHANGED)
    for change in plan.unchanged:
        yield file_step(plan, change, SetupState.UNCHANGED)
    for change in plan.changes:
        yield file_step(plan, change, state)
    for part in _ahead(plan):
        for words in plan.commands(part):
            yield SetupStep(part, SetupAction.RUN, command(*words), state)


def _configuration_steps(plan: SetupPlan, staging: Staging, state: SetupState) -> Iterator[SetupStep]:
    user = plan.machine.user
    owner = f"{user.pw_name}:{plan.machine.group}" if os.geteuid() in (0, user.pw_uid) else None
    for name in ("keys", "prompts", init.FILE):
        path = staging.folder / name
        yield SetupStep(
            SetupPart.CONFIGURATION,
            SetupAction.WRITE,
            str(staging.final / name),
            state,
            owner=owner,
            mode=f"{path.stat().st_mode & 0o777:o}",
            difference=tuple(staging.text.splitlines()) if name == init.FILE else (),
        )


def file_step(plan: SetupPlan, change: FileChange, state: SetupState) -> SetupStep:
    """Return the step that writes a file."""
    like = _owner(change, plan.configuration)
    uid, gid = (like.st_uid, like.st_gid) if like else (os.geteuid(), os.getegid())
    mode = change.path.stat().st_mode & 0o777 if change.before is not None else 0o644
    return SetupStep(
        change.part,
        SetupAction.WRITE,
        str(change.path),
        state,
        owner=f"{users.name(uid)}:{users.group(gid)}",
        mode=f"{mode & 0o640 if change.secret else mode:o}",
        difference=() if state is SetupState.UNCHANGED else change.difference,
    )


def _owner(change: FileChange, configuration: Configuration) -> os.stat_result | None:
    """Return the status of the file whose owner a file gets: its own where it is somebody else's; `None` for
    whoever runs this."""
    if change.edits and change.before is not None:
        return change.path.stat()
    if change.part is SetupPart.DIALPLAN:
        return owner_in_asterisks_folder(change.path, configuration)
    return None


def _report(plan: SetupPlan, steps: Sequence[SetupStep], *, written: bool) -> SetupReport:
    file = plan.request.file
    of_all = plan.configuration.controllers
    configured = next(name for name in of_all if name not in plan.configuration.mistaken)
    ready = all(step.state is not SetupState.FAILED for step in steps)
    return SetupReport(
        configuration=file,
        asterisk=plan.machine.folder,
        user=plan.machine.user.pw_name,
        undo=False,
        written=written,
        in_order=ready,
        steps=tuple(steps),
        by_hand=(*plan.by_hand, *_unspoken(plan)),
        warnings=tuple(left_out(plan.configuration)),
        next=(
            command("informativa", "ledger", "show", "--controller", configured, "-c", file),
            command("informativa", "doctor", "-c", file),
        ),
    )


def _unspoken(plan: SetupPlan) -> Iterator[Text]:
    for notice in plan.staging.laid.left_out if plan.staging else ():
        yield Text(
            "The notice {notice} lacks something ({reason}): {command}",
            notice=notice.notice,
            reason=joined(" ", *notice.reasons),
            command=notice.next,
        )
