"""Receipts: one record opened, with the proof that it is in a log, for somebody who has nothing else."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from commands import run, typed
from evidence import independent
from evidence.receipts import NUMBER, Logged, with_extra
from examples import AT, PLAYED, UNIDENTIFIED
from informativa.call.caller import pseudonym
from informativa.evidence import commitment
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.proof import Proof
from informativa.evidence.receipt import Receipt
from informativa.ledgers import erasure
from informativa.ledgers.sequencer import sequence
from informativa.model import Identified, Reason, Status
from informativa.model.errors import EvidenceError, InformativaError, ReceiptError
from informativa.operations.evidence import logs, verifying
from informativa.process import storage
from lab.chance import by_day

CALLER, OTHER = NUMBER, Identified("+393331234568")


def verified(receipt: bytes, vkey: str, caller: Identified | None = None) -> None:
    """Raises EvidenceError where it does not hold."""
    Receipt.parse(receipt).verify(logs.trusted_keys([vkey]), None, caller)


def test_receipt_holds_for_whoever_has_the_key(logged: Logged) -> None:
    """Our verifier agrees with one that was written from the formats alone."""
    for number, reason in ((1, "not-informed"), (2, "not-informed"), (3, UNIDENTIFIED.reason.value)):
        data = logged.receipt(number).proof.data
        verified(data, logged.vkey)
        facts = independent.check(data, logged.vkey)
        assert (facts["number"], facts["record"], facts["reason"]) == (number, number - 1, reason)


def test_opened_receipt_is_about_one_number_alone(logged: Logged) -> None:
    """The receipt fits the caller's number, and no other one."""
    data = logged.opened().proof.data
    verified(data, logged.vkey, CALLER)
    assert independent.check(data, logged.vkey, CALLER.number)
    with pytest.raises(ReceiptError, match="the number is another"):
        verified(data, logged.vkey, OTHER)
    with pytest.raises(AssertionError, match="about another caller"):
        independent.check(data, logged.vkey, OTHER.number)
    with pytest.raises(ReceiptError, match="does not show whose number"):
        verified(logged.receipt().proof.data, logged.vkey, CALLER)


def test_receipt_tells_of_nobody_else(logged: Logged) -> None:
    """The receipt has nothing but hashes of the other records."""
    data = logged.receipt(3).proof
    other_pseudonym = pseudonym(CALLER, logged.controller.key)
    assert other_pseudonym.hex() not in data.extra.decode()
    assert other_pseudonym not in b"".join(data.hashes)
    assert "person" in json.loads(data.extra)
    assert "pseudonym" not in json.loads(data.extra)["person"]


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "another status": lambda extra: extra["facts"].update(status="PARTIAL"),
    "another minute": lambda extra: extra["facts"].update(happened="2026-11-25T12:31Z"),
    "a fact less": lambda extra: extra["facts"].pop("recording", extra["facts"].pop("line", None)),
    "another caller": lambda extra: extra["person"].update(pseudonym="00" * 32),
    "another microsecond": lambda extra: extra["person"].update(happened=extra["person"]["happened"] + 1),
    "another salt": lambda extra: extra.update(salt_what="00" * 16),
    "a short salt": lambda extra: extra.update(salt_who="00" * 15),
    "equal salts": lambda extra: extra.update(salt_who=extra["salt_what"]),
    "another version": lambda extra: extra.update(v=1),
    "an unknown key": lambda extra: extra.update(note="x"),
    "an unknown fact": lambda extra: extra["facts"].update(colour="red"),
    "a fact of another kind": lambda extra: extra["facts"].update(number="1"),
    "an empty fact": lambda extra: extra["facts"].update(wanted=""),
    "a person and his hash": lambda extra: extra.update(who="00" * 32),
    "nobody": lambda extra: [extra.pop("person"), extra.pop("salt_who")],
    "another log": lambda extra: extra["facts"].update(log="elsewhere/informativa/acme/x/1"),
    "another leaf": lambda extra: extra["facts"].update(record=1),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changed_receipt_proves_nothing(logged: Logged, change: Callable[[dict[str, Any]], object]) -> None:
    """Whatever is changed of what it opens, neither verifier believes it."""
    data = with_extra(logged.receipt(), change)
    with pytest.raises(EvidenceError):
        verified(data, logged.vkey)
    with pytest.raises((AssertionError, KeyError, ValueError)):
        independent.check(data, logged.vkey)


