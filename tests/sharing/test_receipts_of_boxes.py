"""Receipts that one box makes of another's records, by what is in a real PostgreSQL."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from commands import typed
from doubles import CALLER
from evidence import independent
from examples import AT, PLAYED
from informativa.call.caller import pseudonym
from informativa.evidence.receipt import Receipt
from informativa.ledgers import expiry
from informativa.operations.evidence import logs
from informativa.process import storage
from informativa.sharing.connection import connect
from informativa.sharing.exchange import Exchange
from lab.postgres import Postgres
from sharing.installation import HE, Installation, of

Pair = tuple[Installation, Installation]


def proven(box: Installation) -> str:
    """Sign what was recorded there, and send all of it; the key of its log."""
    acme, shared = box.acme, box.configuration.shared
    assert shared is not None
    key = str(logs.checkpoint(acme).key)
    with closing(Exchange(storage.store(acme), connect(shared, "acme"), shared, "acme")) as own:
        while own.erase() or own.send() or own.receive() or own.send_proofs():
            pass
    return key


@pytest.fixture
def informed(meeting: Pair) -> tuple[Installation, Installation, str]:
    """Both boxes told the same caller, the other one twice; and the key of that one."""
    one, other = meeting
    one.record()
    other.record()
    other.record(replace(PLAYED, at=AT.replace(day=25)))
    proven(one)
    return one, other, proven(other)


def test_a_receipt_for_a_record_of_another_box(
    informed: tuple[Installation, Installation, str], tmp_path: Path
) -> None:
    """Holds by the other box's key, for two verifiers, and by no other."""
    one, _other, key = informed
    code, out, _error = typed("evidence", "receipt", 2, "--box", "pbx-2", "-o", tmp_path, *of(one))
    file = tmp_path / "acme-pbx-2-2.tlog-proof"
    assert (code, out.splitlines()[0]) == (0, f"record 2 of pbx-2: {file}")
    assert typed("evidence", "verify", file, "--key", key)[0] == 0
    assert independent.check(file.read_bytes(), key)["number"] == 2
    own = json.loads(typed("evidence", "key", "--json", *of(one))[1])
    assert typed("evidence", "verify", file, "--key", own["keys"][0]["key"])[0] == 1


def test_receipts_of_a_caller_are_of_all_boxes(
    informed: tuple[Installation, Installation, str], tmp_path: Path
) -> None:
    """With the key that opens each for his number: the company's is the same on all."""
    one, _other, key = informed
    code, out, _error = typed(
        "evidence", "receipt", "--from", CALLER, "--open", "-o", tmp_path, "--json", *of(one)
    )
    assert code == 0
    assert [(receipt["box"], receipt["record"]) for receipt in json.loads(out)["receipts"]] == [
        (None, 1),
        ("pbx-2", 1),
        ("pbx-2", 2),
    ]
    file = tmp_path / "acme-pbx-2-1.tlog-proof"
    assert typed("evidence", "verify", file, "--key", key, "--number", CALLER)[0] == 0


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            "UPDATE acme.record SET status = 'INFORMED' WHERE box = 'pbx-2' AND record = 2",
            "Record 2 of pbx-2 is not",
        ),
        (
            "UPDATE acme.record SET salt_what = set_byte(salt_what, 0, get_byte(salt_what, 0) # 1)",
            "Record 2 of pbx-2 is not",
        ),
        (
            "UPDATE acme.record SET who = set_byte(who, 0, get_byte(who, 0) # 1), salt_who = NULL",
            "Record 2 of pbx-2 is not",
        ),
        ("UPDATE acme.record SET leaf = 0 WHERE box = 'pbx-2' AND record = 2", "Record 2 of pbx-2 is not"),
        (
            "UPDATE acme.tile SET hashes = set_byte(hashes, 8, get_byte(hashes, 8) # 1)",
            "/1 is not what was signed",
        ),
        ("UPDATE acme.checkpoint SET note = replace(note, E'\\n2\\n', E'\\n3\\n')", "signature"),
    ],
)
def test_what_was_changed_in_the_database_proves_nothing(
    informed: tuple[Installation, Installation, str],
    server: Postgres,
    tmp_path: Path,
    change: str,
    says: str,
) -> None:
    """No receipt is made of it, and it says which of the two was changed: the record, or the tree."""
    one, _other, _key = informed
    server.sql(change.replace("acme.", "informativa."))
    code, _out, error = typed("evidence", "receipt", 2, "--box", "pbx-2", "-o", tmp_path, *of(one))
    assert code == 1
    assert says in error
    assert list(tmp_path.glob("*.tlog-proof")) == []


def test_a_record_that_only_its_own_box_can_prove(
    informed: tuple[Installation, Installation, str],
    server: Postgres,
    tmp_path: Path,
) -> None:
    """An earlier informativa sent it: alone it is an error that names the box, among others it is told."""
    one, _other, _key = informed
    server.sql("""UPDATE informativa.record SET leaf = NULL WHERE box = 'pbx-2' AND record = 2""")
    code, _out, error = typed("evidence", "receipt", 2, "--box", "pbx-2", "-o", tmp_path, *of(one))
    assert code == 1
    assert "Nothing here proves record 2 of pbx-2." in error
    code, out, _error = typed("evidence", "receipt", "--from", CALLER, "-o", tmp_path, *of(one))
    assert (code, out.splitlines()[2]) == (0, "record 2 of pbx-2: nothing here proves it; ask that box")


