"""An Asterisk whose own service is away: its calls go to another machine's, by SRV records or by address."""

from __future__ import annotations

import contextlib
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import audio
from lab.builds import Build
from lab.debian import Unavailable
from lab.office import Office
from lab.pbx import Pbx
from torture.peers import Held

from .dns import Dns, Srv
from .site import EXTENSIONS, SECONDS, Outcome, Site

PAGE = Path(__file__).parents[2] / "dialplan/README.md"
NAME = "notice.example"  # as there
RECORDS = f"_agi._tcp.{NAME}"
AT_ONCE = 1.9  # seconds: without the two that a machine costs which says nothing
# What AGI() itself came to, which the dialplan does not look at.
TRIED = """\
[from-lab]
exten => tried,1,AGI(hagi://%s/notice)
 same => n,UserEvent(Tried,Status:${AGISTATUS})
 same => n,Hangup()
"""


@dataclass
class Machines:
    """A PBX, its own informativa and that of another machine, and the DNS that names both."""

    site: Site
    dns: Dns
    own: Office
    other: Office
    after: Path

    def call(self) -> tuple[Outcome, float]:
        """Ring a line: what it came to, and after how many seconds the first sound was heard."""
        call = self.site.dial()
        outcome, waited = self.site.over(call), call.until_sound
        assert waited is not None
        return outcome, waited

    def load(self, dialplan: str) -> None:
        """Have Asterisk read another informativa.conf."""
        after = str(self.after).removesuffix(".wav")
        extensions = EXTENSIONS % {"after": after, "informativa": dialplan}
        self.site.pbx.reload_dialplan(extensions + TRIED % NAME)

    def records(self) -> tuple[int, int]:
        """Return how many records the own machine has, and the other."""
        return len(self.own.records()), len(self.other.records())

    def tried(self) -> str:
        """Return what AGISTATUS says after `hagi://`."""
        self.site.dial("tried").wait_ended(60)
        status = self.site.pbx.wait_event(lambda event: event.get("UserEvent") == "Tried")["Status"]
        self.site.pbx.wait_event(lambda event: event.get("UserEvent") == "Over")  # or it is the next call's
        return status


@pytest.fixture(scope="module")
def dns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dns]:
    """A DNS server of our own."""
    try:
        with Dns(tmp_path_factory.mktemp("dns")) as server:
            yield server
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def pbx(build: Build, dns: Dns, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pbx]:
    """An Asterisk that asks our DNS server."""
    try:
        prefix = dns.prefix
    except Unavailable as error:
        pytest.skip(str(error))
    with Pbx(build, tmp_path_factory.mktemp("pbx"), "[from-lab]\n", prefix=prefix) as running:
        yield running


@pytest.fixture
def machines(pbx: Pbx, dns: Dns, sounds: dict[str, Path], tmp_path: Path) -> Iterator[Machines]:
    """Two machines with one token, and records that name the own one first; the other's service runs."""
    shipped = {f"{name}.wav": sounds[name] for name in SECONDS}
    own, other = Office(tmp_path / "own", shipped), Office(tmp_path / "other", shipped)
    shutil.copy(own.folder / "keys/agi.token", other.folder / "keys/agi.token")
    dns.records = {RECORDS: [Srv(20, "pbx-2.example", other.port), Srv(10, "pbx-1.example", own.port)]}
    dns.answers = True
    dns.options("")
    site = Site(pbx, own, {name: audio.read_wav(file) for name, file in sounds.items()})
    pbx.cli("database deltree informativa")
    machines = Machines(site, dns, own, other, sounds["after"])
    machines.load(own.dialplan().replace(f"agi://127.0.0.1:{own.port}/", f"hagi://{NAME}/"))
    other.start()
    yield machines
    site.close()
    other.stop()


@contextlib.contextmanager
def swallowing() -> Iterator[int]:
    """A port whose queue is full, where Linux drops every further packet: a machine that is switched off."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(3):
            peer = stack.enter_context(socket.socket())
            peer.setblocking(False)
            peer.connect_ex(server.getsockname())
        yield int(server.getsockname()[1])


def test_hagi_goes_to_the_first_machine(machines: Machines) -> None:
    """With both services up each call goes to the one of the lowest priority."""
    machines.own.start()
    outcome, waited = machines.call()
    assert (outcome.status, outcome.heard) == ("PLAYED", machines.site.heard_whole("it/short", "after"))
    assert machines.call()[0].status == "NOTDUE"
    assert machines.records() == (2, 0)
    assert waited < AT_ONCE
    assert (RECORDS, 33) in machines.dns.asked


def test_hagi_goes_on_to_the_second_machine(machines: Machines) -> None:
    """With the own service away the other machine's serves the call, at once, and keeps the record."""
    outcome, waited = machines.call()
    assert (outcome.status, outcome.heard) == ("PLAYED", machines.site.heard_whole("it/short", "after"))
    assert machines.call()[0].status == "NOTDUE"
    assert machines.records() == (0, 2)
    assert waited < AT_ONCE


