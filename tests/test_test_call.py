"""The operation `test-call` without Asterisk, and what is shown of it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from commands import typed
from configurations import without_papers
from doubles import Message, ScriptedManager
from examples import NOTDUE, PLAYED
from informativa.asterisk import ami
from informativa.asterisk.test_call import CallStep, Moment
from informativa.call.caller import pseudonym
from informativa.config import Configuration, inspect, load
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Event, Identified, Lookup, Reason, RecordKind, Status
from informativa.model.errors import InformativaError, ManagerError
from informativa.operations import test_call as operation
from informativa.operations.test_call import CallPlaced, PlannedCall, place, plan
from informativa.operations.test_call_entry import CallEntry, entry
from informativa.views.documents import document
from informativa.views.documents import facts as json_facts
from informativa.views.messages import ENGLISH, Language, language
from informativa.views.text.test_call import progress, report

LINE = "+390212345678"
CALLER = "+393331234567"
NOW = datetime(2026, 12, 1, 12, 30, tzinfo=UTC)
GOSUB = "Gosub(informativa,s,1(${EXTEN}))"
OURS = {
    "informativa": {"s": ["Set(x=${INFORMATIVA_TEST})"]},
    "informativa-test": {"_X.": ["Gosub(informativa,s,1(${EXTEN}))"]},
}
CALLED = [Message(event="Newchannel"), Message(event="Newexten", context="from-lab", application="Gosub")]
SERVICE = Message(
    event="Newexten", context="informativa", application="AGI", appdata="agi://127.0.0.1:4588/notice/token,x"
)
SCRIPT = Message(event="Newexten", context="informativa", application="AGI", appdata="informativa-agi,x")


def variables_set(status: str, reason: str, record: str) -> list[Message]:
    """The variables that the dialplan gets at last."""
    return [
        Message(event="VarSet", variable="INFORMATIVA_REASON", value=reason),
        Message(event="VarSet", variable="INFORMATIVA_RECORD", value=record),
        Message(event="VarSet", variable="INFORMATIVA_STATUS", value=status),
    ]


def played(path: str) -> list[Message]:
    """A prompt, as AGI plays it."""
    command = f'STREAM FILE "{path}" "1" 0'
    return [
        Message(event="Newstate", channelstatedesc="Up"),
        Message(event="AGIExecStart", command=command),
        Message(event="AGIExecEnd", command=command),
    ]


@dataclass
class AnsweringManager(ScriptedManager):
    """One whose call leaves a record in a ledger, as the service does before it sets the status."""

    ledger: str = ""
    record: Event | None = None
    placed: dict[str, Any] = field(default_factory=dict)

    async def act(self, name: str, **fields: str | Sequence[str]) -> list[Any]:
        """Act as above."""
        answer = await super().act(name, **fields)
        if name == "Originate" and self.record:
            store = SqliteStore(self.ledger)
            store.append([PLAYED, replace(self.record, call=str(fields["OtherChannelId"]))])
            store.close()
        return answer


@pytest.fixture
def configured(folder: Path) -> Configuration:
    """A configuration with an account at Asterisk's manager interface."""
    file = folder / "informativa.yaml"
    (folder / "keys/manager.secret").touch(0o600)
    manager = "manager:\n  address: 127.0.0.1:5038\n  user: x\n  secret: keys/manager.secret\n"
    file.write_text(file.read_text().replace("operator: Acme", manager + "operator: Acme", 1))
    return load(file)


def asterisk(
    configured: Configuration,
    events: Sequence[Message],
    record: Event | None = None,
    contexts: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
) -> AnsweringManager:
    """An Asterisk in which calls come in at one context."""
    return AnsweringManager(
        contexts={"from-lab": {"_X.": [GOSUB, "Queue(x)"]}, **OURS} if contexts is None else contexts,
        events=[*CALLED, *events],
        ledger=configured.controllers["acme"].ledger,
        record=record,
    )


def placed(
    call: PlannedCall, manager: ScriptedManager, monkeypatch: pytest.MonkeyPatch, **more: Any
) -> operation.TestCall:
    """Place the call at that Asterisk; return its result."""
    monkeypatch.setattr(ami, "session", manager.session)
    return asyncio.run(place(call, **more))


def planned(configured: Configuration, number: str | None = None, *, sure: bool = False) -> PlannedCall:
    """Return a plan of a call to the first company's line."""
    return plan(configured, LINE, number, "", NOW, sure=sure)


def reported(result: operation.TestCall, call: PlannedCall, say: Language = ENGLISH) -> list[str]:
    """Return the lines that a person reads in the end."""
    return list(report(result, call, say))


