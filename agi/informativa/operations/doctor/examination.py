"""Examinations: checks that run at the same time, independent of each other, each with a time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ... import config
from ...asterisk import ami
from ...model.errors import ConfigError, ConfigProblem, InformativaError, ManagerError
from ...model.text import Foreign, Text, clause, command, joined
from ...system.patience import in_thread
from . import asterisk_files, users
from .account import ACTIONS
from .checks import SECONDS, SLOW, Check, Run, Suite, facts_of, of_suite
from .findings import LOOK_AT_LOAD, Finding, State, ok, unknown, warning, wrong
from .system import System

_ACCESS = Text("Run this as root, or as Asterisk's user.")


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


def count_by_state(findings: Iterable[Finding]) -> dict[str, int]:
    """Return the number of findings by state."""
    states = [finding.state for finding in findings]
    return {state.value: states.count(state) for state in State}


async def examine(file: Path) -> Examination:
    """Return the findings of `informativa doctor`. Changes nothing."""
    _system, findings = await run_checks(file, of_suite(Suite.DOCTOR))
    return Examination(tuple(findings), **count_by_state(findings))


async def check_configuration(file: Path, *, keep: bool = False) -> tuple[System, list[Finding]]:
    """Return the findings of `informativa check`, whose checks need neither Asterisk nor the service. Creates
    nothing, but that `keep` stores the parsed configuration for scripts."""
    system = await read(file, keep=keep)
    return system, await run(system, of_suite(Suite.CHECK))


async def run_checks(
    file: Path, checks: Sequence[Check], *, asks_asterisk: bool = False
) -> tuple[System, list[Finding]]:
    """Return the findings of these checks, in their order and without duplicates, and the system."""
    system = await read(file)
    return system, await run(system, checks, asks_asterisk=asks_asterisk)


async def run(system: System, checks: Sequence[Check], *, asks_asterisk: bool = False) -> list[Finding]:
    """Return the findings of these checks, in their order and without duplicates. Checks that say whether the
    service can start run first. Asterisk is asked if one of them needs it, or all are to know of it."""
    system.facts.need(facts_of(checks))
    async with AsyncExitStack() as stack:
        if asks_asterisk or any(check.asks_asterisk for check in checks):
            system.login = await _log_in(system, stack)
        by_id = await _all(system, [check for check in checks if check.blocks_start])
        system.start_blocked = any(
            finding.state is State.WRONG for findings in by_id.values() for finding in findings
        )
        by_id |= await _all(system, [check for check in checks if not check.blocks_start])
    return list(dict.fromkeys(finding for check in checks for finding in by_id[check.id]))


async def _all(system: System, checks: Sequence[Check]) -> dict[str, list[Finding]]:
    """Run checks at the same time; return the findings by id of the check, under its name."""
    results = await asyncio.gather(*(_findings(check, system) for check in checks))
    return {
        check.id: [replace(finding, check=check.name, check_id=check.id) for finding in findings]
        for check, findings in zip(checks, results, strict=True)
    }


async def read(file: Path, *, keep: bool = False) -> System:
    """Return a system with the configuration, as far as it can be read; `keep` stores it as it was parsed.
    Raises InformativaError for a user who may not see its secrets."""
    try:
        async with asyncio.timeout(SLOW):  # the limit of a company's own files is shorter, and names them
            configuration, problems = await in_thread(partial(config.inspect, file, keep=keep))
    except TimeoutError:
        problem = ConfigProblem(str(file), None, "", Text("cannot be read in {seconds} s", seconds=SLOW))
        return System(file, None, (problem,))
    except ConfigError as error:
        return System(file, None, error.problems)
    config.require_reader(problems)
    service_uid = users.listener(configuration.port)
    return System(file, configuration, problems, service_uid=service_uid)


async def _log_in(system: System, stack: AsyncExitStack) -> Finding | None:
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


async def results(run: Run, system: System) -> list[Finding]:
    """Return what a check yields. Raises its exceptions."""
    findings = run(system)
    if isinstance(findings, Iterator):
        return await in_thread(list, findings)
    return [finding async for finding in findings]


async def _findings(check: Check, system: System) -> list[Finding]:
    """Return the findings of one check, or one that says why it could not run."""
    if lacking := check.lacking(system):
        return [unknown(lacking)]
    try:
        async with asyncio.timeout(check.seconds):
            return await results(check.run, system)
    except TimeoutError:
        text = Text("no answer in {seconds} s", seconds=f"{check.seconds:.0f}")
        return [wrong(text, LOOK_AT_LOAD)]
    except InformativaError as error:
        return [wrong(clause(error.message), error.remedy)]
    except OSError as error:
        place, reason = error.filename or check.name, Foreign(error.strerror or str(error))
        text = Text("{file} cannot be looked at ({why})", file=place, why=reason)
        return [unknown(text, _ACCESS if isinstance(error, PermissionError) else LOOK_AT_LOAD)]
