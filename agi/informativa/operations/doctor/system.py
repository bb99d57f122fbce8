"""What the checks have before them: the configuration, Asterisk if it can be asked, and the machine."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from ...asterisk.ami import ManagerSession
from ...config import Configuration, by_company, stops_service
from ...errors import ManagerError, Problem
from ...model import Prompt
from ...patience import in_thread as in_thread  # which the checks share
from ...text import Text
from . import users
from .asterisk_files import AsteriskFiles, usual_files
from .dialplan import Step


@dataclass
class System:
    """One system. `configuration` is `None` where its file has no shape at all, and to be taken with care
    where there are `problems`. `asterisk` is `None`, or a conversation that may do the actions `allowed`;
    `asterisk_uid` and `service_uid` are whose processes they are, where that can be seen before any check
    tries the ports itself."""

    file: Path
    configuration: Configuration | None
    problems: tuple[Problem, ...]
    asterisk: ManagerSession | None = None
    allowed: frozenset[str] = frozenset()
    asterisk_uid: int | None = None
    asterisk_files: AsteriskFiles = field(default_factory=usual_files)
    service_uid: int | None = None
    hindered: bool = False  # something was found that keeps a service from starting
    _steps: asyncio.Task[list[Step]] | None = field(default=None, repr=False)

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

    async def steps(self) -> list[Step]:
        """All of Asterisk's dialplan; asked for once. Raises ManagerError."""
        if self._steps is None:
            self._steps = asyncio.create_task(self._dialplan())
        return await asyncio.shield(self._steps)

    async def loaded(self, module: str) -> bool:
        """Whether Asterisk has a module loaded. Raises ManagerError."""
        try:
            await self.manager.act("ModuleCheck", Module=module)
        except ManagerError as error:
            if "not loaded" in error.answer:
                return False
            raise
        return True

    def users(self) -> dict[int, str]:
        """Who must be able to use our files, and as what: Asterisk (for the script), the service; else the
        owner of the ledgers, as whom both will run."""
        found: dict[int, str] = {}
        for uid, what in (
            (self.asterisk_uid, "Asterisk"),
            (self.service_uid, "informativa"),
        ):
            if uid is not None:
                found.setdefault(uid, f"{what} ({users.name(uid)})")
        if not found:
            for controller in self.configured.answering():
                folder = Path(controller.ledger).parent
                if folder.is_dir():
                    uid = folder.stat().st_uid
                    found.setdefault(uid, users.name(uid))
        return found

    def named(self) -> str:
        """The same for a sentence."""
        return ", ".join(self.users().values())

    def restart(self) -> Text:
        """What has a service run, which it only does when nothing keeps it from that."""
        run = Text("systemctl restart informativa (or: informativa serve -c {file})", file=self.file)
        first = Text(
            "First mend what keeps the service from starting: informativa check -c {file}. Then: {run}"
        )
        companies = self.configuration.controllers if self.configuration else {}
        owners = self.configuration.owners if self.configuration else {}
        own, others = by_company(self.problems, companies, owners)
        if not (self.hindered or stops_service(own, others, companies)):
            if not own:
                return run
            first = Text(
                "First mend what keeps {companies} from being served: informativa check -c {file}."
                " Then: {run}",
            )
        return first.format(file=self.file, run=run, companies=", ".join(own))

    def prompts(self) -> dict[str, Prompt]:
        """All that any plan may play, by path, and the fallback prompt."""
        found = [self.configured.fallback] if self.configured.fallback else []
        for notices in self.configured.notices.values():
            for version in (version for notice in notices for version in notice.versions):
                found += (prompt for _part, _language, prompt in version.prompts())
        return {prompt.path: prompt for prompt in found}

    async def _dialplan(self) -> list[Step]:
        messages = await self.manager.act("ShowDialPlan")
        return [
            Step(each.context, each.extension, int(each.priority), each.application, each.appdata)
            for each in messages
            if each.event == "ListDialplan" and each.priority.isdigit()
        ]
