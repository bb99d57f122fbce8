"""A caller on the console: looked up, answered by letter, told elsewhere, erased."""

from __future__ import annotations

import html
import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from threading import Event
from typing import Any, NoReturn

import httpx
import pytest
import yaml

from commands import typed
from console.served import Browser, ServedConsole, lay_calls, served
from evidence.noted import APPROVER
from evidence.receipts import HOSTILE
from informativa.console.pages.caller_lookup import CallerLookup
from informativa.model import Action, Outsourcing, Record
from informativa.model.hooks import ErasureUnfinishedError
from informativa.model.text import Text
from informativa.operations import access_log, callers
from informativa.operations.typed_caller import by_number
from informativa.process import bootstrap, erasing

NUMBER = "+39 333 123 4567"
DIGITS = "3331234567"
NOBODY = "+39 333 000 0000"


def looked_up(
    office: ServedConsole, number: str = NUMBER, account: str = "compliance@acme"
) -> tuple[Browser, str]:
    """The browser of whoever looked a caller up, and the caller's page."""
    browser = office.browser(account)
    browser.get("/acme/caller")
    answer = browser.send(number=number)
    assert answer.status_code == 200, answer.text
    return browser, answer.url.path


def letter(browser: Browser, page: str, language: str = "en", **typed: str) -> httpx.Response:
    """The letter to a caller."""
    browser.get(f"{page}/letter")
    return browser.send(language=language, **typed)


def configured(office: ServedConsole, **letter: object) -> None:
    """Configure what acme's answers to access requests say."""
    file = office.folder / "informativa.yaml"
    settings = yaml.safe_load(file.read_text())
    settings["controllers"]["acme"]["letter"] = letter
    file.write_text(yaml.safe_dump(settings))


def on_record(office: ServedConsole, number: str = NUMBER) -> int:
    """Return how many records lead to the caller."""
    return len(callers.caller_records(office.controller(), by_number(number).caller))


def test_what_is_on_record_of_him_is_shown(office: ServedConsole) -> None:
    """All of his records stand on the page, and none of anybody else's."""
    browser, page = looked_up(office)
    text = browser.get(page).text
    assert "4 records" in text
    assert [f"/acme/calls/{number}" in text for number in (1, 2, 3, 4, 5, 6)] == [
        True, True, True, False, True, False,
    ]  # fmt: skip


def test_his_number_stands_in_no_address_and_no_title(office: ServedConsole) -> None:
    """The number that was typed is in no redirect, no title and no link of any page about him."""
    browser, page = looked_up(office)
    letter(browser, page)
    for address in (page, f"{page}/told", f"{page}/letter", f"{page}/erasure"):
        answer = browser.get(address)
        assert DIGITS not in str(answer.url)
        assert DIGITS not in re.sub(r"\D", "", answer.text.replace("+390212345678", ""))
        assert all(DIGITS not in value for value in answer.headers.values())


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"number": "12"}, "That is no telephone number with country code."),
        ({"number": "+39 333"}, "No such telephone number can exist"),
        ({"number": "", "customer": ""}, "one of both"),
        ({"number": NUMBER, "customer": "c-1"}, "one of both"),
        ({"customer": "c 1"}, "No caller has such a customer number"),
    ],
)
def test_a_number_that_cannot_be_is_told_beside_its_field(
    office: ServedConsole, typed: dict[str, str], sentence: str
) -> None:
    """A mistake is tied to its field for a screen reader, and nobody is looked up."""
    browser = office.browser("compliance@acme")
    browser.get("/acme/caller")
    answer = browser.send(**{"number": "", **typed})
    assert (answer.status_code, answer.url.path) == (400, "/acme/caller")
    assert sentence in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_a_customer_number_is_another_caller(office: ServedConsole) -> None:
    """Nobody is on record under it, and the page says what can be done."""
    browser = office.browser("compliance@acme")
    browser.get("/acme/caller")
    assert "Nothing is on record of him" in browser.send(customer="c-1").text


