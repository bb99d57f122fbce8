"""The registry: every check that a command runs, one a row, in the order in which findings are shown."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Flag, auto
from functools import reduce
from operator import or_
from typing import Any

from ...model.text import NOTHING, Text
from . import (
    asterisk,
    choices,
    console,
    evidence,
    hooks,
    installation,
    ledgers,
    names,
    notices,
    ports,
    requests,
    service,
    status,
)
from .findings import Finding
from .ledger_facts import (
    CALLERS_BY_VERSION,
    DAMAGE,
    FOREIGN_PARTS,
    FUTURE_CALL,
    KEPT_SINCE,
    LAST_CALLERS,
    LOG,
    OUTBOX,
    RECORDINGS,
    REFUSAL,
    REQUESTS,
    SUMMARY,
    WAITING,
    LedgerFact,
)
from .system import System

SECONDS = 5.0  # for a check, and for logging in
SLOW = 30.0  # for a check that reads all recordings, or waits for a ledger


class Suite(Flag):
    """The commands that run checks."""

    CHECK = auto()
    DOCTOR = auto()
    STATUS = auto()
    SERVICE = auto()
    """`informativa status --service`, of the service alone."""


class Needs(Flag):
    """The things without which a check cannot run: a configuration that can be read, which all others entail,
    or has no mistakes; a session at Asterisk's manager interface, which the rights to actions there entail.
    Each bit has a name, since `|` of Python 3.11.2 (Debian 12) loses those that have none."""

    NOTHING = 0
    CONFIGURATION = auto()
    FAULTLESS = auto()
    ASTERISK = auto()
    SETTINGS = auto()
    MODULES = auto()
    DIALPLAN = auto()
    SPOOL = auto()


ACTIONS = {
    Needs.SETTINGS: "CoreSettings",
    Needs.MODULES: "ModuleCheck",
    Needs.DIALPLAN: "ShowDialPlan",
    Needs.SPOOL: "DBGetTree",
}

_OF_ASTERISK = reduce(or_, ACTIONS, Needs.ASTERISK)

Run = Callable[[System], Iterator[Finding] | AsyncIterator[Finding]]


@dataclass(frozen=True)
class Check:
    """One check: `run` yields findings, which are shown under `name`.

    It may take `seconds`, in a thread unless it is asynchronous. It uses these `facts` of ledgers. With
    `blocks_start` a wrong finding means that the service cannot start, which the remedies of other checks
    mention. `by_hand` says why a remedy of the doctor's that is no `SafeRemedy` is left to a person.
    """

    id: str
    name: Text
    run: Run
    suites: Suite = Suite.CHECK | Suite.DOCTOR
    needs: Needs = Needs.CONFIGURATION
    seconds: float = SECONDS
    facts: tuple[LedgerFact[Any], ...] = ()
    blocks_start: bool = False
    by_hand: Text = NOTHING

    @property
    def asks_asterisk(self) -> bool:
        """The need of a session at Asterisk's manager interface."""
        return bool(self.needs & _OF_ASTERISK)

    def lacking(self, system: System) -> Text | None:
        """Return why the check cannot run, or `None` if it can."""
        if self.needs and system.configuration is None:
            return Text("the configuration cannot be read")
        if Needs.FAULTLESS in self.needs and system.problems:
            return Text("the configuration has mistakes")
        if self.asks_asterisk and system.asterisk is None:
            return Text("Asterisk cannot be asked")
        for need, action in ACTIONS.items():
            if need in self.needs and action not in system.allowed:
                return Text("the account may not do {actions}", actions=action)
        return None


_CHECK, _DOCTOR, _STATUS, _SERVICE = Suite

_SETTINGS = Text("What the configuration means, and which key is whose, is for you to decide.")
_SOUND = Text("It changes what callers hear.")
_RECORDS = Text("It decides what becomes of records.")
_LOG = Text("It takes somebody who knows what was signed, or who must approve it.")
_DISK = Text("Whether a disk is missing or full, you can tell.")
_ALL = Text("It would let every user of this machine into a folder that is not informativa's.")
_CAUSE = Text("The cause is elsewhere, and is to be found first.")
_OTHERS = Text("It concerns other programs, machines or people.")
_PERSONS = Text("A person is answered by a person.")
_PBX = Text("It changes Asterisk, which is yours.")

