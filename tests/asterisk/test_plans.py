"""Plans, languages, keys and transfers as real calls."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from informativa.call.caller import VERIFICATION, plain_words
from informativa.model import NumberVerification
from lab import builds
from lab.office import spool

from .site import Site

LATER = """\
          - version: "2027"
            purposes: [service, marketing]
            short: {it: prompts/it/short}
            supplements: {"2026-11": {it: prompts/it/supplement}}

  borealis:"""
COUNTRY = """\
      country:
        versions:
          - version: "1"
            purposes: [country]
            short: {it: prompts/it/country}

  borealis:"""


def test_supplement_for_who_knows_the_earlier_version(site: Site) -> None:
    """After a version with a further purpose, known callers hear only what is new, others all of it."""
    assert site.call().status == "PLAYED"
    site.prompt("it/supplement", seed=21)
    site.configure(("\n  borealis:", LATER))
    outcome = site.call()
    assert (outcome.status, outcome.reason) == ("PLAYED", "new-purpose")
    assert outcome.heard == site.heard_whole("it/supplement", "after")
    assert site.call().status == "NOTDUE"
    assert site.call(number="+393330000001").heard == site.heard_whole("it/short", "after")


def test_country_notice_on_every_call_and_privacy_notice_once(site: Site) -> None:
    """A plan of both plays the country notice each time, to everybody, and the privacy notice once."""
    site.prompt("it/country", seed=22)
    site.configure(
        ("\n  borealis:", COUNTRY),
        (
            "      - notice: privacy\n        when: once",
            "      - {notice: country, when: always}\n      - notice: privacy",
        ),
    )
    assert site.call().heard == site.heard_whole("it/country", "it/short", "after")
    outcome = site.call()
    assert (outcome.status, outcome.reason) == ("PLAYED", "every-call")
    assert outcome.heard == site.heard_whole("it/country", "after")
    events = [record.event for record in site.office.records()]
    assert [(event.notice, event.status) for event in events] == [
        ("country", "PLAYED"),
        ("privacy", "PLAYED"),
        ("country", "PLAYED"),
        ("privacy", "NOTDUE"),
    ]


def test_language_by_country(site: Site) -> None:
    """A German caller hears German on the Italian line, and the record says which language it was."""
    site.configure(
        (
            "              en: prompts/en/short",
            "              en: prompts/en/short\n              de: prompts/de/short",
        ),
        ("    language: it\n", "    language: it\n    languages: {DE: de}\n"),
    )
    assert site.call(number="+493098765432").heard == site.heard_whole("de/short", "after")
    assert site.call().heard == site.heard_whole("it/short", "after")
    assert [record.event.language for record in site.office.records()] == ["de", "it"]


def test_language_from_the_dialplan(site: Site) -> None:
    """The dialplan may ask for a language; one that there is no prompt in plays the line's, as recorded."""
    site.edit_dialplan("1,Gosub(informativa", "1,Set(INFORMATIVA_LANGUAGE=sl)\n same => n,Gosub(informativa")
    assert site.call().heard == site.heard_whole("it/short", "after")
    (record,) = site.office.records()
    assert (record.event.language, record.event.wanted) == ("it", "sl")


def test_customer_number_from_the_dialplan(site: Site) -> None:
    """A customer whom the dialplan knows is recognised although his number is withheld."""
    site.edit_dialplan(
        "1,Gosub(informativa", "1,Set(INFORMATIVA_CUSTOMER=K-77)\n same => n,Gosub(informativa"
    )
    assert [site.call(number=None, withheld=True).status for _ in range(2)] == ["PLAYED", "NOTDUE"]


def test_failed_verification(site: Site) -> None:
    """A caller whose number STIR/SHAKEN found wrong hears the notice every time."""
    site.edit_dialplan(
        "1,Gosub(informativa",
        "1,Set(INFORMATIVA_VERIFICATION=Signature Failed)\n same => n,Gosub(informativa",
    )
    outcomes = [site.call() for _ in range(2)]
    assert [(one.status, one.reason) for one in outcomes] == [("PLAYED", "unverified")] * 2


