"""Receipts of both versions of a record: files of version 1 that were written once, and those of today; also
some of version 2 that commit to what the program never writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import typed
from evidence import independent
from evidence.receipts import LOG_OF_VERSION_2, NUMBER, Logged, of_version_2, with_extra
from informativa.evidence.receipt import Receipt
from informativa.model import Identified
from informativa.model.errors import EvidenceError, EvidenceFormatError, ReceiptError
from informativa.operations.evidence import logs

FILES = Path(__file__).with_name("v1")
VKEY_1 = (FILES / "key").read_text().strip()
VKEY_2 = str(LOG_OF_VERSION_2.verifier)
OTHER = Identified("+393331234568")
WRONG_KEY = "The opening key is not this record's, so it shows nobody's number."
WRONG_NUMBER = "The opening key is this record's, and the number is another."


def verified(receipt: bytes, vkey: str, caller: Identified | None = None) -> Receipt:
    """The receipt, if it holds; else raises EvidenceError."""
    parsed = Receipt.parse(receipt)
    parsed.verify(logs.trusted_keys([vkey]), None, caller)
    return parsed


@pytest.mark.parametrize(
    ("name", "status", "is_erased"),
    [
        ("played", "PLAYED", False),
        ("opened", "PLAYED", False),
        ("not-due", "NOTDUE", False),
        ("erased", "PARTIAL", True),
    ],
)
def test_receipt_of_version_1_holds_for_ever(name: str, status: str, is_erased: bool) -> None:
    """Files that an earlier program wrote hold for both verifiers."""
    data = (FILES / f"{name}.tlog-proof").read_bytes()
    receipt = verified(data, VKEY_1)
    assert (receipt.version, receipt.facts["status"], isinstance(receipt.who, bytes)) == (
        1,
        status,
        is_erased,
    )
    assert independent.check(data, VKEY_1)["status"] == status


def test_number_of_a_receipt_of_version_1_is_compared_as_before() -> None:
    """It is about the number; with another one, or another key, all that can be said is that it is not."""
    data = (FILES / "opened.tlog-proof").read_bytes()
    verified(data, VKEY_1, NUMBER)
    changed = with_extra(Receipt.parse(data), lambda extra: extra.update(opening_key="00" * 32))
    for receipt, caller in ((data, OTHER), (changed, NUMBER)):
        with pytest.raises(ReceiptError, match="The receipt is about another caller"):
            verified(receipt, VKEY_1, caller)
    verified(changed, VKEY_1)


def test_receipt_that_the_program_makes_is_of_version_2(logged: Logged) -> None:
    """Both verifiers read it."""
    data = logged.opened().proof.data
    assert verified(data, logged.vkey, NUMBER).version == 2
    assert independent.check(data, logged.vkey, NUMBER.number)["status"] == "PLAYED"


def test_receipt_of_version_2_holds(logged: Logged) -> None:
    """With and without its opening key, for both verifiers."""
    data = of_version_2(logged.opened())
    assert verified(data, VKEY_2, NUMBER).version == 2
    assert independent.check(data, VKEY_2, NUMBER.number)["record"] == 1
    data = of_version_2(logged.opened(), opened=lambda extra: extra.pop("opening_key"))
    verified(data, VKEY_2)
    assert independent.check(data, VKEY_2)["record"] == 1
    with pytest.raises(ReceiptError, match="does not show whose number"):
        verified(data, VKEY_2, NUMBER)


def test_wrong_key_is_told_from_a_wrong_number(logged: Logged, tmp_path: Path) -> None:
    """Version 2 says which of both it is, by the command and by the second verifier."""
    data, file = of_version_2(logged.opened()), tmp_path / "two.tlog-proof"
    wrong_key = of_version_2(logged.opened(), opened=lambda extra: extra.update(opening_key="00" * 32))
    for receipt, number, sentence in (
        (data, OTHER.number, WRONG_NUMBER),
        (wrong_key, NUMBER.number, WRONG_KEY),
        (wrong_key, "", WRONG_KEY),
    ):
        file.write_bytes(receipt)
        about = ("--number", number) if number else ()
        code, out, err = typed("evidence", "verify", file, "--key", VKEY_2, *about)
        assert (code, err) == (1, "")
        assert out.startswith(f"{file}: PROVES NOTHING. {sentence}")
        with pytest.raises(AssertionError, match=r"opening key|another caller"):
            independent.check(receipt, VKEY_2, number)


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
def test_changed_receipt_of_version_2_proves_nothing(logged: Logged, change: str) -> None:
    """Neither verifier believes it, also where the log committed to what no record can be."""
    nothing = {"committed": COMMITTED, "opened": OPENED}
    changes = {part: named[change] for part, named in nothing.items() if change in named}
    data = of_version_2(logged.opened(), **changes)
    with pytest.raises(EvidenceError):
        verified(data, VKEY_2)
    with pytest.raises((AssertionError, KeyError)):
        independent.check(data, VKEY_2)


def test_record_of_version_1_has_no_opening() -> None:
    """Another name is another version."""
    receipt = Receipt.parse((FILES / "opened.tlog-proof").read_bytes())
    data = with_extra(receipt, lambda extra: extra["person"].update(opening="00" * 32))
    with pytest.raises(EvidenceFormatError, match="A record of version 1 has no opening"):
        verified(data, VKEY_1)
    with pytest.raises(AssertionError):
        independent.check(data, VKEY_1)


@pytest.mark.parametrize("version", [0, 3, 10**15, -1])
def test_version_that_is_not_known_is_named(logged: Logged, version: int, tmp_path: Path) -> None:
    """It is said which are, also where a later version has other keys."""
    file = tmp_path / "one.tlog-proof"
    file.write_bytes(with_extra(logged.receipt(), lambda extra: extra.update(v=version, more="x")))
    assert typed("evidence", "verify", file, "--key", logged.vkey) == (
        1,
        f"{file}: PROVES NOTHING. It is a receipt of version {version}, and this program reads 1 and 2."
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
