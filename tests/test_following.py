"""Watching: what `tail` and `status` show of ledgers, and that they hold nobody who writes them."""

from __future__ import annotations

import json
import os
import select
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shlex import quote

import pytest

import commands
from examples import NOTDUE, PARTIAL, PLAYED
from informativa.asterisk.test_call_entries import NoticeEntry, _index_of_ours
from informativa.config import load
from informativa.ledgers.following import Follower, summary
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Event, Reason, RecordKind
from lab.office import Office
from lab.ports import free_port

ENVIRONMENT = os.environ | {"COLUMNS": "80", "NO_COLOR": "1"}


def event(one: Event, **more: object) -> Event:
    """An event of the configured line, just now."""
    return replace(one, at=datetime.now(UTC), line="+390212345678", version="2026-11", **more)  # type: ignore[arg-type]


def transaction(folder: Path, *events: Event, controller: str = "acme") -> None:
    """Record events as the service would."""
    store = SqliteStore(str(folder / f"ledger/{controller}.sqlite3"))
    try:
        store.append(events)
    finally:
        store.close()


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a terminal's width of 80."""
    return commands.run(*arguments, COLUMNS="80", NO_COLOR="1")


@contextmanager
def following(folder: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """`informativa tail --json`; unbuffered, so that what came is what `select` tells of."""
    controllers = ("--controller=acme", "--controller=borealis", "-c", folder / "informativa.yaml")
    command = [commands.PROGRAM, "tail", "--json", *controllers, *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, env=ENVIRONMENT
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[bytes]) -> dict[str, object]:
    """The next line, within half a minute."""
    assert process.stdout
    ready, _, _ = select.select([process.stdout], [], [], 30)
    assert ready, "nothing came"
    shown: dict[str, object] = json.loads(process.stdout.readline())
    return shown


@pytest.mark.slow
def test_tail_follows_a_ledger_that_comes_and_is_replaced(folder: Path) -> None:
    """Calls are shown as they are recorded, from a ledger that did not exist, and from one in its place."""
    file = folder / "ledger/acme.sqlite3"
    with following(folder) as process:
        transaction(folder, event(PLAYED))
        assert (line(process)["number"], file.exists()) == (1, True)
        transaction(folder, event(NOTDUE, basis=1))
        assert line(process)["status"] == "NOTDUE"
        for ending in ("", "-wal", "-shm"):
            file.with_name(file.name + ending).unlink(missing_ok=True)
        transaction(folder, event(PARTIAL))
        assert (line(process)["number"], process.poll()) == (1, None)


def test_tail_begins_with_the_last_and_shows_one_line(folder: Path) -> None:
    """`-n` shows the last calls of the line that was asked for, and nothing that is no call."""
    delivery = event(PLAYED, call="", kind=RecordKind.WEBSITE)
    transaction(
        folder, event(PLAYED), event(NOTDUE, basis=1), delivery, replace(event(PARTIAL), line="+390299999999")
    )
    transaction(folder, event(PLAYED), controller="borealis")
    with following(folder, "-n", "1", "--line", "0212345678") as process:
        shown = [line(process), line(process)]
        assert [(row["controller"], row["status"]) for row in shown] == [
            ("acme", "NOTDUE"),
            ("borealis", "PLAYED"),
        ]


def test_tail_ends_with_its_reader(folder: Path) -> None:
    """In a pipe whose reader has seen enough it ends at once and says nothing, though no call comes."""
    transaction(folder, event(PLAYED))
    command = f"{commands.IN_SHELL} tail --controller acme -c {quote(str(folder))}/informativa.yaml | head -2"
    ran = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60, env=ENVIRONMENT)
    assert (ran.returncode, ran.stderr) == (0, "")
    header, row = ran.stdout.splitlines()
    assert row.split()[1:] == ["+390212345678", "acme", "PLAYED", "not-informed", "9.5s", "1"]
    assert len(header) <= 80
    assert len(row) <= 80


def test_tail_ends_on_ctrl_c(folder: Path) -> None:
    """Ctrl-C ends it with 130 and without a word."""
    transaction(folder, event(PLAYED))
    with following(folder) as process:
        line(process)
        process.send_signal(2)
        _out, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (130, b"")


def test_follower_takes_no_lock_that_a_writer_waits_for(folder: Path) -> None:
    """A writer that waits for nobody writes, while a follower has just read and while it reads; so does an
    erasure, which empties the log."""
    transaction(folder, event(PLAYED))
    file = folder / "ledger/acme.sqlite3"
    follower = Follower(str(file))
    assert [record.number for record in follower.new_records()] == [1]
    writer = sqlite3.connect(file, timeout=0, isolation_level=None)
    try:
        reading = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, isolation_level=None)
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM event").fetchone()
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE event SET language = 'de'")
        assert follower.new_records() == []
        writer.execute("COMMIT")
        reading.close()
        assert writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    finally:
        writer.close()
        follower.close()


def test_follower_waits_for_a_ledger_that_is_being_made(tmp_path: Path) -> None:
    """An empty file, and a database without our tables, are ledgers to come and not errors."""
    file = tmp_path / "ledger.sqlite3"
    follower = Follower(str(file))
    follower.start(5)
    file.touch()
    assert follower.new_records() == []
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE another (one)")
    assert follower.new_records() == []
    follower.close()


