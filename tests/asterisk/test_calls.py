"""Real SIP calls into a real Asterisk: what the caller hears, what the dialplan is told, what is recorded."""

from __future__ import annotations

import base64
import hashlib
import shutil
from pathlib import Path

import pytest

from lab import audio
from lab.office import spool, without_privileges

from .site import Site

pytestmark = pytest.mark.sample(1)  # by day on one of the two, which the seed draws


def test_notice_is_heard_once_and_whole(site: Site) -> None:
    """A first caller hears the notice from its first to its last sample; calling again, nothing of it."""
    first, second = site.call(), site.call("+390212345678")
    assert (first.status, first.reason, first.record) == ("PLAYED", "not-informed", "2")
    assert first.heard == site.heard_whole("it/short", "after")
    assert (second.status, second.reason, second.record) == ("NOTDUE", "already-informed", "3")
    assert second.heard == site.heard_whole("after")
    played, notdue = (record.event for record in site.office.records())
    assert (played.heard.ending, played.heard.seconds, played.heard.length) == ("whole", 1.5, 1.5)
    assert (notdue.status, notdue.basis) == ("NOTDUE", 2)


def test_shipped_notice_is_heard_whole(site: Site, tmp_path: Path) -> None:
    """The Italian notice that the project ships is heard whole, once, through the telephone's codec."""
    site.office.command("init", tmp_path / "shipped")
    shipped = tmp_path / "shipped/prompts/it/short.wav"
    shutil.copy(shipped, site.office.folder / "prompts/it/short.wav")
    site.prompts["it/short"] = audio.read_wav(shipped)
    site.configure(('version: "2026-11"', 'version: "2026-12"'))
    assert site.call().heard == site.heard_whole("it/short", "after")


@pytest.mark.sample(2)
@pytest.mark.parametrize("seconds", [0.2, 0.7, 1.2])
def test_i2_hang_up_during_the_notice(site: Site, seconds: float) -> None:
    """I2: whoever hangs up in the middle has a partial delivery as long as he heard, and hears it again."""
    site.lengthen()
    call = site.dial()
    call.wait_heard(seconds, 30)
    call.hang_up()
    outcome = site.over(call)
    assert (outcome.status, outcome.reason, outcome.record) == ("PARTIAL", "hung-up", "2")
    (record,) = site.office.records()
    assert seconds - 0.1 <= record.event.heard.seconds < 4.0
    assert record.event.heard.ending == "hung-up"
    again = site.call()
    assert (again.status, again.record) == ("PLAYED", "3")
    assert again.heard == site.heard_whole("it/short", "after")


def test_key_plays_the_full_text(site: Site) -> None:
    """The key that the notice names plays the full text, and who hears that out is informed."""
    site.lengthen()
    call = site.dial()
    call.wait_heard(0.7, 30)
    call.press("1")
    outcome = site.over(call)
    assert (outcome.status, outcome.record) == ("PLAYED", "2")
    assert outcome.heard.pop("it/short")[0] < 3.9
    assert outcome.heard == site.heard_whole("it/full", "after")
    assert site.office.records()[0].event.prompt.endswith("it/full")
    assert site.call().status == "NOTDUE"


def test_other_keys_do_nothing(site: Site) -> None:
    """A key that means nothing does not stop the notice."""
    call = site.dial()
    call.wait_heard(0.3, 30)
    call.press("5")
    assert site.over(call).heard == site.heard_whole("it/short", "after")


def test_channel_is_answered_before_the_notice(site: Site) -> None:
    """An unanswered channel is answered first, so that the notice is not lost in early media."""
    call = site.dial()
    call.wait_heard(0.2, 30)
    assert call.answered
    assert not call.early
    assert site.over(call).heard == site.heard_whole("it/short", "after")


def test_prompt_that_vanished(site: Site) -> None:
    """A prompt whose file is gone is a failure of its own, not a delivery; the call goes on."""
    (site.office.folder / "prompts/it/short.wav").unlink()
    outcome = site.call()
    assert (outcome.status, outcome.reason, outcome.record) == ("FAILED", "not-playable", "2")
    assert outcome.heard == site.heard_whole("after")
    assert site.office.records()[0].event.status == "FAILED"
    assert site.call().status == "FAILED"


def test_prompt_that_cannot_be_read(site: Site) -> None:
    """A prompt that cannot be decoded or opened is not played: nobody could say what is heard."""
    prompt = site.office.folder / "prompts/it/short.wav"
    prompt.write_bytes(b"no sound at all")
    prompt.chmod(0)
    outcome = site.call()
    assert (outcome.status, outcome.reason) == ("FAILED", "recording-changed")
    assert outcome.heard == site.heard_whole("after")


