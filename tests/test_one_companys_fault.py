"""I10: whatever the service calls of one company's things fails, or hangs, for that company alone.

What it calls is found by introspection and a run without a fault (faults.py), at the start, at a reload, in
service, in what is done beside the calls and at the end. Then each fails or hangs for a
company of its own, and what becomes of borealis is as in the run without a fault.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import re
import shutil
import sqlite3
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from doubles import ScriptedManager, ScriptedSession, incoming
from examples import PLAYED
from faults import Fault, Faults, expected
from informativa.asterisk import ami
from informativa.config import changes, findings, looks
from informativa.evidence.log_folder import LogFolder
from informativa.ledgers import groupcommit
from informativa.ledgers.opening import LedgerOpener
from informativa.model import Status
from informativa.model.errors import LedgerError
from informativa.process import bootstrap, preparation, regular_work, storage
from informativa.process import generations as generations_module
from informativa.process.preparation import prepare
from informativa.process.service import CallService
from informativa.prompts.guarded import GuardedFiles
from informativa.system import turns
from lab.process import open_files

NEW_LINE = "+39021239998"  # of borealis, after a reload
KINDS: Mapping[str, Callable[[], Exception] | None] = {
    "ledger": lambda: LedgerError("The ledger is out of order."),
    "system": lambda: OSError(5, "Input/output error"),
    "sqlite": lambda: sqlite3.DatabaseError("database disk image is malformed"),
    "defect": lambda: RuntimeError("nobody foresaw this"),
    "memory": MemoryError,
    "hangs": None,
}
SILENT = {"process.storage.store"}
"""A ledger that could not be looked at, and then can be opened, costs no more than a comparison."""
COMPANIES = 20  # in one service
SOON = 0.15  # seconds, after which others have their turn
BOUND = 2.0  # seconds, in the place of each bound after which something is given up

Facts = dict[str, object]
NUMBERS = count()


@pytest.fixture(scope="module")
def faults() -> Iterator[Faults]:
    """The faults of this file's tests."""
    faults = Faults()
    with faults.installed():
        yield faults


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that is bounded is bounded by a moment, and nothing waits for a next time."""
    for module, name, seconds in (
        (findings, "COMPANY_SECONDS", BOUND),
        (looks, "LOOK_SECONDS", BOUND),
        (preparation, "PATIENCE_SECONDS", BOUND),
        (preparation, "COMPANY_SECONDS", BOUND),
        (generations_module, "CLOSE_SECONDS", BOUND),
        (groupcommit, "ANSWER_SECONDS", BOUND),
        (bootstrap, "OPENING_SECONDS", BOUND),
        (generations_module, "LOOK_SECONDS", SOON),
        (regular_work, "REOPEN_SECONDS", SOON),
        (regular_work, "COLLECT_SECONDS", 10 * SOON),
        (turns, "TURN_SECONDS", SOON),
        (changes, "STEADY_SECONDS", SOON),
    ):
        monkeypatch.setattr(module, name, seconds)
    monkeypatch.setattr(GuardedFiles.__init__, "__defaults__", (BOUND,))
    opener = LedgerOpener(BOUND)
    monkeypatch.setattr(bootstrap, "_opener", lambda: opener)
    monkeypatch.setattr("informativa.system.patience.SOON_SECONDS", SOON / 5)


CONFIGURATION = """\
service: {listen: "127.0.0.1:4588"}
manager: {address: "127.0.0.1:5038", user: dora, secret: keys/manager.secret}
evidence: {domain: example.org, box: one, publish: [{folder: proof}]}
operator: Company
controllers:
"""
COMPANY = """\
  NAME:
    name: Company
    key: keys/NAME.key
    ledger: ledger/NAME.sqlite3
    retention: 5 years
    recycled_after: 2 years
    lookups:
      NAME-crm:
        notice: privacy
        query: SELECT told_on AS date FROM customers WHERE phone = {number}
        driver: sqlite3
        connect: keys/NAME.yaml
        milliseconds: 100
    notices:
      privacy:
        versions:
          - {version: "2025", purposes: [service], short: {it: prompts/NAME/it/short}}
          - {version: "2026", purposes: [service], short: {it: prompts/NAME/it/short}}
"""
LINE = """\
  "LINE": {controller: NAME, language: it, region: IT, plan: [{notice: privacy}]}
