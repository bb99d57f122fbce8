"""The page in which callers check their receipts, as Chromium shows it without a network."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from evidence.receipts import NUMBER, Company, cosigned_page, with_extra, written, written_with_proof
from informativa.evidence.cosignature import WitnessSigner
from informativa.evidence.note import Signer, parse, sign
from informativa.evidence.settings import WitnessAddress
from informativa.model.errors import InformativaError
from informativa.operations.evidence import logs, verifier_page
from informativa.operations.evidence.receipt_page import ReceiptPage
from informativa.operations.evidence.verifier_page import VerifierPage
from informativa.process import storage
from informativa.views import verifier_page as view
from lab.browser import browser, browser_needed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = browser_needed
WITNESS = WitnessSigner("w.example", b"w" * 32)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One for all."""
    with browser() as opened:
        yield opened


class Caller:
    """Somebody who opens the company's page, and gives it files."""

    def __init__(self, browser: Browser, folder: Path, verifier: VerifierPage) -> None:
        self._browser = browser
        self._file = folder / "check.html"
        self._file.write_text(view.page(verifier), encoding="utf-8")
        self.requests: list[str] = []
        self.messages: list[str] = []

    def open(self, locale: str = "en-GB", width: int = 1280, **form: Any) -> Page:
        """Open the page without a network, in a browser of that language."""
        size = {"width": width, "height": 800}
        context = self._browser.new_context(offline=True, locale=locale, viewport=size, **form)  # type: ignore[arg-type]
        self.page = context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("dialog", lambda dialog: self.messages.append(dialog.message))
        self.page.goto(self._file.as_uri())
        return self.page

    def choose(self, data: bytes, name: str = "acme-1.tlog-proof") -> str:
        """Choose a file, and return the verdict in the script's word."""
        self.page.evaluate("delete document.documentElement.dataset.checked; $('file').value = ''")
        file = self._file.with_name(name)
        file.write_bytes(data)
        self.page.set_input_files("#file", file)
        self.page.wait_for_selector("html[data-checked]")
        return str(self.page.evaluate("document.documentElement.dataset.checked"))

    def record(self) -> dict[str, str]:
        """Return what the page says of the record."""
        labels, values = (self.page.locator(f"#rows > {tag}").all_inner_texts() for tag in ("dt", "dd"))
        return dict(zip(labels, values, strict=True))


@pytest.fixture
def caller(company: Company, chromium: Browser, tmp_path: Path) -> Iterator[Caller]:
    """Yield a caller, and check that the page asked for nothing, and that nothing of a file ran."""
    page = verifier_page.verifier_page(company.controller, company.configuration.evidence)
    caller = Caller(chromium, tmp_path, replace(page, witnesses=(str(WITNESS.verifier),)))
    yield caller
    assert set(caller.requests) == {(tmp_path / "check.html").as_uri()}
    assert caller.messages == []


def proof(page: ReceiptPage) -> bytes:
    """Return the file of a receipt."""
    return page.receipt.proof.data


