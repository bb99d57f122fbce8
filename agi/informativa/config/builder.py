"""Building of a configuration's frozen objects from its settings; problems are noted on the way."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..evidence.origin import log_folder
from ..model import BackupPlan, Choice, Controller, Line, ManagerAccount, Notice
from ..model.errors import ConfigProblem
from ..model.text import Text
from . import parsed_cache
from .apart import require_apart
from .configuration import Configuration
from .controllers import ControllersBuilder, ledger_file
from .document import KeyPath
from .findings import Findings, in_order
from .lines import Lines, spelled
from .notices import Measured, Notices

if TYPE_CHECKING:
    from .schema import BackupSettings, ManagerSettings, Settings


_Part = tuple[Controller, Mapping[str, Notice], Mapping[str, Choice]]


class Builder:
    """A builder of the objects, which notes problems on the way. `spellings` of called numbers may be
    known."""

    def __init__(
        self,
        findings: Findings,
        settings: Settings,
        folder: Path,
        spellings: parsed_cache.Spellings | None,
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._findings = findings
        self._spellings = spellings
        self._measured: Measured = {}

    def build(self, digest: str, path_digest: str) -> Configuration:
        """Build the whole configuration."""
        from .endpoints import Endpoints  # not for a script
        from .evidence import Evidence
        from .web import web

        settings, configuration = self._settings, self.for_calls()
        self._require_apart(configuration.controllers)
        if settings.fallback_prompt is None:
            message = Text(
                "without it, calls to numbers that are not listed here hear nothing, and so may those of a"
                " company whose part has mistakes",
                "write `fallback_prompt: prompts/it/short-nokey`, or another prompt that names no key",
            )
            self._findings.add_warning(("fallback_prompt",), message)
        configuration = replace(
            configuration,
            manager=self._manager(settings.manager) if settings.manager else None,
            tokens=Endpoints(settings.service, self._folder, self._findings).tokens(),
            evidence=Evidence(settings, self._folder, self._findings).build(),
            web=web(settings.web, self._folder, self._findings, settings.controllers),
            backup=self._backup(settings.backup) if settings.backup else None,
            digest=digest,
            path_digest=path_digest,
        )
        configuration = replace(
            configuration,
            refused=in_order(self._findings.refused),
            warnings=in_order(self._findings.warnings),
        )
        return (
            _with_stalled_refused(configuration, self._findings.stalled)
            if self._findings.stalled
            else configuration
        )

    def _backup(self, section: BackupSettings) -> BackupPlan:
        return BackupPlan(os.path.normpath(self._folder / section.folder), section.keep, section.warn_after)

    def _require_apart(self, controllers: Mapping[str, Controller]) -> None:
        """Note the companies that share a key, ledger or log. A file that stalls is compared by its name."""
        files = {name: _ledger_and_log(controller) for name, controller in controllers.items()}

        def look(name: str, findings: Findings) -> dict[Path, object]:
            path: KeyPath = ("controllers", name, "ledger")
            return {file: findings.look(file, path, partial(file_mark, file)) or file for file in files[name]}

        def by_name(name: str) -> dict[Path, object]:
            return {file: file for file in files[name]}

        marks: dict[Path, object] = {}
        for marks_of_company in self._findings.of_companies(files, look, by_name).values():
            marks |= marks_of_company
        require_apart(
            {name: controller.key for name, controller in controllers.items()},
            {name: Path(controller.ledger) for name, controller in controllers.items()},
            marks.__getitem__,
            self._findings,
        )

    def for_calls(self) -> Configuration:
        """Build the part on which calls depend."""
        settings = self._settings
        parts = self._findings.of_companies(settings.controllers, self._part, self._unbuilt)
        controllers = {name: controller for name, (controller, *_) in parts.items()}
        notices_of = {name: notices for name, (_controller, notices, _choices) in parts.items()}
        choices_of = {name: choices for name, (*_, choices) in parts.items()}
        lines = Lines(settings, controllers, notices_of, choices_of, self._findings).build()
        spellings = self._spellings
        if spellings is None:
            spellings = spelled({line.number: line.region for line in lines}, self._findings)
        fallback = None
        if settings.fallback_prompt is not None:
            notices = Notices(self._folder, self._findings, self._measured)
            fallback = notices.prompt(settings.fallback_prompt, ("fallback_prompt",))
        host, port = settings.service.listen.rsplit(":", 1)
        return Configuration(
            file=self._findings.file,
            folder=self._folder,
            host=host,
            port=int(port),
            sessions=settings.service.sessions,
            drain=settings.service.drain,
            controllers=controllers,
            key_files={name: section.key for name, section in settings.controllers.items()},
            notices={name: tuple(notices_by_id.values()) for name, notices_by_id in notices_of.items()},
            choices={name: tuple(choices.values()) for name, choices in choices_of.items() if choices},
            lines=lines,
            spelled=_lines_by_spelling(lines, spellings),
            fallback=fallback,
            operator=settings.operator,
            metrics=settings.service.metrics or "",
            elsewhere=settings.service.elsewhere or "",
        )

    def _part(self, name: str, findings: Findings) -> _Part:
        """Build one company and its notices from its section."""
        section = self._settings.controllers[name]
        notices = Notices(self._folder, findings, self._measured)
        controller = ControllersBuilder(self._settings, self._folder, findings).controller(name, section)
        choices: Mapping[str, Choice] = {}
        if section.choices:
            from .choices import Choices  # not for a script that needs none

            choices = Choices(self._settings, notices, findings).of_company(name, section)
        return controller, notices.of_company(name, section), choices

    def _unbuilt(self, name: str) -> _Part:
        """Return a stand-in for a company that could not be built."""
        section = self._settings.controllers[name]
        return Controller(name, section.name, b"", ledger_file(self._folder, section)), {}, {}

    @property
    def problems(self) -> tuple[ConfigProblem, ...]:
        """Return all problems so far, in the order of the file."""
        return in_order(self._findings.problems)

    def _manager(self, section: ManagerSettings) -> ManagerAccount:
        file, path = self._folder / section.secret, ("manager", "secret")
        absent = Text("there is no file {file}", "put the user's secret there, then type: {private}")
        secret = self._findings.secret(
            file, path, partial(absent.format, file=file, private=self._findings.private(file))
        )
        host, port = section.address.rsplit(":", 1)
        return ManagerAccount(host, int(port), section.user, (secret or "").strip())


def _lines_by_spelling(lines: tuple[Line, ...], spellings: parsed_cache.Spellings) -> dict[str, Line]:
    by_number = {line.number: line for line in lines}
    return {spelling: by_number[number] for spelling, number in spellings.items() if number in by_number}


def _ledger_and_log(controller: Controller) -> tuple[Path, Path]:
    return Path(controller.ledger), log_folder(Path(controller.ledger))


def file_mark(file: Path) -> object:
    """Identify a file, by any of its names: its device and inode, or the place where it will be."""
    try:
        status = file.stat()
    except OSError:
        return file.parent / file.name if file.is_absolute() else file
    return status.st_dev, status.st_ino


def _with_stalled_refused(configuration: Configuration, stalled: Mapping[str, Text]) -> Configuration:
    """Return the configuration in which companies with a file that does not answer are not live: nobody reads
    there again."""
    controllers = {
        name: replace(controller, refused=stalled.get(name) or controller.refused)
        for name, controller in configuration.controllers.items()
    }
    return replace(configuration.with_controllers(controllers), stalled=tuple(stalled))
