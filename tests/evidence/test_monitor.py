"""The monitor: what it finds in logs that are honest, forked, cut off, stale or silent, and whom it tells."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

from commands import PROGRAM, run
from evidence.monitored import (
    APPROVER,
    ERASURE,
    NEXT,
    NOW,
    ORIGIN,
    RULE,
    SIGNER,
    WITNESS,
    Clock,
    ServedLog,
    minute,
    monitor,
    now,
    policy,
    record,
)
from evidence.serving import Asked, Reply, Server, answering, nowhere
from evidence.witnessing import MemoryLog, serving
from informativa.evidence import purging
from informativa.evidence.approval import Approval, sign
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.log_copy import LogCopy
from informativa.evidence.log_folder import PublishedLog
from informativa.evidence.monitor_state import MonitorFolder
from informativa.evidence.note import Signer
from informativa.evidence.notes import (
    ApprovalNote,
    LogNote,
    NewLogNote,
    NextNote,
    PurgeNote,
)
from informativa.evidence.tiles import ENTRIES, Tile, bundle, parse_bundle
from informativa.operations.evidence.monitor import Monitor, MonitorSettings
from informativa.operations.evidence.monitor_findings import FindingKind, Look
from informativa.views.messages import ENGLISH
from informativa.views.text.monitor import lines
from lab.chance import by_day


@pytest.fixture
def log(tmp_path: Path) -> ServedLog:
    """A published log of 300 records, a rule, and 40 more."""
    served = ServedLog(tmp_path / "web")
    served.top.mkdir()
    served.records(300)
    served.note(RULE)
    served.records(40)
    served.publish()
    return served


def settings(log: ServedLog, **changes: object) -> MonitorSettings:
    """The settings of a monitor of a log."""
    top = log.top.parent
    basic = MonitorSettings(policy(top / "policy", log), top / "state", published=str(log.top))
    return replace(basic, **changes)  # type: ignore[arg-type]


def look(watcher: Monitor) -> Look:
    """One look, told."""
    result = watcher.look()
    assert not watcher.deliver(result.news)
    return result


def kinds(result: Look) -> list[str]:
    """The kinds of what is open."""
    return [finding.kind for finding in result.findings if finding.open]


def messages(result: Look) -> str:
    """All that a look says."""
    return "\n".join([*lines(result, ENGLISH), *map(str, result.problems)])


# what is so


def test_an_honest_log(log: ServedLog) -> None:
    """All is read and verified, and only new leaves the next time; the copy can be read as a log."""
    watcher = monitor(settings(log))
    first = look(watcher)
    assert (first.exit_code, [finding.index for finding in first.news]) == (0, [300])
    assert first.logs[0].size == 341
    log.records(1000)
    log.publish()
    second = look(watcher)
    assert (second.exit_code, second.news, second.logs[0].size) == (0, (), 1341)
    copy = PublishedLog(log.top.parent / "state" / ORIGIN)
    assert [copy.entry(index, 1341) for index in (0, 255, 256, 340, 1340)] == [
        log.entries[index] for index in (0, 255, 256, 340, 1340)
    ]
    assert copy.sizes() == [341, 1341]
    assert look(monitor(settings(log))).news == ()


def test_roots_of_a_copy_in_any_order(log: ServedLog) -> None:
    """A larger tree goes on from the one that was asked for before, and a smaller one does not."""
    log.records(1000)
    log.publish()
    look(monitor(settings(log)))
    copy = LogCopy(log.top.parent / "state" / ORIGIN)
    for size in (512, 600, 1341, 300, 0, 1000, 256, 1341):
        assert copy.root(size) == log.checkpoint(size).root
    data = (copy.folder / Tile(ENTRIES, 0).path).read_bytes()
    copy.add(4, [(data, parse_bundle(data, 256))])  # in place of another bundle
    assert copy.root(1280) != log.checkpoint(1280).root


def test_a_log_of_records_alone(tmp_path: Path) -> None:
    """A log without notes is followed all the same."""
    log = ServedLog(tmp_path / "web")
    log.top.mkdir()
    for size in (1, 255, 256, 257, 600):
        log.records(size - log.size)
        log.publish()
        assert look(monitor(settings(log))).exit_code == 0


def test_a_waiting_note_and_its_approval(log: ServedLog) -> None:
    """It is told when it comes and when it is approved, and open as long as it waits."""
    note = log.note(ERASURE)
    log.publish()
    watcher = monitor(settings(log, approvers=(APPROVER.verifier,)))
    first = look(watcher)
    assert (first.exit_code, [finding.standing for finding in first.news]) == (3, ["holds", "waits"])
    second = look(watcher)
    assert (second.exit_code, second.news) == (3, ())
    log.note(ApprovalNote(sign(Approval.of(NOW, [note.leaf]), APPROVER)))
    log.publish()
    third = look(watcher)
    assert (third.exit_code, [finding.standing for finding in third.news]) == (0, ["approved", "holds"])
    assert third.news[0].approved_by == ("acme.example/approver",)
    assert third.news[0].instruction == "dpo-1"


def test_two_checkpoints_of_one_size(log: ServedLog) -> None:
    """Another tree of the same size is a fork, which is kept, and stays one after it is hidden again."""
    watcher = monitor(settings(log))
    look(watcher)
    honest = (log.folder / "checkpoint").read_bytes()
    log.entries[7] = record(9999)
    (log.folder / "checkpoint").write_bytes(log.signed())
    forked = look(watcher)
    assert (forked.exit_code, kinds(forked)) == (1, ["fork"])
    (log.folder / "checkpoint").write_bytes(honest)
    hidden = look(monitor(settings(log)))
    assert (hidden.exit_code, hidden.news) == (1, ())
    assert len(list((log.top.parent / "state" / ORIGIN / "forks").iterdir())) == 1


def test_a_smaller_checkpoint_of_the_same_tree_is_a_stale_view(log: ServedLog) -> None:
    """It is no fork, and behind only after ten minutes; of another tree it is a fork at once."""
    clock = Clock()
    watcher = monitor(settings(log), clock)
    look(watcher)
    (log.folder / "checkpoint").write_bytes(log.signed(size=290))
    assert look(watcher).exit_code == 0
    clock.now += 600
    stale = look(watcher)
    assert (stale.exit_code, kinds(stale)) == (3, ["behind"])
    assert "290 leaves are published, and 341 were signed" in messages(stale)
    log.entries[3] = record(5)
    (log.folder / "checkpoint").write_bytes(log.signed(size=290))
    assert look(watcher).exit_code == 1


def test_a_log_that_goes_on_from_another_tree(log: ServedLog) -> None:
    """A longer checkpoint whose tree does not begin with the one that was seen is a fork."""
    look(monitor(settings(log)))
    shutil.rmtree(log.folder)
    log.entries[340] = record(9999)
    log.records(5)
    log.publish()
    forked = look(monitor(settings(log)))
    assert (forked.exit_code, kinds(forked)) == (1, ["fork"])
    assert "one tree that begins with the 341 leaves from before" in messages(forked)


def test_a_fork_in_the_bundle_that_was_read_in_part(log: ServedLog) -> None:
    """The bundle is read anew when it has grown, and its first part is held against the copy."""
    look(monitor(settings(log)))
    shutil.rmtree(log.folder)
    log.entries[299] = record(9999)
    log.records(900)
    log.publish()
    for _ in range(2):
        assert look(monitor(settings(log))).exit_code == 1


@pytest.mark.parametrize(
    ("at", "code", "sentence"),
    [(NOW - 7200, 0, ""), (NOW - 7201, 3, "No witness has confirmed it since"), (None, 3, "Not enough")],
)
def test_a_silent_witness(log: ServedLog, at: int | None, code: int, sentence: str) -> None:
    """A log whose newest cosignature is over two hours old stands still."""
    log.records(1)
    log.publish(at)
    result = look(monitor(settings(log)))
    assert (result.exit_code, kinds(result)) == (code, ["still"] if code else [])
    assert sentence in messages(result)


def test_the_same_checkpoint_confirmed_anew(log: ServedLog) -> None:
    """Boxes have the unchanged checkpoint signed hourly: then the log does not stand still, and the copy
    keeps the first signature, too."""
    clock = Clock()
    watcher = monitor(settings(log), clock)
    look(watcher)
    clock.now += 7201
    assert kinds(look(watcher)) == ["still"]
    log.publish(clock.now - 30)
    assert look(watcher).exit_code == 0
    copy = log.top.parent / "state" / ORIGIN
    assert (copy / "checkpoint").read_bytes() == log.signed(clock.now - 30)
    assert (copy / "checkpoints/341").read_bytes() == log.signed(NOW)


def test_the_first_signature_of_purged_leaves_is_read_once(tmp_path: Path) -> None:
    """Of years of purges none is verified anew in each look, also where the witness signed at the very second
    that the note names."""
    cutoff = purging.before(RULE, minute(NOW))
    assert cutoff
    log = ServedLog(tmp_path / "web")
    log.top.mkdir()
    log.records(3)
    log.publish(int(cutoff.timestamp()))
    rule = log.note(RULE, NOW - 300 * 86_400)
    log.note(PurgeNote(ORIGIN, 3, cutoff, rule.index))
    log.publish()
    watcher = monitor(settings(log))
    assert [finding.standing for finding in look(watcher).findings] == ["holds", "holds"]
    for folder in (log.folder, tmp_path / "state" / ORIGIN):
        (folder / "checkpoints/3").unlink()
    assert [finding.standing for finding in look(watcher).findings] == ["holds", "holds"]
    assert [finding.standing for finding in look(monitor(settings(log))).findings] == ["holds", "flawed"]


def test_still_is_told_again_after_it_was_over(log: ServedLog) -> None:
    """What ends and comes again is new."""
    clock = Clock()
    watcher = monitor(settings(log), clock)
    look(watcher)
    for _ in range(2):
        clock.now += 7201
        assert [finding.kind for finding in look(watcher).news] == [FindingKind.STILL]
        assert look(watcher).news == ()
        log.publish(clock.now)
        assert look(watcher).news == ()


def test_an_old_log_that_ended_neither_waits_nor_stands_still(log: ServedLog) -> None:
    """The monitor follows `next` without being told, and remembers the end: a later checkpoint is a fork."""
    log.note(NextNote(NEXT.verifier))
    log.publish()
    new = ServedLog(log.top, NEXT)
    new.note(NewLogNote((log.checkpoint(),)))
    new.note(RULE)
    new.records(3)
    new.publish()
    clock = Clock()
    outcome = look(monitor(settings(log), clock))
    assert (outcome.exit_code, [result.log for result in outcome.logs]) == (0, [ORIGIN, NEXT.name])
    clock.now += 8000
    new.publish(clock.now)
    assert look(monitor(settings(log), clock)).exit_code == 0
    log.records(1)
    log.publish(clock.now)
    ended = look(monitor(settings(log), clock))
    assert (ended.exit_code, kinds(ended)) == (1, ["fork"])


def test_a_log_whose_end_was_lost_stands_still_until_that_is_approved(log: ServedLog) -> None:
    """As after a deleted folder: the new log names leaves that nobody published, which only the controller's
    word ends; then the old log needs no more signatures."""
    new, published = ServedLog(log.top, NEXT), log.checkpoint().size
    log.records(2)
    note = new.note(NewLogNote((log.checkpoint(),), "unstated"))
    new.note(RULE)
    new.publish()
    clock, watcher = Clock(), settings(log, approvers=(APPROVER.verifier,))
    policy(watcher.policy, log, new)
    first = look(monitor(watcher, clock))
    assert (first.exit_code, kinds(first)) == (3, ["note"])
    assert "Instruction not stated." in messages(first)
    clock.now += 8000
    new.publish(clock.now)
    assert kinds(look(monitor(watcher, clock))) == ["still", "note"]
    new.note(ApprovalNote(sign(Approval.of(NOW, [note.leaf]), APPROVER)), clock.now)
    new.publish(clock.now)
    approved = look(monitor(watcher, clock))
    assert (approved.exit_code, [view.size for view in approved.logs if view.ended]) == (0, [published])


def test_leaves_after_the_end(log: ServedLog) -> None:
    """Leaves after `next` are a fork, also where both are read in one look."""
    log.note(NextNote(NEXT.verifier))
    log.records(1)
    log.publish()
    result = look(monitor(settings(log)))
    assert (result.exit_code, kinds(result)) == (1, ["fork", "note"])


def test_few_leaves(log: ServedLog) -> None:
    """A weekday that grew under a third is told once, as a hint that leaves the exit code alone."""
    clock = Clock(NOW // 86_400 * 86_400 + 3600)
    chosen = settings(log)
    look(monitor(chosen, clock))
    folder = MonitorFolder(chosen.state)
    state = folder.load()
    weekdays = {f"2026-{day}": 60 for day in ("09-24", "10-01", "10-08", "10-15", "10-22", "10-29")}
    state.growth["acme.example/informativa/acme/pbx-1"] |= weekdays | {"2026-11-05": 60, "2026-11-12": 60}
    folder.save(state)
    watcher, news = monitor(chosen, clock), list[str]()
    log.records(10)
    for _hour in range(36):
        clock.now += 7200
        log.publish(clock.now)
        result = look(watcher)
        assert result.exit_code == 0
        news += [str(finding.message) for finding in result.news]
        if clock.now // 86_400 == NOW // 86_400 + 1 and len(log.entries) == 351:
            log.records(10)
    assert news == ["2026-11-19 has 10 new leaves, and the same weekday usually has 60."]


# the own witness


def witnessed(port: int, log: MemoryLog, old: int, size: int) -> None:
    """Have a witness sign the checkpoint of the first leaves, after that of `old` ones."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/add-checkpoint", log.request(old, size).body, method="POST"
    )
    assert urllib.request.urlopen(request, timeout=30).status == 200


