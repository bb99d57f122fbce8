"""The snippets of dialplan/README.md, rung: each in a dialplan around it as its product has one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import conf
from lab.builds import Build
from lab.pbx import Pbx

from .pages import DIALPLAN, FREEPBX_AROUND, INCLUDE, configure, lay, section
from .site import Site

QUEUE = "Queue(customer-care)"
# How FreePBX brings a call into a Custom Destination with Return: its contexts and variables, written anew.
ROUTES = """\
[ext-did-0002]
exten => 0212345678,1,Set(__DIRECTION=INBOUND)
exten => 0212345678,n,Set(__FROM_DID=${EXTEN})
exten => 0212345678,n,Set(__CALLINGNUMPRES_SV=${CALLERID(num-pres)})
exten => 0212345678,n,Set(CALLERID(num-pres)=allowed_not_screened)
exten => 0212345678,n(dest-ext),Goto(customdests,dest-1,1)
[ext-did-0001]
exten => s,1,ExecIf($["${FROM_DID}" = ""]?Set(__FROM_DID=${EXTEN}))
exten => s,n,Goto(customdests,dest-1,1)
exten => _.,1,Set(__FROM_DID=${EXTEN})
exten => _.,n,Set(__CALLINGNUMPRES_SV=${CALLERID(num-pres)})
exten => _.,n,Goto(customdests,dest-1,1)
[customdests]
exten => dest-1,1,Noop(Entering Custom Destination privacy notice)
exten => dest-1,n,Gosub(informativa-freepbx,s,1())
exten => dest-1,n,Noop(Returned from Custom Destination privacy notice)
exten => dest-1,n,Goto(ext-queues,600,1)
[ext-callrecording]
exten => 1,1,MixMonitor(${UNIQUEID}.wav)
exten => 1,n,Goto(ext-queues,600,1)
"""
FREEPBX = FREEPBX_AROUND + ROUTES


@pytest.fixture(scope="module")
def pbx(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pbx]:
    """One Asterisk with queues."""
    folder = tmp_path_factory.mktemp("pbx")
    files = {"modules.conf": conf.modules(build, keep=["app_queue.so"]), "queues.conf": ""}
    with Pbx(build, folder, "", extra_files=files) as running:
        yield running


@pytest.fixture
def site(site_without_dialplan: Site) -> Site:
    """Each test lays the dialplan that it is about."""
    return site_without_dialplan


@pytest.fixture
def freepbx(site: Site, sounds: dict[str, Path]) -> Site:
    """A PBX whose trunk leads into FreePBX's contexts, with what `install --freepbx` shows in place."""
    lay(site, "from-trunk", FREEPBX + (DIALPLAN / "freepbx.conf").read_text() + INCLUDE, sounds)
    return site


def test_freepbx(freepbx: Site) -> None:
    """Through inbound route and Custom Destination with Return the notice plays once, on the route's number,
    and the call reaches its destination as FreePBX left it."""
    outcome = freepbx.call()
    assert (outcome.status, outcome.reason) == ("PLAYED", "not-informed")
    assert outcome.heard == freepbx.heard_whole("it/short", "after")
    (reached,) = freepbx.pbx.events("Reached")
    assert (reached["Line"], reached["Presentation"]) == ("0212345678", "allowed_not_screened")
    assert freepbx.call().status == "NOTDUE"
    assert freepbx.office.records()[0].event.line == "+390212345678"


def test_freepbx_withheld_number_makes_nobody_known(freepbx: Site) -> None:
    """A number that came along withheld is not recognised, although the inbound route shows it as allowed."""
    outcomes = [freepbx.call(withheld=True) for _ in range(2)]
    assert [(one.status, one.reason) for one in outcomes] == [("PLAYED", "withheld")] * 2


@pytest.mark.night
def test_freepbx_privacy_manager_makes_nobody_known(freepbx: Site, sounds: dict[str, Path]) -> None:
    """Where Privacy Manager says of every number that it may be shown, what it was is lost: it is played."""
    saved = "Set(__CALLINGNUMPRES_SV=${CALLERID(num-pres)})"
    text = FREEPBX.replace(saved, "Set(CALLERID(num-pres)=allowed_passed_screen)")
    lay(freepbx, "from-trunk", text + (DIALPLAN / "freepbx.conf").read_text() + INCLUDE, sounds)
    outcomes = [freepbx.call(withheld=True) for _ in range(2)]
    assert [(one.status, one.reason) for one in outcomes] == [("PLAYED", "withheld")] * 2
    assert freepbx.pbx.events("Reached")[0]["Presentation"] == "allowed_passed_screen"


def test_freepbx_hang_up_during_the_notice(freepbx: Site) -> None:
    """Who hangs up is PARTIAL, and FreePBX's own macro for the end of a call runs."""
    outcome = freepbx.hang_up_early()
    assert (outcome.status, outcome.reason) == ("PARTIAL", "hung-up")
    assert freepbx.pbx.events("HangupCall")[0]["Status"] == "PARTIAL"


