"""`evidence verify` of a receipt's page: the proof in it, and whether the page shows what that says."""

from __future__ import annotations

import re
import time
import tracemalloc
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from commands import typed
from evidence.receipts import (
    NUMBER,
    Company,
    cosigned_page,
    page_by_hand,
    receipt_by_hand,
    written,
    written_with_proof,
)
from informativa.cli.main import main
from informativa.evidence.cosignature import WitnessSigner
from informativa.model import recording_digest
from informativa.operations.evidence import logs
from informativa.operations.evidence.page_file import LARGEST_PAGE
from informativa.operations.evidence.receipt_page import PlayedSound
from informativa.operations.evidence.verifying import VerifiedReceipt, verify_data
from informativa.views.messages import language
from lab.chance import by_day

ANOTHER_TEXT = "A text of the page was changed that is neither one of its sentences nor in a table."
WRITTEN_ANEW = "Another program wrote it anew since it was made, as a browser does that saves a page."
STYLE = "The style or the script of the page was changed."


def verified(data: bytes, vkey: str) -> VerifiedReceipt:
    """The result for a file with that content."""
    return verify_data(Path("receipt.html"), data, logs.trusted_keys([vkey]))


@pytest.mark.parametrize("code", ["en", "it"])
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_page_holds(company: Company, number: int, code: str) -> None:
    """Each kind of record, in each language; the result says what its proof says."""
    page = company.page(number)
    result = verified(written(page, language(code)).encode(), page.key)
    assert (result.holds, result.problem, result.page) == (True, None, True)
    assert (result.index, result.facts) == (number - 1, page.receipt.facts)


def test_page_about_an_erased_caller_holds(folder: Path) -> None:
    """The remains of a record, and the record of the erasure."""
    company = Company(folder)
    company.record(company.played)
    company.erase()
    for number in (1, 2):
        page = company.page(number)
        assert verified(written(page).encode(), page.key).holds


@pytest.mark.parametrize("code", ["en", "it"])
def test_page_about_totals_and_an_access_log_holds(folder: Path, code: str) -> None:
    """The sentences of such records are those that the proof bears out."""
    company = Company(folder)
    company.record(*company.counting())
    for number in (1, 2, 3):
        page = company.page(number)
        text = written(page, language(code))
        assert verified(text.encode(), page.key).holds
        if number == 3:
            assert not verified(text.replace("17", "18", 1).encode(), page.key).holds


def test_page_with_witnesses_and_of_a_log_without_the_program_holds(company: Company) -> None:
    """Further signatures are in the page as claims; the name `opening` is in its table."""
    page = company.page(1)
    text = written(cosigned_page(page, WitnessSigner("w.example", b"w" * 32)))
    assert verified(text.encode(), page.key).holds
    changed = text.replace("w.example</bdi>, 2026", "w.example</bdi>, 2025")
    assert "2025-11-18 11:06 UTC” The proof says" in str(verified(changed.encode(), page.key).problem)
    page = page_by_hand(company.opened(), receipt_by_hand(company.opened().receipt))
    text = written(page)
    assert 'data-person="opening"' in text
    assert verified(text.encode(), page.key).holds


@pytest.mark.parametrize(
    "saved",
    [
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data.replace(b"\n", b"\r"),
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n") + b"\r\n\r\n",
        lambda data: data.rstrip(),
    ],
    ids=["CRLF", "CR", "mark", "mark, CRLF and lines", "no last line end"],
)
def test_page_that_a_mail_program_saved_holds(company: Company, saved: Callable[[bytes], bytes]) -> None:
    """Line ends and a byte order mark are no part of a page, for a browser neither."""
    page = company.page(3)
    assert verified(saved(written(page).encode()), page.key).holds