"""


def lay(folder: Path, names: Sequence[str], prompts: Path) -> Path:
    """Write the configuration of these companies, each with a prompt, a key and a system of its own."""
    for place in ("keys", "proof", "ledger"):
        (folder / place).mkdir(parents=True, mode=0o700)
    private(folder / "keys/manager.secret", "words\n")
    for name in names:
        (folder / f"prompts/{name}/it").mkdir(parents=True)
        shutil.copy(prompts / "it/short.wav", folder / f"prompts/{name}/it/short.wav")
        private(folder / f"keys/{name}.key", sha256(name.encode()).hexdigest() + "\n")
        private(folder / f"keys/{name}.yaml", f"database: {folder}/{name}-crm.sqlite3\n")
        with closing(sqlite3.connect(folder / f"{name}-crm.sqlite3")) as connection, connection:
            connection.execute("CREATE TABLE customers (phone, told_on)")
    text = CONFIGURATION + "".join(COMPANY.replace("NAME", name) for name in names) + "lines:\n"
    text += "".join(LINE.replace("LINE", line_of(name)).replace("NAME", name) for name in names)
    (folder / "informativa.yaml").write_text(text)
    os.utime(folder / "informativa.yaml", (0, 0))
    return folder


def line_of(name: str) -> str:
    """The called number of a company."""
    return f"+3902123{int(name.removeprefix('acme') or 0):05}" if name != "borealis" else "+39021239999"


def private(file: Path, text: str) -> None:
    """Write a file that others cannot read."""
    file.touch(0o600)
    file.write_text(text)


@dataclass
class Spool(ScriptedManager):
    """AstDB with rows of the fallback spool, from which they can be deleted."""

    deleted: set[str] = field(default_factory=set)

    async def tree(self, family: str) -> dict[str, str]:
        """Give the rows that are left."""
        return {key: row for key, row in self.rows.items() if key not in self.deleted}

    async def delete(self, family: str, key: str) -> None:
        """Delete a row."""
        self.deleted.add(key)


class Scene:
    """A service in this process, and what can be seen of it. Borealis is the last of its companies."""

    def __init__(self, folder: Path, names: Sequence[str], faults: Faults, logged: list[Any]) -> None:
        self.folder, self.config, self.names = folder, folder / "informativa.yaml", names
        self.faults, self.logged = faults, logged
        self.facts: Facts = {}
        self.spool, self.problems = Spool(), list[str]()
        self.calls = 0

    @contextmanager
    def faulty(self) -> Iterator[None]:
        """Meanwhile the faults happen; or, in a run without any, it is noted what is called."""
        self.faults.armed = True
        try:
            yield
        finally:
            self.faults.armed = False

    async def start(self) -> CallService:
        """Begin as `serve` does."""
        configuration = await asyncio.to_thread(prepare, self.config)
        self.problems += [f"{name}: {problems}" for name, problems in configuration.mistaken.items()]
        self.problems += map(str, configuration.unplayable)
        self.service = CallService(configuration)
        return self.service

    async def call(self, name: str, line: str = "", number: str = "+393331234567", **options: str) -> Facts:
        """Place a call and give its facts. One that the service gives up goes on in the dialplan."""
        self.calls += 1
        call = incoming(number, line=line or line_of(name), id=f"1700000000.{self.calls}", options=options)
        session = ScriptedSession(call)
        try:
            await asyncio.wait_for(self.service.answer(session), 10)
        except TimeoutError:
            raise AssertionError(f"a call of {name} was held") from None
        except Exception as error:  # which the server logs
            self.problems.append(f"{name}: call abandoned by {error!r}")
            return {"given up": type(error).__name__}
        played = [Path(path).name for path, _keys in session.played]
        return {**{name[12:]: value for name, value in session.variables.items()}, "played": played}

    async def calls_of_all(self, step: str, **of_borealis: str) -> None:
        """One of each: acme's is over in time, and nothing is left out for it without a record."""
        faulty = self.names[:-1]
        borealis, *others = await asyncio.gather(
            self.call("borealis", **of_borealis), *(self.call(name) for name in faulty)
        )
        self.facts[f"{step}: borealis's call"] = borealis
        for name, call in zip(faulty, others, strict=True):
            left_out = call.get("STATUS") == Status.NOTDUE and call["RECORD"]
            refused = call.get("STATUS") == Status.FAILED and call["REASON"]
            assert "given up" in call or call["played"] or left_out or refused, (name, call)

    async def until(self, fact: str, condition: Callable[[], object]) -> None:
        """Wait until something is to be seen of borealis."""
        try:
            async with asyncio.timeout(30):
                while not (value := condition()):
                    await asyncio.sleep(0.005)
        except TimeoutError:
            faulthandler.dump_traceback(sys.__stderr__)  # what holds it
            raise AssertionError(f"borealis waits: {fact}") from None
        self.facts[fact] = value

    def has_logged(self, *events: str) -> bool:
        """Tell if one of these was logged of borealis."""
        return any(
            one["event"] in events and one.get("controller") == "borealis" for one in list(self.logged)
        )


