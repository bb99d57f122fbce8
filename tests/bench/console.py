"""The console: how soon each page is there with many records, and whether calls notice those who read."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Sequence
from contextlib import closing, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

from informativa import config
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Controller
from informativa.operations.evidence import logs
from lab.office import Office

from . import rivals
from .browsing import Browser, Page, ServedConsole, pages, reading, served
from .figures import Peers, Report, Result, Spread, Target, ratios, same
from .machine import cpu_seconds
from .records import event, fill

READERS = 20
FIRST_BYTE = 100.0  # milliseconds, at the median
LARGEST = 60 * 1024  # bytes of a page
RATES = (50, 200)  # calls a second
PAUSES = {1.0: "a page a second", 0.1: "ten pages a second"}  # each of them; nobody reads as fast as the last
SLOWER = 1.2  # how much longer 99 of 100 calls may take while people read
SLOWER_OFTEN = 1.5  # the same at 200 calls a second
_LONGEST = 20.0  # seconds that one page is measured for, if it takes so long
_FILES = ("/sound", "/file", "/file/{kind}", "/receipt/{form}")  # which are no pages
_OFTEN = (
    "/{controller}/calls/{record:number}",
    "/{controller}/caller/{session_key}",
    "/{controller}/requests/{request:number}",
    "/{controller}/notices/{notice}/{version}",
)
_WARM = 3  # times that a page is loaded before


def console(
    report: Report,
    folder: Path,
    *,
    records: int = 1_000_000,
    times: int = 300,
    rounds: int = 9,
    seconds: int = 10,
    rates: Sequence[int] = RATES,
) -> None:
    """All of it at so many records."""
    office = Office(folder / "console")
    owner = config.load(office.config).controllers["acme"]
    fill(owner, records)
    today(owner, records)
    logs.checkpoint(owner)
    with rivals.serving(office), served(office) as pages_server, closing(pages_server.browser()) as browser:
        opened = list(
            pages(
                pages_server, browser, lambda *reason: report.left_out.append(("console", ": ".join(reason)))
            )
        )
        _pages(report, pages_server, browser, opened, records, times)
        read = [page.path for page in opened if _read(page)]
        for rate, pause in product(rates, PAUSES):
            _calls(report, pages_server, browser.session, read, rate, pause, records, rounds, seconds)


def today(owner: Controller, records: int) -> None:
    """One more record, which is of today: for a bundle of today to have one."""
    now = datetime.now(UTC)
    with closing(SqliteStore(owner.ledger, log=owner.log)) as store:
        store.append([replace(event(owner, records + 1), at=now, recorded=now)])


def _read(page: Page) -> bool:
    """Return whether it is a page of a company that people go to by the menu, or from there."""
    return page.route in _OFTEN or (page.route.startswith("/{controller}/") and page.path.count("/") == 2)


def _pages(
    report: Report,
    pages_server: ServedConsole,
    browser: Browser,
    opened: Iterable[Page],
    records: int,
    times: int,
) -> None:
    """In turns, so that what disturbs one page disturbs all."""
    took: dict[Page, list[tuple[float, float]]] = {page: [] for page in opened}
    sizes: dict[Page, int] = {}
    with closing(Browser(pages_server.port)) as stranger:
        for turn in range(-_WARM, times):
            for page, all_ in took.items():
                if sum(last for _first, last in all_) > _LONGEST * 1000:
                    continue
                answer = (stranger if page.anonymous else browser).get(page.path)
                same(f"status of {page.route}", 200, answer.status)
                sizes[page] = answer.size
                if turn >= 0:
                    all_.append((answer.first, answer.last))
    for page, all_ in took.items():
        target = None if page.route.endswith(_FILES) else Target(LARGEST)
        title = f"GET {page.route} at {records:,} records, size"
        report.results.append(Result("console", title, _one(sizes[page], "bytes"), target))
        for which, byte in enumerate(("first byte", "last byte")):
            values = [both[which] for both in all_]
            title = f"GET {page.route} at {records:,} records, to the {byte}"
            target = None if which else Target(FIRST_BYTE)
            report.results += [
                Result("console", f"{title}: median", _one(statistics.median(values), "ms"), target),
                Result("console", f"{title}: 99 of 100", _one(_of_100(values), "ms")),
            ]


def _of_100(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[98] if len(values) > 1 else values[0]


def _one(value: float, unit: str) -> Spread:
    return Spread((value,), unit)


def _calls(
    report: Report,
    pages_server: ServedConsole,
    session: str,
    paths: Sequence[str],
    rate: int,
    pause: float,
    records: int,
    rounds: int,
    seconds: int,
) -> None:
    """Calls of known callers, while people read and while nobody does, in turns."""
    p99: dict[bool, list[float]] = {True: [], False: []}
    p50: dict[bool, list[float]] = {True: [], False: []}
    loaded, used = [], []
    for turn in range(-1, rounds):  # the first one only warms up
        for read in (True, False) if turn % 2 else (False, True):
            cpu, begun = cpu_seconds(pages_server.pid), time.monotonic()
            with reading(pages_server, session, paths, READERS, pause) if read else nullcontext() as readers:
                times = made(pages_server.office, rate, records, seconds)
                pages_a_second = readers.rate if readers else 0
            cpu = (cpu_seconds(pages_server.pid) - cpu) / (time.monotonic() - begun)
            if turn >= 0:
                p99[read].append(times["p99"])
                p50[read].append(times["p50"])
                loaded += [pages_a_second] if read else []
                used += [cpu * 100] if read else []
    readers_named = f"{READERS} readers, {PAUSES[pause]} each"
    for title, by in ((f"99 of 100 calls at {rate} calls/s", p99), (f"median call at {rate} calls/s", p50)):
        spreads = {
            readers_named: Spread(tuple(by[True]), "µs"),
            "nobody reads": Spread(tuple(by[False]), "µs"),
        }
        report.peers.append(Peers("console", f"{title}, caller known, {PAUSES[pause]} each", spreads))
        target = Target(SLOWER if rate <= RATES[0] else SLOWER_OFTEN) if by is p99 else None
        report.results.append(
            Result("console", f"{title}, {readers_named}, over nobody", ratios(by[True], by[False]), target)
        )
    which = f"at {rate} calls/s, {readers_named}"
    report.results += [
        Result("console", f"pages loaded meanwhile, {which}", Spread(tuple(loaded), "pages/s")),
        Result("console", f"CPU of the console, {which}", Spread(tuple(used), "% of a core")),
    ]


def made(office: Office, rate: int, records: int, seconds: int) -> dict[str, float]:
    """Raises RefusedError unless each call was told that nothing is due."""
    times = rivals.make_calls(
        office.folder,
        office.port,
        rate * seconds,
        in_flight=1,
        callers=min(records // 2, rivals.KNOWN),
        script=office.script,
        rate=rate,
    )
    same("calls answered", rate * seconds, times["expected"])
    return times
