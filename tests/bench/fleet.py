"""Fifty boxes and three hundred companies that meet in one PostgreSQL: connections, idle work, lags,
questions, calls, the start of a service, and commands, also while the database hangs.

Eight boxes are real: one is the service, seven are processes with the same exchange. The others have a box's
idle connection. Ledgers of the seven are in memory: elsewhere each box has a disk of its own.
"""

from __future__ import annotations

import contextlib
import resource
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from informativa.sharing.connection import connect
from informativa.sharing.idle import OLDEST_SECONDS, IdleConnections
from informativa.sharing.question import Question
from lab.office import BIN

from . import fleet_parts, rivals
from .figures import Peers, RefusedError, Report, Result, Spread, Target, ratios, same
from .fleet_office import FleetOffice
from .fleet_parts import Fleet, Sample
from .machine import cpu_seconds, resident_kb
from .shared import server_cpu

COMPANIES, BOXES, STUBS = 300, 8, 42
MIXES = {"all new": 1.0, "one in ten new": 0.1}
RATES = (100, 500)
_COMMANDS = {"status": ("status",), "boxes": ("boxes",), "shared doctor": ("shared", "doctor")}
_COMMAND_SECONDS = 60.0
_FIRST_WORK_SECONDS = 200.0
_QUIET_SECONDS, _QUIET_SHARE = 2.0, 0.05  # of a core
_KNOWN = 1000  # callers of the first company
_CALLS = 500  # of them, in each turn
_RELATIONS = """
WITH own AS (SELECT oid, reltoastrelid FROM pg_class WHERE relnamespace = 'informativa'::regnamespace)
SELECT (SELECT count(*) FROM own) + (SELECT count(*) FROM own WHERE reltoastrelid <> 0)
    + (SELECT count(*) FROM pg_index JOIN own ON indrelid = reltoastrelid)
"""
_CONNECTIONS = """
SELECT max(connections) FROM (SELECT count(*) AS connections FROM pg_stat_activity
WHERE starts_with(usename::text, 'informativa-box-') GROUP BY usename) AS by_box
"""
_TRANSACTIONS = """
SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()
"""


def fleet(
    report: Report,
    folder: Path,
    *,
    companies: int = COMPANIES,
    boxes: int = BOXES,
    stubs: int = STUBS,
    rounds: int = 5,
    seconds: float = 15.0,
    idle_seconds: float = 60.0,
) -> None:
    """All of it."""
    with fleet_parts.running(folder, companies, boxes, stubs) as running:
        alone = FleetOffice(folder / "alone", companies, fleet_parts.SERVICE)
        for office in (running.office, alone):
            rivals.acquaint(office, _KNOWN, office.companies[0])
        try:
            _start(report, running, rounds)
            report.results.append(_first_work(running.office))
            samples = list[Sample]()
            for name, share_of_new in MIXES.items():
                for rate in RATES:
                    _lag(report, running, rate, seconds, name, share_of_new, samples.append)
            _questions(report, running, rounds, samples)
            _memory(report, running.office)
            _idle(report, running, idle_seconds)
            alone.start()
            _first_work(alone)
            _calls(report, folder, running.office, alone, rounds)
            _reload(report, folder, running.office, rounds)
            alone.stop()
            _commands(report, running, 3, "")
            running.server.halt()
            _commands(report, running, 1, " while the database hangs")
        finally:
            alone.kill()
            running.office.kill()


def _result(title: str, unit: str, values: Sequence[float], target: float | None = None) -> Result:
    return Result("fleet", title, Spread(tuple(values), unit), None if target is None else Target(target))


def _start(report: Report, running: Fleet, rounds: int) -> None:
    """Start the service several times. Its first start, which makes the ledgers, does not count."""
    office, took, cpu = running.office, list[float](), list[float]()
    for number in range(rounds + 1):
        begun = time.monotonic()
        office.start()
        assert office.pid
        if number:
            took.append(time.monotonic() - begun)
            cpu.append(cpu_seconds(office.pid))
        if number < rounds:
            office.stop()
    names = f"the service of {len(office.companies)} companies"
    report.results += [
        _result(f"start of {names}, until it takes calls", "s", took, 2),
        _result(f"CPU of {names} until it takes calls", "s", cpu),
    ]