async def at_the_start(scene: Scene) -> None:
    """Prompts, keys and ledgers are read; then each company is called."""
    with scene.faulty():
        service = await scene.start()
    scene.facts["live"] = service.live()["borealis"]
    await scene.calls_of_all("after it")


async def at_a_reload(scene: Scene) -> None:
    """Lines, versions and keys are others; ledgers are opened with another key."""
    service = await scene.start()
    await scene.calls_of_all("before it")
    text = scene.config.read_text()
    scene.config.write_text(text.replace(line_of("borealis"), NEW_LINE).replace('"2026"', '"2027"'))
    os.utime(scene.config, (0, 0))
    for name in scene.names:
        key = scene.folder / f"keys/{name}.key"
        key.rename(key.with_name(f"{key.name}.retired-{datetime.now(UTC):%Y%m%d-%H%M%S}"))
        private(key, sha256(f"{name}'s new".encode()).hexdigest() + "\n")
    with scene.faulty():
        await service.reload()
        removed = "a version was taken out of the configuration that callers were told"
        await scene.until("borealis's version that was taken out", lambda: scene.has_logged(removed))
        await scene.calls_of_all("after it", line=NEW_LINE)


async def in_service(scene: Scene) -> None:
    """First and second calls, one after a transfer, and a trial."""
    service = await scene.start()
    with scene.faulty():
        for step in ("first", "second", "third"):
            await scene.calls_of_all(step)
        for name in scene.names:
            await scene.call(name, number="+393331234568", heard="privacy:1")
        scene.facts["tried"] = "borealis:" not in await service._tried()
    await scene.calls_of_all("after it")


async def beside_the_calls(scene: Scene) -> None:
    """Old records go, what is recorded is signed and published, and the spool is brought home."""
    service = await scene.start()
    now = datetime.now(UTC)
    rows: dict[str, str] = {}
    for name, controller in service.configuration.controllers.items():
        assert controller.retention is not None
        cutoff = controller.retention.before(now, controller.zone)
        with closing(storage.store(controller)) as store:
            store.append([replace(PLAYED, at=cutoff + timedelta(days=days)) for days in (-5, 5)])
        rows[f"{name}.1-1795521600000017"] = (
            f"at=1795521600|line={line_of(name)}|prompt=|why=service-unavailable|ending=not-playable|seconds=0"
        )
    scene.spool.rows = rows
    own = service.configuration.controllers["borealis"]
    published = LogFolder(Path(own.ledger)).published(1)
    with scene.faulty():
        service.begin_maintenance()
        await scene.until("purged", lambda: scene.has_logged("purged"))
        await scene.until("signed", lambda: published.checkpoint() is not None)
        await scene.until("published", lambda: [*scene.folder.glob("proof/**/borealis/**/checkpoint")] != [])
        await scene.until("spool", lambda: any("borealis" in key for key in scene.spool.deleted))
        await scene.calls_of_all("meanwhile")
    await scene.calls_of_all("after it")


async def at_the_end(scene: Scene) -> None:
    """All is closed, and what was recorded is there."""
    service = await scene.start()
    await scene.calls_of_all("before it")
    with scene.faulty():
        async with asyncio.timeout(10):
            await asyncio.to_thread(service.close)
    with closing(storage.store(service.configuration.controllers["borealis"])) as store:
        scene.facts["records"] = store.count()
    scene.facts["open"] = [
        path for path in open_files() if path.is_relative_to(scene.folder) and "borealis.sqlite3" in path.name
    ]


PHASES = (at_the_start, at_a_reload, in_service, beside_the_calls, at_the_end)
Phase = Callable[[Scene], Awaitable[None]]


def run_phase(
    phase: Phase, faults: Faults, of: Mapping[str, Fault], folder: Path, prompts: Path
) -> tuple[Facts, str]:
    """Go through a phase with these faults, or with none: what is to be seen of borealis, and all that was
    told of what is wrong."""
    folder = folder / str(next(NUMBERS))
    names = [*(of or ["acme"]), "borealis"]
    lay(folder, names, prompts)

    async def story(scene: Scene) -> None:
        try:
            await phase(scene)
        finally:
            faults.armed = False
            for fault in of.values():
                fault.over.set()
            if service := getattr(scene, "service", None):
                service.end_maintenance()
                await asyncio.to_thread(service.close)

    faults.of = of
    with capture_logs() as logged, pytest.MonkeyPatch.context() as patch:
        scene = Scene(folder, names, faults, logged)
        patch.setattr(ami, "session", scene.spool.session)
        asyncio.run(story(scene))
        errors = [one for one in logged if one["log_level"] in ("error", "warning")]
    return scene.facts, f"{errors} {scene.problems}"


