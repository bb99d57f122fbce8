"""The parts of a forecast: what each says of its sums, and what is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from choosing import CONSENT
from consenting import answered_by_key, ask_for_consents
from doubles import line, notice, version
from forecasts import forecast as forecast_of
from informativa.call.forecast import Change, CompanySide
from informativa.config import load
from informativa.model import Answer, Choice, Controller, Notice, Reason
from informativa.model.errors import ConfigError, InformativaError, LedgerError
from informativa.operations import forecast
from informativa.operations.forecast_counting import HearingSum, Key, Sums
from informativa.operations.forecast_document import (
    Beginning,
    CompanyForecast,
    ForecastConsents,
    ForecastHearing,
    ForecastLine,
    Presence,
    RemovedVersion,
)
from informativa.process import storage

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ROME, MILAN = "+390612345678", "+390212345678"
ROMAN = ZoneInfo("Europe/Rome")
NAMES = {"en": {"privacy": "the notice", "marketing": "being rung"}}
ACME = replace(line().controller, names=NAMES, zone=ROMAN)
NOTHING_CHANGES = CompanyForecast("acme", "Acme", Presence.BOTH, 0, 0, 30.0, 0.0, (), (), (), (), ())


def sentences_of(error: InformativaError) -> tuple[str, str]:
    """Return the message and the remedy."""
    return str(error.message), str(error.remedy)


def key(number: str, notice: str = "privacy", *countries: str, choice: bool = False) -> Key:
    """Build the key of a difference of two and a half seconds."""
    reason = Reason.NEW_PURPOSE
    return (number, notice, frozenset(countries), choice, Change.HEARS, reason, "2", True, False, 2.5)


def test_hearings_come_by_line_and_notice() -> None:
    """Each with its sums, its seconds by the day, and the countries by their names; those that are for all
    name none."""
    sums = {
        key(ROME): HearingSum(1, 2, 3.0),
        key(MILAN, "privacy", "FR", "DE"): HearingSum(5, 6, 7.5),
        key(MILAN, "privacy", "AT"): HearingSum(0, 0, 0.0),
        key(MILAN, choice=True): HearingSum(0, 0, -5.0),
        key(MILAN): HearingSum(0, 0, 0.0),
    }
    hearings = list(forecast._hearings(sums, 2.5, ACME))
    first = ForecastHearing(
        line=MILAN,
        notice="privacy",
        title=hearings[0].title,
        choice=True,
        change=Change.HEARS,
        reason=Reason.NEW_PURPOSE,
        version="2",
        supplement=True,
        each_call=False,
        seconds=2.5,
        callers=0,
        calls=0,
        seconds_a_day=-2.0,
        countries=None,
    )
    notice = replace(first, choice=False, seconds_a_day=0.0)
    second = replace(notice, countries=("AT",))
    third = replace(second, callers=5, calls=6, seconds_a_day=3.0, countries=("DE", "FR"))
    fourth = replace(first, line=ROME, choice=False, callers=1, calls=2, seconds_a_day=1.2)
    assert hearings == [
        replace(hearing, title=hearings[0].title) for hearing in (notice, first, second, third, fourth)
    ]
    assert {str(hearing.title) for hearing in hearings} == {"the notice (privacy)"}


def test_consents_come_by_choice() -> None:
    """How many count, how many end, and the reason of most; of one that stays for all there is none."""
    consents = {
        ("taping", None): 4,
        ("abroad", Reason.CONFIGURED): 5,
        ("marketing", None): 3,
        ("marketing", Reason.CONFIGURED): 1,
        ("marketing", Reason.NEW_PURPOSE): 2,
    }
    abroad, marketing, taping = forecast._consents(Sums(consents=Counter(consents)), ACME)
    assert abroad == ForecastConsents("abroad", abroad.title, 5, 5, Reason.CONFIGURED)
    assert marketing == ForecastConsents("marketing", marketing.title, 6, 3, Reason.NEW_PURPOSE)
    assert taping == ForecastConsents("taping", taping.title, 4, 0, None)
    assert (str(marketing.title), str(taping.title)) == ("being rung (marketing)", "taping")


def side(*notices: Notice, choices: Sequence[Choice] = (), controller: Controller = ACME) -> CompanySide:
    """Build a company with these notices and choices."""
    return CompanySide(
        controller, {}, {own.id: own for own in notices}, {choice.id: choice for choice in choices}
    )


def test_versions_that_go_come_by_notice() -> None:
    """With their sums; one that nobody knows has none, and a company that comes or goes takes out nothing."""
    before = side(notice(version("2"), version("1"), version("3")))
    after = side(notice(version("3")))
    sums = Sums(removed={("privacy", "2"): (4, 3, 2)})
    first, second = forecast._removed(sums, before, after)
    assert first == RemovedVersion("privacy", first.title, "1", 0, 0, 0)
    assert second == RemovedVersion("privacy", first.title, "2", 4, 3, 2)
    assert str(first.title) == "the notice (privacy)"
    assert list(forecast._removed(sums, None, after)) == list(forecast._removed(sums, before, None)) == []


def test_versions_to_come_are_told_by_day() -> None:
    """Of notices and of choices, those that both have, too; the day is of the company's zone, and what is in
    force by now is not among them."""
    night = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    first, second = version("3", starts=night), version("4", starts=night + timedelta(days=9))
    begun = version("2", starts=NOW)
    wording = replace(CONSENT.wording, versions=(version("m2", starts=NOW + timedelta(seconds=1)),))
    choice = replace(CONSENT, wording=wording)
    before = side(notice(version("1"), begun, first), choices=[choice])
    after = side(notice(version("1"), begun, first, second))
    parts = [
        (one.day, one.notice, one.version, one.presence) for one in forecast._beginnings(before, after, NOW)
    ]
    assert parts == [
        (date(2026, 11, 30), "marketing", "m2", Presence.GONE),
        (date(2027, 1, 1), "privacy", "3", Presence.BOTH),
        (date(2027, 1, 10), "privacy", "4", Presence.NEW),
    ]
    renamed = replace(
        after, controller=replace(ACME, names={"en": NAMES["en"] | {"privacy": "another name"}})
    )
    titles = [str(one.title) for one in forecast._beginnings(before, renamed, NOW)]
    assert titles == ["being rung (marketing)", "another name (privacy)", "another name (privacy)"]
    assert forecast._beginnings(None, None, NOW) == []


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"presence": Presence.NEW}, False),
        ({"lines": (ForecastLine(ROME, Presence.NEW, 0, "acme"),)}, False),
        ({"removed": (RemovedVersion("privacy", "privacy", "1", 0, 0, 0),)}, False),
        ({"consents": (ForecastConsents("marketing", "marketing", 3, 0, None),)}, True),
        ({"consents": (ForecastConsents("marketing", "marketing", 3, 1, Reason.CONFIGURED),)}, False),
        ({"beginnings": (Beginning(date(2027, 1, 1), "privacy", "privacy", "2", Presence.BOTH),)}, True),
        ({"beginnings": (Beginning(date(2027, 1, 1), "privacy", "privacy", "2", Presence.GONE),)}, False),
    ],
)
def test_what_counts_as_a_change(changes: dict[str, object], same: bool) -> None:
    """Not a consent that stays, nor what begins by both."""
    assert forecast._is_same(replace(NOTHING_CHANGES, **changes)) is same  # type: ignore[arg-type]


def test_day_of_a_forecast_is_of_the_companys_zone() -> None:
    """Its last second counts; a day that is over is refused, with the next one as what to type."""
    assert forecast._moment(None, NOW, ACME) == NOW
    assert forecast._moment(date(2026, 12, 1), NOW, ACME) == datetime(2026, 12, 1, 22, 59, 59, tzinfo=UTC)
    last = datetime(2026, 11, 30, 22, 59, 59, tzinfo=UTC)
    assert forecast._moment(date(2026, 11, 30), last, ACME) == last
    with pytest.raises(InformativaError) as caught:
        forecast._moment(date(2026, 11, 30), last + timedelta(seconds=1), ACME)
    assert sentences_of(caught.value) == (
        "2026-11-30 is over.",
        "Name a day that is to come: --on 2026-12-01",
    )


def edited(folder: Path, *changes: tuple[str, str]) -> Path:
    """Write the example with these changes beside it."""
    text = (folder / "informativa.yaml").read_text()
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    file = folder / "next.yaml"
    file.write_text(text)
    return file


def test_another_ledger_is_refused_with_both_names(folder: Path) -> None:
    """All callers would be strangers."""
    new = edited(folder, ("ledger/acme.sqlite3", "ledger/other.sqlite3"))
    with pytest.raises(InformativaError) as caught:
        forecast_of(new, folder / "informativa.yaml", NOW)
    assert sentences_of(caught.value) == (
        f"acme would have another ledger: {folder}/ledger/other.sqlite3 instead of"
        f" {folder}/ledger/acme.sqlite3. All of its callers would be strangers.",
        "Leave `ledger` of acme as it is.",
    )


def test_line_that_moves_to_another_company(folder: Path) -> None:
    """It is told of both, with the one that has it then; lines of others are not."""
    new = edited(
        folder,
        (
            f'"{MILAN}":\n    controller: acme\n    language: it',
            f'"{MILAN}":\n    controller: borealis\n    language: de',
        ),
        ('    keys:\n      full: "1"', '    keys:\n      full: "2"'),
    )
    result = forecast_of(new, folder / "informativa.yaml", NOW)
    moved = (ForecastLine(MILAN, Presence.MOVED, 0, "borealis"),)
    assert [(one.controller, one.lines) for one in result.companies] == [("acme", moved), ("borealis", moved)]
    assert (result.current, result.on) == (folder / "informativa.yaml", None)
    assert (result.same, result.warnings) == (False, ())
    assert [(one.company, one.presence, one.days) for one in result.companies] == [
        ("Acme S.p.A.", Presence.BOTH, 30.0),
        ("Borealis GmbH", Presence.BOTH, 30.0),
    ]


def test_companies_are_those_that_are_named(folder: Path) -> None:
    """By their order; one that neither has is refused, one that comes is not, and mistakes are told of one
    that is named alone."""
    current = folder / "informativa.yaml"
    names = ["borealis", "acme"]
    assert [one.controller for one in forecast_of(current, current, NOW, names=names).companies] == names
    with pytest.raises(InformativaError, match="nobody"):
        forecast_of(current, current, NOW, names=["acme", "nobody"])
    new = edited(folder, ("  borealis:", "  boreas:"), (": borealis", ": boreas"))
    (left, come) = forecast_of(new, current, NOW, names=["borealis", "boreas"]).companies
    assert (left.presence, come.presence) == (Presence.GONE, Presence.NEW)
    assert (left.company, come.company) == ("Borealis GmbH", "Borealis GmbH")
    new = edited(folder, ("keys/borealis.key", "keys/none.key"))
    assert [one.controller for one in forecast_of(new, current, NOW, names=["acme"]).companies] == ["acme"]
    with pytest.raises(ConfigError):
        forecast_of(new, current, NOW, names=["acme", "borealis"])


def test_ledgers_of_all_companies_that_cannot_be_read(folder: Path) -> None:
    """The first is told where no company is left; else each is a warning, behind those of the files."""
    current = folder / "informativa.yaml"
    ledgers = [Path(company.ledger) for company in load(current).controllers.values()]
    ledgers[0].parent.mkdir(exist_ok=True)
    new = edited(folder, ("purposes: [service]", "purposes: [service, profiling]"))
    for ledger in ledgers:
        ledger.write_bytes(b"no database" * 1000)
    with pytest.raises(LedgerError, match=ledgers[0].name):
        forecast_of(new, current, NOW)
    ledgers[1].unlink()
    result = forecast_of(new, current, NOW)
    (warning,) = map(str, result.warnings)
    assert warning.startswith(f"acme is left out: The ledger {ledgers[0]} cannot be used")
    assert ([one.controller for one in result.companies], result.same) == (["borealis"], False)


def test_who_waits_is_told_which_company_is_counted(folder: Path) -> None:
    """By its name, while the callers of it are counted."""
    current, companies = folder / "informativa.yaml", list[str]()
    text = current.read_text()
    storage.store(load(current).controllers["acme"]).close()
    result = forecast.compare(
        text,
        text.replace("purposes: [service]", "purposes: [service, profiling]"),
        current,
        NOW,
        progress=lambda company, _done, _size: companies.append(company),
    )
    assert (result.current, {*companies}) == (current, {"acme"})


def test_company_with_a_consent_says_all(folder: Path) -> None:
    """Of 32 hours, by the tenth of a day, with the consent that stays and the version that begins by both."""
    file = ask_for_consents(folder)
    file.write_text(file.read_text().replace("starts: 2026-09-01", "starts: 2026-12-09"))
    acme = replace(load(file).controllers["acme"], names=NAMES)
    event = answered_by_key(acme, Answer.GRANTED, "4", NOW - timedelta(hours=32))
    with closing(storage.store(acme)) as ledger:
        ledger.append([replace(event, call="1.1", line=MILAN)])
    names = "    names: {en: {marketing: being rung}}\n    retention: 6 years"
    new = edited(folder, ("    retention: 5 years", names))
    (company,) = forecast_of(new, file, NOW, names=["acme"]).companies
    (consent,) = company.consents
    (beginning,) = company.beginnings
    assert (company.days, company.callers, company.calls) == (1.3, 1, 1)
    assert (consent.choice, consent.granted, consent.ended) == ("marketing", 1, 0)
    assert (beginning.day, beginning.version, beginning.presence) == (date(2026, 12, 9), "2", Presence.BOTH)
    assert str(consent.title) == str(beginning.title) == "being rung (marketing)"
