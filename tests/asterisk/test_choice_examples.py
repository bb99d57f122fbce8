"""The examples of dialplan/choices.conf: where a call goes, by status and answers."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import pytest

from lab import conf
from lab.builds import Build
from lab.pbx import Pbx

from .pages import AGENTS, DIALPLAN

EXAMPLES = (DIALPLAN / "choices.conf").read_text(encoding="utf-8")
AROUND = """\
[informativa]
exten => s,1,Set(INFORMATIVA_STATUS=${WANTED_STATUS})
 same => n,Set(__INFORMATIVA_CHOICES=${WANTED_CHOICES})
 same => n,Return()
exten => consent,1,Goto(s,1)
[informativa-freepbx]
exten => s,1,Goto(informativa,s,1)
[route]
exten => _X.,1,Gosub(choices-freepbx-recording,s,1)
 same => n,Queue(customer-care)
[ext-callrecording]
exten => 1,1,Queue(customer-care-recorded)
[macro-hangupcall]
exten => s,1,Hangup()
[reached]
exten => _[a-z].,1,UserEvent(Reached,Case:${CASE},Place:${EXTEN}${IF($["${MIXMONITOR_FILENAME}" = ""]?:-wav)})
 same => n,Hangup()
"""
FIRST = 100  # case
EU, CARE, RECORDED = "customer-care-eu", "customer-care", "customer-care-recorded"
MACHINE, PERSON = "machine", CARE
MACHINES = ("choices-stasis", "choices-audiosocket", "choices-agi")
RECORDERS = {"choices-recording-queue": RECORDED, "route": RECORDED, "choices-recording": "customer-care-wav"}


def cases() -> Iterator[tuple[str, str, str, str]]:
    """A context, a status, the answers, and the place that the call must reach."""
    for answers in ("abroad:silence", "marketing:silence abroad:silence human:human"):
        yield "choices-operator", "PLAYED", answers, CARE
    for word in ("eu", "unclear", "not-asked", "silence-x"):
        yield "choices-operator", "PLAYED", f"abroad:{word}", EU
    for answers in ("", "xabroad:silence", "recorded:recorded"):
        yield "choices-operator", "FALLBACK", answers, EU
    for status in ("PARTIAL", "FAILED"):
        yield "choices-operator", status, "abroad:silence", EU
    for context, recorded in RECORDERS.items():
        yield context, "PLAYED", "recorded:recorded", recorded
        yield context, "NOTDUE", "abroad:eu recorded:recorded marketing:refused", recorded
        for word in ("not-recorded", "unclear", "not-asked", "silence"):
            yield context, "PLAYED", f"recorded:{word}", CARE
        for answers in ("", "xrecorded:recorded", "other:recorded"):
            yield context, "PLAYED", answers, CARE
    for context in MACHINES:
        for status in ("PLAYED", "NOTDUE"):
            yield context, status, "human:silence", MACHINE
            for answers in ("human:human", "human:unclear", "human:not-asked", ""):
                yield context, status, answers, PERSON
        for status in ("PARTIAL", "FALLBACK", "FAILED", "SKIPPED", ""):
            yield context, status, "human:silence", PERSON
    yield "choices-withdraw", "ASKED", "marketing:withdrawn", "withdrawn"
    yield "choices-withdraw", "ASKED", "marketing:silence", PERSON
    for status in ("NOTDUE", "FAILED"):
        yield "choices-withdraw", status, "", PERSON
        yield "choices-withdraw", status, "marketing:withdrawn", PERSON


@pytest.fixture(scope="module")
def pbx(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pbx]:
    """An Asterisk with all that the examples use but queues."""
    files = {"modules.conf": conf.modules(build, keep=[f"{name}.so" for name in AGENTS])}
    with Pbx(build, tmp_path_factory.mktemp("pbx"), "", extra_files=files) as running:
        yield running


def lay(pbx: Pbx, examples: str, calls: list[tuple[str, str, str]]) -> list[str]:
    """Have a call with each of these statuses and answers reach its context; their extensions in `cases`."""
    examples = re.sub(r"Queue\(([\w-]+)\)", r"Goto(reached,\1,1)", examples.replace("#tryinclude", ";"))
    text = re.sub(r"Queue\(([\w-]+)\)", r"Goto(reached,\1,1)", AROUND) + examples + "[cases]\n"
    for number, (context, status, answers) in enumerate(calls, FIRST):
        text += (
            f"exten => {number},1,Answer()\n"
            f" same => n,Set(CASE={number})\n"
            f" same => n,Set(WANTED_STATUS={status})\n"
            f" same => n,Set(WANTED_CHOICES={answers})\n"
            f" same => n,Goto({context},0212345678,1)\n"
        )
    before = pbx.warnings()
    pbx.reload_dialplan(text)
    assert pbx.warnings() == before
    pbx.forget_events()
    return [str(number) for number in range(FIRST, FIRST + len(calls))]


def reached(pbx: Pbx, examples: str, calls: list[tuple[str, str, str]]) -> list[str]:
    """The places that calls reach in these contexts, with these statuses and answers."""
    cases = lay(pbx, examples, calls)
    for case in cases:
        pbx.cli(f"channel originate Local/{case}@cases application Wait 9")
    return [pbx.wait_event(lambda event, case=case: event.get("Case") == case)["Place"] for case in cases]


def test_every_case_goes_where_it_is_safe(pbx: Pbx) -> None:
    """Only the word that allows something leads to it; another word, another choice, no answer at all, and a
    notice that was not heard lead to an operator in the Union, to no recording, to a person."""
    examples = re.sub(
        r"(TryExec\(AudioSocket|Stasis|AGI)\(.*\)$", "Goto(reached,machine,1)", EXAMPLES, flags=re.M
    )
    examples = re.sub(r"Playback\(.*/withdrawn\)", "Goto(reached,withdrawn,1)", examples)
    outcomes = reached(pbx, examples, [case[:3] for case in cases()])
    assert dict(zip([case[:3] for case in cases()], outcomes, strict=True)) == {
        case[:3]: case[3] for case in cases()
    }


def test_machine_that_is_away(pbx: Pbx) -> None:
    """Where nothing is there that speaks, a person answers."""
    calls = [(context, "PLAYED", "human:silence") for context in MACHINES]
    assert reached(pbx, EXAMPLES, calls) == [PERSON] * len(calls)


@pytest.mark.parametrize("context", ["choices-audiosocket", "choices-agi"])
def test_machine_that_is_there(pbx: Pbx, build: Build, context: str) -> None:
    """A voice agent gets the call of who did not ask for a person, and of nobody else."""
    if context == "choices-audiosocket" and build.major < 22:
        pytest.skip("Debian's Asterisk 16 has no AudioSocket.")
    with socket.create_server(("127.0.0.1", 0)) as agent:
        agent.settimeout(30)
        port = agent.getsockname()[1]
        lay(pbx, re.sub(r":(9092|4599)\b", f":{port}", EXAMPLES), [(context, "PLAYED", "human:silence")])
        pbx.cli(f"channel originate Local/{FIRST}@cases application Wait 9")
        connection, _address = agent.accept()
        with connection:
            beginning = connection.recv(19)
    if context == "choices-audiosocket":  # a packet of 16 bytes that is the UUID
        assert (beginning[:3], len(set(beginning[3:])) > 4) == (b"\x01\x00\x10", True)
    else:
        assert beginning.startswith(b"agi_network: yes")
    assert pbx.events("Reached") == []