def test_the_own_witness_signed_more(tmp_path: Path) -> None:
    """What it signed ten minutes ago must be published; its folder is only read."""
    log = ServedLog(tmp_path / "web")
    log.top.mkdir()
    log.entries = [b"%d" % index for index in range(50)]
    memory = MemoryLog(*log.entries)
    log.entries = log.entries[:30]
    log.publish(now())
    with serving(tmp_path / "w") as port:
        for old, size in ((0, 30), (30, 50)):
            witnessed(port, memory, old, size)
    clock = Clock(now())
    watcher = monitor(settings(log, witness=tmp_path / "w"), clock)
    assert "behind" not in kinds(look(watcher))
    before = (tmp_path / "w/witness.sqlite3").read_bytes()
    clock.now += 660
    log.publish(clock.now)
    stale = look(watcher)
    assert "behind" in kinds(stale)
    assert "30 leaves are published, and 50 were signed" in messages(stale)
    assert (tmp_path / "w/witness.sqlite3").read_bytes() == before


def test_the_own_witness_signed_another_tree(tmp_path: Path) -> None:
    """Then the log showed one tree to the witness and another one to the monitor: a fork."""
    log = ServedLog(tmp_path / "web")
    log.top.mkdir()
    log.entries = [b"%d" % index for index in range(50)]
    memory = MemoryLog.of(40, fork=20)
    log.publish(now())
    with serving(tmp_path / "w") as port:
        witnessed(port, memory, 0, 40)
    result = look(monitor(settings(log, witness=tmp_path / "w"), Clock(now())))
    assert result.exit_code == 1


