"""The access log: every look at a person, and every act, stands in the company's own list."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from commands import typed
from console.served import CALLER, ServedConsole
from informativa.call.caller import pseudonym
from informativa.ledgers import access_heads
from informativa.ledgers.access_entries import LoggedAccess
from informativa.model import Action
from informativa.model.errors import LedgerError
from informativa.model.text import Text
from informativa.operations import access_log, callers, daily_brief
from informativa.operations.daily_brief import BriefAnswer, Light
from informativa.operations.typed_caller import by_number
from informativa.process import storage
from lab.process import until

NUMBER, NOBODY = "+39 333 123 4567", "+39 333 000 0000"


def noted(office: ServedConsole, company: str = "acme") -> list[tuple[Action, str, bool, int | None]]:
    """Return the entries of a company, the oldest first: action, account, whether a caller is named, and
    record."""
    entries = access_log.page(office.controller(company), None, 1000).entries
    return [
        (entry.action, entry.account, entry.caller is not None, entry.record) for entry in reversed(entries)
    ]


def test_every_look_and_every_act_is_on_record(office: ServedConsole) -> None:
    """Coming in, searching, opening, the letter and its file, telling, the trial, the erasure, going out."""
    browser, name = office.browser("compliance@acme"), "compliance@acme"
    browser.get("/acme/caller")
    page = browser.send(number=NUMBER).url.path
    browser.get(f"{page}/letter")
    made = browser.send(language="it", reference="").url.path
    browser.get(f"{made}/file")
    browser.get(f"{page}/told")
    browser.send(kind="operator", reference="form 77")
    browser.get(f"{page}/erasure")
    assert noted(office) == [
        (Action.LOGIN, name, False, None),
        (Action.SEARCH, name, False, None),
        (Action.OPEN_CALLER, name, True, None),
        (Action.LETTER, name, True, None),
        (Action.LETTER, name, True, None),
        (Action.RECORD_ELSEWHERE, name, True, 7),
        (Action.OPEN_CALLER, name, True, None),
        (Action.ERASE_TRIAL, name, True, None),
    ]
    browser.send(word="acme")
    browser.get("/acme/looked")
    browser.send(action="/logout")
    entries = noted(office)
    assert [entry[0] for entry in entries[8:]] == [
        Action.ERASE,
        Action.ERASE,
        Action.ACCESS_LOG,
        Action.LOGOUT,
    ]
    assert entries[9][3] == 9  # after the rule by which it is done
    assert not any(names for _action, _who, names, _record in entries), "I9: he is erased here, too"


def test_who_is_not_on_record_is_not_named(office: ServedConsole) -> None:
    """I9: somebody who was erased does not come back by being looked for."""
    browser = office.browser("compliance@acme")
    browser.get("/acme/caller")
    page = browser.send(number=NOBODY).url.path
    browser.get(f"{page}/erasure")
    assert not any(names for _action, _who, names, _record in noted(office))


def test_a_refused_log_in_of_an_account_is_on_record(office: ServedConsole) -> None:
    """A wrong password for an account stands at each of its companies, one for no account at none."""
    for name in ("operator", "nobody"):
        browser = office.browser()
        browser.get("/login")
        browser.send(name=name, password="wrong")
    for company in ("acme", "borealis"):  # which is written after the answer, of who was first first
        until(lambda of=company: noted(office, of), 30, lambda: "Nothing is on record.")
        assert noted(office, company) == [(Action.LOGIN_REFUSED, "operator", False, None)]


def test_who_may_see_it(office: ServedConsole) -> None:
    """I6: a reader sees nothing of it, and an officer nothing of another company's."""
    office.browser("compliance@borealis")
    assert office.browser("reader@acme").get("/acme/looked").status_code == 404
    officer = office.browser("compliance@acme")
    assert officer.get("/borealis/looked").status_code == 404
    assert "borealis" not in officer.get("/acme/looked").text


def test_whom_is_a_link_only_while_the_session_keeps_him(office: ServedConsole) -> None:
    """The pseudonym's first digits for all; a way back to him for whoever looked him up."""
    browser = office.browser("compliance@acme")
    browser.get("/acme/caller")
    page = browser.send(number=NUMBER).url.path
    digits = callers.pseudonyms(office.controller(), by_number(NUMBER).caller)[0].hex()[:8]
    assert f'<a href="{page}"><code>{digits}</code></a>' in browser.get("/acme/looked").text
    other = office.browser("admin@acme").get("/acme/looked").text
    assert f"<code>{digits}</code>" in other
    assert page not in other


