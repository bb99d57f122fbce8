"""The questions of a forecast: which a caller is asked, how long they take, and which of his consents end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from choosing import CONSENT, choice, planned, wording
from doubles import line, notice, version
from informativa.call import forecast
from informativa.call.forecast import CallersConsent, Change, CompanySide, Effect, Hearing, HearingDifference
from informativa.model import (
    ALWAYS,
    Answer,
    Asks,
    Choice,
    Line,
    Period,
    PlannedChoice,
    PriorDelivery,
    Reason,
    Step,
)
from informativa.model.choices import NO_ANSWERS, AnswerHistory, StandingAnswer
from informativa.model.text import Text

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ALL = frozenset[str]()
OFFERS = choice(Asks.CONSENT, "offers", wording("offers", "offers"), purpose="offers", wait=3.0)
ABROAD = choice(Asks.OPERATOR)
ONCE = Hearing("1", Reason.NOT_INFORMED, 10.0)
MARKETING = Hearing("1", Reason.NOT_ANSWERED, 12.0, asks=True)
OPERATOR = Hearing("1", Reason.EVERY_CALL, 12.0, each_call=True, asks=True)


def granted(purpose: str, word: Answer = Answer.GRANTED, days: int = 10) -> StandingAnswer:
    """Build the answer of a caller, some days ago, to the first version of a choice."""
    return StandingAnswer(word, "1", frozenset({purpose}), NOW - days * DAY, 7)


def heard(line: Line, answers: AnswerHistory = NO_ANSWERS) -> dict[forecast.Place, Hearing]:
    """Return what somebody who heard nothing yet hears and is asked on a line."""
    return forecast.hearings(line, {}, answers, NOW, forecast.SOMEBODY)


def company(line: Line, *choices: Choice, recycled_after: Period | None = None) -> CompanySide:
    """Build a company with one line and these choices."""
    controller = replace(line.controller, recycled_after=recycled_after)
    line = replace(line, controller=controller)
    notices = {step.notice.id: step.notice for step in line.plan}
    return CompanySide(controller, {line.number: line}, notices, {own.id: own for own in choices})


def test_question_takes_its_prompt_and_the_wait() -> None:
    """A consent is asked once, the operator's country in each call; the notice before them is due once."""
    assert heard(planned(CONSENT, ABROAD)) == {
        ("privacy", False, ALL): ONCE,
        ("marketing", True, ALL): MARKETING,
        ("abroad", True, ALL): OPERATOR,
    }


@pytest.mark.parametrize(
    ("consents", "names"),
    [(1, ["abroad", "marketing"]), (2, ["abroad", "marketing", "offers"]), (3, None)],
)
def test_no_more_consents_are_asked_than_the_line_says(consents: int, names: list[str] | None) -> None:
    """Of three consents as many as its calls have, by their order; other questions are not counted."""
    third = choice(Asks.CONSENT, "third")
    asked = [
        name for name, asks, _ in heard(planned(ABROAD, CONSENT, OFFERS, third, consents=consents)) if asks
    ]
    assert asked == (names or ["abroad", "marketing", "offers", "third"])


def test_answered_question_is_not_asked() -> None:
    """Who refused one consent is asked the next one, for the answer counts; what is asked in each call is
    asked him too."""
    answers = AnswerHistory({"marketing": granted("marketing", Answer.REFUSED, days=1)})
    later = replace(CONSENT, again=Period(6))
    assert [place[0] for place in heard(planned(later, OFFERS, ABROAD), answers)] == [
        "privacy",
        "offers",
        "abroad",
    ]


def test_question_is_asked_of_a_number_that_changed_hands() -> None:
    """Who rang nine months ago and refused may be another one by now, where six months make him that."""
    own = company(planned(replace(CONSENT, again=Period(24))), recycled_after=Period(6))
    answers = AnswerHistory({"marketing": granted("marketing", Answer.REFUSED, days=270)})
    for days, asked in ((270, True), (100, False)):
        at = NOW - days * DAY
        history = {"privacy": PriorDelivery(frozenset({"1"}), frozenset({"service"}), 7, at, at)}
        (line,) = own.lines.values()
        places = forecast.hearings(line, history, answers, NOW, forecast.SOMEBODY)
        assert (("marketing", True, ALL) in places) is asked