def test_summary_counts_as_the_records_say(folder: Path) -> None:
    """Calls are counted once though they have several notices, today is part of the whole, and what is old
    or was no call is left out."""
    now = datetime.now(UTC)
    old = now - timedelta(days=40)
    transaction(
        folder,
        replace(event(PLAYED), at=old),
        replace(event(PLAYED, call="1.1"), at=now - timedelta(days=3)),
        event(PLAYED, call="2.1"),
        event(NOTDUE, call="2.1", basis=1),
        event(PLAYED, call="", kind=RecordKind.CONTRACT, reason=Reason.TOLD_ELSEWHERE),
    )
    with closing(SqliteStore(str(folder / "ledger/acme.sqlite3"), read_only=True)) as store:
        totals = summary(store, now - timedelta(days=30), now - timedelta(hours=1))
    assert totals.calls == (2, 1)
    assert {(count.status, count.in_period, count.today) for count in totals.counts} == {
        ("PLAYED", 2, 1),
        ("NOTDUE", 1, 1),
    }
    assert (totals.known_callers, totals.last and totals.last.number) == (1, 5)


def test_status_of_what_is_stopped(folder: Path) -> None:
    """Without service and ledgers the screen says both and the exit code is 1; it fits into 80 columns."""
    file = folder / "informativa.yaml"
    file.write_text(file.read_text().replace("127.0.0.1:4588", f"127.0.0.1:{free_port()}", 1))
    transaction(folder, event(PLAYED), event(NOTDUE, basis=1))
    ran = run("status", "--screen", "-c", file)
    assert (ran.returncode, ran.stderr) == (1, "")
    assert "DOES NOT ANSWER" in ran.stdout
    assert "CANNOT BE USED" in ran.stdout
    seconds = load(file).spelled["+390212345678"].seconds("privacy", "2026-11", "it")
    assert f"1 call: PLAYED 1, NOTDUE 1; {seconds:.0f} s spared" in ran.stdout
    shown = ran.stdout.split("warning:")[0].splitlines()
    assert [line for line in shown if len(line) > 80] == []
    assert "\x1b" not in ran.stdout
    assert ran.stdout.split("\nwarning")[0].isascii()


def test_status_of_what_runs(folder: Path) -> None:
    """With both it is 0, /metrics says how many calls are in progress, and a broken ledger makes it 1."""
    shutil.rmtree(folder)
    office, port = Office(folder), free_port()
    office.edit("  # metrics: 127.0.0.1:9464", f"  metrics: 127.0.0.1:{port}")
    office.start()
    try:
        ran = run("status", "--json", "-c", office.config)
        facts = json.loads(ran.stdout)
        assert ran.returncode == 0, facts
        assert facts["service"]["answers"]
        assert facts["service"]["calls_in_progress"] == 0
        assert [controller["usable"] for controller in facts["controllers"]] == [True, True]
        assert facts["warnings"] == []
        shown = run("status", "--screen", "-c", office.config)
        assert (shown.returncode, "0 calls in progress" in " ".join(shown.stdout.split())) == (0, True)
        (folder / "ledger/acme.sqlite3").write_bytes(b"no database" * 1000)
        assert run("status", "--screen", "-c", office.config).returncode == 1
    finally:
        office.stop()


@pytest.mark.parametrize(
    ("steps", "index", "risky"),
    [
        (["Gosub(informativa,s,1(${EXTEN}))", "Queue(x)"], 0, ""),
        (["Answer()", "GosubIf(1?informativa,s,1(${EXTEN}))", "Dial(SIP/1)"], 1, ""),
        (["Dial(PJSIP/1)", "Gosub(informativa,s,1(${EXTEN}))"], 1, "Dial(PJSIP/1)"),
        (["GotoIf(1?closed)", "Gosub(informativa,s,1(x))"], 1, "GotoIf(1?closed)"),
        (["Gosub(informativa-lines,s,1)", "NoOp(informativa,s,1)"], None, ""),
    ],
)
def test_way_to_the_notice_is_judged(steps: list[str], index: int | None, risky: str) -> None:
    """The step that calls informativa is found, and steps before it that may ring somebody or lead
    elsewhere."""
    assert _index_of_ours(steps) == index
    if index is not None:
        assert NoticeEntry("c", "e", tuple(steps), index).risky == risky


def test_call_needs_an_account_a_line_and_a_number(folder: Path) -> None:
    """A message says what is missing for a test call, and what to type next; nobody is called."""
    file = folder / "informativa.yaml"
    assert "Add `manager:`" in run("test-call", "+390212345678", "-c", file).stderr
    (folder / "keys/manager.secret").touch(0o600)
    manager = f"manager:\n  address: 127.0.0.1:{free_port()}\n  user: x\n  secret: keys/manager.secret\n"
    file.write_text(file.read_text().replace("operator: Acme", manager + "operator: Acme", 1))
    refused = {
        ("0299999999",): "There are: +390212345678",
        ("+390212345678", "--from", "1\r\nAction: Logoff"): "no number",
        ("+390212345678", "--context", "a\nb"): "cannot be the name",
        ("+390212345678", "--from", "+393331234567"): "Leave --from out",
        ("+390212345678",): "does not answer",
    }
    for arguments, message in refused.items():
        ran = run("test-call", *arguments, "-c", file)
        assert (ran.returncode, ran.stdout) == (1, "")
        assert message in ran.stderr
