"""The ledger: look-ups and appends at many callers, the start of a service on it, and imports into it."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import sqlite3
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from informativa.ledgers.following import summary
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Event, Reason, RecordKind, Status
from lab.office import BIN, Office

from . import rivals
from .figures import Curves, RefusedError, Report, Result, SkippedError, Spread, Target, ratios, same

FEW = 10_000
YEAR = 365  # days
_CALLER_BYTES = 400  # of disk for each caller; 290 seen, and the log while it is built
_SPARE = 2 << 30  # bytes of disk that stay free


def scale(
    report: Report, folder: Path, *, callers: int = 10_000_000, rounds: int = 9, times: int = 400
) -> None:
    """Measure a look-up, an append and a summary with so many callers against few, and the start of a
    service."""
    sizes = [size for size in (FEW, 10 * FEW, 100 * FEW) if size < callers]
    office = _large(folder, callers)
    ledgers = {size: folder / f"{size}.sqlite3" for size in sizes}
    for size, file in ledgers.items():
        fill(file, size)
    ledgers[callers] = office.folder / "ledger" / "acme.sqlite3"
    os.sync()  # gigabytes that are still on their way to the disk would be measured, too
    _growth(report, ledgers, rounds, times)
    try:
        _start(report, office, callers)
    except RefusedError as error:  # the rest was measured
        report.refused.append(("start", str(error)))


def _growth(report: Report, ledgers: dict[int, Path], rounds: int, times: int) -> None:
    stores = {size: SqliteStore(str(file)) for size, file in ledgers.items()}
    taken: dict[str, dict[int, list[float]]] = {work: {size: [] for size in stores} for work in _WORK}
    chosen = random.Random(1)
    for turn in range(-1, rounds):  # the first one only warms up
        for size, store in stores.items():
            for work, seconds in _work(store, size, times, chosen).items():
                if turn >= 0:
                    taken[work][size].append(seconds * 1e6)
    for store in stores.values():
        store.close()
    few, many = min(ledgers), max(ledgers)
    for work, (target, of_all) in _WORK.items():
        by_size = taken[work]
        title = f"{work} at {many:,} callers"
        if target:
            against = ratios(by_size[many], by_size[few])
            report.results.append(Result("scale", f"{title} against {few:,}", against, target))
        if of_all:
            milliseconds = Spread(tuple(one / 1000 for one in by_size[many]), "ms")
            report.results.append(Result("scale", title, milliseconds, of_all))
    spreads = {
        work: {size: Spread(tuple(values), "µs") for size, values in by_size.items()}
        for work, by_size in taken.items()
    }
    report.curves.append(Curves("scale", "time in the ledger", "callers that it knows", spreads))


SUMMARY_DAYS = 30
# Each with how much longer it may take than with few callers, and how many milliseconds.
_WORK = {
    "look-up": (Target(1.35), None),
    "append": (Target(1.3), None),
    "summary of 30 days, as status shows it": (None, Target(50)),
}


def _work(store: SqliteStore, size: int, times: int, chosen: random.Random) -> dict[str, float]:
    """Seconds of each: a look-up, an append, which is durable, and a summary. Raises RefusedError for a wrong
    answer."""
    callers = [chosen.randrange(size) for _ in range(times)]
    begun = time.perf_counter()
    standings = [store.history(_pseudonym(caller)) for caller in callers]
    looked_up = (time.perf_counter() - begun) / times
    same("callers whom the ledger knows", [True] * times, ["privacy" in standing for standing in standings])
    before = store.newest()
    events = [
        _skip(caller, standing["privacy"].record) for caller, standing in zip(callers, standings, strict=True)
    ]
    begun = time.perf_counter()
    for event in events:
        store.append([event])
    appended = (time.perf_counter() - begun) / times
    same("records appended", times, store.newest() - before)
    now = datetime.now(UTC)
    begun = time.perf_counter()
    found_calls = summary(store, now - timedelta(days=SUMMARY_DAYS), now).calls
    summed_up = time.perf_counter() - begun
    same("calls in the summary", True, found_calls[0] > size * SUMMARY_DAYS / YEAR / 2)
    return dict(zip(_WORK, (looked_up, appended, summed_up), strict=True))


def _skip(caller: int, basis: int) -> Event:
    return Event(
        at=datetime.now(UTC),
        call="1700000000.1",
        line=rivals.LINE,
        pseudonym=_pseudonym(caller),
        notice="privacy",
        version="2026-11",
        language="it",
        purposes=frozenset({"service"}),
        status=Status.NOTDUE,
        reason=Reason.ALREADY_INFORMED,
        basis=basis,
        linked="1700000000.1",
        kind=RecordKind.PHONE,
    )


def _start(report: Report, office: Office, callers: int, rounds: int = 5, calls: int = 100) -> None:
    """From exec to accepting, and how long the slowest of the first calls takes, of callers whom it knows."""
    rivals.acquaint(office, calls)
    started, slowest = [], []
    for _ in range(rounds):
        begun = time.perf_counter()
        with rivals.serving(office):
            started.append(time.perf_counter() - begun)
            figures = rivals.make_calls(
                office.folder, office.port, calls, in_flight=10, callers=calls, script=office.script
            )
        slowest.append(figures["slowest"] / 1000)
        same("first calls answered from the ledger", calls, figures["expected"])
    with_ = f"with {callers:,} callers"
    report.results += [
        Result(
            "start", f"start of the service {with_}, to accepting", Spread(tuple(started), "s"), Target(1)
        ),
        Result("start", f"slowest of its first {calls} calls {with_}", Spread(tuple(slowest), "ms")),
    ]


def _large(folder: Path, callers: int) -> Office:
    """A configuration whose ledger knows so many."""
    free, needed = shutil.disk_usage(folder).free, callers * _CALLER_BYTES + _SPARE
    if free < needed:
        raise SkippedError(f"{needed >> 30} GiB of free disk are needed, {free >> 30} are there")
    office = Office(folder / "large")
    fill(office.folder / "ledger" / "acme.sqlite3", callers)
    return office


def fill(ledger: Path, callers: int) -> None:
    """A ledger of so many callers who were told, as if each had called once, in the product's own tables.

    In the order of the keys, so that it takes a minute and not an hour; the file is as it would be
    otherwise, but for fuller pages.
    """
    SqliteStore(str(ledger)).close()
    insert(ledger, callers, ", moved", ", 0")  # of form 12: each rests on a record of the same pseudonym


def insert(ledger: Path, callers: int, column: str = "", value: str = "") -> None:
    """Insert so many callers and a record of each, without leaves, into the empty tables of a ledger of form
    6 or later: of a year, up to a while ago. `column` and its `value` are one more of what they know."""
    interval = YEAR * 86_400_000_000 // callers
    at = int(time.time() - 1000) * 1_000_000 - callers * interval
    with contextlib.closing(sqlite3.connect(ledger, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA foreign_keys = OFF")
        for statement in ("BEGIN", _EVENTS, _STANDINGS.format(column, value), "COMMIT"):
            connection.execute(
                statement, {"callers": callers, "at": at, "each": interval} if ":" in statement else ()
            )
        connection.execute("PRAGMA journal_mode = WAL")
    descriptor = os.open(ledger, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


# Pseudonyms in ascending order.
_PSEUDONYM = "CAST(printf('%010d', number) || '0123456789abcdef012345' AS BLOB)"
_NUMBERS = (
    "WITH RECURSIVE callers (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM callers LIMIT :callers)"
)
_EVENTS = f"""
{_NUMBERS}
INSERT INTO event (record, at, call, line, pseudonym, notice, version, language, purposes, status, reason,
                   prompt, ending, heard, length, key, linked)