def test_a_reader_looks_nobody_up(office: ServedConsole) -> None:
    """For whoever may only read, the pages about callers are not there, nor in his menu."""
    _browser, page = looked_up(office)
    reader = office.browser("reader@acme")
    paths = ("/acme/caller", page, f"{page}/letter", f"{page}/erasure", f"{page}/told")
    assert {reader.get(path).status_code for path in paths} == {404}
    assert "/acme/caller" not in reader.get("/acme/calls").text


def test_another_session_has_nothing_of_him(office: ServedConsole) -> None:
    """The name in the address is worth something to the session that made it, and to no other of his."""
    _browser, page = looked_up(office)
    again = office.browser("compliance@acme").get(page)
    assert (again.status_code, "This page is not kept any more." in again.text) == (404, True)


def test_who_is_looked_up_at_one_company_is_not_so_at_another(office: ServedConsole) -> None:
    """I6: an officer of both must name the caller to each of them: no address of one leads to the other."""
    browser, page = looked_up(office, account="operator")
    made = letter(browser, page).url.path
    for address in (page, f"{page}/erasure", f"{page}/told", made, f"{made}/file"):
        assert browser.get(address.replace("acme", "borealis")).status_code == 404
    assert on_record(office) == 4


def test_the_page_begins_before_the_ledger_is_read(
    office: ServedConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Head and frame are there while the records are still looked for, in one piece each."""
    browser, page = looked_up(office)
    has_begun, read = Event(), callers.caller_records

    def caller_records(*arguments: object) -> tuple[Record, ...]:
        assert has_begun.wait(30)
        return read(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("informativa.operations.access_letter.caller_records", caller_records)
    with browser.http.stream("GET", page) as answer:
        pieces = answer.iter_text()
        first = next(pieces)
        assert "<h1>Caller +39…67</h1>" in first
        assert "4 records" not in first
        has_begun.set()
        assert "4 records" in "".join(pieces)


def test_the_letter_tells_all(office: ServedConsole) -> None:
    """What, when in the company's zone, how, which text and its words, on which ground, how much was heard,
    until when it is kept."""
    browser, page = looked_up(office)
    text = letter(browser, page, reference="2026/17").text
    for words in (
        "There are 4 records. Times are those of Europe/Rome.",
        "<bdi>2026/17</bdi>",
        "26 November 2026, 09:32",
        "17.4 of 17.4 seconds, to its end",
        "7.7 of 17.4 seconds, until the caller pressed a key",
        "nobody has told this caller to the end yet (GDPR 13(1))",
        "this caller already has the information (GDPR 13(4)) (record 1)",
        "prema ora il tasto uno",
        "not given by the telephone system",
        "26 November 2031",
        "We delete them 5 years after the call",
        "handling the call and the service asked for",
        "as a caller. We looked for the telephone number +39…67",
    ):
        assert words in text, words


def test_the_letter_is_in_its_own_language(office: ServedConsole) -> None:
    """An officer who reads English answers in Italian; the page around it stays English."""
    browser, page = looked_up(office)
    text = letter(browser, page, language="it").text
    assert '<html lang="en">' in text
    assert '<article class="letter" lang="it">' in text
    assert "La Sua richiesta di accesso ai dati personali" in text
    assert "Your request for access" not in text.partition("<article")[2]


def today(office: ServedConsole) -> date:
    """Return the day where the company is."""
    return bootstrap.SystemClock().now().astimezone(office.controller().zone).date()


def test_the_letter_is_saved_as_one_file(office: ServedConsole) -> None:
    """An attachment with a name without a number, which needs no other file and runs nothing."""
    browser, page = looked_up(office)
    days = [today(office)]
    made = letter(browser, page, language="it").url.path
    file = browser.get(f"{made}/file")
    days.append(today(office))
    names = [f'attachment; filename="acme-{day}.html"' for day in days]
    assert file.headers["content-disposition"] in names
    assert "<script" not in file.text
    assert "src=" not in file.text.replace("&lt;img src=x", "")
    assert "href=" not in file.text
    assert ".letter {" in file.text


def test_a_letter_about_nothing_says_so(office: ServedConsole) -> None:
    """Who is not on record gets an answer too, and the officer is asked whether the number is right."""
    browser, page = looked_up(office, NOBODY)
    text = letter(browser, page).text
    assert "<h2>Nothing is on record</h2>" in text
    assert "lead to nobody: we cannot report on them" in text
    assert "supervisory authority of the country where you live or work" in text
    assert "We delete them" not in text, "of what is not there nothing is said"
    assert "Annex" not in text


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("code", "heading", "name"),
    [
        (
            "it",
            "La Sua richiesta di accesso ai dati personali",
            "gestire la chiamata e il servizio richiesto",
        ),
        ("de", "Ihr Antrag auf Auskunft über personenbezogene Daten", "Bearbeitung des Anrufs"),
        ("fr", "Votre demande d&#39;accès à des données personnelles", "du service demandé"),
        ("es", "Su solicitud de acceso a datos personales", "atender la llamada"),
    ],
)
def test_the_letter_is_in_five_languages(office: ServedConsole, code: str, heading: str, name: str) -> None:
    """Of English nothing is left but the recording's own words and the copy of the records."""
    browser, page = looked_up(office)
    text = letter(browser, page, language=code).text
    words_of_letter = text.partition(f'<article class="letter" lang="{code}">')[2].partition(
        '<section class="annex">'
    )[0]
    assert heading in words_of_letter
    assert name in words_of_letter
    words = re.sub("<blockquote.*?</blockquote>|<[^>]*>", "", words_of_letter, flags=re.DOTALL)
    assert re.findall(r"\b(the|and|with|you|record|which)\b", words) == []


def test_the_letter_says_what_article_15_asks_for(office: ServedConsole) -> None:
    """Contact and officer, recipients, transfers and authority, as they are configured; when the request came
    and how it was checked, as the officer typed it."""
    configured(
        office,
        contact="via Roma 1, Milano",
        dpo="dpo@acme.example",
        authority="Garante per la protezione dei dati personali (www.garanteprivacy.it)",
        recipients=["Centralini S.r.l. (maintenance)", "Studio Rossi"],
        transfers="standard contractual clauses",
    )
    browser, page = looked_up(office)
    text = letter(browser, page, received=today(office).isoformat(), verified="called back.").text
    for words in (
        "within the month of Article 12(3).",
        "We checked that the number is yours: called back.",
        "To use these rights, write to via Roma 1, Milano.",
        "Its data protection officer is at dpo@acme.example.",
        "Others who receive these records: Centralini S.r.l. (maintenance); Studio Rossi.",
        "outside the European Economic Area: standard contractual clauses.",
        "with this authority: Garante per la protezione dei dati personali (www.garanteprivacy.it), or with",
    ):
        assert words in text, words
    assert "does not say all that article 15 asks for" not in text


def test_nobody_else_and_no_transfer_are_said_too(office: ServedConsole) -> None:
    """The letter says them if the company configured them; otherwise it does not, and the officer is told."""
    browser, page = looked_up(office)
    before = letter(browser, page).text
    assert "Your administrator configures it: contact, authority, transfers, recipients." in before
    assert "European Economic Area" not in before
    configured(office, recipients=[], transfers="none")
    text = letter(browser, page).text
    assert "Nobody else receives these records." in text
    assert "These data are not transferred outside the European Economic Area." in text
    assert "Your administrator configures it: contact, authority." in text


def test_a_late_answer_claims_no_month(office: ServedConsole) -> None:
    """GDPR 12(3): of a request from two months ago it says the two days alone."""
    browser, page = looked_up(office)
    text = letter(browser, page, received=(today(office) - timedelta(days=62)).isoformat()).text
    assert "You asked on " in text
    assert "within the month" not in text


def test_the_letter_has_a_copy_of_each_record(office: ServedConsole) -> None:
    """GDPR 15(3): field by field, with the pseudonym and the ids of the call; no number is in it."""
    browser, page = looked_up(office)
    text = html.unescape(letter(browser, page).text)
    blocks = re.findall(r"<pre>(.*?)</pre>", text, re.DOTALL)
    copies = [json.loads(re.sub("</?bdi>", "", block)) for block in blocks]
    assert [copy["number"] for copy in copies] == [1, 2, 3, 5]
    assert {len(copy["pseudonym"]) for copy in copies} == {64}
    assert copies[0]["call"]
    assert copies[0]["heard"]["samples"] > 0
    assert DIGITS not in text


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("verified", "called back on 333 123 4567", "This cannot stand in the letter."),
        ("received", "2999-01-01", "This day is still to come."),
        ("received", "31/12", "There is no such day."),
    ],
)
def test_what_the_letter_cannot_say_is_refused(
    office: ServedConsole, field: str, typed: str, sentence: str
) -> None:
    """A number in clear (I5), a day that is to come, what is no day."""
    browser, page = looked_up(office)
    answer = letter(browser, page, **{field: typed})
    assert (answer.status_code, f'id="{field}-wrong"' in answer.text) == (400, True)
    assert sentence in answer.text


