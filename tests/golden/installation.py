"""An installation that is the same on each machine, and commands that are typed there."""

from __future__ import annotations

import io
import json
import os
import random
import re
import shlex
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from stat import S_ISDIR

import numpy as np
import pytest

from commands import PROGRAM, forget_titles
from examples import NOTDUE, PARTIAL, PLAYED, UNIDENTIFIED
from golden.stopped_clock import TUESDAY, SeededBytes
from informativa import __version__
from informativa.call.caller import pseudonym
from informativa.cli.main import main
from informativa.config import load
from informativa.evidence.commitment import bind
from informativa.model import Ending, Event, Heard, Identified, Reason, Status, Vouched
from informativa.process.storage import store
from lab import audio
from lab.ports import free_port

HERE = Path(__file__).parent
KEYS = {"acme.key": "6b" * 32, "borealis.key": "62" * 32, "agi.token": "74" * 32}
PROMPTS = ("it/short", "it/short-nokey", "it/full", "it/new", "en/short", "de/short", "de/full")
KNOWN, KNOWS_OLD, HUNG_UP, OTHER = (f"+39333000000{digit}" for digit in range(4))
"""Callers: one who knows the notice, one who knows an earlier version, one who heard half of it, another."""

EXTENSIONS_CONF = "[general]\n\n[from-trunk]\nexten => _X.,1,Answer()\n same => n,Queue(sales)\n"
CALLERS_CSV = """number,date,reference
+393330000010,2026-11-10,A1
+393330000011,13/11/2026,A2
12,2026-11-10,A3
"""
ANSWERS_CSV = f"""number,answer,at,reference
{OTHER},granted,2026-11-10 09:30,F1
{KNOWN},refused,2026-11-10,F2
+393330000010,yes,2026-11-10,F3
+393330000011,granted,2026-08-31,F4
"""
GRANTED_CSV = f"""number,answer,at,reference
{KNOWN},granted,2026-11-10,form-7
"""
WITHDRAWN_CSV = f"""number,answer,at,reference
{OTHER},withdrawn,2026-11-12,form-8
"""


def _cdr(call: int, start: str, dst: str = "0212345678", disposition: str = "ANSWERED") -> str:
    """A row of Asterisk's Master.csv."""
    return (
        f'"","+393330000010","{dst}","from-trunk","""Anna"" <+393330000010>","PJSIP/trunk-1","","Queue",'
        f'"sales","2026-11-{start}","2026-11-{start}","2026-11-{start}",20,20,"{disposition}",'
        f'"DOCUMENTATION","1700000000.{call}"\n'
    )


MASTER_CSV = "".join(
    [
        *(_cdr(1, "24 13:30:05"), _cdr(2, "24 13:30:12"), _cdr(3, "24 13:30:11")),
        *(_cdr(21, "24 13:31:00", "600"), _cdr(22, "24 14:00:00")),
        *(_cdr(23, "24 14:00:01", disposition="NO ANSWER"), _cdr(4, "25 13:30:15"), "\0\0\0\0\n"),
        *(_cdr(5, "25 13:30:05"), _cdr(7, "27 13:30:10"), _cdr(8, "27 13:30:20")),
    ]
)
CARRIER_CSV = """\
Chiamante;Numero chiamato;Inizio
+393330000010;+493012345678;24/11/2026 13:30:07
+393330000011;00493012345678;25/11/2026 13:30:04
"""

MASKS = (
    ("<tmp>", r"/tmp/golden-\w{8}", "the folder of the installation, of which each run has its own"),
    (":<port>", r":(?:2[0-9]|3[01])\d{3}\b", "its ports, which must be free"),
    ("<version>", rf"(?<![\d.]){re.escape(__version__)}(?![\d.])", "of the program"),
    ("<user>", r"(?<=readable by )\S+(?= alone)|(?<=leggibile solo da )[^\s.]+", "the user of the tests"),
    ("<owner>", r'(?<=\()\w[\w-]*:\w[\w-]*(?=\)\.)|(?<="owner": ")[^"]+', "the owner of a file"),
    ("<bytes>", r'(?<="bytes": )\d+', "the size of a database, which depends on SQLite"),
    ("", r" +$", "blanks at the ends of lines, which nobody sees"),
    ("<size>", r"\b\d+(?:[.,]\d+)? [kM]B\b", "a size as above, for people"),
)  # fmt: skip
"""All that differs between two runs: the text in its place, the pattern, and its meaning. Times, keys and
random values do not differ (stopped_clock.py)."""
_MASKS = [(mask, re.compile(pattern, re.MULTILINE)) for mask, pattern, _meaning in MASKS]

