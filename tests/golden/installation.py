"""One installation that is the same on each machine, and commands typed there."""

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

import numpy as np

from commands import PROGRAM
from examples import NOTDUE, PARTIAL, PLAYED, UNIDENTIFIED
from golden.still import NOW, Dice
from informativa import __version__
from informativa.caller import pseudonym
from informativa.cli.main import main
from informativa.config import load
from informativa.evidence.commitment import bind
from informativa.model import Ending, Event, Heard, Identified, Reason, Status, Vouched
from informativa.storage import store
from lab import audio
from lab.ports import free_port

HERE = Path(__file__).parent
KEYS = {"acme.key": "6b" * 32, "borealis.key": "62" * 32, "agi.token": "74" * 32}
PROMPTS = ("it/short", "it/short-nokey", "it/full", "it/new", "en/short", "de/short", "de/full")
KNOWN, TOLD_OLD, HUNG_UP, OTHER = (f"+39333000000{digit}" for digit in range(4))
"""A caller who knows the notice, one who knows the earlier version, one who heard half of it, one more."""

ASTERISKS = "[general]\n\n[from-trunk]\nexten => _X.,1,Answer()\n same => n,Queue(sales)\n"
CALLERS_CSV = """number,date,reference
+393330000010,2026-11-10,A1
+393330000011,10/11/2026,A2
12,2026-11-10,A3
"""

MASKS = (
    ("<tmp>", r"/tmp/golden-\w{8}", "the folder of the installation, of which each run has its own"),
    (":<port>", r":(?:2[0-9]|3[01])\d{3}\b", "its ports, which must be free"),
    ("<version>", rf"(?<![\d.]){re.escape(__version__)}(?![\d.])", "of the program"),
    ("<user>", r"(?<=readable by )\S+(?= alone)|(?<=leggibile solo da )[^\s.]+", "who runs the tests"),
    ("<owner>", r'(?<=\()\w[\w-]*:\w[\w-]*(?=\)\.)|(?<="owner": ")[^"]+', "whose a file is"),
    ("<bytes>", r'(?<="bytes": )\d+', "the size of a database, which depends on SQLite"),
    ("", r" +$", "blanks at the ends of lines, which nobody sees"),
    ("<size>", r"\b\d+(?:[.,]\d+)? [kM]B\b", "the same, for people"),
)  # fmt: skip
"""What no two runs have in common: what stands there instead, what is replaced, and what it is. Nothing else
is: times, keys, salts and what is drawn stand still (still.py)."""

ENVIRONMENT = {
    "COLUMNS": "110",
    "HOME": "/nonexistent",
    "PATH": "/nonexistent",  # so that no machine has a sox, a journalctl or an Asterisk
    "PYTHONUTF8": "1",
    "SUDO_USER": "anna",  # who did it, in the access log
    "TZ": "Europe/Rome",
}


@dataclass(frozen=True)
class Ran:
    """What a command came to."""

    code: int
    output: str
    errors: str


@dataclass(frozen=True)
class Installation:
    """A folder with `etc/informativa.yaml`, its ledgers, Asterisk's folder, and what there was before."""

    root: Path
    dice: Dice

    @property
    def file(self) -> Path:
        """The configuration."""
        return self.root / "etc/informativa.yaml"

    def edit(self, changes: Mapping[str, str]) -> None:
        """Change places of the configuration, which must be there."""
        text = self.file.read_text()
        for old, new in changes.items():
            assert old in text, old
            text = text.replace(old, new)
        self.file.write_text(text)

    def files(self) -> dict[str, bytes]:
        """All that stands there but what was looked at, and what is read faster the next time."""
        found = (file for file in self.root.rglob("*") if file.is_file())
        return {
            str(file.relative_to(self.root)): b"" if ".sqlite3" in file.name else file.read_bytes()
            for file in found
            if not re.search(r"\.access|\.parsed$|-wal$|-shm$", file.name)
        }

    def words(self, typed: str) -> list[str]:
        """What is typed, in words; `{root}` stands for the folder, `{key}` for the key of acme's log."""
        if "{key}" in typed:
            typed = typed.replace("{key}", (self.root / "acme.vkey").read_text())
        return shlex.split(typed.replace("{root}", str(self.root)))

    def run(self, typed: str, language: str = "en", lines: int | None = None) -> Ran:
        """Type a command, from the folder; of one that goes on until nobody reads any more, so many lines."""
        words = self.words(typed)
        self.dice.begin(typed)
        environment = ENVIRONMENT | {"LANGUAGE": language, "INFORMATIVA_CONFIG": str(self.file)}
        with elsewhere(self.root, environment, words):
            if lines is not None:
                return _followed(lines)
            output, errors = _stream(), _stream()
            with redirect_stdout(output), redirect_stderr(errors):
                code = main()
            return Ran(code, *map(_text, (output, errors)))


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8")


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    written = stream.buffer
    assert isinstance(written, io.BytesIO)
    return masked(written.getvalue().decode())


