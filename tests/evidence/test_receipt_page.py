"""A receipt's page: what it shows, and that nothing which came from elsewhere is markup in it."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from commands import run
from evidence.receipts import HOSTILE, NUMBER, Company, written
from informativa.evidence import commitment
from informativa.evidence.cosignature import WitnessSigner
from informativa.evidence.note import parse
from informativa.evidence.proof import Proof
from informativa.model import Answer, Asks, Ending, Heard, Reason, RecordKind, Status, Vouched
from informativa.model.invisible import INVISIBLE, visible
from informativa.operations.evidence.receipt_page import ReceiptPage, _claimed_cosignature
from informativa.views import choice_sentences, receipt_facts
from informativa.views import record_words as words
from informativa.views.markup import data_block, templates_in
from informativa.views.messages import language
from informativa.views.receipt_page import PLACE


@pytest.fixture
def company(folder: Path) -> Company:
    """With one call on record."""
    company = Company(folder)
    company.record(company.played)
    return company


class Tags(HTMLParser):
    """The elements of a page, and its text outside of scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._script = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._script = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._script = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._script else data


def test_what_is_no_markup_of_ours_is_escaped() -> None:
    """A text can neither begin an element nor end an attribute."""
    template = templates_in(PLACE, {}).from_string('<p title="{{ title }}">{{ text }}{{ text|foreign }}</p>')
    assert template.render(title='"><script>', text="<b>&\u202e") == (
        '<p title="&#34;&gt;&lt;script&gt;">&lt;b&gt;&amp;\u202e<bdi>&lt;b&gt;&amp;⟨U+202E⟩</bdi></p>'
    )
    with pytest.raises(UndefinedError):
        template.render(title="")


def test_what_nobody_sees_is_shown_by_its_name() -> None:
    """Neither the direction of a line nor an invisible letter makes a text look like another one."""
    assert visible("a\u202ecod\u2066\u200b\x00\nè \U000e0041") == (
        "a⟨U+202E⟩cod⟨U+2066⟩⟨U+200B⟩⟨U+0000⟩⟨U+000A⟩è ⟨U+E0041⟩"
    )


def test_script_and_page_name_the_same_letters() -> None:
    """Else a text of somebody else would pass for a changed sentence."""
    script = (resources.files("informativa") / "views/templates/receipt/words.js").read_text(encoding="utf-8")
    assert INVISIBLE.replace("\\", "\\\\") in re.sub(r'"\s*\+\s*"', "", script)


def test_data_for_the_script_do_not_end_it() -> None:
    """Nothing in a JSON block is an element."""
    assert data_block({"a": "</script><!--&\u2028"}) == (
        '{"a": "\\u003c/script\\u003e\\u003c!--\\u0026\\u2028"}'
    )


def test_every_fact_and_code_has_words() -> None:
    """No reader meets a name or a code that nothing explains."""
    assert receipt_facts.FACTS.keys() == commitment.FACTS.keys()
    assert sorted(receipt_facts.PERSON) == sorted(commitment.PERSON)
    for meant, codes in (
        (words.STATUSES, Status),
        (words.REASONS, Reason),
        (words.ENDINGS, Ending),
        (words.KINDS, RecordKind),
        (words.VOUCHERS, Vouched),
        (choice_sentences.ANSWERS, Answer),
        (choice_sentences.ASKS, Asks),
    ):
        assert {str(code) for code in codes} == set(meant)


def test_page_shows_the_recording_that_the_record_names(company: Company) -> None:
    """Its sound is in the page, with the SHA-256 of its file and the text that belongs to it."""
    page = company.page(1)
    wav = Path(f"{company.played.prompt}.wav").read_bytes()
    assert page.sound is not None
    assert (page.sound.same, page.sound.form, page.sound.data) == (True, "wav", wav)
    assert page.sound.sha256 == sha256(wav).hexdigest()
    assert page.text.startswith("La società che ha chiamato è titolare del trattamento")
    assert (page.name, page.company, str(page.zone)) == ("acme-1", "Acme S.p.A.", "Europe/Rome")
    tags = {tag: attributes for tag, attributes in Tags(written(page)).tags if tag == "audio"}
    assert tags["audio"]["src"] == f"data:audio/wav;base64,{b64encode(wav).decode()}"


def test_a_format_that_was_added_since_changes_nothing(company: Company) -> None:
    """The record's digest is of the formats of that day, and they are found among those of today."""
    Path(f"{company.played.prompt}.gsm").write_bytes(b"later")
    sound = company.page(1).sound
    assert sound is not None
    assert (sound.same, list(sound.files)) == (True, ["wav"])