def test_hagi_waits_two_seconds_for_a_machine_that_says_nothing(machines: Machines) -> None:
    """A first machine that swallows packets costs the caller two seconds, and then the other one serves."""
    with swallowing() as port:
        machines.dns.records[RECORDS][1] = Srv(10, "pbx-1.example", port)
        outcome, waited = machines.call()
    assert (outcome.status, machines.records()) == ("PLAYED", (0, 1))
    assert 1.9 < waited < 10


def test_hagi_with_both_away(machines: Machines) -> None:
    """With both services away AGI() says FAILURE, and the dialplan goes on to its own machine's script."""
    machines.other.stop()
    assert machines.tried() == "FAILURE"
    outcome, _ = machines.call()
    assert (outcome.status, outcome.heard) == ("PLAYED", machines.site.heard_whole("it/short", "after"))
    assert machines.records() == (1, 0)


@pytest.mark.night
def test_hagi_without_records(machines: Machines) -> None:
    """Where the name has no records AGI() says FAILURE at once, and the dialplan goes on to the script."""
    machines.dns.records.clear()
    assert machines.tried() == "FAILURE"
    outcome, waited = machines.call()
    assert (outcome.status, machines.records()) == ("PLAYED", (1, 0))
    assert waited < 5


@pytest.mark.night
def test_hagi_takes_a_refusal_for_an_answer(machines: Machines) -> None:
    """A first machine that answers and refuses, as one with another token does, is not passed over: the
    script is next."""
    (machines.own.folder / "keys/agi.token").write_text("0" * 64 + "\n")
    machines.own.start()
    assert machines.call()[0].status == "PLAYED"
    assert machines.records() == (1, 0)
    assert "refused a peer without the token" in machines.own.log_text


@pytest.mark.night
def test_hagi_with_dns_away(machines: Machines) -> None:
    """A DNS server that says nothing makes each caller wait as long as resolv.conf says, though the own
    service is up, and the script serves."""
    machines.own.start()
    machines.dns.answers = False
    outcome, waited = machines.call()
    assert (outcome.status, machines.records()) == ("PLAYED", (1, 0))
    assert 10 <= waited < 15
    machines.dns.options("timeout:1 attempts:1")
    outcome, waited = machines.call()
    assert (outcome.status, machines.records()) == ("NOTDUE", (2, 0))
    assert 1 <= waited < 5


def test_documented_line_asks_the_other_machines_last(machines: Machines) -> None:
    """With the line that the page adds the own service is asked first, without DNS; if it is away another
    machine's serves at once, and if all are away the script."""
    machines.load(documented(machines.own))
    machines.own.start()
    machines.dns.answers = False
    machines.dns.asked.clear()
    outcome, waited = machines.call()
    assert (outcome.status, machines.records(), machines.dns.asked) == ("PLAYED", (1, 0), [])
    assert waited < AT_ONCE
    machines.own.stop()
    machines.dns.answers = True
    outcome, waited = machines.call()
    assert (outcome.status, machines.records()) == ("PLAYED", (1, 1))
    assert waited < AT_ONCE
    machines.other.stop()
    outcome, waited = machines.call()
    assert (outcome.status, machines.records()) == ("NOTDUE", (2, 1))


@pytest.mark.night
def test_documented_line_with_an_address(machines: Machines) -> None:
    """The same with the other machine's address in place of a name, which needs no DNS; one that swallows
    packets costs two seconds here too."""
    by_name = documented(machines.own)
    machines.load(by_name.replace(f"hagi://{NAME}/", f"agi://127.0.0.1:{machines.other.port}/"))
    machines.dns.answers = False
    machines.dns.asked.clear()
    outcome, waited = machines.call()
    assert (outcome.status, machines.records(), machines.dns.asked) == ("PLAYED", (0, 1), [])
    assert waited < AT_ONCE
    with swallowing() as port:
        machines.load(by_name.replace(f"hagi://{NAME}/", f"agi://127.0.0.1:{port}/"))
        outcome, waited = machines.call()
    assert (outcome.status, machines.records()) == ("PLAYED", (1, 1))
    assert 1.9 < waited < 10


@pytest.mark.night
def test_documented_line_leaves_a_busy_machine_alone(machines: Machines) -> None:
    """With all sessions of the own service taken the call is the dialplan's, no other machine is asked."""
    machines.own.edit("sessions: 2000", "sessions: 1")
    machines.load(documented(machines.own))
    machines.own.start()
    machines.dns.asked.clear()
    with Held(machines.own.port, network_script=machines.own.script, arg_1="+390212345678"):
        outcome, _ = machines.call()
    assert (outcome.status, outcome.reason, machines.dns.asked) == ("FALLBACK", "service-busy", [])
    assert machines.other.records() == []


def documented(office: Office, elsewhere: str = f"hagi://{NAME}") -> str:
    """The dialplan as the page says to have it written."""
    setting = "service.elsewhere: hagi://notice.example"
    assert setting in PAGE.read_text()
    if "elsewhere:" not in office.config.read_text():
        office.edit("  token:", f"  elsewhere: {elsewhere}\n  token:")
    text = office.dialplan()
    assert text.count(f"AGI({elsewhere}/notice/") == 3
    return text
