"""The times at which leaves say that they were put on record, beside those at which witnesses signed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands import typed
from evidence.dishonest import DAY, HOUR, MINUTE, NOW, START, CallCentre, call, founded, working
from evidence.ledger import Busy
from evidence.ledger import published as published_log
from evidence.ruled import notes
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.cosignature import WitnessSigner, WitnessVerifier
from informativa.evidence.leaf_times import (
    UNKNOWN,
    Cosigned,
    MisdatedLeaves,
    SignedTimes,
    WrongTime,
    first_signed,
)
from informativa.evidence.note import Note, parse
from informativa.evidence.note_values import NoteSource
from informativa.evidence.notes import RuleNote
from informativa.evidence.policy import CosigningWitness
from informativa.evidence.proof import VerifiedProof
from informativa.ledgers.audit_log import audit_ledger
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Event, RecordKind, Verdict
from informativa.operations.evidence import auditing, receipts, time_remarks
from informativa.process import storage

EARLY, LATE = WrongTime.EARLY, WrongTime.LATE
HOME, OTHER = (WitnessSigner("home.example", seed * 32) for seed in (b"h", b"o"))
SIGNED = SignedTimes.of({9: 9_000, 3: 3_000, 6: 6_000})


@pytest.mark.parametrize(
    ("index", "time", "wrong"),
    [
        # In the first checkpoint: nothing was signed without it.
        (0, -9_000, None),
        (2, 3_599, None),
        (2, 3_600, None),
        (2, 3_601, LATE),
        # Between two: not in the one of 3 leaves, and in the one of 6.
        (3, 2_399, EARLY),
        (3, 2_400, None),
        (3, 2_401, None),
        (5, 6_599, None),
        (5, 6_600, None),
        (5, 6_601, LATE),
        # After the last one: nothing was signed with it yet.
        (9, 8_399, EARLY),
        (9, 8_400, None),
        (9, 1 << 40, None),
        (4, UNKNOWN, None),
    ],
)
def test_ten_minutes_count_for_nothing(index: int, time: int, wrong: WrongTime | None) -> None:
    """600 seconds before the last signature without a leaf, and after the first one with it, are right, and
    601 are wrong; of one leaf as of all."""
    assert SIGNED.wrong(index, time) is wrong
    times = [UNKNOWN] * index + [time]
    assert SIGNED.misdated(times) == ((MisdatedLeaves(wrong, 1, index, index),) if wrong else ())


def test_nothing_is_wrong_where_nobody_signed() -> None:
    """Without a witness there is no time to hold a leaf against."""
    assert SignedTimes.of({}).misdated([0, 1 << 40, UNKNOWN]) == ()
    assert SIGNED.misdated([]) == ()


def test_leaves_are_counted_by_the_way_in_which_they_are_wrong() -> None:
    """Each way has its number of leaves, the first and the last, whatever lies between."""
    times = [9_999, 3_000, 9_999, 0, 6_000, 0, UNKNOWN, 9_000, 9_000, 0]
    assert SIGNED.misdated(times) == (MisdatedLeaves(EARLY, 3, 3, 9), MisdatedLeaves(LATE, 2, 0, 2))


def test_first_signature_of_those_who_count_is_the_time() -> None:
    """Of two it is the earlier one; whoever does not count at the time that he states himself says nothing,
    nor does a year that no calendar has put an end to the audit."""
    home, other = HOME.verifier, OTHER.verifier
    cosigned = [
        Cosigned(3, home, 500),
        Cosigned(3, home, 400),
        Cosigned(3, other, 100),
        Cosigned(4, other, 300),
    ]
    cosigned.append(Cosigned(5, home, (1 << 53) - 1))

    def counting(at: datetime) -> Sequence[WitnessVerifier]:
        return [home, other] if at >= datetime.fromtimestamp(200, UTC) else [home]

    assert first_signed(cosigned, counting) == {3: 400, 4: 300, 5: (1 << 53) - 1}


@pytest.mark.parametrize(
    ("recorded", "signed", "count"),
    [
        ("2026-11-24T12:30Z", 599, 0),
        ("2026-11-24T12:30Z", 600, 0),
        ("2026-11-24T12:30Z", 601, 1),
        ("2026-02-30T12:30Z", 601, 0),
        ("0000-01-01T12:30Z", 601, 0),
    ],
)
def test_receipt_is_younger_than_the_first_signature(recorded: str, signed: int, count: int) -> None:
    """By 601 seconds, which is a remark; of several signatures the first counts. A day that there never was
    is none, and no error."""
    at = int(datetime(2026, 11, 24, 12, 30, tzinfo=UTC).timestamp()) - signed
    witnesses = (CosigningWitness("other", at + 1000), CosigningWitness("home", at))
    proof = VerifiedProof(Checkpoint("log", 9, bytes(32)), 4, HOME.verifier, witnesses)
    assert len(list(time_remarks.of_receipt(proof, {"recorded": recorded}))) == count
    assert not list(time_remarks.of_receipt(replace(proof, witnesses=()), {"recorded": recorded}))


def cosign(ledger: Path, witness: WitnessSigner, at: int, *, broken: bool = False) -> int:
    """Have a witness sign the newest kept checkpoint; its size."""
    log = published_log(ledger)
    size = max(log.sizes())
    checkpoint = parse(log.checkpoint_of(size) or b"")
    signature = witness.cosign(checkpoint.text, at)
    if broken:
        signature = replace(signature, data=signature.data[:-1] + bytes([signature.data[-1] ^ 1]))
    log.put_checkpoint(size, Note(checkpoint.text, (*checkpoint.signatures, signature)).data)
    return size


def test_times_of_an_audit(attacked: Busy) -> None:
    """An audit knows the minute in which each leaf was recorded, also of erased ones; not of one that
    was purged. Without a witness it does not look."""
    assert not attacked.audit().times[attacked.key.name]
    size = cosign(attacked.ledger, HOME, 1_900_000_000)
    audited = audit_ledger(attacked.ledger, [attacked.key], witnesses=[HOME.verifier])
    assert audited.is_sound
    assert set(audited.cosigned[attacked.key.name]) == {Cosigned(size, HOME.verifier, 1_900_000_000)}
    times = audited.times[attacked.key.name]
    assert len(times) == size
    with closing(SqliteStore(str(attacked.ledger), read_only=True)) as store:
        recorded = {
            leaf.leaf: int((record.event.recorded or record.event.at).timestamp()) // 60 * 60
            for record in store.records()
            if (leaf := store.leaf(record.number))
        }
    assert {index: time for index, time in enumerate(times) if time != UNKNOWN} == recorded


def test_broken_signature_of_a_witness_that_was_kept_is_named(attacked: Busy) -> None:
    """It is a remark with its size and the witness; a stranger's is none."""
    size = cosign(attacked.ledger, HOME, 1_900_000_000, broken=True)
    cosign(attacked.ledger, OTHER, 1_900_000_000, broken=True)
    audited = audit_ledger(attacked.ledger, [attacked.key], witnesses=[HOME.verifier])
    sentence = f"The signature of the witness home.example under the checkpoint of {size} records is broken."
    assert [str(remark) for remark in audited.remarks if "clock" not in str(remark)] == [sentence]
    assert (audited.is_sound, audited.cosigned[attacked.key.name]) == (True, [])


