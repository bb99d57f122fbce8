"""Many boxes: what sharing costs a call, how far behind others are, and what each record costs the database.

One box has as many records as are asked for, two of each caller, who was told and called again; the other
joins. The database is a PostgreSQL on the same machine that waits for the disk at each commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from doubles import ScriptedSession, SteadyRecordings, incoming
from informativa import config
from informativa.call.answering import CallServices, answer
from informativa.call.caller import pseudonym
from informativa.call.guard import suspend
from informativa.ledgers.sqlite import SqliteLedger, SqliteStore
from informativa.model import Controller, Identified, SharedDatabase
from informativa.operations.evidence import logs
from informativa.process import bootstrap, storage
from informativa.sharing import administration
from informativa.sharing.connection import connect
from informativa.sharing.exchange import Exchange
from informativa.sharing.idle import OLDEST_SECONDS, IdleConnections
from informativa.sharing.loop import ExchangeLoop
from informativa.sharing.membership import About
from informativa.sharing.others import SharedBoxes
from informativa.sharing.question import Question
from lab.databases import children
from lab.office import Office
from lab.postgres import SUPERUSER, Postgres

from . import rivals
from .evidence import Watch
from .figures import Peers, Report, Result, Spread, Target, ratios, same
from .records import event, fill

CALLS_A_SECOND = 500
_TICKS = os.sysconf("SC_CLK_TCK")
_SETTINGS = {"shared_buffers": "'512MB'", "max_wal_size": "'4GB'", "synchronous_commit": "on"}
_SIZE = """
SELECT sum(pg_total_relation_size(pg_class.oid))::bigint
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = 'informativa' AND relkind = 'r'
"""


@dataclass(frozen=True)
class Meeting:
    """The database, and a company with a ledger on each box."""

    server: Postgres
    folder: Path
    controller: Controller

    def database(self, box: str) -> SharedDatabase:
        """The database as that box knows it."""
        file = self.folder / "pgpass"
        if not file.exists():
            file.write_text(f"*:*:*:{SUPERUSER}:{self.server.password}\n*:*:*:*:of the role\n")
            file.chmod(0o600)
        return SharedDatabase((f"127.0.0.1:{self.server.port}",), "postgres", box, str(file))

    def store(self, box: str) -> SqliteStore:
        """Its ledger."""
        return SqliteStore(str(self.folder / box / "acme.sqlite3"))

    def owner(self, box: str) -> Controller:
        """The company, with the ledger of that box."""
        return replace(self.controller, ledger=str(self.folder / box / "acme.sqlite3"))

    def exchange(self, box: str) -> Exchange:
        """Return what that box sends and takes in."""
        database = self.database(box)
        return Exchange(self.store(box), connect(database, "acme"), database, "acme", About())


def shared(
    report: Report,
    folder: Path,
    *,
    records: int = 1_000_000,
    rounds: int = 9,
    times: int = 2000,
    seconds: int = 30,
) -> None:
    """All of it at so many records."""
    controller = config.load(Office(folder / "etc").config).controllers["acme"]
    with Postgres(folder / "pg", durable=True, settings=_SETTINGS) as server:
        meeting = Meeting(server, folder, controller)
        for box in ("pbx-1", "pbx-2", "pbx-3"):
            list(administration.migrate(meeting.database(box), ["acme"], SUPERUSER))
        fill(meeting.owner("pbx-1"), records)
        logs.checkpoint(meeting.owner("pbx-1"))
        _sending(report, meeting, records)
        _joining(report, meeting, records)
        _questions(report, meeting, records, times)
        _calls(report, meeting, rounds, times)
        _lag(report, meeting, seconds)


def _sending(report: Report, meeting: Meeting, records: int) -> None:
    used = server_cpu(meeting.server)
    with contextlib.closing(meeting.exchange("pbx-1")) as exchange, Watch() as watch:
        own = time.process_time()
        while exchange.send():
            pass
        own = time.process_time() - own
        used = server_cpu(meeting.server) - used
        with Watch() as tree:
            while exchange.send_proofs():
                pass
    same("records that are there", exchange.newest, exchange.sent)  # with the log's own notes
    size = int(str(meeting.server.sql(_SIZE)[0][0]))
    report.results += [
        Result(
            "shared",
            f"send {records:,} records",
            Spread((records / (watch.seconds - tree.seconds),), "records/s"),
        ),
        Result("shared", "send their tree", Spread((records / tree.seconds,), "records/s")),
        Result("shared", "CPU of the box, a record sent", Spread((own / records * 1e6,), "µs")),
        Result("shared", "CPU of the database, a record sent", Spread((used / records * 1e6,), "µs")),
        Result(
            "shared",
            "bytes of a record in the database, indexes included",
            Spread((size / records,), "bytes"),
        ),
    ]


def _joining(report: Report, meeting: Meeting, records: int) -> None:
    """A box without a record takes in what the other told: every second record informs."""
    used = server_cpu(meeting.server)
    with contextlib.closing(meeting.exchange("pbx-2")) as exchange, Watch() as watch:
        taken = exchange.receive(alone=True)
    used = server_cpu(meeting.server) - used
    same("histories that were taken in", records // 2, taken)
    size = (meeting.folder / "pbx-2/acme.sqlite3").stat().st_size
    report.results += [
        Result(
            "shared", f"join: take in {taken:,} histories", Spread((taken / watch.seconds,), "histories/s")
        ),
        Result("shared", "CPU of the database, a history taken in", Spread((used / taken * 1e6,), "µs")),
        Result("shared", "bytes of another box's history in a ledger", Spread((size / taken,), "bytes")),
    ]


def _questions(report: Report, meeting: Meeting, records: int, times: int) -> None:
    """Measure questions of a box that nothing was taken in on: callers whom another told, and such as nobody
    knows."""
    question = Question(meeting.database("pbx-3"), IdleConnections(OLDEST_SECONDS))
    chosen, used = random.Random(1), server_cpu(meeting.server)
    for whom, first in (("whom another box told", 0), ("whom nobody knows", records)):
        took = []
        for _ in range(times):
            caller = Identified(rivals.number(first + chosen.randrange(records // 2)))
            his = [pseudonym(caller, meeting.controller.key)]
            with Watch() as watch:
                rows = question((meeting.controller, his))
            same("records of the caller", int(not first), len(rows or ()))
            took.append(watch.seconds * 1000)
        report.results += _durations(f"ask for a caller {whom}", took, Target(30))
    used = server_cpu(meeting.server) - used
    report.results.append(
        Result("shared", "CPU of the database, a question", Spread((used / times / 2 * 1e6,), "µs"))
    )


def _durations(title: str, milliseconds: Sequence[float], target: Target) -> list[Result]:
    """The median, and what 99 of 100 keep to; that has a target."""
    most = statistics.quantiles(milliseconds, n=100)[98]
    return [
        Result("shared", f"{title}: median", Spread((statistics.median(milliseconds),), "ms")),
        Result("shared", f"{title}: 99 of 100", Spread((most,), "ms"), target),
    ]


def _calls(report: Report, meeting: Meeting, rounds: int, times: int) -> None:
    """CPU of calls of a known caller, with other boxes and without, in turns."""
    owner = meeting.owner("pbx-1")
    configuration = config.load(meeting.folder / "etc/informativa.yaml")
    line = replace(configuration.spelled[rivals.LINE], controller=owner)
    database = meeting.database("pbx-1")
    opened = partial(storage.store, owner, create=False)
    loop = ExchangeLoop(owner, database, About(), opened)
    others = SharedBoxes(owner, database, suspend, loop)
    cpu: dict[bool, list[float]] = {True: [], False: []}
    with contextlib.closing(others):
        for turn in range(-1, rounds):
            for sharing in (True, False) if turn % 2 else (False, True):
                ledger = SqliteLedger(owner.ledger)
                services = CallServices(
                    {line.number: line}, {"acme": ledger}, bootstrap.SystemClock(),
                    others={"acme": others} if sharing else {}, recordings=SteadyRecordings(),
                )  # fmt: skip
                used = asyncio.run(_answered(services, times // 10))
                ledger.close()
                if turn >= 0:
                    cpu[sharing].append(used / (times // 10) * 1e6)
        same("callers that the database was asked for", 0, others.asked)
    spreads = {"with other boxes": Spread(tuple(cpu[True]), "µs"), "alone": Spread(tuple(cpu[False]), "µs")}
    report.peers.append(Peers("shared", "CPU of a call of a known caller, without Asterisk", spreads))
    report.results.append(
        Result(
            "shared",
            "a known caller's call with other boxes, over one without",
            ratios(cpu[True], cpu[False]),
            Target(1.05),
        )
    )


async def _answered(services: CallServices, times: int) -> float:
    """Seconds of CPU of the thread that answers."""
    used = time.thread_time()
    for at in range(times):
        session = ScriptedSession(incoming(rivals.number(at)))
        result = await answer(session, services)
        same("what became of the call", "NOTDUE", str(result.status))
    return time.thread_time() - used


def _lag(report: Report, meeting: Meeting, seconds: int) -> None:
    """From a record's commit on one box until another knows it, while both go on by themselves."""
    owners = [meeting.owner(box) for box in ("pbx-1", "pbx-2")]
    with contextlib.ExitStack() as stack:
        for box, owner in zip(("pbx-1", "pbx-2"), owners, strict=True):
            opened = partial(storage.store, owner, create=False)
            loop = ExchangeLoop(owner, meeting.database(box), About(), opened)
            stack.callback(loop.stop)
        here = stack.enter_context(contextlib.closing(meeting.store("pbx-1")))
        other = stack.enter_context(contextlib.closing(meeting.store("pbx-2")))
        took = list(_lags(meeting.controller, here, other, seconds))
    same("callers that became known", seconds * 10, len(took))
    title = f"from a record's commit until another box knows it, at {CALLS_A_SECOND} calls/s"
    report.results += _durations(title, took, Target(300))


