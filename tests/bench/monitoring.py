"""Monitoring: the first look at a large log of somebody else's, and each look a minute later.

The log is published as a call centre's would be: 5,000 records a day for years, a checkpoint of each day that
a witness signed, and the note of each day's purge. A web server of this machine gives it to the monitor,
which runs in a process of its own.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from informativa.evidence import purging
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.commitment import RECORD_TAG
from informativa.evidence.cosignature import WitnessSigner
from informativa.evidence.encoding import HASH_SIZE
from informativa.evidence.log_folder import PublishedLog
from informativa.evidence.note import Signer, sign
from informativa.evidence.note_values import ErasureRule, NoteSource
from informativa.evidence.notes import LogNote, NoteContent, PurgeNote, RuleNote
from informativa.evidence.publishing import folder_of
from informativa.evidence.tiles import TileHashes, entry_bundles, hash_tiles
from informativa.evidence.tree import leaf_hash, root_at
from informativa.model.plan import Period
from informativa.operations.evidence.monitor import Monitor, MonitorSettings
from informativa.views.documents import document

from .evidence import Watch
from .figures import Report, Result, SkippedError, Spread, Target, same

DAY = 5000  # records
MINUTE = 300  # records: three times a busy centre's
_LEAF_BYTES = 300  # of disk for each leaf: published, and copied; 262 seen
_SPARE = 2 << 30  # bytes of disk that stay free
_RULE = RuleNote(
    retention=Period(months=12),
    zone="Europe/Rome",
    erasures=ErasureRule.EACH,
    processor=True,
    witnesses=(),
    approver=None,
    instruction="",
    purged=0,
    erased=0,
    lost=0,
)


def monitoring(report: Report, folder: Path, *, leaves: int = 1_000_000, rounds: int = 30) -> None:
    """The looks at a log of at least so many leaves."""
    free, needed = shutil.disk_usage(folder).free, leaves * _LEAF_BYTES + _SPARE
    if free < needed:
        raise SkippedError(f"{needed >> 30} GiB of free disk are needed, {free >> 30} are there")
    log = _Log(folder / "web", leaves)
    with _served(log.top) as url:
        settings = MonitorSettings(folder / "policy", folder / "state", published=url)
        settings.policy.write_text(log.policy)
        _first(report, settings, log)
        _sizes(report, settings, log)
        _later(report, settings, log, rounds)


def _first(report: Report, settings: MonitorSettings, log: _Log) -> None:
    """The program as a reader of the page starts it, and the same a minute later."""
    title = f"first look, at {log.size:,} leaves"
    seconds, used, memory = _program(settings, log)
    log.grow(MINUTE, datetime.now(UTC))
    again, used_again, _memory = _program(settings, log)
    report.results += [
        Result("monitor", title, Spread((seconds,), "s"), Target(300)),
        Result("monitor", f"CPU of the {title}", Spread((used,), "s")),
        Result("monitor", f"memory at the {title}", Spread((memory,), "MB")),
        Result("monitor", f"program started anew, {MINUTE} leaves later", Spread((again,), "s")),
        Result("monitor", f"CPU of it, {MINUTE} leaves later", Spread((used_again,), "s")),
    ]


def _program(settings: MonitorSettings, log: _Log) -> tuple[float, float, float]:
    """Seconds of `informativa monitor --once`, those of CPU, and its most memory in MB."""
    command = [sys.executable, "-c", "from informativa.cli.main import main; main()", "monitor", "--once"]
    command += [f"--policy={settings.policy}", f"--state={settings.state}"]
    with Watch() as watch:
        process = subprocess.Popen([*command, f"--published={settings.published}"], stdout=subprocess.DEVNULL)
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    same("exit code of the monitor", 0, process.returncode)
    copied = PublishedLog(settings.state / log.signer.name).newest()[0]
    same("leaves in the copy", log.size, copied)
    return watch.seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000


def _sizes(report: Report, settings: MonitorSettings, log: _Log) -> None:
    files = [file.stat() for file in settings.state.rglob("*") if file.is_file()]
    apparent, on_disk = sum(file.st_size for file in files), sum(file.st_blocks * 512 for file in files)
    report.results += [
        Result("monitor", "bytes of a leaf in the copy", Spread((apparent / log.size,), "bytes")),
        Result("monitor", "bytes of a leaf in the copy, on the disk", Spread((on_disk / log.size,), "bytes")),
    ]


def _later(report: Report, settings: MonitorSettings, log: _Log, rounds: int) -> None:
    """A monitor that goes on: the look of each minute, and its memory."""
    parent, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_looks, args=(theirs, settings))
    process.start()
    looks = []
    try:
        for _ in range(rounds + 1):
            log.grow(MINUTE, datetime.now(UTC))
            parent.send(log.size)
            looks.append(parent.recv())
        parent.send(None)
    finally:
        process.join(60)
    seconds, used, memory = zip(*looks[1:], strict=True)
    title, grown = f"look {MINUTE} leaves later, at {log.size:,}", memory[-1] - memory[0]
    report.results += [
        Result("monitor", title, Spread(tuple(seconds), "s"), Target(1)),
        Result("monitor", f"slowest {title}", Spread((max(seconds),), "s"), Target(1)),
        Result("monitor", f"CPU of a {title}", Spread(tuple(used), "s")),
        Result("monitor", f"memory after {rounds} looks", Spread((memory[-1],), "MB")),
        Result("monitor", "memory more than after the first", Spread((grown,), "MB"), Target(1)),
    ]


def _looks(asked: Connection, settings: MonitorSettings) -> None:
    """Look whenever the other side says how many leaves there are; answer with the seconds, those of CPU, and
    the most memory until then in MB."""
    monitor = Monitor(settings, lambda finding: document(finding, indent=None))
    while (size := asked.recv()) is not None:
        used = time.process_time()
        with Watch() as watch:
            look = monitor.look()
            monitor.deliver(look.news)
        same("leaves that the monitor verified", [size], [log.size for log in look.logs])
        same("what is open", (0, ()), (look.exit_code, look.problems))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        asked.send((watch.seconds, time.process_time() - used, memory))


class _Log:
    """A published log of at least so many leaves, below the folder `top`."""

    def __init__(self, top: Path, leaves: int) -> None:
        self.top, self.size = top, 0
        self.signer = Signer("acme.example/informativa/acme/pbx-1/1", bytes(range(32)))
        self._witness = WitnessSigner("home.example", bytes([7]) * 32)
        self._published = PublishedLog(top / folder_of(self.signer.name))
        self._random = random.Random(1)
        self._days: list[tuple[datetime, int]] = []
        self._rule = RuleNote(**{**vars(_RULE), "witnesses": (self._witness.verifier,)})
        days = -(-leaves // DAY)
        begun = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days + 1)
        self._add([self._note(self._rule, begun, 0)])
        for day in range(days):
            at = begun + timedelta(day + 1)
            self.grow(DAY, at, self._purge(at))
            self._days.append((at, self.size))

    @property
    def policy(self) -> str:
        """The policy of who follows it."""
        return f"log {self.signer.verifier}\nwitness home {self._witness.verifier}\nquorum home\n"

    def grow(self, records: int, at: datetime, note: bytes = b"") -> None:
        """Publish records and a note, under a checkpoint that the witness signed at a time."""
        hashes = self._random.randbytes(records * 2 * HASH_SIZE)
        begins, step = range(0, len(hashes), 2 * HASH_SIZE), 2 * HASH_SIZE
        entries = [RECORD_TAG + hashes[begin : begin + step] for begin in begins]
        self._add([note, *entries] if note else entries)
        tree = root_at(self.size, TileHashes(self.size, self._published.tile))
        text = Checkpoint(self.signer.name, self.size, tree).text
        at -= timedelta(seconds=20)  # its minute goes on
        signed = sign(text, self.signer) + self._witness.cosign(text, int(at.timestamp())).line.encode()
        for name in (f"checkpoints/{self.size}", "checkpoint"):
            _put(self._published.folder / name, signed)

    def _add(self, entries: list[bytes]) -> None:
        """Write bundles and tiles, which no power needs to survive here."""
        read = self._published.tile
        bundles = entry_bundles(self.size, entries, read)
        tiles = hash_tiles(self.size, map(leaf_hash, entries), read)
        for tile, data in chain(bundles, tiles):
            _put(self._published.folder / tile.path, data)
        self.size += len(entries)

    def _purge(self, at: datetime) -> bytes:
        """The note of what is too old; none in the first year."""
        cutoff = purging.before(self._rule, at)
        assert cutoff
        below = max((size for signed, size in self._days if signed <= cutoff), default=0)
        return self._note(PurgeNote(self.signer.name, below, cutoff, 0), at, self.size) if below else b""

    def _note(self, content: NoteContent, at: datetime, index: int) -> bytes:
        return LogNote(self.signer.name, index, at, NoteSource.SERVICE, content).entry


def _put(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.part")  # nobody reads half of it
    part.write_bytes(data)
    part.replace(file)


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # header and body are two packets, and the second would wait 40 ms

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """The address of a web server of a folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