@pytest.mark.sample(2)
@pytest.mark.parametrize("way", ["service", "script"])
def test_i2_silence_in_place_of_the_prompt_is_not_played(site: Site, way: str) -> None:
    """I2: silence of the same length, written under a running service or before a script, is refused and the
    notice stays due; the recording back, the next call hears it, and the record names its sound."""
    if way == "script":
        site.office.stop()
    prompt = site.office.folder / "prompts/it/short.wav"
    right = prompt.read_bytes()
    prompt.write_bytes(right[:44] + bytes(len(right) - 44))
    for _ in range(2):
        outcome = site.call()
        assert (outcome.status, outcome.reason) == ("FAILED", "recording-changed")
        assert outcome.heard == site.heard_whole("after")
    log = site.pbx.log.read_text(errors="replace") if way == "script" else site.office.log_text
    assert f"{prompt} is not the recording any more" in log
    prompt.write_bytes(right)
    outcome = site.call()
    assert (outcome.status, outcome.heard) == ("PLAYED", site.heard_whole("it/short", "after"))
    assert site.call().status == "NOTDUE"
    events = [record.event for record in site.office.records()]
    assert [event.status for event in events] == ["FAILED", "FAILED", "PLAYED", "NOTDUE"]
    digest = hashlib.sha256(f'{{"wav":"{hashlib.sha256(right).hexdigest()}"}}'.encode()).hexdigest()
    assert [event.recording for event in events] == ["", "", digest, ""]


def test_i2_silence_that_comes_in_the_middle_of_the_prompt(site: Site) -> None:
    """I2: Asterisk reads the file as it plays, so what changes meanwhile is heard, and is no delivery."""
    prompt = site.office.folder / "prompts/it/short.wav"
    call = site.dial()
    call.wait_heard(0.3, 30)
    with prompt.open("r+b") as opened:
        opened.seek(44)
        opened.write(bytes(prompt.stat().st_size - 44))
    outcome = site.over(call)
    assert (outcome.status, outcome.reason) == ("FAILED", "recording-changed")
    (record,) = site.office.records()
    assert (record.event.status, record.event.recording) == ("FAILED", "")


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "name",
    [
        b'"Mario" \\"il re\\" \\',
        b"x, SIP/evil;${SHELL(id)}",
        b"caff\xe8 \xff",
        "caffè 😀".encode(),
        b"x" * 500,
        b"%0Aagi_callingpres: 32%0D%0A",
    ],
    ids=["quotes", "dialplan", "latin1", "utf8", "long", "escaped"],
)
def test_caller_id_name_is_only_a_name(site: Site, name: bytes) -> None:
    """Whatever a caller calls himself, he hears the notice once and is recognised by his number."""
    assert [site.call(name=name).status for _ in range(2)] == ["PLAYED", "NOTDUE"]


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "name",
    [
        "x\nagi_callerid: +393330000000",
        "x\nagi_arg_0: +493012345678",
        "x\nagi_arg_3: action=read",
        "x\nagi_threadid: 1\nagi_arg_1: +493012345678\n",
        "x\n\n200 result=0 endpos=12000",
    ],
    ids=["number", "line", "option", "environment", "replies"],
)
def test_i1_line_break_in_the_name_makes_nobody_known(site: Site, name: str) -> None:
    """I1: a name with a line break, which only a dialplan can make, never leads to a skipped notice."""
    encoded = base64.b64encode(name.encode()).decode()
    site.edit_dialplan(
        "1,Gosub(informativa",
        f"1,Set(CALLERID(name)=${{BASE64_DECODE({encoded})}})\n same => n,Gosub(informativa",
    )
    for _ in range(2):
        outcome = site.call()
        assert outcome.status in {"PLAYED", "FALLBACK"}
        assert outcome.reason != "not-informed"
        prompt = "it/short" if outcome.status == "PLAYED" else "it/short-nokey"
        assert outcome.heard[prompt][-1:] == site.heard_whole(prompt)[prompt]
        assert outcome.heard["after"]


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("caller", "reason"),
    [
        ({"number": None, "withheld": True}, "withheld"),
        ({"number": "+393331234567", "withheld": True}, "withheld"),
        ({"number": None}, "withheld"),
        ({"number": "unknown"}, "withheld"),
        ({"number": "1" * 40}, "malformed"),
        ({"number": "mario.rossi"}, "malformed"),
        ({"number": "anonymous"}, "withheld"),
    ],
    ids=["withheld", "withheld-with-number", "absent", "unknown", "40-digits", "letters", "anonymous"],
)
def test_i1_unidentified_caller_hears_it_every_time(site: Site, caller: dict, reason: str) -> None:
    """I1: who cannot be recognised hears the whole notice at every call, and is recorded as nobody."""
    for _ in range(2):
        outcome = site.call(**caller)
        assert (outcome.status, outcome.reason) == ("PLAYED", reason)
        assert outcome.heard == site.heard_whole("it/short", "after")
    assert [record.event.pseudonym for record in site.office.records()] == [None, None]


