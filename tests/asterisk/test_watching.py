"""The commands for watching, beside a real Asterisk."""

from __future__ import annotations

import json
import select
import subprocess
from typing import Any

import pytest

import commands
from lab.office import BIN

from .site import Site

LINE = "+390212345678"
ACCOUNT = """
[watcher]
secret = secret
read = {read}
write = {write}
"""
READ, WRITE = "call,dialplan,agi", "system,reporting,originate"
GOSUB = "exten => _[+0-9a-zA-Z].,1,Gosub(informativa,s,1(${EXTEN}))\n"


def account(site: Site, read: str = READ, write: str = WRITE) -> None:
    """Give informativa an account at the PBX with these rights and no others."""
    config = site.pbx.etc / "manager.conf"
    own = config.read_text().partition("\n[watcher]")[0]
    config.write_text(own + ACCOUNT.format(read=read, write=write))
    site.pbx.cli("manager reload")
    secret = site.office.folder / "keys" / "manager.secret"
    secret.touch(0o600)
    secret.write_text("secret")
    if "\nmanager:" not in site.office.config.read_text():
        manager = f"manager:\n  address: 127.0.0.1:{site.pbx.ports.ami}\n  user: watcher\n"
        site.office.edit("operator: Acme", manager + "  secret: keys/manager.secret\noperator: Acme")


def run(site: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command on the site's configuration."""
    return commands.run(*arguments, "-c", site.office.config)


def tried(site: Site, *more: str) -> tuple[int, dict[str, Any]]:
    """Exit code and facts of a test call."""
    ran = run(site, "test-call", LINE, "--json", *more)
    assert ran.stderr == ""
    return ran.returncode, json.loads(ran.stdout)


def happened(facts: dict[str, Any]) -> list[str]:
    """Return what happened to the call, in order, but its end."""
    return [step["what"] for step in facts["timeline"] if step["what"] != "over"]


def test_call_through_the_real_dialplan(site: Site) -> None:
    """A withheld caller gets the notice by the dialplan that others come through, nothing after it is run,
    the record leads to nobody, and the channels are gone."""
    account(site)
    code, facts = tried(site)
    assert (code, facts["problems"], facts["notes"]) == (0, [], [])
    assert happened(facts) == [
        "placed",
        "service-asked",
        "answered",
        "notice-begins",
        "notice-ends",
        "status",
    ]
    assert facts["timeline"][0]["fact"] == f"Local/{LINE}@from-lab/n"
    asked = [step["fact"] for step in facts["timeline"] if step["what"] == "service-asked"]
    assert asked == [f"agi://127.0.0.1:{site.office.port}/notice"]  # without the token
    begins, ends = (step["seconds"] for step in facts["timeline"] if step["what"].startswith("notice"))
    assert ends > begins  # by 1.5 s and what a busy machine adds; test_test_call.py has the seconds
    (record,) = site.office.records()
    assert (record.event.status, record.event.pseudonym) == ("PLAYED", None)
    assert record.event.call.startswith("informativa-test-")
    assert "Playback(" not in site.pbx.log.read_text().split(record.event.call)[-1]
    ended = site.pbx.wait_event(  # of this call: earlier tests may have left theirs
        lambda event: event.get("UserEvent") == "Over" and event["Uniqueid"] == record.event.call
    )
    assert (ended["Status"], ended["Reason"], ended["Record"]) == ("PLAYED", "withheld", "2")
    shown = run(site, "test-call", LINE)
    assert shown.returncode == 0, shown
    assert "In order: PLAYED (withheld)" in shown.stdout
    site.pbx.wait_quiet()


def test_call_of_a_known_caller(site: Site) -> None:
    """Who is known hears nothing and nothing after it is rung; one who is not known is not made so."""
    account(site)
    assert site.call(number="+393331234567").status == "PLAYED"
    code, facts = tried(site, "--from", "+393331234567")
    assert (code, facts["problems"]) == (0, [])
    assert happened(facts) == ["placed", "service-asked", "status"]
    assert facts["records"][0]["status"] == "NOTDUE"
    assert "+393331234567" not in json.dumps(facts)
    ran = run(site, "test-call", LINE, "--from", "+393330000002")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "--yes" in ran.stderr
    assert len(site.office.records()) == 2


PERSON = """
    choices:
      person:
        asks: human
        keys: {human: "5"}
        tries: 1
        wait: 8 seconds
        versions: [{version: "1", short: {it: prompts/it/short, en: prompts/en/short, de: prompts/it/short}}]
    notices:
"""


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("presses", "answer", "words"),
    [
        pytest.param((), "silence", "the caller pressed no key", marks=pytest.mark.night),
        (("--press", "5@2.5"), "human", "the caller wanted a person instead of a machine"),
        (("--press", "9@2.5"), "unclear", "a key that was not offered"),
        pytest.param(
            ("--press", "5@60"),
            "silence",
            "the call was over before the key 5 was to be pressed",
            marks=pytest.mark.night,
        ),
    ],
)
def test_call_that_presses_keys(site: Site, presses: tuple[str, ...], answer: str, words: str) -> None:
    """A key of the test call reaches the choice as a caller's does, with the rights that the call needs
    anyway; the result says which choice got which answer."""
    account(site)
    step = "- notice: privacy"
    site.configure(("\n    notices:\n", PERSON), (step, f"- choice: person\n      {step}"))
    code, facts = tried(site, *presses)
    assert (code, facts["problems"]) == (0, [])
    assert facts["choices"] == [{"choice": "person", "answer": answer}]
    keys = [moment for moment in facts["timeline"] if moment["what"] == "key-pressed"]
    assert [moment["fact"] for moment in keys] == [press[0] for press in presses[1:] if "@60" not in press]
    assert [record.event.asked is not None for record in site.office.records()][-2:] == [True, False]
    assert words in run(site, "test-call", LINE, *presses).stdout
    site.pbx.wait_quiet()