@pytest.mark.shipped_prompts
def test_plan_says_what_should_come_of_it(configured: Configuration) -> None:
    """A withheld caller gets the notice, of a length in seconds; no number is in what is printed."""
    call = planned(configured)
    assert (call.caller, call.expected) == (None, (Status.PLAYED, Reason.WITHHELD))
    assert call.seconds == pytest.approx(17.3, abs=0.1)
    sure = planned(configured, CALLER, sure=True)
    assert (sure.caller, sure.expected) == ("+39…67", (Status.PLAYED, Reason.NOT_INFORMED))
    assert CALLER not in repr(sure)


def test_plan_of_a_known_caller(configured: Configuration) -> None:
    """Nothing is due to who was told, so nobody need be sure; what a setting leaves out comes before that."""
    acme = configured.controllers["acme"]
    store = SqliteStore(acme.ledger)
    key = pseudonym(Identified(CALLER), acme.key)
    store.append([replace(PLAYED, pseudonym=key, version="2026-11", purposes=frozenset({"service"}))])
    store.close()
    call = planned(configured, CALLER)
    assert (call.expected, call.seconds) == ((Status.NOTDUE, Reason.ALREADY_INFORMED), 0)
    by_setting = replace(call.decisions[0], reason=Reason.SERVICE_DATA_ONLY)
    both = replace(call, decisions=(*call.decisions, by_setting))
    assert both.expected == (Status.SKIPPED, Reason.SERVICE_DATA_ONLY)


@pytest.mark.parametrize(
    ("number", "line", "context", "message"),
    [
        (None, "0299999999", "", "There are: "),
        ("1\r\nAction: Logoff", LINE, "", "no number to call from"),
        ("", LINE, "", "no number to call from"),
        (None, LINE, "a\nb", "cannot be the name of a context"),
        (CALLER, LINE, "", r"due to \+39…67, .* Leave --from out"),
    ],
)
def test_call_that_is_not_planned(
    configured: Configuration, number: str | None, line: str, context: str, message: str
) -> None:
    """What cannot be called, and whose caller would wrongly count as informed, is refused."""
    with pytest.raises(InformativaError, match=message):
        plan(configured, line, number, context, NOW)


def test_call_needs_an_account_and_a_live_company(folder: Path, configured: Configuration) -> None:
    """Asterisk places the call, and its record must be possible."""
    with pytest.raises(InformativaError, match=r"Add `manager:` to .*informativa\.yaml, as"):
        plan(replace(configured, manager=None), LINE, None, "", NOW)
    borealis = inspect(without_papers(folder))[0].controllers["borealis"]
    line = replace(configured.lines[0], controller=borealis)
    with pytest.raises(InformativaError, match="Controller borealis is not live"):
        plan(replace(configured, spelled={LINE: line}), LINE, None, "", NOW)


