"""A call centre that answers the calls of borealis, and may take anything away: it has root and all keys but
those of the company's witness and approver. With the company's side, which looks on from its own machine."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest

from evidence.logs import key as logs_key
from evidence.logs import written
from evidence.monitored import Clock, monitor
from evidence.noted import entry
from evidence.witnessing import serving_logs
from examples import PLAYED
from informativa.config import Configuration, load
from informativa.evidence import witness_server
from informativa.evidence.approval import Approval, LeafIdentity, sign
from informativa.evidence.commitment import NOTE_TAG
from informativa.evidence.erased_leaves import ErasedLeaves, LeafPlace
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.note import Signer, Verifier
from informativa.evidence.note_values import NoteSource
from informativa.evidence.notes import NoteKind
from informativa.evidence.rules import configured_rule
from informativa.evidence.settings import EvidenceConfig
from informativa.evidence.witness_store import WitnessFolder
from informativa.ledgers import leaves, note_leaves, rows
from informativa.ledgers.access_log import LoggedAccess
from informativa.ledgers.sequencer import sequence
from informativa.ledgers.sqlite import SqliteStore
from informativa.ledgers.transaction import next_number
from informativa.model import Action, Controller, Event, RecordKind, Verdict
from informativa.model.errors import InformativaError
from informativa.operations.evidence import auditing
from informativa.operations.evidence.monitor import MonitorSettings
from informativa.operations.evidence.monitor_findings import Look
from informativa.process import log_storage, publication, storage
from lab.office import lay

APPROVER = Signer("borealis.example/approver", bytes([9]) * 32)
STRANGER = Signer("borealis.example/approver", bytes([8]) * 32)  # the same name, by another key
HE = b"h" * 32
FIRST, SECOND, RECENT = 7, 26, 19
"""The leaves of HIS two calls, and of another one, whose retention is not over."""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
END = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - 2 * DAY
START = END - 100 * DAY
NOW = SimpleNamespace(at=START)
"""The time at the call centre, at the witness and at the monitor."""


def call(number: int, caller: bytes | None = None, **more: object) -> Event:
    """A call now, of that caller or of another one each."""
    values: dict[str, object] = {"at": NOW.at, "recorded": NOW.at, "call": f"1.{number}", "linked": ""}
    values["pseudonym"] = caller or number.to_bytes(32, "big")
    return replace(PLAYED, line="+493012345678", language="de", **(values | more))  # type: ignore[arg-type]


@cache
def _loaded(file: Path, _text: str) -> Configuration:
    """The configuration in a file with this text: it is needed at each step."""
    return load(file)


@dataclass(frozen=True)
class Seen:
    """The view that everybody has afterwards: why nothing was signed ('' if it was), the verdict of the
    company's own audit and what it names, and the open findings of its monitor with their words."""

    refusal: str
    verdict: Verdict
    audit: str
    findings: frozenset[str]
    monitor: str


