"""Effects of another configuration on callers: decided as calls are, and counted by states."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from choosing import answering
from doubles import FULL, SHORT, line, notice, version
from examples import PLAYED
from informativa.call import forecast
from informativa.call.forecast import Change, CompanySide, Hearing, HearingDifference
from informativa.ledgers import answers, caller_states, rows
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import (
    ALWAYS,
    Answer,
    Asks,
    Choice,
    Event,
    Line,
    Notice,
    Period,
    PlannedChoice,
    PriorDelivery,
    Reason,
    Step,
    Vouched,
)
from informativa.model.choices import NO_ANSWERS
from informativa.operations import forecast_counting
from informativa.operations.forecast_counting import Sums, most_frequent, sums

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ROME, MILAN = "+390612345678", "+390212345678"
COUNTRY = Notice("country", (version("1"),))
PURPOSES = (("service",), ("service", "marketing"), ("marketing",))


def wording(*versions: object) -> Choice:
    """Build the choice `marketing`, a consent that holds for three months."""
    return Choice(
        Notice("marketing", versions or (version("m1", "marketing"),)),  # type: ignore[arg-type]
        Asks.CONSENT,
        {Answer.GRANTED: "4", Answer.REFUSED: "5"},
        purpose="marketing",
        holds=Period(3),
        again=Period(1),
        vouched=frozenset(Vouched),
    )


def side(*lines: Line, choice: Choice | None = None, ledger: Path | None = None) -> CompanySide:
    """Build a company with these lines, as one configuration has it."""
    controller = replace(lines[0].controller, ledger=str(ledger or ""))
    notices = {step.notice.id: step.notice for own in lines for step in own.plan}
    return CompanySide(
        controller,
        {own.number: replace(own, controller=controller) for own in lines},
        notices,
        {choice.id: choice} if choice else {},
    )


def heard(*versions: str, days: int = 10) -> dict[str, PriorDelivery]:
    """Build the history of a caller who heard these versions of `privacy`, each with service."""
    at = NOW - days * DAY
    return {"privacy": PriorDelivery(frozenset(versions), frozenset({"service"}), 7, at, at)}


OLD = side(line(notice(version("1"))))


@pytest.mark.parametrize(
    ("versions", "change", "reason"),
    [
        ((version("1"), version("2")), None, None),
        ((version("1"), version("2", material=True)), Change.HEARS, Reason.MATERIAL_CHANGE),
        ((version("1"), version("2", "service", "marketing")), Change.HEARS, Reason.NEW_PURPOSE),
        ((version("1"), version("2", material=True, starts=NOW + DAY)), None, None),
        ((version("9", material=True),), Change.HEARS, Reason.MATERIAL_CHANGE),
    ],
)
def test_caller_hears_what_policy_decides(versions, change, reason) -> None:
    """Who knows version 1 hears a material change and a further purpose, and no rewording, nor what is to
    come."""
    effect = forecast.effect(OLD, side(line(notice(*versions))), heard("1"), NO_ANSWERS, NOW)
    differences = [difference for own in effect.lines.values() for difference in own]
    assert [(one.change, one.hearing.reason) for one in differences] == ([(change, reason)] if change else [])


def test_seconds_are_those_of_each_side() -> None:
    """A notice that was on every call, and is due once, takes seconds from calls and gives them to callers;
    one that nobody hears any more only takes."""
    always = side(line(Step(notice(), ALWAYS)))
    (difference,) = forecast.effect(always, OLD, {}, NO_ANSWERS, NOW).lines[MILAN]
    assert (difference.change, difference.hearing.each_call) == (Change.OTHER, False)
    assert difference.seconds(2, 10) == pytest.approx((2 - 10) * SHORT.seconds)
    nothing = side(replace(line(), plan=()))
    (effect,) = forecast.effect(always, nothing, {}, NO_ANSWERS, NOW).lines[MILAN]
    assert (effect.change, effect.hearing.version) == (Change.NO_MORE, "1")
    assert effect.seconds(2, 10) == pytest.approx(-10 * SHORT.seconds)


def test_removed_version_is_counted_for_who_knows_it() -> None:
    """Who knows also a version that stays rests on that one, and who knows the removed one alone does not."""
    both, after = side(line(notice(version("1"), version("2")))), side(line(notice(version("2"))))
    for versions, removed in (("1",), [("privacy", "1", True)]), (("1", "2"), [("privacy", "1", False)]):
        effect = forecast.effect(both, after, heard(*versions), NO_ANSWERS, NOW)
        assert effect.removed == removed
    assert forecast.effect(both, after, heard("2"), NO_ANSWERS, NOW).removed == []


# The property: as many callers, drawn around all that decides, counted one by one.


def drawn_side(chance: random.Random, ledger: Path) -> CompanySide:
    """Draw one of the two: versions, periods, and what else a decision depends on."""
    versions = tuple(
        version(
            name,
            *chance.choice(PURPOSES),
            material=chance.random() < 0.5,
            supplements={"1": {"it": FULL}} if chance.random() < 0.5 else {},
        )
        for name in sorted(chance.sample("12345", chance.randint(1, 4)))
    )
    choice = wording(*(version(f"m{name}", "marketing", material=True) for name in chance.sample("12", 1)))
    privacy, always = (
        Step(Notice("privacy", versions), chance.choice((None, Period(3)))),
        Step(COUNTRY, ALWAYS),
    )
    milan = line(
        privacy,
        *([always] if chance.random() < 0.7 else []),
        number=MILAN,
        choices=(PlannedChoice(choice, 1),),
        revocable=(choice,),
    )
    rome = line(replace(privacy, repeat_after=Period(6)), number=ROME)
    company = side(milan, rome, choice=choice, ledger=ledger)
    controller = replace(company.controller, recycled_after=chance.choice((None, Period(6))))
    lines = {number: replace(own, controller=controller) for number, own in company.lines.items()}
    return replace(company, controller=controller, lines=lines)


def drawn_moment(chance: random.Random) -> datetime:
    """Draw a time around the cutoffs of all periods, or anywhere, or in the future of a wrong clock."""
    around = chance.choice((0, 29, 30, 31, 90, 91, 92, 182, 184, 400))
    return NOW - timedelta(days=around, seconds=chance.randint(-100_000, 100_000))


def drawn_event(chance: random.Random, number: int, pseudonym: bytes, versions: str) -> Event:
    """Draw a record of a call or of an answer; of few versions, so that many callers are nearly alike."""
    at = drawn_moment(chance)
    event = replace(
        PLAYED,
        at=at,
        recorded=at + chance.choice((timedelta(seconds=1), 20 * DAY)),
        call=f"call-{number if chance.random() < 0.8 else number - 1}",
        line=chance.choice((MILAN, ROME)),
        pseudonym=pseudonym,
        notice=chance.choice(("privacy", "privacy", "country", "other")) if len(versions) > 2 else "privacy",
        version=chance.choice(versions),
        purposes=frozenset(chance.choice(PURPOSES)),
        supplement=chance.random() < 0.3,
        reason=chance.choice((Reason.NOT_INFORMED, Reason.PERIOD_OVER, Reason.RECYCLED)),
    )
    if chance.random() < 0.2:
        word = chance.choice((Answer.GRANTED, Answer.REFUSED, Answer.SILENCE))
        return answering(word, event, version="m1", supplement=False)
    return replace(event, pseudonym=None, reason=Reason.WITHHELD) if chance.random() < 0.1 else event


def draw_ledger(chance: random.Random, file: Path) -> list[bytes]:
    """Write a ledger of callers with histories of every kind, and of one in nine without a record; return
    their pseudonyms."""
    versions, own = chance.choice(("12", "12345")), chance.choice((0.85, 1.0))
    pseudonyms = [chance.randbytes(32) for _ in range(60 if len(versions) > 2 else 140)]
    with closing(SqliteStore(str(file))) as store, store.transaction() as transaction:
        events = [drawn_event(chance, number, chance.choice(pseudonyms), versions) for number in range(250)]
        events.sort(key=lambda event: event.recorded or event.at)
        for event in events:
            pseudonym, kind = chance.choice(pseudonyms), chance.random()
            if kind < own:
                transaction.append(event)
            elif kind < 0.95:
                transaction.note_call(pseudonym, "privacy", drawn_moment(chance))
            else:
                transaction.recycle(pseudonym, chance.choice(("privacy", "other")), drawn_moment(chance))
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE standing SET moved = 1, record = record + 1000 WHERE record % 9 = 0")
    return pseudonyms


def one_by_one(before: CompanySide, after: CompanySide, store: SqliteStore, pseudonyms: list[bytes]) -> Sums:
    """Count each caller by himself, with the policy that his call would have."""
    total = Sums()
    with store.connected() as connection:
        known = {one: (store.history(one), answers.of_caller(connection, one)) for one in pseudonyms}
    effects = {one: forecast.effect(before, after, *known[one], NOW) for one in pseudonyms}
    strangers = forecast.effect(before, after, {}, NO_ANSWERS, NOW)
    unrecognised = forecast.effect(before, after, {}, NO_ANSWERS, NOW, forecast.NOBODY)
    for own in after.lines:
        total.add_calls(strangers, own, 0, 0)
    for one, (history, answered) in known.items():
        if history or answered.is_known:
            total.add_callers(effects[one], 1)
    calls: dict[str, list[Event]] = {}
    for record in store.records():
        if record.event.call:
            calls.setdefault(record.event.call, []).append(record.event)
    visits = Counter[tuple[bytes, str]]()
    for first, *others in calls.values():
        if first.at < NOW - 30 * DAY:
            continue
        if first.pseudonym is None:
            total.add_calls(unrecognised, first.line, 1, 1)
        elif any(event.reason is Reason.NOT_INFORMED for event in (first, *others)):
            total.add_calls(strangers, first.line, 1, 1)
        else:
            visits[first.pseudonym, first.line] += 1
    for (one, own), count in visits.items():
        total.add_calls(effects[one], own, 1, count)
    return total


@pytest.mark.sample(6)
@pytest.mark.parametrize("seed", range(25))
def test_counting_by_states_is_counting_one_by_one(seed: int, tmp_path: Path) -> None:
    """Over histories, answers and changed holders of every kind, around every cutoff,
    the sums are those of each caller decided by himself."""
    chance, file = random.Random(seed), tmp_path / "acme.sqlite3"
    before, after = drawn_side(chance, file), drawn_side(chance, file)
    pseudonyms = draw_ledger(chance, file)
    by_states = sums(before, after, NOW, NOW, lambda _done, _whole: None)
    with closing(SqliteStore(str(file), read_only=True)) as store:
        expected = one_by_one(before, after, store, pseudonyms)
    assert by_states.callers == expected.callers
    assert by_states.consents == expected.consents
    assert by_states.removed == expected.removed
    assert +by_states.calls == +expected.calls
    assert by_states.hearings.keys() == expected.hearings.keys()
    for key, total in by_states.hearings.items():
        assert (total.callers, total.calls) == (expected.hearings[key].callers, expected.hearings[key].calls)
        assert total.seconds == pytest.approx(expected.hearings[key].seconds)


@pytest.mark.parametrize(
    ("changes", "most"),
    [((), 4), ((timedelta(seconds=300),), 70), ((timedelta(seconds=300), timedelta(microseconds=3)), 100)],
)
def test_marks_are_asked_a_few_times(changes: tuple[timedelta, ...], most: int) -> None:
    """Of a thousand moments of a quarter of an hour each has its marks, also where there is no period, and
    where one or two end in that quarter."""
    asked = list[datetime]()

    def marks(moment: datetime) -> str:
        asked.append(moment)
        return "".join("01"[moment < NOW - 90 * DAY + change] for change in changes)

    period_marks = caller_states.PeriodMarks(marks, [NOW - 90 * DAY], NOW)
    times = [timedelta(seconds=number * 0.75) for number in range(1000)]
    times += [change - timedelta(microseconds=early) for change in changes for early in (0, 1)]
    moments = [NOW - 90 * DAY + time for time in times]
    answers_by_moment = [period_marks(rows.microseconds(moment)) for moment in moments]
    assert len(asked) <= most
    assert answers_by_moment == [marks(moment) for moment in moments]


def test_supplement_is_another_state_than_the_whole_notice(tmp_path: Path) -> None:
    """Of two callers who got the same versions at the same times, the one who got the second as a supplement
    still knows the purposes of the first, and the other one hears the notice again."""
    file = tmp_path / "acme.sqlite3"
    both, wide = version("2", "service", "marketing"), frozenset({"service", "marketing"})
    before, after = (side(line(notice(version("1"), own)), ledger=file) for own in (version("2"), both))
    first = replace(PLAYED, at=NOW - 10 * DAY, version="1", purposes=wide, call="")
    second = replace(first, at=NOW - 5 * DAY, version="2", purposes=frozenset({"service"}))
    with closing(SqliteStore(str(file))) as store:
        for pseudonym, supplement in ((b"a" * 32, True), (b"b" * 32, False)):
            store.append([replace(first, pseudonym=pseudonym)])
            store.append([replace(second, pseudonym=pseudonym, supplement=supplement)])
    total = sums(before, after, NOW, NOW, lambda _done, _size: None)
    assert total.callers == 2
    assert [(key[5], own.callers) for key, own in total.hearings.items() if own.callers] == [
        (Reason.NEW_PURPOSE, 1)
    ]


def test_states_that_are_forgotten_are_decided_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where more callers differ than are remembered the sums are the same, and so is the way there: a
    fifth of it are the calls, and it ends where it should."""
    chance, file = random.Random(3), tmp_path / "acme.sqlite3"
    before, after = drawn_side(chance, file), drawn_side(chance, file)
    draw_ledger(chance, file)
    monkeypatch.setattr(caller_states, "PAGE_CALLERS", 20)
    shares = list[list[float]](), list[list[float]]()
    totals = []
    for states, share in zip((20_000, 2), shares, strict=True):
        monkeypatch.setattr(forecast_counting, "STATES", states)
        totals.append(sums(before, after, NOW, NOW, lambda *parts, share=share: share.append([*parts])))
    assert totals[0] == totals[1]
    assert shares[0] == shares[1]
    (first, total), *pages, last = shares[0]
    assert (first / total, last[0] / last[1]) == (0.2, 1.0)
    assert [done / size for done, size in pages] == sorted({done / size for done, size in pages})
    assert 0.2 < pages[0][0] / pages[0][1] < 0.6