def test_words_of_the_installed_module_are_known(build: builds.Build) -> None:
    """Every word that this Asterisk's own STIR/SHAKEN module may give is one that we know, and each of its
    kind: passed, absent, or failed."""
    module = (build.modules / "res_stir_shaken.so").read_bytes()
    words = [text.decode() for text in re.findall(rb"\0((?:Signature|Verification) [a-z ]+)(?=\0)", module)]
    if build.major >= 22:
        start = module.index(b"\0missing_identity_hdr\0") + 1
        words = ["success", "disabled", "invalid_arguments", "internal_error"]
        assert all(f"\0{word}\0".encode() in module for word in words)
        for text in module[start : start + 4000].split(b"\0"):
            if not re.fullmatch(rb"[a-z_]+", text):
                break
            words.append(text.decode())
    meanings = {word: VERIFICATION.get(plain_words(word)) for word in words}
    assert {word for word, meaning in meanings.items() if meaning is None} == set()
    kinds = Counter(meanings.values())
    counts = (
        kinds[NumberVerification.PASSED],
        kinds[NumberVerification.ABSENT],
        kinds[NumberVerification.FAILED],
    )
    assert counts == ((1, 2, 31) if build.major >= 22 else (1, 1, 2))


@pytest.mark.sample(1)
@pytest.mark.parametrize("service", [True, False], ids=["service", "script"])
def test_transfer_does_not_play_again(site: Site, service: bool) -> None:
    """A withheld caller who is put through to another extension hears the notice once in this call."""
    if not service:
        site.office.stop()
    site.edit_dialplan(
        " same => n,Playback(", " same => n,Dial(Local/0212345678@inner/n)\n same => n,Hangup()\n" + INNER
    )
    outcome = site.call(number=None, withheld=True)
    assert outcome.heard == site.heard_whole("it/short", "after")
    played, skipped = (record.event for record in site.office.records())
    assert (played.status, skipped.status, skipped.reason) == ("PLAYED", "NOTDUE", "same-call")
    assert skipped.basis == 2
    assert played.linked == skipped.linked != ""


INNER = """\
[inner]
exten => _[+0-9a-zA-Z].,1,Gosub(informativa,s,1(${EXTEN}))
 same => n,Playback("""


def test_skip_and_repeat_keys(site: Site) -> None:
    """Where a line allows it, a key plays the notice again and another ends it."""
    site.lengthen()
    site.configure(('      full: "1" ', '      repeat: "2"\n      skip: "9"\n      full: "1" '))
    call = site.dial()
    call.wait_heard(0.7, 30)
    call.press("2")
    call.wait_heard(1.5, 30)
    call.press("9")
    outcome = site.over(call)
    assert (outcome.status, outcome.reason) == ("PARTIAL", "key")
    assert len(outcome.heard["it/short"]) == 2


def test_early_media(site: Site) -> None:
    """With `answer: false` the notice comes before the answer."""
    site.configure(("    region: IT", "    answer: false\n    region: IT"))
    call = site.dial()
    call.wait_heard(0.5, 30)
    assert call.early
    assert not call.answered
    outcome = site.over(call)
    assert outcome.status == "PLAYED"
    assert outcome.heard["it/short"] == [pytest.approx(1.5, abs=0.15)]


def test_controller_without_its_papers_is_not_live(site: Site) -> None:
    """Its calls get the fallback and a loud log line, while the other company goes on."""
    site.configure(("operator: Acme S.p.A.", "operator: Borealis GmbH"))
    outcomes = [site.call(), site.call()]
    assert [(one.status, one.reason) for one in outcomes] == [("FALLBACK", "ledger-unavailable")] * 2
    assert outcomes[1].heard == site.heard_whole("it/short", "after")
    assert site.call("+493012345678").status == "PLAYED"
    assert site.office.records() == []
    assert "Controller acme is not live" in site.office.log_text