@dataclass
class CallCentre:
    """The call centre, below `top`, where the company has its own `home`: it must publish to a folder that it
    cannot change. `key` is that of the log, as the company has it on paper, `keys` those that its witness
    knows."""

    top: Path
    key: Verifier
    keys: list[Verifier]
    settings: EvidenceConfig
    calls: int = 100
    shown: Path | None = None

    @property
    def configuration(self) -> Path:
        return self.top / "etc/informativa.yaml"

    @property
    def loaded(self) -> Configuration:
        return _loaded(self.configuration, self.configuration.read_text())

    @property
    def company(self) -> Controller:
        return self.loaded.controllers["borealis"]

    @property
    def ledger(self) -> Path:
        return Path(self.company.ledger)

    @property
    def log(self) -> LogFolder:
        return LogFolder(self.ledger)

    def begin_another_log(self) -> None:
        """Have records go into a log of another epoch, in which nothing is yet."""
        with (
            closing(storage.store(self.company)) as store,
            store.connected() as connection,
            store.transaction() as transaction,
        ):
            leaves.begin_another(connection, store.log())
            transaction.forget_log()

    @property
    def outside(self) -> Path:
        """The log as it is published: the folder with the epochs."""
        return self.top / "outside/informativa/borealis/pbx-1"

    @property
    def origin(self) -> str:
        with closing(storage.store(self.company, read_only=True)) as store:
            return store.log().origin

    @property
    def size(self) -> int:
        with closing(storage.store(self.company, read_only=True)) as store:
            return store.log().size

    def configure(self, old: str, new: str) -> None:
        """Change the configuration."""
        text = self.configuration.read_text()
        assert old in text
        self.configuration.write_text(text.replace(old, new))

    # What it does as it should.

    def record(self, *events: Event) -> None:
        """Calls come in."""
        with closing(storage.store(self.company)) as store:
            for event in events:
                store.append([event])

    def minute(self) -> str:
        """The service's work of a minute: rule, totals, checkpoint, publication. Return the reasons why
        nothing was signed, or published."""
        NOW.at += MINUTE
        settings = self.loaded.evidence.for_controller("borealis")
        try:
            log_storage.keep_rule(self.company, NOW.at, NoteSource.SERVICE)
            log_storage.keep_totals(self.company, NOW.at)
            log_storage.keep_access_head(self.company, NOW.at)
            sequence(self.ledger, None, publication.sources(settings))
            published = publication.publish(self.company, settings, NOW.at)
        except InformativaError as error:
            return str(error)
        return " ".join(str(error) for one in published for error in one.errors)

    def day(self, *events: Event) -> None:
        """A day with calls, all of which is signed and published."""
        self.record(*events)
        assert self.minute() == ""

    def go_on(self) -> str:
        """Two more calls, and a minute later they are signed; unless somebody is against it."""
        self.calls += 2
        self.record(call(self.calls), call(self.calls + 1))
        return self.minute()

    # What it can do, too.

    def sql(self, *statements: str, file: Path | None = None) -> None:
        """Write what it wants into a file of SQLite."""
        with closing(sqlite3.connect(file or self.ledger)) as connection, connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'access%'"
            for (name,) in connection.execute(triggers).fetchall():
                connection.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                connection.execute(statement)

    def note(self, kind: str, /, **values: object) -> LeafIdentity:
        """Insert a note by hand, of any text, and return its leaf. What is not given is as it should be."""
        with closing(sqlite3.connect(self.ledger)) as connection, connection:
            log, number = leaves.log(connection), next_number(connection)
            header = {"v": 2, "kind": kind, "log": log.origin, "index": log.size, "by": "service"}
            header["at"] = f"{NOW.at:%Y-%m-%dT%H:%MZ}"
            members = {name: value for name, value in (header | values).items() if value is not None}
            text = entry(members).removeprefix(NOTE_TAG).decode()
            event = rows.note(RecordKind(kind), note_leaves.REASONS[NoteKind(kind)], NOW.at, text)
            connection.execute(*rows.append((number, *rows.row(event))))
            connection.execute(leaves.APPEND, (log.next, number, *[None] * 6))
            return LeafIdentity.of(log.origin, log.size, entry(members))

    def purge_note(self, below: int, ago: timedelta, **values: object) -> LeafIdentity:
        """Note a purge of the first leaves, up to a time so long ago."""
        cutoff = f"{NOW.at - ago:%Y-%m-%dT%H:%MZ}"
        return self.note(
            "purge", **({"of": self.origin, "below": below, "cutoff": cutoff, "rule": 0} | values)
        )

    def erasure_note(self, *indices: int, **values: object) -> LeafIdentity:
        """Note an erasure of leaves, with its list."""
        places = [LeafPlace(self.origin, index) for index in indices]
        erased = ErasedLeaves.of(bytes(16), places)
        self.log.put_private_list(1, self.size, erased.data)
        members = {"list": erased.digest, "most": erased.most, "instruction": "dpo-1"}
        return self.note("erasure", **(members | values))

    def approval(self, *leaf: LeafIdentity, signer: Signer = APPROVER) -> bytes:
        """The word of whoever has that key."""
        return sign(Approval.of(int(NOW.at.timestamp()), leaf), signer)

    def approve(self, *leaf: LeafIdentity, signer: Signer = APPROVER) -> None:
        """Note an approval."""
        self.note("approval", text=self.approval(*leaf, signer=signer).decode())

    def delete(self, *indices: int) -> None:
        """Delete records as a purge does, without a word."""
        listed = ", ".join(map(str, indices))
        of = f"(SELECT record FROM leaf WHERE leaf IN ({listed}))"  # our own numbers
        self.sql(
            f"DELETE FROM standing WHERE record IN {of}",
            f"DELETE FROM event WHERE record IN {of}",
            "UPDATE leaf SET salt_what = NULL, salt_who = NULL, binding = NULL, opening = NULL"
            f" WHERE leaf IN ({listed})",
        )

    def erase(self, *indices: int) -> None:
        """Take the caller from records as an erasure does, without a word."""
        listed = ", ".join(map(str, indices))
        of = f"(SELECT record FROM leaf WHERE leaf IN ({listed}))"  # our own numbers
        self.sql(
            f"DELETE FROM standing WHERE record IN {of}",
            "UPDATE event SET pseudonym = NULL, call = '', linked = '', reference = '', basis = NULL,"
            " key = NULL, erased = 1, at = at / 60000000 * 60000000,"
            f" recorded = recorded / 60000000 * 60000000 WHERE record IN {of}",
            f"UPDATE leaf SET salt_who = NULL, binding = NULL, opening = NULL WHERE leaf IN ({listed})",
        )

    def keep(self) -> Path:
        """Keep a copy of all that it has: ledger, log, and key."""
        copy = self.top / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.ledger.parent, copy)
        return copy

    def put_back(self) -> None:
        """Put that copy back."""
        shutil.rmtree(self.ledger.parent)
        shutil.copytree(self.top / "copy", self.ledger.parent)

    def leave_out(self, line: str) -> None:
        """Leave a line out of the configuration."""
        lines = self.configuration.read_text().splitlines(keepends=True)
        self.configuration.write_text("".join(text for text in lines if not text.startswith(line)))

    def show_an_old_state(self) -> None:
        """From now on show the monitor what is published now, and nothing later."""
        self.shown = Path(shutil.copytree(self.top / "outside", self.top / "shown"))

    def look_at_records(self, account: str) -> None:
        """Have somebody look at records."""
        entry = LoggedAccess(NOW.at, account, Action.ACCESS_LOG)
        storage.access_log(self.company).add(entry)

    def leaf(self, index: int) -> LeafIdentity:
        """Return a leaf that is a note."""
        with closing(storage.store(self.company, read_only=True)) as store:
            (content,) = store.entries(index, 1)
        return LeafIdentity.of(self.origin, index, content)

    # The company's side.

    def look(self) -> Look:
        """A look of the company's monitor."""
        settings = MonitorSettings(
            self.top / "home/policy",
            self.top / "home/state",
            (APPROVER.verifier,),
            self.top / "home/witness",
            str(self.shown or self.top / "outside"),
        )
        watcher = monitor(settings, Clock(int(NOW.at.timestamp())))
        look = watcher.look()
        assert not watcher.deliver(look.news)
        return look

    def audited(self, *more: Verifier) -> auditing.AuditedLedger:
        """The company's audit with what it has itself: the log's key, the approver's, and the log as it was
        published. `more` are keys that the call centre gave it since."""
        return auditing.audit(
            self.company,
            (self.key, *more),
            settings=self.settings,
            copy=self.outside,
            approvers=(APPROVER.verifier,),
            at=NOW.at,
        )

    def views(self, *more: Verifier) -> Seen:
        """Return what all see when calls have gone on for some minutes."""
        refusal = self.go_on()
        looks = [self.look()]
        NOW.at += 11 * MINUTE
        looks.append(self.look())
        open_findings = {
            f"{one.kind} {one.standing or ''}".strip(): one.message
            for look in looks
            for one in look.findings
            if one.open
        }
        problems = {str(problem) for look in looks for problem in look.problems}
        audit = self.audited(*more)
        return Seen(
            refusal,
            audit.verdict,
            "\n".join(_words(audit)),
            frozenset(open_findings),
            "\n".join([*map(str, open_findings.values()), *sorted(problems)]),
        )