@pytest.fixture
def centre(tmp_path: Path, short_prompts: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CallCentre]:
    """A call centre on its first day, with the rule and call 0 signed by the company's witness."""
    founded(tmp_path / "centre", short_prompts)
    with working(tmp_path / "centre", monkeypatch, START) as call_centre:
        call_centre.day()
        yield call_centre


def remarks(centre: CallCentre) -> list[str]:
    """The remarks of the company's audit on times that a witness contradicts; they change no verdict."""
    audit = centre.audited()
    assert audit.verdict is Verdict.COMPLETE
    return [str(remark) for remark in audit.remarks if "witness" in str(remark)]


def dated_back(number: int, time: timedelta) -> Event:
    """A call that the ledger dates back by that time."""
    return call(number, at=NOW.at - time, recorded=NOW.at - time)


def test_record_dated_back_before_it_was_signed_is_named(centre: CallCentre) -> None:
    """Eleven minutes before the checkpoint without it was first signed are a remark, nine are none; many are
    one remark with the first and the last. The ledger's own order shows nothing: no clock went back."""
    NOW.at += HOUR
    centre.day(call(1))
    size = centre.size
    for number, minutes in enumerate((9, 11), 2):
        centre.day(dated_back(number, minutes * MINUTE))
    origin = centre.origin
    sentence = "more than 10 minutes before a witness signed the log without"
    remark = f"1 leaf of {origin} ({size + 1}) says that it was recorded {sentence} it."
    assert [str(one) for one in centre.audited().remarks] == [remark]
    centre.day(*(dated_back(number, 3 * HOUR) for number in range(5, 9)))
    assert remarks(centre) == [
        f"5 leaves of {origin} ({size + 1}-{size + 5}) say that they were recorded {sentence} them."
    ]


def test_clock_that_goes_back_by_nine_minutes_accuses_nobody(centre: CallCentre) -> None:
    """Nor does one that is ahead by nine: what was recorded lies within ten minutes of the witness's time."""
    for number, step in enumerate((0, -9, 0, 9, 0, -9), 1):
        at = NOW.at + step * MINUTE
        centre.day(call(number, at=at, recorded=at))
    assert centre.audited().remarks == ()