@pytest.mark.parametrize("reference", ["pratica 333 123 4567", "0039.333.1234567", "x" * 201])
def test_a_reference_with_a_number_is_refused(office: ServedConsole, reference: str) -> None:
    """I5: no letter is filed under somebody's number."""
    browser, page = looked_up(office)
    answer = letter(browser, page, reference=reference)
    assert (answer.status_code, 'id="reference-wrong"' in answer.text) == (400, True)


def test_what_others_wrote_is_text_on_every_page(office: ServedConsole) -> None:
    """A reference that is markup, or turns the line, is shown as what it is."""
    browser, page = looked_up(office)
    made = letter(browser, page).url.path
    for address in (page, made, f"{made}/file"):
        text = browser.get(address).text
        assert "onerror=alert(1)&gt;" in text
        assert "<img" not in text
        assert "\u202e" not in text
    assert "\u202e" in HOSTILE


def test_the_processor_is_named_as_recipient(office: ServedConsole) -> None:
    """Article 15(1)(c): who answers the calls for the company stands in the letter."""
    papers = office.controller("borealis").outsourcing
    assert isinstance(papers, Outsourcing)
    browser = office.browser("operator")
    browser.get("/borealis/caller")
    page = browser.send(number=NUMBER).url.path
    text = letter(browser, page).text
    assert f"answered by {papers.processor}, which processes these data on behalf of Borealis GmbH" in text