def test_the_own_witness_is_always_a_little_ahead(tmp_path: Path) -> None:
    """A log that shows it another tree cannot hide that by showing it one more leaf each time."""
    log = ServedLog(tmp_path / "web")
    log.top.mkdir()
    forked, clock = MemoryLog.of(40, fork=20), Clock(now())
    chosen = settings(log, witness=tmp_path / "w")
    codes = []
    with serving(tmp_path / "w") as port:
        for old, size in ((0, 30), (30, 32), (32, 34)):
            log.entries = [b"%d" % index for index in range(size - 1)]
            log.publish(clock.now)
            witnessed(port, forked, old, size)
            codes.append(look(monitor(chosen, clock)))
            clock.now += 60
    assert ["fork" in kinds(result) for result in codes] == [False, True, True]


def test_a_witness_that_cannot_be_read_is_a_problem(log: ServedLog) -> None:
    """The log is followed all the same."""
    result = look(monitor(settings(log, witness=log.top / "none")))
    assert result.exit_code == 2
    assert "cannot be used" in messages(result)


# whoever serves it is an attacker


@trials(max_examples=by_day(8, at_night=25))
@given(st.data())
def test_an_honest_log_is_never_accused_and_another_always(data: st.DataObject) -> None:
    """However it grows between looks: only a bundle that is missing, cut off, changed or swapped is."""
    with tempfile.TemporaryDirectory() as folder:
        log = ServedLog(Path(folder) / "web")
        log.top.mkdir()
        watcher = monitor(settings(log))
        for count in data.draw(st.lists(st.integers(0, 600), min_size=1, max_size=4)):
            log.records(count + (not log.size))
            log.publish()
            assert look(watcher).exit_code == 0
            if data.draw(st.booleans()):
                watcher = monitor(settings(log))
        old = log.size
        log.records(data.draw(st.integers(1, 600)))
        log.publish()
        first, last = old // 256, (log.size - 1) // 256
        number = data.draw(st.integers(first, last))
        width = min(256, log.size - number * 256)
        file = log.folder / Tile(ENTRIES, number, width).path
        entries = list(parse_bundle(file.read_bytes(), width))
        position = data.draw(st.integers(0, width - 1))
        match data.draw(st.sampled_from(["dropped", "cut off", "changed", "swapped", "one more"])):
            case "dropped":
                file.unlink()
            case "cut off":
                file.write_bytes(file.read_bytes()[: data.draw(st.integers(0, width * 88 - 1))])
            case "changed":
                entries[position] = record(0, content=b"other")
                file.write_bytes(bundle(entries))
            case "swapped":
                other = (position + 1) % width
                entries[position], entries[other] = entries[other], entries[position]
                if width == 1:
                    entries[0] = record(1)
                file.write_bytes(bundle(entries))
            case "one more":
                file.write_bytes(bundle([*entries, record(1)]))
        assert look(watcher).exit_code in (1, 2)
        assert look(monitor(settings(log))).exit_code in (1, 2)
        shutil.rmtree(log.folder)
        log.publish()
        assert look(watcher).exit_code == 0  # an honest one again: nothing stays of it