def test_receipt_holds_and_says_what_was_played(company: Company, caller: Caller) -> None:
    """A caller who drops a receipt reads in plain words what the company recorded."""
    caller.open()
    assert caller.page.inner_text("#light") == "No receipt was chosen yet."
    assert caller.choose(proof(company.page(1))) == "holds"
    assert caller.page.inner_text("#light") == "The receipt holds."
    record = caller.record()
    assert record == {
        "When": "26 November 2026, 09:32",
        "Called number": "+390212345678",
        "How": "on the telephone",
        "Which text": f"privacy notice, version {company.played.version}",
        "Language": "Italian",
        "Purposes": "orders, handling the call and the service asked for",
        "Outcome": "the notice was played to its end",
        "Reason": "nobody has told this caller to the end yet (GDPR 13(1))",
        "Heard": "17.4 of 17.4 seconds, to its end",
        "Put on record": "26 November 2026, 09:33",
        "Record": "1",
        "Signed log": company.page(1).checkpoint.origin,
    }
    assert caller.page.inner_text("#whom") == "No telephone number of a caller is in this receipt."
    assert caller.page.locator("#about").is_hidden()


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("locale", "light", "outcome"),
    [
        ("it-IT", "L'attestazione è valida.", "l'informativa è stata riprodotta fino alla fine"),
        ("de-AT", "Die Bescheinigung ist gültig.", "der Hinweis wurde bis zum Ende abgespielt"),
        ("fr-FR", "L'attestation est valable.", "l'avis a été diffusé jusqu'au bout"),
        ("es-ES", "El justificante es válido.", "el aviso se reprodujo hasta el final"),
        ("ja-JP", "The receipt holds.", "the notice was played to its end"),
    ],
)
def test_page_speaks_the_callers_language(
    company: Company, caller: Caller, locale: str, light: str, outcome: str
) -> None:
    """It begins in the browser's language, or in English, and goes on in the one that is chosen."""
    caller.open(locale)
    assert caller.choose(proof(company.page(1))) == "holds"
    assert caller.page.inner_text("#light") == light
    assert outcome in caller.record().values()
    caller.page.select_option("#language", "de")
    assert caller.page.inner_text("#light") == "Die Bescheinigung ist gültig."
    assert caller.record()["Wann"] == "26. November 2026, 09:32 Uhr"
    assert caller.page.title() == "Prüfen Sie Ihre Bescheinigung"
    assert caller.page.get_attribute("html", "lang") == "de"


def test_receipt_that_is_a_page_is_read_for_its_proof_alone(company: Company, caller: Caller) -> None:
    """What the page says in words is not shown, whatever it says."""
    caller.open()
    text = written(company.page(1)).replace("26 November 2026", "27 November 2026")
    assert caller.choose(text.encode(), "acme-1.html") == "holds"
    assert caller.page.locator("#flaws li").all_inner_texts() == [
        "Your file is a page. Only the signed proof in it was checked: hold to what stands here, if the page"
        " says something else."
    ]
    assert caller.record()["When"] == "26 November 2026, 09:32"


def test_witness_is_named(company: Company, caller: Caller) -> None:
    """A signature of a witness whose key is in the page, with its time."""
    caller.open()
    assert caller.choose(proof(cosigned_page(company.page(1), WITNESS))) == "holds"
    assert caller.page.locator("#flaws li").all_inner_texts() == [
        "w.example is independent of the company, and signed it on 2026-11-18 11:06 UTC.",
        "It says that it was recorded more than 10 minutes after a witness signed it.",
    ]


def test_number_is_compared(company: Company, caller: Caller) -> None:
    """A receipt that was opened says whether it is about the number that the caller types."""
    caller.open()
    assert caller.choose(proof(company.opened())) == "holds"
    for number, answer in (
        (NUMBER.number, "The receipt is about this number."),
        ("+393331234568", "The receipt is NOT about this number."),
    ):
        caller.page.fill("#number", number)
        caller.page.press("#number", "Enter")
        caller.page.get_by_text(answer).wait_for()


def test_changed_receipt_does_not_hold(company: Company, caller: Caller) -> None:
    """One fact, one hash, or the signature: nothing of what it says is shown."""
    page = company.page(1)
    receipt = page.receipt
    signed = parse(receipt.proof.checkpoint)
    bad_signature = replace(signed.signatures[0], data=bytes(64))
    caller.open()
    for data in (
        with_extra(receipt, lambda extra: extra["facts"].update(status="SKIPPED")),
        replace(receipt.proof, hashes=(bytes(32), *receipt.proof.hashes[1:])).data,
        replace(receipt.proof, checkpoint=replace(signed, signatures=(bad_signature,)).data).data,
        replace(receipt.proof, checkpoint=sign(signed.text, Signer(page.checkpoint.origin, b"f" * 32))).data,
    ):
        assert caller.choose(data) == "fails"
        assert caller.page.inner_text("#light") == "The receipt does not hold."
        assert caller.page.locator("#record").is_hidden()