def test_call_rings_nobody(site: Site) -> None:
    """Neither what stands after the notice is run, nor, where a Dial stands before it, the real dialplan at
    all, unless it is asked for."""
    account(site)
    site.edit_dialplan(" same => n,Playback(", " same => n,UserEvent(Rung)\n same => n,Playback(")
    assert tried(site)[0] == 0
    site.edit_dialplan(GOSUB, GOSUB.replace("1,Gosub", "1,Dial(Local/x@nowhere)\n same => n,Gosub"))
    code, facts = tried(site)
    assert (code, facts["timeline"][0]["fact"]) == (0, f"Local/{LINE}@informativa-test/n")
    assert "Dial(" in facts["notes"][0]
    assert site.pbx.events("Rung") == []
    code, facts = tried(site, "--through")
    assert (code, facts["timeline"][0]["fact"]) == (0, f"Local/{LINE}@from-lab/n")
    assert "may have rung" in facts["notes"][0]


def test_call_asks_where_to_come_in(site: Site) -> None:
    """Of several contexts one must be named; one that is not there is told as that, with those that are."""
    account(site)
    site.edit_dialplan("[informativa]\n", f"[second]\n{GOSUB} same => n,Hangup()\n\n[informativa]\n")
    ran = run(site, "test-call", LINE)
    assert (ran.returncode, "--context from-lab" in ran.stderr) == (1, True)
    code, facts = tried(site, "--context", "second")
    assert (code, facts["timeline"][0]["fact"]) == (0, f"Local/{LINE}@second/n")
    ran = run(site, "test-call", LINE, "--context", "third")
    assert (ran.returncode, "has no context third" in ran.stderr) == (1, True)
    assert "come to informativa in: from-lab, second" in ran.stderr
    ran = run(site, "test-call", LINE, "--context", "informativa-lines")
    assert (ran.returncode, "No extension for" in ran.stderr) == (1, True)


def test_call_when_things_fail(site: Site) -> None:
    """A stopped service: the script plays, which is told and in order. A missing prompt: FAILED, and 1. No
    script either: FALLBACK by the dialplan, whose playback is told too, and 1."""
    account(site)
    site.office.stop()
    code, facts = tried(site)
    assert (code, happened(facts)[1:3]) == (0, ["service-asked", "script-asked"])
    assert "the script answered" in facts["notes"][0]
    site.office.start()
    prompt = site.office.folder / "prompts/it/short.wav"
    text = prompt.read_bytes()
    before = site.office.config.read_text()
    prompt.write_bytes(text[:44])
    code, facts = tried(site)
    prompt.write_bytes(text)
    assert code == 1, facts
    site.office.stop()
    site.edit_dialplan(f"AGI({site.office.config}.agi", "AGI(nothing")
    code, facts = tried(site)
    assert code == 1
    assert happened(facts)[-4:] == ["notice-begins", "answered", "notice-ends", "status"]
    assert any("FALLBACK" in problem["message"] for problem in facts["problems"])
    assert site.office.config.read_text() == before


@pytest.mark.parametrize(
    ("read", "write", "right"),
    [
        (READ, "system,reporting", "originate"),
        (READ, "system,originate", "reporting"),
        ("call,agi", WRITE, "dialplan"),
        ("dialplan,agi", WRITE, "call"),
    ],
)
def test_right_that_is_missing_is_named(site: Site, read: str, write: str, right: str) -> None:
    """An account that may not place or see the call: the message says which right to add where."""
    account(site, read, write)
    ran = run(site, "test-call", LINE)
    assert ran.returncode == 1
    assert f"section [watcher], add {right} to the line that begins with" in ran.stderr
    site.pbx.wait_quiet()


def test_call_without_sight_of_prompts(site: Site) -> None:
    """Without the right `agi` the call is judged all the same, and what would show more is said."""
    account(site, "call,dialplan")
    code, facts = tried(site)
    assert (code, facts["problems"]) == (0, [])
    assert "add agi" in facts["notes"][0]


def test_tail_and_status_beside_real_calls(site: Site) -> None:
    """Calls over SIP come out of `tail` one by one while they are made, and `status` counts them."""
    command = [BIN / "informativa", "tail", "--json", "--controller=acme", "-c", site.office.config]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0)
    try:
        assert process.stdout
        for status in ("PLAYED", "NOTDUE"):
            assert site.call().status == status
            ready, _, _ = select.select([process.stdout], [], [], 30)
            assert ready
            line = json.loads(process.stdout.readline())
            assert (line["status"], line["line"]) == (status, LINE)
            assert "3331234567" not in json.dumps(line)
    finally:
        process.kill()
        process.wait()
    ran = run(site, "status", "--json")
    facts = json.loads(ran.stdout)
    assert ran.returncode == 0, facts
    acme = next(controller for controller in facts["controllers"] if controller["id"] == "acme")
    today = {"calls": 2, "notices": {"PLAYED": 1, "NOTDUE": 1}, "seconds_spared": 1.5}
    assert (acme["counts"]["today"], acme["counts"]["known_callers"]) == (today, 1)
