"""The check in a receipt's page, as Chromium runs it without a network: what is true passes, and each change
is named."""

from __future__ import annotations

import io
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pypdf import PdfReader

from evidence.receipts import (
    NUMBER,
    Company,
    Reader,
    cosigned_page,
    page_by_hand,
    receipt_by_hand,
    written,
    written_with_proof,
)
from informativa.evidence import jcs
from informativa.evidence.cosignature import WitnessSigner
from informativa.evidence.note import Signer, parse, sign
from informativa.evidence.policy import Policy
from informativa.evidence.proof import Proof
from informativa.evidence.receipt import Receipt
from informativa.model.errors import EvidenceFormatError
from informativa.operations.evidence import logs
from informativa.operations.evidence.verifying import verify_data
from informativa.views.messages import language
from lab.browser import browser, browser_needed

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = browser_needed
NOT_IN_TREE = (
    "Wrong: The record is not in the signed log: one of its facts, a salt, or a hash of the proof was"
    " changed."
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One for all."""
    with browser() as opened:
        yield opened


@pytest.fixture
def reader(chromium: Browser, tmp_path: Path) -> Iterator[Reader]:
    """Yield a reader that opens one page after the other, and check that it asked for nothing else."""
    reader = Reader(chromium, tmp_path)
    yield reader
    assert {url for url in reader.requests if not url.startswith("data:")} <= {
        (tmp_path / "receipt.html").as_uri()
    }
    assert reader.messages == []


@pytest.mark.sample(1)
@pytest.mark.parametrize("code", ["en", "it"])
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_true_page_holds(company: Company, reader: Reader, number: int, code: str) -> None:
    """Each kind of record, in each language: with the page's key only as the page itself says, and with the
    reader's key without that."""
    page = company.page(number)
    assert reader.open(written(page, language(code))) == "holds_by_page"
    assert reader.check(page.key) == "holds"
    assert reader.checks("bad") == []
    assert len(reader.checks("good")) == (12 if number in (1, 3, 4) else 10)


@pytest.mark.sample(1)
@pytest.mark.parametrize("code", ["en", "it"])
def test_page_about_an_erased_caller_holds(folder: Path, reader: Reader, code: str) -> None:
    """The remains of a record prove the facts, and so does the record of the erasure."""
    company = Company(folder)
    company.record(company.played)
    company.erase()
    for number in (1, 2):
        page = company.page(number)
        assert reader.open(written(page, language(code))) == "holds_by_page"
        assert reader.check(page.key) == "holds"


@pytest.mark.sample(1)
@pytest.mark.parametrize("code", ["en", "it"])
def test_page_about_totals_and_an_access_log_holds(folder: Path, reader: Reader, code: str) -> None:
    """The script makes the sentences of such records anew."""
    company = Company(folder)
    company.record(*company.counting())
    for number in (1, 2, 3):
        page = company.page(number)
        assert reader.open(written(page, language(code))) == "holds_by_page"
        assert reader.check(page.key) == "holds"


def test_verdict_stands_on_top(company: Company, reader: Reader) -> None:
    """In words, and with what is wrong below it."""
    page = company.page(1)
    reader.open(written(page).replace(">26 November 2026, 09:32<", ">27 November 2026, 09:32<", 1))
    verdict = reader.page.inner_text("#verdict")
    assert verdict.startswith("Not intact.\nSomething does not fit. Do not rely on this page")
    assert (
        "A sentence was changed. The page says: “A call to Acme S.p.A. on 27 November 2026, 09:32" in verdict
    )
    assert "The proof says: “A call to Acme S.p.A. on 26 November 2026, 09:32, as the company" in verdict
    assert reader.page.locator(".differs").count() == 1


def test_number_can_be_compared(company: Company, reader: Reader) -> None:
    """An opened receipt says whether it is about the number that somebody types, and about no other."""
    page = company.opened()
    reader.open(written(page))
    assert reader.check(page.key, NUMBER.number) == "holds"
    assert reader.checks("good")[-1] == "Right: The receipt is about this number."
    assert reader.check(page.key, "+39 333 123-4567") == "holds"
    assert reader.check(page.key, "+393331234568") == "fails"
    assert reader.checks() == ["Wrong: The receipt is NOT about this number."]


def test_page_by_hand_tells_a_wrong_key_from_a_wrong_number(company: Company, reader: Reader) -> None:
    """Its opening key is checked by itself, and a number only by the right one."""
    page = company.opened()
    right = page_by_hand(page, receipt_by_hand(page.receipt))
    reader.open(written(right))
    assert reader.check(right.key, NUMBER.number) == "holds"
    assert reader.checks("good")[-1] == "Right: The receipt is about this number."
    assert (
        "Right: What the proof opens is a record of version 2, in its one canonical form."
        in reader.checks("good")
    )
    assert reader.check(right.key, "+393331234568") == "fails"
    assert reader.checks() == ["Wrong: The receipt is NOT about this number."]
    data = receipt_by_hand(page.receipt, opened=lambda extra: extra.update(opening_key="00" * 32))
    wrong = page_by_hand(page, data)
    assert reader.open(written(wrong)) == "fails"
    assert reader.check(wrong.key, NUMBER.number) == "fails"
    assert reader.checks() == ["Wrong: The opening key is not this record's, so it shows nobody's number."]


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (
            "<bdi>the notice was played to its end</bdi>",
            "<bdi>it was refused</bdi>",
            "A sentence was changed",
        ),
        (">Somebody called the number", ">Nobody called the number", "A sentence was changed"),
        ('<td data-facts="status"><bdi>PLAYED', '<td data-facts="status"><bdi>FAILED', "status was changed"),
        ('<td data-person="call"><bdi>17', '<td data-person="call"><bdi>18', "call was changed"),
        ('data-proof="size"><code><bdi>5', 'data-proof="size"><code><bdi>6', "size was changed"),
        ('data-claim="line"', 'data-claim="other"', "A sentence was changed"),
    ],
)
def test_edited_page_is_noticed(company: Company, reader: Reader, old: str, new: str, named: str) -> None:
    """Whatever it shows that its proof does not say."""
    text = written(company.page(1))
    assert text.count(old) == 1
    assert reader.open(text.replace(old, new)) == "fails"
    assert all(named in fault for fault in reader.checks())
    assert reader.checks() != []


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("the notice was played to its end", "the notice was refused", "The words with which the page"),
        ("That the call took place", "That the sun shone", "A text of the page was changed"),
        ("<title>Receipt", "<title>No receipt", "A text of the page was changed"),
        (
            "<bdi>Per l&#x27;informativa completa",
            "<bdi>Per non udirla",
            "A text of the page was changed",
        ),
    ],
)
def test_text_replaced_everywhere_is_noticed(
    company: Company, reader: Reader, old: str, new: str, named: str
) -> None:
    """Also where it stands in what the script compares with, or no proof says it."""
    text = written(company.page(1))
    assert old in text
    assert reader.open(text.replace(old, new)) == "fails"
    assert [named in fault for fault in reader.checks()] == [True]


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<header>", "<p>The court has declared this receipt void.</p><header>"),
        ("</main>", "</main><p>The court has declared this receipt void.</p>"),
        ("</body>", "<p>The court has declared this receipt void.</p></body>"),
        ('<p data-claim="reason">', '<p data-claim="reason" hidden>'),
        ('<section id="proven"', '<input value="Nothing is proven"><section id="proven"'),
    ],
)
def test_what_was_added_or_hidden_is_noticed(company: Company, reader: Reader, old: str, new: str) -> None:
    """The proof is true and each sentence is as it was; what is read is another page all the same."""
    text = written(company.page(1))
    assert text.count(old) == 1
    assert reader.open(text.replace(old, new)) == "fails"
    assert reader.checks() == [
        "Wrong: A text of the page was changed that is neither one of its sentences nor in a table."
    ]