@pytest.fixture
def web(log: ServedLog) -> Iterator[tuple[Server, dict[str, Reply]]]:
    """The log served by HTTP, and answers that take the place of its files."""
    replies: dict[str, Reply] = {}

    def reply(request: Asked) -> Reply:
        path = request.path.removeprefix("/informativa/acme/pbx-1/1/")
        file = log.top / request.path.lstrip("/")
        if path in replies:
            return replies[path]
        return (200, "", file.read_bytes()) if file.is_file() else (404, "", b"")

    with answering(reply) as server:
        yield server, replies


def test_a_log_over_http(log: ServedLog, web: tuple[Server, dict[str, Reply]]) -> None:
    """Below the place that is given, or at the log's own address in the policy."""
    server, _replies = web
    log.records(5000)
    log.publish()
    assert look(monitor(settings(log, published=server.url))).exit_code == 0
    shutil.rmtree(log.top.parent / "state")
    named = settings(log, published="")
    policy(named.policy, log, url=f"{server.url}/informativa/acme/pbx-1/1/")
    result = look(monitor(named))
    assert (result.exit_code, result.logs[0].size) == (0, 5341)


@pytest.mark.parametrize(
    ("path", "reply", "sentence"),
    [
        ("checkpoint", (302, "", b""), "answered with status 302"),
        ("checkpoint", (404, "", b""), "has no checkpoint"),
        ("checkpoint", (200, "", b"x" * 200_000), "does not answer: ValueError"),
        ("checkpoint", (200, "", b"\x1b[31mred\n"), "control character"),
        ("checkpoint", (200, "", b"\xff\xfe"), "UTF-8"),
        ("checkpoint", (200, "", b""), "no signed note"),
        ("tile/entries/000", (404, "", b""), "publishes no entries, so it cannot be monitored"),
        ("tile/entries/000", (200, "", b""), "A bundle of 256 entries is cut off"),
        ("tile/entries/000", (200, "", b"\x00\x01" * 300), "A bundle of 256 entries is cut off"),
        ("tile/entries/000", (200, "", bytes(5_000_000)), "does not answer: ValueError"),
        ("tile/entries/001.p/85", (404, "", b""), "is not there, which it should be"),
        ("tile/entries/001.p/85", (503, "", b""), "answered with status 503"),
    ],
)
def test_what_a_server_may_do(
    log: ServedLog, web: tuple[Server, dict[str, Reply]], path: str, reply: Reply, sentence: str
) -> None:
    """Redirects, other sizes and other contents are one sentence, and nothing counts as read."""
    server, replies = web
    replies[path] = reply
    watcher = monitor(settings(log, published=server.url))
    result = look(watcher)
    assert sentence in messages(result)
    assert (result.exit_code, result.logs[0].size) == (2, 0)
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", messages(result))
    del replies[path]
    assert look(watcher).exit_code == 0