FEATURES = (Path(__file__).resolve().parents[2] / "dialplan/features.conf").read_text()
OPERATOR = """\
 same => n,Set(__DYNAMIC_FEATURES=informed)
 same => n,Set(__INFORMATIVA_OPERATOR=anna)
 same => n,Dial(Local/1@operators/n,,g)
 same => n,UserEvent(Read,Status:${INFORMATIVA_STATUS})
 same => n,Hangup()

[operators]
exten => 1,1,Answer()
 same => n,Wait(0.5)
 same => n,SendDTMF(*77)
 same => n,Wait(1)
 same => n,Hangup()

[rest]
exten => 1,1,Playback("""


@pytest.mark.sample(1)
@pytest.mark.parametrize("tries", ["service", "script", "neither"])
def test_operator_feature_code(site: Site, tries: str) -> None:
    """An operator presses *77 during the call: the caller counts as told, and by whom is on record."""
    (site.pbx.etc / "features.conf").write_text(FEATURES)
    site.pbx.cli("module reload features")
    site.edit_dialplan("1,Gosub(informativa,s,1(${EXTEN}))", "1,Set(__INFORMATIVA_LINE=${EXTEN})")
    site.edit_dialplan(" same => n,Playback(", OPERATOR)
    if tries != "service":
        site.office.stop()
    if tries == "neither":
        site.office.config.rename(site.office.folder / "away")
    site.dial()
    event = site.pbx.wait_event(lambda event: event["UserEvent"] == "Read", 30)
    if tries == "neither":
        assert event["Status"] == "FALLBACK"
        assert [(row["line"], row["ending"]) for row in spool(site.pbx).values()] == [
            ("0212345678", "operator")
        ]
        return
    assert event["Status"] == "INFORMED"
    (record,) = site.office.records()
    assert (record.event.kind, record.event.reference, record.event.notice) == ("operator", "anna", "privacy")
    explained = site.office.command(
        "explain", "--from", "+393331234567", "--to", "0212345678", "-c", site.office.config
    )
    assert "already-informed" in explained


LOOKUP = """    retention: 5 years
    lookups:
      customers:
        notice: privacy
        query: SELECT told AS date, contract AS reference FROM customers WHERE phone = {number}
        driver: sqlite3
        connect: keys/customers.yaml
"""


def test_caller_known_to_the_company_itself(site: Site) -> None:
    """Who the company's own database says was told hears nothing, by the service and by the script, and the
    answer is on record as the ground; whom it does not know hears the notice."""
    folder = site.office.folder
    with sqlite3.connect(folder / "customers.sqlite3") as customers:
        customers.execute("CREATE TABLE customers (phone TEXT, told TEXT, contract TEXT)")
        rows = [(f"+39333000000{digit}", "2026-11-02", f"contract {digit}") for digit in (1, 2)]
        customers.executemany("INSERT INTO customers VALUES (?, ?, ?)", rows)
    customers.close()
    arguments = folder / "keys" / "customers.yaml"
    arguments.touch(0o600)
    arguments.write_text(f"database: {folder}/customers.sqlite3\n")
    site.configure(("    retention: 5 years", LOOKUP))
    outcome = site.call(number="+393330000001")
    assert (outcome.status, outcome.reason) == ("NOTDUE", "already-informed")
    assert outcome.heard == site.heard_whole("after")
    assert site.call(number="+393330000003").status == "PLAYED"
    site.office.stop()
    assert site.call(number="+393330000002").status == "NOTDUE"
    grounds = [record.event for record in site.office.records() if record.event.status == "INFORMED"]
    assert [(ground.kind, ground.reference) for ground in grounds] == [
        ("contract", "customers: contract 1"),
        ("contract", "customers: contract 2"),
    ]
