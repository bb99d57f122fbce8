"""Receipts of calls that never were, as pages, and somebody who reads them without any network."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evidence import independent
from informativa.call.caller import pseudonym
from informativa.config import load
from informativa.evidence import commitment
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.cosignature import WitnessSigner
from informativa.evidence.note import Signer, parse, sign
from informativa.evidence.proof import Proof
from informativa.evidence.receipt import Receipt
from informativa.evidence.stated_facts import access_text, totals, totals_text
from informativa.ledgers import rows
from informativa.model import (
    Answer,
    Asked,
    Asks,
    Controller,
    Ending,
    Event,
    Heard,
    Identified,
    Reason,
    RecordKind,
    Status,
    Vouched,
    recording_digest,
)
from informativa.operations.evidence import logs, receipt_maker, receipts
from informativa.operations.evidence.receipt_page import ReceiptPage, _claimed_cosignature, receipt_page
from informativa.process import erasing, storage
from informativa.prompts.installed import hashed
from informativa.views import receipt_page as view
from informativa.views.messages import ENGLISH, Language

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LOG_BY_HAND = Signer("acme.example/informativa/acme/pbx-1/2", bytes(range(32)))
NUMBER = Identified("+393331234567")
HOSTILE = "</script><img src=x onerror=alert(1)>\u202etxt.exe\u2066 & \"'<!-- \u200b"


class Company:
    """The first company of a configuration, whose ledger gets records, the first of them as number 1: its log
    states no rule."""

    def __init__(self, folder: Path) -> None:
        self.configuration = load(folder / "informativa.yaml")
        self.controller: Controller = replace(self.configuration.controllers["acme"], rule=None)
        line = next(line for line in self.configuration.lines if line.controller.id == "acme")
        version = line.plan[0].notice.versions[0]
        prompt = version.short["it"]
        files = {file.suffix[1:]: sha256 for file, sha256 in hashed(prompt.path).items()}
        self.pseudonym = pseudonym(NUMBER, self.controller.key)
        self.played = Event(
            at=datetime(2026, 11, 26, 8, 32, 10, 123456, UTC),
            call="1700000000.1",
            line="+390212345678",
            pseudonym=self.pseudonym,
            notice="privacy",
            version=version.id,
            language="it",
            purposes=frozenset({"service", "orders"}),
            status=Status.PLAYED,
            reason=Reason.NOT_INFORMED,
            prompt=prompt.path,
            heard=Heard(Ending.WHOLE, 139_200, 139_200, 8000),
            linked="1700000000.1",
            recorded=datetime(2026, 11, 26, 8, 33, 1, 5, UTC),
            vouched=Vouched.NETWORK,
            recording=recording_digest(files),
            binding=commitment.bind(NUMBER, self.controller.key),
        )

    def events(self) -> list[Event]:
        """One of each kind of sentence that a page may have."""
        paper = replace(
            self.played,
            kind=RecordKind.OPERATOR,
            line="",
            call="",
            linked="",
            language="",
            status=Status.INFORMED,
            reason=Reason.TOLD_ELSEWHERE,
            prompt="",
            heard=None,
            recording="",
            vouched=None,
            reference=HOSTILE,
        )
        partial = replace(
            self.played,
            status=Status.PARTIAL,
            heard=Heard(Ending.KEY, 61_207, 139_200, 8000, key="9"),
            wanted="de",
            supplement=True,
            counts=False,
        )
        unknown = replace(
            self.played, pseudonym=None, binding=None, reason=Reason.WITHHELD, vouched=None, language="rm"
        )
        known = replace(
            self.played,
            status=Status.NOTDUE,
            reason=Reason.ALREADY_INFORMED,
            prompt="",
            heard=None,
            recording="",
            basis=1,
        )
        return [self.played, paper, partial, unknown, known]

    def counting(self) -> list[Event]:
        """The totals of three records, of none, and the newest entry of an access log."""
        items = totals(
            {("+390212345678", "privacy", "PLAYED", "not-informed"): 3, ("", "a b", "INFORMED", ""): 1}
        )
        at = self.played.at
        return [
            rows.note(RecordKind.TOTALS, Reason.COUNTED, at, totals_text(0, 4, items)),
            rows.note(RecordKind.TOTALS, Reason.COUNTED, at, totals_text(4, 5, "")),
            rows.note(RecordKind.ACCESS, Reason.COUNTED, at, access_text(17, b"\xab" * 32)),
        ]

    def asked(self) -> list[Event]:
        """The notice that told of a purpose, a consent to it with the key 4, its withdrawal, silence, another
        key, an operator within the EU, and a question that could not be played."""
        question = replace(
            self.played,
            notice="",
            purposes=frozenset({"marketing"}),
            status=Status.ASKED,
            reason=Reason.NOT_ANSWERED,
            heard=Heard(Ending.WHOLE, 139_200, 139_200, 8000, key="4"),
            basis=1,
            asked=Asked("marketing", Asks.CONSENT, Answer.GRANTED, "5=refused 4=granted", 1, 1250),
        )
        withdrawal = Asked("marketing", Asks.CONSENT, Answer.WITHDRAWN, "5=withdrawn", 1)
        abroad = Asked("abroad", Asks.OPERATOR, Answer.EU, "2=eu", 2, 900)
        unasked = replace(abroad, answer=Answer.NOT_ASKED, tries=1, waited=0)
        silent = replace(self._answer(question), answer=Answer.SILENCE, waited=4000)
        return [
            replace(self.played, purposes=frozenset({"service", "marketing"})),
            question,
            replace(
                question,
                reason=Reason.EVERY_CALL,
                basis=None,
                heard=Heard(Ending.KEY, 61_207, 139_200, 8000, key="5"),
                asked=withdrawal,
            ),
            replace(question, heard=Heard(Ending.WHOLE, 139_200, 139_200, 8000), asked=silent),
            replace(question, asked=replace(silent, answer=Answer.EARLY, tries=2, waited=100)),
            replace(question, purposes=frozenset(), reason=Reason.EVERY_CALL, basis=None, asked=abroad),
            replace(
                question,
                purposes=frozenset(),
                status=Status.NOTASKED,
                reason=Reason.EVERY_CALL,
                basis=None,
                heard=Heard(Ending.NOT_PLAYABLE, 0, 139_200, 8000),
                recording="",
                asked=unasked,
            ),
        ]

    @staticmethod
    def _answer(event: Event) -> Asked:
        assert event.asked is not None
        return event.asked

    def record(self, *events: Event) -> None:
        """Put them on record and sign that."""
        with closing(storage.store(self.controller)) as store:
            store.append(events)
        logs.checkpoint(self.controller)

    def erase(self) -> None:
        """Do what the caller asks for."""
        erasing.erase(self.controller, NUMBER, datetime(2026, 11, 27, 9, 0, tzinfo=UTC))
        logs.checkpoint(self.controller)

    def page(self, number: int) -> ReceiptPage:
        """Return the page of one record."""
        return receipt_page(receipts.of_record(self.controller, number))

    def opened(self) -> ReceiptPage:
        """Return the page of the caller's first record, with the key that shows the number."""
        receipt = receipts.of_caller(self.controller, NUMBER, opened=True)[0]
        assert isinstance(receipt, receipt_maker.RecordReceipt)
        return receipt_page(receipt)


