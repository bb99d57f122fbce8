"""All checks, in the order in which their findings are told. They know nothing of each other, run at the
same time, and none may take longer than a few seconds."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from ... import config
from ...asterisk import ami
from ...errors import ConfigError, InformativaError, ManagerError, Problem
from ...text import Foreign, Text, clause, command, joined
from . import (
    asterisk,
    asterisk_files,
    evidence,
    installation,
    ledgers,
    names,
    notices,
    ports,
    service,
    shared,
    users,
)
from .account import ACTIONS
from .findings import Finding, State, ok, unknown, warning, wrong
from .system import System, in_thread

SECONDS = 5.0  # for each check, and for logging in
SLOW = 30.0  # for those that read all recordings, or wait for a ledger
MANAGER = Text("manager")


@dataclass(frozen=True)
class Check:
    """One thing to look at. `actions` are what it needs of Asterisk's manager interface; with `sound` it
    makes sense only for a configuration without mistakes, with `shaped` only for one that can be read. At
    what is `local` looks `informativa check`, too; what `hinders`, if wrong, keeps a service from starting.
    """

    name: Text
    look: Callable[[System], AsyncIterator[Finding]]
    actions: tuple[str, ...] = ()
    asks: bool = False
    shaped: bool = True
    sound: bool = False
    local: bool = False
    hinders: bool = False
    seconds: float = SECONDS


CHECKS = (
    Check(Text("configuration"), installation.configuration, shaped=False, local=True),
    Check(Text("recordings"), installation.recordings, local=True, seconds=SLOW),
    Check(Text("ports"), ports.ports, local=True, hinders=True),
    Check(Text("ledgers"), ledgers.ledgers, local=True, seconds=SLOW),
    Check(Text("damage"), ledgers.damage, local=True, seconds=SLOW),
    Check(Text("ledgers"), ledgers.missing),
    Check(Text("evidence"), evidence.evidence, seconds=SLOW),
    Check(Text("evidence"), evidence.outside, local=True),
    Check(Text("other boxes"), shared.shared, seconds=SLOW),
    Check(Text("program"), installation.program, local=True),
    Check(Text("plans"), installation.plans, local=True),
    Check(Text("prompts"), installation.prompts, local=True, seconds=SLOW),
    Check(Text("words"), notices.words, local=True, seconds=SLOW),
    Check(Text("names"), names.names, local=True),
    Check(Text("versions"), notices.removed, local=True, seconds=SLOW),
    Check(Text("numbers"), notices.numbers, local=True, seconds=SLOW),
    Check(Text("files"), service.files),
    Check(Text("files"), service.open_to_all, local=True),
    Check(Text("service"), service.service),
    Check(Text("metrics"), service.metrics),
    Check(Text("room"), service.room),
    Check(Text("future"), service.future),
    Check(Text("rights"), asterisk.rights, asks=True),
    Check(Text("version"), asterisk.version, ("CoreSettings",)),
    Check(Text("modules"), asterisk.modules, ("ModuleCheck",)),
    Check(Text("formats"), asterisk.formats, ("ModuleCheck",)),
    Check(Text("sounds"), asterisk.sounds, asks=True),
    Check(Text("context"), asterisk.context, ("ShowDialPlan",), sound=True),
    Check(Text("lines"), asterisk.lines, ("ShowDialPlan",)),
    Check(Text("script"), asterisk.script, ("ShowDialPlan",)),
    Check(Text("clock"), asterisk.clock, asks=True),
    Check(Text("spool"), asterisk.spool, ("DBGetTree",)),
)

# Of which the doctor finds more, when it looks at the boxes.
SHARED = Check(Text("other boxes"), shared.reachable)


@dataclass(frozen=True)
class Examined:
    """One finding, under the name of its check."""

    check: Text
    finding: Finding


@dataclass(frozen=True)
class Examination:
    """Everything that was found."""

    found: tuple[Examined, ...]

    @property
    def counted(self) -> Counter[State]:
        """How many there are of each state."""
        return Counter(one.finding.state for one in self.found)

    @property
    def wrong(self) -> bool:
        """Whether anything was found wrong."""
        return any(one.finding.state is State.WRONG for one in self.found)


async def examine(file: Path) -> Examination:
    """Everything that was found, each under the name of its check, and what two of one name found, once.
    Changes nothing, and ends in time."""
    system = await _system(file)
    async with AsyncExitStack() as stack:
        manager = await _manager(system, stack)
        first = await _all(system, [check for check in CHECKS if check.hinders])
        system.hindered = any(one.state is State.WRONG for findings in first.values() for one in findings)
        found = first | await _all(system, [check for check in CHECKS if not check.hinders])
    examined = list(dict.fromkeys(Examined(check.name, one) for check in CHECKS for one in found[check]))
    if manager is not None:
        asking = next(i for i, check in enumerate(CHECKS) if check.asks or check.actions)
        before = {check.name for check in CHECKS[:asking]}
        index = sum(one.check in before for one in examined)
        examined.insert(index, Examined(MANAGER, manager))
    return Examination(tuple(examined))


async def locally(file: Path) -> tuple[System, list[Finding]]:
    """What `informativa check` finds: all that needs neither Asterisk nor the service, and whether
    the shared database can be used. Makes nothing."""
    system, found = await these(file, [*(check for check in CHECKS if check.local), SHARED])
    return system, [one.finding for one in found.found]


async def these(file: Path, checks: Sequence[Check]) -> tuple[System, Examination]:
    """What these checks find, of which none asks Asterisk."""
    system = await _system(file)
    found = await _all(system, checks)
    return system, Examination(tuple(Examined(check.name, one) for check in checks for one in found[check]))


async def _all(system: System, checks: Sequence[Check]) -> dict[Check, list[Finding]]:
    """What each of them found."""
    found = await asyncio.gather(*(_looked(check, system) for check in checks))
    return dict(zip(checks, found, strict=True))


async def _system(file: Path) -> System:
    """The configuration, as far as there is one."""
    try:
        async with asyncio.timeout(SLOW):  # where a company's files do not answer this tells it before
            configuration, problems = await in_thread(config.inspect, file)
    except TimeoutError:
        problem = Problem(str(file), None, "", Text("cannot be read in {seconds} s", seconds=SLOW))
        return System(file, None, (problem,))
    except ConfigError as error:
        return System(file, None, error.problems)
    return System(file, configuration, problems, service_uid=users.listener(configuration.port))


async def _manager(system: System, stack: AsyncExitStack) -> Finding | None:
    """Log in for all checks; what came of it."""
    if system.configuration is None:
        return None
    account = system.configuration.manager
    if account is None:
        return warning(
            Text("Asterisk cannot be asked, nor the fallback spool be collected: there is no `manager`"),
            command("informativa", "keys", "make", "manager", "-c", system.file),
        )
    if not account.secret:  # which is among the problems
        return None
    try:
        async with asyncio.timeout(SECONDS):
            system.asterisk = await stack.enter_async_context(ami.session(account))
            (commands,) = await system.asterisk.act("ListCommands")
    except ManagerError as error:
        system.asterisk = None
        fix = Text("What makes it prints: informativa doctor --account -c {file}", file=system.file)
        return wrong(clause(error.message), joined(" ", error.remedy, fix))
    except TimeoutError:
        system.asterisk = None
        text = Text("what answers at {host}:{port} is not Asterisk's manager interface, or it hangs")
        fix = Text("Correct manager.address, or see: asterisk -rx 'manager show settings'")
        return wrong(text.format(host=account.host, port=account.port), fix)
    system.allowed = frozenset(action for action in ACTIONS if action in commands)
    if account.host.startswith("127."):
        system.asterisk_uid = users.listener(account.port)
        system.asterisk_files = await in_thread(asterisk_files.of_manager, account.port)
    return ok(Text("Asterisk's manager interface lets {user} in", user=account.user))


async def _looked(check: Check, system: System) -> list[Finding]:
    """What one check found; why it could not be made, if it could not."""
    if lacking := _lacking(check, system):
        return [unknown(lacking)]
    try:
        async with asyncio.timeout(check.seconds):
            return [finding async for finding in check.look(system)]
    except TimeoutError:
        text = Text("no answer in {seconds} s", seconds=f"{check.seconds:.0f}")
        return [wrong(text, Text("Look at the disk and at the load of this machine, and at Asterisk's."))]
    except InformativaError as error:
        return [wrong(clause(error.message), error.remedy)]
    except PermissionError as error:
        text = Text(
            "{file} cannot be looked at ({why})", file=error.filename, why=Foreign(error.strerror or "")
        )
        return [unknown(text, Text("Run this as root, or as Asterisk's user."))]


def _lacking(check: Check, system: System) -> Text | None:
    """Why a check cannot be made, if so."""
    if check.shaped and system.configuration is None:
        return Text("the configuration cannot be read")
    if check.sound and system.problems:
        return Text("the configuration has mistakes")
    if (check.asks or check.actions) and system.asterisk is None:
        return Text("Asterisk cannot be asked")
    if set(check.actions) - system.allowed:
        return Text("the account may not do {actions}", actions=", ".join(check.actions))
    return None