def test_i6_another_company_is_another_controller(site: Site) -> None:
    """I6: a caller whom one company informed hears the other's notice, and the records share nothing."""
    assert site.call().status == "PLAYED"
    outcome = site.call("+493012345678")
    assert (outcome.status, outcome.reason) == ("PLAYED", "not-informed")
    assert outcome.heard == site.heard_whole("de/short", "after")
    (acme,), (borealis,) = site.office.records("acme"), site.office.records("borealis")
    assert acme.event.pseudonym != borealis.event.pseudonym


def test_line_that_nobody_configured(site: Site) -> None:
    """I1: on a line without settings the fallback prompt plays every time, and the proof is in AstDB."""
    for count in (1, 2):
        outcome = site.call("0299999999")
        assert (outcome.status, outcome.reason) == ("FALLBACK", "no-line")
        assert outcome.heard == site.heard_whole("it/short-nokey", "after")
        rows = spool(site.pbx)
        assert len(rows) == count
        assert rows[outcome.record.removeprefix("spool:")]["ending"] == "whole"


def test_i4_script_takes_over_from_a_service_that_is_down(site: Site) -> None:
    """I4: with no service the classic script does the same on the same ledger; the service knows later."""
    site.office.stop()
    first, second = site.call(), site.call()
    assert (first.status, first.record, second.status) == ("PLAYED", "2", "NOTDUE")
    assert first.heard == site.heard_whole("it/short", "after")
    assert second.heard == site.heard_whole("after")
    site.office.start()
    assert site.call().status == "NOTDUE"


def test_hang_up_while_the_script_plays(site: Site) -> None:
    """I2: the script records a hang-up as the service does."""
    site.lengthen()
    site.office.stop()
    call = site.dial()
    call.wait_heard(0.7, 30)
    call.hang_up()
    outcome = site.over(call)
    assert (outcome.status, outcome.reason) == ("PARTIAL", "hung-up")
    assert 0.6 <= site.office.records()[0].event.heard.seconds < 4.0


def test_i4_dialplan_plays_when_neither_service_nor_script_can(site: Site) -> None:
    """I4: service down and configuration gone: the dialplan plays the line's prompt, in the words that name
    no key since it hears none, and the call goes on."""
    site.office.stop()
    site.office.config.unlink()
    outcome = site.call("+493012345678")
    assert (outcome.status, outcome.reason) == ("FALLBACK", "service-unavailable")
    assert outcome.heard == site.heard_whole("de/short-nokey", "after")
    ((key, row),) = spool(site.pbx).items()
    assert outcome.record == f"spool:{key}"
    assert row["line"] == "+493012345678"
    assert row["prompt"] == str(site.office.folder / "prompts/de/short-nokey")
    assert row["ending"] == "whole"
    assert site.office.records() == []


def test_each_playback_of_one_call_has_its_own_proof(site: Site) -> None:
    """Two notices in one call, as after a transfer, are two rows of the spool."""
    site.office.stop()
    site.office.config.unlink()
    site.edit_dialplan(
        " same => n,Playback(", " same => n,Gosub(informativa,s,1(+493012345678))\n same => n,Playback("
    )
    outcome = site.call()
    assert outcome.heard == site.heard_whole("it/short-nokey", "de/short-nokey", "after")
    assert sorted(row["line"] for row in spool(site.pbx).values()) == ["+493012345678", "0212345678"]


def test_i5_wrong_line_is_not_written_down(site: Site) -> None:
    """I5: a dialplan that passes the caller's number as the line puts it nowhere."""
    site.edit_dialplan("informativa,s,1(${EXTEN})", "informativa,s,1(${CALLERID(num)})")
    assert site.call().reason == "no-line"
    site.office.stop()
    site.office.config.unlink()
    assert site.call().reason == "service-unavailable"
    assert len(spool(site.pbx)) == 2
    assert "3331234567" not in f"{spool(site.pbx)}{site.office.log_text}"


