"""Faults of one company: by introspection, what the program calls of a company's things, and how each is made
to fail or to hang for one company alone."""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import io
import os
import pkgutil
import re
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest

from informativa.model import Controller, Line, Prompt
from informativa.model.ports import Ledger, LedgerTransaction, LookupSource, Recordings

COMPANIES = re.compile(r"acme\d*|borealis")
THINGS = (
    "ledgers", "prompts", "call.lookups", "call.lookup_http", "call.lookup_sql",
    "process.storage", "system.files",
    "process.log_storage", "process.erasing", "process.publication", "process.maintenance",
    "process.spool_collection", "evidence.log_folder", "config.findings",
)  # fmt: skip
"""Packages and modules whose public functions and methods reach something of a company."""
CALLERS = (
    "call.asking", "process.bootstrap", "call.answering", "call.delivery", "call.handler", "config.builder",
    "config.controllers", "config.findings", "config.looks", "config.lookups", "config.notices",
    "process.generations", "call.guard", "ledgers.groupcommit", "ledgers.sequencer",
    "call.lookups", "process.maintenance", "system.patience", "process.preparation",
    "prompts.guarded", "prompts.recordings", "process.publication", "process.regular_work",
    "process.self_report", "process.service", "process.storage",
    "process.log_storage", "process.erasing", "process.spool_collection", "system.turns",
)  # fmt: skip
"""Modules from which the service does it: what is called from anywhere else is inside one of the others."""


def functions() -> Iterator[tuple[str, object, str, FunctionType]]:
    """All that may reach something of a company: each by its name, with whose attribute it is."""
    for module in _modules():
        for name, thing in vars(module).items():
            if name.startswith("_") or getattr(thing, "__module__", "") != module.__name__:
                continue
            if inspect.isfunction(thing):
                yield f"{_short(module)}.{name}", module, name, thing
            elif inspect.isclass(thing):
                for method, function in vars(thing).items():
                    if inspect.isfunction(function) and (method[0] != "_" or method == "__call__"):
                        yield f"{_short(module)}.{name}.{method}", thing, method, function


IN_MEMORY = {
    "config.findings.Findings.lacks",
    "config.findings.Findings.private",
    "ledgers.opening.LedgerOpener.open",  # a guard: what it opens may hang
    "ledgers.owner.of",
    "call.lookups.parse_answer",
    "prompts.mounts.mount_behind",  # is given all mounts of the machine, among them those of other tests
}
"""Functions that are named like them and reach nothing outside."""


SYSTEM = ((os, "stat"), (os, "open"), (os, "scandir"), (io, "open"), (sqlite3, "connect"))
"""With whose attributes files are opened and looked at."""


def expected() -> set[str]:
    """Give the functions that the service surely calls for a company: the methods of its ports, what is done
    beside the calls, and what the modules that do it take from `storage`."""
    names = {name for name, *_rest in functions()}
    surely_called = {
        f"{adapter}.{method}"
        for port, adapter in ADAPTERS.items()
        for method in vars(port)
        if f"{adapter}.{method}" in names
    }
    surely_called |= {
        name for name in names if name.startswith(("process.maintenance.", "process.spool_collection."))
    }
    for module in CALLERS:
        source = inspect.getsource(importlib.import_module(f"informativa.{module}"))
        surely_called |= {
            f"process.{part}.{name}"
            for part, name in re.findall(r"\b(storage|log_storage|erasing)\.(\w+)", source)
        } & names
    return surely_called - IN_MEMORY - OF_ALL - OF_CHOICES


ADAPTERS = {
    Ledger: "ledgers.groupcommit.GroupCommitLedger",
    LedgerTransaction: "ledgers.transaction.SqliteTransaction",
    LookupSource: "call.lookups.GuardedLookup",
    Recordings: "prompts.recordings.InstalledRecordings",
}
"""The adapter that a service has, by port."""
OF_CHOICES = {f"ledgers.transaction.SqliteTransaction.{name}" for name in ("answers", "count_unasked")}
"""Done only where a line asks something; `history` and `append` of the same transactions stand for them."""
OF_ALL = {
    "ledgers.groupcommit.GroupCommitLedger.records",  # of no call
    "process.maintenance.UnusableLedgers.report",  # these give each company its turn
    "process.spool_collection.SpoolCollection.collect",
}


def _modules() -> Iterator[ModuleType]:
    for name in THINGS:
        module = importlib.import_module(f"informativa.{name}")
        yield module
        for within in pkgutil.iter_modules(getattr(module, "__path__", [])):
            yield importlib.import_module(f"{module.__name__}.{within.name}")


def _short(module: ModuleType) -> str:
    return module.__name__.removeprefix("informativa.")


@functools.cache
def _named(text: str) -> frozenset[str]:
    return frozenset(COMPANIES.findall(text))


