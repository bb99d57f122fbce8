"""Internal calls: those of the company's own telephones, which no number alone can prove."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from choosing import CONSENT, choice, planned
from configurations import problems
from doubles import BrokenLedger, ScriptedSession, incoming, line, notice
from handling import COUNTRY, events, handle, services
from informativa.asterisk.dialplan import render
from informativa.call import agi
from informativa.call.caller import recognise
from informativa.config import load
from informativa.model import ALWAYS, INTERNAL_CALLER, Asks, Internal, Reason, Status, Step, Unidentified
from informativa.operations.explain import explain
from informativa.system import shipped

NOW = datetime(2026, 12, 1, 12, 30, tzinfo=UTC)
MARKED = Internal(variable=True)
PHONES = Internal(contexts=frozenset({"phones", "yes"}), prefixes=("2", "30"))
ANY_PHONE = Internal(contexts=frozenset({"phones"}))
SETTING = "internal: {variable: true, contexts: [phones]}\n"


@pytest.mark.parametrize(
    ("number", "word", "internal", "expected"),
    [
        ("201", "yes", MARKED, True),
        ("201", "Yes:", MARKED, True),
        ("+390212345678", "yes:from-trunk", MARKED, True),
        ("201", "no", MARKED, False),
        ("201", "", MARKED, False),
        ("201", ":yes", MARKED, False),
        ("201", ":phones", MARKED, False),
        ("201", ":phones", PHONES, True),
        ("3099", ":phones", PHONES, True),
        ("200001", ":phones", ANY_PHONE, True),
        ("31", ":phones", ANY_PHONE, True),
        ("31", ":phones", PHONES, False),
        ("201", ":from-trunk", PHONES, False),
        ("201", "", PHONES, False),
        ("201", "yes", PHONES, False),
        ("201", ":", PHONES, False),
        ("2", ":phones", ANY_PHONE, False),
        ("2000001", ":phones", ANY_PHONE, False),
        ("+39201", ":phones", ANY_PHONE, False),
        ("٢٠١", ":phones", ANY_PHONE, False),
        ("anonymous", ":phones", ANY_PHONE, False),
        ("201", "yes:phones", None, False),
    ],
)
def test_i1_a_number_alone_is_never_internal(
    number: str, word: str, internal: Internal | None, expected: bool
) -> None:
    """I1: a call is internal by the mark of its channel, or by its endpoint's context and an extension; never
    by its number, and never without the configuration's word."""
    call = incoming(number, options={"internal": word} if word else {})
    caller = recognise(call, line(internal=internal))
    assert (caller is INTERNAL_CALLER) is expected
    if not expected and number == "201":
        assert caller == Unidentified(Reason.MALFORMED)


def test_i1_contradictory_call_is_not_internal() -> None:
    """I1: where somebody wrote into Asterisk's description of the call, no option of it counts."""
    raw = b"agi_request: x\nagi_callerid: 201\nagi_threadid: 1\nagi_arg_1: 1\nagi_arg_2: linked=1\n"
    forged = agi.parse_environment(raw + b"agi_arg_3: internal=\nagi_arg_4: internal=yes\n\n")
    assert (forged.ambiguous, forged.options) == (True, {})
    assert recognise(forged, line(internal=MARKED)) == Unidentified(Reason.AMBIGUOUS)


def test_internal_option_is_read_the_quick_way() -> None:
    """The option that only some dialplans pass is read in the usual form of an environment, and without it
    the form is usual, too."""
    beginning = b"agi_network: yes\nagi_network_script: notice\n"
    names = "request channel language type uniqueid version callerid calleridname callingpres callingani2"
    names += " callington callingtns dnid rdnis context extension priority enhanced accountcode threadid"
    body = b"".join(f"agi_{name}: 0\n".encode() for name in names.split())
    options = ["linked", "heard", "language", "customer", "verification", "country"]
    passed = "".join(f"agi_arg_{place}: {name}=\n" for place, name in enumerate(options, 2))
    raw = beginning + body + b"agi_arg_1: 1\n" + passed.encode()
    for environment, expected in (
        (raw, {}),
        (raw + b"agi_arg_8: internal=:phones\n", {"internal": ":phones"}),
    ):
        assert agi._usual_environment().fullmatch(environment.decode())
        assert agi.parse_environment(environment) == agi._parse_any(environment)
        assert agi.parse_environment(environment).options == expected