ENVIRONMENT = {
    "COLUMNS": "110",
    "HOME": "/nonexistent",
    "PATH": "/nonexistent",  # so that no machine has a journalctl or an Asterisk
    "PYTHONUTF8": "1",
    "SUDO_USER": "anna",  # the account in the access log
    "TZ": "Europe/Rome",
}


@dataclass(frozen=True)
class CommandResult:
    """The exit code of a command, and what it printed, masked."""

    code: int
    output: str
    errors: str


@dataclass(frozen=True)
class Installation:
    """A folder with `etc/informativa.yaml`, its ledgers, Asterisk's folder, and files that commands read."""

    root: Path
    random_bytes: SeededBytes

    @property
    def file(self) -> Path:
        """The configuration file."""
        return self.root / "etc/informativa.yaml"

    def edit(self, changes: Mapping[str, str]) -> None:
        """Replace texts of the configuration, each of which must be there."""
        if not changes:
            return
        text = self.file.read_text()
        for old, new in changes.items():
            assert old in text, old
            text = text.replace(old, new)
        self.file.write_text(text)

    def files(self) -> dict[str, bytes]:
        """Return the content of files by relative path, without access logs and caches; of databases only the
        names."""
        files = (file for file in self.root.rglob("*") if file.is_file())
        return {
            str(file.relative_to(self.root)): b"" if ".sqlite3" in file.name else file.read_bytes()
            for file in files
            if not re.search(r"\.access|\.parsed$|-wal$|-shm$", file.name)
        }

    def words(self, line: str) -> list[str]:
        """Split a command line; `{root}` stands for the folder, `{key}` for the public key of acme's log."""
        if "{key}" in line:
            line = line.replace("{key}", (self.root / "acme.vkey").read_text())
        return shlex.split(line.replace("{root}", str(self.root)))

    def run(self, line: str, language: str = "en", lines: int | None = None) -> CommandResult:
        """Run a command in the folder. One that goes on until its reader leaves is read for `lines` lines."""
        words = self.words(line)
        self.random_bytes.restart(line)
        environment = ENVIRONMENT | {"LANGUAGE": language, "INFORMATIVA_CONFIG": str(self.file)}
        # Each test has random bytes of its own, by the seed of the run: a snapshot is of every seed.
        with process(self.root, environment, words), pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "urandom", self.random_bytes)
            if lines is not None:
                return _run_until(lines)
            output, errors = _stream(), _stream()
            with redirect_stdout(output), redirect_stderr(errors):
                code = main()
            return CommandResult(code, *map(_text, (output, errors)))


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8")


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return masked(buffer.getvalue().decode())


def masked(text: str) -> str:
    """Return a text without what differs between two runs."""
    for mask, pattern in _MASKS:
        text = pattern.sub(mask, text)
    return text


@contextmanager
def process(
    folder: Path, environment: Mapping[str, str] = ENVIRONMENT, words: Sequence[str] = ()
) -> Iterator[None]:
    """Give this process a working folder, an environment and a command line, as if it was started so."""
    old_environment, old_words, old_folder = dict(os.environ), sys.argv, Path.cwd()
    try:
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
        os.chdir(folder)
        sys.argv = [str(PROGRAM), *words]
        forget_titles()
        yield
    finally:
        sys.argv = old_words
        os.chdir(old_folder)
        os.environ.clear()
        os.environ.update(old_environment)
        time.tzset()