SELECT number + 1, :at + number * :each, '1700000000.' || number, '+390212345678',
       {_PSEUDONYM}, 'privacy', '2026-11', 'it', 'service', 'PLAYED', 'not-informed',
       '/etc/informativa/prompts/it/short', 'whole', 17.4, 17.4, '', '1700000000.' || number
FROM callers
"""
_STANDINGS = f"""
{_NUMBERS}
INSERT INTO standing (pseudonym, notice, version, purposes, record, at, whole{{}})
SELECT {_PSEUDONYM}, 'privacy', '2026-11', 'service', number + 1, :at + number * :each,
       :at + number * :each{{}}
FROM callers
"""


def _pseudonym(caller: int) -> bytes:
    return f"{caller:010d}0123456789abcdef012345".encode()


def reference(row: int) -> str:
    """Return what a row refers to, without six digits together: they could be somebody's number, and are
    refused."""
    return f"book {row // 1000} page {row % 1000}"


def importing(report: Report, folder: Path, *, rows: int = 1_000_000) -> None:
    """Rows a second of `informativa import`, and the most memory that it takes."""
    office = Office(folder / "import")
    listed = folder / "listed.csv"
    day = datetime.now(UTC) - timedelta(days=30)
    with listed.open("w") as file:
        file.write("number;date;reference\n")
        file.writelines(f"{rivals.number(row)};{day:%d/%m/%Y};{reference(row)}\n" for row in range(rows))
    command: list[str | Path] = [BIN / "informativa", "import", listed]
    command += ["--controller=acme", "--by=website", "--dates=day-first", "--yes", "-c", office.config]
    begun = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    most = 0.0
    while child.poll() is None:
        most = max(most, _megabytes(child.pid))
        time.sleep(0.1)
    seconds = time.perf_counter() - begun
    output = child.communicate()[0]
    same("rows recorded", [str(rows)], re.findall(r"(\d+) recorded", output))
    title = f"import of {rows:,} rows"
    report.results += [
        Result("import", title, Spread((rows / seconds,), "rows/s"), Target(60_000, at_most=False)),
        Result("import", f"{title}, most memory", Spread((most,), "MB"), Target(100)),
    ]


def _megabytes(process: int) -> float:
    """Return what a process and its children have in memory, shared pages once. Not `ru_maxrss`: that begins
    with what whoever started it had."""
    kilobytes = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if process in (parent, int(folder.name)):
                kilobytes += int(re.findall(r"(?m)^Pss: +(\d+)", (folder / "smaps_rollup").read_text())[0])
    return kilobytes * 1.024 / 1000