def test_nobody_answers(log: ServedLog) -> None:
    """A server that is away is a problem; after two hours the log stands still."""
    clock = Clock()
    away = settings(log, published=nowhere())
    assert look(monitor(away, clock)).exit_code == 2
    clock.now += 7201
    result = look(monitor(away, clock))
    assert (result.exit_code, kinds(result)) == (3, ["still"])
    assert "No checkpoint of it was ever read" in messages(result)


def test_entries_of_all_kinds(log: ServedLog) -> None:
    """Unknown kinds, notes that are none and the largest are findings, each on its leaf."""
    large = b"informativa/note/v2\n" + b"x" * (16_384 - 20)
    log.entries += [b"", large, b"informativa/note/v3\n{}", b"\x1b]0;title\x07"]
    log.publish()
    result = look(monitor(settings(log)))
    assert result.exit_code == 3
    assert [finding.index for finding in result.findings if finding.open] == [341, 342, 343, 344]
    assert "\x1b" not in messages(result)


def test_another_key_for_a_copy(log: ServedLog) -> None:
    """A policy with another key of the same origin is a problem, and no traceback."""
    look(monitor(settings(log)))
    log.signer = Signer(ORIGIN, bytes([77]) * 32)
    result = look(monitor(settings(log)))
    assert (result.exit_code, result.logs) == (2, ())