def test_i3_ledger_deleted_under_the_service(site: Site) -> None:
    """I3: nothing is acknowledged into a file that is gone: the caller hears it and AstDB has the proof."""
    assert site.call().status == "PLAYED"
    for file in (site.office.folder / "ledger").glob("acme.sqlite3*"):
        file.unlink()
    outcome = site.call()
    assert (outcome.status, outcome.reason) == ("FALLBACK", "ledger-unavailable")
    assert outcome.heard == site.heard_whole("it/short", "after")
    assert len(spool(site.pbx)) == 1
    assert "was deleted or replaced while in use" in site.office.log_text


def test_hang_up_while_the_dialplan_plays(site: Site) -> None:
    """I2: a hang-up during the dialplan's own playback is in the spool as a hang-up."""
    site.lengthen()
    site.office.stop()
    site.office.config.unlink()
    outcome = site.hang_up_early()
    assert (outcome.status, outcome.record[:6]) == ("FALLBACK", "spool:")
    ((_, row),) = spool(site.pbx).items()
    assert row["ending"] == "hung-up"


def test_dialplan_with_no_prompt_left(site: Site) -> None:
    """When even the prompt is gone the status says so, and the call goes on."""
    site.office.stop()
    site.office.config.unlink()
    (site.office.folder / "prompts/it/short-nokey.wav").unlink()
    outcome = site.call()
    assert (outcome.status, outcome.reason) == ("FAILED", "service-unavailable")
    assert outcome.heard == site.heard_whole("after")
    ((_, row),) = spool(site.pbx).items()
    assert row["ending"] == "not-playable"


def test_read_only_ledger_plays_and_leaves_the_proof_in_the_spool(site: Site) -> None:
    """A ledger that cannot be written: the caller hears the notice each time, the record goes to AstDB."""
    assert site.call().status == "PLAYED"
    site.office.stop()
    site.edit_dialplan(f"AGI({site.office.config}.agi", f"AGI({_wrapper(site)}")
    folder = site.office.folder / "ledger"
    ledger = folder / "acme.sqlite3"
    before = ledger.read_bytes()
    ledger.chmod(0o400)
    folder.chmod(0o500)
    try:
        outcome = site.call()
    finally:
        folder.chmod(0o700)
        ledger.chmod(0o600)
    assert (outcome.status, outcome.reason) == ("FALLBACK", "ledger-unavailable")
    assert outcome.heard == site.heard_whole("it/short", "after")
    ((key, row),) = spool(site.pbx).items()
    assert outcome.record == f"spool:{key}"
    assert (row["ending"], row["line"]) == ("whole", "+390212345678")
    assert ledger.read_bytes() == before
    assert len(site.office.records()) == 1


def _wrapper(site: Site) -> Path:
    """The script, started so that it obeys file modes even where the tests run as root."""
    wrapper = site.office.folder / "agi.sh"
    wrapper.write_text(f'#!/bin/sh\nexec {" ".join(without_privileges())} {site.office.config}.agi "$@"\n')
    wrapper.chmod(0o755)
    return wrapper


def test_i3_service_killed_during_the_notice(site: Site) -> None:
    """I3: after kill -9 nothing recorded is lost, the call hears a whole notice, and the service goes on."""
    assert site.call(number="+393330000001").record == "2"
    call = site.dial()
    call.wait_heard(0.5, 30)
    site.office.kill()
    outcome = site.over(call)
    assert (outcome.status, outcome.record) == ("PLAYED", "3")
    assert [pytest.approx(1.5, abs=0.1)] == outcome.heard["it/short"][-1:]
    assert outcome.heard["after"]
    site.office.start()
    assert site.call().status == "NOTDUE"
    assert site.call(number="+393330000001").status == "NOTDUE"
    assert [record.number for record in site.office.records()] == [2, 3, 4, 5]


def test_i5_no_number_in_what_is_kept(site: Site) -> None:
    """I5: neither the ledgers, nor the service's log, nor the spool hold the number in any spelling."""
    site.call()
    site.call(number="+393331234567", withheld=True)
    site.call("0299999999")
    site.office.stop()
    site.call(number="+393331234567", to="+493012345678")
    site.office.config.rename(site.office.folder / "gone")
    site.call()
    stored = str(spool(site.pbx)).encode()
    for file in (*site.office.folder.glob("ledger/**/*"), site.office.log):
        stored += file.read_bytes() if file.is_file() else b""
    assert b"3331234567" not in stored
    assert b"PLAYED" in stored


def test_dialplan_loads_without_a_warning(site: Site) -> None:
    """Asterisk reads the dialplan, and these calls through it, without a warning or an error of ours."""
    site.call()
    assert [line for line in site.pbx.warnings() if "informativa" in line or "pbx" in line] == []
