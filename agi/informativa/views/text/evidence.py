"""Proof, for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from rich.progress import MofNCompleteColumn

from ...model import Asks
from ...model.errors import EvidenceError
from ...operations.evidence.logs import Checkpoints, LogKeys
from ...operations.evidence.receipt_files import ReceiptFile, WrittenReceipts
from ...operations.evidence.verifying import Verification, VerifiedReceipt
from ..choice_sentences import ANSWERS, ASKS, options
from ..messages import Language
from ..record_words import KINDS
from ..terminal import progress


@contextmanager
def bar(action: str, say: Language) -> Iterator[Callable[[int, int], None]]:
    """Show the progress of an action, on stderr if that is a terminal."""
    with progress(MofNCompleteColumn()) as bars:
        task = bars.add_task(say(action), total=None)
        yield lambda completed, all_steps: bars.update(task, completed=completed, total=all_steps)


def keys(log_keys: LogKeys, say: Language) -> Iterator[str]:
    """Yield a line for each key, to be given to an auditor as it is."""
    for log_key in log_keys.keys:
        yield log_key.key or say(
            "{id}: no checkpoint was signed yet. Type: informativa evidence checkpoint --controller {id}",
            id=log_key.controller,
        )


def changed_keys(waiting: Iterable[EvidenceError | None], say: Language) -> Iterator[str]:
    """Yield the steps after a change of keys, and why a new key cannot sign yet, if so."""
    yield say(
        "The newest key signs from now on. Give it to your auditors, and to whoever runs your witnesses;"
        " receipts from before hold by the key from before. What is not yet elsewhere goes there with:"
        " informativa evidence publish"
    )
    for error in filter(None, waiting):
        yield say("No checkpoint was signed by it yet: {why}", why=say(error.text))


def signed_lines(checkpoints: Checkpoints, say: Language) -> Iterator[str]:
    """Yield a line for each log."""
    for checkpoint in checkpoints.checkpoints:
        yield say.counted(
            "{id}: {added} new, {size} record signed in all. {folder}",
            "{id}: {added} new, {size} records signed in all. {folder}",
            checkpoint.size,
            id=checkpoint.controller,
            added=checkpoint.added,
            size=checkpoint.size,
            folder=checkpoint.folder / "checkpoint",
        )


def receipts(written: WrittenReceipts, say: Language) -> Iterator[str]:
    """Yield a line for each record, and what to do with the files."""
    if not written.receipts:
        yield say("There is no record of this caller.")
        return
    for receipt in written.receipts:
        yield _receipt_line(receipt, say)
    for key in dict.fromkeys(receipt.key for receipt in written.receipts if receipt.key):
        yield say(
            "Whoever has the key from you checks it with: informativa evidence verify FILE --key {key}",
            key=key,
        )
    if any(receipt.opened for receipt in written.receipts):
        yield say("It shows whose number it is to whoever tries all: keep it like the number.")


def _receipt_line(receipt: ReceiptFile, say: Language) -> str:
    if receipt.file:
        return say("record {number}: {file}", number=receipt.record, file=str(receipt.file))
    return say("record {number}: in no checkpoint yet; wait a minute", number=receipt.record)


def verified(verification: Verification, say: Language, *, about: bool) -> Iterator[str]:
    """Yield the lines of each file; `about`: a caller was given whom all of them must be about."""
    for receipt in verification.receipts:
        yield from verified_receipt(receipt, say)
        if receipt.holds and about:
            yield "  " + say("It is about the number that was given.")


def verified_receipt(receipt: VerifiedReceipt, say: Language) -> Iterator[str]:
    """Yield the facts that a file proves, or the reason why it proves nothing."""
    file = str(receipt.file)
    if receipt.index is None:
        yield say("{file}: PROVES NOTHING. {why}", file=file, why=receipt.problem)
        return
    yield say("{file}: holds.", file=file)
    yield from (f"  {line}" for line in _facts(receipt.facts or {}, say))
    yield "  " + say(
        "Record {index} of {size} in the log {origin}.",
        index=receipt.index,
        size=receipt.size,
        origin=receipt.log,
    )
    for witness in receipt.witnesses:
        yield "  " + say(
            "Seen by the witness {name} on {at:%Y-%m-%d %H:%M} UTC.", name=witness.name, at=witness.at
        )
    if not receipt.witnesses:
        yield "  " + say("No witness: it is the company's own word as of the checkpoint.")
    for remark in receipt.remarks:
        yield "  " + say("To note: {remark}", remark=say(remark))


def _facts(facts: Mapping[str, str | int], say: Language) -> Iterator[str]:
    """Yield the facts that a receipt opens."""
    if "to" in facts or "head" in facts:
        yield from _stated(facts, say)
        return
    yield say("{happened}, line {line}", happened=facts["happened"], line=facts.get("line", "-"))
    if "asks" in facts:
        yield from _question(facts, say)
    else:
        yield _delivered(facts, say)
    if "heard" in facts:
        rate = int(facts["rate"])
        yield say(
            "heard {seconds:.1f} of {length:.1f} s ({ending})",
            seconds=int(facts["heard"]) / rate,
            length=int(facts["length"]) / rate,
            ending=facts["ending"],
        )


def _delivered(facts: Mapping[str, str | int], say: Language) -> str:
    return say(
        "notice {notice}, version {version}, language {language}: {status} ({reason})",
        notice=facts.get("notice", "-"),
        version=facts.get("version", "-"),
        language=facts.get("language", "-"),
        status=facts["status"],
        reason=facts["reason"],
    )


def _question(facts: Mapping[str, str | int], say: Language) -> Iterator[str]:
    """Yield what a caller was asked, by which keys he could answer, and his answer."""
    asks, answer = str(facts["asks"]), str(facts.get("answer", ""))
    yield say(
        "choice {choice}, version {version}, language {language}: {status} ({reason})",
        choice=facts.get("choice", "-"),
        version=facts.get("version", "-"),
        language=facts.get("language", "-"),
        status=facts["status"],
        reason=facts["reason"],
    )
    yield say(
        "asked {asks}: {answer} ({word})",
        asks=say(ASKS[asks]) if asks in ASKS else asks,
        answer=say(ANSWERS[answer]) if answer in ANSWERS else answer,
        word=answer,
    )
    if "options" in facts:
        yield say("the keys: {options}", options=options(str(facts["options"]), say))
    if asks == Asks.CONSENT:
        yield say("for the purpose: {purposes}", purposes=facts.get("purposes", "-"))


def _stated(facts: Mapping[str, str | int], say: Language) -> Iterator[str]:
    """Yield the facts of a record of totals, or of the list of who looked at records."""
    kind = str(facts["kind"])
    yield f"{facts['happened']}, {say(KINDS[kind]) if kind in KINDS else kind}"
    if "to" in facts:
        yield say(
            "entries from {first} to before {end}: {totals}",
            first=facts.get("from", "-"),
            end=facts["to"],
            totals=facts.get("totals", "-"),
        )
    else:
        yield say(
            "{rows} entries, the hash of the newest is {head}",
            rows=facts.get("rows", "-"),
            head=facts["head"],
        )