def _first_work(office: FleetOffice) -> Result:
    """Wait until a service has signed, purged and read each ledger, as it does after its start beside calls.
    Return the processor time of that."""
    assert office.pid
    begun = cpu = cpu_seconds(office.pid)
    until = time.monotonic() + _FIRST_WORK_SECONDS
    while True:
        time.sleep(_QUIET_SECONDS)
        before, cpu = cpu, cpu_seconds(office.pid)
        if cpu - before < _QUIET_SHARE * _QUIET_SECONDS:
            return _result("CPU of the service's work after its start", "s", [cpu - begun])
        if time.monotonic() > until:
            raise RefusedError(f"The service is still at work {_FIRST_WORK_SECONDS:.0f} s after its start.")


def _lag(
    report: Report,
    running: Fleet,
    rate: int,
    seconds: float,
    mix: str,
    share_of_new: float,
    take: Callable[[Sample], None],
) -> None:
    """From a record's commit on one box until another's ledger knows the caller."""
    cpu, used, begun = _box_cpu(running), server_cpu(running.server), time.monotonic()
    took = fleet_parts.lags(running, rate, seconds, share_of_new, take)
    passed = time.monotonic() - begun
    cpu = [(now - before) / passed * 100 for now, before in zip(_box_cpu(running), cpu, strict=True)]
    used = (server_cpu(running.server) - used) / passed * 100
    running.settle()
    title = f"known on another box, {rate} calls/s, {mix}"
    most = statistics.quantiles(took, n=100)[98]
    report.results += [
        _result(f"{title}: median", "ms", [statistics.median(took) * 1000], 120),
        _result(f"{title}: 99 of 100", "ms", [most * 1000], 300),
        _result(f"{title}: CPU of PostgreSQL", "% of a core", [used]),
        _result(f"{title}: CPU of a box and its calls", "% of a core", cpu),
    ]


def _box_cpu(running: Fleet) -> list[float]:
    return [cpu_seconds(box.pid) for box in running.boxes]


def _questions(report: Report, running: Fleet, rounds: int, samples: Sequence[Sample]) -> None:
    """A question about a caller whom another box told, and SELECT 1 over a connection like that, in turns."""
    running.server.sql("ANALYZE informativa.record")  # as autovacuum does within a minute
    # As long as it takes: on a busy machine some questions would be given up.
    database = replace(running.database(fleet_parts.OBSERVER), seconds=10.0)
    controllers = running.configuration.controllers
    asked = [(controllers[sample["company"]], [bytes.fromhex(sample["caller"])]) for sample in samples[-100:]]
    question = Question(database, IdleConnections(OLDEST_SECONDS))
    questions, bare = list[float](), list[float]()
    with contextlib.closing(connect(database, running.office.companies[0])) as connection:
        for turn in range(rounds + 1):
            question_times, theirs = list[float](), list[float]()
            for subject in asked:
                begun = time.perf_counter()
                answer = question(subject)
                middle = time.perf_counter()
                connection.execute("SELECT 1").fetchone()
                theirs.append(time.perf_counter() - middle)
                question_times.append(middle - begun)
                same("records of the caller", 1, len(answer or ()))
            if turn:  # in the first one each company is looked up
                questions.append(statistics.median(question_times) * 1000)
                bare.append(statistics.median(theirs) * 1000)
    spreads = {"a question": Spread(tuple(questions), "ms"), "SELECT 1": Spread(tuple(bare), "ms")}
    report.peers.append(Peers("fleet", "A round trip to the database", spreads))
    less = ratios([time - 0.3 for time in questions], bare)
    report.results.append(
        Result("fleet", "a question less 0.3 ms, over a bare round trip", less, Target(1.35))
    )


def _memory(report: Report, office: FleetOffice) -> None:
    """Measure the memory of the service, after all that it took in."""
    assert office.pid
    threads = len(list(Path(f"/proc/{office.pid}/task").iterdir()))
    report.results += [
        _result("memory of the service", "MB", [resident_kb(office.pid) / 1000], 250),
        _result("threads of the service", "threads", [threads], 30),
    ]