def test_a_copy_that_was_changed(log: ServedLog) -> None:
    """The copy is held against its own checkpoint."""
    look(monitor(settings(log)))
    file = log.top.parent / "state" / ORIGIN / "bundles"
    file.write_bytes(bytes(33))
    changed = messages(look(monitor(settings(log))))
    assert "is not what was written there" in changed
    remedy = re.search(r"mv (\S+) (\S+)", changed)
    assert remedy
    subprocess.run(remedy[0].split(), timeout=30, check=True)
    assert look(monitor(settings(log))).exit_code == 0


def test_a_part_of_a_file_in_a_copy(log: ServedLog) -> None:
    """A file that was half written when the machine stopped is no bundle."""
    look(monitor(settings(log)))
    bundles = log.top.parent / "state" / ORIGIN / "tile/entries/001.p"
    (bundles / ".90.part").write_bytes(b"")
    (log.folder / "checkpoint").write_bytes(log.signed(size=290))
    assert look(monitor(settings(log))).exit_code == 0


def test_a_signature_that_counts_as_wrong_later(log: ServedLog) -> None:
    """A line in the name of a witness that the policy gets later neither ends the look nor hides the log."""
    before = settings(log)
    policy(before.policy, log, witnesses=())
    honest = (log.folder / "checkpoint").read_bytes()
    wrong = WITNESS.cosign(log.checkpoint(290).text, NOW).line.encode()
    (log.folder / "checkpoint").write_bytes(log.signed(None) + wrong)
    watcher = monitor(before)
    for _ in range(2):
        result = look(watcher)
        assert (result.logs[0].size, kinds(result)) == (341, ["still"])
        assert "The policy asks for no witness, so nobody but who keeps the log" in messages(result)
    policy(before.policy, log)
    for later in (watcher, monitor(before)):
        result = look(later)
        assert (result.exit_code, kinds(result), result.logs[0].size) == (3, ["still"], 341)
        assert "Not enough witnesses" in messages(result)
    (log.folder / "checkpoint").write_bytes(honest)
    assert look(watcher).exit_code == 0
    assert look(monitor(before)).exit_code == 0


def test_a_note_is_read_once_after_an_error(log: ServedLog) -> None:
    """Where a copy's bundle is away for a while the notes before it do not count twice."""
    log.records(100)
    log.note(ERASURE)
    log.records(300)
    watcher = monitor(settings(log))
    file = log.top.parent / "state" / ORIGIN / "tile/entries/002.p/230"
    for _ in range(2):
        look(watcher)
    log.publish()
    look(monitor(settings(log)))
    file.rename(log.top / "away")
    assert look(watcher).exit_code == 2
    (log.top / "away").rename(file)
    assert [finding.index for finding in look(watcher).findings if finding.kind == "note"] == [300, 441]