def masked(text: str) -> str:
    """Without what no two runs have in common."""
    for instead, pattern, _meaning in MASKS:
        text = re.sub(pattern, instead, text, flags=re.MULTILINE)
    return text


@contextmanager
def elsewhere(
    folder: Path, environment: Mapping[str, str] = ENVIRONMENT, words: Sequence[str] = ()
) -> Iterator[None]:
    """As if this process had been started there, with these words and this environment alone."""
    before, arguments, there = dict(os.environ), sys.argv, Path.cwd()
    try:
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
        os.chdir(folder)
        sys.argv = [str(PROGRAM), *words]
        yield
    finally:
        sys.argv = arguments
        os.chdir(there)
        os.environ.clear()
        os.environ.update(before)
        time.tzset()


def _followed(lines: int) -> Ran:
    """The first so many lines of a command, whose reader then goes away."""
    read, write = os.pipe()
    seen: list[str] = []

    def reads() -> None:
        with os.fdopen(read, encoding="utf-8") as stream:
            seen.extend(stream.readline() for _ in range(lines))

    reader = threading.Thread(target=reads)
    reader.start()
    errors = _stream()
    with os.fdopen(write, "w", encoding="utf-8") as output, redirect_stdout(output), redirect_stderr(errors):
        code = main()
    reader.join(60)
    return Ran(code, masked("".join(seen)), _text(errors))


@contextmanager
def place() -> Iterator[Path]:
    """A folder whose name is as long wherever temporary files are, and needs no quotes in a shell: tables and
    lines are as wide."""
    with tempfile.TemporaryDirectory(prefix="golden-", dir="/tmp") as name:
        yield Path(name)


def lay(root: Path, dice: Dice) -> Installation:
    """Lay the installation, with all that happened there until today."""
    there = Installation(root, dice)
    for folder in ("etc/keys", "etc/ledger", "etc/proof", "etc/web", "asterisk"):
        (root / folder).mkdir(parents=True, mode=0o700)
    for name, digits in KEYS.items():
        (root / "etc/keys" / name).touch(0o600)
        (root / "etc/keys" / name).write_text(f"{digits}\n")
    for seed, prompt in enumerate(PROMPTS):
        file = root / f"etc/prompts/{prompt}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        audio.write_wav(file, _sound(seed, 2.0 if prompt.endswith("full") else 1.0))
    (root / "asterisk/extensions.conf").write_text(ASTERISKS)
    (root / "callers.csv").write_text(CALLERS_CSV)
    there.file.write_text((HERE / "informativa.yaml").read_text())
    there.edit({f"127.0.0.1:{port}": f"127.0.0.1:{free_port()}" for port in (4588, 4591)})
    companies = load(there.file).controllers
    for company, events in _calls().items():
        with closing(store(companies[company])) as ledger:
            ledger.append([_of(each, caller, companies[company].key) for each, caller in events])
    for typed in (
        f"record --controller acme --by contract --reference K/17 {OTHER} --on 2026-11-20",
        f"caller erase {OTHER} --controller acme --yes",
        f"record --controller acme --by website --reference form-3 {OTHER} --on 2026-11-21T10:00",
        "evidence checkpoint",
        "evidence publish",
        "web invite anna --role admin --controller acme",
        "web invite carlo --role reader --controller acme --controller borealis",
        f"caller show {KNOWN} --controller acme",
    ):
        ran = there.run(typed)
        assert ran.code == 0, (typed, ran)
    (key,) = json.loads(there.run("evidence key --controller acme --json").output)["keys"]
    (root / "acme.vkey").write_text(key["key"])
    for file in root.rglob("*"):
        os.utime(file, (NOW.timestamp(),) * 2)
    return there


