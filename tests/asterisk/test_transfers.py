"""Transfers, forwards and calls of the company's own telephones, as docs/transfers.md tells of them."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lab import audio, conf
from lab.builds import Build
from lab.pbx import Pbx
from lab.phone import Call

from .desk_phone import DeskPhone
from .pages import TRANSFERS, configure, section, snippets
from .site import Site

OTHER = "0287654321"  # another line of the same company
LINES = (
    f'lines: {{"+39{OTHER}": {{controller: acme, language: it, region: IT, plan: [{{notice: privacy}}]}}}}'
)
COMMON = """
trust_id_inbound = yes
direct_media = no
media_address = 127.0.0.1
call_group = 1
pickup_group = 1
"""
# The lab's SIPp is the world outside: it comes in at `from-lab`, and so does what Asterisk sends to itself,
# as to the telephone 201, which does what its extension says: `blind` and `forward` are a telephone's own
# keys.
AROUND = """
[from-lab]
exten => _X.,1,Set(CHANNEL(hangup_handler_push)=lab-over,s,1)
 same => n,Goto(incoming,${EXTEN},1)
exten => blind,1,Answer()
 same => n,Wait(0.5)
 same => n,Transfer(PJSIP/sip:OTHER@HERE)
 same => n,Wait(5)
exten => forward,1,Transfer(PJSIP/sip:OTHER@HERE)
exten => quiet,1,Answer()
 same => n,UserEvent(Talking)
 same => n,Wait(20)
exten => keys,1,Answer()
 same => n,Wait(1)
 same => n,SendDTMF(*2)
 same => n,Wait(1)
 same => n,SendDTMF(300)
 same => n,Wait(2)
 same => n,Hangup()
exten => ring,1,Ringing()
 same => n,UserEvent(Talking)
 same => n,Wait(20)
[incoming]
exten => _X.,1,Gosub(informativa,s,1(${EXTEN}))
 same => n,Dial(PJSIP/201/sip:AGENT,,Tt)
 same => n,Hangup()
[from-internal]
exten => _0X.,1,Gosub(informativa,s,1(${EXTEN}))
 same => n,UserEvent(Asked)
 same => n,Goto(after,600,1)
exten => 300,1,Answer()
 same => n,UserEvent(Asked)
 same => n,Wait(4)
 same => n,Goto(after,600,1)
include => parked
[lab-over]
exten => s,1,UserEvent(Over,Status:${INFORMATIVA_STATUS},Reason:${INFORMATIVA_REASON},\
Record:${INFORMATIVA_RECORD},Heard:${INFORMATIVA_HEARD})
 same => n,Return()
[after]
exten => _X!,1,Answer()
 same => n,UserEvent(After)
 same => n,Playback(AFTER)
 same => n,Hangup()
