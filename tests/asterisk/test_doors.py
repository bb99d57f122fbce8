"""Peers that are taken for Asterisk: a real one, before and after its token changed, and no other program."""

from __future__ import annotations

import contextlib
import resource
import socket
from collections.abc import Iterator

from lab.office import spool
from torture.peers import environment

from .originating import originate
from .site import Site

SILENT = 2000


def ask(site: Site, **more: str) -> bytes:
    """Return what the service says to a program that claims to be Asterisk."""
    with socket.create_connection(("127.0.0.1", site.office.port), 30) as peer:
        peer.sendall(environment(**more))
        return peer.recv(1000)


@contextlib.contextmanager
def silent(port: int, amount: int) -> Iterator[None]:
    """Open so many connections that say nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(amount):
                stack.enter_context(socket.create_connection(("127.0.0.1", port), 30))
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_i8_other_programs_are_told_nothing_and_change_nothing(site: Site) -> None:
    """I8: a program of this machine without the token, or with a wrong one, puts no caller on record as told,
    does not learn whom the company knows, and takes no session; the caller it meant is played to as ever."""
    site.configure(("sessions: 2000", "sessions: 1"))
    for script in ("notice", "notice/" + "0" * 64, "status", site.office.script[:-1]):
        for more in ({"arg_2": "action=read"}, {}):
            assert ask(site, network_script=script, callerid="+393331234567", **more) == b""
    assert site.office.records() == []
    outcome = site.call()
    assert (outcome.status, outcome.reason) == ("PLAYED", "not-informed")
    assert "refused a peer without the token" in site.office.log_text
    assert site.office.script.partition("/")[2] not in site.office.log_text


def test_i8_silent_connections_do_not_stop_a_call(site: Site) -> None:
    """I8: beside 2,000 connections that say nothing a call is served by the service."""
    with silent(site.office.port, SILENT):
        assert site.call().status == "PLAYED"
        assert [site.call().status for _ in range(2)] == ["NOTDUE"] * 2
    assert len(site.office.records()) == 3


def test_i8_old_token_until_the_dialplan_is_reloaded(site: Site) -> None:
    """I8: after a rotation calls go on by the dialplan that Asterisk has; when it has the new one, the old
    token is good for nothing."""
    old = site.office.script
    site.office.command("keys", "rotate", "--agi", "-c", site.office.config)
    assert site.office.reload()
    assert [site.call().status for _ in range(2)] == ["PLAYED", "NOTDUE"]
    text = (site.pbx.etc / "extensions.conf").read_text()
    before, _, _ = text.partition("; informativa: the privacy notice")
    site.pbx.reload_dialplan(before + site.office.dialplan())
    assert site.call().status == "NOTDUE"
    assert ask(site, network_script=old) == b""
    assert len(site.office.records()) == 3
    (event,) = [record.event for record in site.office.records() if record.event.status == "PLAYED"]
    assert event.reason == "not-informed"


def test_i8_channel_id_smuggles_no_option(site: Site) -> None:
    """I8: whoever may place calls through the manager can choose a channel's id; commas in it become no
    options, neither for the service nor for the script."""
    for stopped in (False, True):
        if stopped:
            site.office.stop()
        site.pbx.forget_events()
        originate(site, "smuggler,action=read,config=/evil")
        event = site.pbx.wait_event(lambda event: event.get("UserEvent") == "Over")
        assert event["Status"] != "INFORMED"
    assert not [one for one in site.office.records() if one.event.status == "INFORMED"]
    asked = [line for line in site.pbx.log.read_text(errors="replace").splitlines() if "AGI(" in line]
    assert any("linked=smuggleractionreadconfigevil," in line for line in asked)


def test_i5_channel_id_that_is_a_number_reaches_no_row(site: Site) -> None:
    """I5: what the dialplan plays by itself is put into AstDB under an id of Asterisk's own making, and under
    none that somebody chose."""
    away = site.office.folder / "away"
    site.office.config.rename(away)
    site.office.stop()
    for other in ("340-120-0728", "3401200728"):
        site.pbx.forget_events()
        originate(site, "one", other)
        event = site.pbx.wait_event(lambda event: event.get("UserEvent") == "Over")
        assert event["Status"] == "FALLBACK"
    assert site.call().status == "FALLBACK"
    keys = sorted(spool(site.pbx))
    assert [key.partition("-")[0] for key in keys[-2:]] == ["call", "call"]
    assert keys[0].partition("-")[0].replace(".", "").isdigit()
    assert not any("1200728" in key.replace("-", "") for key in keys)  # four digits may be of a key's time