def _words(audit: auditing.AuditedLedger) -> Iterator[str]:
    """Yield what an audit names."""
    for hole in audit.holes:
        yield f"{hole.cause} {hole.first}-{hole.last} {hole.standing or ''}: {hole.flaw!s}"
    for flaw in audit.flaws:
        yield f"{flaw.flaw} {flaw.leaf}"
    yield from (f"history {row.record}" for row in audit.history)
    yield from (f"counter {row.says} {row.records}" for row in audit.counters)
    yield from map(str, audit.problems)
    yield from (f"{one.name}: {one.problem!s}" for one in audit.elsewhere if one.problem)
    yield from (f"remark: {remark!s}" for remark in audit.remarks)


@contextmanager
def working(top: Path, clock: pytest.MonkeyPatch, at: datetime = END) -> Iterator[CallCentre]:
    """The call centre as it stands below `top`, at that time, with the company's witness at work."""
    NOW.at = at
    clock.setattr(witness_server, "time", SimpleNamespace(time=lambda: NOW.at.timestamp()))
    with serving_logs(top / "home/witness") as (port, keys):
        file = top / "etc/informativa.yaml"
        file.write_text(re.sub(r"127\.0\.0\.1:[0-9]+'", f"127.0.0.1:{port}'", file.read_text()))
        configuration = _loaded(file, file.read_text())
        policy = top / "home/policy"
        if policy.exists():
            log_key = Verifier.parse(policy.read_text().split()[1])
        else:
            company = configuration.controllers["borealis"]
            rule = configured_rule(company)
            assert rule is not None
            with closing(SqliteStore(company.ledger, log=company.log)) as store:
                store.keep_rule(rule, NOW.at, NoteSource.SERVICE)
            with closing(storage.store(company)) as store:
                store.append([call(0)])
            sequence(Path(company.ledger))
            log_key = logs_key(company)
            (witness,) = configuration.evidence.witnesses
            policy.write_text(f"log {log_key}\nwitness home {witness.key}\nquorum home\n")
        keys.append(log_key)
        yield CallCentre(top, log_key, keys, configuration.evidence.for_controller("borealis"))