#tryinclude informativa.conf
"""


@pytest.fixture(scope="module")
def pbx(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pbx]:
    """One Asterisk with two telephones, which their names tell apart from the trunk, and with conferences."""
    marked = re.sub(r"^;.*\n", "", section("Your own telephones", "pjsip.conf", TRANSFERS))
    telephones = f"{marked}{COMMON}{marked.replace('[201]', '[202]').replace('set_var', ';set_var')}{COMMON}"
    own = f"[own]\ntype = endpoint\ndisallow = all\nallow = alaw\n{COMMON}"
    files = {
        "modules.conf": conf.modules(build, keep=["app_confbridge.so", "res_parking.so"]),
        "telephones.conf": telephones + own,
        "features.conf": "[featuremap]\natxfer = *2\n",
        "res_parking.conf": "[default]\nparkext = 700\nparkpos = 701-702\ncontext = parked\n",
        "confbridge.conf": "[default_user]\ntype = user\nannounce_only_user = no\n",
    }
    with Pbx(build, tmp_path_factory.mktemp("pbx"), "", extra_files=files) as running:
        for name in ("pbx-transfer", "beep"):  # what Asterisk says to an agent who asks somebody first
            audio.write_wav(running.sounds / f"{name}.wav", audio.synthetic(0.3, seed=40))
        yield running


@pytest.fixture
def site(site_without_dialplan: Site) -> Site:
    """A company with two lines, and with telephones of its own as the page names them."""
    internal = [snippet.text for snippet in snippets(TRANSFERS) if snippet.file == "informativa.yaml"]
    for text in (LINES, *internal):
        configure(site_without_dialplan, text)
    return site_without_dialplan


def lay(site: Site, sounds: dict[str, Path], agent: str = "quiet", more: str = "") -> None:
    """Have calls come in at the context `incoming`, and the telephone 201 do what `agent` says."""
    (site.pbx.etc / "informativa.conf").write_text(site.office.dialplan())
    text = more.replace("Queue(customer-care)", "Goto(after,600,1)").replace(
        "#tryinclude informativa.conf", ""
    )
    text += AROUND.replace("AGENT", agent if "@" in agent else f"{agent}@HERE").replace("OTHER", OTHER)
    text = text.replace("HERE", f"{site.pbx.host}:{site.pbx.ports.sip}")
    before = site.pbx.warnings()
    site.pbx.reload_dialplan(text.replace("AFTER", str(sounds["after"]).removesuffix(".wav")))
    assert site.pbx.warnings() == before


def manager(site: Site, **action: str) -> None:
    """Have the manager interface do one action, and wait for its answer."""
    login = {"Action": "Login", "Username": site.pbx.ami_user, "Secret": site.pbx.ami_secret, "Events": "off"}
    with socket.create_connection((site.pbx.host, site.pbx.ports.ami), 30) as connection:
        for headers in (login, action, {"Action": "Logoff"}):
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            connection.sendall(lines.encode() + b"\r\n")
        output = b"".join(iter(lambda: connection.recv(4096), b""))
    assert output.count(b"Response: Success") == 2, output


def channel(site: Site, beginning: str) -> str:
    """The first channel whose name begins so."""
    names = [row.partition("!")[0] for row in site.pbx.cli("core show channels concise").splitlines()]
    return min(name for name in names if name.startswith(beginning))


def reasons(site: Site) -> list[tuple[str, str]]:
    """The status and the reason of each record."""
    return [(record.event.status, record.event.reason) for record in site.office.records()]


def ring(site: Site) -> Call:
    """Ring the first line from outside, as somebody who shows an extension of the company's."""
    return site.dial(number="+393331234567", extra_headers=["P-Asserted-Identity: <sip:209@carrier.example>"])


def talking(site: Site) -> Call:
    """The same, until the telephone 201 has answered, or rings."""
    call = ring(site)
    site.pbx.wait_event(lambda event: event["UserEvent"] == "Talking")
    return call


ONCE = [("PLAYED", "malformed"), ("NOTDUE", "same-call")]


@pytest.mark.sample(1)
@pytest.mark.parametrize("way", ["blind", "forward"])
def test_i1_telephone_hands_a_caller_to_another_line(site: Site, sounds: dict[str, Path], way: str) -> None:
    """I1: whoever is put through by the telephone's own key, or forwarded by it, hears the notice once, and
    is a caller also where he shows an extension and comes into the telephones' context."""
    lay(site, sounds, way)
    assert site.over(ring(site)).heard == site.heard_whole("it/short", "after")
    assert reasons(site) == ONCE


@pytest.mark.night
@pytest.mark.parametrize("action", ["BlindTransfer", "Redirect"])
def test_manager_hands_a_caller_to_another_line(site: Site, sounds: dict[str, Path], action: str) -> None:
    """The same by the manager interface."""
    lay(site, sounds)
    call = talking(site)
    name = channel(site, "PJSIP/201" if action == "BlindTransfer" else "PJSIP/lab")
    place = {"Channel": name, "Context": "from-internal", "Exten": OTHER}
    manager(site, Action=action, **place, **({"Priority": "1"} if action == "Redirect" else {}))
    assert site.over(call).heard == site.heard_whole("it/short", "after")
    assert reasons(site) == ONCE


