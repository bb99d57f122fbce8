"""The system that the checks examine: the configuration, Asterisk if it answers, and the machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from ...asterisk import ami
from ...asterisk.ami import ManagerSession
from ...call import spool as spools
from ...config import Configuration, by_company, of_callers, stops_service
from ...model import Controller, Prompt
from ...model.errors import ConfigProblem, ManagerError
from ...model.remedy import COMMANDS, SafeChange, SafeRemedy
from ...model.text import Text
from ...system.patience import start_in_thread
from ..evidence.log_state import LogState
from . import ledger_facts, probe, unit, users
from .asterisk_files import AsteriskFiles, usual_files
from .dialplan import DialplanStep
from .findings import Finding
from .ledger_facts import LedgerFact, LedgerFacts, midnight

Result = TypeVar("Result")


@dataclass
class System:
    """One system, at the time `now`. Facts that several checks need are read once, when the first one asks.

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
    units: Path = field(default_factory=lambda: unit.FOLDER)
    start_blocked: bool = False  # a finding says that the service cannot start
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    facts: LedgerFacts = field(init=False, repr=False)
    _answers: dict[str, asyncio.Task[Any]] = field(default_factory=dict, repr=False)
    _readings: dict[str, Future[Any]] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        self.facts = LedgerFacts(self.now)

    @property
    def configured(self) -> Configuration:
        """The configuration, for checks that need one."""
        assert self.configuration is not None
        return self.configuration

    @property
    def today(self) -> datetime:
        """The time at which the day of `now` began."""
        return midnight(self.now)

    @property
    def manager(self) -> ManagerSession:
        """Asterisk's manager interface, for checks that need it."""
        assert self.asterisk is not None
        return self.asterisk

    async def steps(self) -> list[DialplanStep]:
        """Return all steps of Asterisk's dialplan. Raises ManagerError."""
        return await self._ask("steps", self._dialplan)

    async def spool(self) -> dict[str, str] | None:
        """Return the rows of the fallback spool by key; `None` without an account. Raises ManagerError."""
        return await self._ask("spool", self._spool)

    async def service(self) -> dict[str, str] | None:
        """Return the status of the service (see `probe.status`). Raises OSError if nothing answers."""
        at = self.configured
        return await self._ask("service", lambda: probe.status(at.host, at.port, at.tokens))

    async def answer(self) -> dict[str, str] | None:
        """Return the status of the service; `None` if another program answers, or nothing."""
        with suppress(OSError):
            return await self.service()
        return None

    async def failing(self) -> dict[str, str] | None:
        """Return the companies of which the service can decide no call (see `probe.trial`); `None` if it did
        not try."""
        at = self.configured
        with suppress(OSError):
            return await self._ask("trial", lambda: probe.trial(at.host, at.port, at.tokens))
        return None

    def live(self) -> list[Controller]:
        """Return the companies that may go live."""
        return [controller for controller in self.configured.controllers.values() if not controller.refused]

    def recording(self) -> list[Controller]:
        """Return those of the live companies that have a ledger."""
        return [controller for controller in self.live() if Path(controller.ledger).exists()]

    def readable(self) -> list[Controller]:
        """Return the companies whose ledgers can be read, as far as the configuration goes."""
        return [
            controller
            for controller in self.configured.in_shape()
            if not controller.refused and not of_callers(self.problems, controller.id)
        ]

    def fact(self, controller: Controller, fact: LedgerFact[Result]) -> Result:
        """Return a fact of a company's ledger. Raises LedgerError, also where there is none, and
        EvidenceError."""
        return self.facts.of(controller, fact)

    def log(self, controller: Controller) -> LogState | None:
        """Return the state of a log; `None` if there is no ledger. Raises LedgerError, EvidenceError."""
        return self.fact(controller, ledger_facts.LOG) if Path(controller.ledger).exists() else None

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
        return self._read("users", self._users)

    def _users(self) -> dict[int, str]:
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

    def user_names(self) -> str:
        """Return those users' names for a sentence."""
        return ", ".join(self.users().values())

    def install_dialplan(self) -> Text:
        """Return the remedy that installs the dialplan; in words where Asterisk is on another machine."""
        remedy = self.asterisk_files.install(self.file)
        account = self.configured.manager
        return remedy if account and account.host.startswith("127.") else remedy.as_words

    def by_systemd(self, line: tuple[str, ...], words: Text = COMMANDS) -> Text:
        """Return the remedy that has systemd restart or reload the service; in words where no unit of systemd
        runs it with this configuration."""
        remedy = SafeRemedy(SafeChange.SERVICE, line, words=words)
        return remedy if unit.runs(self.file, self.units) else remedy.as_words

    def restart(self) -> Text:
        """Return the remedy that starts the service; mistakes that keep it from starting come first."""
        words = Text("{commands} (or: informativa serve -c {file})", file=self.file)
        run = self.by_systemd(unit.RESTART, words)
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

    async def _ask(self, question: str, ask: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Return the answer to a question that is asked once; a check that ends at its limit does not cancel
        it."""
        if question not in self._answers:
            self._answers[question] = asyncio.create_task(ask())
        result: Result = await asyncio.shield(self._answers[question])
        return result

    def _read(self, name: str, read: Callable[[], Result]) -> Result:
        """Return a result that is read once, for any thread."""
        with self._lock:
            if name not in self._readings:
                self._readings[name] = start_in_thread(read)
        result: Result = self._readings[name].result()
        return result

    async def _spool(self) -> dict[str, str] | None:
        if self.asterisk:
            return await self.asterisk.tree(spools.FAMILY)
        if self.configured.manager is None:
            return None
        async with ami.session(self.configured.manager) as manager:
            return await manager.tree(spools.FAMILY)

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
