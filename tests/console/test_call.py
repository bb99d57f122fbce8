"""One call on the console: its story, its sound, its proof."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from console.served import CALLER, ServedConsole
from evidence.receipts import HOSTILE, Company
from informativa.operations import calls


def test_story_has_the_whole_call(office: ServedConsole) -> None:
    """All records of the call stand together, each with its rule in words, what was heard, and what it rests
    on; what somebody else wrote is no markup."""
    page = office.browser("reader@acme").get("/acme/calls/3").text
    for number in ("1", "4", "5"):
        assert f'href="/acme/calls/{number}"' in page
    assert 'href="/acme/calls/6"' not in page  # another call
    assert "Heard: 7.7 of 17.4 seconds, until the caller pressed a key (key 9)." in page
    assert "nobody has told this caller to the end yet (GDPR 13(1))" in page
    assert "the telephone network" in page
    assert 'It rests on <a href="/acme/calls/1">record 1</a>' in page
    assert "<audio" in page
    paper = office.browser("reader@acme").get("/acme/calls/2").text
    assert HOSTILE not in paper
    assert "&lt;img src=x onerror" in paper


def test_neighbours_are_near(office: ServedConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many records around one are looked at for its call, at any size of the ledger."""
    monkeypatch.setattr(calls, "NEIGHBOURS", 1)
    story = calls.call_records(office.controller(), 4)
    assert story is not None
    assert [record.number for record in story.records] == [3, 4, 5]


@pytest.mark.parametrize("number", ["7", "0", "99999999999999999999999"])
def test_no_such_record_is_no_page(office: ServedConsole, number: str) -> None:
    """However large its number is."""
    assert office.browser("reader@acme").get(f"/acme/calls/{number}").status_code == 404


def test_sound_can_be_had_in_parts(office: ServedConsole) -> None:
    """A browser can go to the middle of it."""
    reader, file = office.browser("reader@acme"), Path(Company(office.folder).played.prompt + ".wav")
    recording = reader.get("/acme/calls/1/sound")
    assert (recording.status_code, recording.headers["content-type"]) == (200, "audio/wav")
    assert recording.content == file.read_bytes()
    part = reader.http.get("/acme/calls/1/sound", headers={"range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, file.read_bytes()[4:8])
    assert reader.get("/acme/calls/5/sound").status_code == 404  # nothing was played


def test_another_recording_is_not_passed_off(office: ServedConsole) -> None:
    """The page says that the recording is not the one that this caller heard, and does not play it."""
    played = Company(office.folder).played
    (number,) = office.record(replace(played, call="1700000003.1"))
    file = Path(played.prompt + ".wav")
    file.write_bytes(file.read_bytes() + b"\0\0")
    reader = office.browser("reader@acme")
    page = reader.get(f"/acme/calls/{number}").text
    assert "is not the one that this caller heard" in page
    assert "<audio" not in page
    assert reader.get(f"/acme/calls/{number}/sound").status_code == 404


def test_receipts_to_take_away(office: ServedConsole) -> None:
    """As an attachment, in which no caller's number stands."""
    officer = office.browser("compliance@acme")
    proof = officer.get("/acme/calls/1/receipt")
    assert proof.headers["content-disposition"] == 'attachment; filename="acme-1.tlog-proof"'
    assert proof.content.startswith(b"c2sp.org/tlog-proof@v1")
    assert CALLER.number[1:] not in proof.text


def test_a_receipt_waits_for_its_checkpoint(office: ServedConsole) -> None:
    """A record of this moment has none yet; the page says what to do."""
    (number,) = office.record(replace(Company(office.folder).played, call="1700000003.1"))
    answer = office.browser("compliance@acme").get(f"/acme/calls/{number}/receipt")
    assert answer.status_code == 409
    assert "Wait a minute" in answer.text