class Reader:
    """Somebody who opens pages in a browser that has no network."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self._context = browser.new_context(offline=True, locale="en-GB")
        self._folder = folder
        self.requests: list[str] = []
        self.messages: list[str] = []
        self.page: Page = self._context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("dialog", lambda dialog: self.messages.append(dialog.message))

    def open(self, text: str, **form: Any) -> str:
        """A page, as a file; what it found."""
        file = self._folder / "receipt.html"
        file.write_text(text, encoding="utf-8")
        self.page.emulate_media(**form)
        self.page.goto(file.as_uri())
        return self.verdict()

    def verdict(self) -> str:
        """In a word of the script's, once it has found one."""
        self.page.wait_for_selector("html[data-checked]")
        return str(self.page.evaluate("document.documentElement.dataset.checked"))

    def check(self, keys: str, number: str = "") -> str:
        """With these keys."""
        self.page.evaluate("delete document.documentElement.dataset.checked")
        self.page.fill("#keys", keys)
        if number:
            self.page.fill("#number", number)
        self.page.click("#run")
        return self.verdict()

    def checks(self, state: str = "bad") -> list[str]:
        """All that is wrong, or right, also while it is folded."""
        return [check.text_content() or "" for check in self.page.query_selector_all(f"#checks li.{state}")]