def test_a_record_that_waits_for_a_checkpoint_of_its_box(
    informed: tuple[Installation, Installation, str], tmp_path: Path
) -> None:
    """It is there already, and the tree does not have it yet."""
    one, other, _key = informed
    other.record()
    other.exchange()
    code, _out, error = typed("evidence", "receipt", 3, "--box", "pbx-2", "-o", tmp_path, *of(one))
    assert (code, "Record 3 of pbx-2 is in no checkpoint yet." in error) == (1, True)


def test_an_erased_record_of_another_box_is_proven_without_its_person(
    informed: tuple[Installation, Installation, str], tmp_path: Path
) -> None:
    """Its facts stay in the tree; whom it was about opens nothing any more, on no box."""
    one, other, key = informed
    assert typed("caller", "erase", CALLER, "--yes", *of(one))[0] == 0
    proven(other)
    code, _out, _error = typed("evidence", "receipt", 2, "--box", "pbx-2", "-o", tmp_path, *of(one))
    assert code == 0
    data = (tmp_path / "acme-pbx-2-2.tlog-proof").read_bytes()
    assert isinstance(Receipt.parse(data).who, bytes)
    assert independent.check(data, key)["status"] == "PLAYED"


def test_no_box_without_a_database(folder: Path) -> None:
    """Whoever names a box where there are none is told so."""
    code, _out, error = typed(
        "evidence",
        "receipt",
        1,
        "--box",
        "pbx-2",
        "-c",
        folder / "informativa.yaml",
        "--controller",
        "acme",
    )
    assert code == 1
    assert "There are no other boxes" in error


def test_a_bundle_of_all_boxes(informed: tuple[Installation, Installation, str], tmp_path: Path) -> None:
    """Records of both in one table, a log each, and every proof holds for the second verifier by the key of
    its own box, and by no other."""
    one, _other, key = informed
    file = tmp_path / "bundle.zip"
    code, out, error = typed(*bundled(file), "--json", *of(one))
    assert (code, error) == (0, "")
    document = json.loads(out)
    assert (document["records"], document["receipts"], document["gone"]) == (3, 3, 0)
    with zipfile.ZipFile(file) as opened:
        files = {info.filename.split("/", 1)[1]: opened.read(info) for info in opened.infolist()}
    lines = [json.loads(line) for line in files["records.jsonl"].splitlines()]
    assert [(line["box"], line["number"]) for line in lines] == [("pbx-1", 1), ("pbx-2", 1), ("pbx-2", 2)]
    table = list(csv.DictReader(io.StringIO(files["records.csv"].decode())))
    assert [row["box"] for row in table] == ["pbx-1", "pbx-2", "pbx-2"]
    keys = {log["box"]: log["key"] for log in document["logs"]}
    assert keys["pbx-2"] == key
    proofs = {name: data for name, data in files.items() if name.startswith("receipts/")}
    assert sorted(proofs) == [
        "receipts/pbx-1/0-999/acme-pbx-1-1.tlog-proof",
        "receipts/pbx-2/0-999/acme-pbx-2-1.tlog-proof",
        "receipts/pbx-2/0-999/acme-pbx-2-2.tlog-proof",
    ]
    for name, data in proofs.items():
        box = name.split("/")[1]
        independent.check(data, keys[box])
        assert files[f"log/{box}/1/key"].decode().strip() == keys[box]
        assert data.endswith(files[f"log/{box}/1/checkpoint"])
        with pytest.raises((AssertionError, ValueError)):
            independent.check(data, keys["pbx-1" if box == "pbx-2" else "pbx-2"])
    assert "pbx-1, pbx-2" in files["README.txt"].decode()