def wrong(
    phase: Phase, faults: Faults, of: Mapping[str, Fault], folder: Path, prompts: Path, usual: Facts
) -> list[str]:
    """Go through a phase with these faults; what is not as without."""
    try:
        facts, log = run_phase(phase, faults, of, folder, prompts)
    except Exception as error:
        return [f"{type(error).__name__}: {str(error)[:1000]}"]
    flaws = [f"{key}: {facts.get(key)}, not {usual[key]}" for key in usual if facts.get(key) != usual[key]]
    for name, fault in of.items():
        match = re.search(rf"{name}(?!\d)|{re.escape(line_of(name))}", log)
        if fault.times and not match and fault.function not in SILENT:
            flaws.append(f"nothing was logged of {fault}")
    return flaws


CALLS, FILES = "calls", "files"  # what fails: functions that reach something of a company, or its files
OFFSETS = [0, *(pytest.param(offset, marks=pytest.mark.night) for offset in range(1, len(KINDS)))]

SCENES = [
    pytest.param(phase, kind, id=f"{phase.__name__}-{kind}") for phase in PHASES for kind in (CALLS, FILES)
]


def batched(reached: Sequence[tuple[str, bool]], offset: int) -> Iterator[dict[str, Fault]]:
    """Faults of these functions, each of which may hang or not; by company, so many as one service has."""
    for first in range(0, len(reached), COMPANIES):
        batch: dict[str, Fault] = {}
        for number, (function, may_hang) in enumerate(reached[first : first + COMPANIES]):
            kind = list(KINDS)[(first + number + offset) % len(KINDS)]
            if kind == "hangs" and not may_hang:
                kind = "defect"
            batch[f"acme{number}"] = Fault(function, kind, KINDS[kind])
        yield batch


@pytest.mark.sample(1)
@pytest.mark.slow
@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize(("phase", "kind"), SCENES)
def test_i10_fault_of_one_company_is_its_alone(
    phase: Phase, kind: str, offset: int, faults: Faults, tmp_path: Path, short_prompts: Path
) -> None:
    """I10: each thing that the service calls fails, in one way or another, for a company of its own, all in
    one service: the last company is served as without them."""
    faults.reached = {}
    usual, _logged = run_phase(phase, faults, {}, tmp_path, short_prompts)
    reached = sorted(one for one in faults.reached.items() if (" in " in one[0]) is (kind == FILES))
    assert reached
    flaws, times = [], list[int]()
    for batch in batched(reached, offset):
        flaws += wrong(phase, faults, batch, tmp_path, short_prompts, usual)
        times += [fault.times for fault in batch.values()]
        for name, fault in batch.items() if flaws else ():  # by which of them?
            alone = {name: replace(fault, times=0, over=threading.Event())}
            its_flaws = wrong(phase, faults, alone, tmp_path, short_prompts, usual)
            flaws += [f"{fault}, alone: {flaw}" for flaw in its_flaws]
    assert not flaws, "\n".join(flaws)
    # A phase is over with borealis's part: of the others' nobody waits for all.
    assert sum(happened > 0 for happened in times) >= 0.5 * len(times)


@pytest.mark.slow
def test_all_that_a_service_must_call_is_among_it(
    faults: Faults, tmp_path: Path, short_prompts: Path
) -> None:
    """Each method of the ports, and all that is done beside the calls, is met in one of the phases."""
    faults.reached = {}
    for phase in PHASES:
        run_phase(phase, faults, {}, tmp_path, short_prompts)
    assert len(expected()) > 20
    assert expected() - faults.reached.keys() == set()


@pytest.mark.slow
def test_i10_no_file_is_touched_in_the_event_loop(
    faults: Faults, tmp_path: Path, short_prompts: Path
) -> None:
    """I10: one on a folder that stalls would hold all calls. But for the mark of a prompt on a disk of this
    machine, by which a call knows that it is as it was."""
    faults.in_loop = set()
    for phase in PHASES:
        run_phase(phase, faults, {}, tmp_path, short_prompts)
    assert {name for name in faults.in_loop if " in " in name} <= {"os.stat in prompts.installed.mark"}