def test_sentence_that_was_taken_out_is_noticed(company: Company, reader: Reader) -> None:
    """A missing sentence is shown."""
    text = re.sub(r'<p data-claim="heard">.*?</p>', "", written(company.page(1)))
    assert reader.open(text) == "fails"
    assert reader.checks()[0].startswith("Wrong: A sentence was changed. The page says: “(nothing)”")


def test_edited_hash_of_the_recording_is_noticed(company: Company, reader: Reader) -> None:
    """Both are checked: the hash in the table, and that of the sound."""
    page = company.page(1)
    assert page.sound is not None
    text = written(page)
    hashed = page.sound.sha256
    shown = f'data-files="wav"><code>{hashed}'
    assert reader.open(text.replace(shown, shown[:-1] + ("0" if hashed[-1] != "0" else "1"))) == "fails"
    assert "wav was changed in the page" in reader.checks()[0]
    sound = b64encode(page.sound.data).decode()
    other = b64encode(page.sound.data[:-1] + b"!").decode()
    assert reader.open(text.replace(sound, other)) == "fails"
    assert reader.checks() == ["Wrong: The sound in this page is not of the recording that the record names."]


def test_changed_fact_of_the_proof_is_noticed(company: Company, reader: Reader) -> None:
    """The hashes do not lead to the root any more, and the page shows another fact than the proof."""
    page = company.page(1)
    proof = page.receipt.proof
    extra = proof.extra.replace(b'"status":"PLAYED"', b'"status":"FAILED"')
    reader.open(written_with_proof(page, replace(proof, extra=extra).data))
    faults = reader.checks()
    assert faults[0] == NOT_IN_TREE
    assert any("status was changed in the page. The page says: “PLAYED”" in fault for fault in faults)