def _run_until(lines: int) -> CommandResult:
    """Run a command whose reader leaves after so many lines."""
    read, write = os.pipe()
    output: list[str] = []

    def read_lines() -> None:
        with os.fdopen(read, encoding="utf-8") as stream:
            output.extend(stream.readline() for _ in range(lines))

    reader = threading.Thread(target=read_lines)
    reader.start()
    errors = _stream()
    with os.fdopen(write, "w", encoding="utf-8") as pipe, redirect_stdout(pipe), redirect_stderr(errors):
        code = main()
    reader.join(60)
    return CommandResult(code, masked("".join(output)), _text(errors))


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder whose name has the same length on each machine, because tables depend on it, and needs no
    quotes in a shell."""
    with tempfile.TemporaryDirectory(prefix="golden-", dir="/tmp") as name:
        yield Path(name)


def build(root: Path, random_bytes: SeededBytes) -> Installation:
    """Build the installation in a folder, with all calls and commands until today."""
    installation = Installation(root, random_bytes)
    for folder in ("etc/keys", "etc/ledger", "etc/proof", "etc/web", "asterisk"):
        (root / folder).mkdir(parents=True, mode=0o700)
    for name, digits in KEYS.items():
        (root / "etc/keys" / name).touch(0o600)
        (root / "etc/keys" / name).write_text(f"{digits}\n")
    for seed, prompt in enumerate(PROMPTS):
        file = root / f"etc/prompts/{prompt}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        audio.write_wav(file, _sound(seed, 2.0 if prompt.endswith("full") else 1.0))
    (root / "asterisk/extensions.conf").write_text(EXTENSIONS_CONF)
    for file, text in (
        ("callers", CALLERS_CSV),
        ("answers", ANSWERS_CSV),
        ("granted", GRANTED_CSV),
        ("withdrawn", WITHDRAWN_CSV),
        ("Master", MASTER_CSV),
        ("carrier", CARRIER_CSV),
    ):
        (root / f"{file}.csv").write_text(text)
    installation.file.write_text((HERE / "informativa.yaml").read_text())
    installation.edit({f"127.0.0.1:{port}": f"127.0.0.1:{free_port()}" for port in (4588, 4591)})
    (root / "next.yaml").write_text(_next(installation.file.read_text()))
    companies = load(installation.file).controllers
    for company, events in _events().items():
        with closing(store(companies[company])) as ledger:
            ledger.append([_by(number, event, companies[company].key) for event, number in events])
    for line in (
        f"record --controller acme --by contract --reference K/17 {OTHER} --on 2026-11-20",
        f"caller erase {OTHER} --controller acme --yes",
        f"record --controller acme --by website --reference form-3 {OTHER} --on 2026-11-21T10:00",
        "evidence checkpoint",
        "evidence publish",
        "web invite anna --role admin --controller acme",
        "web invite carlo --role reader --controller acme --controller borealis",
        f"caller show {KNOWN} --controller acme",
    ):
        result = installation.run(line)
        assert result.code == 0, (line, result)
    (key,) = json.loads(installation.run("evidence key --controller acme --json").output)["keys"]
    (root / "acme.vkey").write_text(key["key"])
    for file in root.rglob("*"):
        os.utime(file, (TUESDAY.timestamp(),) * 2)
    return installation


def _next(text: str) -> str:
    """Return a configuration in which acme takes a version out and has another one that is to come."""
    earlier = text[text.index('          - version: "2025"') : text.index('          - version: "2026-11"')]
    text = text.replace(earlier, "", 1).replace(
        """            supplements:
              "2025": {it: prompts/it/new}
""",
        "",
    )
    version = """          - version: "2027"
            purposes: [service, crm]
            material: true
            starts: 2027-01-01
            short: {it: prompts/it/full, en: prompts/en/short}
"""
    return text.replace("  borealis:\n", version + "  borealis:\n", 1)


class RestorableCopy:
    """A copy of an installation that is made once and restored for each case: a case changes few files, and a
    copy for each would cost more."""

    def __init__(self, original: Installation, root: Path) -> None:
        self._original, self._copy = original, copied(original, root)
        self._states = _states(root)

    def restored(self) -> Installation:
        """Return the copy, with all files and folders as in the original."""
        root, states = self._copy.root, _states(self._copy.root)
        for name in sorted(states.keys() - self._states.keys(), reverse=True):  # a file before its folder
            if S_ISDIR(states[name][0]):
                (root / name).rmdir()
            else:
                (root / name).unlink()
        for name in sorted(self._states.keys()):  # a folder before its files
            if states.get(name) != self._states[name]:
                self._restore(name)
                self._states[name] = _state(root / name)
        return self._copy

    def _restore(self, name: str) -> None:
        source, target = self._original.root / name, self._copy.root / name
        if source.is_dir():
            target.mkdir(exist_ok=True)
            shutil.copystat(source, target)
        else:
            target.unlink(missing_ok=True)
            _copy_file(str(source), str(target))


def _states(root: Path) -> dict[str, tuple[int, ...]]:
    return {str(path.relative_to(root)): _state(path) for path in root.rglob("*")}


def _state(path: Path) -> tuple[int, ...]:
    """Return a tuple that differs after a change of a file, or of a folder's rights. All files of an
    installation have the same time, which is not the machine's."""
    status = path.lstat()
    if S_ISDIR(status.st_mode):
        return (status.st_mode,)
    return status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def copied(original: Installation, root: Path) -> Installation:
    """Copy an installation into an empty folder; recordings are hard links."""
    shutil.copytree(original.root, root, copy_function=_copy_file, dirs_exist_ok=True)
    return Installation(root, original.random_bytes)


