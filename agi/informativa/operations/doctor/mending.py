"""`informativa doctor --fix`: safe remedies, run one by one after a yes; each check then runs again.

A remedy is taken from a finding of that moment, so what somebody else mended meanwhile is left alone; and one
`doctor --fix` at a time works on a configuration. A command that has begun is let come to its end.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from ...model.errors import InformativaError
from ...model.remedy import SafeChange, SafeRemedy
from ...model.text import NOTHING, Text, command
from ...system.patience import run
from ..document import OptionalSentence, Sentence
from . import users
from .checks import Check, Suite, of_suite
from .examination import Examination, count_by_state, run_checks
from .findings import Finding, State
from .remedy_commands import Execution, execute, pin_files

SETTLING = 10.0  # seconds that a service may take until a change shows
_LINK = Text("A link of another user leads to that file: see where it leads.")
_LATER = (SafeChange.SERVICE, SafeChange.UNIT)


class Outcome(StrEnum):
    """The outcome of one remedy. With `not-allowed` another user must run it; with `gone` the fault was gone
    before."""

    MENDED = "mended"
    REMAINS = "remains"
    FAILED = "failed"
    GONE = "gone"
    DECLINED = "declined"
    NOT_ALLOWED = "not-allowed"
    BY_HAND = "by-hand"


@dataclass(frozen=True)
class Treatment:
    """A finding that was not in order, and what was done about it."""

    check: Sentence
    """The name of the check."""
    state: State
    """The state of the thing that was checked, before."""
    finding: Sentence
    """The result as a sentence, before."""
    fix: OptionalSentence
    """The action or command that corrects it."""
    commands: tuple[str, ...]
    """The commands of a remedy that can be run, in their order; none if it is left to a person."""
    user: str | None
    """The user who, beside root, may run them; null if only root may, or nothing can be run."""
    changes: OptionalSentence
    """The thing that they change."""
    reason: Sentence
    """The reason why they are safe, or why the remedy is left to a person."""
    outcome: Outcome
    output: str | None = None
    """The output of the commands, if the finding remains."""


@dataclass(frozen=True)
class Mending(Examination):
    """The findings after `informativa doctor --fix`, and what was done about each finding before."""

    treatments: tuple[Treatment, ...]
    """In the order of the checks."""


Run = Callable[[Sequence[str]], Execution]
Examine = Callable[[Path, Sequence[Check]], list[Finding]]


def examined(file: Path, checks: Sequence[Check]) -> list[Finding]:
    """Return the findings of these checks now."""
    return run(run_checks(file, checks, asks_asterisk=True))[1]


def mend(
    file: Path,
    agree: Callable[[Treatment], bool],
    report: Callable[[Treatment], None],
    run: Run = execute,
    examine: Examine = examined,
    checks: Sequence[Check] = tuple(of_suite(Suite.DOCTOR)),
) -> Mending:
    """Run the remedies of the doctor's findings that `agree` allows, and `report` each outcome at once.
    Raises InformativaError if another `doctor --fix` is at work."""
    with _alone_with(file):
        machine = _Machine(file, run, examine)
        findings = examine(file, checks)
        treatments: list[Treatment] = []
        for finding in findings:
            if finding.state in (State.WRONG, State.WARNING):
                treatment = machine.treat(finding, agree)
                treatments.append(treatment)
                report(treatment)
        if machine.changed:
            findings = examine(file, checks)
    return Mending(tuple(findings), **count_by_state(findings), treatments=tuple(treatments))


@dataclass
class _Machine:
    """The machine of a configuration. `changed` is true once a command was run."""

    file: Path
    run: Run
    examine: Examine
    changed: bool = False

    def treat(self, finding: Finding, agree: Callable[[Treatment], bool]) -> Treatment:
        """Run the remedy of a finding that is still so, if it is safe, ours to run, and agreed to."""
        check = next(check for check in of_suite(Suite.DOCTOR) if check.id == finding.check_id)
        # Words are looked at again only if an earlier remedy may have changed them.
        is_safe = isinstance(finding.fix, SafeRemedy)
        before = self.faults(check) if self.changed or is_safe else [finding]
        now = next((fault for fault in before if fault.finding == finding.finding), None)
        if now is None:
            return _treatment(finding, check, Outcome.GONE)
        remedy = now.fix  # which may be a command by now
        if not isinstance(remedy, SafeRemedy):
            return _treatment(now, check, Outcome.BY_HAND)
        if _leads_elsewhere(remedy):
            words = _treatment(replace(now, fix=remedy.as_words), check, Outcome.BY_HAND)
            return replace(words, reason=_LINK)
        if not _is_allowed(remedy):
            return _treatment(now, check, Outcome.NOT_ALLOWED)
        treatment = _treatment(now, check, Outcome.DECLINED)
        if not agree(treatment):
            return treatment
        execution = self.run_all(remedy.commands)
        others = set(before) - {now}  # one that brings another fault of its check mended nothing
        if _settled(lambda: others.issuperset(self.faults(check)), remedy.change):
            return replace(treatment, outcome=Outcome.MENDED)
        outcome = Outcome.FAILED if execution.code else Outcome.REMAINS
        return replace(treatment, outcome=outcome, output=execution.output)

    def faults(self, check: Check) -> list[Finding]:
        """Return what a check says now that is not in order."""
        checks = [one for one in of_suite(Suite.DOCTOR) if one is check or one.blocks_start]
        return [
            finding
            for finding in self.examine(self.file, checks)
            if finding.check_id == check.id and finding.state is not State.OK
        ]

    def run_all(self, commands: Sequence[Sequence[str]]) -> Execution:
        """Run commands up to the first one that fails."""
        self.changed = True
        outputs = []
        code = 0
        for words in commands:
            execution = self.run(words)
            outputs.append(execution.output)
            if code := execution.code:
                break
        return Execution(code, "\n".join(filter(None, outputs)))


def _treatment(finding: Finding, check: Check, outcome: Outcome) -> Treatment:
    remedy = finding.fix if isinstance(finding.fix, SafeRemedy) else None
    return Treatment(
        check=finding.check,
        state=finding.state,
        finding=finding.finding,
        fix=finding.fix,
        commands=tuple(command(*words) for words in remedy.commands) if remedy else (),
        user=_owner(remedy) if remedy else None,
        changes=remedy.change.subject if remedy else NOTHING,
        reason=remedy.change.reason if remedy else check.by_hand,
        outcome=outcome,
    )


def _owner(remedy: SafeRemedy) -> str | None:
    with suppress(OSError):
        return users.name(Path(remedy.owner).stat().st_uid) if remedy.owner else None
    return None


def _leads_elsewhere(remedy: SafeRemedy) -> bool:
    """Return whether a file that it changes is reached by a link of another user than root: who owns a folder
    could have root give him any file."""
    with ExitStack() as pins, suppress(OSError):
        try:
            for words in remedy.commands:
                pin_files(words, pins)
        except InformativaError:
            return True
    return False


def _is_allowed(remedy: SafeRemedy) -> bool:
    """Return whether our user may run it: root, or the owner of what it is about."""
    with suppress(OSError):
        if remedy.owner and Path(remedy.owner).stat().st_uid == os.geteuid():
            return True
    return os.geteuid() == 0


def _settled(is_mended: Callable[[], bool], change: SafeChange) -> bool:
    """Return whether a fault is gone, soon where a change takes its time."""
    deadline = time.monotonic() + (SETTLING if change in _LATER else 0.0)
    while not (mended := is_mended()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return mended


@contextmanager
def _alone_with(file: Path) -> Iterator[None]:
    """Hold the lock under which one `doctor --fix` works on a configuration; nothing is written for it."""
    try:
        descriptor = os.open(file, os.O_RDONLY)
    except OSError:  # the findings say it
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise InformativaError(
            Text("Somebody else mends this installation now: `informativa doctor --fix` runs already."),
            Text("Wait until it is done, and try again."),
        ) from None
    finally:
        os.close(descriptor)