def test_a_recording_that_was_replaced_is_told(company: Company) -> None:
    """The page has the sound that is there now, and says that it is not that of the record."""
    for file in Path(company.played.prompt).parent.glob("short.*"):
        file.unlink()
    assert company.page(1).sound is None
    shutil.copy(f"{Path(company.played.prompt).parent}/full.wav", f"{company.played.prompt}.wav")
    page = company.page(1)
    assert page.sound is not None
    assert not page.sound.same
    assert "It is NOT the recording that the record names" in Tags(written(page)).text


def test_text_that_lies_beside_the_recording_is_shown(company: Company) -> None:
    """It is what a company had a machine say, and goes before that of the recordings shipped."""
    Path(f"{company.played.prompt}.txt").write_text("Uno.\n<b>Due.\n", encoding="utf-8")
    page = company.page(1)
    assert page.text == "Uno.\n<b>Due."
    assert "<blockquote" in written(page)
    assert "<b>Due" not in written(page)


def test_record_without_a_prompt_has_no_sound(company: Company) -> None:
    """Nothing was played, and the page says so."""
    company.record(replace(company.played, prompt="", recording="", heard=None))
    page = company.page(2)
    assert page.sound is None
    assert "Nothing was played." in Tags(written(page)).text


@pytest.mark.parametrize("code", ["en", "it"])
def test_texts_of_others_are_no_markup(folder: Path, code: str) -> None:
    """A reference with script, image and right-to-left override is shown as the letters that it has."""
    company = Company(folder)
    company.record(*company.events())
    page = company.page(2)
    text = written(page, language(code))
    tags = Tags(text)
    assert [tag for tag, _ in tags.tags if tag in ("img", "iframe", "object", "link")] == []
    assert [attributes.get("type") for tag, attributes in tags.tags if tag == "script"] == [
        "application/json",
        None,
    ]
    assert not [name for _, attributes in tags.tags for name in attributes if name.startswith("on")]
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b]", text)
    assert visible(HOSTILE) in tags.text