def test_a_bundle_says_which_boxes_are_behind(
    informed: tuple[Installation, Installation, str], tmp_path: Path
) -> None:
    """An auditor does not take it as whole: in it, on the screen and for programs stands which box has sent
    how much less than it recorded, and when it was last heard of; and nothing of that once it has."""
    one, other, _key = informed
    other.record(replace(PLAYED, at=AT.replace(day=26)))
    acme, shared = other.configuration.controllers["acme"], other.configuration.shared
    assert shared is not None
    # Which says how far it is.
    Exchange(storage.store(acme), connect(shared, "acme"), shared, "acme").close()
    _code, out, _error = typed(*bundled(tmp_path / "behind.zip"), *of(one))
    for text in (out, _readme(tmp_path / "behind.zip")):
        assert "NOT WHOLE" in text
        assert "pbx-2: 1 record not sent yet" in " ".join(text.split())
        assert "pbx-1: " not in text
    _code, out, _error = typed(*bundled(tmp_path / "json.zip"), "--json", *of(one))
    document = json.loads(out)
    assert [(entry["box"], entry["behind"]) for entry in document["incomplete"]] == [("pbx-2", 1)]
    proven(other)
    _code, out, _error = typed(*bundled(tmp_path / "whole.zip"), *of(one))
    assert "NOT WHOLE" not in out + _readme(tmp_path / "whole.zip")


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("last_seen", "retired", "named"),
    [
        pytest.param("2026-11-20", None, True, id="silent since before the period's end"),
        pytest.param("2026-12-01", None, False, id="silent, but heard of after the period"),
        pytest.param("2026-11-20", "2026-11-25", True, id="left long after it was last heard of"),
        pytest.param("2026-11-20 10:00:00", "2026-11-20 10:00:30", False, id="left, heard of until then"),
        pytest.param("2026-10-01", "2026-10-20", False, id="left before the period"),
    ],
)
def test_a_bundle_names_boxes_that_nothing_was_heard_of(
    informed: tuple[Installation, Installation, str],
    server: Postgres,
    tmp_path: Path,
    last_seen: str,
    retired: str | None,
    named: bool,
) -> None:
    """A box without a word since before the period's end may have recorded more than it ever said."""
    one, _other, _key = informed
    left = f"'{retired} UTC'" if retired else "NULL"
    server.sql(
        f"""UPDATE informativa.box SET seen = '{last_seen} UTC' WHERE box = 'pbx-2';
        UPDATE informativa.ledger SET retired = {left} WHERE box = 'pbx-2'"""
    )
    server.sql("""UPDATE informativa.box SET seen = '2027-01-01 UTC' WHERE box = 'pbx-1'""")
    file = tmp_path / "bundle.zip"
    code, out, error = typed(*bundled(file), *of(one))
    assert (code, error) == (0, "")
    for text in (out, _readme(file)):
        assert ("NOT WHOLE" in text, "pbx-2: last heard of 2026-" in " ".join(text.split())) == (named, named)
        assert ("left for good on 2026-" in " ".join(text.split())) == bool(named and retired)


def _readme(file: Path) -> str:
    with zipfile.ZipFile(file) as opened:
        (name,) = (member for member in opened.namelist() if member.endswith("README.txt"))
        return opened.read(name).decode()


def test_a_bundle_of_all_boxes_after_erasure_and_purge(
    informed: tuple[Installation, Installation, str], tmp_path: Path
) -> None:
    """The erased are facts without a person, the purged are counted, and what says so is there."""
    one, other, _key = informed
    other.record(replace(PLAYED, at=AT.replace(day=20)))
    proven(other)
    assert typed("caller", "erase", CALLER, "--yes", *of(one))[0] == 0
    other.exchange()
    acme = other.configuration.controllers["acme"]
    with closing(storage.store(acme)) as store:
        assert expiry.purge(store, AT.replace(day=23), datetime(2026, 12, 2, tzinfo=UTC)) == 1
    proven(one)
    proven(other)
    file = tmp_path / "bundle.zip"
    code, out, _error = typed(*bundled(file, "2099-12-31"), "--json", *of(one))
    document = json.loads(out)
    assert (code, document["erased"], document["gone"]) == (0, 3, 1)
    with zipfile.ZipFile(file) as opened:
        content = b"".join(opened.read(info) for info in opened.infolist())
    assert pseudonym(HE, acme.key).hex().encode() not in content


def test_what_was_changed_in_the_database_stops_a_bundle(
    informed: tuple[Installation, Installation, str],
    server: Postgres,
    tmp_path: Path,
) -> None:
    """It names the record and its box, and leaves no file."""
    one, _other, _key = informed
    server.sql("""UPDATE informativa.record SET line = '+390600000000' WHERE box = 'pbx-2' AND record = 1""")
    file = tmp_path / "bundle.zip"
    code, _out, error = typed(*bundled(file), *of(one))
    assert (code, "Record 1 of pbx-2 is not what it was" in error, file.exists()) == (1, True, False)


def bundled(file: Path, last: str = "2026-11-30") -> tuple[object, ...]:
    """Return what makes a bundle of all boxes."""
    return "evidence", "bundle", "--from", "2026-11-01", "--to", last, "--all-boxes", "-o", file


def test_the_console_tells_how_far_other_boxes_are(informed: tuple[Installation, Installation, str]) -> None:
    """How many records each sent, how many of them its checkpoints have; or why nobody knows."""
    pytest.importorskip("starlette", reason="the extra `web` is not installed")
    from console.served import served

    one, other, _key = informed
    other.record(replace(PLAYED, at=AT.replace(day=26)))
    other.exchange()
    with served(one.file.parent) as office:
        officer = office.browser("compliance@acme")
        rows = officer.get("/acme/evidence").text.partition("Other boxes")[2]
        cells = [re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<td.*?>(.*?)</td>", rows, re.DOTALL)]
        assert cells[:4] == ["pbx-2", "3", "2", "0"]
        text = one.file.read_text()
        one.file.write_text(re.sub(r"hosts: \['127.0.0.1:\d+'\]", "hosts: ['127.0.0.1:1']", text))
        answer = officer.get("/acme/evidence")
        assert answer.status_code == 200
        assert "notice bad" in answer.text.partition("Other boxes")[2]
