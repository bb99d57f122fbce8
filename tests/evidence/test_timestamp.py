"""Time-stamps of checkpoints, with openssl as the authority, and as the one who checks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands import typed
from evidence.logs import written
from evidence.serving import Reply, answering
from evidence.timestamping import Authority, authority, openssl
from evidence.witnessing import SIGNER, MemoryLog
from examples import PLAYED
from informativa.config import load
from informativa.evidence import note, timestamp
from informativa.evidence.note import Signer
from informativa.evidence.settings import EvidenceConfig, TimestampAuthority
from informativa.model import Controller
from informativa.model.errors import ElsewhereError, EvidenceError, SignatureError
from informativa.operations.evidence import auditing, logs
from informativa.operations.evidence.log_state import log_state
from informativa.process import publication, storage

NOTE = MemoryLog.of(9).note(9)


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """One for all tests."""
    with authority(tmp_path_factory.mktemp("tsa") / "own") as stamping_authority:
        yield stamping_authority


def stamping(folder: Path, tsa: Authority) -> Path:
    """The configuration, whose logs have this authority."""
    return written(
        folder, f"timestamp: {{url: '{tsa.settings.url}', certificates: {tsa.settings.certificates}}}"
    )


def signed(controller: Controller) -> None:
    """One call more, and a checkpoint of it."""
    with closing(storage.store(controller)) as store:
        store.append([PLAYED])
    logs.checkpoint(controller)


def test_a_stamp_is_of_the_note_with_the_logs_signature_alone(tsa: Authority, tmp_path: Path) -> None:
    """Witnesses that sign later change nothing of it; openssl says that it holds, for just these bytes."""
    more = note.sign(MemoryLog.of(9).checkpoint(9).text, SIGNER, Signer("home.example", bytes(32)))
    data = timestamp.stamped_bytes(more, SIGNER.verifier)
    assert data == timestamp.stamped_bytes(NOTE, SIGNER.verifier) == NOTE
    stamp = timestamp.stamp(data, tsa.settings)
    (tmp_path / "data").write_bytes(NOTE)
    (tmp_path / "stamp").write_bytes(stamp.data)
    openssl(
        tmp_path,
        *("ts", "-verify", "-data", "data", "-in", "stamp", "-CAfile", tsa.settings.certificates),
    )
    (request,) = tsa.server.asked[-1:]
    assert (request.method, request.path) == ("POST", "/tsr")
    assert request.headers["content-type"] == "application/timestamp-query"


def test_a_stamp_holds_for_what_was_stamped_and_no_more(tsa: Authority) -> None:
    """Not for other bytes, not with a bit changed, not below another root, not cut off."""
    roots = timestamp.certificates(tsa.settings.certificates)
    stamp = timestamp.stamp(NOTE, tsa.settings)
    assert timestamp.verify(stamp.data, NOTE, roots).at == stamp.at == timestamp.time_of(stamp.data)
    changed = bytearray(stamp.data)
    changed[len(changed) - 10] ^= 1
    for data, of in ((stamp.data, NOTE + b" "), (bytes(changed), NOTE), (stamp.data[:-1], NOTE), (b"", NOTE)):
        with pytest.raises(SignatureError):
            timestamp.verify(data, of, roots)


def test_an_authority_below_another_root_is_not_believed(tsa: Authority, tmp_path: Path) -> None:
    """An impostor at the address would need the authority's key."""
    with authority(tmp_path / "other") as other:
        address = TimestampAuthority(other.settings.url, tsa.settings.certificates)
        with pytest.raises(SignatureError, match="The time-stamp does not hold"):
            timestamp.stamp(NOTE, address)


def test_an_old_answer_is_not_taken_for_a_new_one(tsa: Authority) -> None:
    """The request has a number of its own, which the answer repeats."""
    old = timestamp.stamp(NOTE, tsa.settings).data
    reply = 200, "application/timestamp-reply", old
    with answering(lambda _: reply) as server, pytest.raises(SignatureError, match="Nonce"):
        timestamp.stamp(NOTE, TimestampAuthority(server.url, tsa.settings.certificates))


@pytest.mark.parametrize("reply", [(500, "text/plain", b""), (200, "text/html", b"<html>")])
def test_an_answer_that_is_none_is_one_sentence(tsa: Authority, reply: Reply) -> None:
    """An error page, and another status."""
    with answering(lambda _: reply) as server, pytest.raises((ElsewhereError, SignatureError)):
        timestamp.stamp(NOTE, TimestampAuthority(server.url, tsa.settings.certificates))


def test_certificates_that_are_none_are_told(tsa: Authority, tmp_path: Path) -> None:
    """Not there, or no certificates."""
    with pytest.raises(EvidenceError, match="cannot be used"):
        timestamp.certificates(str(tmp_path / "none.pem"))
    with pytest.raises(EvidenceError, match="has no certificates"):
        timestamp.certificates(str(tsa.folder / "tsa.cnf"))


@pytest.mark.parametrize("name", ["2.tsr", "9.tsr"])
@pytest.mark.parametrize("data", [b"", b"garbage"])
def test_a_file_that_is_no_stamp_is_in_nobodys_way(
    folder: Path, tsa: Authority, name: str, data: bytes
) -> None:
    """An unreadable stamp of the newest checkpoint, or of one that does not exist, counts as none."""
    file = stamping(folder, tsa)
    configuration = load(file)
    acme = configuration.controllers["acme"]
    signed(acme)
    stamps = folder / "ledger/acme.log/1/timestamps"
    stamps.mkdir()
    (stamps / name).write_bytes(data)
    assert (log_state(acme).stamped, log_state(acme).stamped_at) == (0, None)
    stamp = publication.publish(acme, configuration.evidence.for_controller("acme"), datetime.now(UTC))[
        0
    ].stamp
    assert stamp is not None
    assert (stamp.size, stamp.error) == (2, None)
    assert log_state(acme).stamped == 2
    assert log_state(acme).stamped_at == timestamp.time_of((stamps / "2.tsr").read_bytes())