def _copy_file(source: str, target: str) -> str:
    if source.endswith(".wav"):
        os.link(source, target)
        return target
    return shutil.copy2(source, target)


def _sound(seed: int, seconds: float) -> audio.Samples:
    """Return noise that is the same on each machine."""
    samples = random.Random(seed)
    return np.array([samples.randint(-4000, 4000) for _ in range(round(seconds * 8000))], dtype=np.int16)


def _by(number: str, event: Event, key: bytes) -> Event:
    """Return an event of the caller with that number; of an unknown one for ''."""
    if not number:
        return event
    caller = Identified(number)
    return replace(event, pseudonym=pseudonym(caller, key), binding=bind(caller, key))


def _events() -> dict[str, list[tuple[Event, str]]]:
    """Return the events on record by company, each with the caller's number; '' for an unknown caller."""
    day = timedelta(days=1)
    both = frozenset({"service", "crm"})
    heard = replace(PLAYED, version="2026-11", purposes=both, vouched=Vouched.NETWORK)
    old = replace(heard, version="2025", purposes=frozenset({"service"}), at=PLAYED.at - 400 * day)
    again = {"version": "2026-11", "purposes": heard.purposes}
    hung_up = Heard.in_seconds(Ending.HUNG_UP, 3.5, 9.5)
    acme = [
        (replace(old, at=PLAYED.at - 1900 * day, call="1600000000.1"), KNOWS_OLD),
        (replace(old, call="1665000000.7"), KNOWS_OLD),
        (heard, KNOWN),
        (replace(PARTIAL, **again, call="1700000000.2"), HUNG_UP),
        (replace(heard, status=Status.PARTIAL, heard=hung_up, call="1700000000.3"), HUNG_UP),
        (replace(NOTDUE, **again, basis=4, at=PLAYED.at + day, call="1700000000.4"), KNOWN),
        (replace(UNIDENTIFIED, **again, at=PLAYED.at + day, call="1700000000.5"), ""),
        (replace(heard, at=PLAYED.at + 2 * day, reason=Reason.NEW_PURPOSE, supplement=True, call="17.6",
                 purposes=frozenset({"crm"}), prompt="/p/it/new", wanted="en", vouched=Vouched.SIGNATURE),
         KNOWS_OLD),
        (replace(heard, at=PLAYED.at + 3 * day, status=Status.SKIPPED, call="17.7",
                 heard=Heard.in_seconds(Ending.KEY, 1.25, 9.5, "9"), counts=False), OTHER),
        (replace(heard, at=PLAYED.at + 3 * day, status=Status.FAILED, call="17.8",
                 heard=Heard.in_seconds(Ending.NOT_PLAYABLE, 0, 9.5)), OTHER),
        (replace(UNIDENTIFIED, **again, at=PLAYED.at + 4 * day, recorded=PLAYED.at + 5 * day, call="17.9",
                 reason=Reason.SERVICE_UNAVAILABLE, prompt="/p/it/short-nokey"), ""),
        (replace(heard, at=TUESDAY - timedelta(hours=1), line="+390287654321", call="17.10", language="en",
                 reason=Reason.PERIOD_OVER, recording="ab" * 32), KNOWN),
        (replace(NOTDUE, **again, at=TUESDAY - timedelta(minutes=30), call="17.11", basis=13,
                 reason=Reason.SAME_CALL, linked="17.10"), KNOWN),
    ]  # fmt: skip
    german = {"line": "+493012345678", "language": "de", "version": "2026-11", "prompt": "/p/de/short"}
    borealis = [
        (replace(PLAYED, **german, reason=Reason.EVERY_CALL), KNOWN),
        (replace(UNIDENTIFIED, **german, at=PLAYED.at + day, call="1700000000.9"), ""),
    ]
    return {"acme": acme, "borealis": borealis}