@pytest.mark.slow
def test_no_byte_of_a_receipt_can_be_changed(logged: Logged) -> None:
    """Each byte of the file, one bit at a time, in turn."""
    data = logged.receipt().proof.data
    for place in range(0, len(data), by_day(5, at_night=1)):
        changed = bytearray(data)
        changed[place] ^= 1 << place % 7
        with pytest.raises(EvidenceError):
            verified(bytes(changed), logged.vkey)


def test_receipt_cut_off_or_longer_proves_nothing(logged: Logged) -> None:
    """Cut off anywhere, with a line more anywhere, or 10 MB long."""
    data = logged.receipt().proof.data
    for end in range(0, len(data), 7):
        with pytest.raises(EvidenceError):
            verified(data[:end], logged.vkey)
    lines = data.split(b"\n")
    for place in range(len(lines)):
        with pytest.raises(EvidenceError):
            verified(b"\n".join([*lines[:place], b"extra", *lines[place:]]), logged.vkey)
    with pytest.raises(EvidenceError):
        verified(data + b"\n" * 10_000_000, logged.vkey)


def test_proof_of_another_record_does_not_fit(logged: Logged) -> None:
    """A record is not proven by the proof of another record."""
    one, other = logged.receipt(1).proof, logged.receipt(2).proof
    swapped = Proof(other.index, other.hashes, other.checkpoint, one.extra)
    with pytest.raises(EvidenceError):
        verified(swapped.data, logged.vkey)


def test_key_in_a_receipt_is_never_trusted(logged: Logged, tmp_path: Path) -> None:
    """Nothing is believed before somebody says whom to trust, and another's key fails."""
    file = tmp_path / "one.tlog-proof"
    file.write_bytes(logged.receipt().proof.data)
    with pytest.raises(InformativaError, match="Nothing says whom to trust"):
        verifying.verify([file], ())
    stranger = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    (result,) = verifying.verify([file], logs.trusted_keys([stranger])).receipts
    assert not result.holds
    assert "No key that is known here signed it" in str(result.problem)
    (result,) = verifying.verify([file], logs.trusted_keys([logged.vkey])).receipts
    assert result.holds


def test_private_key_is_refused_and_not_shown(logged: Logged) -> None:
    """A private key that was given by mistake does not come into a log."""
    secret = (LogFolder(logged.ledger).folder / "signing/1.key").read_text()
    with pytest.raises(InformativaError) as refused:
        logs.trusted_keys([secret])
    assert secret[:20] not in str(refused.value)
    assert "public" in str(refused.value)


def test_receipt_after_an_erasure_opens_the_facts_alone(logged: Logged) -> None:
    """The person is gone for good; an earlier receipt goes on to hold."""
    earlier = logged.receipt().proof.data
    his = pseudonym(CALLER, logged.controller.key)
    erasure.erase(logged.ledger, [his], AT + timedelta(days=1))
    sequence(logged.ledger)
    data = logged.receipt().proof.data
    verified(data, logged.vkey)
    assert "person" not in json.loads(Receipt.parse(data).proof.extra)
    assert independent.check(data, logged.vkey)["status"] == "PLAYED"
    verified(earlier, logged.vkey)


def test_altered_record_gets_no_receipt(logged: Logged) -> None:
    """A record that is not what it was is told, not proven."""
    with closing(storage.store(logged.controller)) as store, store.connected() as connection:
        connection.execute("UPDATE event SET status = 'PARTIAL' WHERE record = 1")
    with pytest.raises(EvidenceError, match="is not what it was when it was written"):
        logged.receipt()


def test_record_waits_for_its_checkpoint(logged: Logged) -> None:
    """A record without a checkpoint over it has no receipt yet, and it is said what to do."""
    with closing(storage.store(logged.controller)) as store:
        store.append([UNIDENTIFIED])
    with pytest.raises(EvidenceError, match="in no checkpoint yet") as caught:
        logged.receipt(4)
    assert "evidence checkpoint --controller acme" in str(caught.value)
    logs.checkpoint(logged.controller)
    verified(logged.receipt(4).proof.data, logged.vkey)
    with pytest.raises(InformativaError, match="no record 5"):
        logged.receipt(5)


