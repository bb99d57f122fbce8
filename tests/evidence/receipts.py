"""Receipts of calls that never were."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evidence import independent
from informativa.call.caller import pseudonym
from informativa.config import load
from informativa.evidence import commitment
from informativa.evidence.note import Signer, sign
from informativa.evidence.proof import Proof
from informativa.evidence.receipt import Receipt
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
from informativa.process import erasing, storage
from informativa.prompts.installed import hashed

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
        """One of each kind of record."""
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

    def receipt(self, number: int) -> receipt_maker.RecordReceipt:
        """Return the receipt of one record."""
        return receipts.of_record(self.controller, number)


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


def with_extra(receipt: Receipt, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The same proof with another opening."""
    extra = json.loads(receipt.proof.extra)
    change(extra)
    return replace(receipt.proof, extra=independent.jcs(extra)).data
