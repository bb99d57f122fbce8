"""Taking setup back: exactly what its journal names, where nobody changed it since. Keys and ledgers stay,
and with records of calls all of their configuration does: a ledger proves little without it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ...asterisk import extensions_conf
from ...config import inspect
from ...config.parsed_cache import cache_file
from ...evidence.commitment import KEPT
from ...model import Controller
from ...model.errors import InformativaError
from ...model.text import NOTHING, Foreign, Text, command
from ...process.storage import existing_ledger
from ...system.files import write_file
from ...system.pinned_path import pin
from ...system.processes import run_command
from .. import dialplan_install, init, systemd_unit
from . import journal as journals
from .changes import encoded, read_text
from .journal import Journal, JournalEntry, digest, journal_file
from .machine import Run
from .plan import Command
from .report import SetupAction, SetupPart, SetupReport, SetupState, SetupStep
from .running import executed
from .staging import remove_abandoned

_LINES = (dialplan_install.INCLUDE, dialplan_install.STEP)  # of ours in the admin's files
_STOP = ("systemctl", "disable", "--now", systemd_unit.SERVICE)
_STOP_LINE = command(*_STOP)
_CHANGED = Text("it was changed since")


def undo(folder: Path, *, write: bool, execute: Run = run_command) -> SetupReport:
    """Take back what setup did for the configuration in `folder`, the dialplan first; without `write` only
    tell what would be taken back. Raises InformativaError where there is no journal."""
    journal = journals.read(folder)
    if journal is None:
        raise InformativaError(
            Text(
                "Setup did nothing for {folder}: there is no {file}.",
                folder=folder,
                file=journal_file(folder),
            ),
            Text("Name the folder of its configuration: informativa setup DIR --undo"),
        )
    steps: list[SetupStep] = []
    for part in reversed(SetupPart):
        entries = [entry for entry in reversed(journal.entries) if entry.part is part]
        if entries:
            steps += _part(part, entries, folder, journal, execute if write else None)
    failed = [step for step in steps if step.state is SetupState.FAILED]
    # What did not read its files anew will do so when it starts.
    if write and all(step.action is SetupAction.RUN and step.target != _STOP_LINE for step in failed):
        _remove_folders(folder, journal)
        remove_abandoned(folder.parent)
        journals.delete(folder)
    return SetupReport(
        folder / init.FILE, None, None, undo=True, written=write, in_order=not failed, steps=tuple(steps)
    )


def _part(
    part: SetupPart, entries: list[JournalEntry], folder: Path, journal: Journal, execute: Run | None
) -> Iterator[SetupStep]:
    """Take back one part, or without `execute` tell what would be taken back. A service that cannot be
    stopped keeps its unit."""
    if part is SetupPart.SERVICE and any(entry.path.exists() for entry in entries):
        stopping = list(_executed(part, _STOP, execute))
        yield from stopping
        if any(step.state is SetupState.FAILED for step in stopping):
            return
    yield from _restored(part, entries, folder, write=execute is not None)
    reload = {SetupPart.DIALPLAN: journal.asterisk, SetupPart.SERVICE: ("systemctl", "daemon-reload")}
    if words := reload.get(part):
        yield from _executed(part, words, execute)


def _executed(part: SetupPart, words: Command, execute: Run | None) -> Iterator[SetupStep]:
    if execute:
        yield from executed(part, (words,), execute)
    else:
        yield SetupStep(part, SetupAction.RUN, command(*words), SetupState.PLANNED)


def _restored(
    part: SetupPart, entries: list[JournalEntry], folder: Path, *, write: bool
) -> Iterator[SetupStep]:
    """Take back the files of a part. Of a configuration that stays it is one step; so it is of one that goes,
    as nobody reads a hundred lines about prompts."""
    if part is not SetupPart.CONFIGURATION:
        for entry in entries:
            yield _restore(entry, write=write)
        return
    reason = _reason_to_stay(folder, entries)
    steps = [] if reason else [_restore(entry, write=write) for entry in entries]
    yield from (step for step in steps if step.state in (SetupState.STAYS, SetupState.FAILED))
    if reason:
        yield SetupStep(part, SetupAction.DELETE, str(folder), SetupState.STAYS, reason)
        return
    yield SetupStep(
        part, SetupAction.DELETE, str(folder / init.FILE), SetupState.DONE if write else SetupState.PLANNED
    )
    for name in journals.LASTING:
        if any((folder / name).glob("*")):
            lasting = Text("keys and ledgers are never deleted")
            yield SetupStep(part, SetupAction.DELETE, str(folder / name), SetupState.STAYS, lasting)


def _reason_to_stay(folder: Path, entries: list[JournalEntry]) -> Text:
    """Return why a configuration stays, empty if it does not."""
    file = folder / init.FILE
    if not file.exists():
        return NOTHING
    entry = next((entry for entry in entries if entry.path == file), None)
    if entry is None or digest(file.read_bytes()) != entry.digest:
        return _CHANGED
    configuration, _problems = inspect(file)
    for controller in configuration.controllers.values():
        if _has_calls(controller):
            text = Text("the ledger of {id} holds records of calls, which prove little without it")
            return text.format(id=controller.id)
    return NOTHING


def _has_calls(controller: Controller) -> bool:
    """Return whether a ledger has records of calls; one that cannot be read counts as if it had."""
    try:
        with existing_ledger(controller) as ledger:
            return ledger is not None and any(record.event.kind not in KEPT for record in ledger.records())
    except InformativaError:
        return True


def _restore(entry: JournalEntry, *, write: bool) -> SetupStep:
    """Take one file back."""
    try:
        state, reason, text = _earlier(entry)
        if write and entry.path.parent.is_dir():
            with pin(entry.path.parent) as folder:
                (folder / f".{entry.path.name}.part").unlink(missing_ok=True)  # of a run that was killed
                if state is SetupState.PLANNED and text is None:
                    (folder / entry.path.name).unlink(missing_ok=True)
                elif state is SetupState.PLANNED:
                    write_file(folder / entry.path.name, encoded(text or ""))
        if write and state is SetupState.PLANNED:
            state = SetupState.DONE
    except (OSError, InformativaError) as error:
        cause = error.message if isinstance(error, InformativaError) else Foreign(error.strerror or "")
        state, reason, text = SetupState.FAILED, Text("it failed ({why})", why=cause), None
    action = SetupAction.DELETE if entry.before is None and not entry.edits else SetupAction.RESTORE
    return SetupStep(entry.part, action, str(entry.path), state, reason)


def _earlier(entry: JournalEntry) -> tuple[SetupState, Text, str | None]:
    """Return whether a file can be taken back, why not, and the text that it had; `None` to delete it."""
    path = entry.path
    if path.is_symlink() and not entry.digest:
        return SetupState.PLANNED, NOTHING, None
    text = read_text(path)
    if text is None:
        return SetupState.UNCHANGED, NOTHING, None
    if entry.edits:
        return _without_edits(entry, text)
    is_marked = text.startswith(dialplan_install.MARK.decode())
    if digest(encoded(text)) != entry.digest and not is_marked:
        return SetupState.STAYS, _CHANGED, None
    if is_marked and entry.before is None:
        reading = extensions_conf.read(path.with_name("extensions.conf"), path, "informativa,s,1")
        if reading.unguarded:
            caller = reading.unguarded[0]
            return (
                SetupState.STAYS,
                Text("{place} calls it, and would end calls without it", place=caller),
                None,
            )
    return SetupState.PLANNED, NOTHING, entry.before


def _without_edits(entry: JournalEntry, text: str) -> tuple[SetupState, Text, str | None]:
    """Return the text of somebody else's file without setup's lines. Where they are not as they were, only he
    can tell what to do."""
    earlier = text
    for edit in reversed(entry.edits):
        if earlier.count(edit.new) == 1:
            earlier = earlier.replace(edit.new, edit.old)
        elif any(line in edit.new and line in earlier for line in _LINES):
            return (
                SetupState.STAYS,
                Text("its lines about informativa were changed since: take them out"),
                None,
            )
    if earlier == text:
        return SetupState.UNCHANGED, NOTHING, None
    return SetupState.PLANNED, NOTHING, earlier


def _remove_folders(folder: Path, journal: Journal) -> None:
    """Remove the folders of files that were taken back, as far as they are empty; and the parsed
    configuration, which was made of it."""
    if not (folder / init.FILE).exists():
        with suppress(OSError):
            cache_file(folder / init.FILE).unlink()
    inside = {
        parent
        for entry in journal.entries
        for parent in entry.path.parents
        if parent == folder or folder in parent.parents
    }
    lasting = {folder / name for name in journals.LASTING}
    for place in sorted({*inside, *lasting}, reverse=True):  # what is in a folder before it
        # not empty, not there, or no longer what it was
        with suppress(OSError, InformativaError), pin(place.parent) as around:
            (around / place.name).rmdir()
