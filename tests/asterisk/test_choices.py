"""Choices as real calls: which key counts, what is heard and recorded, and what the dialplan is told."""

from __future__ import annotations

import sqlite3
import time

import pytest

from lab.line import Sent

from . import asking
from .asking import (
    ABROAD,
    ACME,
    EU,
    NO,
    NOTHING,
    NOTICE,
    QUESTION,
    YES,
    Act,
    answers,
    hang_up,
    listen,
    press,
    ring,
)
from .site import Site

END = NOTICE + QUESTION - 0.1  # seconds: what was heard a tenth of a second before the question's end
WHOLE, PART, TWICE = "whole", "part", "whole whole"

# What a caller does; the word that the dialplan gets; how often he was asked; what he heard of each playing.
CASES: dict[str, tuple[Act, str, int, str]] = {
    "none": (listen, "silence", 1, WHOLE),
    "yes after all": (press(YES, 0.8, END), "granted", 1, WHOLE),
    "no after all": (press(NO, 0.4, END), "refused", 1, WHOLE),
    "no in the question": (press(NO, 0.5), "refused", 1, PART),
    "yes in the question": (press(YES, 0.6), "silence", 2, f"{PART} {WHOLE}"),
    "yes held over the end": (press(YES, 0, END - 0.4, seconds_down=0.55), "silence", 2, TWICE),
    "another key after all": (press(NOTHING, 0.8, END), "silence", 2, TWICE),
    "another key in the question": (press(NOTHING, 0.3), "silence", 1, WHOLE),
}
GONE: dict[str, tuple[Act, str, int, str]] = {
    "hang-up in the question": (hang_up(0.6), "hung-up", 1, PART),
    "hang-up after all": (hang_up(0.5, END), "hung-up", 1, WHOLE),
}


@pytest.fixture
def site(site_without_dialplan: Site) -> Site:
    """A PBX with lines that ask."""
    return asking.lay(site_without_dialplan)


def test_key_is_an_answer(site: Site) -> None:
    """By day: a yes after the whole question, a no in it, another key, silence, and a hang-up, each with
    half a second to spare on a machine that is slow."""
    names = ("none", "yes after all", "no in the question", "another key after all", "hang-up after all")
    calls = ring(site, {name: (CASES | GONE)[name][0] for name in names})
    assert {name: call.choices for name, call in calls.items()} == {
        name: f"marketing:{(CASES | GONE)[name][1]}" for name in names
    }
    events = answers(site)
    asked = {name: events[call.answer].asked for name, call in calls.items()}
    assert [one.answer for one in asked.values() if one] == [(CASES | GONE)[name][1] for name in names]


@pytest.mark.parametrize(
    ("sent", "by"),
    [
        pytest.param(Sent.EVENT, "service", marks=pytest.mark.night),
        pytest.param(Sent.TONE, "service", marks=pytest.mark.night),
        pytest.param(Sent.BOTH, "service", marks=pytest.mark.night),
        pytest.param(Sent.EVENT, "script", marks=pytest.mark.night),
        pytest.param(Sent.TONE, "script", marks=pytest.mark.night),
    ],
)
def test_i2_key_counts_or_does_not(site: Site, sent: Sent, by: str) -> None:
    """I2: a yes counts after the whole question alone, a no at once; another key and a yes too early ask
    again, silence does not. So it is by the service and by the script, by events, tones and both at once."""
    if by == "script":
        site.office.stop()
    cases = CASES | GONE
    acts = [(name, act) for name, (act, *_rest) in cases.items()]
    at_once = len(acts) if by == "service" else 5  # so few scripts may begin at once
    calls = {}
    for place in range(0, len(acts), at_once):
        calls |= ring(site, dict(acts[place : place + at_once]), ACME, sent, asking.FIRST + place)
    events = answers(site)
    outcome = {}
    for name, call in calls.items():
        asked = events[call.answer].asked
        outcome[name] = (call.choices, asked and asked.answer, asked and asked.tries)
    assert outcome == {
        name: (f"marketing:{word}", word, tries) for name, (_act, word, tries, _heard) in cases.items()
    }
    for name, (*_rest, heard) in cases.items():
        parts = [part for part in calls[name].heard["it/marketing"] if part > 0.3]  # a doubled key's, too
        assert [WHOLE if part > QUESTION - 0.1 else PART for part in parts] == heard.split(), name
        on_record = events[calls[name].answer].heard
        assert on_record, name
        assert parts[-1] == pytest.approx(on_record.seconds, abs=0.15), name
        assert bool(calls[name].heard.get("after")) == (name not in GONE), name
    assert [call.status for call in calls.values()] == ["PLAYED"] * len(cases)