def test_proof_in_another_form_is_noticed(company: Company, reader: Reader) -> None:
    """A space, an unknown name, a version that is not known: it opens nothing."""
    page = company.page(1)
    proof = page.receipt.proof
    for extra, reason in (
        (proof.extra.replace(b'"v":2', b'"v": 2'), "RFC 8785"),
        (proof.extra.replace(b'"v":2', b'"v":1'), "opening"),
        (proof.extra.replace(b'"v":2', b'"v":3'), "v"),
        (proof.extra.replace(b'"facts":{', b'"facts":{"also":"x",'), "also"),
    ):
        assert reader.open(written_with_proof(page, replace(proof, extra=extra).data)) == "fails"
        assert reader.checks() == [f"Wrong: What the proof opens is no record of version 1 or 2: {reason}"]


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'"status":"PLAYED"', b'"status":{"status":"PLAYED"}', "status"),
        (b'"status":"PLAYED"', b'"status":"\\ud800"', "status"),
        (b'"rate":8000', b'"rate":"8000"', "rate"),
        (b'"happened":"2026-11-26T08:32Z"', b'"happened":"2026-11-26 08:32"', "happened"),
        (b'"v":2', b'"v":2,"v":2', "RFC 8785"),
    ],
)
def test_what_no_record_can_be_is_refused_by_both(
    company: Company, reader: Reader, old: bytes, new: bytes, reason: str
) -> None:
    """The page takes nothing that `evidence verify` does not take."""
    page = company.page(1)
    proof = page.receipt.proof
    assert proof.extra.count(old) >= 1
    extra = proof.extra.replace(old, new, 1)
    with pytest.raises(EvidenceFormatError):
        Receipt.parse(replace(proof, extra=extra).data)
    reader.open(written_with_proof(page, replace(proof, extra=extra).data))
    assert reader.checks() == [f"Wrong: What the proof opens is no record of version 1 or 2: {reason}"]


def test_changed_hash_of_the_path_is_noticed(company: Company, reader: Reader) -> None:
    """One byte of one hash, and one hash too few."""
    page = company.page(1)
    proof = page.receipt.proof
    first, *upper = proof.hashes
    for hashes in ((bytes([first[0] ^ 1]) + first[1:], *upper), tuple(upper)):
        reader.open(written_with_proof(page, replace(proof, hashes=hashes).data))
        assert reader.checks() == [NOT_IN_TREE]


@pytest.mark.sample(2)
@pytest.mark.parametrize("at", [0, 31, 32, 63])
def test_changed_signature_is_noticed(company: Company, reader: Reader, at: int) -> None:
    """One bit of either half."""
    page = company.page(1)
    note = parse(page.receipt.proof.checkpoint)
    (signed,) = note.signatures
    data = bytearray(signed.data)
    data[at] ^= 1
    forged = replace(note, signatures=(replace(signed, data=bytes(data)),)).data
    reader.open(written_with_proof(page, replace(page.receipt.proof, checkpoint=forged).data))
    assert reader.checks() == [
        f"Wrong: The signature of {signed.name} does not fit: the signature or what it signs was changed, or"
        " another key signed in that name."
    ]