def informed_elsewhere(browser: Browser, page: str, **typed: str) -> httpx.Response:
    """Fill in the form, and send it."""
    browser.get(f"{page}/told")
    return browser.send(**{"kind": "operator", "reference": "form 77", **typed})


def test_told_elsewhere_is_put_on_record_once(office: ServedConsole) -> None:
    """The same form sent again, and by two at a time, leads to the record that there is."""
    browser, page = looked_up(office, NOBODY)
    browser.get(f"{page}/told")
    (form,) = [form for form in browser.forms() if "once" in form.fields]
    fields = form.fields | {"kind": "website", "reference": "form 77"}
    with ThreadPoolExecutor(4) as pool:
        places = [
            str(answer.url) for answer in pool.map(lambda _: browser.post(f"{page}/told", fields), range(4))
        ]
    assert len(set(places)) == 1
    assert on_record(office, NOBODY) == 1
    assert "It is on record, as number" in browser.get(places[0]).text


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"on": "2999-01-01"}, "on", "the date is still to come"),
        ({"on": "1990-01-01"}, "on", "the first law on it is of 8 May 1997"),
        ({"on": "yesterday"}, "on", "That is no day."),
        ({"reference": ""}, "reference", "the reference is empty"),
        ({"reference": "call 333 123 4567"}, "reference", "seems to hold a telephone number"),
        ({"version": "1812"}, "version", "There is no version 1812."),
        ({"kind": "phone"}, "kind", "Choose how he was told."),
    ],
)
def test_what_cannot_have_happened_is_told_beside_its_field(
    office: ServedConsole, typed: dict[str, str], field: str, sentence: str
) -> None:
    """In words, with what was typed still there, and nothing is put on record."""
    browser, page = looked_up(office, NOBODY)
    answer = informed_elsewhere(browser, page, **typed)
    assert answer.status_code == 400
    assert sentence in answer.text.partition(f'id="{field}-wrong"')[2].partition("</p>")[0]
    assert on_record(office, NOBODY) == 0


