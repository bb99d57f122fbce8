"""Findings on the way from a file to objects: problems, refusals, warnings, each with its place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from ..model.errors import ConfigProblem
from ..model.text import NOTHING, Foreign, Text, command
from .document import KeyPath, SourceDocument
from .looks import Looks, StalledError

Result = TypeVar("Result")
LONGEST_SECRET = 65_536  # characters
COMPANY_SECONDS = 30.0  # for all that one company's section names, beside the others'


class Findings:
    """A collection of findings. A problem stops everything, a refusal one controller, a warning nothing.
    `stalled` are the companies with a file that did not answer, or that could not be built, each with the
    reason."""

    def __init__(
        self, document: SourceDocument, looks: Looks, problems: Iterable[ConfigProblem] = ()
    ) -> None:
        self.file = Path(document.file).absolute()
        self.stalled: dict[str, Text] = {}
        self._noted_stalled: set[KeyPath] = set()  # settings whose file did not answer
        self._document, self._looks = document, looks
        self.problems = list(problems)
        self.refused: list[ConfigProblem] = []
        self.warnings: list[ConfigProblem] = []

    def lacks(self, path: KeyPath) -> bool:
        """Return whether the value at a path could not be used, for which a problem is noted."""
        return self._document.lacks(path)

    def misspelt(self, path: KeyPath) -> bool:
        """Return whether an entry beside the path could not be used: it may be this setting, misspelt, and
        has its own problem."""
        return any(gap[:-1] == path[:-1] for gap in self._document.left_out)

    def add_problem(self, path: KeyPath, message: Text, remedy: Text = NOTHING, *, denied: str = "") -> None:
        """Note a problem, unless the value at the path was left out, and so has a problem already."""
        if not self.lacks(path):
            self.problems.append(replace(self._document.problem(path, message, remedy), denied=denied))

    def add_refusal(self, path: KeyPath, message: Text, remedy: Text) -> None:
        """Note the reason why a controller may not go live."""
        if not self.lacks(path):
            self.refused.append(self._document.problem(path, message, remedy))

    def add_warning(self, path: KeyPath, message: Text, remedy: Text = NOTHING) -> None:
        """Note something that an admin should consider."""
        if not self.lacks(path):
            self.warnings.append(self._document.problem(path, message, remedy))

    def private(self, file: Path) -> str:
        """Return the commands that make a new file readable for the service's user alone."""
        return f"{command('chown', f'--reference={self.file}', file)}; {command('chmod', '600', file)}"

    def of_companies(
        self,
        companies: Iterable[str],
        build: Callable[[str, Findings], Result],
        instead: Callable[[str], Result],
    ) -> dict[str, Result]:
        """Build the part of each company apart from the others'; use `instead`, with a problem noted, where
        that fails or takes too long. A script, which has one company, bounds itself."""
        if not self._looks.seconds:
            return {name: build(name, self) for name in companies}
        from ..system.patience import of_each  # not for a script

        findings_of = {name: Findings(self._document, self._looks) for name in companies}
        built: dict[str, Result] = {}
        works = {
            name: partial(build, name, company_findings) for name, company_findings in findings_of.items()
        }
        for name, outcome in of_each(works, COMPANY_SECONDS).items():
            if isinstance(outcome, Exception):
                self._note_unbuilt(name, outcome)
                built[name] = instead(name)
            else:
                self._take_over(findings_of[name])  # not from one that may still go on
                built[name] = outcome
        return built

    def _note_unbuilt(self, company: str, error: Exception) -> None:
        """Note why a company's section could not be built. Its absence causes no further problem."""
        from ..system.patience import defect, failure

        path: KeyPath = ("controllers", company)
        reason = failure(error, self.file.parent, COMPANY_SECONDS)
        self.problems.append(replace(self._document.problem(path, reason), defect=defect(error)))
        self.stalled.setdefault(company, reason.statement)
        self._document.left_out.add(path)

    def _take_over(self, others: Findings) -> None:
        self.problems += others.problems
        self.refused += others.refused
        self.warnings += others.warnings
        self.stalled |= others.stalled

    def look(self, file: Path, path: KeyPath, work: Callable[[], Result]) -> Result | None:
        """Return the result of `work` on a file; `None`, with a problem noted, where it does not answer.
        Raises any exception of `work`."""
        try:
            return self._looks.look(_company(path), file, work)
        except StalledError:
            self.note_stalled(file, path)
            return None

    def note_stalled(self, file: Path, path: KeyPath) -> None:
        """Note that a setting's file does not answer, once for each setting."""
        from ..system.patience import stalled  # not for a script

        reason = stalled(file.parent, self._looks.seconds)
        if path not in self._noted_stalled:
            self._noted_stalled.add(path)
            self.add_problem(path, reason.statement, reason.advice)
        if (company := _company(path)) and path[2:3] != ("hook",):  # no caller needs one
            self.stalled.setdefault(company, reason.statement)

    def secret(self, file: Path, path: KeyPath, absent: Callable[[], Text]) -> str | None:
        """Return the content of a file that its user alone may read; `None`, with a problem noted, if there
        is none: `absent` is the message for that, with the remedy."""
        try:
            mode_and_content = self.look(file, path, partial(_read_secret, file))
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of symbolic links
            reason = Foreign(getattr(error, "strerror", None) or str(error))
            self.add_problem(
                path,
                Text(
                    "{file} cannot be read ({why})",
                    "run this as the user whose file it is",
                    file=file,
                    why=reason,
                ),
                denied=str(file) if isinstance(error, PermissionError) else "",
            )
            return None
        if mode_and_content is None:  # a problem is noted
            return None
        mode, content = mode_and_content
        if content is None:
            self.add_problem(path, _in_the_way(file, absent()) if mode else absent())
            return None
        if mode & 0o077:
            from ..model.remedy import SafeChange, SafeRemedy  # not for a script

            self.add_problem(
                path,
                Text("others can read {file} (mode {mode:04o})", file=file, mode=mode),
                SafeRemedy(
                    SafeChange.RIGHTS, ("chmod", "600", file), owner=file, words=Text("type: {commands}")
                ),
            )
        return content


def _company(path: KeyPath) -> str:
    """Return the company in whose section a setting stands; '' for none."""
    return str(path[1]) if path[0] == "controllers" else ""


def _read_secret(file: Path) -> tuple[int, str | None]:
    """Return the mode of a file and its content: `None` for the content if it is no file, and mode 0 if
    nothing is there. Raises OSError."""
    if not file.is_file():
        return int(os.path.lexists(file)), None
    with file.open(encoding="utf-8", errors="replace") as stream:
        return file.stat().st_mode & 0o777, stream.read(LONGEST_SECRET)


def _in_the_way(file: Path, absent: Text) -> Text:
    """Return the message that something else stands in place of a file, with the remedy."""
    return Text(
        "{file} is no file",
        "type: mv {file} {file}.aside, and then {next}",
        file=file,
        next=absent.advice or Text("put the file there"),
    )


def in_order(problems: Iterable[ConfigProblem]) -> tuple[ConfigProblem, ...]:
    """Return problems in the order of the file."""
    return tuple(sorted(problems, key=lambda problem: problem.line or 0))