def test_changed_size_and_root_are_noticed(company: Company, reader: Reader) -> None:
    """The checkpoint is one that somebody wrote himself."""
    page = company.page(1)
    checkpoint = page.receipt.proof.checkpoint.replace(b"\n5\n", b"\n6\n", 1)
    reader.open(written_with_proof(page, replace(page.receipt.proof, checkpoint=checkpoint).data))
    faults = reader.checks()
    assert [fault for fault in faults if "The signature of" in fault]
    assert [fault for fault in faults if "size was changed in the page" in fault]


def test_another_key_is_noticed(company: Company, reader: Reader) -> None:
    """A page that somebody signed himself, with his key printed in it, holds for nobody who has the right
    key."""
    page = company.page(1)
    proof = page.receipt.proof
    forger = Signer(page.checkpoint.origin, b"f" * 32)
    forged = sign(parse(proof.checkpoint).text, forger)
    receipt = replace(page.receipt, proof=replace(proof, checkpoint=forged))
    forged = replace(page, receipt=receipt, key=str(forger.verifier))
    assert reader.open(written(forged)) == "holds_by_page"
    assert reader.check(page.key) == "fails"
    assert reader.checks() == ["Wrong: The key that was given did not make this periodic signature."]
    assert reader.check("no key") == "fails"
    assert reader.checks()[0] == "Wrong: What was given is no key of a signed log: no key"


def test_witness_is_verified_by_its_key(company: Company, reader: Reader) -> None:
    """A cosignature in the page is a claim until the reader gives the witness's key."""
    page, witness = company.page(1), WitnessSigner("w.example", b"w" * 32)
    witnessed = cosigned_page(page, witness)
    assert reader.open(written(witnessed)) == "holds_by_page"
    assert reader.check(f"{page.key}\n{witness.verifier}") == "holds"
    sentence = "The independent signer w.example signed on 2026-11-18 11:06 UTC."
    assert f"Right: {sentence}" in reader.checks("good")
    other = WitnessSigner("w.example", b"x" * 32)
    reader.check(f"{page.key}\n{other.verifier}")
    assert not [check for check in reader.checks("good") if "w.example" in check]
    text = written(witnessed).replace("w.example</bdi>, 2026", "w.example</bdi>, 2025")
    assert reader.open(text) == "fails"


@pytest.mark.sample(1)
@pytest.mark.parametrize(("seconds", "late"), [(-601, True), (-600, False), (60, False)])
def test_record_younger_than_a_witnesss_signature_is_remarked(
    company: Company, reader: Reader, seconds: int, late: bool
) -> None:
    """By more than ten minutes, as `verify` does, once the witness's key was typed; the receipt holds."""
    witness = WitnessSigner("w.example", b"w" * 32)
    page = cosigned_page(company.page(1), witness, 1_795_681_980 + seconds)  # 2026-11-26 08:33 UTC
    remark = "It says that it was recorded more than 10 minutes after a witness signed it."
    reader.open(written(page))
    assert reader.check(page.key) == "holds"
    assert remark not in reader.page.inner_text("#verdict")
    assert reader.check(f"{page.key}\n{witness.verifier}") == "holds"
    assert (remark in reader.page.inner_text("#verdict")) is late
    assert (f"To note: {remark}" in reader.checks("open")) is late
    policy = Policy.parse(f"log {page.key}\nwitness w {witness.verifier}\nquorum w\n".encode())
    result = verify_data(Path("record.tlog-proof"), page.receipt.proof.data, (), policy)
    assert [str(text) for text in result.remarks] == [remark] * late


def test_two_proofs_in_one_page_are_noticed(company: Company, reader: Reader) -> None:
    """The proof as text must be the one that is saved."""
    page, other = company.page(1), company.page(5)
    text = written(page).replace(page.receipt.proof.data.decode(), other.receipt.proof.data.decode())
    reader.open(text)
    assert reader.checks() == ["Wrong: The proof as text is another one than the proof that is saved."]


def test_receipt_of_another_record_is_noticed(company: Company, reader: Reader) -> None:
    """A proof that fits itself, in a page about another call."""
    page, other = company.page(1), company.page(5)
    assert reader.open(written_with_proof(page, other.receipt.proof.data)) == "fails"
    assert any("A sentence was changed" in fault for fault in reader.checks())


