"""Callers by the hundred, who speak AGI as Asterisk does, and the ledger held against what they saw.

No Asterisk here: a call takes as long as its prompt, so that a service can be attacked in the middle of
thousands of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import math
import random
import shlex
import sqlite3
import time
import wave
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from informativa.call.caller import pseudonym
from informativa.evidence.commitment import KEPT
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Event, Identified, PriorDelivery, Record, known_by
from lab.office import Office

CONTROLLERS = {"+390212345678": "acme", "+493012345678": "borealis"}  # whose the lines are
HELD = 60.0  # seconds after which a call counts as hung; none here may last a quarter of that

_HUNG_UP = "511 Command Not Permitted on a dead channel or intercept routine"
_ids = itertools.count(1)


@dataclass
class Call:
    """One call: who rings which line, and what its client saw. Times are of `time.monotonic`."""

    caller: str
    line: str = "+390212345678"
    patience: float = math.inf  # seconds of the prompt that the caller listens to
    id: str = field(default_factory=lambda: f"1700000000.{next(_ids)}")
    began: float = math.inf  # it was about to connect
    played: str = ""  # the prompt that was begun last
    answered: float = math.inf  # the dialplan got its variables
    variables: dict[str, str] = field(default_factory=dict)  # these variables
    spooled: dict[str, str] = field(default_factory=dict)  # rows put into AstDB

    @property
    def status(self) -> str:
        """Return what the dialplan was told, '' if it was not."""
        return self.variables.get("INFORMATIVA_STATUS", "")

    @property
    def reason(self) -> str:
        """Return why."""
        return self.variables.get("INFORMATIVA_REASON", "")

    @property
    def record(self) -> int:
        """The number of the record that the dialplan was told of, 0 where there is none in the ledger."""
        record = self.variables.get("INFORMATIVA_RECORD", "")
        return int(record) if record.isdecimal() else 0

    async def place(self, office: Office) -> None:
        """Ring, and answer what the service asks until it closes. Raises OSError if nobody listens, and
        TimeoutError if the service holds the call."""
        async with asyncio.timeout(HELD):
            self.began = time.monotonic()
            reader, writer = await asyncio.open_connection("127.0.0.1", office.port)
            try:
                writer.write(self._environment(office.script))
                while (command := await reader.readline()).endswith(b"\n"):
                    words = shlex.split(command.decode())  # quotes and backslashes as in AGI
                    writer.write(await self._reply(words))
            except ConnectionError:
                pass  # the service was killed: what was seen is kept
            finally:
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()

    def _environment(self, script: str) -> bytes:
        variables = {
            "network": "yes",
            "network_script": script,
            "request": "agi://127.0.0.1/notice",
            "uniqueid": self.id,
            "callerid": self.caller,
            "callingpres": "0",
            "language": "it",
            "threadid": "1",
            "arg_1": self.line,
            "arg_2": f"linked={self.id}",
        }
        return "".join(f"agi_{name}: {value}\n" for name, value in variables.items()).encode() + b"\n"

    async def _reply(self, words: Sequence[str]) -> bytes:
        match words:
            case ["ANSWER"]:
                return b"200 result=0\n"
            case ["STREAM", "FILE", path, _, "0"]:
                return await self._listen(path)
            case ["CHANNEL", "STATUS"]:  # asked only where a prompt ended with -1: this one hung up
                return f"HANGUP\n{_HUNG_UP}\n".encode()
            case ["DATABASE", "PUT", "informativa", key, row]:
                self.spooled[key] = row
                return b"200 result=1\n"
            case ["EXEC", "MSet", pairs]:
                self.answered = time.monotonic()
                for pair in pairs.split(","):
                    name, _, value = pair.partition("=")
                    self.variables[name.removeprefix("__")] = value
                return b"200 result=0\n"
        raise AssertionError(f"the service sent what this Asterisk does not know: {words}")

    async def _listen(self, path: str) -> bytes:
        self.played = path
        samples = _samples(path)
        heard = min(self.patience, samples / 8000)
        await asyncio.sleep(heard)
        if heard < samples / 8000:
            return f"200 result=-1 endpos={heard * 8000:.0f}\n".encode()
        return f"200 result=0 endpos={samples}\n".encode()


@functools.cache
def _samples(path: str) -> int:
    with wave.open(f"{path}.wav") as file:
        return file.getnframes()


def callers(chance: random.Random, *, among: int = 100_000, patient: float = 0.8) -> Iterator[Call]:
    """Calls without end to both lines, from so many numbers: a few that ring often and many that ring once.
    The rest of the `patient` hang up."""
    while True:
        yield Call(
            caller=f"+393331{int(among ** chance.random()) - 1:06}",
            line=chance.choice(list(CONTROLLERS)),
            patience=math.inf if chance.random() < patient else 0.05,
        )


async def crowd(office: Office, calls: Iterable[Call], *, at_once: int) -> list[Call]:
    """Place calls, so many at a time, until there are no more or nobody listens; those that were begun."""
    waiting, begun = iter(calls), []

    async def one_after_another() -> None:
        for call in waiting:
            try:
                await call.place(office)
            except OSError as error:
                if isinstance(error, TimeoutError):
                    raise
                return  # nobody listens
            begun.append(call)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(one_after_another())
    return begun


async def stream(office: Office, calls: Iterable[Call], *, rate: float) -> list[Call]:
    """Place calls, so many a second however long each takes, until there are no more; all of them.

    Unlike a crowd's these do not wait for one another, so that one that is held up is seen as one.
    """
    placed: list[Call] = []
    start = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for call in calls:
            await asyncio.sleep(start + len(placed) / rate - time.monotonic())
            group.create_task(call.place(office))
            placed.append(call)
    return placed


# -- the ledger held against what was seen --


def complaints(office: Office, calls: Sequence[Call]) -> list[str]:
    """All that is wrong with the ledgers of `office`, given all calls that were ever placed there."""
    faults: list[str] = []
    for line, controller in CONTROLLERS.items():
        theirs = [call for call in calls if call.line == line]
        file = office.folder / "ledger" / f"{controller}.sqlite3"
        key = bytes.fromhex((office.folder / "keys" / f"{controller}.key").read_text())
        store = SqliteStore(str(file))
        records = {record.number: record for record in store.records() if record.event.kind not in KEPT}
        store.close()
        faults += [f"{controller}: {text}" for text in _compare(records, theirs, key)]
        faults += [f"{controller}: {text}" for text in integrity(file)]
    return faults


def _compare(records: dict[int, Record], calls: Sequence[Call], key: bytes) -> Iterator[str]:
    for call in calls:
        if call.record and call.record not in records:
            yield f"{call} was told of a record that is not there"
        elif call.record and (difference := _difference(records[call.record].event, call, key)):
            yield f"{call} was told otherwise than the record says: {difference}"
        if (
            call.status == "FALLBACK"
            and call.variables["INFORMATIVA_RECORD"].removeprefix("spool:") not in call.spooled
        ):
            yield f"{call} was told of a row that was not spooled"
        if call.status and not call.record and not call.spooled:
            yield f"{call} was told that it is on record, and is not"
    placed = {call.id for call in calls}
    for identity, times in Counter(record.event.call for record in records.values()).items():
        if times > 1:
            yield f"{identity} is on record {times} times"
        if identity not in placed:
            yield f"{identity} is on record and was never placed"
    yield from _history(records, calls)


def _difference(event: Event, call: Call, key: bytes) -> str:
    """Return where the record of a call is not what the dialplan was told. The record names also a prompt
    whose recording could not be looked at, for want of a descriptor, and which was not begun then."""
    is_whole = event.heard is None or event.heard.ending == "whole"
    unread = event.heard is not None and event.heard.ending == "recording-changed" and not call.played
    pairs = {
        "call": (event.call, call.id),
        "line": (event.line, call.line),
        "caller": (event.pseudonym, pseudonym(Identified(call.caller), key)),
        "status": (event.status, call.status),
        "reason": (event.reason if is_whole else event.heard.ending, call.reason),
        "prompt": ("" if unread else event.prompt, call.played),
    }
    return ", ".join(f"{name} {one!r}, not {two!r}" for name, (one, two) in pairs.items() if one != two)


def _history(records: dict[int, Record], calls: Sequence[Call]) -> Iterator[str]:
    """Against a model in which one call happens after another: each reads what its caller knows some time
    after it began, and those heard to the end write it some time before they are told.

    So a first contact never follows one that was over before it began, and a skip rests on a record.
    """
    first: defaultdict[str, list[Call]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: call.began):
        if (call.status, call.reason) == ("PLAYED", "not-informed"):
            for earlier in first[call.caller]:
                if earlier.answered < call.began:
                    yield f"{call} was a first contact after {earlier}"
            first[call.caller].append(call)
    for record in records.values():
        event = record.event
        if event.status == "NOTDUE":
            basis = records.get(event.basis or 0)
            if basis is None or basis.number >= record.number:
                yield f"record {record.number} is a skip that rests on no earlier record"
            elif not basis.event.informs or basis.event.pseudonym != event.pseudonym:
                yield f"record {record.number} is a skip that rests on what informed nobody, or someone else"


def integrity(file: Path) -> Iterator[str]:
    """Yield what is wrong with a ledger by itself: as SQLite sees it, and its standing against its events."""
    with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
        if (problems := connection.execute("PRAGMA integrity_check").fetchall()) != [("ok",)]:
            yield f"integrity: {problems}"
        if problems := connection.execute("PRAGMA foreign_key_check").fetchall():
            yield f"foreign keys: {problems}"
        sql = "SELECT pseudonym, notice, version, purposes, record FROM standing"
        derived = {row[:3]: (frozenset(row[3].split()), row[4]) for row in connection.execute(sql)}
    store = SqliteStore(str(file))
    rebuilt = _rebuilt(store.records())
    store.close()
    if derived != rebuilt:
        yield f"standing is not what the events say: {derived.items() ^ rebuilt.items()}"


def _rebuilt(records: Iterable[Record]) -> dict[tuple[bytes, str, str], tuple[frozenset[str], int]]:
    known: dict[tuple[bytes, str, str], PriorDelivery] = {}
    for number, event in ((record.number, record.event) for record in records):
        if event.pseudonym is not None and event.informs:
            place = (event.pseudonym, event.notice, event.version)
            one = known_by(event, number)
            known[place] = one.merge(known.get(place, one))
    return {place: (one.purposes, one.record) for place, one in known.items()}