def written(page: ReceiptPage, say: Language = ENGLISH) -> str:
    """Return the page as a file."""
    return view.page(page, say)


@dataclass
class Logged:
    """A controller with three records, and with a checkpoint of them."""

    controller: Controller
    folder: Path

    @property
    def ledger(self) -> Path:
        return Path(self.controller.ledger)

    @property
    def vkey(self) -> str:
        return logs.keys(self.controller)[-1].key or ""

    def receipt(self, number: int = 1) -> Receipt:
        """Return the receipt of one record."""
        return receipts.of_record(self.controller, number).receipt

    def opened(self) -> Receipt:
        """The first of the caller's, opened for his number."""
        receipt = receipts.of_caller(self.controller, NUMBER, opened=True)[0]
        assert isinstance(receipt, receipt_maker.RecordReceipt)
        return receipt.receipt


def receipt_by_hand(
    receipt: Receipt,
    committed: Callable[[dict[str, Any]], object] = lambda _: None,
    opened: Callable[[dict[str, Any]], object] = lambda _: None,
) -> bytes:
    """The record of an opened receipt in a log of three entries that `LOG_BY_HAND` signed, without the
    program. `committed` changes what the log commits to, `opened` what the file says."""
    extra = json.loads(receipt.proof.extra)
    extra["facts"] |= {"log": LOG_BY_HAND.name, "record": 1}
    committed(extra)
    record_hash, person_hash = (
        independent.sha256(tag + bytes.fromhex(extra[salt]) + independent.jcs(extra[part]))
        for tag, salt, part in (
            (b"informativa/what/v2\n", "salt_what", "facts"),
            (b"informativa/who/v2\n", "salt_who", "person"),
        )
    )
    entries = [b"informativa/note/v2\n{}", b"informativa/record/v2\n" + record_hash + person_hash, b"other"]
    first, leaf, last = (independent.sha256(b"\0" + entry) for entry in entries)
    root = independent.roots([first, leaf, last], {3})[3]
    text = f"{LOG_BY_HAND.name}\n3\n{base64.b64encode(root).decode()}\n"
    opened(extra)
    return Proof(1, (first, last), sign(text, LOG_BY_HAND), independent.jcs(extra)).data


def page_by_hand(page: ReceiptPage, data: bytes) -> ReceiptPage:
    """The page about that receipt of version 2."""
    receipt = Receipt.parse(data)
    checkpoint = Checkpoint.parse(parse(receipt.proof.checkpoint).text)
    return replace(page, receipt=receipt, checkpoint=checkpoint, key=str(LOG_BY_HAND.verifier))


def cosigned_page(page: ReceiptPage, witness: WitnessSigner, at: int = 1_795_000_000) -> ReceiptPage:
    """The page with a signature of that witness, of 2026-11-18 11:06:40 UTC or of another second."""
    proof = page.receipt.proof
    cosigned = witness.cosign(parse(proof.checkpoint).text, at)
    proof = replace(proof, checkpoint=proof.checkpoint + cosigned.line.encode())
    receipt = replace(page.receipt, proof=proof)
    return replace(page, receipt=receipt, cosignatures=(_claimed_cosignature(cosigned),))


def written_with_proof(page: ReceiptPage, proof: bytes) -> str:
    """Return the page as a file with another proof in it, both times that it stands there."""
    text, old = written(page), page.receipt.proof.data
    old_link, link = (base64.b64encode(data).decode() for data in (old, proof))
    assert old_link in text
    return text.replace(old_link, link).replace(old.decode(), proof.decode())


def with_extra(receipt: Receipt, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The same proof with another opening."""
    extra = json.loads(receipt.proof.extra)
    change(extra)
    return replace(receipt.proof, extra=independent.jcs(extra)).data