def test_an_erasure_begins_with_what_would_go(office: ServedConsole) -> None:
    """To look at the trial, or to type another word, erases nothing."""
    browser, page = looked_up(office)
    assert "5 records: they stay as facts" in browser.get(f"{page}/erasure").text
    answer = browser.send(word="borealis")
    assert (answer.status_code, "Nothing was erased: that is another word." in answer.text) == (400, True)
    assert on_record(office) == 4


def test_an_erasure_is_done_once_and_leaves_its_trace(office: ServedConsole) -> None:
    """Sent twice at a time it is one; its own record is shown, and going back to it does nothing more."""
    browser, page = looked_up(office)
    browser.get(f"{page}/erasure")
    (form,) = [form for form in browser.forms() if "word" in form.fields]
    fields = form.fields | {"word": "ACME "}
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: browser.post(f"{page}/erasure", fields), range(3)))
    assert len({str(answer.url) for answer in answers}) == 1
    text = answers[0].text
    assert "Caller +39…67 is erased" in text
    assert re.findall(r'/acme/calls/(\d+)"', text) == ["8"]
    assert "/receipt" not in text
    assert on_record(office) == 0
    back = browser.get(f"{page}/erasure")
    assert back.url == answers[0].url
    assert browser.get(page).url == answers[0].url