@pytest.mark.night
@pytest.mark.parametrize("sent", [Sent.EVENT, Sent.TONE])
def test_key_at_the_end_of_a_question(site: Site, sent: Sent) -> None:
    """A key that grants nothing counts in the question, over its end and in the wait, and none is lost
    between the two. Asterisk reports it when it is let go: one of the question's last tenth comes 0.00
    seconds into the wait, so no time before 0.3 seconds tells when it was pressed."""
    acts = {f"{before} s before": press(EU, 0, END + 0.1 - before) for before in (0.3, 0.15, 0.1, 0.05)}
    acts |= {"held": press(EU, 0, END - 0.4, seconds_down=0.6), "after": press(EU, 0.4, END)}
    calls = ring(site, acts, ABROAD, sent)
    assert {name: call.choices for name, call in calls.items()} == dict.fromkeys(acts, "abroad:eu")
    events = answers(site)
    waited = {name: events[call.answer].asked.waited for name, call in calls.items()}  # type: ignore[union-attr]
    assert waited["0.3 s before"] == 0
    assert waited["0.1 s before"] < 300
    assert waited["after"] > 300
    assert events[calls["held"].answer].heard.ending == "whole"  # type: ignore[union-attr]


INNER = """\
 same => n,Dial(Local/${EXTEN}@inner/n)
 same => n,Hangup()

[inner]
exten => _[+0-9].,1,Gosub(informativa,s,1(${EXTEN}))
 same => n,UserEvent(Inner,Choices:${INFORMATIVA_CHOICES},Heard:${INFORMATIVA_HEARD})
 same => n,Playback("""


def test_transfer_does_not_ask_again(site: Site) -> None:
    """A withheld caller who is put through is not asked again: his channel names the record, the answer goes
    with him, and what was asked is on record once."""
    site.edit_dialplan(" same => n,Playback(", INNER)
    call = site.dial(ABROAD, None, withheld=True)
    press(EU, 0.2)(call, Sent.EVENT)
    call.wait_ended(60)
    (inner,) = site.pbx.events("Inner")
    assert inner["Choices"] == "abroad:eu"
    assert inner["Heard"].split(" ")[-1] in answers(site)
    assert (
        len(answers(site)) == len(site.heard(call, "it/abroad")) == len(site.heard(call, "it/country")) == 1
    )


@pytest.mark.parametrize("by", ["service", pytest.param("script", marks=pytest.mark.night)])
def test_withdrawal_is_one_call_and_one_key(site: Site, by: str) -> None:
    """Who agreed takes it back by one call and one key, in the prompt too; who did not is told nothing, and a
    caller whose number is withheld neither."""
    if by == "script":
        site.office.stop()
    assert ring(site, {"yes": press(YES, 0.8, END)})["yes"].choices == "marketing:granted"
    withdraw = {"yes": press(NO, 0.2, 0.1), "nobody": listen}
    calls = ring(site, withdraw, "withdraw")
    yes, nobody = calls["yes"], calls["nobody"]
    assert (yes.status, yes.choices) == ("ASKED", "marketing:withdrawn")
    assert 0.2 < yes.heard["it/withdraw"][0] < 4.9
    assert (nobody.status, nobody.reason, nobody.choices) == ("NOTDUE", "nothing-to-tell", "")
    assert list(nobody.heard) == ["after"]
    (again,) = ring(site, {"yes": listen}).values()
    assert (again.status, again.choices, list(again.heard)) == ("NOTDUE", "marketing:withdrawn", ["after"])


def test_withdrawal_that_nobody_can_record(site: Site) -> None:
    """Without service and script the caller is told nothing false: nothing is played, nothing withdrawn."""
    assert ring(site, {"yes": press(YES, 0.8, END)})["yes"].choices == "marketing:granted"
    site.office.stop()
    site.office.config.rename(site.office.folder / "away")
    (outcome,) = ring(site, {"yes": listen}, "withdraw").values()
    assert (outcome.status, outcome.reason, outcome.choices) == ("FAILED", "service-unavailable", "")
    assert list(outcome.heard) == ["after"]
    (outcome,) = ring(site, {"yes": listen}).values()
    assert (outcome.status, outcome.choices) == ("FALLBACK", "")


def test_what_another_notice_left(site: Site) -> None:
    """What was answered before another notice of the same call, which may be another company's, is taken away
    where that one asks nothing and where nobody can ask."""
    gosub = "1,Gosub(informativa,s,1(${EXTEN}))"
    site.edit_dialplan(gosub, f"1,Set(__INFORMATIVA_CHOICES=abroad:silence)\n same => n,{gosub[2:]}")
    (outcome,) = ring(site, {"one": listen}, "+493012345678").values()
    assert (outcome.status, outcome.choices) == ("PLAYED", "")


def test_killed_between_key_and_record(site: Site) -> None:
    """A service that is killed after a yes, and before that is on record, leaves no consent: nobody was told
    of one, the script asks anew, and the call goes on."""
    call = site.dial(ACME, f"+{asking.FIRST}")
    call.wait_heard(END, 30)
    ledger = sqlite3.connect(site.office.folder / "ledger/acme.sqlite3", isolation_level=None)
    try:
        ledger.execute("BEGIN IMMEDIATE")
        time.sleep(0.9)
        call.press(YES)
        time.sleep(0.3)
        assert answers(site) == {}
        site.office.kill()
    finally:
        ledger.close()
    outcome = asking.over(site, call, f"+{asking.FIRST}")
    assert (outcome.status, outcome.choices) == ("NOTDUE", "marketing:silence")
    assert [event.asked and event.asked.answer for event in answers(site).values()] == ["silence"]
    assert outcome.heard["it/marketing"] == [pytest.approx(QUESTION, abs=0.1)] * 2
    assert outcome.heard["after"]