def test_freepbx_without_our_file(freepbx: Site) -> None:
    """Where informativa.conf is missing, the call reaches its destination."""
    (freepbx.pbx.etc / "informativa.conf").unlink()
    freepbx.pbx.reload_dialplan()
    outcome = freepbx.call()
    assert (outcome.status, outcome.heard) == ("", freepbx.heard_whole("after"))


def test_freepbx_route_for_any_number(freepbx: Site, sounds: dict[str, Path]) -> None:
    """A route for any number hands over the number that was called, so each line is the one it is."""
    text = FREEPBX + (DIALPLAN / "freepbx.conf").read_text() + INCLUDE
    lay(freepbx, "from-trunk", text, sounds, to="390212345678")
    outcome = freepbx.call()
    assert (outcome.status, outcome.reason) == ("PLAYED", "not-informed")
    assert freepbx.office.records()[0].event.line == "+390212345678"


@pytest.mark.night
def test_freepbx_recordings_of_those_who_were_told(freepbx: Site, sounds: dict[str, Path]) -> None:
    """Whoever was told goes through the entry that records, whoever was not reaches the queue without it."""
    text = FREEPBX.replace("Gosub(informativa-freepbx,", "Gosub(informativa-freepbx-recorded,")
    text += section("FreePBX", "extensions_custom.conf") + (DIALPLAN / "freepbx.conf").read_text() + INCLUDE
    lay(freepbx, "from-trunk", text, sounds)
    calls = [freepbx.call(), freepbx.call(), freepbx.call("0299999999")]
    assert [call.status for call in calls] == ["PLAYED", "NOTDUE", "FALLBACK"]
    assert len(freepbx.pbx.events("Reached")) == 1
    assert [call.recording != "" for call in calls] == [True, True, False]
    assert all(freepbx.pbx.recording(call.recording).any() for call in calls[:2])


def test_freepbx_trunk_without_a_number(freepbx: Site, sounds: dict[str, Path]) -> None:
    """A trunk that sends no number has the line `s`, which is not configured: the fallback is heard."""
    text = FREEPBX + (DIALPLAN / "freepbx.conf").read_text() + INCLUDE
    lay(freepbx, "from-trunk", text, sounds, to="s")
    outcome = freepbx.call()
    assert (outcome.status, outcome.reason) == ("FALLBACK", "no-line")


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("verstat", "expected", "vouched"),
    [
        (
            ";verstat=TN-Validation-Passed",
            [("PLAYED", "not-informed"), ("NOTDUE", "already-informed")],
            "signature",
        ),
        (";user=phone;verstat=TN-Validation-Failed;x=y", [("PLAYED", "unverified")] * 2, None),
        (";verstat=Numero-OK", [("PLAYED", "unverified")] * 2, None),
        (";user=phone", [("PLAYED", "not-informed"), ("NOTDUE", "already-informed")], "nobody"),
    ],
    ids=["passed", "failed", "unknown", "none"],
)
def test_verstat_of_the_carriers_header(
    site: Site, sounds: dict[str, Path], verstat: str, expected: list[tuple[str, str]], vouched: str | None
) -> None:
    """What the carrier says of a number reaches the decision and the record; words that nobody knows are told
    once."""
    text = section("Numbers that the network checked", "extensions.conf")
    lay(site, "checked", text.replace("Queue(customer-care)", "Goto(after,600,1)"), sounds)
    header = f"P-Asserted-Identity: <sip:+393331234567{verstat}@carrier.example>"
    calls = [site.call(extra_headers=[header]) for _ in range(2)]
    assert [(one.status, one.reason) for one in calls] == expected
    assert {record.event.vouched for record in site.office.records()} == {vouched}
    assert site.office.log_text.count("which nobody understands") == int("Numero" in verstat)


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("title", "file", "context", "to"),
    [
        ("Plain Asterisk", "extensions.conf", "from-trunk-a", "${EXTEN}"),
        ("Plain Asterisk", "extensions.conf", "from-trunk-b", "account7"),
        ("Queues", "extensions.conf", "care", "${EXTEN}"),
    ],
)
def test_notice_once_and_then_on(
    site: Site, sounds: dict[str, Path], title: str, file: str, context: str, to: str
) -> None:
    """The caller hears the notice the first time and not the second, and goes on to where he should."""
    text = re.sub(r"Queue\(customer-care.*\)", "Goto(after,600,1)", section(title, file))
    lay(site, context, text, sounds, to)
    first, second = site.call(), site.call()
    assert (first.status, first.heard) == ("PLAYED", site.heard_whole("it/short", "after"))
    assert (second.status, second.heard) == ("NOTDUE", site.heard_whole("after"))