def test_receipt_of_another_company_is_named(company: Company, caller: Caller) -> None:
    """By the log that it says it is of, as text."""
    page = company.page(1)
    origin = "other.example/informativa/<b>other</b>/pbx-1/1"
    note = parse(page.receipt.proof.checkpoint).text.replace(page.checkpoint.origin, origin)
    proof_of_other = replace(page.receipt.proof, checkpoint=sign(note, Signer(origin, b"o" * 32)))
    data = with_extra(
        replace(page.receipt, proof=proof_of_other), lambda extra: extra["facts"].update(log=origin)
    )
    caller.open()
    assert caller.choose(data) == "fails"  # its facts are not those that the log has
    company_of_other = VerifierPage(company.controller, (str(Signer("x.example", b"x" * 32).verifier),), ())
    caller.page.evaluate("keys => { WORDS.keys = keys; }", list(company_of_other.keys))
    assert caller.choose(proof(page)) == "other"
    assert caller.page.inner_text("#light") == "The receipt is of another company."
    assert page.checkpoint.origin in caller.page.inner_text("#advice")
    assert caller.page.locator("#record").is_hidden()


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        (b"", "nothing"),
        (b"\xff\xfe\x00", "nothing"),
        (b"<script>alert(1)</script><img src=x onerror=alert(1)>", "nothing"),
        (b"c2sp.org/tlog-proof@v1\nextra e30=\nindex 0\n\nx\n1\nx\n\n", "nothing"),
        (b"x" * 1_000_001, "nothing"),
        (b"x" * 32_000_001, "large"),
        (b"<!DOCTYPE html>" + b'<a href="data:application/octet-stream;base64,AAAA">' * 100_000, "nothing"),
    ],
    ids=["empty", "binary", "markup", "no-note", "long", "huge", "many-proofs"],
)
def test_file_that_is_no_receipt_does_nothing(caller: Caller, data: bytes, verdict: str) -> None:
    """It is named as such, whatever it has."""
    caller.open()
    assert caller.choose(data, "<b onclick=alert(1)>.html") == verdict
    assert caller.page.inner_text("#name") == "<b onclick=alert(1)>.html"
    assert caller.page.locator("#record").is_hidden()


def test_deep_and_hostile_openings_are_no_receipt(company: Company, caller: Caller) -> None:
    """JSON of a hundred thousand levels, names of every object's, and markup in a name of a fact."""
    page = company.page(1)
    deep = '{"a":' * 100_000 + "1" + "}" * 100_000
    caller.open()
    for extra in (
        deep,
        '{"__proto__":{"v":1}}',
        '{"facts":{"<img src=x onerror=alert(1)>":1},"v":2}',
        "null",
    ):
        data = replace(page.receipt.proof, extra=extra.encode()).data
        assert caller.choose(data) == "nothing"
        assert caller.choose(written_with_proof(page, data).encode(), "a.html") == "nothing"


def test_record_with_markup_in_it_is_shown_as_text(company: Company, caller: Caller) -> None:
    """A reference that a clerk typed, with invisible characters made visible."""
    caller.open()
    assert caller.choose(proof(company.page(2))) == "holds"
    shown = caller.record()["Where the evidence is"]
    assert shown.startswith("</script><img src=x onerror=alert(1)>⟨U+202E⟩txt.exe")
    assert caller.page.locator("main img, main script").count() == 0


def test_receipt_can_be_dropped_anywhere(company: Company, caller: Caller) -> None:
    """On the heading, as on the box; the browser does not open it in place of the page."""
    page = caller.open()
    content = b64encode(proof(company.page(1))).decode()
    dropped = page.evaluate_handle(
        """content => { const all = new DataTransfer();
        all.items.add(new File([Uint8Array.from(atob(content), (one) => one.charCodeAt(0))], 'r.tlog-proof'));
        return all; }""",
        content,
    )
    page.dispatch_event("h1", "dragover", {"dataTransfer": dropped})
    assert page.locator("body.over").count() == 1
    page.dispatch_event("h1", "drop", {"dataTransfer": dropped})
    page.wait_for_selector("html[data-checked=holds]")
    assert page.locator("body.over").count() == 0