def _idle(report: Report, running: Fleet, seconds: float) -> None:
    """No box has calls: what the database and the boxes do all the same."""
    server, service = running.server, running.office.pid
    assert service
    transactions = int(str(server.sql(_TRANSACTIONS)[0][0]))
    used, cpu, of_service, begun = (
        server_cpu(server),
        _box_cpu(running),
        cpu_seconds(service),
        time.monotonic(),
    )
    time.sleep(seconds)
    passed = time.monotonic() - begun
    cpu = [(now - before) / passed * 100 for now, before in zip(_box_cpu(running), cpu, strict=True)]
    of_service = (cpu_seconds(service) - of_service) / passed * 100
    used = (server_cpu(server) - used) / passed * 100
    transactions = int(str(server.sql(_TRANSACTIONS)[0][0])) - transactions
    connections, relations = (int(str(server.sql(sql)[0][0])) for sql in (_CONNECTIONS, _RELATIONS))
    a_box = transactions / passed / running.box_count
    report.results += [
        _result("connections of the box that has most", "connections", [connections], 3),
        _result("idle: transactions a second and box", "tx/s", [a_box], 3),
        _result("idle: CPU of a box's exchange", "% of a core", cpu, 0.5),
        _result("idle: CPU of the service, all of it", "% of a core", [of_service]),
        _result(f"idle: CPU of PostgreSQL, {running.box_count} boxes", "% of a core", [used], 5),
        _result("relations, TOAST and indexes included", "relations", [relations], 60),
    ]


def _calls(report: Report, folder: Path, sharing: FleetOffice, alone: FleetOffice, rounds: int) -> None:
    """Calls of known callers, one after the other, with `shared:` and without, in turns. With pauses between
    calls it would be measured how fast two processes wake up."""
    took: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(-1, rounds):
        for shares in (True, False) if turn % 2 else (False, True):
            office = sharing if shares else alone
            answer = rivals.make_calls(
                folder, office.port, _CALLS, in_flight=1, callers=_KNOWN, script=office.script
            )
            same("calls that were decided", _CALLS, answer["expected"])
            if turn >= 0:
                took[shares].append(answer["p50"])
    spreads = {"with shared:": Spread(tuple(took[True]), "µs"), "without": Spread(tuple(took[False]), "µs")}
    report.peers.append(Peers("fleet", "A call of a known caller, one after the other: median", spreads))
    report.results.append(
        Result(
            "fleet",
            "a known caller's call with `shared:`, over one without",
            ratios(took[True], took[False]),
            Target(1.05),
        )
    )


def _reload(report: Report, folder: Path, office: FleetOffice, rounds: int) -> None:
    """Calls while the service loads its configuration anew, and while it does not, in turns."""
    took: dict[bool, list[dict[str, float]]] = {True: [], False: []}
    for _ in range(rounds):
        for reloads in (False, True):
            thread = threading.Thread(target=office.reload)
            if reloads:
                thread.start()
            calls = rivals.make_calls(
                folder, office.port, 250, in_flight=1, callers=_KNOWN, script=office.script, rate=50
            )
            if reloads:
                thread.join()
            same("calls that were decided", 250, calls["expected"])
            took[reloads].append(calls)
    for name, key in (("99 of 100", "p99"), ("the slowest", "slowest")):
        beside, quiet = ([calls[key] / 1000 for calls in took[reloads]] for reloads in (True, False))
        report.results += [
            _result(f"calls beside a reload: {name}", "ms", beside),
            _result(f"calls without a reload: {name}", "ms", quiet),
            Result("fleet", f"calls beside a reload, over those without: {name}", ratios(beside, quiet)),
        ]


def _commands(report: Report, running: Fleet, rounds: int, circumstances: str) -> None:
    """Measure commands over all companies."""
    for name, arguments in _COMMANDS.items():
        took, cpu, codes = list[float](), list[float](), list[int]()
        for _ in range(rounds):
            begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
            ran = subprocess.run(
                [BIN / "informativa", *arguments, "-c", running.office.config],
                capture_output=True, timeout=_COMMAND_SECONDS, check=False,
            )  # fmt: skip
            took.append(time.monotonic() - begun)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
            codes.append(ran.returncode)
        report.results += [
            _result(f"`{name}`{circumstances}", "s", took, 3),
            _result(f"CPU of `{name}`{circumstances}", "s", cpu),
        ]
        if circumstances and not all(codes):
            report.refused.append(("fleet", f"`{name}` ended with 0{circumstances}"))