def test_old_receipt_holds_when_the_log_has_grown(logged: Logged) -> None:
    """A receipt is for ever: it brings its own checkpoint."""
    data = logged.receipt().proof.data
    with closing(storage.store(logged.controller)) as store:
        store.append([UNIDENTIFIED] * 600)
    logs.checkpoint(logged.controller)
    verified(data, logged.vkey)
    newer = logged.receipt().proof
    assert len(newer.hashes) == 10
    assert base64.b64encode(newer.checkpoint) != base64.b64encode(Proof.parse(data).checkpoint)


@pytest.mark.parametrize("empty", [["--number", ""], ["--customer", ""]])
def test_caller_that_is_asked_for_is_never_left_out(logged: Logged, tmp_path: Path, empty: list[str]) -> None:
    """A variable that was empty in a script is no receipt about everybody."""
    file = tmp_path / "one.tlog-proof"
    file.write_bytes(logged.opened().proof.data)
    command = ("evidence", "verify", file, "--key", logged.vkey)
    assert run(*command).returncode == 0
    ran = run(*command, *empty)
    assert ran.returncode == 1
    assert ran.stdout == ""


def test_receipt_about_two_callers_is_refused(logged: Logged, tmp_path: Path) -> None:
    """Only one of a number and a customer would be compared."""
    file = tmp_path / "one.tlog-proof"
    file.write_bytes(logged.opened().proof.data)
    command = ("evidence", "verify", file, "--key", logged.vkey)
    ran = run(*command, "--number", CALLER.number, "--customer", "C-1")
    assert ran.returncode == 1
    assert "give --number or --customer, not both" in ran.stderr


def test_link_to_a_receipt_is_followed(logged: Logged, tmp_path: Path) -> None:
    """It is whoever verifies that names it."""
    (tmp_path / "one.tlog-proof").write_bytes(logged.receipt().proof.data)
    (tmp_path / "link").symlink_to("one.tlog-proof")
    (result,) = verifying.verify([tmp_path / "link"], logs.trusted_keys([logged.vkey])).receipts
    assert result.holds


def test_what_is_no_file_is_one_sentence(logged: Logged, tmp_path: Path) -> None:
    """A folder, a pipe that nobody writes to, a device that never ends, a link to nothing or to itself."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nothing")
    devices = (Path("/dev/zero"), Path("/"))
    for file in (tmp_path, *(tmp_path / name for name in ("pipe", "loop", "dangling", "none")), *devices):
        with pytest.raises(InformativaError, match=r"is no file|cannot be read"):
            verifying.verify([file], logs.trusted_keys([logged.vkey]))


def test_time_in_the_digits_of_another_script_is_none(logged: Logged) -> None:
    """This holds for an erased caller's record, too, which has no exact time beside it."""
    receipt = logged.receipt()
    happened = str(receipt.facts["happened"])
    arabic = "٢٠٢٦" + happened[4:]
    with pytest.raises(EvidenceError, match="no receipt of this program"):
        replace(receipt, facts={**receipt.facts, "happened": arabic})


def test_command_writes_receipts_and_says_how_to_check_them(logged: Logged, tmp_path: Path) -> None:
    """A line for each record of the caller, one that is in no checkpoint yet too, and the key to check by;
    with --open also that the files show whose number it is."""
    his = replace(PLAYED, pseudonym=pseudonym(CALLER, logged.controller.key))
    with closing(storage.store(logged.controller)) as store:
        store.append([replace(his, binding=commitment.bind(CALLER, logged.controller.key))])
    ask = ("evidence", "receipt", "-c", logged.folder / "informativa.yaml", "--controller", "acme")
    ask = (*ask, "-o", tmp_path)
    check = (
        f"Whoever has the key from you checks it with: informativa evidence verify FILE --key {logged.vkey}"
    )
    one, two = (tmp_path / f"acme-{number}.tlog-proof" for number in (1, 2))
    written = [f"record 1: {one}", f"record 2: {two}", "record 4: in no checkpoint yet; wait a minute"]
    code, out, err = typed(*ask, "--from", CALLER.number)
    assert (code, out.splitlines(), err) == (0, [*written, check], "")
    code, out, err = typed(*ask, "--from", CALLER.number, "--open")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        *written,
        check,
        "It shows whose number it is to whoever tries all: keep it like the number.",
    ]
    assert sorted(file.name for file in tmp_path.glob("acme-*")) == [
        "acme-1.tlog-proof",
        "acme-2.tlog-proof",
    ]
    code, out, err = typed(*ask, "--from", CALLER.number, "--json")
    facts = json.loads(out)
    assert (code, err) == (0, "")
    assert facts["receipts"] == [
        {"controller": "acme", "record": 1, "file": str(one), "key": logged.vkey},
        {"controller": "acme", "record": 2, "file": str(two), "key": logged.vkey},
        {"controller": "acme", "record": 4, "file": None, "key": None},
    ]


