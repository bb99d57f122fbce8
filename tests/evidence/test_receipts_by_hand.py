"""Receipts that hold, and some that commit to what the program never writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import typed
from evidence import independent
from evidence.receipts import LOG_BY_HAND, NUMBER, Logged, receipt_by_hand, with_extra
from informativa.evidence.receipt import Receipt
from informativa.model import Identified
from informativa.model.errors import EvidenceError, EvidenceFormatError, ReceiptError
from informativa.operations.evidence import logs

VKEY = str(LOG_BY_HAND.verifier)
OTHER = Identified("+393331234568")
WRONG_KEY = "The opening key is not this record's, so it shows nobody's number."
WRONG_NUMBER = "The opening key is this record's, and the number is another."


def verified(receipt: bytes, vkey: str, caller: Identified | None = None) -> Receipt:
    """The receipt, if it holds; else raises EvidenceError."""
    parsed = Receipt.parse(receipt)
    parsed.verify(logs.trusted_keys([vkey]), None, caller)
    return parsed


def test_receipt_that_the_program_makes_holds(logged: Logged) -> None:
    """Both verifiers read it."""
    data = logged.opened().proof.data
    verified(data, logged.vkey, NUMBER)
    assert independent.check(data, logged.vkey, NUMBER.number)["status"] == "PLAYED"


def test_receipt_by_hand_holds(logged: Logged) -> None:
    """With and without its opening key, for both verifiers."""
    data = receipt_by_hand(logged.opened())
    verified(data, VKEY, NUMBER)
    assert independent.check(data, VKEY, NUMBER.number)["record"] == 1
    data = receipt_by_hand(logged.opened(), opened=lambda extra: extra.pop("opening_key"))
    verified(data, VKEY)
    assert independent.check(data, VKEY)["record"] == 1
    with pytest.raises(ReceiptError, match="does not show whose number"):
        verified(data, VKEY, NUMBER)


def test_wrong_key_is_told_from_a_wrong_number(logged: Logged, tmp_path: Path) -> None:
    """It says which of both it is, by the command and by the second verifier."""
    data, file = receipt_by_hand(logged.opened()), tmp_path / "two.tlog-proof"
    wrong_key = receipt_by_hand(logged.opened(), opened=lambda extra: extra.update(opening_key="00" * 32))
    for receipt, number, sentence in (
        (data, OTHER.number, WRONG_NUMBER),
        (wrong_key, NUMBER.number, WRONG_KEY),
        (wrong_key, "", WRONG_KEY),
    ):
        file.write_bytes(receipt)
        about = ("--number", number) if number else ()
        code, out, err = typed("evidence", "verify", file, "--key", VKEY, *about)
        assert (code, err) == (1, "")
        assert out.startswith(f"{file}: PROVES NOTHING. {sentence}")
        with pytest.raises(AssertionError, match=r"opening key|another caller"):
            independent.check(receipt, VKEY, number)


COMMITTED: dict[str, Callable[[dict[str, Any]], object]] = {
    "no opening": lambda extra: extra["person"].pop("opening"),
    "no binding": lambda extra: extra["person"].pop("binding"),
}
OPENED: dict[str, Callable[[dict[str, Any]], object]] = {
    "another version": lambda extra: extra.update(v=1),
    "a later version": lambda extra: extra.update(v=3),
    "another opening": lambda extra: extra["person"].update(opening="00" * 32),
    "a fact": lambda extra: extra["facts"].update(status="FAILED"),
}


@pytest.mark.parametrize("change", [*COMMITTED, *OPENED])
def test_changed_receipt_by_hand_proves_nothing(logged: Logged, change: str) -> None:
    """Neither verifier believes it, also where the log committed to what no record can be."""
    nothing = {"committed": COMMITTED, "opened": OPENED}
    changes = {part: named[change] for part, named in nothing.items() if change in named}
    data = receipt_by_hand(logged.opened(), **changes)
    with pytest.raises(EvidenceError):
        verified(data, VKEY)
    with pytest.raises((AssertionError, KeyError)):
        independent.check(data, VKEY)


@pytest.mark.parametrize("version", [0, 3, 10**15, -1])
def test_version_that_is_not_known_is_named(logged: Logged, version: int, tmp_path: Path) -> None:
    """It is said, also where a later version has other keys."""
    file = tmp_path / "one.tlog-proof"
    file.write_bytes(with_extra(logged.receipt(), lambda extra: extra.update(v=version, more="x")))
    assert typed("evidence", "verify", file, "--key", logged.vkey) == (
        1,
        f"{file}: PROVES NOTHING. It is a receipt of version {version}, unknown to this program."
        " Verify it with a newer one.\n",
        "",
    )


def test_version_that_is_no_number_is_no_receipt(logged: Logged) -> None:
    """Nothing of it is shown."""
    for version in ("1", {"v": 1}, ""):
        data = with_extra(logged.receipt(), lambda extra, version=version: extra.update(v=version))
        with pytest.raises(EvidenceFormatError, match="It is no receipt of this program"):
            verified(data, logged.vkey)
    assert json.loads(logged.receipt().proof.extra)["v"] == 2
