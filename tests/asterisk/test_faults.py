"""Asterisk and informativa end in the middle of real calls, and go on serving."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from torture.load import integrity

from .site import Site


def deliveries(site: Site, count: int) -> list[tuple[str, str]]:
    """Status and ending of each record, all of them deliveries, as soon as there are so many."""
    until = time.monotonic() + 60
    while len(records := site.office.records()) < count:
        assert time.monotonic() < until, f"{len(records)} records and not {count}:\n{site.office.log_text}"
        time.sleep(0.02)
    return [(event.status, event.heard.ending) for event in (record.event for record in records)]


def test_i2_asterisk_killed_during_the_notice(site: Site) -> None:
    """I2: a call that Asterisk took with it is on record as unfinished, and its caller hears the notice when
    Asterisk is back, from the same service."""
    pid = site.office.pid
    call = site.dial()
    call.wait_heard(0.5, 30)
    site.pbx.kill()
    call.close()
    assert deliveries(site, 1) == [("PARTIAL", "connection-lost")]
    site.pbx.start()
    outcome = site.call()
    assert (outcome.status, outcome.reason, outcome.record) == ("PLAYED", "not-informed", "3")
    assert outcome.heard == site.heard_whole("it/short", "after")
    assert site.call().status == "NOTDUE"
    assert site.office.pid == pid


@pytest.mark.night
def test_i2_asterisk_restarted_during_the_notice(site: Site) -> None:
    """I2: an orderly restart of Asterisk is a hang-up to the service, which answers the next call."""
    call = site.dial()
    call.wait_heard(0.5, 30)
    site.pbx.stop()
    call.close()
    ((status, ending),) = deliveries(site, 1)
    assert status == "PARTIAL"
    assert ending in {"hung-up", "connection-lost"}
    site.pbx.start()
    assert site.call().status == "PLAYED"
    assert site.call().status == "NOTDUE"


def test_i3_service_stopped_during_the_notice(site: Site) -> None:
    """I3: a call that the service could not wait for is on record, and goes on: the script plays to it."""
    site.configure(("drain: 100", "drain: 0"))
    call = site.dial()
    call.wait_heard(0.5, 30)
    assert site.office.stop() == 0
    outcome = site.over(call)
    assert (outcome.status, outcome.record) == ("PLAYED", "3")
    assert outcome.heard["it/short"][-1:] == site.heard_whole("it/short")["it/short"]
    assert outcome.heard["after"]
    assert deliveries(site, 2) == [("PARTIAL", "service-stopped"), ("PLAYED", "whole")]
    site.office.start()
    assert site.call().status == "NOTDUE"


def test_service_restarted_during_the_notice(site: Site) -> None:
    """A service that is stopped lets the notice end, and the call is told of its record."""
    call = site.dial()
    call.wait_heard(0.5, 30)
    assert site.office.stop() == 0
    site.office.start()
    outcome = site.over(call)
    assert (outcome.status, outcome.record) == ("PLAYED", "2")
    assert outcome.heard == site.heard_whole("it/short", "after")
    assert site.call().status == "NOTDUE"


@pytest.mark.sample(1)
@pytest.mark.parametrize(("script", "told_then"), [(True, "NOTDUE"), (False, "FALLBACK")])
def test_i4_service_killed_anywhere_in_a_call(
    site: Site, chance: random.Random, rounds: Callable[[int, int], int], script: bool, told_then: str
) -> None:
    """I4: wherever in its call the service is killed, the caller hears the notice whole, by the script or by
    the dialplan, the call goes on, and the next one is decided by what is on record."""
    for known in range(rounds(1, 25)):
        number, configuration = f"+3933310{known:05}", site.office.config.read_text()
        call = site.dial(number=number)
        call.wait_answered()
        time.sleep(chance.uniform(0, 1.8))
        site.office.kill()
        if not script:
            site.office.config.unlink()
        outcome = site.over(call)
        assert outcome.status in {"PLAYED", told_then}
        prompt = "it/short-nokey" if outcome.status == "FALLBACK" else "it/short"
        assert outcome.heard[prompt][-1:] == site.heard_whole(prompt)[prompt]
        assert outcome.heard["after"] == site.heard_whole("after")["after"]
        site.office.config.write_text(configuration)
        informed = {record.event.pseudonym for record in site.office.records() if record.event.informs}
        assert len(informed) == known + 1 or outcome.status == "FALLBACK"
        site.office.start()
        assert site.call(number=number).status == ("NOTDUE" if len(informed) == known + 1 else "PLAYED")
    assert list(integrity(site.office.folder / "ledger/acme.sqlite3")) == []