@pytest.mark.night
@pytest.mark.parametrize("way", ["keys", "Atxfer"])
def test_attended_transfer_plays_nothing_more(site: Site, sounds: dict[str, Path], way: str) -> None:
    """Who is joined to somebody whom the agent asked first hears nothing again, and has one record."""
    lay(site, sounds, "keys" if way == "keys" else "quiet")
    call = ring(site) if way == "keys" else talking(site)
    if way == "Atxfer":
        agent = channel(site, "PJSIP/201")
        manager(site, Action=way, Channel=agent, Context="from-internal", Exten="300")
        site.pbx.wait_event(lambda event: event["UserEvent"] == "Asked")
        manager(site, Action="Hangup", Channel=agent)
    outcome = site.over(call)
    assert outcome.heard["it/short"] == site.heard_whole("it/short")["it/short"]
    assert "after" in outcome.heard
    assert reasons(site) == ONCE[:1]


@pytest.mark.night
def test_attended_transfer_to_a_line_is_the_same_conversation(site: Site, sounds: dict[str, Path]) -> None:
    """An agent who asks at a line hears no notice that the caller heard."""
    lay(site, sounds)
    call = talking(site)
    manager(site, Action="Atxfer", Channel=channel(site, "PJSIP/201"), Context="from-internal", Exten=OTHER)
    site.pbx.wait_event(lambda event: event["UserEvent"] == "Asked")
    call.hang_up()
    assert site.over(call).heard == site.heard_whole("it/short")
    assert reasons(site) == ONCE


@pytest.mark.parametrize(
    ("asked", "more"),
    [
        pytest.param("300", [], marks=pytest.mark.night, id="colleague"),
        pytest.param(OTHER, [("SKIPPED", "internal")], id="line"),
    ],
)
def test_telephone_joins_two_calls(
    site: Site, sounds: dict[str, Path], asked: str, more: list[tuple[str, str]]
) -> None:
    """Who is joined by the agent's telephone itself (REFER with Replaces) to somebody whom it rang first
    hears nothing again; the telephone's own call to a line is internal."""
    with DeskPhone(site.pbx, "201") as desk:
        lay(site, sounds, desk.address)
        call = ring(site)
        desk.wait_called()
        desk.ask(asked)
        desk.join()
        outcome = site.over(call)
    assert outcome.heard["it/short"] == site.heard_whole("it/short")["it/short"]
    assert "after" in outcome.heard
    assert reasons(site) == [*ONCE[:1], *more]


@pytest.mark.night
def test_picked_up_and_parked(site: Site, sounds: dict[str, Path]) -> None:
    """Who is picked up by another telephone, is parked and fetched again hears nothing a second time."""
    lay(site, sounds, "ring")
    call = talking(site)
    colleague = site.phone().dial("*8", "202")
    colleague.wait_answered()
    manager(site, Action="Park", Channel=channel(site, "PJSIP/lab"), Timeout="20000")
    colleague.wait_ended()
    fetching = site.phone().dial("701", "202")
    fetching.wait_answered()
    fetching.hang_up()
    assert site.over(call).heard == site.heard_whole("it/short")
    assert reasons(site) == ONCE[:1]


def test_own_telephones(site: Site, sounds: dict[str, Path]) -> None:
    """A telephone with the mark hears nothing, nor does one of the named context with an extension; each
    record has no caller."""
    lay(site, sounds)
    for number in ("201", "202"):
        call = site.dial(OTHER, number)
        call.wait_ended()
        assert [name for name in site.prompts if site.heard(call, name)] == ["after"]
    assert reasons(site) == [("SKIPPED", "internal")] * 2
    assert {record.event.pseudonym for record in site.office.records()} == {None}