CHANGES = [
    ("<bdi>the notice was played to its end</bdi>", "<bdi>it was refused</bdi>", "sentence was changed. The"),
    (">Somebody called the number", ">Nobody called the number", "proof says: “Somebody called the"),
    ('<td data-facts="status"><bdi>PLAYED', '<td data-facts="status"><bdi>FAILED', "status was changed in"),
    ('<td data-person="call"><bdi>17', '<td data-person="call"><bdi>18', "call was changed in the page"),
    ('data-proof="size"><code><bdi>5', 'data-proof="size"><code><bdi>6', "says: “6” The proof says: “5”"),
    ('data-claim="line"', 'data-claim="other"', "A sentence was changed. The page says: “(nothing)”"),
    ('<p data-claim="line">', '<p data-claim="when">x</p><p data-claim="line">', "proof says: “(nothing)”"),
    ("That the call took place", "That the sun shone", ANOTHER_TEXT),
    ("<bdi>Per l&#x27;informativa completa", "<bdi>Per non udirla", ANOTHER_TEXT),
    ("<title>Receipt", "<title>No receipt", ANOTHER_TEXT),
    ('<html lang="en">', '<html lang="de">', ANOTHER_TEXT),
    ('<p data-claim="reason">', '<p data-claim="reason" hidden>', ANOTHER_TEXT),
    ("<header>", "<p>The court has declared this receipt void.</p><header>", ANOTHER_TEXT),
    ("</main>", "</main><p>The court has declared this receipt void.</p>", ANOTHER_TEXT),
    ('<section id="proven"', '<input value="Nothing is proven"><section id="proven"', ANOTHER_TEXT),
    (":root {\n  color-scheme", "p { display: none }\n:root {\n  color-scheme", STYLE),
    ('add("bad", "row"', 'add("good", "row"', STYLE),
    ("media-src data:;", "media-src *;", STYLE),
    ("</body>", "<p>The court has declared this receipt void.</p></body>", WRITTEN_ANEW),
    ("<header>", "<!-- saved --><header>", WRITTEN_ANEW),
    ("<header>", "<HEADER>", WRITTEN_ANEW),
    ("<header>", "<header", WRITTEN_ANEW),
    ("</main>", "</div>", WRITTEN_ANEW),
    ("<main>", "<main id='x'>", WRITTEN_ANEW),
    ('<p data-claim="reason">', '<p data-claim="reason" data-claim="reason">', WRITTEN_ANEW),
    ("</head>", '<meta http-equiv="refresh" content="0"></head>', WRITTEN_ANEW),
    ("const SEALED = {", "const SEALED = [", WRITTEN_ANEW),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "named"), CHANGES)
def test_changed_page_does_not_hold(company: Company, tmp_path: Path, old: str, new: str, named: str) -> None:
    """Its proof is right, and it is said so; but it is no receipt that holds. Exit code 1, and the change is
    named."""
    page, file = company.page(1), tmp_path / "receipt.html"
    text = written(page)
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    code, out, err = typed("evidence", "verify", file, "--key", page.key)
    assert (code, err) == (1, "")
    changed, proof, *facts = out.splitlines()
    assert changed.startswith(f"{file}: CHANGED. ")
    assert named in changed
    assert proof == "  The proof in this page holds. It says:"
    assert "  notice privacy, version 2026-11, language it: PLAYED (not-informed)" in facts


def test_text_replaced_everywhere_is_noticed(company: Company) -> None:
    """Also where it stands in what the script makes its sentences of."""
    page = company.page(1)
    changed = written(page).replace("the notice was played to its end", "the notice was refused")
    assert str(verified(changed.encode(), page.key).problem) == (
        "The words with which the page makes its sentences anew were changed."
    )


def test_page_around_another_proof_is_noticed(company: Company) -> None:
    """The other proof holds, and the page is about another record: in link and text, or link alone."""
    page, other = company.page(1), company.page(5)
    text = written(page)
    proof = other.receipt.proof.data
    result = verified(written_with_proof(page, proof).encode(), page.key)
    assert (result.holds, result.index) == (False, 4)
    assert str(result.problem).startswith(
        "A sentence was changed. The page says: “Receipt of record 1” The proof"
    )
    link = b64encode(page.receipt.proof.data).decode()
    result = verified(text.replace(link, b64encode(proof).decode()).encode(), page.key)
    assert str(result.problem) == "The proof as text is another one than the proof that is saved."


def test_sound_in_the_page_is_compared(company: Company) -> None:
    """One byte of it, a character that is not base64, and the digest in the table."""
    page = company.page(1)
    assert page.sound is not None
    text, sound = written(page), b64encode(page.sound.data).decode()
    for other in (b64encode(page.sound.data[:-1] + b"!").decode(), sound[:-8]):
        result = verified(text.replace(sound, other).encode(), page.key)
        assert str(result.problem) == "The sound in this page is not of the recording that the record names."
    assert not verified(text.replace(sound, sound[:-8] + "!").encode(), page.key).holds
    digest = page.sound.sha256
    shown = f'data-files="wav"><code>{digest}'
    result = verified(text.replace(shown, shown[:-1] + "x").encode(), page.key)
    assert "wav was changed in the page" in str(result.problem)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda text, proof: text.replace(proof, ""), "The embedded proof cannot be read: It is"),
        (lambda text, proof: text.replace("data:application/octet-stream;base64," + proof, "x"),
         "It is a page without a proof in it."),
        (lambda text, _: re.sub(r'(<a id="evidence".*?</a>)', r"\1\1", text),
         "There are 2 proofs in the page, and a receipt has one."),
        (lambda text, proof: text.replace(proof, proof[:-4]), "The embedded proof cannot be read: "),
        (lambda text, proof: text.replace(proof, proof[:-3]), "The embedded proof cannot be read: Here"),
        (lambda text, proof: text.replace(proof, "eHh4"), "The embedded proof cannot be read: It is no"),
    ],
    ids=["empty", "none", "two", "cut", "no base64", "no proof"],
)  # fmt: skip
def test_page_without_one_proof_proves_nothing(
    company: Company, tmp_path: Path, change: Callable[[str, str], str], sentence: str
) -> None:
    """One sentence says what it has instead, and the exit code is 1."""
    page, file = company.page(1), tmp_path / "receipt.html"
    proof = b64encode(page.receipt.proof.data).decode()
    file.write_text(change(written(page), proof), encoding="utf-8")
    code, out, err = typed("evidence", "verify", file, "--key", page.key)
    assert (code, err, len(out.splitlines())) == (1, "", 1)
    assert out.startswith(f"{file}: PROVES NOTHING. {sentence}")