def test_logs_without_an_end(tmp_path: Path) -> None:
    """Whoever goes on in ever another log is followed so far, and whoever names them backwards, too."""
    first = log = ServedLog(tmp_path / "web")
    log.top.mkdir()
    for epoch in range(2, 160):
        signer = Signer(f"acme.example/informativa/acme/pbx-1/{epoch}", epoch.to_bytes(32, "big"))
        if not log.size:
            log.note(NewLogNote((Checkpoint(signer.name, 2, bytes(32)),)))
        log.note(NextNote(signer.verifier))
        log.publish()
        log = ServedLog(log.top, signer)
    result = look(monitor(settings(first)))
    assert len(result.logs) == 101
    assert "is followed by yet another log, after 100 of them" in messages(result)


# who is told


def script(folder: Path, text: str) -> tuple[str, ...]:
    """A command in a file of its own; the system starts no interpreter whose path has a blank."""
    file, program = folder / "command", folder / "command.py"
    program.write_text(f"import os, signal, sys\nfolder = {str(folder)!r}\n{text}\n")
    file.write_text(f"#!/bin/sh\nexec {shlex.join([sys.executable, str(program)])}\n")
    file.chmod(0o755)
    return (str(file),)


_STORE = "open(folder + '/heard', 'a').write(sys.stdin.read())"


def heard(folder: Path) -> list[dict[str, object]]:
    """The findings that the command got."""
    file = folder / "heard"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_the_command_gets_each_finding_once(log: ServedLog) -> None:
    """As a line of JSON on its input."""
    top = log.top.parent
    log.note(ERASURE)
    log.publish()
    watcher = monitor(settings(log, command=script(top, _STORE)))
    look(watcher)
    look(watcher)
    findings = heard(top)
    assert [finding["index"] for finding in findings] == [300, 341]
    assert findings[1] | {"message": "", "at": ""} == {
        "schema": 1,
        "kind": "note",
        "log": ORIGIN,
        "open": True,
        "message": "",
        "at": "",
        "size": None,
        "index": 341,
        "note": "erasure",
        "standing": "waits",
        "approved_by": [],
        "instruction": "dpo-1",
        "changes": [],
    }


@pytest.mark.parametrize(
    "failing", ["sys.exit(3)", "os.kill(os.getpid(), signal.SIGKILL)", f"{_STORE}; sys.exit(1)"]
)
def test_a_command_that_fails_is_told_again(log: ServedLog, failing: str) -> None:
    """Also one that was killed: nothing is told zero times, and what was told well is not told again."""
    top = log.top.parent
    once = "marker = folder + '/failed'\nif not os.path.exists(marker):\n    open(marker, 'w')\n    "
    watcher = monitor(settings(log, command=script(top, f"{once}{failing}\n{_STORE}")))
    assert watcher.look().exit_code == 0
    assert "it is told again" in str(watcher.deliver())
    assert not monitor(settings(log, command=script(top, _STORE))).deliver()  # another process
    assert [finding["index"] for finding in heard(top)] == [300] * (1 + (_STORE in failing))
    look(monitor(settings(log, command=script(top, _STORE))))
    assert len(heard(top)) == 1 + (_STORE in failing)


def test_a_passing_finding_is_told_after_it_is_over(log: ServedLog) -> None:
    """What could not be told stays to be told."""
    top, clock = log.top.parent, Clock()
    look(monitor(settings(log), clock))
    clock.now += 7201
    watcher = monitor(settings(log, command=("/nonexistent",)), clock)
    assert kinds(watcher.look()) == ["still"]
    assert "cannot be run" in str(watcher.deliver())
    log.publish(clock.now)
    look(monitor(settings(log, command=script(top, _STORE)), clock))
    assert [finding["kind"] for finding in heard(top)] == ["still"]