def copied(laid: Installation, root: Path) -> Installation:
    """The same somewhere else; of its recordings there is one copy only."""
    for found in laid.root.iterdir():
        if found.is_dir():
            shutil.copytree(found, root / found.name, copy_function=_copy)
        else:
            shutil.copy2(found, root)
    return Installation(root, laid.dice)


def _copy(source: str, target: str) -> str:
    if source.endswith(".wav"):
        os.link(source, target)
        return target
    return shutil.copy2(source, target)


def _sound(seed: int, seconds: float) -> audio.Samples:
    """Noise that is the same wherever it is made."""
    drawn = random.Random(seed)
    return np.array([drawn.randint(-4000, 4000) for _ in range(round(seconds * 8000))], dtype=np.int16)


def _of(event: Event, number: str, key: bytes) -> Event:
    if not number:
        return event
    caller = Identified(number)
    return replace(event, pseudonym=pseudonym(caller, key), binding=bind(caller, key))


def _calls() -> dict[str, list[tuple[Event, str]]]:
    """What was recorded of which caller, by company; '' for one who was not recognised."""
    day = timedelta(days=1)
    both = frozenset({"service", "crm"})
    heard = replace(PLAYED, version="2026-11", purposes=both, vouched=Vouched.NETWORK)
    old = replace(heard, version="2025", purposes=frozenset({"service"}), at=PLAYED.at - 400 * day)
    again = {"version": "2026-11", "purposes": heard.purposes}
    hung_up = Heard.in_seconds(Ending.HUNG_UP, 3.5, 9.5)
    acme = [
        (replace(old, at=PLAYED.at - 1900 * day, call="1600000000.1"), TOLD_OLD),
        (replace(old, call="1665000000.7"), TOLD_OLD),
        (heard, KNOWN),
        (replace(PARTIAL, **again, call="1700000000.2"), HUNG_UP),
        (replace(heard, status=Status.PARTIAL, heard=hung_up, call="1700000000.3"), HUNG_UP),
        (replace(NOTDUE, **again, basis=3, at=PLAYED.at + day, call="1700000000.4"), KNOWN),
        (replace(UNIDENTIFIED, **again, at=PLAYED.at + day, call="1700000000.5"), ""),
        (replace(heard, at=PLAYED.at + 2 * day, reason=Reason.NEW_PURPOSE, supplement=True, call="17.6",
                 purposes=frozenset({"crm"}), prompt="/p/it/new", wanted="en", vouched=Vouched.SIGNATURE),
         TOLD_OLD),
        (replace(heard, at=PLAYED.at + 3 * day, status=Status.SKIPPED, call="17.7",
                 heard=Heard.in_seconds(Ending.KEY, 1.25, 9.5, "9"), counts=False), OTHER),
        (replace(heard, at=PLAYED.at + 3 * day, status=Status.FAILED, call="17.8",
                 heard=Heard.in_seconds(Ending.NOT_PLAYABLE, 0, 9.5)), OTHER),
        (replace(UNIDENTIFIED, **again, at=PLAYED.at + 4 * day, recorded=PLAYED.at + 5 * day, call="17.9",
                 reason=Reason.SERVICE_UNAVAILABLE, prompt="/p/it/short-nokey"), ""),
        (replace(heard, at=NOW - timedelta(hours=1), line="+390287654321", call="17.10", language="en",
                 reason=Reason.PERIOD_OVER, recording="ab" * 32), KNOWN),
        (replace(NOTDUE, **again, at=NOW - timedelta(minutes=30), call="17.11", basis=12,
                 reason=Reason.SAME_CALL, linked="17.10"), KNOWN),
    ]  # fmt: skip
    german = {"line": "+493012345678", "language": "de", "version": "2026-11", "prompt": "/p/de/short"}
    borealis = [
        (replace(PLAYED, **german, reason=Reason.EVERY_CALL), KNOWN),
        (replace(UNIDENTIFIED, **german, at=PLAYED.at + day, call="1700000000.9"), ""),
    ]
    return {"acme": acme, "borealis": borealis}
