"""What was found on the way from a file to objects: problems, refusals, warnings, each with its place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from ..errors import Problem
from ..text import NOTHING, Foreign, Text, command
from .document import Document, KeyPath
from .looks import Looks, StalledError

Result = TypeVar("Result")
LONGEST_SECRET = 65_536  # characters
COMPANY_SECONDS = 30.0  # for all that one company's section names, beside the others'


class Findings:
    """Collects them. A problem stops everything, a refusal one controller, a warning nothing. `stalled` are
    the companies of which a file did not answer, or nothing could be made, each with the reason."""

    def __init__(self, document: Document, looks: Looks, problems: Iterable[Problem] = ()) -> None:
        self.file = Path(document.file).absolute()
        self.stalled: dict[str, Text] = {}
        self._told: set[KeyPath] = set()  # where something did not answer
        self._document, self._looks = document, looks
        self.problems = list(problems)
        self.refused: list[Problem] = []
        self.warnings: list[Problem] = []

    def lacks(self, path: KeyPath) -> bool:
        """Whether what stands there could not be used, which is told."""
        return self._document.lacks(path)

    def stands(self, path: KeyPath) -> bool:
        """Whether the file has that setting."""
        return path in self._document.lines

    def misspelt(self, path: KeyPath) -> bool:
        """Whether something beside it could not be used: it may be meant by that, which is told."""
        return any(gap[:-1] == path[:-1] for gap in self._document.left_out)

    def wrong(self, path: KeyPath, message: Text, remedy: Text = NOTHING) -> None:
        """Note a problem, unless it is one of a gap that is told already."""
        if not self.lacks(path):
            self.problems.append(self._document.problem(path, message, remedy))

    def refuse(self, path: KeyPath, message: Text, remedy: Text) -> None:
        """Note why a controller may not go live."""
        if not self.lacks(path):
            self.refused.append(self._document.problem(path, message, remedy))

    def warn(self, path: KeyPath, message: Text, remedy: Text = NOTHING) -> None:
        """Note what an admin should have thought about."""
        if not self.lacks(path):
            self.warnings.append(self._document.problem(path, message, remedy))

    def private(self, file: Path) -> str:
        """What makes a new file one that the service's user alone may read."""
        return f"{command('chown', f'--reference={self.file}', file)}; {command('chmod', '600', file)}"

    def of_companies(
        self,
        companies: Iterable[str],
        build: Callable[[str, Findings], Result],
        instead: Callable[[str], Result],
    ) -> dict[str, Result]:
        """Build the part of each company apart from the others'; something `instead`, with a problem noted,
        where that fails or takes too long. A script, which has one company, bounds itself."""
        if not self._looks.seconds:
            return {name: build(name, self) for name in companies}
        from ..patience import of_each  # not for a script

        own = {name: Findings(self._document, self._looks) for name in companies}
        built: dict[str, Result] = {}
        works = {name: partial(build, name, findings) for name, findings in own.items()}
        for name, outcome in of_each(works, COMPANY_SECONDS).items():
            if isinstance(outcome, Exception):
                self._note_unbuilt(name, outcome)
                built[name] = instead(name)
            else:
                self._take_over(own[name])  # not from one that may still go on
                built[name] = outcome
        return built

    def _note_unbuilt(self, company: str, error: Exception) -> None:
        """Note why nothing was built of a company's section. That it is missing is no further problem."""
        from ..patience import defect, failure

        path: KeyPath = ("controllers", company)
        why = failure(error, self.file.parent, COMPANY_SECONDS)
        self.problems.append(replace(self._document.problem(path, why), defect=defect(error)))
        self.stalled.setdefault(company, why.statement)
        self._document.left_out.add(path)

    def _take_over(self, others: Findings) -> None:
        self.problems += others.problems
        self.refused += others.refused
        self.warnings += others.warnings
        self.stalled |= others.stalled

    def look(self, file: Path, path: KeyPath, work: Callable[[], Result]) -> Result | None:
        """Give what a look at a file comes to; `None`, with a problem noted, where it does not answer. Raises
        whatever the look raises."""
        try:
            return self._looks.look(_company(path), file, work)
        except StalledError:
            self.note_stalled(file, path)
            return None

    def note_stalled(self, file: Path, path: KeyPath) -> None:
        """Note that a setting's file does not answer, once for each setting."""
        from ..patience import stalled  # not for a script

        why = stalled(file.parent, self._looks.seconds)
        if path not in self._told:
            self._told.add(path)
            self.wrong(path, why.statement, why.advice)
        if company := _company(path):
            self.stalled.setdefault(company, why.statement)

    def secret(self, file: Path, path: KeyPath, absent: Callable[[], Text]) -> str | None:
        """Read a file that its user alone may read; `None`, with a problem noted, if there is none: `absent`
        says that, and what to do."""
        try:
            read = self.look(file, path, partial(_read_secret, file))
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of symbolic links
            said = Foreign(getattr(error, "strerror", None) or str(error))
            self.wrong(
                path,
                Text(
                    "{file} cannot be read ({why})",
                    "run this as the user whose file it is",
                    file=file,
                    why=said,
                ),
            )
            return None
        if read is None:  # which is told
            return None
        mode, content = read
        if content is None:
            self.wrong(path, _in_the_way(file, absent()) if mode else absent())
            return None
        if mode & 0o077:
            self.wrong(
                path,
                Text(
                    "others can read {file} (mode {mode:04o})",
                    "type: chmod 600 {file}",
                    file=file,
                    mode=mode,
                ),
            )
        return content


def _company(path: KeyPath) -> str:
    """Give the company in whose section a setting stands; '' for none."""
    return str(path[1]) if path[0] == "controllers" else ""


def _read_secret(file: Path) -> tuple[int, str | None]:
    """The mode of a file and what is in it: `None` for what is no file, and mode 0 where nothing is there.
    Raises OSError."""
    if not file.is_file():
        return int(os.path.lexists(file)), None
    with file.open(encoding="utf-8", errors="replace") as opened:
        return file.stat().st_mode & 0o777, opened.read(LONGEST_SECRET)


def _in_the_way(file: Path, absent: Text) -> Text:
    """Say that something else stands where a file should be, and what to do before one can be made."""
    return Text(
        "{file} is no file",
        "type: mv {file} {file}.aside, and then {next}",
        file=file,
        next=absent.advice or Text("put the file there"),
    )


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """As they stand in the file."""
    return tuple(sorted(problems, key=lambda problem: problem.line or 0))
