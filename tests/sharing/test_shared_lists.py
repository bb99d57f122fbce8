"""The private lists of erasures where boxes meet: a bundle that is made on any box names what is gone, and by
which note, also of boxes that left; and nothing is excused by a list that no note binds."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from commands import typed
from doubles import CALLER
from examples import AT
from informativa.evidence.log_folder import LogFolder
from informativa.ledgers import private_lists
from informativa.process import storage
from informativa.sharing import envelopes
from informativa.sharing.connection import connect
from informativa.sharing.exchange import Exchange
from lab.postgres import Postgres
from sharing.installation import Installation, of
from sharing.noted_boxes import Pair, bundled, recorded, renamed, ruled, sent

LISTS = "SELECT box, record, sealed_list FROM informativa.record WHERE sealed_list IS NOT NULL ORDER BY box"
EMPTY = (
    "UPDATE informativa.record SET erased = 1, pseudonym = NULL, salt_who = NULL, binding = NULL,"
    " opening = NULL WHERE box = 'pbx-2' AND record = {record}"
)
KEY, OTHER_KEY = b"k" * 32, b"o" * 32


def three(pair: Pair, *calls: int) -> tuple[Installation, Installation, Installation]:
    """Boxes with so many calls of the caller, which all know of each other."""
    one, other = pair
    third = renamed(one, "pbx-3")
    boxes = one, other, third
    ruled(boxes)
    for box, count in zip(boxes, calls, strict=True):
        recorded(box, *[AT] * count)
    sent(*boxes)
    return boxes


def retired(box: Installation, name: str) -> None:
    """A box leaves for good, by the word of another."""
    code, _out, error = typed("boxes", "retire", name, "--yes", "--force", *of(box))
    assert code == 0, error


def erased(box: Installation, instruction: str = "DPO-9") -> None:
    """Erase the caller from there, and send that."""
    typed("caller", "erase", CALLER, "--yes", "--instruction", instruction, *of(box))
    sent(box)


def holes_of(bundle: dict[str, Any], box: str) -> list[tuple[str, int, str | None]]:
    """The holes of a box: the cause, the first leaf, and the box whose log has the note."""
    holes = [hole for part in bundle["holes"] if part["box"] == box for hole in part["holes"]]
    return [
        (hole["cause"], hole["first"], hole["noted_in"] and hole["noted_in"].split("/")[-2]) for hole in holes
    ]


@pytest.mark.sample(1)
@pytest.mark.parametrize("later", ["all are there", "the box that noted it left"])
def test_a_bundle_of_a_third_box_names_the_note_of_an_erasure_of_a_retired_ones_leaves(
    meeting: Pair, tmp_path: Path, later: str
) -> None:
    """It is neither the box that ordered the erasure nor the one whose log has the leaf."""
    one, _other, third = three(meeting, 1, 2, 0)
    retired(one, "pbx-2")
    erased(one)
    sent(third)
    if later != "all are there":
        retired(third, "pbx-1")
    bundle, text = bundled(third, tmp_path / "bundle.zip")
    assert holes_of(bundle, "pbx-2") == [("erased", 1, "pbx-1"), ("erased", 2, "pbx-1")]
    assert holes_of(bundle, "pbx-1") == [("erased", 1, "pbx-1")]
    assert (bundle["verdict"], "no note says why" in text) == ("accounted", False)
    assert all(not part["erasures"] for part in bundle["holes"])


def test_a_leaf_that_the_list_does_not_name_is_a_gap_on_a_third_box(
    meeting: Pair, server: Postgres, tmp_path: Path
) -> None:
    """Another record of the retired box was emptied in the database."""
    one, _other, third = three(meeting, 1, 2, 0)
    retired(one, "pbx-2")
    server.sql(EMPTY.format(record=3))
    erased(one)
    sent(third)
    bundle, text = bundled(third, tmp_path / "bundle.zip")
    assert holes_of(bundle, "pbx-2") == [("erased", 1, "pbx-1"), ("deleted", 2, None)]
    assert (bundle["verdict"], "pbx-2: leaf 2: GONE, and no note says why" in text) == ("gaps", True)


def test_a_leaf_of_a_box_that_is_there_is_a_gap_unless_a_list_names_it(
    meeting: Pair, server: Postgres, tmp_path: Path
) -> None:
    """Its own notes of erasures name what they took, and excuse nothing else."""
    one, other, third = three(meeting, 1, 1, 0)
    erased(one)
    sent(other, third)
    bundle, _text = bundled(third, tmp_path / "bundle.zip")
    assert (holes_of(bundle, "pbx-2"), bundle["verdict"]) == ([("erased", 1, "pbx-2")], "accounted")
    recorded(other, AT)
    sent(other)
    server.sql(EMPTY.format(record=4))
    bundle, text = bundled(third, tmp_path / "gap.zip")
    assert holes_of(bundle, "pbx-2") == [("erased", 1, "pbx-2"), ("deleted", 3, None)]
    assert (bundle["verdict"], "pbx-2: leaf 3: GONE, and no note says why" in text) == ("gaps", True)


@pytest.mark.sample(1)
@pytest.mark.parametrize("change", ["damaged", "of another note", "of another key", "missing"])
def test_a_list_that_is_not_the_notes_excuses_nothing(
    meeting: Pair, server: Postgres, tmp_path: Path, change: str
) -> None:
    """Whoever can write to the database can make a gap by it, and hide none."""
    one, _other, third = three(meeting, 1, 1, 0)
    retired(one, "pbx-2")
    erased(one)
    ((_box, record, sealed),) = server.sql(LISTS)
    assert isinstance(sealed, bytes)
    key = one.acme.key
    opened = envelopes.unseal(envelopes.LIST, sealed, [key])
    assert opened is not None
    changed = {
        "damaged": sealed[:-1] + bytes([sealed[-1] ^ 1]),
        "of another note": envelopes.seal(envelopes.LIST, opened.replace(b"pbx-2/1 1", b"pbx-2/1 2"), key),
        "of another key": envelopes.seal(envelopes.LIST, opened, OTHER_KEY),
        "missing": b"",
    }[change]
    value = f"'\\x{changed.hex()}'"
    server.sql(
        f"UPDATE informativa.record SET sealed_list = {value} WHERE box = 'pbx-1' AND record = {record}"
    )
    bundle, _text = bundled(third, tmp_path / "bundle.zip")
    assert (holes_of(bundle, "pbx-2"), bundle["verdict"]) == ([("deleted", 1, None)], "gaps")


def test_i9_a_list_is_sealed_for_the_boxes_of_the_company(meeting: Pair, server: Postgres) -> None:
    """I9: whoever has the database alone learns not which calls were one caller's."""
    one, _other, _third = three(meeting, 1, 1, 0)
    retired(one, "pbx-2")
    erased(one)
    ((box, record, sealed),) = server.sql(LISTS)
    assert isinstance(sealed, bytes)
    assert (box, record, b"pbx" in sealed) == ("pbx-1", 4, False)
    opened = envelopes.unseal(envelopes.LIST, sealed, [OTHER_KEY, one.acme.key])
    ((epoch, index),) = LogFolder(Path(one.acme.ledger)).private_lists()
    assert opened == LogFolder(Path(one.acme.ledger)).private_list(epoch, index)