SENT = "${PJSIP_HEADER(read,X-Informativa)}"
TURNED = "".join(SENT.replace("X-Informativa)", f"X-Informativa){part}") for part in (":1:39", ":0:1", ":40"))
"""The header with its digest turned by one digit; with one digit replaced it is the same one time of 16."""


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("header", "second"),
    [
        (SENT, ("NOTDUE", "same-call")),
        (TURNED, ("PLAYED", "withheld")),
    ],
    ids=["as it was sent", "changed"],
)
def test_i8_hairpin(site: Site, sounds: dict[str, Path], header: str, second: tuple[str, str]) -> None:
    """I8: who leaves by SIP and comes back on another line with a withheld number hears the notice once, on
    the word of a header that only this Asterisk can have made; also when he is put through there."""
    text = section("Out by SIP and back in", "extensions.conf", TRANSFERS)
    text = text.replace("PJSIP/${EXTEN}@own", "PJSIP/own/sip:back${EXTEN}@HERE")
    text = text.replace(SENT, header)
    lay(site, sounds, more=text)
    rest = "Gosub(informativa,s,1(${EXTEN}))\n same => n,"
    site.edit_dialplan(
        f"{rest}Dial(PJSIP/201", f"{rest}Goto(to-other-line,{OTHER},1)\n same => n,Dial(PJSIP/201"
    )
    site.edit_dialplan("[incoming]", "exten => _back.,1,Goto(from-own,${EXTEN:4},1)\n[incoming]")
    # Sound that the other line plays before Asterisk has joined the two legs reaches nobody, and on a busy
    # machine that may be more than the start by which a prompt is known: so the prompt starts with a pause.
    speech = site.prompts["it/short"]
    site.prompts["it/short"] = np.concatenate([np.zeros(audio.RATE, np.int16), speech])
    audio.write_wav(site.office.folder / "prompts/it/short.wav", site.prompts["it/short"])
    site.configure(("version: 2026-11", "version: 2026-12"))
    outcome = site.call(number=None, withheld=True)
    prompts = ["it/short"] * (1 + (second[0] == "PLAYED"))
    assert [name for name in site.prompts for _ in outcome.heard.get(name, ())] == [*prompts, "after"]
    assert reasons(site) == [("PLAYED", "withheld"), second]


@pytest.mark.night
def test_callback(site: Site, sounds: dict[str, Path]) -> None:
    """Who is called back hears the notice as the caller that he is, and knows it when he rings next."""
    lay(site, sounds, more=section("You call back", "extensions.conf", TRANSFERS))
    site.pbx.forget_events()
    place = {"Context": "callback", "Exten": "0212345678", "Priority": "1"}
    customer = f"PJSIP/lab/sip:quiet@{site.pbx.host}:{site.pbx.ports.sip}"
    manager(
        site, Action="Originate", Channel=customer, **place, CallerID="<+390212345678>", Async="true",
        Variable="CALLED=+393331234567",
    )  # fmt: skip
    site.pbx.wait_event(lambda event: event["UserEvent"] == "After")
    assert reasons(site) == [("PLAYED", "not-informed")]
    configure(site, "{}")
    lay(site, sounds, "forward")
    assert site.call().status == "NOTDUE"


@pytest.mark.night
def test_conference(site: Site, sounds: dict[str, Path]) -> None:
    """Each of two callers hears his own notice before he enters the conference."""
    lay(site, sounds, more=section("Conferences", "extensions.conf", TRANSFERS))
    site.edit_dialplan("Goto(incoming,${EXTEN},1)", "Goto(conference,${EXTEN},1)")
    calls = [site.dial(number=None, withheld=True) for _ in range(2)]
    for call in calls:
        call.wait_heard(1.5, 30)
    for call in calls:
        call.hang_up()
        assert site.over(call).heard == site.heard_whole("it/short")
    assert reasons(site) == [("PLAYED", "withheld")] * 2