def companies(values: Sequence[object], depth: int = 2) -> set[str]:
    """Give the companies of these values, by their names in paths and the like."""
    names: set[str] = set()
    for value in values:
        if isinstance(value, (str, Path)):
            names.update(_named(str(value)))
        elif isinstance(value, Controller):
            names.add(value.id)
        elif isinstance(value, Line):
            names.add(value.controller.id)
        elif isinstance(value, Prompt):
            names |= companies([value.path])
        elif isinstance(value, functools.partial):
            names |= companies([*value.args, *value.keywords.values()], depth)
        elif depth and isinstance(value, (tuple, list, set)):
            names |= companies(list(value)[:8], depth - 1)
        elif depth and isinstance(value, Mapping):
            names |= companies([*value.keys(), *value.values()], depth - 1)
        elif depth and type(value).__module__.startswith("informativa."):
            names |= companies(list(getattr(value, "__dict__", {}).values()), depth - 1)
    return names


@dataclass
class Fault:
    """A fault of one function for one company: an `error` is raised by each call, or, without one, they hang
    until the fault is `over`."""

    function: str
    kind: str
    error: Callable[[], Exception] | None
    times: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def happen(self) -> None:
        """Raise or hang."""
        self.times += 1
        if self.error is not None:
            raise self.error()
        self.over.wait(60)

    def __str__(self) -> str:
        return f"{self.function} {self.kind}"


class Faults:
    """Knows which functions are called for a company, and has one of them fail for it."""

    def __init__(self) -> None:
        self.of: Mapping[str, Fault] = {}
        """The functions that fail for a company while `armed`, by company."""
        self.armed = False
        self.reached: dict[str, bool] = {}
        """True for each function that was called for acme while `armed` and may hang: it is in no event
        loop."""
        self.in_loop: set[str] = set()
        """The functions that were called in an event loop."""
        self._inner = threading.local()  # whose the call is that is under way in a thread

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Have all functions tell of their calls."""
        callers = {f"informativa.{name}" for name in CALLERS}
        with pytest.MonkeyPatch.context() as patch:
            for name, owner, attribute, function in list(functions()):
                if name in IN_MEMORY:
                    continue
                wrapped = self._wrapped(name, function, callers)
                patch.setattr(owner, attribute, wrapped)
                for module in list(sys.modules.values()) if isinstance(owner, ModuleType) else ():
                    if getattr(module, "__name__", "").startswith("informativa"):
                        for alias, value in list(vars(module).items()):
                            if value is function:
                                patch.setattr(module, alias, wrapped)
            for owner, attribute in SYSTEM:
                patch.setattr(owner, attribute, self._of_system(owner.__name__, getattr(owner, attribute)))
            yield

    def _of_system(self, module: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same for what opens or looks at a file, by the function of ours that has it done."""

        @functools.wraps(function)
        def wrapped(file: Any, *given: Any, **named: Any) -> Any:
            if self.armed and (whose := COMPANIES.findall(str(file))) and (where := _ours()):
                self._meet(f"{module}.{function.__name__} in {where}", whose[-1], may_hang=not _in_a_loop())
            return function(file, *given, **named)

        return wrapped

    def _meet(self, name: str, whose: str, *, may_hang: bool) -> None:
        """A function is called for a company."""
        if not whose.startswith("acme"):
            return
        if whose == "acme":  # others are of runs with faults, what hung in them may go on beside the next run
            self.reached[name] = self.reached.get(name, False) or may_hang
        if not may_hang:
            self.in_loop.add(name)
        fault = self.of.get(whose)
        if fault and fault.function == name and (fault.error or may_hang):
            fault.happen()

    def _wrapped(self, name: str, function: FunctionType, callers: set[str]) -> Callable[..., Any]:
        asynchronous = inspect.iscoroutinefunction(function)
        method = name.count(".") > 1 and name.split(".")[-2][0].isupper()

        def meet(caller: str, whose: str) -> None:
            if self.armed and caller in callers:
                self._meet(name, whose, may_hang=not asynchronous and not _in_a_loop())

        @functools.wraps(function)
        def plain(*given: Any, **named: Any) -> Any:
            if not self.armed:
                return function(*given, **named)
            outer = getattr(self._inner, "whose", "")
            whose = _owner([*given, *named.values()], method) or outer
            meet(sys._getframe(1).f_globals.get("__name__", ""), whose)
            self._inner.whose = whose
            try:
                return function(*given, **named)
            finally:
                self._inner.whose = outer

        @functools.wraps(function)
        def awaited(*given: Any, **named: Any) -> Any:
            if not self.armed:
                return function(*given, **named)
            caller = sys._getframe(1).f_globals.get("__name__", "")

            async def met() -> Any:
                meet(caller, _owner([*given, *named.values()], method))
                return await function(*given, **named)

            return met()

        return awaited if asynchronous else plain


def _owner(given: Sequence[object], method: bool) -> str:
    """The one company that the arguments are of, or else the object; '' where it is none, or several. One
    that is itself an argument is meant."""
    named = [value for value in given if isinstance(value, str) and COMPANIES.fullmatch(value)]
    if named:
        return str(named[0])
    for values in ([*given[1:]], [*given[:1]]) if method else (given,):
        if owners := companies(values):
            return owners.pop() if len(owners) == 1 else ""
    return ""


def _ours() -> str:
    """The function of ours that is under way, whatever of others' it called; '' where there is none."""
    frame = sys._getframe(2)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("informativa."):
            return f"{module.removeprefix('informativa.')}.{frame.f_code.co_name}"
        frame = frame.f_back  # type: ignore[assignment]
    return ""


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
