"""The system that the checks examine: the configuration, Asterisk if it answers, and the machine."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from ...asterisk.ami import ManagerSession
from ...config import Configuration, by_company, stops_service
from ...model import Prompt
from ...model.errors import ConfigProblem, ManagerError
from ...model.text import Text
from . import users
from .asterisk_files import AsteriskFiles, usual_files
from .dialplan import DialplanStep
from .findings import Finding

UNITS = Path("/etc/systemd/system")


@dataclass
class System:
    """One system.

    `configuration` is `None` if its file cannot be read as one, and is incomplete where there are `problems`.
    `asterisk` is `None`, or a session that may do the actions `allowed`; `login` is the finding about that.
    `asterisk_uid` and `service_uid` are the owners of the two processes, if the machine shows them; they are
    read before any check opens the ports. `units` is the folder of systemd's units.
    """

    file: Path
    configuration: Configuration | None
    problems: tuple[ConfigProblem, ...]
    asterisk: ManagerSession | None = None
    allowed: frozenset[str] = frozenset()
    login: Finding | None = None
    asterisk_uid: int | None = None
    asterisk_files: AsteriskFiles = field(default_factory=usual_files)
    service_uid: int | None = None
    units: Path = UNITS
    start_blocked: bool = False  # a finding says that the service cannot start
    _steps: asyncio.Task[list[DialplanStep]] | None = field(default=None, repr=False)

    @property
    def configured(self) -> Configuration:
        """The configuration, for checks that need one."""
        assert self.configuration is not None
        return self.configuration

    @property
    def manager(self) -> ManagerSession:
        """Asterisk's manager interface, for checks that need it."""
        assert self.asterisk is not None
        return self.asterisk

    async def steps(self) -> list[DialplanStep]:
        """Return all steps of Asterisk's dialplan, which is fetched once. Raises ManagerError."""
        if self._steps is None:
            self._steps = asyncio.create_task(self._dialplan())
        return await asyncio.shield(self._steps)

    async def loaded(self, module: str) -> bool:
        """Return whether Asterisk has a module loaded. Raises ManagerError."""
        try:
            await self.manager.act("ModuleCheck", Module=module)
        except ManagerError as error:
            if "not loaded" in error.answer:
                return False
            raise
        return True

    def users(self) -> dict[int, str]:
        """Return the users who need our files, by id, with a name for people: Asterisk's (for the script) and
        the service's; if neither is known the owner of the ledgers, as whom both will run."""
        by_uid: dict[int, str] = {}
        for uid, program in (
            (self.asterisk_uid, "Asterisk"),
            (self.service_uid, "informativa"),
        ):
            if uid is not None:
                by_uid.setdefault(uid, f"{program} ({users.name(uid)})")
        if not by_uid:
            for controller in self.configured.answering():
                folder = Path(controller.ledger).parent
                if folder.is_dir():
                    uid = folder.stat().st_uid
                    by_uid.setdefault(uid, users.name(uid))
        return by_uid

    def named(self) -> str:
        """Return those users' names for a sentence."""
        return ", ".join(self.users().values())

    def restart(self) -> Text:
        """Return the remedy that starts the service; mistakes that keep it from starting come first."""
        run = Text("systemctl restart informativa (or: informativa serve -c {file})", file=self.file)
        first = Text(
            "First mend what keeps the service from starting: informativa check -c {file}. Then: {run}"
        )
        companies = self.configuration.controllers if self.configuration else {}
        owners = self.configuration.owners if self.configuration else {}
        by_id, general = by_company(self.problems, companies, owners)
        if not (self.start_blocked or stops_service(by_id, general, companies)):
            if not by_id:
                return run
            first = Text(
                "First mend what keeps {companies} from being served: informativa check -c {file}."
                " Then: {run}",
            )
        return first.format(file=self.file, run=run, companies=", ".join(by_id))

    def prompts(self) -> dict[str, Prompt]:
        """Return all prompts that any plan may play, and the fallback prompt, by path."""
        prompts = [self.configured.fallback] if self.configured.fallback else []
        for notices in self.configured.notices.values():
            for version in (version for notice in notices for version in notice.versions):
                prompts += (prompt for _part, _language, prompt in version.prompts())
        return {prompt.path: prompt for prompt in prompts}

    async def _dialplan(self) -> list[DialplanStep]:
        messages = await self.manager.act("ShowDialPlan")
        return [
            DialplanStep(
                message.context,
                message.extension,
                int(message.priority),
                message.application,
                message.appdata,
            )
            for message in messages
            if message.event == "ListDialplan" and message.priority.isdigit()
        ]