CHECKS = (
    Check("service-status", Text("service"), status.service, _STATUS | _SERVICE, seconds=SLOW),
    Check(
        "configuration",
        Text("configuration"),
        installation.configuration,
        _CHECK | _DOCTOR | _STATUS,
        Needs.NOTHING,
        by_hand=_SETTINGS,
    ),
    Check(
        "cache",
        Text("configuration"),
        installation.cached,
        _CHECK | _DOCTOR,
        Needs.NOTHING,
        by_hand=_SETTINGS,
    ),
    Check(
        "recordings",
        Text("recordings"),
        installation.recordings,
        seconds=SLOW,
        facts=(RECORDINGS,),
        by_hand=_SOUND,
    ),
    Check("ports", Text("ports"), ports.ports, blocks_start=True, by_hand=_OTHERS),
    Check(
        "ledgers", Text("ledgers"), ledgers.ledgers, seconds=SLOW, facts=(FOREIGN_PARTS,), by_hand=_RECORDS
    ),
    Check("damage", Text("damage"), ledgers.damage, seconds=SLOW, facts=(DAMAGE,), by_hand=_RECORDS),
    Check("schema", Text("ledgers"), ledgers.schema, seconds=SLOW, facts=(FOREIGN_PARTS,), by_hand=_RECORDS),
    Check("ledgers-missing", Text("ledgers"), ledgers.missing, _DOCTOR, by_hand=_RECORDS),
    Check("backups", Text("backups"), installation.backups, _DOCTOR, by_hand=_DISK),
    Check(
        "evidence",
        Text("evidence"),
        evidence.evidence,
        _DOCTOR,
        seconds=SLOW,
        facts=(LOG, REFUSAL),
        by_hand=_LOG,
    ),
    Check(
        "approvals",
        Text("evidence"),
        evidence.approvals,
        _DOCTOR | _STATUS,
        seconds=SLOW,
        facts=(WAITING,),
        by_hand=_LOG,
    ),
    Check("approvers", Text("evidence"), evidence.approvers, by_hand=_SETTINGS),
    Check("evidence-outside", Text("evidence"), evidence.outside, by_hand=_SETTINGS),
    Check(
        "hooks", Text("hooks"), hooks.hooks, _DOCTOR | _STATUS, seconds=SLOW, facts=(OUTBOX,), by_hand=_OTHERS
    ),
    Check(
        "requests",
        Text("requests"),
        requests.requests,
        _DOCTOR | _STATUS,
        seconds=SLOW,
        facts=(REQUESTS,),
        by_hand=_PERSONS,
    ),
    Check("program", Text("program"), installation.program, by_hand=_OTHERS),
    Check("plans", Text("plans"), installation.plans, by_hand=_SOUND),
    Check("prompts", Text("prompts"), installation.prompts, seconds=SLOW, by_hand=_SOUND),
    Check("words", Text("words"), notices.words, seconds=SLOW, by_hand=_SOUND),
    Check("choices", Text("words"), choices.keys, seconds=SLOW, by_hand=_SOUND),
    Check("vouching", Text("choices"), choices.vouching, seconds=SLOW, by_hand=_SETTINGS),
    Check("names", Text("names"), names.names, by_hand=_SETTINGS),
    Check(
        "versions",
        Text("versions"),
        notices.removed,
        seconds=SLOW,
        facts=(CALLERS_BY_VERSION,),
        by_hand=_SETTINGS,
    ),
    Check(
        "numbers", Text("numbers"), notices.numbers, seconds=SLOW, facts=(LAST_CALLERS,), by_hand=_SETTINGS
    ),
    Check("files", Text("files"), service.files, _DOCTOR, by_hand=_ALL),
    Check("files-open", Text("files"), service.open_to_all, by_hand=_ALL),
    Check("unit", Text("service"), service.started, _DOCTOR, by_hand=_CAUSE),
    Check("service", Text("service"), service.service, _DOCTOR, by_hand=_CAUSE),
    Check("metrics", Text("metrics"), service.metrics, _DOCTOR, by_hand=_CAUSE),
    Check("room", Text("room"), service.room, _DOCTOR, by_hand=_DISK),
    Check("console", Text("console"), console.front, _DOCTOR, by_hand=_OTHERS),
    Check("passkeys", Text("console"), console.passkeys, by_hand=_OTHERS),
    Check(
        "future", Text("future"), service.future, _DOCTOR, seconds=SLOW, facts=(FUTURE_CALL,), by_hand=_CAUSE
    ),
    Check(
        "companies",
        Text("ledgers"),
        status.companies,
        _STATUS,
        seconds=SLOW,
        facts=(KEPT_SINCE, SUMMARY, LOG),
    ),
    Check("spool-status", Text("spool"), status.spool, _STATUS, seconds=SLOW),
    Check("manager", Text("manager"), asterisk.manager, _DOCTOR, Needs.NOTHING, by_hand=_PBX),
    Check("rights", Text("rights"), asterisk.rights, _DOCTOR, Needs.ASTERISK, by_hand=_PBX),
    Check("version", Text("version"), asterisk.version, _DOCTOR, Needs.SETTINGS, by_hand=_PBX),
    Check("modules", Text("modules"), asterisk.modules, _DOCTOR, Needs.MODULES, by_hand=_PBX),
    Check("formats", Text("formats"), asterisk.formats, _DOCTOR, Needs.MODULES, by_hand=_PBX),
    Check("sounds", Text("sounds"), asterisk.sounds, _DOCTOR, Needs.ASTERISK, by_hand=_ALL),
    Check(
        "context", Text("context"), asterisk.context, _DOCTOR, Needs.FAULTLESS | Needs.DIALPLAN, by_hand=_PBX
    ),
    Check("lines", Text("lines"), asterisk.lines, _DOCTOR, Needs.DIALPLAN, by_hand=_PBX),
    Check("script", Text("script"), asterisk.script, _DOCTOR, Needs.DIALPLAN, by_hand=_PBX),
    Check("clock", Text("clock"), asterisk.clock, _DOCTOR, Needs.ASTERISK, by_hand=_CAUSE),
    Check("spool", Text("spool"), asterisk.spool, _DOCTOR, Needs.SPOOL, by_hand=_RECORDS),
)


def of_suite(suite: Suite) -> list[Check]:
    """Return the checks of a suite, in their order."""
    return [check for check in CHECKS if suite in check.suites]


def facts_of(checks: Iterable[Check]) -> list[LedgerFact[Any]]:
    """Return the facts of ledgers that these checks use, each once."""
    return list(dict.fromkeys(fact for check in checks for fact in check.facts))
