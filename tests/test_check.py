"""The results of a check: as values, in words, and for programs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from configurations import with_choices
from informativa.config import load
from informativa.model import Answer, Asks, Choice, PlannedChoice
from informativa.operations.check import check
from informativa.views.documents import document
from informativa.views.messages import ENGLISH, language
from informativa.views.text.check import in_order, problem_lines
from lab import audio
from lab.ports import free_port

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def file(folder: Path) -> Path:
    """A configuration that is in order, on a port that nobody has."""
    file = folder / "informativa.yaml"
    file.write_text(file.read_text().replace("127.0.0.1:4588", f"127.0.0.1:{free_port()}"))
    return file


@pytest.mark.shipped_prompts
def test_what_is_in_order(file: Path) -> None:
    """Each line is told with what it plays, and how long that is."""
    result = check(file, NOW)
    assert result.problems == ()
    assert result.lines is not None
    (notice,) = result.lines[0].notices
    assert (notice.notice, notice.version, notice.language) == ("privacy", "2026-11", "it")
    assert notice.seconds > 1
    lines = list(in_order(result, ENGLISH))
    assert f"Acme S.p.A., privacy notice (privacy) 2026-11 in it ({notice.seconds:.1f} s)" in "\n".join(lines)
    assert lines[-1].startswith(
        f"{file} is in order: 2 controllers, {len(result.lines)} lines, service on 127."
    )
    assert "2 titolari" in list(in_order(result, language("it")))[-1]
    facts = json.loads(document(result))
    assert (facts["ok"], facts["file"], facts["controllers"]) == (True, str(file), ["acme", "borealis"])
    assert (facts["metrics"], facts["service"]) == (None, result.service)
    assert facts["lines"][0]["notices"][0]["seconds"] == pytest.approx(notice.seconds, abs=0.001)


def test_choices_stand_at_their_places(file: Path) -> None:
    """A plan has each choice after the notice that it follows, with the meaning of each key; a line without
    choices has no word about them, in JSON either."""
    with_choices(file.parent)
    result = check(file, NOW)
    assert result.problems == ()
    (line, *others) = result.lines or ()
    text = next(text for text in in_order(result, ENGLISH) if text.startswith("+390212345678"))
    parts = (
        "country of the operator (country) 1 in",
        "asked: an operator in the European Union (abroad) 1 in",
        "(privacy) 2026-11",
        "asked: taping",
        "asked: sending offers",
    )
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert "5 = I do not consent, 4 = I consent)" in text
    assert "5 = non acconsento, 4 = acconsento)" in "\n".join(in_order(result, language("it")))
    facts = json.loads(document(result))["lines"]
    assert [choice["choice"] for choice in facts[0]["choices"]] == ["abroad", "taping", "marketing"]
    assert facts[0]["choices"][2]["keys"] == {"refused": "5", "granted": "4"}
    assert [choice["after"] for choice in facts[0]["choices"]] == [1, 2, 2]
    assert all("choices" not in other for other in facts[1:])
    assert [other.choices for other in others] == [None] * len(others)
    assert line.choices is not None


def test_what_is_wrong(file: Path) -> None:
    """Each problem has its place; nothing is told of a configuration that is not in order."""
    file.write_text(file.read_text().replace("controller: acme", "controller: acm"))
    result = check(file, NOW)
    assert (result.service, result.controllers, result.lines) == (None, None, None)
    assert list(in_order(result, ENGLISH)) == []
    lines = list(problem_lines(result, ENGLISH))
    assert lines[: len(result.problems)] == [str(problem.text) for problem in result.problems]
    assert all(line.startswith("warning: ") for line in lines[len(result.problems) :])
    facts = json.loads(document(result))
    assert (facts["ok"], facts["service"], facts["lines"]) == (False, None, None)
    assert facts["problems"][0]["line"]


def test_file_that_is_not_there(folder: Path) -> None:
    """That it is not is a problem like any other."""
    result = check(folder / "none.yaml", NOW)
    assert [problem.file for problem in result.problems] == [str(folder / "none.yaml")]


_CHOICE = """\
    choices:
      human:
        asks: human
        wait: 10 seconds
        keys: {human: "8"}
        versions: [{version: "1", short: {it: prompts/it/short}}]
    notices:
      ai:
        versions: [{version: "1", purposes: [service], short: {it: long}}]
"""


def test_sum_for_a_new_caller(file: Path) -> None:
    """It is told with a plan of several steps, in their order; more than 30 s of them are a warning."""
    audio.write_wav(file.with_name("long.wav"), audio.synthetic(25.0, 1))
    alone = list(in_order(check(file, NOW), ENGLISH))
    assert not any("in all for a new caller" in line for line in alone)
    steps = "    plan:                    # what a caller must hear, in this order\n"
    text = file.read_text().replace("    notices:\n", _CHOICE, 1)
    file.write_text(text.replace(steps, f"{steps}      - choice: human\n", 1))
    result = check(file, NOW)
    assert result.lines is not None
    (line, single) = result.lines
    prompt = line.notices[0].seconds
    assert line.choices is not None
    (choice,) = line.choices
    assert (choice.choice, choice.after, choice.seconds, choice.wait) == ("human", 0, prompt, 10.0)
    assert (line.new_caller, single.new_caller) == (2 * prompt + 10, single.notices[0].seconds)
    assert (
        f"asked: a person instead of the machine (human) 1 in it ({prompt:.1f} s, and 10 s for the answer;"
        " 8 = let a person answer me), privacy"
        " notice (privacy) 2026-11 in it"
        f" ({prompt:.1f} s), {2 * prompt + 10:.1f} s in all for a new caller"
    ) in "\n".join(in_order(result, ENGLISH))
    assert not any("before anybody answers" in str(warning) for warning in result.warnings)
    file.write_text(
        text.replace(steps, f"{steps}      - {{notice: ai, when: always}}\n      - choice: human\n", 1)
    )
    warnings = [str(warning) for warning in check(file, NOW).warnings]
    seconds = f"{25 + 2 * prompt + 10:.0f}"
    expected = f"a new caller of +390212345678 hears {seconds} s before anybody answers: ai, human, privacy"
    assert any(expected in warning for warning in warnings)


def test_consents_beyond_those_of_a_call(file: Path) -> None:
    """Of several consents a new caller is asked as many as the line allows, and no others count."""
    line = next(line for line in load(file).lines if line.number == "+390212345678")
    wording = line.plan[0].notice
    consents = [Choice(wording, Asks.CONSENT, {Answer.GRANTED: key}, purpose="x") for key in "45"]
    planned = replace(line, choices=tuple(PlannedChoice(choice, 1) for choice in consents))
    one, none = planned.seconds_of_new_caller(NOW), line.seconds_of_new_caller(NOW)
    assert one == none * 2 + 4
    assert replace(planned, consents=2).seconds_of_new_caller(NOW) == none * 3 + 8