def test_several_companies(site: Site, sounds: dict[str, Path]) -> None:
    """Each company tells a caller for itself, also one who comes over from the other in the same call."""
    text = section("Several companies", "extensions.conf")
    text = text.replace("Queue(acme)", "Goto(after,600,1)").replace("Queue(borealis)", "NoOp()")
    lay(site, "companies", text, sounds)
    assert site.call("+493012345678").heard == site.heard_whole("de/short", "it/short", "after")
    outcome = site.call()
    assert (outcome.status, outcome.heard) == ("NOTDUE", site.heard_whole("after"))
    assert [len(site.office.records(name)) for name in ("acme", "borealis")] == [2, 1]


@pytest.mark.night
def test_country_notice(site: Site, sounds: dict[str, Path]) -> None:
    """The page's plan plays the country notice on every call, and the privacy notice once."""
    site.prompt("it/country", seed=22)
    configure(site, section("The country notice", "informativa.yaml"))
    text = section("Queues", "extensions.conf").replace("Queue(customer-care,,,,300)", "Goto(after,600,1)")
    lay(site, "care", text, sounds)
    assert site.call().heard == site.heard_whole("it/country", "it/short", "after")
    assert site.call().heard == site.heard_whole("it/country", "after")


def queue(site: Site, more: str, sounds: dict[str, Path]) -> None:
    """The page's queue, with a sound that is there and every second."""
    text = section("Queues", "queues.conf").replace("frequency = 60", "frequency = 1")
    after = str(sounds["after"]).removesuffix(".wav")
    text = text.replace("queue-periodic-announce", after)
    (site.pbx.etc / "queues.conf").write_text(text + more)
    site.pbx.cli("queue reload all")


@pytest.mark.night
def test_queue_begins_when_the_notice_is_over(site: Site, sounds: dict[str, Path]) -> None:
    """The queue's announcements come after the whole notice; who hangs up in it never was in the queue."""
    queue(site, "", sounds)
    lay(site, "care", section("Queues", "extensions.conf"), sounds)
    log = site.pbx.log.with_name("queue_log")
    before = log.read_text() if log.exists() else ""
    assert site.hang_up_early().status == "PARTIAL"
    assert "ENTERQUEUE" not in log.read_text().removeprefix(before)
    call = site.dial()
    call.wait_heard(4.5, 30)
    call.hang_up()
    outcome = site.over(call)
    assert outcome.status == "PLAYED"
    assert outcome.heard["it/short"] == site.heard_whole("it/short")["it/short"]
    assert "after" in outcome.heard
    assert re.findall("ENTERQUEUE|ABANDON", log.read_text().removeprefix(before)) == ["ENTERQUEUE", "ABANDON"]


def test_recording_only_after_the_notice(site: Site, sounds: dict[str, Path]) -> None:
    """Who was told of recordings is recorded, who knew only of the service hears it first, and who heard
    what the dialplan played by itself is not recorded."""
    text = section("Recording after the notice", "extensions.conf").replace(QUEUE, "Goto(after,600,1)")
    lay(site, "recorded", text, sounds)
    outcome = site.call()
    assert outcome.status == "PLAYED"
    assert site.pbx.recording(outcome.recording).any()
    site.prompt("it/recorded", seed=23)
    configure(site, section("Recording after the notice", "informativa.yaml"))
    lay(site, "recorded", text, sounds)
    outcome = site.call()
    assert (outcome.status, outcome.reason) == ("PLAYED", "new-purpose")
    assert outcome.heard == site.heard_whole("it/recorded", "after")
    knows = site.call()
    assert knows.status == "NOTDUE"
    assert all(site.pbx.recording(call.recording).any() for call in (outcome, knows))
    outcome = site.call("0299999999")
    assert (outcome.status, outcome.recording) == ("FALLBACK", "")


def test_told_by_the_operator(site: Site, sounds: dict[str, Path]) -> None:
    """A member of the queue presses *77, and the caller counts as told, by whom is on record."""
    (site.pbx.etc / "features.conf").write_text(section("Told by the operator", "features.conf"))
    site.pbx.cli("module reload features")
    operators = "\n[operators]\nexten => 1,1,Answer()\n same => n,Wait(0.5)\n same => n,SendDTMF(*77)\n"
    text = section("Told by the operator", "extensions.conf").replace(
        "#tryinclude", operators + " same => n,Wait(2)\n same => n,Hangup()\n#tryinclude"
    )
    lay(site, "told-by-operator", text, sounds)
    queue(site, "member => Local/1@operators/n\n", sounds)  # now, for a member without a place is invalid
    outcome = site.call()
    assert outcome.status == "INFORMED"
    (record,) = site.office.records()
    assert (record.event.kind, record.event.reference) == ("operator", "anna")