def test_it_is_filtered_and_paged(office: ServedConsole) -> None:
    """By account and action; a page of it leads to the next, with the same filter."""
    for look in range(60):
        access_log.note(office.controller(), "ada", Action.OPEN_RECORD, office.console.now(), record=look + 1)
    browser = office.browser("compliance@acme")
    text = browser.get("/acme/looked", account="ada", action="open-record").text
    records = [int(number) for number in re.findall(r'href="/acme/calls/(\d+)"', text)]
    assert records == list(range(60, 10, -1))
    (later,) = re.findall(r'rel="next" href="([^"]+)"', text)
    rest = browser.get("/acme/looked" + later.replace("&amp;", "&")).text
    assert re.findall(r'href="/acme/calls/(\d+)"', rest) == [str(number) for number in range(10, 0, -1)]
    assert "Nothing of that kind" in browser.get("/acme/looked", account="nobody").text


def test_the_line_of_an_export_is_told_and_no_caller(office: ServedConsole) -> None:
    """I5: which line an officer took a file of can be read; a number that is none of the company's gets
    neither a file nor an entry."""
    officer = office.browser("compliance@acme")
    asked = {"line": "+390212345678", "status": "PARTIAL"}
    assert officer.get("/acme/calls/file/csv", **asked).status_code == 200
    assert "status=PARTIAL line=+390212345678 records=1-6" in officer.get("/acme/looked").text
    before = len(noted(office))
    for other in ("+393331234567", "+493012345678"):  # a caller's, and another company's line
        assert officer.get("/acme/calls/file/csv", line=other).status_code == 409
    assert len(noted(office)) == before


@pytest.mark.parametrize(
    ("form", "typed", "action", "records_left"),
    [
        ("told", {"kind": "operator", "reference": "form 77"}, Action.RECORD_ELSEWHERE, 5),
        ("erasure", {"word": "acme"}, Action.ERASE, 0),
    ],
)
def test_what_could_not_be_noted_is_done_once(
    office: ServedConsole,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
    typed: dict[str, str],
    action: Action,
    records_left: int,
) -> None:
    """Where the list cannot be written after the act, the same form sent again notes it and acts no more."""
    officer, fails, acts = office.browser("compliance@acme"), [True], []
    officer.get("/acme/caller")
    page = officer.send(number=NUMBER).url.path
    officer.get(f"{page}/{form}")
    sent = next(form for form in officer.forms() if set(typed) <= set(form.fields))
    noting = access_log.note

    def note(*arguments: Any, **named: Any) -> int:
        if fails and action in arguments and named.get("detail") != "begun":
            fails.pop()
            raise LedgerError(Text("The disk is full."))
        return noting(*arguments, **named)

    monkeypatch.setattr(access_log, "note", note)
    for name in ("add_record", "erase"):
        monkeypatch.setattr(callers, name, counted(getattr(callers, name), acts))
    for _time in range(2):
        answer = officer.http.post(f"{page}/{form}", data=sent.fields | typed)
    assert answer.status_code == 200
    assert acts == ["add_record" if records_left else "erase"]
    assert [entry[:2] for entry in noted(office)].count((action, "compliance@acme")) == (
        1 if records_left else 3
    )
    assert len(callers.caller_records(office.controller(), by_number(NUMBER).caller)) == records_left


def counted(act: Callable[..., Any], acts: list[str]) -> Callable[..., Any]:
    """The same, and what is told of each time."""

    def counting(*arguments: Any, **named: Any) -> Any:
        acts.append(act.__name__)
        return act(*arguments, **named)

    return counting


def test_page_says_whether_the_list_is_intact(office: ServedConsole) -> None:
    """By its own hashes, and by the newest entry that the ledger has on record."""
    browser, acme = office.browser("compliance@acme"), office.controller("acme")
    assert "All of it is intact" in browser.get("/acme/looked").text
    log = storage.access_log(acme)
    with closing(storage.store(acme)) as store:
        assert access_heads.keep(store, log, datetime.now(UTC))
    assert "All of it is intact" in browser.get("/acme/looked").text
    assert "intact" not in browser.get("/acme/looked?before=2").text
    log.file.unlink()
    page = browser.get("/acme/looked").text
    assert "All of it is intact" not in page
    assert f"{log.file} ends before entry 2, which the ledger has." in page