def exchange(box: Installation, *keys: bytes) -> Exchange:
    """The exchange of that box, with these keys of the company."""
    acme, shared = box.configuration.controllers["acme"], box.configuration.shared
    assert shared is not None
    return Exchange(storage.store(acme), connect(shared, "acme"), shared, "acme", keys=keys)


def test_lists_of_earlier_notes_come_when_the_box_connects(meeting: Pair, server: Postgres) -> None:
    """An earlier informativa sent none; and after a change of keys they are sealed under the new one, for
    boxes that have no other any more."""
    one, _other, _third = three(meeting, 1, 1, 0)
    erased(one)
    server.sql("UPDATE informativa.record SET sealed_list = NULL")
    for keys in ((KEY,), (OTHER_KEY, KEY), (OTHER_KEY, KEY)):
        with closing(exchange(one, *keys)) as own:
            own.erase()
        ((_box, _record, sealed),) = server.sql(LISTS)
        assert isinstance(sealed, bytes)
        assert envelopes.unseal(envelopes.LIST, sealed, keys[:1])
    before = sealed
    assert server.sql(LISTS)[0][2] == before  # it is not sent once more for nothing


@pytest.mark.sample(1)
@pytest.mark.parametrize("left", [False, True])
def test_i9_a_list_that_nobody_needs_any_more_goes(
    meeting: Pair, server: Postgres, monkeypatch: pytest.MonkeyPatch, *, left: bool
) -> None:
    """I9: once its box has deleted it, since all that it names was purged. One that is only missing there
    stays, and so does one that names a leaf of a box that left, which no purge here takes."""
    one, _other, _third = three(meeting, 1, 1, 0)
    if left:
        retired(one, "pbx-2")
    erased(one)
    folder = LogFolder(Path(one.acme.ledger))
    for epoch, index in folder.private_lists():
        folder.drop_private_list(epoch, index)
    for useless in (False, True):
        monkeypatch.setattr(private_lists, "_is_useless", lambda *_args, useless=useless: useless)
        with closing(exchange(one, one.acme.key)) as own:
            own.erase()
        assert bool(server.sql(LISTS)) is (left or not useless)