def test_an_erasure_that_is_not_finished_says_what_to_do(
    office: ServedConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error is shown after a redirect, and the same form goes on with the erasure. The access log says
    that it began."""
    browser, page = looked_up(office)
    work = erasing.erase

    def erase(*given: Any, **more: Any) -> NoReturn:
        work(*given, **more)
        raise ErasureUnfinishedError(Text("A copy cannot be deleted."), Text("Do it again."))

    monkeypatch.setattr(erasing, "erase", erase)
    browser.get(f"{page}/erasure")
    answer = browser.send(word="acme")
    assert "is not wholly erased" in answer.text
    assert "A copy cannot be deleted." in answer.text
    monkeypatch.setattr(erasing, "erase", work)
    browser.get(f"{page}/erasure")
    assert "Caller +39…67 is erased" in browser.send(word="acme").text
    entries = access_log.page(office.controller()).entries
    assert [(entry.record, entry.detail) for entry in entries if entry.action is Action.ERASE] == [
        (None, "done"),
        (None, "begun"),
        (None, "begun"),
    ]


def test_an_erasure_that_the_controller_approves_waits(folder: Path) -> None:
    """The page asks for the instruction, and says which list the approver needs; nothing is erased yet."""
    file = folder / "informativa.yaml"
    text = file.read_text()
    assert "\n    # approver:" in text
    key = str(APPROVER.verifier)
    file.write_text(text.replace("\n    # approver:", f'\n    approver: "{key}"\n    # approver:', 1))
    lay_calls(folder)
    with served(folder) as office:
        browser, page = looked_up(office)
        browser.get(f"{page}/erasure")
        for wrong, sentence in (("", "instruction is missing"), ("two <words>", "at most 40 letters")):
            answer = browser.send(word="acme", instruction=wrong)
            assert answer.status_code == 400
            assert sentence in answer.text.partition('id="instruction-wrong"')[2].partition("</p>")[0]
            assert "two <words>" not in answer.text
        answer = browser.send(word="acme", instruction="OPS/2026-117")
        assert "The erasure of caller +39…67 waits for an approval" in answer.text
        assert "Caller +39…67 is erased" not in answer.text
        lists = Path(office.controller().ledger).parent / "acme.log/private"
        (listed,) = lists.iterdir()
        assert str(listed) in answer.text
        assert on_record(office) == 4


def test_forms_of_other_pages_do_nothing(office: ServedConsole) -> None:
    """Without what our own form holds nobody is erased, looked up or put on record."""
    browser, page = looked_up(office)
    for path, fields in (
        ("/acme/caller", {"number": NUMBER}),
        (f"{page}/erasure", {"word": "acme"}),
        (f"{page}/told", {"kind": "operator", "reference": "x", "notice": "privacy"}),
        (f"{page}/letter", {"language": "it"}),
    ):
        assert browser.post(path, fields).status_code == 403
    assert on_record(office) == 4


def test_a_caller_who_is_remembered_shows_no_number() -> None:
    """The session has no number that a log or a traceback could show."""
    assert DIGITS not in repr(CallerLookup("acme", by_number(NUMBER)))


LOOKED = re.compile(r"<li><time [^>]*>([^<]*)</time>: (.*?)</li>")


def looks(text: str) -> list[str]:
    """The purposes of the looks at the caller, as the letter lists them."""
    return [purpose for _time, purpose in LOOKED.findall(text)]


def test_the_letter_says_who_looked(office: ServedConsole) -> None:
    """CJEU C-579/21: when and for what, at him or at one of his records, in a shell too; no name of an
    officer is in it, and what was looked at of others is not."""
    acme = office.controller()
    before = bootstrap.SystemClock().now() - timedelta(days=3)
    his, nobody = (callers.pseudonyms(acme, by_number(number).caller)[0] for number in (NUMBER, NOBODY))
    for action, pseudonym, record in (
        (Action.WHAT_IF, his, None),
        (Action.RECEIPT, None, 2),
        (Action.RECEIPT, None, 6),
        (Action.OPEN_CALLER, nobody, None),
    ):
        access_log.note(acme, "anna.verdi", action, before, pseudonym=pseudonym, record=record)
    file = office.folder / "informativa.yaml"
    for command in (("show",), ("erase",)):
        assert typed("caller", *command, NUMBER, "--controller", "acme", "-c", file)[0] == 0
    browser, page = looked_up(office)
    text = letter(browser, page).text
    shell = " (by a command on the machine)"
    assert looks(text) == [
        "check of which notice a call from you would hear",
        "receipt of a record",
        f"view of the records about you{shell}",
        f"preview of an erasure{shell}",
        "view of the records about you",
    ]
    assert "Nobody looked at your data before" not in text
    assert "Looks from before" in text
    assert "several telephone systems" not in text
    letter_itself = text.partition("<article")[2]
    assert "anna" not in letter_itself
    assert "compliance@acme" not in letter_itself
    assert looks(letter(browser, page).text)[-1] == "answer to a request for access"


def test_the_letter_says_that_nobody_looked(office: ServedConsole) -> None:
    """Before the request; that he was looked up for the answer stands there."""
    browser, page = looked_up(office)
    text = letter(browser, page).text
    assert "Nobody looked at your data before this request." in text
    assert looks(text) == ["view of the records about you"]


def test_a_caller_who_was_told_is_looked_at_on_record(office: ServedConsole) -> None:
    """The Garante's measure of 27 November 2008: `record` too puts on record whom somebody named."""
    file, acme = office.folder / "informativa.yaml", office.controller()
    arguments = ("--controller", "acme", "--by", "operator", "--reference", "form 77", "-c", file)
    assert typed("record", NUMBER, *arguments)[0] == 0
    (entry,) = access_log.page(acme).entries
    his = callers.pseudonyms(acme, by_number(NUMBER).caller)[0]
    assert (entry.action, entry.caller, entry.record) == (Action.RECORD_ELSEWHERE, his.hex(), 7)