def test_it_is_filtered_by_days(office: ServedConsole) -> None:
    """A wrong day is told at its field, and what was typed stays; the next page has the same filter."""
    noon = datetime(2026, 11, 20, 11, tzinfo=UTC)
    for number in range(120):
        at = noon + timedelta(hours=number)
        access_log.note(office.controller(), "ada", Action.OPEN_RECORD, at, record=number + 1)
    browser = office.browser("compliance@acme")
    text = browser.get("/acme/looked", since="21/11/2026", until="2026-11-23").text
    records = [int(number) for number in re.findall(r'href="/acme/calls/(\d+)"', text)]
    assert records == list(range(84, 34, -1))
    (later,) = re.findall(r'rel="next" href="([^"]+)"', text)
    rest = browser.get("/acme/looked" + later.replace("&amp;", "&")).text
    assert re.findall(r'href="/acme/calls/(\d+)"', rest)[-1] == "13"
    wrong = browser.get("/acme/looked", since="31/2/2026", account="ada")
    assert (wrong.status_code, wrong.text.count("There is no such day or time.")) == (400, 1)
    assert 'value="31/2/2026"' in wrong.text
    assert 'value="ada"' in wrong.text


def test_unusual_looks_are_named(office: ServedConsole) -> None:
    """Thirty persons within an hour and a look at night: with their accounts on the page itself, by number on
    Today, where a reader learns nothing of it."""
    noon = datetime(2026, 11, 26, 11, tzinfo=UTC)
    office.console.now = lambda: noon + timedelta(hours=3)  # type: ignore[method-assign]
    for number in range(30):
        access_log.note(office.controller(), "ada", Action.OPEN_RECORD, noon, record=number + 1)
    night = noon - timedelta(hours=12)
    access_log.note(office.controller(), "bruno", Action.EXPORT, night, facts="records=1-6")
    officer = office.browser("compliance@acme")
    text = officer.get("/acme/looked").text
    assert re.findall(r"<li><bdi>(.*?)</bdi>", text) == [
        "ada: 30 persons within an hour",
        "bruno: 1 look at night",
    ]
    assert '<a href="?account=bruno&amp;since=2026-11-26&amp;until=2026-11-26">' in text
    assert "Unusual looks" not in officer.get("/acme/looked", account="ada").text
    sentence = "2 accounts looked at persons' data in an unusual way within a day."
    assert sentence in html.unescape(officer.get("/acme/today").text)
    assert sentence not in html.unescape(office.browser("reader@acme").get("/acme/today").text)


def test_more_than_one_fault_is_folded(office: ServedConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first page shows the worst, and how many more there are."""
    faults = [BriefAnswer(Light.OPEN, Text("look")), BriefAnswer(Light.BAD, Text("wrong"), "evidence")]
    monkeypatch.setattr(daily_brief, "problems", lambda _owner: iter(faults * 2))
    page = office.browser("compliance@acme").get("/acme/today").text
    assert (
        page.index("<bdi>wrong</bdi>")
        < page.index("<summary>3 more</summary>")
        < page.index("<bdi>look</bdi>")
    )
    assert '<a href="/acme/evidence">Evidence</a></p>' in page


def test_action_of_another_program_is_shown_as_it_is(office: ServedConsole) -> None:
    """An entry with a word that this program does not know stands as it is on the page, in the list of the
    command and in the letter of its caller."""
    acme = office.controller()
    caller = pseudonym(CALLER, acme.key)
    storage.access_log(acme).add(LoggedAccess(datetime.now(UTC), "ada", "<i>{dance}", caller))
    officer = office.browser("compliance@acme")
    assert ">&lt;i&gt;{dance}</td>" in officer.get("/acme/looked").text
    assert "<i>{dance}" in typed("web", "log", "acme", "-c", office.folder / "informativa.yaml")[1]
    officer.get("/acme/caller")
    officer.get(f"{officer.send(number=CALLER.number).url.path}/letter")
    assert "&lt;i&gt;{dance}" in officer.send(language="en", reference="").text
    assert officer.get("/acme/today").status_code == 200