@pytest.mark.shipped_prompts
def test_call_in_order(configured: Configuration, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step is reported as it happens; the record is found by the call's id, and there is no problem."""
    call = planned(configured)
    (due,) = call.due
    path = due.prompts["it"].path
    events = [SERVICE, *played(path), *variables_set("PLAYED", "withheld", "2")]
    manager = asterisk(configured, events, PLAYED)
    steps: list[CallPlaced | Moment] = []
    result = placed(call, manager, monkeypatch, progress=steps.append)
    assert (result.in_order, result.notes, result.channel) == (True, (), f"Local/{LINE}@from-lab/n")
    assert manager.placed["CallerID"] == ""
    assert steps == [CallPlaced(result.channel), *result.timeline]
    assert [moment.what for moment in result.timeline] == [
        CallStep.PLACED,
        CallStep.SERVICE,
        CallStep.ANSWERED,
        CallStep.BEGINS,
        CallStep.ENDS,
        CallStep.STATUS,
        CallStep.OVER,
    ]
    assert [record.number for record in result.records] == [2]
    shown = [line for step in steps for line in progress(step, call, ENGLISH)]
    assert shown[:2] == [
        f"Test call to {LINE} (Acme S.p.A.), from withheld, by Local/{LINE}@from-lab/n",
        "It makes a real record, a delivery to nobody.",
    ]
    assert shown[3].endswith(" s  the service is asked: agi://127.0.0.1:4588/notice")  # without the token
    assert shown[5].endswith(f" s  notice begins: {path}, 17.3 s")
    assert shown[7].endswith(" s  status PLAYED")
    first, last = reported(result, call)
    assert first == (
        "record 2: 2026-11-24 13:30:15 CET, privacy notice (privacy) 1 it, PLAYED not-informed,"
        " 9.5 of 9.5 s, whole"
    )
    assert last == "In order: PLAYED (withheld), as `informativa explain` says."


def test_call_as_json(configured: Configuration, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs get the same as values, the record with the names that it has everywhere."""
    call = planned(configured, CALLER, sure=True)
    result = placed(
        call,
        asterisk(configured, [SERVICE, *variables_set("FAILED", "not-playable", "2")], NOTDUE),
        monkeypatch,
    )
    text = document(result)
    facts = json.loads(text)
    assert CALLER[3:] not in text
    assert (facts["schema"], facts["line"], facts["controller"], facts["from"]) == (1, LINE, "acme", "+39…67")
    assert facts["expected"] == {"status": "PLAYED", "reason": "not-informed", "record": None}
    assert facts["result"] == {"status": "FAILED", "reason": "not-playable", "record": "2"}
    assert facts["timeline"][1]["what"] == "service-asked"
    assert (facts["timeline"][-1]["what"], facts["timeline"][-1]["fact"]) == ("over", None)
    assert [record["number"] for record in facts["records"]] == [2]
    assert facts["records"][0] == json_facts(result.records[0])
    assert facts["in_order"] is False
    assert [(problem["code"], problem["remedy"]) for problem in facts["problems"]] == [
        ("test-call", None),
        ("test-call", "type: informativa check"),
    ]


def test_call_that_fails_is_reported(configured: Configuration, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another status than the one expected, and a record that is not there, are problems."""
    call = planned(configured)
    result = placed(
        call, asterisk(configured, [SCRIPT, *variables_set("FALLBACK", "no-line", "")]), monkeypatch
    )
    assert (result.in_order, result.records) == (False, ())
    assert reported(result, call) == [
        "note: the script answered, because the service did not; type: informativa status",
        "note: the manager account does not see when prompts begin and end. In manager.conf, section [x],"
        " add agi to the line that begins with `read =`, then type: asterisk -rx 'manager reload'",
        "WRONG: the call came to FALLBACK no-line; `informativa explain` says PLAYED withheld",
        "WRONG: neither service nor script could handle it; type: informativa status",
        "WRONG: the ledger has no record - of this call",
    ]
    assert reported(result, call, language("it"))[3] == (
        "ERRORE: né il servizio né lo script l'hanno potuta gestire; digitare: informativa status"
    )


@pytest.mark.slow
def test_call_that_comes_to_nothing(configured: Configuration, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no status is set the log of Asterisk is named; `null` stands for the result."""
    monkeypatch.setattr("informativa.asterisk.test_call.SILENCE", 0.1)
    result = placed(planned(configured), asterisk(configured, [Message(event="Hangup")]), monkeypatch)
    assert [str(problem.message)[:27] for problem in result.problems] == ["no status was ever set: see"]
    assert json.loads(document(result))["result"] is None
    with pytest.raises(ManagerError, match="does not let x see what became of the call"):
        placed(planned(configured), AnsweringManager(contexts=OURS, events=[CALLED[0]] * 2), monkeypatch)


def test_caller_known_to_the_companys_own_system(
    configured: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NOTDUE is in order where a look-up may know the caller, but not for one who is withheld."""
    call = planned(configured, CALLER, sure=True)
    asked = (Lookup("crm", "privacy", RecordKind.WEBSITE, "https://crm.example/", 0.1),)
    owner = replace(call.line.controller, lookups=asked)
    call = replace(call, line=replace(call.line, controller=owner))
    events = variables_set("NOTDUE", "already-informed", "2")
    assert placed(call, asterisk(configured, events, NOTDUE), monkeypatch).in_order
    withheld = replace(call, number=None)
    assert not placed(withheld, asterisk(configured, events, NOTDUE), monkeypatch).in_order


def came_in(
    contexts: Mapping[str, Mapping[str, Sequence[str]]], context: str = "", *, through: bool = False
) -> CallEntry:
    """Return where a call comes in to such a dialplan."""
    return asyncio.run(entry(ScriptedManager(contexts=contexts), LINE, context, through=through))


def test_call_comes_in_where_it_rings_nobody() -> None:
    """As others do where that is safe, and else at our own context, which says why."""
    assert came_in({"a": {"_X.": ["Answer()", GOSUB, "Dial(x)"]}, **OURS}) == CallEntry("a")
    risky = came_in({"a": {"_X.": ["Dial(x)", GOSUB]}, **OURS})
    assert risky.context == "informativa-test"
    assert "because before the notice stands Dial(x), which may ring" in str(risky.notes[0])
    nowhere = came_in(OURS)
    assert nowhere.context == "informativa-test"
    assert f"because no extension for {LINE} in the dialplan calls" in str(nowhere.notes[0])
    assert came_in(OURS, "informativa-test") == nowhere


def test_call_goes_through_where_that_is_wanted() -> None:
    """It is told what may have rung: after the notice, too, where ours would not stop the call."""
    contexts = {"a": {"_X.": ["Dial(x)", GOSUB, "Queue(y)"]}, **OURS}
    (note,) = came_in(contexts, through=True).notes
    assert str(note).endswith("may have rung somebody: Dial(x)")
    (note,) = came_in({"a": contexts["a"]}, through=True).notes
    assert str(note).endswith("may have rung somebody: Dial(x), Queue(y)")
    assert came_in({"a": {"_X.": [GOSUB, "Queue(y)"]}, **OURS}, through=True).notes == ()


@pytest.mark.parametrize(
    ("contexts", "context", "through", "message"),
    [
        (
            {"a": {"_X.": [GOSUB]}, "b": {"_X.": [GOSUB]}},
            "",
            False,
            r"contexts: a, b\. Name one: --context a",
        ),
        ({"a": {"_X.": [GOSUB]}}, "c", False, "no context c. Calls to .* come to informativa in: a"),
        ({}, "c", False, "no context c. Leave --context and --through out"),
        (OURS, "informativa", False, "No extension for"),
        (OURS, "", True, "No extension for"),
        ({"a": {"_X.": ["Dial(x)", GOSUB]}}, "", False, "not loaded, or an older one. Write it again"),
    ],
)
def test_place_that_there_is_not(
    contexts: Mapping[str, Mapping[str, Sequence[str]]], context: str, through: bool, message: str
) -> None:
    """It is said what is missing, or between what to choose."""
    with pytest.raises(InformativaError, match=message):
        came_in(contexts, context, through=through)


def test_context_that_was_named() -> None:
    """Of two contexts the call comes in at the one that was named."""
    contexts = {"a": {"_X.": [GOSUB]}, "b": {"_X.": [GOSUB]}, **OURS}
    assert came_in(contexts, "b") == CallEntry("b")


def untimed(printed: str) -> list[str]:
    """Return the lines without their times."""
    return [re.sub(r"^ +[0-9]+\.[0-9]{2} s  ", "", line) for line in printed.splitlines()]


@pytest.mark.shipped_prompts
def test_command_prints_each_step_and_what_was_recorded(
    configured: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that went as it should is printed step by step, with its record, and ends with exit code 0."""
    path = planned(configured).due[0].prompts["it"].path
    events = [SERVICE, *played(path), *variables_set("PLAYED", "withheld", "2")]
    monkeypatch.setattr(ami, "session", asterisk(configured, events, PLAYED).session)
    code, out, err = typed("test-call", LINE, "-c", configured.file)
    assert (code, err) == (0, "")
    assert untimed(out) == [
        "Test call to +390212345678 (Acme S.p.A.), from withheld, by Local/+390212345678@from-lab/n",
        "It makes a real record, a delivery to nobody.",
        "placed",
        "the service is asked: agi://127.0.0.1:4588/notice",
        "answered",
        f"notice begins: {path}, 17.3 s",
        "notice ends",
        "status PLAYED",
        "hung up",
        "record 2: 2026-11-24 13:30:15 CET, privacy notice (privacy) 1 it, PLAYED not-informed,"
        " 9.5 of 9.5 s, whole",
        "In order: PLAYED (withheld), as `informativa explain` says.",
    ]


def test_command_ends_with_1_where_a_call_failed(
    configured: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong is printed last, and a script that runs the command learns of it by exit code 1."""
    events = [SCRIPT, *variables_set("FALLBACK", "no-line", "")]
    monkeypatch.setattr(ami, "session", asterisk(configured, events).session)
    code, out, err = typed("test-call", LINE, "-c", configured.file)
    assert (code, err) == (1, "")
    assert untimed(out)[2:5] == ["placed", "the script is asked: informativa-agi", "status FALLBACK"]
    assert untimed(out)[-3:] == [
        "WRONG: the call came to FALLBACK no-line; `informativa explain` says PLAYED withheld",
        f"WRONG: neither service nor script could handle it; type: informativa status -c {configured.file}",
        "WRONG: the ledger has no record - of this call",
    ]


def test_command_prints_one_document_for_programs(
    configured: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --json nothing is printed while the call lasts, and then one document, with the same exit code."""
    monkeypatch.setattr(ami, "session", asterisk(configured, [Message(event="Hangup")]).session)
    code, out, err = typed("test-call", LINE, "--from", CALLER, "--yes", "--json", "-c", configured.file)
    facts = json.loads(out)
    assert (code, err) == (1, "")
    assert (facts["from"], facts["result"], facts["in_order"]) == ("+39…67", None, False)
    assert [moment["what"] for moment in facts["timeline"]] == ["placed", "over"]
    assert [problem["message"] for problem in facts["problems"]] == [
        "no status was ever set: see Asterisk's log (asterisk -rvvv) for where the call went"
    ]
