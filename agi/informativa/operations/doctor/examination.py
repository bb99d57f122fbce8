"""All checks, in the order in which their findings are shown. They are independent of each other, run at the
same time, and each has a time limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from ... import config
from ...asterisk import ami
from ...model.errors import ConfigError, ConfigProblem, InformativaError, ManagerError
from ...model.text import Foreign, Text, clause, command, joined
from ...system.patience import in_thread
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
from .system import System

SECONDS = 5.0  # for each check, and for logging in
SLOW = 30.0  # for a check that reads all recordings, or waits for a ledger
MANAGER = Text("manager")


@dataclass(frozen=True)
class Check:
    """One check, which yields findings.

    `actions` are the ones that it needs at Asterisk's manager interface, and with `asks` it needs a session
    there. With `sound` it needs a configuration without mistakes, with `shaped` one that can be read. A
    `local` check is also part of `informativa check`. With `hinders` a wrong finding means that the service
    cannot start.
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

# For `informativa check`; `doctor` also looks at the other boxes.
SHARED = Check(Text("other boxes"), shared.reachable)


@dataclass(frozen=True)
class Examination:
    """The findings of an examination of the live system."""

    findings: tuple[Finding, ...]
    """In the order of the checks."""
    ok: int
    """The number of those that are in order."""
    warning: int
    """The number of those that somebody should know."""
    wrong: int
    """The number of those that are wrong."""
    unknown: int
    """The number of things that could not be checked."""


def counted(findings: Iterable[Finding]) -> dict[str, int]:
    """Return the number of findings by state."""
    states = [finding.state for finding in findings]
    return {state.value: states.count(state) for state in State}


async def examine(file: Path) -> Examination:
    """Run all checks; return their findings without duplicates. Changes nothing."""
    system = await _system(file)
    async with AsyncExitStack() as stack:
        manager = await _manager(system, stack)
        first = await _all(system, [check for check in CHECKS if check.hinders])
        system.start_blocked = any(
            finding.state is State.WRONG for findings in first.values() for finding in findings
        )
        by_check = first | await _all(system, [check for check in CHECKS if not check.hinders])
    findings = list(dict.fromkeys(finding for check in CHECKS for finding in by_check[check]))
    if manager is not None:
        first_asking = next(i for i, check in enumerate(CHECKS) if check.asks or check.actions)
        names_above = {check.name for check in CHECKS[:first_asking]}
        index = sum(finding.check in names_above for finding in findings)
        findings.insert(index, replace(manager, check=MANAGER))
    return Examination(tuple(findings), **counted(findings))


async def locally(file: Path) -> tuple[System, list[Finding]]:
    """Return the findings of `informativa check`: of all checks that need neither Asterisk nor the service,
    and of the one that connects to the shared database. Creates nothing."""
    return await these(file, [*(check for check in CHECKS if check.local), SHARED])


async def these(file: Path, checks: Sequence[Check]) -> tuple[System, list[Finding]]:
    """Return the findings of these checks, none of which may need Asterisk."""
    system = await _system(file)
    by_check = await _all(system, checks)
    return system, [finding for check in checks for finding in by_check[check]]


async def _all(system: System, checks: Sequence[Check]) -> dict[Check, list[Finding]]:
    """Run checks at the same time; return the findings by check, under its name."""
    results = await asyncio.gather(*(_findings(check, system) for check in checks))
    return {
        check: [replace(finding, check=check.name) for finding in findings]
        for check, findings in zip(checks, results, strict=True)
    }


async def _system(file: Path) -> System:
    """Read the configuration, as far as it can be read."""
    try:
        async with asyncio.timeout(SLOW):  # the limit of a company's own files is shorter, and names them
            configuration, problems = await in_thread(config.inspect, file)
    except TimeoutError:
        problem = ConfigProblem(str(file), None, "", Text("cannot be read in {seconds} s", seconds=SLOW))
        return System(file, None, (problem,))
    except ConfigError as error:
        return System(file, None, error.problems)
    return System(file, configuration, problems, service_uid=users.listener(configuration.port))


async def _manager(system: System, stack: AsyncExitStack) -> Finding | None:
    """Log in for all checks; return the finding about that, if there is one."""
    if system.configuration is None:
        return None
    account = system.configuration.manager
    if account is None:
        return warning(
            Text("Asterisk cannot be asked, nor the fallback spool be collected: there is no `manager`"),
            command("informativa", "keys", "make", "manager", "-c", system.file),
        )
    if not account.secret:  # reported as a problem of the configuration
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


async def _findings(check: Check, system: System) -> list[Finding]:
    """Return the findings of one check, or one that says why it could not run."""
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
    """Return why a check cannot run, or `None` if it can."""
    if check.shaped and system.configuration is None:
        return Text("the configuration cannot be read")
    if check.sound and system.problems:
        return Text("the configuration has mistakes")
    if (check.asks or check.actions) and system.asterisk is None:
        return Text("Asterisk cannot be asked")
    if set(check.actions) - system.allowed:
        return Text("the account may not do {actions}", actions=", ".join(check.actions))
    return None