def test_the_newest_checkpoint_is_stamped_once_a_day(folder: Path, tsa: Authority) -> None:
    """The first time at once; no second time on that day or while nothing was added; the next day again. What
    fails is told, and tried again."""
    file = stamping(folder, tsa)
    configuration = load(file)
    acme, settings = configuration.controllers["acme"], configuration.evidence.for_controller("acme")
    today = datetime.now(UTC)

    def added(now: datetime) -> tuple[int, bool]:
        signed(acme)
        stamp = publication.publish(acme, settings, now)[0].stamp
        assert stamp is not None
        return stamp.size, stamp.error is None

    count_before = len(tsa.server.asked)
    assert added(today) == (2, True)
    assert added(today) == (2, True)
    tomorrow = today + timedelta(days=1)
    assert added(tomorrow) == (4, True)
    assert not publication.publish(acme, settings, tomorrow + timedelta(days=1))[0].errors
    assert len(tsa.server.asked) - count_before == 2
    stamps = folder / "ledger/acme.log/1/timestamps"
    assert sorted(file.name for file in stamps.iterdir()) == ["2.tsr", "4.tsr"]
    Path(tsa.settings.certificates).rename(tsa.folder / "away.pem")
    assert added(tomorrow + timedelta(days=2)) == (4, False)
    (tsa.folder / "away.pem").rename(tsa.settings.certificates)
    assert added(tomorrow + timedelta(days=2)) == (6, True)


def test_an_audit_looks_at_every_stamp(folder: Path, tsa: Authority) -> None:
    """One that holds says when; one of another checkpoint, and one whose checkpoint is gone, are found;
    without the authority's root none is believed, and none called false."""
    file = stamping(folder, tsa)
    configuration = load(file)
    acme, settings = configuration.controllers["acme"], configuration.evidence.for_controller("acme")
    today = datetime.now(UTC)
    for day in range(2):
        signed(acme)
        publication.publish(acme, settings, today + timedelta(days=day))

    def audited(by: EvidenceConfig = settings) -> tuple[bool, int, list[str], str]:
        audit = auditing.audit(acme, settings=by)
        (stamps,) = audit.stamps
        reason = str(stamps.unchecked) if stamps.unchecked else ""
        return audit.sound, stamps.hold, [str(problem) for problem in stamps.problems], reason

    assert audited() == (True, 2, [], "")
    stamps = folder / "ledger/acme.log/1/timestamps"
    first = (stamps / "2.tsr").read_bytes()
    (stamps / "3.tsr").write_bytes(first)
    (stamps / "7.tsr").write_bytes(first)
    sound, hold, (swapped, alone), _ = audited()
    assert (sound, hold) == (False, 1)
    assert swapped.startswith("Of the checkpoint of 3 records: The time-stamp does not hold")
    assert alone == "A time-stamp is of a checkpoint of 7 records, which is gone."
    sound, hold, problems, reason = audited(replace(settings, timestamp=None))
    assert (sound, hold, problems) == (True, 0, [])
    assert reason.startswith("the configuration names no authority")


def test_audit_command_says_what_stamps_say(folder: Path, tsa: Authority) -> None:
    """The audit shows the number of valid stamps and the time of the newest; each invalid one, with exit code
    1; or why none was checked, which is no fault of the ledger."""
    file = stamping(folder, tsa)
    configuration = load(file)
    acme = configuration.controllers["acme"]
    signed(acme)
    publication.publish(acme, configuration.evidence.for_controller("acme"), datetime.now(UTC))
    stamps = folder / "ledger/acme.log/1/timestamps"
    at = timestamp.time_of((stamps / "2.tsr").read_bytes())
    assert at is not None
    audit = ("evidence", "audit", "-c", file, "--controller", "acme")
    content = "  2 records (2 whole, 0 erased, 0 purged, 0 lost); 2 signed."
    complete = "acme: Complete: nothing was changed, added or taken away."
    changed = "acme: CHANGED: something is not as it was written and signed."
    clock = "  To note: The clock was put back by more than 10 minutes once, before record 2 was made."
    holds = f"  1 time-stamp of {acme.log}/1 holds; the newest is of {at:%Y-%m-%d %H:%M} UTC."
    alone = (
        "  No checkpoint was compared that nobody here can change: whoever signs here could have rewritten"
        " all of it."
    )
    code, out, err = typed(*audit)
    lines = out.splitlines()
    as_of = lines[1]
    assert (code, lines, err) == (0, [complete, as_of, content, holds, clock, alone], "")
    assert as_of.endswith("; by the company's own word.")
    (stamps / "7.tsr").write_bytes((stamps / "2.tsr").read_bytes())
    code, out, err = typed(*audit)
    missing = "  ✘ A time-stamp is of a checkpoint of 7 records, which is gone."
    lines = out.splitlines()
    assert (code, lines, err) == (1, [changed, lines[1], content, missing, holds, clock, alone], "")
    file.write_text(file.read_text().replace("  timestamp: {url:", "  interval: 60 seconds  # {url:", 1))
    code, out, err = typed(*audit)
    unchecked = (
        f"  The time-stamps of {acme.log}/1 were not looked at: the configuration names no authority; write"
        " the certificates of its root into evidence.timestamp.certificates"
    )
    lines = out.splitlines()
    assert (code, lines, err) == (0, [complete, lines[1], content, unchecked, clock, alone], "")