def test_proof_in_a_page_is_verified_as_any(company: Company) -> None:
    """By the reader's key, and not by that in the page; and whose number it is."""
    page, stranger = company.opened(), "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    data = written(page).encode()
    result = verified(data, stranger)
    assert (result.holds, result.index, result.page) == (False, None, True)
    assert "No key that is known here signed it" in str(result.problem)
    keys = logs.trusted_keys([page.key])
    assert verify_data(Path("x"), data, keys, None, NUMBER).holds
    assert not verify_data(Path("x"), data, keys, None, replace(NUMBER, number="+393331234568")).holds


HOSTILE = {
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16 without mark": lambda text: text.encode("utf-16-le"),
    "Latin-1": lambda text: text.replace("“", "").encode("latin-1", "replace"),
    "NULs in it": lambda text: text.replace("<main>", "<main>\0").encode(),
    "NULs": lambda _: b"<" + bytes(10_000_000),
    "binary": lambda _: b"<\xff\xfe\x80" * 1000,
    "angles": lambda _: b"<" * 3_900_000,
    "tags": lambda _: b"<p>" * 1_300_000,
    "proofs": lambda _: b"<data:application/octet-stream;base64," * 100_000,
    "sounds": lambda _: b'<src="data:audio/wav;base64,' * 140_000,
    "open attributes": lambda text: text.replace("<main>", '<p a="' * 600_000).encode(),
    "many pieces": lambda text: text.replace('id="text"', 'id="text">' + "a<br>" * 700_000 + "<b").encode(),
    "deep": lambda text: text.replace("<main>", "<main>" + "<b>" * 1_000_000).encode(),
    "deep JSON": lambda text: re.sub(r'(id="words">).', r"\1" + "[" * 100_000, text).encode(),
    "other JSON": lambda text: re.sub(r'(id="words">)\{.*?\}</script>', r"\1{}</script>", text).encode(),
    "marks within marks": lambda text: text.replace("<h1", '<p data-claim="x"><h1').encode(),
    "too large": lambda text: text.encode() + b"\n" * LARGEST_PAGE,
    "10 MB": lambda text: text.encode() + b"\n" * 10_000_000,
}  # fmt: skip


@pytest.mark.sample(4)
@pytest.mark.parametrize("fault", HOSTILE)
def test_hostile_page_is_one_sentence(
    company: Company, tmp_path: Path, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It neither holds nor takes long; the file is named, and the text is plain."""
    page, file = company.page(1), tmp_path / "receipt.html"
    file.write_bytes(HOSTILE[fault](written(page)))
    begun = time.process_time()
    assert main(["evidence", "verify", str(file), "--key", page.key]) == 1
    assert time.process_time() - begun < 20
    output = capsys.readouterr()
    assert output.err == ""
    first = output.out.splitlines()[0]
    assert first.startswith((f"{file}: PROVES NOTHING. ", f"{file}: CHANGED. "))
    assert len(first) < 1200
    assert first.isprintable()


def test_page_of_ten_megabytes_takes_little_memory(company: Company) -> None:
    """With a sound of 10 MB it holds, and not even a second copy of the file is made."""
    page, sound = company.page(1), b"RIFF" + bytes(range(256)) * 40_000
    digest = sha256(sound).hexdigest()
    files = {"wav": digest}
    data = written(replace(page, sound=PlayedSound(files, True, "wav", sound))).encode()
    assert len(data) > 13_000_000
    tracemalloc.start()
    result = verified(data, page.key)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(result.problem) == "The sound in this page is not of the recording that the record names."
    assert recording_digest(files) != page.receipt.facts["recording"]
    assert peak < 10_000_000


@pytest.mark.slow
def test_no_byte_of_a_page_can_be_changed(company: Company) -> None:
    """Whichever it is, also of script and style."""
    page = written(replace(company.page(4), sound=None, text="")).encode()
    key = company.page(4).key
    assert verified(page, key).holds
    for place in range(0, len(page.rstrip()), by_day(307, at_night=101)):
        changed = bytearray(page)
        changed[place] ^= 1 << place % 7
        assert not verified(bytes(changed), key).holds, page[place - 40 : place + 40]