def test_clock_that_is_ahead_is_named(centre: CallCentre) -> None:
    """A record cannot be younger than a signature with it."""
    at, size = NOW.at + 13 * MINUTE, centre.size
    centre.day(call(1, at=at, recorded=at))
    assert remarks(centre) == [
        f"1 leaf of {centre.origin} ({size}) says that it was recorded more than 10 minutes after a witness"
        " signed the log with it."
    ]


def test_leaves_that_waited_for_a_witness_are_not_accused(centre: CallCentre) -> None:
    """It was away for a day: the first signature with them is late, and that without them is of before."""
    key = centre.keys.pop()
    for number in range(1, 25):
        centre.record(call(number))
        NOW.at += HOUR
        assert centre.minute() != ""
    centre.keys.append(key)
    centre.day(call(25))
    assert remarks(centre) == []
    centre.day(dated_back(26, DAY))
    assert len(remarks(centre)) == 1


def test_paper_that_is_recorded_late_is_not_accused(centre: CallCentre) -> None:
    """It happened long before, and was recorded when it was."""
    centre.day(call(1))
    NOW.at += HOUR
    centre.day(call(2, at=NOW.at - 90 * DAY, kind=RecordKind.CONTRACT, reference="contract 7"))
    assert remarks(centre) == []


def test_note_dated_back_is_named(centre: CallCentre) -> None:
    """A note says itself when it was made."""
    NOW.at += 3 * HOUR
    centre.day(call(1))
    leaf = centre.purge_note(1, 61 * DAY, at=f"{NOW.at - HOUR:%Y-%m-%dT%H:%MZ}")
    centre.day(call(2))
    (remark,) = remarks(centre)
    assert remark.startswith(
        f"1 leaf of {centre.origin} ({leaf.index}) says that it was recorded more than 10"
    )


def test_witness_that_the_rule_does_not_name_counts_for_nothing(centre: CallCentre) -> None:
    """The call centre's own witness would vouch for any time. A rule that names it waits for the company."""
    NOW.at += HOUR
    rule = notes(centre.ledger)[0].content
    assert isinstance(rule, RuleNote)
    with closing(storage.store(centre.company)) as store:
        store.keep_rule(replace(rule, witnesses=(OTHER.verifier,)), NOW.at, NoteSource.SERVICE)
    centre.day(call(1))
    centre.day(dated_back(2, 30 * MINUTE))
    log = centre.outside / "1"
    for file in (log / "checkpoints").iterdir():
        checkpoint = parse(file.read_bytes())
        own = OTHER.cosign(checkpoint.text, int((NOW.at - DAY).timestamp()))
        file.write_bytes(Note(checkpoint.text, (*checkpoint.signatures, own)).data)
    (remark,) = remarks(centre)
    assert "more than 10 minutes before a witness" in remark


@pytest.mark.parametrize(("ahead", "is_remarked"), [(10, False), (12, True)])
def test_receipt_says_that_it_is_younger_than_its_signature(
    centre: CallCentre, tmp_path: Path, ahead: int, is_remarked: bool
) -> None:
    """A remark, in words and in JSON, and the receipt holds: to whoever has the witness's key, and to nobody
    else."""
    at = NOW.at + ahead * MINUTE
    centre.day(call(1, at=at, recorded=at))
    receipt = tmp_path / "receipt.tlog-proof"
    receipt.write_bytes(receipts.of_record(centre.company, centre.size).receipt.proof.data)
    policy = centre.top / "home/policy"
    sentence = "It says that it was recorded more than 10 minutes after a witness signed it."
    code, out, err = typed("evidence", "verify", receipt, "--policy", policy)
    assert (code, err) == (0, "")
    assert (f"  To note: {sentence}\n" in out) is is_remarked
    code, out, _ = typed("evidence", "verify", receipt, "--policy", policy, "--json")
    (checked,) = json.loads(out)["receipts"]
    assert (code, checked["holds"], checked["remarks"]) == (0, True, [sentence] if is_remarked else [])
    code, out, _ = typed("evidence", "verify", receipt, "--key", str(centre.key), "--json")
    assert (code, json.loads(out)["receipts"][0]["remarks"]) == (0, [])


def test_audit_without_a_configuration_knows_the_witnesses_of_the_rule(centre: CallCentre) -> None:
    """The rule in the log names them."""
    NOW.at += HOUR
    centre.day(call(1))
    centre.day(dated_back(2, HOUR))
    audit = auditing.audit(centre.company, (centre.key,), copy=centre.outside)
    assert [str(remark) for remark in audit.remarks if "witness" in str(remark)] == remarks(centre)
    assert len(remarks(centre)) == 1