def test_company_that_is_not_live_asks_no_consent() -> None:
    """Its calls hear all notices each time, in the line's language, and nothing is on record on which a
    consent could rest; what is asked in each call is asked."""
    asked = planned(CONSENT, ABROAD, plan=(Step(notice(version("1"), version("2", starts=NOW + DAY))),))
    stopped = replace(asked, controller=replace(asked.controller, refused=Text("no lawyer")))
    always = Hearing("1", Reason.LEDGER_UNAVAILABLE, 10.0, each_call=True)
    assert heard(stopped) == {("privacy", False, ALL): always, ("abroad", True, ALL): OPERATOR}


def test_notice_of_the_lines_language_is_heard() -> None:
    """Nobody's country is known: of a notice in two languages the line's one counts, live or not."""
    wording = version("1", full=False)
    short = wording.short["it"]
    long = replace(short, lengths=(replace(short.lengths[0], samples=160_000),))
    both = notice(replace(wording, short={"en": short, "it": long}))
    own = line(both, languages={"FR": "en"})
    stopped = replace(own, controller=replace(own.controller, refused=Text("no lawyer")))
    seconds = [hearing.seconds for side in (own, stopped) for hearing in heard(side).values()]
    assert seconds == [20.0, 20.0]


def test_notice_for_callers_of_some_countries_is_named_with_them() -> None:
    """The step and the question that come have their countries, and a notice and a question of one name are
    two; where only the reason is another one, nothing is told."""
    privacy, french = notice(), frozenset({"FR"})
    country = Step(replace(privacy, id="marketing"), ALWAYS, french)
    after = line(privacy, country, choices=(PlannedChoice(CONSENT, 1, french),))
    before = line(privacy)
    effect = forecast.effect(company(before), company(after, CONSENT), {}, NO_ANSWERS, NOW)
    each_call = Hearing("1", Reason.EVERY_CALL, 10.0, each_call=True)
    assert effect.lines == {
        before.number: [
            HearingDifference("marketing", french, None, each_call),
            HearingDifference("marketing", french, None, MARKETING),
        ]
    }
    assert effect.hears_again("marketing")
    assert not effect.hears_again("privacy")


def test_caller_hears_again_what_he_would_not_hear_now() -> None:
    """Neither what he hears in another version, nor what he hears no more."""
    hearing = Hearing("1", Reason.NOT_INFORMED, 4.0)
    for before, after, again in ((None, hearing, True), (hearing, hearing, False), (hearing, None, False)):
        difference = HearingDifference("privacy", ALL, before, after)
        other = HearingDifference("country", ALL, hearing, None)
        assert Effect({"1": (other, difference)}).hears_again("privacy") is again
        assert (difference.change is Change.HEARS) is again


def test_consents_that_end() -> None:
    """Of four answers three are consents that count: one whose choice goes, one that has a further purpose,
    and one that stays; a refusal and what is configured nowhere are none."""
    third, fourth = choice(Asks.CONSENT, "third"), choice(Asks.CONSENT, "fourth")
    wider = replace(
        OFFERS, wording=replace(OFFERS.wording, versions=(wording("offers", "offers", "news", number="2"),))
    )
    answers = AnswerHistory(
        {
            "unknown": granted("marketing"),
            "fourth": granted("marketing", Answer.REFUSED),
            "marketing": granted("marketing"),
            "offers": granted("offers"),
            "third": granted("marketing"),
        }
    )
    before = company(planned(CONSENT, OFFERS, third, fourth), CONSENT, OFFERS, third, fourth)
    after = company(planned(wider, third, fourth), wider, third, fourth)
    assert forecast.effect(before, after, {}, answers, NOW).consents == [
        CallersConsent("marketing", Reason.CONFIGURED),
        CallersConsent("offers", Reason.NEW_PURPOSE),
        CallersConsent("third", None),
    ]


def test_consent_that_is_over_ends_no_more() -> None:
    """One of three years ago counts neither before nor after; and where numbers are taken to be somebody
    else's after six months, one of a caller who rang nine months ago ends."""
    before, after = (
        company(planned(CONSENT), CONSENT, recycled_after=period) for period in (None, Period(6))
    )
    at = NOW - 270 * DAY
    history = {"privacy": PriorDelivery(frozenset({"1"}), frozenset({"service"}), 7, at, at)}
    for days, consents in ((270, [CallersConsent("marketing", Reason.RECYCLED)]), (1100, [])):
        answers = AnswerHistory({"marketing": granted("marketing", days=days)})
        assert forecast.effect(before, after, history, answers, NOW).consents == consents
    answers = AnswerHistory({"marketing": granted("marketing", days=270)})
    assert forecast.effect(after, before, history, answers, NOW).consents == []