def _lags(controller: Controller, here: SqliteStore, other: SqliteStore, seconds: int) -> Iterator[float]:
    """Ten times a second a caller is told here; milliseconds until he is known there."""
    number, begun = here.newest() + 1, time.monotonic()
    for turn in range(seconds * 10):
        here.append([event(controller, number + at) for at in range(CALLS_A_SECOND // 10)])
        sent = event(controller, number | 1)
        committed = time.monotonic()
        assert sent.pseudonym is not None  # everybody is recognised
        while not other.history(sent.pseudonym):
            time.sleep(0.002)
            if time.monotonic() - committed > 30:
                return
        yield (time.monotonic() - committed) * 1000
        number += CALLS_A_SECOND // 10
        time.sleep(max(0.0, begun + (turn + 1) / 10 - time.monotonic()))


def server_cpu(server: Postgres) -> float:
    """Seconds of CPU of all processes of the server, those that have ended included."""
    assert server.pid
    return _ticks(server.pid, (13, 14, 15, 16)) + sum(_ticks(pid, (13, 14)) for pid in children(server.pid))


def _ticks(pid: int, fields: Sequence[int]) -> float:
    with contextlib.suppress(OSError):
        fields_of_stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(fields_of_stat[at - 2]) for at in fields) / _TICKS
    return 0.0
