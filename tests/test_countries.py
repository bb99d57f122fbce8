"""The country of the operators, which the dialplan names: what its callers hear, and what check says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from configurations import problems, with_choices
from doubles import ScriptedSession, incoming, line, notice, version
from handling import choices_of, events, handle, services
from informativa.asterisk.dialplan import render
from informativa.config import load
from informativa.model import ALWAYS, Answer, Asks, Choice, KeyPress, Line, Notice, PlannedChoice, Step
from informativa.operations.explain import explain
from informativa.system import shipped

PRIVACY = notice(version("1", "service"))
PLAN = """\
    plan:
      - {notice: country, when: always, countries: [RO]}
      - {notice: country-al, when: always, countries: [AL, others]}
      - {choice: abroad, countries: [AL, others]}
      - notice: privacy
"""


def named(name: str) -> Notice:
    """Build a notice with a prompt of its own."""
    own = version("1", "service", full=False)
    short = {language: replace(prompt, path=f"/prompts/{name}") for language, prompt in own.short.items()}
    return Notice(name, (replace(own, short=short),))


def several() -> Line:
    """Build a line whose calls go to Romania, or to Albania, or nobody knows where."""
    prompt = named("abroad").versions[0]
    abroad = Choice(Notice("abroad", (prompt,)), Asks.OPERATOR, {Answer.EU: "2"})
    return line(
        Step(named("country-ro"), ALWAYS, frozenset({"RO"})),
        Step(named("country-al"), ALWAYS, frozenset({"AL"})),
        Step(named("country-others"), ALWAYS, frozenset({"others"})),
        Step(PRIVACY),
        choices=(PlannedChoice(abroad, 3, frozenset({"AL", "others"})),),
    )


@pytest.mark.parametrize(
    ("country", "played", "reason", "word"),
    [
        ("RO", "country-ro", "every-call", ""),
        ("AL", "country-al", "every-call", "abroad:eu"),
        ("al", "country-al", "every-call", "abroad:eu"),
        ("", "country-others", "other-country", "abroad:eu"),
        ("FR", "country-others", "other-country", "abroad:eu"),
        ("ALBANIA", "country-others", "other-country", "abroad:eu"),
        ("others", "country-others", "other-country", "abroad:eu"),
    ],
)
def test_country_that_the_dialplan_names(country: str, played: str, reason: str, word: str) -> None:
    """A call to a country that the plan names has the steps for it; any other word, and none, has those for
    all others, and the record says so."""
    session = ScriptedSession(incoming(options={"country": country}), presses=[KeyPress("2", 1.0)])
    at = services(several())
    handle(session, at)
    assert [path for path, _keys in session.played if "country" in path] == [f"/prompts/{played}"]
    played_events = [event for event in events(at) if event.notice.startswith("country")]
    assert [(event.notice, event.reason) for event in played_events] == [(played, reason)]
    assert choices_of(session) == word


@pytest.mark.parametrize(
    ("country", "logged"),
    [("ALBANIA", "INFORMATIVA_COUNTRY=ALBANIA on the line +390212345678"), ("UK", "INFORMATIVA_COUNTRY=UK"),
     ("FR", ""), ("al", ""), ("others", ""), ("", "")],
)  # fmt: skip
def test_mistyped_country_is_told_to_the_admin(country: str, logged: str) -> None:
    """A word that is no country is named for the log; one that the plan does not name is in order."""
    result = handle(ScriptedSession(incoming(options={"country": country})), services(several()))
    assert logged in result.doubt
    assert bool(result.doubt) is bool(logged)


def test_line_without_countries_takes_none() -> None:
    """On any other line the variable changes nothing."""
    at = services(line(Step(named("country"), ALWAYS)))
    handle(ScriptedSession(incoming(options={"country": "AL"})), at)
    assert [(event.notice, event.reason) for event in events(at)] == [("country", "every-call")]


def by_country(folder: Path, plan: str = PLAN) -> Path:
    """Write the example configuration with notices for Romania and for Albania and all others."""
    file = with_choices(folder)
    text = file.read_text()
    head, _plan, rest = text.partition("    plan:\n")
    rest = rest.split("      - choice: marketing\n", 1)[1]
    own = '{version: "1", purposes: [service], short: {it: prompts/it/full}}'
    notices = f"      country-al:\n        versions: [{own}]\n"
    head = head.replace("      country:\n", f"{notices}      country:\n", 1)
    file.write_text(head + plan + rest)
    return file


def test_countries_of_a_configuration(folder: Path) -> None:
    """The plan has its countries, explain shows for a country that it does not name what a call would get,
    and the dialplan's own playback has the notice for all others."""
    configuration = load(by_country(folder))
    own = configuration.spelled["+390212345678"]
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    shown = {
        country: explain(own, own.number, None, None, "", now, country=country, use_history=False)
        for country in ("RO", "AL", "FR", "")
    }
    assert {country: [one.notice for one in result.notices] for country, result in shown.items()} == {
        "RO": ["country", "privacy"],
        "AL": ["country-al", "privacy"],
        "FR": ["country-al", "privacy"],
        "": ["country-al", "privacy"],
    }
    assert [result.country for result in shown.values()] == ["RO", "AL", "others", "others"]
    assert [len(result.choices or ()) for result in shown.values()] == [0, 1, 1, 1]
    text = render((shipped.folder("dialplan") / "informativa.conf").read_text(), configuration)
    assert f"exten => +390212345678,1,Return({folder}/prompts/it/full&" in text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[AL, others]}\n      - {choice", "[AL]}\n      - {choice", "no notice is for all other countries"),
        ("[RO]", "[UK]", "UK is not a country; for the United Kingdom use GB"),
        ("[RO]", "[ro]", "countries"),
        ("[RO]", "[]", "countries"),
        ("abroad, countries: [AL, others]", "abroad, countries: [MK]", "choices are for MK, which no notice"),
        (
            "abroad, countries: [AL, others]",
            "abroad, countries: [MK]",
            "no notice `country` stands before it",
        ),
    ],
)
def test_countries_that_are_refused(folder: Path, old: str, new: str, message: str) -> None:
    """Where a call could be told nothing, or nobody reaches a step, check says so."""
    assert old in PLAN
    sentences = problems(by_country(folder, PLAN.replace(old, new, 1)))
    assert any(message in sentence for sentence in sentences), sentences


def test_country_whose_callers_are_not_asked(folder: Path) -> None:
    """Outside the European Union callers may want an operator within it: a country without that question is
    warned of (L21)."""
    plan = PLAN.replace("abroad, countries: [AL, others]", "abroad, countries: [others]")
    warnings = [str(warning) for warning in load(by_country(folder, plan)).warnings]
    assert any("AL: callers are told of operators outside the European Union" in one for one in warnings)
    assert not any("others: callers" in one or "RO" in one for one in warnings)