def test_each_page_is_read_in_little_time(tmp_path: Path) -> None:
    """Of 2,500 callers and calls no page has more than 300 callers or 500 records: calls wait for a page
    where somebody empties the log meanwhile."""
    chance = random.Random(1)
    steps: list[int] = []
    with closing(SqliteStore(str(tmp_path / "acme.sqlite3"))) as store, store.connected() as connection:
        store.append(
            [
                replace(PLAYED, call=f"1.{number}", at=NOW - DAY, pseudonym=chance.randbytes(32))
                for number in range(2500)
            ]
        )
        marks = caller_states.PeriodMarks(lambda _moment: "", [], NOW)
        with caller_states.open_states(connection, marks, NOW) as states:
            states.read_calls(NOW - 30 * DAY, lambda done, _size: steps.append(done))
            pages = [
                sum(count.callers for count in page if not count.line)
                for page in states.pages(lambda *_progress: None)
            ]
    assert steps == [500, 1000, 1500, 2000, 2500]
    assert sum(pages) == 2500
    assert max(pages) <= 300


def test_sums_of_calls_and_consents() -> None:
    """Of three callers with ten calls, on a line that has a notice of 4 s once, and one of 2 s that each call
    hears, which took 5 s before; two of whom granted a consent that ends."""
    once = Hearing("1", Reason.NOT_INFORMED, 4.0)
    each_call = Hearing("1", Reason.EVERY_CALL, 2.0, each_call=True)
    before = replace(each_call, seconds=5.0)
    first = HearingDifference("privacy", frozenset(), None, once)
    second = HearingDifference("recording", frozenset(), before, each_call)
    ends = forecast.CallersConsent("marketing", Reason.NOT_INFORMED)
    effect = forecast.Effect({ROME: (first, second)}, (ends,))
    total = Sums()
    total.add_calls(effect, ROME, 3, 10)
    total.add_calls(effect, MILAN, 1, 1)
    total.add_callers(effect, 2)
    total.add_callers(effect, 3)
    sums_by_notice = {
        key[1]: (value.callers, value.calls, value.seconds) for key, value in total.hearings.items()
    }
    assert sums_by_notice == {"privacy": (5, 3, 12.0), "recording": (5, 10, -30.0)}
    assert (total.calls, total.callers) == ({ROME: 10, MILAN: 1}, 5)
    assert total.consents == {("marketing", Reason.NOT_INFORMED): 5}


def test_most_frequent_end() -> None:
    """The reason of most ends; of consents that stay there is none."""
    ends = {None: 9, Reason.NOT_INFORMED: 2, Reason.EVERY_CALL: 3}
    assert most_frequent(ends) is Reason.EVERY_CALL
    assert most_frequent({**ends, Reason.EVERY_CALL: 1}) is Reason.NOT_INFORMED
    assert most_frequent({None: 9}) is most_frequent({}) is None