def test_keyboard_reaches_all_of_it(company: Company, caller: Caller) -> None:
    """The language first, then the file, which the space bar opens."""
    page = caller.open()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "language"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "file"
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files({"name": "r", "mimeType": "", "buffer": proof(company.page(1))})
    page.wait_for_selector("html[data-checked=holds]")


def test_browser_that_cannot_check_signatures_says_so(company: Company, caller: Caller) -> None:
    """The verdict is no good one, and nothing of the record is shown."""
    caller.open()
    caller.page.evaluate("() => { crypto.subtle.importKey = () => Promise.reject(new Error('no')); }")
    assert caller.choose(proof(company.page(1))) == "unsure"
    assert caller.page.locator("#record").is_hidden()


def test_page_without_scripts_says_that_it_needs_them(caller: Caller) -> None:
    """In all five languages."""
    caller.open(java_script_enabled=False)
    assert caller.page.locator("noscript p").count() == 5


@pytest.mark.sample(1)
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_keeps_nobody_out(company: Company, caller: Caller, width: int, scheme: str) -> None:
    """axe-core finds nothing, and nothing stands out on a side, with each verdict."""
    from axe_playwright_python.sync_playwright import Axe

    page = caller.open("de-DE", width, color_scheme=scheme)
    for data in (b"", proof(company.opened())):
        caller.choose(data, "W" * 200)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        violations = Axe().run(page).response["violations"]
        assert [f"{rule['id']}: {node['html'][:120]}" for rule in violations for node in rule["nodes"]] == []


def test_paper_has_the_answer_and_the_record(company: Company, caller: Caller) -> None:
    """And none of what can only be pressed."""
    page = caller.open()
    caller.choose(proof(company.page(1)))
    page.emulate_media(media="print")
    assert page.locator("#verdict, #record, h1").evaluate_all(
        "all => all.every((one) => one.checkVisibility())"
    )
    assert not page.locator("#drop, #languages").evaluate_all(
        "all => all.some((one) => one.checkVisibility())"
    )


def test_page_has_the_keys_of_its_company(company: Company) -> None:
    """Those of its logs, of further ones that are named, and of its own witnesses alone."""
    key, other = logs.keys(company.controller)[-1].key, Signer("b.example", b"b" * 32).verifier
    addresses = (
        WitnessAddress(str(WITNESS.verifier), "http://w.example", ("acme",)),
        WitnessAddress("x.example+00000000+AA==", "http://x.example", ("borealis",)),
    )
    evidence = replace(company.configuration.evidence, witnesses=addresses)
    page = verifier_page.verifier_page(company.controller, evidence, (other, other))
    assert page.keys == (key, str(other))
    assert page.witnesses == (str(WITNESS.verifier),)


def test_company_without_a_key_has_no_page(folder: Path) -> None:
    """Before the first checkpoint no receipt could hold, and the admin is told what makes one."""
    company = Company(folder)
    storage.store(company.controller).close()
    with pytest.raises(InformativaError) as raised:
        verifier_page.verifier_page(company.controller, company.configuration.evidence)
    assert "informativa evidence checkpoint --controller acme" in str(raised.value.remedy)


def test_page_has_a_policy_that_loads_nothing(company: Company) -> None:
    """Nothing but its one script and one style, by their hashes; it has no cookie and no address in it."""
    page = verifier_page.verifier_page(company.controller, company.configuration.evidence)
    text = view.page(page)
    policy = text.split('http-equiv="Content-Security-Policy" content="')[1].split('"')[0]
    assert policy.startswith(
        "default-src 'none'; media-src data:; base-uri 'none'; form-action 'none'; style-src 'sha256-"
    )
    assert "unsafe" not in policy
    assert "http://" not in text
    assert "https://" not in text
    assert "cookie" not in text.replace("without cookies", "")
    assert page.keys == (logs.keys(company.controller)[-1].key,)
    words = text.split('id="words">')[1].split("</script>")[0]
    assert set(json.loads(words)["languages"]) == {"it", "en", "de", "fr", "es"}