def test_internal_call_hears_nothing_and_is_nobodys() -> None:
    """Nothing is played, not even what is due on every call, and nothing is asked; the record of each notice
    says so and has no caller, and whoever was known by the number before is not touched."""
    plan = (Step(COUNTRY, ALWAYS), Step(notice()))
    own = planned(choice(Asks.RECORDING), CONSENT, after=2, plan=plan, internal=MARKED)
    session, at = ScriptedSession(incoming(options={"internal": "yes"})), services(own)
    result = handle(session, at)
    assert (session.played, session.waits) == ([], [])
    assert (result.status, result.reason) == (Status.SKIPPED, "internal")
    assert result.choices == "recording:not-asked marketing:not-asked"
    assert result.unasked == "recording:internal marketing:internal"
    recorded = events(at)
    assert [(event.notice, event.status, event.reason) for event in recorded] == [
        ("country", "SKIPPED", "internal"),
        ("privacy", "SKIPPED", "internal"),
    ]
    for event in recorded:
        assert (event.pseudonym, event.binding, event.vouched, event.informs) == (None, None, None, False)
    outside = ScriptedSession(incoming())
    assert handle(outside, at).status == Status.PLAYED


def test_i1_internal_call_without_a_record_is_played_to() -> None:
    """I1: where the ledger takes no record, nothing is left out, as with every other setting."""
    session = ScriptedSession(incoming("201", options={"internal": "yes"}))
    assert handle(session, services(line(internal=MARKED), BrokenLedger())).status == Status.FALLBACK
    assert session.played == [("/prompts/it/short", "1")]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ('{prefixes: ["2"]}', "anybody can show a number that begins so; name in `contexts`"),
        ('{variable: true, prefixes: ["2"]}', "anybody can show a number that begins so"),
        ("{}", "matches no call; write `variable: true`"),
        ("{contexts: []}", "matches no call"),
        ('{contexts: ["a b"]}', "is not a context of the dialplan"),
        ('{contexts: [phones], prefixes: ["+39"]}', "is not the beginning of an extension"),
        ('{contexts: [phones], prefixes: ["2000000"]}', "is not the beginning of an extension"),
        ("{channel: x}", "channel"),
    ],
)
def test_internal_settings_that_are_refused(folder: Path, setting: str, message: str) -> None:
    """A number alone, nothing at all, and what is no context or extension: check says what to write."""
    file = folder / "informativa.yaml"
    file.write_text(f"internal: {setting}\n{file.read_text()}")
    messages = problems(file)
    assert any("internal" in one and message in one for one in messages), messages


def test_context_of_a_trunk_is_warned_of(folder: Path) -> None:
    """A context that usually is a trunk's would leave callers from outside without the notice."""
    file = folder / "informativa.yaml"
    file.write_text(f"internal: {{contexts: [phones, from-trunk]}}\n{file.read_text()}")
    (warning,) = load(file).warnings
    assert "from-trunk is usually a trunk's: callers from outside would hear nothing" in str(warning)


def test_dialplan_has_more_steps_only_with_the_setting(folder: Path) -> None:
    """Without `internal` the file is the one that it was; with it, the notice alone gets what it names."""
    template = (shipped.folder("dialplan") / "informativa.conf").read_text()
    file = folder / "informativa.yaml"
    before = file.read_text()
    plain = render(template, load(file)).splitlines()
    assert not any("internal=" in row for row in plain)
    file.write_text(f"internal: {{variable: true}}\n{before}")
    marked = [row for row in render(template, load(file)).splitlines() if row not in plain]
    assert marked[1:] == [
        " same => n,Set(LOCAL(options)=${options},internal=${FILTER(A-Za-z,${INFORMATIVA_INTERNAL})})"
    ]
    file.write_text(f"{SETTING}{before}")
    text = render(template, load(file))
    assert text.count("PJSIP_ENDPOINT") == 1
    assert text.index("PJSIP_ENDPOINT") < text.index("AGI(agi://")


def test_internal_call_is_explained(folder: Path) -> None:
    """Explain shows which telephone is the company's own, and that its number alone says nothing."""
    file = folder / "informativa.yaml"
    file.write_text(f"{SETTING}{file.read_text()}")
    own = load(file).spelled["0212345678"]
    words = ("phones", "yes", "from-trunk", "")
    results = [explain(own, own.number, "201", None, "", NOW, internal=word) for word in words]
    decisions = [result.notices[0] for result in results]
    assert [(one.reason, one.status) for one in decisions] == [
        ("internal", "SKIPPED"),
        ("internal", "SKIPPED"),
        ("malformed", "PLAYED"),
        ("malformed", "PLAYED"),
    ]
    assert [result.caller.reason for result in results][:2] == [Reason.INTERNAL] * 2