def founded(top: Path, prompts: Path) -> None:
    """Found it: its configuration, and the company's witness."""
    lay(top / "etc", prompts)
    (top / "outside").mkdir()
    witness = WitnessFolder(top / "home/witness").make("home.example").verifier
    file = written(
        top / "etc",
        "domain: borealis.example",
        "box: pbx-1",
        f"publish: [{{folder: {top / 'outside'}, independent: true}}]",
        f"witness: [{{key: {witness}, url: 'http://127.0.0.1:1'}}]",
    )
    old = "    retention: 5 years\n    time_zone: Europe/Berlin"
    text = file.read_text()
    assert old in text
    new = f"    retention: 60 days\n    approver: {APPROVER.verifier}\n    time_zone: Europe/Berlin"
    file.write_text(text.replace(old, new))


def hundred_days(centre: CallCentre) -> None:
    """Let a hundred days pass, on which nothing is amiss. Leaf 0 is the rule; somebody looks at records."""
    for number in range(1, 11):
        NOW.at = START + 10 * number * DAY
        events = [call(number), call(number + 20)]
        if number in (2, 9):
            events.append(call(number + 40, HE))
        if number == 8:
            centre.look_at_records("anna")
            centre.look_at_records("bert")
        centre.day(*events)
    NOW.at = END
    assert centre.look().exit_code == 0
    assert centre.audited().verdict is Verdict.COMPLETE