def test_record_that_says_it_is_another_is_noticed(company: Company, reader: Reader) -> None:
    """Its log and index are facts of its own, and so are its times."""
    page = company.page(1)
    proof = page.receipt.proof
    opened = jcs.parse(proof.extra)
    for change, named in (
        ({"facts": {**dict(page.receipt.facts), "record": 3}}, "another one than its proof is of"),
        ({"facts": {**dict(page.receipt.facts), "happened": "2026-11-26T08:31Z"}}, "two times for one thing"),
    ):
        extra = jcs.canonical({**opened, **change})
        reader.open(written_with_proof(page, replace(proof, extra=extra).data))
        assert [fault for fault in reader.checks() if named in fault]


@pytest.mark.sample(2)
@pytest.mark.parametrize("junk", [b"", b"c2sp.org/tlog-proof@v1\n", b"\xff", b"<script>alert(1)</script>"])
def test_what_is_no_proof_is_named(company: Company, reader: Reader, junk: bytes) -> None:
    """Nothing can be read from it, and nothing of it runs."""
    page = company.page(1)
    proof_text = b64encode(page.receipt.proof.data).decode()
    text = written(page).replace(proof_text, b64encode(junk).decode())
    assert reader.open(text) == "fails"
    assert reader.checks()[0].startswith("Wrong: The embedded proof cannot be read:")


def test_browser_without_ed25519_says_so(company: Company, reader: Reader) -> None:
    """The hashes are checked, the signature is not, and the verdict is no good one."""
    page = company.page(1)
    reader.page.add_init_script(
        "const real = crypto.subtle.importKey.bind(crypto.subtle);"
        "crypto.subtle.importKey = (form, key, kind, ...more) => kind === 'Ed25519'"
        " ? Promise.reject(new DOMException('x', 'NotSupportedError')) : real(form, key, kind, ...more);"
    )
    assert reader.open(written(page)) == "unsure"
    assert reader.check(page.key) == "unsure"
    assert "so the periodic signature was NOT checked" in reader.page.inner_text("#verdict")


def test_page_whose_script_was_changed_says_nothing(
    company: Company, chromium: Browser, tmp_path: Path
) -> None:
    """The policy lets no other script run, and without one the page says that nothing was checked."""
    reader = Reader(chromium, tmp_path)
    file = tmp_path / "receipt.html"
    file.write_text(
        written(company.page(1)).replace('add("bad", "row"', 'add("good", "row"'), encoding="utf-8"
    )
    reader.page.goto(file.as_uri())
    assert reader.page.inner_text("#verdict").startswith("Not checked.\nThe script of this page did not run")
    assert "Content Security Policy" in " ".join(reader.messages)


@pytest.mark.sample(1)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("code", ["en", "it"])
def test_page_fits_a_small_screen(company: Company, reader: Reader, code: str, scheme: str) -> None:
    """At 360 pixels nothing stands out on a side, also where a text has no space to break at."""
    page = replace(company.page(2), company="W" * 300, text="x" * 3000)
    reader.page.set_viewport_size({"width": 360, "height": 640})
    reader.open(written(page, language(code)), color_scheme=scheme)
    assert reader.page.evaluate("document.documentElement.scrollWidth") == 360


def test_every_field_has_a_label(company: Company, reader: Reader) -> None:
    """Found by it, as a screen reader finds it; and the headings are in order."""
    reader.open(written(company.opened()))
    assert reader.page.get_by_label("Key of the signed log").count() == 1
    assert reader.page.get_by_label("The number that you know").count() == 1
    assert reader.page.get_by_role("button", name="Check").count() == 1
    levels = reader.page.eval_on_selector_all("h1, h2, h3", "all => all.map(each => each.tagName)")
    assert levels == ["H1", *["H2"] * 4, "H3", "H3", *["H2"] * 5]


@pytest.mark.sample(1)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("code", ["en", "it"])
def test_page_keeps_nobody_out(company: Company, reader: Reader, code: str, scheme: str) -> None:
    """axe-core finds nothing, whatever the light, with all of it unfolded."""
    from axe_playwright_python.sync_playwright import Axe

    page = company.opened()
    text = written(page, language(code))
    for content, key in ((text, ""), (text, page.key), (text.replace("<bdi>26 ", "<bdi>27 ", 1), "")):
        reader.open(content, color_scheme=scheme)
        if key:
            reader.check(key)
        reader.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        violations = Axe().run(reader.page).response["violations"]
        assert [f"{one['id']}: {node['html'][:120]}" for one in violations for node in one["nodes"]] == []


