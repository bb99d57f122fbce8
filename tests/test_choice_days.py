"""Days of callers who press keys at random, held against the rules as they are told in `choice_model.py`."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from choice_model import EU, NO, PROMPT, YES, Expected, Turn, answer_of, days, turn
from doubles import (
    SHORT,
    MemoryLedger,
    ScriptedSession,
    SteppingClock,
    heard_whole,
    hung_up,
    incoming,
    key,
    line,
    notice,
    version,
)
from handling import choices_of, handle, services
from informativa.model import (
    Answer,
    Asks,
    Choice,
    KeyPress,
    Length,
    Line,
    Notice,
    Period,
    PlannedChoice,
    Prompt,
    Step,
    Version,
    Vouched,
)
from lab.chance import SEED

QUESTION = Prompt("/prompts/it/question", (Length(int(PROMPT * 8000), 8000),))


def asked(name: str, asks: Asks, keys: dict[Answer, str], purpose: str = "") -> Choice:
    """Build one choice in Italian."""
    wording = Version(
        "1", frozenset(filter(None, [purpose])), False, {"it": QUESTION}, {}, withdraw={"it": SHORT}
    )
    return Choice(
        Notice(name, (wording,)), asks, keys, purpose=purpose, holds=Period(24) if purpose else None,
        vouched=frozenset(Vouched),
    )  # fmt: skip


OPERATOR = asked("abroad", Asks.OPERATOR, {Answer.EU: EU})
CONSENT = asked("marketing", Asks.CONSENT, {Answer.GRANTED: YES, Answer.REFUSED: NO}, "marketing")
LINE: Line = line(
    Step(notice(version("1", "service", "marketing"))),
    choices=(PlannedChoice(OPERATOR, 1), PlannedChoice(CONSENT, 1)),
    revocable=(CONSENT,),
)


def scripted(turns: list[Turn], options: str) -> tuple[list, list[KeyPress]]:
    """Return what Asterisk reports of these turns: playbacks and key presses."""
    playbacks, presses = [], []
    for one in turns:
        if one.in_prompt is not None and one.key in options:
            playbacks.append(key(one.key, one.in_prompt))
            continue
        playbacks.append(heard_whole(QUESTION))
        pressed = one.key if one.in_prompt is None else ""
        presses.append(KeyPress(pressed, 4.0 if one.in_wait is None else one.in_wait, hung_up=one.hung_up))
    return playbacks, presses


def call(chance: random.Random, ledger: MemoryLedger, expected: Expected, at: datetime, number: str) -> None:
    """Have somebody call, and compare what the dialplan gets with the rules."""
    playbacks: list = []
    informed = any(record.event.informs for record in ledger.records())
    if not informed:
        playbacks = [hung_up(3) if chance.random() < 0.2 else heard_whole(SHORT)]
    operator_turns = [turn(chance) for _ in range(2)]
    operator_word, played = answer_of(operator_turns, {EU: "eu"}, "")
    reports, presses = scripted(operator_turns[:played], EU)
    playbacks += reports
    remembered = expected.remembered(at)
    consent_turns = [turn(chance) for _ in range(2)]
    consent_word, played = answer_of(consent_turns, {YES: "granted", NO: "refused"}, "granted")
    more, more_presses = scripted(consent_turns[:played], YES + NO)
    session = ScriptedSession(
        incoming(number, id=f"1700000000.{at.timestamp():.0f}", linked=f"{at.timestamp():.0f}"),
        playbacks=playbacks + more,
        presses=presses + more_presses,
    )
    handle(session, services(LINE, ledger, clock=SteppingClock(at)))
    choices = choices_of(session)
    if not informed and playbacks[0].result < 0:
        assert choices == "abroad:not-asked marketing:not-asked"
        return
    if operator_word == "hung-up":
        assert choices == "abroad:hung-up marketing:not-asked"
        return
    if remembered:
        outcome = choices.partition("marketing:")[2]
        assert choices.startswith(f"abroad:{operator_word} ")
        assert (
            outcome == remembered if remembered != "silent" else outcome in ("silence", "unclear", "hung-up")
        )
        return
    assert choices == f"abroad:{operator_word} marketing:{consent_word}"
    expected.take(consent_word, at)


def year(seed: str, callers: int) -> int:
    """Have so many callers call five times each; return how many consents were granted."""
    chance = random.Random(seed)
    granted = 0
    for number in range(callers):
        ledger, expected = MemoryLedger(), Expected()
        at = datetime(2026, 11, 24, 12, tzinfo=UTC)
        for _ in range(5):
            call(chance, ledger, expected, at, f"+3933312{number:05}")
            at += days(chance)
        acts = [record.event for record in ledger.records() if record.event.asked]
        for event in acts:
            assert event.asked is not None
            if event.asked.answer is Answer.GRANTED:
                assert event.heard is not None
                assert (event.heard.key, event.heard.ending) == (YES, "whole")
                assert event.asked.waited >= 300
                assert event.basis is not None
        granted += sum(event.asked.answer is Answer.GRANTED for event in acts if event.asked)
    return granted


def test_day_of_callers_with_random_keys() -> None:
    """300 callers with five calls each hear and are told what the rules say, key by key; no consent is on
    record without its key, 0.3 seconds or more after a prompt that was heard whole, and the notice that it
    rests on."""
    assert year(f"{SEED} day", 300) > 50


@pytest.mark.night
def test_day_of_ten_thousand_callers() -> None:
    """The same of 10,000 callers."""
    assert year(f"{SEED} night", 10_000) > 1000