def test_killed_between_command_and_state(log: ServedLog) -> None:
    """A monitor that is killed after the command ended tells the same once more."""
    top = log.top.parent
    kill = f"{_STORE}\nos.kill(os.getppid(), signal.SIGKILL)"
    log.publish(now())
    options = _options(log)
    command = script(top, kill)[0]
    killed = subprocess.run(
        [PROGRAM, *options, "--once", "--run", command], capture_output=True, timeout=60, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert [finding["index"] for finding in heard(top)] == [300]
    assert run(*options, "--once", "--run", script(top, _STORE)[0]).returncode == 0
    assert [finding["index"] for finding in heard(top)] == [300, 300]
    assert run(*options, "--once", "--run", script(top, _STORE)[0]).returncode == 0
    assert len(heard(top)) == 2


# the command


def _options(log: ServedLog, *more: str) -> Sequence[str]:
    chosen = settings(log)
    return (
        *("monitor", "--policy", str(chosen.policy), "--state", str(chosen.state)),
        *("--published", str(log.top), *more),
    )


def test_the_command_once(log: ServedLog) -> None:
    """It says what is so in words, and in Italian; the exit code says the worst."""
    log.note(ERASURE, now())
    log.publish(now())
    english = run(*_options(log, "--once"))
    assert english.returncode == 3
    assert f"note {ORIGIN} 341: " in english.stdout
    assert "A caller is erased, from 10 records at most. Instruction dpo-1. It waits for an approval." in (
        english.stdout
    )
    assert "confirmed on" in english.stdout
    italian = run(*_options(log, "--once"), LANGUAGE="it", LC_ALL="it_IT.UTF-8")
    assert "Attende un'approvazione." in italian.stdout
    lines = run(*_options(log, "--once", "--json")).stdout.splitlines()
    assert [json.loads(line)["index"] for line in lines] == [300, 341]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda top: (top / "policy").unlink(), "cannot be read"),
        (lambda top: (top / "policy").write_text("quorum none\n"), "names no log"),
        (lambda top: (top / "policy").write_text("log x\n"), "Line 1 of the policy"),
        (lambda top: (top / "state").write_text(""), "cannot be used"),
    ],
)
def test_mistakes_are_one_sentence(log: ServedLog, change: Callable[[Path], object], sentence: str) -> None:
    """What cannot begin says why, without a traceback."""
    options = _options(log, "--once")
    change(log.top.parent)
    ran = run(*options)
    assert ran.returncode == 1
    assert sentence in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (f"log {SIGNER.verifier} ftp://proof.example/log", "is no address of a log"),
        (f"log {Signer('other.example/log', bytes(32)).verifier} https://proof.example", "origin of a log"),
        (f"log {SIGNER.verifier}", "Nobody says where the log"),
    ],
)
def test_a_policy_that_leads_nowhere(log: ServedLog, line: str, sentence: str) -> None:
    """A log that cannot be looked for is a problem, and others are looked at."""
    chosen = settings(log, published="")
    chosen.policy.write_text(f"{line}\nquorum none\n")
    result = look(monitor(chosen))
    assert result.exit_code == 2
    assert sentence in messages(result)


def test_two_monitors_do_not_share_a_state(log: ServedLog) -> None:
    """The second one says so."""
    log.publish(now())
    with _watching(log) as process:
        assert "Another monitor uses" in run(*_options(log, "--once")).stderr
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.mark.sample(1)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_watches_until_it_is_stopped(log: ServedLog, number: int) -> None:
    """Without --once it goes on, tells what is new, and ends in order."""
    log.publish(now())
    with _watching(log) as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert out == ""


def _watching(log: ServedLog) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [PROGRAM, *_options(log)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1", "LC_ALL": "C.UTF-8", "LANGUAGE": ""},
    )
    assert process.stdout
    line = process.stdout.readline()
    assert f"note {ORIGIN} 300: " in line, (line, process.stderr and process.stderr.read())
    values = [process.stdout.readline().partition(":")[0].strip() for _value in range(6)]
    assert values == ["retention", "zone", "erasures", "processor", "witnesses", "approver"]
    return process


def test_an_endless_answer_ends(log: ServedLog) -> None:
    """A body without an end is cut off at the largest size."""
    import socket
    import threading

    def serve(listening: socket.socket) -> None:
        connection, _peer = listening.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                connection.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        except OSError:
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        before = time.monotonic()
        result = look(monitor(settings(log, published=f"http://127.0.0.1:{listening.getsockname()[1]}")))
        assert result.exit_code == 2
        assert time.monotonic() - before < 30
        thread.join(30)


def test_notes_parse_as_they_were_written(log: ServedLog) -> None:
    """The notes of these tests are the program's own."""
    assert LogNote.parse(log.entries[300], ORIGIN, 300).content == RULE
    assert WITNESS.verifier in RULE.witnesses