@pytest.mark.sample(1)
@pytest.mark.parametrize("runs_scripts", [True, False])
def test_paper_has_all_of_the_page(
    company: Company, chromium: Browser, tmp_path: Path, *, runs_scripts: bool
) -> None:
    """Also what is folded on the screen, and also where the script did not run."""
    page, file = company.page(1), tmp_path / "receipt.html"
    file.write_text(written(page), encoding="utf-8")
    context = chromium.new_context(offline=True, java_script_enabled=runs_scripts)
    tab = context.new_page()
    tab.goto(file.as_uri())
    pdf = PdfReader(io.BytesIO(tab.pdf(prefer_css_page_size=True)))
    context.close()
    paper = re.sub(r"\s", "", "".join(sheet.extract_text() for sheet in pdf.pages))
    for text in (
        page.receipt.proof.data.decode(),
        "Hash of the record (leaf)",
        "Digest of the recording",
        "CheckRecord",
    ):
        assert re.sub(r"\s", "", text) in paper


def light(reader: Reader) -> tuple[str, str, str]:
    """The word at the light, its colour's name, and the sign in it."""
    sign = reader.page.evaluate("getComputedStyle(document.querySelector('#verdict'), '::before').content")
    return reader.page.inner_text("#light"), reader.page.get_attribute("#verdict", "class") or "", sign[1:2]


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("code", "lights"),
    [
        ("en", ("Not checked yet.", "Intact.", "Not intact.")),
        ("it", ("Non ancora controllata.", "Integra.", "Non integra.")),
    ],
)
def test_page_begins_with_one_sentence_and_one_light(
    company: Company, reader: Reader, code: str, lights: tuple[str, str, str]
) -> None:
    """For somebody who reads nothing else; what the proof is made of is folded until something in it is
    wrong, or the page is printed."""
    page, folded = company.page(1), "all => all.map(each => each.open)"
    reader.open(written(page, language(code)))
    (sentence,) = reader.page.locator("header p").all_inner_texts()
    assert page.company in sentence
    assert light(reader) == (lights[0], "open", "?")
    assert reader.page.eval_on_selector_all("details", folded) == [False] * 5
    reader.check(page.key)
    assert light(reader) == (lights[1], "good", "✔")
    reader.page.click("#facts > summary")
    reader.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert reader.page.eval_on_selector_all("details", folded) == [True] * 5
    reader.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert reader.page.eval_on_selector_all("details", folded) == [False, False, False, True, False]
    reader.open(
        written(page, language(code)).replace(
            'data-proof="size"><code><bdi>5', 'data-proof="size"><code><bdi>6'
        )
    )
    assert light(reader) == (lights[2], "bad", "✘")
    assert reader.page.locator("#proof[open] .differs").count() == 1


def test_saved_proof_is_the_receipt(company: Company, reader: Reader) -> None:
    """The link gives the file that other programs check, under its name."""
    page = company.page(1)
    reader.open(written(page))
    reader.page.click("#proof > summary")
    with reader.page.expect_download() as waiting:
        reader.page.click("#evidence")
    assert waiting.value.suggested_filename == "acme-1.tlog-proof"
    saved = Path(str(waiting.value.path())).read_bytes()
    assert Proof.parse(saved) == page.receipt.proof


def test_page_that_a_browser_saved_is_not_the_one_that_was_made(company: Company, reader: Reader) -> None:
    """The browser writes its elements as they are after the check: the proof is in it, and holds."""
    page = company.page(1)
    reader.open(written(page))
    result = verify_data(Path("saved.html"), reader.page.content().encode(), logs.trusted_keys([page.key]))
    assert (result.holds, result.index) == (False, 0)
    assert str(result.problem).startswith("Another program wrote it anew since it was made")


@pytest.mark.night
def test_page_without_the_recording_says_so(company: Company, reader: Reader) -> None:
    """It is not there any more, which is not another one."""
    page = replace(company.page(1), sound=None, text="")
    reader.open(written(page))
    assert reader.check(page.key) == "unsure"
    sentence = "Not checked: There is no sound in this page that the record names."
    assert [check for check in reader.checks("open") if "sound" in check] == [sentence]