def test_policy_names_the_style_and_the_script_of_the_page(company: Company) -> None:
    """Nothing else runs, and nothing is loaded."""
    text = written(company.page(1))
    policy = next(
        attributes["content"]
        for tag, attributes in Tags(text).tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    hashes = [
        b64encode(sha256(content.encode()).digest()).decode()
        for content in (
            re.findall(r"<style>(.*?)</style>", text, re.DOTALL)[0],
            re.findall(r"<script>(.*?)</script>", text, re.DOTALL)[0],
        )
    ]
    assert policy == (
        "default-src 'none'; media-src data:; base-uri 'none'; form-action 'none';"
        f" style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'"
    )


def test_embedded_proof_is_the_receipt(company: Company) -> None:
    """The file that is saved from the page is byte for byte the one that other programs check."""
    page = company.page(1)
    link = next(attributes for _, attributes in Tags(written(page)).tags if "download" in attributes)
    assert link["download"] == "acme-1.tlog-proof"
    assert b64decode(str(link["href"]).partition(",")[2]) == page.receipt.proof.data
    assert Proof.parse(page.receipt.proof.data).index == 0


def test_i5_page_that_opens_a_record_has_no_number(company: Company) -> None:
    """The number can be compared by those who know it; the page does not contain it."""
    text = written(company.opened())
    assert "It is about the number that you know" in text
    assert NUMBER.number not in text
    assert NUMBER.number[3:] not in text


def test_signatures_of_others_are_listed_as_claims(company: Company) -> None:
    """A witness's time is shown, a signature of another kind without one, a time that is none without."""
    page = company.page(1)
    text = parse(page.receipt.proof.checkpoint).text
    witness = WitnessSigner("w.example", bytes(32)).cosign(text, 1_795_000_000)
    late = replace(witness, data=b"\x7f" + b"\xff" * 7 + witness.data[8:])
    cosigned = tuple(map(_claimed_cosignature, (witness, late, replace(witness, data=b"short"))))
    assert [str(cosignature.at) for cosignature in cosigned] == ["2026-11-18 11:06:40+00:00", "None", "None"]
    shown = Tags(written(replace(page, cosignatures=cosigned))).text
    assert "w.example, 2026-11-18 11:06 UTC" in shown


def sentences(page: ReceiptPage, code: str) -> list[str]:
    """Return the sentences of a page that its proof must confirm."""
    paragraphs = re.findall(r"<p data-claim=\"[a-z]+\">(.*?)</p>", written(page, language(code)))
    return [re.sub(r"<[^>]+>", "", paragraph) for paragraph in paragraphs]


def test_page_is_in_words(folder: Path) -> None:
    """The page gives caller, event, amount and times, in the company's time zone and in UTC, in the reader's
    language."""
    company = Company(folder)
    company.record(replace(company.played, heard=Heard(Ending.KEY, 61_207, 139_200, 8000)))
    english, italian = (sentences(company.page(1), code) for code in ("en", "it"))
    assert english[0] == (
        "A call to Acme S.p.A. on 26 November 2026, 09:32, as the company recorded it: the notice was played"
        " to its end."
    )
    assert english[4] == "When: 26 November 2026, 09:32 (Europe/Rome); 26 November 2026, 08:32 UTC."
    assert "Of the 17.4 seconds of the recording 7.7 were heard: until the caller pressed a key." in english
    assert "Dei 17,4 secondi dell&#39;audio ne sono stati ascoltati 7,7" in " ".join(italian)
    assert "26 novembre 2026, ore 09:32" in italian[4]


def test_record_about_records_is_about_no_delivery(company: Company) -> None:
    """The remains of an erased caller's record are called so, and so is the record of the erasure."""
    company.erase()
    erased, note = (sentences(company.page(number), "en") for number in (1, 2))
    assert "Whom it was about was erased; nothing in this receipt leads there." in erased
    assert erased[0].endswith("as the company recorded it: the notice was played to its end.")
    assert [note[0], *note[-2:]] == [
        "On 27 November 2026, 10:00 Acme S.p.A. put this on record: a caller&#x27;s records were erased"
        " at his request.",
        "The reason: the caller asked for it.",
        "It does not say about whom the other records are.",
    ]
    assert "Nothing was played." in Tags(written(company.page(2))).text


def test_record_that_counts_says_so(folder: Path) -> None:
    """Which entries of the log were counted, and with which numbers; and how long the list of who looked at
    records was, with the hash that identifies it."""
    company = Company(folder)
    company.record(*company.counting())
    some, none, access = (sentences(company.page(number), "en") for number in (1, 2, 3))
    assert some[0] == (
        "On 26 November 2026, 09:32 Acme S.p.A. put this on record: the records of a day, counted."
    )
    assert some[3:] == [
        "It counts the records of calls and other deliveries among the entries of the signed log from 0 to"
        " before 4.",
        "By number called, notice, outcome and reason there are: +390212345678/privacy/PLAYED/not-informed=3"
        " /a%20b/INFORMED/=1",
        "The reason: what was recorded until then was counted.",
        "It does not say about whom the other records are.",
    ]
    assert len(none) == len(some) - 1
    assert f"That list ever had 17 entries. The hash of the newest is {'ab' * 32}." in access


def informativa(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The installed command."""
    return run("evidence", *arguments)


def test_command_writes_the_page_beside_the_proof(folder: Path, tmp_path: Path) -> None:
    """In the language that was asked for; one that shows whose number it is, for nobody else to read."""
    company, config = Company(folder), ("-c", folder / "informativa.yaml", "--controller", "acme")
    company.record(company.played)
    ran = informativa("receipt", "1", *config, "--html", "--language", "it", "-o", tmp_path)
    assert ran.stdout.splitlines()[-1] == f"to read and to hear: {tmp_path}/acme-1.html"
    text = (tmp_path / "acme-1.html").read_text(encoding="utf-8")
    assert '<html lang="it">' in text
    assert (tmp_path / "acme-1.tlog-proof").exists()
    opened = informativa("receipt", "--from", NUMBER.number, "--open", *config, "--html", "-o", tmp_path)
    assert opened.returncode == 0
    assert stat.S_IMODE((tmp_path / "acme-1.html").stat().st_mode) & 0o007 == 0


def test_language_that_there_is_not_is_refused(folder: Path, tmp_path: Path) -> None:
    """With those that there are, before anything is written."""
    company = Company(folder)
    company.record(company.played)
    config = ("-c", folder / "informativa.yaml", "--controller", "acme")
    ran = informativa("receipt", "1", *config, "--html", "--language", "tlh", "-o", tmp_path)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "There are no pages in tlh. There are: en, it." in ran.stderr
    assert list(tmp_path.glob("acme-*")) == []