def test_command_says_that_nothing_is_on_record_of_a_caller(logged: Logged, tmp_path: Path) -> None:
    """No file is written and no key is shown of who never called; exit code 0."""
    file = logged.folder / "informativa.yaml"
    ask = ("evidence", "receipt", "--from", OTHER.number, "-o", tmp_path, "-c", file, "--controller", "acme")
    assert typed(*ask) == (0, "There is no record of this caller.\n", "")
    assert list(tmp_path.glob("*.tlog-proof")) == []


WHICH = (
    "A receipt is for one record, or for one caller. Type: informativa evidence receipt -c {file} RECORD,"
    " or --from NUMBER, or --customer NUMBER"
)
WHOSE = (
    "A record's number says neither whose ledger it is in nor who the caller is. Name one company with"
    " --controller, and with --open the caller with --from."
)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ((), WHICH),
        (("1", "--from", CALLER.number), WHICH),
        (("--from", CALLER.number, "--customer", "7"), WHICH),
        (("1", "--open"), WHOSE),
        (("1", "--controller", "borealis"), WHOSE),
        (("1", "-o", "/proc"), "/proc/acme-1.tlog-proof cannot be written: No such file or directory. Name a"
         " folder of yours with -o."),
    ],
)  # fmt: skip
def test_receipt_that_was_not_asked_for_clearly_is_refused(
    logged: Logged, more: tuple[str, ...], sentence: str
) -> None:
    """A request for no record or several, for a caller without number, or into a folder of others exits with
    1."""
    file = logged.folder / "informativa.yaml"
    ask = ("evidence", "receipt", "-c", file, "--controller", "acme")
    assert typed(*ask, *more) == (1, "", f"informativa: {sentence.format(file=file)}\n")


def test_command_says_what_a_receipt_proves(logged: Logged, tmp_path: Path) -> None:
    """The facts in words, the place in the log, whose word it is, and that it is about the number given; what
    was not played was not heard. Where one of the files proves nothing the exit code is 1."""
    not_due = replace(PLAYED, status=Status.NOTDUE, reason=Reason.ALREADY_INFORMED, prompt="", heard=None)
    not_due = replace(not_due, pseudonym=pseudonym(CALLER, logged.controller.key), basis=1)
    with closing(storage.store(logged.controller)) as store:
        store.append([replace(not_due, binding=commitment.bind(CALLER, logged.controller.key))])
    sequence(logged.ledger)
    one, four, none = (tmp_path / name for name in ("one", "four", "none"))
    one.write_bytes(logged.opened().proof.data)
    four.write_bytes(logged.receipt(4).proof.data)
    none.write_bytes(b"x")
    origin = logged.vkey.partition("+")[0]
    assert typed("evidence", "verify", one, "--key", logged.vkey, "--number", CALLER.number) == (
        0,
        f"{one}: holds.\n"
        "  2026-11-24T12:30Z, line +390212345678\n"
        "  notice privacy, version 1, language it: PLAYED (not-informed)\n"
        "  heard 9.5 of 9.5 s (whole)\n"
        f"  Record 0 of 4 in the log {origin}.\n"
        "  No witness: it is the company's own word as of the checkpoint.\n"
        "  It is about the number that was given.\n",
        "",
    )
    code, out, err = typed("evidence", "verify", four, none, "--key", logged.vkey)
    assert (code, err) == (1, "")
    assert out.splitlines() == [
        f"{four}: holds.",
        "  2026-11-24T12:30Z, line +390212345678",
        "  notice privacy, version 1, language it: NOTDUE (already-informed)",
        f"  Record 3 of 4 in the log {origin}.",
        "  No witness: it is the company's own word as of the checkpoint.",
        f"{none}: PROVES NOTHING. It is no proof of a transparency log (c2sp.org/tlog-proof).",
    ]
    code, out, err = typed("evidence", "verify", four, none, "--key", logged.vkey, "--json")
    assert (code, err) == (1, "")
    assert [(receipt["file"], receipt["holds"]) for receipt in json.loads(out)["receipts"]] == [
        (str(four), True),
        (str(none), False),
    ]
